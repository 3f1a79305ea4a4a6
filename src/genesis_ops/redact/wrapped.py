r"""What stands in pieces: base64 and hex over many lines or in groups, numbers of bytes, values broken over two lines.

``openssl`` breaks base64 after 64 signs, ``xxd`` writes hex in columns, a fingerprint has colons, and a terminal or an
editor breaks a long line. What is one text is put together here, for the look that reads it.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from genesis_ops.redact.decode import INVISIBLE

SEPARATED = (
    rb"(?:x?[A-Fa-f]{0,4}[,;] ?){7}|(?:[A-Fa-f]{0,2}:){7}|(?:[A-Fa-f]{0,2}-){7}|(?:\\?x[A-Fa-f]{0,2} ?){8}"
    rb"|(?<=\S)(?: {1,2}x?[A-Fa-f]{0,8}){4,}(?![A-Za-z])|^(?:x?[A-Fa-f]{0,4} ){7}"
)
GROUPED = rb"[a-z+/][A-Z][A-Za-z+/]{0,64} [A-Za-z+/]{0,64}[a-z+/][A-Z]"
ENDING = rb"[A-Za-z+/]{8}(?:\\[nr]){0,4}[\"',\\ \t]{0,4}\r?$"
"""What a line has without its digits when it can hold a piece of such a text."""

_TAIL = rb"(?<![A-Za-z0-9+/])([A-Za-z0-9+/]{8,}+)={0,2}(?:\\[nr]){0,4}[\"',\\ \t]{0,4}\r?\Z"
_LAST = rb"(?<![A-Za-z0-9+/])([A-Za-z0-9+/]++)={0,2}(?:\\[nr]){0,4}[\"',\\ \t]{0,4}\r?\Z"
_FIRST = rb"[ \t#>|\"']*([A-Za-z0-9+/]+)"
_GROUPS = rb"[A-Za-z0-9+/]{3,}(?: [A-Za-z0-9+/]{3,}){1,}(?: [A-Za-z0-9+/]{1,})?"
_ADDRESS = rb"(?:^|(?<=[\s'\"]))[0-9A-Fa-f]{7,8}(?:: | {2})"
_HEX = rb"(?<![0-9A-Za-z])(?:0[xX])?(?:[0-9A-Fa-f]{2}){1,4}(?:%b(?:0[xX])?(?:[0-9A-Fa-f]{2}){1,4})*(?![0-9A-Za-z])"
_BETWEEN_HEX = (rb"(?:[,;] ?|[:-]| {1,2})", rb"(?:[,;] ?|[ :-])")
_NUMBERS = rb"(?<![0-9.])[0-9]{1,3}(?:(?:[,;] ?| )[0-9]{1,3})*(?:[,;](?=[ \r]*\Z))?(?![0-9.])"
_MOST_BYTE = 255
_EDGE = b" \t\r\\>|#"


class Part(NamedTuple):
    """What a line, counted from 0, has of a longer text."""

    line: int
    text: bytes


class Place(NamedTuple):
    """Which stretch of a piece, counted from 0, belongs to a value that goes on in another."""

    piece: int
    start: int
    end: int


def blocks(lines: Sequence[bytes], worth: Iterable[int]) -> Iterator[list[Part]]:
    """Give the base64 that goes over several lines, each block with either reading of the line that ends it."""
    taken = -1
    candidates = set(worth)
    for number in sorted(candidates):
        if number <= taken:
            continue
        parts = list[Part]()
        taken = number
        while taken < len(lines) and taken in candidates and (tail := _search(_TAIL, lines[taken])):
            parts.append(Part(taken, tail))
            taken += 1
        after = lines[taken] if taken < len(lines) else b""
        ends = {_search(_FIRST, after, at_start=True), _search(_LAST, after)} - {b""}
        for end in sorted(ends) if parts else ():
            yield [*parts, Part(taken, end)]
        if len(parts) > 1 and not ends:
            yield parts
        taken -= 1


def in_groups(line: bytes) -> Iterator[bytes]:
    """Give the words of a line that stand in groups, with a blank between them, as one word each."""
    for match in _compiled(_GROUPS).finditer(line):
        yield match[0].replace(b" ", b"")


def separated(lines: Sequence[bytes], worth: Iterable[int]) -> Iterator[list[Part]]:
    """Give the bytes that are written by their numbers, put together over all lines that follow one another."""
    near = sorted({near for number in worth for near in (number, number + 1) if near < len(lines)})
    runs = list[list[int]]()
    for number in near:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    for run in runs:
        for decode in _DECODERS:
            read = [(number, decode(lines[number])) for number in run]
            yield [Part(number, b"\n".join(found)) for number, found in read if found]
            yield [Part(number, max(found, key=len)) for number, found in read if found]


def guilty(parts: Sequence[Part], is_guilty: Callable[[bytes], bool], beyond: int = 0) -> Iterator[int]:
    """Give the lines that are needed for what a text must not hold, as few as can be, and so many beyond them."""
    at = 0
    while at < len(parts) and is_guilty(_text(parts[at:])):
        end = at + _fewest(lambda count: is_guilty(_text(parts[at : at + count])), len(parts) - at)  # noqa: B023 - at once
        begin = end - _fewest(lambda count: is_guilty(_text(parts[end - count : end])), end - at)  # noqa: B023 - at once
        yield from (part.line for part in parts[begin : end + beyond])
        at = end if begin == end - 1 else end - 1


def over_lines(lines: Sequence[bytes], values: Iterable[bytes]) -> Iterator[Place]:
    """Give where a value is broken over lines, whatever indents the next."""
    own = [line.strip(_EDGE) for line in lines]
    for place in _broken(own, values):
        indent = len(lines[place.piece]) - len(lines[place.piece].lstrip(_EDGE))
        yield place._replace(start=place.start + indent, end=place.end + indent)


def through_invisible(line: bytes, values: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    """Give where a value stands in a line with a colour or something else in its middle that nobody sees."""
    hidden = [match.span() for match in INVISIBLE.finditer(line)]
    edges = list(pairwise([0, *(edge for span in hidden for edge in span), len(line)]))[::2] if hidden else []
    for place in _broken([line[start:end] for start, end in edges], values):
        yield edges[place.piece][0] + place.start, edges[place.piece][0] + place.end


def _broken(pieces: Sequence[bytes], values: Iterable[bytes]) -> Iterator[Place]:
    if len(pieces) < 2:  # noqa: PLR2004 - what is in one piece is not broken
        return
    whole = b"".join(pieces)
    starts: list[int] = []
    for value in values:
        at = whole.find(value)
        while at >= 0:
            starts = starts or list(accumulate(map(len, pieces), initial=0))
            first, last = bisect_right(starts, at) - 1, bisect_right(starts, at + len(value) - 1) - 1
            for number in range(first, last + 1) if first != last else ():
                start, end = max(at - starts[number], 0), min(at + len(value) - starts[number], len(pieces[number]))
                if start < end:
                    yield Place(number, start, end)
            at = whole.find(value, at + 1)


def _fewest(holds: Callable[[int], bool], most: int) -> int:
    """Find the smallest count for which something holds, given that it holds for the most and stays so."""
    high = 1
    while high < most and not holds(high):
        high *= 2
    low, high = high // 2 + 1, min(high, most)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high


def _text(parts: Sequence[Part]) -> bytes:
    return b"".join(part.text for part in parts)


def _search(pattern: bytes, line: bytes, *, at_start: bool = False) -> bytes:
    match = _compiled(pattern).match(line) if at_start else _compiled(pattern).search(line)
    return match[1] if match else b""


def _hex(line: bytes, between: bytes) -> list[bytes]:
    line = _compiled(_ADDRESS).sub(b"", line.replace(b"\\x", b"0x"))
    runs = (match[0] for match in _compiled(_HEX % between).finditer(line))
    digits = (_compiled(rb"0[xX](?=[0-9A-Fa-f]{2})|[^0-9A-Fa-f]").sub(b"", run) for run in runs)
    return [bytes.fromhex(run.decode("ascii")) for run in digits if len(run) % 2 == 0]


def _numbers(line: bytes) -> list[bytes]:
    runs = (_compiled(rb"[0-9]+").findall(match[0]) for match in _compiled(_NUMBERS).finditer(line))
    return [bytes(number for number in map(int, run) if number <= _MOST_BYTE) for run in runs]


_DECODERS: tuple[Callable[[bytes], list[bytes]], ...] = (
    lambda line: _hex(line, _BETWEEN_HEX[0]),
    lambda line: _hex(line, _BETWEEN_HEX[1]),
    _numbers,
)


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)
