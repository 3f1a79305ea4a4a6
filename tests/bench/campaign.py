"""A rehearsed phase as a measurement, and as a soak: time, memory and log of 42 days; every fault over many seeds.

python tests/bench/campaign.py [--days 42]          what a phase costs, beside one in-process httpx request a poll
python tests/bench/campaign.py soak --seeds 20      every fault, noticed by who is to notice it, in so many seeds
python tests/bench/campaign.py clean --seeds 100    so many phases without a fault, and no alarm
python tests/bench/campaign.py chaos --seeds 5      so many phases with faults by chance, to their end
"""

import argparse
import gc
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from math import ceil
from pathlib import Path
from statistics import median

import httpx

from genesis_ops.rehearsal.campaign import Asked, Progress, rehearse_phase
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.rehearsal.mishaps import TABLE, Mishap
from genesis_ops.report.campaign import Campaign
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.transport import SandboxTransport
from genesis_ops.words import MINUTE_MS

MOST_MEGABYTES = 150
REQUESTS = 4_000
CANDLES = "http://sandbox/v2/candles/trade:1h:tBTCUSD/hist?limit=2&sort=-1"


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def request_us() -> float:
    """Measure one request of an httpx.Client to the sandbox in the same process, in microseconds of this CPU."""
    clock = VirtualClock(1_770_210_200_000)
    sandbox = Sandbox(7, clock.now_ms, clock.wait)
    with httpx.Client(transport=SandboxTransport(sandbox)) as client:
        began = time.process_time()
        for _ in range(REQUESTS):
            clock.wait(10)
            client.get(CANDLES).raise_for_status().json()
        return (time.process_time() - began) / REQUESTS * 1e6


class Watched:
    """What a phase costs while it goes on: memory by the day, and the price of a request three times in between."""

    def __init__(self) -> None:
        self.memory: list[float] = []
        self.requests: list[float] = []
        self.spent = 0.0

    def __call__(self, progress: Progress) -> None:
        day = (progress.host.stage.true_ms - progress.start_ms) // 86_400_000
        if day == len(self.memory):
            self.memory.append(megabytes())
            if day % 14 == 1:
                before = time.process_time()
                self.requests.append(request_us())
                self.spent += time.process_time() - before


def measure(days: int) -> bool:
    """Measure a phase, print what it cost, and tell whether it stayed within its bounds."""
    watched = Watched()
    with tempfile.TemporaryDirectory() as directory:
        began, cpu, looking = time.monotonic(), time.process_time(), time.thread_time()
        host, found = rehearse_phase(Path(directory) / "root", Asked(days, 7), watched)
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu - watched.spent
        looking = time.thread_time() - looking - watched.spent  # the runner has a thread of its own
        size = sum(path.stat().st_size for path in host.settings.log_dir.glob("runner_????????.log")) / 1e6
    poll, request = (cpu - looking) / found.polls * 1e6, median(watched.requests)
    print(f"{days} days: {found.polls:,} polls, {found.exit_code.name}, {len(found.alarms)} alarms")
    print(f"  {seconds:.0f} s ({cpu:.0f} s of CPU), runner log {size:.1f} MB")
    print(f"  memory {watched.memory[0]:.0f} MB after an hour, {megabytes():.0f} MB at the end")
    print(f"  snapshots, summaries, gates and checks {looking:.0f} s of it")
    print(f"  a poll of the runner {poll:.0f} us, an in-process httpx request {request:.0f} us")
    print(f"  ratio {poll / request:.2f}")
    return found.exit_code == 0 and megabytes() < MOST_MEGABYTES


