"""The log around each finding, with line numbers (runbook, Support and Escalation: relevant log excerpts)."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from genesis_ops.checks.model import Judged, Outcome, Place, Report
from genesis_ops.words import visible

_AROUND = 15
_LONGEST = 2000


def excerpts(reports: Sequence[Report], logs: Path) -> Iterator[tuple[str, str]]:
    """Give a name and a text for each check that is not well: what it found, and the lines around each proof."""
    for report in reports:
        for judged in report.checks:
            if judged.outcome in {Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN}:
                yield f"{report.command}-{judged.id}", "\n".join(_told(report, judged, logs)) + "\n"


def _told(report: Report, judged: Judged, logs: Path) -> Iterator[str]:
    yield f"{report.command} {judged.number} {judged.id}: {judged.outcome}"
    yield visible(judged.detail)
    if judged.remedy:
        yield f"next: {visible(judged.remedy)}"
    for place in judged.evidence:
        yield ""
        yield visible(f"{place.file}:{place.line}" if place.line else place.file)
        yield from _around(place, logs) if place.line else (f"       {visible(place.text)}",)


def _around(place: Place, logs: Path) -> Iterator[str]:
    """Show the lines around a proof as the copy has them; the proof alone where the file is not there."""
    path = logs / Path(place.file.replace("\\", "/")).name
    first = max(1, place.line - _AROUND)
    lines = _lines(path, first, place.line + _AROUND)
    if not lines:
        yield f"     > {visible(place.text)}"
    for number, line in enumerate(lines, first):
        yield f"{number:>7}{'>' if number == place.line else ' '} {visible(line)[:_LONGEST]}"


def _lines(path: Path, first: int, last: int) -> list[str]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            found = [*islice(file, first - 1, last)]
    except (OSError, EOFError, zlib.error):
        return []
    return [line.rstrip(b"\r\n").decode("utf-8", "backslashreplace") for line in found]
