"""An operation's steps in two columns, its end in a sentence, and what shows why it failed."""

import math
from collections.abc import Iterator, Mapping

from genesis_ops.checks.model import Outcome
from genesis_ops.host.record import APPLIED, DIED, DONE, FAILED, RETURNED, RUNNING, STUCK, WAITING, End, Told
from genesis_ops.remote.progress import Progress, Steps
from genesis_ops.report.cells import cells
from genesis_ops.report.text import Line, Page, Span, mark
from genesis_ops.words import Exit, duration

_COMMIT = 7
_TWO_COLUMNS = 72
_TIME = 8
_MOST_EVIDENCE = 30
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_SPINNER = "|/-\\"


def head(progress: Progress, target: str, page: Page) -> Iterator[Line]:
    """Say what is applied, where, by whom and why."""
    begun = progress.begun
    if begun is None:
        yield from page.under("Remote apply  ", target, "bold")
        return
    arrow = "→" if page.unicode else "->"
    to = f"{begun.from_[:_COMMIT]} {arrow} {begun.to[:_COMMIT]}" if begun.from_ != begun.to else begun.to[:_COMMIT]
    yield from page.under("Remote apply  ", f"{target}   {to}   {begun.id}", "bold")
    yield from page.under("  ", f"by {begun.owner}: {begun.reason}", "dim")


