"""What one look at a running phase found, as frozen facts, and which of them cannot wait; pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from genesis_ops.checks.evidence import OrdersFound
from genesis_ops.checks.limits import FUTURE_MS, feed_limit, heartbeat_limit, log_limit
from genesis_ops.checks.model import Judged, Outcome, Place
from genesis_ops.clients.health import Answer, Health
from genesis_ops.runlog.tally import LATE_MS, Fate, Hour
from genesis_ops.settings import Settings
from genesis_ops.state.hidden import look_as_owner
from genesis_ops.state.latch import Latch
from genesis_ops.words import DAY_MS, Mode, duration, stamp

_EVALUATION_GRACE_SECONDS = 300
_MOST_DOUBTS = 2


class Runner(NamedTuple):
    """The newest run by its log, and who holds the log directory now (times in ms, UTC)."""

    mode: Mode | None = None
    since_ms: int | None = None
    interval: int = 10
    """Seconds between two polls."""
    pid: int | None = None
    """A living process whose name plate is on the log directory's lock."""
    locked: bool = False
    """Whether there is a lock file at all; the older runner has none."""
    newest_ms: int | None = None
    """When the newest line of the log was written; None where there is none."""
    ended: bool = False
    last: Place | None = None
    """How it ended: its fatal line, or its farewell."""


class LastClose(NamedTuple):
    """The newest candle that was announced (times in ms, UTC); ``logged_ms`` None where its line was not read."""

    open_ms: int
    close_ms: int
    price: float
    logged_ms: int | None
    before_birth: bool = False
    """Whether it closed before the first run began, which announces it at its start: that is not late."""


class LastEvaluation(NamedTuple):
    """What the strategy said last, and when (ms, UTC)."""

    action: str
    confidence: float
    at_ms: int


class Beat(NamedTuple):
    """The newest heartbeat line (ms, UTC), and the ages in seconds that it tells; None where it tells none."""

    at_ms: int
    feed: int | None = None
    evaluation: int | None = None


class StateSeen(NamedTuple):
    """The state file: when the runner says that it last beat (ms, UTC), and what is wrong with it, if anything."""

    heartbeat_ms: int | None = None
    submitted: int | None = None
    trouble: Judged | None = None


class Ordered(NamedTuple):
    """The orders: those of the phase by the journal (None: there is none), and what is in doubt."""

    decided: int | None = None
    submitted: int | None = None
    would_be: int = 0
    """How many a dry-run would have sent in the hours that the picture shows."""
    found: OrdersFound = OrdersFound()


class Balances(NamedTuple):
    """The exchange wallets by currency at a time (ms, UTC), and where that was read."""

    at_ms: int
    by_currency: Mapping[str, float]
    source: str


class Wallet(NamedTuple):
    """The wallets now or as last known, and what they are held against: the first that is known of the phase."""

    now: Balances | None = None
    baseline: Balances | None = None
    moved: Mapping[str, float] | None = None
    """By how much each currency that changed did between the two; None where one of them is missing."""
    trouble: str = ""
    """Why the API does not tell them."""


class Verification(NamedTuple):
    """When (ms, UTC) somebody last verified that everything works, what came of it and what was not well."""

    at_ms: int
    verdict: str
    not_well: tuple[str, ...]
    file: str
    trouble: str = ""


class Status(NamedTuple):
    """Everything that one screen shows, as it was at ``now_ms`` (UTC, by this host's clock)."""

    now_ms: int
    settings: Settings
    shown_dir: str
    runner: Runner
    api: Health
    wallet: Wallet
    orders: Ordered
    latch: Latch | None
    state: StateSeen
    close: LastClose | None
    next_close_ms: int
    evaluation: LastEvaluation | None
    beat: Beat | None
    start_ms: int
    end_ms: int
    """The stretch of the log that was looked at: the last 48 hours, or the log's own last where it ends before them."""
    hours: tuple[Hour, ...]
    findings: tuple[Judged, ...]
    troubles: tuple[str, ...]
    """What hindered the reading of the log."""
    nothing: str
    """Why there is nothing to show of the log; empty where there is something."""
    verification: Verification | None = None
    """The last one; None where nobody ever did."""


class Age(NamedTuple):
    """How old something is and may be (seconds); None where nobody knows.

    ``held`` is the age that was held against the limit: that of the feed as the heartbeat told it.
    """

    name: str
    seconds: int | None
    limit: int
    held: int | None

    @property
    def over(self) -> bool:
        """Whether it is too old."""
        return self.held is not None and self.held > self.limit


