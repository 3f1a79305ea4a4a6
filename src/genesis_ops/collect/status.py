"""One look at a running phase for a person who has five seconds: log, state, latch, journal, wallets and the API.

The API is asked at once and waited for at the end, for a second in all; everything else is read meanwhile.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.checks.birth import born_ms, hours_since_birth
from genesis_ops.checks.evidence import Evidence, LogEvidence, OrdersFound, StateEvidence
from genesis_ops.checks.model import Check, Judged, Outcome, Place, Result, judge
from genesis_ops.checks.status import (
    Balances,
    Beat,
    LastClose,
    LastEvaluation,
    Ordered,
    Runner,
    StateSeen,
    Status,
    Verification,
    Wallet,
)
from genesis_ops.checks.stop import CHECKS
from genesis_ops.checks.wording import brief
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.health import Answer, Health, health_of
from genesis_ops.clients.plain import NoReply, Plain, Question
from genesis_ops.clients.wallets import WALLETS, document_of, exchange_wallets
from genesis_ops.collect.journal import journal_files, orders_found, read_journal
from genesis_ops.collect.judgement import day_zero_ms, newest_line_ms
from genesis_ops.collect.logs import LogLook
from genesis_ops.collect.where import Source, is_directory, source
from genesis_ops.errors import PaperFailure, Refused, StateUnreadable
from genesis_ops.runlog.events import Evaluation, Heartbeat
from genesis_ops.runlog.files import LogFile, backwards, log_files, opened, stamp_ms
from genesis_ops.runlog.reader import LogLine, LogReader
from genesis_ops.runlog.runs import begun_before
from genesis_ops.runlog.tail import end_ms
from genesis_ops.runlog.tally import closing_within
from genesis_ops.runlog.zone import newest_offset_ms
from genesis_ops.settings import Settings
from genesis_ops.state.latch import Latch, read_latch
from genesis_ops.words import HOUR_MS, visible

if TYPE_CHECKING:
    from genesis_ops.journal.record import Record

PICTURED_MS = 48 * HOUR_MS
"""How much of the log is looked at (ms)."""
API_SECONDS = 1.0
"""How long both answers of the API may take."""

_LATEST_MS = 253_402_300_799_000  # the last second of the year 9999, behind which no time can be written
_MOST_FINDINGS = 3
_OK = 200
_WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN)
_BEAT = Heartbeat.phrase.partition("{")[0].encode()
_TRIES = 20
_RECEIPT = "acceptance_receipt_"
_VERIFICATION = "verification_"
_STATE_CHECK = "state-corrupt"


class _Api(NamedTuple):
    """What the API says of itself and of its wallets."""

    health: Health
    balances: Mapping[str, float] | None = None
    trouble: str = ""


def look(settings: Settings, clock: Clock) -> Status:
    """Look once; what is missing or cannot be read is part of what is found.

    Raises:
        OSError: the machine itself refuses, such as a process that may open no file.
    """
    asked = [Question(settings.api_url, target, API_SECONDS) for target in ("/health", WALLETS)]
    now_ms = clock.now_ms()
    with source(settings, None) as where:
        newest_ms = newest_line_ms(where.log_dir)
        end = now_ms if newest_ms is None or now_ms - PICTURED_MS <= newest_ms <= now_ms else newest_ms
        log = LogLook(where, settings, end - PICTURED_MS, end).gather(closely=False, pictured=True)
        evidence = Evidence(log, _state(where), _resumed_ms(where.log_dir, now_ms))
        status = _seen(settings, where, evidence, newest_ms, now_ms)
    return _with_api(status, _answered(asked))


def _seen(settings: Settings, where: Source, evidence: Evidence, newest_ms: int | None, now_ms: int) -> Status:
    log, (files, hidden) = evidence.log, _files(where.log_dir)
    ahead_ms = newest_offset_ms(files)
    judged = _judged(evidence, where)
    close = _last_close(log)
    orders, wallet = _ordered(settings, where, log, now_ms)
    return Status(
        now_ms=now_ms,
        settings=settings,
        shown_dir=where.shown_dir,
        runner=_runner(settings, where, log, files, newest_ms, ahead_ms),
        api=Health(Answer.TIMEOUT, ""),
        wallet=wallet,
        orders=orders,
        latch=_latch(where),
        state=_state_seen(evidence.state, judged, log),
        close=close,
        next_close_ms=_next_close_ms(settings, close, now_ms),
        evaluation=_last_evaluation(log),
        beat=_last_beat(files, ahead_ms),
        start_ms=log.start_ms,
        end_ms=log.end_ms,
        hours=hours_since_birth(log),
        findings=(*_findings(judged, log), *_receipt(where, now_ms)),
        troubles=(*log.troubles, log.nothing) if hidden else log.troubles,
        nothing=log.nothing,
        verification=_verification(where.log_dir),
    )


# --- the API


def _answered(asked: Sequence[Question]) -> _Api:
    health = _health(asked[0])
    try:
        return _Api(health, _wallets(asked[1].answer()))
    except (NoReply, PaperFailure) as failure:
        return _Api(health, None, failure.message)


def _wallets(reply: Plain) -> dict[str, float]:
    document = document_of(reply.body)
    if reply.status != _OK or not isinstance(document, dict):
        raise PaperFailure(f"GET {WALLETS}: HTTP {reply.status}, and no wallets")
    return exchange_wallets(document)


def _health(question: Question) -> Health:
    try:
        reply = question.answer()
    except NoReply as failure:
        answer = Answer.REFUSED if failure.refused else Answer.TIMEOUT if failure.late else Answer.BROKEN
        return Health(answer, failure.message)
    return health_of(reply.status, reply.body)


def _with_api(status: Status, api: _Api) -> Status:
    """Take the wallets from the API where it tells them, else leave them as they were last written down."""
    wallet = status.wallet._replace(trouble=api.trouble)
    if api.balances is not None:
        wallet = wallet._replace(now=Balances(status.now_ms, api.balances, "API"))
    return status._replace(api=api.health, wallet=_compared(wallet))


def _compared(wallet: Wallet) -> Wallet:
    if wallet.now is None or wallet.baseline is None:
        return wallet
    from genesis_ops.collect.wallets import change

    return wallet._replace(moved=change(wallet.baseline.by_currency, wallet.now.by_currency))


# --- the log


def _files(log_dir: Path) -> tuple[tuple[LogFile, ...], bool]:
    """List the log's files, and tell whether they are hidden from this user, which is no proof that there are none."""
    try:
        return log_files(log_dir), False
    except NotADirectoryError:
        return (), False
    except OSError:
        return (), True


