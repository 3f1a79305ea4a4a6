"""A ``.env`` file written anew so that systemd reads from it what its author meant; pure.

What was meant is beyond doubt where a shell and python-dotenv, reading the file without its byte order mark and
carriage returns, agree. Every other stretch stays as it stands there.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple

from genesis_ops.envfile import dotenv, shell
from genesis_ops.envfile.findings import lint
from genesis_ops.envfile.grammar import Form, statements
from genesis_ops.envfile.kinds import Kind
from genesis_ops.envfile.parse import Assignment, Dropped, is_name, parse
from genesis_ops.envfile.reading import Item, Reading

_MARKS = re.compile(rb"\A(?:\xef\xbb\xbf)+")
_RETURNS = re.compile(rb"(?<!\\)((?:\\\\)*)\r+(?=\n|\Z)")
"""Those at the end of a line, but for one that a backslash takes: without it the next line would be taken instead."""
_ALONE = re.compile(rb"(?<!\\)\r(?!\n)")
_BARE = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")
_IN_DOUBLE = re.compile(r'(["\\$`])')
_TAKEN_IN = "systemd takes this line into the one before it, which was left"
_NEXT = b"NEXT=1"
"""A line that every stretch is tried before: it must not be taken into what comes before it."""


class Meant(NamedTuple):
    """A key beyond doubt, where it stands in the new file, and the stretch of lines it comes from."""

    line: int
    item: Item


class Stretch(NamedTuple):
    """Lines of the file that belong together, and what they are in the new one; ``why`` they were left, if so."""

    line: int
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    why: str = ""


class Rewritten(NamedTuple):
    """The new file: its bytes, how it came about, and the keys that systemd surely reads from it."""

    raw: bytes
    stretches: tuple[Stretch, ...]
    meant: tuple[Meant, ...]
    bom: bool
    returns: int
    """How many lines lost a carriage return."""


class _Lines(NamedTuple):
    """The file without byte order mark and carriage returns, as far as these are nobody's value."""

    texts: tuple[bytes, ...]
    split: tuple[int, ...]
    """The lines that began with a lone carriage return, which the author's editor does not count."""
    ends: bool

    def own(self, line: int) -> int:
        """Give the author's number of a line."""
        return line - bisect_left(self.split, line + 1)


