"""A root, a sandbox on a port of its own that counts what reaches it, and a clock that moves only by waiting."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from genesis_ops.checks.model import Judged, Outcome
from genesis_ops.keep.verification import Plan, Verified, Watch, verify_all
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.report.verify import Step
from genesis_ops.runner.manual import Wish
from genesis_ops.sandbox.account import Order
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch
from genesis_ops.sandbox.server import make_server
from genesis_ops.settings import Settings, load
from genesis_ops.words import day, stamp

NOON_MS = 1_770_210_000_000 + 20 * 60_000
"""2026-02-04 13:20:00 UTC."""
PAIR = "tTESTBTC:TESTUSD"
SIZE = 0.001


class World:
    """What a verification looks at, and what it did there."""

    def __init__(self, root: Path, clock: VirtualClock, sandbox: Sandbox, url: str) -> None:
        self.clock, self.sandbox = clock, sandbox
        given = {"root": root, "api_url": url, "exchange_url": url, "lock_dir": root / "locks"}
        self.settings: Settings = load(given, {}, None).settings
        self.steps: list[Step] = []
        self.asked: list[Mapping[str, float]] = []
        self.answer = True

    def fault(self, name: str) -> None:
        self.sandbox.faults.on(name, self.clock.now_ms())

    def heal(self, name: str) -> None:
        self.sandbox.faults.off(name, self.clock.now_ms())

    def stranger(self, size: float) -> None:
        """Let somebody else buy (or, below 0, sell) on the same account."""
        account, now_ms = self.sandbox.account, self.clock.now_ms()
        account.fill(Order(PAIR, size > 0, abs(size)), abs(size), self.sandbox.market.price(now_ms), now_ms)

    def log(self, *messages: str, level: str = "INFO", ago_seconds: int = 5) -> None:
        at = self.clock.now_ms() - ago_seconds * 1000
        self.settings.log_dir.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{stamp(at)} - paper_trading_runner - {level} - {message}\n" for message in messages)
        with (self.settings.log_dir / f"runner_{day(at)}.log").open("a", encoding="utf-8") as file:
            file.write(text)

    @property
    def requests(self) -> Counter[tuple[str, str]]:
        """What reached the server, by method and path."""
        return Counter(self.sandbox.requests)

    @property
    def changes(self) -> dict[tuple[str, str], int]:
        """What reached the server that is not only a question."""
        return {key: count for key, count in self.requests.items() if key[0] != "GET"}

    def verify(self, *, order: bool = True, size: float = SIZE) -> Verified:
        self.steps.clear()
        plan = Plan(Wish("LONG", size) if order else None, "none was asked for", 0.0, "a test")
        return verify_all(self.settings, self.clock, plan, Watch(_doing, self.steps.append, self._agrees))

    def _agrees(self, _: Wish, held: Mapping[str, float]) -> bool:
        self.asked.append(held)
        return self.answer


@contextmanager
def _doing(_: str) -> Iterator[None]:
    yield


@contextmanager
def world(root: Path) -> Iterator[World]:
    """Serve a sandbox while the block runs."""
    clock = VirtualClock(NOON_MS)
    sandbox = Sandbox(7, clock.now_ms, clock.wait, FaultSwitch())
    server = make_server(sandbox, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield World(root, clock, sandbox, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def outcomes(checks: tuple[Judged, ...]) -> dict[str, Outcome]:
    """Tell what each check came to, by its id without the command's name."""
    return {judged.id.removeprefix("verify-"): judged.outcome for judged in checks}
