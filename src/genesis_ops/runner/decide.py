"""What the runner decides, as pure functions: which candle is closed, what was missed and why, when to poll next."""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis_ops.clients.exchange import Candle, Candles
from genesis_ops.words import Timeframe, stamp

AFTER_CLOSE_MS = 200
"""How long after a close to look: its row is complete, and a clock that is a little off still sees it."""
CLOSE_RETRIES = (0.5, 0.5, 1.0)
"""Waits in seconds before looking again for a close that is due and not seen; more would not fit the budget."""
SHORTEST_INTERVAL = 8
"""Seconds between polls at least, so that ten requests a minute leave two for a close: to see it, and its window."""
MOST_MISSED = 100_000


@dataclass(frozen=True, slots=True)
class Selection:
    """The newest closed candle of a reply, and how it is known to be closed (contract §2, §5)."""

    candle: Candle
    source: str
    latest_ts: int
    latest_close_ms: int


def select_closed(candles: Candles, timeframe: Timeframe) -> Selection | None:
    """Find the newest closed candle: the newest row once the server's clock is past it, else the row before it."""
    latest = candles.rows[0]
    close_ms = timeframe.close_of(latest.ts)
    if candles.server_ms is not None and candles.server_ms >= close_ms:
        return Selection(latest, "latest", latest.ts, close_ms) if candles.agreed else None
    if len(candles.rows) > 1:
        return Selection(candles.rows[1], "previous", latest.ts, close_ms)
    return None


def missed_between(last_ts: int | None, closed_ts: int, timeframe: Timeframe) -> tuple[int, ...]:
    """Name the open times (ms) of the candles between the last announced one and the one that closed now."""
    missed: list[int] = []
    ts = closed_ts if last_ts is None else timeframe.close_of(last_ts)
    while ts < closed_ts and len(missed) < MOST_MISSED:
        missed.append(ts)
        ts = timeframe.close_of(ts)
    return tuple(missed)


@dataclass(frozen=True, slots=True)
class Blindness:
    """A stretch without a good reply (ms, exchange time): from the last one before it to the first one after it."""

    from_ms: int
    to_ms: int
    cause: str


def cause_of_missing(ts: int, timeframe: Timeframe, blindness: Sequence[Blindness]) -> str:
    """Say why a candle was missed: nobody could look when it was last to be seen, or somebody did and saw none."""
    from_ms = timeframe.close_of(ts)
    to_ms = timeframe.close_of(from_ms)
    while_visible = [blind for blind in blindness if blind.from_ms < to_ms and blind.to_ms > from_ms]
    if not while_visible or while_visible[-1].to_ms < to_ms:
        return "the exchange had no row for it"
    return "; ".join(f"{b.cause} from {stamp(b.from_ms)[:16]} to {stamp(b.to_ms)[:16]} UTC" for b in while_visible)


def closes_around(anchor_ts: int, now_ms: int, timeframe: Timeframe) -> tuple[int | None, int]:
    """Tell the open time of the candle that closed last (None before the first), and when the next one closes (ms)."""
    if timeframe is not Timeframe.MONTH:
        length = timeframe.close_of(0)
        passed = max(0, (now_ms - anchor_ts) // length)
        return (anchor_ts + (passed - 1) * length if passed else None), anchor_ts + (passed + 1) * length
    closed_ts, running_ts = None, anchor_ts
    while (close_ms := timeframe.close_of(running_ts)) <= now_ms:
        closed_ts, running_ts = running_ts, close_ms
    return closed_ts, close_ms


def unseen_close(latest_ts: int | None, announced_ts: int | None, exchange_ms: int, timeframe: Timeframe) -> int | None:
    """Name the candle (open time, ms) that must have closed by now and was not announced yet; None if all were."""
    if latest_ts is None:
        return None
    closed_ts, _ = closes_around(latest_ts, exchange_ms, timeframe)
    seen = closed_ts is None or (announced_ts is not None and announced_ts >= closed_ts)
    return None if seen else closed_ts


def seconds_to_next_poll(
    regular: float, latest_ts: int | None, exchange_ms: int, attempts: int | None, timeframe: Timeframe
) -> float:
    """Plan the next poll: the regular interval, but at a close if that comes first, and soon again if it is not seen.

    ``attempts`` is how often a close that is due was sought in vain; None if none is due.
    """
    if latest_ts is None:
        return regular
    to_close = (closes_around(latest_ts, exchange_ms, timeframe)[1] + AFTER_CLOSE_MS - exchange_ms) / 1000
    if attempts is not None and attempts < len(CLOSE_RETRIES):
        regular = min(regular, CLOSE_RETRIES[attempts])
    just_too_early = to_close - AFTER_CLOSE_MS / 1000 <= regular
    return to_close if just_too_early else regular
