"""A day of the phase, as it was found, and its checks: the six stop conditions, what a good day has, and the host.

The window is the day, from its midnight to the next or to now (UTC); on the day of the log's first line it begins
with that line. Live-paper days are as normal as dry ones: no check here minds an order as such.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.checks import acceptance, stop
from genesis_ops.checks.evidence import Evidence, LogEvidence
from genesis_ops.checks.host import Host
from genesis_ops.checks.journal import with_doubts
from genesis_ops.checks.model import Check, Outcome, Report, Result
from genesis_ops.checks.prerequisites import latch_found
from genesis_ops.checks.wording import listed
from genesis_ops.clients.process import Process
from genesis_ops.runlog.tally import LATE_MS, Fate
from genesis_ops.settings import Settings
from genesis_ops.state.latch import Latch
from genesis_ops.state.operations import Operation
from genesis_ops.words import clock_time, day_name, stamp

if TYPE_CHECKING:
    from genesis_ops.journal.book import Order


class Wallets(NamedTuple):
    """The newest reading of the wallets up to the day's end, and what changed since the last one before the day.

    Times in ms, UTC. Where nothing was read before the day, ``since_ms`` is the day's own first reading.
    """

    at_ms: int
    balances: Mapping[str, float]
    source: str
    since_ms: int
    change: Mapping[str, float]


class DayEvidence(NamedTuple):
    """Everything that is known of a day (times in ms, UTC)."""

    settings: Settings
    date: date
    start_ms: int
    end_ms: int
    """Now, or the next midnight where the day is over."""
    now_ms: int
    over: bool
    seen: Evidence
    """The day looked at as closely as acceptance looks."""
    stop: Evidence
    """The day as stop-check sees it: of the gaps those of several candles, to the very end of the window."""
    latch: Latch | None
    champion_sha256: str = ""
    """The champion's, as it is now; empty where that cannot be told, and for a day that is over."""
    operations: tuple[Operation, ...] = ()
    """What people and programs did on this day."""
    orders: "tuple[Order, ...]" = ()
    """The orders that were decided or sent on this day."""
    wallets: Wallets | None = None
    accepted_ms: int | None = None
    """When the newest acceptance receipt was written; None where there is none that can be read."""
    snapshots: int = 0
    """How many snapshots were taken on this day."""
    host: Host | None = None
    """This host as it is now; None where the day is over."""
    preflight: Report | None = None
    servers: tuple[Process, ...] = ()
    """Who listens on the API's port."""

    @property
    def due(self) -> int:
        """How many candles have closed in the window, long enough ago for the log to say so and not before it began."""
        log = self.seen.log
        known = (hour for hour in log.tally.hours if log.nothing or hour.fate is not Fate.UNCOVERED)
        return sum(hour.close_ms + LATE_MS <= self.end_ms for hour in known)

    @property
    def missing(self) -> frozenset[int] | None:
        """The candles (open times in ms) that closed on the day and have no close; None where the log has no line."""
        if self.seen.log.nothing:
            return None
        close_of = self.settings.timeframe.close_of
        gone = {ts for view in (self.seen, self.stop) for gap in view.log.gaps for ts in gap.missing}
        return frozenset(ts for ts in gone if self.start_ms <= close_of(ts) < self.end_ms)

    @property
    def told(self) -> str:
        """Name the day: ``2026-02-19, day 15 of 42``."""
        return f"{self.date}, {self.settings.told_day(self.date)}"


def candle_gap(day: DayEvidence) -> Result:
    """No two neighbouring closes are more than two candles apart; where none was due, none is asked for."""
    found = stop.candle_gap(day.stop)
    if found.outcome is Outcome.UNKNOWN and not day.seen.log.nothing and not day.due:
        return Result(Outcome.SKIP, "no close was due", found.observed, found.expected)
    return found


def candle_frequency(day: DayEvidence) -> Result:
    """Every close of the day is there once, as far as one was due; an uncovered day cannot be judged later."""
    log = day.seen.log
    if not log.nothing and not day.due:
        return Result(Outcome.SKIP, "no close was due", len(log.closes), 0)
    found = _over_midnight(log, acceptance.candle_frequency(day.seen))
    if found.outcome is not Outcome.UNKNOWN or not found.remedy:
        return found
    return found._replace(remedy=_LOST if day.over else "genesis-ops preflight")


