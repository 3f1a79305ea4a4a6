"""Enforcing against real processes: a runner is stopped and proved to be, others are left alone."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from rehearsal_processes import COMMAND, Place, Root, Sandbox, Started, hour_ahead, until

from genesis_ops.enforce.act import enforce
from genesis_ops.enforce.host import Host
from genesis_ops.enforce.steps import Enforced
from genesis_ops.settings import Settings, load
from genesis_ops.state.latch import read_latch
from genesis_ops.state.operations import read
from genesis_ops.words import iso

REASON = "duplicate-candle: 1770206400000 twice"
HURRY = 20  # times as fast as real time: what waits for a minute waits three seconds

STUBBORN = """
import signal, sys
from pathlib import Path
from genesis_ops.state.lock import LockWish, hold

signal.signal(signal.SIGTERM, signal.SIG_IGN)
with hold([LockWish(Path(sys.argv[1]), "taken")], command="stubborn", now_ms=0):
    print("ready", flush=True)
    while True:
        signal.pause()
"""

ENFORCE = """
import sys
from pathlib import Path
from genesis_ops.clients.clock import StopRequest, SystemClock
from genesis_ops.enforce.act import enforce
from genesis_ops.enforce.host import Host
from genesis_ops.settings import load

settings = load({"root": Path(sys.argv[1])}, {}, None).settings
enforce(settings, [sys.argv[2]], Host(settings), SystemClock(StopRequest()))
"""

SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$0.asked"
case "$1" in
show) echo MainPID=$(cat "$0.pid") ;;
stop) kill -TERM $(cat "$0.pid") ;;
esac
"""


