"""Hosts on one screen, a few lines each; under them only what is not as it should be."""

import json
from collections.abc import Iterator, Sequence

from genesis_ops.checks.model import Judged, Outcome, Report, verdict
from genesis_ops.host.look import Look, UnitLook
from genesis_ops.host.wire import document
from genesis_ops.remote.status import Seen
from genesis_ops.remote.status_checks import moment_ms, of_host, up_seconds
from genesis_ops.report import as_json, text
from genesis_ops.report.cells import cells
from genesis_ops.report.text import Line, Page, Span, flowing, mark
from genesis_ops.words import clock_time, day_name, duration

_COMMIT = 7
_PLACES = 6


def lines(hosts: Sequence[Seen], report: Report, page: Page) -> Iterator[Line]:
    """Draw every host, and the verdict last."""
    yield from text.head(report, page)
    for place, seen in enumerate(hosts):
        yield from _host(seen, of_host(report, place), page)
    yield ()
    yield from text.verdict(report, page)


def rendered(hosts: Sequence[Seen], report: Report) -> str:
    """Write the report as JSON, with all that was seen of each host."""
    seen = [
        {
            "target": each.target,
            "verdict": verdict(judged.outcome for judged in of_host(report, place)).value,
            "error": None if each.error is None else str(each.error),
            "look": None if each.look is None else document(each.look),
        }
        for place, each in enumerate(hosts)
    ]
    return json.dumps(as_json.document(report) | {"hosts": seen}, indent=2, allow_nan=False) + "\n"


def _host(seen: Seen, checks: Sequence[Judged], page: Page) -> Iterator[Line]:
    worst = verdict(judged.outcome for judged in checks)
    about = _about(seen.look, page) if seen.look is not None else "not seen"
    name = page.cut(seen.target, page.width // 3)
    first, *rest = page.under(f"{' ' * 4}{name}  ", about)
    yield (Span("  "), mark(worst, page), Span(first[0].text[3:], "bold"))
    yield from rest
    if seen.look is not None:
        for unit in seen.look.units:
            yield from _unit(seen.look, unit, page)
        yield from flowing(_places(seen.look, page), page, label=" " * _PLACES, apart_by=4)
    for judged in checks:
        if judged.outcome not in {Outcome.PASS, Outcome.SKIP}:
            yield from _why(judged, page)


def _about(look: Look, page: Page) -> str:
    """Say which commit, which mode, and how the market goes."""
    head = f"{look.branch or 'no branch'} {look.head[:_COMMIT]}"
    parts = (head, look.mode, f"last close {_since(look)}", look.version)
    return page.cut("   ".join(part for part in parts if part), page.width * 2)


def _since(look: Look) -> str:
    closed, age = moment_ms(look.last_close), up_seconds(look, look.last_close)
    if closed is None or age is None:
        return "none"
    day = "" if age < 86_400 else f"{day_name(closed)} "  # noqa: PLR2004 - a day
    return f"{day}{clock_time(closed)}, {duration(age)} ago"


def _unit(look: Look, unit: UnitLook, page: Page) -> Iterator[Line]:
    up = up_seconds(look, unit.since)
    state = f"{unit.active} ({unit.sub})" if unit.load == "loaded" else unit.load
    pid = f"pid {unit.pid}" if unit.pid else ""
    lasts = "" if up is None or not unit.pid else f"up {duration(up)}"
    restarts = f"{unit.restarts} {'restart' if unit.restarts == 1 else 'restarts'}"
    name = page.cut(unit.name.removesuffix(".service"), 20)
    room = " " * max(2, 16 - cells(name))
    row = f"      {name}{room}{page.shown(state):18}  {pid:10}  {lasts:10}  {restarts}"
    yield (Span(page.cut(row, page.width)),)


def _places(look: Look, page: Page) -> Iterator[Line]:
    yield (Span(f"uvicorn: {len(look.uvicorns)}"),)
    if look.port is not None:
        where = ", ".join(sorted({each.address for each in look.listeners})) or "nobody"
        yield (Span(page.cut(f"port {look.port}: {where}", page.width - _PLACES)),)
    if look.operation is not None:
        yield (Span(page.cut(f"last apply: {look.operation.state} {look.operation.id}", page.width - _PLACES)),)


def _why(judged: Judged, page: Page) -> Iterator[Line]:
    name = judged.id.rpartition("/")[2]
    first, *rest = page.under(f"{' ' * 8}{name}: ", judged.detail)
    yield (Span("      "), mark(judged.outcome, page), Span(first[0].text[7:]))
    yield from rest
    if judged.remedy:
        yield from page.under(f"{' ' * 8}{'→' if page.unicode else '->'} ", judged.remedy, "cyan")
