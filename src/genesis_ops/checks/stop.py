"""The six conditions under which the runner is to be stopped, each a pure function (runbook, STOP if FAIL).

What is not PASS says the runbook's root cause, what to do now, and what not to do.
"""

from collections.abc import Sequence

from genesis_ops.checks.acceptance import log_doubt, repeated, told_again
from genesis_ops.checks.evidence import Evidence
from genesis_ops.checks.journal import with_doubts
from genesis_ops.checks.model import Check, Outcome, Result
from genesis_ops.checks.wording import brief, count, local_time, told_gap
from genesis_ops.runlog.reader import LogLine
from genesis_ops.state.hidden import HIDDEN
from genesis_ops.words import Mode, iso


def duplicate_candle(evidence: Evidence) -> Result:
    """No candle was announced twice (condition 1)."""
    log = evidence.log
    again = repeated(log.earlier, log.closes)
    if not again:
        return Result(Outcome.PASS, f"{count(len(log.closes), 'close')}, no timestamp twice", 0, 0)
    lines = tuple(line for first, second in again for line in (first.line, second.line))
    detail = _acknowledged(told_again(log, again), [second.line for _, second in again], evidence)
    return Result(Outcome.FAIL, detail, len(again), 0, lines, _DUPLICATE)


def dry_run_order(evidence: Evidence) -> Result:
    """No run in dry-run mode sent an order (condition 2); a submission belongs to the mode of the run that wrote it."""
    runs = evidence.log.runs
    dry = [line for run in runs if run.mode is Mode.DRY_RUN for line in run.submissions]
    unknown = [line for run in runs if run.mode is None for line in run.submissions]
    if dry:
        detail = _acknowledged(f"{count(len(dry), 'line')} of an order in a dry-run", dry, evidence)
        return Result(Outcome.FAIL, detail, len(dry), 0, tuple(dry), _ORDER)
    if unknown:
        detail = f"{count(len(unknown), 'line')} of an order by a run whose start is not in the log"
        return Result(Outcome.UNKNOWN, detail, len(unknown), 0, tuple(unknown), _START)
    live = sum(len(run.submissions) for run in runs)
    return Result(Outcome.PASS, f"none{f'; {live} lines of orders in live-paper runs' if live else ''}", 0, 0)


def baseline_fallback(evidence: Evidence) -> Result:
    """The fallback never decided instead of the champion (condition 3)."""
    return _no_line([line for run in evidence.log.runs for line in run.fallbacks], "fallback line", _FALLBACK, evidence)


def candle_gap(evidence: Evidence) -> Result:
    """No two neighbouring closes, and not the last one and now, are more than two candles apart (condition 4)."""
    log = evidence.log
    zone = f"; {local_time(log)}" if log.ahead_ms else ""
    if log.gaps:
        lines = tuple(line for gap in log.gaps for line in (*gap.why.evidence, *gap.beside))
        ends = [line for gap in log.gaps for line in gap.beside[-1:]]
        told = "; ".join(told_gap(log, gap) for gap in log.gaps[:3])
        more = f"; {count(len(log.gaps) - 3, 'more gap')}" if len(log.gaps) > 3 else ""  # noqa: PLR2004
        detail = _acknowledged(f"{count(len(log.gaps), 'gap')}: {told}{more}{zone}", ends, evidence)
        # What is missing may stand where nobody could read: the doubt makes it UNKNOWN.
        outcome = Outcome.WARN if log.troubles else Outcome.FAIL
        return Result(outcome, detail, len(log.gaps), 0, lines, _GAP)
    if log.nothing:
        return Result(Outcome.UNKNOWN, log.nothing, 0, 0, (), "genesis-ops preflight")
    if not log.closes:
        return Result(Outcome.UNKNOWN, f"no close since then{zone}", 0, 0, (), "genesis-ops preflight")
    outcome = Outcome.WARN if zone else Outcome.PASS
    return Result(outcome, f"no step of more than two candles{zone}", 0, 0, (), "TZ=UTC for the runner" if zone else "")


