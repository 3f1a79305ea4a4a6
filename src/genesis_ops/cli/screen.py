"""What ``run`` shows: the log's lines from INFO up, and on a terminal one line that says how it is going."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from genesis_ops.settings import Settings
from genesis_ops.words import clock_time, duration

if TYPE_CHECKING:
    from genesis_ops.runner.loop import Glance

_REPLY_SHOWN = 66  # with the time before it, what a line of 80 columns takes


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a log line and a glance go."""

    line: Callable[[str], None]
    glance: Callable[["Glance"], None]


@contextmanager
def watching(stream: TextIO | None, settings: Settings) -> Iterator[Screen]:
    """Show lines, and a live line under them where ``stream`` is a terminal; anywhere else only lines."""
    if stream is None:  # closed before the start
        yield Screen(line=lambda _: None, glance=lambda _: None)
        return
    if not stream.isatty():
        yield Screen(line=_surviving(stream, lambda text: print(text, file=stream, flush=True)), glance=lambda _: None)
        return

    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=stream, highlight=False, soft_wrap=False)
    with Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as live:

        def show(glance: "Glance") -> None:
            text = Text(compact(glance, settings), style="bold", overflow="ellipsis", no_wrap=True)
            live.update(text, refresh=True)

        def tell(line: str) -> None:
            if (short := shortened(line)) is not None:
                console.print(Text(short[0], style=short[1]))

        yield Screen(line=_surviving(stream, tell), glance=_surviving(stream, show))


def _surviving(stream: TextIO, show: Callable[[Any], None]) -> Callable[[Any], None]:
    """Let the trade go on when its display is gone: a closed terminal, a reader that left, a full disk."""

    def shown(what: Any) -> None:
        try:
            show(what)
        except (OSError, ValueError):
            # What is still buffered must not fail again, here or when the process ends.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    return shown


def shortened(line: str) -> tuple[str, str] | None:
    """Give a log line and its style as a person at a terminal wants it; None for what only the log needs."""
    stamp, _, level, message = line.split(" - ", 3)
    if message.startswith(("=====", "DECISION_CONTEXT")):
        return None
    if message.startswith("ORDER SUBMITTED: "):  # the whole reply stands in the log
        message = f"{message[:_REPLY_SHOWN]}…" if len(message) > _REPLY_SHOWN else message
    styles = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
    mark = {"WARNING": "! ", "ERROR": "x ", "CRITICAL": "x "}.get(level, "")
    return f"{stamp[11:]}  {mark}{message}", styles.get(level, "")


def compact(glance: "Glance", settings: Settings) -> str:
    """Say in one line of at most 80 columns: mode, last close, next close, actions so far, and what is wrong."""
    last = "no close yet"
    if glance.last_close_ms is not None:
        price = "" if glance.last_price is None else f" {glance.last_price:,.1f}"
        last = f"last close {clock_time(glance.last_close_ms)}{price}"
    parts = [f"{glance.mode.upper()} {settings.symbol} {settings.timeframe}", last]
    if glance.trouble:
        return " · ".join([*parts, f"! {glance.trouble}"])
    if glance.next_close_ms is not None:
        to_go = (glance.next_close_ms - glance.now_ms) / 1000
        parts.append(f"next {clock_time(glance.next_close_ms)} in {duration(to_go)}")
    if glance.actions:
        parts.append(" ".join(f"{action} {count}" for action, count in sorted(glance.actions.items())))
    return " · ".join(parts)
