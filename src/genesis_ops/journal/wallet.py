"""What a change of the wallets says of an order, as a pure judgement (order protocol, Outcomes).

Positions can be empty and orders gone while everything works; a fill of a spot order shows in the wallet (runbook,
Day 1 step 3). What counts is the coin that was bought or sold: what it cost can move for another pair's order as well.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from genesis_ops.journal.book import Order

DUST = 2e-8
"""Up to this change of the base currency nothing was filled: rounding. The API may change a size to any part of it."""
_ONCE = (0.9, 1.1)
_SEVERAL = 1.75
"""From so many times its size on it was filled more than once."""


class Fill(StrEnum):
    """What the wallets say of an order."""

    NONE = "none"
    ONCE = "once"
    SEVERAL = "several"
    UNCLEAR = "unclear"
    """They moved, but by no multiple of the order: a part of it, or somebody else's trade."""
    UNREADABLE = "unreadable"
    """They could not be read before or after it, or do not name what was traded."""


class Change(NamedTuple):
    """By how much the wallets changed in base and quote currency, and how many times the order that is (bought: +)."""

    base: float
    quote: float
    multiple: float
    fill: Fill


def currencies(symbol: str) -> tuple[str, str]:
    """Name the base and the quote currency of a paper pair: ``tTESTBTC:TESTUSD``."""
    base, _, quote = symbol.removeprefix("t").partition(":")
    return base, quote


def change(symbol: str, side: str, size: float, before: Mapping[str, float], after: Mapping[str, float]) -> Change:
    """Judge how often an order of a size (in base currency, above 0) was filled between two readings.

    A wallet that nothing was ever in may not be named, but a reading that does not name the quote currency, or two that
    do not name the base currency, are no evidence of anything.
    """
    base, quote = currencies(symbol)
    silent = quote not in before or quote not in after or not (base in before or base in after)
    moved = after.get(base, 0.0) - before.get(base, 0.0)
    paid = after.get(quote, 0.0) - before.get(quote, 0.0)
    multiple = (moved if side == "LONG" else -moved) / size
    fill = Fill.UNREADABLE if silent else _fill(moved, multiple)
    return Change(round(moved, 8), round(paid, 8), round(multiple, 4), fill)


def told_change(order: "Order") -> str:
    """Say what the wallets showed of an order."""
    if order.moved is None or order.multiple is None:
        return "the wallets could not be read before or after it"
    base, quote = currencies(order.symbol)
    told = f"{order.moved[0]:+.8f} {base}, {order.moved[1]:+,.2f} {quote}, {order.multiple:.2f} times the order"
    return {Fill.NONE: f"they did not move ({told})", Fill.UNCLEAR: f"cannot tell: {told}"}.get(
        order.fill or Fill.ONCE, told
    )


def _fill(moved: float, multiple: float) -> Fill:
    if abs(moved) <= DUST:
        return Fill.NONE
    if _ONCE[0] <= multiple <= _ONCE[1]:
        return Fill.ONCE
    return Fill.SEVERAL if multiple >= _SEVERAL else Fill.UNCLEAR
