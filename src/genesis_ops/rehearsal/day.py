"""A stretch of dry-run: the real runner against the sandbox, on a clock that does not wait."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from genesis_ops.clients.systemd import Notifier
from genesis_ops.errors import GenesisError
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.rehearsal.world import build
from genesis_ops.runner.loop import Glance
from genesis_ops.runner.start import Surroundings, start
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch, parse_fault
from genesis_ops.sandbox.transport import SandboxTransport
from genesis_ops.settings import Settings
from genesis_ops.words import HOUR_MS

STARTED_AFTER_MS = 13 * HOUR_MS + 3 * 60_000 + 20_000
"""A rehearsal begins on Day 0 at 13:03:20, between two closes as a person would start it."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Where a rehearsal lies, which stretch it covers (ms, UTC), how many polls it took, and what ended it early."""

    settings: Settings
    start_ms: int
    end_ms: int
    polls: int
    ended_by: GenesisError | None = None


def rehearse(root: Path, *, hours: int, seed: int, faults: Sequence[str], watch: Callable[[float], None]) -> Rehearsed:
    """Make ``root`` a world of its own and run ``hours`` of dry-run in it; ``watch`` hears the part done (0 to 1).

    What ends the runner early, such as a fallback, is part of the result.

    Raises:
        GenesisError: the root is taken or cannot be written, or a fault is unknown.
    """
    for fault in faults:  # refused before anything is written
        parse_fault(fault, start_ms=0)
    settings = build(root)
    start_ms = _start_ms(settings)
    end_ms = start_ms + hours * HOUR_MS
    clock = VirtualClock(start_ms)
    switch = FaultSwitch(parse_fault(fault, start_ms) for fault in faults)
    sandbox = Sandbox(seed, clock.now_ms, clock.wait, switch)
    polls = 0

    def glance(seen: Glance) -> None:
        nonlocal polls
        polls = seen.polls
        watch((clock.now_ms() - start_ms) / (end_ms - start_ms))

    around = Surroundings(
        clock=clock,
        transport=SandboxTransport(sandbox),
        notifier=Notifier({}),
        stop_signal=lambda: signal.SIGTERM if clock.now_ms() >= end_ms else None,
        line=None,
        watch=glance,
        command="genesis-ops rehearse",
        durable=False,
    )
    try:
        start(settings, around, candles=None, rebuild=False)
    except GenesisError as error:
        if not settings.log_dir.is_dir():
            raise
        return Rehearsed(settings, start_ms, clock.now_ms(), polls, error)
    return Rehearsed(settings, start_ms, end_ms, polls)


def _start_ms(settings: Settings) -> int:
    day_zero = datetime.combine(settings.phase_start, datetime.min.time(), UTC)
    return int(day_zero.timestamp() * 1000) + STARTED_AFTER_MS
