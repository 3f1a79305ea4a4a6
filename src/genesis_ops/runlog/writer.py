"""Writing the runner's files: one file a UTC day, appended line by line, every failure fatal."""

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from genesis_ops.durable import sync_directory
from genesis_ops.errors import Refused, typed, write_failed
from genesis_ops.runlog.events import DEBUG, INFO, Event, grep_phrases
from genesis_ops.words import DAY_MS, day, iso, stamp, visible

LOGGER = "paper_trading_runner"
TORN = b" [torn]"
"""What is put behind half a line that a hard stop left."""


class DayFile:
    """Appends to ``PREFIX_YYYYMMDD.log``, chosen at each write by the UTC day of its time.

    ``durable`` False leaves the disk in peace: a rehearsal need not survive a power cut.
    """

    def __init__(self, directory: Path, prefix: str, *, durable: bool = True) -> None:
        self._directory = directory
        self._prefix = prefix
        self._durable = durable
        self._day_number = -1
        self._descriptor = -1
        self._unsynced = False
        self.path = directory

    def append(self, at_ms: int, data: bytes) -> None:
        """Write whole lines.

        Raises:
            WriteFailed: they did not reach the file; what was written before stands.
        """
        view = memoryview(data)
        try:
            if at_ms // DAY_MS != self._day_number:
                self._open(at_ms)
            self._unsynced = True
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            self._take_back(len(data) - len(view))
            raise write_failed(self.path, error) from error

    def _take_back(self, written: int) -> None:
        """Cut off the part of a line that a full disk let through: half a close would count as one in a grep."""
        if written:
            with suppress(OSError):
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)

    def sync(self) -> None:
        """Have what was written on disk, so that nothing saved later claims more than the log shows.

        Raises:
            WriteFailed: the disk refused.
        """
        if not self._unsynced or not self._durable:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise write_failed(self.path, error) from error
        self._unsynced = False

    def close(self) -> None:
        """Let go of the file, with everything on disk."""
        try:
            self.sync()
        finally:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor, self._day_number, self._unsynced = -1, -1, False

    def _open(self, at_ms: int) -> None:
        self.close()
        self.path = self._directory / f"{self._prefix}_{day(at_ms)}.log"
        new = not self.path.exists()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)  # Windows would write CRLF
        self._descriptor = os.open(self.path, flags, 0o644)
        if new and self._durable:
            sync_directory(self._directory)  # what is synced into a file is lost with the file's name
        self._day_number = at_ms // DAY_MS
        # A hard stop can leave half a line; the next must not be glued to it, nor half a price be taken for a price.
        if os.fstat(self._descriptor).st_size:
            os.lseek(self._descriptor, -1, os.SEEK_END)
            if os.read(self._descriptor, 1) != b"\n":
                self._unsynced = True
                os.write(self._descriptor, TORN + b"\n")


class Stream:
    """One of CR-001's streams: JSON, one object a line."""

    def __init__(self, directory: Path, name: str, *, durable: bool = True) -> None:
        self.file = DayFile(directory, f"runner_{name}", durable=durable)

    def record(self, at_ms: int, **content: Any) -> None:
        """Append an object with its time.

        Raises:
            WriteFailed: it did not reach the file.
        """
        self.file.append(
            at_ms, (ungreppable(json.dumps({"at": iso(at_ms), **content}, allow_nan=False)) + "\n").encode()
        )


def ungreppable(document: str) -> str:
    r"""Escape JSON text so that a grep over ``runner_*.log`` finds no main-log phrase in it, and no value changes."""
    for phrase in grep_phrases():
        document = document.replace(phrase, f"\\u{ord(phrase[0]):04x}{phrase[1:]}")
    return document


class RunnerLog:
    """The main log; what is WARNING or worse goes to the errors stream as well."""

    def __init__(
        self,
        directory: Path,
        now_ms: Callable[[], int],
        echo: Callable[[str], None] | None = None,
        *,
        durable: bool = True,
    ) -> None:
        self._now_ms = now_ms
        self._echo = echo
        self._file = DayFile(directory, "runner", durable=durable)
        self._errors = Stream(directory, "errors", durable=durable)

    def write(self, event: Event, traceback: Iterable[str] = ()) -> None:
        """Append the event's line, and a traceback's lines under it.

        Raises:
            WriteFailed: it did not reach the file.
        """
        at_ms = self._now_ms()
        line = f"{stamp(at_ms)} - {LOGGER} - {event.level} - {visible(event.message())}"
        text = "\n".join([line, *(f"  {visible(part)}" for part in traceback)])
        self._file.append(at_ms, text.encode() + b"\n")
        if event.level not in {DEBUG, INFO}:
            self._errors.record(at_ms, level=event.level.lower(), event=type(event).__name__, **event.content())
        if self._echo is not None and event.level != DEBUG:
            self._echo(line)

    def sync(self) -> None:
        """Have the main log on disk.

        Raises:
            WriteFailed: the disk refused.
        """
        self._file.sync()

    def close(self) -> None:
        """Let go of both files."""
        self._file.close()
        self._errors.file.close()


def require_writable(directory: Path) -> None:
    """Make the log directory, so that a runner does not start to find out at its first line.

    Raises:
        Refused: it is not there and cannot be made, or nothing can be written into it.
    """
    probe = directory / f".writable_{os.getpid()}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Refused(
            f"the log directory {directory} cannot be written: {error.strerror}",
            next_command=f"ls -ld {typed(directory)}      then: genesis-ops run --log-dir <a directory you own>",
        ) from error
