"""The orders of a journal: what each came to, and that none is ever armed a second time."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal_lines import CANDLE, NAME, Told, acked, armed, decided, evidence, labelled, records, resolved, started

from genesis_ops.journal.book import Book, Contradiction, Order, Start, order_id
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import Fill
from genesis_ops.words import HOUR_MS

NEXT, NEXT_NAME = CANDLE + HOUR_MS, "20260205-1300"
AT = CANDLE + HOUR_MS
LABELS = [Kind.ACKED, Kind.REJECTED, Kind.UNKNOWN]
BEFORE_ARMED = [Kind.BLOCKED, Kind.EXPIRED]
FOLLOWS = {
    None: {Kind.DECIDED},
    Kind.DECIDED: {Kind.ARMED, Kind.BLOCKED, Kind.EXPIRED},
    Kind.ARMED: {Kind.ACKED, Kind.REJECTED, Kind.UNKNOWN},
    Kind.ACKED: {Kind.EVIDENCE, Kind.RESOLVED},
    Kind.UNKNOWN: {Kind.EVIDENCE, Kind.RESOLVED},
    Kind.REJECTED: set(),
    Kind.BLOCKED: set(),
    Kind.EXPIRED: set(),
}
"""The order protocol's transitions, written down a second time."""


def told(kind: Kind, candle_ts: int = CANDLE) -> Told:
    name = order_id(candle_ts)
    by_kind = {
        Kind.STARTED: started(),
        Kind.DECIDED: decided(candle_ts),
        Kind.ARMED: armed(name),
        Kind.ACKED: acked(name),
        Kind.EVIDENCE: evidence(name),
        Kind.RESOLVED: resolved(name),
    }
    return by_kind.get(kind) or labelled(kind, name)


def book_of(*many: Told) -> Book:
    book = Book()
    for record in records(many):
        book.take(record)
    return book


def order_of(*many: Told) -> Order:
    return book_of(*many).orders[NAME]


def names(orders: tuple[Order, ...]) -> list[str]:
    return [order.id for order in orders]


UNKNOWN = (decided(), armed(), labelled(Kind.UNKNOWN))
ACKED = (decided(), armed(), acked())


# --- what a record makes of an order


def test_an_order_is_named_after_its_candle() -> None:
    assert order_id(CANDLE) == NAME
    assert order_id(CANDLE + 23 * HOUR_MS + 59 * 60_000) == "20260206-1159"


def test_a_decided_order_is_to_be_sent_and_in_no_doubt() -> None:
    order = order_of(decided(size="0.5", symbol=1, side=2, config_hash=3))
    assert order == Order(NAME, CANDLE, "1", "2", 0.5, 71615.8, AT + 1, "3", Kind.DECIDED, AT + 1)
    assert (order.open, order.unresolved, order.submitted, order.wants_evidence) == (True, False, False, False)
    assert (order.executed, order.armed_ms, order.resolved, order.fill) == (None, None, None, None)


def test_an_order_that_is_only_decided_has_nothing_else_to_tell() -> None:
    order = Order(NAME, CANDLE, "tTESTBTC:TESTUSD", "LONG", 0.5, None, AT)
    assert (order.config_hash, order.label, order.label_ms, order.reason, order.resolved_by) == (
        *("", Kind.DECIDED, 0, "", ""),
    )


def test_an_order_may_have_no_price() -> None:
    assert order_of(decided(price=None)).price is None


def test_an_armed_order_may_have_been_sent() -> None:
    order = order_of(decided(), armed())
    assert (order.label, order.label_ms, order.armed_ms, order.decided_ms) == (Kind.ARMED, AT + 2, AT + 2, AT + 1)
    assert order.before == {"TESTBTC": 0.5, "TESTUSD": 1000.0}
    assert (order.open, order.unresolved, order.submitted, order.wants_evidence) == (True, True, False, False)


def test_an_acknowledged_order_was_submitted_and_is_looked_for() -> None:
    order = order_of(*ACKED)
    assert (order.label, order.label_ms, order.armed_ms, order.reason) == (Kind.ACKED, AT + 3, AT + 2, "it is acked")
    assert (order.latency_ms, order.order_id, order.size_taken) == (812, 4711, 0.002)
    assert order.reply == {"ok": True, "response": [1, "x"]}
    assert (order.open, order.unresolved, order.submitted, order.wants_evidence) == (True, False, True, True)


