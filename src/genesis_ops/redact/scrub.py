"""Replaces what is secret by a mask, line by line, and leaves every other byte as it is.

A known value is looked for as it would be written: each form of it is made from the value and searched for. What it is
not told, it finds by the look of a key and by the name beside it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby

from genesis_ops.envfile.secret import Secret
from genesis_ops.redact.fragments import fragments
from genesis_ops.redact.ordinary import MASK
from genesis_ops.redact.pem import Block, begins_block, body_in
from genesis_ops.redact.quiet import Sieve
from genesis_ops.redact.shapes import anchors, places
from genesis_ops.redact.spelling import ESCAPED, Core, cores, may_be_spelled, spelled, spelled_places, token_around
from genesis_ops.redact.wrapped import over_lines, through_invisible

_MASKED = MASK.encode("ascii")
_LONGEST_PIECE = 128
_SHORTEST_LINE = 16
_MOST_ROUNDS = 4
_BEFORE_NUMBER = 96
_NEAR = 4


class Scrubber:
    """Takes the secrets out of files, a stretch of whole lines at a time; ``places`` counts what it replaced."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        texts = sorted({piece for secret in secrets for piece in _pieces(secret.reveal())}, key=len, reverse=True)
        self._values = [_Value(text) for text in texts]
        self._raws = tuple(value.raw for value in self._values)
        literal = {form for value in self._values for form in value.literal()}
        self._sieve = Sieve(anchors(), literal, {value.hex for value in self._values})
        self._block = Block()
        self.places = 0

    def new_file(self) -> None:
        """Take it that what follows belongs to another file."""
        self._block = Block()

    def scrub(self, raw: bytes) -> bytes:
        """Replace what is secret in the next whole lines of a file."""
        worth = self._sieve.lines(raw)
        if not worth and not self._block.open:
            return raw
        lines = raw.split(b"\n")
        at = self._block_from(lines, 0)
        for number in worth:
            if number >= at:
                self._mask_over_lines(lines, number)
                lines[number] = self._line(lines[number])
                if self._block.open:
                    at = self._block_from(lines, number + 1)
        return b"\n".join(lines)

    def _with_pieces(self, line: bytes) -> "list[_Value]":
        return [value for value in self._values if value.head in line or (value.tail and value.tail in line)]

    def _mask_over_lines(self, lines: list[bytes], number: int) -> None:
        """Mask what of a value stands in the lines around one that has a piece of it."""
        if not any(value.is_cut_in(lines[number]) for value in self._with_pieces(lines[number])):
            return
        first = max(0, number - _NEAR)
        near = lines[first : number + _NEAR + 1]
        found = sorted(over_lines(near, self._raws))
        for piece, places_in_line in groupby(found, key=lambda place: place.piece):
            spans = [(place.start, place.end) for place in places_in_line]
            lines[first + piece] = self._masked(near[piece], spans)

    def _block_from(self, lines: list[bytes], number: int) -> int:
        """Mask the lines of a private key, and tell which line is the first that is not one of them."""
        while self._block.open and number < len(lines):
            if number == len(lines) - 1 and not lines[number]:
                break  # what stands behind the stretch's last line end is not a line yet
            masked = self._block.masked(lines[number])
            if self._block.open:
                self.places += masked != lines[number]
                lines[number] = masked
                number += 1
        return number

    def _line(self, line: bytes) -> bytes:
        if begins_block(line) and body_in(line) is None and b"-----END" not in line:
            self._block.begin(line)
        for _ in range(_MOST_ROUNDS):
            before, line = line, self._round(line)
            if line == before:
                break
        return line

    def _round(self, line: bytes) -> bytes:
        lower, escapes = line.lower(), len(ESCAPED.findall(line))
        for value in self._values:
            masked = self._masked(line, value.places(line, lower, escapes))
            if masked is not line:
                line, lower, escapes = masked, masked.lower(), len(ESCAPED.findall(masked))
        line = self._masked(line, through_invisible(line, self._raws))
        for value in self._with_pieces(line):
            line = self._masked(line, value.fragments(line))
        line = self._masked(line, ((place.start, place.end) for place in places(line)))
        body = body_in(line)
        return self._masked(line, [body] if body else [])

    def _masked(self, line: bytes, found: Iterable[tuple[int, int]]) -> bytes:
        spans = _joined(span for span in found if line[slice(*span)] != _MASKED)
        if not spans:
            return line
        self.places += len(spans)
        written, at = list[bytes](), 0
        for start, end in spans:
            quote = _quote_needed(line, start, end)
            written += (line[at:start], quote, _MASKED, quote)
            at = end
        return b"".join((*written, line[at:]))


