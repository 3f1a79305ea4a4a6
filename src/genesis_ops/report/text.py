"""A report for a person at a terminal: one look tells the verdict, a second why, a third what to do.

The lines are data, a style beside each text, so that whoever has a terminal adds the colours and nobody needs them.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from genesis_ops.checks.model import Judged, Movement, Outcome, Place, Report
from genesis_ops.report.cells import cells, cut, shown, wrapped
from genesis_ops.report.sentence import ending, sentence, sums
from genesis_ops.runlog.tally import Hour
from genesis_ops.words import day_name

NARROWEST = 40
"""The width (cells) below which a report is not made any narrower."""

_MARKS = dict(zip(Outcome, "✓!✗?–", strict=True))  # noqa: RUF001 - a mark, not a hyphen
_ASCII = dict(zip(Outcome, "+!x?-", strict=True))
_STYLES = dict(zip(Outcome, ("green", "yellow", "red", "magenta", "dim"), strict=True))
_INDENT = 7
_GAP = 5
_PICTURE = 10  # the label of a row and the room around it
_CURRENCY = 12
_LOGGER = "paper_trading_runner"
_SIGNS = "✓✗–→…"  # noqa: RUF001 - signs, not letters


class Span(NamedTuple):
    """A piece of a line, and the colour that repeats, never replaces, what it says."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


class Page(NamedTuple):
    """What the lines are drawn on: so many cells wide, with or without more signs than ASCII."""

    width: int
    unicode: bool

    def shown(self, text: str) -> str:
        """Make untrusted text fit for this page."""
        return shown(text, unicode=self.unicode)

    def cut(self, text: str, width: int) -> str:
        """Cut untrusted text to a width."""
        return cut(self.shown(text), width, unicode=self.unicode)

    def under(self, lead: str, text: str, style: str = "") -> Iterator[Line]:
        """Put untrusted text after a lead, and what does not fit under its own beginning."""
        room = cells(lead)
        first, *rest = wrapped(self.shown(text), self.width - room)
        yield (Span(f"{lead}{first}", style),)
        yield from ((Span(f"{' ' * room}{line}", style),) for line in rest)


def mark(outcome: Outcome, page: Page) -> Span:
    """Give the mark of an outcome, in its colour."""
    return Span((_MARKS if page.unicode else _ASCII)[outcome], f"bold {_STYLES[outcome]}")


def can_show(encoding: str) -> bool:
    """Tell whether an encoding has all the signs of a report; ASCII ones stand in for them where not."""
    from genesis_ops.report import picture

    try:
        _SIGNS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return picture.can_show(encoding)


def render(report: Report, *, width: int, unicode: bool) -> str:
    """Write a report as plain text, no line wider than ``width`` (cells), without any style."""
    drawn = lines(report, width=width, unicode=unicode)
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in drawn)


def lines(report: Report, *, width: int, unicode: bool) -> tuple[Line, ...]:
    """Draw a report: the checks, the window hour by hour, the sums, the notes, and the verdict last."""
    page = Page(max(width, NARROWEST), unicode)
    found = (pictured(report.hours, page), movements(report.wallets, page), _summary(report, page))
    after = (*found, notes(report, page), verdict(report, page))
    return (*head(report, page), *checks(report, page), *spaced(after))


def spaced(blocks: Iterable[Iterable[Line]]) -> Iterator[Line]:
    """Put an empty line before every block that has lines."""
    for block in map(tuple, blocks):
        if block:
            yield ()
            yield from block


def head(report: Report, page: Page) -> Iterator[Line]:
    """Say what was judged, and which market at the line's end."""
    market = page.shown(report.market)
    *full, last = page.under(f"{page.cut(report.command.capitalize(), page.width // 2)}  ", report.subject, "bold")
    yield from full
    room = page.width - cells(last[0].text) - cells(market)
    if not market or room >= 2:  # noqa: PLR2004 - two spaces part two columns
        yield (*last, Span(f"{' ' * room}{market}" if market else "", "bold"))
        return
    yield last
    yield from page.under("  ", report.market, "bold")


