"""Why candles are missing or a log fell silent, read from the lines around it; pure (contract §9, candle-frequency)."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from genesis_ops.checks.evidence import Explanation
from genesis_ops.checks.wording import brief
from genesis_ops.runlog.events import (
    CRITICAL,
    CandleSelection,
    ChampionNotLoaded,
    ClockOff,
    EvaluateError,
    Event,
    Fatal,
    FeedDead,
    FetchError,
    FetchRetry,
    GaveUp,
    Interrupted,
    RunnerStarted,
    RunnerStopped,
    SignalReceived,
)
from genesis_ops.runlog.reader import LogLine
from genesis_ops.runlog.tally import LATE_MS
from genesis_ops.words import MINUTE_MS, Timeframe, clock_time, day_name, duration

SILENT_MS = 5 * MINUTE_MS
"""How long (ms) a log may stand still at the 10 s poll without the silence being named (contract §9, window)."""

_STEP_MS = MINUTE_MS
_NO_ROW, _NO_CAUSE = "the exchange had no row for it", "no cause found in the lines around it"
UNEXPLAINED = (_NO_ROW, _NO_CAUSE)
"""What is said where the lines around a gap show nothing wrong; the runner's own record of it says more."""
_FEED: tuple[type[Event], ...] = (FetchError, FetchRetry, FeedDead)
_API: tuple[type[Event], ...] = (EvaluateError, GaveUp)
_LAST_WORDS: tuple[type[Event], ...] = (RunnerStopped, GaveUp)


class _Pause(NamedTuple):
    """Two neighbouring lines with nothing between; ``after`` is None where the log ends."""

    before: LogLine
    after: LogLine | None
    to_ms: int


def explain_gap(
    lines: Sequence[LogLine], missing: Sequence[int], timeframe: Timeframe, end_ms: int, limit_ms: int = SILENT_MS
) -> Explanation:
    """Say why candles (open times in ms) were not announced, from all lines between their neighbours' closes."""
    found: dict[str, tuple[LogLine, ...]] = {}
    pauses = _pauses(lines, end_ms, limit_ms)
    ordered = sorted(lines, key=_time)
    explained_ms = 0
    for close_ms in map(timeframe.close_of, missing):
        if close_ms >= explained_ms:
            why, explained_ms = _at(ordered, pauses, close_ms, min(timeframe.close_of(close_ms), end_ms))
            found.setdefault(why.cause, why.evidence)
    return Explanation("; ".join(found), tuple(line for evidence in found.values() for line in evidence))


def _time(line: LogLine) -> int:
    return line.at_ms


def explain_silence(lines: Sequence[LogLine], end_ms: int, limit_ms: int = SILENT_MS) -> Explanation:
    """Say why nothing was written between the first two lines that are far enough apart."""
    pauses = _pauses(lines, end_ms, limit_ms)
    return _paused(pauses[0], lines) if pauses else Explanation(_NO_CAUSE)


def _pauses(lines: Sequence[LogLine], end_ms: int, limit_ms: int) -> list[_Pause]:
    found = [_Pause(a, b, b.at_ms) for a, b in pairwise(lines) if not 0 <= b.at_ms - a.at_ms < limit_ms]
    if lines and end_ms - lines[-1].at_ms >= limit_ms:
        found.append(_Pause(lines[-1], None, end_ms))
    return found


def _at(lines: Sequence[LogLine], pauses: Sequence[_Pause], close_ms: int, until_ms: int) -> tuple[Explanation, int]:
    """Say what was going on while a candle could have been announced, to the next one's close; and until when (ms)."""
    for pause in pauses:
        if pause.before.at_ms <= close_ms + LATE_MS and pause.to_ms > close_ms:
            return _paused(pause, lines), pause.to_ms
    during = lines[bisect_left(lines, close_ms, key=_time) : bisect_left(lines, until_ms, key=_time)]
    off = [line for line in during if isinstance(line.event, ClockOff)]
    if off:
        return Explanation(f"clock off: {off[0].message}", (off[0],)), until_ms
    for types, name in ((_FEED, "exchange feed failing"), (_API, "API failing")):
        if any(isinstance(line.event, types) for line in during):
            return _failing(lines, types, name, close_ms)
    looks = [line for line in during if isinstance(line.event, CandleSelection)]
    if looks:
        return _no_row(looks[-1]), until_ms
    return Explanation(_NO_CAUSE, tuple(during[:1])), until_ms


