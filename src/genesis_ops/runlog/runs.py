"""The log as runs: what each process announced at its start, and what it did afterwards (contract §2).

A start banner splits a log into runs, each with one mode. Lines before the first banner belong to a run that began
earlier; what it announced can be looked up in the log before (``begun_before``).
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import dropwhile, takewhile
from typing import NamedTuple

from genesis_ops.runlog.events import (
    CRITICAL,
    BaselineFallback,
    CandleClose,
    CandleMissed,
    CandlesDone,
    CandleSelection,
    ChampionNotLoaded,
    ChampionVerified,
    DecisionContext,
    EvaluateError,
    Evaluation,
    EvaluationFailed,
    EvaluationMissed,
    Fatal,
    GateOverridden,
    GatePassed,
    GaveUp,
    Heartbeat,
    Interrupted,
    JournalTorn,
    Market,
    ModeSwitched,
    OrderOpen,
    OrderSkipped,
    OrderSubmitted,
    OrderSubmitting,
    OrderUncertain,
    PollInterval,
    Rule,
    RunMode,
    RunnerStarted,
    RunnerStopped,
    SignalReceived,
    StateNotFound,
    StateRebuilt,
    StateRecovered,
    Unknown,
)
from genesis_ops.runlog.files import LogFile, backwards, opened
from genesis_ops.runlog.reader import ROUTINE, LogLine, LogReader
from genesis_ops.runlog.sieve import Sieve
from genesis_ops.runlog.tail import end_ms, is_torn
from genesis_ops.runlog.zone import newest_offset_ms
from genesis_ops.words import MINUTE_MS, Mode

_BANNER = RunnerStarted.phrase.encode()
_CONFIGURATION = re.compile(r'"runtime_cfg_hash": "([^"\\]+)"')


class Close(NamedTuple):
    """A candle close as the log has it, with what stands around it."""

    line: LogLine
    event: CandleClose
    audit: LogLine | None
    """The look at the exchange that the close followed from."""
    evaluations: tuple[LogLine, ...]
    failure: LogLine | None
    """The first failed evaluation after it."""
    given_up: LogLine | None
    """The line that says that the candle will not be evaluated."""

    @property
    def ts(self) -> int:
        """The candle's open time (ms, UTC)."""
        return self.event.ts


class Run(NamedTuple):
    """One process of the runner, as far as the log was read (times in ms, UTC)."""

    started: LogLine | None
    """Its banner; None if it began before what was read."""
    mode: Mode | None
    symbol: str
    timeframe: str
    interval: int | None
    """Seconds between two polls."""
    verified: LogLine | None
    closes: tuple[Close, ...]
    submissions: tuple[LogLine, ...]
    """Orders that were about to be sent, were sent, or may have been."""
    skipped: tuple[LogLine, ...]
    """Orders that dry-run did not send."""
    fallbacks: tuple[LogLine, ...]
    fatal: tuple[LogLine, ...]
    missed: tuple[LogLine, ...]
    ended: LogLine | None
    configurations: tuple[str, ...]
    """The hashes of the runtime configuration that decisions were made from, in order of appearance."""
    beats: tuple[int, ...]
    """When a heartbeat was written."""
    first_ms: int
    last_ms: int


