"""What a shell makes of the text behind ``NAME=``: parts in quotes and parts without are one word."""

import re

_PART = re.compile(
    r"'(?P<single>[^']*)'|\$'(?P<ansi>(?:[^'\\]|\\[\s\S])*)'|\$?\"(?P<double>(?:[^\"\\]|\\[\s\S])*)\""
    r"|\\(?P<one>[\s\S])|(?P<bare>[^\s'\"\\;&|<>()])",
)
_IN_DOUBLE = re.compile(r"\\(?:\n|([$`\"\\]))")
_IN_ANSI = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|([abeEfnrtv\\'\"?]))"
)
_LETTERS = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def shell_value(text: str) -> str:
    """Give the first word of a text without its quotes; what is not closed is left away."""
    found, at = list[str](), 0
    while match := _PART.match(text, at):
        found.append(_plain(match))
        at = match.end()
    return "".join(found)


def _plain(match: re.Match[str]) -> str:
    if match["ansi"] is not None:
        return _IN_ANSI.sub(_unescaped, match["ansi"])
    if match["double"] is not None:
        return _IN_DOUBLE.sub(r"\1", match["double"])
    if match["one"] is not None:
        return "" if match["one"] == "\n" else match["one"]
    return match["single"] if match["single"] is not None else match["bare"]


def _unescaped(match: re.Match[str]) -> str:
    byte, short, long, octal, letter = match.groups()
    if letter:
        return _LETTERS.get(letter, letter)
    point = int(octal, 8) if octal else int(byte or short or long, 16)
    return chr(point) if point <= 0x10FFFF else match[0]  # noqa: PLR2004 - the last character there is
