"""What a restart finds, and what it does with it."""

import json
import os
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from genesis_ops.errors import Refused, StateUnreadable
from genesis_ops.runlog.events import (
    CandleClose,
    CandleMissed,
    Evaluation,
    EvaluationMissed,
    Fatal,
    Heartbeat,
    PollsStretched,
    StateRecovered,
)
from genesis_ops.words import HOUR_MS

if TYPE_CHECKING:
    from conftest import Day

FIRST_TS = 1_770_206_400_000


def state_file(day: "Day") -> Any:
    return day.logs / "runner_state.json"


def test_the_log_is_on_disk_before_the_state_says_so(day: "Day", monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    names: dict[int, str] = {}
    real_open, real_write, real_sync, real_replace = os.open, os.write, os.fsync, os.replace

    def opened(path: Any, *args: Any, **kwargs: Any) -> int:
        fd = real_open(path, *args, **kwargs)
        names[fd] = str(path).rsplit("/", 1)[-1]
        return fd

    def wrote(fd: int, data: Any) -> int:
        text = bytes(data)
        word = next((w for w in (b"NEW CANDLE", b" EVALUATION:") if w in text), b"")
        if word:
            calls.append(word.decode().strip())
        return real_write(fd, data)

    def synced(fd: int) -> None:
        calls.append(f"sync {names.get(fd, '')[:15]}")
        real_sync(fd)

    def replaced(*args: Any) -> None:
        calls.append("state")
        real_replace(*args)

    for name, fake in (("open", opened), ("write", wrote), ("fsync", synced), ("replace", replaced)):
        monkeypatch.setattr(os, name, fake)
    day.run(1)
    told = calls[calls.index("NEW CANDLE") :]
    assert told[1].startswith("sync runner_2026")
    assert told.index("state") > 1
    after = told[told.index("EVALUATION:") :]
    assert after[1].startswith("sync runner_2026")
    assert after.index("state") > 1
    before = told[: told.index("EVALUATION:")]
    assert any(call.startswith("sync runner_evalua") for call in before)


def test_candles_that_were_told_as_missed_before_a_hard_stop_are_not_told_again(
    day: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    day.run(30)
    day.pause(hours=5)
    real, missed = os.write, 0

    class Killed(BaseException):
        pass

    def kill(fd: int, data: Any) -> int:
        nonlocal missed
        missed += b"MISSED CANDLE" in bytes(data)
        if missed > 2:
            raise Killed
        return real(fd, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", kill)
        with pytest.raises(Killed):
            day.run(5)
    day.run(5)
    told = [event.ts for event in day.events(CandleMissed)]
    assert told == [FIRST_TS + n * HOUR_MS for n in (1, 2, 3, 4)]


def test_an_evaluation_that_was_pending_at_a_stop_is_made_after_the_restart(day: "Day") -> None:
    day.fault("evaluate-error@56m+10m")
    day.run(58)
    assert day.state()["pending_evaluation"]["ts"] == FIRST_TS + HOUR_MS
    day.pause(hours=0.2)
    day.run(5)
    assert len(day.events(CandleClose)) == len(day.events(Evaluation)) == 2
    assert "pending_evaluation" not in day.state()


def test_an_evaluation_that_was_pending_too_long_is_given_up_once(day: "Day") -> None:
    day.fault("evaluate-error@56m+10m")
    day.run(58)
    day.pause(hours=3)
    day.run(5)
    day.run(5)
    assert [event.ts for event in day.events(EvaluationMissed)] == [FIRST_TS + HOUR_MS]
    assert len(day.events(Evaluation)) == 2


def test_a_candle_whose_row_comes_after_the_next_close_is_given_up_and_says_why(day: "Day") -> None:
    frame = day.settings().timeframe

    def late(request: httpx.Request) -> httpx.Response | None:
        now_ms = day.clock.now_ms()
        if "limit=2" not in str(request.url) or now_ms < FIRST_TS + 80 * 60_000:
            return None
        newest = FIRST_TS if now_ms < FIRST_TS + 190 * 60_000 else FIRST_TS + HOUR_MS
        rows = day.sandbox.market.rows(frame, now_ms, 2, end_ms=newest)
        headers = {"Date": formatdate(now_ms / 1000, usegmt=True)}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(json.dumps(rows).encode()))

    day.wire.instead = late
    day.run(3 * 60)
    given_up = [(event.ts, event.cause) for event in day.events(EvaluationMissed)]
    assert given_up == [(FIRST_TS + HOUR_MS, "its close came too late")]
    assert len(day.events(Evaluation)) == 1


def test_a_rebuild_keeps_unknown_keys_and_a_copy_of_a_state_that_can_be_read(day: "Day") -> None:
    day.run(5)
    state_file(day).write_text(json.dumps(day.state() | {"operator_note": "mind the gap"}))
    before = state_file(day).read_bytes()
    for stream in day.logs.glob("runner_evaluations_*.log"):
        stream.unlink()
    pipeline = day.state()["pipeline_state"]
    day.run(1, rebuild=True)
    assert day.state()["operator_note"] == "mind the gap"
    assert day.state()["pipeline_state"] == pipeline
    assert [copy.read_bytes() for copy in day.logs.glob("runner_state_replaced_*.json")] == [before]


@pytest.mark.parametrize("kind", ["fifo", "directory", "link", "garbage", "nan", "wrong name"])
def test_an_odd_evaluations_file_stops_no_recovery(day: "Day", kind: str) -> None:
    day.run(62)
    state = day.state()
    state |= {"last_processed_candle_ts": FIRST_TS, "total_evaluations": 1}
    state_file(day).write_text(json.dumps(state))
    odd = day.logs / "runner_evaluations_20260205.log"
    if kind == "fifo":
        os.mkfifo(odd)
    elif kind == "directory":
        odd.mkdir()
    elif kind == "link":
        odd.symlink_to("nowhere")
    elif kind == "wrong name":
        (day.logs / "runner_evaluations_zzz.log").write_text("{}")
    else:
        record = '{"candle_ts": 1770210000000, "state_out": {"x": NaN}}'
        odd.write_bytes(b"\xff{\n" if kind == "garbage" else record.encode())
    day.run(2)
    assert len(day.events(StateRecovered)) == 1
    assert day.state()["total_evaluations"] == 2
    assert day.state()["pipeline_state"]


def test_a_state_of_another_market_is_refused(day: "Day") -> None:
    day.run(2)
    champion = day.settings().champion_file
    champion.rename(champion.with_name("tBTCUSD_1m.json"))
    with pytest.raises(Refused, match="belongs to another market: tBTCUSD 1h, not tBTCUSD 1m"):
        day.run(2, timeframe="1m")


def test_a_run_that_is_locked_out_says_so_and_changes_nothing(day: "Day") -> None:
    from genesis_ops.errors import LockHeld
    from genesis_ops.state.lock import hold, runner_locks

    day.run(2)
    before = {path.name: path.read_bytes() for path in day.logs.iterdir() if path.suffix != ".lock"}
    settings = day.settings()
    wishes = runner_locks(settings.state_file, settings.log_dir, settings.lock_dir, symbol="tBTCUSD", timeframe="1h")
    for wish in wishes:
        with hold([wish], command="another", now_ms=1), pytest.raises(LockHeld):
            day.run(2)
    assert {path.name: path.read_bytes() for path in day.logs.iterdir() if path.suffix != ".lock"} == before


def test_anything_unexpected_is_in_the_log_with_its_traceback(day: "Day") -> None:
    day.glances = type("Broken", (list,), {"append": lambda *_: 1 / 0})()
    with pytest.raises(ZeroDivisionError):
        day.run(2)
    assert day.events(Fatal)[0].cause == "unexpected ZeroDivisionError: division by zero"
    assert any(line.startswith("  Traceback") for line in day.lines())


def test_polls_closer_than_the_limit_allows_are_stretched_and_closes_stay_in_time(day: "Day") -> None:
    champion = day.settings().champion_file
    champion.rename(champion.with_name("tBTCUSD_1m.json"))
    day.run(20, timeframe="1m", poll_interval=1)
    assert [event.seconds for event in day.events(PollsStretched)] == [8]
    times = [line[17:19] for line in day.lines() if "NEW CANDLE CLOSE" in line][1:]
    assert len(times) == 20
    assert set(times) <= {"00", "01"}


def test_a_heartbeat_tells_how_old_everything_is(day: "Day") -> None:
    day.run(30)
    last = day.events(Heartbeat)[-1]
    assert (last.feed_age, last.state_age) == ("0s", "100s")
    assert 1_690 <= int(last.evaluation_age.rstrip("s")) <= 1_800


def test_a_state_file_that_is_a_directory_is_refused_even_for_a_rebuild(day: "Day") -> None:
    state_file(day).mkdir(parents=True)
    with pytest.raises(StateUnreadable, match="is a directory"):
        day.run(2, rebuild=True)
