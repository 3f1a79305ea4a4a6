"""A screen as a picture: drawn lines in, an SVG out that needs no font, no script and no network; pure."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby

from genesis_ops.report.cells import cells
from genesis_ops.report.text import Line, Span

CELL = 8.4
"""How wide a cell is drawn, in the picture's units."""
ROW = 19
"""How high a line is."""

_EDGE = 16
_COLOURS = {"red": "#ff7b72", "green": "#56d364", "yellow": "#e3b341", "magenta": "#d2a8ff", "cyan": "#79c0ff"}
_PLAIN, _DIM, _PAPER, _FRAME = "#e6edf3", "#9aa4af", "#0d1117", "#6e7681"
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


def recorded(lines: Iterable[Line], *, title: str, width: int) -> str:
    """Draw lines as a terminal so many cells wide shows them, on dark paper of its own, which suits any page."""
    shown = tuple(lines)
    wide, high = round(2 * _EDGE + width * CELL), 2 * _EDGE + len(shown) * ROW
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect x=".5" y=".5" width="{wide - 1}" height="{high - 1}" rx="8" fill="{_PAPER}" stroke="{_FRAME}"/>',
        f'<g font-family="{_FONT}" font-size="14" fill="{_PLAIN}">',
        *(text for row, line in enumerate(shown, 1) for text in _line(line, row)),
        "</g>",
        "</svg>\n",
    ))  # fmt: skip


def _line(line: Line, row: int) -> Iterator[str]:
    column = 0
    for style, spans in groupby(line, key=lambda span: span.style):
        span = Span("".join(span.text for span in spans), style)
        if span.text.strip():
            yield _text(span, column, row)
        column += cells(span.text)


def _text(span: Span, column: int, row: int) -> str:
    """Draw one span, stretched to its cells, so that no viewer's font can move what comes after it."""
    inner = span.text.strip()
    column += cells(span.text) - cells(span.text.lstrip())
    place = f'x="{_EDGE + column * CELL:g}" y="{_EDGE + row * ROW - 5:g}" textLength="{cells(inner) * CELL:g}"'
    said = escape(inner, quote=False).replace(" ", "\u00a0")  # of several plain spaces only one is drawn
    return f'<text {place} lengthAdjust="spacingAndGlyphs"{_style(span.style)}>{said}</text>'


def _style(style: str) -> str:
    words = style.split()
    colour = next((_COLOURS[word] for word in words if word in _COLOURS), _DIM if "dim" in words else "")
    return (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if "bold" in words else "")
