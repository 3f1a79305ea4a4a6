"""The order protocol alone, with a real journal, against an exchange that fills as it likes: a year takes seconds.

What can go wrong is drawn from a seed before every operation: the process dies before or after it, a write fails whole
or in part, the API loses, doubles, refuses or never answers, the wallets cannot be read or are stale. ``truth`` is what
the exchange really did, which the protocol never sees.
"""

import errno
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genesis_ops.clients.paper import Label, PaperOrder, Submission
from genesis_ops.errors import AbortCondition, PaperFailure, WriteFailed
from genesis_ops.journal.book import Order, order_id
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.runlog.events import Event
from genesis_ops.runlog.writer import DayFile
from genesis_ops.runner.orders import Decision, Hands, Orders, label_the_armed
from genesis_ops.state.claim import claim_of
from genesis_ops.state.model import PendingEvaluation
from genesis_ops.words import HOUR_MS, Timeframe

START_MS = 1_770_206_400_000
PAIR = "tTESTBTC:TESTUSD"
_FEE = 0.0004
_PRICE = 70_000.0


class Killed(BaseException):
    """The process is gone: nothing of it happens any more."""


class Chance:
    """Draws faults from a seed; ``rate`` is the part of the operations at which one happens."""

    def __init__(self, seed: int, rate: float) -> None:
        self._random = random.Random(seed)
        self.rate = rate
        self.drawn: Counter[str] = Counter()

    def of(self, *faults: str) -> str:
        """Name the fault of this operation, or an empty text."""
        if self._random.random() >= self.rate:
            return ""
        fault = self._random.choice(faults)
        self.drawn[fault] += 1
        return fault

    def between(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def pick(self, choices: Any) -> Any:
        return self._random.choice(choices)


class Exchange:
    """What really happens: the wallet, and how often each candle's order was filled."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.wallet = {"TESTBTC": 1000.0, "TESTUSD": 1e9}
        self.truth: Counter[str] = Counter()
        self.posts: Counter[str] = Counter()
        self._cached: tuple[int, dict[str, float]] = (-10_000, {})

    def fill(self, name: str, order: PaperOrder) -> None:
        sign = 1 if order.side == "LONG" else -1
        self.wallet["TESTBTC"] += sign * order.size * (1 - _FEE if sign > 0 else 1)
        self.wallet["TESTUSD"] -= sign * order.size * _PRICE
        self.truth[name] += 1

    def wallets(self) -> dict[str, float]:
        """Show them as the API does, out of a cache of 5 s."""
        if self._clock.now_ms() - self._cached[0] >= 5_000:
            self._cached = self._clock.now_ms(), dict(self.wallet)
        return dict(self._cached[1])


class Api:
    """The paper side as the protocol sees it: fills and answers need not agree."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    def wallets(self) -> dict[str, float]:
        if self._desk.chance.of("wallets unreadable"):
            raise PaperFailure("no items, and an error")
        self._desk.die()
        return self._desk.exchange.wallets()

    def submit(self, order: PaperOrder) -> Submission:
        desk = self._desk
        name = desk.armed_on_disk()
        desk.die()  # between the record and the first byte
        desk.exchange.posts[name] += 1
        fault = desk.api_says or desk.chance.of(
            "lost", "refused", "silent", "internal error", "doubled", "tripled", "status"
        )
        if fault not in {"lost", "refused", "status"}:
            for _ in range({"doubled": 2, "tripled": 3}.get(fault, 1)):
                desk.exchange.fill(name, order)
        desk.die()  # after the order has arrived
        if fault in {"silent", "lost"}:
            desk.clock.wait(90 if fault == "silent" else 1)
            return Submission(Label.UNKNOWN, f"the API is {fault}")
        if fault == "refused":
            return Submission(Label.REJECTED, "invalid_action_or_size")
        if fault in {"internal error", "status"}:
            return Submission(Label.UNKNOWN, fault)
        return Submission(Label.ACKED, "", 2_000_000_000 + sum(desk.exchange.posts.values()), order.size, {"ok": True})


class FaultyFile(DayFile):
    """The journal's file on a disk that fails now and then, and in a process that dies now and then."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk.directory, "runner_orders", durable=False)
        self._desk = desk

    def append(self, at_ms: int, data: bytes) -> None:
        desk = self._desk
        desk.die()
        fault = desk.chance.of("no space", "torn", "short and lost")
        if fault == "torn":
            super().append(at_ms, data[: int(desk.chance.between(0, len(data)))])
            raise Killed
        if fault:
            raise WriteFailed(f"{os.strerror(errno.ENOSPC)} ({fault})")
        super().append(at_ms, data)
        desk.die()

    def sync(self) -> None:
        if self._desk.chance.of("fsync fails"):
            raise WriteFailed(os.strerror(errno.EIO))
        super().sync()


class Feed:
    """The exchange's clock as the protocol sees it."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    def exchange_ms(self) -> int:
        return self._desk.clock.now_ms()

    @property
    def offset_ms(self) -> int | None:
        return 60_000 if self._desk.chance.of("clock off") else 0


class Log:
    """Counts what is said."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    def write(self, event: Event) -> None:
        self._desk.said[type(event).__name__] += 1
        self._desk.die()


class Desk:
    """A year of orders: ``close`` for each candle, ``tick`` for each cycle, and starts anew after each death."""

    def __init__(self, directory: Path, seed: int, rate: float = 0.01) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.clock = VirtualClock(START_MS)
        self.chance = Chance(seed, rate)
        self.exchange = Exchange(self.clock)
        self.said: Counter[str] = Counter()
        self.decided: dict[str, Decision] = {}
        self.starts = 0
        self.api_says = ""
        self.latched = False
        self.orders: Orders = self.attempt(self.start)

    def die(self) -> None:
        """Die here, if that is drawn."""
        if self.chance.of("killed"):
            raise Killed

    def armed_on_disk(self) -> str:
        """Name the order whose ARMED record stands last on the disk: a request leaves for it and for no other."""
        tail = max(self.directory.glob("runner_orders_*.log"), key=lambda path: path.stat().st_mtime_ns)
        last = tail.read_bytes().rstrip(b"\n").rsplit(b"\n", 1)[-1]
        assert b'"kind": "armed"' in last, last
        return last.partition(b'"id": "')[2].partition(b'"')[0].decode()

    # --- a process's life

    def start(self) -> Orders:
        """Recover as the runner does: label what was armed, and journal a decision that the log has alone."""
        self.starts += 1
        journal = Journal(self.directory, self.clock.now_ms, durable=False, wait=self.clock.wait)
        journal._file = FaultyFile(self)
        journal.catch_up()
        label_the_armed(journal, "test")
        with journal.held("test"):
            content = {"market": "m", "symbol": PAIR, "champion_sha256": "c", "config_hash": "h", "override": ""}
            if not journal.book.starts or self.starts % 7 == 0:
                journal.append(Kind.STARTED, **content)
        hands = Hands(
            journal=journal,
            paper=Api(self),  # type: ignore[arg-type]
            feed=Feed(self),  # type: ignore[arg-type]
            clock=self.clock,
            log=Log(self),  # type: ignore[arg-type]
            why_not_operative=lambda: self.chance.of("maintenance"),
            read_latch=lambda: True if self.latched else None,  # type: ignore[arg-type,return-value]
            free_bytes=lambda: 0 if self.chance.of("disk full") else 1 << 30,
            stop_signal=lambda: 15 if self.chance.of("signal") else None,
            claim=claim_of(self.directory, f"{PAIR} 1h", self.directory, durable=False),
        )
        orders = Orders(hands, journal.book.starts[-1], Timeframe.H1, "test")
        for decision in self.decided.values():
            orders.decide(decision)
        self.decided.clear()
        return orders

    def attempt(self, do: Callable[[], Any]) -> Any:
        """Do something, and start again as often as that takes."""
        while True:
            try:
                return do()
            except (Killed, WriteFailed):
                pass
            except AbortCondition:
                self.resolve()
            self.clock.wait(self.chance.between(1, 30))
            if do != self.start:
                self.orders = self.attempt(self.start)
                return None

    def close(self, side: str = "LONG", size: float = 0.015) -> None:
        """Let a candle close that asks for an order; what the log knows is decided, whenever the process dies."""
        ts = self.clock.now_ms() // HOUR_MS * HOUR_MS - HOUR_MS
        decision = Decision(PendingEvaluation(ts, _PRICE, "previous"), side, size, "h")
        self.decided[order_id(ts)] = decision

        def decide() -> None:
            self.orders.decide(decision)
            self.decided.pop(order_id(ts), None)

        self.attempt(decide)

    def tick(self, seconds: float = 10.0) -> None:
        """Do one cycle."""
        self.attempt(self.orders.work)
        self.clock.wait(seconds)

    def journal(self) -> Journal:
        journal = Journal(self.directory, self.clock.now_ms, durable=False, wait=self.clock.wait)
        journal.catch_up()
        return journal

    def resolve(self) -> None:
        """Let an operator look into it, who finds the truth."""
        journal = self.journal()
        with journal.held("operator") as book:
            for order in book.unresolved:
                if order.label is Kind.ARMED:
                    journal.append(Kind.UNKNOWN, id=order.id, reason="nobody recorded what came of it")
                filled = self.exchange.truth[order.id] > 0
                journal.append(Kind.RESOLVED, id=order.id, filled=filled, reason="looked", by="operator")

    # --- what must hold

    def assert_holds(self) -> None:
        """At most one request a candle, each with its record; and what is known is what really happened."""
        book = self.journal().book
        assert max(self.exchange.posts.values(), default=0) <= 1, self.exchange.posts.most_common(3)
        for name in self.exchange.posts:
            assert book.orders[name].armed_ms is not None, name
        assert not self.decided, "a decision that no journal has"
        for order in book.orders.values():
            self._assert_true(order)

    def _assert_true(self, order: Order) -> None:
        filled = self.exchange.truth[order.id]
        if order.resolved is not None or order.unresolved or order.open:
            return
        if order.label in {Kind.BLOCKED, Kind.EXPIRED, Kind.REJECTED}:
            assert filled == 0, order
        elif order.fill is not None and order.fill.value in {"none", "once", "several"}:
            assert order.fill.value == {0: "none", 1: "once"}.get(filled, "several"), (order, filled)
