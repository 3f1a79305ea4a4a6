"""All about one candle of a live run in one line, while its first three hours are watched (CR-001, Testing 3)."""

from typing import NamedTuple

from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind
from genesis_ops.words import clock_time

WATCHED_SECONDS = 3 * 3600


class Watched(NamedTuple):
    """A candle that was evaluated (open time in ms, closing price), and what for."""

    ts: int
    close: float
    action: str


def told(watched: Watched, order: Order | None) -> str:
    """Say it: candle, close, action, and what came of its order."""
    head = f"{clock_time(watched.ts)} close {watched.close:,.2f} {watched.action}"
    return head if order is None else f"{head} {order.size:g} {_outcome(order)}"


def _outcome(order: Order) -> str:
    if order.latency_ms is None:
        return f"{order.label}: {order.reason}"
    number = "" if order.order_id is None else f" order {order.order_id}"
    wallets = "wallets not read" if order.multiple is None else f"wallets {order.multiple:.2f}x"
    label = f"{order.label}{f' ({order.reason})' if order.label is not Kind.ACKED else ''}"
    return f"{label} in {order.latency_ms / 1000:.1f}s{number}, {wallets}"
