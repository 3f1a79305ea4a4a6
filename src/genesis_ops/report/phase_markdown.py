"""The phase report as Markdown, for a repository or a ticket; no text from a log can become markup in it."""

from collections.abc import Iterator

from genesis_ops.report.markdown import escaped, render
from genesis_ops.report.phase import drawn
from genesis_ops.report.phase_facts import PhaseFacts, longest_first, told_filled, told_outage
from genesis_ops.report.text import Page
from genesis_ops.words import clock_time, day_name

_WIDTH = 80


def phase_markdown(found: PhaseFacts) -> str:
    """Write the report's own table and verdict, and between them the picture, the sums and the rows."""
    whole = render(found.report).rstrip("\n")
    above, _, ending = whole.rpartition("\n\n")
    heading, _, criteria = above.partition("\n\n")
    blocks = (
        heading,
        "\n".join(_picture(found)),
        "\n".join(f"* {name}: {escaped(text)}" for name, text in found.sums),
        f"### Criteria\n\n{criteria}",
        *("\n".join(part) for part in (_outages(found), _orders(found), _days(found), _questions(found))),
        ending,
    )
    return "\n\n".join(filter(None, blocks)) + "\n"


def _picture(found: PhaseFacts) -> Iterator[str]:
    drawing = ["".join(span.text for span in line).rstrip() for line in drawn(found, Page(_WIDTH, unicode=True))]
    if drawing:
        yield from ("```text", *drawing, "```")


def _outages(found: PhaseFacts) -> Iterator[str]:
    if found.outages:
        yield from ("### Outages, the longest first", "", "| since | for | missing | cause |", "|---|--:|--:|---|")
        for outage in longest_first(found.outages):
            yield f"| {' | '.join(map(escaped, told_outage(outage)))} |"


def _orders(found: PhaseFacts) -> Iterator[str]:
    if found.evidence.orders:
        yield from ("### Orders", "", "| order | decided | side | asked | outcome | what came of it |")
        yield "|---|---|---|--:|---|---|"
        for order in found.evidence.orders:
            at = f"{day_name(order.decided_ms)} {clock_time(order.decided_ms)}"
            cells = (order.id, at, order.side, f"{order.size:g}", order.label.upper(), told_filled(order))
            yield f"| {' | '.join(map(escaped, cells))} |"


def _days(found: PhaseFacts) -> Iterator[str]:
    if found.days:
        yield from ("### Days", "", "| day | date | closes | actions | orders | uptime | snapshot | summary |")
        yield "|--:|---|--:|--:|--:|--:|---|---|"
        for day in found.days:
            closes = f"{day.processed} of {day.expected}"
            alive = "" if day.uptime is None else f"{100 * day.uptime:.1f} %"
            papers = ("yes" if each else "no" for each in (day.snapshot, day.summary))
            row = (day.number, day_name(day.start_ms), closes, day.actions, day.orders, alive, *papers)
            yield f"| {' | '.join(map(str, row))} |"


def _questions(found: PhaseFacts) -> Iterator[str]:
    if found.questions:
        yield from ("### Open questions for the promotion decision", "")
        yield from (f"{number}. {escaped(question)}" for number, question in enumerate(found.questions, 1))
