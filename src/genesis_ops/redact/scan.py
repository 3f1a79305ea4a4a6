"""The second look: whether anything secret is left in a text, found by reading it rather than by searching for forms.

It undoes every escape, reads every word as base64 and as hex, and looks for the plain values in what comes out; what
has the look of a key is asked for as well. It never says what it found, only where and of what kind.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from genesis_ops.envfile.secret import Secret
from genesis_ops.redact.decode import layers, tokens, within
from genesis_ops.redact.ordinary import MASK
from genesis_ops.redact.pem import body_in
from genesis_ops.redact.quiet import Sieve
from genesis_ops.redact.shapes import anchors, places

_STRETCH = 1 << 20
_MOST_KNOWN = 200_000
_MOST_DEPTH = 2
_VALUE = "value"
_BLOCK = re.compile(
    rb"-----BEGIN[A-Z0-9 ]{1,40}PRIVATE KEY(?: BLOCK)?-----[^\n]{0,8}\n"
    rb"(?:[^\n]{0,8}[A-Za-z-]{4,24}: [^\n]{0,200}\n){0,4}"
    rb"(?:[ \t#>|+-]{0,8}\r?\n)?[ \t#>|+\"'-]{0,8}[A-Za-z0-9+/=]{16}",
)
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}|\\[^\s\\]|&[#a-zA-Z]")


class Survivor(NamedTuple):
    """A line, counted from 1, and what kind of secret is left in it; never the secret."""

    line: int
    kind: str


def survivors(raw: bytes, secrets: Iterable[Secret]) -> tuple[Survivor, ...]:
    """Look through a whole text for what should not be in it."""
    look = _Look(tuple(secret.reveal().encode("utf-8", "surrogateescape") for secret in secrets))
    found: set[Survivor] = set()
    line = 1
    for stretch in _stretches(raw):
        found.update(Survivor(line + number, kind) for number, kind in look.stretch(stretch))
        line += stretch.count(b"\n")
    found.update(Survivor(raw.count(b"\n", 0, match.start()) + 1, "private key") for match in _blocks(raw))
    return tuple(sorted(found))


def blotted(raw: bytes, found: Iterable[Survivor]) -> bytes:
    """Mask the whole of each line in which a known value survived: what is left where no form of it was recognised."""
    lines = raw.split(b"\n")
    for number in {survivor.line - 1 for survivor in found if survivor.kind.startswith(_VALUE)}:
        lines[number] = MASK.encode("ascii") + (b"\r" if lines[number].endswith(b"\r") else b"")
    return b"\n".join(lines)


def _stretches(raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        end = raw.find(b"\n", at + _STRETCH) + 1 or len(raw)
        yield raw[at:end]
        at = end


def _blocks(raw: bytes) -> Iterator[re.Match[bytes]]:
    return _BLOCK.finditer(raw) if b"PRIVATE KEY" in raw else iter(())


class _Look:
    def __init__(self, values: tuple[bytes, ...]) -> None:
        mask = MASK.encode("ascii")
        self._values = tuple(value for value in dict.fromkeys(values) if value and value not in mask)
        self._spaced = tuple(value for value in self._values if b" " in value)
        self._known: set[bytes] = set()
        self._sieve = Sieve(anchors())

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
        if self._has_value(text):
            return True
        if depth:
            readings = (text, *(layers(text) if self._may_be_escaped(text) else ()))
            return any(
                self._has_value(reading) or any(self._in_token(token, depth) for token in tokens(reading))
                for reading in readings
            )
        return False

    def _lines(self, text: bytes) -> Iterator[tuple[int, str]]:
        worth = self._sieve.lines(text)
        lines = text.split(b"\n") if worth else []
        for number in worth:
            yield from ((number, kind) for kind in self._in_line(lines[number]))

    def _in_line(self, line: bytes) -> set[str]:
        kinds = {place.kind for place in places(line)}
        if body_in(line):
            kinds.add("private key")
        if self._values and self._may_be_escaped(line) and self._is_escaped(line):
            kinds.add(f"{_VALUE}, escaped")
        return kinds

    def _may_be_escaped(self, text: bytes) -> bool:
        return _ESCAPE.search(text) is not None or (b"+" in text and self._spaced != ())

    def _is_escaped(self, line: bytes) -> bool:
        for reading in layers(line):
            if self._has_value(reading):
                return True
            if any(self._in_token(token, 1) for token in tokens(reading) - tokens(line) - self._known):
                return True
        return False


def _numbers(text: bytes, piece: bytes) -> Iterator[int]:
    at = text.find(piece)
    line, counted = 0, 0
    while at >= 0:
        line += text.count(b"\n", counted, at)
        counted = at
        yield line
        at = text.find(piece, at + len(piece))
