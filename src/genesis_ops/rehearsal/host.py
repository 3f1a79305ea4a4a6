"""The host of a rehearsal: its time, its servers, its processes, its disk, and the runner that lives on it.

What a check asks of the world around the root is answered here as this host has it; what it makes of that is its own.
"""

import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from genesis_ops.clients.process import Listeners, Process, Trader
from genesis_ops.clients.systemd import Notifier
from genesis_ops.clients.units import UnitsFound
from genesis_ops.collect.around import Around
from genesis_ops.collect.host import api_port
from genesis_ops.errors import GenesisError
from genesis_ops.rehearsal.stage import Killed, Stage, runners, watcher
from genesis_ops.runlog.files import last_stamp_ms, log_files
from genesis_ops.runner.loop import Glance
from genesis_ops.runner.start import Surroundings, start
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch
from genesis_ops.sandbox.transport import SandboxTransport
from genesis_ops.settings import Settings
from genesis_ops.words import Mode

_FREE_BYTES = 20_000_000_000
_USER = "genesis"


class Host:
    """A rehearsed host; ``free_bytes``, ``server_pid`` and ``second_runner`` are what can be wrong with it."""

    def __init__(self, settings: Settings, seed: int, start_ms: int) -> None:
        self.settings = settings
        self.stage = Stage(start_ms)
        self.clock = watcher(self.stage)
        self.switch = FaultSwitch()
        self.sandbox = Sandbox(seed, lambda: self.stage.true_ms, self.stage.pause, self.switch)
        self.transport = SandboxTransport(self.sandbox)
        self.free_bytes = _FREE_BYTES
        self.server_pid, self.runner_pid = 1000, 2000
        self.second_runner = False
        self.mode = Mode.DRY_RUN
        self.candles: int | None = None
        """After how many candles the newest runner ends by itself."""
        self.polls = self.closes = 0
        self.heard: list[tuple[int, str, str]] = []
        """What the runner logged as a warning or worse (ms, UTC; level), since somebody last emptied it."""
        self._polls_before = 0
        self._told_end = 0
        self._closed_ms: int | None = None
        self._since_ms = self._server_since_ms = start_ms

    @property
    def around(self) -> Around:
        """Give what a check asks of the world around the root."""
        return Around(
            transport=self.transport,
            traders=self._traders,
            listeners=self._listeners,
            units=lambda: UnitsFound((), "a rehearsal has no systemd"),
            free_bytes=lambda _: self.free_bytes,
        )

    # --- the runner

    def begin(self, mode: Mode, *, rebuild: bool = False, candles: int | None = None) -> GenesisError | None:
        """Start the runner, up to its first wait; give what refused or ended it by then."""
        self.mode, self.candles, self._polls_before = mode, candles, self.polls
        self.runner_pid += 1
        self._since_ms = self.clock.now_ms()
        around = self._surroundings(mode)
        self.stage.begin(lambda: start(self.settings, around, candles=candles, rebuild=rebuild, mode=mode))
        return self.newly_ended_by()

    def ended_by(self) -> GenesisError | None:
        """Tell what ended the newest runner; None for a good order, a kill, or one that lives.

        Raises:
            BaseException: what nobody foresaw.
        """
        error = self.stage.ended_by
        if error is None or isinstance(error, GenesisError):
            return error
        if isinstance(error, Killed):
            return None
        raise error

    def newly_ended_by(self) -> GenesisError | None:
        """Tell once what ended the newest runner by itself."""
        error = None if self.stage.lives or self._told_end == self.runner_pid else self.ended_by()
        self._told_end = self._told_end if self.stage.lives else self.runner_pid
        return error

    def stop(self) -> None:
        """Ask the runner to stop (SIGTERM), and wait until it has."""
        if self.stage.lives and not self.stage.hangs:
            self.stage.stop_number = int(signal.SIGTERM)
            while self.stage.lives:
                self.stage.until(self.stage.true_ms + 100)

    def _surroundings(self, mode: Mode) -> Surroundings:
        return Surroundings(
            clock=runners(self.stage),
            transport=self.transport,
            notifier=Notifier({}),
            stop_signal=lambda: self.stage.stop_number,
            line=self._hear,
            watch=self._watch,
            command=f"genesis-ops run --{mode}",
            durable=False,
        )

    def _hear(self, line: str) -> None:
        _, _, level, message = line.split(" - ", 3)
        if level != "INFO":
            self.heard.append((self.stage.true_ms, level, message))

    def _watch(self, seen: Glance) -> None:
        self.polls = self._polls_before + seen.polls
        self.closes += seen.last_close_ms != self._closed_ms
        self._closed_ms = seen.last_close_ms

    # --- what a check asks

    def date_files(self) -> None:
        """Let the runner's files be as old as what was written last into them, and not as in the world outside."""
        for file in log_files(self.settings.log_dir):
            if not file.packed:
                _date(file.path, _last_line_ms(file.path))
        _date(self.settings.state_file, _saved_ms(self.settings.state_file))

    def restart_server(self) -> None:
        """Give the API's server another process."""
        self.server_pid += 1
        self._server_since_ms = self.clock.now_ms()

    def _traders(self, _log_dir: Path, _plates: Mapping[int, int], _root: Path | None) -> tuple[Trader, ...]:
        found = [(self.runner_pid, self.mode)] if self.stage.lives else []
        found += [(self.runner_pid + 500, Mode.DRY_RUN)] if self.second_runner else []
        return tuple(
            Trader(Process(pid, f"genesis-ops run --{mode}", _USER, self._since_ms), runs=True, holds=True, writes=True)
            for pid, mode in found
        )

    def _listeners(self, _port: int) -> Listeners:
        if "api-down" in self.switch.active(self.stage.true_ms):
            return Listeners((), hidden=False)
        server = Process(
            self.server_pid,
            f"uvicorn core.server:app --port {api_port(self.settings.api_url)}",
            _USER,
            self._server_since_ms,
        )
        return Listeners((server,), hidden=False, addresses=("127.0.0.1",))


def _date(path: Path, ms: int | None) -> None:
    """Give a file an age (ms, UTC); one that does not tell its own keeps what it has."""
    if ms is not None:
        os.utime(path, ns=(ms * 1_000_000, ms * 1_000_000))


def _last_line_ms(path: Path) -> int | None:
    with path.open("rb") as file:
        return last_stamp_ms(file.fileno())


def _saved_ms(state: Path) -> int | None:
    """Tell when a state was saved last: it is saved with every heartbeat, and tells its time."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return round(datetime.fromisoformat(json.loads(state.read_bytes())["last_heartbeat"]).timestamp() * 1000)
    return None
