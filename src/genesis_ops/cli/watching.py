"""A screen that is drawn again and again in its place, until somebody has seen enough."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

import typer

from genesis_ops.errors import GenesisError
from genesis_ops.report.text import NARROWEST, Line, Page, Span, can_show
from genesis_ops.words import Exit

if TYPE_CHECKING:
    from rich.live import Live

Draw = Callable[[Page, int], Iterable[Line]]
"""Draws what was seen on a page, in at most so many lines."""
Size = tuple[int, int]
"""A terminal's columns and lines."""

_TICK_SECONDS = 0.25


def watch(look: Callable[[], Draw], stream: TextIO, wait: Callable[[float], None], seconds: float) -> NoReturn:
    """Look every ``seconds`` and draw what was seen, at the terminal's size as it is by then.

    Nothing stays on the terminal. What a look fails with is said above what was seen before.

    Raises:
        Exit: 130, when somebody pressed Ctrl-C.
        SystemExit: 143, on SIGTERM; 129 where the terminal is closed.
        OSError: the terminal cannot be written.
    """
    from genesis_ops.collect.where import ended_by_term

    try:
        with ended_by_term(), _screen(stream) as (size, show):
            draw: Draw = lambda _page, _height: ()  # noqa: E731 - nothing was seen yet
            while True:
                draw = _looked(look, draw)
                shown: Size | None = None
                for _ in range(round(seconds / _TICK_SECONDS)):
                    if shown != size():  # the first time, and when the window was made larger or smaller
                        shown = size()
                        show(draw)
                    wait(_TICK_SECONDS)
    except KeyboardInterrupt:
        raise typer.Exit(Exit.INTERRUPTED) from None


def _looked(look: Callable[[], Draw], former: Draw) -> Draw:
    try:
        return look()
    except (OSError, GenesisError) as error:
        told = f"this look failed: {error}"

    def draw(page: Page, height: int) -> Iterator[Line]:
        above = tuple(page.under("", told, "bold red"))
        yield from above
        yield from former(page, height - len(above))

    return draw


@contextmanager
def _screen(stream: TextIO) -> Iterator[tuple[Callable[[], Size], Callable[[Draw], None]]]:
    """Take over the terminal, and give it back as it was."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    unicode = can_show(console.encoding)

    def styled(span: Span) -> tuple[str, str]:
        return span.text.encode(console.encoding, "backslashreplace").decode(console.encoding), span.style

    with Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:

        def show(draw: Draw) -> None:
            width, height = console.size
            drawn = draw(Page(max(width, NARROWEST), unicode), height)
            text = Text("\n", no_wrap=True, overflow="crop").join(Text.assemble(*map(styled, line)) for line in drawn)
            live.update(text, refresh=True)

        with _given_back_while_stopped(live):
            yield lambda: (console.size.width, console.size.height), show


@contextmanager
def _given_back_while_stopped(live: "Live") -> Iterator[None]:
    """Give the terminal back while Ctrl-Z stops the process, and take it over again when it goes on."""
    if not hasattr(signal, "SIGTSTP"):
        yield
        return

    def stop(*_: object) -> None:
        live.stop()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)  # the process stands still here until somebody continues it
        signal.signal(signal.SIGTSTP, stop)
        live.start(refresh=True)

    former = signal.signal(signal.SIGTSTP, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, former)