class _Open:
    """A run that is being read."""

    def __init__(self, before: Run | None = None) -> None:
        self.facts = before or NOTHING
        self.first_ms: int | None = None
        self.last_ms = 0
        self.lived = before is not None
        self.closes: list[Close] = []
        self.lists: dict[str, list[LogLine]] = {}
        self.configurations: dict[str, None] = {}
        self.beats: list[int] = []
        self.audit: LogLine | None = None

    def take(self, line: LogLine) -> None:
        self.first_ms = line.at_ms if self.first_ms is None else min(self.first_ms, line.at_ms)
        self.last_ms = max(self.last_ms, line.at_ms)
        event = line.event
        self.lived = self.lived or not isinstance(event, _PRELUDE)
        if isinstance(event, Fatal) or line.level == CRITICAL:
            self._add("fatal", line)
        elif isinstance(event, Unknown):
            self._add(next((name for begin, name in _BEGUN if event.text.startswith(begin)), ""), line)
        match event:
            case RunnerStarted() | RunMode() | Market() | PollInterval() | ChampionVerified():
                self._announce(line)
            case Heartbeat():
                self.beats.append(line.at_ms)
            case DecisionContext(context=context):
                self.configurations |= dict.fromkeys(_CONFIGURATION.findall(context))
            case CandleClose() | CandleSelection() | Evaluation() | EvaluationFailed() | EvaluateError():
                self._candle(line)
            case EvaluationMissed(ts=ts):
                self.closes = [c._replace(given_up=line) if c.ts == ts else c for c in self.closes]
            case _:
                self._add(_LISTS.get(type(event), ""), line)

    def _announce(self, line: LogLine) -> None:
        match line.event:
            case RunnerStarted():
                self.facts = NOTHING._replace(started=line)
            case RunMode(mode=mode):
                self.facts = self.facts._replace(mode=Mode.DRY_RUN if mode.startswith("DRY") else Mode.LIVE_PAPER)
            case Market(symbol=symbol, timeframe=timeframe):
                self.facts = self.facts._replace(symbol=symbol, timeframe=timeframe)
            case PollInterval(seconds=seconds):
                self.facts = self.facts._replace(interval=seconds)
            case ChampionVerified():
                self.facts = self.facts._replace(verified=line)

    def _add(self, name: str, line: LogLine) -> None:
        if name:
            self.lists.setdefault(name, []).append(line)

    def _candle(self, line: LogLine) -> None:
        newest = self.closes[-1] if self.closes else None
        match line.event:
            case CandleSelection():
                self.audit = line
            case CandleClose() as close if not is_torn(close):
                self.closes.append(Close(line, close, self.audit, (), None, None))
                self.audit = None
            case Evaluation() if newest is not None:
                self.closes[-1] = newest._replace(evaluations=(*newest.evaluations, line))
            case EvaluateError() | EvaluationFailed() if newest is not None and newest.failure is None:
                self.closes[-1] = newest._replace(failure=line)

    def freeze(self) -> tuple[Run, ...]:
        """Give the run, if it is one: what stands above a banner can be the same process, about to begin."""
        if self.first_ms is None or not self.lived:
            return ()
        lists = {name: tuple(lines) for name, lines in self.lists.items()}
        run = self.facts._replace(
            closes=tuple(self.closes),
            submissions=lists.get("submissions", ()),
            skipped=lists.get("skipped", ()),
            fallbacks=lists.get("fallbacks", ()),
            fatal=lists.get("fatal", ()),
            missed=lists.get("missed", ()),
            ended=lists.get("ended", (None,))[0],
            configurations=tuple(self.configurations),
            beats=tuple(self.beats),
            first_ms=self.first_ms,
            last_ms=self.last_ms,
        )
        return (run,)


_BEGUN = (
    ("FATAL", "fatal"),
    ("Submitting ", "submissions"),
    ("ORDER SUBMIT", "submissions"),
    ("ORDER_", "submissions"),
)
"""What a line that was not written to its end, or that nobody understands, has said already by its beginning."""

NOTHING = Run(None, None, "", "", None, None, (), (), (), (), (), (), None, (), (), 0, 0)
_PRELUDE = (
    *(Rule, StateNotFound, StateRecovered, StateRebuilt, ModeSwitched),
    *(GatePassed, GateOverridden, JournalTorn, OrderOpen),
)
"""What a start says before its banner."""
_BEGINNING = (*_PRELUDE, RunnerStarted)
_LISTS = {
    OrderSubmitting: "submissions",
    OrderSubmitted: "submissions",
    OrderUncertain: "submissions",
    OrderSkipped: "skipped",
    ChampionNotLoaded: "fallbacks",
    BaselineFallback: "fallbacks",
    CandleMissed: "missed",
    SignalReceived: "ended",
    Interrupted: "ended",
    RunnerStopped: "ended",
    GaveUp: "ended",
    CandlesDone: "ended",
}


def runs(lines: Iterable[LogLine], before: Callable[[], Run | None] = lambda: None) -> tuple[Run, ...]:
    """Split lines into runs; ``before`` tells what was announced earlier, if lines stand above the first banner."""
    found: list[Run] = []
    above: list[LogLine] = []
    current = _Open()
    for line in lines:
        if isinstance(line.event, _PRELUDE):
            above.append(line)  # the next line tells which process wrote it
            continue
        if not current.lived and current.facts.started is None and not isinstance(line.event, _BEGINNING):
            current = _Open(before() or NOTHING)
        if isinstance(line.event, RunnerStarted):
            found += current.freeze()
            current = _Open()
        if not current.closes and isinstance(line.event, Evaluation | EvaluationMissed):
            _settle(found, line)
        _take(current, above, line)
    _take(current, above)
    found += current.freeze()
    return tuple(found)


