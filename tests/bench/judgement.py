"""How fast and how large judging is, each beside a peer in the same run; prints the table of docs/figures.md.

The log is six weeks of the runner at a poll every 10 s, made here from the project's own lines. Every figure is a
median over processes that were run in turn; memory is the largest resident size that the system saw.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from genesis_ops.rehearsal.world import build
from genesis_ops.runlog import events
from genesis_ops.runlog.events import Event
from genesis_ops.words import DAY_MS, HOUR_MS, stamp

RUNS = 11
START = 1_770_210_200_000
HERE = Path(__file__).parent


def polls(days: int) -> Iterator[tuple[int, Event]]:
    """Make a dry-run without an incident: what every line says and when (ms, UTC)."""
    for event in (
        *(events.Rule(), events.RunnerStarted(), events.Market("tBTCUSD", "1h"), events.PollInterval(10)),
        *(events.RunMode("DRY-RUN (no orders)"), events.StateFile("logs/paper_trading/runner_state.json")),
        *(events.Rule(), events.ChampionVerifying(), events.ChampionVerified()),
    ):
        yield START, event
    announced = evaluations = 0
    for number, now_ms in enumerate(range(START, START + days * DAY_MS, 10_000), 1):
        running = now_ms - now_ms % HOUR_MS
        closed = running - HOUR_MS
        yield now_ms, events.CandleSelection("previous", closed, now_ms, running, running + HOUR_MS)
        if closed == announced:
            yield now_ms, events.AlreadyProcessed(closed)
        else:
            announced, evaluations = closed, evaluations + 1
            context = {"action": "NONE", "candle_ts": closed, "mode": "dry_run", "runtime_cfg_hash": "5a4db0c0"}
            yield now_ms, events.CandleClose(closed, 71_615.8, "previous")
            yield now_ms, events.Evaluation("NONE", "None", 0.353)
            yield now_ms, events.DecisionContext(json.dumps(context))
            yield now_ms, events.NoOrder()
        if number % 10 == 0:
            yield now_ms, events.Heartbeat(evaluations, 0, str(closed), "0s", "12s", "2s")


def make_root(root: Path, days: int) -> None:
    """Write one log of so many days, as the older runner names it, and the state that fits it."""
    settings = build(root)
    settings.log_dir.mkdir(parents=True)
    with (settings.log_dir / "runner_20260204.log").open("w") as file:
        for at_ms, event in polls(days):
            file.write(f"{stamp(at_ms)} - paper_trading_runner - {event.level} - {event.message()}\n")
    newest = START + days * DAY_MS - 10_000
    state = {
        "last_processed_candle_ts": newest - newest % HOUR_MS - HOUR_MS,
        "total_evaluations": 24 * days + 1,
        "total_orders_submitted": 0,
        "last_heartbeat": "2026-02-04T13:03:20.000Z",
    }
    settings.state_file.write_text(json.dumps(state))


class Measured(NamedTuple):
    """One process: how long it took (ms), its largest resident size (MB), and how it ended."""

    wall: float
    memory: float
    exit_code: int


def measure(command: Sequence[str], root: Path) -> Measured:
    """Run a process to its end; the state stays as it is."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Measured((time.perf_counter() - began) * 1000, used.ru_maxrss / 1024, process.returncode)


def commands(phase: Path, two_days: Path, nothing: Path) -> dict[str, tuple[Sequence[str], Path]]:
    """Name what is measured, and where."""
    own = (sys.executable, "-m", "genesis_ops")
    logs = phase / "logs" / "paper_trading"
    last = ("acceptance", "--window", "24h", "--until", "last")
    return {
        "acceptance.sh": (
            ("bash", str(HERE / "acceptance.sh"), str(logs / "runner_20260204.log"), str(logs / "runner_state.json")),
            phase,
        ),
        "acceptance": ((*own, *last), phase),
        "acceptance, two days": ((*own, *last), two_days),
        "six greps": (("bash", str(HERE / "stop_conditions.sh"), str(logs)), phase),
        "stop-check": ((*own, "stop-check", "--until", "last"), phase),
        "import typer": ((sys.executable, "-c", "import typer"), nothing),
        "acceptance, nothing": ((*own, "acceptance"), nothing),
    }


ROWS = (
    ("24 h accepted out of six weeks", "acceptance", "`acceptance.sh` over the same log", "acceptance.sh", 1 / 4),
    ("the same", "acceptance", "24 h out of two days", "acceptance, two days", 1.25),
    ("stop-check over six weeks", "stop-check", "the runbook's six pipelines", "six greps", 1.0),
    ("acceptance with nothing to read", "acceptance, nothing", '`python -c "import typer"`', "import typer", 2.5),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        roots = [Path(directory) / name for name in ("phase", "two_days", "nothing")]
        make_root(roots[0], 42)
        make_root(roots[1], 2)
        build(roots[2])
        size = (roots[0] / "logs" / "paper_trading" / "runner_20260204.log").stat().st_size
        table = commands(*roots)
        found: dict[str, list[Measured]] = {name: [] for name in table}
        for _ in range(RUNS):
            for name, (command, root) in table.items():
                found[name].append(measure(command, root))
    print(f"A log of {size / 1e6:.0f} MB; medians of {RUNS}.\n")
    print("| what | median | peer | median | ratio | limit | memory |\n|---|---|---|---|---|---|---|")
    for what, mine, peer, other, limit in ROWS:
        own, theirs = found[mine], found[other]
        ratio = median(a.wall / b.wall for a, b in zip(own, theirs, strict=True))
        print(
            f"| {what} | {median(m.wall for m in own):.0f} ms | {peer} | {median(m.wall for m in theirs):.0f} ms "
            f"| {ratio:.2f} | {limit:.2f} | {max(m.memory for m in own):.0f} MB |"
        )
    codes = {name: sorted({m.exit_code for m in runs}) for name, runs in found.items()}
    print(f"\nExit codes: {codes}")


if __name__ == "__main__":
    main()
