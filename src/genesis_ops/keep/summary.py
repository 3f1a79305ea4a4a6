"""The file of a day's summary: filled in from its template, merged with what people wrote, put in its place (runbook).

The program owns its marked parts, the people everything else. The file is replaced whole or not at all, and never
over what somebody saved meanwhile.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from genesis_ops.checks.day import DayEvidence
from genesis_ops.checks.model import Report
from genesis_ops.durable import create, read_whole, sync_directory
from genesis_ops.errors import LockHeld, Refused, typed, write_failed
from genesis_ops.keep.parts import Misplaced, merged, part_of, require_whole
from genesis_ops.report import day_facts, template
from genesis_ops.report.day import told_of
from genesis_ops.report.day_facts import Facts
from genesis_ops.settings import Settings
from genesis_ops.words import visible

TEMPLATE = "config/templates/daily_summary.md.j2"
_OWN = "facts"
_MOST_BYTES = 16 << 20
_MOST_TEMPLATE = 1 << 20
_TRIES = 3


class Template(NamedTuple):
    """A template's text, and its file under the name that a message shows."""

    text: str
    shown: str
    path: Path


def template_in_force(settings: Settings) -> Template:
    """Read the team's own template where there is one, else the one that comes with the program.

    Raises:
        Refused: the team's cannot be read, or is not UTF-8.
    """
    path = settings.root / TEMPLATE
    if not os.path.lexists(path):
        path = Path(template.__file__).parent / "templates" / Path(TEMPLATE).name
    shown = settings.shown(path)
    try:
        raw = read_whole(path, _MOST_TEMPLATE)
        return Template(raw.decode("utf-8-sig"), shown, path)
    except OSError as error:
        message = f"{shown}: the template cannot be read ({error.strerror or error})"
        raise Refused(visible(message), next_command=f"ls -ld {typed(path)}") from None
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise _broken(Template("", shown, path), "it is not UTF-8", line, column) from None


def composed(day: DayEvidence, report: Report, form: Template, clean: Callable[[str], str] = str) -> str:
    """Fill a template in with a day; what it remembers for the next one stands in a part of its own at the end.

    ``clean`` has the last word on the program's text; nothing else gets into a file or onto a screen.

    Raises:
        Refused: the template is wrong, with its line and column.
    """
    before = _remembered(day.settings, day.date - timedelta(days=1))
    now = day_facts.facts(day, report, _remembered(day.settings, day.date))
    try:
        text = template.rendered(form.text, told_of(day, report, now, before))
    except template.TemplateBroken as error:
        raise _broken(form, error.why, error.line, error.column) from None
    text = re.sub(r"\n{3,}", "\n\n", text).strip("\n")
    own = f"<!-- genesis-ops:{_OWN} -->\n{day_facts.written(now)}\n<!-- /genesis-ops:{_OWN} -->\n"
    try:
        require_whole(text)
        require_whole(text := f"{text}\n\n{own}")  # the template may not have the program's last part as well
    except Misplaced as error:
        raise _broken(form, error.why, *_marker(form.text, error.name)) from None
    return clean(text)


def keep(path: Path, text: str) -> None:
    """Merge a summary into its file, which may not exist yet; a file that would stay as it is is not written.

    Raises:
        WriteFailed: it did not reach the disk; the former file is whole.
        Refused: the file is not one that parts could be put into.
        LockHeld: somebody saves the file again and again meanwhile.
    """
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            former = _bytes(path)
            _require_eight_bits(path, former)
            raw = merged(former, text)
            if raw == former or _replaced(path, raw, former):
                return
    except OSError as error:
        raise write_failed(path, error) from error
    raise LockHeld(
        f"{path} was saved by somebody else {_TRIES} times while it was being written",
        notes=("it is theirs, and nothing was changed",),
        next_command="close it in the editor, then genesis-ops daily-summary",
    )


def _replaced(path: Path, raw: bytes, former: bytes | None) -> bool:
    """Put new bytes in the place of the former ones; False if these are no longer there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    create(temporary, raw, like=path)
    try:
        if _bytes(path) != former:
            return False
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)
    return True


def _bytes(path: Path) -> bytes | None:
    try:
        return read_whole(path, _MOST_BYTES)
    except FileNotFoundError:
        return None


def _require_eight_bits(path: Path, raw: bytes | None) -> None:
    if raw is not None and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = f"{path} is UTF-16, into which nothing can be put that is not"
        raise Refused(visible(message), next_command=f"iconv -f UTF-16 -t UTF-8 {typed(path)}")


def _remembered(settings: Settings, of: date) -> Facts | None:
    """Read what a summary remembers of its day; None where there is none, or it is of another day."""
    with suppress(OSError):
        text = read_whole(settings.summary_file(of), _MOST_BYTES).decode("utf-8", "replace")
        found = day_facts.read(part_of(text, _OWN))
        return found if found is not None and found.date == of.isoformat() else None
    return None


def _marker(source: str, name: str) -> tuple[int | None, int | None]:
    """Find the last marker of a part in a template."""
    lines = source.splitlines()
    for number in range(len(lines), 0, -1):
        found = re.search(rf"<!-- /?genesis-ops:{re.escape(name)}(?![a-z0-9-])", lines[number - 1])
        if found is not None:
            return number, found.start() + 1
    return None, None


def _broken(form: Template, why: str, line: int | None, column: int | None) -> Refused:
    place = "".join(f":{number}" for number in (line, column) if number is not None)
    editor = "${EDITOR:-vi}" if line is None else f"${{EDITOR:-vi}} +{line}"
    return Refused(
        visible(f"{form.shown}{place}: {why}"),
        notes=("nothing was written; the program's own template: genesis-ops daily-summary --show-template",),
        next_command=f"{editor} {typed(form.path)}",
    )
