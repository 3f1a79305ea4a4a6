"""What the log said last: how far the runner came before it stopped, for its recovery at the next start."""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from genesis_ops.runlog.events import (
    CandleClose,
    CandleMissed,
    CandleSelection,
    Evaluation,
    EvaluationMissed,
    Event,
    FetchError,
    OrderSubmitted,
    RunnerStarted,
)
from genesis_ops.runlog.files import LogFile, backwards, last_stamp_ms, log_files, opened, stamp_ms
from genesis_ops.runlog.reader import ROUTINE, LogLine, LogReader
from genesis_ops.words import DAY_MS, day

_PHRASE, _LOOK = (event.phrase.partition("{")[0].encode() for event in (CandleClose, CandleSelection))
_SOURCES = ("previous", "latest")


class Unseen(NamedTuple):
    """The end of a log in which the exchange showed no candle: since when (ms, UTC), and why as far as it is told."""

    from_ms: int
    cause: str


class LastWords(NamedTuple):
    """The newest announced candle and what the log says of it and of those after it."""

    any_log: bool
    newest_ms: int | None
    """The time of the newest line (ms, UTC)."""
    close: CandleClose | None
    evaluated: bool
    """Whether an evaluation follows the close."""
    missed: frozenset[int]
    """The open times (ms) of candles that were recorded as missed after the close."""
    evaluations_missed: frozenset[int]
    troubles: tuple[str, ...]
    """Files that could not be read, or only in part, with the reason."""
    unseen: Unseen | None = None
    """What follows the newest look at a candle; None where no look is in the log."""


class Counts(NamedTuple):
    """How often the log says that something was done."""

    evaluations: int
    orders: int
    troubles: tuple[str, ...]
    """Files that could not be read, or only in part, with the reason."""


@dataclass(slots=True)
class _Fold:
    close: CandleClose | None = None
    evaluated: bool = False
    missed: set[int] = field(default_factory=set)
    evaluations_missed: set[int] = field(default_factory=set)
    newest_ms: int = 0
    started_ms: int = 0
    failure: tuple[int, str] = (0, "")

    def take(self, line: LogLine) -> None:
        match line.event:
            case RunnerStarted():
                self.started_ms = line.at_ms
            case FetchError(cause=cause):
                self.failure = line.at_ms, cause
            case CandleClose() as close if _is_close(line):
                self.close, self.evaluated = close, False
                self.missed.clear()
                self.evaluations_missed.clear()
            case Evaluation():
                self.evaluated = True
            case CandleMissed(ts=ts):
                self.missed.add(ts)
            case EvaluationMissed(ts=ts):
                self.evaluations_missed.add(ts)

    def unseen(self, looked_ms: int | None) -> Unseen | None:
        """Say why nothing was seen since the newest look; a run that came after it says nothing of what lay between."""
        if looked_ms is None:
            return None
        failed_ms, why = self.failure
        cause = f"feed failing ({why})" if failed_ms > looked_ms else "runner stalled"
        return Unseen(looked_ms, f"runner down, then {cause}" if self.started_ms > looked_ms else cause)


def last_words(log_dir: Path) -> LastWords:
    """Read the log from its end back to the newest candle close; a directory that cannot be listed raises OSError.

    A close whose line a hard stop cut off does not count (see ``is_whole``), nor does any line without a line end.
    """
    ends = {file: end_ms(file) for file in log_files(log_dir)}
    fold = _Fold()
    troubles: list[str] = []
    ordered = sorted(ends, key=ends.__getitem__)
    for file, offset in _since_close(ordered):
        reader = LogReader((file,), without=ROUTINE, offset=offset)
        for line in reader:
            fold.take(line)
        troubles += reader.notes.unreadable + reader.notes.damaged
        fold.newest_ms = max(fold.newest_ms, reader.notes.last_ms or 0)
    return LastWords(
        any_log=bool(ends),
        newest_ms=fold.newest_ms or None,
        close=fold.close,
        evaluated=fold.evaluated,
        missed=frozenset(fold.missed),
        evaluations_missed=frozenset(fold.evaluations_missed),
        troubles=tuple(troubles),
        unseen=fold.unseen(next((at_ms for file in reversed(ordered) if (at_ms := _last_look(file))), None)),
    )


