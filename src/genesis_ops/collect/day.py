"""One look at a day of the phase: its log, the state, the orders, the wallets, and for today the host (runbook)."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.checks import acceptance
from genesis_ops.checks.day import CHECKS, DayEvidence, Wallets
from genesis_ops.checks.evidence import Evidence, LogEvidence, OrdersFound
from genesis_ops.checks.explain import SILENT_MS
from genesis_ops.checks.model import Report, Window, judge
from genesis_ops.collect.journal import journal_files, orders_found, read_journal
from genesis_ops.collect.judgement import Asked, modes, noted, settled, summed
from genesis_ops.collect.judgement import look_at_day as look_at_log
from genesis_ops.collect.wallets import change, readings
from genesis_ops.collect.where import Source, source
from genesis_ops.errors import Refused
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.runs import begun_before
from genesis_ops.runlog.zone import newest_offset_ms
from genesis_ops.settings import Settings
from genesis_ops.state.latch import read_latch
from genesis_ops.state.operations import read as read_operations
from genesis_ops.state.receipt import newest_receipt
from genesis_ops.state.snapshots import listed

if TYPE_CHECKING:
    from genesis_ops.checks.host import Host
    from genesis_ops.clients.clock import Clock
    from genesis_ops.collect.around import Around
    from genesis_ops.journal.book import Order
    from genesis_ops.journal.record import Record


class Day(NamedTuple):
    """A day's report, and the evidence that it rests on."""

    report: Report
    evidence: DayEvidence


class _Journal(NamedTuple):
    """What the journal of orders has to say of a day."""

    orders: "tuple[Order, ...]" = ()
    records: "tuple[Record, ...]" = ()
    found: OrdersFound = OrdersFound()


