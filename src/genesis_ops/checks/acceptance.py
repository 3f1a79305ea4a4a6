"""The ten checks of the dry-run acceptance and the heartbeat, each a pure function (contract §8, §9; runbook Day 1)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from genesis_ops.checks.evidence import Evidence, Gap, LogEvidence
from genesis_ops.checks.explain import SILENT_MS
from genesis_ops.checks.model import Check, Outcome, Result
from genesis_ops.checks.wording import candle, close_time, count, exactly, hours, listed, local_time, span, told_gap
from genesis_ops.runlog.events import CandleSelection
from genesis_ops.runlog.runs import Close
from genesis_ops.runlog.tally import LATE_MS, Fate
from genesis_ops.words import MINUTE_MS, Mode, clock_time, day_name

_SOURCES = ("previous", "latest")
_CLOCKS_DIFFER_MS = 2 * MINUTE_MS
_INVESTIGATE = "genesis-ops stop-check      (it names the cause; do not restart before it is understood)"


def candle_uniqueness(evidence: Evidence) -> Result:
    """No candle is announced twice, be it in another run or just before the window."""
    again = repeated(evidence.log.earlier, evidence.log.closes)
    if not again and (back := _backwards(evidence.log.closes)):
        names = listed([candle(close.ts) for close in back])
        detail = f"{names} announced after a later one, so not for the first time"
        return Result(Outcome.FAIL, detail, len(back), 0, tuple(close.line for close in back), _INVESTIGATE)
    if not again:
        return Result(Outcome.PASS, f"{count(len(evidence.log.closes), 'close')}, no timestamp twice", 0, 0)
    return Result(
        Outcome.FAIL,
        told_again(evidence.log, again),
        len(again),
        0,
        tuple(line for first, second in again for line in (first.line, second.line)),
        _INVESTIGATE,
    )


def repeated(earlier: Iterable[Close], closes: Iterable[Close]) -> list[tuple[Close, Close]]:
    """Pair every close that was announced before with the announcement before it."""
    last = {close.ts: close for close in earlier}
    pairs = []
    for close in closes:
        if close.ts in last:
            pairs.append((last[close.ts], close))
        last[close.ts] = close
    return pairs


def _backwards(closes: Sequence[Close]) -> list[Close]:
    """Name the closes that follow a later candle's: their first announcement stands too far back to be seen."""
    return [later for earlier, later in pairwise(closes) if later.ts < earlier.ts]


def told_again(log: LogEvidence, again: Sequence[tuple[Close, Close]]) -> str:
    """Say which candles were announced again, and tell retried evaluations from announcements without a reason."""
    retried = [pair for pair in again if pair[0].failure is not None and not pair[0].evaluations]
    candles = Counter(close_time(log, second.ts) for _, second in again)
    named = listed([f"{name} {times + 1} times" if times > 1 else name for name, times in candles.items()])
    text = f"close of {named} announced again"
    if not retried:
        return text
    part = "" if len(retried) == len(again) else f"{len(retried)} of {len(again)} "
    return f"{text}; {part}because its evaluation failed and was tried again"


def candle_frequency(evidence: Evidence) -> Result:
    """Every close inside the window is there once, and what is missing has a cause (contract §9)."""
    log = evidence.log
    if log.nothing:
        return Result(Outcome.UNKNOWN, log.nothing, 0, None, (), _when_full(log))
    expected = sum(hour.fate is not Fate.UNCOVERED for hour in log.tally.hours)
    found = log.tally.closes
    parts = [f"{found} of {count(expected, 'close')}", *(told_gap(log, gap) for gap in log.gaps)]
    uncovered = _uncovered(log)
    silences = [s for s in log.silences if not any(_within(log, s.from_ms, s.to_ms, gap) for gap in log.gaps)]
    parts += [f"silent {span(s.from_ms, s.to_ms)}: {s.why.cause}" for s in silences]
    parts += [local_time(log)] if log.ahead_ms else []
    proof = (
        *(line for gap in log.gaps for line in (*gap.why.evidence, *gap.beside)),
        *(line for silence in silences for line in silence.why.evidence),
    )
    outcome, remedy = Outcome.PASS, ""
    if silences or log.gaps or found != expected or log.ahead_ms:
        outcome, remedy = Outcome.WARN, "runbook: Missing Hours" if log.gaps else "runbook: Troubleshooting"
    if abs(found - expected) > 1 or any(len(gap.missing) > 1 for gap in log.gaps):
        outcome, remedy = Outcome.FAIL, "mend the cause, then run 24h again      (runbook: Missing Hours)"
    if outcome is Outcome.FAIL and log.troubles:
        outcome = Outcome.WARN  # what is missing may stand where nobody could read: the doubt makes it UNKNOWN
    if not expected:
        outcome, remedy = Outcome.UNKNOWN, "take a window in which a candle closes"
    if uncovered:
        outcome, parts, remedy = Outcome.UNKNOWN, [uncovered, *parts], _when_full(log)
    return Result(outcome, "; ".join(parts), found, expected, proof, remedy)


