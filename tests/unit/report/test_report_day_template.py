"""A team's template: what it is given is Markdown already, and what is wrong in it has a place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.report.template import Ready, TemplateBroken, rendered

FACTS = {
    "verdict": "PASS",
    "text": "a|b <!-- x",
    "rows": [{"name": "n"}],
    "code": Ready("`<x>`"),
    "number": 3,
    "no": "",
}


def broken(source: str) -> tuple[int | None, int | None, str]:
    with pytest.raises(TemplateBroken) as error:
        rendered(source, FACTS)
    return error.value.line, error.value.column, error.value.why


@pytest.mark.parametrize(
    ("source", "place", "why"),
    [
        ("a\nb {% for x in %}{% endfor %}", (2, 15), "Expected an expression, got 'end of statement block'"),
        ("a\n  {{ nothing }}\n", (2, 6), "'nothing' is undefined"),
        ("{{ rows[0].nam }}", (1, 12), "'dict object' has no attribute 'nam'"),
        ("a\n{{ text|safest }}", (2, 9), "No filter named 'safest'."),
        ("a\n\n{% fore x in rows %}", (3, 4), "Encountered unknown tag 'fore'."),
        ("a\n{{ a & b }}", (2, 6), "unexpected character"),
        ("a\n{% if number %}\nb\nc", (4, 2), "Unexpected end of template."),
        ("{{ text.__class__.__mro__ }}", (1, 9), "access to attribute '__class__' of 'str' object is unsafe."),
        ("a\n{{ number / 0 }}", (2, 1), "ZeroDivisionError: division by zero"),
        ("{{ 'x'.join(number) }}", (1, 1), "TypeError: "),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", (1, None), "RecursionError: "),
        ("a\n{{ 'a' * 10**10 }}", (2, 8), "'*' would make more than 2 MiB"),
        ("{{ [1] * 9999999 }}", (1, 8), "'*' would make more than 2 MiB"),
        ("{{ 10 ** (10 ** 10) }}", (1, 7), "'**' would make more than 2 MiB"),
        ("{% include 'other' %}", (1, 1), "TypeError: no loader for this environment specified"),
        (
            "{% for a in range(999) %}{% for b in range(999) %}xxxx{% endfor %}{% endfor %}",
            (None, None),
            "it writes more",
        ),
        ("{% for a in range(10**9) %}{% endfor %}", (1, None), "OverflowError: Range too big."),
    ],
)
def test_what_is_wrong_in_a_template_has_a_line_and_where_it_can_be_told_a_column(
    source: str, place: tuple[int | None, int | None], why: str
) -> None:
    line, column, told = broken(source)
    assert told.startswith(why)
    assert (line, column) == place


def test_windows_line_ends_do_not_move_the_place() -> None:
    assert broken("a\r\nb\r\n{{ c & d }}")[:2] == (3, 6)


def test_texts_are_escaped_wherever_they_stand_and_ready_ones_are_not() -> None:
    assert rendered("{{ text }}{{ rows[0].name }}{{ code }}{{ number }}", FACTS) == "a&#124;b &lt;!-- xn`<x>`3"


@given(st.sampled_from(["*", "**"]), st.integers(-99, 99), st.integers(0, 99))
def test_small_numbers_and_texts_are_multiplied_as_ever(operator: str, left: int, right: int) -> None:
    assert rendered(f"{{{{ ({left}) {operator} {right} }}}}", FACTS) == str(eval(f"({left}){operator}{right}"))
    assert rendered(f"{{{{ 'x' * {right} }}}}", FACTS) == "x" * right


@given(st.text())
def test_no_text_can_begin_or_end_a_part(text: str) -> None:
    line = f"<!-- genesis-ops:verdict -->{text}\n<!-- /genesis-ops:verdict -->"
    for each in (text, line):
        shown = rendered("{{ told }}", {"told": each})
        assert "<!--" not in shown
        assert len(shown.splitlines()) <= 1


@given(st.text(st.sampled_from("{}%#| \n'abforinge_.()0")))
def test_any_template_is_filled_in_or_said_to_be_broken(source: str) -> None:
    try:
        told = rendered(source, FACTS)
    except TemplateBroken as error:
        told = f"{error.line or 1} {error.why}"
        assert int(told.split()[0]) in range(1, source.count("\n") + 2)
    assert isinstance(told, str)
