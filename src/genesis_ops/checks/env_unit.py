"""What a unit would get from its environment file, beside what running processes really have; compared, never shown."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from genesis_ops.envfile.parse import Dropped, parse
from genesis_ops.envfile.secret import Secret

_OWN = ("GENESIS_", "BITFINEX_")
"""How names begin that are of interest although the file does not have them."""


class Has(StrEnum):
    """What a process has of a variable, against the file."""

    SAME = "the same"
    OTHER = "another value"
    NONE = "not set"
    MORE = "set, not by the file"
    HIDDEN = "not visible to this user"


class Running(NamedTuple):
    """A process and its environment as it was started; None where this user may not see it."""

    pid: int
    role: str
    environment: Mapping[str, Secret] | None


class Variable(NamedTuple):
    """A variable: its last line in the file and its value, 0 and None where the file does not have it."""

    name: str
    line: int
    value: Secret | None
    has: tuple[Has, ...] = ()
    """What each process has, in their order."""


class Unit(NamedTuple):
    """A file as a unit would get it, and the processes that it was compared with."""

    file: str
    refused: Dropped | None
    dropped: tuple[int, ...]
    """The lines that systemd passes over."""
    variables: tuple[Variable, ...]
    running: tuple[Running, ...]


def unit(file: str, raw: bytes, running: tuple[Running, ...]) -> Unit:
    """Compare a file with what processes have."""
    parsed = parse(raw)
    lines = {assignment.name: assignment.line for assignment in parsed.assignments}
    values = parsed.environment()
    names = dict.fromkeys([*sorted(values, key=lambda name: lines[name]), *sorted(_others(running))])
    variables = tuple(
        Variable(
            name, lines.get(name, 0), values.get(name), tuple(_has(name, values.get(name), each) for each in running)
        )
        for name in names
    )
    return Unit(file, parsed.refused, tuple(drop.line for drop in parsed.ignored), variables, running)


def _others(running: tuple[Running, ...]) -> Iterator[str]:
    for process in running:
        yield from (name for name in process.environment or () if name.startswith(_OWN))


def _has(name: str, value: Secret | None, process: Running) -> Has:
    if process.environment is None:
        return Has.HIDDEN
    if name not in process.environment:
        return Has.NONE
    if value is None:
        return Has.MORE
    return Has.SAME if process.environment[name] == value else Has.OTHER
