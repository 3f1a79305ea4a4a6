"""What an abort condition sets off: the latch first, then the stop, its proof, the copy and the record."""

import errno
import json
import os
from typing import TYPE_CHECKING

import pytest

from genesis_ops.enforce.steps import Enforced, Step, StepFailed, attempt
from genesis_ops.state.latch import Latch, latch_file, read_latch
from genesis_ops.state.lock import LockWish, hold
from genesis_ops.state.model import State
from genesis_ops.state.operations import operations_file, read, who
from genesis_ops.words import Exit

if TYPE_CHECKING:
    from conftest import Host

PROOF = ("log-silent", "process-gone", "locks-free")
NOTHING_TO_STOP = ("stop-latch", "find-runner", *PROOF, "state-backup", "record")
ONE_TO_STOP = ("stop-latch", "find-runner", "stop-runner", *PROOF, "state-backup", "record")


def names(enforced: Enforced) -> tuple[str, ...]:
    return tuple(step.name for step in enforced.steps)


def step(enforced: Enforced, name: str) -> Step:
    (found,) = (step for step in enforced.steps if step.name == name)
    return found


def failed(enforced: Enforced) -> list[str]:
    assert enforced.exit_code is (Exit.FAIL if enforced.complete else Exit.BUG_OR_WRITE_FAILED)
    return [step.name for step in enforced.steps if not step.done]


def test_without_a_runner_the_latch_is_set_and_that_is_recorded(host: "Host") -> None:
    enforced = host.enforce("fatal-error: FATAL at 13:09")
    assert (names(enforced), failed(enforced)) == (NOTHING_TO_STOP, [])
    assert "no runner was running" in step(enforced, "find-runner").detail
    assert read_latch(host.logs) == Latch(1_770_297_002_000, ("fatal-error: FATAL at 13:09",), who())
    (operation,) = read(host.logs).found
    assert (operation.action, operation.reasons) == ("enforce", ("fatal-error: FATAL at 13:09",))
    assert [taken["name"] for taken in operation.other["steps"]] == list(NOTHING_TO_STOP[:-1])
    assert all(taken["done"] for taken in operation.other["steps"])


def test_a_runner_is_asked_and_its_end_is_proved(host: "Host") -> None:
    runner = host.runner(term=1.0)
    enforced = host.enforce()
    assert (names(enforced), failed(enforced)) == (ONE_TO_STOP, [])
    assert runner.sent == ["TERM"]
    assert "pid 18725 ended 1." in step(enforced, "stop-runner").detail
    assert "no new line in runner_20260205.log for 12s" in step(enforced, "log-silent").detail
    assert "gone: pid 18725" in step(enforced, "process-gone").detail


def test_the_latch_is_set_before_anything_is_signalled(host: "Host") -> None:
    runner = host.runner()
    runner.terminate = lambda: runner.send("TERM" if read_latch(host.logs) else "too early")  # type: ignore[method-assign]
    assert failed(host.enforce()) == []
    assert runner.sent == ["TERM"]


@pytest.mark.parametrize(("term", "sent"), [(44.5, ["TERM"]), (46.0, ["TERM", "KILL"]), (None, ["TERM", "KILL"])])
def test_a_runner_that_does_not_end_within_the_units_time_is_killed(
    host: "Host", term: float | None, sent: list[str]
) -> None:
    runner = host.runner(term=term)
    enforced = host.enforce()
    assert (runner.sent, failed(enforced)) == (sent, [])
    assert ("was killed" in step(enforced, "stop-runner").detail) == (len(sent) == 2)


def test_a_runner_that_survives_everything_is_told_and_ends_with_70(host: "Host") -> None:
    host.runner(term=None, kill=None)
    enforced = host.enforce()
    assert failed(enforced) == ["stop-runner", "process-gone"]
    assert "lives on" in step(enforced, "stop-runner").detail
    assert "still there: pid 18725" in step(enforced, "process-gone").detail
    assert enforced.exit_code == 70
    assert [taken["done"] for taken in read(host.logs).found[0].other["steps"]].count(False) == 2


def test_a_runner_of_another_user_is_told(host: "Host") -> None:
    host.runner().forbidden = True
    assert failed(host.enforce()) == ["stop-runner", "process-gone"]


def test_every_runner_is_stopped_even_if_one_cannot_be(host: "Host") -> None:
    host.runner(1001).forbidden = True
    second = host.runner(1002)
    assert failed(host.enforce()) == ["stop-runner", "process-gone"]
    assert second.sent == ["TERM"]


def test_a_process_that_is_not_this_runner_is_left_alone_and_named(host: "Host") -> None:
    stranger = host.runner()
    stranger.spared = "nothing shows that it runs here"
    enforced = host.enforce()
    assert (stranger.sent, failed(enforced)) == ([], [])
    assert "pid 18725 (genesis-ops run) is left alone: nothing shows" in step(enforced, "find-runner").detail


