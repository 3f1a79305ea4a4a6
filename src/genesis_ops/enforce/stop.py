"""Stopping runners: by their supervisor where they have one, else by asking, and in the end by force."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from genesis_ops.clients.clock import Clock
from genesis_ops.enforce.hands import Hands, Runner
from genesis_ops.enforce.steps import Step, StepFailed, attempt

PATIENCE_SECONDS = 45.0
"""How long a runner may take to end by itself: the unit's own TimeoutStopSec."""

_UNIT_SECONDS = 15.0  # what systemd gets on top of the unit's own time, which ends with its own SIGKILL
_KILL_SECONDS = 5.0
_GLANCE_SECONDS = 0.1
_T = TypeVar("_T")


class _Asked(NamedTuple):
    """A runner that got SIGTERM, and when (seconds of the clock that never steps)."""

    runner: Runner
    at: float


def stop(runners: Sequence[Runner], hands: Hands, clock: Clock, patience: float) -> Iterator[Step]:
    """Ask every runner to end before any is waited for, and kill those that have not ended within the patience.

    Where systemd keeps one, systemd is asked, because it would start another one; that call waits for it, so it comes
    after the others were asked. Where systemd does not do it, that one is asked like the others.
    """
    kept: list[Runner] = []
    asked: list[_Asked] = []
    yield from _each("stop-unit", runners[:1], lambda _: _find_kept(runners, hands, kept))
    yield from _each("stop-runner", [one for one in runners if one not in kept], partial(_ask, clock, asked))
    for runner in kept:
        by_unit = attempt("stop-unit", partial(_stop_unit, runner, hands, clock, patience))
        yield by_unit
        if not by_unit.done:
            yield from _each("stop-runner", [runner], partial(_ask, clock, asked))
    yield from _end(asked, clock, patience)


def ends(runner: Runner, clock: Clock, seconds: float) -> bool:
    """Wait for a process to end, and tell whether it did within so many seconds."""
    deadline = clock.monotonic() + seconds
    while runner.lives():
        if clock.monotonic() >= deadline:
            return False
        clock.wait(_GLANCE_SECONDS)
    return True


def _find_kept(runners: Sequence[Runner], hands: Hands, kept: list[Runner]) -> str:
    pid = hands.unit_pid()
    kept += [runner for runner in runners if runner.pid == pid]
    return ""


def _stop_unit(runner: Runner, hands: Hands, clock: Clock, patience: float) -> str:
    """Stop the unit that keeps the runner."""
    hands.stop_unit(patience + _UNIT_SECONDS)
    if not ends(runner, clock, _KILL_SECONDS):
        raise StepFailed(f"systemd stopped genesis-runner.service, but pid {runner.pid} lives on")
    return f"systemd stopped genesis-runner.service (pid {runner.pid})"


def _end(asked: Sequence[_Asked], clock: Clock, patience: float) -> Iterator[Step]:
    """Wait for those that were asked, each as long as it may take from then on, and kill the rest together."""
    late: list[_Asked] = []
    killed: list[_Asked] = []
    yield from _each("stop-runner", asked, partial(_wait, clock, patience, late))
    yield from _each("stop-runner", late, partial(_kill, killed))
    yield from _each("stop-runner", killed, partial(_see_end, clock, patience))


def _each(name: str, those: Sequence[_T], action: Callable[[_T], str]) -> Iterator[Step]:
    """Do one thing to each; where it went well and has nothing to tell, the step is not over yet."""
    for one in those:
        step = attempt(name, partial(action, one))
        if step.detail or not step.done:
            yield step


def _ask(clock: Clock, asked: list[_Asked], runner: Runner) -> str:
    runner.terminate()
    asked.append(_Asked(runner, clock.monotonic()))
    return ""


def _wait(clock: Clock, patience: float, late: list[_Asked], asked: _Asked) -> str:
    runner, at = asked
    if ends(runner, clock, at + patience - clock.monotonic()):
        return f"pid {runner.pid} ended {clock.monotonic() - at:.1f}s after SIGTERM ({runner.command})"
    late.append(asked)
    return ""


def _kill(killed: list[_Asked], late: _Asked) -> str:
    late.runner.kill()
    killed.append(late)
    return ""


def _see_end(clock: Clock, patience: float, killed: _Asked) -> str:
    runner = killed.runner
    if not ends(runner, clock, _KILL_SECONDS):
        raise StepFailed(f"pid {runner.pid} lives on {_KILL_SECONDS:.0f}s after SIGKILL ({runner.command})")
    return f"pid {runner.pid} did not end within {patience:.0f}s of SIGTERM and was killed ({runner.command})"
