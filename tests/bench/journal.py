"""What an order's journal costs, and how long a year of orders takes to read; prints the table of docs/figures.md.

An order writes four records, each on the disk before the next: it is decided, later armed and acknowledged, later seen
in the wallets, and after the latter two the state is saved (once it would be without an order). Beside it stands what
the disk itself takes for as many bare writes and fsyncs.
"""

import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from genesis_ops.journal.book import order_id
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import SEED, Kind, Record, write
from genesis_ops.state.model import State
from genesis_ops.state.store import StateStore
from genesis_ops.words import HOUR_MS, day

ORDERS, YEAR, RUNS = 300, 8_760, 7
BEGIN = 1_770_206_400_000
REPLY = "x" * 700
MOST_MS, MOST_SECONDS = 5.0, 1.0


def told(candle_ts: int) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """Give an order's four records, as the runner writes them."""
    name, wallets = order_id(candle_ts), {"TESTBTC": 1.0, "TESTUSD": 50_000.0}
    decided = {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.001, "price": 71_615.8, "config_hash": "c" * 64}
    yield Kind.DECIDED, {"id": name, "candle_ts": candle_ts, **decided}
    yield Kind.ARMED, {"id": name, "before": wallets}
    acked = {"reason": "", "latency_ms": 812, "order_id": 4711, "size_taken": 0.001, "reply": REPLY}
    yield Kind.ACKED, {"id": name, **acked}
    seen = {"fill": "once", "multiple": 1.0, "moved": [0.001, -71.6], "after": wallets}
    yield Kind.EVIDENCE, {"id": name, **seen}


class Order:
    """Does for one order what the runner does, and notes how long each kind of work took (ms)."""

    def __init__(self, root: Path, *, durable: bool) -> None:
        self.now_ms = BEGIN
        self.journal = Journal(root, lambda: self.now_ms, durable=durable)
        self.store = StateStore(root / "runner_state.json", durable=durable)
        self.spent: dict[str, list[float]] = defaultdict(list)

    def go(self, candle_ts: int) -> None:
        self.now_ms = candle_ts + HOUR_MS
        decided, armed, acked, seen = told(candle_ts)
        journal = self._append(decided) + self._append(armed, acked)
        state = self._save(candle_ts)
        journal += self._append(seen)
        state += self._save(candle_ts)
        self.spent["journal"].append(journal)
        self.spent["state"].append(state)
        self.spent["both"].append(journal + state)

    def _append(self, *many: tuple[Kind, dict[str, Any]]) -> float:
        began = time.perf_counter()
        with self.journal.held("bench"):
            for kind, content in many:
                self.journal.append(kind, **content)
        return (time.perf_counter() - began) * 1000

    def _save(self, candle_ts: int) -> float:
        began = time.perf_counter()
        cursor = {"records": self.journal.records, "sum": self.journal.sum}
        carried = {"features": [0.5] * 60}
        self.store.save(State(candle_ts, 1, 1, pipeline_state=carried, other={"journal": cursor}))
        return (time.perf_counter() - began) * 1000


def bare(root: Path) -> list[float]:
    """Time what no journal can do without: four appended lines of the same sizes, each synced (ms an order)."""
    sizes, spent = [len(str(content)) for _, content in told(BEGIN)], []
    descriptor = os.open(root / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(ORDERS):
        began = time.perf_counter()
        for size in sizes:
            os.write(descriptor, b"x" * size)
            os.fsync(descriptor)
        spent.append((time.perf_counter() - began) * 1000)
    os.close(descriptor)
    return spent


def make_year(root: Path) -> int:
    """Write a year of hourly orders, a file a day; give its size."""
    files: dict[str, list[bytes]] = defaultdict(list)
    own_sum, number = SEED, 0
    for candle_ts in range(BEGIN, BEGIN + YEAR * HOUR_MS, HOUR_MS):
        for kind, content in told(candle_ts):
            number += 1
            line, own_sum = write(Record(number, candle_ts + HOUR_MS, kind, content), own_sum)
            files[day(candle_ts + HOUR_MS)].append(line)
    for name, parts in files.items():
        (root / f"runner_orders_{name}.log").write_bytes(b"".join(parts))
    return sum(len(line) for parts in files.values() for line in parts)


def replay(root: Path) -> tuple[float, float]:
    """Time a whole reading, and then a second look at files in which nothing changed (s)."""
    journal = Journal(root, lambda: BEGIN)
    began = time.perf_counter()
    journal.catch_up()
    between = time.perf_counter()
    journal.catch_up()
    ended = time.perf_counter()
    if journal.records != 4 * YEAR:
        raise AssertionError(f"{journal.records} records were read")
    return between - began, ended - between


def row(what: str, spent: list[float], limit: float | None) -> str:
    worst = quantiles(spent, n=100)[98]
    said = "" if limit is None else f"{limit:.0f} ms"
    return f"| {what} | {median(spent):.2f} ms | {worst:.2f} ms | {said} |"


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as directory:
        orders = {}
        for durable in (True, False):
            place = Path(directory) / str(durable)
            place.mkdir()
            orders[durable] = Order(place, durable=durable)
            for number in range(ORDERS):
                orders[durable].go(BEGIN + number * HOUR_MS)
        disk = bare(Path(directory))
        year = Path(directory) / "year"
        year.mkdir()
        size = make_year(year)
        times = [replay(year) for _ in range(RUNS)]
    print(f"{ORDERS} orders of four records and two saves of the state; a year is {size / 1e6:.0f} MB.\n")
    print("| what an order adds | p50 | p99 | limit |\n|---|---|---|---|")
    print(row("journal, four records", orders[True].spent["journal"], None))
    print(row("state, two saves", orders[True].spent["state"], None))
    print(row("both", orders[True].spent["both"], MOST_MS))
    print(row("both, not synced", orders[False].spent["both"], None))
    print(row("four bare writes and fsyncs on this disk", disk, None))
    whole, again = median(a for a, _ in times), median(b for _, b in times)
    print(
        f"\n| reading | median | best | limit |\n|---|---|---|---|\n| a year, {4 * YEAR} records | {whole:.2f} s",
        end="",
    )
    print(f" | {min(a for a, _ in times):.2f} s | {MOST_SECONDS:.0f} s |")
    print(f"| the same again, nothing added | {again * 1000:.1f} ms | {min(b for _, b in times) * 1000:.1f} ms | |")


if __name__ == "__main__":
    main()
