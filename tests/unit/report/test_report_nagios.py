"""The report for a monitoring system: one line and its figures."""

import re

import pytest
from hypothesis import given
from report_samples import FAILED, HOSTILE, REPORTS, day, judged

from genesis_ops.checks.model import Outcome, Report
from genesis_ops.report.nagios import Status, render, status

_NUMBER = r"-?\d+(\.\d+)?"
_FIGURE = re.compile(rf"[A-Za-z0-9_-]{{1,19}}={_NUMBER}(s|B|%|c)?(;({_NUMBER})?){{0,4}}")


def test_a_failed_day_is_critical_and_says_what_the_worst_first() -> None:
    assert render(FAILED) == (
        "GENESIS ACCEPTANCE CRITICAL - 1 of 10 checks failed, 1 warning: candle-frequency: 22 of 24 closes, "
        "one step of 3h; heartbeat: 850, longest silence 16m | failed=1;;0;0;11 warnings=1;0;;0;11 unknown=0;;;0;11 "
        "covered=86400s;;;0 candles=24 evaluations=24 orders_submitted=0 fatal=0 heartbeats=864\n"
    )


def test_a_day_that_passed_is_ok_and_says_nothing_else() -> None:
    text, _, figures = render(day(window=None, summary=None)).partition(" | ")
    assert text == "GENESIS ACCEPTANCE OK - 10 of 10 checks passed"
    assert figures == "failed=0;;0;0;11 warnings=0;0;;0;11 unknown=0;;;0;11\n"


@pytest.mark.parametrize(
    ("outcome", "strict", "code"),
    [("PASS", True, 0), ("WARN", False, 1), ("WARN", True, 2), ("FAIL", False, 2), ("UNKNOWN", False, 3)],
)
def test_the_code_is_the_plugins_and_the_word_fits_it(outcome: str, strict: bool, code: int) -> None:
    report = day(judged(1, Outcome(outcome)), strict=strict)
    assert status(report) == code
    assert f"GENESIS ACCEPTANCE {Status(code).name} - " in render(report)


def test_the_worst_is_said_first_and_a_bar_in_it_is_none() -> None:
    report = day(*(judged(n, Outcome(o), detail=f"{o} | x") for n, o in enumerate(("WARN", "UNKNOWN", "FAIL"), 1)))
    said = render(report).partition(" | ")[0].partition("warning: ")[2]
    assert said == "candle-source: FAIL / x; candle-frequency: UNKNOWN / x; candle-uniqueness: WARN / x"


def test_a_long_story_is_cut_before_the_figures_and_not_in_them() -> None:
    line = render(day(judged(1, Outcome.FAIL, detail=HOSTILE * 50)))
    assert len(line) < 1024
    assert line.endswith(" heartbeats=864\n")


@given(report=REPORTS)
def test_it_is_one_line_of_ascii_with_one_bar(report: Report) -> None:
    line = render(report)
    assert line.endswith("\n")
    assert line.count("|") == 1
    assert line[:-1].isprintable()
    assert line.isascii()
    assert all(_FIGURE.fullmatch(figure) for figure in line.partition(" | ")[2].split())
