"""The state of a phase on one screen, for a person with five seconds, and as one JSON object for scripts."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from genesis_ops import __version__
from genesis_ops.checks.limits import FUTURE_MS
from genesis_ops.checks.model import Judged, Outcome
from genesis_ops.checks.status import Age, Alert, Balances, Status, ages, alerts, runs, silent_seconds, today
from genesis_ops.checks.wording import brief
from genesis_ops.clients.health import Answer
from genesis_ops.report.cells import cells, wrapped
from genesis_ops.report.text import Line, Page, Span, mark, pictured, proof
from genesis_ops.runlog.tally import LATE_MS
from genesis_ops.words import DAY_MS, clock_time, day_name, duration, stamp

SCHEMA = "genesis-ops.status/1"
"""The object's shape: its names stay, new ones may come; times are ISO 8601 in UTC, null is what nobody knows."""

_LABEL = 11
_APART = 3
_ROOMY = 60
_MOST_CURRENCIES = 4
_LONG_WORDS = 80
_LATEST_S = 253_402_300_799


def lines(status: Status, page: Page) -> Iterator[Line]:
    """Draw the screen: the day, what cannot wait, a row for each thing that is asked first, the picture."""
    yield from _head(status, page)
    for alert in alerts(status):
        yield from _alert(alert, page)
    yield ()
    for rows in (_runner, _close, _evaluation, _ages, _orders, _wallet, _api, _latch, _verification, _findings):
        yield from rows(status, page)
    picture = tuple(pictured(status.hours, page))
    if picture and not status.nothing:
        yield ()
        yield from _stretch(status, page)
        yield from picture


def fitted(drawn: Iterable[Line], page: Page, height: int) -> tuple[Line, ...]:
    """Give as much of a screen as fits into a height (lines): without empty ones first, then from its top."""
    whole = tuple(drawn)
    if len(whole) > height:
        whole = tuple(line for line in whole if line)
    if len(whole) <= height:
        return whole
    room = max(height - 1, 1)
    more = f"{len(whole) - room} more lines: genesis-ops status"
    return (*whole[:room], (Span(page.cut(more, page.width), "dim"),))


def _head(status: Status, page: Page) -> Iterator[Line]:
    settings = status.settings
    lead = f"Phase 3  {settings.told_day(datetime.fromtimestamp(status.now_ms / 1000, UTC).date())}"
    when = f"{settings.symbol} {settings.timeframe}   {day_name(status.now_ms)} {stamp(status.now_ms)[11:]} UTC"
    room = page.width - cells(lead) - cells(when)
    if room >= _APART:
        yield (Span(lead, "bold"), Span(f"{' ' * room}{when}", "bold"))
        return
    yield from page.under("", lead, "bold")
    yield from page.under("", when, "bold")


def _alert(alert: Alert, page: Page) -> Iterator[Line]:
    sign = mark(alert.outcome, page)
    first, *rest = wrapped(page.shown(f"{alert.head}  {alert.sentence}"), page.width - 2)
    yield (sign, Span(f" {first}", sign.style))
    yield from ((Span(f"  {line}", sign.style),) for line in rest)
    if alert.remedy:
        yield from page.under(f"  {_arrow(page)} ", alert.remedy, "cyan")


def _arrow(page: Page) -> str:
    return "→" if page.unicode else "->"


def _row(page: Page, outcome: Outcome, label: str, items: Iterable[Span]) -> Iterator[Line]:
    """Put items beside each other behind a mark and a label, and under each other where there is no room."""
    lead = 2 + _LABEL
    line: Line = (mark(outcome, page), Span(f" {label:<{_LABEL}}", "" if outcome is Outcome.PASS else "bold"))
    used, begun = lead, False
    for item in items:
        for at, piece in enumerate(wrapped(page.shown(item.text), page.width - lead)):
            apart = _APART if begun else 0
            if begun and (at or used + apart + cells(piece) > page.width):
                yield line
                line, used, apart = (Span(" " * lead),), lead, 0
            line = (*line, Span(" " * apart), Span(piece, item.style))
            used, begun = used + apart + cells(piece), True
    yield line


