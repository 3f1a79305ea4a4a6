"""Real runner processes at the price of a fork, one API over loopback that counts, and a time that runs fast.

As a program this file is the fork server: it has imported everything a run needs, and forks a child a run. Each child
is a process with its own pid, which calls the runner's real ``start``; its clock is the host's, made faster, and the
API's clock is computed from the same numbers.
"""

import gc
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Self

import genesis_ops
from genesis_ops.clients import network
from genesis_ops.clients.clock import StopRequest
from genesis_ops.clients.systemd import Notifier
from genesis_ops.errors import GenesisError
from genesis_ops.runner.start import Surroundings, start
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.server import SandboxServer
from genesis_ops.sandbox.wire import EVALUATE, SUBMIT, Answer, Reply, says
from genesis_ops.settings import load
from genesis_ops.words import MINUTE_MS, Mode

BEGIN_MS = 1_770_213_600_000  # 2026-02-04 14:00 UTC
SPEED = 60.0
"""How much faster than the host's its time runs: a minute in a second, and 167 ms for the shortest deadline."""
PATIENCE_SECONDS = 20.0
GLANCE_SECONDS = 0.0005
SMALLEST = 0.02
_SATOSHI = 1e-8
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Pace(NamedTuple):
    """A time that was ``start_ms`` (UTC) at ``zero`` (the host's monotonic seconds), and how much faster it runs."""

    start_ms: int
    zero: float
    speed: float = SPEED

    def now_ms(self) -> int:
        return self.start_ms + int((time.monotonic() - self.zero) * 1000 * self.speed)


def until(look: Callable[[], object], seconds: float = PATIENCE_SECONDS, otherwise: Callable[[], str] = str) -> None:
    """Look again and again until it is so, and fail with ``otherwise`` after so many seconds."""
    assert glimpsed(look, seconds), f"not seen within {seconds:.1f}s: {otherwise()}"


def glimpsed(look: Callable[[], object], seconds: float) -> bool:
    """Look again and again, with hardly a pause; tell whether it came to be seen within so many seconds."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() >= deadline:
            return False
        time.sleep(GLANCE_SECONDS)
    return True


def let_pass(seconds: float) -> None:
    """Let a random moment come."""
    at = time.monotonic() + seconds
    until(lambda: time.monotonic() >= at)


# --- the API


class Hold:
    """Keeps the reply to a request back, ``before`` the API does what it asks for or after, until it is let go."""

    def __init__(self, target: str, *, before: bool, passed_over: int = 0) -> None:
        self.before = before
        self.arrived = threading.Event()
        self.gate = threading.Event()
        self._target = target
        self._passed_over = passed_over

    def wants(self, target: str) -> bool:
        """Whether it is this request; the first ones may be passed over."""
        if target != self._target:
            return False
        self._passed_over -= 1
        return self._passed_over < 0

    def wait(self) -> None:
        self.arrived.set()
        self.gate.wait(PATIENCE_SECONDS)


class Api(Sandbox):
    """A sandbox that wants an order at every candle and gives each a size of its own, by which it is known again."""

    def __init__(self, seed: int = 7, pace: Pace | None = None) -> None:
        self.pace = pace or Pace(BEGIN_MS, time.monotonic())
        super().__init__(seed, lambda: self.pace.now_ms(), time.sleep)  # noqa: PLW0108 - it changes
        self.chance = Random(seed)
        self.posts: list[float] = []
        """The size of every order that arrived."""
        self.cut = 0
        """How many arrived without the end of their body, because the sender died."""
        self.answered = 0
        self.evaluated = 0
        self.hold: Hold | None = None

    def jump(self, past_close_ms: int, minutes: int = 0, speed: float = SPEED) -> None:
        """Go on after the next close (or before it), or so many minutes later; only while no runner lives."""
        now_ms = self.pace.now_ms()
        close_ms = (now_ms // MINUTE_MS + minutes + 1) * MINUTE_MS
        self.pace = Pace(max(now_ms, close_ms + past_close_ms), time.monotonic(), speed)

    @property
    def filled(self) -> set[float]:
        """The sizes of the orders that were filled."""
        return {abs(fill.amount) for fill in self.account.fills}

    def handle(self, method: str, target: str, body: bytes = b"", address: str = "127.0.0.1") -> Reply:
        if target == SUBMIT:
            self._note(body)
        hold = self.hold if self.hold is not None and self.hold.wants(target) else None
        if hold is not None and hold.before:
            hold.wait()
        reply = super().handle(method, target, body, address)
        if hold is not None and not hold.before:
            hold.wait()
        self.answered += target == SUBMIT
        return reply

    def _note(self, body: bytes) -> None:
        try:
            self.posts.append(json.loads(body)["size"])
        except ValueError:
            self.cut += 1

    def _content(self, endpoint: str, *others: Any) -> Answer:
        answer = super()._content(endpoint, *others)
        said = json.loads(answer.body) if endpoint == EVALUATE else {}
        if "result" not in said:  # also the answer to half a request, whose sender died
            return answer
        self.evaluated += 1
        said["result"]["action"] = self.chance.choice(("LONG", "SHORT"))
        said["meta"]["decision"]["size"] = round(SMALLEST + self.evaluated * _SATOSHI, 8)
        return says(said)


class ApiServer(SandboxServer):
    """Knows how many connections are open, so that nothing is on its way any more when there are none."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.connections = 0
        self.faults: list[BaseException | None] = []
        """What went wrong here, and not in a runner that was killed."""
        self._counting = threading.Lock()
        super().__init__(api, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._counting:
            self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._counting:
            self.connections -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(error := sys.exception(), ConnectionError | TimeoutError):
            self.faults.append(error)
            super().handle_error(request, client_address)

    def settle(self) -> None:
        """Wait until everything that dead runners have sent is done: what came first is accepted first."""
        asking = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=PATIENCE_SECONDS)
        try:
            asking.request("GET", "/sandbox", headers={"Connection": "close"})
            asking.getresponse().read()
        finally:
            asking.close()
        until(lambda: self.connections == 0, otherwise=lambda: f"{self.connections} connections are open")
        assert not self.faults


