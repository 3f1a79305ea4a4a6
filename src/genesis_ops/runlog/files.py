"""Which files are the runner log, and their bytes, found by time: plain, packed or damaged (contract §1)."""

import errno
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from functools import cached_property, lru_cache
from io import FileIO
from pathlib import Path
from typing import NamedTuple

BLOCK = 1 << 20
"""How many bytes of a plain file are read at once."""

LONGEST = 1 << 16
"""How many bytes of a line are kept."""

HOUR = rb"\d{4}-\d\d-\d\d \d\d"
STAMP = HOUR + rb":[0-5]\d:[0-5]\d"
BEFORE = rb"(?:\0|\xef\xbb\xbf)*"
"""What can stand before a line's time and is not part of it: zeros after a power loss, a byte order mark."""

_PREFIX = BEFORE + rb"(?P<at>" + STAMP + rb") - \S+ - (?P<level>[A-Z]+) - "
HEAD = re.compile(_PREFIX)
_NEXT_HEAD = re.compile(rb"\n" + _PREFIX)
_NULS = re.compile(rb"\0+")
_NAME = re.compile(r"runner_([0-9]{4})([0-9]{2})([0-9]{2})\.log(?:\.gz)?")
_GZIP = 16 + zlib.MAX_WBITS
_PACKED_BLOCK = 1 << 14
_PROBE = 1 << 13
_OVERLAP = 1 << 8
_BACK = 1 << 18


class LogFile(NamedTuple):
    """One file of the runner log; ``day`` (YYYYMMDD) is its name's, its lines may be of later days."""

    path: Path
    day: str

    @property
    def packed(self) -> bool:
        """Whether the file is compressed with gzip."""
        return self.path.suffix == ".gz"


def log_files(log_dir: Path) -> tuple[LogFile, ...]:
    """Name the runner log's files, oldest day first (contract §1); none if the directory is not there.

    A .gz that begins as the .log of its day does is that log being compressed and is left out.
    Whether a file can be read shows when it is; a directory that cannot be listed raises OSError.
    """
    found = sorted(_named(log_dir), key=lambda file: (file.day, not file.packed))
    plain = {file.day: file.path for file in found if not file.packed}
    return tuple(f for f in found if not (f.packed and f.day in plain and _begin_alike(f.path, plain[f.day])))


def open_log(file: LogFile) -> tuple[LogFile, int]:
    """Open a log file, or the .gz it has become since it was listed; the descriptor is the caller's (OSError)."""
    try:
        return file, _open_regular(file.path)
    except FileNotFoundError:
        if file.packed:
            raise
    packed = LogFile(file.path.with_name(f"{file.path.name}.gz"), file.day)
    return packed, _open_regular(packed.path)


@contextmanager
def opened(file: LogFile) -> Iterator[int]:
    """Open a log file as ``open_log`` does, and close it afterwards."""
    fd = open_log(file)[1]
    try:
        yield fd
    finally:
        os.close(fd)


def read_at(fd: int, length: int, offset: int) -> bytes:
    """Read at most so many bytes from an offset; OSError as os.read (Windows has no os.pread)."""
    os.lseek(fd, offset, os.SEEK_SET)
    return os.read(fd, length)


def plain_blocks(fd: int, start: int, end: int) -> Iterator[bytes]:
    """Read the bytes from ``start`` to ``end``; EOFError if the file became shorter meanwhile."""
    while start < end:
        block = read_at(fd, min(BLOCK, end - start), start)
        if not block:
            raise EOFError("became shorter while it was read")
        start += len(block)
        yield block


def unpacked_blocks(fd: int) -> Iterator[bytes]:
    """Decompress a gzip file; EOFError or zlib.error come after everything that was readable."""
    return unpacked(lambda count: os.read(fd, count))