def refusal(raw: bytes) -> Dropped | None:
    """Say why a file is refused as a whole, if it is."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Dropped(1, "it is UTF-16; save it as UTF-8")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        at = raw.find(b"\0")
        if not 0 <= at < error.start:
            return Dropped(raw.count(b"\n", 0, error.start) + 1, "not UTF-8")
    return parse(raw).refused


def rewrite(raw: bytes) -> Rewritten:
    """Write a file anew; what ``refusal`` speaks of must have been asked before."""
    bom = _MARKS.match(raw) is not None
    lines = _cleaned(_MARKS.sub(b"", raw))
    clean = b"\n".join(lines.texts) + b"\n" * lines.ends
    stretches, wanted = _stretches(lines, clean)
    after = [text for stretch in stretches for text in stretch.after]
    new = b"\n".join(after) + b"\n" * lines.ends
    read = {assignment.line: assignment for assignment in parse(new).assignments}
    meant = {number: each for number, each in wanted.items() if each.line in read and _is(read[each.line], each.item)}
    lost = wanted.keys() - meant.keys()
    stretches = tuple(each._replace(why=_TAKEN_IN) if at in lost else each for at, each in enumerate(stretches))
    returns = sum(b"\r" in text for text in raw.split(b"\n")) - sum(b"\r" in text for text in clean.split(b"\n"))
    return Rewritten(new, stretches, tuple(meant.values()), bom, returns)


def _is(read: Assignment, item: Item) -> bool:
    return (read.name, read.value) == (item.name, item.value)


def _cleaned(raw: bytes) -> _Lines:
    """Take the carriage returns away: before a newline, and alone where systemd ends a line at them."""
    text = _RETURNS.sub(rb"\1", raw)
    places = [match.start() for start, end in _gaps(text) for match in _ALONE.finditer(text, start, end)]
    pieces = tuple(text[at + 1 : end] for at, end in pairwise((-1, *places, len(text))))
    split = tuple(accumulate((piece.count(b"\n") + 1 for piece in pieces[:-1]), initial=1))[1:]
    clean = b"\n".join(pieces)
    ends = clean.endswith(b"\n")
    return _Lines(tuple(clean.removesuffix(b"\n").split(b"\n")) if clean else (), split, ends)


def _gaps(text: bytes) -> Iterator[tuple[int, int]]:
    """Give what stands between the statements: ends of lines and white space."""
    read = tuple(statements(text))
    yield from zip((0, *(each.end for each in read)), (*(each.start for each in read), len(text)), strict=True)


def _stretches(lines: _Lines, clean: bytes) -> tuple[tuple[Stretch, ...], dict[int, Meant]]:
    """Write every stretch, and say in which of them what key is meant."""
    readings = (shell.read(clean), dotenv.read(clean))
    items = tuple(_by_line(reading) for reading in readings)
    ends = min((reading.ends.line for reading in readings if reading.ends), default=len(lines.texts) + 1)
    stretches: list[Stretch] = []
    wanted: dict[int, Meant] = {}
    line = 1
    for first, last in _spans(readings, len(lines.texts)):
        before = lines.texts[first - 1 : last]
        item, sure = _agreed(items, first, last) if last < ends else (None, False)
        after = _written(before, item) if sure else before
        if item is not None and sure:
            wanted[len(stretches)] = Meant(line + _heads(after, item), item)
        why = "" if sure else _why(before)
        stretches.append(Stretch(lines.own(first), before, after, why))
        line += len(after)
    return tuple(stretches), wanted


def _spans(readings: tuple[Reading, ...], count: int) -> Iterator[tuple[int, int]]:
    """Cut the lines wherever neither reader has something that goes over the cut."""
    joined: set[int] = set()
    for reading in readings:
        for item in reading.items:
            joined.update(range(item.line, item.last_line))
        if reading.ends:
            joined.update(range(reading.ends.line, count))
    first = 1
    for line in range(1, count + 1):
        if line not in joined:
            yield first, line
            first = line + 1


def _by_line(reading: Reading) -> dict[int, list[Item]]:
    found: dict[int, list[Item]] = {}
    for item in reading.items:
        found.setdefault(item.line, []).append(item)
    return found


def _agreed(items: tuple[dict[int, list[Item]], ...], first: int, last: int) -> tuple[Item | None, bool]:
    """Give the one key that both read in these lines, or None where both read nothing; and whether they agree."""
    one, other = ([item for line in range(first, last + 1) for item in each.get(line, ())] for each in items)
    if not one and not other:
        return None, True
    if len(one) != 1 or len(other) != 1 or one[0].value is None or not is_name(one[0].name.encode()):
        return None, False
    return one[0], (one[0].name, one[0].value) == (other[0].name, other[0].value)


def _written(before: tuple[bytes, ...], item: Item | None) -> tuple[bytes, ...]:
    """Write lines so that systemd reads from them what is meant, and leave them where it does."""
    if item is None:
        plain = tuple(text.rstrip(b"\r") for text in before)
        return plain if _is_quiet(plain) else tuple(text + b" " for text in plain)
    if _reads(before, item):
        return before
    comment = item.comment.rstrip("\r")
    above = (comment.encode() + b" " * (not _is_quiet((comment.encode(),))),) if comment else ()
    return (*above, *_quoted(item).split(b"\n"))


def _is_quiet(texts: tuple[bytes, ...]) -> bool:
    """Tell whether systemd takes lines for comments that end where they end."""
    read = tuple(statements(b"\n".join((*texts, _NEXT))))
    return all(each.form is Form.COMMENT for each in read[:-1]) and read[-1].key == b"NEXT"


def _reads(texts: tuple[bytes, ...], item: Item) -> bool:
    """Tell whether systemd reads just this key from lines."""
    read = parse(b"\n".join((*texts, _NEXT)))
    return len(read.assignments) == 2 and not read.ignored and _is(read.assignments[0], item)  # noqa: PLR2004 - and NEXT


def _heads(after: tuple[bytes, ...], item: Item) -> int:
    """Count the lines that stand before the key itself."""
    return next(at for at, text in enumerate(after) if text.lstrip(b" \t").startswith(item.name.encode()))


def _quoted(item: Item) -> bytes:
    """Write a key in the way that all readers take alike, if there is one for its value."""
    value = "" if item.value is None else item.value.reveal()
    if _BARE.fullmatch(value):
        return f"{item.name}={value}".encode()
    if not set("'\\") & set(value) and "${" not in value:
        return f"{item.name}='{value}'".encode()
    escaped = _IN_DOUBLE.sub(r"\\\1", value)
    return f'{item.name}="{escaped}"'.encode()


def _why(texts: tuple[bytes, ...]) -> str:
    """Say what is the matter with lines that are left; a sentence that names a line would name the wrong one."""
    found = [finding for finding in lint(b"\n".join(texts)) if finding.kind not in {Kind.SWALLOWED, Kind.DUPLICATE}]
    graver = sorted(found, key=lambda finding: not finding.severe)
    return graver[0].sentence if graver else "a shell and python-dotenv do not read it alike"
