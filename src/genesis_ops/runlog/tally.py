"""What a window of the log adds up to, and what became of each of its candles; pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from genesis_ops.runlog.events import (
    CRITICAL,
    CandleClose,
    CandleMissed,
    EvaluateError,
    Evaluation,
    EvaluationMissed,
    Event,
    Fatal,
    FetchError,
    Heartbeat,
    OrderSkipped,
    OrderSubmitted,
    OrderSubmitting,
    Unknown,
)
from genesis_ops.runlog.reader import LogLine
from genesis_ops.words import DAY_MS, MINUTE_MS, Action, Timeframe

LATE_MS = MINUTE_MS
"""How long after a candle's close (ms) its line may stand without being late."""

_MONDAY_MS = 4 * DAY_MS


class Fate(StrEnum):
    """What became of a candle that closed in the window."""

    PROCESSED = "processed"
    ACTION = "action"
    """Processed, and an order was asked for."""
    LATE = "late"
    """Processed, but its line stands more than a minute after its close."""
    MISSING = "missing"
    """The log covers its close and has no line of it."""
    UNCOVERED = "uncovered"
    """The log begins after its close or ends before its line could be expected."""


class Hour(NamedTuple):
    """A candle that closed in the window (times in ms, UTC) and its fate."""

    open_ms: int
    close_ms: int
    fate: Fate


class Tally(NamedTuple):
    """The counts of a window ``[start_ms, end_ms)``; a candle belongs to it by the time of its close.

    ``closes``, ``evaluations`` and ``would_be_orders`` are those of the window's candles, a repeated close
    counting once; everything else is counted by the time of its line.
    """

    start_ms: int
    end_ms: int
    closes: int
    evaluations: int
    would_be_orders: int
    submissions: int
    heartbeats: int
    fatal: int
    fetch_errors: int
    evaluate_errors: int
    missed_candles: int
    missed_evaluations: int
    not_understood: int
    """Lines whose message no type reads; lines without a prefix are in the reader's notes."""
    hours: tuple[Hour, ...]


class _Seen:
    """What has been seen of a window so far."""

    def __init__(self) -> None:
        self.events: Counter[type[Event]] = Counter()
        self.closed: dict[int, int] = {}
        self.asked: set[int] = set()
        self.evaluations: Counter[int] = Counter()
        self.would_be: Counter[int] = Counter()
        self.fatal = 0
        self.first_ms: int | None = None
        self.last_ms = 0
        self.candle = -1  # the newest announced one; what precedes the first is of a candle before the window

    def take(self, line: LogLine) -> None:
        event = line.event
        self.events[type(event)] += 1
        self.fatal += isinstance(event, Fatal) or line.level == CRITICAL
        self.first_ms = line.at_ms if self.first_ms is None else min(self.first_ms, line.at_ms)
        self.last_ms = max(self.last_ms, line.at_ms)
        match event:
            case CandleClose(ts=ts):
                self.candle = ts
                self.closed.setdefault(ts, line.at_ms)
            case Evaluation(action=action):
                self.evaluations[self.candle] += 1
                if action != Action.NONE:
                    self.asked.add(self.candle)
            case OrderSkipped():
                self.would_be[self.candle] += 1
                self.asked.add(self.candle)
            case OrderSubmitting() | OrderSubmitted():
                self.asked.add(self.candle)

    def fate(self, open_ms: int, close_ms: int) -> Fate:
        at_ms = self.closed.get(open_ms)
        if at_ms is None:
            covered = self.first_ms is not None and self.first_ms <= close_ms and close_ms + LATE_MS <= self.last_ms
            return Fate.MISSING if covered else Fate.UNCOVERED
        if at_ms > close_ms + LATE_MS:
            return Fate.LATE
        return Fate.ACTION if open_ms in self.asked else Fate.PROCESSED


def tally(
    lines: Iterable[LogLine],
    timeframe: Timeframe,
    start_ms: int,
    end_ms: int,
    reach_ms: tuple[int, int] | None = None,
) -> Tally:
    """Add up the lines of a window (ms, UTC); the lines are taken as they come and not kept.

    ``reach_ms`` is from when to when the log has lines, where not all of them are given.
    """
    seen = _Seen()
    if reach_ms is not None:
        seen.first_ms, seen.last_ms = reach_ms
    for line in lines:
        seen.take(line)
    candles = closing_within(timeframe, start_ms, end_ms, seen.closed)
    inside = {ts for ts in seen.closed if ts < end_ms and start_ms <= timeframe.close_of(ts) < end_ms}
    return Tally(
        start_ms=start_ms,
        end_ms=end_ms,
        closes=len(inside),
        evaluations=sum(seen.evaluations[ts] for ts in inside),
        would_be_orders=sum(seen.would_be[ts] for ts in inside),
        submissions=seen.events[OrderSubmitted],
        heartbeats=seen.events[Heartbeat],
        fatal=seen.fatal,
        fetch_errors=seen.events[FetchError],
        evaluate_errors=seen.events[EvaluateError],
        missed_candles=seen.events[CandleMissed],
        missed_evaluations=seen.events[EvaluationMissed],
        not_understood=seen.events[Unknown],
        hours=tuple(Hour(ts, timeframe.close_of(ts), seen.fate(ts, timeframe.close_of(ts))) for ts in candles),
    )


def _grid(timeframe: Timeframe, opens: Iterable[int]) -> int:
    """Name one open time of the grid; that of long candles is the exchange's to choose, so one is learned from."""
    return min(opens, default=_MONDAY_MS) if timeframe in {Timeframe.W1, Timeframe.D14} else _MONDAY_MS


def closing_within(timeframe: Timeframe, start_ms: int, end_ms: int, known: Iterable[int]) -> list[int]:
    """Name the open times (ms) of the candles that close in ``[start_ms, end_ms)``, on the grid of those known."""
    known_open_ms = _grid(timeframe, known)
    if timeframe is Timeframe.MONTH:
        first = datetime.fromtimestamp(start_ms / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        open_ms = int(first.timestamp() * 1000)
    else:
        length = timeframe.close_of(0)
        open_ms = start_ms - length - (start_ms - known_open_ms) % length
    opens = []
    while (close_ms := timeframe.close_of(open_ms)) < end_ms:
        if close_ms >= start_ms:
            opens.append(open_ms)
        open_ms = close_ms
    return opens