def _latch(where: Source) -> Latch | None:
    latch = read_latch(where.log_dir)
    return None if latch is None else latch._replace(damaged=_short(latch.damaged, where))


def _short(text: str, where: Source) -> str:
    """Write the log directory in a text as the rest of the screen does."""
    return text.replace(visible(str(where.log_dir)), where.shown_dir)


def _runner(  # noqa: PLR0913, PLR0917 - everything that tells of a run
    settings: Settings,
    where: Source,
    log: LogEvidence,
    files: Sequence[LogFile],
    newest_ms: int | None,
    ahead_ms: int,
) -> Runner:
    run = log.runs[-1] if log.runs else begun_before(files, log.end_ms + ahead_ms)
    pid, locked = _holder(settings, where.log_dir)
    found = Runner(interval=settings.poll_interval, pid=pid, locked=locked, newest_ms=newest_ms)
    if run is None:
        return found
    last = run.fatal[-1] if run.fatal else run.ended
    return found._replace(
        mode=run.mode,
        since_ms=None if run.started is None else _stamped_ms(run.started, ahead_ms),
        interval=run.interval or settings.poll_interval,
        ended=run.ended is not None,
        last=None if last is None else Place(where.shown(str(last.file.path)), last.number, brief(last.message)),
    )


def _stamped_ms(line: LogLine, ahead_ms: int) -> int | None:
    """Tell a line's time in UTC by its own stamp, whether or not its reader has corrected it."""
    at_ms = stamp_ms(line.text[:19].encode())
    return None if at_ms is None else at_ms - ahead_ms


