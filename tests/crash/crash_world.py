"""A runner in a process of its own, which dies for real, against a sandbox that lives on and counts.

The parent holds the sandbox and its clock. Each run is a forked child with the same clock, carried over a socket pair
with each request, so that hours pass in milliseconds. ``Trap`` sits before every call of the child that changes the
disk or the wire, and kills it there, or lets the call fail.
"""

import errno
import json
import os
import pickle
import shutil
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx

from genesis_ops.clients.systemd import Notifier
from genesis_ops.errors import GenesisError
from genesis_ops.journal.journal import Journal
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.rehearsal.world import build
from genesis_ops.runlog.events import CandleClose, Evaluation, Event, read_message
from genesis_ops.runner.start import Surroundings, start
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch
from genesis_ops.sandbox.wire import Dropped, Reply
from genesis_ops.settings import load
from genesis_ops.state.champion import fingerprint
from genesis_ops.state.receipt import Receipt, write_receipt
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Mode

FIRST_CLOSE_MS = 1_770_213_600_000  # 2026-02-04 14:00 UTC
DISK = ("write", "fsync", "replace", "ftruncate", "open", "unlink", "link")
SHORT = -1
"""Stands among the error numbers for a write that takes only a part."""
_HEAD = struct.Struct("!I")
_CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Trap:
    """What happens before which call, counted from 1; ``seen`` names the calls so far."""

    def __init__(self, at: int = 0, error: int = 0, *, for_good: bool = False) -> None:
        self.at, self.error, self.for_good = at, error, for_good
        self.seen = 0

    def step(self, *, disk: bool) -> int:
        """Count a call; die before it, or name the error that it is to fail with (0: none)."""
        self.seen += 1
        here = self.seen == self.at or (self.for_good and self.seen > self.at > 0)
        if here and not self.error:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.error if here and disk else 0


class Run(NamedTuple):
    """How a run ended (a signal's number is negative), after how many calls, and what it said of an unexpected end."""

    code: int
    calls: int
    said: str


