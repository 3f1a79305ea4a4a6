from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.runlog.events import (
    BaselineFallback,
    CandleClose,
    CandleMissed,
    EvaluateError,
    Evaluation,
    EvaluationMissed,
    Event,
    Fatal,
    FetchError,
    Heartbeat,
    NoOrder,
    OrderSkipped,
    OrderSubmitted,
    OrderSubmitting,
    Unknown,
)
from genesis_ops.runlog.files import LogFile
from genesis_ops.runlog.reader import LogLine
from genesis_ops.runlog.tally import Fate, Tally, tally
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe, stamp

START = 1_772_352_600_000
"""2026-03-01 08:10:00: the first close in the window is that of the candle of 08:00, at 09:00."""

FILE = LogFile(Path("runner_20260301.log"), "20260301")
BEAT = Heartbeat(1, 0, "None", None, None, None)


def at(at_ms: int, event: Event, level: str | None = None) -> LogLine:
    text = f"{stamp(at_ms)} - paper_trading_runner - {level or event.level} - {event.message()}"
    return LogLine(FILE, text, 0, None, at_ms, known=event)


def hour(number: int, *events: Event, after_ms: int = 5000) -> list[LogLine]:
    """Name the lines of the candle that closes at 08:00 + ``number`` hours."""
    close_ms = START - 10 * MINUTE_MS + number * HOUR_MS
    return [at(close_ms + after_ms, e) for e in (CandleClose(close_ms - HOUR_MS, 1.0, "previous"), *events)]


def of(lines: Iterable[LogLine], hours: int = 3) -> Tally:
    return tally(lines, Timeframe.H1, START, START + hours * HOUR_MS)


def fates(lines: Iterable[LogLine], hours: int = 3) -> list[Fate]:
    return [hour.fate for hour in of(lines, hours).hours]


BEATS = [at(START, BEAT), at(START + 3 * HOUR_MS, BEAT)]
NONE = Evaluation("NONE", "None", 0.5)
LONG = Evaluation("LONG", "None", 0.5)


def test_every_close_of_the_window_has_a_fate() -> None:
    lines = [BEATS[0], *hour(1, NONE, NoOrder()), *hour(2, LONG, OrderSkipped("LONG")), BEATS[1]]
    assert fates(lines) == [Fate.PROCESSED, Fate.ACTION, Fate.MISSING]


def test_a_day_has_twenty_four_candles_whether_or_not_it_begins_on_the_hour() -> None:
    for start_ms in (START, START - 10 * MINUTE_MS):
        assert len(tally([], Timeframe.H1, start_ms, start_ms + DAY_MS).hours) == 24


def test_the_candle_that_closed_before_the_window_is_no_part_of_it() -> None:
    made = of([*hour(0, LONG, OrderSkipped("LONG"), after_ms=11 * MINUTE_MS), *hour(1, NONE)])
    assert (made.closes, made.evaluations, made.would_be_orders) == (1, 1, 0)
    assert len(made.hours) == 3


def test_an_evaluation_whose_close_stands_before_the_window_is_not_counted() -> None:
    assert of([at(START, NONE), *hour(1, NONE)]).evaluations == 1


def test_a_line_more_than_a_minute_after_the_close_is_late() -> None:
    lines = [BEATS[0], *hour(1, after_ms=60_000), *hour(2, LONG, after_ms=61_000), BEATS[1]]
    assert fates(lines)[:2] == [Fate.PROCESSED, Fate.LATE]


def test_a_close_that_is_announced_again_is_one_candle_and_not_late() -> None:
    made = of([*hour(1), *hour(1, NONE, after_ms=120_000)])
    assert (made.closes, made.evaluations) == (1, 1)
    assert made.hours[0].fate is Fate.PROCESSED


@pytest.mark.parametrize(
    ("first_minute", "last_minute", "expected"),
    [(0, 180, Fate.MISSING), (50, 51, Fate.MISSING), (51, 180, Fate.UNCOVERED), (0, 50, Fate.UNCOVERED)],
)
def test_a_candle_is_missing_only_where_the_log_covers_its_close(
    first_minute: int, last_minute: int, expected: Fate
) -> None:
    lines = [at(START + minute * MINUTE_MS, BEAT) for minute in (first_minute, last_minute)]
    assert fates(lines)[0] is expected


def test_without_lines_nothing_is_covered() -> None:
    assert fates([]) == [Fate.UNCOVERED] * 3


def test_a_silence_between_two_lines_is_covered_and_its_candles_are_missing() -> None:
    assert fates(BEATS) == [Fate.MISSING] * 3


