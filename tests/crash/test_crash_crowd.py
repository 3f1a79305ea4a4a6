"""Many runners at once: one lives, the others say who it is, and what a killed one leaves stands in nobody's way."""

import re
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from crash_live import STARTED, Live, figures
from crash_processes import ApiServer, Forked, ForkServer, until

from genesis_ops.words import Mode

CROWD = 50
ROUNDS = 20
HELD = 75
TAKEN_OVER_SECONDS = 1.0
NAMELESS = "a process that did not write its name"


def the_one_alive(runners: Sequence[Forked]) -> tuple[Forked, Counter[str]]:
    """Wait until all but one have ended, and see that they were turned away by the one that lives."""
    until(lambda: sum(runner.alive for runner in runners) <= 1)
    (alive,) = [runner for runner in runners if runner.alive]
    turned_away = [runner for runner in runners if runner is not alive]
    assert Counter(runner.ended() for runner in turned_away) == {HELD: len(runners) - 1}
    told = Counter(whom(runner, alive) for runner in turned_away)
    assert alive.alive
    return alive, told


def whom(runner: Forked, alive: Forked) -> str:
    """Tell whether a runner that was turned away named the one that lives, which may not have written its name yet."""
    found = re.match(rf"genesis-ops: another runner [^\n]+: ({NAMELESS}|pid {alive.pid}, since )", runner.err)
    assert found, runner.err
    return "nameless" if found[1] == NAMELESS else "named"


def starts(live: Live) -> int:
    return live.log.count(STARTED)


def succession(live: Live, forks: ForkServer) -> tuple[Counter[str], float]:
    """Start a crowd, kill the one that lives once it has ordered, and start one more; tell how soon that is there."""
    started, answered = starts(live), live.api.answered
    live.api.jump(300)
    holder, told = the_one_alive(forks.start(*[live.wish()] * CROWD))
    until(lambda: live.api.answered > answered, otherwise=lambda: holder.err)
    assert starts(live) == started + 1
    killed_at = time.monotonic()
    holder.send(signal.SIGKILL)
    assert holder.ended() == -signal.SIGKILL
    heir = live.start()
    until(lambda: starts(live) == started + 2, otherwise=lambda: heir.err)
    seconds = time.monotonic() - killed_at
    heir.send(signal.SIGTERM)
    assert heir.ended() == 0, heir.err
    live.server.settle()
    for order in live.audit().unresolved:
        live.resolve(order)
    return told, seconds


def crowd(live: Live, forks: ForkServer, rounds: int) -> None:
    """Do so again and again on one root; give the figures."""
    began, slowest, told = time.monotonic(), 0.0, Counter[str]()
    for _ in range(rounds):
        said, seconds = succession(live, forks)
        told, slowest = told + said, max(slowest, seconds)
        assert slowest < TAKEN_OVER_SECONDS
    print(f"\n{rounds} crowds of {CROWD} in {time.monotonic() - began:.0f}s, one lived in each")
    print(f"the others ended with {HELD}: {dict(told)}")
    print(f"the next one was there {slowest:.2f}s after the kill at the latest; {figures(live.book(), live.api)}")


def test_of_fifty_runners_at_once_one_lives_and_a_killed_one_is_followed_within_a_second(
    tmp_path: Path, forks: ForkServer, server: ApiServer
) -> None:
    crowd(Live(tmp_path / "root", forks, server), forks, ROUNDS)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_of_two_hundred_crowds_one_lives_each_time(
    tmp_path: Path, forks: ForkServer, server: ApiServer, part: int
) -> None:
    crowd(Live(tmp_path / f"root{part}", forks, server), forks, ROUNDS)


def test_of_fifty_roots_that_trade_the_same_pair_on_one_host_one_lives(
    tmp_path: Path, forks: ForkServer, server: ApiServer
) -> None:
    roots = [Live(tmp_path / str(number), forks, server, tmp_path / "locks") for number in range(CROWD)]
    for _ in range(5):
        server.api.jump(300)
        runners = forks.start(*(root.wish() for root in roots))
        alive, _ = the_one_alive(runners)
        others = [runner for runner in runners if runner is not alive]
        said = "another runner trades tTESTBTC:TESTUSD in live-paper on this host"
        assert all(said in runner.err for runner in others)
        alive.send(signal.SIGTERM)
        assert alive.ended() == 0, alive.err
        server.settle()
    assert sum(starts(root) for root in roots) == 5


def test_a_dry_run_and_a_live_run_of_one_market_live_side_by_side_in_two_roots(
    tmp_path: Path, forks: ForkServer, server: ApiServer
) -> None:
    dry, live = (Live(tmp_path / name, forks, server, tmp_path / "locks") for name in ("dry", "live"))
    server.api.jump(300)
    both = forks.start(dry.wish(Mode.DRY_RUN), live.wish())
    until(lambda: "DRY-RUN: " in dry.log and server.api.answered, otherwise=lambda: dry.log + live.log)
    assert all(runner.alive for runner in both)
    for runner in both:
        runner.send(signal.SIGTERM)
        assert runner.ended() == 0, runner.err
    server.settle()
    assert not dry.records()
    assert len(server.api.posts) == sum(order.armed_ms is not None for order in live.audit().orders.values()) > 0
