"""Do the orders explain what the wallets did: readings from the first to the last, and what moved outside of them."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from genesis_ops.checks.phase_evidence import Balances, PhaseEvidence
from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import DUST

CENT = 0.01
"""Up to this difference of the quote currency nothing happened: each reading is rounded, and a price is never less."""


class Moved(NamedTuple):
    """A change of the wallets in base and quote currency."""

    base: float
    quote: float

    @property
    def nothing(self) -> bool:
        """Whether it is no more than rounding."""
        return abs(self.base) <= DUST and abs(self.quote) <= CENT


class Account(NamedTuple):
    """What the wallets did between two readings, what the orders in between say of it, and what nobody explains.

    ``unseen`` are orders that may have moved them and of which nobody read how much; ``outside`` are neighbouring
    readings between which the wallets moved while no order was under way.
    """

    first: Balances
    last: Balances
    changed: Moved
    explained: Moved
    unseen: tuple[Order, ...]
    outside: tuple[tuple[Balances, Balances, Moved], ...]

    @property
    def rest(self) -> Moved:
        """What the orders do not explain."""
        return Moved(
            round(self.changed.base - self.explained.base, 8), round(self.changed.quote - self.explained.quote, 8)
        )


def account(evidence: PhaseEvidence) -> Account | None:
    """Hold the wallets against the orders; None where they were not read twice."""
    coins = evidence.coins
    named = [each for each in evidence.wallets if any(coin in each.amounts for coin in coins)]
    if len(named) < 2:  # noqa: PLR2004 - a change needs two readings
        return None
    first, last = named[0], named[-1]
    inside = [order for order in evidence.orders if _within(order, first, last)]
    told = [order.moved for order in inside if order.moved is not None]
    explained = Moved(round(sum(base for base, _ in told), 8), round(sum(quote for _, quote in told), 8))
    unseen = tuple(order for order in inside if order.moved is None and _may_have_moved(order))
    outside = _outside(coins, named, inside)
    return Account(first, last, moved(coins, first, last), explained, unseen, outside)


def moved(coins: tuple[str, str], before: Balances, after: Balances) -> Moved:
    """Tell by how much the traded currencies changed between two readings."""
    base, quote = (round(after.amounts.get(coin, 0.0) - before.amounts.get(coin, 0.0), 8) for coin in coins)
    return Moved(base, quote)


def _within(order: Order, first: Balances, last: Balances) -> bool:
    """Whether an order's request left between two readings; one that the last reading preceded moved nothing yet."""
    if order.armed_ms is None or order.armed_ms < first.at_ms:
        return False
    return order.armed_ms < last.at_ms or (order.after is not None and order.armed_ms == last.at_ms)


def _may_have_moved(order: Order) -> bool:
    """Whether an order can have been filled; that nobody could read the wallets about it proves nothing."""
    return order.label is not Kind.REJECTED and order.resolved is not False


def _outside(
    coins: tuple[str, str], named: Sequence[Balances], orders: Sequence[Order]
) -> tuple[tuple[Balances, Balances, Moved], ...]:
    """Name neighbouring readings between which something moved, and no order's request left.

    What was read about an order can stand behind another reading that was taken while it was under way.
    """
    sent = {f"order {order.id}": order.armed_ms for order in orders if order.armed_ms is not None}
    times = sorted(sent.values())
    steps = (
        (before, after, moved(coins, before, after))
        for before, after in pairwise(named)
        if bisect_left(times, before.at_ms) == bisect_left(times, after.at_ms)
        and sent.get(after.source, after.at_ms) >= after.at_ms
    )
    return tuple(step for step in steps if not step[2].nothing)
