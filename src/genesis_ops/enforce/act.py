"""Acting on an abort condition (runbook, "STOP if FAIL"): latch, stop, prove, keep, record, in this order."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from genesis_ops.clients.clock import Clock
from genesis_ops.enforce.hands import Hands, Runner
from genesis_ops.enforce.proof import prove
from genesis_ops.enforce.steps import Enforced, Step, attempt
from genesis_ops.enforce.stop import PATIENCE_SECONDS, stop
from genesis_ops.settings import Settings
from genesis_ops.state import operations
from genesis_ops.state.latch import Latch, latch_file, set_latch
from genesis_ops.state.store import StateStore
from genesis_ops.words import stamp


def enforce(  # noqa: PLR0913 - the last two are for tests and for who wants to see it happen
    settings: Settings,
    reasons: Sequence[str],
    hands: Hands,
    clock: Clock,
    patience: float = PATIENCE_SECONDS,
    *,
    told: Callable[[Step], None] = lambda _: None,
) -> Enforced:
    """Stop what trades, for these reasons; nothing is raised, every step tells what became of it.

    The latch comes first, so that whatever happens to this process, no supervisor starts a runner again. A second
    time it finds nothing to stop, and is harmless. ``patience`` is how many seconds the runners may take to end;
    ``told`` gets every step as it ends. Only Ctrl-C goes through, after what was done so far is on record.
    """
    at_ms = clock.now_ms()
    steps: list[Step] = []

    def take(step: Step) -> None:
        steps.append(step)
        with suppress(OSError, ValueError):  # a terminal that is gone must not keep a runner from being stopped
            told(step)

    try:
        take(attempt("stop-latch", lambda: _latch(settings, reasons, at_ms)))
        for step in _acts(settings, hands, clock, patience):
            take(step)
        take(attempt("record", lambda: _record(settings, reasons, at_ms, steps)))
    except KeyboardInterrupt:
        taken = (*steps, Step("interrupted", False, "Ctrl-C ended it before all was done"))
        take(attempt("record", lambda: _record(settings, reasons, at_ms, taken)))
        raise
    return Enforced(tuple(steps))


def _acts(settings: Settings, hands: Hands, clock: Clock, patience: float) -> Iterator[Step]:
    """Take the steps between the latch and the record."""
    found: list[Runner] = []
    yield attempt("find-runner", lambda: _find(hands, found))
    yield from stop(found, hands, clock, patience)
    yield from prove(found, settings, hands, clock)
    yield attempt("state-backup", lambda: _back_up(settings, clock))


def _latch(settings: Settings, reasons: Sequence[str], at_ms: int) -> str:
    latch = set_latch(settings.log_dir, Latch(at_ms, tuple(reasons), operations.who()))
    since = f"{settings.shown(latch_file(settings.log_dir))} is set since {stamp(latch.since_ms)} UTC"
    return f"{since}, without its reasons: {latch.damaged}" if latch.damaged else since


def _find(hands: Hands, found: list[Runner]) -> str:
    """Put whom to stop into ``found``, and say who that is and who is left alone."""
    told = []
    for runner in hands.find():
        why_not = runner.why_not()
        if not why_not:
            found.append(runner)
        told.append(f"pid {runner.pid} ({runner.command}){f' is left alone: {why_not}' if why_not else ''}")
    return "; ".join(told if found else ("no runner was running", *told))


def _back_up(settings: Settings, clock: Clock) -> str:
    return StateStore(settings.state_file).back_up_if_corrupt(clock.now_ms()) or "the state needs none"


def _record(settings: Settings, reasons: Sequence[str], at_ms: int, steps: Sequence[Step]) -> str:
    taken = [step._asdict() for step in steps]
    operations.record(settings.log_dir, at_ms, operations.ENFORCE, reasons, steps=taken)
    return settings.shown(operations.operations_file(settings.log_dir))
