"""One close and one evaluation per candle, whatever fails in between."""

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from genesis_ops.runlog.events import (
    AlreadyProcessed,
    CandleClose,
    CandleMissed,
    CandleRevised,
    CandleSelection,
    Evaluation,
    EvaluationFailed,
    EvaluationMissed,
    FetchError,
    Heartbeat,
    OrderSkipped,
    ShortWindow,
)
from genesis_ops.words import HOUR_MS

if TYPE_CHECKING:
    from conftest import Day

FIRST_TS = 1_770_206_400_000  # the candle of 12:00, which is the newest closed one at 13:03:20


def closes(day: "Day") -> list[int]:
    return [event.ts for event in day.events(CandleClose)]


def test_each_candle_is_announced_and_evaluated_once_and_nothing_is_ordered(day: "Day") -> None:
    day.run(4 * 60)
    assert closes(day) == [FIRST_TS + n * HOUR_MS for n in range(5)]
    assert len(day.events(Evaluation)) == 5
    assert day.sandbox.requests["POST", "/paper/submit"] == 0
    assert day.state()["last_processed_candle_ts"] == closes(day)[-1]
    assert day.state()["total_evaluations"] == 5
    assert day.state()["total_orders_submitted"] == 0


def test_a_close_is_announced_within_a_second_of_it(day: "Day") -> None:
    day.run(3 * 60)
    for line in [line for line in day.lines() if "NEW CANDLE CLOSE" in line][1:]:
        assert line[14:19] == "00:00"


def test_a_failing_evaluation_is_retried_without_repeating_the_close(day: "Day") -> None:
    day.fault("evaluate-error@55m+20m")
    day.run(2 * 60)
    assert len(closes(day)) == len(set(closes(day))) == 3
    assert len(day.events(Evaluation)) == 3
    assert len(day.events(EvaluationFailed)) > 50
    assert not day.events(EvaluationMissed)


def test_an_evaluation_that_fails_until_the_next_close_is_given_up_with_its_cause(day: "Day") -> None:
    day.fault("evaluate-500@30m+95m")
    day.run(3 * 60)
    missed = day.events(EvaluationMissed)
    assert [event.ts for event in missed] == [FIRST_TS + HOUR_MS]
    assert "HTTP 500" in missed[0].cause
    assert len(closes(day)) == 4
    assert len(day.events(Evaluation)) == 3


def test_the_window_is_120_bars_oldest_first_and_ends_with_the_candle(day: "Day") -> None:
    day.run(70)
    for request, ts in zip(day.wire.bodies("/strategy/evaluate")[1:], closes(day), strict=True):
        columns = request["candles"]
        assert {len(column) for column in columns.values()} == {120}
        rows = day.sandbox.market.rows(day.settings().timeframe, day.clock.now_ms(), 120, end_ms=ts)
        assert columns["close"] == [row[2] for row in rows][::-1]
        assert request["policy"] == {"symbol": "tBTCUSD", "timeframe": "1h"}
        assert "thresholds" in request["configs"] or request["configs"]


def test_the_strategys_state_is_carried_from_one_evaluation_to_the_next(day: "Day") -> None:
    day.run(2 * 60)
    sent = [request["state"] for request in day.wire.bodies("/strategy/evaluate")]
    assert sent[0] == sent[1] == {}
    assert sent[2]["decision_steps"] + 1 == sent[3]["decision_steps"]
    day.run(60)  # a restart
    assert day.wire.bodies("/strategy/evaluate")[-1]["state"]["decision_steps"] == sent[3]["decision_steps"] + 1


def test_candles_missed_while_the_feed_was_down_are_named_one_by_one_and_not_evaluated_late(day: "Day") -> None:
    day.fault("feed-down@30m+3h")
    day.run(5 * 60)
    missed = day.events(CandleMissed)
    assert [event.ts for event in missed] == [FIRST_TS + n * HOUR_MS for n in (1, 2)]
    assert all(
        "feed failing" in event.cause and "2026-02-04 13:33 to 2026-02-04 16:33" in event.cause for event in missed
    )
    assert closes(day) == [FIRST_TS + n * HOUR_MS for n in (0, 3, 4, 5)]
    assert len(day.events(Evaluation)) == 4


def test_candles_missed_while_the_runner_was_down_say_so(day: "Day") -> None:
    day.run(30)
    day.pause(hours=4)
    day.run(20)
    assert [event.ts for event in day.events(CandleMissed)] == [FIRST_TS + n * HOUR_MS for n in (1, 2, 3)]
    assert all(event.cause.startswith("runner down from 2026-02-04 13:33 to") for event in day.events(CandleMissed))
    assert closes(day) == [FIRST_TS, FIRST_TS + 4 * HOUR_MS]


@pytest.mark.parametrize("ahead_ms", [-600_000, -90_000, 90_000, 600_000])
def test_a_downtime_is_the_cause_even_if_the_hosts_clock_is_off(day: "Day", ahead_ms: int) -> None:
    champion = day.settings().champion_file
    champion.rename(champion.with_name("tBTCUSD_1m.json"))
    day.sandbox._now_ms = lambda: day.clock.now_ms() - ahead_ms
    day.run(3, timeframe="1m")
    day.pause(hours=0.1)
    day.run(2, timeframe="1m")
    causes = [event.cause for event in day.events(CandleMissed)]
    assert len(causes) >= 4
    assert all(cause.startswith("runner down from") for cause in causes)


