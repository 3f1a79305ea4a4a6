"""How fast and how large the phase report is, beside a peer in the same run; prints the table of docs/figures.md.

The log is that of judgement.py: six weeks at a poll every 10 s. Every figure is a median over processes that were run
in turn; memory is the largest resident size that the system saw.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from judgement import Measured, make_root, measure

RUNS = 11
SLOWEST_MS, LARGEST_MB, LARGEST_KB = 3000, 150, 500


def commands(phase: Path, page: Path) -> dict[str, Sequence[str]]:
    """Name what is measured."""
    own = (sys.executable, "-m", "genesis_ops")
    last = ("--until", "last")
    return {
        "phase-report": (*own, "phase-report", *last),
        "phase-report --html": (*own, "phase-report", *last, "--html", str(page)),
        "phase-report --format json": (*own, "phase-report", *last, "--format", "json"),
        "stop-check": (*own, "stop-check", *last),
        "wc -l": ("wc", "-l", str(phase / "logs" / "paper_trading" / "runner_20260204.log")),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        phase, page = Path(directory) / "phase", Path(directory) / "phase.html"
        make_root(phase, 42)
        size = (phase / "logs" / "paper_trading" / "runner_20260204.log").stat().st_size
        table = commands(phase, page)
        found: dict[str, list[Measured]] = {name: [] for name in table}
        for _ in range(RUNS):
            for name, command in table.items():
                found[name].append(measure(command, phase))
        html = page.stat().st_size / 1000
    print(f"A log of {size / 1e6:.0f} MB over 42 days; medians of {RUNS}; the HTML has {html:.0f} kB.")
    print(f"Limits: {SLOWEST_MS} ms, {LARGEST_MB} MB, {LARGEST_KB} kB.\n")
    print("| what | median | beside stop-check | memory | exit |\n|---|---|---|---|---|")
    for name, runs in found.items():
        ratio = median(a.wall / b.wall for a, b in zip(runs, found["stop-check"], strict=True))
        memory, codes = max(run.memory for run in runs), sorted({run.exit_code for run in runs})
        print(f"| `{name}` | {median(run.wall for run in runs):.0f} ms | {ratio:.2f} | {memory:.0f} MB | {codes} |")


if __name__ == "__main__":
    main()
