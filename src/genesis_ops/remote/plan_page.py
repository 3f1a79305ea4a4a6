"""A plan for a person: from where to where, what comes, every step with its command, and what stands in the way."""

import shlex
from collections.abc import Iterator, Sequence

from genesis_ops.checks.model import Outcome
from genesis_ops.host.plan import Facts, Plan, Step
from genesis_ops.report.text import Line, Page, Span, mark
from genesis_ops.words import Exit

_COMMIT = 7
_MOST_COMMITS = 20


def whole(plan: Plan, target: str, page: Page) -> Iterator[Line]:
    """Show all of a plan, and the verdict last."""
    yield from facts(plan, target, page)
    yield ()
    yield from steps(plan, page)
    yield ()
    yield from troubles(plan, page)
    yield (Span("FAIL  " if plan.problems else "PASS  ", "bold red" if plan.problems else "bold green"), _ending(plan))


def facts(plan: Plan, target: str, page: Page) -> Iterator[Line]:
    """Say what the plan stands on."""
    found = plan.facts
    yield from page.under("Remote plan  ", f"{target}   {plan.made_at}", "bold")
    yield from page.under("  host     ", f"{found.host}, {found.root}, genesis-ops {plan.version}")
    yield from page.under("  from     ", f"{found.branch or 'no branch'} {found.head[:_COMMIT]}")
    yield from _coming(found, page)
    for lead, change in zip(_leads("changes"), found.changes, strict=False):
        yield from page.under(lead, change, "yellow")
    for lead, unit in zip(_leads("units"), found.units, strict=False):
        state = ("active" if unit.active else "not active") if unit.load == "loaded" else unit.load
        yield from page.under(lead, f"{unit.name} {state}")


def steps(plan: Plan, page: Page) -> Iterator[Line]:
    """Write every step and its command as a person could type it."""
    yield from _listed("steps", plan.steps, page)
    if plan.way_back:
        yield ()
        yield from _listed("the way back, if a step fails after something was stopped", plan.way_back, page)


def troubles(plan: Plan, page: Page) -> Iterator[Line]:
    """Name what should be known, and what stands in the way."""
    for notice in plan.notices:
        yield from _marked(Outcome.WARN, notice, page)
    for problem in plan.problems:
        yield from _marked(Outcome.FAIL, problem.what, page)
        if problem.next:
            yield from page.under(f"    {'→' if page.unicode else '->'} ", problem.next, "cyan")


def exit_code(plan: Plan) -> int:
    """Tell what a plan ends with: the code of its first problem."""
    if not plan.problems:
        return Exit.PASS
    code = plan.problems[0].exit_code
    return code if code and code in set(Exit) else Exit.REFUSED


def _ending(plan: Plan) -> Span:
    could = "cannot be applied" if plan.problems else "can be applied"
    return Span(f"{could}; nothing was changed     exit {int(exit_code(plan))}")


def _coming(found: Facts, page: Page) -> Iterator[Line]:
    count = len(found.commits)
    if not found.target:
        yield from page.under("  to       ", "not known")
        return
    if not count and found.head == found.target:
        yield from page.under("  to       ", f"{found.wished}: nothing new, a restart")
        return
    number = f"{count} {'commit' if count == 1 else 'commits'}"
    yield from page.under("  to       ", f"{found.remote}/{found.wished} {found.target[:_COMMIT]}, {number}")
    for commit in found.commits[:_MOST_COMMITS]:
        yield (Span(page.cut(f"           {commit}", page.width)),)
    if count > _MOST_COMMITS:
        yield (Span(f"           and {count - _MOST_COMMITS} more"),)


def _leads(name: str) -> Iterator[str]:
    """Put a name before the first of several lines."""
    yield f"  {name:9}"
    while True:
        yield " " * 11


def _listed(title: str, found: Sequence[Step], page: Page) -> Iterator[Line]:
    yield from page.under("  ", title, "bold")
    for number, step in enumerate(found, 1):
        yield (
            Span(f"  {number:>2} "),
            Span(page.shown(step.title), "bold"),
            Span(f"  ({page.shown(step.user)})", "dim"),
        )
        yield from page.under("       ", shlex.join(step.command) if step.command else "by the run itself", "dim")


def _marked(outcome: Outcome, text: str, page: Page) -> Iterator[Line]:
    first, *rest = page.under("    ", text)
    yield (Span("  "), mark(outcome, page), Span(first[0].text[3:]))
    yield from rest