def _holder(settings: Settings, log_dir: Path) -> tuple[int | None, bool]:
    """Name the living process that holds the log directory, and whether there is a lock that could be held."""
    if not os.path.lexists(log_dir / "runner.lock"):
        return None, False
    from genesis_ops.state.lock import holders, runner_locks

    locks = runner_locks(
        settings.state_file, log_dir, settings.lock_dir, symbol=settings.symbol, timeframe=settings.timeframe
    )
    found = holders(locks[2:])
    return (found[0].pid if found else None), True


def _last_close(log: LogEvidence) -> LastClose | None:
    newest = log.newest
    if newest is None or not newest.ts < _LATEST_MS:
        return None
    lines = [close.line.at_ms for close in log.closes if close.ts == newest.ts]
    close_ms = log.timeframe.close_of(newest.ts)
    return LastClose(newest.ts, close_ms, newest.close, lines[0] if lines else None, close_ms < born_ms(log))


def _next_close_ms(settings: Settings, close: LastClose | None, now_ms: int) -> int:
    timeframe = settings.timeframe
    known = () if close is None else (close.open_ms,)
    opens = closing_within(timeframe, now_ms + 1, now_ms + 2 + timeframe.close_of(0), known)
    return timeframe.close_of(opens[0])


def _last_evaluation(log: LogEvidence) -> LastEvaluation | None:
    """Find the newest evaluation of the hours that were read."""
    lines = [line for close in log.closes for line in close.evaluations]
    for line in reversed(lines):
        if isinstance(line.event, Evaluation):
            return LastEvaluation(visible(line.event.action), line.event.confidence, line.at_ms)
    return None


def _last_beat(files: Sequence[LogFile], ahead_ms: int) -> Beat | None:
    """Search the newest files from their end for a heartbeat that was written to its end."""
    newest = sorted((file for file in files if not file.packed), key=end_ms)[-2:]
    for file in reversed(newest):
        with suppress(OSError):
            for line in islice(_beats(file), _TRIES):
                if isinstance(line.event, Heartbeat):
                    event = line.event
                    return Beat(line.at_ms - ahead_ms, _seconds(event.feed_age), _seconds(event.evaluation_age))
    return None


def _beats(file: LogFile) -> Iterator[LogLine]:
    with opened(file) as fd:
        for offset in backwards(fd, _BEAT, os.fstat(fd).st_size):
            first = next(iter(LogReader((file,), offset=offset)), None)
            if first is not None and first.index == 0:
                yield first


def _seconds(age: str | None) -> int | None:
    digits = (age or "").removesuffix("s")
    return int(digits) if digits.isdecimal() and len(digits) < len(str(_LATEST_MS)) else None


# --- what is judged


def _judged(evidence: Evidence, where: Source) -> tuple[Judged, ...]:
    """Judge by the runbook's conditions, with one line as proof each: counting where a line stands takes time."""
    return judge([_briefly(check) for check in CHECKS], evidence, where.shown)


def _briefly(check: Check[Evidence]) -> Check[Evidence]:
    judge_whole = check.judge

    def judge_briefly(evidence: Evidence) -> Result:
        result = judge_whole(evidence)
        return result._replace(evidence=result.evidence[:1])

    return check._replace(judge=judge_briefly)


def _findings(judged: Sequence[Judged], log: LogEvidence) -> Iterator[Judged]:
    """Take what is not well, the worst first; what hinders all of them alike is said once, and not here."""
    if log.nothing:
        return
    told = [one for one in judged if one.outcome in _WORST_FIRST and one.id != _STATE_CHECK]
    found = [one for one in told if not (log.troubles and one.detail.startswith(log.troubles))]
    yield from sorted(found, key=lambda one: _WORST_FIRST.index(one.outcome))[:_MOST_FINDINGS]


def _receipt(where: Source, now_ms: int) -> Iterator[Judged]:
    """Add an acceptance that did not hold, or whose receipt nobody can read."""
    if not _has(where.log_dir, _RECEIPT):
        return
    from genesis_ops.state.receipt import newest_receipt

    try:
        receipt = newest_receipt(where.log_dir)
    except Refused as error:
        yield _about("acceptance", Outcome.UNKNOWN, _short(error.message, where), error.next_command)
        return
    if receipt is not None and receipt.verdict not in {Outcome.PASS, Outcome.WARN}:
        hours = (receipt.end_ms - receipt.start_ms) // HOUR_MS
        ago = max(0, now_ms - receipt.written_ms) // HOUR_MS
        told = f"the newest acceptance, of {hours}h, came to {receipt.verdict} {ago}h ago"
        yield _about("acceptance", Outcome(receipt.verdict), told, "genesis-ops acceptance --window 24h")


