"""A recorded screen says what the screen said, wherever it is looked at."""

import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.report.recording import CELL, ROW, recorded
from genesis_ops.report.text import Line, Span

SVG = "{http://www.w3.org/2000/svg}"
PAGE: tuple[Line, ...] = (
    (Span("Rehearsal  "), Span("42 days", "bold")),
    (),
    (Span("  "), Span("✗", "bold red"), Span(" a <b> & 'c'   d"), Span("   ")),
)


def read(picture: str) -> list[str]:
    """Read the lines back from where their pieces stand."""
    root = ET.fromstring(picture)
    count = (int(root.attrib["height"]) - 32) // ROW
    lines = [""] * count
    for text in root.iter(f"{SVG}text"):
        row = (int(text.attrib["y"]) + 5 - 16) // ROW - 1
        column = round((float(text.attrib["x"]) - 16) / CELL)
        lines[row] = lines[row].ljust(column) + (text.text or "").replace("\u00a0", " ")
    return lines


def plain(lines: tuple[Line, ...]) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines]


def test_it_says_what_the_screen_says_in_the_same_places() -> None:
    assert read(recorded(PAGE, title="a day", width=80)) == plain(PAGE)


signs = st.text(st.sampled_from("ab <&>\"'✓✗█▲░·→… "), max_size=12)


@given(st.lists(st.lists(st.builds(Span, signs, st.sampled_from(["", "dim", "bold red"]))).map(tuple)).map(tuple))
def test_whatever_is_on_the_screen_can_be_read_back(lines: tuple[Line, ...]) -> None:
    assert read(recorded(lines, title="<&>", width=80)) == plain(lines)


def test_a_style_is_a_colour_and_a_weight() -> None:
    (mark,) = re.findall(r"<text[^>]*>✗", recorded(PAGE, title="", width=80))
    assert 'font-weight="bold"' in mark
    assert 'fill="#' in mark
    assert "fill" not in re.findall(r"<text[^>]*>42", recorded(PAGE, title="", width=80))[0]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_can_be_read_on_the_picture_s_own_paper() -> None:
    styles = ("", "dim", "red", "green", "yellow", "magenta", "cyan")
    picture = recorded([(Span("x", style),) for style in styles], title="", width=20)
    paper, *_ = re.findall(r'rx="8" fill="(#\w+)"', picture)
    colours = set(re.findall(r'fill="(#\w+)"', picture)) - {paper}
    assert len(colours) == len(styles)
    assert min((luminance(colour) + 0.05) / (luminance(paper) + 0.05) for colour in colours) > 4.5


def test_it_asks_nobody_for_anything() -> None:
    picture = recorded(PAGE, title="", width=80).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"http|url\(|@import|<script|<image|href", picture)
