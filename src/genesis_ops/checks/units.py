"""Are the units' files as this version would write them, and has systemd read them as they are."""

import difflib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from genesis_ops import __version__
from genesis_ops.checks.model import Check, Outcome, Place, Report, Result, judge
from genesis_ops.checks.wording import count
from genesis_ops.clients.units import without_values
from genesis_ops.errors import typed
from genesis_ops.words import visible

HEAD = "# Written by genesis-ops units install, sum "
"""How the first line begins of what this program wrote; it differs wherever anything does."""


class UnitFile(NamedTuple):
    """A unit's file as it is (``found`` None: there is none) and as it would be written.

    ``own`` is whether it is as some version of this program wrote it, ``link`` where a symbolic link leads,
    ``drop_ins`` are the names of what changes it from outside, ``stale`` is whether systemd has not read it yet.
    """

    name: str
    path: Path
    wanted: str
    found: str | None = None
    fault: str = ""
    link: str = ""
    own: bool = False
    drop_ins: tuple[str, ...] = ()
    stale: bool = False

    @property
    def masked(self) -> bool:
        """Whether a person has put the unit out of reach (systemctl mask)."""
        return self.link == "/dev/null"

    @property
    def same(self) -> bool:
        """Whether nothing is to be written."""
        return self.found == self.wanted and not self.link and not self.fault

    @property
    def by_hand(self) -> bool:
        """Whether what is there is a person's work, which nothing replaces unasked."""
        return self.found is not None and not self.same and (not self.own or bool(self.link))


class Changed(NamedTuple):
    """A line that would go (``-``) or come (``+``), and its number in its file."""

    sign: str
    number: int
    text: str


def changes(file: UnitFile) -> tuple[Changed, ...]:
    """Tell what would change, without the values that a person has put into the environment, which may be secret."""
    found = _changes((file.found or "").splitlines(), file.wanted.splitlines())
    return tuple(each for each in found if not each.text.startswith(HEAD))


def _changes(found: list[str], wanted: list[str]) -> Iterator[Changed]:
    shown = list(without_values("\n".join(found)))
    ours = set(wanted)
    for kind, old, old_end, new, new_end in difflib.SequenceMatcher(None, found, wanted, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for i in range(old, old_end):
            yield Changed("-", i + 1, found[i] if found[i] in ours else shown[i])
        yield from (Changed("+", i + 1, wanted[i]) for i in range(new, new_end))


def as_written(file: UnitFile, _: object = None) -> Result:
    """Ask whether one file is as it would be written."""
    install = f"sudo genesis-ops units install --only {file.name}"
    if file.fault:
        return Result(Outcome.UNKNOWN, f"it cannot be read: {visible(file.fault)}", remedy=f"ls -ld {typed(file.path)}")
    if file.masked:
        return Result(Outcome.FAIL, "it is masked", remedy=f"sudo systemctl unmask {file.name}")
    if file.found is None:
        return Result(Outcome.FAIL, "it is not there", "absent", "as written", remedy=install)
    if not file.same:
        return _other(file, install)
    told = visible(f"as written{_with(file.drop_ins)}")
    if file.stale:
        return Result(Outcome.WARN, f"{told}; systemd has not read it yet", remedy="sudo systemctl daemon-reload")
    return Result(Outcome.PASS, told, 0, 0)


def _other(file: UnitFile, install: str) -> Result:
    found = changes(file)
    places = tuple(Place(file.name, each.number, f"{each.sign} {each.text}") for each in found)
    who = "changed by hand" if file.by_hand else "written by another version or for another place"
    linked = visible(f", a link to {file.link}") if file.link else ""
    detail = visible(f"{who}{linked}: {count(len(found), 'line')} differ{_with(file.drop_ins)}")
    remedy = f"sudo systemctl edit {file.name}      for changes of your own, and then: {install} --yes"
    return Result(Outcome.FAIL, detail, len(found), 0, places, remedy if file.by_hand else install)


def _with(drop_ins: tuple[str, ...]) -> str:
    return f", with {', '.join(drop_ins)}" if drop_ins else ""


def units_diff(files: tuple[UnitFile, ...], directory: str, now_ms: int, notes: tuple[str, ...] = ()) -> Report:
    """Judge every file (``now_ms``: by this host's clock)."""
    checks = tuple(Check(file.name, file.name, partial(as_written, file)) for file in files)
    return Report(
        command="units diff",
        subject=visible(f"{directory}, against genesis-ops {__version__}"),
        market="",
        generated_ms=now_ms,
        checks=judge(checks, None, str),
        notes=tuple(map(visible, notes)),
    )
