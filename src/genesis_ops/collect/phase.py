"""Look once at everything that the phase report judges: log, state, journal, receipts, champion, wallets and papers."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.checks.evidence import Evidence, LogEvidence, OrdersFound
from genesis_ops.checks.journal import JournalFacts
from genesis_ops.checks.model import Judged, Outcome, Report, Window, judge
from genesis_ops.checks.phase import CHECKS
from genesis_ops.checks.phase_evidence import Balances, Frozen, Papers, Phase, PhaseEvidence, Receipts
from genesis_ops.collect.journal import gather_and_read, orders_found
from genesis_ops.collect.judgement import day_zero_ms, last_resume_ms, noted, state_of
from genesis_ops.collect.logs import LogLook
from genesis_ops.collect.wallets import readings
from genesis_ops.collect.where import Source, source
from genesis_ops.errors import GenesisError, Refused
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.runs import Run
from genesis_ops.settings import Settings
from genesis_ops.state.hidden import HIDDEN, is_hidden, look_as_owner
from genesis_ops.state.operations import Operations
from genesis_ops.state.operations import read as read_operations
from genesis_ops.state.snapshots import directory, listed
from genesis_ops.words import DAY_MS, MINUTE_MS, stamp, visible

if TYPE_CHECKING:
    from genesis_ops.collect.journal import Read
    from genesis_ops.journal.book import Order

_AFTER_THE_END_MS = 2 * MINUTE_MS
"""The last candle closes as the phase ends, and its lines stand behind that."""
_MOST_SILENCES = 10_000
"""More than fit into six weeks, each of at least five minutes, beside what is written between them."""


class Look(NamedTuple):
    """A report, and the evidence that it rests on."""

    report: Report
    evidence: PhaseEvidence


def judge_phase(settings: Settings, until_ms: int, now_ms: int, *, strict: bool) -> Look:
    """Judge the phase from Day 0 up to a time (ms, UTC), or to its end if that came before."""
    with source(settings, None) as where:
        evidence = gather(settings, where, until_ms, now_ms)
        log = evidence.log
        report = Report(
            command="phase-report",
            subject=_subject(evidence),
            market=f"{settings.symbol} {settings.timeframe}",
            generated_ms=now_ms,
            checks=_with_owner(judge(CHECKS, evidence, where.shown), evidence, settings),
            window=Window(log.start_ms, log.end_ms, 0 if log.first_ms is None else (log.end_ms - log.first_ms) // 1000),
            notes=tuple(filter(None, (evidence.hidden, *noted(log, where.shown)))),
            strict=strict,
        )
    return Look(report, evidence)


def _with_owner(checks: tuple[Judged, ...], evidence: PhaseEvidence, settings: Settings) -> tuple[Judged, ...]:
    """Where something is hidden from this user, all that is to do is to look as somebody else, which is said once."""
    if not evidence.hidden:
        return checks
    remedies = chain([look_as_owner("phase-report", settings.log_dir)], repeat(""))
    return tuple(each._replace(remedy=next(remedies)) if each.outcome is Outcome.UNKNOWN else each for each in checks)


def _subject(evidence: PhaseEvidence) -> str:
    phase = evidence.phase
    so_far = "" if phase.over or phase.number < 0 else "so far: "
    return f"{so_far}{phase.told}, to {stamp(evidence.log.end_ms)[:16]} UTC"


def gather(settings: Settings, where: Source, until_ms: int, now_ms: int) -> PhaseEvidence:
    """Look at everything; what is missing, damaged or may not be read is a fact like any other."""
    start_ms = day_zero_ms(settings)
    ends_ms = start_ms + settings.phase_days * DAY_MS
    log = _log(settings, where, start_ms, max(start_ms, min(until_ms, ends_ms + _AFTER_THE_END_MS)))
    facts, read = _journal(settings, where, now_ms)
    over = log.end_ms >= ends_ms or _finished(log, ends_ms)
    return PhaseEvidence(
        phase=_phase(settings, min(until_ms, ends_ms - 1), over=over),
        log=log,
        stop=_stop(log, where, facts.orders, now_ms),
        journal=facts,
        orders=_orders(read, log),
        starts=tuple(start for start in read.book.starts if start.at_ms <= log.end_ms),
        receipts=_receipts(settings),
        frozen=_frozen(settings),
        wallets=_wallets(settings, read, log),
        operations=_operations(where, log),
        papers=_papers(settings, log.end_ms, over=over),
        pair=_pair(settings),
        hidden=_hidden(settings),
    )


def _phase(settings: Settings, at_ms: int, *, over: bool) -> Phase:
    today = datetime.fromtimestamp(at_ms / 1000, UTC).date()
    return Phase(settings.told_day(today), settings.day_number(today), settings.phase_days, over)


# --- the log


def _log(settings: Settings, where: Source, start_ms: int, end_ms: int) -> LogEvidence:
    """Look at the log up to the window's end; a runner that was stopped in good order on the last day ended it."""
    look = LogLook(where, settings, start_ms, end_ms)
    log = look.gather(closely=True, most_silences=_MOST_SILENCES)
    if _finished(log, start_ms + settings.phase_days * DAY_MS):
        return log._replace(end_ms=log.last_ms or end_ms)
    return look.to_the_end(log)