def _over_midnight(log: LogEvidence, found: Result) -> Result:
    """Add what is missing behind the day in a step that begins on it; the day on which it ends judges it whole."""
    if not log.after:
        return found
    closes_ms = [log.timeframe.close_of(ts) for ts in log.after]
    names = listed([f"{day_name(close_ms)} {clock_time(close_ms)}" for close_ms in closes_ms])
    detail = f"{found.detail}; over midnight {names} missing"
    if found.outcome is not Outcome.PASS:
        return found._replace(detail=detail)
    return found._replace(outcome=Outcome.WARN, detail=detail, remedy="runbook: Missing Hours")


def state_consistency(day: DayEvidence) -> Result:
    """The state's last candle is the log's newest, unless the phase has gone on since this day: the state is of now."""
    log = day.seen.log
    if day.over and log.newest is not None and log.timeframe.close_of(log.newest.ts) >= day.end_ms:
        return Result(Outcome.SKIP, "the state is of now, and the log has gone on since this day")
    return acceptance.state_consistency(day.seen)


def orders_resolved(day: DayEvidence) -> Result:
    """It is known of every order up to this day what came of it, by the journal as it stands now."""
    orders = day.stop.orders
    if orders.trouble:
        return Result(Outcome.UNKNOWN, orders.trouble, None, 0, (), "genesis-ops orders verify")
    return with_doubts(Result(Outcome.PASS, "none in doubt", 0, 0), orders)


def stop_latch(day: DayEvidence) -> Result:
    """Nothing keeps runs from starting; a latch that was set after the day says nothing of it."""
    if day.over and day.latch is not None and day.latch.since_ms >= day.end_ms:
        return Result(Outcome.PASS, f"clear on this day; set since {stamp(day.latch.since_ms)}")
    return latch_found(day.latch, day.settings.shown(day.settings.log_dir))


def preflight(day: DayEvidence) -> Result:
    """The host is in order now, by its whole preflight."""
    report = day.preflight
    if report is None:
        return Result(Outcome.SKIP, "the day is over, and a preflight is of now")
    good = sum(judged.outcome in {Outcome.PASS, Outcome.SKIP} for judged in report.checks)
    bad = [judged for judged in report.checks if judged.outcome not in {Outcome.PASS, Outcome.SKIP}]
    parts = [f"{good} of {len(report.checks)}", *(f"{judged.id} {judged.outcome}" for judged in bad)]
    remedy = "genesis-ops preflight" if bad else ""
    return Result(report.verdict, "; ".join(parts), good, len(report.checks), (), remedy)


def _of(check: Check[Evidence], view: Callable[[DayEvidence], Evidence]) -> Check[DayEvidence]:
    """Make a check of the day's evidence out of one of a window's."""
    return Check(
        check.id,
        check.title,
        lambda day: check.judge(view(day)),
        lambda day: check.doubt(view(day)),
    )


def _seen(day: DayEvidence) -> Evidence:
    return day.seen


def _stop(day: DayEvidence) -> Evidence:
    return day.stop


def _doubt(day: DayEvidence) -> str:
    return acceptance.log_doubt(day.seen)


_LOST = "put the log files back that hold this day, if there are any; genesis-ops stop-check names what is missing"
_ACCEPTANCE = {check.id: check for check in acceptance.CHECKS}

CHECKS: tuple[Check[DayEvidence], ...] = (
    *(
        _of(check, _stop)._replace(judge=candle_gap) if check.id == "candle-gap" else _of(check, _stop)
        for check in stop.CHECKS
    ),
    Check("candle-frequency", "Every close of the day is there", candle_frequency, _doubt),
    _of(_ACCEPTANCE["candle-source"], _seen),
    _of(_ACCEPTANCE["evaluation-count"], _seen),
    Check("state-consistency", "The state agrees with the log", state_consistency, _doubt),
    _of(_ACCEPTANCE["heartbeat"], _seen),
    Check("orders-resolved", "No order is in doubt", orders_resolved),
    Check("stop-latch", "Nothing keeps runs from starting", stop_latch),
    Check("preflight", "The host is in order", preflight),
)
"""The six stop conditions first, by the ids of contract §8."""

STOP_IDS = frozenset(check.id for check in stop.CHECKS)
"""The conditions under which the runner is to be stopped."""
