from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_ops.sandbox.market import BEGAN_MS, Market, Row, open_of
from genesis_ops.words import HOUR_MS, Timeframe

MARKET = Market(7)
NOW = 1_770_210_000_000

seeds = st.integers(min_value=-(2**70), max_value=2**70)
timeframes = st.sampled_from(list(Timeframe))
moments = st.integers(min_value=1_600_000_000_000, max_value=4_000_000_000_000)


@given(timeframes, moments)
def test_every_row_holds_its_open_and_close_between_low_and_high(timeframe: Timeframe, now_ms: int) -> None:
    for row in MARKET.rows(timeframe, now_ms, 3):
        assert row.low <= min(row.open, row.close)
        assert row.high >= max(row.open, row.close)
        assert row.volume > 0
        assert all(round(price, 1) == price for price in row[1:5])


@given(timeframes, moments, st.integers(min_value=1, max_value=40))
def test_rows_come_newest_first_one_a_timeframe_and_never_more_than_asked(
    timeframe: Timeframe, now_ms: int, limit: int
) -> None:
    rows = MARKET.rows(timeframe, now_ms, limit)
    assert len(rows) == limit
    assert all(timeframe.close_of(older.mts) == newer.mts for newer, older in pairwise(rows))
    assert rows[0].mts <= now_ms < timeframe.close_of(rows[0].mts) + 20_000


@given(timeframes, moments)
def test_the_end_is_inclusive(timeframe: Timeframe, now_ms: int) -> None:
    earlier = MARKET.rows(timeframe, now_ms, 5)[-1].mts
    assert MARKET.rows(timeframe, now_ms, 1, earlier)[0].mts == earlier
    assert MARKET.rows(timeframe, now_ms, 1, earlier - 1)[0].mts < earlier


@given(timeframes, moments)
def test_the_start_is_inclusive_and_the_oldest_can_come_first(timeframe: Timeframe, now_ms: int) -> None:
    rows = MARKET.rows(timeframe, now_ms, 5)
    assert MARKET.rows(timeframe, now_ms, 5, start_ms=rows[-1].mts, oldest_first=True) == rows[::-1]
    assert MARKET.rows(timeframe, now_ms, 5, start_ms=rows[-1].mts + 1, oldest_first=True) == rows[-2::-1]


@given(seeds, timeframes, moments)
@settings(max_examples=20)
def test_the_same_seed_gives_the_same_rows_in_whatever_order_they_are_asked_for(
    seed: int, timeframe: Timeframe, now_ms: int
) -> None:
    one, other = Market(seed), Market(seed)
    one.rows(timeframe, now_ms + 5 * HOUR_MS, 30)
    assert one.rows(timeframe, now_ms, 10) == other.rows(timeframe, now_ms, 10)


def test_another_seed_gives_another_market() -> None:
    assert Market(1).rows(Timeframe.H1, NOW, 5) != Market(2).rows(Timeframe.H1, NOW, 5)


