"""The criteria of the phase report, each a pure function (runbook, Day 42: Phase 3 completion report).

The stop conditions and the journal's checks are those of ``stop-check`` and ``orders verify``, over the whole phase.
"""

from collections.abc import Callable

from genesis_ops.checks import journal, stop
from genesis_ops.checks.acceptance import champion_loaded, log_doubt
from genesis_ops.checks.evidence import Evidence, OrdersFound
from genesis_ops.checks.journal import JournalFacts
from genesis_ops.checks.model import Check, Outcome, Place, Result
from genesis_ops.checks.phase_begun import as_far_as_begun
from genesis_ops.checks.phase_candles import Latency, candles, expected, latency
from genesis_ops.checks.phase_evidence import PhaseEvidence
from genesis_ops.checks.phase_live import live_paper
from genesis_ops.checks.phase_outages import counted_from_ms, outages, uptime
from genesis_ops.checks.phase_wallet import Account, Moved, account
from genesis_ops.checks.wording import close_time, count, exactly, listed, told_gap
from genesis_ops.runlog.runs import Run
from genesis_ops.runlog.tally import LATE_MS, Fate
from genesis_ops.state.receipt import Receipt
from genesis_ops.words import DAY_MS, Mode, clock_time, day_name, duration, stamp

UPTIME = 0.995
"""The uptime below which it is a warning: a phase of 42 days then stood still for 5 hours, so it can miss 5 closes."""
MOST_UNEVALUATED = 2
"""How many neighbouring closes may be without an evaluation until it is as bad as a gap (contract §9: 2 timeframes)."""
SLOW_MS = LATE_MS
"""How long 95 % of the closes may wait for their evaluation (ms): what a single one is called late for."""

_STAMP_MS = 1000
"""How exact a log's stamps are (ms): what took less is told as this."""

_ACCEPTED = ("PASS", "WARN")


def dry_run_accepted(evidence: PhaseEvidence) -> Result:
    """Ask whether a dry-run was accepted before the first live-paper run, and whether the gate was ever overridden."""
    receipts = evidence.receipts
    passed = [each for each in receipts.found if each.verdict in _ACCEPTED]
    live_ms = first_live_ms(evidence)
    before = [each for each in passed if live_ms is None or each.written_ms <= live_ms]
    if receipts.trouble:
        return Result(Outcome.UNKNOWN, receipts.trouble, None, 1, (), _RECEIPT)
    if live_ms is None:
        return _not_live_yet(evidence, before)
    overridden = [f"{_at(start.at_ms)} ({start.override})" for start in evidence.starts if start.override]
    if overridden:
        told = f"the gate was overridden: {listed(overridden)}"
        return Result(Outcome.WARN, told, len(before), 1, (), "genesis-ops acceptance --window 24h")
    if not before:
        detail = f"live-paper since {_at(live_ms)}, and no acceptance had passed before it"
        return Result(Outcome.FAIL, detail, 0, 1, (), _RECEIPT)
    return Result(Outcome.PASS, f"{_told(before[-1])}; live-paper since {_at(live_ms)}", len(before), 1)


def _not_live_yet(evidence: PhaseEvidence, passed: list[Receipt]) -> Result:
    if passed:
        return Result(Outcome.PASS, f"{_told(passed[-1])}; no live-paper run yet", len(passed), 1)
    log = evidence.log
    if log.first_ms is None or log.end_ms - log.first_ms < DAY_MS:
        return Result(Outcome.SKIP, "no live-paper run yet, and no 24h of dry-run to accept", 0, 1)
    detail = "no live-paper run, and no acceptance has passed"
    return Result(Outcome.WARN, detail, 0, 1, (), "genesis-ops acceptance --window 24h --until last")


def first_live_ms(evidence: PhaseEvidence) -> int | None:
    """Tell when the first live-paper run began (ms, UTC), by the log or the journal; None where there was none."""
    runs = [_began_ms(run) for run in evidence.log.runs if run.mode is Mode.LIVE_PAPER]
    return min([*runs, *(start.at_ms for start in evidence.starts)], default=None)


