"""A line of the runner log for a terminal: when, how bad, and what, with what is about orders standing out."""

from collections.abc import Iterator

from genesis_ops.report.text import Line, Page
from genesis_ops.runlog.events import CRITICAL, DEBUG, ERROR, INFO, LEVELS, WARNING
from genesis_ops.words import visible

_MARKS = {WARNING: "!", ERROR: "x", CRITICAL: "X"}
_STYLES = {DEBUG: "dim", WARNING: "yellow", ERROR: "red", CRITICAL: "bold red"}
_ORDER_STYLE = "bold cyan"
_ABOUT_ORDERS = ("ORDER", "Submitting ", "WALLET", "DRY-RUN: Would submit")
_PARTS = 4
_ROOMY = 72
"""From this width on (cells) a line is shown with its day."""


def is_about_an_order(message: str) -> bool:
    """Tell whether a message says that something was ordered, or what came of it (contract §2)."""
    return message.startswith(_ABOUT_ORDERS)


def reaches(level: str, least: str) -> bool:
    """Tell whether a level is at least another; what has none is shown, because nobody knows how bad it is."""
    return level not in LEVELS or LEVELS.index(level) >= LEVELS.index(least)


def drawn(text: str, level: str, page: Page) -> Iterator[Line]:
    """Draw a line: ``> 13:03:20 INFO  ORDER …`` for one about an order, ``x`` before an error."""
    parts = text.split(" - ", _PARTS - 1)
    if len(parts) < _PARTS:
        yield from page.under("    ", text, _STYLES.get(level, "dim"))
        return
    at, message = parts[0], parts[3]
    order = is_about_an_order(message)
    sign = ">" if order and level == INFO else _MARKS.get(level, " ")
    style = _ORDER_STYLE if order and level == INFO else _STYLES.get(level, "")
    when = at if page.width >= _ROOMY else at[11:]
    yield from page.under(f"{sign} {page.shown(when)} {level:<8} ", message, style)


def plain(text: str) -> str:
    """Give a line as it stands in the log, for a pipe: grep finds what it would find there."""
    return visible(text)