# --- the rows


def _runner(status: Status, page: Page) -> Iterator[Line]:
    runner, running = status.runner, runs(status)
    items = [Span(str(runner.mode) if runner.mode else "mode unknown", "bold")]
    if runner.since_ms is not None:
        items.append(Span(f"{'since' if running else 'began'} {_moment(runner.since_ms, status.now_ms)}"))
        if running:
            items.append(Span(f"up {duration((status.now_ms - runner.since_ms) / 1000)}"))
    if runner.pid is not None:
        items.append(Span(f"pid {runner.pid}"))
    elif runner.locked:
        items.append(Span("nobody holds its lock", "yellow" if running else ""))
    if not running and (silent := silent_seconds(status)) is not None:
        items.append(Span(f"silent for {duration(silent)}", "red"))
    outcome = {True: Outcome.PASS, False: Outcome.FAIL, None: Outcome.UNKNOWN}[running]
    if running and runner.locked and runner.pid is None:
        outcome = Outcome.WARN
    yield from _row(page, outcome, "runner", items)


def _close(status: Status, page: Page) -> Iterator[Line]:
    close, now_ms = status.close, status.now_ms
    due = Span(f"next {_moment(status.next_close_ms, now_ms)} in {_short((status.next_close_ms - now_ms) // 1000)}")
    if close is None:
        yield from _row(page, Outcome.UNKNOWN, "last close", (Span("none in the log"), due))
        return
    age_ms = now_ms - close.close_ms
    ago = f"{duration(age_ms / 1000)} ago" if age_ms >= -FUTURE_MS else f"{duration(-age_ms / 1000)} in the future"
    items = [Span(f"{_moment(close.close_ms, now_ms)}, {ago}"), Span(f"{close.price:,.2f}")]
    after_ms = None if close.logged_ms is None else close.logged_ms - close.close_ms
    late = after_ms is not None and after_ms > LATE_MS and not close.before_birth
    if after_ms is not None and after_ms >= 0 and (late or page.width >= _ROOMY):
        items.append(Span(f"logged {_short(after_ms // 1000)} after it", "yellow" if late else ""))
    length_ms = status.settings.timeframe.close_of(close.open_ms) - close.open_ms
    if age_ms > 2 * length_ms + LATE_MS:
        outcome = Outcome.FAIL
    else:
        odd = late or age_ms > length_ms + LATE_MS or age_ms < -FUTURE_MS
        outcome = Outcome.WARN if odd else Outcome.PASS
    yield from _row(page, outcome, "last close", (*items, due))


def _evaluation(status: Status, page: Page) -> Iterator[Line]:
    seen, expected = today(status)
    items = [Span("none in 48h")]
    if status.evaluation is not None:
        action = status.evaluation.action
        items = [Span(action, "" if action == "NONE" else "bold cyan")]
        items.append(Span(f"confidence {status.evaluation.confidence:.3f}"))
    if expected:
        items.append(Span(f"{seen} of {expected} closes today", "" if seen == expected else "yellow"))
    outcome = Outcome.UNKNOWN if status.evaluation is None else Outcome.WARN if seen < expected else Outcome.PASS
    if status.evaluation is not None and runs(status) is not True:  # whatever it said, nobody says it now
        outcome = Outcome.SKIP
        items.append(Span(f"at {_moment(status.evaluation.at_ms, status.now_ms)}"))
    yield from _row(page, outcome, "evaluation", items)


def _ages(status: Status, page: Page) -> Iterator[Line]:
    found = ages(status)
    over, known = any(age.over for age in found), all(age.seconds is not None for age in found)
    outcome = Outcome.WARN if over else Outcome.PASS if known else Outcome.UNKNOWN
    if runs(status) is False:  # everything grows old when nobody runs
        yield from _row(page, Outcome.SKIP, "ages", (Span(_told(age)) for age in found))
        return
    items = [Span(f"{_told(age)}{f' (over {_short(age.limit)})' if age.over else ''}", _late(age)) for age in found]
    if status.beat is None:
        items.append(Span("no heartbeat yet"))
    elif known and not over:
        items.append(Span("all within limits"))
    yield from _row(page, outcome, "ages", items)


