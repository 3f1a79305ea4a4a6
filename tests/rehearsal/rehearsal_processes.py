"""Real processes in a place of the test's own: roots, sandboxes and runners, each of them ended by its pid."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import genesis_ops

COMMAND = (sys.executable, "-m", "genesis_ops")
PATIENCE_SECONDS = 20.0
GLANCE_SECONDS = 0.003

T = TypeVar("T")


def until(look: Callable[[], T], seconds: float = PATIENCE_SECONDS, otherwise: Callable[[], str] = str) -> T:
    """Look again and again until there is something to see, and fail with ``otherwise`` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not seen within {seconds:.0f}s: {otherwise()}"
        time.sleep(GLANCE_SECONDS)
    return seen


class Started:
    """A process with both of its streams in files, so that no full pipe holds it up."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path, err: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._out = out
        self._err = err

    @property
    def out(self) -> str:
        return self._out.read_text("utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text("utf-8")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the end and tell the exit code; a signal's is negative."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            message = f"pid {self.pid} has not ended within {seconds:.0f}s; its last words: {self.err[-2000:]}"
            raise AssertionError(message) from None

    def stopped(self, number: int = signal.SIGTERM, seconds: float = PATIENCE_SECONDS) -> int:
        """Ask it to stop, and tell its exit code."""
        self.send(number)
        return self.ended(seconds)


class Sandbox:
    """A sandbox process, and what a client can ask of it."""

    def __init__(self, started: Started) -> None:
        self.started = started

    @cached_property
    def url(self) -> str:
        found = until(lambda: re.search(r" on (http://\S+),", self.started.err), otherwise=lambda: self.started.err)
        return found[1]

    @property
    def flags(self) -> tuple[str, ...]:
        return ("--api-url", self.url, "--exchange-url", self.url)

    def ask(self, target: str, method: str = "GET") -> Any:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        try:
            connection.request(method, target)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def requests(self, part: str) -> int:
        """How many requests have arrived whose method and path contain ``part``."""
        return sum(count for name, count in self.ask("/sandbox")["requests"].items() if part in name)

    def close_at(self, close: datetime) -> float:
        """When (monotonic seconds) this sandbox, at speed 1, passes a moment of its own time."""
        before = time.monotonic()
        now = datetime.fromisoformat(self.ask("/sandbox")["now"])
        return (before + time.monotonic()) / 2 + (close - now).total_seconds()


class Root:
    """A root with champions, and what a runner left in it."""

    def __init__(self, path: Path, timeframes: Sequence[str] = ("1m", "1h")) -> None:
        self.path = path
        self.logs = path / "logs" / "paper_trading"
        self.state_file = self.logs / "runner_state.json"
        for timeframe in timeframes:
            champion = path / "config" / "strategy" / "champions" / f"tBTCUSD_{timeframe}.json"
            champion.parent.mkdir(parents=True, exist_ok=True)
            champion.write_text('{"merged_config": {}}\n', "utf-8")

    @property
    def log(self) -> str:
        return "".join(path.read_text("utf-8") for path in sorted(self.logs.glob("runner_2*.log")))

    def messages(self, part: str = "") -> list[str]:
        """The log's messages that contain ``part``, oldest first."""
        found = [line.split(" - ", 3)[3] for line in self.log.splitlines() if line.count(" - ") >= 3]
        return [message for message in found if part in message]

    def closes(self) -> list[int]:
        return [int(ts) for ts in re.findall(r"NEW CANDLE CLOSE: ts=(\d+)", self.log)]

    def stream(self, name: str) -> list[dict[str, Any]]:
        files = sorted(self.logs.glob(f"runner_{name}_*.log"))
        return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]

    def state(self) -> dict[str, Any]:
        document = json.loads(self.state_file.read_text("utf-8"))
        assert isinstance(document, dict)
        return document


