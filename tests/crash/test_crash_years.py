"""Simulated years of orders with faults at one operation in a hundred, and whatever else a machine can think of."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

sys.path.append(str(Path(__file__).parent))

from crash_desk import START_MS, Desk
from crash_world import place, spread

from genesis_ops.journal.wallet import Fill
from genesis_ops.words import HOUR_MS

WEEK_HOURS = 7 * 24
WEEKS = 52
"""A year is as many worlds as it has weeks: with a fault in every sixth order most of the time goes into replaying."""
_MOST_TICKS = 16


def live(desk: Desk, hours: int) -> None:
    """An order in every seventh hour, cycles while there is something to do, an operator once a day."""
    for hour in range(1, hours + 1):
        left_ms = START_MS + hour * HOUR_MS - desk.clock.now_ms()
        desk.clock.wait(max(0.001, left_ms / 1000 + 0.2))
        if desk.chance.pick(range(7)) == 0:
            desk.close(desk.chance.pick(("LONG", "SHORT")), round(desk.chance.between(0.001, 0.05), 4))
        for _ in range(_MOST_TICKS):
            desk.tick()
            if not desk.orders.busy:
                break
        if hour % 24 == 0 and desk.orders.trouble:
            desk.resolve()
    desk.chance.rate = 0.0
    desk.resolve()
    for _ in range(_MOST_TICKS):
        desk.tick()


def week(seed: int) -> str:
    with place() as root:
        desk = Desk(root, seed)
        live(desk, WEEK_HOURS)
        desk.assert_holds()
        book = desk.journal().book
        assert not book.open
        figures = Counter(str(order.label) for order in book.orders.values())
        figures.update(starts=desk.starts, faults=desk.chance.drawn.total(), posts=desk.exchange.posts.total())
        figures["several"] = sum(order.fill is Fill.SEVERAL for order in book.orders.values())
    return " ".join(f"{name}={figures[name]}" for name in sorted(figures))


def years(count: int, first: int = 0) -> None:
    told = spread(week, list(range(first * WEEKS, (first + count) * WEEKS)))
    total: Counter[str] = Counter()
    for line in told:
        total.update({name: int(number) for name, number in (pair.split("=") for pair in line.split())})
    print(f"\n{count} years, 0 breaks: {dict(total)}")
    assert total["faults"] > 300 * count
    assert total["posts"] > 1_000 * count


def test_in_three_years_with_faults_at_one_operation_in_a_hundred_nothing_breaks() -> None:
    years(3)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_in_a_thousand_years_neither(part: int) -> None:
    years(50, first=part * 50)


def test_a_seed_repeats_a_run_to_the_byte() -> None:
    def bytes_of(seed: int) -> dict[str, bytes]:
        with place() as root:
            desk = Desk(root, seed, rate=0.05)
            live(desk, 24 * 10)
            return {path.name: path.read_bytes() for path in sorted(root.glob("runner_orders_*"))}

    assert bytes_of(3) == bytes_of(3)
    assert bytes_of(3) != bytes_of(4)


class Protocol(RuleBasedStateMachine):
    """Any order of closes, cycles, deaths, answers of the API, and operators."""

    def __init__(self) -> None:
        super().__init__()
        self._place = place()
        self.desk = Desk(self._place.__enter__(), seed=0, rate=0.0)
        self.hour = 0

    def teardown(self) -> None:
        self._place.__exit__(None, None, None)

    @rule(hours=st.integers(1, 3), side=st.sampled_from(["LONG", "SHORT"]), late=st.floats(0, 900))
    def close(self, hours: int, side: str, late: float) -> None:
        now = (self.desk.clock.now_ms() - START_MS) // HOUR_MS + hours
        self.desk.clock.wait((START_MS + now * HOUR_MS - self.desk.clock.now_ms()) / 1000 + late)
        self.desk.close(side)

    @rule(seconds=st.floats(1, 200))
    def tick(self, seconds: float) -> None:
        self.desk.tick(seconds)

    @rule(seed=st.integers(0, 10_000), rate=st.sampled_from([0.02, 0.1, 0.3]))
    def trouble(self, seed: int, rate: float) -> None:
        """A cycle in which things go wrong."""
        former, self.desk.chance = self.desk.chance, type(self.desk.chance)(seed, rate)
        try:
            self.desk.tick()
        finally:
            self.desk.chance = former

    @rule()
    def restart(self) -> None:
        self.desk.orders = self.desk.attempt(self.desk.start)

    @rule(said=st.sampled_from(["", "lost", "refused", "silent", "internal error", "doubled", "tripled", "status"]))
    def api(self, said: str) -> None:
        self.desk.api_says = said

    @rule(latched=st.booleans())
    def latch(self, latched: bool) -> None:
        self.desk.latched = latched

    @rule()
    def operator(self) -> None:
        self.desk.resolve()

    @invariant()
    def holds(self) -> None:
        self.desk.assert_holds()


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
