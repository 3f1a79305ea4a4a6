"""The clean root that a drill spoils: a day of dry-run, accepted, as it lies there while its runner is at work."""

import gzip
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from genesis_ops.clients.clock import Clock
from genesis_ops.clients.systemd import Notifier
from genesis_ops.errors import GenesisError, WriteFailed
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.rehearsal.world import build
from genesis_ops.runner.loop import Glance
from genesis_ops.runner.start import Surroundings, start
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.transport import SandboxTransport
from genesis_ops.sandbox.wire import EXCHANGE, Answer, dated
from genesis_ops.settings import Settings, load
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Mode, visible

INTERVAL = 60
"""Seconds between two polls: six times fewer lines to judge, and the same hours."""
SEED = 7
"""With it the first candle after the clean root's end asks for an order."""
BEFORE_MS, AFTERWARDS_MS = 3 * MINUTE_MS, 8 * MINUTE_MS
"""How long before a close a live run starts, and how long after it it stops: the wallets are believed after three
minutes."""
_STARTED_AFTER_MS = 13 * HOUR_MS + 3 * MINUTE_MS
_UNTOUCHED = "nothing of the phase is concerned, and nothing of it was touched"
_ROOM = 10_000_000_000
KEYS = b"BITFINEX_API_KEY=a-key-of-the-drill\nBITFINEX_API_SECRET=a-secret-of-the-drill\n"
"""What the root's ``.env`` holds."""


class Clean(NamedTuple):
    """A root in which all is well, and the moment (ms, UTC) at which it is."""

    path: Path
    now_ms: int


@dataclass(slots=True)
class Root:
    """A copy to be spoiled: its files, and the world around it as it answers the commands that look at it."""

    settings: Settings
    clock: Clock
    sandbox: Sandbox
    answers: dict[str, Answer] = field(default_factory=dict)
    """What is said instead of the sandbox's own answer, by path."""
    changes: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """What is made of the sandbox's answer, by how its path begins."""
    ahead_ms: int | None = 0
    """How far the exchange's clock is ahead of this one; None where it does not tell its time."""
    free_bytes: int | None = _ROOM
    """What the disk has free; None where it does not tell."""
    runners: int = 1
    """How many processes have the runner's lock open for writing."""
    hidden: bool = False
    """Whether nobody may see what these have open."""
    mode: Mode | None = Mode.LIVE_PAPER
    """In which mode a run is asked for; None where nobody names one."""
    at_locks: "Spoil | None" = None
    """What happens while a run takes its locks."""
    under_way: "Spoil | None" = None
    """What happens once a run is under way."""
    held: ExitStack = field(default_factory=ExitStack)
    """What others hold until the case is over."""

    @property
    def logs(self) -> Path:
        """Where the log is."""
        return self.settings.log_dir

    @property
    def receipt(self) -> Path:
        """Which file is the acceptance receipt."""
        return next(self.logs.glob("acceptance_receipt_*.json"))

    def free(self, _: Path) -> int:
        """Tell what the disk has free; OSError where it does not."""
        if self.free_bytes is None:
            raise OSError("the disk of the drill does not tell")
        return self.free_bytes


Spoil = Callable[[Root], None]
"""A way to spoil a clean root."""


class Transport(httpx.BaseTransport):
    """The sandbox, but for what a root lets it say otherwise."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._sandbox = SandboxTransport(root.sandbox)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; raises as the sandbox's transport does."""
        root, path = self._root, request.url.path
        if (answer := root.answers.get(path)) is None:
            found = self._sandbox.handle_request(request)
            change = next((change for begin, change in root.changes.items() if path.startswith(begin)), None)
            of_exchange = path.startswith(EXCHANGE)
            if change is None and (not of_exchange or root.ahead_ms == 0):
                return found
            body = found.read() if change is None else json.dumps(change(json.loads(found.read()))).encode()
            answer = Answer(found.status_code, body)
        ahead_ms = root.ahead_ms if path.startswith(EXCHANGE) else 0
        reply = dated(answer, root.clock.now_ms() + (ahead_ms or 0))
        headers = [header for header in reply.headers if ahead_ms is not None or header[0] != "Date"]
        return httpx.Response(reply.status, headers=headers, stream=httpx.ByteStream(reply.body))