class Place:
    """A directory to run things in; whatever still lives at its end is killed, and nothing else is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started: list[Started] = []
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GENESIS_", "WATCHDOG_"))
            and name not in {"NO_COLOR", "NOTIFY_SOCKET", "FORCE_COLOR"}
        } | {
            "GENESIS_LOCK_DIR": str(path / "locks"),
            "PYTHONPATH": str(Path(genesis_ops.__file__).parents[1]),
        }
        (path / "locks").mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for started in self._started:
            if started.alive:
                started.process.kill()
            started.process.wait()

    def root(self, name: str = "root", timeframes: Sequence[str] = ("1m", "1h")) -> Root:
        return Root(self.path / name, timeframes)

    def start(self, command: Sequence[str], environment: Mapping[str, str] | None = None, **popen: Any) -> Started:
        """Start any program; ``environment`` comes on top of the place's own."""
        number = len(self._started)
        out, err = self.path / f"{number}.out", self.path / f"{number}.err"
        streams = {"stdin": subprocess.DEVNULL, "stdout": out.open("wb"), "stderr": err.open("wb")}
        try:
            process = subprocess.Popen(
                command, env=self.environment | dict(environment or {}), cwd=self.path, **(streams | popen)
            )
        finally:
            streams["stdout"].close()
            streams["stderr"].close()
        started = Started(process, out, err)
        self._started.append(started)
        return started

    def sandbox(self, *options: str, start: datetime | None = None) -> Sandbox:
        at = () if start is None else ("--start", start.isoformat())
        return Sandbox(self.start((*COMMAND, "sandbox", "serve", "--port", "0", *at, *options)))

    def run(
        self, root: Root, sandbox: Sandbox, *options: str, prefix: Sequence[str] = (), **environment: str
    ) -> Started:
        """Start a runner on a root and a sandbox."""
        command = (*prefix, *COMMAND, "--root", str(root.path), "run", *sandbox.flags, *options)
        return self.start(command, environment)


def hour_ahead(seconds: float) -> datetime:
    """A moment so many seconds before a full hour, near enough to now that no clock is called wrong by a day."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now + timedelta(hours=1) - timedelta(seconds=seconds)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


class SlowStop:
    """A runner that gets its signal while it waits for a reply; a thread sees to it while other tests run."""

    def __init__(self, place: Place, root: Root, number: int, fault: str, request: tuple[str, int]) -> None:
        self.root, self.number = root, number
        self.sandbox = place.sandbox("--fault", fault, start=hour_ahead(4))
        lock_dir = str(root.path)
        self.runner = place.run(root, self.sandbox, "--timeframe", "1m", GENESIS_LOCK_DIR=lock_dir)
        self.sent = threading.Event()
        threading.Thread(target=self._interrupt, args=request, daemon=True).start()

    def _interrupt(self, endpoint: str, count: int) -> None:
        until(lambda: self.sandbox.requests(endpoint) >= count, otherwise=lambda: self.runner.err)
        self.runner.send(self.number)
        self.sent.set()

    def ended(self) -> int:
        assert self.sent.wait(PATIENCE_SECONDS), self.runner.err
        return self.runner.ended(45)


class Early:
    """What needs half a minute: a signal during a poll, an evaluation and the verification; time that runs fast."""

    def __init__(self, place: Place) -> None:
        evaluate, candles = "POST /strategy/evaluate", "GET /v2/candles"
        roots = [place.root(name, ["1m"]) for name in ("polling", "evaluating", "verifying", "fast")]
        self.polling = SlowStop(place, roots[0], signal.SIGTERM, "feed-slow@3s", (candles, 3))
        self.evaluating = SlowStop(place, roots[1], signal.SIGINT, "evaluate-slow@3s", (evaluate, 3))
        self.verifying = SlowStop(place, roots[2], signal.SIGTERM, "evaluate-slow", (evaluate, 1))
        self.fast_root = roots[3]
        sandbox = place.sandbox("--speed", "60")
        lock_dir = str(self.fast_root.path)
        self.fast_runner = place.run(self.fast_root, sandbox, "--timeframe", "1m", GENESIS_LOCK_DIR=lock_dir)
