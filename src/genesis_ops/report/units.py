"""What becomes of a directory of units, for the person who has it written."""

from collections.abc import Iterator, Sequence

from genesis_ops.checks.units import UnitFile, changes
from genesis_ops.report.text import Line, Page, Span

_STYLES = {"-": "red", "+": "green"}


def lines(files: Sequence[UnitFile], page: Page) -> Iterator[Line]:
    """Draw every file in a line, and under what is replaced the lines that go and come."""
    for file in files:
        yield (Span("  "), Span(page.cut(f"{file.name}  {said(file)}", page.width - 2), "" if file.same else "bold"))
        if file.found is not None and not file.same:
            for each in changes(file):
                yield from page.under(f"{each.number:>6}  {each.sign} ", each.text, _STYLES[each.sign])


def said(file: UnitFile) -> str:
    """Say what a file is, before anything is written."""
    if file.masked:
        return "masked"
    if file.fault:
        return f"cannot be read: {file.fault}"
    if file.found is None:
        return "new"
    if file.same:
        return "as it should be"
    return "changed by hand" if file.by_hand else "renewed"
