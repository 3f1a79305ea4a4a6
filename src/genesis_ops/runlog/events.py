"""The runner log's lines (contract §2): one type a line, how it is written and how it is read side by side.

An event's ``phrase`` is what this project's runner writes; its ``pattern`` reads that and whatever the older
runner wrote in its place. Operators grep for these phrases, so they do not change.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Self, dataclass_transform

RULE = "=" * 80
DEBUG, INFO, WARNING, ERROR, CRITICAL = "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"
LEVELS = (DEBUG, INFO, WARNING, ERROR, CRITICAL)

_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_READERS: dict[Any, type[int] | type[float]] = {int: int, int | None: int, float: float}


@dataclass_transform(frozen_default=True)
class Event:
    """One message of the runner log: a frozen record, made without @dataclass, which takes 20 ms for fifty types."""

    level: ClassVar[str] = INFO
    phrase: ClassVar[str]
    pattern: ClassVar[str]
    older: ClassVar[bool] = False
    """Whether only the older runner writes this line; it is read and never written here."""
    names: ClassVar[tuple[str, ...]] = ()
    """The fields, in the order of the constructor's arguments."""

    def __init_subclass__(cls) -> None:
        """Take the annotations of a type as its fields."""
        cls.names = tuple(cls.__annotations__)

    def __init__(self, *values: object, **named: object) -> None:
        if not named and len(values) == len(self.names):  # as nearly every one is made, twice a poll
            self.__dict__.update(zip(self.names, values, strict=True))
            return
        given = dict(zip(self.names, values, strict=False)) | named
        if len(values) + len(named) != len(self.names) or given.keys() != set(self.names):
            raise TypeError(f"{type(self).__name__} takes {self.names}")
        self.__dict__.update(given)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.names)})"

    def content(self) -> dict[str, Any]:
        """Give the fields and their values."""
        return {name: getattr(self, name) for name in self.names}

    def message(self) -> str:
        """Write the event as the part of a log line that follows its level."""
        return self.phrase.format(**{name: _tamed(value) for name, value in self.__dict__.items()})

    @classmethod
    def read(cls, message: str) -> Self | None:
        """Read a message back, or tell by None that it is another event's."""
        match = _compiled(cls.pattern).fullmatch(message)
        if match is None:
            return None
        found = match.groups()
        readers = _readers(cls)  # type: ignore[arg-type]  # mypy takes the instances' __hash__ for the class's
        event = object.__new__(cls)
        try:
            event.__dict__.update({name: None if found[at] is None else read(found[at]) for name, at, read in readers})
        except ValueError:  # a number of thousands of digits
            return None
        return event


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


@cache
def _readers(cls: type[Event]) -> tuple[tuple[str, int, Callable[[str], Any]], ...]:
    """Tell for each field where in the match its text is and what reads it."""
    groups = _compiled(cls.pattern).groupindex
    return tuple((name, groups[name] - 1, _READERS.get(kind, str)) for name, kind in cls.__annotations__.items())


class Unknown(Event):
    """A message that no type reads; it is counted, never dropped."""

    phrase = "{text}"
    pattern = r"(?P<text>.*)"
    text: str


class Rule(Event):
    """The line around the start banner."""

    phrase = RULE
    pattern = r"={10,}"


class RunnerStarted(Event):
    """A process began: it splits a log into runs, each with one mode."""

    phrase = "Paper Trading Runner Started"
    pattern = r"Paper Trading Runner Started"


class Version(Event):
    """Which version of genesis-ops runs."""

    phrase = "Version: genesis-ops {version}"
    pattern = r"Version: genesis-ops (?P<version>\S+)"
    version: str


class Market(Event):
    """What is traded, in candles of which length."""

    phrase = "Symbol: {symbol}, Timeframe: {timeframe}"
    pattern = r"Symbol: (?P<symbol>[^\s,]+), Timeframe: (?P<timeframe>\S+)"
    symbol: str
    timeframe: str


