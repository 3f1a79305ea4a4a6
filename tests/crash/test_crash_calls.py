"""Killed before every call that changes the disk or the wire, and with every kind of error at every one of them."""

import errno
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.append(str(Path(__file__).parent))

from crash_world import FIRST_CLOSE_MS, SHORT, Trap, World, place, spread

from genesis_ops.words import HOUR_MS, MINUTE_MS

THREE_CANDLES_MS = FIRST_CLOSE_MS + 2 * HOUR_MS + 25 * MINUTE_MS
ONE_CANDLE_MS = FIRST_CLOSE_MS + 25 * MINUTE_MS
ENOUGH_MS = 28 * MINUTE_MS
"""How long after its cycle the last run goes on: time for two looks at the wallets, and no further close."""
KILLED = -9
START_CALLS = 80
"""More than a start makes before it looks at its first candle."""
PARTS = 8
ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, SHORT)


class Case(NamedTuple):
    """Up to when a cycle goes, and the traps of its runs, one after the other."""

    until_ms: int
    traps: tuple[tuple[int, int, bool], ...]


def hold(world: World, case: Case) -> None:
    try:
        world.assert_at_most_once()
        world.assert_nothing_lost()
    except AssertionError as error:
        raise AssertionError(f"{case}: {error}\n" + "\n".join(world.lines()[-30:])) from error


def calls_of(until_ms: int) -> int:
    with place() as root:
        world = World(root)
        run = world.run(until_ms)
        assert run.code == 0, run.said
        world.assert_at_most_once()
        world.assert_nothing_lost()
        assert len(world.posts) == (until_ms - FIRST_CLOSE_MS) // HOUR_MS + 1
    return run.calls


def killed(case: Case) -> str:
    with place() as root:
        world = World(root)
        for at, error, good in case.traps:
            early = world.run(case.until_ms, Trap(at, error, for_good=good))
            assert early.code in {KILLED, 0}, (case, early)
        last = world.run(case.until_ms + ENOUGH_MS)
        assert last.code == 0, (case, last)
        hold(world, case)
        book = world.journal().book
        return " ".join(sorted(str(order.label) for order in book.orders.values()))


def failing(case: Case) -> str:
    """A run whose disk fails ends with 70 (or never began), or saved everything; the next one is whole in any case."""
    with place() as root:
        world = World(root)
        early = world.run(case.until_ms, *(Trap(at, error, for_good=good) for at, error, good in case.traps))
        assert early.code in {0, 70, 78}, early
        if early.code == 0:
            hold(world, case)
        last = world.run(case.until_ms + ENOUGH_MS)
        assert last.code == 0, (case, early, last)
        hold(world, case)
        return str(early.code)


@pytest.mark.parametrize("every", [2, pytest.param(1, marks=pytest.mark.soak)])
def test_killed_before_any_call_of_three_candles_no_order_is_doubled_and_none_lost_in_silence(every: int) -> None:
    calls = calls_of(THREE_CANDLES_MS)
    cases = [Case(THREE_CANDLES_MS, ((at, 0, False),)) for at in range(1, calls + 1, every)]
    outcomes = Counter(spread(killed, cases))
    print(f"\n{len(cases)} kills, 0 doubled, 0 lost; outcomes: {dict(outcomes)}")
    assert len(cases) * every >= calls > 300
    assert any("unknown" in outcome for outcome in outcomes), "no kill came between sending and its record"


def disks(share: int) -> list[Case]:
    """Fail at every call of a candle, in ``share`` of the ten ways, at each call in others."""
    ways = [(error, good) for error in ERRORS for good in (False, True)]
    turns = (
        (at, ways[(at * share + turn) % len(ways)])
        for at in range(1, calls_of(ONE_CANDLE_MS) + 1)
        for turn in range(share)
    )
    return [Case(ONE_CANDLE_MS, ((at, *way),)) for at, way in turns]


def hold_on_failing_disks(cases: list[Case]) -> None:
    codes = Counter(spread(failing, cases))
    print(f"\n{len(cases)} failing disks, 0 doubled, 0 lost; exit codes: {dict(codes)}")
    assert codes["70"] > len(cases) / 2


def test_a_disk_that_fails_at_any_call_never_doubles_an_order_and_never_ends_well_with_something_unsaved() -> None:
    hold_on_failing_disks(disks(1))


@pytest.mark.soak
def test_a_disk_that_fails_at_any_call_in_any_of_ten_ways_does_not_either() -> None:
    hold_on_failing_disks(disks(10))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_before_any_two_calls_in_the_recovery_too_the_same_holds(part: int) -> None:
    """Every pair of a cycle of one candle: the second run has at most what is left of the first, and its start."""
    calls = calls_of(ONE_CANDLE_MS)
    pairs = [(at, again) for at in range(1, calls + 1) for again in range(1, calls - at + START_CALLS)]
    cases = [Case(ONE_CANDLE_MS, ((at, 0, False), (again, 0, False))) for at, again in pairs[part::PARTS]]
    outcomes = Counter(spread(killed, cases))
    print(f"\n{len(cases)} of {len(pairs)} pairs of kills, 0 doubled, 0 lost; outcomes: {dict(outcomes)}")