def _began_ms(run: Run) -> int:
    return run.first_ms if run.started is None else run.started.at_ms


def _told(receipt: Receipt) -> str:
    told = [receipt.verdict, duration(receipt.covered_seconds), *([receipt.drilled] if receipt.drilled else [])]
    return f"accepted at {_at(receipt.written_ms)} ({', '.join(told)})"


def champion_frozen(evidence: PhaseEvidence) -> Result:
    """Ask whether the champion is the frozen one, and whether every run verified it and none fell back."""
    frozen = evidence.frozen
    if evidence.log.nothing and frozen.pinned_ms is None and not frozen.difference:
        return Result(Outcome.UNKNOWN, frozen.trouble or "it is frozen by the first run", None, None, (), _PREFLIGHT)
    if frozen.hidden:
        return Result(Outcome.UNKNOWN, frozen.trouble or frozen.difference, frozen.sha256, None, (), _PREFLIGHT)
    if frozen.trouble or frozen.difference:
        return Result(Outcome.FAIL, frozen.trouble or frozen.difference, frozen.sha256, None, (), _CHAMPION)
    others = [start for start in evidence.starts if start.champion_sha256 != frozen.sha256]
    if others:
        detail = f"the live run of {_at(others[0].at_ms)} had another champion ({others[0].champion_sha256[:12]}…)"
        return Result(Outcome.FAIL, detail, others[0].champion_sha256, frozen.sha256, (), _CHAMPION)
    loaded = champion_loaded(evidence.stop)
    if frozen.pinned_ms is None:
        detail = f"{frozen.file} was never pinned; {loaded.detail}"
        worst = Outcome.WARN if loaded.outcome is Outcome.PASS else loaded.outcome
        return loaded._replace(outcome=worst, detail=detail, remedy=loaded.remedy or _UNPINNED)
    return loaded._replace(detail=f"{frozen.sha256[:12]}… frozen since {_at(frozen.pinned_ms)}; {loaded.detail}")


def closes_processed(evidence: PhaseEvidence) -> Result:
    """Ask whether every close since the first start was announced; a step of more than two candles is a gap."""
    log = evidence.log
    due = expected(candles(log))
    missing = [candle for candle in due if candle.fate is Fate.MISSING]
    if not due:
        return Result(Outcome.UNKNOWN, log.nothing or "no candle has closed yet", 0, 0, (), _PREFLIGHT)
    detail = f"{len(due) - len(missing)} of {count(len(due), 'close')}"
    if not missing:
        return as_far_as_begun(log, Result(Outcome.PASS, detail, len(due), len(due)))
    worst = max(log.gaps, key=lambda gap: len(gap.missing), default=None)
    detail += f"; {told_gap(log, worst)}" if worst else ""
    detail += f"; {count(len(log.gaps) - 1, 'more gap')}" if len(log.gaps) > 1 else ""
    if worst and len(worst.missing) > 1:  # the doubt makes it UNKNOWN where it may stand in what nobody could read
        outcome = Outcome.WARN if log.troubles else Outcome.FAIL
        result = Result(outcome, detail, len(due) - len(missing), len(due), (), "see candle-gap")
        return as_far_as_begun(log, result)
    proof = tuple(line for gap in log.gaps for line in (*gap.why.evidence, *gap.beside))
    result = Result(Outcome.WARN, detail, len(due) - len(missing), len(due), proof, "runbook: Missing Hours")
    return as_far_as_begun(log, result)


