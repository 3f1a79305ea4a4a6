"""Reading the journal: its records in order, what a hard stop tore, and where it is damaged (order protocol, recovery).

A line that a hard stop tore announces nothing that was sent: nothing leaves before its record is on the disk. Such a
line is passed over while the chain goes on behind it, and at the very end. Anything else that does not follow is
damage.
"""

import json
import os
import re
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from genesis_ops.durable import READ
from genesis_ops.errors import JournalDamaged
from genesis_ops.journal.record import SEED, Record, number_of, read
from genesis_ops.runlog.writer import TORN

_NAME = re.compile(r"runner_orders_[0-9]{8}\.log(\.gz)?")
_DRY_RUN = re.compile(rb'\{"at": "[^"]+", "kind": "would-submit"')
"""What earlier versions wrote into the same file in dry-run; it was never an order."""
_SUM = re.compile(rb'"sum": "[0-9a-f]{16}"\}')
"""Where a record may end."""
_HOLE = b"\0\0"
"""Blocks that never reached the disk; a single NUL is a byte that changed."""
_LEFT = re.compile(b"(?:\0|" + b"|".join(re.escape(TORN[:end]) for end in range(len(TORN), 0, -1)) + b")*")
"""What can stand behind a record that lacked its line end: blocks that never reached the disk, a mark, half a mark."""
_MOST_BYTES = 1 << 30


class Entry(NamedTuple):
    """A record, and the file and the byte where its line begins."""

    record: Record
    path: Path
    offset: int


class Torn(NamedTuple):
    """A line that a hard stop cut off; what it would have announced never happened."""

    path: Path
    offset: int
    text: bytes


_Place = tuple[str, int]
"""The day's file, packed or not, and the byte where a line begins."""
_Signature = tuple[int, int, int]
"""What changes with a file's content: its inode, its size and its time (ns)."""


class _Line(NamedTuple):
    path: Path
    offset: int
    text: bytes
    ended: bool

    @property
    def place(self) -> _Place:
        return _day_of(self.path), self.offset

    @property
    def looks_torn(self) -> bool:
        """Whether a hard stop can have left it: half a line, or one whose blocks never reached the disk."""
        return not self.ended or self.text.endswith(TORN) or _HOLE in self.text

    @property
    def is_dry_run(self) -> bool:
        """Whether it is one whole note of a dry-run, and nothing is hidden behind it."""
        if not _DRY_RUN.match(self.text):
            return False
        try:
            json.loads(self.text)
        except (ValueError, RecursionError):
            return False
        return True

    def follows(self, sum_before: str) -> tuple[Record, str] | None:
        """Read it as the next record; one that lacks nothing but its line end is whole."""
        for found in _SUM.finditer(self.text):
            if (whole := read(self.text[: found.end()], sum_before)) is not None:
                rest = self.text[found.end() :]
                if not _LEFT.fullmatch(rest) and _HOLE not in rest:
                    raise ValueError("something else stands behind it")
                return whole
        return None