def _told(age: Age) -> str:
    return f"{age.name} {'?' if age.seconds is None else _short(age.seconds)}"


def _late(age: Age) -> str:
    return "yellow" if age.over else ""


def _orders(status: Status, page: Page) -> Iterator[Line]:
    orders, doubts = status.orders, len(status.orders.found.doubts)
    settling = all(doubt.settling for doubt in status.orders.found.doubts)
    submitted = status.state.submitted if orders.submitted is None else orders.submitted
    items = [Span("? submitted" if submitted is None else f"{submitted} submitted")]
    if orders.decided is not None:
        items.append(Span(f"{orders.decided} decided"))
    if orders.would_be:
        items.append(Span(f"{orders.would_be} would have been in 48h"))
    doubtful = Span(f"{doubts} in doubt", "bold yellow" if settling else "bold red")
    items.append(doubtful if doubts else Span("none in doubt"))
    if orders.found.trouble:
        items[-1] = Span("doubt unknown", "magenta")
    unknown = bool(orders.found.trouble) or submitted is None
    worst = Outcome.WARN if settling else Outcome.FAIL
    outcome = worst if doubts else Outcome.UNKNOWN if unknown else Outcome.PASS
    yield from _row(page, outcome, "orders", items)


def _wallet(status: Status, page: Page) -> Iterator[Line]:
    now, baseline, moved, trouble = status.wallet
    why = Span(f"the API does not tell: {trouble}" if status.api.answer is Answer.OK else "the API does not tell")
    if now is None:
        yield from _row(page, Outcome.UNKNOWN, "wallet", (why,))
        return
    items = []
    if baseline is None or baseline == now or moved is None:
        items = [Span(told) for told in _amounts(now.by_currency)] or [Span("empty")]
        items.append(Span("nothing to hold it against" if baseline is None else "the only reading"))
    else:
        items = [Span(told, "bold") for told in _amounts(moved, signed=True)] or [Span("unchanged")]
        items.append(Span(f"since {_moment(baseline.at_ms, status.now_ms)}"))
    if trouble:
        items.append(Span(f"as of {_moment(now.at_ms, status.now_ms)}", "yellow"))
        items.append(why)
    yield from _row(page, Outcome.UNKNOWN if trouble else Outcome.PASS, "wallet", items)


def _amounts(amounts: Mapping[str, float], *, signed: bool = False) -> list[str]:
    told = [f"{name} {amount:{'+' if signed else ''},.8f}".rstrip("0").rstrip(".") for name, amount in amounts.items()]
    more = [f"{len(told) - _MOST_CURRENCIES} more"] if len(told) > _MOST_CURRENCIES else []
    return told[:_MOST_CURRENCIES] + more


def _api(status: Status, page: Page) -> Iterator[Line]:
    answer = status.api.answer
    if answer is Answer.OK:
        yield from _row(page, Outcome.PASS, "API", (Span("well"), Span(status.api.told)))
        return
    silent = answer in {Answer.REFUSED, Answer.TIMEOUT, Answer.BROKEN}
    yield from _row(page, Outcome.FAIL, "API", (Span("does not answer" if silent else "not well", "red"),))


def _latch(status: Status, page: Page) -> Iterator[Line]:
    if status.latch is None:
        yield from _row(page, Outcome.PASS, "latch", (Span("clear"),))
    elif status.latch.hidden:
        yield from _row(page, Outcome.UNKNOWN, "latch", (Span("nobody can tell", "magenta"),))
    else:
        yield from _row(page, Outcome.FAIL, "latch", (Span("set", "bold red"), Span("nothing starts until resume")))


def _verification(status: Status, page: Page) -> Iterator[Line]:
    """Say when somebody last verified that everything works, and what came of it; nothing where nobody did."""
    found = status.verification
    if found is None:
        return
    ago = (status.now_ms - found.at_ms) // 1000
    when = f"{duration(ago)} ago" if ago >= 0 else f"{duration(-ago)} in the future"
    items = [Span(when), Span(found.verdict, "" if found.verdict == Outcome.PASS else "bold")]
    if found.not_well:
        items.append(Span(", ".join(found.not_well)))
    if found.trouble:
        items.append(Span(f"{found.file} {found.trouble}"))
    known = found.verdict in set(Outcome)
    yield from _row(page, Outcome(found.verdict) if known else Outcome.UNKNOWN, "verified", items)