class PollInterval(Event):
    """How many seconds lie between two polls of the exchange."""

    phrase = "Poll interval: {seconds}s"
    pattern = r"Poll interval: (?P<seconds>\d+)s"
    seconds: int


class PollsStretched(Event):
    """The asked interval is shorter than the exchange's limit allows."""

    level = WARNING
    phrase = "Polls are stretched to one in {seconds}s: ten requests a minute to the exchange"
    pattern = r"Polls are stretched to one in (?P<seconds>\d+)s: ten requests a minute to the exchange"
    seconds: int


class RunMode(Event):
    """What this run does with an order: ``DRY-RUN (no orders)`` or ``LIVE PAPER TRADING``."""

    phrase = "Mode: {mode}"
    pattern = r"Mode: (?P<mode>DRY-RUN \(no orders\)|LIVE PAPER TRADING)"
    mode: str


class StateFile(Event):
    """Where the state is kept."""

    phrase = "State file: {path}"
    pattern = r"State file: (?P<path>.+)"
    path: str


class StateNotFound(Event):
    """No state file, and no logs that would make one missing: a first start."""

    phrase = "State file not found: {path}. Starting fresh."
    pattern = r"State file not found: (?P<path>.+)\. Starting fresh\."
    path: str


class StateRebuilt(Event):
    """The operator had the state rebuilt from the log (``--rebuild-state``)."""

    level = WARNING
    phrase = "State rebuilt from the log: last_candle_ts={last_candle_ts}, evaluations={evaluations}"
    pattern = (
        r"State rebuilt from the log: last_candle_ts=(?P<last_candle_ts>\d+|None), "
        r"evaluations=(?P<evaluations>\d+)"
    )
    last_candle_ts: str
    evaluations: int


class StateRecovered(Event):
    """The state lagged behind the log after a hard stop and was brought up to it."""

    level = WARNING
    phrase = "State recovered from the log: candle {ts} was {progress} before the last stop"
    pattern = (
        r"State recovered from the log: candle (?P<ts>\d+) was (?P<progress>announced|evaluated) "
        r"before the last stop"
    )
    ts: int
    progress: str


class StateSaved(Event):
    """The older runner's note after each write of the state."""

    level = DEBUG
    older = True
    phrase = "State saved: {path}"
    pattern = r"State saved: (?P<path>.+)"
    path: str


class RunnerContract(Event):
    """The older runner's configuration, at start."""

    older = True
    phrase = "RUNNER_CONTRACT: {contract}"
    pattern = r"RUNNER_CONTRACT: (?P<contract>\{.*\})"
    contract: str


class RunnerWatchdog(Event):
    """The older runner's limits for its own watchdog, at start."""

    older = True
    phrase = "RUNNER_WATCHDOG: {limits}"
    pattern = r"RUNNER_WATCHDOG: (?P<limits>.+)"
    limits: str


class ChampionVerifying(Event):
    """The runner asks the API which champion it would trade."""

    phrase = "Verifying champion loading..."
    pattern = r"Verifying champion loading\.\.\."


class ChampionVerified(Event):
    """The API trades the champion, not the fallback."""

    phrase = "Champion verified successfully."
    pattern = r"Champion verified successfully\."


class ChampionNotLoaded(Event):
    """The API named another source than a champion."""

    level = ERROR
    phrase = "Champion NOT loaded! Source: {source}"
    pattern = r"Champion NOT loaded! Source: (?P<source>.*)"
    source: str


class BaselineFallback(Event):
    """The runner stops because the fallback would trade (runbook, abort condition 3)."""

    level = CRITICAL
    phrase = "Baseline fallback detected. ABORTING."
    pattern = r"Baseline fallback detected.*"


class CandleSelection(Event):
    """What one poll saw; ``now_ms`` against the line's own time reveals a log in local time."""

    level = DEBUG
    phrase = (
        "Candle selection: source={source}, ts={ts}, now_ms={now_ms}, "
        "latest_ts={latest_ts}, latest_close_ms={latest_close_ms}"
    )
    pattern = (
        r"Candle selection: source=(?P<source>previous|latest), ts=(?P<ts>\d+), now_ms=(?P<now_ms>\d+), "
        r"latest_ts=(?P<latest_ts>\d+), latest_close_ms=(?P<latest_close_ms>\d+)"
    )
    source: str
    ts: int
    now_ms: int
    latest_ts: int
    latest_close_ms: int


