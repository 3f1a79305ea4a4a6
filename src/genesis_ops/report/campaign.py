"""A rehearsed phase for a person: the 42 days, the gates, what went wrong and who noticed it, and where all is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from genesis_ops.checks.model import Outcome, verdict
from genesis_ops.checks.wording import brief, count
from genesis_ops.report.cells import cells
from genesis_ops.report.phase import drawn
from genesis_ops.report.phase_facts import PhaseFacts
from genesis_ops.report.text import Line, Page, Span, checks, mark, spaced
from genesis_ops.words import Exit, clock_time, day_name, duration, stamp, visible

_MOST_NOTICES = 3
_LEAD = 5
_NAME = 24


class Event(NamedTuple):
    """What happened at a moment (ms, UTC), and whether a person should look at it."""

    at_ms: int
    what: str
    bad: bool = False

    def told(self) -> str:
        """Say when it happened, and what."""
        return f"{moment(self.at_ms)}  {brief(self.what)}"


class Gate(NamedTuple):
    """A gate of the phase, when it was asked (ms, UTC), and what it said."""

    at_ms: int
    name: str
    outcome: Outcome
    told: str


class Notice(NamedTuple):
    """Who noticed something (``stop-check candle-gap``), when (ms, UTC), and what the operator is told."""

    by: str
    at_ms: int
    told: str
    remedy: str


class Fault(NamedTuple):
    """A fault that was acted out (ms, UTC): who was to notice it, who did, and what was done about it."""

    name: str
    what: str
    from_ms: int
    until_ms: int | None
    expected: tuple[str, ...]
    within_ms: int
    notices: tuple[Notice, ...]
    done: tuple[Event, ...]
    end_ms: int
    """When the phase ended."""
    could_not: str = ""
    """Why it could not happen; empty where it did."""

    @property
    def unnoticed(self) -> bool:
        """Whether it happened, its time was up before the end, and nobody noticed it who was to."""
        return not self.could_not and self.noticed is None and not self.still_open

    @property
    def still_open(self) -> bool:
        """Whether the phase was over before it had to be noticed, and it was not."""
        return not self.could_not and self.noticed is None and self.end_ms < self.from_ms + self.within_ms

    @property
    def noticed(self) -> Notice | None:
        """Give the first notice by who was to notice it, if it came in time."""
        in_time = (notice for notice in self.notices if notice.at_ms - self.from_ms <= self.within_ms)
        return next((notice for notice in in_time if notice.by in self.expected), None)


class Known(NamedTuple):
    """A fault that can be rehearsed: what happens, who is to notice it, and within what time (ms)."""

    name: str
    what: str
    expected: tuple[str, ...]
    within_ms: int


class Campaign(NamedTuple):
    """A rehearsed phase; ``alarms`` are those that no fault explains."""

    days: int
    seed: int
    polls: int
    events: tuple[Event, ...]
    gates: tuple[Gate, ...]
    faults: tuple[Fault, ...]
    alarms: tuple[Notice, ...]
    phase: PhaseFacts

    @property
    def exit_code(self) -> Exit:
        """Tell what the rehearsal ends with: an alarm that failed, either way, is 1; else the phase's own verdict."""
        if self.alarms or any(fault.unnoticed for fault in self.faults):
            return Exit.FAIL
        return self.phase.report.exit_code


class Place(NamedTuple):
    """Where something of the rehearsal lies, or how to go on with it."""

    name: str
    where: str


def moment(ms: int) -> str:
    """Write a time (ms) for a person: ``05 Feb 13:13``, UTC."""
    return f"{day_name(ms)} {clock_time(ms)}"


def timeline(events: Iterable[Event]) -> Iterator[str]:
    """Write everything that happened, a line each, in the order of time."""
    for event in sorted(events, key=lambda event: event.at_ms):
        yield f"{stamp(event.at_ms)}  {'!' if event.bad else ' '} {visible(event.what)}\n"


def lines(found: Campaign, places: Sequence[Place], page: Page) -> Iterator[Line]:
    """Draw a rehearsed phase: the picture first, the verdict last."""
    told = f"{count(found.days, 'day')}, seed {found.seed}, {count(len(found.faults), 'fault')}"
    yield from page.under("Rehearsal  ", f"{told}  {found.phase.report.market}", "bold")
    blocks = (
        drawn(found.phase, page),
        _sums(found, page),
        _gates(found, page),
        (_heading("Criteria of the phase"), *checks(found.phase.report, page)),
        _faults(found, page),
        _alarms(found, page),
        _places(places, page),
        _verdict(found, page),
    )
    yield from spaced(blocks)


def listed_faults(known: Sequence[Known], page: Page) -> Iterator[Line]:
    """Draw every fault that can be rehearsed."""
    for fault in known:
        yield from page.under(f"{fault.name:<{_NAME}}", fault.what)
        wanted = " or ".join(fault.expected)
        yield from page.under(" " * _NAME, f"noticed by {wanted}, within {duration(fault.within_ms / 1000)}", "dim")


