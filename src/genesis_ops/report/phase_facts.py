"""The phase in sentences and rows, the same in every format: sums, outages, orders, days."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from genesis_ops.checks.model import Report
from genesis_ops.checks.phase import told_latency, told_moved, told_share
from genesis_ops.checks.phase_begun import told_before
from genesis_ops.checks.phase_candles import Candle, actions, beginning, by_day, candles, expected, last_price, latency
from genesis_ops.checks.phase_evidence import PhaseEvidence
from genesis_ops.checks.phase_live import phase_closes, told_live
from genesis_ops.checks.phase_outages import Outage, outages, uptime, uptime_by_day
from genesis_ops.checks.phase_questions import questions, worth
from genesis_ops.checks.phase_wallet import account
from genesis_ops.checks.wording import brief, count
from genesis_ops.journal.book import Order
from genesis_ops.report.orders import sums
from genesis_ops.runlog.tally import Fate
from genesis_ops.words import DAY_MS, HOUR_MS, clock_time, day_name, duration, stamp

_MOST_MODES = 4


class Day(NamedTuple):
    """A day of the phase (ms, UTC): its number, how many closes it was to have and had, orders, uptime, papers.

    ``uptime`` is None where the log had not begun, ``price`` (of the last close) and ``slowest_ms`` (the longest wait
    for an evaluation) where there was none; ``snapshot`` and ``summary`` say whether there is one.
    """

    start_ms: int
    number: int
    expected: int
    processed: int
    actions: int
    orders: int
    uptime: float | None
    price: float | None
    slowest_ms: int | None
    snapshot: bool
    summary: bool


class PhaseFacts(NamedTuple):
    """What every format shows beside the criteria; worked out once."""

    report: Report
    evidence: PhaseEvidence
    candles: tuple[Candle, ...]
    outages: tuple[Outage, ...]
    days: tuple[Day, ...]
    sums: tuple[tuple[str, str], ...]
    questions: tuple[str, ...]


def facts(report: Report, evidence: PhaseEvidence) -> PhaseFacts:
    """Work out everything that is shown."""
    found = candles(evidence.log)
    still = outages(evidence.log)
    return PhaseFacts(
        report,
        evidence,
        found,
        still,
        _days(evidence, found),
        _sums(evidence, found, still),
        questions(evidence, report.checks),
    )


def _days(evidence: PhaseEvidence, found: Sequence[Candle]) -> tuple[Day, ...]:
    days = by_day(found)
    alive, before = uptime_by_day(evidence.log, days), beginning(evidence.log)
    begun_ms = 0 if before is None else before.at_ms - before.at_ms % DAY_MS
    return tuple(
        _day(evidence, start_ms, inside, alive[start_ms], covered=start_ms >= begun_ms)
        for start_ms, inside in days.items()
    )


def _day(
    evidence: PhaseEvidence, start_ms: int, inside: Sequence[Candle], alive: float | None, *, covered: bool
) -> Day:
    name = stamp(start_ms)[:10]
    processed = sum(candle.fate is not Fate.MISSING for candle in expected(inside))
    due, waited = expected(inside) if covered else inside, latency(inside)
    return Day(
        start_ms=start_ms,
        number=(start_ms - evidence.log.start_ms) // DAY_MS,
        expected=len(due),
        processed=processed,
        actions=sum(actions(inside).values()),
        orders=sum(start_ms <= order.candle_ts < start_ms + DAY_MS for order in evidence.orders),
        uptime=alive,
        price=last_price(inside),
        slowest_ms=None if waited is None else waited.longest,
        snapshot=name in evidence.papers.snapshots,
        summary=name in evidence.papers.summaries,
    )


# --- sums


def _sums(evidence: PhaseEvidence, found: Sequence[Candle], still: Sequence[Outage]) -> tuple[tuple[str, str], ...]:
    rows = (
        ("mode", _modes(evidence)),
        ("live-paper", told_live(evidence) if evidence.log.runs else ""),
        ("closes", _closes(evidence, found)),
        ("evaluation", _evaluation(found)),
        ("uptime", _uptime(evidence, still)),
        ("actions", _actions(found)),
        ("orders", _orders(evidence)),
        ("wallet", _wallet(evidence)),
    )
    return tuple((name, text) for name, text in rows if text)


def _modes(evidence: PhaseEvidence) -> str:
    """Say since when the phase ran in which mode; a restart in the same mode is none."""
    found: list[tuple[str, int]] = []
    for run in evidence.log.runs:
        mode = "mode unknown" if run.mode is None else str(run.mode)
        if not found or found[-1][0] != mode:
            found.append((mode, run.first_ms))
    told = [f"{mode} since {_at(at_ms)}" for mode, at_ms in found[-_MOST_MODES:]]
    earlier = len(found) - len(told)
    return ", ".join([f"{count(earlier, 'change')} before", *told] if earlier else told)


def _closes(evidence: PhaseEvidence, found: Sequence[Candle]) -> str:
    """Hold the closes against those that were due so far, and say how many the whole phase has."""
    due, before = expected(found), beginning(evidence.log)
    missing = sum(candle.fate is Fate.MISSING for candle in due)
    late = sum(candle.fate is Fate.LATE for candle in due)
    unevaluated = sum(candle.unevaluated for candle in due)
    parts = [f"{len(due) - missing} of {len(due) + (before.closes if before else 0)} processed"]
    parts += [f"{missing} missing"] if missing else []
    parts += [f"{late} late"] if late else []
    parts += [f"{unevaluated} not evaluated"] if unevaluated else []
    parts += [told_before(before)] if before else []
    return f"{', '.join(parts)}; {phase_closes(evidence)} in the whole phase"


def _evaluation(found: Sequence[Candle]) -> str:
    waited = latency(found)
    return "" if waited is None else f"{told_latency(waited)} after the close"


def _uptime(evidence: PhaseEvidence, still: Sequence[Outage]) -> str:
    share = uptime(evidence.log)
    if share is None:
        return ""
    total = sum(outage.length_ms for outage in still)
    told = f"{count(len(still), 'outage')}, {duration(total / 1000)} in all" if still else "no outage"
    since = " since Day 0" if beginning(evidence.log) else ""
    return f"the log was alive {told_share(share)} of the time{since}; {told}"


def _actions(found: Sequence[Candle]) -> str:
    asked = actions(found)
    sides = ", ".join(f"{number} {side}" for side, number in asked.items())
    evaluated = sum(candle.evaluations > 0 for candle in found)
    return f"{sides or 'none'} in {count(evaluated, 'evaluation')}" if evaluated else ""


def _orders(evidence: PhaseEvidence) -> str:
    """Count the orders; the older runner kept no journal of them."""
    if evidence.orders:
        return sums(evidence.orders)
    sent = evidence.log.tally.submissions
    return f"{count(sent, 'order')} in the log, none in a journal" if sent else "none"


def _wallet(evidence: PhaseEvidence) -> str:
    found = account(evidence)
    if found is None:
        number = len(evidence.wallets)
        return "never read" if not number else "read once, so no change is known"
    if found.changed.nothing:
        return f"unchanged from {_at(found.first.at_ms)} to {_at(found.last.at_ms)}"
    moved = told_moved(found.changed, evidence.coins)
    return f"{moved} from {_at(found.first.at_ms)} to {_at(found.last.at_ms)}{worth(evidence)}"


# --- rows


def hours_without_evaluation(found: Iterable[Candle]) -> frozenset[int]:
    """Name the hours (ms, UTC) with a close that was announced and never evaluated, and none that is missing."""
    inside = [(candle.open_ms - candle.open_ms % HOUR_MS, candle) for candle in found]
    missing = {at for at, candle in inside if candle.fate is Fate.MISSING}
    return frozenset(at for at, candle in inside if candle.unevaluated and at not in missing)


def longest_first(still: Iterable[Outage]) -> tuple[Outage, ...]:
    """Put outages in order, the longest first."""
    return tuple(sorted(still, key=lambda outage: (-outage.length_ms, outage.from_ms)))


def told_outage(outage: Outage) -> tuple[str, str, str, str]:
    """Write an outage as its begin, its length, which closes are missing for it, and its cause."""
    cost = count(outage.closes, "close") if outage.closes else "none"
    return _at(outage.from_ms), duration(outage.length_ms / 1000), cost, brief(outage.cause)


def told_filled(order: Order) -> str:
    """Say of an order what came of it, by the wallets or an operator."""
    if order.resolved is not None:
        return f"{'filled' if order.resolved else 'not filled'}, says an operator"
    if order.fill is not None:
        return f"filled: {order.fill}, say the wallets"
    return brief(order.reason)


def _at(ms: int) -> str:
    return f"{day_name(ms)} {clock_time(ms)}"
