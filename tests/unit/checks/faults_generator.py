"""Logs as a runner would have written them, from a plan of what happened to it; the same plan gives the same bytes."""

import gzip
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from genesis_ops.runlog import events
from genesis_ops.runlog.events import Event
from genesis_ops.words import HOUR_MS, MINUTE_MS, Mode, Timeframe, day, iso, stamp

KILLED, TERMINATED, FATAL, GAVE_UP = "killed", "terminated", "fatal", "gave up"
FEED, API, FROZEN = "feed", "api", "frozen"
STATE = "logs/paper_trading/runner_state.json"


class Process(NamedTuple):
    """One process of the runner: when it lived (ms, UTC), and how it ended."""

    begin_ms: int
    end_ms: int
    mode: Mode = Mode.DRY_RUN
    ending: str = KILLED
    verified: bool = True


class Trouble(NamedTuple):
    """Something that did not work for a while: the exchange, the API, or the process itself."""

    kind: str
    from_ms: int
    to_ms: int


class World(NamedTuple):
    """What happened; ``clock`` are steps of the host's clock as (when, by how much) in ms."""

    processes: tuple[Process, ...]
    troubles: tuple[Trouble, ...] = ()
    without_row: frozenset[int] = frozenset()
    clock: tuple[tuple[int, int], ...] = ()
    timeframe: Timeframe = Timeframe.H1
    older: bool = False
    seed: int = 1
    poll_ms: int = 2 * MINUTE_MS


class Written(NamedTuple):
    """A line as it was written; one without a level is part of a traceback."""

    at_ms: int
    level: str
    message: str
    process: int = 0
    end: str = "\n"
    begin: str = ""

    def shown(self, ahead_ms: int) -> str:
        """Give the line as it stands in a file whose stamps are so far ahead of UTC."""
        head = f"{stamp(self.at_ms + ahead_ms)} - paper_trading_runner - {self.level} - " if self.level else ""
        return f"{self.begin}{head}{self.message}{self.end}"


def interrupted(processes: Iterable[Process], from_ms: int, to_ms: int, ending: str = KILLED) -> tuple[Process, ...]:
    """Cut a stretch without any process out of what lived, and let another process begin after it."""
    left = []
    for process in processes:
        if process.begin_ms < from_ms:
            cut = process.end_ms > from_ms
            left.append(process._replace(end_ms=from_ms, ending=ending) if cut else process)
        if process.end_ms > to_ms:
            left.append(process._replace(begin_ms=max(to_ms, process.begin_ms)))
    return tuple(left)


