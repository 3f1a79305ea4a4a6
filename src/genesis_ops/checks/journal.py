"""Does the journal of orders hold together, and do log and state agree with it (order protocol, Invariants 2 and 5)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from genesis_ops.checks.evidence import OrdersFound
from genesis_ops.checks.model import Check, Outcome, Place, Result
from genesis_ops.checks.wording import count, listed
from genesis_ops.runlog.reader import Line
from genesis_ops.words import stamp

_MOST_NAMED = 3
_SAME_MS = 2_000
"""A log line bears whole seconds, and stands right behind the record that it follows."""


class Damage(NamedTuple):
    """Where the journal ceases to make sense, and why; ``offset`` is in bytes, None for a whole file."""

    place: Place
    offset: int | None
    why: str

    @property
    def where(self) -> str:
        """Name the place in words."""
        return self.place.file if self.offset is None else f"{self.place.file}, byte {self.offset}"


class Armed(NamedTuple):
    """A record that a request is about to leave (``at_ms``: UTC): its order, its candle's open time, its place.

    A ``manual`` one has no candle, and no line in the runner log.
    """

    order: str
    candle_ts: int | None
    at_ms: int
    place: Place
    manual: bool = False


class LogWords(NamedTuple):
    """What the runner log tells of orders: a line before each one; or why it cannot be read.

    ``older`` counts those of the older runner, which kept no journal.
    """

    present: bool
    submitting: tuple[Line, ...] = ()
    times_ms: tuple[int, ...] = ()
    trouble: str = ""
    older: int = 0


class StateWords(NamedTuple):
    """What the state remembers of the journal, beside what the journal itself says at that record.

    ``problem`` says why a state cannot be used; ``records`` is None where it remembers no journal.
    """

    file: str
    present: bool = True
    problem: str = ""
    records: int | None = None
    sum: str = ""
    submitted: int = 0
    sum_there: str = ""
    submitted_there: int | None = None


class JournalFacts(NamedTuple):
    """Everything that a judgement of the journal looks at; ``counts`` are records by kind."""

    shown: str
    files: tuple[str, ...]
    counts: Mapping[str, int]
    damage: Damage | None
    trouble: str
    """Why this user cannot read it."""
    torn: tuple[Place, ...]
    armed: tuple[Armed, ...]
    orders: OrdersFound
    sending: tuple[str, ...]
    """Orders whose request is under way at this moment, by a runner that lives."""
    log: LogWords
    state: StateWords
    market: str = ""
    """Which market its newest live run traded."""

    @property
    def records(self) -> int:
        """How many records could be read."""
        return sum(self.counts.values())

    @property
    def nothing(self) -> str:
        """Say why there is no journal to judge; empty where there is one, or where one is missed."""
        if self.files or self.damage or self.trouble or self.log.submitting or self.state.records:
            return ""
        if self.log.older:
            return f"no journal in {self.shown}; {count(self.log.older, 'order')} of the older runner in the log"
        return f"no journal in {self.shown}, and no trace of an order"

    @property
    def unread(self) -> str:
        """Say why records may be there that nobody has read; empty where all were read."""
        if self.trouble:
            return "the journal cannot be read"
        return "" if self.damage is None else f"the journal is damaged: {self.damage.where}"


def with_doubts(result: Result, orders: OrdersFound) -> Result:
    """Let a check that looks for what is fatal fail while an order is in doubt, whatever else it found."""
    if not orders.doubts:
        return result
    failed = result.outcome is Outcome.FAIL
    told = "; ".join(doubt.sentence for doubt in orders.doubts[:_MOST_NAMED])
    if len(orders.doubts) > _MOST_NAMED:
        told += f"; {count(len(orders.doubts) - _MOST_NAMED, 'more order')} in doubt"
    places = tuple(doubt.place for doubt in orders.doubts)
    number = len(orders.doubts) + (result.observed if failed and isinstance(result.observed, int) else 0)
    if failed:
        return result._replace(
            detail=f"{told}; {result.detail}",
            observed=number,
            evidence=(*places, *result.evidence),
            remedy=f"{orders.doubts[0].remedy}; {result.remedy}",
        )
    return Result(Outcome.FAIL, told, number, 0, places, orders.doubts[0].remedy)


def journal_whole(facts: JournalFacts) -> Result:
    """Ask whether every record follows from those before it; what a hard stop tore announces nothing."""
    if facts.damage is not None:
        detail = f"damaged: {facts.damage.where}: {facts.damage.why}; {count(facts.records, 'record')} before it"
        return Result(Outcome.FAIL, detail, facts.damage.where, "whole", (facts.damage.place,), _DAMAGED)
    if facts.trouble:
        return Result(Outcome.UNKNOWN, facts.trouble, None, "whole", (), f"ls -l {facts.shown}")
    if not facts.files:
        known = "the state" if facts.state.records else "the runner log"
        detail = f"there is none in {facts.shown}, though {known} tells of orders"
        return Result(Outcome.FAIL, detail, "missing", "whole", (), _GONE)
    torn = f"; {count(len(facts.torn), 'torn line')} passed over" if facts.torn else ""
    detail = f"{count(facts.records, 'record')} in {count(len(facts.files), 'file')}, each follows from the last{torn}"
    return Result(Outcome.PASS, detail, "whole", "whole", facts.torn)


def one_order_per_candle(facts: JournalFacts) -> Result:
    """Ask whether no candle's order was armed twice (Invariant 2), by the records themselves."""
    seen: dict[object, list[Armed]] = {}
    for armed in facts.armed:
        seen.setdefault(armed.order if armed.candle_ts is None else armed.candle_ts, []).append(armed)
    again = [group for group in seen.values() if len(group) > 1]
    if again:
        names = listed([group[0].order for group in again])
        places = tuple(armed.place for group in again for armed in group)
        return Result(Outcome.FAIL, f"armed more than once: {names}", len(again), 0, places, _TWICE)
    detail = f"{count(len(facts.armed), 'order')} armed, no candle twice"
    return _as_far_as_read(facts, Result(Outcome.PASS, detail, 0, 0))