class AlreadyProcessed(Event):
    """The newest closed candle is one that was announced before."""

    level = DEBUG
    phrase = "Candle {ts} already processed. Skipping."
    pattern = r"Candle (?P<ts>\d+) already processed\. Skipping\."
    ts: int


class CandleClose(Event):
    """A candle closed; ``ts`` is its open time (ms), so the 1h candle of 13:00 closes at 14:00."""

    phrase = "NEW CANDLE CLOSE: ts={ts}, close={close:.2f}, source={source}"
    pattern = rf"NEW CANDLE CLOSE: ts=(?P<ts>\d+), close=(?P<close>{_NUMBER})(?:, source=(?P<source>\w+))?"
    ts: int
    close: float
    source: str | None


class CandleMissed(Event):
    """A candle that closed while the runner was down or blind; it is not traded late."""

    level = WARNING
    phrase = "MISSED CANDLE: ts={ts}, cause={cause}"
    pattern = r"MISSED CANDLE: ts=(?P<ts>\d+), cause=(?P<cause>.+)"
    ts: int
    cause: str


class CandleRevised(Event):
    """The exchange corrected a candle after it was announced."""

    level = WARNING
    phrase = "Candle {ts} was revised by the exchange: close {announced:.2f} is now {revised:.2f}"
    pattern = (
        rf"Candle (?P<ts>\d+) was revised by the exchange: close (?P<announced>{_NUMBER}) is now (?P<revised>{_NUMBER})"
    )
    ts: int
    announced: float
    revised: float


class ShortWindow(Event):
    """The exchange gave fewer bars than the strategy is used to."""

    level = WARNING
    phrase = "Window for candle {ts} has {bars} of {wanted} bars"
    pattern = r"Window for candle (?P<ts>\d+) has (?P<bars>\d+) of (?P<wanted>\d+) bars"
    ts: int
    bars: int
    wanted: int


class Evaluation(Event):
    """What the strategy says to a closed candle, once per candle."""

    phrase = "EVALUATION: action={action}, signal={signal}, confidence={confidence:.3f}"
    pattern = (
        rf"EVALUATION: action=(?P<action>[A-Z]+), signal=(?P<signal>None|{_NUMBER}), "
        rf"confidence=(?P<confidence>{_NUMBER})"
    )
    action: str
    signal: str
    confidence: float


class DecisionContext(Event):
    """What the decision was made from, as one JSON object."""

    phrase = "DECISION_CONTEXT: {context}"
    pattern = r"DECISION_CONTEXT: (?P<context>\{.*\})"
    context: str


class NoOrder(Event):
    """The evaluation asks for nothing."""

    phrase = "Action=NONE. No order."
    pattern = r"Action=NONE\. No order\."


class OrderSkipped(Event):
    """The evaluation asks for an order and dry-run sends none."""

    phrase = "DRY-RUN: Would submit {action} order (skipped)"
    pattern = r"DRY-RUN: Would submit (?P<action>[A-Z]+) order \(skipped\)"
    action: str


class OrderSubmitting(Event):
    """An order is about to be sent; never legitimate inside a dry-run run."""

    phrase = "Submitting {action} order..."
    pattern = r"Submitting (?P<action>[A-Z]+) order\.\.\."
    action: str


class OrderSubmitted(Event):
    """The API's reply to an order; never legitimate inside a dry-run run."""

    phrase = "ORDER SUBMITTED: {reply}"
    pattern = r"ORDER SUBMITTED: (?P<reply>.+)"
    reply: str


class OrderRejected(Event):
    """It is proven that no order was made."""

    level = WARNING
    phrase = "ORDER REJECTED: {order}: {reason}. No order was made."
    pattern = r"ORDER REJECTED: (?P<order>[^\s:]+): (?P<reason>.*)\. No order was made\."
    order: str
    reason: str


