"""What a verification shows while it goes on, and what it asks; all of it on stderr, so that stdout has the report."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from genesis_ops.errors import UsageRefused
from genesis_ops.report.formats import PLAIN_WIDTH
from genesis_ops.words import Exit

if TYPE_CHECKING:
    from genesis_ops.report.text import Line, Page
    from genesis_ops.report.verify import Step


@contextmanager
def interruptible() -> Iterator[None]:
    """End quietly with 130 where somebody presses Ctrl-C.

    Raises:
        Exit: somebody did.
    """
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):
        raise typer.Exit(Exit.INTERRUPTED) from None


@contextmanager
def doing(text: str) -> Iterator[None]:
    """Say on a terminal what is being done and for how long, and take it back when it is over."""
    if not _is_terminal(sys.stderr):
        yield
        return
    import time

    from rich.console import Console
    from rich.text import Text

    began = time.monotonic()

    class Sign:
        """What is being done, drawn anew with every turn of the spinner."""

        def __rich__(self) -> Text:
            seconds = int(time.monotonic() - began)
            since = f", {seconds}s" if seconds else ""
            return Text(f"{text}{since}", overflow="ellipsis", no_wrap=True)

    with Console(stderr=True).status(Sign()):
        yield


def require_answer(command: str) -> None:
    """Refuse to send an order unasked where nobody can be asked.

    Raises:
        UsageRefused: stdin is no terminal.
    """
    if not _is_terminal(sys.stdin):
        raise UsageRefused(
            "an order is sent only when somebody agrees: there is no terminal to ask on, and --yes was not given",
            next_command=command,
        )


def agrees(symbol: str, side: str, size: float, wallets: Mapping[str, float]) -> bool:
    """Show an order and what the wallets hold, and ask whether to send it.

    Raises:
        Abort: somebody pressed Ctrl-C, or closed the input.
    """
    from genesis_ops.report.verify import question

    for line in question(symbol, side, size, wallets, page()):
        show(line)
    return typer.confirm("send this order?", default=False, err=True)


def tell(step: "Step") -> None:
    """Say in one line what came of a step."""
    from genesis_ops.report.verify import step_line

    show(step_line(step, page()))


def page() -> "Page":
    """Give the page that stderr is: as wide as its terminal, or 80 cells."""
    from genesis_ops.report.text import NARROWEST, Page, can_show

    width = PLAIN_WIDTH
    if _is_terminal(sys.stderr):
        import shutil

        width = max(shutil.get_terminal_size().columns, NARROWEST)
    return Page(width, can_show(_encoding()))


def show(line: "Line") -> None:
    """Write a line to stderr, in colours where it is a terminal that wants them."""
    from genesis_ops.cli.screens import coloured

    wanted = _is_terminal(sys.stderr) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    text = coloured(line) if wanted else "".join(span.text for span in line).rstrip()
    typer.echo(text.encode(_encoding(), "backslashreplace").decode(_encoding()), err=True)


def _is_terminal(stream: object) -> bool:
    return stream is not None and bool(getattr(stream, "isatty", lambda: False)())


def _encoding() -> str:
    return getattr(sys.stderr, "encoding", None) or "ascii"
