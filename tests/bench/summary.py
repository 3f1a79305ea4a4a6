"""How long a day's summary takes over six weeks of log, beside the same day's acceptance in the same run.

Prints the row of docs/figures.md. Both are processes of their own, run in turn; the summary writes its file each time
as if it were the first.
"""

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent))

from judgement import RUNS, START, Measured, make_root, measure

from genesis_ops.words import DAY_MS

LIMIT = 1.5
OWN = (sys.executable, "-m", "genesis_ops")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "phase"
        make_root(root, 42)
        day = datetime.fromtimestamp((START + 40 * DAY_MS) / 1000, UTC).date()
        end = datetime.fromtimestamp((START + 41 * DAY_MS) / 1000, UTC).date()
        commands = {
            "daily-summary": (*OWN, "daily-summary", "--date", str(day)),
            "acceptance": (*OWN, "acceptance", "--window", "24h", "--until", f"{end}T00:00:00Z"),
        }
        found: dict[str, list[Measured]] = {name: [] for name in commands}
        for turn in range(RUNS + 1):
            for name, command in commands.items():
                shutil.rmtree(root / "docs", ignore_errors=True)
                for receipt in (root / "logs" / "paper_trading").glob("acceptance_receipt_*"):
                    receipt.unlink()
                measured = measure(command, root)
                if turn:  # the first only warms the files up
                    found[name].append(measured)
    own, peer = found["daily-summary"], found["acceptance"]
    ratio = median(a.wall / b.wall for a, b in zip(own, peer, strict=True))
    times = {name: f"{median(m.wall for m in runs):.0f} ms" for name, runs in found.items()}
    memory = max(m.memory for m in own)
    print("| what | median | peer | median | ratio | limit | memory |\n|---|---|---|---|---|---|---|")
    print(
        f"| a day's summary out of six weeks | {times['daily-summary']} | the day's acceptance "
        f"| {times['acceptance']} | {ratio:.2f} | {LIMIT:.2f} | {memory:.0f} MB |"
    )
    codes = {name: sorted({m.exit_code for m in runs}) for name, runs in found.items()}
    print(f"\nExit codes: {codes}")


if __name__ == "__main__":
    main()