def test_who_cannot_be_looked_for_is_not_said_to_be_gone(host: "Host") -> None:
    host.blind = True
    assert failed(host.enforce()) == ["find-runner", "process-gone"]
    assert read_latch(host.logs) is not None


# --- several at once


def test_all_are_asked_before_any_is_waited_for(host: "Host") -> None:
    asked: list[int] = []
    runners = [host.runner(pid, term=30.0) for pid in (1001, 1002, 1003)]
    host.meanwhile = lambda: asked.append(sum(bool(runner.sent) for runner in runners))
    began = host.now_s
    enforced = host.enforce()
    assert failed(enforced) == []
    assert set(asked) == {3}
    assert host.now_s - began == pytest.approx(30 + 12, abs=1)
    assert names(enforced).count("stop-runner") == 3


def test_all_have_one_patience_in_common_and_the_rest_is_killed(host: "Host") -> None:
    stubborn = [host.runner(pid, term=None, kill=1.0) for pid in (1001, 1002, 1003)]
    mild = host.runner(1004, term=44.0)
    began = host.now_s
    enforced = host.enforce()
    assert failed(enforced) == []
    assert [runner.sent for runner in stubborn] == [["TERM", "KILL"]] * 3
    assert mild.sent == ["TERM"]
    assert host.now_s - began == pytest.approx(45 + 1 + 12, abs=1)
    assert [one.detail.split()[1] for one in enforced.steps if one.name == "stop-runner"] == [
        "1004",
        "1001",
        "1002",
        "1003",
    ]


def test_the_others_are_asked_before_systemd_is_waited_for(host: "Host") -> None:
    kept, other = host.runner(1001), host.runner(1002)
    host.kept_pid = kept.pid
    stop_unit = host.stop_unit

    def slow(seconds: float) -> None:
        assert other.sent == ["TERM"]
        assert kept.sent == []
        host.wait(40)
        stop_unit(seconds)

    host.stop_unit = slow  # type: ignore[method-assign]
    enforced = host.enforce()
    assert failed(enforced) == []
    assert [one.name for one in enforced.steps[2:4]] == ["stop-unit", "stop-runner"]
    assert (kept.sent, other.sent) == (["TERM"], ["TERM"])


def test_a_runner_that_systemd_fails_to_stop_has_its_own_patience_from_its_own_sigterm(host: "Host") -> None:
    kept, other = host.runner(1001, term=44.0), host.runner(1002, term=None)
    host.kept_pid = kept.pid

    def hangs(seconds: float) -> None:
        host.wait(seconds)
        raise StepFailed("`systemctl stop` took more than 60s")

    host.stop_unit = hangs  # type: ignore[method-assign]
    assert failed(host.enforce()) == ["stop-unit"]
    assert (kept.sent, other.sent) == (["TERM"], ["TERM", "KILL"])


def test_one_that_cannot_be_killed_keeps_no_other_from_being_killed(host: "Host") -> None:
    first, second = host.runner(1001, term=None), host.runner(1002, term=None)

    def forbidden() -> None:
        raise StepFailed("pid 1001 belongs to another user")

    first.kill = forbidden  # type: ignore[method-assign]
    assert failed(host.enforce()) == ["stop-runner", "process-gone"]
    assert second.sent == ["TERM", "KILL"]


# --- systemd


def test_a_runner_that_systemd_keeps_is_stopped_by_it(host: "Host") -> None:
    runner = host.runner()
    host.kept_pid = runner.pid
    enforced = host.enforce()
    assert failed(enforced) == []
    assert "stop-unit" in names(enforced)
    assert "stop-runner" not in names(enforced)


@pytest.mark.parametrize("fault", ["show", "stop", "no end"])
def test_where_systemd_does_not_do_it_the_runner_is_stopped_directly_and_both_are_told(
    host: "Host", fault: str
) -> None:
    runner = host.runner()
    host.kept_pid, host.unit_fails = runner.pid, fault
    enforced = host.enforce()
    assert failed(enforced) == ["stop-unit"]
    assert step(enforced, "stop-runner").done
    assert enforced.exit_code == 70


def test_a_unit_that_keeps_somebody_else_is_left_alone(host: "Host") -> None:
    host.runner()
    host.kept_pid = 4711
    assert names(host.enforce()) == ONE_TO_STOP


# --- the proof


def test_a_log_that_goes_on_growing_is_no_proof(host: "Host") -> None:
    host.runner()
    host.meanwhile = lambda: host.write("Somebody at work.")
    enforced = host.enforce()
    assert failed(enforced) == ["log-silent"]
    assert "somebody writes it" in step(enforced, "log-silent").detail


