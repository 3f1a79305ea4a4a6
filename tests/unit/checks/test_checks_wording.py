import pytest
from evidence_by_hand import FIRST, SECOND, START, THIRD, gap, log
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.checks.wording import (
    brief,
    candle,
    close_time,
    count,
    exactly,
    hours,
    listed,
    local_time,
    span,
    told_gap,
)
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, visible


@pytest.mark.parametrize(("number", "text"), [(0, "0 closes"), (1, "1 close"), (2, "2 closes")])
def test_only_one_thing_is_singular(number: int, text: str) -> None:
    assert count(number, "close") == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a, b, c and d"),
        (["a", "b", "c", "d", "e"], "a, b, c, d and 1 more"),
        (["a", "b", "c", "d", "e", "f"], "a, b, c, d and 2 more"),
    ],
)
def test_names_stand_in_a_row_and_of_many_only_four(names: list[str], text: str) -> None:
    assert listed(names) == text


def test_a_close_has_its_day_where_the_window_is_longer_than_one() -> None:
    assert close_time(log(end_ms=START + DAY_MS), START) == "09:00"
    assert close_time(log(end_ms=START + DAY_MS + 1), START) == "01 Mar 09:00"


def test_a_candle_is_named_by_its_open_time() -> None:
    assert [candle(START), candle(None)] == ["candle 01 Mar 08:00", "no candle"]


def test_a_span_names_both_days() -> None:
    assert span(START, START + DAY_MS + MINUTE_MS) == "01 Mar 08:00 to 02 Mar 08:01"


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [(24 * HOUR_MS, "24h"), (90 * MINUTE_MS, "1h30m"), (30 * MINUTE_MS, "30m"), (HOUR_MS - 1, "59m"), (0, "0m")],
)
def test_a_windows_length_is_written_as_it_is_asked_for(length_ms: int, text: str) -> None:
    assert hours(length_ms) == text


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [
        (59_999, "59s"),
        (60_000, "1m 0s"),
        (61_999, "1m 1s"),
        (125_000, "2m 5s"),
        (3_599_999, "59m 59s"),
        (3_600_000, "1h 0m"),
    ],
)
def test_a_length_below_an_hour_has_its_seconds(length_ms: int, text: str) -> None:
    assert exactly(length_ms) == text


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ((FIRST,), "08:00 missing: runner down"),
        ((FIRST, SECOND), "08:00 and 09:00 missing: runner down"),
        ((FIRST, SECOND, THIRD), "08:00 to 10:00 (3) missing: runner down"),
    ],
)
def test_a_gap_names_the_closes_that_are_missing(missing: tuple[int, ...], text: str) -> None:
    assert told_gap(log(), gap(*missing)) == text


def test_a_zone_is_written_in_hours_with_its_sign() -> None:
    told = local_time(log(ahead_ms=(-5 * HOUR_MS, 330 * MINUTE_MS)))
    assert told == "the log is in local time (-5h and +5.5h of UTC; corrected)"


@given(st.text(st.characters(), max_size=700))
def test_words_of_others_are_quoted_on_one_line_and_cut(text: str) -> None:
    told = brief(text)
    assert told.isprintable()
    assert len(told) <= 300
    assert told == visible(text) or told.endswith("…")