def _take(current: _Open, above: list[LogLine], *lines: LogLine) -> None:
    for line in (*above, *lines):
        current.take(line)
    above.clear()


def _settle(found: list[Run], line: LogLine) -> None:
    """Let an evaluation above a run's first close answer the close that the run before it left pending."""
    place = next((place for place in reversed(range(len(found))) if found[place].closes), None)
    if place is None:
        return
    *others, newest = found[place].closes
    if isinstance(line.event, Evaluation):
        newest = newest._replace(evaluations=(*newest.evaluations, line))
    elif isinstance(line.event, EvaluationMissed) and line.event.ts == newest.ts:
        newest = newest._replace(given_up=line)
    found[place] = found[place]._replace(closes=(*others, newest))


def begun_before(files: Sequence[LogFile], before_ms: int) -> Run | None:
    """Look up what the run announced that was alive at a time (ms, UTC): its banner, up to its verification.

    None if no banner stands before that time. The log is searched from its end.
    """
    for position, file in sorted(enumerate(files), key=lambda item: end_ms(item[1]), reverse=True):
        banner = _last_banner(file, before_ms)
        if banner is not None:
            return _announcement(Sieve(files[position:], banner.at_ms, before_ms), banner)
    return None


def _last_banner(file: LogFile, before_ms: int) -> LogLine | None:
    """Find the newest banner of a file that stands at or before a time."""
    if file.packed:
        return _newest(LogReader((file,), end_ms=before_ms, without=ROUTINE))
    with suppress(OSError), opened(file) as fd:
        for offset in backwards(fd, _BANNER, os.fstat(fd).st_size):
            first = takewhile(lambda line: line.index == 0, LogReader((file,), end_ms=before_ms, offset=offset))
            if (banner := _newest(first)) is not None:
                return banner
    return None


def _newest(lines: Iterable[LogLine]) -> LogLine | None:
    return max((line for line in lines if _is_banner(line)), key=lambda line: line.at_ms, default=None)


def _is_banner(line: LogLine) -> bool:
    return isinstance(line.event, RunnerStarted)


def _announcement(lines: Iterable[LogLine], banner: LogLine) -> Run:
    """Read on from a banner until the champion is verified or candles are processed without."""
    announced = [banner]
    for line in dropwhile(lambda line: line.text != banner.text, lines):
        announced.append(line)
        if isinstance(line.event, ChampionVerified | CandleClose):
            break
    return runs(announced)[-1]


class RunWords(NamedTuple):
    """What the log says of the newest run, corrected to UTC where the log is in local time."""

    started: LogLine
    mode: Mode | None
    symbol: str
    timeframe: str
    interval: int | None
    verified: LogLine | None
    not_loaded: tuple[LogLine, ...]
    fatal: tuple[LogLine, ...]
    ended: LogLine | None
    last_ms: int
    zone_minutes: int


def latest_run(files: Sequence[LogFile], before_ms: int) -> RunWords | None:
    """Read the newest run that was started at or before a time (ms, UTC); None if there is no banner."""
    shift_ms = newest_offset_ms(files)
    begun = begun_before(files, before_ms + shift_ms)
    if begun is None or (started := begun.started) is None:
        return None
    lines = Sieve(files, started.at_ms, before_ms + shift_ms)
    read = runs(dropwhile(lambda line: line.text != started.text, lines))
    run = read[-1] if read else begun  # a banner that is stamped later than what follows it
    started.at_ms -= shift_ms
    return RunWords(
        started=started,
        mode=run.mode,
        symbol=run.symbol,
        timeframe=run.timeframe,
        interval=run.interval,
        verified=run.verified,
        not_loaded=run.fallbacks,
        fatal=run.fatal,
        ended=run.ended,
        last_ms=max(run.last_ms, *(end_ms(file) for file in files if not file.packed), 0) - shift_ms,
        zone_minutes=shift_ms // MINUTE_MS,
    )