def test_a_new_log_after_midnight_is_no_proof(host: "Host") -> None:
    host.runner(term=0.0)
    host.meanwhile = (host.logs / "runner_20260206.log").touch
    enforced = host.enforce()
    assert failed(enforced) == ["log-silent"]
    assert "another runner log appeared" in step(enforced, "log-silent").detail


def test_a_log_that_is_compressed_meanwhile_is_not_taken_for_a_new_one(host: "Host") -> None:
    (host.logs / "runner_20260204.log").write_text("old\n")
    host.meanwhile = lambda: (host.logs / "runner_20260204.log").unlink(missing_ok=True)
    assert failed(host.enforce()) == []


def test_silence_is_watched_for_a_poll_and_two_seconds(host: "Host") -> None:
    os.utime(host.logs / "runner_20260205.log", (host.now_s - 3, host.now_s - 3))
    began = host.now_s
    assert failed(host.enforce()) == []
    assert host.now_s - began == pytest.approx(9)  # three of the twelve seconds were over


def test_a_log_that_was_silent_long_before_needs_no_watching_unless_something_was_stopped(host: "Host") -> None:
    os.utime(host.logs / "runner_20260205.log", (host.now_s - 3600, host.now_s - 3600))
    began = host.now_s
    assert failed(host.enforce()) == []
    assert host.now_s == began
    host.runner(term=0.0)
    assert failed(host.enforce()) == []
    assert host.now_s - began == pytest.approx(12)


def test_a_log_from_the_future_is_watched_for_the_whole_time(host: "Host") -> None:
    os.utime(host.logs / "runner_20260205.log", (host.now_s + 3600, host.now_s + 3600))
    began = host.now_s
    assert failed(host.enforce()) == []
    assert host.now_s - began == pytest.approx(12)


def test_a_runner_that_a_supervisor_starts_again_is_told(host: "Host") -> None:
    host.runner(1001, term=0.0)

    def restart() -> None:
        if len(host.runners) == 1:
            host.runner(1002)

    host.meanwhile = restart
    enforced = host.enforce()
    assert failed(enforced) == ["process-gone"]
    assert "started again by somebody, stop its supervisor: pid 1002" in step(enforced, "process-gone").detail


def test_a_start_that_is_just_being_refused_is_no_runner(host: "Host") -> None:
    host.runner(1001, term=0.0)

    def restart() -> None:
        if len(host.runners) == 1:
            host.runner(1002).send("TERM")  # stands for the latch: it is over in a second

    host.meanwhile = restart
    assert failed(host.enforce()) == []


@pytest.mark.parametrize("lock", ["runner.lock", "runner_state.json.lock"])
def test_a_lock_that_somebody_holds_is_no_proof(host: "Host", lock: str) -> None:
    with hold([LockWish(host.logs / lock, f"another has {lock}")], command="x", now_ms=0):
        enforced = host.enforce()
    assert failed(enforced) == ["locks-free"]
    assert f"pid {os.getpid()}" in step(enforced, "locks-free").detail


def test_locks_that_were_never_made_are_not_made_to_look_at_them(host: "Host") -> None:
    host.enforce()
    assert not list(host.logs.glob("*.lock"))


# --- the state


def test_a_corrupt_state_is_copied_as_the_runbook_names_it_and_stays(host: "Host") -> None:
    host.settings.state_file.write_bytes(b'{"last_processed_candle_ts": 17\0')
    enforced = host.enforce()
    assert failed(enforced) == []
    copies = list(host.logs.glob("runner_state_corrupt_*.json"))
    assert [copy.name for copy in copies] == ["runner_state_corrupt_20260205_131014.json"]
    assert copies[0].read_bytes() == host.settings.state_file.read_bytes() == b'{"last_processed_candle_ts": 17\0'
    assert copies[0].name in step(enforced, "state-backup").detail


@pytest.mark.parametrize("raw", [None, State().dump()])
def test_a_whole_or_absent_state_is_left_alone(host: "Host", raw: bytes | None) -> None:
    if raw is not None:
        host.settings.state_file.write_bytes(raw)
    assert failed(host.enforce()) == []
    assert not list(host.logs.glob("runner_state_*"))


def test_a_state_that_cannot_be_read_is_told(host: "Host") -> None:
    host.settings.state_file.mkdir()
    enforced = host.enforce()
    assert failed(enforced) == ["state-backup"]
    assert "is a directory" in step(enforced, "state-backup").detail


# --- again, and failing


