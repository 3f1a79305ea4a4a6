"""What changed between two snapshots, for a person and for a script."""

import json
from collections.abc import Iterator, Sequence

from genesis_ops import __version__
from genesis_ops.report.text import Line, Page, Span
from genesis_ops.state.differences import Difference
from genesis_ops.words import duration, iso, stamp

SCHEMA = "genesis-ops.snapshot-diff/1"


def lines(found: Sequence[Difference], page: Page, earlier_ms: int, later_ms: int) -> Iterator[Line]:
    """Draw each section with what is otherwise in it: what was, and under it what is."""
    arrow = "→" if page.unicode else "->"
    apart = duration(abs(later_ms - earlier_ms) / 1000)
    head = f"{stamp(earlier_ms)} {arrow} {stamp(later_ms)} UTC ({apart})"
    yield from page.under("Snapshots  ", head, "bold")
    section = ""
    for difference in found:
        if difference.section != section:
            section = difference.section
            yield ()
            yield (Span(page.shown(section), "bold"),)
        yield from _difference(difference, page)
    yield ()
    yield (Span(f"{len(found) or 'no'} {'difference' if len(found) == 1 else 'differences'}", "bold"),)


def _difference(difference: Difference, page: Page) -> Iterator[Line]:
    name, before, after = difference.name, difference.before, difference.after
    own = {before, after} - {""} == {name}
    if not own:
        yield from page.under("  ", name)
    if before:
        yield from page.under("    - ", before, "red")
    if after:
        yield from page.under("    + ", after, "green")


def as_json(found: Sequence[Difference], earlier_ms: int, later_ms: int) -> str:
    """Write the differences as one object; null stands for what is not there."""
    document = {
        "schema": SCHEMA,
        "version": __version__,
        "earlier": iso(earlier_ms),
        "later": iso(later_ms),
        "differences": [
            {"section": each.section, "name": each.name, "before": each.before or None, "after": each.after or None}
            for each in found
        ],
    }
    return f"{json.dumps(document, indent=2)}\n"