class Chain:
    """Follows the journal of a log directory, from its beginning and then from where it was left."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._read_to: dict[Path, int] = {}
        self._unchanged: dict[Path, _Signature | None] = {}
        self._sums: list[str] = []
        self._numbers: dict[_Place, int] = {}
        self._newest: _Place = ("", 0)
        self.newest_file: Path | None = None
        """Where the newest record stands."""
        self._torn: dict[_Place, Torn] = {}
        self._torn_end: list[_Line] = []

    @property
    def number(self) -> int:
        """The newest record's number; 0 where there is none."""
        return len(self._sums)

    @property
    def sum(self) -> str:
        """The newest record's sum."""
        return self._sums[-1] if self._sums else SEED

    @property
    def torn(self) -> tuple[Torn, ...]:
        """The torn lines that were met, the newest last."""
        return (*self._torn.values(), *self.torn_end)

    @property
    def torn_end(self) -> tuple[Torn, ...]:
        """The torn lines that nothing follows yet."""
        return tuple({line.place: Torn(line.path, line.offset, line.text) for line in self._torn_end}.values())

    def sum_of(self, number: int) -> str:
        """Give a record's sum, by its number from 1; an empty text if there is no such record."""
        return self._sums[number - 1] if 1 <= number <= len(self._sums) else ""

    def wrote(self, path: Path, end: int, length: int, own_sum: str) -> None:
        """Remember a record that was appended by this process; ``end`` is the file's size after it.

        Raises:
            JournalDamaged: it is not where it was written to.
        """
        if end - length < self._read_to.get(path, 0):
            raise JournalDamaged(path, None, "is not the file that was written to")
        self._pass_over(self._torn_end)
        self._torn_end = []
        self._read_to[path] = end
        self._add(own_sum, path, end - length)

    def follow(self) -> Iterator[Entry]:
        """Give what was added since; files are followed side by side, because a clock can go back to an earlier day.

        Raises:
            JournalDamaged: a record is lost, changed, foreign or cannot be read; what came before it was given.
        """
        files = self._files()
        self._notice_gone(files)
        signatures = {path: _signature(path) for path in files}
        rest = self._unread([path for path in files if signatures[path] != self._unchanged.get(path, ())])
        doubtful: list[_Line] = []
        while rest:
            if (entry := self._next(rest)) is not None:
                self._pass_over(doubtful)
                doubtful = []
                yield entry
            else:
                doubtful += self._set_aside(rest)
        self._torn_end = [line for line in doubtful if line.place > self._newest]
        self._pass_over(line for line in doubtful if line.place < self._newest)
        self._unchanged = {} if self._torn_end else signatures

    def _notice_gone(self, files: list[Path]) -> None:
        """A file that was packed is read anew, as is a plain one that is made for the rest of its day."""
        there = set(map(_day_of, files))
        for path in self._read_to.keys() - files:
            if _day_of(path) not in there:
                raise JournalDamaged(path, None, "is gone")
            del self._read_to[path]

    def _unread(self, files: list[Path]) -> list[deque[_Line]]:
        """Read the newest file first: what another process appends meanwhile then never lacks what came before it."""
        found = [deque(self._lines(path)) for path in reversed(files)]
        return [lines for lines in reversed(found) if lines]

    def _next(self, rest: list[deque[_Line]]) -> Entry | None:
        for which, lines in enumerate(rest):
            if (found := _following(lines[0], self.sum)) is not None:
                line, (record, own_sum) = lines.popleft(), found
                if record.number != self.number + 1:
                    raise _damaged(line, f"is numbered {record.number} where {self.number + 1} follows")
                if not lines:
                    del rest[which]
                if line.ended:  # else something may be put behind it
                    self._read_to[line.path] = line.offset + len(line.text) + 1
                self._add(own_sum, line.path, line.offset)
                return Entry(record, line.path, line.offset)
        return None

    def _set_aside(self, rest: list[deque[_Line]]) -> Iterator[_Line]:
        """Take away one line that is no record, where nothing follows; give it if a hard stop may have torn it.

        The one that claims to come first is taken: a record that was marked as torn may follow later.
        """
        heads = sorted(rest, key=lambda lines: number_of(lines[0].text) or 0)
        for lines in heads:
            if (known := self._is_known(lines[0])) or lines[0].looks_torn:
                line = lines.popleft()
                break
        else:
            raise _damaged(heads[0][0], "does not follow from what stands before it")
        rest[:] = filter(None, rest)
        if not known:
            yield line

    def _is_known(self, line: _Line) -> bool:
        """Whether it is a note of a dry-run, or stands where it was read before: packed, or without its end."""
        if (number := self._numbers.get(line.place)) is not None:
            found = _following(line, self.sum_of(number - 1) or SEED)
            return found is not None and found[1] == self.sum_of(number)
        return line.is_dry_run or (line.place in self._torn and line.looks_torn)

    def _pass_over(self, torn: Iterable[_Line]) -> None:
        for line in torn:
            self._torn.setdefault(line.place, Torn(line.path, line.offset, line.text))

    def _add(self, own_sum: str, path: Path, offset: int) -> None:
        self._sums.append(own_sum)
        self._newest, self.newest_file = (_day_of(path), offset), path
        self._numbers[self._newest] = self.number
        self._torn.pop(self._newest, None)  # it was still being written when it was met before

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self._log_dir.iterdir() if _NAME.fullmatch(path.name))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise JournalDamaged(self._log_dir, None, f"cannot be listed ({error.strerror})") from error

    def _lines(self, path: Path) -> Iterator[_Line]:
        offset = self._read_to.get(path, 0)
        *ended, rest = _content(path, offset).split(b"\n")
        for text in ended:
            yield _Line(path, offset, text, ended=True)
            offset += len(text) + 1
        if rest:
            yield _Line(path, offset, rest, ended=False)


def _day_of(path: Path) -> str:
    return path.name.removesuffix(".gz")


def _following(line: _Line, sum_before: str) -> tuple[Record, str] | None:
    try:
        return line.follows(sum_before)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(line, f"holds what this version does not know ({error})") from error


def _signature(path: Path) -> _Signature | None:
    try:
        found = path.stat()
    except OSError:
        return None  # reading it tells why
    return found.st_ino, found.st_size, found.st_mtime_ns


def _content(path: Path, offset: int) -> bytes:
    """Read a file from a byte on; a packed one, which nobody appends to, as what it unpacks to."""
    import zlib

    try:
        descriptor = os.open(path, READ)
        try:
            return _rest(descriptor, path, offset)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return b""  # packed and removed in this moment: the chain tells if what it held was not read before
    except (OSError, EOFError, zlib.error) as error:
        if path.suffix == ".gz" and path.with_suffix("").exists():
            return b""  # still being packed: all of it stands in the plain file beside it
        raise JournalDamaged(path, None, f"cannot be read ({error})") from error


def _rest(descriptor: int, path: Path, offset: int) -> bytes:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is not a plain file")
    with open(descriptor, "rb", closefd=False) as file:
        rest, there = _unpacked(file, offset) if path.suffix == ".gz" else (_read_on(file, offset), found.st_size)
    if there < offset:
        raise OSError("it is shorter than it was")
    if len(rest) > _MOST_BYTES:
        raise OSError(f"it is larger than {_MOST_BYTES} bytes")
    return rest


def _read_on(file: IO[bytes], offset: int) -> bytes:
    file.seek(offset)
    return file.read(_MOST_BYTES + 1)


def _unpacked(file: IO[bytes], offset: int) -> tuple[bytes, int]:
    """Give also how far it reaches, at least to the byte that was asked for if it reaches so far."""
    import gzip

    with gzip.open(file) as packed:
        there = packed.seek(offset)
        return packed.read(_MOST_BYTES + 1), there


def _damaged(line: _Line, why: str) -> JournalDamaged:
    return JournalDamaged(line.path, line.offset, why)
