"""An order by hand in the journal: a name of its own, a count of its own, and nothing of a candle's."""

import pytest
from journal_lines import CANDLE, acked, armed, decided, evidence

from genesis_ops.journal.book import MANUAL, Book, Contradiction, manual_id, order_id
from genesis_ops.journal.record import Kind, Record

AT = 1_770_296_705_000
NAME = "manual-20260205-130505"


def told(book: Book, *records: tuple[Kind, dict[str, object]]) -> None:
    for number, (kind, content) in enumerate(records, 1):
        book.take(Record(number, AT, kind, content))


def by_hand(**other: object) -> tuple[Kind, dict[str, object]]:
    kind, content = decided(**{"candle_ts": AT, "id": NAME, "purpose": MANUAL, **other})
    return kind, content


def test_its_name_is_the_second_in_which_it_was_asked_for() -> None:
    assert manual_id(AT) == NAME
    assert manual_id(AT + 999) == NAME


def test_it_counts_neither_as_submitted_nor_as_armed_by_the_runner() -> None:
    book = Book()
    told(book, by_hand(), armed(NAME), acked(NAME), evidence(NAME))
    assert (book.submitted, book.armed) == (0, 0)
    assert book.orders[NAME].purpose == MANUAL
    assert book.orders[NAME].submitted


def test_in_doubt_it_blocks_like_any_other() -> None:
    book = Book()
    told(book, by_hand(), armed(NAME))
    assert [order.id for order in book.unresolved] == [NAME]
    assert [order.id for order in book.open] == [NAME]


@pytest.mark.parametrize(
    "content",
    [
        {"id": order_id(CANDLE), "candle_ts": CANDLE},
        {"id": manual_id(AT + 1000)},
        {"purpose": ""},
        {"purpose": "other"},
    ],
)
def test_it_can_take_neither_a_candles_name_nor_another_purpose(content: dict[str, object]) -> None:
    with pytest.raises(Contradiction):
        told(Book(), by_hand(**content))


def test_a_candles_order_cannot_have_its_name() -> None:
    with pytest.raises(Contradiction):
        told(Book(), decided(id=NAME, candle_ts=AT))


def test_it_is_armed_once() -> None:
    with pytest.raises(Contradiction):
        told(Book(), by_hand(), armed(NAME), acked(NAME), armed(NAME))
