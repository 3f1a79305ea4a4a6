"""The grammar by which systemd reads an ``EnvironmentFile=``: bytes in, statements with their places out.

Modelled on systemd 252 (Debian 12) and compared with it. Two things surprise: quotes count only where a value begins
or after a closed quote, and a backslash at the end of a comment takes the next line into it (until systemd 254).
Each pattern goes over its text once; what repeats in it begins with a byte that nothing else there begins with.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

_DOUBLE = rb'"[^"\\]*(?:\\[\s\S][^"\\]*)*'
_TO_END_OF_LINE = rb"[^\\\n\r]*(?:\\[\s\S][^\\\n\r]*)*\\?"
_HEAD = re.compile(
    rb"[ \t\r\n]*(?:([#;]" + _TO_END_OF_LINE + rb")"
    rb"|([^ \t\n\r#;][^=\n\r]*)(=?))",  # a '=' that begins a line belongs to the key
)
_STRETCH = re.compile(
    rb"[ \t]*(?:'[^']*'|" + _DOUBLE + rb'"'
    rb"|(?P<last>'[^']*|" + _DOUBLE + rb"\\?|" + _TO_END_OF_LINE + rb"))",
)
_PART = re.compile(
    rb"(?P<space>[ \t]*)"
    rb"(?:'(?P<single>[^']*)(?P<single_end>'?)"
    rb'|"(?P<double>[^"\\]*(?:\\[\s\S][^"\\]*)*\\?)(?P<double_end>"?)'
    rb"|(?P<bare>[^ \t'\"][\s\S]*)"
    rb"|\Z)",  # without it, a search would begin at every space in turn
)
_BARE_ESCAPE = re.compile(rb"\\(?:[\n\r]|\Z|([\s\S]))")
_DOUBLE_ESCAPE = re.compile(rb'\\(?:\n|\Z|(["\\`$]))')


class Quote(Enum):
    """How a part of a value is written."""

    NONE = "bare"
    SINGLE = "single"
    DOUBLE = "double"


class Part(NamedTuple):
    """A stretch of a value: what stands inside the quotes, or the rest of the line where there are none.

    ``spaced`` tells that white space, which systemd drops, stands before it.
    """

    quote: Quote
    raw: bytes
    line: int
    spaced: bool
    closed: bool


class Form(Enum):
    """What a statement is to systemd."""

    COMMENT = auto()
    ASSIGNMENT = auto()
    TEXT = auto()
    """A line without '=', which systemd passes over."""


class Statement(NamedTuple):
    """One comment, assignment or other line; its text is ``raw[start:end]``, without the end of line.

    Lines are counted from 1 by their newline. ``key`` is what stands before the '=', or the whole text.
    """

    form: Form
    line: int
    last_line: int
    start: int
    end: int
    key: bytes
    text: bytes = b""
    """What stands behind the '='."""

    def value(self) -> bytes:
        """Give what systemd makes of the value."""
        if self.text.isalnum():
            return self.text
        found = _PART.findall(self.text)
        return b"".join(single or _double_value(double) or _bare_value(bare) for _, single, _, double, _, bare in found)

    def parts(self) -> Iterator[Part]:
        """Take the value apart."""
        line = self.line
        for match in _PART.finditer(self.text):
            end = match.lastgroup or ""
            if end == "space":
                return
            quote = _QUOTES[end]
            raw = match[quote.value]
            yield Part(quote, raw, line, match["space"] != b"", match[end] != b"")
            line += raw.count(b"\n")


_QUOTES = {"single_end": Quote.SINGLE, "double_end": Quote.DOUBLE, "bare": Quote.NONE}


def statements(raw: bytes) -> Iterator[Statement]:
    """Read a file from its beginning to its end; there is nothing that is not read."""
    at, line = 0, 1
    while match := _HEAD.match(raw, at):
        comment, key, equals = match.groups()
        start = match.start(1 if comment else 2)
        line += raw.count(b"\n", at, start)
        at = _value_end(raw, match.end()) if equals else match.end()
        form = Form.COMMENT if comment else Form.ASSIGNMENT if equals else Form.TEXT
        last_line = line + raw.count(b"\n", start, at)
        yield Statement(form, line, last_line, start, at, comment or key, raw[match.end() : at])
        line = last_line


def _value_end(raw: bytes, at: int) -> int:
    return next(match.end() for match in _STRETCH.finditer(raw, at) if match.lastgroup)


def trimmed(bare: bytes) -> bytes:
    """Drop the white space at the end of an unquoted value, unless a backslash keeps it."""
    text = bare.rstrip(b" \t")
    escaping = (len(text) - len(text.rstrip(b"\\"))) % 2
    return bare[: len(text) + escaping]


def _double_value(raw: bytes) -> bytes:
    return _DOUBLE_ESCAPE.sub(rb"\1", raw) if b"\\" in raw else raw


def _bare_value(raw: bytes) -> bytes:
    text = trimmed(raw)
    return _BARE_ESCAPE.sub(rb"\1", text) if b"\\" in text else text