def covered_ms(log: LogEvidence) -> int:
    """Tell how much of the window the log covers (ms): all of it, if lines reach to within 5 minutes of both ends."""
    if log.first_ms is None or log.last_ms is None:
        return 0
    whole = log.first_ms - log.start_ms <= SILENT_MS and log.end_ms - log.last_ms <= SILENT_MS
    return log.end_ms - log.start_ms if whole else log.last_ms - log.first_ms


def _uncovered(log: LogEvidence) -> str:
    length_ms = log.end_ms - log.start_ms
    if covered_ms(log) == length_ms or log.first_ms is None or log.last_ms is None:
        return ""
    reach = span(log.first_ms, log.last_ms)
    covered = hours(round(covered_ms(log) / MINUTE_MS) * MINUTE_MS)
    return f"{covered} of {hours(length_ms)} covered ({reach})"


def _when_full(log: LogEvidence) -> str:
    """Say when the window could first be full, or how to judge a log that ended."""
    length_ms = log.end_ms - log.start_ms
    if log.first_ms is None or log.last_ms is None:
        return f"genesis-ops acceptance --window {hours(length_ms)} --until last      (or: genesis-ops preflight)"
    full_ms = log.first_ms + length_ms
    if log.end_ms - log.last_ms > SILENT_MS:
        ended = f"the log ends at {day_name(log.last_ms)} {clock_time(log.last_ms)}"
        return f"genesis-ops acceptance --window {hours(length_ms)} --until last      ({ended})"
    return f"a window of {hours(length_ms)} can first be full at {day_name(full_ms)} {clock_time(full_ms)} UTC"


def _within(log: LogEvidence, from_ms: int, to_ms: int, gap: Gap) -> bool:
    return any(
        from_ms <= log.timeframe.close_of(ts) + LATE_MS and log.timeframe.close_of(ts) <= to_ms for ts in gap.missing
    )


def candle_source(evidence: Evidence) -> Result:
    """Every close names the row it was read from."""
    closes = evidence.log.closes
    bad = [close for close in closes if close.event.source not in _SOURCES]
    if bad:
        lines = tuple(close.line for close in bad)
        detail = f"{len(bad)} of {count(len(closes), 'close')} without a source that is previous or latest"
        return Result(Outcome.FAIL, detail, len(closes) - len(bad), len(closes), lines, _INVESTIGATE)
    return Result(Outcome.PASS, f"{len(closes)} of {len(closes)}", len(closes), len(closes))


def candle_audit(evidence: Evidence) -> Result:
    """Every close follows from a look at the exchange that chose this candle and saw it closed."""
    closes = evidence.log.closes
    faults = [(close, why) for close in closes if (why := _audit_fault(close))]
    good = len(closes) - len(faults)
    if faults:
        detail = f"{len(faults)} of {count(len(closes), 'close')}: {faults[0][1]}"
        lines = tuple(line for close, _ in faults for line in (close.line, close.audit) if line is not None)
        return Result(Outcome.FAIL, detail, good, len(closes), lines, _INVESTIGATE)
    return Result(Outcome.PASS, f"{good} of {good} follow from a look at the exchange", good, len(closes))


def _audit_fault(close: Close) -> str:
    look = None if close.audit is None else close.audit.event
    if not isinstance(look, CandleSelection):
        return "no 'Candle selection' line before it"
    if look.ts != close.ts:
        return f"the look before it chose candle {look.ts}"
    if close.event.source in _SOURCES and look.source != close.event.source:
        return f"the look before it has source {look.source}"
    later_row = look.latest_ts > look.ts
    if not later_row and look.now_ms + _CLOCKS_DIFFER_MS < look.latest_close_ms:
        return "announced before it had closed"
    return ""


