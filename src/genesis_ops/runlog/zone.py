"""Logs that were written in local time: how far their stamps stand from UTC, and their lines corrected (contract §9).

Every look at the exchange has the epoch time in it; against the time its line begins with, it tells the zone.
"""

import os
import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

from genesis_ops.runlog.events import CandleSelection
from genesis_ops.runlog.files import LONGEST, STAMP, LogFile, opened, read_at, stamp_ms, unpacked_blocks
from genesis_ops.runlog.reader import LogLine
from genesis_ops.words import HOUR_MS, MINUTE_MS

FARTHEST_MS = 15 * HOUR_MS
"""No zone is farther from UTC (ms); a log in local time is read so much around its window."""

_QUARTER_MS = 15 * MINUTE_MS
_LOOK = re.compile(rb"(?m)^(?P<at>" + STAMP + rb") - \S+ - DEBUG - Candle selection: .*now_ms=(?P<now>\d{1,15})")


def offset_ms(line: LogLine) -> int | None:
    """Tell how far a line's stamp is ahead of UTC (ms, in quarters of an hour); None for a line that cannot tell."""
    if not isinstance(line.event, CandleSelection):
        return None
    return _quarters(line.at_ms - line.event.now_ms)


def _quarters(difference_ms: int) -> int | None:
    offset = round(difference_ms / _QUARTER_MS) * _QUARTER_MS
    return offset if abs(offset) <= FARTHEST_MS else None


def in_utc(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Correct the lines' times: each by the next look at the exchange in its file, the last ones by the last.

    Where two looks differ, the stamps step between them by as much; what stands above the step is of the former zone.
    """
    waiting: list[LogLine] = []
    ahead: int | None = None
    look = 0
    for line in lines:
        if waiting and waiting[-1].file != line.file:
            yield from _corrected(waiting, ahead)
            waiting, ahead = [], None
        waiting.append(line)
        if (seen := offset_ms(line)) is not None:
            stamped = line.at_ms
            change = 0 if ahead is None else _step([look, *(one.at_ms for one in waiting)], seen - ahead)
            yield from _corrected(waiting[:change], ahead)
            yield from _corrected(waiting[change:], seen)
            waiting, look, ahead = [], stamped, seen
    yield from _corrected(waiting, ahead)


def _corrected(lines: list[LogLine], ahead: int | None) -> Iterator[LogLine]:
    for line in lines:
        line.at_ms -= ahead or 0
        yield line


def _step(stamps: list[int], change_ms: int) -> int:
    """Find the line before which the stamps, the former look's first, step the most the way that the zone changed."""
    if not change_ms:
        return 0
    steps = [later - earlier for earlier, later in pairwise(stamps)]
    return steps.index(max(steps) if change_ms > 0 else min(steps))


def is_local(files: Sequence[LogFile]) -> bool:
    """Tell whether a file begins in another zone than UTC, or ends so, where that can be seen without unpacking it."""
    return any(_offset_at(file, 0) or (not file.packed and _offset_at(file, -1)) for file in files)


def newest_offset_ms(files: Sequence[LogFile]) -> int:
    """Tell how far the newest stamps are ahead of UTC (ms)."""
    return next((offset for file in reversed(files) if (offset := _offset_at(file, -1)) is not None), 0)


def _offset_at(file: LogFile, which: int) -> int | None:
    """Read the zone off the first (0) or the last (-1) look at the exchange near that end of a file."""
    try:
        with opened(file) as fd:
            looks = [*_LOOK.finditer(_near(file, fd, which))]
    except (OSError, EOFError, zlib.error):
        return None
    at_ms = stamp_ms(looks[which]["at"]) if looks else None
    return None if at_ms is None else _quarters(at_ms - int(looks[which]["now"]))


def _near(file: LogFile, fd: int, which: int) -> bytes:
    if not file.packed:
        return read_at(fd, LONGEST, max(0, os.fstat(fd).st_size - LONGEST) if which else 0)
    blocks = unpacked_blocks(fd)
    return b"".join(deque(blocks, maxlen=2) if which else islice(blocks, 2))
