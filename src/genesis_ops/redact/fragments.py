"""Pieces of a known value: a text is often cut before it is cleaned, or wrapped, and a piece of a key is bad enough.

A piece counts only where it tells something: the beginning of a passphrase may be a word that stands in any log.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from genesis_ops.redact.ordinary import MASK, begins_or_ends_word, is_word

_SHORTEST, _SHORTEST_OF_SHORT = 12, 8
_LONG_VALUE = 24
_TELLS_BY_LENGTH = 16
_BEFORE_WORD = (b" ", b"\t", b"\n", b"\r", b'"', b"'", b"`", b"...", "\u2026".encode())
_PARTS = re.compile(r"[-_./:,\s]+|(?<=[a-z])(?=[A-Z])")
_LIKE_A_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_CLASSES = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())


class Fragments(NamedTuple):
    """What is looked for of one value: what begins like it anywhere, and what ends like it where a word begins."""

    value: bytes
    head: bytes
    """The shortest beginning that tells something; the whole value where no shorter one does."""
    tail: bytes
    """The shortest end that does; nothing where the value is short."""

    def places(self, line: bytes) -> Iterator[tuple[int, int]]:
        """Find the longest pieces that stand in a line, the whole value among them."""
        at = line.find(self.head)
        while at >= 0:
            end = at + self._same(line[at : at + len(self.value)])
            yield at, end
            at = line.find(self.head, end)
        at = line.find(self.tail) if self.tail else -1
        while at >= 0:
            end = at + len(self.tail)
            start = end - _common(line[max(0, end - len(self.value)) : end][::-1], self.value[::-1])
            begin = _begins_word(line, start, at)
            if begin is not None:
                yield begin, end
            at = line.find(self.tail, end)

    def _same(self, text: bytes) -> int:
        length = _common(text, self.value)
        while length > len(self.head) and length < len(text) and text[length] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8
            length -= 1  # half of a character is left to what stands there
        return length


@lru_cache(maxsize=256)  # every text of a summary is looked through for the same few values
def fragments(text: str, encoding: str = "utf-8") -> Fragments:
    """Tell what to look for so that no telling piece of a value is passed over."""
    shortest = _SHORTEST if len(text) >= _LONG_VALUE else _SHORTEST_OF_SHORT
    lengths = range(shortest, len(text)) if "\n" not in text else range(0)
    head = next((text[:length] for length in lengths if _tells(text[:length], -1)), text)
    ends = (text[-length:] for length in lengths if len(text) >= _LONG_VALUE)
    tail = next((end for end in ends if _tells(end, 0)), "")
    value, head_bytes, tail_bytes = (part.encode(encoding, "surrogateescape") for part in (text, head, tail))
    return Fragments(value, head_bytes, tail_bytes)


def _common(text: bytes, other: bytes) -> int:
    """Count the bytes with which both texts begin."""
    shorter = min(len(text), len(other))
    return next((at for at in range(shorter) if text[at] != other[at]), shorter)


def _begins_word(line: bytes, start: int, last: int) -> int | None:
    """Give the first place from ``start`` to ``last`` at which a line or a word begins, or what was cut goes on."""
    return next(
        (at for at in range(start, last + 1) if at == 0 or line[max(0, at - 3) : at].endswith(_BEFORE_WORD)), None
    )


def _tells(piece: str, cut: int) -> bool:
    """Tell whether a piece is more than words; the part of it at ``cut`` may be half of one."""
    if piece in MASK:
        return False
    parts = [part for part in _PARTS.split(piece) if part]
    broken = parts.pop(cut) if parts else ""
    rest = [part for part in parts if not is_word(part)]
    rest += [] if begins_or_ends_word(broken) else [broken.lower() if broken.istitle() else broken]
    if not rest or len(piece) >= _TELLS_BY_LENGTH:
        return bool(rest)
    text = "".join(part.lower() if _LIKE_A_WORD.fullmatch(part) else part for part in rest)
    return sum(any(map(belongs, text)) for belongs in _CLASSES) > 1