def judge_day(  # noqa: PLR0913 - what a day is asked with
    settings: Settings,
    of: date,
    clock: "Clock",
    *,
    strict: bool = False,
    around: "Around | None" = None,
    host: "Host | None" = None,
) -> Day:
    """Judge a day (UTC) that has begun; one that is over needs neither a server nor a process.

    ``host`` is what a look at it gave in this moment, where somebody has looked already.
    """
    evidence = look_at_day(settings, of, clock, around, host)
    log = evidence.seen.log
    with source(settings, None) as where:
        checks, notes = judge(CHECKS, evidence, where.shown), noted(log, where.shown)
    covered_ms = acceptance.covered_ms(log)
    report = Report(
        command="daily-summary",
        subject=f"{evidence.told}{f', {modes(log)}' if log.runs else ''}",
        market=f"{settings.symbol} {settings.timeframe}",
        generated_ms=evidence.now_ms,
        checks=checks,
        window=Window(evidence.start_ms, evidence.end_ms, covered_ms // 1000),
        summary=summed(log),
        hours=log.tally.hours,
        notes=(*((log.nothing,) if log.nothing else ()), *notes),
        strict=strict,
    )
    return Day(report, evidence)


def midnight_ms(of: date) -> int:
    """Tell when a day begins (ms, UTC)."""
    return int(datetime.combine(of, datetime.min.time(), UTC).timestamp()) * 1000


def today(now_ms: int) -> date:
    """Name the day (UTC) of a time (ms)."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).date()


def look_at_day(
    settings: Settings, of: date, clock: "Clock", around: "Around | None" = None, host: "Host | None" = None
) -> DayEvidence:
    """Look once at everything that a day is told from; nothing is changed."""
    now_ms = clock.now_ms()
    over = of < today(now_ms)
    end_ms = midnight_ms(of + timedelta(days=1)) if over else now_ms
    with source(settings, None) as where:
        asked = Asked(midnight_ms(of), end_ms - over, now_ms)  # a line of midnight itself is the next day's
        seen = settled(settings, where, asked, clock, look_at_log)
        if (begun_ms := _begun_ms(seen.log, where)) is not None:
            asked = asked._replace(start_ms=begun_ms)
            seen = settled(settings, where, asked, clock, look_at_log)
        journal = _journal(settings, where, asked, over=over)
        found = DayEvidence(
            settings=settings,
            date=of,
            start_ms=asked.start_ms,
            end_ms=end_ms,
            now_ms=now_ms,
            over=over,
            seen=_until(seen, end_ms),
            stop=_until(_as_stop_check(seen), end_ms)._replace(orders=journal.found),
            latch=read_latch(where.log_dir),
            operations=tuple(
                operation
                for operation in read_operations(where.log_dir).found
                if asked.start_ms <= operation.at_ms < end_ms
            ),
            orders=journal.orders,
            wallets=_wallets(where.log_dir, journal, midnight_ms(of), end_ms),
            accepted_ms=_accepted_ms(where.log_dir),
            snapshots=sum(midnight_ms(of) <= at_ms < end_ms for at_ms, _ in listed(where.log_dir)),
        )
    return found if over else _with_host(found, clock, around, host)


def _begun_ms(log: LogEvidence, where: Source) -> int | None:
    """Tell when the phase's very first line was written (ms, UTC), if it stands in this window."""
    if log.first_ms is None or log.first_ms - log.start_ms <= SILENT_MS:
        return None
    with suppress(OSError):
        files = log_files(where.log_dir)
        if begun_before(files, log.start_ms + newest_offset_ms(files)) is None:
            return log.first_ms
    return None


def _as_stop_check(seen: Evidence) -> Evidence:
    """Give the day as stop-check sees it: a candle that is missing alone is no gap."""
    gaps = tuple(gap for gap in seen.log.gaps if len(gap.missing) > 1)
    return seen._replace(log=seen.log._replace(gaps=gaps))


def _until(evidence: Evidence, end_ms: int) -> Evidence:
    return evidence._replace(log=evidence.log._replace(end_ms=end_ms))


def _journal(settings: Settings, where: Source, asked: Asked, *, over: bool) -> _Journal:
    """Read the journal if there is one; for a day that is over, doubts about later orders are left to their days."""
    try:
        if not journal_files(where.log_dir):
            return _Journal()
    except OSError:  # a directory that cannot be listed is told by who looks for the log
        return _Journal()
    read = read_journal(where.log_dir)
    found = orders_found(where.log_dir, settings, where.shown, asked.now_ms, read)
    decided = {order.id: order.decided_ms for order in read.book.orders.values()}
    if over:
        found = found._replace(doubts=tuple(d for d in found.doubts if decided.get(d.name, 0) <= asked.end_ms))
    times = ((order, (order.decided_ms, order.armed_ms or 0)) for order in read.book.orders.values())
    orders = tuple(order for order, ms in times if any(asked.start_ms <= at_ms <= asked.end_ms for at_ms in ms))
    return _Journal(orders, tuple(entry.record for entry in read.entries), found)


def _wallets(log_dir: Path, journal: _Journal, start_ms: int, end_ms: int) -> Wallets | None:
    known = [reading for reading in readings(log_dir, journal.records) if reading.at_ms < end_ms]
    if not known:
        return None
    before = [reading for reading in known if reading.at_ms < start_ms]
    first = before[-1] if before else known[0]
    newest = known[-1]
    return Wallets(newest.at_ms, newest.balances, newest.source, first.at_ms, change(first.balances, newest.balances))


def _accepted_ms(log_dir: Path) -> int | None:
    with suppress(Refused):
        receipt = newest_receipt(log_dir)
        return None if receipt is None else receipt.written_ms
    return None


def _with_host(day: DayEvidence, clock: "Clock", around: "Around | None", host: "Host | None") -> DayEvidence:
    """Add the host, its preflight and who holds the API's port."""
    from genesis_ops.checks.preflight import preflight
    from genesis_ops.collect.around import HERE
    from genesis_ops.collect.host import api_port
    from genesis_ops.collect.host import look as look_at_host

    around = around or HERE
    host = host or look_at_host(day.settings, clock, around=around)
    port = api_port(day.settings.api_url)
    servers = host.listeners or (None if port is None else around.listeners(port))
    champion = host.champion.fingerprint
    return day._replace(
        host=host,
        preflight=preflight(host),
        servers=() if servers is None else servers.processes,
        champion_sha256="" if champion is None else champion.sha256,
    )
