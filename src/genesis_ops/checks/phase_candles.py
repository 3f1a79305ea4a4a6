"""The phase candle by candle: what became of it, at what price it closed, how soon it was evaluated; pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

from genesis_ops.checks.evidence import LogEvidence
from genesis_ops.runlog.events import Evaluation
from genesis_ops.runlog.reader import LogLine
from genesis_ops.runlog.runs import Close
from genesis_ops.runlog.tally import LATE_MS, Fate
from genesis_ops.words import DAY_MS, Action


class Candle(NamedTuple):
    """A candle (times in ms, UTC), from when the runner lived on; ``latency_ms`` is from its close to its evaluation.

    ``price`` is None where it was not processed, ``latency_ms`` and ``action`` where it was not evaluated.
    """

    open_ms: int
    close_ms: int
    fate: Fate
    price: float | None
    latency_ms: int | None
    action: str | None
    evaluations: int
    unevaluated: bool = False
    """Whether it was announced and never evaluated, although there was time for it."""


class Beginning(NamedTuple):
    """Where a log begins (ms, UTC) that has no line of Day 0: how many days and closes of the phase precede it.

    ``begun`` tells that a run begins there; in the middle of one, the log before it is lost.
    """

    at_ms: int
    days: int
    closes: int
    begun: bool


class Latency(NamedTuple):
    """How long candles waited from their close to their evaluation (ms)."""

    median: int
    p95: int
    longest: int
    longest_close_ms: int
    """When the candle closed that waited longest (ms, UTC)."""


def candles(log: LogEvidence) -> tuple[Candle, ...]:
    """Give every candle that opened in the phase; what closed since the log's last line is missing, too."""
    closes: dict[int, list[Close]] = {}
    for close in log.closes:
        closes.setdefault(close.ts, []).append(close)
    gone = {ts for gap in log.gaps for ts in gap.missing}
    return tuple(
        _candle(
            hour.open_ms,
            hour.close_ms,
            Fate.MISSING if hour.open_ms in gone and hour.fate is Fate.UNCOVERED else hour.fate,
            closes.get(hour.open_ms, []),
            log,
        )
        for hour in log.tally.hours
        if hour.open_ms >= log.start_ms
    )


def _candle(open_ms: int, close_ms: int, fate: Fate, closes: Sequence[Close], log: LogEvidence) -> Candle:
    """Put a candle together; what closed before the runner was born waited for its start, and was not late."""
    born_ms = log.first_ms or 0
    lines = [line for close in closes for line in close.evaluations]
    first = lines[0] if lines else None
    action = None if first is None else _action(first)
    if fate is Fate.LATE and close_ms < born_ms:
        fate = Fate.PROCESSED if action in {None, Action.NONE} else Fate.ACTION
    waited = first is not None and close_ms >= born_ms
    return Candle(
        open_ms,
        close_ms,
        fate,
        closes[-1].event.close if closes else None,
        max(0, first.at_ms - close_ms) if first is not None and waited else None,
        action,
        len(lines),
        bool(closes) and not lines and close_ms + 2 * LATE_MS <= log.end_ms,
    )


def _action(line: LogLine) -> str:
    return line.event.action if isinstance(line.event, Evaluation) else str(Action.NONE)


def expected(found: Iterable[Candle]) -> tuple[Candle, ...]:
    """Give those that the runner was to process: it was started before they closed."""
    return tuple(candle for candle in found if candle.fate is not Fate.UNCOVERED)


def beginning(log: LogEvidence) -> Beginning | None:
    """Tell what of the phase precedes the log; None where the log begins on Day 0, at whatever hour, or is none."""
    first_ms = log.first_ms
    if first_ms is None or first_ms - log.start_ms < DAY_MS:
        return None
    before = sum(candle.fate is Fate.UNCOVERED and candle.close_ms < first_ms for candle in candles(log))
    begun = bool(log.runs) and log.runs[0].started is not None
    return Beginning(first_ms, (first_ms - log.start_ms) // DAY_MS, before, begun)


def latency(found: Iterable[Candle]) -> Latency | None:
    """Sum up how long candles waited for their evaluation; None where none was evaluated."""
    waited = sorted((candle.latency_ms, candle.close_ms) for candle in found if candle.latency_ms is not None)
    if not waited:
        return None
    times = [ms for ms, _ in waited]
    return Latency(_rank(times, 0.5), _rank(times, 0.95), *waited[-1])


def _rank(ordered: Sequence[int], share: float) -> int:
    """Give the value below or at which this share of them lies (nearest rank)."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def actions(found: Iterable[Candle]) -> dict[str, int]:
    """Count what evaluations asked for, by side; those that asked for nothing are left out."""
    asked = Counter(candle.action for candle in found if candle.action not in {None, Action.NONE})
    return {str(side): asked[side] for side in sorted(asked, key=str)}


def last_price(found: Sequence[Candle]) -> float | None:
    """Give the newest close's price; None where there is none."""
    return next((candle.price for candle in reversed(found) if candle.price is not None), None)


def by_day(found: Iterable[Candle]) -> dict[int, tuple[Candle, ...]]:
    """Put candles together by the day (ms, UTC) that they opened on."""
    days: dict[int, list[Candle]] = {}
    for candle in found:
        days.setdefault(candle.open_ms - candle.open_ms % DAY_MS, []).append(candle)
    return {day: tuple(inside) for day, inside in days.items()}
