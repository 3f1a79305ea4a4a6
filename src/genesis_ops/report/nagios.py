"""A report as a monitoring plugin tells it: one line, and figures behind a bar.

The rules are those of the Monitoring Plugins Development Guidelines: ``label=value[unit];warn;crit;min;max``, where a
threshold of 0 alerts on anything above it.
"""

import re
from enum import IntEnum

from genesis_ops.checks.model import Judged, Outcome, Report
from genesis_ops.report.cells import cut, shown
from genesis_ops.report.sentence import sentence
from genesis_ops.words import Exit

_LONGEST = 400
"""How many characters the text may have: an agent between plugin and server cuts a line at 1024, figures and all."""

_WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN)


class Status(IntEnum):
    """A plugin's exit codes (contract §7)."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def status(report: Report) -> Status:
    """Translate what the process would end with; a warning that counts as a failure is critical."""
    if report.overruled is not None:
        return Status.CRITICAL if report.verdict is Outcome.FAIL else Status.UNKNOWN
    if report.exit_code is Exit.FAIL:
        return Status.CRITICAL
    if report.exit_code is Exit.UNKNOWN:
        return Status.UNKNOWN
    return Status.WARNING if report.verdict is Outcome.WARN else Status.OK


def render(report: Report) -> str:
    """Write a report as one line of ASCII without any bar but the one before the figures."""
    text = shown(_text(report).replace("|", "/"), unicode=False)
    return f"{cut(text, _LONGEST, unicode=False)} | {' '.join(_figures(report))}\n"


def _text(report: Report) -> str:
    """Say the verdict, and what is wrong, the worst first."""
    wrong = sorted((judged for judged in report.checks if judged.outcome in _WORST_FIRST), key=_severity)
    details = "; ".join(f"{judged.id}: {judged.detail}" for judged in wrong)
    said = f"GENESIS {report.command.upper()} {status(report).name} - {sentence(report)}"
    return f"{said}: {details}" if details else said


def _severity(judged: Judged) -> int:
    return _WORST_FIRST.index(judged.outcome)


def _figures(report: Report) -> list[str]:
    outcomes = [judged.outcome for judged in report.checks]
    most = len(outcomes)
    covered = report.window and f"covered={report.window.covered_seconds}s;;;0"
    return [
        f"failed={outcomes.count(Outcome.FAIL)};;0;0;{most}",
        f"warnings={outcomes.count(Outcome.WARN)};0;;0;{most}",
        f"unknown={outcomes.count(Outcome.UNKNOWN)};;;0;{most}",
        *([covered] if covered else []),
        *(f"{_label(name)}={value}" for name, value in (report.summary or {}).items()),
    ]


def _label(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)
