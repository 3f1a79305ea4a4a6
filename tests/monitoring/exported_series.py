"""What the exporter really writes, to hold alerts and panels against: every family with its labels and their values."""

import re
from collections.abc import Iterator
from pathlib import Path

from metrics_samples import EXPORT

from genesis_ops.report.metrics import render

CONFIG = Path(__file__).parents[2] / "config"
LABELS_OF_PROMETHEUS = {"instance", "job"}
"""What a scrape adds to every series."""
_SELECTOR = re.compile(r"(genesis_ops_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')
Series = dict[str, dict[str, set[str]]]


def exported() -> Series:
    """Give the values of each label of each family."""
    found: Series = {}
    for line in render((EXPORT,)).splitlines():
        if line.startswith("#"):
            continue
        name, _, rest = line.partition("{")
        labels = found.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="([^"]*)"', rest):
            labels.setdefault(label, set()).add(value)
    return found


def unknown(expression: str, series: Series) -> Iterator[str]:
    """Name what an expression asks for that is never written: a metric, a label, or a label's value."""
    for name, matchers in _SELECTOR.findall(expression):
        if name not in series:
            yield name
            continue
        for label, sign, value in _MATCHER.findall(matchers):
            if label in LABELS_OF_PROMETHEUS or value.startswith("$"):
                continue
            values = value.split("|") if sign.endswith("~") else [value]
            yield from (f"{name}: {label}={one}" for one in values if one not in series[name].get(label, set()))
