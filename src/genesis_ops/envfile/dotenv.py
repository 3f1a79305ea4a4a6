"""A ``.env`` file as python-dotenv 1.2.4 reads it: modelled on its parser, compared with it, and never run.

It reads the file as text without its byte order mark, which older versions keep, and every carriage return is
an end of line to it. What it calls white space is Unicode's.
"""

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from genesis_ops.envfile.parse import Dropped
from genesis_ops.envfile.reading import Item, Reading
from genesis_ops.envfile.secret import Secret

_NEWLINE = re.compile(r"\r\n|\r|\n")
_BLANK = re.compile(r"\s*")
_HEAD = re.compile(
    r"(?=(?P<export>(?:export[^\S\n]+)?))(?P=export)"  # as (…)?+, which Python before 3.11.5 gets wrong
    r"(?:(?=#)|'(?P<quoted>[^']+)'|(?!')(?P<key>[^=#\s]++))"
    r"[^\S\n]*+(?P<equals>=(?P<space>[^\S\n]*+))?",
)
_SINGLE = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_LINE = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?<!\s)\s+#.*")
_END = re.compile(r"[^\S\n]*(?P<comment>#[^\n]*)?[^\S\n]*(?:\n|\Z)")
_DOUBLE_ESCAPE = re.compile(r"\\([\\'\"abfnrtv])")
_SINGLE_ESCAPE = re.compile(r"\\([\\'])")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_EXPANDED = re.compile(r"\$\{[^}:]*(?::-[^}]*)?\}")

EXPANDS = "would be expanded"
UNREADABLE = "the line cannot be read"


class _Value(NamedTuple):
    """A value, None where there is no ``=``, and where it ends."""

    text: str | None
    end: int


def read(raw: bytes) -> Reading:
    """Read any bytes as python-dotenv does."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Reading((), Dropped(line, "not UTF-8: python-dotenv refuses the whole file"))
    if (at := text.find("\0")) >= 0:
        return Reading((), Dropped(text.count("\n", 0, at) + 1, "a NUL byte: no environment can hold it"))
    text = text.removeprefix("\ufeff")
    ends = _NEWLINE.findall(text)
    lines = tuple(accumulate(("\n" in end for end in ends), initial=1))
    return Reading(tuple(_items(_NEWLINE.sub("\n", text), lines)))


def _items(text: str, lines: tuple[int, ...]) -> Iterator[Item]:
    """Read binding by binding; one that cannot be read costs the rest of its line."""
    at, number = 0, 0
    while at < len(text):
        begin = _end(_BLANK, text, at)
        if begin == len(text):
            return
        number += text.count("\n", at, begin)
        at, item = _binding(text, begin)
        last = number + text.count("\n", begin, at) - text.endswith("\n", begin, at)
        if item is not None:
            yield item._replace(line=lines[number], last_line=lines[last])
        number += text.count("\n", begin, at)


def _binding(text: str, begin: int) -> tuple[int, Item | None]:
    """Read one, and say where the next begins; None for a comment."""
    head = _HEAD.match(text, begin)
    if head is None:
        return _next_line(text, begin), Item(0, 0, why=UNREADABLE)
    name = head["quoted"] or head["key"] or ""
    value = _value(text, head)
    end = None if value is None else _END.match(text, value.end)
    if value is None or end is None:
        return _next_line(text, head.end() if value is None else value.end), Item(0, 0, name, why=UNREADABLE)
    if not name:
        return end.end(), None
    return end.end(), _item(name, value.text)._replace(comment=end["comment"] or "")


def _next_line(text: str, at: int) -> int:
    return min(_end(_LINE, text, at) + 1, len(text))


def _item(name: str, value: str | None) -> Item:
    if value is None:
        return Item(0, 0, name, why="there is no '=' behind it", unset=True)
    if _EXPANDED.search(value):
        return Item(0, 0, name, why=EXPANDS, open=True)
    return Item(0, 0, name, Secret(value))


def _value(text: str, head: re.Match[str]) -> _Value | None:
    """Read what stands behind the name; None if a quote is never closed."""
    at = head.end()
    if not head["equals"]:
        return _Value(None, at)
    sign = text[at : at + 1]
    if sign == "#" and head["space"]:
        return _Value("", at)
    if sign in {"'", '"'}:
        return _quoted(text, at, _SINGLE if sign == "'" else _DOUBLE)
    end = _end(_LINE, text, at)
    return _Value(_COMMENT.sub("", text[at:end]).rstrip(), end)


def _quoted(text: str, at: int, pattern: re.Pattern[str]) -> _Value | None:
    match = pattern.match(text, at)
    if match is None:
        return None
    escapes = _SINGLE_ESCAPE if pattern is _SINGLE else _DOUBLE_ESCAPE
    return _Value(escapes.sub(lambda found: _ESCAPED.get(found[1], found[1]), match[1]), match.end())


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()
