"""Faults and twins at the edges: of the window, of its coverage, of a line, and with other candles and polls."""

from collections.abc import Callable

from faults_generator import FROZEN, Layout, Log, Process, Trouble, World
from faults_planted import (
    DAILY,
    END,
    FAIL,
    OLDER,
    SECOND_MS,
    UNKNOWN,
    WARN,
    Case,
    clean,
    going_on,
    lives,
    places,
    world,
)

from genesis_ops.runlog import events
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe

_CLOSE = END // HOUR_MS * HOUR_MS


def _of(timeframe: Timeframe, poll_ms: int, days: int, without_row: int = 0) -> Callable[[], Log]:
    """A log of other candles; of some in its middle the exchange has no row."""
    length = timeframe.close_of(0)
    middle = (END - days * DAY_MS // 2) // length * length
    rows = frozenset(middle + number * length for number in range(without_row))
    whole = World((Process(END - days * DAY_MS - 3 * length, END),), (), rows, (), timeframe, poll_ms=poll_ms)
    return lambda: Log(whole, DAILY)


def _begun(after_ms: int) -> Callable[[], Log]:
    return lambda: Log(World((Process(END - DAY_MS + after_ms, END),)), DAILY)


def _last_words(layout: Layout, level: str, message: str, end: str = "") -> Callable[[], Log]:
    def make() -> Log:
        log = clean(layout)
        log.lines.append(log.lines[-1]._replace(level=level, message=message, end=end))
        return log

    return make


def _glued(message: str) -> Log:
    """A killed process leaves a line without its end, and the next one writes on behind it."""
    log = clean(DAILY)
    place = log.after(places(DAILY)["middle"].at_ms)
    line = log.lines[place]
    log.lines.insert(place, line._replace(level="INFO", message=message, end=""))
    return log


def _old_candle_again() -> Log:
    """A candle that was announced long before the window comes again inside it."""
    log = clean(DAILY)
    place = log.after(places(DAILY)["middle"].at_ms)
    ts, at_ms = _CLOSE - 60 * HOUR_MS, log.lines[place].at_ms
    look = events.CandleSelection("previous", ts, at_ms, ts + HOUR_MS, ts + 2 * HOUR_MS)
    log.insert(place, at_ms, look, events.CandleClose(ts, 1.0, "previous"), events.Evaluation("NONE", "None", 0.1))
    return log


def _off_the_grid(number: int) -> Callable[[], Log]:
    def make() -> Log:
        log = clean(OLDER)
        for step in range(number):
            ts = places(OLDER)["middle"].candle - 30 * MINUTE_MS - step * HOUR_MS
            at_ms = ts + HOUR_MS + 10 * SECOND_MS
            look = events.CandleSelection("previous", ts, at_ms, ts + HOUR_MS, ts + 2 * HOUR_MS)
            log.add(at_ms, look, events.CandleClose(ts, 1.0, "previous"), events.Evaluation("NONE", "None", 0.1))
        return log

    return make


def _cut_after(message: str, ts: int) -> Callable[[], Log]:
    """The log as it stands at a moment between a close and what follows it."""

    def make() -> Log:
        log = clean(OLDER)
        log.lines = log.lines[: log.find(message, log.close(ts)) + 1]
        log.settle()
        return log

    return make


def _frozen(poll_ms: int, minutes: int) -> Callable[[], Log]:
    at_ms = places(DAILY)["middle"].at_ms
    trouble = Trouble(FROZEN, at_ms, at_ms + minutes * MINUTE_MS)
    return lambda: Log(world(DAILY, troubles=(trouble,))._replace(poll_ms=poll_ms), DAILY)


def _two_lives(gap_ms: int) -> Callable[[], Log]:
    """A start that gave up at once, and one that did not."""
    whole = lives(DAILY)[0]
    cut = places(DAILY)["middle"].at_ms
    failed = Process(cut + 10_000, cut + 12_000, ending="gave up")
    parts = (whole._replace(end_ms=cut, ending="terminated"), failed, whole._replace(begin_ms=cut + gap_ms))
    return lambda: Log(World(parts), DAILY)


FAULTY = [
    Case("15m-missing-1", _of(Timeframe.M15, 2 * MINUTE_MS, 1, 1), {"candle-frequency": WARN}),
    Case("15m-missing-2", _of(Timeframe.M15, 2 * MINUTE_MS, 1, 2), {"candle-frequency": FAIL}),
    Case("6h-missing-2", _of(Timeframe.H6, 2 * MINUTE_MS, 1, 2), {"candle-frequency": FAIL}),
    Case("begun-301s-late", _begun(301_000), {"candle-frequency": UNKNOWN}),
    Case("torn-fatal", _last_words(OLDER, "CRITICAL", "FATAL: no space le"), {"no-fatal": FAIL}),
    Case("torn-fatal-info", _last_words(DAILY, "INFO", "FATAL: no space le"), {"no-fatal": FAIL}),
    Case("torn-order", _last_words(DAILY, "INFO", "ORDER SUBMITTED: {'ok': Tr"), {"no-orders": FAIL}),
    Case("glued-order", lambda: _glued("ORDER SUBMITTED: {'ok': Tr"), {"no-orders": FAIL}),
    Case("glued-fatal", lambda: _glued("FATAL: no sp"), {"no-fatal": FAIL}),
    Case("old-candle-again", _old_candle_again, {"candle-uniqueness": FAIL}),
    Case("one-off-the-grid", _off_the_grid(1), {"candle-frequency": WARN}),
    Case("two-off-the-grid", _off_the_grid(2), {"candle-frequency": FAIL}),
    Case(
        "silent-at-10s",
        _frozen(10_000, 6),
        {"candle-frequency": WARN, "heartbeat": WARN},
        {"candle-frequency": "stood still"},
    ),
    Case("silent-at-30s", _frozen(30_000, 6), {"candle-frequency": WARN}, {"candle-frequency": "stood still"}),
    Case("gave-up-once", _two_lives(40_000), {"champion-loaded": WARN}),
]
CLEAN = [
    Case("15m", _of(Timeframe.M15, 2 * MINUTE_MS, 1), {}),
    Case("3h", _of(Timeframe.H3, 2 * MINUTE_MS, 1), {}),
    Case("6h", _of(Timeframe.H6, 2 * MINUTE_MS, 1), {}),
    Case("10s", _of(Timeframe.H1, 10_000, 1), {}),
    Case("begun-240s-late", _begun(240_000), {}),
    Case("silent-for-4m", _frozen(10_000, 4), {}),
    Case("until-a-close", lambda: going_on(OLDER), {}, {}, _CLOSE - DAY_MS, _CLOSE),
    Case("until-a-second-before-a-close", lambda: going_on(DAILY), {}, {}, _CLOSE - DAY_MS, _CLOSE - SECOND_MS),
    Case("until-behind-a-close", lambda: going_on(OLDER), {}, {}, _CLOSE - DAY_MS, _CLOSE + 7 * SECOND_MS),
    Case("from-behind-a-close", lambda: going_on(OLDER), {}, {}, _CLOSE - DAY_MS + 1000, _CLOSE + 1000),
    Case("an-hour", lambda: going_on(DAILY), {}, {}, END - HOUR_MS),
    Case("twenty-minutes", lambda: going_on(DAILY), {"candle-frequency": UNKNOWN}, {}, END - 20 * MINUTE_MS),
    Case("27h", lambda: going_on(DAILY), {}, {}, END - 27 * HOUR_MS),
    Case("torn-selection", _last_words(OLDER, "DEBUG", "Candle selection: sour"), {}),
    Case("torn-without-a-message", _last_words(OLDER, "INFO", ""), {}),
    Case("glued-selection", lambda: _glued("Candle selec"), {}),
    Case(
        "announced-not-yet-evaluated",
        _cut_after("NEW CANDLE", _CLOSE - HOUR_MS),
        {},
        {},
        _CLOSE - DAY_MS + 9000,
        _CLOSE + 9000,
    ),
]