class OrderUnknown(Event):
    """Nobody can tell from the reply whether an order was made; no order follows until it is resolved."""

    level = ERROR
    phrase = "ORDER UNKNOWN: {order}: {reason}. It may have been made; it is never sent again."
    pattern = r"ORDER UNKNOWN: (?P<order>[^\s:]+): (?P<reason>.*)\. It may have been made; it is never sent again\."
    order: str
    reason: str


class OrderBlocked(Event):
    """A decided order is not sent, because something forbids it."""

    level = WARNING
    phrase = "ORDER BLOCKED: {order}: {reason}"
    pattern = r"ORDER BLOCKED: (?P<order>[^\s:]+): (?P<reason>.*)"
    order: str
    reason: str


class OrderExpired(Event):
    """A decided order is not sent, because it came too late."""

    level = WARNING
    phrase = "ORDER EXPIRED: {order}: {reason}"
    pattern = r"ORDER EXPIRED: (?P<order>[^\s:]+): (?P<reason>.*)"
    order: str
    reason: str


class OrderResolved(Event):
    """The doubt about an order is over: the wallets or an operator said what came of it."""

    level = WARNING
    phrase = "ORDER RESOLVED: {order}: {told}"
    pattern = r"ORDER RESOLVED: (?P<order>[^\s:]+): (?P<told>.*)"
    order: str
    told: str


class OrderOpen(Event):
    """At the start: an earlier order is in doubt, and blocks every other until it is resolved."""

    level = WARNING
    phrase = "ORDER IN DOUBT: {order}: {reason}. Orders are blocked until the wallets or an operator resolve it."
    pattern = (
        r"ORDER IN DOUBT: (?P<order>[^\s:]+): (?P<reason>.*)\. "
        r"Orders are blocked until the wallets or an operator resolve it\."
    )
    order: str
    reason: str


class WalletChange(Event):
    """The wallets moved as the order said."""

    phrase = "WALLET CHANGE: {order}: {told}"
    pattern = r"WALLET CHANGE: (?P<order>[^\s:]+): (?P<told>.*)"
    order: str
    told: str


class WalletDoubt(Event):
    """The wallets did not move as the order said, or could not be read."""

    level = WARNING
    phrase = "WALLET DOUBT: {order}: {told}"
    pattern = r"WALLET DOUBT: (?P<order>[^\s:]+): (?P<told>.*)"
    order: str
    told: str


class JournalTorn(Event):
    """A hard stop left half a record in the journal of orders; what it would have announced never happened."""

    level = WARNING
    phrase = "Journal of orders ends with half a record: {place}. What it would have announced was not sent."
    pattern = r"Journal of orders ends with half a record: (?P<place>.*)\. What it would have announced was not sent\."
    place: str


class ModeSwitched(Event):
    """A state that was run in one mode goes on in the other."""

    level = WARNING
    phrase = "Mode switched in the same state: {former} -> {latter}"
    pattern = r"Mode switched in the same state: (?P<former>dry-run|live-paper) -> (?P<latter>dry-run|live-paper)"
    former: str
    latter: str


class GatePassed(Event):
    """Why this run may order on paper (runbook Day 1, step 3)."""

    phrase = "Live-paper gate passed: {told}"
    pattern = r"Live-paper gate passed: (?P<told>.*)"
    told: str


class GateOverridden(Event):
    """An operator let this run order although the gate said no."""

    level = WARNING
    phrase = "LIVE-PAPER GATE OVERRIDDEN: {reason} (the gate said: {instead})"
    pattern = r"LIVE-PAPER GATE OVERRIDDEN: (?P<reason>.*) \(the gate said: (?P<instead>.*)\)"
    reason: str
    instead: str


class CandleWatched(Event):
    """All about one candle on one line, for the first three hours of a live run (change request CR-001, testing)."""

    phrase = "WATCH: {told}"
    pattern = r"WATCH: (?P<told>.*)"
    told: str