@contextmanager
def serving(api: Api) -> Iterator[ApiServer]:
    with ApiServer(api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


# --- the runners, as a test sees them


class Forked:
    """A runner's process; its status is kept for whoever asks, so that its pid belongs to nobody else till then."""

    def __init__(self, server: "ForkServer", pid: int, err: Path) -> None:
        self.pid = pid
        self._server = server
        self._err = err
        self._handle = os.pidfd_open(pid)
        self._code: int | None = None

    @property
    def err(self) -> str:
        return self._err.read_text("utf-8")

    @property
    def alive(self) -> bool:
        return self._code is None and not select.select([self._handle], [], [], 0)[0]

    def send(self, number: int) -> None:
        signal.pidfd_send_signal(self._handle, number)

    def ended(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the end and tell the exit code; a signal's is negative."""
        if self._code is None:
            ready, _, _ = select.select([self._handle], [], [], seconds)
            assert ready, f"pid {self.pid} has not ended within {seconds:.1f}s: {self.err[-2000:]}"
            self._code = self._server.reap(self)
            os.close(self._handle)
        return self._code


@dataclass
class Wish:
    """Which run is asked for."""

    root: Path
    url: str
    locks: Path
    pace: Pace
    mode: Mode = Mode.LIVE_PAPER
    candles: int | None = None
    flags: Mapping[str, str] = field(default_factory=dict)

    def told(self, err: Path) -> dict[str, Any]:
        """Say it so that the fork server understands it."""
        usual = {
            "root": str(self.root), "timeframe": "1m", "poll_interval": "8", "lock_dir": str(self.locks),
            "api_url": self.url, "exchange_url": self.url,
        }  # fmt: skip
        return {
            "flags": usual | dict(self.flags),
            "pace": self.pace,
            "mode": str(self.mode),
            "candles": self.candles,
            "err": str(err),
        }


class ForkServer:
    """Starts runners, several at once if need be; whatever still lives at its end is killed, and nothing else is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = count()
        self._living: dict[int, Forked] = {}
        environment = {name: text for name, text in os.environ.items() if not name.startswith("GENESIS_")}
        environment["PYTHONPATH"] = str(Path(genesis_ops.__file__).parents[1])
        self._process = subprocess.Popen(
            (sys.executable, "-X", "faulthandler", __file__),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, bufsize=1,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for runner in tuple(self._living.values()):
            runner.send(signal.SIGKILL)
            runner.ended()
        self._process.communicate()

    def start(self, *wishes: Wish) -> list[Forked]:
        """Start runners and let them all go at the same moment."""
        errs = [self._path / f"{next(self._numbers)}.err" for _ in wishes]
        pids = self._ask({"start": [wish.told(err) for wish, err in zip(wishes, errs, strict=True)]})
        runners = [Forked(self, pid, err) for pid, err in zip(pids, errs, strict=True)]
        self._living |= {runner.pid: runner for runner in runners}
        return runners

    def reap(self, runner: Forked) -> int:
        """Give the exit code of a process that has ended."""
        del self._living[runner.pid]
        return int(self._ask({"reap": runner.pid}))

    def _ask(self, what: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        return json.loads(self._process.stdout.readline())


# --- the fork server's own side


def serve() -> None:
    """Fork a child for each job that is asked for, until nobody asks any more."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # a child takes them once it listens, so that none is lost
    network._Backend = _Backend  # type: ignore[misc]
    gc.freeze()
    living: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "reap" in asked:
            _, status = os.waitpid(asked["reap"], 0)
            living.discard(asked["reap"])
            said: object = os.waitstatus_to_exitcode(status)
        else:
            said = _forked(asked["start"])
            living.update(said)
        print(json.dumps(said), flush=True)
    for pid in living:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _forked(jobs: Sequence[dict[str, Any]]) -> list[int]:
    """Fork the children, and open their gate when the last of them is there."""
    gate, ours = os.pipe()
    pids = []
    for job in jobs:
        if (pid := os.fork()) == 0:
            os.close(ours)
            _child(job, gate)
        pids.append(pid)
    os.close(gate)
    os.close(ours)
    return pids


def _child(job: dict[str, Any], gate: int) -> None:
    code = 99
    try:
        _take_streams(job["err"])
        os.read(gate, 1)
        os.close(gate)
        code = _run(job)
    except GenesisError as error:
        print("\n".join((f"genesis-ops: {error.message}", *error.notes)), file=sys.stderr)
        code = int(error.exit_code)
    except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _take_streams(err: str) -> None:
    nothing, told = os.open(os.devnull, os.O_RDONLY), os.open(err, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for old, new in ((nothing, 0), (told, 1), (told, 2)):
        os.dup2(old, new)


def _run(job: dict[str, Any]) -> int:
    settings = load(job["flags"], {}, None).settings
    stop = StopRequest()
    mode = Mode(job["mode"])
    with stop.listening():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        around = Surroundings(
            clock=_Clock(Pace(*job["pace"]), stop),
            transport=None,
            notifier=Notifier({}),
            stop_signal=lambda: stop.signal_number,
            line=None,
            watch=lambda _: None,
            command=f"genesis-ops --root {settings.root} run --{mode}",
        )
        override = "the test wants it" if mode is Mode.LIVE_PAPER else ""
        start(settings, around, candles=job["candles"], rebuild=False, mode=mode, override=override)
    return 0


class _Clock:
    """The host's time, faster."""

    def __init__(self, pace: Pace, stop: StopRequest) -> None:
        self.speed = pace.speed
        self._pace = pace
        self._stop = stop

    def now_ms(self) -> int:
        return self._pace.now_ms()

    def monotonic(self) -> float:
        return time.monotonic() * self.speed

    def wait(self, seconds: float) -> None:
        self._stop.wait(seconds / self.speed)


class _Backend(network._Backend):
    """Lets a socket wait as long as the runner's clock says, which is shorter for the host."""

    _clock: _Clock

    def left(self, timeout: float | None) -> float:
        return super().left(timeout) / self._clock.speed


if __name__ == "__main__":
    serve()
