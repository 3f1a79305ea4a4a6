"""How drawn lines reach stdout: at a terminal's width and in colours, or plain at 80 columns."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from genesis_ops.errors import UsageRefused, typed, write_failed
from genesis_ops.report.formats import PLAIN_WIDTH
from genesis_ops.report.text import NARROWEST, Line, Page, can_show
from genesis_ops.words import visible


def put(draw: Callable[[Page], Iterable[Line]]) -> None:
    """Print what is drawn on a page as wide as stdout.

    Raises:
        OSError: stdout cannot be written; the boundary tells it.
    """
    terminal = sys.stdout is not None and sys.stdout.isatty()
    lines = tuple(draw(Page(_width() if terminal else PLAIN_WIDTH, can_show(_encoding()))))
    if terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        _coloured(lines)
        return
    for line in lines:
        typer.echo(_writable("".join(span.text for span in line)).rstrip())


def require_place(picture: Path | None) -> None:
    """Refuse a picture that could not be written after all the work.

    Raises:
        UsageRefused: its directory is not there, may not be written, or something has its name that is no file.
    """
    if picture is None:
        return
    there = picture.parent.is_dir() and (picture.is_file() or not picture.exists())
    if not there or not os.access(picture.parent, os.W_OK | os.X_OK):  # it is put in place by a new file beside it
        raise UsageRefused(f"--svg {visible(str(picture))} cannot be a file", next_command=f"ls -ld {typed(picture)}")


def record(picture: Path, draw: Callable[[Page], Iterable[Line]], title: str) -> None:
    """Write what is drawn as an SVG, 80 cells wide, whole or not at all.

    Raises:
        WriteFailed: it was not written.
    """
    from genesis_ops.durable import put_in_place
    from genesis_ops.report.recording import recorded

    page = Page(PLAIN_WIDTH, unicode=True)
    try:
        put_in_place(picture, recorded(draw(page), title=title, width=page.width).encode("utf-8"))
    except OSError as error:
        raise write_failed(picture, error) from error


def _width() -> int:
    import shutil

    return max(shutil.get_terminal_size().columns, NARROWEST)


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "ascii"


def _writable(text: str) -> str:
    return text.encode(_encoding(), "backslashreplace").decode(_encoding())


def _coloured(lines: Iterable[Line]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in lines:
        console.print(Text.assemble(*((_writable(span.text), span.style) for span in line)), soft_wrap=True)
