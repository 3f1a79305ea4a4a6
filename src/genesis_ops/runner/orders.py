"""Live-paper: from a decision to a recorded outcome, with at most one request for a candle (order protocol).

What is to be done follows from the journal alone. ``work`` carries each open order one step further: a decided one is
sent or refused, one that was sent is looked for in the wallets. Nothing here sends a second time.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from genesis_ops.clients.clock import Clock
from genesis_ops.clients.paper import Label, PaperApi, PaperOrder, Submission
from genesis_ops.errors import LockHeld
from genesis_ops.journal.book import MANUAL, Book, Order, Start, order_id
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import Fill, told_change
from genesis_ops.runlog import events
from genesis_ops.runlog.writer import RunnerLog
from genesis_ops.runner.arming import Facts, objection
from genesis_ops.runner.evidence import PAST_CACHE_SECONDS, Looks, require_once
from genesis_ops.runner.feed import Feed
from genesis_ops.state.claim import Claim
from genesis_ops.state.latch import Latch
from genesis_ops.state.model import PendingEvaluation
from genesis_ops.words import Timeframe

JOURNAL = "journal"
"""Under which key a state remembers the journal."""
_PATIENCE_SECONDS = 0.5
"""How long a cycle waits for whoever holds the journal; a close must not be missed for it."""
KILLED = "the runner ended while it was being sent"
KILLED_BY_HAND = "who sent it by hand was ended in the middle of it"
GONE = "who wanted to send it by hand is gone"


class Hands(NamedTuple):
    """What orders are made with; ``free_bytes`` is None where the disk does not tell."""

    journal: Journal
    paper: PaperApi
    feed: Feed
    clock: Clock
    log: RunnerLog
    why_not_operative: Callable[[], str]
    read_latch: Callable[[], Latch | None]
    free_bytes: Callable[[], int | None]
    stop_signal: Callable[[], int | None]
    claim: Claim


class Decision(NamedTuple):
    """An evaluation that asks for an order."""

    candle: PendingEvaluation
    side: str
    size: float | None
    config_hash: str


class Orders:
    """The orders of one live run; the caller holds the locks of its market, state and log directory."""

    def __init__(self, hands: Hands, terms: Start, timeframe: Timeframe, command: str) -> None:
        self._hands = hands
        self._journal = hands.journal
        self._terms = terms
        self._timeframe = timeframe
        self._command = command
        self._begin_ms = hands.journal.book.starts[0].at_ms
        self._looks = Looks(hands.journal, hands.paper, hands.clock, terms.symbol, self._tell)
        self._doubted = {order.id for order in hands.journal.book.unresolved}
        self._sent: set[str] = set()
        self._postponed: list[Decision] = []
        """What was decided while another process had the journal; the log has it, so that a start would find it too."""
        acked = any(order.label is Kind.ACKED for order in hands.journal.book.open)
        self._shown_from = hands.clock.monotonic() + PAST_CACHE_SECONDS if acked else 0.0
        """From when (monotonic seconds) the wallets show what the order before did."""

    @property
    def submitted(self) -> int:
        """How many orders the exchange got, as far as anybody knows."""
        return self._journal.book.submitted

    @property
    def trouble(self) -> str:
        """Which orders are in doubt, for a person; empty where none is."""
        return ", ".join(f"order {order.id} unresolved" for order in self._journal.book.unresolved)

    @property
    def busy(self) -> bool:
        """Whether something is left that this run can finish soon."""
        return bool(self._postponed) or any(self._looks.soon(order.id) for order in self._journal.book.open)

    def of(self, candle_ts: int) -> Order | None:
        """Give the order of a candle."""
        return self._journal.book.orders.get(order_id(candle_ts))

    def has_postponed(self, candle_ts: int) -> bool:
        """Whether a candle's order waits for the journal, which another process has."""
        return any(decision.candle.ts == candle_ts for decision in self._postponed)

    def cursor(self) -> dict[str, Any]:
        """Give what a state remembers of the journal, so that one that has lost its end is noticed."""
        return cursor(self._journal)

    def decide(self, decision: Decision) -> None:
        """Record that an evaluation asks for an order; a candle has one, whatever is decided about it again.

        An order by hand can be under way for 90 s: then it is recorded at a later cycle.

        Raises:
            WriteFailed: it is not on the disk.
        """
        self._postponed.append(decision)
        with suppress(LockHeld), self._journal.held(self._command, _PATIENCE_SECONDS) as book:
            self._record_decisions(book)

    def _record_decisions(self, book: Book) -> None:
        while self._postponed:
            if order_id(self._postponed[0].candle.ts) not in book.orders:
                record_decision(self._journal, self._terms.symbol, self._postponed[0])
            del self._postponed[0]

    def work(self) -> bool:
        """Carry every open order one step further; True if the journal has grown.

        Raises:
            WriteFailed: an intent or an outcome is not on the disk; the run ends and never tries again.
            AbortCondition: the wallets show that an order was filled several times.
            JournalDamaged: the journal does not hold together.
        """
        if not self._journal.book.open and not self._doubted and not self._postponed:
            return False
        before = self._journal.records
        with (
            suppress(LockHeld),  # an operator resolves: the next cycle does it
            self._journal.held(self._command, _PATIENCE_SECONDS) as book,
        ):
            self._record_decisions(book)
            self._notice_resolved()
            for name in [order.id for order in book.open]:
                self._carry_on(book.orders[name])
        return self._journal.records != before

    def _carry_on(self, order: Order) -> None:
        if order.label is Kind.DECIDED and order.purpose == MANUAL:
            self._refuse(order, Kind.EXPIRED, GONE)
        elif order.label is Kind.DECIDED:
            self._send(order)
        elif order.wants_evidence:
            self._looks.look(order)

    # --- sending

    def _send(self, order: Order) -> None:
        hands = self._hands
        if hands.stop_signal() is not None:
            return  # it stays decided: the next start sends it while it is fresh
        if hands.clock.monotonic() < self._shown_from or self._hides_another(hands.clock.now_ms()):
            return  # the order before would count as this one's
        wallets = self._looks.wallets()
        if (found := objection(self._facts(order))) is not None:
            self._refuse(order, *found)
            return
        if hands.stop_signal() is not None:
            return
        self._looks.end(wallets)
        self._require_first(order)
        self._journal.append(Kind.ARMED, id=order.id, before=wallets)
        hands.claim.take(order.candle_ts)
        hands.log.write(events.OrderSubmitting(order.side))
        began = hands.clock.monotonic()
        submission = hands.paper.submit(PaperOrder(order.symbol, order.side, order.size))
        self._record(order, submission, round((hands.clock.monotonic() - began) * 1000))
        self._shown_from = hands.clock.monotonic() + PAST_CACHE_SECONDS
        self._looks.begin(order.id, submission.label, began)

    def _hides_another(self, now_ms: int) -> bool:
        """Whether the wallets may not show yet what another process ordered by hand."""
        sent = (order for order in self._journal.book.open if order.purpose == MANUAL and order.armed_ms is not None)
        return any(0 <= now_ms - order.label_ms < PAST_CACHE_SECONDS * 1000 for order in sent)

    def _require_first(self, order: Order) -> None:
        """Assert invariant 2 once more, by a memory of this process's own."""
        if order.id in self._sent or order.armed_ms is not None or order.symbol != self._terms.symbol:
            raise AssertionError(f"{order.id} would be sent twice, or for another pair")
        self._sent.add(order.id)

    def _facts(self, order: Order) -> Facts:
        hands = self._hands
        close_ms = self._timeframe.close_of(order.candle_ts)
        wanted, found = self._terms.config_hash, order.config_hash
        exchange = hands.why_not_operative()  # the question that takes time comes first, and the latch after it
        return Facts(
            age_seconds=(hands.feed.exchange_ms() - close_ms) / 1000,
            before_journal=close_ms < self._begin_ms,
            size=order.size,
            unresolved=tuple(doubt.id for doubt in self._journal.book.unresolved),
            latched=hands.read_latch() is not None,
            exchange=exchange,
            offset_ms=hands.feed.offset_ms,
            free_bytes=hands.free_bytes(),
            ordered=hands.claim.why_not(order.candle_ts),
            configuration="" if found == wanted else f"the runtime configuration is {found[:12]}, not {wanted[:12]}",
        )

    def _refuse(self, order: Order, kind: Kind, reason: str) -> None:
        self._journal.append(kind, id=order.id, reason=reason)
        event = events.OrderExpired if kind is Kind.EXPIRED else events.OrderBlocked
        self._hands.log.write(event(order.id, reason))

    def _record(self, order: Order, submission: Submission, latency_ms: int) -> None:
        record_outcome(self._journal, order.id, submission, latency_ms)
        log = self._hands.log
        if submission.label is Label.ACKED:
            log.write(events.OrderSubmitted(json.dumps(submission.reply)))
        elif submission.label is Label.REJECTED:
            log.write(events.OrderRejected(order.id, submission.reason))
        else:
            log.write(events.OrderUnknown(order.id, submission.reason))
            self._doubted.add(order.id)

    # --- what came of it

    def _tell(self, order: Order) -> None:
        log, told = self._hands.log, told_change(order)
        if order.fill is Fill.SEVERAL:
            log.write(events.Fatal(f"order {order.id} was filled several times: {told}"))
            require_once(order)
        if order.fill is Fill.ONCE:
            log.write(events.WalletChange(order.id, told))
        else:
            log.write(events.WalletDoubt(order.id, told))
        if order.label is Kind.UNKNOWN and not order.unresolved:
            self._doubted.discard(order.id)
            log.write(
                events.OrderResolved(order.id, f"{'filled' if order.submitted else 'not filled'}, say the wallets")
            )

    def _notice_resolved(self) -> None:
        """Say in the log what an operator has resolved meanwhile."""
        for name in sorted(self._doubted):
            order = self._journal.book.orders[name]
            if order.resolved is not None:
                self._doubted.discard(name)
                self._looks.forget(name)
                told = f"{'filled' if order.resolved else 'not filled'}, says {order.resolved_by}"
                self._hands.log.write(events.OrderResolved(name, told))