class _Writer:
    """Plays the runner's part in a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lines: list[Written] = []
        self.last: int | None = None
        self.pending = False
        self.number = -1
        self.evaluations = 0

    def say(self, at_ms: int, event: Event | str, level: str = "") -> None:
        text = event if isinstance(event, str) else event.message()
        level = level or ("INFO" if isinstance(event, str) else event.level)
        self.lines.append(Written(self._host(at_ms) // 1000 * 1000, level, text, self.number))

    def trace(self, at_ms: int, *texts: str) -> None:
        self.lines += [Written(self._host(at_ms) // 1000 * 1000, "", text, self.number) for text in texts]

    def _host(self, at_ms: int) -> int:
        return at_ms + sum(by for since, by in self.world.clock if since <= at_ms)

    def _in(self, kind: str, at_ms: int) -> bool:
        return any(t.kind == kind and t.from_ms <= at_ms < t.to_ms for t in self.world.troubles)

    def live(self, process: Process) -> None:
        self.number += 1
        at_ms = process.begin_ms
        if self.last is None and self.number == 0:
            self.say(at_ms, events.StateNotFound(STATE))
        self._banner(at_ms, process)
        if process.ending == GAVE_UP:
            cause = "the API at http://127.0.0.1:8000 did not answer for 3 minutes"
            self.say(process.end_ms, events.GaveUp(cause))
            return
        if process.verified:
            self.say(at_ms, events.ChampionVerified())
        for count, poll_ms in enumerate(self._polls(process), 1):
            if not self._in(FROZEN, poll_ms):
                self._poll(poll_ms, process)
                if count % 10 == 0:
                    self._beat(poll_ms)
        self._end(process)

    def _banner(self, at_ms: int, process: Process) -> None:
        mode = "DRY-RUN (no orders)" if process.mode is Mode.DRY_RUN else "LIVE PAPER TRADING"
        self.say(at_ms, events.Rule())
        self.say(at_ms, events.RunnerStarted())
        if not self.world.older:
            self.say(at_ms, events.Version("0.2.0"))
        self.say(at_ms, events.Market("tBTCUSD", str(self.world.timeframe)))
        self.say(at_ms, events.PollInterval(self.world.poll_ms // 1000))
        self.say(at_ms, events.RunMode(mode))
        self.say(at_ms, events.StateFile(STATE))
        if self.world.older:
            self.say(at_ms, events.RunnerContract('{"contract_version": "paper_runner_stability_2026_02_19"}'))
        self.say(at_ms, events.Rule())
        self.say(at_ms, events.ChampionVerifying())

    def _polls(self, process: Process) -> Iterator[int]:
        yield process.begin_ms + 1000
        step = self.world.poll_ms
        for number in range(process.begin_ms // step + 1, process.end_ms // step + 1):
            at_ms = number * step + 1000 * (1 + (number * 7919 + self.world.seed) % 6)
            if process.begin_ms + 1000 < at_ms <= process.end_ms:
                yield at_ms

    def _poll(self, at_ms: int, process: Process) -> None:
        if self._in(FEED, at_ms):
            self.say(at_ms, events.FetchError("503 Service Unavailable"))
            self.say(at_ms, events.FetchRetry())
            return
        source, ts, latest = self._rows(at_ms)
        close_of = self.world.timeframe.close_of
        self.say(at_ms, events.CandleSelection(source, ts, self._host(at_ms) + 123, latest, close_of(latest)))
        if ts == self.last and not self.pending:
            self.say(at_ms, events.AlreadyProcessed(ts))
            return
        if ts != self.last:
            self._announce(at_ms, ts, source)
        elif self.world.older:
            self.say(at_ms, events.CandleClose(ts, _price(ts), source))
        self._evaluate(at_ms, ts, process)

    def _rows(self, at_ms: int) -> tuple[str, int, int]:
        """Name the row that is the newest closed one, how it was found, and the newest row."""
        opens = list(self._opens_before(at_ms))
        closed = self.world.timeframe.close_of(opens[0]) <= at_ms
        return ("latest", opens[0], opens[0]) if closed else ("previous", opens[1], opens[0])

    def _opens_before(self, at_ms: int) -> Iterator[int]:
        length = self.world.timeframe.close_of(0)
        found, open_ms = 0, at_ms // length * length
        while found < 2:
            if open_ms not in self.world.without_row:
                found += 1
                yield open_ms
            open_ms -= length

    def _announce(self, at_ms: int, ts: int, source: str) -> None:
        if self.pending and self.last is not None and not self.world.older:
            self.say(at_ms, events.EvaluationMissed(self.last, "the API did not answer"))
        if self.last is not None and not self.world.older:
            open_ms = self.world.timeframe.close_of(self.last)
            while open_ms < ts:
                self.say(at_ms, events.CandleMissed(open_ms, "the runner was down"))
                open_ms = self.world.timeframe.close_of(open_ms)
        self.say(at_ms, events.CandleClose(ts, _price(ts), source))
        self.last, self.pending = ts, True

    def _evaluate(self, at_ms: int, ts: int, process: Process) -> None:
        if self._in(API, at_ms):
            self.say(at_ms, events.EvaluateError("connection refused"))
            self.say(at_ms, events.EvaluationFailed(ts))
            return
        action = ("NONE", "NONE", "LONG", "SHORT")[(ts // HOUR_MS * 31 + self.world.seed) % 4]
        self.say(at_ms, events.Evaluation(action, "None", 0.353))
        self.say(at_ms, events.DecisionContext(json.dumps({"action": action, "runtime_cfg_hash": "f0f0"})))
        if action == "NONE":
            self.say(at_ms, events.NoOrder())
        elif process.mode is Mode.DRY_RUN:
            self.say(at_ms, events.OrderSkipped(action))
        else:
            self.say(at_ms, events.OrderSubmitting(action))
            self.say(at_ms, events.OrderSubmitted("{'ok': True, 'exchange': 'bitfinex'}"))
        self.evaluations += 1
        self.pending = False
        if self.world.older:
            self.say(at_ms, events.StateSaved(STATE))

    def _beat(self, at_ms: int) -> None:
        last = "None" if self.last is None else str(self.last)
        if self.world.older:
            self.say(at_ms, f"Heartbeat: evaluations={self.evaluations}, orders=0, last_candle_ts={last}")
            self.say(at_ms, events.StateSaved(STATE))
            return
        self.say(at_ms, events.Heartbeat(self.evaluations, 0, last, "3s", "600s", "8s"))
        if self._in(FEED, at_ms):
            self.say(at_ms, events.FeedDead("10m", "503 Service Unavailable"))

    def _end(self, process: Process) -> None:
        if process.ending == TERMINATED:
            self.say(process.end_ms, events.SignalReceived(15))
            self.say(process.end_ms, events.RunnerStopped())
        if process.ending == FATAL:
            self.say(process.end_ms, events.Fatal("unexpected OSError: No space left on device"))
            self.trace(process.end_ms, "Traceback (most recent call last):", '  File "loop.py", line 7', "OSError: 28")


def _price(ts: int) -> float:
    return 70_000 + ts // HOUR_MS % 997 / 10


@lru_cache(maxsize=64)
def history(world: World) -> tuple[Written, ...]:
    """Write everything that the processes of a world wrote, in order."""
    writer = _Writer(world)
    for process in world.processes:
        writer.live(process)
    return tuple(writer.lines)


def utc(_: int) -> int:
    """Stamp in UTC."""
    return 0


class Layout(NamedTuple):
    """How the lines lie in files: whose dialect, which files, and how far stamps are ahead of UTC (ms) at a time."""

    name: str
    older: bool = False
    files: str = "daily"
    ahead: Callable[[int], int] = utc
    restarts: bool = False


class Log:
    """A directory of logs and a state that can be damaged before it is put on the disk."""

    def __init__(self, world: World, layout: Layout) -> None:
        self.world, self.layout = world, layout
        self.lines = list(history(world._replace(older=layout.older)))
        self.state: bytes | None = _state(self.lines)
        self.others: dict[str, bytes] = {}
        self.afterwards: list[Callable[[Path], None]] = []

    def after(self, at_ms: int) -> int:
        """Find the place behind the last line of a time, in a log without clock steps."""
        return bisect_right(self.lines, at_ms, key=lambda line: line.at_ms)

    def add(self, at_ms: int, *said: Event | str, level: str = "") -> int:
        """Write lines between those that are there; tell the place of the first."""
        place = self.after(at_ms)
        self.insert(place, at_ms, *said, level=level)
        return place

    def insert(self, place: int, at_ms: int, *said: Event | str, level: str = "") -> None:
        """Write lines at a place."""
        process = self.lines[min(max(place - 1, 0), len(self.lines) - 1)].process
        self.lines[place:place] = [
            Written(
                at_ms,
                level or ("INFO" if isinstance(s, str) else s.level),
                s if isinstance(s, str) else s.message(),
                process,
            )
            for s in said
        ]

    def close(self, ts: int) -> int:
        """Find the line that announces a candle first."""
        return self.find(f"NEW CANDLE CLOSE: ts={ts},")

    def find(self, message: str, begin: int = 0) -> int:
        """Find the first line whose message begins so."""
        return next(i for i in range(begin, len(self.lines)) if self.lines[i].message.startswith(message))

    def change(self, place: int, **changes: str | int) -> None:
        """Write a line differently."""
        self.lines[place] = self.lines[place]._replace(**changes)  # type: ignore[arg-type]

    def keep(self, wanted: Callable[[Written], bool]) -> None:
        """Leave out every line that is not wanted."""
        self.lines = [line for line in self.lines if wanted(line)]

    def settle(self) -> None:
        """Let the state be what the lines say."""
        self.state = _state(self.lines)

    def put(self, log_dir: Path) -> None:
        """Write files and state into a directory."""
        log_dir.mkdir(parents=True, exist_ok=True)
        contents: dict[str, list[str]] = {}
        names: dict[int, str] = {}
        ahead = self.layout.ahead
        for line in self.lines:
            ahead_ms = ahead(line.at_ms)
            name = day(line.at_ms + ahead_ms)
            if self.layout.files == "one":
                name = names.setdefault(line.process, name)
            contents.setdefault(name, []).append(line.shown(ahead_ms))
        newest = max(contents, default="")
        for name, texts in contents.items():
            raw = "".join(texts).encode("utf-8", "surrogateescape")
            packed = self.layout.files == "packed" and name != newest
            path = log_dir / f"runner_{name}.log{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(raw, 1, mtime=0) if packed else raw)
        for name, raw in self.others.items():
            (log_dir / name).write_bytes(raw)
        if self.state is not None:
            (log_dir / "runner_state.json").write_bytes(self.state)
        for change in self.afterwards:
            change(log_dir)


def _state(lines: Iterable[Written]) -> bytes:
    last, evaluations, beat = None, 0, 0
    for line in lines:
        if line.message.startswith("NEW CANDLE CLOSE"):
            last = int(line.message.partition("ts=")[2].partition(",")[0])
        evaluations += line.message.startswith("EVALUATION")
        beat = line.at_ms
    return state_file(last, evaluations, iso(beat))


def state_file(last: int | None, evaluations: int = 24, beat: str | None = None, orders: int = 0) -> bytes:
    """Write a state as the runner does."""
    content = {
        "last_processed_candle_ts": last,
        "total_evaluations": evaluations,
        "total_orders_submitted": orders,
        "last_heartbeat": beat,
    }
    return json.dumps(content, indent=2).encode()
