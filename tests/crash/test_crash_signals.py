"""Told to stop at random moments, in mid-submit too: what was armed gets its outcome, and nothing else is armed."""

import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from crash_live import OUTCOMES, Live, Moment, figures
from crash_processes import SPEED, Api, ApiServer, Forked, ForkServer, serving, until

from genesis_ops.clients.paper import SUBMIT_SECONDS
from genesis_ops.journal.record import Kind

ROUNDS = 100
STOP_SECONDS = 120.0
"""What the unit gives a runner to end in, by the runner's clock."""
MOMENTS = (*Moment.EARLY, *Moment.LATE, "arrived", "filled")
TOO_LONG = SUBMIT_SECONDS + 5.0
HELD = (0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, TOO_LONG)
"""How long (the runner's seconds) the API goes on holding a submit after the signal: longer than is waited for, too."""


class Series:
    """Runners on one root, one after the other, each told to stop at a moment of its own."""

    def __init__(self, live: Live, seed: int) -> None:
        self.live = live
        self.api = live.api
        self.chance = Random(seed)
        self.moments: Counter[str] = Counter()
        self.longest = 0.0

    def round(self) -> None:
        self.api.jump(self.chance.choice((-1500, 300, 300, 1000)), self.chance.choice((0, 0, 0, 2)))
        moment = Moment(self.chance.choice(MOMENTS), self.live, self.chance)
        runner = self.live.start()
        self.moments[moment.wait(runner)] += 1
        assert runner.alive, f"ended with {runner.ended()}: {runner.err}"
        self._stop(runner, moment)
        self.live.server.settle()
        self._hold_against()

    def _stop(self, runner: Forked, moment: Moment) -> None:
        """Tell it to stop; the exit comes in time, whatever it is waiting for, and nothing is armed any more."""
        armed = self.live.armed() if moment.held else None
        began = time.monotonic()
        number = self.chance.choice((signal.SIGTERM, signal.SIGINT))
        runner.send(number)
        if moment.in_submit:
            self._go_on_holding(runner, began)
        moment.let_go()
        code = runner.ended(STOP_SECONDS / SPEED)
        assert code == 0, (code, runner.err)
        self.longest = max(self.longest, (time.monotonic() - began) * SPEED)
        assert self.longest < STOP_SECONDS
        assert armed in {None, self.live.armed()}, f"{moment.name}: an order was armed after the signal"
        last = [line.split(" - ", 3)[3] for line in self.live.log.splitlines()[-2:]]
        assert last == [f"Received signal {number}. Shutting down...", "Runner stopped."], last

    def _go_on_holding(self, runner: Forked, began: float) -> None:
        """Let the runner wait for its reply, as it does unless that takes too long."""
        held = self.chance.choice(HELD)
        at = began + held / SPEED
        self.moments["held for too long" if held == TOO_LONG else "held"] += 1
        until(lambda: time.monotonic() >= at or not runner.alive)
        assert runner.alive or held == TOO_LONG, "it did not wait for the reply"

    def _hold_against(self) -> None:
        book = self.live.audit()
        assert not [order for order in book.orders.values() if order.label is Kind.ARMED], "armed and never labelled"
        for order in book.unresolved:
            self.live.resolve(order)


def series(path: Path, forks: ForkServer, server: ApiServer, seed: int, rounds: int) -> Counter[str]:
    """Stop so many runners on one root; give the figures."""
    began = time.monotonic()
    made = Series(Live(path, forks, server), seed)
    for _ in range(rounds):
        made.round()
    made.api.hold = None
    made.api.jump(300)
    runner = made.live.start(candles=1)
    assert runner.ended() == 0, runner.err
    server.settle()
    book = made.live.audit()
    made.live.assert_truth_is_known(book)
    counted = Counter({"rounds": rounds, **figures(book, made.api)})
    print(f"\nseed {seed}, {time.monotonic() - began:.0f}s: {dict(counted)}, told to stop at {dict(made.moments)}")
    print(f"the longest stop took {made.longest:.0f}s of the {STOP_SECONDS:.0f}s")
    assert sum(counted[str(kind)] for kind in OUTCOMES) == counted["armed"]
    assert made.moments["held"] > rounds / 10, "hardly a signal came in mid-submit"
    return counted


def test_told_to_stop_at_random_moments_a_runner_records_the_outcome_and_ends_well_in_time(
    tmp_path: Path, forks: ForkServer, server: ApiServer
) -> None:
    series(tmp_path / "root", forks, server, 7, ROUNDS // 2)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [11, 12, 13, 14, 15])
def test_told_to_stop_five_hundred_times_the_same_holds(tmp_path: Path, forks: ForkServer, seed: int) -> None:
    with serving(Api(seed)) as server:
        series(tmp_path / "root", forks, server, seed, ROUNDS)
