"""A root that is traded live by runners that die, and what its journal, its log and the API say of it together."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from crash_processes import Api, ApiServer, Forked, ForkServer, Hold, Wish, glimpsed, let_pass

from genesis_ops.journal.book import Book, Order
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.sandbox.wire import EVALUATE, SUBMIT, WALLETS
from genesis_ops.words import Action, Mode

OUTCOMES = {Kind.ACKED, Kind.REJECTED, Kind.UNKNOWN}
CLOSE = re.compile(r"NEW CANDLE CLOSE: ts=(\d+)")
EVALUATION = re.compile(r"EVALUATION: action=([A-Z]+)")
STARTED = "Paper Trading Runner Started"


class Live:
    """One root, its API, and the runners that are started on it."""

    def __init__(self, path: Path, forks: ForkServer, server: ApiServer, locks: Path | None = None) -> None:
        self.path = path
        self.logs = path / "logs" / "paper_trading"
        self.api: Api = server.api
        self.server = server
        self._forks = forks
        self._locks = locks or path / "locks"
        self._locks.mkdir(parents=True, exist_ok=True)
        champion = path / "config" / "strategy" / "champions" / "tBTCUSD_1m.json"
        champion.parent.mkdir(parents=True)
        champion.write_text('{"merged_config": {}}\n', "utf-8")

    def wish(self, mode: Mode = Mode.LIVE_PAPER, candles: int | None = None, **flags: str) -> Wish:
        return Wish(self.path, self.server.url, self._locks, self.api.pace, mode, candles, flags)

    def start(self, mode: Mode = Mode.LIVE_PAPER, candles: int | None = None) -> Forked:
        (runner,) = self._forks.start(self.wish(mode, candles))
        return runner

    # --- what is left of it

    @property
    def log(self) -> str:
        return "".join(path.read_text("utf-8") for path in sorted(self.logs.glob("runner_2*.log")))

    def journal_size(self) -> int:
        return sum(path.stat().st_size for path in self.logs.glob("runner_orders_*.log"))

    def records(self) -> list[dict[str, Any]]:
        """Read the journal's lines by themselves, without the code under test; half a line is no record."""
        found = []
        for path in sorted(self.logs.glob("runner_orders_*.log")):
            for line in path.read_bytes().splitlines():
                try:
                    found.append(json.loads(line))
                except ValueError:
                    assert not line.endswith(b"}"), line
        return found

    def armed(self) -> int:
        return sum(record["kind"] == Kind.ARMED for record in self.records())

    def journal(self) -> Journal:
        """Read the journal as the runner does; it refuses one that is not whole."""
        journal = Journal(self.logs, self.api.pace.now_ms)
        journal.catch_up()
        return journal

    def book(self) -> Book:
        return self.journal().book

    def resolve(self, order: Order) -> None:
        """Say of an order in doubt what an operator finds in the API's own books."""
        journal = self.journal()
        with journal.held("test"):
            filled = order.size in self.api.filled
            journal.append(Kind.RESOLVED, id=order.id, filled=filled, by="operator", reason="looked")

    # --- what must hold, whatever happened

    def audit(self) -> Book:
        """Hold journal, log and API against each other; no runner lives, and nothing is on its way."""
        records, book = self.records(), self.book()
        assert [record["n"] for record in records] == list(range(1, len(records) + 1))
        self._assert_at_most_once(records)
        self._assert_outcomes(records)
        self._assert_no_intent_lost(book)
        return book

    def _assert_at_most_once(self, records: list[dict[str, Any]]) -> None:
        ids = {
            kind: [record["id"] for record in records if record["kind"] == kind] for kind in (Kind.DECIDED, Kind.ARMED)
        }
        for kind, names in ids.items():
            assert len(names) == len(set(names)), f"{kind} twice: {Counter(names).most_common(3)}"
        sizes = {record["id"]: record["size"] for record in records if record["kind"] == Kind.DECIDED}
        assert len(sizes) == len(set(sizes.values()))
        armed = {sizes[name] for name in ids[Kind.ARMED]}
        posts = self.api.posts
        assert len(posts) == len(set(posts)), f"sent twice: {Counter(posts).most_common(3)}"
        assert set(posts) <= armed, f"sent without a record: {set(posts) - armed}"
        assert len(posts) + self.api.cut <= len(ids[Kind.ARMED])

    def _assert_outcomes(self, records: list[dict[str, Any]]) -> None:
        """Whenever a run began, everything that was armed before it had an outcome."""
        open_ones: set[str] = set()
        for record in records:
            if record["kind"] == Kind.ARMED:
                open_ones.add(record["id"])
            elif record["kind"] in OUTCOMES:
                open_ones.discard(record["id"])
            elif record["kind"] == Kind.STARTED:
                assert not open_ones, f"armed, without an outcome, and a run began: {open_ones}"
        assert len(open_ones) <= 1

    def _assert_no_intent_lost(self, book: Book) -> None:
        """Every order that an evaluation asked for before the newest start is in the journal."""
        before, _, _ = self.log.rpartition(STARTED)
        decided = {order.candle_ts for order in book.orders.values()}
        lost = set(wanted(before)) - decided
        assert not lost, f"evaluated, and never decided: {sorted(lost)}"

    def assert_truth_is_known(self, book: Book) -> None:
        """What the journal says was filled was filled, and nothing else was."""
        assert not book.unresolved
        assert not book.open
        said = {order.size for order in book.orders.values() if order.submitted}
        assert said == self.api.filled, said ^ self.api.filled
        assert not (self.api.filled - set(self.api.posts))


