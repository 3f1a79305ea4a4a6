"""Which lines of a stretch are worth a look: a log's lines differ from one another in their digits, and hardly else.

Without its digits, a log of a million lines has a hundred different ones. Each is looked at once, for pieces of what is
looked for that are left when its digits are taken away too; all other lines like it share the answer.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

_DIGITS = b"0123456789"
_SHORTEST = 4
_MOST_BYTES = 8 << 20


class Anchors(NamedTuple):
    """What a line must have somewhere to be worth a look: pieces in their case, in any case, or a pattern.

    ``lower`` holds small letters; ``loose`` has to match without the digits.
    """

    cased: frozenset[bytes]
    lower: frozenset[bytes]
    loose: re.Pattern[bytes]


class Sieve:
    """Tells the lines worth a look; it remembers what it has seen, within bounds."""

    def __init__(self, known: Anchors, values: Iterable[bytes] = (), any_case: Iterable[bytes] = ()) -> None:
        values, any_case = set(values), set(any_case)
        self._cased = {*known.cased, *filter(_strong, map(_without_digits, values))}
        self._lower = {*known.lower, *filter(_strong, map(_without_digits, any_case))}
        self._loose = known.loose
        self._exact = {value for value in values if not _strong(_without_digits(value))}
        self._exact_lower = {value for value in any_case if not _strong(_without_digits(value))}
        self._quiet: set[bytes] = set()
        self._loud: set[bytes] = set()
        self._bytes = 0

    def lines(self, stretch: bytes) -> list[int]:
        """Number the lines of a stretch that are worth a look, from 0."""
        bare = stretch.translate(None, _DIGITS).split(b"\n")
        different = set(bare)
        self._judge(different - self._quiet - self._loud)
        found = set() if self._loud.isdisjoint(different) else {n for n, line in enumerate(bare) if line in self._loud}
        found.update(_lines_with(stretch, self._exact))
        if self._exact_lower:
            found.update(_lines_with(stretch.lower(), self._exact_lower))
        self._forget()
        return sorted(found)

    def _judge(self, fresh: set[bytes]) -> None:
        text = b"\n".join(fresh)
        self._bytes += len(text)
        lower_text = text.lower()
        cased = [anchor for anchor in self._cased if anchor in text]
        lower = [anchor for anchor in self._lower if anchor in lower_text]
        loose = self._loose.search(text) is not None
        for line in fresh if cased or lower or loose else ():
            in_lower = line.lower()
            has_piece = any(anchor in line for anchor in cased) or any(anchor in in_lower for anchor in lower)
            if has_piece or (loose and self._loose.search(line)):
                self._loud.add(line)
        self._quiet |= fresh - self._loud

    def _forget(self) -> None:
        if self._bytes > _MOST_BYTES:
            self._quiet.clear()
            self._loud.clear()
            self._bytes = 0


def _without_digits(text: bytes) -> bytes:
    return text.translate(None, _DIGITS)


def _strong(piece: bytes) -> bool:
    return len(piece) >= _SHORTEST


def _lines_with(stretch: bytes, pieces: Iterable[bytes]) -> Iterable[int]:
    for piece in pieces:
        at = stretch.find(piece)
        while at >= 0:
            yield stretch.count(b"\n", 0, at)
            end = stretch.find(b"\n", at)
            at = stretch.find(piece, end) if end >= 0 else -1
