"""Figures, each beside a peer in the same run; prints the table that stands in docs/figures.md."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx

from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.rehearsal.day import rehearse
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.transport import SandboxTransport

POLLS = 8_640
CANDLES = "http://127.0.0.1:8000/v2/candles/trade:1h:tBTCUSD/hist?limit=2&sort=-1"


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def rehearsed_day() -> None:
    with tempfile.TemporaryDirectory() as directory:
        rehearse(Path(directory) / "root", hours=24, seed=7, faults=(), watch=lambda _: None)


def as_many_requests() -> None:
    clock = VirtualClock(1_770_210_200_000)
    with httpx.Client(transport=SandboxTransport(Sandbox(7, clock.now_ms, clock.wait))) as client:
        for _ in range(POLLS):
            client.get(CANDLES)
            clock.wait(10)


def process(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def paired(work: Callable[[], object], peer: Callable[[], object], runs: int) -> tuple[float, float, float]:
    """Time both in turn; medians of each, and of the ratio pair by pair."""
    work(), peer()
    pairs = [(seconds_of(work), seconds_of(peer)) for _ in range(runs)]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(a / b for a, b in pairs)


def row(what: str, peer: str, times: tuple[float, float, float], scale: float, unit: str) -> str:
    mine, other, ratio = times
    return f"| {what} | {mine * scale:.3g} {unit} | {peer} | {other * scale:.3g} {unit} | {ratio:.2f} |"


def main() -> None:
    day = paired(rehearsed_day, as_many_requests, 5)
    start = paired(process("-m", "genesis_ops", "--help"), process("-c", "import typer"), 15)
    print("| what | median | peer | median | ratio |\n|---|---|---|---|---|")
    print(row("24 h of dry-run rehearsed", "8,640 in-process httpx requests", day, 1, "s"))
    print(row("a poll of it", "one in-process httpx request", day, 1000 / POLLS, "ms"))
    print(row("`genesis-ops --help`", '`python -c "import typer"`', start, 1000, "ms"))


if __name__ == "__main__":
    main()