def cursor(journal: Journal) -> dict[str, Any]:
    """Give what a state remembers of a journal: how many records, and their sum."""
    return {"records": journal.records, "sum": journal.sum}


def label_the_armed(journal: Journal, command: str) -> None:
    """Make every order that was armed and has no outcome UNKNOWN: it may have been sent, and is never sent again.

    Raises:
        WriteFailed: it is not on the disk.
    """
    with journal.held(command) as book:
        for order in book.open:
            if order.label is Kind.ARMED:
                journal.append(Kind.UNKNOWN, id=order.id, reason=KILLED_BY_HAND if order.purpose else KILLED)


def record_outcome(journal: Journal, name: str, submission: Submission, latency_ms: int) -> None:
    """Write the record of what came of a request; the journal is held."""
    journal.append(
        Kind(str(submission.label)),
        id=name,
        reason=submission.reason,
        latency_ms=latency_ms,
        order_id=submission.order_id,
        size_taken=submission.size_taken,
        reply=submission.reply,
    )


def record_decision(journal: Journal, symbol: str, decision: Decision) -> None:
    """Write the record of a decision; the journal is held."""
    candle = decision.candle
    journal.append(
        Kind.DECIDED,
        id=order_id(candle.ts),
        candle_ts=candle.ts,
        symbol=symbol,
        side=decision.side,
        size=max(0.0, decision.size or 0.0),
        price=candle.close,
        config_hash=decision.config_hash,
    )