class Hurried:
    """The host's own clock, going faster."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic() * HURRY

    def wait(self, seconds: float) -> None:
        time.sleep(seconds / HURRY)


def settings_of(root: Root) -> Settings:
    return load({"root": root.path}, {}, None).settings


def enforced(root: Root, booted: Path = Path("/nowhere"), patience: float = 20 * HURRY) -> Enforced:
    settings = settings_of(root)
    return enforce(settings, [REASON], Host(settings, booted), Hurried(), patience)


def failed(done: Enforced) -> list[str]:
    return [f"{step.name}: {step.detail}" for step in done.steps if not step.done]


def details(done: Enforced) -> str:
    return "\n".join(step.detail for step in done.steps)


@pytest.fixture
def sandbox(place: Place) -> Sandbox:
    return place.sandbox(start=hour_ahead(1200))


def running(place: Place, root: Root, sandbox: Sandbox) -> Started:
    said = root.log.count("Champion verified")
    runner = place.run(root, sandbox, "--poll-interval", "1", GENESIS_LOCK_DIR=str(root.path))
    until(lambda: root.log.count("Champion verified") > said, otherwise=lambda: runner.err)
    return runner


def program(place: Place, text: str, *arguments: str) -> Started:
    return place.start((sys.executable, "-c", text, *arguments))


def stubborn(place: Place, root: Root) -> Started:
    root.logs.mkdir(parents=True, exist_ok=True)
    started = program(place, STUBBORN, str(root.logs / "runner.lock"))
    until(lambda: "ready" in started.out, otherwise=lambda: started.err)
    return started


def command(place: Place, root: Root, words: Sequence[str]) -> Started:
    return place.start((*COMMAND, "--root", str(root.path), *words))


def test_a_runner_is_stopped_refused_and_let_run_again(place: Place, sandbox: Sandbox) -> None:
    root = place.root()
    runner = running(place, root, sandbox)
    done = enforced(root)
    assert failed(done) == []
    assert runner.ended() == 0
    assert f"pid {runner.pid} ended" in details(done)
    assert root.messages()[-2:] == ["Received signal 15. Shutting down...", "Runner stopped."]
    (operation,) = read(root.logs).found
    assert operation.reasons == (REASON,)

    before = root.log
    refused = place.run(root, sandbox, GENESIS_LOCK_DIR=str(root.path))
    assert refused.ended() == 78
    assert REASON in refused.err
    assert "resume --reason" in refused.err
    assert root.log == before

    resumed = command(place, root, ["resume", "--reason", "looked into it"])
    assert resumed.ended() == 0, resumed.err
    assert running(place, root, sandbox).stopped() == 0


def test_a_second_enforcement_finds_nothing_and_is_harmless(place: Place, sandbox: Sandbox) -> None:
    root = place.root()
    runner = running(place, root, sandbox)
    enforced(root)
    latch = read_latch(root.logs)
    again = enforced(root)
    assert runner.ended() == 0
    assert failed(again) == []
    assert "no runner was running" in details(again)
    assert read_latch(root.logs) == latch
    assert len(read(root.logs).found) == 2


def test_a_runner_that_ignores_sigterm_is_killed(place: Place) -> None:
    root = place.root()
    runner = stubborn(place, root)
    done = enforced(root, patience=45)
    assert failed(done) == []
    assert runner.ended() == -9
    assert f"pid {runner.pid} did not end within 45s of SIGTERM and was killed" in details(done)


def test_runners_elsewhere_and_programs_that_read_the_log_live_on(place: Place, sandbox: Sandbox) -> None:
    root, other = place.root(), place.root("other")
    runner, stranger = running(place, root, sandbox), running(place, other, sandbox)
    log = next(root.logs.glob("runner_2*.log"))
    reader = place.start(("tail", "-f", str(log)))
    server = place.start(("sh", "-c", f"exec sleep 600 >> {root.logs}/server_20260204_092902.log"))
    until(lambda: (root.logs / "server_20260204_092902.log").exists() and "Champion" in reader.out)
    done = enforced(root)
    assert failed(done) == []
    assert runner.ended() == 0
    assert stranger.alive
    assert reader.alive
    assert server.alive
    assert f"pid {stranger.pid} " in details(done)
    assert "is left alone: nothing shows that it runs on" in details(done)
    assert stranger.stopped() == 0


def test_a_process_that_goes_on_writing_the_log_is_told(place: Place) -> None:
    root = place.root()
    root.logs.mkdir(parents=True)
    line = f"{iso(0)[:19].replace('T', ' ')} - paper_trading_runner - INFO - Still here."
    loop = f"while :; do echo '{line}' >> {root.logs}/runner_20260204.log; sleep 0.05; done"
    place.start(("sh", "-c", loop))
    until((root.logs / "runner_20260204.log").exists)
    assert [text.partition(":")[0] for text in failed(enforced(root))] == ["log-silent"]


def test_a_runner_that_systemd_keeps_is_stopped_by_systemd(
    place: Place, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = place.root()
    runner = running(place, root, sandbox)
    systemctl = place.path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)
    systemctl.with_name("systemctl.pid").write_text(str(runner.pid))
    monkeypatch.setenv("PATH", f"{systemctl.parent}:{os.environ['PATH']}")
    done = enforced(root, booted=place.path)
    assert failed(done) == []
    assert "systemd stopped genesis-runner.service" in details(done)
    assert runner.ended() == 0
    asked = systemctl.with_name("systemctl.asked").read_text().splitlines()
    assert asked == ["show --property=MainPID genesis-runner.service", "stop genesis-runner.service"]


def test_enforcing_that_is_killed_leaves_the_latch_and_the_next_one_completes(place: Place, sandbox: Sandbox) -> None:
    root = place.root()
    runner = stubborn(place, root)
    first = program(place, ENFORCE, str(root.path), "first")
    until(lambda: read_latch(root.logs) is not None, otherwise=lambda: first.err)
    first.process.kill()
    assert first.ended() == -9
    assert runner.alive
    refused = place.run(root, sandbox, GENESIS_LOCK_DIR=str(root.path))
    assert refused.ended() == 78
    assert failed(enforced(root, patience=45)) == []
    assert runner.ended() == -9
    latch = read_latch(root.logs)
    assert latch is not None
    assert latch.reasons == ("first", REASON)