def _finished(log: LogEvidence, ends_ms: int) -> bool:
    """Whether the last run ended in good order on the last day (runbook, Day 42: the report follows the stop)."""
    if not log.runs or log.last_ms is None or log.last_ms < ends_ms - DAY_MS:
        return False
    newest: Run = log.runs[-1]
    return newest.ended is not None and not newest.fatal and log.last_ms - newest.ended.at_ms < MINUTE_MS


def _stop(log: LogEvidence, where: Source, orders: OrdersFound, now_ms: int) -> Evidence:
    """Give the log as ``stop-check`` sees it: only steps of more than two candles are a gap, from the first close."""
    first = min((close.ts for close in log.closes), default=0)
    gaps = tuple(gap for gap in log.gaps if len(gap.missing) > 1 and gap.missing[0] > first)
    return Evidence(log._replace(gaps=gaps), state_of(where), last_resume_ms(where.log_dir, now_ms), orders)


# --- the journal and the wallets


def _journal(settings: Settings, where: Source, now_ms: int) -> "tuple[JournalFacts, Read]":
    """Read the journal; files of its name in which nothing was ever a record are another program's."""
    facts, read = gather_and_read(settings, now_ms)
    foreign = facts.damage is not None and not facts.records
    if foreign and orders_found(where.log_dir, settings, where.shown, now_ms) == OrdersFound():
        facts = facts._replace(files=(), damage=None, orders=OrdersFound())
    return facts, read


def _orders(read: "Read", log: LogEvidence) -> "tuple[Order, ...]":
    return tuple(order for order in read.book.orders.values() if log.start_ms <= order.decided_ms <= log.end_ms)


def _wallets(settings: Settings, read: "Read", log: LogEvidence) -> tuple[Balances, ...]:
    found = readings(settings.log_dir, (entry.record for entry in read.entries))
    return tuple(
        Balances(*each)
        for each in found
        if log.start_ms <= each.at_ms <= log.end_ms and all(map(isfinite, each.balances.values()))
    )


def _operations(where: Source, log: LogEvidence) -> Operations:
    operations = read_operations(where.log_dir)
    return operations._replace(found=tuple(entry for entry in operations.found if entry.at_ms <= log.end_ms))


def _pair(settings: Settings) -> str:
    from genesis_ops.clients.paper import paper_pair

    with suppress(Refused):
        return paper_pair(settings.symbol)
    return f"{settings.symbol}:"


# --- what lies beside them


def _receipts(settings: Settings) -> Receipts:
    from genesis_ops.state.receipt import receipts

    try:
        return Receipts(receipts(settings.log_dir))
    except GenesisError as error:
        return Receipts(trouble=_brief(error.message, settings))


def _frozen(settings: Settings) -> Frozen:
    from genesis_ops.state.champion import difference, fingerprint, read_pin

    shown = visible(settings.shown(settings.champion_file))
    pin = read_pin(settings.log_dir)
    pinned_ms = None if pin is None or pin.damaged else pin.pinned_ms
    if settings.champion_sha256:
        pinned_ms = day_zero_ms(settings) if pinned_ms is None else pinned_ms
    try:
        found = fingerprint(settings.champion_file)
    except OSError as error:
        trouble = f"{shown} cannot be read ({error.strerror})"
        return Frozen(shown, "", pinned_ms, trouble=trouble, hidden=isinstance(error, PermissionError))
    trouble = "" if found.usable else f"{shown} {found.fault}"
    differs = _brief(difference(settings, found, pin), settings)
    hidden = bool(differs) and not trouble and not settings.champion_sha256 and pin is not None and pin.hidden
    return Frozen(shown, found.sha256, pinned_ms, differs, trouble, hidden)


def _brief(message: str, settings: Settings) -> str:
    return visible(message.replace(f"{settings.root}/", ""))


def _papers(settings: Settings, end_ms: int, *, over: bool) -> Papers:
    """Name the days that are over, and those of which a snapshot and a summary lie where they belong."""
    last = datetime.fromtimestamp(end_ms / 1000, UTC).date()
    days = [settings.phase_start + timedelta(days=number) for number in range(settings.phase_days)]
    due = tuple(str(day) for day in days if day < last or (over and day == last))
    taken = frozenset(stamp(at_ms)[:10] for at_ms, _ in listed(settings.log_dir))
    written = frozenset(str(day) for day in days if os.path.lexists(settings.summary_file(day)))
    return Papers(due, taken, written, "" if written else _hidden_papers(settings))


def _hidden_papers(settings: Settings) -> str:
    folders = (directory(settings.log_dir), settings.summary_file(settings.phase_start).parent)
    return next((_told_hidden(folder, settings) for folder in folders if is_hidden(folder)), "")


def _hidden(settings: Settings) -> str:
    """Name the first thing of the phase that this user may not look at."""
    files: tuple[Path, ...] = ()
    with suppress(OSError):
        files = tuple(file.path for file in log_files(settings.log_dir))
    first = next((path for path in (settings.log_dir, settings.state_file, *files) if is_hidden(path)), None)
    return "" if first is None else _told_hidden(first, settings)


def _told_hidden(path: Path, settings: Settings) -> str:
    return visible(f"{settings.shown(path)} {HIDDEN}")