def test_a_second_time_is_harmless_and_adds_to_the_record(host: "Host") -> None:
    host.runner()
    host.settings.state_file.write_bytes(b"{")
    host.enforce("first")
    first = read_latch(host.logs)
    assert first is not None
    host.now_s += 60
    assert failed(host.enforce("first", "second")) == []
    assert read_latch(host.logs) == first._replace(reasons=("first", "second"))
    assert [operation.action for operation in read(host.logs).found] == ["enforce", "enforce"]
    assert len(list(host.logs.glob("runner_state_corrupt_*"))) == 1


def test_a_latch_that_cannot_be_set_is_told_and_the_runner_is_stopped_all_the_same(host: "Host") -> None:
    (latch_file(host.logs) / "in the way").mkdir(parents=True)
    runner = host.runner()
    enforced = host.enforce()
    assert failed(enforced) == ["stop-latch"]
    assert runner.sent == ["TERM"]
    assert read(host.logs).found[0].other["steps"][0]["done"] is False


def test_a_record_that_cannot_be_written_is_told_and_ends_with_70(host: "Host") -> None:
    operations_file(host.logs).mkdir()
    enforced = host.enforce()
    assert (failed(enforced), enforced.exit_code) == (["record"], 70)


def test_a_full_disk_keeps_no_runner_from_being_stopped(host: "Host", monkeypatch: pytest.MonkeyPatch) -> None:
    runner = host.runner()
    host.settings.state_file.write_bytes(b"{")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        enforced = host.enforce()
    assert failed(enforced) == ["state-backup", "record"]
    assert runner.sent == ["TERM"]
    assert all("No space left" in step(enforced, name).detail for name in ("stop-latch", *failed(enforced)))
    assert "is set since 2026-02-05 13:10:02 UTC, without its reasons" in step(enforced, "stop-latch").detail
    assert latch_file(host.logs).read_bytes() == b""
    assert read_latch(host.logs) is not None


def test_a_missing_log_directory_is_made_for_the_latch(host: "Host") -> None:
    for path in host.logs.iterdir():
        path.unlink()
    host.logs.rmdir()
    assert failed(host.enforce()) == []
    assert read_latch(host.logs) is not None


def test_a_defect_in_one_step_does_not_keep_the_others_from_being_taken(host: "Host") -> None:
    runner = host.runner()
    host.unit_pid = lambda: 1 // 0  # type: ignore[method-assign]
    enforced = host.enforce()
    assert failed(enforced) == ["stop-unit"]
    assert runner.sent == ["TERM"]


def test_what_a_step_tells_is_one_printable_line() -> None:
    assert attempt("x", lambda: "a\x1b[31m\nb").detail.isprintable()


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_interruption_ends_it_with_the_latch_set_and_what_was_done_on_record(host: "Host") -> None:
    host.runner().terminate = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        host.enforce("first")
    assert read_latch(host.logs) is not None
    (operation,) = read(host.logs).found
    assert (operation.action, operation.reasons) == ("enforce", ("first",))
    taken = [(one["name"], one["done"]) for one in operation.other["steps"]]
    assert taken == [("stop-latch", True), ("find-runner", True), ("interrupted", False)]


def test_an_interruption_while_a_runner_takes_its_time_is_recorded(host: "Host") -> None:
    host.runner(term=None)
    host.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        host.enforce()
    assert read(host.logs).found[0].other["steps"][-1]["name"] == "interrupted"


def test_every_step_is_told_as_it_ends(host: "Host") -> None:
    told: list[tuple[str, bool]] = []
    runner = host.runner()
    host.told = lambda step: told.append((step.name, bool(runner.sent)))
    enforced = host.enforce()
    assert tuple(name for name, _ in told) == names(enforced) == ONE_TO_STOP
    assert [sent for _, sent in told] == [False, False, *[True] * 6]


def test_what_was_done_until_an_interruption_is_told(host: "Host") -> None:
    told: list[str] = []
    host.runner(term=None)
    host.told, host.meanwhile = lambda step: told.append(step.name), interrupt
    with pytest.raises(KeyboardInterrupt):
        host.enforce()
    assert told == ["stop-latch", "find-runner", "record"]


@pytest.mark.parametrize("error", [BrokenPipeError(errno.EPIPE, "Broken pipe"), ValueError("closed file")])
def test_a_terminal_that_is_gone_keeps_no_runner_from_being_stopped(host: "Host", error: Exception) -> None:
    def gone(_: Step) -> None:
        raise error

    runner = host.runner()
    host.told = gone
    assert failed(host.enforce()) == []
    assert runner.sent == ["TERM"]


def test_the_record_is_one_line_of_json(host: "Host") -> None:
    host.enforce("a\nb\x1b[31m")
    (line,) = operations_file(host.logs).read_text("ascii").splitlines()
    assert json.loads(line)["reasons"] == ["a\nb\x1b[31m"]
