"""Reading the journal: its records in order, what a hard stop tore, and where it is damaged (order protocol, recovery).

A line that a hard stop tore announces nothing that was sent: nothing leaves before its record is on the disk. Such a
line is passed over while the chain goes on behind it, and at the very end. Anything else that does not follow is
damage.
"""

import os
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from genesis_ops.durable import READ
from genesis_ops.errors import JournalDamaged
from genesis_ops.journal.record import SEED, Record, number_of, read
from genesis_ops.runlog.writer import TORN

_NAME = re.compile(r"runner_orders_[0-9]{8}\.log(\.gz)?")
_DRY_RUN = re.compile(rb'\{"at": "[^"]+", "kind": "would-submit"')
"""What earlier versions wrote into the same file in dry-run; it was never an order."""
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


class _Line(NamedTuple):
    path: Path
    offset: int
    text: bytes
    ended: bool

    @property
    def looks_torn(self) -> bool:
        """Whether a hard stop can have left it: half a line, or one whose blocks never reached the disk."""
        return not self.ended or self.text.endswith(TORN) or b"\0" in self.text

    def follows(self, sum_before: str) -> tuple[Record, str] | None:
        """Read it as the next record; one that lacks nothing but its line end is whole."""
        whole = read(self.text, sum_before)
        return whole or (read(self.text.removesuffix(TORN), sum_before) if self.text.endswith(TORN) else None)


class Chain:
    """Follows the journal of a log directory, from its beginning and then from where it was left."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._read_to: dict[Path, int] = {}
        self._sums: list[str] = []
        self.torn: tuple[Torn, ...] = ()
        """The torn lines that were met, the newest last."""

    @property
    def number(self) -> int:
        """The newest record's number; 0 where there is none."""
        return len(self._sums)

    @property
    def sum(self) -> str:
        """The newest record's sum."""
        return self._sums[-1] if self._sums else SEED

    @property
    def torn_end(self) -> tuple[Torn, ...]:
        """The torn line that nothing follows yet."""
        return tuple(torn for torn in self.torn if torn.offset >= self._read_to.get(torn.path, 0))

    def sum_of(self, number: int) -> str:
        """Give a record's sum, by its number from 1; an empty text if there is no such record."""
        return self._sums[number - 1] if 1 <= number <= len(self._sums) else ""

    def wrote(self, path: Path, end: int, own_sum: str) -> None:
        """Remember a record that was appended by this process; ``end`` is the file's size after it."""
        self._read_to[path] = end
        self._sums.append(own_sum)

    def follow(self) -> Iterator[Entry]:
        """Give what was added since; files are followed side by side, because a clock can go back to an earlier day.

        Raises:
            JournalDamaged: a record is lost, changed, foreign or cannot be read; what came before it was given.
        """
        rest = [deque(lines) for path in self._files() if (lines := list(self._lines(path)))]
        doubtful: list[_Line] = []
        while any(rest):
            if (entry := self._next(rest)) is not None:
                self._pass_over(doubtful)
                doubtful = []
                yield entry
                continue
            doubtful += [line for lines in rest if lines and self._leaves(line := lines.popleft())]
        self._end(doubtful)

    def _next(self, rest: list[deque[_Line]]) -> Entry | None:
        for lines in rest:
            if lines and (found := _following(lines[0], self.sum)) is not None:
                line, (record, own_sum) = lines.popleft(), found
                if record.number != self.number + 1:
                    raise _damaged(line, f"is numbered {record.number} where {self.number + 1} follows")
                self._consume(line)
                self._sums.append(own_sum)
                return Entry(record, line.path, line.offset)
        return None

    def _leaves(self, line: _Line) -> bool:
        """Whether a line that does not follow leaves a doubt: a copy of what is known and dry-run's notes do not."""
        number = number_of(line.text)
        known = number is not None and self.sum_of(number) and line.text.endswith(f'"{self.sum_of(number)}"}}'.encode())
        if known or _DRY_RUN.match(line.text):
            self._consume(line)
            return False
        return True

    def _pass_over(self, doubtful: list[_Line]) -> None:
        for line in doubtful:
            if not line.looks_torn:
                raise _damaged(line, "is no record of this journal")
            self._consume(line)
        self._note(doubtful)

    def _end(self, doubtful: list[_Line]) -> None:
        """Accept one torn line at the end; it stays to be looked at again until something follows it."""
        if len(doubtful) > 1 or any(not line.looks_torn for line in doubtful):
            raise _damaged(doubtful[0], "does not follow from what stands before it")
        self._note(doubtful)

    def _note(self, torn: list[_Line]) -> None:
        known = {(line.path, line.offset) for line in self.torn}
        fresh = (line for line in torn if (line.path, line.offset) not in known)
        self.torn += tuple(Torn(line.path, line.offset, line.text) for line in fresh)

    def _consume(self, line: _Line) -> None:
        self._read_to[line.path] = max(self._read_to.get(line.path, 0), line.offset + len(line.text) + line.ended)

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


def _following(line: _Line, sum_before: str) -> tuple[Record, str] | None:
    try:
        return line.follows(sum_before)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(line, f"holds what this version does not know ({error})") from error


def _content(path: Path, offset: int) -> bytes:
    """Read a file from a byte on; a compressed one, which nobody appends to, as what it unpacks to."""
    import gzip
    import zlib

    try:
        with open(os.open(path, READ), "rb") as file:  # noqa: PTH123 - of a descriptor that waits for no FIFO
            if path.suffix == ".gz":
                with gzip.open(file) as packed:
                    packed.seek(offset)
                    return packed.read(_MOST_BYTES)
            file.seek(offset)
            return file.read(_MOST_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise JournalDamaged(path, None, f"cannot be read ({error})") from error


def _damaged(line: _Line, why: str) -> JournalDamaged:
    return JournalDamaged(line.path, line.offset, why)