def counts(log_dir: Path) -> Counts:
    """Count evaluations and submitted orders over the whole log, to rebuild a lost state; OSError as above."""
    reader = LogReader(log_files(log_dir), without=ROUTINE)
    found: Counter[type[Event]] = Counter(type(line.event) for line in reader)
    troubles = (*reader.notes.unreadable, *reader.notes.damaged)
    return Counts(found[Evaluation], found[OrderSubmitted], troubles)


def is_whole(close: CandleClose, message: str) -> bool:
    """Whether a close's line was written to its end, even where a later start gave it the line end it lacked.

    It names its source in full; the older runner's variant without a source has its price to two decimals.
    """
    if close.source is None:
        return message == f"NEW CANDLE CLOSE: ts={close.ts}, close={close.close:.2f}"
    return close.source in _SOURCES


def is_torn(close: CandleClose) -> bool:
    """Whether a close's line ends in the middle of its source's name: a hard stop cut it off."""
    source = close.source or ""
    return any(known != source and known.startswith(source) for known in _SOURCES) and bool(source)


def end_ms(file: LogFile) -> int:
    """Tell up to when a file reaches; a compressed one that the next day's follows, up to the end of its day.

    The older runner wrote many days into one file: another compressed one has to be read to its end.
    """
    day_ms = (stamp_ms(f"{file.day[:4]}-{file.day[4:6]}-{file.day[6:]} 00:00:00".encode()) or 0) + DAY_MS
    with suppress(OSError):
        if file.packed:
            if any(os.path.lexists(file.path.with_name(f"runner_{day(day_ms)}.log{end}")) for end in ("", ".gz")):
                return day_ms
            found = file.path.stat()
            return _packed_end_ms(file, found.st_mtime_ns, found.st_size) or day_ms
        with opened(file) as fd:
            return last_stamp_ms(fd) or day_ms
    return day_ms


@lru_cache(maxsize=64)
def _packed_end_ms(file: LogFile, _written_ns: int, _size: int) -> int | None:
    """Read a compressed file to its end, once for as long as it stays the same."""
    reader = LogReader((file,), without=ROUTINE)
    for _ in reader:
        pass
    return reader.notes.last_ms


def reach_ms(file: LogFile, from_ms: int, to_ms: int) -> tuple[int, int] | None:
    """Tell the times (ms, UTC) of a file's first and last line in a closed window; None where it has none there."""
    if not file.packed and (last_ms := end_ms(file)) <= to_ms:
        first = next(iter(LogReader((file,), from_ms, to_ms)), None)
        return None if first is None else (first.at_ms, last_ms)
    reader = LogReader((file,), from_ms, to_ms, without=ROUTINE)
    for _ in reader:
        pass
    first_ms, newest_ms = reader.notes.first_ms, reader.notes.last_ms
    return None if first_ms is None or newest_ms is None else (first_ms, newest_ms)


def _since_close(files: Sequence[LogFile]) -> list[tuple[LogFile, int]]:
    """Name the newest files back to the one with the newest close, and the byte where each is to be read from."""
    stretch: list[tuple[LogFile, int]] = []
    for file in reversed(files):
        offset = _last_close(file)
        stretch.insert(0, (file, offset or 0))
        if offset is not None:
            break
    return stretch


def _last_close(file: LogFile) -> int | None:
    """Find the byte where the line of a file's newest close begins; 0 if it is anywhere in a compressed file."""
    if file.packed:
        return 0 if any(map(_is_close, LogReader((file,), without=ROUTINE))) else None
    with suppress(OSError), opened(file) as fd:
        offsets = backwards(fd, _PHRASE, os.fstat(fd).st_size)
        return next((offset for offset in offsets if _begins_with_close(file, offset)), None)
    return None


def _last_look(file: LogFile) -> int | None:
    """Tell when the newest look at a candle was logged (ms, UTC); None in a file without one, or compressed."""
    if file.packed:
        return None
    with suppress(OSError), opened(file) as fd:
        for offset in backwards(fd, _LOOK, os.fstat(fd).st_size):
            line = next(iter(LogReader((file,), offset=offset)), None)
            if line is not None and isinstance(line.event, CandleSelection):
                return line.at_ms
    return None


def _begins_with_close(file: LogFile, offset: int) -> bool:
    first = takewhile(lambda line: line.index == 0, LogReader((file,), offset=offset))
    return any(map(_is_close, first))


def _is_close(line: LogLine) -> bool:
    return isinstance(line.event, CandleClose) and is_whole(line.event, line.message)
