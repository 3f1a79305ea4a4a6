"""The record of an operation: JSON lines that are appended as things happen, and that anybody may follow."""

import json
from typing import Any, NamedTuple

from genesis_ops.host.wire import document, read

RUNNING, WAITING, DONE, FAILED = "running", "waiting", "done", "failed"
"""What a step can be in."""

APPLIED, RETURNED, STUCK, DIED = "done", "returned", "stuck", "died"
"""How an operation ends: as wished, as it was before, neither, or (told by who looks) without a word."""


class Begun(NamedTuple):
    """An operation began (``at``: ISO, UTC); ``from_`` and ``to`` are commits, ``steps`` have id and title each."""

    at: str
    id: str
    owner: str
    reason: str
    from_: str
    to: str
    steps: tuple[tuple[str, str], ...]


class Told(NamedTuple):
    """A step as it is now; ``seconds`` since its beginning, ``detail`` one line of what it says."""

    at: str
    id: str
    state: str
    seconds: float
    detail: str


class WayBack(NamedTuple):
    """The way back begins because of a step, or of ``signal``; from here on steps are those of the way back."""

    at: str
    because: str
    steps: tuple[tuple[str, str], ...]


class Evidence(NamedTuple):
    """What shows why something failed: a text of several lines, and what it is."""

    at: str
    name: str
    text: str


class End(NamedTuple):
    """An operation ended; ``next`` are the commands to type where it is stuck."""

    at: str
    verdict: str
    exit_code: int
    next: tuple[str, ...] = ()


Event = Begun | Told | WayBack | Evidence | End
_KINDS: dict[str, type[Event]] = {
    "begun": Begun,
    "step": Told,
    "way-back": WayBack,
    "evidence": Evidence,
    "end": End,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def line(event: Event) -> str:
    """Write an event as one line of ASCII, without its line end."""
    found = document(event)
    return json.dumps({"at": found.pop("at"), "kind": _NAMES[type(event)]} | found)


def event_of(text: str | bytes) -> Event | None:
    """Read a line; None if it is no event, as the half line of a hard stop is none."""
    try:
        found: Any = json.loads(text)
        return read(_KINDS[found.pop("kind")], found)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