class _Value:
    """One value and its forms; what is dear to make is made when a line first needs it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.raw = text.encode("utf-8", "surrogateescape")
        self._fragments = fragments(text)
        self.head, self.tail = self._fragments.head, self._fragments.tail
        self._latin = _in_latin(text)
        self._wide = tuple(text.encode(name, "surrogatepass") for name in ("utf-16-le", "utf-16-be"))
        self.hex = self.raw.hex().encode("ascii")
        self._cores = cores(text)
        self._spelled: re.Pattern[bytes] | None = None

    def literal(self) -> Iterator[bytes]:
        """Give what a line must have one of, if the value is in it and nothing is escaped."""
        yield self.head
        yield self.head.replace(b" ", b"+")
        if self.tail:
            yield self.tail
        yield from self._latin
        for core in self._cores:
            yield core.anchor

    def places(self, line: bytes, lower: bytes, escapes: int) -> Iterator[tuple[int, int]]:
        """Find where the value stands in a line, in whatever form."""
        if escapes and may_be_spelled(self.raw, line, escapes):
            self._spelled = self._spelled or spelled(self._text)
            yield from spelled_places(self._spelled, line)
        else:
            yield from _all(line, self.raw)
        for latin in self._latin:
            yield from _all(line, latin)
        if b"\0" in line:
            for wide in self._wide:
                yield from _all(line, wide)
        for core in self._cores:
            if core.anchor in line:
                yield from _tokens(line, core)
        yield from _all(lower, self.hex)

    def is_cut_in(self, line: bytes) -> bool:
        """Tell whether a line has a piece of the value without the rest of it."""
        return any(end - start < len(self.raw) for start, end in self._fragments.places(line))

    def fragments(self, line: bytes) -> Iterator[tuple[int, int]]:
        """Find where a piece of the value stands that was cut off or wrapped."""
        return self._fragments.places(line)


def _in_latin(text: str) -> tuple[bytes, ...]:
    """Write a value in Latin-1, where that is another text and can be."""
    try:
        return () if text.isascii() else (text.encode("latin-1"),)
    except UnicodeEncodeError:
        return ()


def _quote_needed(line: bytes, start: int, end: int) -> bytes:
    """Give the quote that a mask needs to stand where JSON has a number, escaped as that of the name before it."""
    match = _compiled(rb"(\\{0,64}\")[ \t]{0,8}:[ \t]{0,8}\Z").search(line, max(0, start - _BEFORE_NUMBER), start)
    is_number = match and _compiled(rb"-?[0-9][0-9.eE+-]*").fullmatch(line, start, end)
    return match[1] if match and is_number and _compiled(rb"[ \t\r]*(?:[,}\]]|\Z)").match(line, end) else b""


def _tokens(line: bytes, core: Core) -> Iterator[tuple[int, int]]:
    at = 0
    while match := core.pattern.search(line, at):
        start, at = token_around(line, *match.span())
        yield start, at


def _all(line: bytes, piece: bytes) -> Iterator[tuple[int, int]]:
    at = line.find(piece)
    while at >= 0:
        yield at, at + len(piece)
        at = line.find(piece, at + len(piece))


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Put places in order, and those that overlap into one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _pieces(text: str) -> Iterator[str]:
    """Cut a text where lines end, and a long one into pieces, each of which is then looked for by itself."""
    for line in {text, *(line.strip("\r") for line in text.split("\n") if len(line) >= _SHORTEST_LINE)}:
        if line and line not in MASK:
            yield from _cut(line) if len(line) > 2 * _LONGEST_PIECE else (line,)


def _cut(text: str) -> Iterator[str]:
    for at in range(0, len(text) - _LONGEST_PIECE, _LONGEST_PIECE):
        last = at + 2 * _LONGEST_PIECE >= len(text)
        yield text[at:] if last else text[at : at + _LONGEST_PIECE]


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)
