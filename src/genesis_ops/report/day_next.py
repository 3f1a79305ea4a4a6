"""What is to be done after a day: what its findings ask for, and what the runbook's schedule asks for; pure."""

from collections.abc import Iterator
from typing import NamedTuple

from genesis_ops.checks.day import DayEvidence
from genesis_ops.checks.model import Outcome, Report
from genesis_ops.words import DAY_MS, Mode, clock_time, day_name


class Step(NamedTuple):
    """Something to do, and why: the ids of the checks, or the schedule's own words."""

    todo: str
    why: str


def next_steps(day: DayEvidence, report: Report) -> tuple[Step, ...]:
    """Give what to do, the findings' own first; there is always something, if only to wait."""
    return (*_of_findings(day, report), *_of_schedule(day)) or (_nothing(day, report),)


def _of_findings(day: DayEvidence, report: Report) -> Iterator[Step]:
    """Give each remedy once; a preflight's are those of its own checks."""
    host = () if day.preflight is None else day.preflight.checks
    found: dict[str, list[str]] = {}
    for judged in sorted((*report.checks, *host), key=lambda judged: judged.outcome is not Outcome.FAIL):
        if judged.outcome in {Outcome.PASS, Outcome.SKIP} or not judged.remedy or judged.id == "preflight":
            continue
        if judged.id not in found.setdefault(judged.remedy, []):
            found[judged.remedy].append(judged.id)
    yield from (Step(remedy, ", ".join(ids)) for remedy, ids in found.items())


def _of_schedule(day: DayEvidence) -> Iterator[Step]:
    if (due := _acceptance(day)) is not None:
        yield due
    if not day.over and not day.snapshots:
        yield Step("genesis-ops snapshot", "there is none of this day yet")
    if day.date == day.settings.phase_end:
        yield Step("genesis-ops phase-report", "the last day of the phase; runbook, Phase 3 completion report")
    elif day.date > day.settings.phase_end:
        yield Step("genesis-ops phase-report", "the phase is over; runbook, Phase 3 completion report")


def _acceptance(day: DayEvidence) -> Step | None:
    """Say when the dry-run can be accepted: a whole day after its start, as long as no receipt says that it was."""
    runs = day.seen.log.runs
    if day.over or day.accepted_ms is not None or not runs or runs[-1].mode is not Mode.DRY_RUN:
        return None
    started = next((run.started for run in runs if run.started is not None), None)
    begun_ms = day.start_ms if started is None else started.at_ms
    if begun_ms + DAY_MS <= day.now_ms:
        return Step("genesis-ops acceptance --window 24h", "acceptance of the dry-run is due; runbook Day 1, step 1")
    when = f"{day_name(begun_ms + DAY_MS)} {clock_time(begun_ms + DAY_MS)} UTC"
    return Step(f"acceptance of the dry-run is due at {when}", "24 hours after its start; runbook Day 1, step 1")


def _nothing(day: DayEvidence, report: Report) -> Step:
    """Say that there is nothing to do, where all is well; what says no remedy has to be looked into."""
    bad = [judged.id for judged in report.checks if judged.outcome not in {Outcome.PASS, Outcome.SKIP}]
    if bad:
        return Step("read the findings above and what the log says there", ", ".join(bad))
    if day.over:
        return Step("nothing to do", "the day is over, and nothing in it asks for anything")
    return Step(
        "nothing to do until 00:00 UTC, when the day is over",
        "genesis-ops daily-summary --date yesterday completes this file",
    )
