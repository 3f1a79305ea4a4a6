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
_TOO_MANY = 429
_RATE_LIMIT_CODE, _MAINTENANCE_CODE = 11010, 20060
_ROW_LENGTH = 6
_LARGEST = 1e15
_SETTLES_AFTER_MS = 5_000  # two requests of one poll always agree, even with a clock that runs at another speed
_DOUBTS = 6  # replies in a row; a lie of some seconds is over by then, and a clock that was set right is believed
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
    """A reply: candles newest first, the server's time (ms, whole seconds) where it told it, and if it agrees."""

    rows: tuple[Candle, ...]
    server_ms: int | None
    agreed: bool = True
    """Whether the server's time agrees with the replies before; a clock that jumped decides nothing."""


class Exchange:
    """Candles of one symbol and timeframe, within a budget of requests."""

    def __init__(self, http: Http, clock: Clock, symbol: str, timeframe: Timeframe) -> None:
        self._http = http
        self._clock = clock
        self._timeframe = timeframe
        self._target = f"/v2/candles/trade:{timeframe}:{quote(symbol, safe=':')}/hist"
        self._newest = http.prepare("GET", self._target + "?limit=2&sort=-1")
        self._status = http.prepare("GET", "/v2/platform/status")
        self._sent: deque[float] = deque(maxlen=REQUESTS_PER_MINUTE)
        self.offset = ClockOffset()

    def newest(self) -> Candles:
        """Fetch the two newest rows.

        Raises:
            FeedFailure: no rows came; it says for how long to keep silent.
        """
        return self._fetch(self._newest)

    def why_not_operative(self) -> str:
        """Ask whether the exchange works; an empty text if it says so, else what it said instead."""
        try:
            reply = self._http.send(self._status)
        except HttpFailure as failure:
            return failure.message
        return "" if reply.body.strip() == b"[1]" else f"HTTP {reply.status}: {brief(reply.body)}"

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
        now_ms = self._clock.now_ms()
        agreed = reply.server_ms is not None and self.offset.observe(sent_ms, now_ms, reply.server_ms)
        rows = _rows(reply)
        believed_ms = reply.server_ms if not self.offset.settled else now_ms + self.offset.ms
        self._require_possible(rows, now_ms + DAY_MS if believed_ms is None else believed_ms + MINUTE_MS)
        return Candles(rows, reply.server_ms, agreed)

    def _require_possible(self, rows: tuple[Candle, ...], latest_ms: int) -> None:
        """Refuse rows from nowhere: one of them would end the day, as everything before it counts as processed."""
        for row in rows:
            if not _EARLIEST_MS <= row.ts <= latest_ms or not self._timeframe.may_open_at(row.ts):
                raise FeedFailure(f"no {self._timeframe} candle can open at {row.ts} now")
        if len({row.ts for row in rows}) < len(rows):
            raise FeedFailure("the reply holds a candle twice")


def _rows(reply: Reply) -> tuple[Candle, ...]:
    # The body is looked at before the status: refusals come as 200 and as 5xx alike.
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        _refuse(reply.status, f"HTTP {reply.status}: not JSON: {brief(reply.body)}")
    if isinstance(document, dict) and "error" in document:
        limited = document["error"] == "ERR_RATE_LIMIT"
        _refuse(_TOO_MANY if limited else reply.status, visible(str(document["error"]))[:300])
    if isinstance(document, list) and document[:1] == ["error"]:
        _refuse_coded(document, reply.status)
    if reply.status != 200:  # noqa: PLR2004 - HTTP's own number
        _refuse(reply.status, f"HTTP {reply.status}: {brief(reply.body)}")
    if not isinstance(document, list) or not document:
        raise FeedFailure(f"no candles in the reply: {brief(reply.body)}")
    return tuple(sorted((_candle(row) for row in document), key=lambda candle: -candle.ts))


def _refuse_coded(document: list[Any], status: int) -> NoReturn:
    code = document[1] if len(document) > 1 else None
    text = visible(" ".join(str(part) for part in document[1:]))[:300]
    if code == _MAINTENANCE_CODE:
        text = f"maintenance ({text})"
    _refuse(_TOO_MANY if code == _RATE_LIMIT_CODE else status, text)


def _refuse(status: int, message: str) -> NoReturn:
    raise FeedFailure(message, silence_seconds=SILENCE_SECONDS if status == _TOO_MANY else 0.0)


def _candle(row: Any) -> Candle:
    numbers = row[:_ROW_LENGTH] if isinstance(row, list) else []
    usable = len(numbers) == _ROW_LENGTH and {*map(type, numbers)} <= {int, float}
    # A NaN or an infinity is in no range; no price is zero, but a volume may be.
    possible = usable and min(numbers[:5]) > 0 and numbers[5] >= 0 and all(number < _LARGEST for number in numbers)
    if not possible or numbers[0] != int(numbers[0]):
        raise FeedFailure(f"not a candle: {visible(str(row))[:100]}")
    return Candle(int(numbers[0]), *numbers[1:])


class ClockOffset:
    """How far the exchange's clock is from the host's, from replies whose ``Date`` has whole seconds.

    Each reply bounds the offset to about a second; polls at different moments of a second narrow it down. Once it has
    held for a while the offset is settled, and a few replies that disagree are doubted before they are believed.
    """

    def __init__(self) -> None:
        self._low, self._high = math.inf, -math.inf
        self._since_ms = 0
        self._doubted = 0
        self.settled = False
        self.ms = 0
        """Exchange minus host in ms, the middle of what the replies allow; 0 while nothing is known."""

    @property
    def known(self) -> bool:
        """Whether a reply has told anything yet."""
        return self._low <= self._high

    def observe(self, sent_ms: int, received_ms: int, server_ms: int) -> bool:
        """Add a reply: when it was asked for and read (host, ms) and its ``Date`` (exchange, ms); tell if it agrees."""
        low, high = server_ms - received_ms, server_ms + 1000 - sent_ms
        agrees = low <= self._high and high >= self._low
        self._doubted = 0 if agrees else self._doubted + 1
        if not agrees and self.settled and self._doubted < _DOUBTS:
            return False
        self._since_ms = self._since_ms if agrees else received_ms
        self.settled = agrees and (self.settled or received_ms - self._since_ms >= _SETTLES_AFTER_MS)
        self._low, self._high = (max(low, self._low), min(high, self._high)) if agrees else (low, high)
        self.ms = int((self._low + self._high) / 2)
        return agrees