def test_an_order_of_which_nothing_is_known_is_in_doubt_and_looked_for() -> None:
    order = order_of(*UNKNOWN)
    assert (order.latency_ms, order.order_id, order.size_taken, order.reply) == (None, None, None, None)
    assert (order.open, order.unresolved, order.submitted, order.wants_evidence) == (True, True, False, True)


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.EXPIRED, Kind.REJECTED])
def test_an_order_that_was_not_accepted_is_done(kind: Kind) -> None:
    sent = () if kind in BEFORE_ARMED else (armed(),)
    order = order_of(decided(), *sent, labelled(kind))
    assert (order.label, order.reason) == (kind, f"it is {kind}")
    assert (order.open, order.unresolved, order.submitted, order.wants_evidence) == (False, False, False, False)


def test_a_label_needs_no_reason() -> None:
    assert order_of(decided(), (Kind.BLOCKED, {"id": NAME})).reason == ""


@pytest.mark.parametrize(
    ("before", "fill", "unresolved", "submitted"),
    [
        (ACKED, Fill.NONE, False, True),
        (ACKED, Fill.ONCE, False, True),
        (ACKED, Fill.SEVERAL, True, True),
        (ACKED, Fill.UNCLEAR, False, True),
        (ACKED, Fill.UNREADABLE, False, True),
        (UNKNOWN, Fill.NONE, False, False),
        (UNKNOWN, Fill.ONCE, False, True),
        (UNKNOWN, Fill.SEVERAL, True, True),
        (UNKNOWN, Fill.UNCLEAR, True, False),
        (UNKNOWN, Fill.UNREADABLE, True, False),
    ],
)
def test_what_the_wallets_say_ends_the_looking_and_perhaps_the_doubt(
    before: tuple[Told, ...], fill: Fill, unresolved: bool, submitted: bool
) -> None:
    order = order_of(*before, evidence(fill=str(fill)))
    assert (order.open, order.wants_evidence) == (False, False)
    assert (order.unresolved, order.submitted) == (unresolved, submitted)
    assert (order.fill, order.multiple, order.moved) == (fill, 1.0, (0.001, -71.6))
    assert (order.after, order.executed) == ({"TESTBTC": 0.501, "TESTUSD": 928.4}, 0.001)
    assert (order.label, order.label_ms) == (before[-1][0], AT + 3)


def test_what_was_sold_is_counted_without_its_sign() -> None:
    assert order_of(*ACKED, evidence(moved=[-0.25, 9])).executed == 0.25


def test_wallets_that_could_not_be_read_have_not_moved() -> None:
    order = order_of(*UNKNOWN, evidence(fill="unreadable", moved=None, multiple=None, after=None))
    assert (order.moved, order.executed, order.multiple, order.after) == (None, None, None, None)


@pytest.mark.parametrize("filled", [True, False])
@pytest.mark.parametrize(
    "before", [ACKED, UNKNOWN, (*UNKNOWN, evidence(fill="unclear")), (*ACKED, evidence(fill="several"))]
)
def test_an_operators_word_is_the_last_one(before: tuple[Told, ...], filled: bool) -> None:
    order = order_of(*before, resolved(filled=filled))
    assert (order.resolved, order.resolved_by) == (filled, "anna: seen on the page")
    assert (order.open, order.unresolved, order.submitted, order.wants_evidence) == (False, False, filled, False)


def test_the_wallets_may_still_be_noted_behind_an_operators_word() -> None:
    order = order_of(*UNKNOWN, resolved(filled=False), evidence())
    assert (order.fill, order.submitted, order.unresolved, order.open) == (Fill.ONCE, False, False, False)


def test_a_start_tells_under_which_rules_it_may_order() -> None:
    book = book_of(started(gate="by hand"), *ACKED, started(override="for a test"))
    assert book.starts == [
        Start(1, AT + 1, "tBTCUSD 1h", "tTESTBTC:TESTUSD", "c" * 64, "d" * 64, ""),
        Start(5, AT + 5, "tBTCUSD 1h", "tTESTBTC:TESTUSD", "c" * 64, "d" * 64, "for a test"),
    ]
    assert list(book.orders) == [NAME]


