"""What a promotion decision has to answer, taken from the evidence: nothing is asked that it does not raise; pure."""

from collections.abc import Iterator, Sequence

from genesis_ops.checks.model import Judged, Outcome
from genesis_ops.checks.phase import told_moved
from genesis_ops.checks.phase_candles import Candle, actions, beginning, by_day, candles, last_price
from genesis_ops.checks.phase_evidence import PhaseEvidence
from genesis_ops.checks.phase_outages import uptime_by_day
from genesis_ops.checks.phase_wallet import account
from genesis_ops.checks.wording import count, listed
from genesis_ops.journal.book import Order, Start
from genesis_ops.runlog.tally import Fate
from genesis_ops.state.operations import Operation
from genesis_ops.words import DAY_MS, clock_time, day_name

_MOST = 8
"""How many of a kind are asked about one by one."""
_ASKS = {
    Outcome.FAIL: "can the phase count although it failed",
    Outcome.UNKNOWN: "who can tell what the evidence does not",
    Outcome.WARN: "is it acceptable",
}
"""What was skipped asks nothing: its reason says why there was nothing to judge."""


def questions(evidence: PhaseEvidence, judged: Sequence[Judged]) -> tuple[str, ...]:
    """Give every open question in a sentence, those of the criteria first and in their order."""
    if evidence.log.nothing and evidence.hidden:
        return (f"who may look at what this user may not? ({evidence.hidden})",)
    if evidence.log.nothing:
        return (f"has the phase begun at all? ({evidence.log.nothing})", *_by_hand(evidence))
    return (
        *_criteria(judged),
        *_result(evidence),
        *_actions(evidence),
        *_days(evidence),
        *_by_hand(evidence),
    )


def _criteria(judged: Sequence[Judged]) -> Iterator[str]:
    """Ask about the criteria; about those that say the same at once."""
    asked: dict[str, list[str]] = {}
    for each in judged:
        if each.outcome in _ASKS:
            asked.setdefault(f"{_ASKS[each.outcome]}? ({_first(each.detail)})", []).append(each.id)
    return (f"{', '.join(names)}: {question}" for question, names in asked.items())


def _first(detail: str) -> str:
    """Give what a detail begins with; the rest stands with the criterion."""
    return detail.partition(";")[0].strip()


def _result(evidence: PhaseEvidence) -> Iterator[str]:
    found = account(evidence)
    if found is None or found.changed.nothing:
        return
    yield f"is this result good enough: {told_moved(found.changed, evidence.coins)}{worth(evidence)}?"


def worth(evidence: PhaseEvidence) -> str:
    """Say what the change of the wallets comes to at the last close's price; empty where that is not known."""
    value = value_of_change(evidence)
    price = last_price(candles(evidence.log))
    if value is None or price is None:
        return ""
    return f", together {value:+,.2f} {evidence.coins[1]} at the last close of {price:,.2f}"


def value_of_change(evidence: PhaseEvidence) -> float | None:
    """Tell what the change of the wallets comes to in the quote currency, at the last close's price."""
    found, price = account(evidence), last_price(candles(evidence.log))
    return None if found is None or price is None else round(found.changed.quote + found.changed.base * price, 2)


def _actions(evidence: PhaseEvidence) -> Iterator[str]:
    found = candles(evidence.log)
    evaluated = sum(candle.evaluations > 0 for candle in found)
    asked = actions(found)
    if not evaluated:
        return
    if not asked:
        yield f"can a champion be judged that asked for nothing in {count(evaluated, 'evaluation')}?"
        return
    sides = ", ".join(f"{number} {side}" for side, number in asked.items())
    total = sum(asked.values())
    few = f" in {count(evaluated, 'evaluation')} ({100 * total / evaluated:.1f} %)"
    yield f"are there enough actions to judge by: {sides}{few}?"


def _days(evidence: PhaseEvidence) -> Iterator[str]:
    days = days_without_cover(evidence)
    if days:
        names = listed([day_name(day) for day in days])
        yield f"do days without full cover count: {names} ({len(days)} of {len(by_day(candles(evidence.log)))})?"


def days_without_cover(evidence: PhaseEvidence) -> tuple[int, ...]:
    """Name the days (ms, UTC) on which a close is missing or the log fell silent, and those that precede it."""
    found = by_day(candles(evidence.log))
    alive = uptime_by_day(evidence.log, found)
    before = beginning(evidence.log)
    begun = min(found, default=0) if before is None else before.at_ms - before.at_ms % DAY_MS
    return tuple(
        day for day, inside in found.items() if day < begun or _missing(inside) or (alive[day] not in {None, 1.0})
    )


def _missing(inside: Sequence[Candle]) -> bool:
    return any(candle.fate is Fate.MISSING for candle in inside)


def _by_hand(evidence: PhaseEvidence) -> Iterator[str]:
    """Ask about what people overrode or said themselves; of many, the newest."""
    yield from _newest([_overridden(start) for start in evidence.starts if start.override])
    yield from _newest([_resolved(order) for order in evidence.orders if order.resolved is not None])
    yield from _newest([_done(entry) for entry in evidence.operations.found])


def _newest(asked: list[str]) -> list[str]:
    more = len(asked) - _MOST
    return asked if more <= 0 else [*asked[-_MOST:], f"and what of the {count(more, 'time')} before that?"]


def _overridden(start: Start) -> str:
    return f"was it right to override the gate at {_at(start.at_ms)}: {start.override}?"


def _resolved(order: Order) -> str:
    filled = "filled" if order.resolved else "not filled"
    return f"does the word of an operator stand, that {order.id} was {filled}: {order.resolved_by}?"


def _done(entry: Operation) -> str:
    reasons = "; ".join(entry.reasons) or "no reason"
    return f"does this still weigh: {entry.action} at {_at(entry.at_ms)} by {entry.by}: {reasons}?"


def _at(ms: int) -> str:
    return f"{day_name(ms)} {clock_time(ms)}"