def no_orders(evidence: Evidence) -> Result:
    """No run sent an order, and none of them was one that would (contract §9: acceptance is a dry-run gate)."""
    runs = evidence.log.runs
    sent = tuple(line for run in runs for line in run.submissions)
    live = tuple(run for run in runs if run.mode is Mode.LIVE_PAPER)
    skipped = sum(len(run.skipped) for run in runs)
    if sent or live:
        parts = [f"{count(len(sent), 'line')} of an order being sent"] if sent else []
        parts += [f"{count(len(live), 'live-paper run')} in the window"] if live else []
        lines = (*(run.started for run in live if run.started is not None), *sent)
        remedy = "stop the runner; a window of dry-run alone can be accepted      (runbook: Order Submitted in Dry-Run)"
        return Result(Outcome.FAIL, "; ".join(parts), len(sent), 0, lines, remedy)
    if any(run.mode is None for run in runs):
        detail = "no order, but the log does not say in which mode it was written: its start is not there"
        return Result(Outcome.UNKNOWN, detail, 0, 0, (), _EARLIER_LOG)
    return Result(Outcome.PASS, f"none sent, {skipped} would have been", 0, 0)


def evaluation_count(evidence: Evidence) -> Result:
    """Every announced candle was evaluated once."""
    log = evidence.log
    counts: Counter[int] = Counter()
    for close in log.closes:
        counts[close.ts] += len(close.evaluations)
    settled = {close.ts: close for close in log.closes if close.line.at_ms + LATE_MS <= log.end_ms or counts[close.ts]}
    none = [close for ts, close in settled.items() if counts[ts] == 0]
    many = [close for ts, close in settled.items() if counts[ts] > 1]
    good = len(settled) - len(none) - len(many)
    if not none and not many:
        return Result(Outcome.PASS, f"{good} of {count(good, 'candle')} evaluated once", good, good)
    parts = [f"not evaluated: {listed([close_time(log, close.ts) for close in none])}{_reason(none)}"] if none else []
    parts += [f"more than once: {listed([close_time(log, close.ts) for close in many])}"] if many else []
    lines = (
        line for close in (*none, *many) for line in (close.given_up, close.failure, close.line, *close.evaluations)
    )
    proof = tuple(line for line in lines if line is not None)
    detail = f"{good} of {count(len(settled), 'candle')} evaluated once; {'; '.join(parts)}"
    remedy = "genesis-ops preflight      (runbook: API Server Not Responding)"
    return Result(Outcome.FAIL, detail, good, len(settled), proof, remedy)


def _reason(closes: Sequence[Close]) -> str:
    for close in closes:
        line = close.given_up or close.failure
        if line is not None:
            return f" ({getattr(line.event, 'cause', '') or line.message})"
    return ""


def state_consistency(evidence: Evidence) -> Result:
    """The state's last candle is the newest one that the log announced."""
    state, newest = evidence.state, evidence.log.newest
    expected = None if newest is None else newest.ts
    if state.problem:
        return Result(Outcome.FAIL, state.problem, None, expected, (), _NEVER_DELETE)
    if state.state is None:
        if newest is None:
            return Result(Outcome.UNKNOWN, f"no {state.file} and no close in the log", None, None)
        return Result(
            Outcome.FAIL, f"there is no {state.file}, though the log has closes", None, expected, (), _REBUILD
        )
    last = state.state.last_processed_candle_ts
    if newest is None or expected is None:
        return Result(Outcome.UNKNOWN, f"the state says {candle(last)}; the log has no close to hold it against", last)
    if last == expected:
        return Result(Outcome.PASS, f"both say {candle(last)}", last, expected)
    side = "behind" if last is None or last < expected else "ahead of"
    detail = f"the state is {side} the log: it says {candle(last)}, the log {candle(expected)}"
    remedy = _NEVER_DELETE if side == "behind" else "look for logs that were moved aside; never delete the state"
    outcome = Outcome.UNKNOWN if side != "behind" and evidence.log.troubles else Outcome.FAIL
    return Result(outcome, detail, last, expected, (), remedy)


def state_orders(evidence: Evidence) -> Result:
    """The state counts no order."""
    state = evidence.state
    if state.state is None:
        return Result(Outcome.UNKNOWN, state.problem or f"there is no {state.file}", None, 0, (), _NEVER_DELETE)
    orders = state.state.total_orders_submitted
    if orders:
        remedy = "a dry-run begins with a state that has none; keep this one, and find out who sent them"
        return Result(Outcome.FAIL, f"the state counts {count(orders, 'order')}", orders, 0, (), remedy)
    return Result(Outcome.PASS, "the state counts 0 orders", 0, 0)