@given(timeframes, moments, st.lists(st.integers(min_value=0, max_value=10_000), min_size=2, max_size=12))
def test_while_a_candle_runs_its_high_only_rises_its_low_only_falls_and_its_volume_only_grows(
    timeframe: Timeframe, now_ms: int, parts: list[int]
) -> None:
    open_ms = open_of(timeframe, now_ms)
    length = timeframe.close_of(open_ms) - open_ms
    seen: list[Row] = []
    for part in sorted(parts):
        rows = MARKET.rows(timeframe, open_ms + length * part // 10_000, 1, open_ms)
        seen += [row for row in rows if row.mts == open_ms]
    for earlier, later in pairwise(seen):
        assert later.open == earlier.open
        assert later.high >= earlier.high
        assert later.low <= earlier.low
        assert later.volume >= earlier.volume


@given(timeframes, moments)
def test_the_row_of_a_running_candle_appears_within_20_s_of_its_open(timeframe: Timeframe, now_ms: int) -> None:
    open_ms = open_of(timeframe, now_ms)
    appeared = [MARKET.rows(timeframe, open_ms + s * 1000, 1)[0].mts == open_ms for s in range(21)]
    assert appeared == sorted(appeared)
    assert appeared[-1]


def test_the_first_trade_comes_later_in_some_hours_than_in_others() -> None:
    hours = range(NOW, NOW + 50 * HOUR_MS, HOUR_MS)
    with_a_row = [MARKET.rows(Timeframe.H1, hour + 10_000, 1)[0].mts == hour for hour in hours]
    assert 10 < sum(with_a_row) < 40


def test_a_running_candle_does_not_show_highs_and_lows_that_are_still_to_come() -> None:
    early = [MARKET.rows(Timeframe.H1, hour + 300_000, 1)[0] for hour in range(NOW, NOW + 20 * HOUR_MS, HOUR_MS)]
    closed = [MARKET.rows(Timeframe.H1, NOW + 99 * HOUR_MS, 1, row.mts)[0] for row in early]
    assert sum(row.high < final.high for row, final in zip(early, closed, strict=True)) > 10
    assert sum(row.low > final.low for row, final in zip(early, closed, strict=True)) > 10


@given(moments)
def test_the_close_of_the_running_candle_is_the_price(now_ms: int) -> None:
    for timeframe in (Timeframe.M1, Timeframe.H1):
        row = MARKET.rows(timeframe, now_ms, 1)[0]
        if now_ms < timeframe.close_of(row.mts):
            assert row.close == pytest.approx(MARKET.price(now_ms), rel=0.001)


def test_the_running_candle_moves_from_poll_to_poll() -> None:
    closes = {MARKET.rows(Timeframe.H1, NOW + 60_000 + poll * 10_000, 1)[0].close for poll in range(20)}
    assert len(closes) > 15


@given(moments)
def test_a_candle_opens_near_the_close_before_it(now_ms: int) -> None:
    newer, older = MARKET.rows(Timeframe.H1, now_ms, 2)
    assert abs(newer.open - older.close) < 0.005 * older.close


def test_a_closed_candle_does_not_change_any_more() -> None:
    row = MARKET.rows(Timeframe.H1, NOW, 1, NOW - HOUR_MS)
    assert MARKET.rows(Timeframe.H1, NOW + 900 * HOUR_MS, 1, NOW - HOUR_MS) == row


@given(seeds, moments)
def test_prices_are_those_of_bitcoin_around_70000(seed: int, ms: int) -> None:
    assert 50_000 < Market(seed).price(ms) < 95_000


def test_an_hour_moves_as_much_as_an_hour_of_bitcoin_does() -> None:
    moves = [abs(row.close / row.open - 1) for row in MARKET.rows(Timeframe.H1, NOW, 1000)]
    assert 0.001 < sum(moves) / len(moves) < 0.01


@pytest.mark.parametrize(
    ("timeframe", "opened"),
    [
        (Timeframe.M15, "2026-02-04T13:00"),
        (Timeframe.H3, "2026-02-04T12:00"),
        (Timeframe.H12, "2026-02-04T12:00"),
        (Timeframe.D1, "2026-02-04T00:00"),
        (Timeframe.W1, "2026-02-02T00:00"),  # a Monday
        (Timeframe.MONTH, "2026-02-01T00:00"),
    ],
)
def test_candles_open_where_the_exchange_opens_them(timeframe: Timeframe, opened: str) -> None:
    expected = int(datetime.fromisoformat(opened).replace(tzinfo=UTC).timestamp() * 1000)
    assert open_of(timeframe, NOW + 60_000) == expected


def test_a_fortnight_opens_on_a_monday() -> None:
    opened = datetime.fromtimestamp(open_of(Timeframe.D14, NOW) / 1000, UTC)
    assert opened.weekday() == 0


def test_there_is_nothing_before_the_market_began() -> None:
    assert MARKET.rows(Timeframe.D1, NOW, 10, BEGAN_MS - 1) == []
    assert MARKET.rows(Timeframe.D1, NOW, 1, oldest_first=True)[0].mts == BEGAN_MS
    assert MARKET.rows(Timeframe.H1, NOW, 10, start_ms=NOW + HOUR_MS) == []


def test_a_hidden_interval_has_no_row_and_its_neighbours_move_together() -> None:
    shown = MARKET.rows(Timeframe.H1, NOW, 3)
    rest = MARKET.rows(Timeframe.H1, NOW, 2, hidden=lambda open_ms, _: open_ms == shown[1].mts)
    assert rest == [shown[0], shown[2]]
