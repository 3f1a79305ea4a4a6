"""The orders of a journal, by replaying it: what each came to, and what may not be (order protocol, Invariants)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from genesis_ops.journal.record import Kind, Record
from genesis_ops.journal.wallet import Fill
from genesis_ops.words import day, iso

MANUAL = "manual"
"""The purpose of an order that a person sends to see that orders work; the runner's own have none."""

_FOLLOWS: Mapping[Kind, frozenset[Kind]] = {
    Kind.DECIDED: frozenset({Kind.ARMED, Kind.BLOCKED, Kind.EXPIRED}),
    Kind.ARMED: frozenset({Kind.ACKED, Kind.REJECTED, Kind.UNKNOWN}),
    Kind.ACKED: frozenset({Kind.EVIDENCE, Kind.RESOLVED}),
    Kind.UNKNOWN: frozenset({Kind.EVIDENCE, Kind.RESOLVED}),
    Kind.REJECTED: frozenset(),
    Kind.BLOCKED: frozenset(),
    Kind.EXPIRED: frozenset(),
}
"""Which records may follow an order's label: ARMED only once and only after DECIDED, whatever happens."""


class Contradiction(ValueError):
    """A record that cannot follow from those before it, such as a second ARMED for one candle."""


class Start(NamedTuple):
    """A live run's beginning (ms, UTC), and under which rules it may order."""

    number: int
    at_ms: int
    market: str
    symbol: str
    champion_sha256: str
    config_hash: str
    override: str


class Order(NamedTuple):
    """One decided order; times in ms (UTC, the host's clock), ``candle_ts`` is the candle's open time.

    A manual one has no candle: ``candle_ts`` is when it was asked for.
    ``label`` is what is known of it, ``fill`` what the wallets said, ``resolved`` what an operator said (filled?).
    """

    id: str
    candle_ts: int
    symbol: str
    side: str
    size: float
    price: float | None
    decided_ms: int
    config_hash: str = ""
    label: Kind = Kind.DECIDED
    label_ms: int = 0
    armed_ms: int | None = None
    reason: str = ""
    latency_ms: int | None = None
    order_id: int | None = None
    size_taken: float | None = None
    reply: Any = None
    before: Mapping[str, float] | None = None
    after: Mapping[str, float] | None = None
    fill: Fill | None = None
    multiple: float | None = None
    moved: tuple[float, float] | None = None
    resolved: bool | None = None
    resolved_by: str = ""
    purpose: str = ""

    @property
    def wants_evidence(self) -> bool:
        """Whether the wallets can still tell something that nobody has said yet."""
        return self.label in {Kind.ACKED, Kind.UNKNOWN} and self.fill is None and self.resolved is None

    @property
    def open(self) -> bool:
        """Whether the runner has something left to do for it."""
        return self.label in {Kind.DECIDED, Kind.ARMED} or self.wants_evidence

    @property
    def unresolved(self) -> bool:
        """Whether nobody knows if it was filled, or it was filled several times: no order may follow it."""
        if self.resolved is not None:
            return False
        in_doubt = self.label is Kind.UNKNOWN and self.fill not in {Fill.NONE, Fill.ONCE}
        return self.label is Kind.ARMED or in_doubt or self.fill is Fill.SEVERAL

    @property
    def submitted(self) -> bool:
        """Whether the exchange got it, as far as anybody knows."""
        if self.resolved is not None:
            return self.resolved
        return self.label is Kind.ACKED or (self.label is Kind.UNKNOWN and self.fill in {Fill.ONCE, Fill.SEVERAL})

    @property
    def executed(self) -> float | None:
        """How much the wallets say was bought or sold; None while they have said nothing."""
        return None if self.moved is None else abs(self.moved[0])


def manual_id(at_ms: int) -> str:
    """Name an order that was asked for by hand at a time (ms, UTC): ``manual-20260205-131502``."""
    return f"{MANUAL}-{day(at_ms)}-{iso(at_ms)[11:19].replace(':', '')}"


def order_id(candle_ts: int) -> str:
    """Name the runner's order for a candle: ``20260205-1300``, the candle's open time (UTC)."""
    return f"{day(candle_ts)}-{iso(candle_ts)[11:16].replace(':', '')}"


_NAMES = {"": order_id, MANUAL: manual_id}
"""How an order is named, by its purpose."""


