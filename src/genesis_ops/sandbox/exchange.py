"""The exchange's public side: candles with their rate limit, and whether the platform is operative (contract §5)."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from genesis_ops.sandbox.faults import MAINTENANCE, FaultSwitch, ScheduledFault
from genesis_ops.sandbox.market import BEGAN_MS, Hidden, Market, Row
from genesis_ops.sandbox.wire import CANDLES, Answer, says
from genesis_ops.words import MINUTE_MS, Timeframe

SYMBOL = "tBTCUSD"
LATE_MS = 30_000
REVISED_MS = 20_000
CLOCK_AHEAD_MS = 90_000

_LIMIT = 30
_MOST_ROWS = 10_000
_RATE_LIMITED = says({"error": "ERR_RATE_LIMIT"}, 429)

Active = Mapping[str, ScheduledFault]


@dataclass(frozen=True, slots=True)
class CandleRequest:
    """A request for candles, understood."""

    timeframe: Timeframe
    symbol: str
    limit: int
    start_ms: int
    end_ms: int | None
    oldest_first: bool


@lru_cache(maxsize=64)  # a poll asks the same question every 10 s
def parse_candles(target: str) -> CandleRequest | Answer:
    """Understand ``/v2/candles/trade:1h:tBTCUSD/hist?…``, or say what is wrong with it as the exchange does."""
    parts = urlsplit(target)
    key, _, section = unquote(parts.path).removeprefix(CANDLES + "/").partition("/")
    kind, _, rest = key.partition(":")
    timeframe, _, symbol = rest.partition(":")
    if kind != "trade" or not symbol or timeframe not in Timeframe.__members__.values():
        return _invalid("key")
    if section != "hist":
        return _invalid("section")
    query = {"limit": "100", "sort": "-1", "start": str(BEGAN_MS), **dict(parse_qsl(parts.query))}
    for name in ("limit", "start", "end"):
        if name in query and not _is_count(query[name]):
            return _invalid(name)
    if not 1 <= int(query["limit"]) <= _MOST_ROWS:
        return _invalid("limit")
    if query["sort"] not in ("-1", "1"):
        return _invalid("sort")
    end_ms = int(query["end"]) if "end" in query else None
    start_ms, oldest_first = int(query["start"]), query["sort"] == "1"
    return CandleRequest(Timeframe(timeframe), symbol, int(query["limit"]), start_ms, end_ms, oldest_first)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(BEGAN_MS))


def _invalid(what: str) -> Answer:
    return says(["error", 10020, f"{what}: invalid"], 500)


class RateLimit:
    """Thirty requests in any minute of sandbox time per address; one more, and a minute of refusals follows."""

    def __init__(self) -> None:
        self._admitted: dict[str, deque[int]] = {}
        self._refused_until: dict[str, int] = {}

    def admits(self, address: str, now_ms: int) -> bool:
        """Count one request (time in ms) and tell whether it is answered."""
        if now_ms < self._refused_until.get(address, 0):
            return False
        admitted = self._admitted.setdefault(address, deque())
        while admitted and admitted[0] <= now_ms - MINUTE_MS:
            admitted.popleft()
        if len(admitted) >= _LIMIT:
            self._refused_until[address] = now_ms + MINUTE_MS
            return False
        admitted.append(now_ms)
        return True


class Exchange:
    """Answers the two public endpoints out of a market, with the faults that touch their content."""

    def __init__(self, market: Market, faults: FaultSwitch) -> None:
        self._market = market
        self._faults = faults
        self._rate_limit = RateLimit()

    def candles(self, target: str, now_ms: int, active: Active, address: str) -> Answer:
        """Answer a request for candles at a time (ms)."""
        if not self._rate_limit.admits(address, now_ms):
            return _RATE_LIMITED
        if "maintenance" in active:
            return MAINTENANCE
        wanted = parse_candles(target)
        if isinstance(wanted, Answer):
            return wanted
        if wanted.symbol != SYMBOL:
            return says([])
        as_of_ms = active["feed-stale"].from_ms if "feed-stale" in active else now_ms
        rows = self._market.rows(
            wanted.timeframe,
            as_of_ms,
            wanted.limit,
            wanted.end_ms,
            start_ms=wanted.start_ms,
            oldest_first=wanted.oldest_first,
            hidden=self._hidden(as_of_ms, active),
        )
        if "revised-row" in active:
            rows = [_unrevised(row, wanted.timeframe, as_of_ms) for row in rows]
        return says(rows)

    def status(self, active: Active) -> Answer:
        """Answer whether the platform is operative: 1, or 0 during maintenance."""
        return says([0 if "maintenance" in active else 1])

    def _hidden(self, now_ms: int, active: Active) -> Hidden | None:
        silent = self._faults.of("no-trades")
        late = "late-row" in active
        if not silent and not late:
            return None

        def hidden(open_ms: int, close_ms: int) -> bool:
            # A silence that has not begun yet has no effect on what is seen now.
            quiet = any(fault.from_ms <= now_ms and fault.touches(open_ms, close_ms) for fault in silent)
            return quiet or (late and now_ms < close_ms + LATE_MS)

        return hidden


def _unrevised(row: Row, timeframe: Timeframe, now_ms: int) -> Row:
    """Show a row that has just closed as it was before its correction."""
    if not 0 <= now_ms - timeframe.close_of(row.mts) < REVISED_MS:
        return row
    wrong = round(row.close * 1.0004, 1)
    return row._replace(close=wrong, high=max(row.high, wrong))
