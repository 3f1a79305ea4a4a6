"""Text in the cells of a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import TEXTS

from genesis_ops.report.cells import cells, cut, fitting, shown, wrapped
from genesis_ops.words import visible


@pytest.mark.parametrize(
    ("text", "wide"),
    [("abc", 3), ("日本", 4), ("ｱ", 1), ("👩", 2), ("e\u0301a\u0308", 2), ("e\u0301\u0301\u0301", 3), ("\u0301", 1)],
)
def test_a_text_takes_the_cells_that_a_terminal_gives_it(text: str, wide: int) -> None:
    assert cells(text) == wide


def test_a_cut_text_says_that_it_goes_on() -> None:
    assert cut("abcdef", 6, unicode=True) == "abcdef"
    assert cut("abcdefg", 6, unicode=True) == "abcde…"
    assert cut("abcdefg", 6, unicode=False) == "abc..."
    assert cut("日本語日本", 6, unicode=True) == "日本…"


def test_text_for_ascii_keeps_its_meaning() -> None:
    assert shown("a – b → c…", unicode=False) == "a - b -> c..."  # noqa: RUF001 - what is replaced
    assert shown("日\x1b\u202e", unicode=False) == r"\u65e5\x1b\u202e"
    assert shown("å\x1b", unicode=True) == r"å\x1b"


def test_words_are_kept_whole_where_they_fit() -> None:
    assert wrapped("one two  three", 8) == ("one two ", "three")
    assert wrapped("abcdefgh ij", 4) == ("abcd", "efgh", "ij")
    assert wrapped("", 4) == ("",)
    assert wrapped("日本", 0) == ("日", "本")


@given(text=TEXTS, width=st.integers(2, 60))
def test_wrapping_loses_nothing_but_spaces(text: str, width: int) -> None:
    found = wrapped(visible(text), width)
    assert max(map(cells, found)) <= width
    assert "".join(found).replace(" ", "") == visible(text).replace(" ", "")


@given(text=TEXTS, width=st.integers(0, 60))
def test_the_longest_beginning_is_given(text: str, width: int) -> None:
    text = visible(text)
    head = fitting(text, width)
    assert text.startswith(head)
    assert cells(head) <= width
    assert head == text or cells(text[: len(head) + 1]) > width
