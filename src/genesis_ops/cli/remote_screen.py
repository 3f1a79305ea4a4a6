"""How far an apply is: in its place on a terminal, a line a step anywhere else."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import typer

from genesis_ops.report.text import NARROWEST, Line, Page, can_show

if TYPE_CHECKING:
    from rich.text import Text

    from genesis_ops.remote.progress import Progress

Show = Callable[["Progress"], None]
_A_SECOND = 8
"""How often a second the sign of what runs moves."""


@contextmanager
def watching(stream: TextIO, target: str) -> Iterator[Show]:
    """Give what shows how far an apply is."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield _plain(target)
        return
    with _in_place(stream, target) as show:
        yield show


def _plain(target: str) -> Show:
    """Write a line when a step is over; what was read once more after a connection broke is not said twice."""
    from genesis_ops.cli.pages import put
    from genesis_ops.host.record import DONE, FAILED, Begun, Told, WayBack
    from genesis_ops.remote import progress_page

    known: set[object] = set()

    def show(progress: "Progress") -> None:
        news, back = progress.news, progress.way_back is not None
        if progress.lost:
            typer.echo(f"genesis-ops: {progress.lost}; it goes on there, trying again", err=True)
        elif isinstance(news, Begun) and "begun" not in known:
            known.add("begun")
            put(lambda page: progress_page.head(progress, target, page))
        elif isinstance(news, WayBack) and "back" not in known:
            known.add("back")
            put(lambda page: page.under("  ", f"the way back, because of {news.because}"))
        elif isinstance(news, Told) and news.state in {DONE, FAILED} and (back, news.id) not in known:
            known.add((back, news.id))
            put(lambda page: (progress_page.step_line(progress, news, page),))

    return show


@contextmanager
def _in_place(stream: TextIO, target: str) -> Iterator[Show]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from genesis_ops.remote.progress import Progress
    from genesis_ops.remote.progress_page import live

    console = Console(file=stream, highlight=False)
    unicode = can_show(console.encoding)
    began = heard = time.monotonic()
    now = Progress()

    def drawn() -> "Text":
        page = Page(max(console.width, NARROWEST), unicode)
        moment = time.monotonic()
        lines = live(now, target, page, console.height - 1, (int((moment - began) * _A_SECOND), moment - heard))
        return Text("\n", no_wrap=True, overflow="crop").join(map(_styled, lines))

    with Live(
        console=console,
        get_renderable=drawn,
        refresh_per_second=_A_SECOND,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as screen:

        def show(progress: "Progress") -> None:
            nonlocal now, heard
            now, heard = progress, time.monotonic()
            screen.refresh()

        yield show


def _styled(line: Line) -> "Text":
    from rich.text import Text

    return Text.assemble(*((span.text, span.style) for span in line))