def _findings(status: Status, page: Page) -> Iterator[Line]:
    if not status.findings:
        told = "nothing was read" if status.nothing or status.troubles else "none in 48h"
        outcome = Outcome.UNKNOWN if status.nothing or status.troubles else Outcome.PASS
        yield from _row(page, outcome, "findings", (Span(told),))
        return
    for at, found in enumerate(status.findings):
        label = "" if at else "findings"
        yield from _row(page, found.outcome, label, (Span(f"{found.id}: {_said_once(status, found.detail)}"),))
        for place in found.evidence:
            yield (Span(" " * (2 + _LABEL)), Span(page.cut(proof(place), page.width - 2 - _LABEL), "dim"))
    yield from page.under(f"  {_arrow(page)} ", "genesis-ops stop-check", "cyan")


def _said_once(status: Status, detail: str) -> str:
    """Leave out of a finding the last words that stand above already."""
    last = status.runner.last
    if last is None or runs(status) is not False or len(last.text) < _LONG_WORDS:
        return detail
    return detail.replace(last.text, "its last words, above")


def _stretch(status: Status, page: Page) -> Iterator[Line]:
    """Say which hours the picture shows where they are not the last ones."""
    if status.end_ms != status.now_ms:
        told = f"the log's last 48 hours, to {stamp(status.end_ms)[:16]} UTC"
        yield from page.under("  ", told, "yellow")


# --- times and lengths


def _moment(ms: int, now_ms: int) -> str:
    """Name a moment (ms, UTC) as short as ``now_ms`` allows: by its time, with its day where that is another."""
    near = abs(now_ms - ms) < 150 * DAY_MS
    if now_ms // DAY_MS == ms // DAY_MS:
        return clock_time(ms)
    return f"{day_name(ms)} {clock_time(ms)}" if near else stamp(ms)[:16]


def _short(seconds: int) -> str:
    """Write a length of time with its seconds below five minutes, in which they matter."""
    whole = max(0, seconds)
    return f"{whole // 60}m {whole % 60}s" if 60 <= whole < 300 else duration(whole)  # noqa: PLR2004


# --- for scripts


def as_json(status: Status) -> str:
    """Write everything as one object, in ASCII, so that no text in it can reach a terminal unescaped."""
    return json.dumps(document(status), indent=2, allow_nan=False) + "\n"


