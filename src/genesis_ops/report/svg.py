"""Geometry for charts that are drawn without a library: numbers in, SVG path data out; pure.

Every chart is ``WIDE`` by ``HIGH`` of its own units and stretched to its place, so that it fits a screen and a phone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import log10
from typing import NamedTuple

WIDE = 1000
HIGH = 100

Point = tuple[float, float | None]
"""A place across and a value; None where there is none."""
Scale = Callable[[float], float]


class Tick(NamedTuple):
    """A label beside a chart and where it stands, in percent from the chart's left or its top."""

    at: float
    label: str


def across(from_ms: int, to_ms: int) -> Scale:
    """Put times (ms) across the chart."""
    length = max(1, to_ms - from_ms)
    return lambda ms: round(WIDE * (ms - from_ms) / length, 1)


def upwards(low: float, high: float) -> Scale:
    """Put values up the chart, the low one near its foot; equal ones stand in the middle."""
    if high <= low:
        return lambda _: HIGH / 2
    return lambda value: round(HIGH * (0.96 - 0.92 * (value - low) / (high - low)), 1)


def by_magnitude(highest: float) -> Scale:
    """Put lengths from nothing to the highest up the chart by their magnitude, so that a short one still shows."""
    top = log10(1 + max(highest, 1.0))
    return lambda value: round(HIGH * (1 - 0.96 * min(1.0, log10(1 + max(0.0, value)) / top)), 1)


def line(points: Iterable[Point], up: Scale) -> str:
    """Join values with a line that breaks where one is missing."""
    drawn, joined = [], False
    for x, value in points:
        if value is not None:
            drawn.append(f"{'L' if joined else 'M'}{_short(x)} {_short(up(value))}")
        joined = value is not None
    return "".join(drawn)


def steps(points: Sequence[tuple[float, float]], up: Scale, end: float) -> str:
    """Draw values that stay until the next one, the last one to the end."""
    if not points:
        return ""
    (x, value), *others = points
    return f"M{_short(x)} {_short(up(value))}" + "".join(_step(others, up)) + f"H{_short(end)}"


def _step(points: Iterable[tuple[float, float]], up: Scale) -> Iterator[str]:
    return (f"H{_short(x)}V{_short(up(value))}" for x, value in points)


def needles(points: Iterable[Point], up: Scale) -> str:
    """Draw each value as a line from the chart's foot."""
    return "".join(f"M{_short(x)} {HIGH}V{_short(up(value))}" for x, value in points if value is not None)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
