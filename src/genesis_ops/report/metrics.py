"""What a host exports of its runners, as Prometheus text: figures and verdicts, and which of them nobody can tell.

When something last happened is told as a time and not as an age: a file that is no longer renewed would keep an age
young. What nobody knows has no sample, and ``genesis_ops_known`` says so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from genesis_ops import __version__
from genesis_ops.checks.limits import feed_limit, heartbeat_limit
from genesis_ops.checks.model import Report
from genesis_ops.checks.status import Status, runs, today
from genesis_ops.clients.health import Answer
from genesis_ops.report.prometheus import CHECK_OUTCOME, VERDICT, Metric, Sample, outcomes, verdicts, written
from genesis_ops.words import Mode, visible

SOURCES = ("settings", "status", "stop-check", "preflight")
"""What is looked at for each runner; one that fails hides no other."""

_GRACE_SECONDS = 300
"""How long after a candle's close its line, the next export and the next scrape may take."""


class Counted(NamedTuple):
    """The candles that were announced, and how often the strategy was asked, in everything that stop-check read."""

    closes: int
    evaluations: int


class Export(NamedTuple):
    """Everything that was found of one runner (``at_ms``: UTC); None is what could not be looked at."""

    market: str
    at_ms: int
    failed: frozenset[str] = frozenset()
    """Which of the sources could not be looked at."""
    running: bool | None = None
    """Whether the phase goes on."""
    status: Status | None = None
    reports: tuple[Report, ...] = ()
    counted: Counted | None = None


Samples = Callable[[Export], Iterable[Sample]]


def render(exports: Sequence[Export]) -> str:
    """Write everything in the text exposition format, each family once with the samples of every runner."""
    families = (metric for metric in _metrics(exports) if metric.samples)
    return "".join(f"{line}\n" for metric in families for line in written(metric, {}))


def _metrics(exports: Sequence[Export]) -> Iterator[Metric]:
    for name, meaning, samples in _FAMILIES:
        found = (
            ({"market": export.market, **labels}, value) for export in exports for labels, value in samples(export)
        )
        yield Metric(name, meaning, tuple(found), "counter" if name.endswith("_total") else "gauge")


def _single(value: float | None) -> Iterator[Sample]:
    if value is not None:
        yield {}, value


def _of_status(tell: Callable[[Status], float | None]) -> Samples:
    return lambda export: _single(None if export.status is None else tell(export.status))


def _build(_: Export) -> Iterator[Sample]:
    yield {"version": __version__}, 1


def _sources(export: Export) -> Iterator[Sample]:
    return (({"source": source}, int(source not in export.failed)) for source in SOURCES)


def _known(export: Export) -> Iterator[Sample]:
    status = export.status
    told: dict[str, float | None] = dict.fromkeys(("close", "evaluation", "feed", "heartbeat", "state", "log"), None)
    told |= {} if status is None else _moments(status)
    told |= {name: None if status is None else tell(status) for name, tell in _ASKED.items()}
    told["phase_running"] = export.running
    return (({"figure": name}, int(value is not None)) for name, value in told.items())


def _outcomes(export: Export) -> Iterator[Sample]:
    return (
        ({"command": report.command, **labels}, value)
        for report in export.reports
        for labels, value in outcomes(report)
    )


def _verdicts(export: Export) -> Iterator[Sample]:
    return (
        ({"command": report.command, **labels}, value)
        for report in export.reports
        for labels, value in verdicts(report)
    )


def _phase_day(status: Status) -> float:
    return status.settings.day_number(datetime.fromtimestamp(status.now_ms / 1000, UTC).date())


def _runner_up(status: Status) -> float | None:
    running = runs(status)
    return None if running is None else int(running)


def _mode(export: Export) -> Iterator[Sample]:
    mode = None if export.status is None else export.status.runner.mode
    if mode is not None:
        yield from (({"mode": each.value}, int(each is mode)) for each in Mode)


def _started(status: Status) -> float | None:
    return _seconds(status.runner.since_ms)


def _last(export: Export) -> Iterator[Sample]:
    if export.status is not None:
        yield from (({"of": name}, at) for name, at in _moments(export.status).items() if at is not None)


def _moments(status: Status) -> dict[str, float | None]:
    """Tell when each thing last happened (seconds, UTC); None where nobody knows."""
    beat, close = status.beat, status.close
    moments = {
        "close": None if close is None else close.close_ms,
        "evaluation": _evaluated(status),
        "feed": None if beat is None or beat.feed is None else beat.at_ms - beat.feed * 1000,
        "heartbeat": None if beat is None else beat.at_ms,
        "state": status.state.heartbeat_ms,
        "log": status.runner.newest_ms,
    }
    return {name: _seconds(at_ms) for name, at_ms in moments.items()}