def checks(report: Report, page: Page) -> Iterator[Line]:
    """Draw every check in a line, and under what is not PASS its proof and what to do."""
    digits = max(2, len(str(max((judged.number for judged in report.checks), default=0))))
    lead = digits + 5  # the mark between two spaces on either side, and one after the number
    longest = max((cells(page.shown(judged.id)) for judged in report.checks), default=0)
    column = min(longest + 3, page.width - lead - page.width // 3)
    for judged in report.checks:
        yield from _check(judged, page, digits, column)
        if judged.outcome is not Outcome.PASS:
            yield from _why(judged, page)


def _check(judged: Judged, page: Page, digits: int, column: int) -> Iterator[Line]:
    name = page.cut(judged.id, column - 1)
    number = f" {judged.number:>{digits}} "
    indent = 3 + len(number) + column
    first, *rest = wrapped(page.shown(judged.detail), page.width - indent)
    style = "" if judged.outcome is Outcome.PASS else "bold"
    padding = " " * (column - cells(name))
    yield (
        Span("  "),
        mark(judged.outcome, page),
        Span(number),
        Span(name, style),
        Span(f"{padding}{first}"),
    )
    yield from ((Span(f"{' ' * indent}{line}"),) for line in rest)


def _why(judged: Judged, page: Page) -> Iterator[Line]:
    """Show the proof, a line each, and what to do."""
    for place in judged.evidence:
        yield (Span(" " * _INDENT), Span(page.cut(proof(place), page.width - _INDENT), "dim"))
    if judged.remedy:
        yield from page.under(f"{' ' * _INDENT}{'→' if page.unicode else '->'} ", judged.remedy, "cyan")


def proof(place: Place) -> str:
    """Name a line and what it says, as short as it can be told."""
    where = place.file.replace("\\", "/").rpartition("/")[2]
    line = f":{place.line}" if place.line else ""
    return f"{where}{line}  {_shortened(place.text)}".rstrip()


def _shortened(text: str) -> str:
    """Write a runner's log line without what every line of it says; any other text as it is (contract §2)."""
    stamp, *rest = text.split(" - ", 3)
    if len(rest) != 3 or rest[0] != _LOGGER:  # noqa: PLR2004 - logger, level and message
        return text
    try:
        at = datetime.fromisoformat(f"{stamp}+00:00")
    except ValueError:
        return text
    return f"{day_name(int(at.timestamp()) * 1000)} {at:%H:%M:%S} {rest[2]}"


def pictured(hours: Sequence[Hour], page: Page) -> Iterator[Line]:
    """Draw a stretch of the log hour by hour, two cells an hour where there is room; nothing of no candles."""
    if not hours:
        return
    from genesis_ops.report.picture import legend, picture

    each = 2 if page.width >= _PICTURE + 48 else 1
    ruler = "".join(f"{hour:02d}".ljust(3 * each) for hour in range(0, 24, 3)).rstrip()
    yield (Span(" " * _PICTURE), Span(ruler, "dim"))
    for row in picture(hours, unicode=page.unicode):
        yield (Span(f"  {row.label}  "), *(Span(cell.mark * each, cell.style) for cell in row.cells))
    marks = ((Span(cell.mark, cell.style), Span(f" {name}")) for cell, name in legend(unicode=page.unicode))
    yield from flowing(marks, page)


def flowing(items: Iterable[Line], page: Page, label: str = " " * _PICTURE, apart_by: int = 2) -> Iterator[Line]:
    """Put items beside each other after a label, and on a new line under the first where there is no room."""
    indent = Span(" " * cells(label))
    line: Line = (Span(label),)
    for item in items:
        apart = (Span(" " * apart_by),) if len(line) > 1 else ()
        if _cells((*line, *apart, *item)) > page.width:
            yield line
            line, apart = (indent,), ()
        line = (*line, *apart, *item)
    yield line


def _cells(line: Line) -> int:
    return sum(cells(span.text) for span in line)


def movements(found: Sequence[Movement], page: Page) -> Iterator[Line]:
    """Draw what the wallets held before and hold now, a currency a line; on a narrow page only what fits of it."""
    if not found:
        return
    rows = [("", "before", "now", "change"), *(_movement(each, page) for each in found)]
    name, *widths = (max(cells(row[place]) for row in rows) + 2 for place in range(4))
    first = next((place for place in range(3) if name + sum(widths[place:]) <= page.width), 2)
    for row, each in zip(rows, (None, *found), strict=True):
        told = "".join(f"{cell:>{width}}" for cell, width in list(zip(row[1:], widths, strict=True))[first:])
        style = "dim" if each is None else "bold" if each.change else ""
        yield (Span(page.cut(f"  {row[0]}{' ' * (name - 2 - cells(row[0]))}{told}", page.width), style),)


def _movement(found: Movement, page: Page) -> tuple[str, ...]:
    amounts = (amount(found.before), amount(found.after), amount(found.change, signed=True))
    return (page.cut(found.currency, _CURRENCY), *amounts)


def amount(value: float | None, *, signed: bool = False) -> str:
    """Write an amount of money as exactly as the wallets tell it; a dash where nothing is told."""
    if value is None:
        return "-"
    text = f"{value + 0.0:{'+' if signed and value else ''},.8f}"
    return text.rstrip("0").rstrip(".")


def _summary(report: Report, page: Page) -> Iterator[Line]:
    """Add up the window in the runbook's words (runbook, Day 1 step 1)."""
    for text in sums(report):
        yield from page.under("  ", text)


def notes(report: Report, page: Page) -> Iterator[Line]:
    """Say what else a person should know."""
    for note in report.notes:
        yield from page.under("  note: ", note)


def verdict(report: Report, page: Page) -> Iterator[Line]:
    """Say the verdict in the last line; what closes it stands on lines of its own where there is no room beside it."""
    lead = Span(f"{report.verdict}  ", f"bold {_STYLES[report.verdict]}")
    said = (lead, Span(page.shown(sentence(report))))
    end = (Span(" " * _GAP), Span(ending(report)))
    closing = page.shown(report.closing)
    whole = (*said, *end, *((Span(" " * _GAP), Span(closing)) if closing else ()))
    if _cells(whole) <= page.width:
        yield whole
        return
    if closing:
        yield from page.under("", report.closing)
    if _cells((*said, *end)) <= page.width:
        yield (*said, *end)
        return
    yield from page.under(lead.text, f"{sentence(report)}, {ending(report)}", "bold")
