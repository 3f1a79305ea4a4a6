"""The runner's eye on the exchange: one reply a poll, silence after a refusal, and an honest account of blindness."""

from genesis_ops.clients.clock import Clock
from genesis_ops.clients.exchange import Candle, Candles, Exchange
from genesis_ops.errors import FeedFailure
from genesis_ops.runlog.events import ClockOff, FeedSilence, FetchError, FetchRetry, ShortWindow, Stalled
from genesis_ops.runlog.tail import Unseen
from genesis_ops.runlog.writer import RunnerLog
from genesis_ops.runner.decide import Blindness
from genesis_ops.words import Timeframe

WINDOW_BARS = 120
LARGEST_OFFSET_MS = 5_000
_STALL_GRACE_SECONDS = 60.0
_FRESH_GRACE_MS = 300_000


class Feed:
    """Polls the exchange and remembers when it last gave a candle that can be current."""

    def __init__(self, exchange: Exchange, clock: Clock, log: RunnerLog, timeframe: Timeframe, interval: int) -> None:
        self._exchange = exchange
        self._clock = clock
        self._log = log
        self._timeframe = timeframe
        self._gap_ms = 2000 * interval
        self._stall_seconds = 3 * interval + _STALL_GRACE_SECONDS
        self._silent_until = 0.0
        self._last_poll: tuple[float, int] | None = None
        self._last_good_ms: int | None = None
        self._before_start: tuple[Blindness, ...] = ()
        self._good_at = clock.monotonic()
        self._cause = "no reply yet"
        self._blindness: tuple[Blindness, ...] = ()
        self._clock_was_off = False
        self._window: tuple[Candle, ...] = ()
        self.latest_ts: int | None = None

    def exchange_ms(self) -> int:
        """Tell the exchange's time (ms, UTC) as far as its replies show it."""
        return self._clock.now_ms() + self._exchange.offset.ms

    @property
    def offset_ms(self) -> int | None:
        """Exchange minus host in ms; None while the exchange has not told its time."""
        return self._exchange.offset.ms if self._exchange.offset.known else None

    @property
    def age_seconds(self) -> float:
        """Seconds since a reply held a current candle, or since the start."""
        return self._clock.monotonic() - self._good_at

    @property
    def cause(self) -> str:
        """Why the feed is not good, in the words of the last failure."""
        return self._cause

    @property
    def ready_at(self) -> float:
        """From when (monotonic seconds) a poll and the window it may need fit the request budget."""
        return self._exchange.ready_at(2)

    @property
    def silent(self) -> bool:
        """Whether the exchange is being left alone after a refusal."""
        return self._clock.monotonic() < self._silent_until

    def blindness(self) -> tuple[Blindness, ...]:
        """Name the blind stretches so far."""
        return self._blindness

    def was_down(self, since_ms: int, unseen: Unseen | None) -> None:
        """Remember that no runner ran since a time (ms, the host's clock), and what was not seen before that."""
        now_ms = self._clock.now_ms()
        since_ms = min(since_ms, now_ms)
        self._before_start = (Blindness(since_ms, now_ms, "runner down"),)
        if unseen is not None and since_ms - unseen.from_ms > self._gap_ms:
            self._before_start = (Blindness(unseen.from_ms, since_ms, unseen.cause), *self._before_start)

    def forget_blindness(self) -> None:
        """Drop the stretches that have been accounted for."""
        self._blindness = ()

    def poll(self) -> Candles | None:
        """Ask for the newest rows; a failure is logged and gives None, and so does a silence."""
        self._notice_stall()
        if self.silent:
            return None
        try:
            candles = self._exchange.newest()
        except FeedFailure as failure:
            self.failed(failure)
            self._log.write(FetchRetry())
            return None
        self._notice_offset()
        self._succeeded(candles)
        return candles

    def window(self, end_ts: int) -> tuple[Candle, ...]:
        """Give the bars up to the candle that opened at ``end_ts``, oldest first; asked for once a candle.

        Raises:
            FeedFailure: they did not come, or the exchange is being left alone.
        """
        if not self._window or self._window[-1].ts != end_ts:
            if self.silent:
                raise FeedFailure("the exchange is left alone after a refusal")
            self._window = self._exchange.window(end_ts, WINDOW_BARS)
            if len(self._window) < WINDOW_BARS:
                self._log.write(ShortWindow(end_ts, len(self._window), WINDOW_BARS))
        return self._window

    def failed(self, failure: FeedFailure) -> None:
        """Log a failure, and keep silent for as long as it asks."""
        self._cause = f"feed failing ({failure.message})"
        self._log.write(FetchError(failure.message))
        if failure.silence_seconds:
            self._silent_until = self._clock.monotonic() + failure.silence_seconds
            self._log.write(FeedSilence(int(failure.silence_seconds)))

    def _succeeded(self, candles: Candles) -> None:
        now_ms = self.exchange_ms()
        if self._before_start:  # only a reply tells how far the host's clock is from the exchange's
            ms, before = self._exchange.offset.ms, self._before_start
            self._blindness = tuple(Blindness(each.from_ms + ms, each.to_ms + ms, each.cause) for each in before)
            self._last_good_ms = self._blindness[-1].to_ms
            self._before_start = ()
        if self._last_good_ms is not None and now_ms - self._last_good_ms > self._gap_ms:
            self._blindness += (Blindness(self._last_good_ms, now_ms, self._cause),)
        self._last_good_ms = now_ms
        self.latest_ts = candles.rows[0].ts
        if now_ms < self._timeframe.close_of(self.latest_ts) + _FRESH_GRACE_MS:
            self._good_at = self._clock.monotonic()
            self._cause = (
                "runner stalled"  # what a gap before the next good reply would mean, unless a failure says more
            )
        else:
            self._cause = f"rows end with candle {self.latest_ts}"

    def _notice_stall(self) -> None:
        now, now_ms = self._clock.monotonic(), self._clock.now_ms()
        if self._last_poll is not None:
            # A suspended host stops the one clock, a stepped clock moves the other.
            stood = max(now - self._last_poll[0], abs(now_ms - self._last_poll[1]) / 1000)
            if stood > self._stall_seconds:
                self._log.write(Stalled(int(stood)))
        self._last_poll = now, now_ms

    def _notice_offset(self) -> None:
        offset_ms = self._exchange.offset.ms
        is_off = abs(offset_ms) > LARGEST_OFFSET_MS
        if is_off and not self._clock_was_off:
            self._log.write(ClockOff(-offset_ms))
        self._clock_was_off = is_off
