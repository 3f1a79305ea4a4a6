"""Looking for what was sent in the wallets: what they show is written down, and nothing here ever sends.

They are believed once two readings past the API's cache agree; one that shows no whole fill is given a minute more
(order protocol, Outcomes).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from genesis_ops.clients.clock import Clock
from genesis_ops.clients.paper import CACHE_SECONDS, SUBMIT_SECONDS, Label, PaperApi
from genesis_ops.errors import AbortCondition, PaperFailure
from genesis_ops.journal.book import Order
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import Change, Fill, change, currencies, told_change

PAST_CACHE_SECONDS = CACHE_SECONDS + 1.0
_SLOW_FILL_SECONDS = 60.0
"""How long wallets that do not show one whole fill are looked at again before they are believed."""
_GIVE_UP_SECONDS = 600.0
_OPEN_LONGER_SECONDS = 60.0


class _Look(NamedTuple):
    """Since when (monotonic seconds) an order's wallets are looked at, when next, and what the last look showed.

    ``settled`` is when the API has done all that it may do.
    """

    since: float
    due: float
    settled: float
    seen: Change | None = None


class Looks:
    """The orders of one pair that are looked for; ``told`` hears of each that something was found out about."""

    def __init__(
        self, journal: Journal, paper: PaperApi, clock: Clock, symbol: str, told: Callable[[Order], None]
    ) -> None:
        self._journal, self._paper, self._clock = journal, paper, clock
        self._symbol, self._told = symbol, told
        self._looks: dict[str, _Look] = {}

    def wallets(self) -> dict[str, float] | None:
        """Read the wallets; None if they do not name what the pair is paid with, because they hold nothing then."""
        with suppress(PaperFailure):
            wallets = self._paper.wallets()
            return wallets if currencies(self._symbol)[1] in wallets else None
        return None

    def begin(self, name: str, label: Label, began: float) -> None:
        """Look for an order from now on, whose request left at ``began`` (monotonic seconds)."""
        ended = self._clock.monotonic()
        settled = began + SUBMIT_SECONDS if label is Label.UNKNOWN else ended
        self._looks[name] = _Look(began, settled + PAST_CACHE_SECONDS, settled)

    def forget(self, name: str) -> None:
        """Look for an order no longer."""
        self._looks.pop(name, None)

    def soon(self, name: str) -> bool:
        """Whether something may still be found out about an order before long."""
        look = self._looks.get(name)
        return look is None or self._clock.monotonic() - look.since < _GIVE_UP_SECONDS

    def look(self, order: Order) -> None:
        """Read the wallets when it is time, and believe them once two readings past the cache agree.

        Raises:
            WriteFailed: what they show is not on the disk.
        """
        now = self._clock.monotonic()
        settled = now + (SUBMIT_SECONDS if order.label is Kind.UNKNOWN else 0.0)
        look = self._looks.setdefault(order.id, _Look(now, settled + PAST_CACHE_SECONDS, settled))
        if order.before is None:
            self._conclude(order, None, None)
            return
        if now < look.due:
            return
        after = self.wallets()
        seen = None if after is None else _change(order, after)
        if seen is None or seen.fill is Fill.UNREADABLE:
            self._not_readable(order, look)
            return
        agreed = look.seen is not None and look.seen.fill is seen.fill
        slow = seen.fill in {Fill.UNCLEAR, Fill.NONE} and now < look.settled + _SLOW_FILL_SECONDS
        if agreed and not slow:
            self._conclude(order, seen, after)
        else:
            self._looks[order.id] = look._replace(due=now + PAST_CACHE_SECONDS, seen=seen)

    def end(self, wallets: Mapping[str, float] | None) -> None:
        """Take the last look at orders whose wallets are still looked at: the next one moves them too.

        Raises:
            WriteFailed: what they show is not on the disk.
        """
        for order in self._journal.book.open:
            if order.label is Kind.ACKED:
                unreadable = wallets is None or order.before is None
                self._conclude(order, None if unreadable else _change(order, wallets or {}), wallets)

    def _not_readable(self, order: Order, look: _Look) -> None:
        """Try again for ten minutes; after that an acknowledged order is left at that, a doubtful one never."""
        now = self._clock.monotonic()
        long = now - look.since >= _GIVE_UP_SECONDS
        if long and order.label is Kind.ACKED:
            self._conclude(order, None, None)
        else:
            pause = _OPEN_LONGER_SECONDS if long else PAST_CACHE_SECONDS
            self._looks[order.id] = look._replace(due=now + pause, seen=None)

    def _conclude(self, order: Order, seen: Change | None, after: Mapping[str, float] | None) -> None:
        self._looks.pop(order.id, None)
        fill = Fill.UNREADABLE if seen is None else seen.fill
        seen = None if fill is Fill.UNREADABLE else seen
        self._journal.append(
            Kind.EVIDENCE,
            id=order.id,
            fill=str(fill),
            multiple=None if seen is None else seen.multiple,
            moved=None if seen is None else [seen.base, seen.quote],
            after=after,
        )
        self._told(self._journal.book.orders[order.id])


def require_once(order: Order) -> None:
    """Let nothing go on after an order that the wallets show several times.

    Raises:
        AbortCondition: they do.
    """
    if order.fill is Fill.SEVERAL:
        raise AbortCondition(
            f"order {order.id} was filled several times: {told_change(order)}",
            notes=("no order is sent until somebody has looked at it",),
            next_command=f'genesis-ops orders resolve {order.id} --filled --reason "..."',
        )


def _change(order: Order, after: Mapping[str, float]) -> Change:
    return change(order.symbol, order.side, order.size_taken or order.size, order.before or {}, after)