def document(status: Status) -> dict[str, Any]:
    """Give the object; every name is in it always, and null is what nobody knows."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "generated_at": _time(status.now_ms),
        "market": f"{status.settings.symbol} {status.settings.timeframe}",
        "phase": _phase(status),
        "alerts": [_alert_as_json(alert) for alert in alerts(status)],
        "runner": _runner_as_json(status),
        "close": _close_as_json(status),
        "evaluation": _evaluation_as_json(status),
        "ages": {age.name: _age_as_json(age) for age in ages(status)},
        "orders": _orders_as_json(status),
        "wallet": _wallet_as_json(status),
        "api": {"answer": status.api.answer.value, "detail": _text(status.api.told)},
        "latch": _latch_as_json(status),
        "verification": _verification_as_json(status),
        "findings": [_finding_as_json(found) for found in status.findings],
        "picture": _picture_as_json(status),
        "troubles": [_text(trouble) for trouble in (*status.troubles, *filter(None, (status.nothing,)))],
    }


def _age_as_json(age: Age) -> dict[str, Any]:
    return {"seconds": age.seconds, "held": age.held, "limit": age.limit, "over": age.over}


def _phase(status: Status) -> dict[str, Any]:
    settings = status.settings
    of = datetime.fromtimestamp(status.now_ms / 1000, UTC).date()
    return {
        "day": settings.day_number(of),
        "days": settings.phase_days,
        "told": settings.told_day(of),
        "start": settings.phase_start.isoformat(),
        "end": settings.phase_end.isoformat(),
    }


def _alert_as_json(alert: Alert) -> dict[str, Any]:
    return {
        "kind": alert.kind,
        "outcome": alert.outcome.value,
        "detail": _text(f"{alert.head}: {alert.sentence}"),
        "remedy": _text(alert.remedy),
    }


def _runner_as_json(status: Status) -> dict[str, Any]:
    runner = status.runner
    return {
        "runs": runs(status),
        "mode": None if runner.mode is None else str(runner.mode),
        "since": _time(runner.since_ms),
        "pid": runner.pid,
        "newest_line": _time(runner.newest_ms),
        "silent_seconds": silent_seconds(status),
        "last_words": None if runner.last is None else _text(runner.last.text),
    }


def _close_as_json(status: Status) -> dict[str, Any]:
    close, (seen, expected) = status.close, today(status)
    return {
        "open": None if close is None else _time(close.open_ms),
        "closed": None if close is None else _time(close.close_ms),
        "price": None if close is None else _number(close.price),
        "logged": None if close is None else _time(close.logged_ms),
        "next": _time(status.next_close_ms),
        "today": seen,
        "expected_today": expected,
    }


def _evaluation_as_json(status: Status) -> dict[str, Any] | None:
    found = status.evaluation
    if found is None:
        return None
    return {"action": _text(found.action), "confidence": _number(found.confidence), "at": _time(found.at_ms)}


def _orders_as_json(status: Status) -> dict[str, Any]:
    orders = status.orders
    doubts = [{"id": _text(doubt.name), "detail": _text(doubt.sentence)} for doubt in orders.found.doubts]
    return {
        "submitted": status.state.submitted if orders.submitted is None else orders.submitted,
        "decided": orders.decided,
        "would_be": orders.would_be,
        "in_doubt": None if orders.found.trouble else doubts,
    }


def _wallet_as_json(status: Status) -> dict[str, Any]:
    wallet = status.wallet
    moved = wallet.moved
    return {
        "now": _balances(wallet.now),
        "baseline": _balances(wallet.baseline),
        "change": None if moved is None else {_text(name): _number(by) for name, by in moved.items()},
        "trouble": _text(wallet.trouble),
    }


def _balances(found: Balances | None) -> dict[str, Any] | None:
    if found is None:
        return None
    amounts = {_text(name): _number(amount) for name, amount in found.by_currency.items()}
    return {"at": _time(found.at_ms), "source": _text(found.source), "balances": amounts}


def _latch_as_json(status: Status) -> dict[str, Any] | None:
    latch = status.latch
    if latch is None:
        return None
    reasons = [_text(reason) for reason in latch.reasons]
    return {
        "since": _time(latch.since_ms),
        "by": _text(latch.by),
        "reasons": reasons,
        "damaged": _text(latch.damaged),
        "hidden": latch.hidden,
    }


def _verification_as_json(status: Status) -> dict[str, Any] | None:
    found = status.verification
    if found is None:
        return None
    return {
        "at": _time(found.at_ms),
        "verdict": _text(found.verdict),
        "not_well": [_text(name) for name in found.not_well],
        "file": _text(found.file),
        "trouble": _text(found.trouble),
    }


def _finding_as_json(found: Judged) -> dict[str, Any]:
    proofs = [{"file": _text(each.file), "line": each.line, "text": _text(brief(each.text))} for each in found.evidence]
    return {"id": found.id, "outcome": found.outcome.value, "detail": _text(found.detail), "evidence": proofs}


def _picture_as_json(status: Status) -> dict[str, Any]:
    candles = [{"open": _time(hour.open_ms), "fate": hour.fate.value} for hour in status.hours]
    return {"start": _time(status.start_ms), "end": _time(status.end_ms), "candles": candles}


def _time(ms: int | None) -> str | None:
    if ms is None or not 0 <= ms // 1000 <= _LATEST_S:
        return None
    return f"{stamp(ms).replace(' ', 'T')}Z"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(text: str) -> str:
    """Keep a text as it is, but for halves of characters, which a strict reader refuses."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
