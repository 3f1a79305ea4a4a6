"""All about one candle in one line, while a live run's first three hours are watched (CR-001, Testing 3)."""

from typing import TYPE_CHECKING, Any

import pytest

from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind
from genesis_ops.runlog.events import CandleWatched
from genesis_ops.runner.watch import WATCHED_SECONDS, Watched, told

if TYPE_CHECKING:
    from conftest import Day

CANDLE = Watched(1_770_296_400_000, 71_234.5, "LONG")  # opened at 2026-02-05 13:00 UTC


def order(label: Kind = Kind.DECIDED, **known: Any) -> Order:
    return Order(
        id="20260205-1300",
        candle_ts=CANDLE.ts,
        symbol="tTESTBTC:TESTUSD",
        side="LONG",
        size=0.012,
        price=71_234.5,
        decided_ms=0,
        label=label,
        **known,
    )


ACKED = {"label": Kind.ACKED, "latency_ms": 400, "order_id": 12345, "multiple": 1.0}


def test_a_candle_without_an_order_is_told_with_its_close_and_action() -> None:
    assert told(CANDLE._replace(action="NONE"), None) == "13:00 close 71,234.50 NONE"


def test_an_acknowledged_order_is_told_with_its_number_its_time_and_the_wallets() -> None:
    assert told(CANDLE, order(**ACKED)) == "13:00 close 71,234.50 LONG 0.012 acked in 0.4s order 12345, wallets 1.00x"


@pytest.mark.parametrize(
    ("found", "end"),
    [
        (order(**ACKED | {"multiple": None}), "acked in 0.4s order 12345, wallets not read"),
        (order(**ACKED | {"multiple": 0.0}), "acked in 0.4s order 12345, wallets 0.00x"),
        (
            order(Kind.UNKNOWN, reason="no reply within 90s", latency_ms=90_000, multiple=1.0),
            "unknown (no reply within 90s) in 90.0s, wallets 1.00x",
        ),
        (
            order(Kind.REJECTED, reason="refused", latency_ms=0),
            "rejected (refused) in 0.0s, wallets not read",
        ),
        (order(Kind.BLOCKED, reason="the stop latch is set"), "blocked: the stop latch is set"),
        (
            order(Kind.EXPIRED, reason="its candle closed too early"),
            "expired: its candle closed too early",
        ),
        (order(Kind.UNKNOWN, reason="the runner ended"), "unknown: the runner ended"),
    ],
)
def test_an_order_that_came_to_something_else_says_what_and_why(found: Order, end: str) -> None:
    assert told(CANDLE, found) == f"13:00 close 71,234.50 LONG 0.012 {end}"


def watched(day: "Day") -> list[str]:
    return [event.told for event in day.events(CandleWatched)]


def test_every_candle_of_the_first_three_hours_is_told_once_and_none_after(desk: "Day") -> None:
    before = len(watched(desk))
    desk.live(5 * 60)
    found = watched(desk)[before:]
    assert [line[:5] for line in found] == ["13:00", "14:00", "15:00"]
    assert all(" LONG 0.015 acked in 0.0s order 20000000" in line for line in found)
    assert all(line.endswith(", wallets 1.00x") for line in found)


def test_the_three_hours_begin_with_the_run() -> None:
    assert WATCHED_SECONDS == 3 * 60 * 60


def test_a_dry_run_is_not_watched(day: "Day") -> None:
    day.run(130)
    assert not watched(day)


def test_a_blocked_order_is_told_at_once(desk: "Day") -> None:
    desk.wire.decision = ("LONG", None)
    desk.live(4)
    assert watched(desk)[-1] == "13:00 close 71,655.70 LONG 0 blocked: the strategy named no size"


def test_an_order_in_doubt_is_told_when_the_wallets_have_spoken(desk: "Day") -> None:
    desk.fault("submit-timeout@0s+6m")
    desk.live(4)
    assert not watched(desk)[1:]
    desk.live(8)
    assert len(watched(desk)) == 1, "a restart does not tell what another run evaluated"


def test_an_order_that_is_still_looked_at_is_told_when_the_next_candle_is_evaluated(desk: "Day") -> None:
    desk.fault("submit-lost@0s+6m", "wallets-error@181s+59m")
    desk.live(64)
    assert watched(desk)[-2].startswith("13:00 close 71,655.70 LONG 0.015 unknown (")
    assert watched(desk)[-2].endswith(") in 0.0s, wallets not read")
