"""What the runbook shows as output is what the commands print in a phase that is rehearsed for it."""  # noqa: INP001 - a script

import os
import re
import shlex
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest.mock import patch

from typer.testing import CliRunner

from genesis_ops.cli.app import app
from genesis_ops.cli.screen import shortened
from genesis_ops.clients.clock import SystemClock
from genesis_ops.clients.host_clock import HostClock
from genesis_ops.clients.systemd import Notifier
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.rehearsal.world import build
from genesis_ops.runner.start import Surroundings, start
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch, parse_fault
from genesis_ops.sandbox.server import make_server
from genesis_ops.sandbox.transport import SandboxTransport
from genesis_ops.settings import load
from genesis_ops.words import DAY_MS, Mode

SEED = 7
FEED_DOWN = "feed-down@2360m+230m"
"""The exchange's trouble on Day 1, 15:20 to 19:10, from which the missing hours come; counted from Day 0, 00:00."""

_BLOCK = re.compile(r"(<!-- output: ([^\n]+)((?:\n {5}\w+: [^\n]+)*) -->\n```\n)(.*?)(```\n)", re.DOTALL)
_OPTION = re.compile(r"(\w+): ([^\n]+)")


class Scene(NamedTuple):
    """A command that is typed at a time (ms, UTC): what was done to the root's copy before, and what is shown of it."""

    command: str
    at_ms: int
    after: str = ""
    shows: str = ""


def scenes(text: str) -> list[Scene]:
    """Find what the comments in a page ask for, in the page's order."""
    return [_scene(found[2], dict(_OPTION.findall(found[3]))) for found in _BLOCK.finditer(text)]