def closes_evaluated(evidence: PhaseEvidence) -> Result:
    """Ask whether every announced close was evaluated once, and how soon after it."""
    log = evidence.log
    found = candles(log)
    none = [candle for candle in found if candle.unevaluated]
    many = [candle for candle in found if candle.evaluations > 1]
    good = sum(candle.evaluations == 1 for candle in found)
    total = good + len(none) + len(many)
    waited = latency(found)
    if not total or (waited is None and none):
        outcome = Outcome.FAIL if none else Outcome.UNKNOWN
        return Result(outcome, log.nothing or "no close has been evaluated yet", 0, total, (), _PREFLIGHT)
    soon = told_latency(waited) if waited else "none has come since the start, so how soon is not known"
    parts = [f"{good} of {total} evaluated once", soon]
    parts += [f"not evaluated: {listed([close_time(log, candle.open_ms) for candle in none])}"] if none else []
    parts += [f"more than once: {listed([close_time(log, candle.open_ms) for candle in many])}"] if many else []
    outcome = Outcome.WARN if none or many or (waited and waited.p95 > SLOW_MS) else Outcome.PASS
    if _in_a_row(evidence, {candle.open_ms for candle in none}) > MOST_UNEVALUATED:
        outcome = Outcome.FAIL
    remedy = "" if outcome is Outcome.PASS else "runbook: API Server Not Responding"
    return Result(outcome, "; ".join(parts), good, total, (), remedy)


def _in_a_row(evidence: PhaseEvidence, opens: set[int]) -> int:
    """Count the most neighbouring candles of some."""
    longest = run = 0
    for candle in candles(evidence.log):
        run = run + 1 if candle.open_ms in opens else 0
        longest = max(longest, run)
    return longest


def told_latency(waited: Latency) -> str:
    """Say how long closes waited for their evaluation."""
    at = f"{day_name(waited.longest_close_ms)} {clock_time(waited.longest_close_ms)}"
    median, p95, longest = (exactly(max(ms, _STAMP_MS)) for ms in (waited.median, waited.p95, waited.longest))
    return f"half within {median}, 95 % within {p95}, the slowest {longest} ({at})"


def wallet_explained(evidence: PhaseEvidence) -> Result:
    """Ask whether the orders account for what the wallets did between their first and their last reading."""
    found = account(evidence)
    if evidence.journal.unread:
        return Result(Outcome.UNKNOWN, evidence.journal.unread, None, None, (), "genesis-ops orders verify")
    if not evidence.orders and evidence.log.tally.submissions:
        sent = count(evidence.log.tally.submissions, "order")
        detail = f"{sent} in the log, and no journal that tells what they moved"
        return Result(Outcome.UNKNOWN, detail, None, None, (), _WALLET)
    return _unread(evidence) if found is None else _accounted(evidence, found)


def _unread(evidence: PhaseEvidence) -> Result:
    armed = sum(order.armed_ms is not None for order in evidence.orders)
    if not armed:
        return Result(Outcome.SKIP, f"no order was sent, and the wallets were {_times(evidence)}")
    detail = f"{count(armed, 'order')}, and the wallets were {_times(evidence)}"
    return Result(Outcome.UNKNOWN, detail, None, None, (), "genesis-ops snapshot")


def _accounted(evidence: PhaseEvidence, found: Account) -> Result:
    changed = told_moved(found.changed, evidence.coins)
    said = f"{changed} from {_at(found.first.at_ms)} to {_at(found.last.at_ms)}"
    rest, explained = told_moved(found.rest, evidence.coins), told_moved(found.explained, evidence.coins)
    if found.unseen:
        names = listed([order.id for order in found.unseen])
        detail = f"{said}; of {names} nobody read what they moved, which leaves {rest}"
        return Result(Outcome.UNKNOWN, detail, changed, None, _outside(found), "genesis-ops orders list")
    if found.rest.nothing and not found.outside:
        return Result(Outcome.PASS, f"{said}, as the orders say{_since(evidence, found)}", changed, explained)
    detail = f"{said}; the orders say {explained}, {rest} is unexplained{_where(found)}"
    return Result(Outcome.FAIL, detail, changed, explained, _outside(found), _WALLET)


