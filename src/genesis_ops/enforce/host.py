"""The host itself: its processes and its systemd."""

import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from genesis_ops.clients.process import Trader, traders
from genesis_ops.enforce.steps import StepFailed
from genesis_ops.enforce.whom import Facts, OpenFile, why_not
from genesis_ops.settings import Settings
from genesis_ops.state.lock import holders, runner_locks

if TYPE_CHECKING:
    import psutil

UNIT = "genesis-runner.service"
_ANSWER_SECONDS = 10.0
_SAME_START_MS = 2000
"""How far two readings of one process's start can lie apart: the kernel counts it in ticks since a moving boot time."""


class Held:
    """A process held by number and start, as psutil does it: a signal never reaches a later one of that number."""

    def __init__(self, process: "psutil.Process", trader: Trader, settings: Settings) -> None:
        self.pid = process.pid
        self.command = trader.process.command
        self._trader = trader
        self._process = process
        self._settings = settings

    def why_not(self) -> str:
        """Say why it must not be stopped; empty: it may."""
        return why_not(_facts(self._process, self._trader), self._settings, _relatives())

    def lives(self) -> bool:
        """Tell whether it still runs; one that has ended and waits for its parent does not."""
        import psutil

        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except psutil.Error as error:
            raise StepFailed(f"pid {self.pid} cannot be looked at: {error}") from None

    def terminate(self) -> None:
        """Ask it to stop; one that has ended needs no asking."""
        self._signal(self._process.terminate)

    def kill(self) -> None:
        """End it; one that has ended needs no ending."""
        self._signal(self._process.kill)

    def _signal(self, send: Callable[[], None]) -> None:
        import psutil

        try:
            send()
        except psutil.NoSuchProcess:
            return
        except psutil.AccessDenied:
            raise StepFailed(f"pid {self.pid} belongs to another user: run this as that user, or with sudo") from None


class Host:
    """Knows its processes, and asks systemd where that runs: where the directory ``booted`` is (sd_booted(3))."""

    def __init__(self, settings: Settings, booted: Path = Path("/run/systemd/system")) -> None:
        self._settings = settings
        self._booted = booted

    def find(self) -> Sequence[Held]:
        """Take every process in hand that looks like a runner; one that ended meanwhile is none."""
        import psutil

        found = []
        for trader in traders(self._settings.log_dir, self._plates()):
            with suppress(psutil.NoSuchProcess):
                process, since_ms = psutil.Process(trader.process.pid), trader.process.since_ms
                if since_ms is None or abs(process.create_time() * 1000 - since_ms) <= _SAME_START_MS:
                    found.append(Held(process, trader, self._settings))
        return found

    def _plates(self) -> dict[int, int]:
        """Tell since when (ms, UTC) which process holds the state's or the log directory's lock, as its plate says."""
        known = self._settings
        wishes = runner_locks(
            known.state_file, known.log_dir, known.lock_dir, symbol=known.symbol, timeframe=known.timeframe
        )[1:]  # the first is the market's, which a runner of another directory may hold
        plates = {}
        for holder in holders(wishes):
            with suppress(ValueError):
                plates[holder.pid] = round(datetime.fromisoformat(holder.since).timestamp() * 1000)
        return plates

    def unit_pid(self) -> int:
        """Tell the main process of the unit; 0 where systemd has none, or is none."""
        if not self._booted.is_dir():
            return 0
        said = _systemctl("show", "--property=MainPID", UNIT, seconds=_ANSWER_SECONDS).strip()
        name, _, number = said.partition("=")
        if name != "MainPID" or not (number.isascii() and number.isdigit()):
            raise StepFailed(f"systemctl show gave no MainPID: {said[:100]!r}")
        return int(number)

    def stop_unit(self, seconds: float) -> None:
        """Have systemd stop the unit, so that it does not start it again."""
        _systemctl("stop", UNIT, seconds=seconds)


def _systemctl(*arguments: str, seconds: float) -> str:
    command = ("systemctl", *arguments)
    try:
        done = subprocess.run(  # noqa: S603 - systemd's own program, as the PATH has it, with fixed arguments
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise StepFailed(f"`{' '.join(command)}` took more than {seconds:.0f}s") from None
    except OSError as error:
        raise StepFailed(f"`{' '.join(command)}` could not be started: {error.strerror}") from None
    if done.returncode:
        raise StepFailed(f"`{' '.join(command)}` failed ({done.returncode}): {done.stderr.strip()[:300]}")
    return done.stdout


def _facts(process: "psutil.Process", trader: Trader) -> Facts:
    """Look at a process; what may not be seen is unknown, and what has ended has nothing."""
    import psutil

    arguments: tuple[str, ...] = ()
    directory = "/"
    files: tuple[OpenFile, ...] | None = None
    with suppress(psutil.Error):
        arguments = tuple(process.cmdline())
    with suppress(psutil.Error):
        directory = process.cwd()
    with suppress(psutil.Error):
        # Only Linux tells the mode; elsewhere an open runner log counts as written.
        files = tuple(OpenFile(file.path, getattr(file, "mode", "a") != "r") for file in process.open_files())
    return Facts(process.pid, trader.runs, trader.holds, arguments, directory, files)


def _relatives() -> frozenset[int]:
    import psutil

    with suppress(psutil.Error):
        return frozenset({os.getpid(), *(parent.pid for parent in psutil.Process().parents())})
    return frozenset({os.getpid(), os.getppid()})
