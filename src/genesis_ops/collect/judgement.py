"""From a window to a report: look once, judge, and say where the evidence came from (acceptance and stop-check)."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.checks import acceptance, stop
from genesis_ops.checks.evidence import Evidence, LogEvidence, StateEvidence
from genesis_ops.checks.model import Outcome, Report, Window, judge
from genesis_ops.checks.wording import count, hours
from genesis_ops.collect.journal import orders_found
from genesis_ops.collect.logs import LogLook
from genesis_ops.collect.where import Source, is_directory
from genesis_ops.errors import StateUnreadable
from genesis_ops.runlog.files import LogFile, log_files, newest_stamp_ms, opened
from genesis_ops.runlog.reader import ROUTINE, LogReader, Notes
from genesis_ops.runlog.zone import newest_offset_ms
from genesis_ops.settings import Settings
from genesis_ops.words import DAY_MS, MINUTE_MS, Mode, stamp

if TYPE_CHECKING:
    from genesis_ops.clients.clock import Clock

_LIVE_MS = 60_000
_LOOKS = 3
_PAUSE_SECONDS = 1.0
_AFTERWARDS_MS = 2 * MINUTE_MS


class Asked(NamedTuple):
    """What is to be judged: a window (ms, UTC), and when the judgement is made."""

    start_ms: int
    end_ms: int
    now_ms: int
    strict: bool = False


Look = Callable[[Settings, Source, Asked], Evidence]
"""Looks once at a window's log and state."""


class Judgement(NamedTuple):
    """A report, and the evidence that it rests on."""

    report: Report
    evidence: Evidence


def newest_line_ms(log_dir: Path) -> int | None:
    """Tell the time (ms, UTC) of the newest line of the log; None where there is none."""
    try:
        files = log_files(log_dir)
    except OSError:
        return None
    newest = max((at_ms for file in files if (at_ms := _last_ms(file)) is not None), default=None)
    return None if newest is None else newest - newest_offset_ms(files)


def _last_ms(file: LogFile) -> int | None:
    if not file.packed:
        with suppress(OSError), opened(file) as fd:
            return newest_stamp_ms(fd)
        return None
    reader = LogReader((file,), without=ROUTINE)
    for _ in reader:
        pass
    return reader.notes.last_ms