def _since(evidence: PhaseEvidence, found: Account) -> str:
    """Name the first order about which nobody has read the wallets yet."""
    unread = (order for order in evidence.orders if order.moved is None and (order.armed_ms or 0) >= found.last.at_ms)
    later = next(unread, None)
    return "" if later is None else f"; nothing was read since {later.id}"


def _times(evidence: PhaseEvidence) -> str:
    number = len(evidence.wallets)
    return {0: "never read", 1: "read once"}.get(number, f"read {number} times without the traded currencies")


def _where(found: Account) -> str:
    if not found.outside:
        return ""
    before, after, _ = found.outside[0]
    return f"; they moved without an order between {_at(before.at_ms)} and {_at(after.at_ms)}"


def _outside(found: Account) -> tuple[Place, ...]:
    return tuple(
        Place(
            after.source, 0, f"{stamp(before.at_ms)} to {stamp(after.at_ms)}: {change.base:+.8f}, {change.quote:+,.2f}"
        )
        for before, after, change in found.outside
    )


def told_moved(change: Moved, coins: tuple[str, str]) -> str:
    """Say by how much the wallets changed: ``+0.015 TESTBTC, -1,065.00 TESTUSD``."""
    base = f"{change.base + 0.0:+.8f}".rstrip("0").rstrip(".")
    return f"{base} {coins[0]}, {change.quote + 0.0:+,.2f} {coins[1]}"


def daily_papers(evidence: PhaseEvidence) -> Result:
    """Ask whether every day that is over has a snapshot and a summary (runbook, Day 2 to 42)."""
    papers = evidence.papers
    if papers.trouble:
        return Result(Outcome.UNKNOWN, papers.trouble)
    if not papers.due:
        return Result(Outcome.SKIP, "no day of the phase is over yet")
    no_snapshot = [day for day in papers.due if day not in papers.snapshots]
    no_summary = [day for day in papers.due if day not in papers.summaries]
    good = sum(day in papers.snapshots and day in papers.summaries for day in papers.due)
    total = len(papers.due)
    parts = [f"{good} of {count(total, 'day')} with a snapshot and a summary"]
    parts += [f"no snapshot: {_days(no_snapshot)}"] if no_snapshot else []
    parts += [f"no summary: {_days(no_summary)}"] if no_summary else []
    outcome = Outcome.WARN if no_snapshot or no_summary else Outcome.PASS
    remedy = f"genesis-ops daily-summary --date {no_summary[0]}" if no_summary else ""
    return Result(outcome, "; ".join(parts), good, total, (), remedy)


def _days(days: list[str]) -> str:
    """Write days as they follow each other: ``2026-02-05 to 2026-02-09 (5)``."""
    consecutive = len(days) > 2 and _number(days[-1]) - _number(days[0]) == len(days) - 1  # noqa: PLR2004 - a row
    return f"{days[0]} to {days[-1]} ({len(days)})" if consecutive else listed(days)


def _number(day: str) -> int:
    from datetime import date

    return date.fromisoformat(day).toordinal()


def log_alive(evidence: PhaseEvidence) -> Result:
    """Ask in which share of the phase so far the log lived, and name the longest silence.

    A phase that begins at whatever hour of Day 0 is counted from then on, one that begins later from Day 0 on.
    """
    log = evidence.log
    share = uptime(log)
    if share is None:
        return Result(Outcome.UNKNOWN, log.nothing or "the log has only begun", None, UPTIME, (), _PREFLIGHT)
    silent = [outage for outage in outages(log) if outage.silent]
    told = f"{told_share(share)} of {duration((log.end_ms - counted_from_ms(log)) / 1000)}"
    if not silent:
        return as_far_as_begun(log, Result(Outcome.PASS, f"{told}, no silence", round(share, 6), UPTIME))
    longest = max(silent, key=lambda outage: outage.length_ms)
    length = f"{count(len(silent), 'silence')}, the longest {duration(longest.length_ms / 1000)}"
    outcome = Outcome.WARN if share < UPTIME else Outcome.PASS
    proof = next(silence.why.evidence for silence in log.silences if silence.from_ms == longest.from_ms)
    remedy = "" if outcome is Outcome.PASS else "runbook: Troubleshooting"
    result = Result(
        outcome,
        f"{told}; {length} from {_at(longest.from_ms)}: {longest.cause}",
        round(share, 6),
        UPTIME,
        proof if outcome is Outcome.WARN else (),
        remedy,
    )
    return as_far_as_begun(log, result)


