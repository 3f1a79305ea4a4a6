"""A report as metrics, for the textfile collector or a push: outcomes as sets of states, the sums as gauges."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from genesis_ops.checks.model import Judged, Outcome, Report
from genesis_ops.words import visible

_VERDICTS = (Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN)


class Metric(NamedTuple):
    """A gauge: its name, what it means, and its samples, each the labels beside the command and a value."""

    name: str
    help: str
    samples: tuple[tuple[dict[str, str], int], ...]


def render(report: Report) -> str:
    """Write a report in the text exposition format; a state that holds is 1, every other one of its set 0."""
    return "".join(f"{line}\n" for metric in _metrics(report) for line in _written(metric, report.command))


def _metrics(report: Report) -> Iterator[Metric]:
    checks = tuple(sample for judged in report.checks for sample in _states(judged))
    yield Metric("check_outcome", "What a check came to: 1 for its outcome, 0 for every other.", checks)
    verdicts = tuple(({"verdict": each.value}, int(each is report.verdict)) for each in _VERDICTS)
    yield Metric("verdict", "What all checks together came to: 1 for the verdict, 0 for every other.", verdicts)
    yield _single("exit_code", "What the process ended with.", report.exit_code.value)
    yield _single("report_timestamp_seconds", "When the report was made.", report.generated_ms // 1000)
    if report.window is not None:
        covered = report.window.covered_seconds
        yield _single("window_covered_seconds", "How much of the window the log covers.", covered)
    for name, value in (report.summary or {}).items():
        yield _single(f"window_{_name(name)}", f"The window's {_name(name).replace('_', ' ')}.", value)


def _single(name: str, meaning: str, value: int) -> Metric:
    return Metric(name, meaning, (({}, value),))


def _states(judged: Judged) -> Iterable[tuple[dict[str, str], int]]:
    return (({"check": judged.id, "outcome": each.value}, int(each is judged.outcome)) for each in Outcome)


def _written(metric: Metric, command: str) -> Iterator[str]:
    name = f"genesis_ops_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} gauge"
    for labels, value in metric.samples:
        pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in ({"command": command} | labels).items())
        yield f"{name}{{{pairs}}} {value}"


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"')


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", text.lower())
