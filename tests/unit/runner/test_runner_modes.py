"""Dry-run and live-paper in one state: no mode changes because nobody named one, and every change is told."""

import json
import os
from typing import TYPE_CHECKING

import pytest

from genesis_ops.errors import LockHeld, Refused
from genesis_ops.runlog.events import ModeSwitched, OrderSkipped, OrderSubmitting, RunMode
from genesis_ops.state.lock import hold, runner_locks
from genesis_ops.words import Mode

if TYPE_CHECKING:
    from conftest import Day


def switches(day: "Day") -> list[tuple[str, str]]:
    return [(event.former, event.latter) for event in day.events(ModeSwitched)]


def test_a_run_in_no_named_mode_is_a_dry_run(day: "Day") -> None:
    day.wire.decision = ("LONG", 0.015)
    day.run(60, mode=None)
    day.run(60, mode=None)
    assert day.state()["mode"] == "dry-run"
    assert {event.mode for event in day.events(RunMode)} == {"DRY-RUN (no orders)"}
    assert len(day.events(OrderSkipped)) == 3
    assert day.posts == 0
    assert not [line for line in day.lines() if "Mode switched" in line]
    assert not day.records()


def test_a_run_in_no_named_mode_on_a_live_state_is_refused_with_both_commands_and_changes_nothing(day: "Day") -> None:
    day.live(2)
    before = {path.name: path.read_bytes() for path in day.logs.iterdir() if path.suffix != ".lock"}
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            day.run(2, mode=None)
        assert refused.value.exit_code == 78
    assert refused.value.message == (
        "logs/paper_trading/runner_state.json was run in live-paper: say in which mode it is to go on"
    )
    assert refused.value.next_command == "genesis-ops run --live-paper      or: genesis-ops run --dry-run"
    assert {path.name: path.read_bytes() for path in day.logs.iterdir() if path.suffix != ".lock"} == before


def test_a_mode_that_changes_is_told_both_ways_and_stands_in_the_state(day: "Day") -> None:
    day.run(2)
    assert day.state()["mode"] == "dry-run"
    assert not switches(day)
    day.live(2)
    assert day.state()["mode"] == "live-paper"
    assert switches(day) == [("dry-run", "live-paper")]
    day.live(2)
    assert len(switches(day)) == 1
    day.run(2)
    assert day.state()["mode"] == "dry-run"
    assert switches(day) == [("dry-run", "live-paper"), ("live-paper", "dry-run")]
    told = [line for line in day.lines() if "Mode switched" in line]
    assert all(" - WARNING - Mode switched in the same state: " in line for line in told)
    assert [event.mode for event in day.events(RunMode)] == [
        "DRY-RUN (no orders)",
        "LIVE PAPER TRADING",
        "LIVE PAPER TRADING",
        "DRY-RUN (no orders)",
    ]


def test_a_dry_run_after_live_paper_sends_nothing_and_keeps_what_the_state_knows_of_the_journal(desk: "Day") -> None:
    desk.live(6)
    known, submitted = desk.state()["journal"], desk.state()["total_orders_submitted"]
    assert known["records"] == len(desk.records())
    desk.run(120)
    assert desk.posts == 1
    assert len(desk.events(OrderSubmitting)) == 1
    assert desk.state()["journal"] == known
    assert desk.state()["total_orders_submitted"] == submitted == 1
    desk.live(60)
    assert desk.posts == 2


def test_a_glance_tells_the_mode(day: "Day") -> None:
    day.run(1)
    day.live(1)
    assert list(dict.fromkeys(glance.mode for glance in day.glances)) == [Mode.DRY_RUN, Mode.LIVE_PAPER]


@pytest.mark.parametrize("loss", ["deleted", "corrupt"])
@pytest.mark.parametrize("last", ["live", "dry"])
def test_a_lost_state_takes_its_mode_from_the_newest_evaluation(desk: "Day", loss: str, last: str) -> None:
    desk.live(6)
    if last == "dry":
        desk.run(60)
    file = desk.logs / "runner_state.json"
    if loss == "deleted":
        file.unlink()
    else:
        file.write_bytes(b"\0" * 40)
    if last == "live":
        with pytest.raises(Refused, match="was run in live-paper"):
            desk.run(2, mode=None, rebuild=True)
        desk.live(2)
        assert desk.state()["mode"] == "live-paper"
        assert not switches(desk)
    else:
        desk.run(2, mode=None, rebuild=True)
        assert desk.state()["mode"] == "dry-run"


def test_a_mode_that_nobody_knows_in_the_state_is_none(day: "Day") -> None:
    day.run(2)
    (day.logs / "runner_state.json").write_text(json.dumps(day.state() | {"mode": "turbo"}))
    day.run(2, mode=None)
    assert day.state()["mode"] == "dry-run"
    assert not switches(day)


# --- locks


@pytest.mark.parametrize("own", list(Mode))
@pytest.mark.parametrize("other", list(Mode))
def test_a_runner_is_locked_out_by_one_of_its_own_mode_only(day: "Day", own: Mode, other: Mode) -> None:
    settings = day.settings()
    day.logs.mkdir(parents=True)
    symbol = "tTESTBTC:TESTUSD" if other is Mode.LIVE_PAPER else "tBTCUSD"
    host_wide, *_ = runner_locks(
        settings.state_file, settings.log_dir, settings.lock_dir, symbol=symbol, timeframe="1h", mode=other
    )
    with hold([host_wide], command="another", now_ms=1):
        if own is not other:
            day.run(1, mode=own, override="the test wants it")
            return
        with pytest.raises(LockHeld, match=r"another runner trades t(BTCUSD|TESTBTC)") as locked:
            day.run(1, mode=own, override="the test wants it")
        assert f"pid {os.getpid()}" in locked.value.message
        assert locked.value.exit_code == 75


def test_live_paper_of_another_timeframe_of_the_pair_is_locked_out(day: "Day") -> None:
    settings = day.settings()
    day.logs.mkdir(parents=True)
    host_wide, *_ = runner_locks(
        settings.state_file,
        settings.log_dir,
        settings.lock_dir,
        symbol="tTESTBTC:TESTUSD",
        timeframe="1m",
        mode=Mode.LIVE_PAPER,
    )
    with hold([host_wide], command="another", now_ms=1):
        for symbol in ("tBTCUSD", "tTESTBTC:TESTUSD"):  # two names of one pair
            with pytest.raises(LockHeld, match="another runner trades tTESTBTC:TESTUSD in live-paper on this host"):
                day.live(1, symbol=symbol, champion_file=str(settings.champion_file))
        day.run(1)
