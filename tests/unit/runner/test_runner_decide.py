"""The pure decisions: closed or not, missed and why, and when to look again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.clients.exchange import Candle, Candles
from genesis_ops.runner.decide import (
    AFTER_CLOSE_MS,
    Blindness,
    cause_of_missing,
    closes_around,
    missed_between,
    seconds_to_next_poll,
    select_closed,
    unseen_close,
)
from genesis_ops.words import HOUR_MS, Timeframe

T0 = 1_770_206_400_000
SHORT = [frame for frame in Timeframe if frame is not Timeframe.MONTH]
frames = st.sampled_from(SHORT)


def candle(ts: int) -> Candle:
    return Candle(ts, 1.0, 1.0, 1.0, 1.0, 1.0)


def test_the_newest_row_is_closed_once_the_servers_clock_has_reached_its_close() -> None:
    rows = (candle(T0), candle(T0 - HOUR_MS))
    before = select_closed(Candles(rows, T0 + HOUR_MS - 1000), Timeframe.H1)
    after = select_closed(Candles(rows, T0 + HOUR_MS), Timeframe.H1)
    assert before is not None
    assert (before.candle.ts, before.source) == (T0 - HOUR_MS, "previous")
    assert after is not None
    assert (after.candle.ts, after.source) == (T0, "latest")


def test_a_clock_that_does_not_agree_closes_nothing() -> None:
    rows = (candle(T0), candle(T0 - HOUR_MS))
    assert select_closed(Candles(rows, T0 + 9 * HOUR_MS, agreed=False), Timeframe.H1) is None
    running = select_closed(Candles(rows, T0 + 1000, agreed=False), Timeframe.H1)
    assert running is not None
    assert running.source == "previous"


def test_without_the_servers_clock_only_a_later_row_closes_a_candle() -> None:
    assert select_closed(Candles((candle(T0),), None), Timeframe.H1) is None
    found = select_closed(Candles((candle(T0), candle(T0 - 3 * HOUR_MS)), None), Timeframe.H1)
    assert found is not None
    assert found.candle.ts == T0 - 3 * HOUR_MS


@given(frame=frames, gap=st.integers(1, 50))
def test_every_candle_between_two_closes_is_missed_once(frame: Timeframe, gap: int) -> None:
    length = frame.close_of(0)
    missed = missed_between(T0, T0 + gap * length, frame)
    assert missed == tuple(T0 + n * length for n in range(1, gap))


def test_nothing_is_missed_before_the_first_close() -> None:
    assert missed_between(None, T0, Timeframe.H1) == ()


def test_a_month_has_its_own_length() -> None:
    january = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert missed_between(january, int(datetime(2026, 4, 1, tzinfo=UTC).timestamp() * 1000), Timeframe.MONTH) == (
        int(datetime(2026, 2, 1, tzinfo=UTC).timestamp() * 1000),
        int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000),
    )


@pytest.mark.parametrize(
    ("blindness", "cause"),
    [
        ((), "the exchange had no row for it"),
        ((Blindness(T0 + HOUR_MS, T0 + 2 * HOUR_MS, "feed failing"),), "feed failing from"),
        ((Blindness(T0, T0 + 5 * HOUR_MS, "runner down"),), "runner down from"),
        ((Blindness(T0 + HOUR_MS + 1, T0 + 5 * HOUR_MS, "feed failing"),), "feed failing from"),
        ((Blindness(T0 - HOUR_MS, T0 + HOUR_MS, "feed failing"),), "the exchange had no row"),
        ((Blindness(T0 + 2 * HOUR_MS, T0 + 3 * HOUR_MS, "feed failing"),), "the exchange had no row"),
        ((Blindness(T0, T0 + 2 * HOUR_MS - 1, "feed failing"),), "the exchange had no row"),
        (
            (
                Blindness(T0, T0 + HOUR_MS + 60_000, "runner down"),
                Blindness(T0 + HOUR_MS + 60_000, T0 + 3 * HOUR_MS, "feed failing"),
            ),
            "runner down from 2026-02-04 12:00 to 2026-02-04 13:01 UTC; feed failing from 2026-02-04 13:01",
        ),
    ],
)
def test_a_missing_candle_was_unseen_if_nobody_could_look_when_it_was_last_to_be_seen(
    blindness: tuple[Blindness, ...], cause: str
) -> None:
    assert cause_of_missing(T0, Timeframe.H1, blindness).startswith(cause)


@given(frame=frames, now=st.integers(0, 40 * 86_400_000))
def test_the_next_close_is_the_first_after_now(frame: Timeframe, now: int) -> None:
    closed, next_close = closes_around(T0, T0 + now, frame)
    length = frame.close_of(0)
    assert T0 + now < next_close <= T0 + now + length
    assert closed == (None if now < length else next_close - 2 * length)


@given(
    regular=st.floats(0, 3600),
    now=st.integers(0, 10 * HOUR_MS),
    attempts=st.none() | st.integers(0, 9),
    frame=frames,
)
def test_a_poll_is_never_planned_across_a_close(
    regular: float, now: int, attempts: int | None, frame: Timeframe
) -> None:
    wait = seconds_to_next_poll(regular, T0, T0 + now, attempts, frame)
    to_close = (closes_around(T0, T0 + now, frame)[1] - T0 - now) / 1000
    assert 0 <= wait <= max(regular, 2.0) + AFTER_CLOSE_MS / 1000
    assert wait < to_close or wait == pytest.approx(to_close + AFTER_CLOSE_MS / 1000)


def test_a_due_close_that_is_not_seen_is_sought_three_times_soon_and_then_at_the_interval() -> None:
    now = T0 + HOUR_MS + 300
    waits = [seconds_to_next_poll(10.0, T0, now, attempts, Timeframe.H1) for attempts in (0, 1, 2, 3, 4)]
    assert waits == [0.5, 0.5, 1.0, 10.0, 10.0]


def test_a_close_is_unseen_until_it_is_announced() -> None:
    assert unseen_close(None, None, T0, Timeframe.H1) is None
    assert unseen_close(T0, T0 - HOUR_MS, T0 + HOUR_MS - 1, Timeframe.H1) is None
    assert unseen_close(T0, T0 - HOUR_MS, T0 + HOUR_MS, Timeframe.H1) == T0
    assert unseen_close(T0, T0, T0 + HOUR_MS, Timeframe.H1) is None
