"""What a reader of a ``.env`` file makes of it, stretch by stretch: one form for a shell and for python-dotenv."""

from typing import NamedTuple

from genesis_ops.envfile.parse import Dropped
from genesis_ops.envfile.secret import Secret


class Item(NamedTuple):
    """A key, or a stretch of lines that gives none; lines are counted from 1 by their newline.

    ``value`` is None where the key gets none, for the reason ``why``; ``open`` tells that nobody can know it without
    running the file; ``unset`` that it loses the one it had. ``comment`` is what stands behind the value and is no
    part of it.
    """

    line: int
    last_line: int
    name: str = ""
    value: Secret | None = None
    why: str = ""
    open: bool = False
    unset: bool = False
    comment: str = ""


class Reading(NamedTuple):
    """A file as a reader takes it, without its comments and empty lines.

    ``ends`` is the line from which on nothing is read; where ``unsure``, what follows it cannot be told.
    """

    items: tuple[Item, ...]
    ends: Dropped | None = None
    unsure: bool = False

    def environment(self) -> dict[str, Item]:
        """Give each key with what counts, which is its last."""
        last = {item.name: item for item in self.items if item.value is not None or item.open or item.unset}
        return {name: item for name, item in last.items() if name and not item.unset}

    def passed_over(self) -> dict[str, Item]:
        """Give each key that stands in the file and gets no value, with the reason."""
        return {item.name: item for item in self.items if item.name and item.value is None and not item.open}