def wanted(log: str) -> Iterator[int]:
    """Name the candles (open time, ms) whose evaluation asked for an order, by the close announced before it."""
    announced = 0
    for line in log.splitlines():
        if close := CLOSE.search(line):
            announced = int(close[1])
        elif (said := EVALUATION.search(line)) and said[1] != Action.NONE:
            yield announced


def figures(book: Book, api: Api) -> dict[str, int]:
    """Count what the orders of a root came to."""
    orders = [*book.orders.values()]
    armed = [order for order in orders if order.armed_ms is not None]
    labels = Counter(order.label for order in orders)
    counted = {
        "POSTs": len(api.posts) + api.cut,
        "armed": len(armed),
        **{str(kind): labels[kind] for kind in (*OUTCOMES, Kind.EXPIRED, Kind.BLOCKED)},
        "by evidence": sum(order.label is Kind.UNKNOWN and order.fill is not None for order in orders),
        "by operator": sum(order.resolved is not None for order in orders),
        "duplicates": len(api.posts) - len(set(api.posts)),
    }
    return dict(sorted(counted.items()))


class Moment:
    """A moment in a runner's life; made before the runner is started.

    At ``judging``, ``looking``, ``arrived`` and ``filled`` the runner waits for a reply, which the API holds back until
    it is let go: to an evaluation, to the wallets before an order, and to the order, before it is placed or after.
    """

    EARLY = ("start", "evaluated", "journal", "later")
    LATE = ("judging", "looking", "arrived", "filled", "answered")
    _HOLDS: Mapping[str, Callable[[], Hold]] = MappingProxyType(
        {
            "judging": lambda: Hold(EVALUATE, before=False, passed_over=1),  # the first verifies the champion
            "looking": lambda: Hold(WALLETS, before=False),
            "arrived": lambda: Hold(SUBMIT, before=True),
            "filled": lambda: Hold(SUBMIT, before=False),
        }
    )
    _LONGEST_SECONDS = 0.45
    _PAUSES = MappingProxyType(
        {"start": 0.1, "later": _LONGEST_SECONDS, "evaluated": 0.008, "answered": 0.008, "journal": 0.003}
    )
    """How many seconds may still pass afterwards; a write of the journal takes one or two thousandths."""
    _GROWTH = (1, 300, 500, 700, 1000)

    def __init__(self, name: str, live: Live, chance: Random) -> None:
        self.name = name
        self._chance = chance
        api = live.api
        self._hold = api.hold = self._HOLDS[name]() if name in self._HOLDS else None
        evaluated, answered = api.evaluated, api.answered
        grown = live.journal_size() + chance.choice(self._GROWTH)
        self._happened: Callable[[], bool] = {
            "evaluated": lambda: api.evaluated >= evaluated + 2,
            "journal": lambda: live.journal_size() >= grown,
            "answered": lambda: api.answered > answered,
        }.get(name, lambda: self.held or self._hold is None)

    @property
    def held(self) -> bool:
        """Whether the runner waits for a reply that is held back."""
        return self._hold is not None and self._hold.arrived.is_set()

    @property
    def in_submit(self) -> bool:
        """Whether that is the reply to an order."""
        return self.held and self.name in {"arrived", "filled"}

    def wait(self, runner: Forked) -> str:
        """Wait for it, but not for long: an order that is refused is never sent; tell what came."""
        came = glimpsed(lambda: self._happened() or not runner.alive, self._LONGEST_SECONDS)
        let_pass(self._PAUSES.get(self.name, 0.0) * self._chance.random())
        return self.name if came else "did not come"

    def let_go(self) -> None:
        if self._hold is not None:
            self._hold.gate.set()