class World:
    """A root, a sandbox that wants an order at every candle, and runs of the runner between two moments."""

    def __init__(self, root: Path, *, timeframe: str = "1h", interval: int = 600) -> None:
        build(root)
        self.root = root
        self.flags = {"timeframe": timeframe, "poll_interval": interval}
        champion = load({"root": root}, {}, None).settings.champion_file
        if timeframe != "1h":
            shutil.copy(champion, champion.with_name(f"tBTCUSD_{timeframe}.json"))
        self.logs = root / "logs" / "paper_trading"
        self.clock = VirtualClock(FIRST_CLOSE_MS - 10 * MINUTE_MS)
        self.faults = FaultSwitch()
        self.sandbox = Sandbox(7, self.clock.now_ms, self.clock.wait, self.faults)
        self._accept()
        self.posts: list[int] = []
        """When (ms) each order arrived at the API."""
        self.started = 0

    def _accept(self) -> None:
        """Open the gate as an acceptance does, so that every start goes through it, and later ones go on."""
        settings = load({"root": self.root, **self.flags}, {}, None).settings
        config = json.loads(self.sandbox.answer("GET", "/config/runtime").body)
        self.logs.mkdir(parents=True, exist_ok=True)
        now_ms = self.clock.now_ms()
        receipt = Receipt(
            start_ms=now_ms - DAY_MS,
            end_ms=now_ms,
            covered_seconds=DAY_MS // 1000,
            verdict="PASS",
            champion_file=settings.shown(settings.champion_file),
            champion_sha256=fingerprint(settings.champion_file).sha256,
            runtime_config_hash=config["hash"],
            evidence_sha256="0" * 64,
            checks={"no-orders": "PASS"},
            version="0",
            market=f"{settings.symbol} {settings.timeframe}",
            written_ms=now_ms,
        )
        write_receipt(self.logs, receipt)

    # --- the API's side

    def answer(self, method: str, target: str, body: bytes) -> Reply:
        """Answer as the sandbox does, but with an order at every candle."""
        if target == "/paper/submit":
            self.posts.append(self.clock.now_ms())
        if not target.startswith(("/v2/candles", "/strategy/evaluate")):
            return self.sandbox.answer(method, target, body)
        asked = self.clock.now_ms(), target, body
        if asked not in _ANSWERED:  # the market is the same in every world, and costs most of a case's time
            reply = self.sandbox.answer(method, target, body)
            _ANSWERED[asked] = _with_an_order(reply) if target == "/strategy/evaluate" else reply
        return _ANSWERED[asked]

    def serve(self, channel: socket.socket) -> None:
        """Answer the child's requests until it is gone; what has arrived is done, whoever waits for the reply."""
        while (asked := _receive(channel)) is not None:
            now_ms, method, target, body = asked
            self.clock.__init__(now_ms)  # type: ignore[misc]
            try:
                said: Any = self.answer(method, target, body)
            except Dropped:
                said = None
            try:
                _send(channel, said)
            except OSError:
                return

    # --- the runner's side

    def run(self, until_ms: int, trap: Trap | None = None, **options: Any) -> Run:
        """Run live-paper in a child until a moment (ms), with a trap in its way."""
        here, there = socket.socketpair()
        told = self.root / f"told_{self.started}"
        self.started += 1
        pid = os.fork()
        if pid == 0:
            here.close()
            self._child(there, until_ms, trap or Trap(), told, options)
        there.close()
        with here:
            self.serve(here)
        _, status = os.waitpid(pid, 0)
        said = json.loads(told.read_text("utf-8")) if told.exists() else {"calls": 0, "now_ms": None, "said": ""}
        if said["now_ms"] is not None:
            self.clock.__init__(said["now_ms"])  # type: ignore[misc]
        return Run(os.waitstatus_to_exitcode(status), said["calls"], said["said"])

    def _child(self, channel: socket.socket, until_ms: int, trap: Trap, told: Path, options: dict[str, Any]) -> None:
        code, said = 99, ""
        clock = VirtualClock(self.clock.now_ms())
        try:
            _arm(trap)
            settings = load({"root": self.root, **self.flags}, {}, None).settings
            around = Surroundings(
                clock=clock,
                transport=Wire(channel, clock, trap),
                notifier=Notifier({}),
                stop_signal=lambda: signal.SIGTERM if clock.now_ms() >= until_ms else None,
                line=None,
                watch=lambda _: None,
                command="test",
            )
            wanted = {"mode": Mode.LIVE_PAPER, "override": "", "candles": None, "rebuild": False}
            start(settings, around, **(wanted | options))
            code = 0
        except GenesisError as error:
            code, said = int(error.exit_code), "\n".join((error.message, *error.notes))
        except BaseException:  # noqa: BLE001 - whatever else happened is what the test wants to show
            said = traceback.format_exc()
        trap.at = 0
        told.write_text(json.dumps({"calls": trap.seen, "now_ms": clock.now_ms(), "said": said}), "utf-8")
        sys.stdout.flush()
        os._exit(code)

    # --- what is left of it

    def lines(self) -> list[str]:
        files = sorted(self.logs.glob("runner_2*.log"))
        return [line for file in files for line in file.read_text("utf-8").splitlines()]

    def events(self, *types: type[Event]) -> list[Any]:
        read = [read_message(line.split(" - ", 3)[3]) for line in self.lines() if line.count(" - ") >= 3]
        return [event for event in read if isinstance(event, types)]

    def journal(self) -> Journal:
        journal = Journal(self.logs, self.clock.now_ms)
        journal.catch_up()
        return journal

    def assert_at_most_once(self) -> None:
        """No candle was ordered twice, and no request left without its record."""
        book = self.journal().book
        hours = [at_ms // HOUR_MS for at_ms in self.posts]
        assert len(hours) == len(set(hours)), f"two orders for one candle: {self.posts}"
        armed = {order.candle_ts // HOUR_MS + 1 for order in book.orders.values() if order.armed_ms is not None}
        assert set(hours) <= armed, (hours, armed)

    def assert_nothing_lost(self) -> None:
        """Every decision has its record, every record its outcome, and the wallets agree with what is known."""
        book = self.journal().book
        decided = {order.candle_ts for order in book.orders.values()}
        announced, evaluated = 0, set()
        for event in self.events(CandleClose, Evaluation):
            if isinstance(event, CandleClose):
                announced = event.ts
            elif event.action != "NONE":
                evaluated.add(announced)
        assert evaluated <= decided, (evaluated, decided)
        assert not book.open, book.open
        assert not book.unresolved, book.unresolved
        assert book.submitted == len(self.sandbox.account.fills), (book.orders, self.sandbox.account.fills)
        state = json.loads((self.logs / "runner_state.json").read_text("utf-8"))
        assert state["total_orders_submitted"] == book.submitted
        assert state["last_processed_candle_ts"] == announced


_ANSWERED: dict[tuple[int, str, bytes], Reply] = {}


def _with_an_order(reply: Reply) -> Reply:
    said = json.loads(reply.body)
    said["result"]["action"] = "LONG" if said["meta"]["decision"]["state_out"].get("decision_steps", 0) % 2 else "SHORT"
    said["meta"]["decision"]["size"] = 0.015
    text = json.dumps(said).encode()
    headers = tuple((k, str(len(text)) if k == "Content-Length" else v) for k, v in reply.headers)
    return Reply(reply.status, headers, text, reply.stall_seconds)


class Wire(httpx.BaseTransport):
    """Carries requests to the parent; sending and receiving are calls before which a process can die."""

    def __init__(self, channel: socket.socket, clock: VirtualClock, trap: Trap) -> None:
        self._channel, self._clock, self._trap = channel, clock, trap

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._trap.step(disk=False)
        target = request.url.raw_path.decode("ascii")
        _send(self._channel, (self._clock.now_ms(), request.method, target, request.read()))
        self._trap.step(disk=False)
        reply = _receive(self._channel)
        if reply is None:
            raise httpx.RemoteProtocolError("dropped", request=request)
        return httpx.Response(reply.status, headers=reply.headers, stream=httpx.ByteStream(reply.body))


def _send(channel: socket.socket, what: object) -> None:
    raw = pickle.dumps(what)
    channel.sendall(_HEAD.pack(len(raw)) + raw)


def _receive(channel: socket.socket) -> Any:
    head = _all(channel, _HEAD.size)
    raw = None if head is None else _all(channel, _HEAD.unpack(head)[0])
    return None if raw is None else pickle.loads(raw)


def _all(channel: socket.socket, length: int) -> bytes | None:
    raw = b""
    while len(raw) < length:
        try:
            part = channel.recv(length - len(raw))
        except ConnectionError:
            return None
        if not part:
            return None
        raw += part
    return raw


def _arm(trap: Trap) -> None:
    """Put the trap before every call that changes the disk; this process ends without taking it away."""
    for name in DISK:
        setattr(os, name, _trapped(name, getattr(os, name), trap))


def _trapped(name: str, real: Callable[..., Any], trap: Trap) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if name == "open" and not (len(args) > 1 and args[1] & _CHANGES):
            return real(*args, **kwargs)
        number = trap.step(disk=True)
        if not number:
            return real(*args, **kwargs)
        if number == SHORT:
            return _short(name, real, trap, *args, **kwargs)
        raise OSError(number, os.strerror(number), str(args[0]) if name != "write" else None)

    return call


def _short(name: str, real: Callable[..., Any], trap: Trap, *args: Any, **kwargs: Any) -> Any:
    """Write a part and say so; a disk that stays full takes nothing at all after that."""
    if name != "write":
        return real(*args, **kwargs)
    if trap.for_good and trap.seen > trap.at:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return real(args[0], bytes(args[1])[: max(1, len(args[1]) // 2)])


def spread(check: Callable[[Any], str], cases: list[Any]) -> list[str]:
    """Check every case, on every core; give what each came to, in order, and raise the first fault."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
        return list(pool.map(check, cases, chunksize=1 + len(cases) // 200))


@contextmanager
def place() -> Iterator[Path]:
    """Give a directory in memory where there is one: nothing here asks whether a disk keeps its promise."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield Path(directory) / "root"
