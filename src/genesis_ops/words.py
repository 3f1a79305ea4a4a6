"""The words that every room shares: modes, actions, timeframes, exit codes and times."""

import re
import time
from datetime import UTC, datetime
from enum import IntEnum, StrEnum

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Exit(IntEnum):
    """What an exit code tells a script or a supervisor (contract §7)."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    UNKNOWN = 3
    REMOTE_UNAVAILABLE = 69
    BUG_OR_WRITE_FAILED = 70
    LOCK_HELD = 75
    REFUSED = 78
    INTERRUPTED = 130
    TERMINATED = 143


class Mode(StrEnum):
    """What the runner does with a decided order."""

    DRY_RUN = "dry-run"
    LIVE_PAPER = "live-paper"


class Action(StrEnum):
    """What an evaluation asks for (contract §2)."""

    NONE = "NONE"
    LONG = "LONG"
    SHORT = "SHORT"


class Timeframe(StrEnum):
    """The candle lengths the exchange knows; there is no 4h (contract §5)."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H3 = "3h"
    H6 = "6h"
    H12 = "12h"
    D1 = "1D"
    W1 = "1W"
    D14 = "14D"
    MONTH = "1M"

    def close_of(self, open_ms: int) -> int:
        """Tell when the candle that opened at ``open_ms`` closes (ms, UTC); a month has its calendar length."""
        if self is not Timeframe.MONTH:
            return open_ms + _LENGTH_MS[self]
        opened = datetime.fromtimestamp(open_ms / 1000, UTC)
        year, month = (opened.year + 1, 1) if opened.month == 12 else (opened.year, opened.month + 1)  # noqa: PLR2004
        return int(opened.replace(year=year, month=month).timestamp() * 1000)

    def may_open_at(self, ms: int) -> bool:
        """Tell whether a candle of this length can open at a time (ms, UTC), as far as the grid is known."""
        return ms % min(_LENGTH_MS.get(self, DAY_MS), DAY_MS) == 0


_LENGTH_MS = {
    Timeframe.M1: MINUTE_MS,
    Timeframe.M5: 5 * MINUTE_MS,
    Timeframe.M15: 15 * MINUTE_MS,
    Timeframe.M30: 30 * MINUTE_MS,
    Timeframe.H1: HOUR_MS,
    Timeframe.H3: 3 * HOUR_MS,
    Timeframe.H6: 6 * HOUR_MS,
    Timeframe.H12: 12 * HOUR_MS,
    Timeframe.D1: DAY_MS,
    Timeframe.W1: 7 * DAY_MS,
    Timeframe.D14: 14 * DAY_MS,
}


_UNITS_MS = {"s": 1000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_LONGEST_MS = 3660 * DAY_MS
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def stamp(ms: int) -> str:
    """Write a time (ms) as a log line begins with it: ``2026-02-04 13:03:20``, UTC whatever TZ says."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(ms // 1000))


def day(ms: int) -> str:
    """Write a time (ms) as the UTC day in file names: ``20260204``."""
    return time.strftime("%Y%m%d", time.gmtime(ms // 1000))


def iso(ms: int) -> str:
    """Write a time (ms) as ISO 8601 in UTC with milliseconds: ``2026-02-04T13:03:20.000Z``."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(ms // 1000))}.{ms % 1000:03d}Z"


def day_name(ms: int) -> str:
    """Write a time (ms) as the day a person would name: ``04 Feb``, UTC."""
    moment = time.gmtime(ms // 1000)
    return f"{moment.tm_mday:02d} {_MONTHS[moment.tm_mon - 1]}"  # strftime's names follow the locale


def clock_time(ms: int) -> str:
    """Write a time (ms) for a person who knows the day: ``13:03``, UTC."""
    return time.strftime("%H:%M", time.gmtime(ms // 1000))


def duration(seconds: float) -> str:
    """Write a length of time for a person: ``41s``, ``12m``, ``1h 20m``, ``15d 2h``."""
    total = max(0, int(seconds))
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if days:
        return f"{days}d {hours % 24}h"
    if hours:
        return f"{hours}h {minutes % 60}m"
    return f"{minutes}m" if minutes else f"{total}s"


def read_duration(text: str) -> int:
    """Read a length of time such as ``24h``, ``90s`` or ``1h30m`` in ms; ValueError says what is wrong with it."""
    parts = re.findall(r"([0-9]{1,6})([smhdw])", text)
    if "".join(map("".join, parts)) != text or not text:
        raise ValueError(f"'{visible(text)}' is not a length of time, such as 24h, 90m or 1h30m (units: s m h d w)")
    total = sum(int(number) * _UNITS_MS[unit] for number, unit in parts)
    if not 0 < total <= _LONGEST_MS:
        raise ValueError(f"'{text}' is {'no time at all' if total == 0 else 'more than ten years'}")
    return total


def visible(text: str) -> str:
    """Show untrusted text on one line: control, bidi and other unprintable characters as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
