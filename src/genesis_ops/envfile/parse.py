"""What systemd gives to a service from its ``EnvironmentFile=`` (contract §1)."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from genesis_ops.envfile.grammar import Form, Statement, statements
from genesis_ops.envfile.secret import Secret

EXCHANGE_KEYS = ("BITFINEX_API_KEY", "BITFINEX_API_SECRET")
"""What the API needs to place orders at the exchange."""

_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_NONCHARACTER = re.compile(
    f"[\ufdd0-\ufdef{''.join(f'{chr(n | 0xFFFE)}{chr(n | 0xFFFF)}' for n in range(0, 17 << 16, 1 << 16))}]"
)


class Assignment(NamedTuple):
    """A key that reaches the service; ``raw[start:end]`` is its text in the file."""

    name: str
    value: Secret
    line: int
    last_line: int
    quoted: bool
    start: int
    end: int


class Dropped(NamedTuple):
    """A line that systemd passes over, or stops at, and why; the sentence quotes nothing from the line."""

    line: int
    why: str


class Parsed(NamedTuple):
    """A file as systemd takes it: where ``refused`` is set it takes nothing, and the unit does not start."""

    assignments: tuple[Assignment, ...]
    ignored: tuple[Dropped, ...]
    refused: Dropped | None = None

    def environment(self) -> dict[str, Secret]:
        """Give each key with the value that counts, which is its last."""
        return {assignment.name: assignment.value for assignment in self.assignments}


def parse(raw: bytes) -> Parsed:
    """Read any bytes as systemd does."""
    if (at := raw.find(b"\0")) >= 0:
        return Parsed((), (), Dropped(raw.count(b"\n", 0, at) + 1, "a NUL byte: systemd refuses the whole file"))
    taken: list[Assignment] = []
    ignored: list[Dropped] = []
    for statement in statements(raw):
        if refuses(statement):
            return Parsed((), (), Dropped(statement.line, "not UTF-8: systemd refuses the whole file"))
        if why := _why_dropped(statement):
            ignored.append(Dropped(statement.line, why))
        elif statement.form is Form.ASSIGNMENT:
            taken.append(_assignment(statement))
    return Parsed(tuple(taken), tuple(ignored))


def required(raw: bytes, names: Iterable[str] = EXCHANGE_KEYS) -> tuple[str, ...]:
    """Name the wanted keys that are missing, or have nothing but white space as their value, as systemd sees it."""
    environment = parse(raw).environment()
    return tuple(name for name in names if name not in environment or not environment[name].reveal().strip())


def name_of(statement: Statement) -> bytes:
    """Give the name as systemd reads it: without the white space before '='."""
    return statement.key.rstrip(b" \t")


def is_name(name: bytes) -> bool:
    """Tell whether systemd takes a variable of that name."""
    return _NAME.fullmatch(name) is not None


def refuses(statement: Statement) -> bool:
    """Tell whether systemd refuses the whole file because of this statement."""
    if statement.form is not Form.ASSIGNMENT or (statement.key.isascii() and statement.text.isascii()):
        return False
    return not (_is_text(name_of(statement)) and _is_text(statement.value()))


def _is_text(value: bytes) -> bool:
    """Tell whether systemd takes it for UTF-8; it is stricter than Python and refuses the noncharacters too."""
    try:
        return _NONCHARACTER.search(value.decode("utf-8")) is None
    except UnicodeDecodeError:
        return False


def _why_dropped(statement: Statement) -> str:
    if statement.form is Form.ASSIGNMENT and not is_name(name_of(statement)):
        return "what stands before '=' is not a name"
    return "there is no '=' in it" if statement.form is Form.TEXT else ""


def _assignment(statement: Statement) -> Assignment:
    return Assignment(
        name_of(statement).decode("ascii"),
        Secret(statement.value().decode("utf-8")),
        statement.line,
        statement.last_line,
        statement.text.lstrip(b" \t")[:1] in {b"'", b'"'},
        statement.start,
        statement.end,
    )
