"""How checks name what they found: counts, candles, stretches of time and gaps, in words for a person; pure."""

from collections.abc import Sequence

from genesis_ops.checks.evidence import Gap, LogEvidence
from genesis_ops.words import HOUR_MS, MINUTE_MS, clock_time, day_name, duration, visible

_MOST_QUOTED = 300
"""How many characters of a message are quoted in a sentence."""


def count(number: int, noun: str) -> str:
    """Write a number of things: ``1 close``, ``24 closes``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Sequence[str]) -> str:
    """Write names in a row; of many only the first four."""
    shown = list(names[:4]) + ([f"{len(names) - 4} more"] if len(names) > 4 else [])  # noqa: PLR2004
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def brief(text: str) -> str:
    """Cut words of others, such as a fatal line's, to what a person reads; the whole of it stands in the log."""
    told = visible(text[: _MOST_QUOTED + 1])
    return told if len(told) <= _MOST_QUOTED else f"{told[: _MOST_QUOTED - 1].rstrip()}…"


def close_time(log: LogEvidence, open_ms: int) -> str:
    """Name a candle by the time of its close, with its day where the window holds the time twice or not at all."""
    close_ms = log.timeframe.close_of(open_ms)
    several = log.end_ms - log.start_ms > 24 * HOUR_MS or close_ms < log.start_ms
    return f"{day_name(close_ms)} {clock_time(close_ms)}" if several else clock_time(close_ms)


def candle(open_ms: int | None) -> str:
    """Name a candle by its open time (ms, UTC)."""
    return "no candle" if open_ms is None else f"candle {day_name(open_ms)} {clock_time(open_ms)}"


def span(from_ms: int, to_ms: int) -> str:
    """Write a stretch of time (ms, UTC) with its days."""
    return f"{day_name(from_ms)} {clock_time(from_ms)} to {day_name(to_ms)} {clock_time(to_ms)}"


def hours(length_ms: int) -> str:
    """Write a window's length (ms) as it is asked for: ``24h``, ``1h30m``."""
    whole, minutes = length_ms // HOUR_MS, length_ms % HOUR_MS // MINUTE_MS
    return f"{whole}h{minutes}m" if whole and minutes else f"{whole}h" if whole else f"{minutes}m"


def exactly(length_ms: int) -> str:
    """Write a length of time (ms) with its seconds, if it is below an hour."""
    seconds = length_ms // 1000
    return f"{seconds // 60}m {seconds % 60}s" if 60 <= seconds < 3600 else duration(seconds)  # noqa: PLR2004


def told_gap(log: LogEvidence, gap: Gap) -> str:
    """Say which closes are missing and why."""
    first, last = close_time(log, gap.missing[0]), close_time(log, gap.missing[-1])
    named = {1: first, 2: f"{first} and {last}"}.get(len(gap.missing), f"{first} to {last} ({len(gap.missing)})")
    return f"{named} missing: {gap.why.cause}"


def local_time(log: LogEvidence) -> str:
    """Say how far the log's stamps stand from UTC."""
    zones = listed([f"{ahead_ms / HOUR_MS:+g}h" for ahead_ms in log.ahead_ms])
    return f"the log is in local time ({zones} of UTC; corrected)"