def _verification(log_dir: Path) -> Verification | None:
    """Tell what came of the last verification."""
    if not _has(log_dir, _VERIFICATION):
        return None
    from genesis_ops.state.verification import last_verified

    found = last_verified(log_dir)
    return None if found is None else Verification(*found)


def _has(log_dir: Path, beginning: str) -> bool:
    """Tell whether a file's name begins so."""
    with suppress(OSError):
        return any(name.startswith(beginning) for name in os.listdir(log_dir))  # noqa: PTH208 - names only
    return False


def _about(name: str, outcome: Outcome, detail: str, remedy: str) -> Judged:
    return Judged(0, name, "", outcome, None, None, detail, (), remedy)


# --- the state


def _state(where: Source) -> StateEvidence:
    from genesis_ops.state.store import StateStore

    if not is_directory(where.state_file.parent):
        return StateEvidence(where.shown_state, None, "")
    try:
        return StateEvidence(where.shown_state, StateStore(where.state_file).read(), "")
    except StateUnreadable as error:
        return StateEvidence(where.shown_state, None, error.message.replace(str(where.state_file), where.shown_state))


def _state_seen(found: StateEvidence, judged: Sequence[Judged], log: LogEvidence) -> StateSeen:
    trouble = next((one for one in judged if one.id == _STATE_CHECK and one.outcome is not Outcome.PASS), None)
    if trouble is not None and not found.problem and log.nothing and found.state is None:
        trouble = None  # nothing has run here, which is said of the runner
    if found.state is None:
        return StateSeen(trouble=trouble)
    return StateSeen(_beat_ms(found.state.last_heartbeat), found.state.total_orders_submitted, trouble)


def _beat_ms(text: str | None) -> int | None:
    with suppress(ValueError, OverflowError):
        if text is not None:
            at = datetime.fromisoformat(text)
            return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    return None


def _resumed_ms(log_dir: Path, now_ms: int) -> int | None:
    from genesis_ops.state.operations import read

    return read(log_dir).last_resume_ms(now_ms)


# --- orders and wallets


def _ordered(settings: Settings, where: Source, log: LogEvidence, now_ms: int) -> tuple[Ordered, Wallet]:
    """Read the journal where there is one, and the wallets of the phase as they were written down."""
    would_be = log.tally.would_be_orders
    try:
        names = journal_files(where.log_dir)
    except OSError:
        return Ordered(found=OrdersFound(trouble=log.nothing)), Wallet()
    if not names:
        return Ordered(would_be=would_be), _wallet(settings, where.log_dir, ())
    read = read_journal(where.log_dir)
    doubts = orders_found(where.log_dir, settings, where.shown, now_ms)
    records = tuple(entry.record for entry in read.entries)
    wallet = _wallet(settings, where.log_dir, records)
    if not records:
        return Ordered(would_be=would_be, found=doubts), wallet
    return Ordered(len(read.book.orders), read.book.submitted, would_be, doubts), wallet


def _wallet(settings: Settings, log_dir: Path, records: "tuple[Record, ...]") -> Wallet:
    """Give the newest reading and what it is held against: the recorded baseline, or else the phase's first reading."""
    has_baseline = os.path.lexists(log_dir / "wallet_baseline.json")
    if not records and not has_baseline and not is_directory(log_dir / "snapshots"):
        return Wallet()
    from genesis_ops.collect.wallets import Reading, baseline, first_and_newest

    def written(reading: Reading) -> Balances:
        return Balances(reading.at_ms, reading.balances, reading.source)

    found = first_and_newest(log_dir, records, since_ms=day_zero_ms(settings)) or ()
    recorded = baseline(log_dir) if has_baseline else None
    readings = sorted((*found, *filter(None, (recorded,))), key=lambda reading: reading.at_ms)
    if not readings:
        return Wallet()
    return Wallet(now=written(readings[-1]), baseline=written(recorded or readings[0]))
