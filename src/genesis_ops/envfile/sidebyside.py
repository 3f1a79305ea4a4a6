"""The keys of a ``.env`` file that systemd, a shell and python-dotenv do not read alike, a row each."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from genesis_ops.envfile import dotenv, shell
from genesis_ops.envfile.grammar import Form, Statement, statements
from genesis_ops.envfile.kinds import shown
from genesis_ops.envfile.parse import Dropped, is_name, name_of, parse
from genesis_ops.envfile.reading import Item, Reading
from genesis_ops.envfile.secret import Secret

READERS = ("systemd", "a shell", "dotenv")
"""Who reads a row, in its order."""

_BOM = "\ufeff"


class Told(NamedTuple):
    """What a reader makes of a key: its value, or why it has none; ``open`` where only running the file would tell."""

    value: Secret | None
    why: str = ""
    open: bool = False


class Row(NamedTuple):
    """A key that is not read alike, or that no service gets; the name is empty where it may be part of a secret."""

    line: int
    name: str
    told: tuple[Told, Told, Told]


def systemd(raw: bytes) -> Reading:
    """Read any bytes as systemd does, in the same words as the other two readers have."""
    parsed = parse(raw)
    if parsed.refused:
        return Reading((), Dropped(1, "it refuses the file"))
    taken = {assignment.start: assignment for assignment in parsed.assignments}
    items: list[Item] = []
    for statement in statements(raw):
        if found := taken.get(statement.start):
            items.append(Item(found.line, found.last_line, found.name, found.value))
        elif statement.form is not Form.COMMENT:
            why = "the line is dropped"
            items.append(Item(statement.line, statement.last_line, _meant(statement), why=why))
    return Reading(tuple(items))


def rows(raw: bytes) -> tuple[Row, ...]:
    """Compare the three readings, and give what differs or is lost, in the order of the lines."""
    readings = (systemd(raw), shell.read(raw), dotenv.read(raw))
    known = tuple(reading.environment() for reading in readings)
    passed = tuple(reading.passed_over() for reading in readings)
    lines = _lines((*known, *passed))
    meant = {_meant(statement) for statement in statements(raw) if statement.form is Form.ASSIGNMENT}
    wanted = meant.union(*known)
    found = (_row(name, line, readings, known, passed) for name, line in lines.items() if name in wanted)
    return tuple(sorted((row for row in found if _differs(row) or _is_lost(row)), key=lambda row: row.line))


def _meant(statement: Statement) -> str:
    """Give the key that a line was to set, whatever keeps systemd from it; empty where it cannot be one."""
    name = name_of(statement).removeprefix(_BOM.encode())
    first, *rest = name.split(maxsplit=1) or [b""]
    name = rest[0] if first == b"export" and rest else name.strip(b" \t")
    return name.decode("ascii") if is_name(name) else ""


def _lines(groups: Iterable[Mapping[str, Item]]) -> dict[str, int]:
    """Name every key with the line on which the first reader that knows it has it."""
    found: dict[str, int] = {}
    for name, item in chain.from_iterable(group.items() for group in groups):
        found.setdefault(name, item.line)
    return found


def _row(
    name: str,
    line: int,
    readings: tuple[Reading, ...],
    known: tuple[Mapping[str, Item], ...],
    passed: tuple[Mapping[str, Item], ...],
) -> Row:
    a, b, c = (
        _told(name, line, reading, has, lacks) for reading, has, lacks in zip(readings, known, passed, strict=True)
    )
    # 'abcdef==' is the end of a broken secret rather than a key
    values = [each.value.reveal() for each in (a, b, c) if each.value is not None]
    broken = "_" not in name and all(value.startswith("=") or not value.strip() for value in values)
    return Row(line, "" if broken and values else shown(name.encode("utf-8", "surrogateescape")), (a, b, c))


def _told(name: str, line: int, reading: Reading, known: Mapping[str, Item], passed: Mapping[str, Item]) -> Told:
    end = reading.ends
    if item := known.get(name):
        return Told(item.value, item.why, item.open)
    if end is not None and end.line <= line:
        return Told(None, f"not known after line {end.line}" if reading.unsure else end.why, reading.unsure)
    return Told(None, passed[name].why if name in passed else "not set")


def _is_lost(row: Row) -> bool:
    return row.told[0].value is None


def _differs(row: Row) -> bool:
    if any(told.open for told in row.told):
        return True
    return len({told.value for told in row.told}) > 1
