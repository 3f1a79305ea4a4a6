"""Stopping one runner: by its supervisor where it has one, else by asking, and in the end by force."""

from genesis_ops.clients.clock import Clock
from genesis_ops.enforce.hands import Hands, Runner
from genesis_ops.enforce.steps import Step, StepFailed, attempt

PATIENCE_SECONDS = 45.0
"""How long a runner may take to end by itself: the unit's own TimeoutStopSec."""

_UNIT_SECONDS = 15.0  # what systemd gets on top of the unit's own time, which ends with its own SIGKILL
_KILL_SECONDS = 5.0
_GLANCE_SECONDS = 0.1


def stop(runner: Runner, hands: Hands, clock: Clock, patience: float) -> tuple[Step, ...]:
    """Stop a runner; where systemd keeps it, systemd is asked first, because it would start another one."""
    by_unit = attempt("stop-unit", lambda: _stop_unit(runner, hands, clock, patience))
    steps = (by_unit,) if by_unit.detail else ()
    if steps and by_unit.done:
        return steps
    return (*steps, attempt("stop-runner", lambda: _stop_process(runner, clock, patience)))


def ends(runner: Runner, clock: Clock, seconds: float) -> bool:
    """Wait for a process to end, and tell whether it did within so many seconds."""
    deadline = clock.monotonic() + seconds
    while runner.lives():
        if clock.monotonic() >= deadline:
            return False
        clock.wait(_GLANCE_SECONDS)
    return True


def _stop_unit(runner: Runner, hands: Hands, clock: Clock, patience: float) -> str:
    """Stop the unit that keeps the runner; an empty text where none does."""
    if hands.unit_pid() != runner.pid:
        return ""
    hands.stop_unit(patience + _UNIT_SECONDS)
    if not ends(runner, clock, _KILL_SECONDS):
        raise StepFailed(f"systemd stopped genesis-runner.service, but pid {runner.pid} lives on")
    return f"systemd stopped genesis-runner.service (pid {runner.pid})"


def _stop_process(runner: Runner, clock: Clock, patience: float) -> str:
    began = clock.monotonic()
    runner.terminate()
    if ends(runner, clock, patience):
        return f"pid {runner.pid} ended {clock.monotonic() - began:.1f}s after SIGTERM ({runner.command})"
    runner.kill()
    if not ends(runner, clock, _KILL_SECONDS):
        raise StepFailed(f"pid {runner.pid} lives on {_KILL_SECONDS:.0f}s after SIGKILL ({runner.command})")
    return f"pid {runner.pid} did not end within {patience:.0f}s of SIGTERM and was killed ({runner.command})"
