"""What the wallets say of an order: filled not at all, once, several times, or nothing that can be told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.journal.book import Order
from genesis_ops.journal.wallet import Change, Fill, change, currencies, told_change

PAIR = "tTESTBTC:TESTUSD"
sizes = st.floats(0.0002, 5.0).map(lambda size: round(size, 8))
sides = st.sampled_from(["LONG", "SHORT"])
fees = st.floats(0.0, 0.002)
balances = st.floats(10.0, 1000.0).map(lambda balance: round(balance, 8))
prices = st.floats(1000.0, 200_000.0)


def judged(side: str, size: float, base: float, quote: float = 0.0, start: float = 10.0) -> Change:
    before = {"TESTBTC": start, "TESTUSD": 5000.0}
    after = {"TESTBTC": round(start + base, 8), "TESTUSD": round(5000.0 + quote, 8)}
    return change(PAIR, side, size, before, after)


def sign(side: str) -> int:
    return 1 if side == "LONG" else -1


def test_a_paper_pair_names_its_two_currencies() -> None:
    assert currencies(PAIR) == ("TESTBTC", "TESTUSD")
    assert currencies("ETHUSD:x") == ("ETHUSD", "x")


def test_a_change_tells_both_currencies_and_how_many_times_the_order_it_is() -> None:
    assert judged("LONG", 0.002, 0.002, -143.2) == Change(0.002, -143.2, 1.0, Fill.ONCE)
    assert judged("SHORT", 0.002, -0.004, 286.4) == Change(-0.004, 286.4, 2.0, Fill.SEVERAL)


def test_figures_are_rounded_to_what_an_exchange_counts_in() -> None:
    after = {"TESTBTC": 0.323456789123, "TESTUSD": 0.123456789123}
    found = change(PAIR, "LONG", 0.3, {"TESTBTC": 0.1, "TESTUSD": 0.2}, after)
    assert found == Change(0.22345679, -0.07654321, 0.7449, Fill.UNCLEAR)


@given(sides, sizes, fees, st.tuples(balances, prices), st.integers(1, 4))
def test_an_order_filled_so_many_times_is_seen_as_that_whatever_the_fee(
    side: str, size: float, fee: float, market: tuple[float, float], times: int
) -> None:
    start, price = market
    bought = times * size * (1 - fee) if side == "LONG" else -times * size
    found = judged(side, size, bought, -sign(side) * times * size * price, start)
    assert found.fill is (Fill.ONCE if times == 1 else Fill.SEVERAL)
    assert found.multiple == pytest.approx(times, rel=0.003)


@given(sides, sizes, st.sampled_from([-1e-8, 0.0, 1e-8]), balances)
def test_rounding_is_no_fill(side: str, size: float, rounding: float, start: float) -> None:
    assert judged(side, size, rounding, start=start).fill is Fill.NONE


@given(sides, sizes, st.floats(0.001, 0.89) | st.floats(1.11, 1.74))
def test_a_part_of_an_order_cannot_be_told(side: str, size: float, part: float) -> None:
    assert judged(side, size, sign(side) * part * size).fill is Fill.UNCLEAR


@given(sides, sizes, st.floats(0.001, 5.0))
def test_a_change_the_other_way_cannot_be_told(side: str, size: float, part: float) -> None:
    assert judged(side, size, -sign(side) * part * size).fill is Fill.UNCLEAR


@pytest.mark.parametrize(
    ("multiple", "fill"),
    [
        (0.0, Fill.NONE),
        (1e-8, Fill.NONE),
        (-2e-8, Fill.NONE),
        (2e-8, Fill.NONE),
        (3e-8, Fill.UNCLEAR),
        (-3e-8, Fill.UNCLEAR),
        (0.04, Fill.UNCLEAR),
        (0.8999, Fill.UNCLEAR),
        (0.9, Fill.ONCE),
        (1.0, Fill.ONCE),
        (1.1, Fill.ONCE),
        (1.1001, Fill.UNCLEAR),
        (1.7499, Fill.UNCLEAR),
        (1.75, Fill.SEVERAL),
        (2.0, Fill.SEVERAL),
        (100.0, Fill.SEVERAL),
        (float("nan"), Fill.UNCLEAR),
    ],
)
def test_the_limits_belong_to_the_clear_answer(multiple: float, fill: Fill) -> None:
    paid = {"TESTUSD": 1.0}
    assert change(PAIR, "LONG", 1.0, paid, {**paid, "TESTBTC": multiple}).fill is fill


def test_a_wallet_that_nothing_was_ever_in_need_not_be_named() -> None:
    paid = {"TESTUSD": 9.0}
    assert change(PAIR, "LONG", 0.5, paid, {**paid, "TESTBTC": 0.5}) == Change(0.5, 0.0, 1.0, Fill.ONCE)
    assert change(PAIR, "SHORT", 0.5, {**paid, "TESTBTC": 0.5}, paid) == Change(-0.5, 0.0, 1.0, Fill.ONCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"TESTUSD": 9.0}, {"TESTUSD": 9.0}),
        ({}, {"TESTBTC": 10.0, "TESTUSD": 9.0}),
        ({"TESTBTC": 10.0, "TESTUSD": 9.0}, {}),
        ({"TESTBTC": 10.0}, {"TESTBTC": 10.0}),
    ],
)
def test_wallets_that_do_not_name_what_was_traded_say_nothing(
    before: dict[str, float], after: dict[str, float]
) -> None:
    assert change(PAIR, "LONG", 0.5, before, after).fill is Fill.UNREADABLE


def test_another_pairs_order_that_is_paid_for_meanwhile_changes_nothing() -> None:
    found = judged("LONG", 0.5, 0.5, -4000.0)
    assert (found.fill, found.multiple) == (Fill.ONCE, 1.0)


def told(fill: Fill | None, moved: tuple[float, float] | None, multiple: float | None) -> str:
    return told_change(Order("x", 1, PAIR, "LONG", 0.5, None, 1, fill=fill, moved=moved, multiple=multiple))


def test_what_the_wallets_showed_is_said_with_both_currencies() -> None:
    said = "+0.50000000 TESTBTC, -35,807.90 TESTUSD, 1.00 times the order"
    assert told(Fill.ONCE, (0.5, -35807.9), 1.0) == said
    assert told(None, (0.5, -35807.9), 1.0) == said
    assert told(Fill.SEVERAL, (0.5, -35807.9), 1.0) == said
    assert told(Fill.UNCLEAR, (0.5, -35807.9), 1.0) == f"cannot tell: {said}"
    assert told(Fill.NONE, (0.5, -35807.9), 1.0) == f"they did not move ({said})"


@pytest.mark.parametrize(("moved", "multiple"), [(None, None), (None, 1.0), ((0.5, 1.0), None)])
def test_wallets_that_could_not_be_read_are_said_to_be_so(
    moved: tuple[float, float] | None, multiple: float | None
) -> None:
    assert told(Fill.UNREADABLE, moved, multiple) == "the wallets could not be read before or after it"
