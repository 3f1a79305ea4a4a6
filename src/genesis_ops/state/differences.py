"""What changed between two snapshots, section by section; pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from genesis_ops.state.snapshots import Snapshot

_NAMED = re.compile(r'\s*"?([\w .@-]{1,60}?)"?: (.*)')
_LOG = "runner log"
_AGE = "age"
"""What is another one at every moment."""


class Difference(NamedTuple):
    """Something that stands otherwise in the later snapshot; an empty text stands for what is not there."""

    section: str
    name: str
    before: str
    after: str


def differences(earlier: Snapshot, later: Snapshot) -> tuple[Difference, ...]:
    """Name what changed; a line ``name: value`` changes as such, any other comes and goes.

    Of the end of the log only the newest line counts: it is another one at every moment.
    """
    names = dict.fromkeys(section.name for section in (*earlier.sections, *later.sections))
    return tuple(
        Difference(name, *change)
        for name in names
        for change in _changes(_facts(name, earlier.lines(name)), _facts(name, later.lines(name)))
    )


def _facts(section: str, lines: Sequence[str]) -> Mapping[str, str]:
    """Give each line a name: its own, or itself; of several with one name each is counted."""
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()
    if section == _LOG:
        newest = [line for line in lines if not _is_about_the_file(line)]
        lines = [*filter(_is_about_the_file, lines), *(f"newest line: {line}" for line in newest[-1:])]
    for line in lines:
        named = _NAMED.fullmatch(line)
        name, value = (named[1].strip(), named[2].rstrip(",")) if named else (line, line)
        seen[name] += 1
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = value
    return found


def _is_about_the_file(line: str) -> bool:
    return line.startswith(("file: ", "size: ", "last written: ", "age: ", "not read: ", "none: "))


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys((*before, *after)):
        if name != _AGE and before.get(name) != after.get(name):
            yield name, before.get(name, ""), after.get(name, "")
