"""Private keys that stand in a text as blocks of lines: each line of the body is masked, and the lines stay as many.

A block that a log cut off must not swallow what follows it, so it ends with the first line that is not one of its own.
"""

import re
from collections.abc import Iterator
from functools import cache

from genesis_ops.redact.ordinary import MASK

_BLANK = rb"(?:[ \t]|\+|%(?:25){0,4}20|&#32;|_)"
_BEGIN = rb"-----BEGIN(?:%b[A-Z0-9]{2,12}){0,3}?%bPRIVATE%bKEY(?:%bBLOCK)?-----" % ((_BLANK,) * 4)
_BREAK = rb"(?:\\{1,8}[nrt]|%(?:25){0,4}(?:0[AaDd]|20)|&#(?:10|13|x[aAdD]);|[ \t])"
_SIGNS = rb"(?:[A-Za-z0-9+/=_-]|\\{1,8}/|%(?:25){0,4}(?:2[BbFf]|3[Dd])|\\{1,8}u00(?:2[BbFf]|3[Dd]))"
_HEADER = rb"(?:[A-Za-z-]{4,24}:[^\r\n\\\"']{0,200})"
_INLINE = rb"%b(?P<body>(?:(?!-----END)(?:%b|%b|%b)){16,})" % (_BEGIN, _BREAK, _SIGNS, _HEADER + rb"(?=\\)")
_AFTER = rb"(?P<after>(?:\\{1,8}[nr]){0,4}[\"',\\ \t]{0,4}\r?)"
_PLAIN_BODY = rb"[ \t#>|+\"'-]{0,8}?(?P<body>[A-Za-z0-9+/_=-]{1,120})" + _AFTER
_SHAPED_BODY = rb"(?P<body>[A-Za-z0-9+/]{1,120}={0,2})" + _AFTER
_WIDE_BODY = rb"(?P<before>[^\r\n]{0,400}[^A-Za-z0-9+/=_\r\n-])(?P<body>[A-Za-z0-9+/]{40,120}={0,2})" + _AFTER
_IN_HEAD = re.compile(rb"[ \t#>|+-]{0,8}(?:[A-Za-z-]{4,24}:[ ].*)?\r?")
_LOOKS_LIKE_BODY = (
    rb"(?:\A[ \t#>|+\"'-]{0,8}[A-Za-z0-9+/=]{16,200}"
    rb"|(?<![A-Za-z0-9+/=])(?![0-9a-f]*(?:[^A-Za-z0-9+/=]|\Z))[A-Za-z0-9+/=]{40,200}+)"
    rb"(?:\\[nr]){0,4}[\"',\\ \t]{0,4}\r?\Z"
)
_LOOKS_LIKE_END = (
    rb"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{4}){0,30}[A-Za-z0-9+/]{2}[A-Za-z0-9+/=]{2}"
    rb"(?:\\[nr]){0,4}[\"',\\ \t]{0,4}\r?\Z"
)
_LOOKS_LIKE_HEAD = rb"[A-Za-z-]{4,24}: "
_MOST_HEADS = 4
_MOST_LINES = 400
_SHORTEST_FIRST = 16
_WIDE, _WIDEST = 40, 76
_LONGEST_BEFORE = 400
_MASKED = MASK.encode("ascii")


def begins_block(line: bytes) -> bool:
    """Tell whether a private key begins in a line."""
    return b"PRIVATE" in line and _compiled(_BEGIN).search(line) is not None


def body_in(line: bytes) -> tuple[int, int] | None:
    """Find the body of a key that stands in one line, with escaped ends of lines."""
    match = _compiled(_INLINE).search(line) if b"PRIVATE" in line else None
    return match.span("body") if match else None


def bodies(raw: bytes) -> Iterator[int]:
    """Find the lines, counted from 0, that belong to a private key, whatever stands before them."""
    at = raw.find(b"PRIVATE")
    number = counted = 0
    while at >= 0:
        number += raw.count(b"\n", counted, at)
        counted = at
        end = raw.find(b"\n", at)
        if end >= 0 and _begins(raw, at, end):
            yield from (number + 1 + below for below in _body_lines(_lines_from(raw, end + 1)))
        at = raw.find(b"PRIVATE", max(end, at) + 1) if end >= 0 else -1


def _begins(raw: bytes, at: int, end: int) -> bool:
    line = raw[raw.rfind(b"\n", 0, at) + 1 : end]
    return begins_block(line) and b"-----END" not in line


