"""The lines that a judgement needs, at the speed of a search: what polls say all day long is not even cut into lines.

Of a day's 20,000 lines a thousand are left: everything but polls that found nothing new, and of those polls the ones
beside a silence. ``LogReader`` reads every line; a test holds the two against each other.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from itertools import pairwise

from genesis_ops.runlog.events import CandleClose, CandleSelection
from genesis_ops.runlog.files import (
    STAMP,
    LogFile,
    Region,
    opened,
    plain_blocks,
    stamp_ms,
    unpacked_blocks,
    whole_lines,
)
from genesis_ops.runlog.reader import FileReading, LogLine, LogReader, Notes

# The search begins with a letter that polls seldom hold, which is what makes it fast.
_SEARCH = rb"g_runner - (?!DEBUG - (?:Ca|St)"
_SPARSE = _SEARCH + rb"|INFO - (?:Heartbeat|DECISION_C|Action=))"
_CLOSELY = _SEARCH + rb")"
_CLOSE = CandleClose.phrase.partition("{")[0].encode()
_LOOK = CandleSelection.phrase.partition("{")[0].encode()
_HEAD_LENGTH = 60
_STAMP_LENGTH = 19
_PROBE = 1 << 12


class Sieve:
    """Iterate over the telling lines of a closed window ``[start_ms, end_ms]`` (UTC), in the order of the files.

    With ``silence_ms`` there are also heartbeats, the look at the exchange before each close, what a decision was
    made from, the first and the last line, and the lines on both sides of every silence of at least that length,
    and those around ``mark_ms``, where what is judged begins after what is read.
    ``notes`` count what was looked at and not what was passed over.
    """

    def __init__(
        self,
        files: Iterable[LogFile],
        start_ms: int | None = None,
        end_ms: int | None = None,
        *,
        silence_ms: int | None = None,
        mark_ms: int | None = None,
    ) -> None:
        self._reader = LogReader(files, start_ms, end_ms)
        self._silence_ms = silence_ms
        self._edges_ms = (*self._reader.window, *(() if mark_ms is None else (mark_ms,)))

    @property
    def notes(self) -> Notes:
        """What the newest iteration met."""
        return self._reader.notes

    def __iter__(self) -> Iterator[LogLine]:
        """Read the files anew."""
        self._reader.notes = Notes()
        for file in self._reader.files:
            yield from self._file(file)

    def _file(self, file: LogFile) -> Iterator[LogLine]:
        reading = FileReading(self._reader, file, 0)
        silence_ms = self._silence_ms
        search = re.compile(_SPARSE if silence_ms is None else _CLOSELY)
        for ordinal, chunk in enumerate(whole_lines(reading.blocks())):
            if reading.is_far_off(chunk):
                continue
            start = reading.region.start
            begins = {_line_begin(chunk, found.start()) for found in search.finditer(chunk)}
            if silence_ms is not None:
                begins |= {*_looks(chunk, begins), *_edges(chunk, self._edges_ms, silence_ms)}
            for begin in sorted(begins):
                reading.region, reading.index = _Spot(reading.file, start, ordinal, begin), -1
                if (line := reading.pattern.match(chunk, begin)) is not None:
                    yield from reading.matched(line)
            reading.region = Region(reading.file, start)


class _Spot(Region):
    """Where a line was found: how many lines stand before it is counted when somebody asks."""

    def __init__(self, file: LogFile, start: int, ordinal: int, begin: int) -> None:
        self._file, self.start, self._ordinal, self._begin = file, start, ordinal, begin

    @cached_property
    def lines_before(self) -> int | None:
        """How many lines of the file stand before the line; None if that can no longer be told."""
        before = Region(self._file, self.start).lines_before
        if before is None:
            return None
        try:
            with opened(self._file) as fd:
                blocks = unpacked_blocks(fd) if self._file.packed else plain_blocks(fd, self.start, 1 << 62)
                return before + self._newlines(blocks)
        except (OSError, EOFError, zlib.error):
            return None

    def _newlines(self, blocks: Iterator[bytes]) -> int:
        count = 0
        for ordinal, chunk in enumerate(whole_lines(blocks)):
            if ordinal == self._ordinal:
                return count + chunk.count(b"\n", 0, self._begin)
            count += chunk.count(b"\n")
        raise EOFError


def _line_begin(chunk: bytes, at: int) -> int:
    return chunk.rfind(b"\n", 0, at) + 1


def _looks(chunk: bytes, begins: Iterable[int]) -> Iterator[int]:
    """Name the looks at the exchange that closes follow; that of a chunk's first line is the last line of another."""
    for begin in begins:
        if chunk.find(_CLOSE, begin, begin + _HEAD_LENGTH + len(_CLOSE)) > 0:
            look = chunk.rfind(_LOOK, 0, begin)
            if look > 0:
                yield _line_begin(chunk, look)


def _edges(chunk: bytes, window: tuple[int, ...], silence_ms: int) -> Iterator[int]:
    """Name the lines around a silence or an end of the window; probes find where it is worth looking."""
    last = _line_begin(chunk, len(chunk) - 1)
    probes = dict.fromkeys(_line_begin(chunk, at) for at in range(0, len(chunk), _PROBE))
    stamped = [(begin, at_ms) for begin in (*probes, last) if (at_ms := _stamp_at(chunk, begin)) is not None]
    yield from (0, last)
    if not stamped:
        yield from _stamped_lines(chunk, 0, len(chunk))
        return
    yield from _stamped_lines(chunk, 0, stamped[0][0])
    yield from _stamped_lines(chunk, stamped[-1][0], len(chunk))
    for (begin, at_ms), (end, later_ms) in pairwise(stamped):
        if _worth_looking(at_ms, later_ms, window, silence_ms):
            yield from _stamped_lines(chunk, begin, end + 1)


def _worth_looking(at_ms: int, later_ms: int, window: tuple[int, ...], silence_ms: int) -> bool:
    return not 0 <= later_ms - at_ms < silence_ms or any(at_ms <= end_ms <= later_ms for end_ms in window)


def _stamped_lines(chunk: bytes, begin: int, end: int) -> Iterator[int]:
    """Name the lines that hold a time; between two of them any number of others can stand."""
    found = _stamps().finditer(chunk, begin, end + _STAMP_LENGTH)
    return (_line_begin(chunk, stamp.start()) for stamp in found)


@cache
def _stamps() -> re.Pattern[bytes]:
    return re.compile(STAMP)


def _stamp_at(chunk: bytes, begin: int) -> int | None:
    return stamp_ms(chunk[begin : begin + _STAMP_LENGTH])