def judge_acceptance(settings: Settings, source: Source, asked: Asked, clock: "Clock") -> Judgement:
    """Judge a window by the ten checks and the heartbeat (contract §9)."""
    evidence = settled(settings, source, asked, clock)
    log = evidence.log
    notes = noted(log, source.shown)
    report = Report(
        command="acceptance",
        subject=f"{modes(log)}, {hours(asked.end_ms - asked.start_ms)} to {stamp(asked.end_ms)[:16]} UTC",
        market=f"{settings.symbol} {settings.timeframe}",
        generated_ms=asked.now_ms,
        checks=judge(acceptance.CHECKS, evidence, source.shown),
        window=Window(asked.start_ms, asked.end_ms, acceptance.covered_ms(log) // 1000),
        summary=summed(log),
        hours=log.tally.hours,
        notes=notes,
        strict=asked.strict,
    )
    if not report.exit_code and asked.end_ms - asked.start_ms >= DAY_MS:
        report = report._replace(notes=(*notes, "ready for the single-candle live test (runbook Day 1, step 3)"))
    return Judgement(report, evidence)


def judge_stop(settings: Settings, source: Source, asked: Asked) -> Judgement:
    """Judge everything since a time by the runbook's six conditions, and the journal of orders as it stands now."""
    evidence = look(settings, source, asked, closely=False)
    evidence = evidence._replace(orders=orders_found(source.log_dir, settings, source.shown, asked.now_ms))
    report = Report(
        command="stop-check",
        subject=f"{stamp(asked.start_ms)[:16]} to {stamp(asked.end_ms)[:16]} UTC",
        market=f"{settings.symbol} {settings.timeframe}",
        generated_ms=asked.now_ms,
        checks=judge(stop.CHECKS, evidence, source.shown),
        window=Window(asked.start_ms, asked.end_ms, acceptance.covered_ms(evidence.log) // 1000),
        notes=noted(evidence.log, source.shown),
        strict=asked.strict,
    )
    return Judgement(report, evidence)


def standing_reasons(settings: Settings, source: Source, asked: Asked) -> tuple[str, ...]:
    """Name the abort conditions that hold since an operator last resumed the phase, knowing the earlier ones.

    A condition that the latch names already keeps its words, so that a second look adds nothing to it. An order about
    which a living runner is asking the wallets is red, and no reason yet to stop the one who finds out.
    """
    from genesis_ops.state.latch import read_latch

    resumed_ms = last_resume_ms(source.log_dir, asked.now_ms) or asked.start_ms
    evidence = judge_stop(settings, source, asked._replace(start_ms=max(asked.start_ms, resumed_ms))).evidence
    stuck = tuple(doubt for doubt in evidence.orders.doubts if not doubt.settling)
    judged = judge(stop.CHECKS, evidence._replace(orders=evidence.orders._replace(doubts=stuck)), source.shown)
    latch = read_latch(source.log_dir)
    told = {reason.partition(":")[0]: reason for reason in (latch.reasons if latch else ())}
    failed = (check for check in judged if check.outcome is Outcome.FAIL)
    return tuple(told.get(check.id, f"{check.id}: {check.detail}") for check in failed)


def day_zero_ms(settings: Settings) -> int:
    """Tell when the phase began (ms, UTC): Day 0 at midnight."""
    return int(datetime.combine(settings.phase_start, datetime.min.time(), UTC).timestamp() * 1000)


def phase_end_ms(settings: Settings) -> int:
    """Tell when the phase ends (ms, UTC): its last midnight, and so long that the last close can be in the log."""
    return day_zero_ms(settings) + settings.phase_days * DAY_MS + _AFTERWARDS_MS


def has_begun(settings: Settings, now_ms: int) -> bool:
    """Tell whether the phase goes on at a time (ms, UTC): on Day 0 from the first start, after it in any case."""
    since_ms = now_ms - day_zero_ms(settings)
    return since_ms >= DAY_MS or (since_ms >= 0 and newest_line_ms(settings.log_dir) is not None)


def settled(settings: Settings, source: Source, asked: Asked, clock: "Clock", looking: Look | None = None) -> Evidence:
    """Look closely, and again while a living runner is between two writes: its log comes first, its state after it."""
    looking = looking or _look_closely
    evidence = looking(settings, source, asked)
    for _ in range(_LOOKS - 1):
        if not _between_log_and_state(evidence, asked):
            break
        clock.wait(_PAUSE_SECONDS)
        evidence = looking(settings, source, asked)
    return evidence


def _look_closely(settings: Settings, source: Source, asked: Asked) -> Evidence:
    return look(settings, source, asked, closely=True)


def look_at_day(settings: Settings, source: Source, asked: Asked) -> Evidence:
    """Look once at log and state, at the window as a day among others."""
    log = LogLook(source, settings, asked.start_ms, asked.end_ms).gather_day(asked.now_ms)
    return Evidence(log, state_of(source), last_resume_ms(source.log_dir, asked.now_ms))


def look(settings: Settings, source: Source, asked: Asked, *, closely: bool) -> Evidence:
    """Look once at log and state; ``closely`` as acceptance judges, else as stop-check does."""
    log = LogLook(source, settings, asked.start_ms, asked.end_ms).gather(closely=closely)
    return Evidence(log, state_of(source), last_resume_ms(source.log_dir, asked.now_ms))


def _between_log_and_state(evidence: Evidence, asked: Asked) -> bool:
    state, log = evidence.state.state, evidence.log
    if state is None or log.newest is None or state.last_processed_candle_ts == log.newest.ts:
        return False
    return log.last_ms is not None and asked.now_ms - log.last_ms < _LIVE_MS and asked.end_ms == asked.now_ms


def state_of(source: Source) -> StateEvidence:
    """Read the state, or say what is wrong with it."""
    from genesis_ops.state.store import StateStore

    if not is_directory(source.state_file.parent):
        return StateEvidence(source.shown_state, None, "")
    copies = tuple(sorted(path.name for path in source.state_file.parent.glob(f"{source.state_file.stem}_corrupt_*")))
    try:
        return StateEvidence(source.shown_state, StateStore(source.state_file).read(), "", copies)
    except StateUnreadable as error:
        problem = error.message.replace(str(source.state_file), source.shown_state)
        return StateEvidence(source.shown_state, None, problem, copies)


def last_resume_ms(log_dir: Path, now_ms: int) -> int | None:
    """Tell when an operator last resumed the phase (ms, UTC); None where nobody did."""
    from genesis_ops.state.operations import read

    return read(log_dir).last_resume_ms(now_ms)


def modes(log: LogEvidence) -> str:
    """Name the modes of the window's runs."""
    found = dict.fromkeys(run.mode for run in log.runs)
    return " and ".join("mode unknown" if mode is None else str(mode) for mode in found) or str(Mode.DRY_RUN)


def summed(log: LogEvidence) -> dict[str, int]:
    """Add the window up for a report's summary (contract §8)."""
    return {
        "candles": log.tally.closes,
        "evaluations": log.tally.evaluations,
        "orders_submitted": log.tally.submissions,
        "fatal": sum(len(run.fatal) for run in log.runs),
        "heartbeats": log.tally.heartbeats,
    }


def noted(log: LogEvidence, shown: Callable[[str], str]) -> tuple[str, ...]:
    """Say what a reader of the report should know of the log itself."""
    found = [*log.troubles]
    configurations = dict.fromkeys(hash_ for run in log.runs for hash_ in run.configurations)
    if len(configurations) > 1:
        found.append(f"the runtime configuration changed in the window ({count(len(configurations), 'hash')})")
    found += _damage(log.notes, shown)
    return tuple(found)


def _damage(notes: Notes, shown: Callable[[str], str]) -> Sequence[str]:
    counted = (
        (notes.not_understood, "line that nobody understands", "lines that nobody understands"),
        (notes.torn, "line that was not written to its end", "lines that were not written to their end"),
        (notes.joined, "line that begins inside another", "lines that begin inside another"),
        (notes.nul, "line with NUL bytes", "lines with NUL bytes"),
        (notes.invalid_utf8, "line that is not UTF-8", "lines that are not UTF-8"),
        (notes.over_long, "line over 64 KiB, cut", "lines over 64 KiB, cut"),
    )
    told = [f"{number} {one if number == 1 else many}" for number, one, many in counted if number]
    places = [f"{shown(str(line.file.path))}:{line.number}" for line in notes.examples[:1]]
    return [f"{', '.join(told)}{f', such as {places[0]}' if places else ''}"] if told else []
