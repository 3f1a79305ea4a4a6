"""Does the log grow, and what stands in its last lines (runbook, Execution Verification, step 6)."""

from typing import NamedTuple

from genesis_ops.checks.limits import FUTURE_MS, log_limit
from genesis_ops.checks.model import Check, Outcome, Result
from genesis_ops.checks.wording import count
from genesis_ops.runlog.events import CRITICAL, ERROR, RunnerStopped
from genesis_ops.runlog.reader import LogLine
from genesis_ops.words import clock_time, duration, visible

TAIL = 200
"""How many of the log's last lines are looked through (runbook, ``tail -n 200``)."""

_FATAL = "FATAL"


class LogsSeen(NamedTuple):
    """The newest run's lines among the log's last ones, and when (ms, UTC) the newest of them was written."""

    now_ms: int
    interval: int
    """Seconds between two polls."""
    shown: str
    """The log directory as a report names it."""
    lines: tuple[LogLine, ...] = ()
    newest_ms: int | None = None
    trouble: str = ""


def verify_logs(seen: LogsSeen) -> Result:
    """Ask whether the log grows, and whether the newest run has said nothing bad in its last lines."""
    if seen.trouble:
        return Result(Outcome.UNKNOWN, visible(seen.trouble), remedy=f"ls -l {seen.shown}")
    if seen.newest_ms is None or not seen.lines:
        return Result(Outcome.FAIL, f"there is no runner log in {seen.shown}", remedy=_RUN)
    fatal = tuple(line for line in seen.lines if line.level == CRITICAL or line.message.startswith(_FATAL))
    if fatal:
        detail = f"{len(fatal)} fatal in the last {count(len(seen.lines), 'line')}: {visible(fatal[-1].message)}"
        return Result(Outcome.FAIL, detail, len(fatal), 0, fatal[-1:], "genesis-ops stop-check")
    return _silent(seen, seen.newest_ms) or _errors(seen, seen.newest_ms)


def _silent(seen: LogsSeen, newest_ms: int) -> Result | None:
    age_ms, limit = seen.now_ms - newest_ms, log_limit(seen.interval)
    if type(seen.lines[-1].event) is RunnerStopped:
        detail = f"the runner has stopped, {duration(age_ms / 1000)} ago"
        return Result(Outcome.FAIL, detail, age_ms // 1000, limit, seen.lines[-1:], _RUN)
    if age_ms > limit * 1000:
        detail = f"silent for {duration(age_ms / 1000)}, and it may be for {duration(limit)}"
        return Result(Outcome.FAIL, detail, age_ms // 1000, limit, seen.lines[-1:], _RUN)
    if age_ms < -FUTURE_MS:
        detail = f"the newest line lies {duration(-age_ms / 1000)} in the future: a clock was set, or is wrong"
        return Result(Outcome.FAIL, detail, age_ms // 1000, limit, seen.lines[-1:], "timedatectl status")
    return None


def _errors(seen: LogsSeen, newest_ms: int) -> Result:
    """Warn of errors: a server that failed for a moment is no reason to stop (runbook, "STOP if FAIL")."""
    errors = tuple(line for line in seen.lines if line.level == ERROR)
    told = f"last line {duration((seen.now_ms - newest_ms) / 1000)} ago, at {clock_time(newest_ms)}"
    if errors:
        detail = f"{told}; {count(len(errors), 'error')} in the last {count(len(seen.lines), 'line')}"
        return Result(Outcome.WARN, detail, len(errors), 0, errors[-3:], "genesis-ops verify logs --level ERROR")
    return Result(Outcome.PASS, f"{told}; no error in {count(len(seen.lines), 'line')} of this run", 0, 0)


_RUN = "genesis-ops run --dry-run      or: sudo systemctl start genesis-runner"

LOGS: tuple[Check[LogsSeen], ...] = (
    Check("verify-logs", "The log grows, and nothing bad stands at its end", verify_logs),
)