# --- a whole book


def test_a_book_counts_what_was_armed_and_what_was_submitted() -> None:
    counts, book = [], Book()
    second = [told(kind, NEXT) for kind in (Kind.DECIDED, Kind.ARMED, Kind.UNKNOWN, Kind.EVIDENCE, Kind.RESOLVED)]
    for record in records([started(), *ACKED, resolved(filled=False), *second]):
        book.take(record)
        counts.append((book.armed, book.submitted))
    assert counts == [(0, 0), (0, 0), (1, 0), (1, 1), (1, 0), (1, 0), (2, 0), (2, 0), (2, 1), (2, 1)]


def test_open_and_doubtful_orders_are_given_oldest_first() -> None:
    third = CANDLE + 2 * HOUR_MS
    book = book_of(*ACKED, decided(NEXT), armed(NEXT_NAME), decided(third))
    assert names(book.open) == [NAME, NEXT_NAME, order_id(third)]
    assert names(book.unresolved) == [NEXT_NAME]
    assert book.open[0] is book.orders[NAME]
    book.take(records([evidence(fill="several")], first=7)[0])
    assert names(book.open) == [NEXT_NAME, order_id(third)]
    assert names(book.unresolved) == [NAME, NEXT_NAME]
    assert book.unresolved[0] is book.orders[NAME]
    book.take(records([resolved()], first=8)[0])
    assert names(book.unresolved) == [NEXT_NAME]


def test_the_oldest_order_is_the_one_that_was_decided_first() -> None:
    book = book_of(decided(NEXT), decided(), armed(NEXT_NAME), armed())
    assert names(book.open) == names(book.unresolved) == [NEXT_NAME, NAME]


def test_an_empty_book_has_nothing_to_do() -> None:
    book = Book()
    assert (book.open, book.unresolved, book.orders, book.starts, book.armed, book.submitted) == ((), (), {}, [], 0, 0)


# --- what may not be


def contradiction(*many: Told) -> str:
    book = book_of(*many[:-1])
    known = vars(book_of(*many[:-1]))
    last = records([many[-1]], first=len(many))[0]
    with pytest.raises(Contradiction) as found:
        book.require_possible(last)
    with pytest.raises(Contradiction):
        book.take(last)
    assert vars(book) == known
    return str(found.value)


def test_a_candle_is_decided_once() -> None:
    assert contradiction(decided(), decided(size=2)) == f"{NAME} is decided twice"


def test_a_candle_has_no_order_under_another_name() -> None:
    why = contradiction(decided(), decided(id="20260205-1201"))
    assert why == f"20260205-1201 is the order of a candle whose order is named {NAME}"


def test_an_order_is_armed_only_once() -> None:
    assert contradiction(decided(), armed(), armed()) == f"{NAME} is armed and cannot become armed"
    assert contradiction(*UNKNOWN, armed()) == f"{NAME} is unknown and cannot become armed"


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.EXPIRED, Kind.REJECTED])
def test_nothing_follows_where_an_order_is_done(kind: Kind) -> None:
    sent = () if kind in BEFORE_ARMED else (armed(),)
    assert contradiction(decided(), *sent, labelled(kind), armed()) == f"{NAME} is {kind} and cannot become armed"


def test_an_order_that_was_never_decided_has_no_outcome() -> None:
    assert contradiction(armed()) == f"{NAME} is armed and was never decided"
    assert contradiction(decided(), evidence(NEXT_NAME)) == f"{NEXT_NAME} is evidence and was never decided"


def test_evidence_and_an_operators_word_are_given_once() -> None:
    assert contradiction(*ACKED, evidence(), evidence()) == f"{NAME} has become evidence before"
    assert contradiction(*UNKNOWN, resolved(filled=False), resolved()) == f"{NAME} has become resolved before"


