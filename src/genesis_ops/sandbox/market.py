"""A market as a pure function of time: the price of any moment, and the candles that show it.

The price is a sum of value noise at eight time scales, like a random walk but without the walk: no moment
depends on the one before it, so 120 monthly bars cost no more than 120 bars of a minute.
"""

import calendar
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate
from math import exp, sqrt
from typing import NamedTuple

from genesis_ops.words import DAY_MS, HOUR_MS, Timeframe

BEGAN_MS = 1_364_774_400_000
"""2013-04-01: nothing was traded before, so every question about the past ends somewhere."""

LEVEL = 70_000.0
DAILY_MOVE = 0.025
LARGEST_SWING = 0.08
SLOWEST_FIRST_TRADE_MS = 20_000
STEPS = 30
"""A candle shows its highs and lows at this many moments; between them only the close moves."""

_PERIODS_MS = tuple(40_000 * 5**octave for octave in range(8))  # 40 s to 36 days
_SWINGS = tuple(min(DAILY_MOVE * sqrt(period / DAY_MS), LARGEST_SWING) for period in _PERIODS_MS)
_OCTAVES = tuple(enumerate(_PERIODS_MS))
_FIRST_TRADE, _VOLUME = len(_PERIODS_MS), len(_PERIODS_MS) + 1  # channels of chance beside the octaves
_FIRST_MONDAY_MS = 4 * DAY_MS
_MASK = (1 << 64) - 1


class Row(NamedTuple):
    """One candle in the exchange's order of fields (contract §5); prices in USD, volume in BTC."""

    mts: int
    open: float
    close: float
    high: float
    low: float
    volume: float


class _Path(NamedTuple):
    """What an interval will have been: highs and lows so far at each of its steps."""

    first_ms: int
    open: float
    close: float
    highs: tuple[float, ...]
    lows: tuple[float, ...]
    volume: float


Hidden = Callable[[int, int], bool]
"""Whether the interval from open to close (ms) has no row."""


def open_of(timeframe: Timeframe, ms: int) -> int:
    """Tell when the candle that runs at ``ms`` opened; weeks begin on Monday, fortnights on every second one."""
    if timeframe is Timeframe.MONTH:
        moment = time.gmtime(ms // 1000)
        return calendar.timegm((moment.tm_year, moment.tm_mon, 1, 0, 0, 0)) * 1000
    anchor = _FIRST_MONDAY_MS if timeframe in (Timeframe.W1, Timeframe.D14) else 0
    return ms - (ms - anchor) % timeframe.close_of(0)


def _opens(timeframe: Timeframe, oldest: int, newest: int, *, oldest_first: bool) -> Iterator[int]:
    if oldest_first:
        open_ms = open_of(timeframe, oldest)
        if open_ms < oldest:
            open_ms = timeframe.close_of(open_ms)
        while open_ms <= newest:
            yield open_ms
            open_ms = timeframe.close_of(open_ms)
        return
    open_ms = open_of(timeframe, newest)
    while open_ms >= oldest:
        yield open_ms
        open_ms = open_of(timeframe, open_ms - 1)


class Market:
    """The simulated tBTCUSD: the same seed gives the same prices at the same times, in any order of asking."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._cell = lru_cache(maxsize=16_384)(self._new_cell)
        self._path = lru_cache(maxsize=16)(self._new_path)
        self._closed = lru_cache(maxsize=4_096)(self._new_closed)

    def price(self, ms: int) -> float:
        """Tell the price (USD) at a time (ms)."""
        logarithm = 0.0
        for octave, period in _OCTAVES:
            index, inside = divmod(ms, period)
            left, step = self._cell(octave, index)
            part = inside / period
            logarithm += left + step * part * part * (3.0 - 2.0 * part)
        return LEVEL * exp(logarithm)

    def rows(  # noqa: PLR0913 - the exchange's own parameters, by name
        self,
        timeframe: Timeframe,
        now_ms: int,
        limit: int,
        end_ms: int | None = None,
        *,
        start_ms: int = BEGAN_MS,
        oldest_first: bool = False,
        hidden: Hidden | None = None,
    ) -> list[Row]:
        """List up to ``limit`` candles that opened in ``[start_ms, end_ms]``, as somebody sees them at ``now_ms``."""
        newest = now_ms if end_ms is None else min(now_ms, end_ms)
        found: list[Row] = []
        for open_ms in _opens(timeframe, max(start_ms, BEGAN_MS), newest, oldest_first=oldest_first):
            if len(found) >= limit:
                break
            if hidden and hidden(open_ms, timeframe.close_of(open_ms)):
                continue
            row = self._row(timeframe, open_ms, now_ms)
            if row:
                found.append(row)
        return found

    def _row(self, timeframe: Timeframe, open_ms: int, now_ms: int) -> Row | None:
        close_ms = timeframe.close_of(open_ms)
        if close_ms <= now_ms:
            return self._closed(open_ms, close_ms)
        path = self._path(open_ms, close_ms)
        if now_ms < path.first_ms:
            return None
        passed, length = now_ms - open_ms, close_ms - open_ms
        step = passed * STEPS // length + 1
        high, low = path.highs[step], path.lows[step]
        close = min(max(round(self.price(now_ms), 1), low), high)
        return Row(open_ms, path.open, close, high, low, round(path.volume * (passed + 1) / (length + 1), 8))

    def _new_closed(self, open_ms: int, close_ms: int) -> Row:
        path = self._path(open_ms, close_ms)
        return Row(open_ms, path.open, path.close, path.highs[-1], path.lows[-1], path.volume)

    def _new_path(self, open_ms: int, close_ms: int) -> _Path:
        first_ms = open_ms + int(self._chance(_FIRST_TRADE, open_ms) * SLOWEST_FIRST_TRADE_MS)
        length = close_ms - open_ms
        moments = (first_ms, *(open_ms + length * step // STEPS for step in range(1, STEPS + 1)))
        prices = [round(self.price(moment), 1) for moment in moments]
        traded = 60.0 * length / HOUR_MS * exp(2.0 * self._chance(_VOLUME, open_ms) - 1.0)
        # Between two steps the price goes further than at either: without this wick a month would miss its days' highs.
        wick = LEVEL * DAILY_MOVE * sqrt(length / STEPS / DAY_MS) / 2
        highs = tuple(round(high + wick, 1) for high in accumulate(prices, max))
        lows = tuple(round(low - wick, 1) for low in accumulate(prices, min))
        return _Path(first_ms, prices[0], prices[-1], highs, lows, round(traded, 8))

    def _new_cell(self, octave: int, index: int) -> tuple[float, float]:
        swing = _SWINGS[octave]
        left = swing * (2.0 * self._chance(octave, index) - 1.0)
        return left, swing * (2.0 * self._chance(octave, index + 1) - 1.0) - left

    def _chance(self, channel: int, index: int) -> float:
        """Give a number in [0, 1) that looks random and is always the same (splitmix64's finaliser)."""
        bits = (self._seed * 0x9E3779B97F4A7C15 + channel * 0xD1B54A32D192ED03 + index * 0x8CB92BA72F3D8DD7) & _MASK
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((bits ^ (bits >> 31)) >> 11) / (1 << 53)