def champion_loaded(evidence: Evidence) -> Result:
    """Every run that was alive in the window verified the champion at its start, and none fell back (contract §9)."""
    runs = evidence.log.runs
    fallbacks = tuple(line for run in runs for line in run.fallbacks)
    verified = [run for run in runs if run.verified is not None]
    idle = [run for run in runs if run.verified is None and run.ended is not None and not run.closes]
    unseen = [run for run in runs if run.verified is None and run.started is None]
    careless = [run for run in runs if run.verified is None and run not in (*idle, *unseen)]
    figures = f"{len(verified)} of {count(len(runs), 'run')} verified it"
    observed, expected = len(verified), len(runs)
    if fallbacks or careless:
        parts = ["the fallback was met"] if fallbacks else []
        parts += [f"{count(len(careless), 'run')} traded without"] if careless else []
        lines = (*fallbacks, *(run.started for run in careless if run.started is not None))
        return Result(Outcome.FAIL, f"{figures}; {'; '.join(parts)}", observed, expected, lines, _CHAMPION)
    if unseen or not runs:
        detail = f"{figures}; the start of the other is not in the log" if runs else "no run in the window"
        return Result(Outcome.UNKNOWN, detail, observed, expected, (), _EARLIER_LOG)
    if idle:
        lines = tuple(run.ended for run in idle if run.ended is not None)
        detail = f"{figures}; {count(len(idle), 'start')} ended before it came to that"
        return Result(Outcome.WARN, detail, observed, expected, lines, "genesis-ops preflight")
    return Result(Outcome.PASS, figures, observed, expected)


def no_fatal(evidence: Evidence) -> Result:
    """No line is fatal: its message begins with FATAL, or its level is CRITICAL (contract §2)."""
    lines = tuple(line for run in evidence.log.runs for line in run.fatal)
    if lines:
        detail = f"{count(len(lines), 'fatal line')}: {lines[0].message}"
        return Result(Outcome.FAIL, detail, len(lines), 0, lines, _INVESTIGATE)
    return Result(Outcome.PASS, "none", 0, 0)


def heartbeat(evidence: Evidence) -> Result:
    """The runner showed signs of life all through the window; more than the ten ask for."""
    log = evidence.log
    beats = [at_ms for run in log.runs for at_ms in run.beats]
    if not beats:
        return Result(Outcome.WARN, "no heartbeat in the window", 0, None, (), "genesis-ops preflight")
    ends = [at_ms for at_ms in (log.first_ms, log.last_ms) if at_ms is not None]
    longest_ms = max(later - earlier for earlier, later in pairwise(sorted([*ends, *beats])))
    interval = max(run.interval or 10 for run in log.runs)
    limit_ms = max(SILENT_MS, 30_000 * interval)
    outcome = Outcome.WARN if longest_ms > limit_ms else Outcome.PASS
    detail = f"{len(beats)}, longest silence {exactly(longest_ms)}"
    return Result(outcome, detail, len(beats), None, (), "" if outcome is Outcome.PASS else "runbook: Troubleshooting")


_NEVER_DELETE = "never delete the state; genesis-ops stop-check, then genesis-ops run --rebuild-state"
_REBUILD = "genesis-ops run --rebuild-state      (never start fresh where logs exist)"
_CHAMPION = "stop the runner; genesis-ops preflight      (runbook: Champion Baseline Fallback)"
_EARLIER_LOG = "put the log files back that hold the run's start, or accept a window that begins after a start"


def log_doubt(evidence: Evidence) -> str:
    """Say what hinders a check that reads the log from being sure."""
    return "no log line to judge" if evidence.log.nothing else "; ".join(evidence.log.troubles)


CHECKS = (
    Check("candle-uniqueness", "No candle is announced twice", candle_uniqueness, log_doubt),
    Check("candle-frequency", "Every close of the window is there", candle_frequency, log_doubt),
    Check("candle-source", "Every close names its source", candle_source, log_doubt),
    Check("candle-audit", "Every close follows from a look at the exchange", candle_audit, log_doubt),
    Check("no-orders", "No order was sent", no_orders, log_doubt),
    Check("evaluation-count", "Every candle was evaluated once", evaluation_count, log_doubt),
    Check("state-consistency", "The state agrees with the log", state_consistency, log_doubt),
    Check("state-orders", "The state counts no order", state_orders),
    Check("champion-loaded", "Every run verified the champion", champion_loaded, log_doubt),
    Check("no-fatal", "No fatal error", no_fatal, log_doubt),
    Check("heartbeat", "The runner showed signs of life", heartbeat, log_doubt, bonus=True),
)
"""In the order of contract §8."""
