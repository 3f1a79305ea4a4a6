"""The stop latch: no runner starts under it, and one that runs ends."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import httpx
import pytest

from genesis_ops.errors import Refused
from genesis_ops.runlog.events import CandlesDone, GaveUp, Heartbeat, LatchFound, RunnerStopped, SignalReceived
from genesis_ops.state.latch import Latch, clear_latch, latch_file, set_latch
from genesis_ops.state.lock import LockWish, hold
from genesis_ops.words import MINUTE_MS

if TYPE_CHECKING:
    from conftest import Day

LATCH = Latch(1_770_210_000_000, ("duplicate-candle: 1770206400000 twice", "fatal-error"), "ops@host pid 77")


def refused(day: "Day", **flags: object) -> Refused:
    with pytest.raises(Refused) as caught:
        day.run(60, **flags)
    return caught.value


def test_under_the_latch_nothing_starts_and_nothing_is_written(day: "Day") -> None:
    set_latch(day.logs, LATCH)
    error = refused(day)
    assert error.exit_code == 78
    assert error.notes == (*LATCH.reasons, "since 2026-02-04 13:00:00 UTC, by ops@host pid 77")
    assert error.next_command == 'genesis-ops resume --reason "..."'
    assert [path.name for path in day.logs.iterdir()] == ["stop_latch.json"]


def test_a_damaged_latch_is_a_latch(day: "Day") -> None:
    latch_file(day.logs).mkdir(parents=True)
    assert "is a directory" in refused(day).notes[0]


def test_the_next_command_names_an_unusual_log_directory(day: "Day") -> None:
    set_latch(day.root / "other logs", LATCH)
    assert (
        refused(day, log_dir="other logs").next_command == "genesis-ops resume --log-dir 'other logs' --reason \"...\""
    )


def test_a_latch_that_is_set_while_the_locks_are_taken_is_found(day: "Day", monkeypatch: pytest.MonkeyPatch) -> None:
    def hold_late(wishes: Sequence[LockWish], *, command: str, now_ms: int) -> AbstractContextManager[None]:
        set_latch(day.logs, LATCH)
        return hold(wishes, command=command, now_ms=now_ms)

    monkeypatch.setattr("genesis_ops.runner.start.hold", hold_late)
    refused(day)
    assert not day.lines()
    assert not day.settings().state_file.exists()


def test_a_runner_that_finds_the_latch_ends_cleanly_with_78(day: "Day") -> None:
    from_ms = day.clock.now_ms() + 5 * MINUTE_MS

    def set_later(_: httpx.Request) -> None:
        if day.clock.now_ms() > from_ms:
            set_latch(day.logs, LATCH)

    day.wire.instead = set_later
    error = refused(day)
    assert (error.exit_code, error.notes[:2]) == (78, LATCH.reasons)
    *_, last_heartbeat, found, stopped = day.events()
    assert isinstance(last_heartbeat, Heartbeat)
    assert isinstance(found, LatchFound)
    assert found.reason.startswith("duplicate-candle: 1770206400000 twice; fatal-error; since 2026-02-04 13:00:00 UTC")
    assert isinstance(stopped, RunnerStopped)
    assert day.clock.now_ms() < from_ms + 2 * MINUTE_MS
    assert not day.events(GaveUp, SignalReceived, CandlesDone)
    assert [record["event"] for record in day.stream("errors")] == ["LatchFound"]


def test_after_the_latch_is_cleared_the_run_goes_on_where_it_was(day: "Day") -> None:
    day.run(10)
    set_latch(day.logs, LATCH)
    refused(day)
    assert clear_latch(day.logs, LATCH)
    before = day.state()
    day.run(10)
    assert day.state()["last_processed_candle_ts"] == before["last_processed_candle_ts"]
    assert not day.events(LatchFound)