def _heading(text: str) -> Line:
    return (Span(text, "bold"),)


def _sums(found: Campaign, page: Page) -> Iterator[Line]:
    for name, text in (("polls", f"{found.polls:,}"), *found.phase.sums):
        yield from page.under(f"  {name:<12}", text)


def _gates(found: Campaign, page: Page) -> Iterator[Line]:
    yield _heading("Gates")
    for gate in found.gates:
        sign = mark(gate.outcome, page)
        yield from _marked("  ", sign, f"{moment(gate.at_ms)}  {gate.name:<{_NAME}}{gate.told}", page)


def _faults(found: Campaign, page: Page) -> Iterator[Line]:
    if not found.faults:
        return
    yield _heading("Faults, and who noticed them")
    for fault in found.faults:
        yield from _fault(fault, page)


def _fault(fault: Fault, page: Page) -> Iterator[Line]:
    sign = mark(_outcome(fault), page)
    yield from _marked("  ", sign, f"{moment(fault.from_ms)}  {fault.name}: {fault.what}", page)
    lead = " " * _LEAD
    if said := _unseen(fault):
        yield from page.under(lead, said, "bold")
    for notice in _foremost(fault):
        after = duration((notice.at_ms - fault.from_ms) / 1000)
        yield from page.under(lead, f"after {after} by {notice.by}: {brief(visible(notice.told))}")
        if notice.remedy:
            yield from page.under(f"{lead}{'→' if page.unicode else '->'} ", notice.remedy, "cyan")
    for event in fault.done:
        yield from page.under(lead, f"{moment(event.at_ms)}  done: {event.what}")


def _outcome(fault: Fault) -> Outcome:
    if fault.could_not:
        return Outcome.SKIP
    if fault.still_open:
        return Outcome.UNKNOWN
    return Outcome.FAIL if fault.unnoticed else Outcome.PASS


def _unseen(fault: Fault) -> str:
    """Say why a fault was not noticed; empty where it was."""
    wanted, within = " or ".join(fault.expected) or "anybody", duration(fault.within_ms / 1000)
    if fault.could_not:
        return f"not acted out: {fault.could_not}"
    if fault.still_open:
        return f"still open at the end: {wanted} has {within} to notice it"
    return f"NOT noticed by {wanted} within {within}" if fault.unnoticed else ""


def _foremost(fault: Fault) -> Iterable[Notice]:
    """Name who was to notice it first, and a few others: commands, which somebody reads, before lines of the log."""
    firsts = {notice.by: notice for notice in reversed(fault.notices)}.values()
    ordered = sorted(firsts, key=lambda notice: (notice != fault.noticed, notice.by.startswith("log "), notice.at_ms))
    return ordered[:_MOST_NOTICES]


def _alarms(found: Campaign, page: Page) -> Iterator[Line]:
    if not found.alarms:
        return
    yield _heading("Alarms that no fault explains")
    for alarm in found.alarms:
        yield from page.under("  ", f"{moment(alarm.at_ms)}  {alarm.by}: {brief(visible(alarm.told))}")


def _places(places: Sequence[Place], page: Page) -> Iterator[Line]:
    width = max((cells(place.name) for place in places), default=0) + 2
    for place in places:
        yield from page.under(f"  {place.name:<{width}}", place.where)


def _verdict(found: Campaign, page: Page) -> Iterator[Line]:
    unnoticed = sum(fault.unnoticed for fault in found.faults)
    parts = [f"the phase: {found.phase.report.verdict}"]
    if found.faults:
        noticed = sum(fault.noticed is not None and not fault.could_not for fault in found.faults)
        parts.append(f"{noticed} of {count(len(found.faults), 'fault')} noticed in time")
        still_open, not_acted = (
            sum(fault.still_open for fault in found.faults),
            sum(bool(fault.could_not) for fault in found.faults),
        )
        parts += [f"{still_open} still open at the end"] if still_open else []
        parts += [f"{not_acted} not acted out"] if not_acted else []
    parts.append("no false alarm" if not found.alarms else count(len(found.alarms), "false alarm"))
    worst = Outcome.FAIL if unnoticed or found.alarms else found.phase.report.verdict
    told = f"{verdict([worst])}  {', '.join(parts)}, exit {found.exit_code.value}"
    yield from _marked("", mark(worst, page), told, page, "bold")


def _marked(lead: str, sign: Span, text: str, page: Page, style: str = "") -> Iterator[Line]:
    """Put a text after a mark, and what does not fit under its own beginning."""
    (first, *_), *rest = page.under(f"{lead}{sign.text} ", text, style)
    yield (Span(lead), sign, first._replace(text=first.text[len(lead) + len(sign.text) :]))
    yield from rest