class OrderUncertain(Event):
    """The older runner could not tell whether an order was accepted."""

    level = ERROR
    older = True
    phrase = "ORDER_SUBMIT_UNCERTAIN {detail}"
    pattern = r"ORDER_SUBMIT_UNCERTAIN:? ?(?P<detail>.*)"
    detail: str


class QuarantineBlock(Event):
    """The older runner blocks orders after an uncertain one."""

    level = WARNING
    older = True
    phrase = "QUARANTINE_BLOCK: {detail}"
    pattern = r"QUARANTINE_BLOCK: (?P<detail>.+)"
    detail: str


class QuarantineCleared(Event):
    """The older runner allows orders again."""

    older = True
    phrase = "QUARANTINE_CLEARED: {detail}"
    pattern = r"QUARANTINE_CLEARED: (?P<detail>.+)"
    detail: str


class Heartbeat(Event):
    """Every ten polls: the counters, and how old the last good candle, evaluation and state write are (seconds)."""

    phrase = (
        "Heartbeat: evaluations={evaluations}, orders={orders}, last_candle_ts={last_candle_ts}, "
        "feed_age={feed_age}, evaluation_age={evaluation_age}, state_age={state_age}"
    )
    pattern = (
        r"Heartbeat: evaluations=(?P<evaluations>\d+), orders=(?P<orders>\d+), "
        r"last_candle_ts=(?P<last_candle_ts>\d+|None)"
        r"(?:, feed_age=(?P<feed_age>\d+s|never), evaluation_age=(?P<evaluation_age>\d+s|never), "
        r"state_age=(?P<state_age>\d+s|never))?"
    )
    evaluations: int
    orders: int
    last_candle_ts: str
    feed_age: str | None
    evaluation_age: str | None
    state_age: str | None


class FeedDead(Event):
    """Stands beside a heartbeat while the exchange gives no candles, so that an alive process does not look well."""

    level = WARNING
    phrase = "FEED DEAD: no good candle reply for {age}: {cause}"
    pattern = r"FEED DEAD: no good candle reply for (?P<age>[^\s:]+(?: [^\s:]+)?): (?P<cause>.+)"
    age: str
    cause: str


class FetchError(Event):
    """One request to the exchange failed."""

    level = ERROR
    phrase = "HTTP error fetching candles: {cause}"
    pattern = r"HTTP error fetching candles: (?P<cause>.*)"
    cause: str


class FetchRetry(Event):
    """The poll gave nothing; the next one tries again."""

    level = WARNING
    phrase = "Failed to fetch candle. Retrying..."
    pattern = r"Failed to fetch candle\. Retrying\.\.\."


class FeedSilence(Event):
    """The exchange refused, so it is left alone for a while (contract §5)."""

    level = WARNING
    phrase = "Exchange refused: silent for {seconds}s"
    pattern = r"Exchange refused: silent for (?P<seconds>\d+)s"
    seconds: int


class EvaluateError(Event):
    """One request to the API failed while a candle was to be evaluated."""

    level = ERROR
    phrase = "HTTP error evaluating strategy: {cause}"
    pattern = r"HTTP error evaluating strategy: (?P<cause>.*)"
    cause: str


class EvaluationFailed(Event):
    """A candle could not be evaluated yet."""

    level = WARNING
    phrase = "Evaluation failed for candle {ts}. Retrying until the next close."
    pattern = r"Evaluation failed(?: for candle (?P<ts>\d+))?.*"
    ts: int | None


class EvaluationMissed(Event):
    """The next candle closed before this one could be evaluated."""

    level = ERROR
    phrase = "MISSED EVALUATION: ts={ts}, cause={cause}"
    pattern = r"MISSED EVALUATION: ts=(?P<ts>\d+), cause=(?P<cause>.+)"
    ts: int
    cause: str


