"""Signals end a runner cleanly, wherever it is; what ignores them goes on."""

import re
import signal

import pytest
from rehearsal_processes import COMMAND, Early, Place, Root, Sandbox, Started, hour_ahead, until


def assert_left_cleanly(root: Root, number: int) -> None:
    assert root.messages()[-2:] == [f"Received signal {number}. Shutting down...", "Runner stopped."]
    assert not root.messages("FATAL")
    assert root.state()["last_heartbeat"] is not None


def evaluated_once(root: Root, runner: Started) -> bool:
    assert runner.alive, runner.err
    return bool(root.messages("Action=")) or bool(root.messages("DRY-RUN: "))


@pytest.fixture
def sandbox(place: Place) -> Sandbox:
    return place.sandbox(start=hour_ahead(1200))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_an_idle_runner_at_once(place: Place, sandbox: Sandbox, number: int) -> None:
    root = place.root()
    runner = place.run(root, sandbox)
    until(lambda: evaluated_once(root, runner))
    assert runner.stopped(number, seconds=3) == 0
    assert_left_cleanly(root, number)


def test_a_second_signal_changes_nothing(place: Place, sandbox: Sandbox) -> None:
    root = place.root()
    runner = place.run(root, sandbox)
    until(lambda: evaluated_once(root, runner))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        runner.send(number)
    assert runner.ended(3) == 0
    assert re.search(r"Received signal (2|15)\. Shutting down", root.log)
    assert root.messages()[-1] == "Runner stopped."


def test_under_nohup_a_hangup_is_ignored_and_the_next_signal_is_not(place: Place) -> None:
    sandbox = place.sandbox(start=hour_ahead(2.5))
    root = place.root()
    runner = place.run(root, sandbox, prefix=["nohup"])
    until(lambda: evaluated_once(root, runner))
    runner.send(signal.SIGHUP)
    until(lambda: len(root.closes()) == 2, otherwise=lambda: runner.err)
    assert runner.alive
    assert runner.stopped(signal.SIGTERM) == 0
    assert_left_cleanly(root, signal.SIGTERM)


def test_a_stopped_runner_goes_on_where_it_was(place: Place) -> None:
    sandbox = place.sandbox(start=hour_ahead(2.5))
    root = place.root()
    runner = place.run(root, sandbox)
    until(lambda: evaluated_once(root, runner))
    assert runner.stopped() == 0
    again = place.run(root, sandbox, "--candles", "1")
    assert again.ended() == 0
    assert len(root.closes()) == len(set(root.closes())) == len(root.messages("EVALUATION")) == 2
    assert not root.messages("MISSED")


def test_an_interrupted_sandbox_frees_its_port_without_a_word(place: Place) -> None:
    sandbox = place.sandbox()
    port = sandbox.url.rpartition(":")[2]
    said = sandbox.started.err
    assert sandbox.started.stopped(signal.SIGINT, seconds=3) == 130
    assert sandbox.started.err == said
    again = place.start((*COMMAND, "sandbox", "serve", "--port", port))
    until(lambda: f"127.0.0.1:{port}" in again.err, otherwise=lambda: again.err)


def test_a_signal_during_a_poll_ends_the_run_cleanly(early: Early) -> None:
    assert early.polling.ended() == 0
    assert_left_cleanly(early.polling.root, signal.SIGTERM)


def test_a_signal_during_an_evaluation_ends_the_run_cleanly_and_the_candle_stays_pending(early: Early) -> None:
    assert early.evaluating.ended() == 0
    root = early.evaluating.root
    assert_left_cleanly(root, signal.SIGINT)
    assert root.state()["pending_evaluation"]["ts"] == root.closes()[-1]


def test_a_signal_while_the_champion_is_verified_ends_the_run_cleanly(early: Early) -> None:
    assert early.verifying.ended() == 0, early.verifying.runner.err
    assert_left_cleanly(early.verifying.root, signal.SIGTERM)
