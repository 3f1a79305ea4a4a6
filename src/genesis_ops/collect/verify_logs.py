"""The end of the log, wherever it is being written: across midnight, a new file, and one that was emptied."""

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genesis_ops.checks.verify_logs import TAIL, LogsSeen
from genesis_ops.clients.clock import Clock
from genesis_ops.errors import Unreachable
from genesis_ops.runlog.events import PollInterval, RunnerStarted
from genesis_ops.runlog.files import HEAD, LogFile, log_files, opened, read_at, stamp_ms, unpacked_blocks
from genesis_ops.runlog.reader import LogLine, LogReader
from genesis_ops.runlog.tail import end_ms
from genesis_ops.runlog.zone import newest_offset_ms
from genesis_ops.settings import Settings
from genesis_ops.words import visible

_BACK = 1 << 16
_LONGEST = 1 << 16
_TURN_SECONDS = 0.5
_MOST_LINES = 100_000


class Tail(NamedTuple):
    """A line of the log as it stands there: its bytes without the line end, time (ms, UTC as written) and level."""

    raw: bytes
    at_ms: int | None
    level: str


class Follower:
    """Knows how far each file of the log was read, and gives what was written since."""

    def __init__(self, log_dir: Path) -> None:
        self._directory = log_dir
        self._read: dict[Path, tuple[int, int]] = {}
        self._half: dict[Path, bytes] = {}
        for file in _plain(log_dir):
            with suppress(OSError), opened(file) as fd:
                self._read[file.path] = os.fstat(fd).st_ino, _whole_lines_end(fd)

    def news(self) -> tuple[bytes, ...]:
        """Give the lines that were written since the last look, whole ones only; a file that became shorter is new."""
        found: list[bytes] = []
        for file in _plain(self._directory):
            with suppress(OSError), opened(file) as fd:
                found += self._since(file.path, fd)
        return tuple(found)

    def _since(self, path: Path, fd: int) -> list[bytes]:
        about = os.fstat(fd)
        inode, offset = self._read.get(path, (about.st_ino, 0))
        if about.st_ino != inode or about.st_size < offset:
            offset = 0
            self._half.pop(path, None)
        raw = b""
        while block := read_at(fd, _BACK, offset + len(raw)):
            raw += block
        self._read[path] = about.st_ino, offset + len(raw)
        *lines, rest = (self._half.get(path, b"") + raw).split(b"\n")
        self._half[path] = rest[:_LONGEST]
        return [line.removesuffix(b"\r")[:_LONGEST] for line in lines]


def last_lines(log_dir: Path, count: int) -> tuple[bytes, ...]:
    """Give the log's last lines as they stand there, oldest first, out of as many files as it takes.

    Raises:
        Unreachable: there is no log, or it cannot be read.
    """
    files = sorted(_files(log_dir), key=end_ms)
    found: tuple[bytes, ...] = ()
    while files and len(found) < count:
        found = (*_end_of(files.pop(), min(count, _MOST_LINES) - len(found)), *found)
    return found


def follow(follower: Follower, clock: Clock) -> Iterator[tuple[bytes, ...]]:
    """Give what is written from now on, as it is; ends with the process."""
    while True:
        if found := follower.news():
            yield found
        clock.wait(_TURN_SECONDS)


def parsed(raw: bytes, former: Tail | None = None) -> Tail:
    """Read what a line begins with; one of a traceback has the level of the line above it."""
    head = HEAD.match(raw)
    if head is None:
        return Tail(raw, None, former.level if former else "")
    return Tail(raw[head.start("at") :], stamp_ms(head["at"]), head["level"].decode("ascii"))


def logs(settings: Settings, clock: Clock) -> LogsSeen:
    """Read the newest run's lines among the log's last ones; why they cannot be read is part of what is found."""
    shown = visible(settings.shown(settings.log_dir))
    seen = LogsSeen(clock.now_ms(), settings.poll_interval, shown)
    try:
        files = log_files(settings.log_dir)
    except NotADirectoryError:
        return seen
    except OSError as error:
        return seen._replace(trouble=f"{shown} cannot be listed ({error.strerror})")
    plain = sorted((file for file in files if not file.packed), key=end_ms)[-2:]
    trouble, lines = _read_lines(plain)
    if not lines:
        return seen._replace(trouble=trouble)
    newest_ms = lines[-1].at_ms - newest_offset_ms(files)
    return seen._replace(lines=_of_newest_run(lines), newest_ms=newest_ms, interval=_interval(lines, seen.interval))


def _read_lines(files: list[LogFile]) -> tuple[str, list[LogLine]]:
    found: list[LogLine] = []
    for file in files:
        try:
            with opened(file) as fd:
                start = _start_of(fd, TAIL)
        except OSError as error:
            return f"{file.path.name} cannot be read ({error.strerror})", []
        found += LogReader((file,), offset=start)
    return "", found[-TAIL:]


def _of_newest_run(lines: list[LogLine]) -> tuple[LogLine, ...]:
    begun = [place for place, line in enumerate(lines) if type(line.event) is RunnerStarted]
    return tuple(lines[begun[-1] :] if begun else lines)


def _interval(lines: list[LogLine], otherwise: int) -> int:
    told = [line.event.seconds for line in lines if isinstance(line.event, PollInterval)]
    return told[-1] if told else otherwise


# --- files


def _files(log_dir: Path) -> tuple[LogFile, ...]:
    try:
        found = log_files(log_dir)
    except OSError as error:
        raise Unreachable(
            visible(f"{log_dir} cannot be listed ({error.strerror})"), next_command="genesis-ops preflight"
        ) from error
    if not found:
        raise Unreachable(
            visible(f"there is no runner log in {log_dir}"),
            notes=("a runner writes one from its start on; the API's own is in the journal: genesis-paper",),
            next_command="genesis-ops run --dry-run",
        )
    return found


def _plain(log_dir: Path) -> list[LogFile]:
    """Name the files that somebody can be writing to, in order of their days; none where they cannot be listed."""
    with suppress(OSError):
        return [file for file in log_files(log_dir) if not file.packed]
    return []


def _end_of(file: LogFile, count: int) -> list[bytes]:
    try:
        with opened(file) as fd:
            raw = b"".join(unpacked_blocks(fd)) if file.packed else _from(fd, _start_of(fd, count))
    except (OSError, EOFError, zlib.error) as error:
        raise Unreachable(
            visible(f"{file.path} cannot be read ({getattr(error, 'strerror', None) or error})"),
            next_command="genesis-ops preflight",
        ) from error
    return [line.removesuffix(b"\r")[:_LONGEST] for line in raw.splitlines()[-count:]]


def _from(fd: int, start: int) -> bytes:
    raw = b""
    while block := read_at(fd, _BACK, start + len(raw)):
        raw += block
    return raw


def _start_of(fd: int, count: int) -> int:
    """Find where the last so many lines begin, from the end backwards."""
    end = os.fstat(fd).st_size
    start, newlines = end, 0
    while start > 0:
        length = min(_BACK, start)
        block = read_at(fd, length, start - length)
        at = len(block) - (start == end and block.endswith(b"\n"))
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            newlines += 1
            if newlines == count:
                return start - length + at + 1
        start -= length
    return 0


def _whole_lines_end(fd: int) -> int:
    size = os.fstat(fd).st_size
    start = max(0, size - _BACK)
    at = read_at(fd, size - start, start).rfind(b"\n")
    return size if at < 0 and start else start + at + 1