class ClockOff(Event):
    """The host's clock and the exchange's disagree by more than a few seconds (positive: the host is ahead)."""

    level = WARNING
    phrase = "Clock is off: host minus exchange = {offset_ms} ms"
    pattern = r"Clock is off: host minus exchange = (?P<offset_ms>-?\d+) ms"
    offset_ms: int


class Stalled(Event):
    """The process stood still or its clock was stepped: polls that were due did not happen."""

    level = WARNING
    phrase = "Runner stalled for {seconds}s (suspended, starved or clock stepped)"
    pattern = r"Runner stalled for (?P<seconds>\d+)s \(suspended, starved or clock stepped\)"
    seconds: int


class Fatal(Event):
    """The runner cannot go on."""

    level = CRITICAL
    phrase = "FATAL: {cause}"
    pattern = r"FATAL(?:: ?)?(?P<cause>.*)"
    cause: str


class GaveUp(Event):
    """The start failed before anything was processed: a server was absent, or the state is another market's."""

    level = ERROR
    phrase = "Runner gave up: {cause}"
    pattern = r"Runner gave up: (?P<cause>.+)"
    cause: str


class SignalReceived(Event):
    """Somebody asked the runner to stop."""

    phrase = "Received signal {number}. Shutting down..."
    pattern = r"Received signal (?P<number>\d+)\. Shutting down\.\.\."
    number: int


class Interrupted(Event):
    """Somebody pressed Ctrl-C in the older runner's terminal."""

    older = True
    phrase = "Shutdown signal received (Ctrl+C). Exiting gracefully..."
    pattern = r"Shutdown signal received \(Ctrl\+C\)\. Exiting gracefully\.\.\."


class LatchFound(Event):
    """The stop latch was set while the runner ran; it ends, and none starts until the latch is cleared."""

    level = WARNING
    phrase = "Stop latch found: {reason}. Shutting down."
    pattern = r"Stop latch found: (?P<reason>.+)\. Shutting down\."
    reason: str


class CandlesDone(Event):
    """The run was asked for a number of candles and has processed them."""

    phrase = "Processed {candles} candles as asked. Stopping."
    pattern = r"Processed (?P<candles>\d+) candles as asked\. Stopping\."
    candles: int


class RunnerStopped(Event):
    """The process ended in good order."""

    phrase = "Runner stopped."
    pattern = r"Runner stopped\."


def event_types() -> tuple[type[Event], ...]:
    """Name every type that can stand in a log, the frequent ones first; ``Unknown`` is what is left."""
    first: tuple[type[Event], ...] = (CandleSelection, AlreadyProcessed, Heartbeat, StateSaved)
    types = (v for v in globals().values() if isinstance(v, type) and issubclass(v, Event))
    return first + tuple(t for t in types if t not in {Event, Unknown, *first})


@cache
def _by_beginning() -> dict[str, tuple[type[Event], ...]]:
    table: dict[str, tuple[type[Event], ...]] = {}
    for event_type in event_types():
        key = event_type.phrase[:5]
        table[key] = (*table.get(key, ()), event_type)
    return table


def read_message(message: str) -> Event:
    """Read a message as the event it is, or as ``Unknown``."""
    for event_type in _by_beginning().get(message[:5], ()):
        event = event_type.read(message)
        if event is not None:
            return event
    return Unknown(message)


def grep_phrases() -> tuple[str, ...]:
    """Name what operators grep the logs for: only the lines that mean it may contain it (contract §1, §2)."""
    return (
        *("NEW CANDLE CLOSE", "EVALUATION:", "ORDER SUBMITTED", "Submitting LONG", "Submitting SHORT"),
        *("Candle selection:", "Heartbeat:", "HTTP error", "Error fetching"),
        *("Champion verified", "Baseline fallback detected", "FATAL"),
    )


@cache
def _any_grep_phrase() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, grep_phrases())))


def _tamed(value: object) -> object:
    """Break phrases in a text from outside, such as a server's error: a grep would count it as the runner's own."""
    if not isinstance(value, str):
        return value
    return _any_grep_phrase().sub(lambda found: f"\\x{ord(found[0][0]):02x}{found[0][1:]}", value)