def live(progress: Progress, target: str, page: Page, height: int, moment: tuple[int, float]) -> Iterator[Line]:
    """Draw how far it is in so many lines, what runs always among them.

    ``moment`` has the turn of the sign of what runs, and the seconds since the last news.
    """
    above, below = tuple(head(progress, target, page))[: max(1, height // 4)], tuple(_below(progress, page))
    yield from above
    room = height - len(above) - len(below)
    back = progress.way_back
    if back is None:
        yield from _columns(progress.steps, progress.told, page, room, moment)
    else:
        why = next(iter(page.under("  ", f"the way back, because of {back.because}", "bold yellow")))
        back_lines = tuple(_columns(back.steps, progress.back, page, room - 2, moment))
        yield from _columns(progress.steps, progress.told, page, room - 1 - len(back_lines), moment)
        yield why
        yield from back_lines
    yield from below


def _below(progress: Progress, page: Page) -> Iterator[Line]:
    """Say what is waited for, and whether anybody is heard."""
    news = progress.news
    if isinstance(news, Told) and news.state in {RUNNING, WAITING} and news.detail:
        yield (Span(page.cut(f"  {news.detail}", page.width), "dim"),)
    if progress.lost:
        yield from page.under("  ! ", f"{progress.lost}; it goes on there, trying again", "yellow")


def step_line(progress: Progress, told: Told, page: Page) -> Line:
    """Say in one line what came of a step."""
    title = progress.title(told.id, back=progress.way_back is not None)
    detail = f"   {told.detail}" if told.detail else ""
    return (Span("  "), _sign(told, page, 0), Span(page.cut(f" {title}   {_time(told, 0)}{detail}", page.width - 3)))


def ending(progress: Progress, target: str, page: Page) -> Iterator[Line]:
    """Show why it failed where it did, and the verdict last."""
    end = progress.end
    if end is None:
        return
    if end.verdict != APPLIED:
        yield from _evidence(progress, page)
    outcome = Outcome.PASS if not end.exit_code else Outcome.FAIL
    yield ()
    lead = f"{outcome}  "
    said = f"{target}: {_sentence(progress, end)}     exit {end.exit_code}"
    first, *rest = page.under(lead, said)
    style = "bold green" if outcome is Outcome.PASS else "bold red"
    yield (Span(lead, style), Span(first[0].text[len(lead) :]))
    yield from rest
    for command in end.next:
        yield from page.under(f"  {'→' if page.unicode else '->'} ", f"there: {command}", "cyan")


def exit_code(end: End) -> int:
    """Tell what the process ends with; what a host invents is a failure."""
    if end.verdict == APPLIED:
        return Exit.PASS if end.exit_code == Exit.PASS else Exit.FAIL
    return Exit(end.exit_code) if end.exit_code in set(Exit) and end.exit_code else Exit.FAIL


def _sentence(progress: Progress, end: End) -> str:
    because = progress.way_back.because if progress.way_back is not None else ""
    failed = progress.failed
    at = progress.title(failed.id, back=False) if failed is not None else because or "it"
    told = {
        APPLIED: "applied",
        RETURNED: f"{at} failed; the previous commit, state and services are back, and the archive stays",
        STUCK: f"{at} failed, and so did the way back: somebody has to look",
        DIED: f"the operation died at {at}: nobody is at work there any more",
    }
    return told.get(end.verdict, f"ended as {end.verdict}")


def _evidence(progress: Progress, page: Page) -> Iterator[Line]:
    for told in (*progress.told.values(), *progress.back.values()):
        if told.state == FAILED:
            first, *rest = page.under("    ", f"{told.id}: {told.detail}", "red")
            yield (Span("  "), mark(Outcome.FAIL, page), Span(first[0].text[3:], "red"))
            yield from rest
    for each in progress.evidence:
        yield ()
        yield from page.under("  ", each.name, "bold")
        kept = each.text.splitlines()[-_MOST_EVIDENCE:]
        for text in kept:
            yield from page.under("    ", text)


def _columns(
    steps: Steps, told: Mapping[str, Told], page: Page, room: int, moment: tuple[int, float]
) -> Iterator[Line]:
    """Draw steps down the first column and then the second; in one where the page is narrow."""
    columns = 2 if page.width >= _TWO_COLUMNS else 1
    kept, left = _in_sight(steps, told, columns, room)
    rows = math.ceil(len(kept) / columns)
    drawn = [_cell(step, told.get(step[0]), page, page.width // columns, moment) for step in kept]
    for row in range(rows):
        yield tuple(span for cell in drawn[row::rows] for span in cell)
    if left:
        yield (Span(page.cut(f"  {left}", page.width), "dim"),)


def _in_sight(steps: Steps, told: Mapping[str, Told], columns: int, room: int) -> tuple[Steps, str]:
    """Leave out finished steps, and then those to come, where there is no room for all; say how many."""
    if math.ceil(len(steps) / columns) <= room:
        return steps, ""
    fit = max(0, room - 1) * columns
    states = [told[name].state if name in told else "" for name, _ in steps]
    at = next((place for place, state in enumerate(states) if state in {RUNNING, WAITING}), None)
    if at is None:
        at = next((place for place, state in enumerate(states) if state != DONE), len(steps))
    first = max(0, min(at, len(steps) - fit))
    last = first + fit
    done = (states[:first] + states[last:]).count(DONE)
    others = len(steps) - fit - done
    return steps[first:last], f"{done} more done, {others} more to come" if others else f"{done} more done"


def _cell(step: tuple[str, str], told: Told | None, page: Page, width: int, moment: tuple[int, float]) -> Line:
    turn, since = moment
    time = "" if told is None else _time(told, since)
    title = page.cut(step[1], width - 5 - _TIME)
    room = " " * (width - 5 - _TIME - cells(title))
    style = "dim" if told is None else "bold" if told.state in {RUNNING, WAITING, FAILED} else ""
    return (Span("  "), _sign(told, page, turn), Span(" "), Span(title, style), Span(f"{room}{time:>{_TIME}} "))


def _sign(told: Told | None, page: Page, turn: int) -> Span:
    if told is None:
        return Span("·" if page.unicode else ".", "dim")
    if told.state == DONE:
        return mark(Outcome.PASS, page)
    if told.state == FAILED:
        return mark(Outcome.FAIL, page)
    turns = _SPINNER if page.unicode else _PLAIN_SPINNER
    return Span(turns[turn % len(turns)], "bold cyan")


def _time(told: Told, since: float) -> str:
    """Write how long a step took, or takes so far."""
    seconds = told.seconds + (since if told.state in {RUNNING, WAITING} else 0)
    return f"{seconds:.1f}s" if seconds < 60 else duration(seconds)  # noqa: PLR2004 - a minute