def test_a_submission_is_an_action_whatever_the_evaluation_said() -> None:
    made = of([*hour(1, NONE, OrderSubmitting("LONG"), OrderSubmitted("{}"))])
    assert made.hours[0].fate is Fate.ACTION
    assert made.submissions == 1


def test_an_evaluation_that_asks_or_an_order_that_was_skipped_is_an_action() -> None:
    made = of([*hour(1, LONG), *hour(2, NONE, OrderSkipped("LONG")), *hour(3)], hours=4)
    assert [hour.fate for hour in made.hours][:3] == [Fate.ACTION, Fate.ACTION, Fate.PROCESSED]
    assert made.would_be_orders == 1
    assert made.evaluations == 2


def test_a_candle_belongs_to_the_window_in_which_it_closes_to_the_millisecond() -> None:
    lines = [*hour(1), *hour(2)]
    nine = START + 50 * MINUTE_MS
    for start_ms, end_ms, closes in ((nine, nine + HOUR_MS, 1), (nine + 1, nine + HOUR_MS + 1, 1), (nine, nine, 0)):
        made = tally(lines, Timeframe.H1, start_ms, end_ms)
        assert (made.closes, len(made.hours)) == (closes, closes)


def test_one_candle_off_the_grid_moves_no_other() -> None:
    off = at(START, CandleClose(START + 1234, 1.0, "previous"))
    assert [hour.close_ms % HOUR_MS for hour in of([off]).hours] == [0, 0, 0]


def test_weeks_begin_where_the_exchange_lets_them() -> None:
    wednesday = START - START % DAY_MS + 3 * DAY_MS
    line = at(wednesday, CandleClose(wednesday, 1.0, "previous"))
    made = tally([line], Timeframe.W1, START, START + 20 * DAY_MS).hours
    assert [hour.open_ms for hour in made] == [wednesday - 7 * DAY_MS, wednesday, wednesday + 7 * DAY_MS]


def test_each_kind_of_line_is_counted() -> None:
    events = (
        BEAT,
        BEAT,
        FetchError("x"),
        EvaluateError("x"),
        CandleMissed(1, "x"),
        EvaluationMissed(1, "x"),
        Unknown("x"),
        Fatal("x"),
        BaselineFallback(),
    )
    made = of([*(at(START, e) for e in events), at(START, Unknown("y"), "CRITICAL"), at(START, Fatal("y"), "ERROR")])
    assert (made.heartbeats, made.fetch_errors, made.evaluate_errors) == (2, 1, 1)
    assert (made.missed_candles, made.missed_evaluations, made.not_understood, made.fatal) == (1, 1, 2, 4)


@pytest.mark.parametrize(
    ("timeframe", "length"), [(t, t.close_of(0)) for t in Timeframe if t not in {Timeframe.MONTH, Timeframe.D14}]
)
def test_the_candles_of_every_timeframe_stand_on_its_grid(timeframe: Timeframe, length: int) -> None:
    made = tally([], timeframe, START, START + 10 * length).hours
    assert len(made) == 10
    assert all((h.open_ms - 4 * DAY_MS) % length == 0 and h.close_ms - h.open_ms == length for h in made)


def test_the_grid_of_long_candles_is_learned_from_one_that_closed() -> None:
    ts = START - START % DAY_MS
    line = at(ts + 14 * DAY_MS + 5000, CandleClose(ts, 1.0, "previous"))
    made = tally([line], Timeframe.D14, ts + DAY_MS, ts + 29 * DAY_MS).hours
    assert [h.open_ms for h in made] == [ts, ts + 14 * DAY_MS]


def test_months_have_their_calendar_length() -> None:
    made = tally([], Timeframe.MONTH, START - 59 * DAY_MS, START + 40 * DAY_MS).hours
    assert [stamp(h.close_ms) for h in made] == [f"2026-0{m}-01 00:00:00" for m in (2, 3, 4)]
    made = tally([], Timeframe.MONTH, START - 29 * DAY_MS, START).hours  # from the 31st of January
    assert [stamp(h.close_ms) for h in made] == [f"2026-0{m}-01 00:00:00" for m in (2, 3)]


@given(st.integers(0, 10**18), st.sampled_from(Timeframe))
def test_a_nonsensical_time_of_a_candle_does_not_stop_the_tally(ts: int, timeframe: Timeframe) -> None:
    line = at(START, CandleClose(ts, 1.0, "previous"))
    assert tally([line], timeframe, START, START + DAY_MS).closes in {0, 1}
