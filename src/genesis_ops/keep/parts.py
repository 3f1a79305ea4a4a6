"""A file that a program and people write together: marked parts are the program's, every other word is theirs; pure.

A part stands between ``<!-- genesis-ops:NAME SUMS -->`` and ``<!-- /genesis-ops:NAME -->``. The sums tell which of its
lines the program wrote, so that a line which somebody changed or added in there is known, and kept below the part.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_BEGIN = re.compile(r"[ \t]*<!-- genesis-ops:(?P<name>[a-z][a-z0-9-]*)(?: (?P<sums>[A-Za-z0-9_.]+))? -->\s*")
_END = re.compile(r"[ \t]*<!-- /genesis-ops:(?P<name>[a-z][a-z0-9-]*) -->\s*")
_EACH = 6
_BYTE_ORDER_MARK = "\ufeff"


class Text(NamedTuple):
    """Lines that are nobody's but a person's, with their line ends."""

    lines: tuple[str, ...]


class Part(NamedTuple):
    """A marked part: its lines with their ends, and the sums of those that the program wrote."""

    name: str
    sums: tuple[str, ...]
    lines: tuple[str, ...]


class Misplaced(ValueError):
    """A marker in a text that is about to be written stands where it cannot: ``name`` is its part's."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name
        self.why = why


def parse(text: str) -> tuple[Text | Part, ...]:
    """Cut a text into parts and what stands around them; it never fails and loses no line but whole markers.

    A part without an end goes as far as the next one's beginning. A marker whose sums are not its own is a line like
    any other, and so is an end without a beginning.
    """
    found: list[Text | Part] = []
    name, sums, lines = "", tuple[str, ...](), list[str]()
    for line in _lines(text):
        begun = _begun(line)
        if begun is None and (not name or _ended(line) != name):
            lines.append(line)
            continue
        found.append(Part(name, sums, tuple(lines)) if name else Text(tuple(lines)))
        (name, sums), lines = begun or ("", ()), []
    if name or lines:
        found.append(Part(name, sums, tuple(lines)) if name else Text(tuple(lines)))
    return tuple(segment for segment in found if isinstance(segment, Part) or segment.lines)


def merged(existing: bytes | None, fresh: str) -> bytes:
    """Put the parts of a fresh text into a file's bytes, whatever these are, and keep everything else in it.

    Parts are replaced where they stand, and those that the file lacks are added at its end. Of a part that is there
    twice, or is no longer known, only what a person wrote stays. A file without a word becomes the fresh text.
    """
    text = "" if existing is None else existing.decode("utf-8", "surrogateescape")
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    text = text.removeprefix(mark)
    page = _Page("\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n")
    if text.strip():
        _merge(page, parse(text), parse(fresh))
    else:
        for segment in parse(fresh):
            page.put(segment.lines) if isinstance(segment, Text) else page.write(segment)
    return (mark + "".join(page.lines)).encode("utf-8", "surrogateescape")


def require_whole(text: str) -> None:
    """Make sure that every part of a text that is about to be written begins and ends once.

    Raises:
        Misplaced: one does not.
    """
    seen: set[str] = set()
    inside = ""
    for line in _lines(text):
        begun, ended = _begun(line), _ended(line)
        if begun is not None:
            name = begun[0]
            if inside:
                raise Misplaced(name, f"the part {name} begins inside the part {inside}")
            if name in seen:
                raise Misplaced(name, f"the part {name} begins a second time")
            seen.add(name)
            inside = name
        elif ended is not None:
            if ended != inside:
                raise Misplaced(ended, f"the part {ended} ends where it has not begun")
            inside = ""
    if inside:
        raise Misplaced(inside, f"the part {inside} has no end")


def part_of(text: str, name: str) -> tuple[str, ...]:
    """Give the lines of a text's part, without their ends; none where there is no such part."""
    parts = (segment for segment in parse(text) if isinstance(segment, Part) and segment.name == name)
    return tuple(line.rstrip("\r\n") for line in next(parts, Part(name, (), ())).lines)


class _Page:
    """Lines that are being put together, with the line end that the program's own get."""

    def __init__(self, newline: str) -> None:
        self.lines: list[str] = []
        self._newline = newline
        self._apart = False

    def put(self, lines: Iterable[str]) -> None:
        """Add lines as they are; below a person's in a part a blank one parts them from what follows."""
        for line in lines:
            if self._apart and line.strip():
                self.space()
            self._apart = False
            self._end()
            self.lines.append(line)

    def write(self, part: Part) -> None:
        """Add a part in the program's own form."""
        lines = "".join(line.rstrip() + "\n" for line in part.lines).strip("\n").split("\n")
        sums = [_sum(line) for line in lines if line]
        head = f"<!-- genesis-ops:{part.name} {''.join((*sums, _check(part.name, sums)))} -->"
        self.put(f"{line}{self._newline}" for line in (head, *lines, f"<!-- /genesis-ops:{part.name} -->"))

    def keep(self, lines: Sequence[str]) -> None:
        """Add what a person wrote inside a part."""
        if lines:
            self.space()
            self.put(lines)
            self._apart = True

    def space(self) -> None:
        """Make sure that the last line is blank, unless there is none."""
        self._end()
        if self.lines and self.lines[-1].strip():
            self.lines.append(self._newline)

    def _end(self) -> None:
        if self.lines and not self.lines[-1].endswith("\n"):
            self.lines[-1] += self._newline


def _merge(page: _Page, existing: Iterable[Text | Part], fresh: Iterable[Text | Part]) -> None:
    parts = {segment.name: segment for segment in fresh if isinstance(segment, Part)}
    for segment in existing:
        if isinstance(segment, Text):
            page.put(segment.lines)
            continue
        if (own := parts.pop(segment.name, None)) is not None:
            page.write(own)
        page.keep(_theirs(segment))
    for part in parts.values():
        page.space()
        page.write(part)


def _theirs(part: Part) -> list[str]:
    """Give the lines of a part that the program did not write, with a blank one where others stood between them."""
    own = Counter(part.sums)
    kept: list[str] = []
    between = ""
    for line in part.lines:
        if not line.strip() or own[_sum(line)] > 0:
            own[_sum(line)] -= 1
            between = "\r\n" if line.endswith("\r\n") else "\n"
            continue
        if kept and between:
            kept.append(between)
        kept.append(line)
        between = ""
    return kept


def _lines(text: str) -> list[str]:
    """Cut a text at its line feeds alone: other signs that end a line somewhere are a person's."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _begun(line: str) -> tuple[str, tuple[str, ...]] | None:
    """Read a line that begins a part; None for any other, such as one in whose sums somebody wrote."""
    found = _BEGIN.fullmatch(line)
    if found is None:
        return None
    name, told = found["name"], found["sums"] or ""
    *sums, check = [told[at : at + _EACH] for at in range(0, len(told), _EACH)] or [""]
    return (name, tuple(sums)) if not told or check == _check(name, sums) else None


def _ended(line: str) -> str | None:
    found = _END.fullmatch(line)
    return None if found is None else found["name"]


def _sum(line: str) -> str:
    """Sum a line up so that another width of a table's columns, which an editor may give it, is the same line."""
    return _short(re.sub("-{3,}", "---", " ".join(line.split())))


def _check(name: str, sums: Iterable[str]) -> str:
    return _short(f"{name} {' '.join(sums)}")


def _short(text: str) -> str:
    """Give six characters that stand for a text; none of them is the hyphen, which a comment must not repeat."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return base64.b64encode(digest, altchars=b"_.")[:_EACH].decode("ascii")
