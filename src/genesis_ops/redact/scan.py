"""The second look: whether anything secret is left in a text, found by reading it rather than by searching for forms.

It undoes every escape, reads every word as base64 and as hex, and looks for the plain values in what comes out; what
has the look of a key is asked for as well. It never says what it found, only where and of what kind.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from genesis_ops.envfile.secret import Secret
from genesis_ops.redact.decode import INVISIBLE, layers, tokens, within
from genesis_ops.redact.fragments import Fragments, fragments
from genesis_ops.redact.ordinary import MASK
from genesis_ops.redact.pem import bodies, body_in
from genesis_ops.redact.quiet import Sieve
from genesis_ops.redact.shapes import anchors, places
from genesis_ops.redact.wrapped import ENDING, GROUPED, SEPARATED, blocks, guilty, in_groups, over_lines, separated

_STRETCH = 1 << 20
_MOST_KNOWN = 200_000
_MOST_DEPTH = 2
_LONG_TOKEN = 8192
"""How long what was put together may be to be read for what is in base64 twice: that costs a second for a megabyte."""
_VALUE = "value"
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}|\\[^\s\\]|&[#a-zA-Z]|" + INVISIBLE.pattern)
_WRAPPED = (SEPARATED, GROUPED, ENDING)


class Survivor(NamedTuple):
    """A line, counted from 1, and what kind of secret is left in it; never the secret."""

    line: int
    kind: str


def survivors(raw: bytes, secrets: Iterable[Secret]) -> tuple[Survivor, ...]:
    """Look through a whole text for what should not be in it."""
    look = _Look(secret.reveal() for secret in secrets)
    found: set[Survivor] = set()
    line = 1
    for stretch in _stretches(raw):
        found.update(Survivor(line + number, kind) for number, kind in look.stretch(stretch))
        line += stretch.count(b"\n")
    found.update(Survivor(number + 1, "private key") for number in bodies(raw))
    return tuple(sorted(found))


def blotted(raw: bytes, found: Iterable[Survivor]) -> bytes:
    """Mask the whole of each line in which something survived: what is left where no form of it was recognised."""
    lines = raw.split(b"\n")
    for number in {survivor.line - 1 for survivor in found}:
        lines[number] = MASK.encode("ascii") + (b"\r" if lines[number].endswith(b"\r") else b"")
    return b"\n".join(lines)


def _stretches(raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        end = raw.find(b"\n", at + _STRETCH) + 1 or len(raw)
        yield raw[at:end]
        at = end


class _Look:
    def __init__(self, texts: Iterable[str]) -> None:
        self._pieces = tuple(
            piece for text in dict.fromkeys(texts) if text and text not in MASK for piece in _read(text)
        )
        self._values = tuple(piece.value for piece in self._pieces)
        self._heads = tuple(piece.head for piece in self._pieces)
        self._spaced = tuple(value for value in self._values if b" " in value)
        self._known: set[bytes] = set()
        known = anchors()
        looks = b"|".join((known.loose.pattern, *_WRAPPED)) if self._values else known.loose.pattern
        known = known._replace(cased=known.cased | {b"\x1b", b"\xe2\x80"}, loose=re.compile(looks, re.MULTILINE))
        ends = {end for piece in self._pieces for end in (piece.head, piece.tail) if end}
        self._sieve = Sieve(known, ends)

    def stretch(self, text: bytes) -> set[tuple[int, str]]:
        """Look through some lines; they are numbered from 0."""
        found: set[tuple[int, str]] = set()
        if self._has_value(text):
            found.update((number, _VALUE) for value in self._values for number in _numbers(text, value))
        spaced = text.replace(b"+", b" ") if self._spaced else b""
        for value in self._spaced:
            found.update((number, f"{_VALUE}, escaped") for number in _numbers(spaced, value))
        if b"\0" in text and self._has_value(text.replace(b"\0", b"")):
            narrow = text.replace(b"\0", b"")
            found.update((number, f"{_VALUE}, UTF-16") for value in self._values for number in _numbers(narrow, value))
        if self._values:
            found.update(self._tokens(text))
        found.update(self._lines(text))
        return found

    def _has_value(self, text: bytes) -> bool:
        return any(value in text for value in self._values)

    def _has_piece(self, text: bytes) -> bool:
        """Tell whether a value begins in a text that was decoded: it may have been cut before it was encoded."""
        return any(head in text for head in self._heads)

    def _tokens(self, text: bytes) -> Iterator[tuple[int, str]]:
        fresh = tokens(text) - self._known
        guilty = {token for token in fresh if self._in_token(token, _MOST_DEPTH)}
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known |= fresh - guilty
        for token in guilty:
            yield from ((number, f"{_VALUE}, base64 or hex") for number in _numbers(text, token))

    def _in_token(self, token: bytes, depth: int) -> bool:
        return any(self._in_text(text, depth - 1) for text in within(token))

    def _in_text(self, text: bytes, depth: int) -> bool:
        """Tell whether a value is in a text that was decoded, or in what can be decoded in it."""
        if self._has_piece(text):
            return True
        if depth:
            readings = (text, *(layers(text) if self._may_be_escaped(text) else ()))
            return any(
                self._has_piece(reading) or any(self._in_token(token, depth) for token in tokens(reading))
                for reading in readings
            )
        return False

    def _lines(self, text: bytes) -> Iterator[tuple[int, str]]:
        worth = self._sieve.lines(text)
        lines = text.split(b"\n")
        for number in worth:
            yield from ((number, kind) for kind in self._in_line(lines[number]))
        if self._values:
            yield from ((place.piece, f"{_VALUE}, broken") for place in over_lines(lines, self._values))
            yield from ((number, f"{_VALUE}, in pieces") for number in self._in_pieces(lines, worth))

    def _in_pieces(self, lines: list[bytes], worth: Iterable[int]) -> Iterator[int]:
        bare = {number: lines[number].translate(None, b"0123456789") for number in worth}
        separate, grouped, ending = (
            [number for number, line in bare.items() if pattern.search(line)] for pattern in map(_compiled, _WRAPPED)
        )
        for parts in separated(lines, separate):
            whole = list(guilty(parts, self._has_value))
            yield from whole
            yield from guilty(parts, lambda text: self._in_text(text, 1), beyond=0 if whole else 1)
        for parts in blocks(lines, ending):
            whole = list(guilty(parts, lambda token: any(map(self._has_value, within(token)))))
            yield from whole
            yield from guilty(parts, self._is_guilty, beyond=0 if whole else 1)
        yield from (number for number in grouped if any(map(self._is_guilty, in_groups(lines[number]))))

    def _is_guilty(self, token: bytes) -> bool:
        if token in self._known:
            return False
        found = self._in_token(token, _MOST_DEPTH if len(token) < _LONG_TOKEN else 1)
        if not found:
            self._known.add(token)
        return found

    def _in_line(self, line: bytes) -> set[str]:
        kinds = {place.kind for place in places(line)}
        if body_in(line):
            kinds.add("private key")
        if self._values and self._may_be_escaped(line) and self._is_escaped(line):
            kinds.add(f"{_VALUE}, escaped")
        if any(_is_fragment(piece, line) for piece in self._pieces):
            kinds.add(f"fragment of a {_VALUE}")
        return kinds

    def _may_be_escaped(self, text: bytes) -> bool:
        return _ESCAPE.search(text) is not None or (b"+" in text and self._spaced != ())

    def _is_escaped(self, line: bytes) -> bool:
        for read in (line, *layers(line)):
            reading = INVISIBLE.sub(b"", read)
            whole = b"".join(map(bytes.strip, reading.split(b"\n"))) if b"\n" in reading else reading
            if self._has_value(whole) or any(any(piece.places(reading)) for piece in self._pieces):
                return True
            if any(self._in_token(token, 1) for token in _words(reading, whole) - tokens(line) - self._known):
                return True
        return False


def _words(reading: bytes, whole: bytes) -> set[bytes]:
    return tokens(reading) if whole is reading else tokens(reading) | tokens(whole)


def _read(text: str) -> Iterator[Fragments]:
    """Give what to look for of a value, in Latin-1 too where that is another text and can be."""
    yield fragments(text)
    if not text.isascii():
        try:
            yield fragments(text, "latin-1")
        except UnicodeEncodeError:
            return


def _is_fragment(piece: Fragments, line: bytes) -> bool:
    if piece.head not in line and not (piece.tail and piece.tail in line):
        return False
    return any(line[start:end] != piece.value for start, end in piece.places(line))


def _numbers(text: bytes, piece: bytes) -> Iterator[int]:
    at = text.find(piece)
    line, counted = 0, 0
    while at >= 0:
        line += text.count(b"\n", counted, at)
        counted = at
        yield line
        at = text.find(piece, at + len(piece))


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.MULTILINE)
