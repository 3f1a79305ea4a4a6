"""What acceptances are scheduled and what came of them, for a person."""

from collections.abc import Iterator
from datetime import datetime

from genesis_ops.checks.model import Outcome
from genesis_ops.report.text import Line, Page, Span, mark
from genesis_ops.state.schedule import DONE, MISSED, OFF, PENDING, Schedule, Scheduled
from genesis_ops.words import duration

_EXITS = {0: Outcome.PASS, 1: Outcome.FAIL}


def lines(found: Schedule, page: Page) -> Iterator[Line]:
    """Draw every acceptance in a line, what is wrong with it under it, and how many are to come last."""
    yield (Span(page.cut("Scheduled acceptances", page.width), "bold"),)
    for each in found.acceptances:
        yield from _one(each, found.at, page)
    if found.trouble:
        yield from page.under("  note: ", f"systemd was not asked: {found.trouble}")
    number = sum(each.state == PENDING for each in found.acceptances)
    yield (Span(f"{number or 'none'} to come", "bold"),)


def outcome(each: Scheduled) -> Outcome:
    """Tell what an acceptance has come to; one that is to come has come to nothing yet."""
    if each.state == DONE:
        return Outcome.UNKNOWN if each.exit_code is None else _EXITS.get(each.exit_code, Outcome.UNKNOWN)
    return Outcome.FAIL if each.state in {MISSED, OFF} else Outcome.SKIP


def _one(each: Scheduled, now: str, page: Page) -> Iterator[Line]:
    head = f" {each.at[:10]} {each.at[11:19]} UTC  {each.window:<4} "
    yield (Span("  "), mark(outcome(each), page), Span(page.cut(f"{head} {_said(each, now)}", page.width - 3)))
    if each.detail:
        yield from page.under("       ", each.detail)
    if each.state == MISSED or (each.state == PENDING and each.detail):
        yield from page.under("       -> ", f"genesis-ops host scheduled {each.instant}", "cyan")
    if each.state == OFF:
        command = f"sudo systemctl enable --now genesis-acceptance-{each.instant}.timer"
        yield from page.under("       -> ", command, "cyan")
    if each.result:
        yield from page.under("       ", each.result, "dim")


def _said(each: Scheduled, now: str) -> str:
    if each.state == DONE:
        return "done, no exit code" if each.exit_code is None else f"done, exit {each.exit_code}"
    if each.state == PENDING:
        left = (datetime.fromisoformat(each.at) - datetime.fromisoformat(now)).total_seconds()
        return f"in {duration(left)}" if left > 0 else "again"
    return each.state
