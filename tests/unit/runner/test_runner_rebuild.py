"""In live-paper the state is a cache: lost or corrupt, it is made anew from journal and log (order protocol, 5)."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from genesis_ops.errors import JournalDamaged, Refused, StateUnreadable
from genesis_ops.runlog.events import CandleClose, CandleMissed, Evaluation, StateRebuilt, StateRecovered
from genesis_ops.runner.recover import Recovered, Wanted, evaluations, recover
from genesis_ops.state.model import PendingEvaluation
from genesis_ops.state.store import StateStore
from genesis_ops.words import Mode

if TYPE_CHECKING:
    from conftest import Day

STATE = "runner_state.json"
CORRUPT = {
    "empty": b"",
    "truncated": b'{"last_processed_candle_ts": 17702',
    "NUL bytes": b"\0" * 300,
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a list": b"[]",
    "no keys": b"{}",
    "NaN": b'{"last_processed_candle_ts": NaN, "total_evaluations": 1, "total_orders_submitted": 1, '
    b'"last_heartbeat": null}',
    "wrong types": b'{"last_processed_candle_ts": "now", "total_evaluations": 1, "total_orders_submitted": 1, '
    b'"last_heartbeat": null}',
}


def remembered(day: "Day") -> dict[str, Any]:
    """All that a state says, but for when it was written last and how much the journal has grown by a start."""
    return {name: value for name, value in day.state().items() if name not in {"last_heartbeat", "journal"}}


@pytest.fixture
def traded(desk: "Day") -> "Day":
    desk.live(70)
    assert desk.posts == 2
    return desk


def assert_gone_on(day: "Day", before: dict[str, Any]) -> None:
    day.live(2)
    assert remembered(day) == before
    assert day.state()["journal"]["records"] == len(day.records())
    day.live(60)
    closes = [event.ts for event in day.events(CandleClose)]
    assert len(closes) == len(set(closes)) == len(day.events(Evaluation))
    assert not day.events(CandleMissed)
    assert day.posts == 3
    assert day.state()["total_orders_submitted"] == 3


def test_a_state_that_was_deleted_is_made_anew_as_it_was_without_being_asked_for(traded: "Day") -> None:
    before = remembered(traded)
    (traded.logs / STATE).unlink()
    assert_gone_on(traded, before)
    (rebuilt,) = traded.events(StateRebuilt)
    assert (rebuilt.last_candle_ts, rebuilt.evaluations) == ("1770213600000", 3)


@pytest.mark.parametrize("kind", CORRUPT)
def test_a_state_that_is_damaged_is_made_anew_and_its_bytes_are_kept(traded: "Day", kind: str) -> None:
    before = remembered(traded)
    (traded.logs / STATE).write_bytes(CORRUPT[kind])
    assert_gone_on(traded, before)
    assert [path.read_bytes() for path in traded.logs.glob("runner_state_corrupt_*.json")] == [CORRUPT[kind]]
    assert len(traded.events(StateRebuilt)) == 1


def test_a_rebuild_that_is_asked_for_takes_the_orders_from_the_journal(traded: "Day") -> None:
    before = remembered(traded)
    (traded.logs / STATE).write_text(json.dumps(traded.state() | {"total_orders_submitted": 77}))
    traded.live(2, rebuild=True)
    assert remembered(traded) == before


def test_a_rebuild_in_dry_run_takes_the_orders_from_the_journal_too(traded: "Day") -> None:
    traded.run(2)
    before = remembered(traded)
    for file in traded.logs.glob("runner_2*.log"):  # more orders in the log than the journal resolved as filled
        file.write_bytes(file.read_bytes().replace(b"ORDER SUBMITTED: ", b"ORDER SUBMITTED, said somebody: "))
    traded.run(2, rebuild=True)
    assert remembered(traded) == before
    assert traded.state()["total_orders_submitted"] == 2


def test_an_order_that_was_not_filled_does_not_count_in_a_state_that_is_made_anew(desk: "Day") -> None:
    desk.fault("submit-lost@0s+6m")
    desk.live(70)
    before = remembered(desk)
    assert before["total_orders_submitted"] == 1
    (desk.logs / STATE).unlink()
    desk.live(2)
    assert remembered(desk) == before


@pytest.mark.parametrize("how", ["deleted", "corrupt"])
def test_a_lost_state_is_refused_where_nothing_was_ever_ordered(day: "Day", how: str) -> None:
    day.run(2)
    state = day.logs / STATE
    state.unlink() if how == "deleted" else state.write_bytes(b"{}")
    for start in (day.run, day.live):
        with pytest.raises(StateUnreadable) as refused:
            start(2)
        assert refused.value.exit_code == 78
        assert refused.value.next_command.startswith("genesis-ops run --rebuild-state")
    assert day.posts == 0


def test_a_lost_state_is_refused_in_dry_run_where_orders_were_made(traded: "Day") -> None:
    """Dry-run has no journal to make it anew from, and says so."""
    (traded.logs / STATE).unlink()
    with pytest.raises(StateUnreadable):
        traded.run(2)
    traded.run(2, rebuild=True)
    assert traded.posts == 2


def test_a_state_that_cannot_be_read_at_all_is_not_made_anew_over_it(traded: "Day") -> None:
    (traded.logs / STATE).unlink()
    (traded.logs / STATE).mkdir()
    with pytest.raises(StateUnreadable, match="is a directory"):
        traded.live(2)


@pytest.mark.parametrize("odd", ["file", "missing"])
def test_logs_that_cannot_be_listed_are_refused(tmp_path: Path, odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("genesis_ops.runner.recover.last_words", fail)
    with pytest.raises(Refused, match="cannot be listed: Permission denied") as refused:
        recover(StateStore(tmp_path / odd), tmp_path, 0, Wanted("tBTCUSD 1h", "state", rebuild=False))
    assert refused.value.next_command == f"ls -ld {tmp_path}"


def test_evaluations_are_read_from_the_newest_back_and_what_is_torn_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "runner_evaluations_20260204.log").write_bytes(b'{"n": 1}\n{"n": 2}\n')
    (tmp_path / "runner_evaluations_20260205.log").write_bytes(b'{"n": 3}\n[4]\n{"n": 5}\n{"n"')
    (tmp_path / "runner_evaluations_20260206.log").mkdir()
    (tmp_path / "runner_evaluations_2026020.log").write_bytes(b'{"n": 9}\n')
    (tmp_path / "runner_evaluations_20260207.log.gz").write_bytes(b'{"n": 9}\n')
    (tmp_path / "my_runner_evaluations_20260207.log").write_bytes(b'{"n": 9}\n')
    assert [record["n"] for record in evaluations(tmp_path)] == [5, 3, 2, 1]
    assert [record["n"] for record in evaluations(tmp_path, 1)] == [5, 3]


def test_the_mode_of_a_lost_state_is_that_of_the_newest_whole_evaluation(traded: "Day") -> None:
    stream = traded.logs / "runner_evaluations_20260204.log"
    with stream.open("ab") as file:
        file.write(b'{"mode": "dry_run", "candle')
    (traded.logs / STATE).unlink()
    with pytest.raises(Refused, match="was run in live-paper"):
        traded.run(2, mode=None, rebuild=True)


def test_a_lost_state_without_any_evaluation_has_no_mode(traded: "Day") -> None:
    (traded.logs / "runner_evaluations_20260204.log").unlink()
    (traded.logs / STATE).unlink()
    traded.run(2, mode=None, rebuild=True)
    assert traded.state()["mode"] == Mode.DRY_RUN


Decisions = Callable[[dict[str, Any]], dict[str, Any]]
ODD: dict[str, Decisions] = {
    "no candle": lambda record: {name: value for name, value in record.items() if name != "candle_ts"},
    "a candle that is text": lambda record: record | {"candle_ts": "1770217200000"},
    "an unknown action": lambda record: record | {"action": "BUY"},
    "no action": lambda record: record | {"action": None},
    "NONE": lambda record: record | {"action": "NONE"},
    "dry-run": lambda record: record | {"mode": "dry_run"},
    "another symbol": lambda record: record | {"symbol": "tETHUSD"},
    "another timeframe": lambda record: record | {"timeframe": "1m"},
}


@pytest.mark.parametrize("kind", ODD)
def test_an_evaluation_that_asks_for_no_order_makes_none(traded: "Day", kind: str) -> None:
    stream = traded.logs / "runner_evaluations_20260204.log"
    newest = json.loads(stream.read_bytes().splitlines()[-1]) | {"candle_ts": 1_770_217_200_000}
    with stream.open("a") as file:
        file.write(json.dumps(ODD[kind](newest)) + "\n")
    records = len(traded.records("decided"))
    traded.live(2)
    assert len(traded.records("decided")) == records


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {"size": 0.015, "price": 71739.7}),
        ({"action": "SHORT"}, {"side": "SHORT"}),
        ({"size": None}, {"size": 0.0}),
        ({"size": "much"}, {"size": 0.0}),
        ({"size": 1}, {"size": 1.0}),
        ({"close": "dear"}, {"price": 0.0}),
        ({"close": 71_000}, {"price": 71_000.0}),
        ({"runtime_cfg_hash": None}, {"config_hash": "None"}),
        ({"runtime_cfg_hash": "abc"}, {"config_hash": "abc"}),
    ],
)
def test_a_decision_that_stands_only_in_the_evaluations_is_journaled_as_it_stands_there(
    traded: "Day", changes: dict[str, Any], wanted: dict[str, Any]
) -> None:
    stream = traded.logs / "runner_evaluations_20260204.log"
    newest = json.loads(stream.read_bytes().splitlines()[-1])
    newest |= {"candle_ts": 1_770_217_200_000, "close": 71739.7}
    with stream.open("a") as file:
        file.write(json.dumps(newest | changes) + "\n")
    traded.wire.decision = ("NONE", None)
    traded.live(1)
    decided = traded.records("decided")[-1]
    assert decided["id"] == "20260204-1500"
    assert {name: decided[name] for name in wanted} == wanted


def test_a_state_that_is_lost_while_an_evaluation_is_pending_keeps_what_the_strategy_carries(desk: "Day") -> None:
    desk.live(10)
    desk.fault("evaluate-error@40m+30m")
    desk.live(60)
    before = remembered(desk)
    assert before["pending_evaluation"]["ts"] == 1_770_213_600_000
    assert before["pipeline_state"]["decision_steps"] >= 1
    (desk.logs / STATE).unlink()
    desk.faults.schedule.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genesis_ops.runner.loop.Runner._loop", lambda _: None)
        desk.live(1)
    assert remembered(desk) == before


@pytest.mark.parametrize("lost", [False, True])
def test_an_evaluation_that_a_stop_left_out_of_the_log_is_made_again_and_its_order_is_the_later_one_s(
    desk: "Day", monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    before = desk.state()["pipeline_state"]

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("genesis_ops.runner.evaluate.Evaluation", kill)
        with pytest.raises(Killed):
            desk.live(6)
    assert next(evaluations(desk.logs))["candle_ts"] == 1_770_210_000_000
    if lost:
        (desk.logs / STATE).unlink()
    with monkeypatch.context() as patch:
        patch.setattr("genesis_ops.runner.loop.Runner._loop", lambda _: None)
        desk.live(1)
    assert desk.state()["pipeline_state"] == before
    assert desk.state()["pending_evaluation"]["ts"] == 1_770_210_000_000
    desk.wire.decision = ("SHORT", 0.02)
    desk.live(3)
    assert [(record["side"], record["size"]) for record in desk.records("decided")] == [("SHORT", 0.02)]
    assert desk.posts == 1


def test_a_decision_of_the_journal_s_first_run_is_not_lost_either(day: "Day", monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    day.wire.decision = ("SHORT", 0.015)
    with monkeypatch.context() as patch:
        patch.setattr("genesis_ops.runner.orders.Orders.decide", kill)
        with pytest.raises(Killed):
            day.live(6)
    assert day.kinds() == ["started"]
    day.live(1)
    assert day.kinds() == ["started", "decided", "started", "expired"]


# --- the journal that others know more of


def lost_wholly(logs: Path) -> None:
    (logs / "runner_orders_20260204.log").unlink()


def lost_its_oldest_day(logs: Path) -> None:
    file = logs / "runner_orders_20260204.log"
    *_, newest = file.read_bytes().splitlines(keepends=True)
    (logs / "runner_orders_20260205.log").write_bytes(newest)
    file.unlink()


def lost_its_end(logs: Path) -> None:
    file = logs / "runner_orders_20260204.log"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))


def lost_wholly_with_the_state(logs: Path) -> None:
    lost_wholly(logs)
    (logs / "runner_state.json").unlink()


def lost_its_end_with_the_state(logs: Path) -> None:
    file = logs / "runner_orders_20260204.log"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:2]))
    (logs / "runner_state.json").unlink()


LOSSES = (lost_wholly, lost_its_oldest_day, lost_its_end, lost_wholly_with_the_state, lost_its_end_with_the_state)


@pytest.mark.parametrize("lose", LOSSES)
def test_a_journal_that_lost_records_keeps_live_paper_from_starting_and_dry_run_not(
    desk: "Day", lose: Callable[[Path], None]
) -> None:
    desk.live(6)
    lose(desk.logs)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            desk.live(6)
        assert refused.value.exit_code == 78
    if (desk.logs / "runner_state.json").exists():
        assert isinstance(refused.value, JournalDamaged)
    with pytest.raises(JournalDamaged) as damaged:
        desk.live(6, rebuild=True)
    assert damaged.value.exit_code == 78
    assert desk.posts == 1
    if not (desk.logs / "runner_state.json").exists():
        (desk.logs / "runner_state.json").write_text(
            json.dumps(
                {
                    "last_processed_candle_ts": 1_770_210_000_000,
                    "total_evaluations": 2,
                    "total_orders_submitted": 1,
                    "last_heartbeat": None,
                }
            )
        )
    desk.run(5)
    assert desk.posts == 1


def test_each_memory_of_the_journal_says_what_it_misses(desk: "Day") -> None:
    desk.live(6)
    journal = desk.logs / "runner_orders_20260204.log"
    whole, state = journal.read_bytes(), desk.logs / "runner_state.json"
    lost_its_end(desk.logs)
    with pytest.raises(
        JournalDamaged, match=r"/runner_orders_\*.log: the state knows of 6 records, and it holds 5, or"
    ):
        desk.live(6)
    journal.write_bytes(whole.splitlines(keepends=True)[0])
    state.write_text(json.dumps({key: value for key, value in desk.state().items() if key != "journal"}))
    with pytest.raises(JournalDamaged, match=r"/runner_orders_\*.log: the runner log tells of 1 orders, and it of 0"):
        desk.live(6)
    journal.write_bytes(whole)
    desk.live(6)


def test_another_market_s_journal_is_refused(desk: "Day") -> None:
    champion = desk.settings().champion_file
    champion.with_name("tETHUSD_1h.json").write_bytes(champion.read_bytes())
    with pytest.raises(Refused, match="is another market's: tBTCUSD 1h"):
        desk.live(5, symbol="tETHUSD", state_file=str(desk.logs / "another.json"))
    assert desk.posts == 0


def test_a_state_that_is_made_anew_before_any_candle_closed_knows_none(day: "Day") -> None:
    day.fault("feed-500@0s+10m")
    day.run(2)
    before = remembered(day)
    (day.logs / STATE).unlink()
    day.run(1, rebuild=True)
    assert remembered(day) == before
    assert before["last_processed_candle_ts"] is None
    assert before["market"] == "tBTCUSD 1h"


def test_another_market_s_name_is_shown_by_its_first_sixty_characters(day: "Day") -> None:
    day.run(1)
    (day.logs / STATE).write_text(json.dumps(day.state() | {"market": "x" * 100}))
    with pytest.raises(Refused, match=f"belongs to another market: {'x' * 60}, not tBTCUSD 1h"):
        day.run(1)


def test_who_asks_for_no_mode_gets_a_dry_run() -> None:
    assert Wanted("tBTCUSD 1h", "state", rebuild=False).mode is Mode.DRY_RUN


# --- a state and a log, by hand: what a start makes of them

CLOSE = "2026-02-04 14:00:00 - paper_trading_runner - INFO - NEW CANDLE CLOSE: ts=1770210000000, close=71655.70"
EVALUATED = "2026-02-04 14:00:05 - paper_trading_runner - INFO - EVALUATION: action=NONE, signal=None, confidence=0.353"
LATER = "2026-02-04 14:30:00 - paper_trading_runner - INFO - Runner stopped."
CLOSE_MS, LATER_MS = 1_770_213_600_000, 1_770_215_400_000


def found(place: Path, lines: list[str], **state: Any) -> Recovered:
    (place / "runner_20260204.log").write_text("\n".join([*lines, ""]))
    known = {
        "last_processed_candle_ts": 1_770_206_400_000,
        "total_evaluations": 4,
        "total_orders_submitted": 0,
        "last_heartbeat": None,
        "pipeline_state": {"steps": 4},
    }
    (place / STATE).write_text(json.dumps(known | state))
    return recover(StateStore(place / STATE), place, LATER_MS, Wanted("tBTCUSD 1h", "state", rebuild=False))


def recoveries(of: Recovered) -> list[tuple[int, str]]:
    return [(event.ts, event.progress) for event in of.events if isinstance(event, StateRecovered)]


def test_a_close_that_only_the_log_knows_is_taken_up_as_pending(tmp_path: Path) -> None:
    this = found(tmp_path, [f"{CLOSE}, source=latest"])
    assert recoveries(this) == [(1_770_210_000_000, "announced")]
    assert this.state.last_processed_candle_ts == 1_770_210_000_000
    assert this.state.pending_evaluation == PendingEvaluation(1_770_210_000_000, 71655.7, "latest")
    assert (this.state.total_evaluations, this.state.pipeline_state) == (4, {"steps": 4})
    assert this.last_price == 71655.7


def test_a_close_of_the_older_runner_has_an_unknown_source(tmp_path: Path) -> None:
    this = found(tmp_path, [CLOSE])
    assert this.state.pending_evaluation == PendingEvaluation(1_770_210_000_000, 71655.7, "unknown")


@pytest.mark.parametrize(("stream", "carried"), [(True, {"steps": 5}), (False, {"steps": 4})])
def test_an_evaluation_that_only_the_log_knows_is_counted_with_what_it_carries(
    tmp_path: Path, stream: bool, carried: dict[str, int]
) -> None:
    records = [
        {"candle_ts": 1_770_206_400_000, "state_out": {"steps": 3}},
        {"candle_ts": 1_770_210_000_000, "state_out": {"steps": 5}},
        {"candle_ts": 1_770_213_600_000, "state_out": {"steps": 9}},
    ]
    if stream:
        text = "\n".join(map(json.dumps, records))
        (tmp_path / "runner_evaluations_20260204.log").write_text(f"{text}\n")
    this = found(tmp_path, [f"{CLOSE}, source=latest", EVALUATED])
    assert recoveries(this) == [(1_770_210_000_000, "evaluated")]
    assert this.state.pending_evaluation is None
    assert (this.state.total_evaluations, this.state.pipeline_state) == (5, carried)


def test_a_pending_evaluation_that_the_log_has_is_not_made_again(tmp_path: Path) -> None:
    pending = {"ts": 1_770_210_000_000, "close": 71655.7, "source": "latest"}
    this = found(
        tmp_path,
        [f"{CLOSE}, source=latest", EVALUATED],
        last_processed_candle_ts=1_770_210_000_000,
        pending_evaluation=pending,
    )
    assert this.state.pending_evaluation is None
    assert this.state.total_evaluations == 5


def test_a_state_that_knows_all_of_the_log_stays_as_it_is(tmp_path: Path) -> None:
    this = found(tmp_path, [f"{CLOSE}, source=latest", EVALUATED], last_processed_candle_ts=1_770_210_000_000)
    assert recoveries(this) == []
    assert this.state.total_evaluations == 4


def test_a_log_without_a_close_changes_nothing(tmp_path: Path) -> None:
    this = found(tmp_path, [LATER])
    assert recoveries(this) == []
    assert this.state.last_processed_candle_ts == 1_770_206_400_000
    assert this.last_price is None
    assert this.last_seen_ms == LATER_MS


@pytest.mark.parametrize(
    ("heartbeat", "seen_ms"),
    [
        (None, CLOSE_MS),
        ("2026-02-04T13:59:00Z", CLOSE_MS),
        ("2026-02-04T14:30:00Z", LATER_MS),
        ("2026-02-04T14:30:00", LATER_MS),
        ("2026-02-04T15:30:00+01:00", LATER_MS),
    ],
)
def test_a_runner_was_last_seen_by_its_log_or_its_heartbeat(
    tmp_path: Path, heartbeat: str | None, seen_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert found(tmp_path, [f"{CLOSE}, source=latest"], last_heartbeat=heartbeat).last_seen_ms == seen_ms
    finally:
        monkeypatch.undo()
        time.tzset()


def test_evaluations_of_the_three_newest_days_are_searched_for_what_is_carried(tmp_path: Path) -> None:
    for number, day in enumerate(("20260201", "20260202", "20260203", "20260204")):
        record = {"candle_ts": 1_770_210_000_000 if number < 2 else 1, "state_out": {"day": number}}
        (tmp_path / f"runner_evaluations_{day}.log").write_text(f"{json.dumps(record)}\n")
    lines = [f"{CLOSE}, source=latest", EVALUATED]
    assert found(tmp_path, lines).state.pipeline_state == {"day": 1}
    (tmp_path / "runner_evaluations_20260202.log").write_text("")
    assert found(tmp_path, lines).state.pipeline_state == {"steps": 4}


@pytest.mark.parametrize("carried", [[1], "text", None, 7])
def test_what_is_no_state_of_a_strategy_is_not_carried(tmp_path: Path, carried: object) -> None:
    record = {"candle_ts": 1_770_210_000_000, "state_out": carried}
    (tmp_path / "runner_evaluations_20260204.log").write_text(f"{json.dumps(record)}\n")
    assert found(tmp_path, [f"{CLOSE}, source=latest", EVALUATED]).state.pipeline_state == {"steps": 4}