class Book:
    """All orders of a journal, oldest first, and the beginnings of its live runs."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.starts: list[Start] = []
        self.submitted = 0
        """How many of the runner's orders the exchange got, as far as anybody knows."""
        self.armed = 0
        """How many of the runner's requests may have left."""
        self._places: dict[str, int] = {}
        self._open: dict[str, None] = {}
        self._unresolved: dict[str, None] = {}

    @property
    def open(self) -> tuple[Order, ...]:
        """The orders that the runner has something left to do for, oldest first."""
        return tuple(self.orders[name] for name in self._open)

    @property
    def unresolved(self) -> tuple[Order, ...]:
        """The orders in doubt, oldest first; one can come into doubt after a later one did."""
        return tuple(self.orders[name] for name in sorted(self._unresolved, key=self._places.__getitem__))

    def take(self, record: Record) -> None:
        """Add a record; Contradiction if it cannot be, and then nothing is added."""
        found = self.require_possible(record)
        if isinstance(found, Start):
            self.starts.append(found)
        else:
            self._put(found)

    def require_possible(self, record: Record) -> Order | Start:
        """Give what the record makes of its order; Contradiction if it cannot follow from those before it."""
        try:
            if record.kind is Kind.STARTED:
                return _start(record)
            return self._new(record) if record.kind is Kind.DECIDED else self._changed(record)
        except Contradiction:
            raise
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise Contradiction(f"record {record.number} lacks something: {error!r}") from error

    def _new(self, record: Record) -> Order:
        order = _decided(record)
        if order.purpose not in _NAMES:
            raise Contradiction(f"{order.id} has a purpose that nobody knows")
        if order.id != (own := _NAMES[order.purpose](order.candle_ts)):
            raise Contradiction(f"{order.id} is the order of a candle whose order is named {own}")
        if order.id in self.orders:
            raise Contradiction(f"{order.id} is decided twice")
        return order

    def _changed(self, record: Record) -> Order:
        name, kind = record.content["id"], record.kind
        order = self.orders.get(name)
        if order is None:
            raise Contradiction(f"{name} is {kind} and was never decided")
        if kind not in _FOLLOWS[order.label]:
            raise Contradiction(f"{name} is {order.label} and cannot become {kind}")
        if (order.fill if kind is Kind.EVIDENCE else order.resolved) is not None:
            raise Contradiction(f"{name} has become {kind} before")
        return _CHANGES.get(kind, _labelled)(order, record)

    def _put(self, order: Order) -> None:
        former = self.orders.get(order.id)
        self._places.setdefault(order.id, len(self.orders))
        self.orders[order.id] = order
        if order.purpose != MANUAL:
            self.submitted += order.submitted - (former is not None and former.submitted)
            self.armed += order.label is Kind.ARMED
        for names, belongs in ((self._open, order.open), (self._unresolved, order.unresolved)):
            if belongs:
                names[order.id] = None
            else:
                names.pop(order.id, None)


def _start(record: Record) -> Start:
    content = record.content
    names = ("market", "symbol", "champion_sha256", "config_hash", "override")
    return Start(record.number, record.at_ms, *(str(content[name]) for name in names))


def _decided(record: Record) -> Order:
    content = record.content
    return Order(
        id=str(content["id"]),
        candle_ts=int(content["candle_ts"]),
        symbol=str(content["symbol"]),
        side=str(content["side"]),
        size=float(content["size"]),
        price=content["price"],
        decided_ms=record.at_ms,
        config_hash=str(content["config_hash"]),
        label_ms=record.at_ms,
        purpose=str(content.get("purpose", "")),
    )


def _armed(order: Order, record: Record) -> Order:
    before = record.content["before"]
    return order._replace(label=Kind.ARMED, label_ms=record.at_ms, armed_ms=record.at_ms, before=before)


def _labelled(order: Order, record: Record) -> Order:
    content = record.content
    return order._replace(
        label=record.kind,
        label_ms=record.at_ms,
        reason=str(content.get("reason", "")),
        latency_ms=content.get("latency_ms"),
        order_id=content.get("order_id"),
        size_taken=content.get("size_taken"),
        reply=content.get("reply"),
    )


def _seen(order: Order, record: Record) -> Order:
    content = record.content
    moved = content["moved"]
    return order._replace(
        fill=Fill(content["fill"]),
        multiple=content["multiple"],
        moved=None if moved is None else (float(moved[0]), float(moved[1])),
        after=content["after"],
    )


def _resolved(order: Order, record: Record) -> Order:
    by = f"{record.content['by']}: {record.content['reason']}"
    return order._replace(resolved=bool(record.content["filled"]), resolved_by=by)


_CHANGES = {Kind.ARMED: _armed, Kind.EVIDENCE: _seen, Kind.RESOLVED: _resolved}
