"""When the phase stood still: stretches without a line or without a close, their causes, and the uptime; pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from genesis_ops.checks.evidence import Gap, LogEvidence, Silence
from genesis_ops.checks.phase_candles import Candle, beginning, candles
from genesis_ops.checks.wording import brief, count
from genesis_ops.runlog.tally import LATE_MS
from genesis_ops.words import DAY_MS


class Outage(NamedTuple):
    """A stretch (ms, UTC) without a line of the log (``silent``) or without a close, how many closes it cost, and why.

    Of a silence it is known how long it was; what cost closes while lines were written ended with the next close.
    ``unevaluated`` counts closes that were announced and never evaluated.
    """

    from_ms: int
    to_ms: int
    closes: int
    cause: str
    silent: bool
    unevaluated: int = 0

    @property
    def length_ms(self) -> int:
        """How long it was (ms)."""
        return self.to_ms - self.from_ms


def outages(log: LogEvidence) -> tuple[Outage, ...]:
    """Name every stretch once, in order; closes that a silence cost belong to it."""
    silent = tuple(silence for silence in log.silences if silence.to_ms > silence.from_ms)
    left = [(gap, _left(gap, silent, log)) for gap in log.gaps]
    found = [_silence(silence, log) for silence in silent]
    found += [_without_close(gap, missing, log) for gap, missing in left if missing]
    found += [_without_evaluation(row, log) for row in _unevaluated(log, silent)]
    return tuple(sorted(found))


def _left(gap: Gap, silent: Sequence[Silence], log: LogEvidence) -> tuple[int, ...]:
    return tuple(ts for ts in gap.missing if not any(_cost(silence, ts, log) for silence in silent))


def _cost(silence: Silence, open_ms: int, log: LogEvidence) -> bool:
    close_ms = log.timeframe.close_of(open_ms)
    return silence.from_ms <= close_ms + LATE_MS and close_ms <= silence.to_ms


def _silence(silence: Silence, log: LogEvidence) -> Outage:
    lost = {ts for gap in log.gaps for ts in gap.missing if _cost(silence, ts, log)}
    return Outage(silence.from_ms, silence.to_ms, len(lost), silence.why.cause, silent=True)


def _without_close(gap: Gap, missing: Sequence[int], log: LogEvidence) -> Outage:
    from_ms = log.timeframe.close_of(missing[0])
    to_ms = min(log.timeframe.close_of(log.timeframe.close_of(missing[-1])), log.end_ms)
    return Outage(from_ms, max(from_ms, to_ms), len(missing), gap.why.cause, silent=False)


def _unevaluated(log: LogEvidence, silent: Sequence[Silence]) -> Iterator[tuple[Candle, ...]]:
    """Give neighbouring candles that were announced and never evaluated; a silence that followed explains its own."""
    for none, row in groupby(candles(log), key=lambda candle: candle.unevaluated):
        if none:
            left = tuple(each for each in row if not any(_cost(silence, each.open_ms, log) for silence in silent))
            yield from (left,) if left else ()


def _without_evaluation(row: Sequence[Candle], log: LogEvidence) -> Outage:
    opens = {candle.open_ms for candle in row}
    failures = [close.failure or close.given_up for close in log.closes if close.ts in opens]
    said = next((brief(line.message) for line in failures if line is not None), "no failure in the log")
    cause = f"{count(len(row), 'close')} not evaluated: {said}"
    to_ms = max(row[0].close_ms, min(log.timeframe.close_of(row[-1].close_ms), log.end_ms))
    return Outage(row[0].close_ms, to_ms, 0, cause, silent=False, unevaluated=len(row))


def counted_from_ms(log: LogEvidence) -> int:
    """Tell from when on the log is to have lived (ms, UTC): from its first line, or from Day 0 if that came later."""
    return log.start_ms if beginning(log) is not None else log.first_ms or log.start_ms


def uptime(log: LogEvidence, from_ms: int | None = None, to_ms: int | None = None) -> float | None:
    """Tell in which share of a stretch (ms, UTC) the log lived, counted from its first line on; else of all of it.

    None where that is no time at all.
    """
    if log.first_ms is None:
        return None
    begin_ms = counted_from_ms(log) if from_ms is None else max(log.first_ms, from_ms)
    end_ms = min(log.end_ms, log.end_ms if to_ms is None else to_ms)
    if end_ms <= begin_ms:
        return None
    before_ms = max(0, log.first_ms - begin_ms)
    silent_ms = before_ms + sum(b - a for a, b in _merged(log.silences, begin_ms + before_ms, end_ms))
    return 1 - silent_ms / (end_ms - begin_ms)


def uptime_by_day(log: LogEvidence, days: Iterable[int]) -> dict[int, float | None]:
    """Tell the uptime of each day (ms, UTC)."""
    return {day: uptime(log, day, day + DAY_MS) for day in days}


def _merged(silences: Iterable[Silence], begin_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """Give the silent stretches within bounds, none of their time twice."""
    reached_ms = begin_ms
    for silence in sorted(silences, key=lambda each: each.from_ms):
        from_ms, to_ms = max(silence.from_ms, reached_ms), min(silence.to_ms, end_ms)
        if to_ms > from_ms:
            yield from_ms, to_ms
            reached_ms = to_ms