def _lines_from(raw: bytes, at: int) -> Iterator[bytes]:
    for _ in range(_MOST_LINES):
        end = raw.find(b"\n", at)
        yield raw[at : end if end >= 0 else len(raw)]
        if end < 0:
            return
        at = end + 1


def _body_lines(lines: Iterator[bytes]) -> Iterator[int]:
    """Number the lines of a body from 0; the last and shorter one is told by the end of the block behind it."""
    seen, heads, last = False, 0, -1
    for number, line in enumerate(lines):
        if last >= 0:
            yield from [last] if b"-----END" in line else []
            return
        if _compiled(_LOOKS_LIKE_BODY).search(line):
            seen = True
            yield number
        elif seen and _compiled(_LOOKS_LIKE_END).search(line):
            last = number
        elif line.strip():
            heads += 1
            if seen or heads > _MOST_HEADS or not _compiled(_LOOKS_LIKE_HEAD).search(line):
                return


class Block:
    """Where in a block of lines a reader is; it is told the lines one after another, from the one with ``BEGIN``.

    A line of the body may stand behind what a log writes before each line: that of the first line, but for its
    numbers, or anything before a stretch as long as only a key's lines are.
    """

    def __init__(self) -> None:
        self.open = False
        self._width = 0
        self._last = False
        self._blank = False
        self._shapes: tuple[re.Pattern[bytes], ...] = ()

    def begin(self, line: bytes) -> None:
        """Take it that a private key begins in a line."""
        self.open, self._width, self._last, self._blank = True, 0, False, False
        begin = _compiled(_BEGIN).search(line)
        self._shapes = (_compiled(_PLAIN_BODY), *([_shaped(line[: begin.start()])] if begin else []))

    def masked(self, line: bytes) -> bytes:
        """Give a line as it is to be written; a line that is not of the block is given as it is and ends it."""
        if not line.strip():
            self.open = not self._blank
            self._blank = True
            return line
        self._blank = False
        if self._is_masked(line):
            self._width = self._width or len(_MASKED)
            return line
        body = self._body(line)
        if body is None:
            self.open = self._width == 0 and _IN_HEAD.fullmatch(line) is not None
            return line
        return line[: body[0]] + _MASKED + line[body[1] :]

    def _is_masked(self, line: bytes) -> bool:
        end = line.rstrip(b" \t#>|+\"',-\r\\nr")
        return end.endswith(_MASKED) and any(
            shape.fullmatch(end.removesuffix(_MASKED) + b"A") is not None for shape in self._shapes
        )

    def _body(self, line: bytes) -> tuple[int, int] | None:
        """Find what belongs to the key in a line; what stands before it is taken for all lines to come."""
        for shape in self._shapes:
            match = shape.fullmatch(line)
            if match and self._belongs(match["body"], plain=shape is self._shapes[0]):
                return match.span("body")
        wide = _compiled(_WIDE_BODY).fullmatch(line)
        if wide is None or not self._belongs(wide["body"], plain=False):
            return None
        self._shapes = (*self._shapes[:2], _shaped(wide["before"]))
        return wide.span("body")

    def _belongs(self, body: bytes, *, plain: bool) -> bool:
        """Tell whether a text can be the next line of the body: as wide as the first, or shorter and the last."""
        if body.startswith(b"-----") or self._last:
            return self._last and len(body) == 5 and body.startswith(b"=")  # noqa: PLR2004 - the sum of a PGP block
        if not plain and _compiled(b"[0-9a-f]*").fullmatch(body):
            return False  # the sum of a file
        if self._width == len(_MASKED):
            return _WIDE <= len(body) <= _WIDEST  # behind a line that was masked before, a short one is not of the key
        if not self._width:
            drawn = plain or not body.isalpha()
            self._width = len(body) if len(body) >= _SHORTEST_FIRST and drawn else 0
            return self._width > 0
        if not plain and len(body) < self._width and len(body) % 4:
            return False  # the last line of base64 is filled up to a group
        self._last = len(body) < self._width
        return len(body) <= self._width


def _shaped(before: bytes) -> re.Pattern[bytes]:
    """Build the pattern of a line of the body behind what stands before another, whatever its numbers are."""
    parts = re.split(rb"([0-9]+|[ \t]+)", before[-_LONGEST_BEFORE:])
    shape = b"".join(
        rb"[0-9]{1,20}" if part.isdigit() else rb"[ \t]{0,40}" if part.isspace() else re.escape(part) for part in parts
    )
    return re.compile((rb"[^\r\n]*" if len(before) > _LONGEST_BEFORE else b"") + shape + _SHAPED_BODY)


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)
