"""Killed with -9 at random moments, over real HTTP: no candle is ordered twice, and no decided order is lost."""

import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from crash_live import Live, Moment, figures
from crash_processes import Api, ApiServer, ForkServer, serving

from genesis_ops.journal.book import Book
from genesis_ops.journal.record import Kind

ROUNDS = 100
CALM_SPEED = 100.0
"""A minute and a half, which an order in doubt needs until its wallets are believed, in a second."""
OUTAGES = (0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 5, 15)
"""How many minutes later the next runner starts; after the last of them an order is too old."""


class Campaign:
    """Runners on one root, one after the other, each killed at a moment of its own."""

    def __init__(self, live: Live, seed: int) -> None:
        self.live = live
        self.api = live.api
        self.chance = Random(seed)
        self.moments: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        """How many orders a kill left where; each is counted once."""
        self._left: dict[str, Kind] = {}

    def round(self) -> None:
        self.api.jump(self.chance.choice((-1500, 300, 300, 1000)), self.chance.choice(OUTAGES))
        armed = Kind.ARMED in self._left.values()  # then this start finds it, and orders nothing itself
        name = self.chance.choice(Moment.EARLY if armed else (*Moment.EARLY, *Moment.LATE))
        moment = Moment(name, self.live, self.chance)
        runner = self.live.start()
        self.moments[moment.wait(runner)] += 1
        assert runner.alive, f"{name}: ended with {runner.ended()}: {runner.err}"
        runner.send(signal.SIGKILL)
        assert runner.ended() == -signal.SIGKILL
        moment.let_go()
        self.live.server.settle()
        self._tidy_up(self.live.audit())

    def _tidy_up(self, book: Book) -> None:
        """Count what the kill left behind; an order in doubt is resolved, by an operator or by its wallets."""
        left: dict[str, Kind] = {
            order.id: order.label for order in book.open if order.label in {Kind.DECIDED, Kind.ARMED}
        }
        self.left.update(f"left {label}" for name, label in left.items() if self._left.get(name) != label)
        self._left = left
        doubts = [order for order in book.unresolved if order.label is Kind.UNKNOWN]
        if self.chance.random() < (0.2 if doubts else 0.02):
            self.calm()
        else:
            for order in doubts:
                self.live.resolve(order)

    def calm(self) -> Book:
        """Let a runner live until it has done all it can."""
        self.api.hold = None
        self.api.jump(300, speed=CALM_SPEED)
        runner = self.live.start(candles=1)
        assert runner.ended() == 0, runner.err + self.live.log[-3000:]
        self.live.server.settle()
        book = self.live.audit()
        self.live.assert_truth_is_known(book)
        return book


def campaign(path: Path, forks: ForkServer, server: ApiServer, seed: int, rounds: int = ROUNDS) -> Counter[str]:
    """Kill so many runners on one root; give the figures."""
    began = time.monotonic()
    made = Campaign(Live(path, forks, server), seed)
    for _ in range(rounds):
        made.round()
    book = made.calm()
    counted = Counter({"rounds": rounds, **figures(book, made.api), **made.left})
    print(f"\nseed {seed}, {time.monotonic() - began:.0f}s: {dict(counted)}, killed at {dict(made.moments)}")
    assert counted["acked"] > rounds / 10
    assert counted["left armed"] > rounds / 20, "hardly a kill came between sending and its record"
    assert counted["left decided"] > 0, "no kill came between a decision and its sending"
    return counted


def test_killed_at_random_moments_no_candle_is_ordered_twice_and_no_decision_is_lost(
    tmp_path: Path, forks: ForkServer, server: ApiServer
) -> None:
    campaign(tmp_path / "root", forks, server, seed=7)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(5))
def test_killed_a_thousand_times_the_same_holds(tmp_path: Path, forks: ForkServer, part: int) -> None:
    counted: Counter[str] = Counter()
    for number in range(1000 // ROUNDS):
        seed = 100 * (part + 1) + number
        with serving(Api(seed)) as server:
            counted += campaign(tmp_path / str(number), forks, server, seed)
    print(dict(counted))
    assert counted["duplicates"] == 0
