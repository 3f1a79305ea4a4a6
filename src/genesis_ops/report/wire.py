"""A report for another host's genesis-ops: the JSON of scripts (contract §8), and what else a table shows."""

import json
from typing import Any

from genesis_ops.checks.model import Report
from genesis_ops.report.as_json import document, time_of, whole_text


def render(report: Report) -> str:
    """Write a report as one object, in ASCII; ``from_json.py`` reads it."""
    return json.dumps(document(report) | {"shown": _shown(report)}, allow_nan=False) + "\n"


def _shown(report: Report) -> dict[str, Any]:
    hours = [
        {"open": time_of(hour.open_ms), "close": time_of(hour.close_ms), "fate": hour.fate.value}
        for hour in report.hours
    ]
    return {
        "subject": whole_text(report.subject),
        "market": whole_text(report.market),
        "closing": whole_text(report.closing),
        "notes": list(map(whole_text, report.notes)),
        "hours": hours,
        "bonus": [whole_text(judged.id) for judged in report.checks if judged.bonus],
    }