def test_a_gap_that_was_half_downtime_and_half_feed_names_both(day: "Day") -> None:
    day.run(30)
    day.fault("feed-500@2h+2h")
    day.pause(hours=3)
    day.run(3 * 60)
    causes = [event.cause for event in day.events(CandleMissed)]
    assert causes[0].startswith("runner down")
    assert any("runner down" in cause and "feed failing" in cause for cause in causes)


def test_candles_lost_to_the_feed_before_a_stop_are_laid_to_the_feed_after_the_next_start(day: "Day") -> None:
    day.fault("feed-500@30m+3h")
    day.run(3 * 60)
    day.pause(hours=0.2)
    day.run(60)
    causes = [event.cause for event in day.events(CandleMissed)]
    assert len(causes) == 2
    assert all(
        "feed failing (HTTP 500" in cause and "from 2026-02-04 13:33 to 2026-02-04 16:0" in cause for cause in causes
    )


def test_a_feed_that_failed_in_a_short_run_says_nothing_of_the_hours_before_that_run(day: "Day") -> None:
    day.run(30)
    day.fault("feed-500@3h+2h")
    day.pause(hours=3)
    day.run(30)
    day.pause(hours=2)
    day.run(30)
    causes = [event.cause for event in day.events(CandleMissed)]
    assert causes[0].startswith("runner down, then feed failing (HTTP 500")
    assert not any("no row" in cause for cause in causes)


def test_an_hour_without_trades_is_the_exchanges_doing(day: "Day") -> None:
    day.fault("no-trades@57m+59m")
    day.run(4 * 60)
    missed = day.events(CandleMissed)
    assert missed
    assert {event.cause for event in missed} == {"the exchange had no row for it"}
    assert {event.ts for event in missed}.isdisjoint(closes(day))


def test_a_row_that_comes_late_is_announced_when_it_comes_and_nothing_is_missed(day: "Day") -> None:
    day.fault("late-row")
    day.run(3 * 60)
    assert not day.events(CandleMissed)
    times = [line[14:19] for line in day.lines() if "NEW CANDLE CLOSE" in line][1:]
    assert times
    assert all("00:30" <= at <= "00:41" for at in times)


def test_a_revised_row_is_told_once_and_not_announced_again(day: "Day") -> None:
    day.fault("revised-row@30m+1h")
    day.run(2 * 60)
    assert len(day.events(CandleRevised)) == 1
    assert len(closes(day)) == len(set(closes(day)))


def test_the_run_ends_after_the_asked_number_of_candles(day: "Day") -> None:
    day.run(10 * 60, candles=2)
    assert len(day.events(Evaluation)) == 2


def test_what_would_be_ordered_is_said_and_stands_among_the_evaluations_and_in_no_journal(day: "Day") -> None:
    day.run(12 * 60)
    skipped = [event.action for event in day.events(OrderSkipped)]
    assert skipped
    decided = [record for record in day.stream("evaluations") if record["action"] != "NONE"]
    assert skipped == [record["action"] for record in decided]
    assert {record["mode"] for record in decided} == {"dry_run"}
    assert all(record["size"] > 0 for record in decided)
    assert not list(day.logs.glob("runner_orders_*"))


@pytest.mark.parametrize("timeframe", ["1m", "15m", "3h", "1D", "1M"])
def test_every_timeframe_gives_one_close_per_candle(day: "Day", timeframe: str) -> None:
    champion = day.settings().champion_file
    champion.rename(champion.with_name(f"tBTCUSD_{timeframe}.json"))
    day.run(40, timeframe=timeframe)
    frame = day.settings(timeframe=timeframe).timeframe
    assert all(frame.close_of(a) == b for a, b in pairwise(closes(day)))
    assert closes(day)
    assert not day.events(CandleMissed, FetchError, ShortWindow)
    assert len(closes(day)) == len(day.events(Evaluation))


def test_a_heartbeat_stands_after_every_tenth_poll(day: "Day") -> None:
    day.run(60)
    seen: list[int] = []
    polls = 0
    for event in day.events(AlreadyProcessed, CandleClose, Heartbeat):
        if isinstance(event, Heartbeat):
            seen.append(polls)
            polls = 0
        else:
            polls += 1
    assert set(seen) == {10}
    assert len(seen) == 36


def test_the_log_is_in_utc_whatever_the_hosts_zone_and_rotates_at_midnight(
    day: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        day.run(12 * 60)
    finally:
        monkeypatch.undo()
        time.tzset()
    names = [path.name for path in sorted(day.logs.glob("runner_2*.log"))]
    assert names == ["runner_20260204.log", "runner_20260205.log"]
    for name in names:
        lines = (day.logs / name).read_text("utf-8").splitlines()
        assert {line[:10].replace("-", "") for line in lines} == {name[7:15]}


@pytest.mark.parametrize("ahead_ms", [-90_000, -900, -400, -150, 150, 400, 900, 90_000])
def test_a_close_is_announced_within_a_second_of_it_even_if_the_hosts_clock_is_off(day: "Day", ahead_ms: int) -> None:
    day.sandbox._now_ms = lambda: day.clock.now_ms() - ahead_ms
    day.run(130)
    seen = day.events(CandleSelection, CandleClose)
    announced = [poll.now_ms - ahead_ms for poll, event in pairwise(seen) if isinstance(event, CandleClose)]
    assert len(announced) >= 3
    assert all((at - FIRST_TS) % HOUR_MS <= 1000 for at in announced[1:])
