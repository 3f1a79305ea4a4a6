"""A rehearsed phase as a measurement, and as a soak: time, memory and log of 42 days; every fault over many seeds.

python tests/bench/campaign.py [--days 42]          what a phase costs, beside one in-process httpx request a poll
python tests/bench/campaign.py soak --seeds 20      every fault, noticed by who is to notice it, in so many seeds
python tests/bench/campaign.py clean --seeds 100    so many phases without a fault, and no alarm
"""

import argparse
import gc
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx

from genesis_ops.rehearsal.campaign import Asked, Progress, rehearse_phase
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.rehearsal.mishaps import TABLE, Mishap
from genesis_ops.report.campaign import Campaign
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.transport import SandboxTransport

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


def plan(mishap: Mishap, seed: int) -> tuple[int, str]:
    """Give a short phase in which a fault can show: how many days, and when it is on; the seed moves it."""
    minutes = seed * 37 % 240
    if mishap.dry:
        return 1, f"{mishap.name}@{120 + minutes}m+4h"
    if mishap.lasts > 4 or mishap.name == "journal-damaged":
        return 4, f"{mishap.name}@{45 * 60 + minutes}m+24h"
    return 2, f"{mishap.name}@{27 * 60 + minutes}m+{mishap.lasts}h"


def phases(names: list[str], seeds: range, *, clean: bool) -> Iterator[tuple[str, int, Campaign]]:
    chosen = [None] if clean else [mishap for mishap in TABLE if not names or mishap.name in names]
    for mishap in chosen:
        for seed in seeds:
            days, fault = (2, "") if mishap is None else plan(mishap, seed)
            with tempfile.TemporaryDirectory() as directory:
                asked = Asked(days, seed, (fault,) if fault else ())
                yield fault or "no fault", seed, rehearse_phase(Path(directory) / "root", asked, lambda _: None)[1]
            gc.collect()


def soak(names: list[str], seeds: range, *, clean: bool) -> bool:
    """Go through phases, print each that is not as it should be, and tell whether none was."""
    runs = bad = 0
    for fault, seed, found in phases(names, seeds, clean=clean):
        runs += 1
        wrong = [
            f"{each.name} not noticed: {[n.by for n in each.notices]}" for each in found.faults if not each.noticed
        ]
        wrong += [f"false alarm: {alarm.by}: {alarm.told}" for alarm in found.alarms]
        wrong += ["the phase did not pass"] if clean and found.exit_code else []
        bad += bool(wrong)
        for why in wrong:
            print(f"seed {seed}, {fault}: {why}", flush=True)
    print(f"{runs} phases, {bad} not as they should be", flush=True)
    return not bad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("measure", "soak", "clean"), default="measure")
    parser.add_argument("--days", type=int, default=42)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--fault", action="append", default=[], help="only this one; repeatable")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    well = measure(given.days) if given.what == "measure" else soak(given.fault, seeds, clean=given.what == "clean")
    sys.exit(not well)


if __name__ == "__main__":
    main()
