import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from genesis_ops.clients.systemd import Notifier
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.rehearsal.world import build
from genesis_ops.runlog.events import Event, read_message
from genesis_ops.runner.loop import Glance
from genesis_ops.runner.start import Surroundings, start
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch, parse_fault
from genesis_ops.sandbox.transport import SandboxTransport
from genesis_ops.settings import Settings, load
from genesis_ops.state.model import State
from genesis_ops.words import HOUR_MS, MINUTE_MS, Mode

START_MS = 1_770_210_200_000  # 2026-02-04 13:03:20 UTC


def says(document: object, status: int = 200) -> httpx.Response:
    """An answer of the API."""
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(document).encode()))


class Watched(httpx.BaseTransport):
    """The sandbox's transport, remembering when it was asked what; ``instead`` may answer in its place."""

    def __init__(self, sandbox: Sandbox, clock: VirtualClock) -> None:
        self._inner = SandboxTransport(sandbox)
        self._clock = clock
        self.requests: list[tuple[float, str, bytes]] = []
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        self.decision: tuple[str, float | None] | None = None
        """Which action and size every evaluation names, where the test and not the strategy decides."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((self._clock.monotonic(), request.url.path, request.read()))
        reply = self.instead(request) or self._inner.handle_request(request)
        return self._decided(reply) if self.decision and "evaluate" in request.url.path else reply

    def _decided(self, reply: httpx.Response) -> httpx.Response:
        document = json.loads(reply.read())
        if self.decision is not None and "result" in document:
            document["result"]["action"], document["meta"]["decision"]["size"] = self.decision
        return says(document, reply.status_code)

    def times(self, part: str) -> list[float]:
        return [at for at, path, _ in self.requests if part in path]

    def count(self, path: str) -> int:
        return sum(asked == path for _, asked, _ in self.requests)

    def bodies(self, part: str) -> list[Any]:
        return [json.loads(body) for _, path, body in self.requests if part in path]


class Day:
    """A runner in a world of the test's own; it can be stopped, and started again later."""

    def __init__(self, root: Path, seed: int = 7) -> None:
        build(root)
        self.root = root
        self.clock = VirtualClock(START_MS)
        self.faults = FaultSwitch()
        self.sandbox = Sandbox(seed, self.clock.now_ms, self.clock.wait, self.faults)
        self.wire = Watched(self.sandbox, self.clock)
        self.glances: list[Glance] = []

    @property
    def logs(self) -> Path:
        return self.root / "logs" / "paper_trading"

    def settings(self, **flags: object) -> Settings:
        return load({"root": self.root, **flags}, {}, None).settings

    def fault(self, *texts: str) -> None:
        """Switch faults on, with times counted from now."""
        self.faults.schedule += [parse_fault(text, self.clock.now_ms()) for text in texts]

    def live(self, minutes: float = 60, *, override: str = "the test wants it", **options: Any) -> State:
        """Run in live-paper, without an acceptance unless ``override`` is empty."""
        return self.run(minutes, mode=Mode.LIVE_PAPER, override=override, **options)

    def run(
        self,
        minutes: float = 60,
        *,
        candles: int | None = None,
        rebuild: bool = False,
        mode: Mode | None = Mode.DRY_RUN,
        override: str = "",
        **flags: object,
    ) -> State:
        end_ms = self.clock.now_ms() + int(minutes * MINUTE_MS)
        around = Surroundings(
            clock=self.clock,
            transport=self.wire,
            notifier=Notifier({}),
            stop_signal=lambda: 15 if self.clock.now_ms() >= end_ms else None,
            line=None,
            watch=self.glances.append,
            command="test",
        )
        settings = self.settings(**flags)
        return start(settings, around, candles=candles, rebuild=rebuild, mode=mode, override=override)

    def pause(self, hours: float) -> None:
        self.clock.wait(hours * HOUR_MS / 1000)

    def lines(self) -> list[str]:
        files = sorted(self.logs.glob("runner_2*.log"))
        return [line for file in files for line in file.read_text("utf-8").splitlines()]

    def events(self, *types: type[Event]) -> list[Any]:
        read = [read_message(line.split(" - ", 3)[3]) for line in self.lines() if " - " in line]
        return [event for event in read if not types or isinstance(event, types)]

    def stream(self, name: str) -> list[dict[str, Any]]:
        files = sorted(self.logs.glob(f"runner_{name}_*.log"))
        return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]

    @property
    def posts(self) -> int:
        """How many orders were sent."""
        return self.wire.count("/paper/submit")

    def records(self, *kinds: str) -> list[dict[str, Any]]:
        """Read the journal as it lies on the disk."""
        return [record for record in self.stream("orders") if not kinds or record["kind"] in kinds]

    def kinds(self) -> list[str]:
        return [record["kind"] for record in self.records()]

    def journal(self) -> Journal:
        """Open the journal beside the runner, as an operator's command does."""
        return Journal(self.logs, self.clock.now_ms, wait=self.clock.wait)

    def resolve(self, name: str, *, filled: bool) -> None:
        """Say what came of an order, as an operator does."""
        journal = self.journal()
        with journal.held("genesis-ops orders resolve"):
            journal.append(Kind.RESOLVED, id=name, filled=filled, by="ops@host", reason="seen on the exchange")

    def state(self) -> dict[str, Any]:
        document = json.loads((self.logs / "runner_state.json").read_text("utf-8"))
        assert isinstance(document, dict)
        return document


@pytest.fixture
def make_day(tmp_path: Path) -> Callable[[], Day]:
    made = count()
    return lambda: Day(tmp_path / str(next(made)))


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path / "root")


ORDER = "20260204-1300"
"""The first order of ``desk``: the candle that opens at 13:00 and closes at 14:00."""


@pytest.fixture
def desk(day: Day) -> Day:
    """A live-paper that was admitted at 13:56, and whose strategy asks for an order at every close from 14:00 on."""
    return at_desk(day)


def at_desk(day: Day) -> Day:
    day.clock.wait(52 * 60 + 40)
    day.wire.decision = ("NONE", None)
    day.live(1)
    day.wire.decision = ("LONG", 0.015)
    day.wire.requests.clear()
    return day


@pytest.fixture
def make_desk(make_day: Callable[[], Day]) -> Callable[[], Day]:
    return lambda: at_desk(make_day())
