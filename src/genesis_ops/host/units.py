"""The unit files that come along, filled in for one host (systemd.unit(5), quoting as in systemd.syntax(7))."""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple
from urllib.parse import urlsplit

from genesis_ops.checks.units import HEAD
from genesis_ops.errors import Refused
from genesis_ops.settings import Settings
from genesis_ops.words import visible

LIVE_PAPER = "genesis-runner.service.d/live-paper.conf"
"""The drop-in that makes orders of what the runner would have ordered; it is written for who asks for it alone."""

STARTED = (
    *("genesis-paper.service", "genesis-runner.service", "genesis-stop-check.timer", "genesis-snapshot.timer"),
    *("genesis-daily-summary.timer", "genesis-daily-summary-yesterday.timer", "genesis-metrics.timer"),
)
"""What starts with the machine once it is enabled."""

ACCEPTANCE = "genesis-acceptance@.service"
"""What a scheduled acceptance runs."""

_API_PORT = 8000
_HARDENING = "hardening.inc"
_WORDS = frozenset({"ExecStart", "ExecStartPre", "Environment", "ReadWritePaths"})
"""What is split at spaces and unquoted; the other settings take their whole line."""
_HOMES = ("/home/", "/root/", "/run/user/")
# % begins a specifier, $ a variable, and *?[ a pattern in EnvironmentFile=; quotes and backslashes are syntax.
_IMPOSSIBLE = re.compile(r"""[%$"'\\*?\[\]]""")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_SUM = re.compile(rf"{HEAD}([0-9a-f]{{16}})\. .*\n")


class Place(NamedTuple):
    """What the units of a host are filled in with; ``writes`` are the directories that the runner writes in."""

    root: str
    user: str
    program: str
    port: int
    writes: tuple[str, ...]


def place(settings: Settings, user: str | None = None, program: str | None = None) -> Place:
    """Fill in what the settings say of this host; a user or a program that is None is the settings' own.

    Raises:
        Refused: one of the values cannot stand in a unit's file.
    """
    logs = settings.root / "logs"
    wanted = (settings.log_dir, settings.state_file.parent, settings.lock_dir or logs)
    beside = dict.fromkeys(str(path) for path in wanted if not path.is_relative_to(logs))
    found = Place(
        str(settings.root),
        settings.remote_user if user is None else user,
        settings.remote_program if program is None else program,
        urlsplit(settings.api_url).port or _API_PORT,
        (str(logs), *beside),
    )
    _require(found)
    return found


def names(*, live_paper: bool = False) -> tuple[str, ...]:
    """Name the files, in the order in which they are shown."""
    found = sorted(each.name for each in _folder().iterdir() if each.name.endswith((".service", ".timer")))
    return (*found, LIVE_PAPER) if live_paper else tuple(found)


def text(name: str, values: Place) -> str:
    """Write a unit's file; the first line has a sum over the rest, so that a person's change shows."""
    lines = (filled for line in _template(name).splitlines() for filled in _lines(line, values))
    body = "".join(f"{line}\n" for line in lines)
    note = "Changes of your own belong into a drop-in: systemctl edit."
    return f"{HEAD}{_sum(body)}. {note}\n{body}"


def is_own(found: str) -> bool:
    """Tell whether a file is as some version of this program wrote it."""
    head = _SUM.match(found)
    return head is not None and head[1] == _sum(found[head.end() :])


def _sum(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _folder() -> Traversable:
    return files("genesis_ops.host") / "systemd"


@cache
def _template(name: str) -> str:
    return _folder().joinpath(name).read_text("utf-8")


def _lines(line: str, values: Place) -> Iterator[str]:
    if line == "@hardening@":
        yield from (_filled(each, values) for each in _template(_HARDENING).splitlines())
    else:
        yield _filled(line, values)


def _filled(line: str, values: Place) -> str:
    key, equals, value = line.partition("=")
    if key not in _WORDS:
        return _put_in(line, values)
    words = (quoted(word) for each in value.split(" ") for word in _expanded(each, values))
    return f"{key}{equals}{' '.join(words)}"


def _expanded(word: str, values: Place) -> tuple[str, ...]:
    """Give a word its values; a directory that is not there is for the program to complain of, not for systemd (-)."""
    return tuple(f"-{path}" for path in values.writes) if word == "-@writes@" else (_put_in(word, values),)


def _put_in(text: str, values: Place) -> str:
    known = {"root": values.root, "user": values.user, "program": values.program, "port": str(values.port)}
    known["home"] = "read-only" if _is_in_a_home(values) else "yes"
    return re.sub(r"@(root|user|program|port|home)@", lambda found: known[found[1]], text)


def quoted(word: str) -> str:
    """Quote a word that has a space in it (systemd.syntax(7))."""
    return f'"{word}"' if " " in word else word


def _is_in_a_home(values: Place) -> bool:
    return any(path.startswith(_HOMES) for path in (values.root, values.program, *values.writes))


def _require(values: Place) -> None:
    if not _USER.fullmatch(values.user):
        raise _refused("the user", values.user, "is no user's name")
    for what, path in (("the root", values.root), ("the program", values.program)):
        require_path(what, path)
    for path in values.writes:
        require_path("a directory that the runner writes in", path)


def require_path(what: str, path: str) -> None:
    """Make sure that a unit's file gives a path no second meaning.

    Raises:
        Refused: it could.
    """
    if not path.startswith("/"):
        raise _refused(what, path, "is no absolute path")
    if not path.isprintable() or path != path.strip() or _IMPOSSIBLE.search(path):
        raise _refused(what, path, "holds a character that a unit's file gives another meaning")


def _refused(what: str, value: str, why: str) -> Refused:
    return Refused(
        f"{what} '{visible(value)}' {why}",
        notes=("nothing was written",),
        next_command="genesis-ops config show      then: genesis-ops units install --help",
    )
