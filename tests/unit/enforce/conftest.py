"""A host of the test's own: runners that end when they are told to, or do not, and time that passes by waiting."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from genesis_ops.enforce.act import enforce
from genesis_ops.enforce.steps import Enforced, Step, StepFailed
from genesis_ops.settings import Settings, load
from genesis_ops.words import stamp

START_MS = 1_770_297_002_000  # 2026-02-05 13:10:02 UTC
LOG = "runner_20260205.log"


class Runner:
    """A process that ends so many seconds after SIGTERM or SIGKILL; None: never."""

    def __init__(self, host: "Host", pid: int, term: float | None = 1.0, kill: float | None = 0.0) -> None:
        self.pid = pid
        self.command = "genesis-ops run"
        self.spared = ""
        self.forbidden = False
        self.sent: list[str] = []
        self._host = host
        self._after = {"TERM": term, "KILL": kill}
        self._ends_at: float | None = None

    def why_not(self) -> str:
        return self.spared

    def lives(self) -> bool:
        return self._ends_at is None or self._host.monotonic() < self._ends_at

    def terminate(self) -> None:
        self.send("TERM")

    def kill(self) -> None:
        self.send("KILL")

    def send(self, name: str) -> None:
        if self.forbidden:
            raise StepFailed(f"pid {self.pid} belongs to another user")
        self.sent.append(name)
        seconds = self._after[name]
        if seconds is not None:
            self._ends_at = min(self._ends_at or 1e18, self._host.monotonic() + seconds)


class Host:
    """Processes, a systemd that keeps one of them, a clock, and what happens ``meanwhile`` while time passes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.runners: list[Runner] = []
        self.kept_pid = 0
        self.unit_fails = ""
        self.blind = False
        self.now_s = START_MS / 1000
        self.meanwhile: Callable[[], object] = lambda: None
        self.told: Callable[[Step], None] = lambda _: None

    # --- the clock

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.meanwhile()

    # --- the processes

    def runner(self, pid: int = 18725, term: float | None = 1.0, kill: float | None = 0.0) -> Runner:
        self.runners.append(Runner(self, pid, term, kill))
        return self.runners[-1]

    def find(self) -> list[Runner]:
        if self.blind:
            raise StepFailed("nobody may look")
        return [runner for runner in self.runners if runner.lives()]

    def unit_pid(self) -> int:
        if self.unit_fails == "show":
            raise StepFailed("`systemctl show` failed")
        return self.kept_pid

    def stop_unit(self, seconds: float) -> None:
        assert seconds > 45
        if self.unit_fails == "stop":
            raise StepFailed("`systemctl stop` failed (1): Access denied")
        for runner in self.runners:
            if runner.pid == self.kept_pid and self.unit_fails != "no end":
                runner.send("TERM")

    # --- what is done, and what is left

    @property
    def logs(self) -> Path:
        return self.settings.log_dir

    def write(self, text: str) -> None:
        with (self.logs / LOG).open("a", encoding="utf-8") as file:
            file.write(f"{stamp(self.now_ms())} - paper_trading_runner - INFO - {text}\n")

    def enforce(self, *reasons: str) -> Enforced:
        return enforce(self.settings, reasons or ("fatal-error",), self, self, told=self.told)


@pytest.fixture
def make_host(tmp_path: Path) -> Callable[[], Host]:
    made = count()

    def make() -> Host:
        root = tmp_path / str(next(made))
        root.mkdir()
        host = Host(load({"root": root}, {}, None).settings)
        host.logs.mkdir(parents=True)
        host.write("Runner at work.")
        return host

    return make


@pytest.fixture
def host(make_host: Callable[[], Host]) -> Host:
    return make_host()