def _scene(command: str, options: dict[str, str]) -> Scene:
    at = datetime.strptime(options.pop("at"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return Scene(command, int(at.timestamp() * 1000), **options)


def filled(text: str, play: Callable[[list[Scene]], dict[Scene, str]]) -> str:
    """Put into each block below a comment what its command prints."""
    outputs = play(scenes(text))
    each = iter(scenes(text))
    return _BLOCK.sub(lambda found: f"{found[1]}{outputs[next(each)]}{found[5]}", text)


def played(asked: list[Scene]) -> dict[Scene, str]:
    """Rehearse the phase from the first command to the last, and tell what each of them prints."""
    with _elsewhere():
        return Stage(sorted(dict.fromkeys(asked), key=lambda scene: scene.at_ms)).play()


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Stand in a directory of one's own, where nobody's settings hold."""
    here, environment = Path.cwd(), dict(os.environ)
    for name in [name for name in environment if name.startswith("GENESIS_")]:
        del os.environ[name]
    try:
        with TemporaryDirectory() as place:
            (Path(place) / "root").mkdir()
            os.chdir(Path(place) / "root")
            yield
    finally:
        os.chdir(here)
        os.environ.update(environment)


class Stage:
    """The real runner on a clock that does not wait; between two of its polls commands are typed."""

    def __init__(self, waiting: list[Scene]) -> None:
        self.waiting = waiting
        self.outputs: dict[Scene, str] = {}
        self.clock = VirtualClock(waiting[0].at_ms)
        switch = FaultSwitch([parse_fault(FEED_DOWN, waiting[0].at_ms // DAY_MS * DAY_MS)])
        self.sandbox = Sandbox(SEED, self.clock.now_ms, self.clock.wait, switch)

    def play(self) -> dict[Scene, str]:
        """Let each scene have its time."""
        with make_server(self.sandbox, "127.0.0.1", 0) as server, self._clocks():
            threading.Thread(target=server.serve_forever, daemon=True).start()
            _furnish(f"http://127.0.0.1:{server.server_address[1]}")
            try:
                while self.waiting:
                    self._next()
            finally:
                server.shutdown()
        return {scene: _steady(text) for scene, text in self.outputs.items()}

    @contextmanager
    def _clocks(self) -> Iterator[None]:
        """Let the commands have the rehearsal's time."""
        with ExitStack() as patched:
            for of in (HostClock, SystemClock):
                for name in ("now_ms", "monotonic", "wait"):
                    patched.enter_context(patch.object(of, name, _without_self(getattr(self.clock, name))))
            yield

    def _next(self) -> None:
        scene = self.waiting.pop(0)
        self.clock.wait(max(0, scene.at_ms - self.clock.now_ms()) / 1000)
        self.outputs[scene] = self._run(scene) if _starts(scene) else _typed(scene)

    def _run(self, scene: Scene) -> str:
        """Run until shortly before the next start, or until nothing is left to be typed."""
        until_ms = next((each.at_ms - 20_000 for each in self.waiting if _starts(each)), self.waiting[-1].at_ms)
        said: list[str] = []

        def between_two_polls(_: object) -> None:
            while self.waiting and self.waiting[0].at_ms <= min(self.clock.now_ms(), until_ms):
                self._next()

        around = Surroundings(
            clock=self.clock,
            transport=SandboxTransport(self.sandbox),
            notifier=Notifier({}),
            stop_signal=lambda: signal.SIGTERM if self.clock.now_ms() >= until_ms else None,
            line=said.append,
            watch=between_two_polls,
            command=scene.command,
            durable=False,
        )
        mode = Mode.LIVE_PAPER if "--live-paper" in scene.command else Mode.DRY_RUN
        start(load({}, os.environ, None).settings, around, candles=None, rebuild=False, mode=mode)
        lines = [short[0] for line in said if (short := shortened(line))]
        last = next(number for number, line in enumerate(lines) if scene.shows in line)
        return "".join(f"{line}\n" for line in lines[: last + 1])


def _without_self(method: Callable[..., object]) -> Callable[..., object]:
    return lambda _, *given: method(*given)


def _furnish(url: str) -> None:
    settings = build(Path.cwd(), url)
    settings.log_dir.mkdir(parents=True)
    keys = settings.root / ".env"
    keys.write_text("BITFINEX_API_KEY=for-the-rehearsal\nBITFINEX_API_SECRET=for-the-rehearsal\n", "utf-8")
    keys.chmod(0o600)


def _starts(scene: Scene) -> bool:
    return scene.command.startswith("genesis-ops run") and not scene.after


def _typed(scene: Scene) -> str:
    """Type a command, in a copy of the root if something is spoilt for it."""
    here = Path.cwd()
    if scene.after:
        shutil.copytree(here, spoilt := here.with_name("spoilt"), dirs_exist_ok=True)
        os.chdir(spoilt)
        SPOILS[scene.after](Path("logs/paper_trading"))
    try:
        program, *words = shlex.split(scene.command)
        done = CliRunner().invoke(app, words, prog_name=program, env={"COLUMNS": "80"})
    finally:
        os.chdir(here)
        shutil.rmtree(here.with_name("spoilt"), ignore_errors=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stderr + _part(done.stdout, scene.shows)


def _part(text: str, check: str) -> str:
    """Keep of a report one check, with what stands under it, and its last line; all of it if none is named."""
    if not check:
        return text
    found = re.search(rf"^  \S +\d+ {re.escape(check)} .*?(?=^  \S +\d+ |^$)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no check {check} in:\n{text}"  # noqa: S101 - a mistake in the page
    return f"{found[0]}…\n{text.splitlines()[-1]}\n"


def _steady(text: str) -> str:
    for pattern, stands in VOLATILE:
        text = re.sub(pattern, stands, text)
    return text


def _twice(logs: Path) -> None:
    *_, last = (line for line in _log(logs).read_text("utf-8").splitlines(keepends=True) if "NEW CANDLE CLOSE" in line)
    _append(logs, last)


def _says(level: str, message: str) -> Callable[[Path], None]:
    """Let the runner's log say something more."""
    return lambda logs: _append(logs, f"{_last_time(logs)} - paper_trading_runner - {level} - {message}\n")


def _last_time(logs: Path) -> str:
    return _log(logs).read_text("utf-8").splitlines()[-1][:19]


def _append(logs: Path, line: str) -> None:
    with _log(logs).open("a", encoding="utf-8") as log:
        log.write(line)


def _log(logs: Path) -> Path:
    return max(logs.glob("runner_2*.log"))


def _replace(name: str, pattern: str, by: str) -> Callable[[Path], None]:
    """Let a file below the root say something else."""

    def spoil(_: Path) -> None:
        Path(name).write_text(re.sub(pattern, by, Path(name).read_text("utf-8"), flags=re.DOTALL), "utf-8")

    return spoil


def _stopped(logs: Path) -> None:
    SPOILS["fatal"](logs)
    CliRunner().invoke(app, ["stop-check", "--enforce"])


_STATE = "logs/paper_trading/runner_state.json"
_CHAMPION = "config/strategy/champions/tBTCUSD_1h.json"
SPOILS: dict[str, Callable[[Path], None]] = {
    "duplicate": _twice,
    "order": _says("INFO", "ORDER SUBMITTED: {}"),
    "fallback": _says("CRITICAL", "Baseline fallback detected"),
    "corrupt": _replace(_STATE, ".*", ""),
    "fatal": _says("CRITICAL", "FATAL: Champion verification failed"),
    "stopped": _stopped,
    "api": _replace("config/genesis-ops.toml", r'api_url = "[^"]*"', 'api_url = "http://127.0.0.1:9"'),
    "champion": _replace(_CHAMPION, "merged_config", "merged"),
    "bom": _replace(".env", "^", "\ufeff"),
}
"""What is done to a copy of the root before a command is typed in it."""

VOLATILE = (
    (r"\n +\S+ +trades elsewhere: pid [^\n]*", ""),
    (r"; pid \d+ \([^()]*\) is left alone: [^\n]*", ""),
    (r"pid \d+\s+\([^()]*\)", "pid <pid> (<command>)"),
    (r"pid \d+", "pid <pid>"),
    (r"by \S+@\S+ pid", "by <user>@<host> pid"),
    (r"/\S*/(?:root|spoilt)\b", "/opt/genesis/Genesis-Core"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:8000"),
    (r"[\d.]+ [kMGT]B free", "<room> free"),
    (r"Size: \S+", "Size: <size>"),
    (r"genesis-ops \d+\.\d+\.\d+", "genesis-ops <version>"),
)
"""What differs from host to host and from run to run, and what stands for it."""
