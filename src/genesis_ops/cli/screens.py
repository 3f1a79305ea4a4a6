"""How a screen reaches stdout without rich, whose loading takes as long as a whole look at the phase does."""

import os
import sys
from collections.abc import Callable, Iterable

import typer

from genesis_ops.report.formats import PLAIN_WIDTH
from genesis_ops.report.text import NARROWEST, Line, Page, Span, can_show

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "magenta": 35, "cyan": 36}


def put(draw: Callable[[Page], Iterable[Line]]) -> None:
    """Print what is drawn at the terminal's width and in its colours, or plain at 80 columns where there is none.

    Raises:
        OSError: stdout cannot be written; the boundary tells it.
    """
    terminal = sys.stdout is not None and sys.stdout.isatty()
    if terminal and os.name == "nt":  # an older console there has to be told first, which rich knows how to
        from genesis_ops.cli import pages

        pages.put(draw)
        return
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    page = Page(_width() if terminal else PLAIN_WIDTH, can_show(encoding))
    colours = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in {"dumb", "unknown"}
    shown = (coloured(line) if colours else "".join(span.text for span in line).rstrip() for line in draw(page))
    text = "".join(f"{line}\n" for line in shown)
    typer.echo(text.encode(encoding, "backslashreplace").decode(encoding), nl=False)


def coloured(line: Line) -> str:
    """Write a line with a terminal's codes (ECMA-48) around whatever has a style; an unknown style is plain."""
    return "".join(map(_styled, line))


def _styled(span: Span) -> str:
    codes = ";".join(str(_CODES[word]) for word in span.style.split() if word in _CODES)
    return f"\x1b[{codes}m{span.text}\x1b[0m" if codes and span.text.strip() else span.text


def _width() -> int:
    import shutil

    return max(shutil.get_terminal_size().columns, NARROWEST)