def plan(mishap: Mishap, seed: int) -> Asked:
    """Give a phase no longer than a fault takes to show and to be noticed; the seed moves it.

    A stretch of dry-run is enough where no order is needed; every fifth seed goes on into live-paper all the same.
    """
    minutes = seed * 37 % 120
    if mishap.live:
        return Asked(3, seed, (f"{mishap.name}@{26 * 60 + minutes}m+24h",))
    if seed % 5 == 1 and not mishap.dry:
        return Asked(2, seed, (f"{mishap.name}@{27 * 60 + minutes}m+{mishap.lasts}h",))
    if mishap.hours > mishap.lasts:  # the next noon's summary tells of it
        return Asked(1, seed, (f"{mishap.name}@{19 * 60 + minutes}m+2h",), hours=24)
    return Asked(1, seed, (f"{mishap.name}@{120 + minutes}m",), hours=2 + ceil(minutes / 60 + mishap.hours) + 1)


def phase(asked: Asked) -> Campaign:
    with tempfile.TemporaryDirectory() as directory:
        found = rehearse_phase(Path(directory) / "root", asked, lambda _: None)[1]
    gc.collect()
    return found


def wrongs(found: Campaign) -> list[str]:
    """Name what is not as it should be: a fault unnoticed or not acted out at all, an alarm without a cause."""
    wrong = [
        f"{each.name} not noticed, but {[notice.by for notice in each.notices]}{each.could_not}"
        for each in found.faults
        if each.noticed is None
    ]
    return wrong + [f"false alarm: {alarm.by}: {alarm.told}" for alarm in found.alarms]


def soak(names: list[str], seeds: range) -> bool:
    """Go through every fault in every seed, print a line of each fault, and tell whether each was noticed rightly."""
    well = True
    for mishap in (each for each in TABLE if not names or each.name in names):
        by, after, bad = Counter[str](), list[float](), 0
        for seed in seeds:
            found = phase(plan(mishap, seed))
            wrong = wrongs(found)
            for why in wrong:
                print(f"  seed {seed}, {mishap.name}: {why}", flush=True)
            bad += bool(wrong)
            first = found.faults[0].noticed
            if first is not None:
                by[first.by] += 1
                after.append((first.at_ms - found.faults[0].from_ms) / MINUTE_MS)
        took = f"after {min(after):.0f} to {max(after):.0f} min" if after else "never"
        told = ", ".join(f"{name} ({times})" for name, times in by.most_common())
        print(f"{mishap.name:<22} {len(after)} of {len(seeds)} noticed, {bad} bad; {took}: {told}", flush=True)
        well = well and not bad
    return well


def clean(seeds: range, days: int) -> bool:
    """Go through phases without a fault, and tell whether all passed without an alarm."""
    bad = 0
    for seed in seeds:
        found = phase(Asked(days, seed))
        wrong = wrongs(found) + (["the phase did not pass"] if found.exit_code else [])
        bad += bool(wrong)
        for why in wrong:
            print(f"  seed {seed}: {why}", flush=True)
    print(f"{len(seeds)} phases of {days} days without a fault, {bad} not as they should be", flush=True)
    return not bad


def chaos(seeds: range, days: int) -> bool:
    """Go through phases with faults by chance to their end, and tell whether all were noticed rightly."""
    well = True
    for seed in seeds:
        found = phase(Asked(days, seed, chaos=True))
        wrong = wrongs(found)
        noticed = sum(fault.noticed is not None for fault in found.faults)
        print(
            f"seed {seed}: {days} days, {noticed} of {len(found.faults)} noticed, exit {found.exit_code.value}",
            flush=True,
        )
        for why in wrong:
            print(f"  {why}", flush=True)
        well = well and not wrong
    return well


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("measure", "soak", "clean", "chaos"), default="measure")
    parser.add_argument("--days", type=int, help="42 to measure, 2 without a fault, 8 by chance")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--fault", action="append", default=[], help="only this one; repeatable")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    ways: dict[str, Callable[[], bool]] = {
        "measure": lambda: measure(given.days or 42),
        "soak": lambda: soak(given.fault, seeds),
        "clean": lambda: clean(seeds, given.days or 2),
        "chaos": lambda: chaos(seeds, given.days or 8),
    }
    well = ways[given.what]()
    sys.exit(not well)


if __name__ == "__main__":
    main()
