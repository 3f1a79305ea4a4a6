"""The phase report for scripts: the object of every report (contract §8), and under ``phase`` what is its own."""

import json
from typing import Any

from genesis_ops.checks.phase_candles import actions, beginning, expected, latency
from genesis_ops.checks.phase_live import live, phase_closes
from genesis_ops.checks.phase_outages import Outage, uptime
from genesis_ops.checks.phase_questions import value_of_change
from genesis_ops.checks.phase_wallet import account
from genesis_ops.report.as_json import document
from genesis_ops.report.orders import document as order_document
from genesis_ops.report.phase_facts import Day, PhaseFacts
from genesis_ops.runlog.tally import Fate
from genesis_ops.words import iso, stamp


def phase_json(found: PhaseFacts) -> str:
    """Write it as one object, in ASCII."""
    return json.dumps(document(found.report) | {"phase": _phase(found)}, indent=2, allow_nan=False) + "\n"


def _phase(found: PhaseFacts) -> dict[str, Any]:
    evidence = found.evidence
    share = uptime(evidence.log)
    return {
        "day": evidence.phase.number,
        "days": evidence.phase.days,
        "over": evidence.phase.over,
        "closes": _closes(found),
        "live_paper": {"days": live(evidence).days, "closes": live(evidence).closes},
        "not_covered": _before(found),
        "latency_ms": _latency(found),
        "uptime": None if share is None else round(share, 6),
        "actions": actions(found.candles),
        "outages": [_outage(outage) for outage in found.outages],
        "orders": [order_document(order) for order in evidence.orders],
        "wallet": _wallet(found),
        "by_day": [_day(day) for day in found.days],
        "questions": list(found.questions),
    }


def _closes(found: PhaseFacts) -> dict[str, int]:
    due = expected(found.candles)
    fates = {str(fate): sum(candle.fate is fate for candle in due) for fate in (Fate.LATE, Fate.MISSING)}
    evaluated = sum(candle.evaluations > 0 for candle in found.candles)
    return {
        "expected": len(due),
        "processed": len(due) - fates["missing"],
        "evaluated": evaluated,
        "unevaluated": sum(candle.unevaluated for candle in found.candles),
        **fates,
        "whole_phase": phase_closes(found.evidence),
    }


def _before(found: PhaseFacts) -> dict[str, int]:
    """Count what of the phase precedes its log; it is not among the closes that are expected."""
    before = beginning(found.evidence.log)
    return {"days": 0, "closes": 0} if before is None else {"days": before.days, "closes": before.closes}


def _latency(found: PhaseFacts) -> dict[str, int] | None:
    waited = latency(found.candles)
    return None if waited is None else {"median": waited.median, "p95": waited.p95, "max": waited.longest}


def _outage(outage: Outage) -> dict[str, Any]:
    return {
        "from": iso(outage.from_ms),
        "to": iso(outage.to_ms),
        "closes": outage.closes,
        "unevaluated": outage.unevaluated,
        "silent": outage.silent,
        "cause": outage.cause,
    }


def _wallet(found: PhaseFacts) -> dict[str, Any] | None:
    seen = account(found.evidence)
    if seen is None:
        return None
    base, quote = found.evidence.coins
    return {
        "from": iso(seen.first.at_ms),
        "to": iso(seen.last.at_ms),
        "base": base,
        "quote": quote,
        "base_change": seen.changed.base,
        "quote_change": seen.changed.quote,
        "base_unexplained": seen.rest.base,
        "quote_unexplained": seen.rest.quote,
        "value_change": value_of_change(found.evidence),
    }


def _day(day: Day) -> dict[str, Any]:
    return {
        "day": day.number,
        "date": stamp(day.start_ms)[:10],
        "expected": day.expected,
        "processed": day.processed,
        "actions": day.actions,
        "orders": day.orders,
        "uptime": None if day.uptime is None else round(day.uptime, 6),
        "price": day.price,
        "slowest_ms": day.slowest_ms,
        "snapshot": day.snapshot,
        "summary": day.summary,
    }
