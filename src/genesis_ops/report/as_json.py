"""A report for scripts: one JSON object (contract §8)."""

import json
import math
import time
from typing import Any

from genesis_ops.checks.model import Judged, Movement, Report, Window

SCHEMA = "genesis-ops.report/1"


def render(report: Report) -> str:
    """Write a report as one object, in ASCII, so that no text in it can reach a terminal unescaped."""
    return json.dumps(document(report), indent=2, allow_nan=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Give the object; ``window``, ``summary`` and ``wallets`` are in it only where the command has them."""
    head = {
        "schema": SCHEMA,
        "version": report.version,
        "command": report.command,
        "verdict": report.verdict.value,
        "exit_code": report.exit_code.value,
        "generated_at": time_of(report.generated_ms),
    }
    window = {} if report.window is None else {"window": _window(report.window)}
    summary = {} if report.summary is None else {"summary": dict(report.summary)}
    wallets = {"wallets": [_movement(each) for each in report.wallets]} if report.wallets else {}
    return head | window | {"checks": [_check(judged) for judged in report.checks]} | summary | wallets


def _movement(found: Movement) -> dict[str, Any]:
    return {
        "currency": whole_text(found.currency),
        "before": _value(found.before),
        "after": _value(found.after),
        "change": _value(found.change),
    }


def _window(window: Window) -> dict[str, Any]:
    return {
        "start": time_of(window.start_ms),
        "end": time_of(window.end_ms),
        "covered_seconds": window.covered_seconds,
    }


def _check(judged: Judged) -> dict[str, Any]:
    evidence = [
        {"file": whole_text(place.file), "line": place.line, "text": whole_text(place.text)}
        for place in judged.evidence
    ]
    return {
        "number": judged.number,
        "id": judged.id,
        "title": judged.title,
        "outcome": judged.outcome.value,
        "observed": _value(judged.observed),
        "expected": _value(judged.expected),
        "detail": whole_text(judged.detail),
        "evidence": evidence,
        "remedy": whole_text(judged.remedy),
    }


def time_of(ms: int) -> str:
    """Write a time (ms) as contract §8 has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms // 1000))


def whole_text(text: str) -> str:
    """Keep a text as it is, but for halves of characters, which a strict reader refuses."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _value(value: float | str | None) -> float | str | None:
    """Keep a value as it is, but for numbers that JSON does not know."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return whole_text(value) if isinstance(value, str) else value
