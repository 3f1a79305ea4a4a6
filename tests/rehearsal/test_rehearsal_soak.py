"""Ten minutes at the default poll interval: no candle missed, each within a second, small, flat and idle."""

import time
from datetime import UTC, datetime
from statistics import fmean

import psutil
import pytest
from rehearsal_processes import Place, Root, Sandbox, Started, milliseconds, until

SECONDS = 600
SAMPLE_SECONDS = 2.0
MINUTE_MS = 60_000
MEGABYTE = 1_000_000


class Watch:
    """Samples a runner, and notes when (monotonic seconds) each close came into its log."""

    def __init__(self, root: Root, runner: Started) -> None:
        self.seen: dict[int, float] = {}
        self.sizes: list[int] = []
        self._root = root
        self._runner = runner
        self._process = psutil.Process(runner.pid)
        self._bytes_read: dict[str, int] = {}
        self._due = 0.0

    def look(self) -> None:
        assert self._runner.alive, self._runner.err
        for path in self._root.logs.glob("runner_2*.log"):
            with path.open("rb") as file:
                file.seek(self._bytes_read.get(path.name, 0))
                lines = file.read().rpartition(b"\n")[0]
                self._bytes_read[path.name] = self._bytes_read.get(path.name, 0) + len(lines)
            for line in lines.split(b"\n"):
                if b"NEW CANDLE CLOSE: ts=" in line:
                    self.seen.setdefault(int(line.partition(b"ts=")[2].partition(b",")[0]), time.monotonic())
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + SAMPLE_SECONDS
            self.sizes.append(self._process.memory_info().rss)

    def cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


def closed_at(sandbox: Sandbox, ts: int) -> float:
    """When (monotonic seconds) the candle that opened at ``ts`` (ms) closed."""
    return sandbox.close_at(datetime.fromtimestamp((ts + MINUTE_MS) / 1000, UTC))


@pytest.mark.soak
def test_ten_minutes_of_minute_candles_are_complete_prompt_small_and_idle(place: Place) -> None:
    sandbox = place.sandbox()
    root = place.root()
    began = time.monotonic()
    runner = place.run(root, sandbox, "--dry-run", "--timeframe", "1m")
    until(lambda: root.messages("Action=") or root.messages("DRY-RUN: "), otherwise=lambda: runner.err)
    watch = Watch(root, runner)
    end = began + SECONDS
    while (left := end - time.monotonic()) > 0:
        watch.look()
        time.sleep(min(0.01, left))  # how finely the reaction is measured
    wall, cpu = time.monotonic() - began, watch.cpu_seconds()
    now = datetime.fromisoformat(sandbox.ask("/sandbox")["now"])
    reactions = [round(at - closed_at(sandbox, ts), 3) for ts, at in watch.seen.items()][
        1:
    ]  # the first had closed before
    requests = sandbox.requests("/v2/candles")
    assert runner.stopped() == 0

    third = len(watch.sizes) // 3
    growth = fmean(watch.sizes[-third:]) - fmean(watch.sizes[:third])
    print(
        f"\n{len(root.closes())} closes in {wall:.0f} s, reactions {min(reactions)} to {max(reactions)} s,"
        f"\nRSS at most {max(watch.sizes) / MEGABYTE:.1f} MB, growth {growth / MEGABYTE:+.3f} MB,"
        f"\nCPU {cpu:.2f} s = {100 * cpu / wall:.3f} % of a core, {requests} requests to the exchange"
    )
    closes = root.closes()
    assert closes == list(range(closes[0], closes[-1] + 1, MINUTE_MS))
    assert len(closes) >= SECONDS // 60
    assert milliseconds(now) - (closes[-1] + MINUTE_MS) < MINUTE_MS + 1000
    assert len(root.messages("EVALUATION: action=")) == len(closes)
    assert not root.messages("MISSED")
    assert not root.messages("HTTP error")
    assert max(reactions) <= 1.0
    assert max(watch.sizes) < 80 * MEGABYTE
    assert growth < 2 * MEGABYTE
    assert cpu / wall < 0.01
    assert requests <= 10 * (wall / 60 + 1)