def told_share(share: float) -> str:
    """Write a share so that less than all of it never reads as 100 %."""
    whole = f"{100 * share:.2f}"
    return f"{'99.99' if whole == '100.00' and share < 1 else whole} %"


def _at(ms: int) -> str:
    return f"{day_name(ms)} {clock_time(ms)}"


def _log_doubt(evidence: PhaseEvidence) -> str:
    return log_doubt(evidence.stop)


def _of_stop(check: Check[Evidence]) -> Check[PhaseEvidence]:
    def judged(evidence: PhaseEvidence) -> Result:
        stop = evidence.stop
        return _patiently(lambda orders: check.judge(stop._replace(orders=orders)), stop.orders)

    return Check(check.id, check.title, judged, lambda e: check.doubt(e.stop))


def _of_journal(check: Check[JournalFacts]) -> Check[PhaseEvidence]:
    def judged(evidence: PhaseEvidence) -> Result:
        facts = evidence.journal
        if facts.nothing and facts.log.older and evidence.log.tally.submissions:  # nobody can tell what they did
            return Result(Outcome.UNKNOWN, facts.nothing, None, None, (), _OLDER)
        return _patiently(lambda orders: check.judge(facts._replace(orders=orders)), facts.orders)

    return Check(check.id, check.title, judged, lambda e: check.doubt(e.journal))


def _patiently(judged: Callable[[OrdersFound], Result], orders: OrdersFound) -> Result:
    """Warn where a check fails for nothing but orders about which a living runner is asking the wallets.

    ``stop-check`` fails at once for them (order protocol); the report of weeks need not, for what two minutes settle.
    """
    stuck = orders._replace(doubts=tuple(doubt for doubt in orders.doubts if not doubt.settling))
    result = judged(stuck)
    if stuck == orders or result.outcome is not Outcome.PASS:
        return result
    whole = judged(orders)
    return result if whole.outcome is Outcome.PASS else whole._replace(outcome=Outcome.WARN, remedy=_SETTLING)


_RECEIPT = "look for acceptance_receipt_*.json beside the logs, or in a snapshot's bundle"
_CHAMPION = (
    "compare with the commit of Day 0; what was traded under another champion counts for none      (runbook: Notes)"
)
_UNPINNED = "set champion_sha256; the next start of genesis-ops run pins the file that it finds"
_PREFLIGHT = "genesis-ops preflight"
_OLDER = "the older runner kept no journal: compare the exchange's own history of orders with the log"
_SETTLING = "look again in two minutes: the runner is asking the wallets"
_WALLET = "compare /account/wallets and the exchange's own history; find out who else trades there"

CHECKS: tuple[Check[PhaseEvidence], ...] = (
    Check("dry-run-accepted", "A dry-run was accepted before the first live order", dry_run_accepted),
    Check("champion-frozen", "The champion is the frozen one, in every run", champion_frozen, _log_doubt),
    *map(_of_stop, stop.CHECKS),
    Check("closes-processed", "Every close was processed", closes_processed, _log_doubt),
    Check("closes-evaluated", "Every close was evaluated, and soon", closes_evaluated, _log_doubt),
    *map(_of_journal, journal.CHECKS),
    Check("wallet-explained", "The orders explain what the wallets did", wallet_explained),
    Check("daily-papers", "Every day has a snapshot and a summary", daily_papers),
    Check("uptime", "The log lived", log_alive, _log_doubt),
    Check("live-paper", "The champion traded live-paper", live_paper, _log_doubt),
)
"""Stable ids, in this order."""
