"""The proof that nothing trades any more: no new line in the log, no process, no lock held."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from genesis_ops.clients.clock import Clock
from genesis_ops.enforce.hands import Hands, Runner
from genesis_ops.enforce.steps import Step, StepFailed, attempt
from genesis_ops.enforce.stop import ends
from genesis_ops.runlog.files import log_files
from genesis_ops.settings import Settings
from genesis_ops.state.lock import hold, runner_locks

_BEYOND_A_POLL_SECONDS = 2.0
_REFUSAL_SECONDS = 5.0
"""How long a runner that a supervisor has started again may take to find the latch."""


class _Mark(NamedTuple):
    """How far the newest runner log reaches; ``changed_ms`` is the file's own time (ms, UTC)."""

    name: str
    size: int
    changed_ms: int


def prove(stopped: Sequence[Runner], settings: Settings, hands: Hands, clock: Clock) -> Iterator[Step]:
    """Look at the log, the processes and the locks; the log first, because its silence takes the time of a poll."""
    yield attempt("log-silent", lambda: _silent(settings, clock, just_stopped=bool(stopped)))
    yield attempt("process-gone", lambda: _gone(stopped, hands, clock))
    yield attempt("locks-free", lambda: _free(settings, clock))


def _silent(settings: Settings, clock: Clock, *, just_stopped: bool) -> str:
    before = _mark(settings)
    if before is None:
        return "there is no runner log"
    seconds = settings.poll_interval + _BEYOND_A_POLL_SECONDS
    # Where nothing had to be stopped, the time that the log has been silent already counts.
    been_silent = 0.0 if just_stopped else max(0.0, (clock.now_ms() - before.changed_ms) / 1000)
    deadline = clock.monotonic() + seconds - been_silent
    while (remaining := deadline - clock.monotonic()) > 0:
        clock.wait(remaining)
    after = _mark(settings)
    if after is None or after.name != before.name:
        raise StepFailed(f"another runner log appeared beside {before.name}: somebody writes")
    if after.size != before.size:
        raise StepFailed(f"{after.name} grew by {after.size - before.size} bytes: somebody writes it")
    return f"no new line in {after.name} for {max(seconds, been_silent):.0f}s"


def _mark(settings: Settings) -> _Mark | None:
    files = log_files(settings.log_dir)
    if not files:
        return None
    found = files[-1].path.stat()
    return _Mark(files[-1].path.name.removesuffix(".gz"), found.st_size, found.st_mtime_ns // 1_000_000)


def _gone(stopped: Sequence[Runner], hands: Hands, clock: Clock) -> str:
    """Make sure that those in hand have ended, and that nobody has started another one."""
    if alive := [runner for runner in stopped if runner.lives()]:
        raise StepFailed(f"still there: {_named(alive)}")
    again = [runner for runner in hands.find() if not runner.why_not()]
    if alive := [runner for runner in again if not ends(runner, clock, _REFUSAL_SECONDS)]:
        raise StepFailed(f"started again by somebody, stop its supervisor: {_named(alive)}")
    return f"gone: {_named(stopped)}" if stopped else "no runner was running, and none is"


def _named(runners: Sequence[Runner]) -> str:
    return ", ".join(f"pid {runner.pid} ({runner.command})" for runner in runners)


def _free(settings: Settings, clock: Clock) -> str:
    """Take the locks of the state and the log directory for a moment; LockHeld names who has one."""
    _, *own = runner_locks(
        settings.state_file, settings.log_dir, settings.lock_dir, symbol=settings.symbol, timeframe=settings.timeframe
    )
    there = [wish for wish in own if wish.path.exists()]  # a lock that was never made is held by nobody
    with hold(there, command="genesis-ops stop-check --enforce", now_ms=clock.now_ms()):
        return f"free: {', '.join(wish.path.name for wish in there)}" if there else "no runner has ever locked anything"