class Alert(NamedTuple):
    """What an operator has to see first: how bad it is, in a few words and in a sentence, and what to type next."""

    kind: str
    outcome: Outcome
    head: str
    sentence: str
    remedy: str = ""


def ages(status: Status) -> tuple[Age, ...]:
    """Tell the ages of feed, evaluation, state and heartbeat, each against its limit (runbook Day 0 step 2).

    What a heartbeat told has grown older since; the feed counts as dead by what was true at the heartbeat.
    """
    interval, beat, now_ms = status.runner.interval, status.beat, status.now_ms
    beat_age = None if beat is None else (now_ms - beat.at_ms) // 1000
    feed = None if beat is None else beat.feed
    timeframe = status.settings.timeframe.close_of(0) // 1000
    state_ms = status.state.heartbeat_ms
    return (
        _age("feed", _sum(feed, beat_age), feed_limit(interval), judged=feed),
        _age("evaluation", _evaluated(status, beat_age), timeframe + _EVALUATION_GRACE_SECONDS),
        _age("state", None if state_ms is None else (now_ms - state_ms) // 1000, heartbeat_limit(interval)),
        _age("heartbeat", beat_age, heartbeat_limit(interval)),
    )


def _evaluated(status: Status, beat_age: int | None) -> int | None:
    """Tell how old the newest evaluation is, by its line or by the heartbeat, whichever is the younger."""
    told = None if status.beat is None else _sum(status.beat.evaluation, beat_age)
    read = None if status.evaluation is None else (status.now_ms - status.evaluation.at_ms) // 1000
    return min((age for age in (told, read) if age is not None), default=None)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _age(name: str, seconds: int | None, limit: int, judged: int | None = None) -> Age:
    return Age(name, seconds, limit, seconds if judged is None else judged)


def today(status: Status) -> tuple[int, int]:
    """Count the closes since midnight (UTC) that were announced, and those that were to be expected by now.

    What closed before the log begins was nobody's to announce.
    """
    midnight = status.now_ms - status.now_ms % DAY_MS
    begun = next((at for at, hour in enumerate(status.hours) if hour.fate is not Fate.UNCOVERED), len(status.hours))
    due = [
        hour.fate not in {Fate.MISSING, Fate.UNCOVERED}
        for hour in status.hours[begun:]
        if hour.close_ms >= midnight
        and (hour.close_ms + LATE_MS <= status.now_ms or hour.fate not in {Fate.MISSING, Fate.UNCOVERED})
    ]
    return sum(due), len(due)


def silent_seconds(status: Status) -> int | None:
    """Tell for how long nothing was written to the log; None where there is none."""
    newest_ms = status.runner.newest_ms
    return None if newest_ms is None else (status.now_ms - newest_ms) // 1000


def runs(status: Status) -> bool | None:
    """Tell whether a runner runs, as far as its log shows; None where that cannot be told."""
    silent, runner = silent_seconds(status), status.runner
    if silent is None:
        return None if status.troubles else False
    if runner.ended:
        return False
    if -FUTURE_MS <= silent * 1000 <= log_limit(runner.interval) * 1000:
        return True
    return None if status.troubles or silent < 0 else False


def alerts(status: Status) -> tuple[Alert, ...]:
    """Name what cannot wait, the worst first: a stop, an order in doubt, no runner, no state, no log, no API."""
    found = (_latch(status), _doubts(status), _nobody(status), _state(status), _trouble(status), _late(status))
    return tuple(alert for part in (*found, _api(status)) for alert in part)


def _latch(status: Status) -> Iterator[Alert]:
    latch = status.latch
    if latch is not None and latch.hidden:
        remedy = look_as_owner("status", status.settings.log_dir)
        yield Alert("latch", Outcome.UNKNOWN, "LATCH UNKNOWN", f"nobody can tell: {latch.damaged}", remedy)
    elif latch is not None and latch.damaged:
        told = f"nothing starts while it is there: {latch.damaged}"
        yield Alert("latch", Outcome.FAIL, "LATCH DAMAGED", told, _RESUME)
    elif latch is not None:
        told = "; ".join(latch.lines())
        yield Alert("latch", Outcome.FAIL, "STOPPED", f"the stop latch is set: {told}", _RESUME)


def _doubts(status: Status) -> Iterator[Alert]:
    doubts, trouble = status.orders.found.doubts, status.orders.found.trouble
    for doubt in doubts[:_MOST_DOUBTS]:
        outcome = Outcome.WARN if doubt.settling else Outcome.FAIL
        head = "ORDER IN DOUBT" if doubt.name else "JOURNAL DAMAGED"
        yield Alert("order", outcome, head, doubt.sentence, doubt.remedy)
    if len(doubts) > _MOST_DOUBTS:
        more = f"{len(doubts) - _MOST_DOUBTS} more in doubt"
        yield Alert("order", Outcome.FAIL, "ORDERS IN DOUBT", more, "genesis-ops orders list")
    if trouble and trouble not in status.troubles:
        yield Alert("order", Outcome.UNKNOWN, "ORDERS UNKNOWN", trouble, "genesis-ops orders verify")


def _nobody(status: Status) -> Iterator[Alert]:
    """Say that nobody trades, since when, and how it ended."""
    running, silent = runs(status), silent_seconds(status)
    if running:
        return
    if silent is None:
        why = "; ".join(dict.fromkeys((*status.troubles, status.nothing)))
        head, outcome = ("RUNNER UNKNOWN", Outcome.UNKNOWN) if running is None else ("NO RUNNER", Outcome.FAIL)
        yield Alert("runner", outcome, head, why, "" if running is None else _start(status))
    elif silent * 1000 < -FUTURE_MS:
        told = f"the log's newest line lies {duration(-silent)} in the future: a clock was set, or is wrong"
        yield Alert("runner", Outcome.FAIL, "CLOCK WRONG", told, "timedatectl status")
    elif running is None:
        told = f"no line for {duration(silent)} as far as the log can be read: {'; '.join(status.troubles)}"
        yield Alert("runner", Outcome.UNKNOWN, "RUNNER UNKNOWN", told)
    else:
        yield _dead(status, silent)


def _dead(status: Status, silent: int) -> Alert:
    runner = status.runner
    since = f"the log is silent for {duration(silent)}, since {stamp(runner.newest_ms or 0)[:16]}"
    if runner.pid is not None and not runner.ended:
        told = f"{since}, though pid {runner.pid} holds the log directory"
        end = f"kill -TERM {runner.pid}; kill -CONT {runner.pid}"  # a stopped process obeys once it goes on
        return Alert("runner", Outcome.FAIL, "RUNNER SILENT", told, f"{end}      then: {_run(status)}")
    if runner.last is not None:
        how = f"it ended with: {runner.last.text}"
    else:
        how = "it ended without a word: killed, or the host went down"
    return Alert("runner", Outcome.FAIL, "NO RUNNER", f"{since}; {how}", _start(status))


def _start(status: Status) -> str:
    if status.latch is not None and not status.latch.hidden:
        return ""  # nothing starts before the latch is cleared, which is said above
    return f"{_run(status)}      or: sudo systemctl start genesis-runner"


def _run(status: Status) -> str:
    return f"genesis-ops run --{status.runner.mode or Mode.DRY_RUN}"


def _state(status: Status) -> Iterator[Alert]:
    trouble = status.state.trouble
    if trouble is not None:
        head = "NO STATE" if trouble.observed == "missing" else "STATE"
        remedy = trouble.remedy if trouble.observed == "hidden" else "genesis-ops stop-check"
        yield Alert("state", trouble.outcome, head, trouble.detail, remedy)


def _trouble(status: Status) -> Iterator[Alert]:
    if silent_seconds(status) is not None and runs(status) is not None:
        for trouble in status.troubles[:_MOST_DOUBTS]:
            yield Alert("log", Outcome.UNKNOWN, "LOG", trouble, "genesis-ops preflight")


def _late(status: Status) -> Iterator[Alert]:
    """Warn of a runner that runs and is too late with something."""
    late = [
        f"{age.name} {duration(age.seconds or 0)} old (at most {duration(age.limit)})"
        for age in ages(status)
        if age.over
    ]
    if late and runs(status):
        yield Alert("ages", Outcome.WARN, "LATE", ", ".join(late), "genesis-ops preflight")


def _api(status: Status) -> Iterator[Alert]:
    if status.api.answer is Answer.OK:
        return
    silent = status.api.answer in {Answer.REFUSED, Answer.TIMEOUT, Answer.BROKEN}
    head = "API" if silent else "API NOT WELL"
    told = f"does not answer ({status.api.told})" if silent else status.api.told
    yield Alert("api", Outcome.FAIL, head, told, "genesis-ops preflight")


_RESUME = 'genesis-ops stop-check      then: genesis-ops resume --reason "what was found and done"'