def unpacked(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Decompress what is read so many bytes at a time; errors as above."""
    engine = zlib.decompressobj(_GZIP)
    while chunk := read(_PACKED_BLOCK):
        while chunk:
            spare = engine.copy()
            try:
                block = engine.decompress(chunk)
            except zlib.error:
                yield _before_the_damage(spare, chunk)
                raise
            yield block
            chunk = b""
            if engine.eof and (chunk := engine.unused_data.lstrip(b"\0")):  # zeros may pad the last member
                engine = zlib.decompressobj(_GZIP)
    if not engine.eof:
        raise EOFError("ends before its end mark")


def whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut blocks at line ends; of a line that does not end only so much is kept as will be shown."""
    carry = b""
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut:
            yield b"".join((carry, memoryview(block)[:cut]))
        carry = block[cut:] if cut else carry + block
        if len(carry) > LONGEST:
            carry = _NULS.sub(b"\0", carry)[: LONGEST + 1]
    if carry:
        yield carry


@lru_cache(maxsize=1024)
def stamp_ms(at: bytes) -> int | None:
    """Read the 19 bytes a line begins with as a time (ms, UTC); None for a date that does not exist."""
    try:
        return int(datetime.fromisoformat(f"{at.decode('ascii')}+00:00").timestamp()) * 1000
    except ValueError:
        return None


def last_stamp_ms(fd: int) -> int | None:
    """Read the time (ms, UTC) of the last line of a plain file that has one within its last 64 KiB."""
    return next((found[-1] for length in (_PROBE, LONGEST) if (found := _last_stamps(fd, length))), None)


def newest_stamp_ms(fd: int) -> int | None:
    """Read the newest time (ms, UTC) in a plain file's last 64 KiB: the last line's, unless a clock was set back."""
    return max(_last_stamps(fd, LONGEST), default=None)


def _last_stamps(fd: int, length: int) -> list[int]:
    end = b"\n" + read_at(fd, length, max(0, os.fstat(fd).st_size - length))
    return [at_ms for head in _NEXT_HEAD.finditer(end) if (at_ms := stamp_ms(head["at"])) is not None]


def edges_ms(lines: bytes) -> tuple[int, int] | None:
    """Tell the times (ms, UTC) of the first and the last of some lines, in order; None unless both have one."""
    heads = HEAD.match(lines), HEAD.match(lines, lines.rfind(b"\n", 0, -1) + 1)
    times = sorted(at_ms for head in heads if head is not None and (at_ms := stamp_ms(head["at"])) is not None)
    return (times[0], times[1]) if len(times) == len(heads) else None


def around(fd: int, size: int, target_ms: int) -> tuple[int, int]:
    """Search a plain file in time order for a time: a line start before it and one at or after it."""
    low, high, after = 0, size, size
    while high - low > _PROBE:
        middle = (low + high) // 2
        offset, at_ms = _next_stamp(fd, middle, high)
        if at_ms is not None and at_ms < target_ms:
            low = offset
        else:
            high = middle
            after = after if at_ms is None else offset
    return low, after


def _next_stamp(fd: int, start: int, end: int) -> tuple[int, int | None]:
    """Find the first line with a time that begins after ``start``, reading more the longer there is none."""
    length = _PROBE
    while start < end:
        block = read_at(fd, length, start)
        for head in _NEXT_HEAD.finditer(block):
            if (at_ms := stamp_ms(head["at"])) is not None:
                return start + head.start() + 1, at_ms
        if len(block) < length:
            break
        start += len(block) - _OVERLAP
        length = min(2 * length, BLOCK)
    return end, None


def backwards(fd: int, phrase: bytes, end: int) -> Iterator[int]:
    """Find the lines that hold a phrase, from the byte ``end`` of a plain file to its beginning; where each begins.

    A search for one letter is several times as fast as one for a phrase, if the letter is as rare as a capital P or W.
    """
    letter = phrase[:1]
    block = bytearray(_BACK + len(phrase))
    with FileIO(fd, closefd=False) as file:
        while end > 0:
            start = max(0, end - _BACK)
            file.seek(start)
            length = file.readinto(memoryview(block)[: end - start + len(phrase) - 1])
            at = block.rfind(letter, 0, length)
            while at >= 0:
                if block.startswith(phrase, at, length):
                    yield _line_start(fd, start + at)
                at = block.rfind(letter, 0, at)
            end = start


def _line_start(fd: int, offset: int) -> int:
    before = read_at(fd, min(offset, LONGEST), max(0, offset - LONGEST))
    return offset - len(before) + before.rfind(b"\n") + 1


class Region:
    """The stretch of a file that is read, and how many lines stand before it (counted when first asked for)."""

    def __init__(self, file: LogFile, start: int) -> None:
        self._file = file
        self.start = start

    @cached_property
    def lines_before(self) -> int | None:
        """How many lines of the file stand before the stretch; None if that can no longer be told."""
        return _newlines_before(self._file, self.start)


def _newlines_before(file: LogFile, offset: int) -> int | None:
    if offset == 0:
        return 0
    try:
        opened, fd = open_log(file)
    except OSError:
        return None
    try:
        return _newlines(unpacked_blocks(fd) if opened.packed else plain_blocks(fd, 0, offset), offset)
    except (OSError, EOFError, zlib.error):
        return None
    finally:
        os.close(fd)


def _newlines(blocks: Iterator[bytes], offset: int) -> int | None:
    count = 0
    for block in blocks:
        count += block.count(b"\n", 0, offset)
        offset -= len(block)
        if offset <= 0:
            return count
    return None


def _named(log_dir: Path) -> Iterator[LogFile]:
    try:
        names = os.listdir(log_dir)  # noqa: PTH208 - its names are all that is needed of 100 entries
    except FileNotFoundError:
        return
    for name in names:
        if (match := _NAME.fullmatch(name)) and _is_date(*map(int, match.groups())):
            yield LogFile(log_dir / name, "".join(match.groups()))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _open_regular(path: Path) -> int:
    # A FIFO of that name must not block, and Windows must not touch line ends.
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise OSError(number, "is a directory" if stat.S_ISDIR(mode) else "is not a regular file", str(path))


def _before_the_damage(engine: "zlib._Decompress", chunk: bytes) -> bytes:
    readable = bytearray()
    with suppress(zlib.error):
        for index in range(len(chunk)):
            readable += engine.decompress(chunk[index : index + 1])
    return bytes(readable)


def _begin_alike(packed: Path, plain: Path) -> bool:
    first = _beginning(LogFile(packed, "")).partition(b"\n")
    line = first[0] + first[1]
    return bool(line) and _beginning(LogFile(plain, "")).startswith(line)


def _beginning(file: LogFile) -> bytes:
    try:
        fd = _open_regular(file.path)
    except OSError:
        return b""
    try:
        blocks = unpacked_blocks(fd) if file.packed else iter([read_at(fd, LONGEST, 0)])
        return next((block[:LONGEST] for block in blocks if block), b"")
    except (OSError, EOFError, zlib.error):
        return b""
    finally:
        os.close(fd)
