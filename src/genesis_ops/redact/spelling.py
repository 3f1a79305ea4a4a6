"""Every way in which a known value may be written, as one pattern: what a program does to a text on its way to a log.

JSON, Python, shells, URLs and HTML each have their own signs for a character, mix them with plain ones, and are applied
one after another. A pattern is built from the value, so that it need not be known which of them was at work. What
repeats in it is bounded, so that a line of a million backslashes is passed over at once.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple
from urllib.parse import quote, quote_plus

ESCAPED = re.compile(rb"%[0-9A-Fa-f]{2}|\\[^\s\\]|&[#a-zA-Z]|\+")
"""What a text has once or more for each character in it that is not written plainly."""

_PERCENT = rb"(?:%|\\{1,8}+(?:u00|x)25)(?:25){0,4}"
_SLASH = rb"(?:\\|%(?:25){0,4}5[Cc]|&(?:#92|#x5[Cc]|bsol);)"
_AMPERSAND = rb"(?:&|%(?:25){0,4}26|\\{1,8}+(?:u00|x)26)(?:amp(?:;|%(?:25){0,4}3[Bb])){0,3}"
_NUMBER_SIGN = rb"(?:#|%(?:25){0,4}23)"
_END = rb"(?:;|%(?:25){0,4}3[Bb])?"
_LETTERS = {"\n": b"n", "\r": b"r", "\t": b"t", "\b": b"b", "\f": b"f", "\v": b"v", "\a": b"a", "\0": b"0"}
_BEYOND_BMP = 0x10000
_BYTE = 256
_SHORTEST_PLAIN = 2
_GROUP = 3
"""Bytes that four characters of base64 stand for."""


def spelled(value: str) -> re.Pattern[bytes]:
    """Build the pattern of a value however its characters are escaped, each for itself, one or more times over."""
    runs = re.findall(r"\\+|[\s\S]", value)
    whole = b"".join(_backslashes(len(run)) if run[0] == "\\" else _character(run) for run in runs)
    # A search for one of a few bytes runs ten times as fast as one for a group; the group is tried where one is found.
    begins = re.escape(value[0].encode("utf-8", "surrogateescape")[:1]) + (rb"+\n\r" if value[0].isspace() else b"")
    return re.compile(rb"[%b%%\\&](?<=(?=(%b))[\s\S])" % (begins, whole))


def may_be_spelled(value: bytes, line: bytes, escapes: int) -> bool:
    """Tell whether a value can stand in a line with so many escapes: of more pieces than those, one stays plain."""
    pieces = escapes + 1 if value.isascii() else 2 * escapes + 1  # a character of many bytes can lie in two pieces
    length = len(value) // pieces
    if length < _SHORTEST_PLAIN:
        return True
    return any(value[at : at + length] in line for at in range(0, pieces * length, length))


def spelled_places(pattern: re.Pattern[bytes], line: bytes) -> Iterator[tuple[int, int]]:
    """Find where a pattern of a value stands in a line, from left to right."""
    at = 0
    while match := pattern.search(line, at):
        yield match.span(1)
        at = match.end(1)


def _backslashes(count: int) -> bytes:
    return rb"(?:%b|\\{1,8}(?:u00|x)5[Cc]){%d,%d}" % (_SLASH, count, 8 * count)


def _character(character: str) -> bytes:
    raw = character.encode("utf-8", "surrogateescape")
    ways = [] if character == "\n" else [_plain(raw)]
    if len(raw) > 1 or not raw.isascii():
        ways.append(b"".join(map(_byte, raw)))
    if raw.isascii() or len(raw) > 1:
        ways += _as_character(character, ord(character))
    return _before(character) + b"(?:" + b"|".join(ways) + b")"


def _before(character: str) -> bytes:
    """Give what may precede a character that is escaped again: a return before a newline, a slash before a quote."""
    if character == "\n":
        return rb"(?:%b0[dD]|%b{1,8}+r)?" % (_PERCENT, _SLASH)
    return b"" if character.isalnum() or not character.isprintable() else rb"(?:%b{1,8}+)?" % _SLASH


def _plain(raw: bytes) -> bytes:
    """Write a character as it is, or with the signs that others are escaped with written twice or more."""
    if raw == b"%":
        return rb"%(?:25){0,4}"
    if raw == b"&":
        return rb"&(?:amp;){0,3}"
    return re.escape(raw)


def _byte(byte: int) -> bytes:
    r"""Write one byte of a character by its number: ``%c3``, ``\xc3``, ``\303``."""
    return rb"(?:%b%b|%b{1,8}+(?:[xX]%b|0?%03o))" % (_PERCENT, _hex(byte, 2), _SLASH, _hex(byte, 2), byte)


def _as_character(character: str, point: int) -> Iterator[bytes]:
    r"""Write a character by its number or its name: ``%41``, ``\u0041``, ``\x41``, ``\101``, ``&#65;``, ``&amp;``."""
    digits = _hex(point, 2)
    numbers = rb"[xXuU]\{?0{0,6}%b" % digits + (rb"|0?%03o" % point if point < _BYTE else b"")
    letter = b"|" + _LETTERS[character] if character in _LETTERS else b""
    yield rb"%b{1,8}+(?:%b%b)" % (_SLASH, numbers, letter)
    yield rb"%b(?:%b(?:0{0,6}%d|[xX]0{0,6}%b)%b%b)" % (_AMPERSAND, _NUMBER_SIGN, point, digits, _END, _named(character))
    if point < _BYTE:
        yield _PERCENT + digits  # above ASCII: as Latin-1 has it
    if character == " ":
        yield rb"\+|%b2[bB]" % _PERCENT
    if point >= _BEYOND_BMP:
        high, low = divmod(point - _BEYOND_BMP, 0x400)
        yield rb"%b{1,8}+u%b%b{1,8}+u%b" % (_SLASH, _hex(0xD800 + high, 4), _SLASH, _hex(0xDC00 + low, 4))