def state_corrupt(evidence: Evidence) -> Result:
    """The state can be read (condition 5); one that is missing where logs exist is as bad (contract §3)."""
    state = evidence.state
    if state.problem.endswith(HIDDEN):
        return Result(Outcome.UNKNOWN, state.problem, "hidden", "readable", (), f"ls -ld {state.file}")
    if state.problem:
        return Result(Outcome.FAIL, state.problem, "unreadable", "readable", (), _CORRUPT)
    if state.state is None and evidence.log.nothing:
        return Result(Outcome.UNKNOWN, f"no {state.file} to be seen; {evidence.log.nothing}", None, "readable")
    if state.state is None:
        return Result(Outcome.FAIL, f"there is no {state.file}, though logs exist", "missing", "readable", (), _MISSING)
    if state.state.last_processed_candle_ts is None and evidence.log.closes:
        detail = f"{state.file} has no candle, though the log has closes"
        return Result(Outcome.WARN, detail, "empty", "readable", (), _MISSING)
    copies = f"; {count(len(state.copies), 'copy')} of damaged ones kept" if state.copies else ""
    return Result(Outcome.PASS, f"{state.file} can be read{copies}", "readable", "readable")


def fatal_error(evidence: Evidence) -> Result:
    """No line is fatal (condition 6): its message begins with FATAL, or its level is CRITICAL (contract §2).

    An order in doubt is as bad. The journal is judged as it stands now and not by the window: an order that nobody
    has resolved since is in doubt today, and one that somebody has is not.
    """
    found = _no_line([line for run in evidence.log.runs for line in run.fatal], "fatal line", _FATAL, evidence)
    return with_doubts(found, evidence.orders)


def _doubt(evidence: Evidence) -> str:
    return log_doubt(evidence) or evidence.orders.trouble


def _no_line(lines: Sequence[LogLine], noun: str, remedy: str, evidence: Evidence) -> Result:
    if not lines:
        return Result(Outcome.PASS, "none", 0, 0)
    detail = _acknowledged(f"{count(len(lines), noun)}, the newest: {brief(lines[-1].message)}", lines, evidence)
    return Result(Outcome.FAIL, detail, len(lines), 0, tuple(reversed(lines)), remedy)


def _acknowledged(detail: str, lines: Sequence[LogLine], evidence: Evidence) -> str:
    """Add that an operator has resumed the phase since; the condition counts all the same."""
    resumed_ms = evidence.acknowledged_ms
    if resumed_ms is None or not lines or any(line.at_ms > resumed_ms for line in lines):
        return detail
    return f"{detail}; known since the resume of {iso(resumed_ms)[:16]}Z"


_DUPLICATE = (
    "root cause: the candle selection is not deterministic, or a failed evaluation was announced again; stop the "
    "runner, keep logs and state, report it as critical; do NOT restart before it is understood"
)
_ORDER = (
    "root cause: the dry-run gate failed; stop the runner at once, check /account/wallets and /account/orders; "
    "do NOT go on to live-paper"
)
_FALLBACK = (
    "root cause: the champion file is missing, damaged or of another shape; stop the runner, genesis-ops preflight, "
    "restart the API server; do NOT edit the champion, it is frozen"
)
_GAP = (
    "root cause: a crash, a network outage or the host; read the lines above, mend the cause; "
    "do NOT restart before it is understood"
)
_CORRUPT = (
    "root cause: disk full, an interrupted write or the file system; genesis-ops stop-check --enforce keeps a copy, "
    "then genesis-ops run --rebuild-state; do NOT delete the state"
)
_MISSING = "find out who moved it; genesis-ops run --rebuild-state takes it from the log; do NOT start fresh"
_FATAL = (
    "stop the runner, read the lines around it, mend the cause before the next start; "
    "common: corrupt state, failed order, champion not verified"
)
_START = "put the log files back that hold the run's start"

CHECKS = (
    Check("duplicate-candle", "No candle was announced twice", duplicate_candle, log_doubt),
    Check("dry-run-order", "No order was sent in dry-run", dry_run_order, log_doubt),
    Check("baseline-fallback", "The champion always decided", baseline_fallback, log_doubt),
    Check("candle-gap", "No gap of more than two candles", candle_gap, log_doubt),
    Check("state-corrupt", "The state can be read", state_corrupt),
    Check("fatal-error", "No fatal error", fatal_error, _doubt),
)
"""In the order of contract §8 and of the runbook."""