def orders_resolved(facts: JournalFacts) -> Result:
    """Ask whether it is known of every order what came of it."""
    doubts = [doubt for doubt in facts.orders.doubts if doubt.name]
    if doubts:
        told = with_doubts(Result(Outcome.PASS, ""), OrdersFound(tuple(doubts)))
        return told._replace(observed=len(doubts), expected=0)
    sending = f"; {listed(facts.sending)} is being sent at this moment" if facts.sending else ""
    return _as_far_as_read(facts, Result(Outcome.PASS, f"none in doubt{sending}", 0, 0))


def log_agrees(facts: JournalFacts) -> Result:
    """Ask whether the runner log tells of no more orders than were armed: every line of one follows its record."""
    log, armed = facts.log, sum(not each.manual for each in facts.armed)
    if log.trouble:
        return Result(Outcome.UNKNOWN, log.trouble, None, armed, (), f"ls -l {facts.shown}")
    if not log.present:
        return Result(Outcome.SKIP, f"there is no runner log in {facts.shown} to hold it against")
    told = len(log.submitting)
    detail = f"{count(told, 'order')} in the runner log, {armed} armed"
    if told <= armed:
        return Result(Outcome.PASS, detail, told, armed)
    if facts.unread:
        return _as_far_as_read(facts, Result(Outcome.PASS, detail, told, armed))
    return Result(Outcome.FAIL, f"{detail}: the journal has lost some", told, armed, _without_record(facts), _GONE)


def _without_record(facts: JournalFacts) -> tuple[Line, ...]:
    """Name the log's lines beside which nothing was armed; all of them where each has a record near it."""
    known = [armed.at_ms for armed in facts.armed if not armed.manual]
    pairs = zip(facts.log.submitting, facts.log.times_ms, strict=True)
    lines = tuple(line for line, at_ms in pairs if not any(abs(at_ms - each) <= _SAME_MS for each in known))
    return lines or facts.log.submitting


