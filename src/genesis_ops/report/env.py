"""An environment file's report with its table: what systemd, a shell and python-dotenv make of a key, side by side."""

import json
from collections.abc import Iterable, Iterator

from genesis_ops.checks.env import EnvFile
from genesis_ops.checks.model import Report
from genesis_ops.envfile.sidebyside import READERS, Row
from genesis_ops.report import as_json
from genesis_ops.report.cells import cells, wrapped
from genesis_ops.report.env_mask import HIDDEN_NAME, row_cells
from genesis_ops.report.text import Line, Page, Span, checks, head, notes, spaced, verdict

_SIDE_BY_SIDE = 72
"""The width (cells) from which on the readers stand beside each other."""
_LINE = 6
_GAP = 2
_LONGEST_NAME = 22
_MOST_ROWS = 50


def lines(report: Report, file: EnvFile, page: Page) -> tuple[Line, ...]:
    """Draw the checks, the table of what is read differently, and the verdict last."""
    after = (table(file.rows, page), notes(report, page), verdict(report, page))
    return (*head(report, page), *checks(report, page), *spaced(after))


def document(report: Report, file: EnvFile) -> str:
    """Write a report as one JSON object, with ``keys``: those that are not read alike, and what each reader has."""
    keys = [_as_json(row) for row in file.rows]
    return json.dumps(as_json.document(report) | {"keys": keys}, indent=2, allow_nan=False) + "\n"


def _as_json(row: Row) -> dict[str, object]:
    told: dict[str, object] = {
        reader.removeprefix("a "): {"length": None if each.value is None else len(each.value.reveal()), "reads": cell}
        for reader, each, cell in zip(READERS, row.told, row_cells(row), strict=True)
    }
    return {"line": row.line, "name": row.name or None} | told


def table(rows: tuple[Row, ...], page: Page) -> Iterator[Line]:
    """Draw a row for each key, the readers under each other where there is no room beside; nothing of no rows."""
    if not rows:
        return
    drawn = _beside(rows[:_MOST_ROWS], page) if page.width >= _SIDE_BY_SIDE else _below(rows[:_MOST_ROWS], page)
    yield from drawn
    if len(rows) > _MOST_ROWS:
        yield from page.under("  ", f"and {len(rows) - _MOST_ROWS} more: genesis-ops env check --format json", "dim")


def _beside(rows: tuple[Row, ...], page: Page) -> Iterator[Line]:
    names = [row.name or HIDDEN_NAME for row in rows]
    column = min(max(map(len, names)), _LONGEST_NAME) + _GAP
    room = (page.width - _LINE - _GAP - column) // len(READERS)
    yield (
        Span(f"{'line':>{_LINE}}{' ' * _GAP}{'key':{column}}{''.join(f'{each:{room}}' for each in READERS)}", "dim"),
    )
    for row, name in zip(rows, names, strict=True):
        columns = [wrapped(page.shown(cell), room - _GAP) for cell in row_cells(row)]
        for at in range(max(map(len, columns))):
            lead = f"{row.line:>{_LINE}}{' ' * _GAP}{page.cut(name, column - _GAP):{column}}"
            told = (_padded(column[at] if at < len(column) else "", room) for column in columns)
            yield (Span(lead if at == 0 else " " * len(lead)), *map(Span, told))


def _padded(text: str, room: int) -> str:
    return text + " " * (room - cells(text))


def _below(rows: Iterable[Row], page: Page) -> Iterator[Line]:
    for row in rows:
        yield from page.under(f"  line {row.line}  ", row.name or HIDDEN_NAME)
        for reader, cell in zip(READERS, row_cells(row), strict=True):
            yield from page.under(f"    {reader:9}", cell)
