"""A stretch of the log as a picture: a row a day, a cell an hour, a mark for what became of the candles in it."""

from collections.abc import Sequence
from typing import NamedTuple

from genesis_ops.runlog.tally import Fate, Hour
from genesis_ops.words import DAY_MS, HOUR_MS, day_name

_WORST_FIRST = (Fate.MISSING, Fate.LATE, Fate.UNCOVERED, Fate.ACTION, Fate.PROCESSED)
_HOURS = 24


class Cell(NamedTuple):
    """A mark and the colour that repeats, never replaces, what it says."""

    mark: str
    style: str


class Row(NamedTuple):
    """A line of the picture: its label, and the cells after it."""

    label: str
    cells: tuple[Cell, ...]


_STYLES = {
    Fate.PROCESSED: "green",
    Fate.ACTION: "bold cyan",
    Fate.LATE: "yellow",
    Fate.MISSING: "bold red",
    Fate.UNCOVERED: "dim",
}
_MARKS = dict(zip(_STYLES, "█▲▒░·", strict=True))
_ASCII = dict(zip(_STYLES, "#^~x.", strict=True))
_NAMES = {
    Fate.PROCESSED: "processed",
    Fate.ACTION: "action",
    Fate.LATE: "late",
    Fate.MISSING: "missing",
    Fate.UNCOVERED: "not covered",
}


def can_show(encoding: str | None) -> bool:
    """Tell whether a terminal's encoding has the picture's marks; ASCII ones stand in for them where not."""
    try:
        "".join(_MARKS.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def picture(hours: Sequence[Hour], *, unicode: bool) -> tuple[Row, ...]:
    """Draw candles by the hour they opened in (UTC); where an hour holds several, its worst fate is shown."""
    marks = _MARKS if unicode else _ASCII
    fates: dict[int, Fate] = {}
    for hour in hours:
        at = hour.open_ms - hour.open_ms % HOUR_MS
        fates[at] = min(fates.get(at, hour.fate), hour.fate, key=_WORST_FIRST.index)
    days = sorted({at - at % DAY_MS for at in fates})
    return tuple(
        Row(day_name(start), tuple(_cell(fates.get(start + n * HOUR_MS), marks) for n in range(_HOURS)))
        for start in days
    )


def _cell(fate: Fate | None, marks: dict[Fate, str]) -> Cell:
    return Cell(" ", "") if fate is None else Cell(marks[fate], _STYLES[fate])


def legend(*, unicode: bool) -> tuple[tuple[Cell, str], ...]:
    """Name the marks."""
    marks = _MARKS if unicode else _ASCII
    return tuple((Cell(marks[fate], _STYLES[fate]), name) for fate, name in _NAMES.items())