def _evaluated(status: Status) -> int | None:
    """Tell when the strategy was last asked (ms, UTC), by its line or else by the heartbeat."""
    beat = status.beat
    if status.evaluation is not None:
        return status.evaluation.at_ms
    return None if beat is None or beat.evaluation is None else beat.at_ms - beat.evaluation * 1000


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _limits(export: Export) -> Iterator[Sample]:
    """Tell how old each may be before it is late; of the feed the runner speaks only at a heartbeat."""
    status = export.status
    if status is None:
        return
    beat, candle = heartbeat_limit(status.runner.interval), status.settings.timeframe.close_of(0) // 1000
    yield {"of": "close"}, candle + _GRACE_SECONDS
    yield {"of": "evaluation"}, candle + _GRACE_SECONDS
    yield {"of": "feed"}, feed_limit(status.runner.interval) + beat
    yield {"of": "heartbeat"}, beat
    yield {"of": "state"}, beat


def _closes(export: Export) -> Iterator[Sample]:
    return _single(None if export.counted is None else export.counted.closes)


def _evaluations(export: Export) -> Iterator[Sample]:
    return _single(None if export.counted is None else export.counted.evaluations)


def _orders(status: Status) -> float | None:
    return status.state.submitted if status.orders.submitted is None else status.orders.submitted


def _unresolved(status: Status) -> float | None:
    found = status.orders.found
    return None if found.trouble else len(found.doubts)


def _latch(status: Status) -> float | None:
    latch = status.latch
    if latch is not None and latch.hidden:
        return None
    return int(latch is not None)


def _wallet_changed(status: Status) -> float | None:
    wallet = status.wallet
    return None if wallet.trouble or wallet.moved is None else int(bool(wallet.moved))


def _balances(export: Export) -> Iterator[Sample]:
    status = export.status
    if status is not None and status.wallet.now is not None and not status.wallet.trouble:
        shown = {visible(name): amount for name, amount in status.wallet.now.by_currency.items()}  # no series twice
        yield from (({"currency": name}, amount) for name, amount in shown.items())


_ASKED: dict[str, Callable[[Status], float | None]] = {
    "runner_up": _runner_up,
    "runner_mode": lambda status: None if status.runner.mode is None else 1,
    "orders_submitted": _orders,
    "orders_unresolved": _unresolved,
    "latch_set": _latch,
    "wallet_changed": _wallet_changed,
}
"""What may not be known, beside the times."""

_FAMILIES: tuple[tuple[str, str, Samples], ...] = (
    ("build_info", "Which genesis-ops wrote this.", _build),
    ("export_timestamp_seconds", "When this was written.", lambda export: _single(export.at_ms / 1000)),
    ("source_up", "Whether a source could be looked at.", _sources),
    ("known", "Whether a figure is known; one that is not has no sample.", _known),
    (*CHECK_OUTCOME, _outcomes),
    (*VERDICT, _verdicts),
    ("phase_running", "Whether the phase goes on: from the first start on Day 0 to its last midnight (UTC).",
     lambda export: _single(None if export.running is None else int(export.running))),
    ("phase_day", "The day of the phase, 0 on Day 0.", _of_status(_phase_day)),
    ("runner_up", "Whether a runner runs, as far as its log shows.", _of_status(_runner_up)),
    ("runner_mode", "What the newest run does: 1 for its mode, 0 for the other.", _mode),
    ("runner_start_timestamp_seconds", "When the newest run began.", _of_status(_started)),
    ("api_up", "Whether the Genesis API answers that it is well.",
     _of_status(lambda status: int(status.api.answer is Answer.OK))),
    ("last_timestamp_seconds", "When the newest candle closed that was announced, and when the rest last happened.",
     _last),
    ("age_limit_seconds", "How old it may be before it is late, an export and a scrape included.", _limits),
    ("closes_total", "Candles that were announced since the phase began or was last resumed.", _closes),
    ("evaluations_total", "Evaluations of them.", _evaluations),
    ("closes_today", "Candles that were announced since midnight (UTC).", _of_status(lambda status: today(status)[0])),
    ("closes_expected_today", "Candles that should have been by now.", _of_status(lambda status: today(status)[1])),
    ("orders_submitted_total", "Orders that were submitted in the phase.", _of_status(_orders)),
    ("orders_would_be", "Orders that a dry-run would have submitted in the last 48 hours.",
     _of_status(lambda status: status.orders.would_be)),
    ("orders_unresolved", "Orders of which nobody knows what came of them; a damaged journal counts as one.",
     _of_status(_unresolved)),
    ("latch_set", "Whether a stop latch keeps runs from starting.", _of_status(_latch)),
    ("wallet_changed", "Whether the exchange wallets hold something else than at the phase's first reading.",
     _of_status(_wallet_changed)),
    ("wallet_balance", "What the exchange wallets hold, by currency.", _balances),
)  # fmt: skip
"""Every family: its name behind ``genesis_ops_``, what it means, and its samples of one runner."""

NAMES = tuple(f"genesis_ops_{name}" for name, _, _ in _FAMILIES)
"""Every name that can be exported."""
