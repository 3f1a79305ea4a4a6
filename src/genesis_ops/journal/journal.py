"""Writing the journal: one record after another, each on the disk before anything is built on it."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from genesis_ops.durable import sync_directory
from genesis_ops.errors import JournalDamaged, LockHeld, WriteFailed, write_failed
from genesis_ops.journal.book import Book, Contradiction
from genesis_ops.journal.chain import Chain, Torn
from genesis_ops.journal.record import SEED, Kind, Record, read, write
from genesis_ops.runlog.writer import DayFile
from genesis_ops.state.lock import LockWish, hold
from genesis_ops.words import visible

_LOCK = "orders.lock"
_LOOK = "genesis-ops orders verify"
_TURN_SECONDS = 0.02


class Journal:
    """The journal of a log directory; whoever appends holds its lock, and has read what others appended."""

    def __init__(
        self,
        log_dir: Path,
        now_ms: Callable[[], int],
        *,
        durable: bool = True,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.directory = log_dir
        self._wish = LockWish(log_dir / _LOCK, "an order is under way", passes=True)
        self._now_ms = now_ms
        self._wait = wait
        self._durable = durable
        self._chain = Chain(log_dir)
        self._read_whole = True
        self._known = (0, SEED)
        self._file = DayFile(log_dir, "runner_orders", durable=durable)
        self._named: set[Path] = set()
        self._synced = 0
        self._held = False
        self._failed = False
        self.book = Book()

    @property
    def records(self) -> int:
        """How many records there are."""
        return self._chain.number

    @property
    def sum(self) -> str:
        """The newest record's sum, which stands for all of them."""
        return self._chain.sum

    @property
    def torn(self) -> tuple[Torn, ...]:
        """The lines that hard stops cut off."""
        return self._chain.torn

    @property
    def torn_end(self) -> tuple[Torn, ...]:
        """The line that a hard stop cut off last, while nothing has been written behind it."""
        return self._chain.torn_end

    def sum_of(self, number: int) -> str:
        """Give a record's sum, by its number from 1; an empty text if there is no such record."""
        return self._chain.sum_of(number)

    def catch_up(self) -> None:
        """Read what was appended since, by this process or another.

        Raises:
            JournalDamaged: it does not hold together; nothing is to be sent.
        """
        if not self._read_whole:
            self._chain, self.book = Chain(self.directory), Book()
        self._read_whole = False  # until nothing is left: what was read in part is read anew, from the beginning
        for entry in self._chain.follow():
            try:
                self.book.take(entry.record)
            except Contradiction as error:
                raise JournalDamaged(entry.path, entry.offset, str(error)) from error
        self._require_known()
        self._read_whole = True

    def _require_known(self) -> None:
        """Hold it against what this process has read or written before: it only ever grows."""
        number, own_sum = self._known
        if number and self.sum_of(number) != own_sum:
            why = f"record {number}, which was there, is another one now, or none"
            raise JournalDamaged(self.directory / "runner_orders_*.log", None, why)
        self._known = (self.records, self.sum)

    @contextmanager
    def held(self, command: str, patience_seconds: float = 10.0) -> Iterator[Book]:
        """Hold the journal, up to date, from a look at its orders to the record of what was done.

        Raises:
            LockHeld: another process has it for longer than ``patience_seconds``.
            JournalDamaged: it does not hold together.
            WriteFailed: an earlier record could not be written; this process writes no other.
        """
        if self._failed:
            raise WriteFailed("an earlier record did not reach the journal, so no other is written", next_command=_LOOK)
        with ExitStack() as held:
            self._take(held, command, patience_seconds)
            self.catch_up()
            self._sync_what_was_read()
            held.callback(self._close)  # opened anew each time: another process may have left half a line
            self._held = True
            try:
                yield self.book
            finally:
                self._held = False

    def _take(self, held: ExitStack, command: str, patience_seconds: float) -> None:
        turns_left = round(patience_seconds / _TURN_SECONDS)
        while True:
            try:
                held.enter_context(hold((self._wish,), command=command, now_ms=self._now_ms()))
            except LockHeld:
                if turns_left <= 0:
                    raise
            else:
                return
            turns_left -= 1
            self._wait(_TURN_SECONDS)

    def _sync_what_was_read(self) -> None:
        """Have what others appended on the disk before anything is built on it: they may have been killed before."""
        path = self._chain.newest_file
        if self._durable and path is not None and self._synced < self.records:
            try:
                _sync_file(path)
                sync_directory(self.directory)
            except OSError as error:
                raise write_failed(path, error) from error
        self._synced = self.records

    def _close(self) -> None:
        failed, self._failed = self._failed, True
        self._file.close()
        self._failed = failed

    def append(self, kind: Kind, **content: Any) -> None:
        """Write one record and have it on the disk; the book has it afterwards.

        Raises:
            WriteFailed: it may or may not be there, and this process writes no other.
        """
        if not self._held:
            raise AssertionError("a record is written only while the journal is held")
        sum_before, record = self.sum, Record(self.records + 1, self._now_ms(), kind, content)
        try:
            line, own_sum = write(record, sum_before)
            found, _ = _readable_again(line, sum_before)
            self.book.require_possible(found)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise WriteFailed(visible(f"no {kind} record is written: {error}"), next_command=_LOOK) from error
        self._held, self._failed = False, True  # until it is on the disk: after a failed write nothing is written
        self._put(record.at_ms, line, own_sum)
        self.book.take(found)
        self._held, self._failed = True, False

    def _put(self, at_ms: int, line: bytes, own_sum: str) -> None:
        self._file.append(at_ms, b"")  # opens the file, and ends half a line that a hard stop left
        path = self._file.path
        try:
            _require_line_begin(path)
            self._file.append(at_ms, line)
            if self._durable and path not in self._named:
                sync_directory(self.directory)  # who made the file may have been killed before its name was on the disk
                self._named.add(path)
            self._file.sync()
            end = path.stat().st_size
        except OSError as error:
            raise write_failed(path, error) from error
        self._chain.wrote(path, end, len(line), own_sum)
        self._known = (self.records, self.sum)
        self._synced = self.records


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_line_begin(path: Path) -> None:
    """Assert that half a line was ended, on a disk that may have taken half of the mark: else two lines are one."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":
                raise OSError("half a line in it could not be ended")


def _readable_again(line: bytes, sum_before: str) -> tuple[Record, str]:
    found = read(line[:-1], sum_before)
    if found is None:
        raise ValueError("it could not be read again")
    return found
