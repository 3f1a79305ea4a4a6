"""What keeps the orders of live-paper from leaving: a start in a spoiled root, up to its end shortly after a close."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

from genesis_ops.collect.journal import read_journal
from genesis_ops.errors import GenesisError, WriteFailed
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.drill_clock import InterruptedClock
from genesis_ops.rehearsal.drill_root import AFTERWARDS_MS, BEFORE_MS, Root, Transport, surroundings
from genesis_ops.runner.start import Surroundings, start
from genesis_ops.sandbox.wire import SUBMIT


class Refusal(NamedTuple):
    """What kept orders from leaving: why each was not sent, why the run was refused or ended, and its notes."""

    orders: tuple[str, ...]
    message: str = ""
    notes: tuple[str, ...] = ()
    sent: int = 0
    """How many orders arrived in spite of it."""

    def told(self) -> str:
        """Say it in one line."""
        return "; ".join(filter(None, (*self.orders, self.message, *self.notes)))


def refusal(root: Root) -> Refusal:
    """Start live-paper shortly before a close that asks for an order, and see what keeps that from leaving.

    Raises:
        WriteFailed: the copy cannot be written.
    """
    found = Refusal(())
    try:
        start(root.settings, _live(root), candles=None, rebuild=False, mode=root.mode)
    except WriteFailed:
        raise
    except GenesisError as error:
        found = Refusal((), error.message, error.notes)
    except Exception as error:  # noqa: BLE001 - a run that ends in this way was not refused
        found = Refusal((), f"the run itself failed: {type(error).__name__}: {error}")
    orders = read_journal(root.logs).book.orders.values()
    unsent = [order.reason for order in orders if order.label in {Kind.BLOCKED, Kind.EXPIRED}]
    reasons = tuple(reason for text in unsent for reason in text.split("; "))
    return found._replace(orders=reasons, sent=root.sandbox.requests["POST", SUBMIT])


def _live(root: Root) -> Surroundings:
    """Surround a live run with what its root makes of the world, at its locks and once it is under way."""
    until_ms = root.clock.now_ms() + BEFORE_MS + AFTERWARDS_MS
    clock = InterruptedClock(root.clock, partial(_once, root, "at_locks"))
    around = surroundings(clock, Transport(root), until_ms=until_ms)
    return replace(around, watch=lambda _: _once(root, "under_way"), free_bytes=root.free)


def _once(root: Root, moment: str) -> None:
    spoil = getattr(root, moment)
    setattr(root, moment, None)
    if spoil is not None:
        spoil(root)
