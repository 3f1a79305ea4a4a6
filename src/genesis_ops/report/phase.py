"""The phase report for a person at a terminal: 42 rows of 24 hours, the sums, the criteria, and what is left to ask."""

from collections.abc import Iterator, Sequence

from genesis_ops.checks.wording import count
from genesis_ops.report.cells import cells
from genesis_ops.report.phase_facts import Day, PhaseFacts, hours_without_evaluation, longest_first, told_outage
from genesis_ops.report.picture import Cell, Row, legend, picture
from genesis_ops.report.text import Line, Page, Span, checks, head, notes, spaced, verdict
from genesis_ops.runlog.tally import Hour
from genesis_ops.words import HOUR_MS

MOST_OUTAGES = 12
"""How many outages are named one by one, the longest first."""

_LABEL = 18
_HOURS = 24
_UNEVALUATED = Cell("e", "bold yellow")


def lines(found: PhaseFacts, page: Page) -> Iterator[Line]:
    """Draw the report: the picture first, the verdict last."""
    report = found.report
    yield from head(report, page)
    blocks = (
        drawn(found, page),
        _sums(found, page),
        checks(report, page),
        _outages(found, page),
        _questions(found, page),
        notes(report, page),
        verdict(report, page),
    )
    yield from spaced(blocks)


def drawn(found: PhaseFacts, page: Page) -> Iterator[Line]:
    """Draw the phase hour by hour, a row a day; beside it what a day lacks."""
    if not found.candles:
        return
    label = _room(page)
    each = 2 if page.width >= label + 2 * _HOURS else 1
    ruler = "".join(f"{hour:02d}".ljust(3 * each) for hour in range(0, _HOURS, 3)).rstrip()
    yield (Span(" " * label), Span(ruler, "dim"))
    hours = tuple(Hour(candle.open_ms, candle.close_ms, candle.fate) for candle in found.candles)
    without = hours_without_evaluation(found.candles)
    for row, day in zip(picture(hours, unicode=page.unicode), found.days, strict=True):
        yield _row(_marked(row, day.start_ms, without), day, each, page)
    named = [*legend(unicode=page.unicode), *([(_UNEVALUATED, "not evaluated")] if without else [])]
    yield from _flowing([(Span(cell.mark, cell.style), Span(f" {name}")) for cell, name in named], page)


def _marked(row: Row, start_ms: int, without: frozenset[int]) -> Row:
    """Put a letter where a close was announced and not evaluated: its candle's fate alone would look well."""
    hours = (start_ms + number * HOUR_MS for number in range(_HOURS))
    return row._replace(
        cells=tuple(_UNEVALUATED if at in without else cell for at, cell in zip(hours, row.cells, strict=True))
    )


def _room(page: Page) -> int:
    """Leave out a day's number where there is no room for it beside its date."""
    return _LABEL if page.width >= _LABEL + _HOURS else _LABEL - len("Day 41  ")


def _row(row: Row, day: Day, each: int, page: Page) -> Line:
    name = f"  {f'Day {day.number}':<6}  {row.label}  "
    label = name if len(name) == _room(page) else f"  {row.label}  "
    said = _beside(day)
    room = page.width - len(label) - each * _HOURS - 2
    tail = (Span(f"  {said}", "dim"),) if said and len(said) <= room else ()
    return (Span(label), *(Span(cell.mark * each, cell.style) for cell in row.cells), *tail)


def _beside(day: Day) -> str:
    if day.processed < day.expected:
        return f"{day.processed} of {day.expected}"
    return count(day.orders, "order") if day.orders else ""


def _flowing(items: Sequence[Line], page: Page) -> Iterator[Line]:
    """Put the marks' names beside each other, and on a new line where there is no room."""
    line: Line = ()
    for item in items:
        longer = (*line, Span("  "), *item) if line else (Span(" " * min(_LABEL, page.width // 4)), *item)
        if line and sum(cells(span.text) for span in longer) > page.width:
            yield line
            longer = (Span(" " * min(_LABEL, page.width // 4)), *item)
        line = longer
    yield line


def _sums(found: PhaseFacts, page: Page) -> Iterator[Line]:
    for name, text in found.sums:
        yield from page.under(f"  {name:<12}", text)


def _outages(found: PhaseFacts, page: Page) -> Iterator[Line]:
    if not found.outages:
        return
    yield (Span("Outages, the longest first", "bold"),)
    for outage in longest_first(found.outages)[:MOST_OUTAGES]:
        begin, length, cost, cause = told_outage(outage)
        yield (Span(page.cut(f"  {begin}  {length:>7}  {cost:>9}  {cause}", page.width)),)
    rest = longest_first(found.outages)[MOST_OUTAGES:]
    if rest:
        shorter = f"and {len(rest)} more, none longer than {told_outage(rest[0])[1]}"
        yield from page.under("  ", shorter, "dim")


def _questions(found: PhaseFacts, page: Page) -> Iterator[Line]:
    if not found.questions:
        return
    yield from page.under("", "Open questions for the promotion decision", "bold")
    for number, question in enumerate(found.questions, 1):
        yield from page.under(f"  {number:>2}. ", question)