def state_agrees(facts: JournalFacts) -> Result:
    """Ask whether the journal still holds what the state remembers of it; it may have grown since."""
    state = facts.state
    if state.problem:
        return Result(Outcome.UNKNOWN, state.problem, None, None, (), "genesis-ops stop-check")
    if not state.present or state.records is None:
        why = f"{state.file} remembers no journal" if state.present else f"there is no {state.file} to hold it against"
        return Result(Outcome.SKIP, why)
    if facts.unread and not state.sum_there:
        return _as_far_as_read(facts, Result(Outcome.PASS, f"{state.file} knows of {count(state.records, 'record')}"))
    return _compared(facts, state, state.records)


def _compared(facts: JournalFacts, state: StateWords, records: int) -> Result:
    if records and state.sum_there != state.sum:
        holds = "another one" if state.sum_there else f"only {facts.records}"
        detail = f"{state.file} knows of {count(records, 'record')}, the journal holds {holds}"
        return Result(Outcome.FAIL, detail, facts.records, records, _remembered(state), _GONE)
    if state.submitted_there is not None and state.submitted != state.submitted_there:
        detail = f"{state.file} counts {count(state.submitted, 'order')}, the journal {state.submitted_there}"
        return Result(Outcome.FAIL, detail, state.submitted, state.submitted_there, _remembered(state), _COUNT)
    since = facts.records - records
    grown = f"; {count(since, 'record')} since" if since > 0 else ""
    detail = f"{count(records, 'record')} and {count(state.submitted, 'order')}, as {state.file} says{grown}"
    return Result(Outcome.PASS, detail, records, records)


def _remembered(state: StateWords) -> tuple[Place, ...]:
    said = f"journal: {state.records} records, sum {state.sum}; total_orders_submitted: {state.submitted}"
    return (Place(state.file, 0, said),)


def _as_far_as_read(facts: JournalFacts, result: Result) -> Result:
    """Take back a PASS where records may stand behind what could not be read."""
    if not facts.unread:
        return result
    detail = f"{facts.unread}; as far as it could be read: {result.detail}"
    return result._replace(outcome=Outcome.UNKNOWN, detail=detail, remedy="see journal-whole")


def _unless_nothing(judge: Callable[[JournalFacts], Result]) -> Callable[[JournalFacts], Result]:
    """Skip a check, and say why, where there never was an order."""

    def judged(facts: JournalFacts) -> Result:
        return Result(Outcome.SKIP, facts.nothing) if facts.nothing else judge(facts)

    return judged


def armed_place(file: str, offset: int, order: str, at_ms: int) -> Place:
    """Name an ARMED record for a person."""
    return Place(file, 0, f"byte {offset}: {order} armed at {stamp(at_ms)}")


_DAMAGED = "put the file back from a copy; do NOT edit or delete it: without it nobody can tell what was sent"
_GONE = (
    "put the runner_orders files back from a copy; do NOT go on without: a candle could be traded again; "
    "compare /account/wallets"
)
_TWICE = "root cause: two writers or a copied journal; stop the runner, compare /account/wallets, report it as critical"
_COUNT = "genesis-ops run --live-paper      a start takes the count from the journal"

CHECKS: tuple[Check[JournalFacts], ...] = (
    Check("journal-whole", "The journal holds together", _unless_nothing(journal_whole)),
    Check("one-order-per-candle", "No candle was ordered twice", _unless_nothing(one_order_per_candle)),
    Check("orders-resolved", "No order is in doubt", _unless_nothing(orders_resolved)),
    Check("log-agrees", "The runner log tells of no other order", _unless_nothing(log_agrees)),
    Check("state-agrees", "The journal holds what the state remembers", _unless_nothing(state_agrees)),
)
"""Stable ids, in this order."""
