"""The phase report as one HTML file: no script, no network, light and dark, on a screen, a phone and on paper."""

from pathlib import Path
from typing import Any

from genesis_ops.checks.model import Judged, Outcome
from genesis_ops.checks.wording import brief, exactly
from genesis_ops.report import phase_charts as charts
from genesis_ops.report.cells import cut
from genesis_ops.report.phase_facts import Day, PhaseFacts, longest_first, told_filled, told_outage
from genesis_ops.report.sentence import ending, sentence
from genesis_ops.report.svg import HIGH, WIDE
from genesis_ops.words import clock_time, day_name, stamp, visible

TEMPLATES = Path(__file__).with_name("templates")
_MARKS = dict(zip(Outcome, "✓!✗?–", strict=True))  # noqa: RUF001 - a mark, not a hyphen
_LONGEST = 300
_MOST_ROWS = 120
"""How many rows a table has at the most; what is left out is counted."""


def phase_html(found: PhaseFacts) -> str:
    """Write the whole file; whatever comes from a log or a server is escaped, and shows as itself."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    return environment.get_template("phase_report.html.j2").render(_content(found)) + "\n"


def _shown(value: object) -> object:
    """Show control characters of a text as escapes; what a macro of the template made is markup already."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _content(found: PhaseFacts) -> dict[str, Any]:
    report = found.report
    return {
        "report": report,
        "written": f"{stamp(report.generated_ms)[:16]} UTC",
        "sentence": sentence(report),
        "ending": ending(report),
        "mark": _MARKS[report.verdict],
        "sums": [(name, brief(text)) for name, text in found.sums],
        "criteria": [_criterion(judged) for judged in report.checks],
        "questions": [brief(question) for question in found.questions],
        "wide": WIDE,
        "high": HIGH,
        **_picture(found),
        **_along(found),
        **_tables(found),
    }


def _criterion(judged: Judged) -> dict[str, Any]:
    proofs = [
        (f"{place.file}:{place.line}" if place.line else place.file, cut(visible(place.text), _LONGEST, unicode=True))
        for place in judged.evidence
    ]
    well = judged.outcome is Outcome.PASS
    return {
        "judged": judged._replace(detail=brief(judged.detail)),
        "mark": _MARKS[judged.outcome],
        "proofs": [] if well else proofs,
        "remedy": "" if well else judged.remedy,
    }


def _picture(found: PhaseFacts) -> dict[str, Any]:
    hours = charts.by_hour(found.candles)
    return {
        "cell": charts.CELL,
        "label": charts.LABEL,
        "head": charts.HEAD,
        "picture_wide": charts.LABEL + 24 * charts.CELL,
        "picture_high": charts.HEAD + charts.CELL * len(found.days),
        "cells": charts.picture_cells(hours, found.evidence.log.start_ms),
        "unevaluated": any(hour.unevaluated for hour in hours),
        "rows": charts.picture_rows(found.days),
    }


def _along(found: PhaseFacts) -> dict[str, Any]:
    hours, place = charts.by_hour(found.candles), charts.phase_scale(found)
    told = dict(found.sums).get("evaluation", "")
    return {
        "ticks": charts.day_ticks(found),
        "price": charts.price_chart(hours, place),
        "latency": charts.latency_chart(hours, place, told),
        "wallets": charts.wallet_charts(found, place),
        "actions": charts.action_lanes(hours, place),
        "orders": charts.order_lanes(found.evidence.orders, place),
        "outages": charts.outage_lane(found.outages, place),
        "uptime": charts.uptime_bars(found.days),
        "bar_wide": round(0.8 * WIDE / max(1, len(found.days)), 1),
    }


def _tables(found: PhaseFacts) -> dict[str, Any]:
    orders, coins = found.evidence.orders, found.evidence.coins
    return {
        "coins": coins,
        "most_rows": _MOST_ROWS,
        "outage_count": len(found.outages),
        "outage_rows": [told_outage(outage) for outage in longest_first(found.outages)[:_MOST_ROWS]],
        "order_count": len(orders),
        "order_rows": [
            (
                order.id,
                f"{day_name(order.decided_ms)} {clock_time(order.decided_ms)}",
                order.side,
                f"{order.size:g}",
                order.label.upper(),
                told_filled(order),
            )
            for order in orders[-_MOST_ROWS:]
        ],
        "wallet_count": len(found.evidence.wallets),
        "wallet_rows": [charts.told_wallet(each, coins) for each in found.evidence.wallets[-_MOST_ROWS:]],
        "day_rows": [_day(day) for day in found.days],
    }


def _day(day: Day) -> tuple[str, ...]:
    return (
        str(day.number),
        day_name(day.start_ms),
        f"{day.processed} of {day.expected}",
        "" if day.price is None else f"{day.price:,.2f}",
        "" if day.slowest_ms is None else exactly(day.slowest_ms),
        str(day.actions),
        str(day.orders),
        "" if day.uptime is None else f"{100 * day.uptime:.2f} %",
        "yes" if day.snapshot else "no",
        "yes" if day.summary else "no",
    )
