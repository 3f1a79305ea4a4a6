"""The exchange's public candles (contract §5): rows, errors in all their forms, limits, and its clock."""

import json
import math
from collections import deque
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote

from genesis_ops.clients.clock import Clock
from genesis_ops.clients.http import Http, HttpFailure, Reply, Request, brief
from genesis_ops.errors import FeedFailure
from genesis_ops.words import DAY_MS, MINUTE_MS, Timeframe, visible

DEADLINE_SECONDS = 10.0
REQUESTS_PER_MINUTE = 10
SILENCE_SECONDS = 60.0
_RATE_LIMIT_CODE, _MAINTENANCE_CODE = 11010, 20060
_ROW_LENGTH = 6
_LARGEST = 1e15
_EARLIEST_MS = 1_262_304_000_000  # 2010: before there was an exchange


@dataclass(frozen=True, slots=True)
class Candle:
    """One row; ``ts`` is the open time (ms, UTC)."""

    ts: int
    open: float
    close: float
    high: float
    low: float
    volume: float


@dataclass(frozen=True, slots=True)
class Candles:
    """A reply: candles newest first, and the server's time (ms, whole seconds) where it told it."""

    rows: tuple[Candle, ...]
    server_ms: int | None


class Exchange:
    """Candles of one symbol and timeframe, within a budget of requests."""

    def __init__(self, http: Http, clock: Clock, symbol: str, timeframe: Timeframe) -> None:
        self._http = http
        self._clock = clock
        self._timeframe = timeframe
        self._target = f"/v2/candles/trade:{timeframe}:{quote(symbol, safe=':')}/hist"
        self._newest = http.prepare("GET", self._target + "?limit=2&sort=-1")
        self._sent: deque[float] = deque(maxlen=REQUESTS_PER_MINUTE)
        self.offset = ClockOffset()

    def newest(self) -> Candles:
        """Fetch the two newest rows.

        Raises:
            FeedFailure: no rows came; it says for how long to keep silent.
        """
        return self._fetch(self._newest)

    def window(self, end_ms: int, bars: int) -> tuple[Candle, ...]:
        """Fetch the ``bars`` rows up to and including the candle that opened at ``end_ms``, oldest first.

        Raises:
            FeedFailure: no rows came, or the newest of them is another candle.
        """
        request = self._http.prepare("GET", f"{self._target}?limit={bars}&end={end_ms}&sort=-1")
        rows = self._fetch(request).rows[:bars]
        if rows[0].ts != end_ms:
            raise FeedFailure(f"the window ends with candle {rows[0].ts} instead of {end_ms}")
        return rows[::-1]

    def ready_at(self, requests: int) -> float:
        """Tell from when (monotonic seconds) so many requests fit into the budget of a minute."""
        index = len(self._sent) + requests - REQUESTS_PER_MINUTE - 1
        return self._sent[index] + 60.0 if index >= 0 else 0.0

    def _fetch(self, request: Request) -> Candles:
        self._sent.append(self._clock.monotonic())
        sent_ms = self._clock.now_ms()
        try:
            reply = self._http.send(request)
        except HttpFailure as failure:
            raise FeedFailure(failure.message) from failure
        if reply.server_ms is not None:
            self.offset.observe(sent_ms, self._clock.now_ms(), reply.server_ms)
        latest_ms = self._clock.now_ms() + DAY_MS if reply.server_ms is None else reply.server_ms + MINUTE_MS
        return Candles(_rows(reply, self._timeframe, latest_ms), reply.server_ms)


def _rows(reply: Reply, timeframe: Timeframe, latest_ms: int) -> tuple[Candle, ...]:
    # The body is looked at before the status: refusals come as 200 and as 5xx alike.
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        _refuse(reply.status, f"HTTP {reply.status}: not JSON: {brief(reply.body)}")
    if isinstance(document, dict) and "error" in document:
        _refuse(429 if document["error"] == "ERR_RATE_LIMIT" else reply.status, visible(str(document["error"]))[:300])
    if isinstance(document, list) and document[:1] == ["error"]:
        _refuse_coded(document)
    if reply.status != 200:  # noqa: PLR2004 - HTTP's own number
        _refuse(reply.status, f"HTTP {reply.status}: {brief(reply.body)}")
    if not isinstance(document, list) or not document:
        raise FeedFailure(f"no candles in the reply: {brief(reply.body)}")
    rows = tuple(sorted((_candle(row) for row in document), key=lambda candle: -candle.ts))
    # One row from nowhere would end the day: everything before it would count as processed.
    for row in rows:
        if not _EARLIEST_MS <= row.ts <= latest_ms or not timeframe.may_open_at(row.ts):
            raise FeedFailure(f"no {timeframe} candle can open at {row.ts} now")
    return rows


def _refuse_coded(document: list[Any]) -> NoReturn:
    code = document[1] if len(document) > 1 else None
    text = visible(" ".join(str(part) for part in document[1:]))[:300]
    _refuse(429 if code == _RATE_LIMIT_CODE else 0, f"maintenance ({text})" if code == _MAINTENANCE_CODE else text)


def _refuse(status: int, message: str) -> NoReturn:
    raise FeedFailure(message, silence_seconds=SILENCE_SECONDS if status == 429 else 0.0)  # noqa: PLR2004 - HTTP's own


def _candle(row: Any) -> Candle:
    numbers = row[:_ROW_LENGTH] if isinstance(row, list) else []
    usable = len(numbers) == _ROW_LENGTH and {*map(type, numbers)} <= {int, float}
    # A sum is finite only if every number is, and a time beyond any calendar is none.
    if not usable or not abs(sum(numbers)) < _LARGEST or numbers[0] != int(numbers[0]):
        raise FeedFailure(f"not a candle: {visible(str(row))[:100]}")
    return Candle(int(numbers[0]), *numbers[1:])


class ClockOffset:
    """How far the exchange's clock is from the host's, from replies whose ``Date`` has whole seconds.

    Each reply bounds the offset to about a second; polls at different moments of a second narrow it down.
    """

    def __init__(self) -> None:
        self._low, self._high = -math.inf, math.inf
        self.ms = 0
        """Exchange minus host in ms, the middle of what the replies allow; 0 while nothing is known."""

    def observe(self, sent_ms: int, received_ms: int, server_ms: int) -> None:
        """Add a reply: when it was asked for and read (host, ms) and its ``Date`` (exchange, ms)."""
        low, high = server_ms - received_ms, server_ms + 1000 - sent_ms
        if low > self._high or high < self._low:  # one of the clocks was stepped or drifts: what was known is void
            self._low, self._high = low, high
        else:
            self._low, self._high = max(low, self._low), min(high, self._high)
        self.ms = int((self._low + self._high) / 2)
