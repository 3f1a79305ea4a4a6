"""A report as metrics, for the textfile collector or a push: outcomes as sets of states, the sums as gauges."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from genesis_ops.checks.model import Judged, Outcome, Report
from genesis_ops.words import visible

_VERDICTS = (Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN)


Sample = tuple[dict[str, str], float]
"""Labels and a value; one that is no number is written as the format wants it."""

CHECK_OUTCOME = ("check_outcome", "What a check came to: 1 for its outcome, 0 for every other.")
VERDICT = ("verdict", "What all checks together came to: 1 for the verdict, 0 for every other.")


class Metric(NamedTuple):
    """A family: its name, what it means, its samples, and its type."""

    name: str
    help: str
    samples: tuple[Sample, ...]
    type: str = "gauge"


def render(report: Report) -> str:
    """Write a report in the text exposition format; a state that holds is 1, every other one of its set 0."""
    shared = {"command": report.command}
    return "".join(f"{line}\n" for metric in _metrics(report) for line in written(metric, shared))


def _metrics(report: Report) -> Iterator[Metric]:
    yield Metric(*CHECK_OUTCOME, tuple(outcomes(report)))
    yield Metric(*VERDICT, tuple(verdicts(report)))
    yield _single("exit_code", "What the process ended with.", report.exit_code.value)
    yield _single("report_timestamp_seconds", "When the report was made.", report.generated_ms // 1000)
    if report.window is not None:
        covered = report.window.covered_seconds
        yield _single("window_covered_seconds", "How much of the window the log covers.", covered)
    for name, value in (report.summary or {}).items():
        yield _single(f"window_{_name(name)}", f"The window's {_name(name).replace('_', ' ')}.", value)


def _single(name: str, meaning: str, value: float) -> Metric:
    return Metric(name, meaning, (({}, value),))


def outcomes(report: Report) -> Iterator[Sample]:
    """Give a set of states for each check."""
    return (sample for judged in report.checks for sample in _states(judged))


def verdicts(report: Report) -> Iterator[Sample]:
    """Give the set of states of the verdict."""
    return (({"verdict": each.value}, int(each is report.verdict)) for each in _VERDICTS)


def _states(judged: Judged) -> Iterable[Sample]:
    return (({"check": judged.id, "outcome": each.value}, int(each is judged.outcome)) for each in Outcome)


def written(metric: Metric, shared: Mapping[str, str]) -> Iterator[str]:
    """Write a family, with the labels that all of its samples share before their own."""
    name = f"genesis_ops_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.type}"
    for labels, value in metric.samples:
        pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in {**shared, **labels}.items())
        yield f"{name}{{{pairs}}} {_number(value)}"


def _number(value: float) -> str:
    if math.isfinite(value):
        return str(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"')


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", text.lower())
