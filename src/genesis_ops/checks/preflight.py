"""Is this host ready, and is its runner alive: twelve checks and what is worth waiting for (runbook Day 0 step 2)."""

from pathlib import Path

from genesis_ops.checks.api_health import api_health
from genesis_ops.checks.host import Host
from genesis_ops.checks.liveness import champion_verified, no_fatal, runner_log, runner_process, state_heartbeat
from genesis_ops.checks.model import Check, Judged, Outcome, Report, judge
from genesis_ops.checks.prerequisites import (
    MISSING,
    champion_file,
    clock,
    disk_space,
    env_file,
    log_directory,
    stop_latch,
)
from genesis_ops.words import stamp, visible


def _log_trouble(host: Host) -> str:
    return host.log.trouble


def _trouble(host: Host) -> str:
    return host.log.trouble or host.orders.trouble


CHECKS: tuple[Check[Host], ...] = (
    Check("api-health", "The API answers that it is well", api_health),
    Check("runner-log", "The runner's log grows", runner_log, doubt=_log_trouble),
    Check("champion-verified", "The run has verified the champion", champion_verified, doubt=_log_trouble),
    Check("state-heartbeat", "The state's heartbeat is fresh", state_heartbeat),
    Check("no-fatal", "The run has met nothing fatal", no_fatal, doubt=_trouble),
    Check("champion-file", "The champion is the frozen one", champion_file),
    Check("log-directory", "The log directory can be written", log_directory),
    Check("env-file", "The .env file means the same to everybody", env_file, every=True),
    Check("runner-process", "One runner process runs", runner_process),
    Check("clock", "The host's clock agrees with the exchange's", clock),
    Check("disk-space", "The disk holds the rest of the phase", disk_space),
    Check("stop-latch", "Nothing keeps runs from starting", stop_latch),
)

_MAY_COME = {
    Outcome.FAIL: {
        *("api-health", "runner-log", "champion-verified", "state-heartbeat", "no-fatal"),
        *("log-directory", "runner-process"),
    },
    Outcome.UNKNOWN: {"runner-log", "champion-verified", "state-heartbeat", "no-fatal", "runner-process", "clock"},
}
"""What waiting can bring; nobody mends a file, a latch or a disk meanwhile."""

_NEXT_RUN_WITHIN_MS = 30_000
"""How long a run that came to a bad end is given to be followed by another one."""


def preflight(host: Host, *, strict: bool = False) -> Report:
    """Judge what was found on a host."""
    settings = host.settings
    return Report(
        command="preflight",
        subject=f"{visible(settings.shown(settings.log_dir))} at {stamp(host.now_ms)} UTC",
        market=f"{settings.symbol} {settings.timeframe}",
        generated_ms=host.now_ms,
        checks=judge(CHECKS, host, lambda path: settings.shown(Path(path))),
        strict=strict,
    )


def waited_for(report: Report, host: Host, waited_ms: int) -> tuple[Judged, ...]:
    """Name what a report still lacks and waiting can bring; nothing where all is well or waiting is in vain.

    A runner that starts brings its log, its heartbeat and its verification. ``waited_ms`` is how long that has been
    waited for already.
    """
    return () if in_vain(report, host, waited_ms) else _lacking(report)


def in_vain(report: Report, host: Host, waited_ms: int) -> str:
    """Say why waiting cannot bring what a report lacks; empty where it can, and where all is well."""
    lacking = _lacking(report)
    incurable = [judged.id for judged in lacking if not _may_come(judged)]
    if any(not doubt.name for doubt in host.orders.doubts):
        incurable.append("a damaged journal of orders")
    if incurable:
        return f"{', '.join(incurable)} cannot be cured by waiting"
    return "the newest run has failed" if lacking and _came_to_a_bad_end(host, waited_ms) else ""


def _lacking(report: Report) -> tuple[Judged, ...]:
    return tuple(judged for judged in report.checks if _lacks(judged, strict=report.strict))


def _lacks(judged: Judged, *, strict: bool) -> bool:
    return judged.outcome in {Outcome.FAIL, Outcome.UNKNOWN} or (strict and judged.outcome is Outcome.WARN)


def _may_come(judged: Judged) -> bool:
    if judged.id == "runner-process" and judged.observed not in {0, None}:
        return False  # two runners, or one that cannot be seen through: somebody has to act
    if judged.id == "env-file" and judged.observed == MISSING:
        return judged.outcome is Outcome.FAIL  # an API that answers has its keys from elsewhere
    return judged.id in _MAY_COME.get(judged.outcome, ())


def _came_to_a_bad_end(host: Host, waited_ms: int) -> bool:
    """Tell whether the run that was waited for has failed, or the one before has not been followed by another."""
    run = host.log.run
    if run is None or not (run.fatal or run.not_loaded):
        return False
    age_ms = host.now_ms - host.log.utc(run.started)
    return waited_ms > _NEXT_RUN_WITHIN_MS or age_ms < waited_ms
