"""Private keys that stand in a text as blocks of lines: each line of the body is masked, and the lines stay as many.

A block that a log cut off must not swallow what follows it, so it ends with the first line that is not one of its own.
"""

import re
from functools import cache

from genesis_ops.redact.ordinary import MASK

_BLANK = rb"(?:[ \t]|\+|%(?:25){0,4}20|&#32;|_)"
_BEGIN = rb"-----BEGIN(?:%b[A-Z0-9]{2,12}){0,3}?%bPRIVATE%bKEY(?:%bBLOCK)?-----" % ((_BLANK,) * 4)
_BREAK = rb"(?:\\{1,8}[nrt]|%(?:25){0,4}(?:0[AaDd]|20)|&#(?:10|13|x[aAdD]);|[ \t])"
_SIGNS = rb"(?:[A-Za-z0-9+/=_-]|\\{1,8}/|%(?:25){0,4}(?:2[BbFf]|3[Dd])|\\{1,8}u00(?:2[BbFf]|3[Dd]))"
_HEADER = rb"(?:[A-Za-z-]{4,24}:[^\r\n\\\"']{0,200})"
_INLINE = rb"%b(?P<body>(?:(?!-----END)(?:%b|%b|%b)){16,})" % (_BEGIN, _BREAK, _SIGNS, _HEADER + rb"(?=\\)")
_BODY = re.compile(rb"(?P<before>[ \t#>|+\"'-]{0,8}?)(?P<body>[A-Za-z0-9+/_=-]{1,120})(?P<after>[\"',\\ \t]{0,4}\r?)")
_IN_HEAD = re.compile(rb"[ \t#>|+-]{0,8}(?:[A-Za-z-]{4,24}:[ ].*)?\r?")
_SHORTEST_FIRST = 16
_MASKED = MASK.encode("ascii")


def begins_block(line: bytes) -> bool:
    """Tell whether a private key begins in a line."""
    return b"PRIVATE" in line and _compiled(_BEGIN).search(line) is not None


def body_in(line: bytes) -> tuple[int, int] | None:
    """Find the body of a key that stands in one line, with escaped ends of lines."""
    match = _compiled(_INLINE).search(line) if b"PRIVATE" in line else None
    return match.span("body") if match else None


class Block:
    """Where in a block of lines a reader is; it is told the lines one after another, from the one after ``BEGIN``."""

    def __init__(self) -> None:
        self.open = False
        self._width = 0
        self._last = False

    def begin(self) -> None:
        """Take it that the line before the next one begins a private key."""
        self.open, self._width, self._last = True, 0, False

    def masked(self, line: bytes) -> bytes:
        """Give a line as it is to be written; a line that is not of the block is given as it is and ends it."""
        text = line.removesuffix(b"\r")
        if text.strip(b" \t#>|+\"',-") == _MASKED:
            self._width = self._width or len(_MASKED)
            return line
        match = _BODY.fullmatch(line)
        if match is None or not self._belongs(match["body"]):
            self.open = self._width == 0 and _IN_HEAD.fullmatch(line) is not None
            return line
        return match["before"] + _MASKED + match["after"]

    def _belongs(self, body: bytes) -> bool:
        """Tell whether a text can be the next line of the body: as wide as the first, or shorter and the last."""
        if body.startswith(b"-----") or self._last:
            return self._last and len(body) == 5 and body.startswith(b"=")  # noqa: PLR2004 - the sum of a PGP block
        if not self._width:
            self._width = len(body) if len(body) >= _SHORTEST_FIRST else 0
            return self._width > 0
        self._last = len(body) < self._width
        return self._width <= len(_MASKED) or len(body) <= self._width


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)