@pytest.mark.parametrize(
    ("before", "last", "lacks"),
    [
        ((), decided(size="x"), "ValueError"),
        ((), decided(size=10**400), "OverflowError"),
        ((), decided(size=None), "TypeError"),
        ((), (Kind.DECIDED, {**decided()[1], "candle_ts": 10**30}), "OverflowError"),
        ((), (Kind.DECIDED, {"id": NAME}), "KeyError"),
        ((), (Kind.STARTED, {}), "KeyError"),
        ((decided(),), (Kind.ARMED, {"id": NAME}), "KeyError"),
        ((decided(),), (Kind.ARMED, {"id": [NAME]}), "TypeError"),
        ((decided(),), (Kind.BLOCKED, {}), "KeyError"),
        (ACKED, evidence(fill="twice"), "ValueError"),
        (ACKED, evidence(moved=[1.0]), "IndexError"),
        (ACKED, evidence(moved=["x", 1]), "ValueError"),
        (ACKED, evidence(moved=5), "TypeError"),
        (ACKED, (Kind.EVIDENCE, {"id": NAME, "fill": "once"}), "KeyError"),
        (ACKED, (Kind.RESOLVED, {"id": NAME, "filled": True, "by": "x"}), "KeyError"),
        (ACKED, (Kind.RESOLVED, {"id": NAME, "by": "x", "reason": "x"}), "KeyError"),
    ],
)
def test_a_record_that_lacks_something_is_a_contradiction(before: tuple[Told, ...], last: Told, lacks: str) -> None:
    assert contradiction(*before, last).startswith(f"record {len(before) + 1} lacks something: {lacks}")


@pytest.mark.parametrize("name", ["market", "symbol", "champion_sha256", "config_hash", "override"])
def test_a_start_lacks_nothing(name: str) -> None:
    content = {key: value for key, value in started()[1].items() if key != name}
    assert contradiction((Kind.STARTED, content)) == f"record 1 lacks something: KeyError('{name}')"


@pytest.mark.parametrize("name", ["id", "candle_ts", "symbol", "side", "size", "price", "config_hash"])
def test_a_decision_lacks_nothing(name: str) -> None:
    content = {key: value for key, value in decided()[1].items() if key != name}
    assert contradiction((Kind.DECIDED, content)) == f"record 1 lacks something: KeyError('{name}')"


@pytest.mark.parametrize("name", ["fill", "multiple", "moved", "after"])
def test_evidence_lacks_nothing(name: str) -> None:
    content = {key: value for key, value in evidence()[1].items() if key != name}
    assert contradiction(*ACKED, (Kind.EVIDENCE, content)) == f"record 4 lacks something: KeyError('{name}')"


class Expected:
    """What the order protocol makes of one candle's records."""

    def __init__(self) -> None:
        self.label: Kind | None = None
        self.once: set[Kind] = set()

    def allows(self, kind: Kind) -> bool:
        return kind in FOLLOWS[self.label] and kind not in self.once

    def take(self, kind: Kind) -> None:
        if kind in {Kind.EVIDENCE, Kind.RESOLVED}:
            self.once.add(kind)
        else:
            self.label = kind


steps: Any = st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 2)), max_size=40)
biased: Any = st.lists(
    st.tuples(st.sampled_from([Kind.DECIDED, Kind.ARMED, Kind.ARMED, Kind.UNKNOWN, Kind.ACKED]), st.integers(0, 1))
)


@settings(max_examples=400)
@given(steps | biased)
def test_no_sequence_of_records_arms_an_order_twice(many: list[tuple[Kind, int]]) -> None:
    book, expected, taken = Book(), [Expected(), Expected(), Expected()], []
    for number, (kind, which) in enumerate(many, 1):
        record = records([told(kind, CANDLE + which * HOUR_MS)], first=number)[0]
        possible = kind is Kind.STARTED or expected[which].allows(kind)
        try:
            book.take(record)
        except Contradiction:
            assert not possible
            continue
        assert possible
        taken.append((kind, which))
        if kind is not Kind.STARTED:
            expected[which].take(kind)
    assert all(taken.count((Kind.ARMED, which)) <= 1 for which in range(3))
    assert book.armed == sum(kind is Kind.ARMED for kind, _ in taken)
    assert book.submitted == sum(order.submitted for order in book.orders.values())
    assert book.open == tuple(order for order in book.orders.values() if order.open)
    assert book.unresolved == tuple(order for order in book.orders.values() if order.unresolved)
    labels = {order_id(CANDLE + which * HOUR_MS): found.label for which, found in enumerate(expected) if found.label}
    assert {name: order.label for name, order in book.orders.items()} == labels