@contextmanager
def roomed() -> Iterator[None]:
    """Tell why a temporary root cannot be made or written as what it is: nothing of the phase is concerned.

    Raises:
        WriteFailed: with what to do.
    """
    try:
        yield
    except (WriteFailed, OSError) as error:
        why = error.message if isinstance(error, WriteFailed) else error.strerror or str(error)
        raise WriteFailed(
            visible(f"the drill cannot use its temporary files: {why}"),
            notes=(_UNTOUCHED,),
            next_command="TMPDIR=<a directory with 100 MB> genesis-ops drill",
        ) from error
    except GenesisError as error:
        raise WriteFailed(
            visible(f"the drill cannot make a root in which all is well: {error.message}"),
            notes=(_UNTOUCHED, "keep this output and report it as a bug"),
        ) from error


def make_clean(place: Path) -> Clean:
    """Let the real runner fill a root for 24 hours, copy it as it is at their end, and accept it.

    Raises:
        GenesisError: the place cannot be written, or the runner met its end.
        OSError: there is no room for a copy.
    """
    from genesis_ops.collect.judgement import day_zero_ms  # heavy, and a runner's process needs none of it

    settings = _settings(build(place / "running"))
    start_ms = day_zero_ms(settings) + _STARTED_AFTER_MS
    clock, path = VirtualClock(start_ms), place / "clean"
    clean = Clean(path, start_ms)

    def glance(_: Glance) -> None:
        nonlocal clean
        if clock.now_ms() >= start_ms + DAY_MS and not path.exists():
            shutil.copytree(settings.root, path)
            clean = Clean(path, clock.now_ms())

    sandbox = Sandbox(SEED, clock.now_ms, clock.wait)
    around = surroundings(clock, SandboxTransport(sandbox), until_ms=None)
    stop = replace(around, watch=glance, stop_signal=lambda: signal.SIGTERM if path.exists() else None)
    start(settings, stop, candles=None, rebuild=False)
    _finish(clean)
    return clean


def copy(clean: Clean, into: Path) -> Root:
    """Copy a clean root, with a sandbox and a clock of its own."""
    shutil.copytree(clean.path, into)
    clock = VirtualClock(clean.now_ms)
    sandbox = Sandbox(SEED, clock.now_ms, clock.wait)
    return Root(settings_of(into), clock, sandbox)


def surroundings(clock: Clock, transport: httpx.BaseTransport | None, *, until_ms: int | None) -> Surroundings:
    """Give a runner what it lives in, until a moment (ms, UTC; None: for good)."""
    return Surroundings(
        clock=clock,
        transport=transport,
        notifier=Notifier({}),
        stop_signal=lambda: signal.SIGTERM if until_ms is not None and clock.now_ms() >= until_ms else None,
        line=None,
        watch=lambda _: None,
        command="genesis-ops drill",
        durable=False,
    )


def settings_of(root: Path) -> Settings:
    """Load a root's own settings; neither the environment nor the caller's file has a say."""
    return _settings(load({"root": root}, {}, None).settings)


def _settings(settings: Settings) -> Settings:
    return replace(settings, poll_interval=INTERVAL)


def _finish(clean: Clean) -> None:
    """Add what a root has beside its log: a packed day, the exchange keys, and the receipt of its acceptance."""
    from genesis_ops.collect.certificate import certify
    from genesis_ops.collect.judgement import Asked, judge_acceptance
    from genesis_ops.collect.where import source

    settings = settings_of(clean.path)
    first = min(settings.log_dir.glob("runner_2*.log"))
    first.with_name(f"{first.name}.gz").write_bytes(gzip.compress(first.read_bytes(), 1))
    first.unlink()
    secrets = clean.path / ".env"
    secrets.touch(mode=0o600)
    secrets.write_bytes(KEYS)
    asked = Asked(clean.now_ms - DAY_MS, clean.now_ms, clean.now_ms)
    with source(settings, None) as where:
        certify(settings, judge_acceptance(settings, where, asked, VirtualClock(clean.now_ms)))