def _named(character: str) -> bytes:
    """Give HTML's names for a character, as what may stand in place of its number."""
    names = _names().get(character, ())
    return b"".join(b"|" + name.encode("ascii") + _END for name in names)


@cache
def _names() -> dict[str, tuple[str, ...]]:
    from html.entities import html5

    names: dict[str, set[str]] = {}
    for name, character in html5.items():
        names.setdefault(character, set()).add(name.removesuffix(";"))
    return {character: tuple(sorted(found)) for character, found in names.items()}


@cache
def _hex(number: int, width: int) -> bytes:
    """Write a number in hex digits of either case."""
    digits = f"{number:0{width}x}"
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits).encode("ascii")


class Core(NamedTuple):
    """The characters of base64 that a value alone decides, wherever in a longer text it was written."""

    anchor: bytes
    """The longest stretch of them that is the same in every alphabet and behind every escape."""
    pattern: re.Pattern[bytes]


_PLUS = rb"(?:\+|-|%(?:25){0,4}2[BbDd]|\\{1,8}(?:u00|x)2[BbDd]|&#(?:43|x2[Bb]);|&plus;)"
_SOLIDUS = rb"(?:/|_|\\{1,8}/|%(?:25){0,4}(?:2[Ff]|5[Ff])|\\{1,8}(?:u00|x)(?:2[Ff]|5[Ff])|&#(?:47|x2[Ff]);|&sol;)"


def cores(text: str) -> tuple[Core, ...]:
    """Write a value in base64 for each of the three places in a group of three bytes where it can begin.

    What is put into base64 may be a document or an address that holds the value, or base64 itself.
    """
    places = range(_GROUP)
    once = [_coded(written, before) for written in dict.fromkeys(_written(text)) for before in places]
    twice = [_coded(inner, before) for inner in once[:_GROUP] for before in places]
    return tuple(_core(coded) for coded in dict.fromkeys(once + twice))


def _written(text: str) -> Iterator[bytes]:
    raw = text.encode("utf-8", "surrogateescape")
    yield raw
    yield json.dumps(text)[1:-1].encode("ascii")
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogateescape")
    yield quote(raw, safe="").encode("ascii")
    yield quote_plus(raw).encode("ascii")


def _coded(value: bytes, before: int) -> bytes:
    begin = (8 * before + 5) // 6  # a character that holds a bit of what stands before is not the value's alone
    return b64encode(bytes(before) + value)[begin : (8 * (before + len(value))) // 6]


def _core(coded: bytes) -> Core:
    pattern = b"".join({43: _PLUS, 47: _SOLIDUS}.get(byte, bytes([byte])) for byte in coded)
    return Core(max(re.split(rb"[+/]", coded), key=len), re.compile(pattern))


_TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_TOKEN_SIGN = rb"%(?:25){0,4}(?:2[BbDdFf]|5[Ff])|\\{1,8}/|\\{1,8}(?:u00|x)(?:2[BbDdFf]|5[Ff])|&#(?:43|47|x2[BbFf]);"
_PADDING = rb"=|%(?:25){0,4}3[Dd]|\\{1,8}(?:u00|x)3[Dd]|&#(?:61|x3[Dd]);|&equals;"
_LONGEST_SIGN = 16


def token_around(line: bytes, start: int, end: int) -> tuple[int, int]:
    """Widen a place to the whole word of base64 in which it stands, with its padding."""
    sign = _compiled(rb"(?:%b)\Z" % _TOKEN_SIGN)
    begin = len(line[:start].rstrip(_TOKEN))
    while match := sign.search(line, max(0, begin - _LONGEST_SIGN), begin):
        begin = len(line[: match.start()].rstrip(_TOKEN))
    word = rb"(?=(?P<word>(?:[%b]|%b)*))(?P=word)"  # as (…)*+, which Python before 3.11.5 gets wrong
    rest = _compiled((word + rb"(?:%b){0,2}") % (re.escape(_TOKEN), _TOKEN_SIGN, _PADDING))
    match = rest.match(line, end)
    return begin, match.end() if match else end


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)
