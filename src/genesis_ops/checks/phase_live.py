"""How much of the phase traded live-paper: the runbook plans one day of dry-run, and all others live-paper; pure."""

from typing import NamedTuple

from genesis_ops.checks.model import Outcome, Result
from genesis_ops.checks.phase_evidence import PhaseEvidence
from genesis_ops.checks.wording import count
from genesis_ops.words import DAY_MS, Mode

DRY_DAYS = 1
"""How many days of the phase are for the dry-run (runbook, Day 0 and Day 1: 24 hours, then the acceptance)."""


class Live(NamedTuple):
    """On how many days live-paper runs announced closes, how many, and how many closes runs of no known mode did."""

    days: int
    closes: int
    unknown: int


def live(evidence: PhaseEvidence) -> Live:
    """Count what the live-paper runs of the phase announced, no candle twice."""
    traded, unknown = (_announced(evidence, mode) for mode in (Mode.LIVE_PAPER, None))
    return Live(len({ts // DAY_MS for ts in traded}), len(traded), len(unknown - traded))


def _announced(evidence: PhaseEvidence, mode: Mode | None) -> set[int]:
    log = evidence.log
    closes = (close.ts for run in log.runs if run.mode is mode for close in run.closes)
    return {ts for ts in closes if ts >= log.start_ms}


def phase_closes(evidence: PhaseEvidence) -> int:
    """Tell how many candles close in the whole phase: 1,008 in 42 days of hours."""
    return evidence.phase.days * DAY_MS // evidence.log.timeframe.close_of(0)


def told_live(evidence: PhaseEvidence) -> str:
    """Say how much of the phase was live-paper: ``41 of 42 days, 979 of 1008 closes``."""
    found = live(evidence)
    told = f"{found.days} of {count(evidence.phase.days, 'day')}, {found.closes} of {phase_closes(evidence)} closes"
    return f"{told}; {count(found.unknown, 'close')} of runs in no known mode" if found.unknown else told


def live_paper(evidence: PhaseEvidence) -> Result:
    """Ask, at the phase's end, whether all of its days but the dry-run's traded live-paper (runbook, Day 2 to 42)."""
    found, wanted = live(evidence), evidence.phase.days - DRY_DAYS
    detail = told_live(evidence)
    if evidence.log.nothing:
        return Result(Outcome.UNKNOWN, evidence.log.nothing, None, wanted)
    if found.days >= wanted or (found.days and not evidence.phase.over):
        return Result(Outcome.PASS, detail, found.days, wanted)
    if not evidence.phase.over:
        return Result(Outcome.SKIP, f"none yet ({detail}); it is asked for at the end of the phase", 0, wanted)
    if found.unknown:
        return Result(Outcome.UNKNOWN, detail, found.days, wanted, (), _STARTS)
    return Result(Outcome.WARN if found.days else Outcome.FAIL, detail, found.days, wanted, (), _SHORT)


_STARTS = "put the log files back that hold the starts of these runs"
_SHORT = "the phase is one day of dry-run and then live-paper: extend it, or repeat it      (runbook: Day 2 to 42)"
