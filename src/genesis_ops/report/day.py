"""A day of the phase as Markdown: everything that the template of the daily summary can tell (runbook)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from genesis_ops.checks.day import STOP_IDS, DayEvidence
from genesis_ops.checks.evidence import Outage
from genesis_ops.checks.model import Judged, Outcome, Place, Report
from genesis_ops.checks.wording import candle, close_time, count, exactly, listed
from genesis_ops.report.cells import cut
from genesis_ops.report.day_facts import Facts, changes, told_preflight
from genesis_ops.report.day_next import next_steps
from genesis_ops.report.markdown import code, with_commands
from genesis_ops.report.picture import legend, picture
from genesis_ops.report.sentence import ending, sentence
from genesis_ops.report.template import Ready
from genesis_ops.runlog.events import Evaluation
from genesis_ops.runlog.runs import Close, Run
from genesis_ops.runlog.tally import LATE_MS
from genesis_ops.words import MINUTE_MS, clock_time, day_name, duration, stamp, visible

_MOST_LINES = 4
"""How many lines of evidence a finding shows; a snapshot has them all."""

_MOST_LISTED = 12
_LONGEST = 160
_LAST, _SOURCES = 3, 10


def told_of(day: DayEvidence, report: Report, now: Facts, before: Facts | None) -> dict[str, Any]:
    """Give what a template can use: plain texts, numbers and lists; ``before`` is what the day before remembered."""
    return {
        "date": str(day.date),
        "day": day.settings.told_day(day.date),
        "market": report.market,
        "window": _window(day),
        "over": day.over,
        "verdict": str(report.verdict),
        "sentence": sentence(report),
        "ending": ending(report),
        "closes": f"{now.closes} of {count(now.expected, 'close')}",
        "nothing": day.seen.log.nothing,
        "notes": list(report.notes),
        "picture": Ready("\n".join(_drawn(report))),
        "findings": list(_findings(report)),
        "checks": [_check(judged) for judged in report.checks],
        "stop": [_check(judged) for judged in report.checks if judged.id in STOP_IDS],
        "host": [{"name": name, "value": value} for name, value in _host(day, now) if value],
        "preflight": [_check(judged) for judged in (day.preflight.checks if day.preflight else ())],
        "preflight_told": told_preflight(now),
        "last_closes": list(_last_closes(day)),
        "sources": _sources(day),
        "state": [{"name": name, "value": value} for name, value in _state(day, report)],
        "counts": _told_counts(day),
        "deviations": _first(_deviations(day)),
        "orders": _first(_orders(day)),
        "would_be": now.would_be,
        "wallets": list(_wallets(day)),
        "compared": before is not None,
        "changes": _first(changes(before, now)) if before is not None else [],
        "next": [{"todo": Ready(with_commands(step.todo)), "why": step.why} for step in next_steps(day, report)],
    }


def _first(lines: Iterable[str]) -> list[str]:
    found = list(lines)
    more = len(found) - _MOST_LISTED
    return found if more <= 0 else [*found[:_MOST_LISTED], f"and {more} more"]


def _window(day: DayEvidence) -> str:
    start = "" if clock_time(day.start_ms) == "00:00" else f"from {clock_time(day.start_ms)} "
    if not day.over:
        return f"{start or '00:00 '}to {clock_time(day.end_ms)} UTC, the day is not over"
    return f"{start}to 24:00 UTC" if start else "the whole day"


def _drawn(report: Report) -> Iterator[str]:
    """Draw the day as every picture is drawn: the candle that closed at midnight is the last of the day before."""
    rows = picture(report.hours, unicode=True)
    if rows:
        ruler = "".join(f"{hour:02d}".ljust(3) for hour in range(0, 24, 3))
        yield f"{'':8}{ruler}  (a cell is the hour in which a candle opened)"
        yield from (f"{row.label}  {''.join(cell.mark for cell in row.cells)}".rstrip() for row in rows)
        yield f"{'':8}{'  '.join(f'{cell.mark} {name}' for cell, name in legend(unicode=True))}"


def _check(judged: Judged) -> dict[str, Any]:
    return {
        "number": judged.number,
        "id": judged.id,
        "title": judged.title,
        "outcome": str(judged.outcome),
        "detail": cut(visible(judged.detail), 2 * _LONGEST, unicode=True),
        "remedy": Ready(with_commands(judged.remedy)),
    }


def _findings(report: Report) -> Iterator[dict[str, Any]]:
    """Tell what is not as it should be, failures first; no line of the log and no words of several checks twice."""
    found: dict[tuple[str, str], list[Judged]] = {}
    for judged in sorted(report.checks, key=lambda judged: judged.outcome is not Outcome.FAIL):
        if judged.outcome not in {Outcome.PASS, Outcome.SKIP}:
            found.setdefault((judged.outcome, judged.detail), []).append(judged)
    shown: set[Place] = set()
    for alike in found.values():
        places = dict.fromkeys(place for judged in alike for place in judged.evidence if place not in shown)
        shown.update(places)
        yield {**_check(alike[0]), "id": ", ".join(judged.id for judged in alike), "evidence": _evidence([*places])}


def _evidence(places: Sequence[Place]) -> list[str]:
    more = len(places) - _MOST_LINES
    return [*map(_proof, places[:_MOST_LINES]), *([f"and {count(more, 'more line')}"] if more > 0 else [])]


def _proof(place: Place) -> Ready:
    where = f"{place.file}:{place.line}" if place.line else place.file
    return Ready(f"{code(where)} {code(cut(visible(place.text), _LONGEST, unicode=True))}".strip())


# --- who ran


def _host(day: DayEvidence, now: Facts) -> Iterator[tuple[str, str]]:
    yield "API", _api(day, now)
    yield "Runner", _runner(day, now)
    yield "Runs of the day", "; ".join(_first(_run(run, day) for run in day.seen.log.runs))
    yield "Mode", now.mode
    yield "Log's time zone", _zone(day)
    yield "Champion", f"sha256 {now.champion[:12]}" if now.champion else ""
    yield "Runtime configuration", f"{now.config[:12]}…" if now.config else ""


def _api(day: DayEvidence, now: Facts) -> str:
    if day.host is None:
        return f"pid {now.api_pid} (seen on the day)" if now.api_pid is not None else ""
    who = ", ".join(process.told() for process in day.servers)
    return f"{who or 'nobody seen on its port'}; {day.host.health.told}"


def _runner(day: DayEvidence, now: Facts) -> str:
    if day.host is None:
        since = f", since {now.since[:16].replace('T', ' ')}" if now.since else ""
        return f"pid {now.pid}{since} (seen on the day)" if now.pid is not None else ""
    here = [trader.process.told() for trader in day.host.traders if trader.here]
    unseen = [trader.process.told() for trader in day.host.traders if trader.here is None]
    if here:
        return ", ".join(here)
    return f"perhaps {', '.join(unseen)}" if unseen else "no runner process"


def _run(run: Run, day: DayEvidence) -> str:
    begun = "begun before what the log holds" if run.started is None else f"since {_moment(run.started.at_ms, day)}"
    ended = "" if run.ended is None else f", ended {_moment(run.ended.at_ms, day)}"
    return f"{run.mode or 'mode unknown'} {begun}{ended}"


def _moment(at_ms: int, day: DayEvidence) -> str:
    return clock_time(at_ms) if day.start_ms <= at_ms < day.end_ms else f"{day_name(at_ms)} {clock_time(at_ms)}"


def _zone(day: DayEvidence) -> str:
    ahead = day.seen.log.ahead_ms
    if not day.seen.log.runs:
        return ""
    return ", ".join(f"UTC{ms / MINUTE_MS / 60:+g}h (corrected here)" for ms in ahead) or "UTC"


# --- candles and state


def _closes(day: DayEvidence) -> tuple[Close, ...]:
    return (*day.seen.log.earlier, *day.seen.log.closes)


def _last_closes(day: DayEvidence) -> Iterator[dict[str, Any]]:
    closes = _closes(day)
    within = {id(close) for close in day.seen.log.closes}
    before: tuple[Close | None, ...] = (None, *closes)
    shown = [pair for pair in zip(before, closes, strict=False) if id(pair[1]) in within][-_LAST:]
    for earlier, close in shown:
        close_ms = day.seen.log.timeframe.close_of(close.ts)
        yield {
            "candle": f"{day_name(close_ms)} {clock_time(close_ms)}",
            "price": f"{close.event.close:,.2f}",
            "source": close.event.source or "none",
            "seen": f"{exactly(max(0, close.line.at_ms - close_ms))} after it",
            "step": "" if earlier is None else duration((close.ts - earlier.ts) / 1000),
            "evaluation": _evaluation(close),
        }


def _evaluation(close: Close) -> str:
    events = [line.event for line in close.evaluations]
    told = [f"{event.action} {event.confidence:.2f}" for event in events if isinstance(event, Evaluation)]
    return ", ".join(told) or "none"


def _sources(day: DayEvidence) -> str:
    last = [close.event.source or "none" for close in _closes(day)][-_SOURCES:]
    named = ", ".join(f"{number} {name}" for name, number in Counter(last).most_common())
    return f"{named} (the last {len(last)})" if last else ""


def _state(day: DayEvidence, report: Report) -> Iterator[tuple[str, str]]:
    judged = next(judged for judged in report.checks if judged.id == "state-consistency")
    yield "State against log", judged.detail
    state, newest = day.seen.state.state, day.seen.log.newest
    if state is None or judged.outcome is Outcome.SKIP:
        return
    if judged.outcome is not Outcome.PASS:
        yield "Last candle of the state", candle(state.last_processed_candle_ts)
        yield "Last candle of the log", candle(None if newest is None else newest.ts)
    yield "Evaluations", str(state.total_evaluations)
    yield "Orders submitted", str(state.total_orders_submitted)
    yield "Last heartbeat", state.last_heartbeat or "none"


# --- errors, orders, wallets


def _told_counts(day: DayEvidence) -> str:
    if day.missing is None:
        return "Candles missing not known, and nothing else: the log has no line of this day"
    return ", ".join(f"{name} {number}" for name, number in _counts(day, len(day.missing)).items()).capitalize()


def _counts(day: DayEvidence, missing: int) -> dict[str, int]:
    tally = day.seen.log.tally
    return {
        "candles missing": missing,
        "failed requests for candles": tally.fetch_errors,
        "failed evaluations": tally.evaluate_errors,
        "candles given up": tally.missed_candles + tally.missed_evaluations,
        "fatal lines": tally.fatal,
        "starts": sum(day.start_ms <= run.first_ms and run.started is not None for run in day.seen.log.runs),
    }


def _deviations(day: DayEvidence) -> Iterator[str]:
    """Tell what was done by hand or by an enforcement, how runs followed one another, and what failed for a while."""
    for operation in day.operations:
        reasons = "; ".join(operation.reasons) or "no reason given"
        yield f"{clock_time(operation.at_ms)} {operation.action} by {operation.by}: {reasons}"
    for former, later in pairwise(day.seen.log.runs):
        if later.started is not None:
            apart = exactly(max(0, later.started.at_ms - former.last_ms))
            yield f"{clock_time(later.started.at_ms)} a run began, {apart} after the last line of the one before"
    log = day.seen.log
    settled = (close for close in log.closes if close.line.at_ms + LATE_MS <= log.end_ms or close.given_up)
    if none := [close_time(log, close.ts) for close in settled if not close.evaluations]:
        yield f"announced and never evaluated, drawn as processed: {listed(none)}"
    yield from map(_outage, log.outages)


def _outage(outage: Outage) -> str:
    """Tell a stretch in which something failed; what of it lies on another day is told there."""
    what, noun = ("feed", "request") if outage.feed else ("evaluation", "evaluation")
    span = clock_time(outage.from_ms)
    if clock_time(outage.to_ms) != span:
        span = f"{span}-{clock_time(outage.to_ms)}"
    return f"{span} {what} failing, {count(outage.times, noun)} failed on this day"


def _orders(day: DayEvidence) -> Iterator[str]:
    for order in day.orders:
        filled = "" if order.executed is None else f", {order.executed:.8g} by the wallets"
        said = "" if order.resolved is None else f", {'filled' if order.resolved else 'not filled'} by an operator"
        reason = f" ({order.reason})" if order.reason else ""
        told = f"{order.side} {order.size:g} {order.symbol}: {order.label.upper()}{reason}{filled}{said}"
        yield f"{clock_time(order.decided_ms)} {order.id}: {told}"
    unknown = day.seen.log.tally.submissions - sum(order.submitted for order in day.orders)
    if unknown > 0:
        yield f"{count(unknown, 'order')} submitted by the runner log's own words, of which the journal does not tell"


def _wallets(day: DayEvidence) -> Iterator[str]:
    wallets = day.wallets
    if wallets is None:
        return
    since = f"{stamp(wallets.since_ms)[:16]}"
    if wallets.at_ms == wallets.since_ms:
        yield f"one reading so far, {since} UTC ({wallets.source})"
    elif not wallets.change:
        yield f"unchanged since {since} UTC (last read {stamp(wallets.at_ms)[:16]}, {wallets.source})"
    for name, by in wallets.change.items():
        yield f"{name} {by:+,.8f} since {since} UTC, now {wallets.balances.get(name, 0.0):,.8f}"