def _no_row(look: LogLine) -> Explanation:
    """Tell an exchange without a row from one whose rows lie in the host's future."""
    seen = look.event
    if isinstance(seen, CandleSelection) and seen.latest_ts > seen.now_ms + _STEP_MS:
        behind = duration((seen.latest_ts - seen.now_ms) / 1000)
        return Explanation(f"clock off: the host is at least {behind} behind the exchange", (look,))
    return Explanation(_NO_ROW, (look,))


def _failing(
    lines: Sequence[LogLine], types: tuple[type[Event], ...], name: str, close_ms: int
) -> tuple[Explanation, int]:
    """Name the outage around a time: back and forth from it as long as nothing worked in between."""
    errors = [line for line in lines if isinstance(line.event, types)]
    looks = [line.at_ms for line in lines if isinstance(line.event, CandleSelection)] if types is _FEED else []
    from_ms = max((at_ms for at_ms in looks if at_ms <= close_ms), default=0)
    to_ms = min((at_ms for at_ms in looks if at_ms > close_ms), default=lines[-1].at_ms)
    outage = [line for line in errors if from_ms <= line.at_ms <= to_ms] or errors
    causes = [line for line in outage if getattr(line.event, "cause", "")] or outage
    cause = getattr(causes[0].event, "cause", "")
    text = f"{name} {_span(outage[0].at_ms, outage[-1].at_ms)}{cause and f' ({cause})'}"
    return Explanation(text, (causes[0],)), outage[-1].at_ms


def _paused(pause: _Pause, lines: Sequence[LogLine]) -> Explanation:
    """Tell a process that was gone from one that stood still, and both from a clock that was stepped."""
    before, after = pause.before, pause.after
    span = _span(before.at_ms, pause.to_ms)
    if after is None:
        ended = _how_it_ended(lines, before)
        return Explanation(f"runner down since {clock_time(before.at_ms)}{ended}", (before,))
    started = any(isinstance(line.event, RunnerStarted) for line in lines if 0 <= line.at_ms - after.at_ms < _STEP_MS)
    if started or isinstance(before.event, _LAST_WORDS):
        return Explanation(f"runner down {span}{_how_it_ended(lines, before)}", (before, after))
    stepped_ms = _stepped_by(before, after, lines)
    if stepped_ms:
        by = f"{'forward' if stepped_ms > 0 else 'back'} by {duration(abs(stepped_ms) / 1000)}"
        return Explanation(f"clock stepped {by} at {clock_time(before.at_ms)}", (before, after))
    return Explanation(f"runner stood still {span} (suspended, starved or the disk hung)", (before, after))


def _how_it_ended(lines: Sequence[LogLine], last: LogLine) -> str:
    """Say how a process ended, from its last lines."""
    own = [line for line in lines if line.at_ms <= last.at_ms and last.at_ms - line.at_ms < _STEP_MS]
    for line in reversed(own):
        if line.level == CRITICAL or isinstance(line.event, (Fatal, GaveUp, ChampionNotLoaded)):
            return f" ({brief(line.message)})"
    if any(isinstance(line.event, (SignalReceived, Interrupted, RunnerStopped)) for line in own):
        return " (stopped in good order)"
    return " (killed, or the host was down)"


def _stepped_by(before: LogLine, after: LogLine, lines: Sequence[LogLine]) -> int:
    """Tell by how much the host's clock was stepped (ms): the exchange's candles went on by less than the stamps."""
    if after.at_ms < before.at_ms:
        return after.at_ms - before.at_ms
    earlier = [line.event for line in lines if line.at_ms <= before.at_ms and isinstance(line.event, CandleSelection)]
    later = [line.event for line in lines if line.at_ms >= after.at_ms and isinstance(line.event, CandleSelection)]
    if not earlier or not later:
        return 0
    candle_ms = earlier[-1].latest_close_ms - earlier[-1].latest_ts
    went_on_ms = later[0].latest_ts - earlier[-1].latest_ts
    stood_ms = after.at_ms - before.at_ms
    return stood_ms - went_on_ms if stood_ms - went_on_ms > candle_ms + _STEP_MS else 0


def _span(from_ms: int, to_ms: int) -> str:
    """Write a stretch of time, with the days where it crosses midnight."""
    if day_name(from_ms) == day_name(to_ms):
        return f"{clock_time(from_ms)}-{clock_time(to_ms)}"
    return f"{day_name(from_ms)} {clock_time(from_ms)} to {day_name(to_ms)} {clock_time(to_ms)}"
