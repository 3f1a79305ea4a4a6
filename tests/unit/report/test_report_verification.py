"""What a verification shows: steps, wallets, the order before it is sent, lines of the log; at any width, any text."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.checks.model import Judged, Movement, Outcome, Report
from genesis_ops.report import as_json, text
from genesis_ops.report.cells import cells
from genesis_ops.report.text import Line, Page, movements
from genesis_ops.report.verify import Step, baseline, baseline_as_json, question, step_line
from genesis_ops.report.verify_logs import drawn, is_about_an_order, plain, reaches
from genesis_ops.runlog.events import LEVELS
from genesis_ops.state.baseline import Baseline

NOON = 1_770_206_400_000
PAIR = "tTESTBTC:TESTUSD"
WIDTHS = (40, 45, 60, 80, 120)
HOSTILE = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["\x1b[2J", "\u202egnp", "漢字" * 30, "x" * 300, "\n"]
)
FOUND = Baseline(NOON, "ops@host pid 1", {"TESTBTC": 10.0, "TESTUSD": 999_931.27996469, "TESTETH": 0.0})
MOVED = (
    Movement("TESTBTC", 10.0, 10.0009996),
    Movement("TESTUSD", 1_000_000.0, 999_931.27996469),
    Movement("NEW", None, 1.5),
)


def shown(lines: Iterable[Line]) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines]


def judged(outcome: Outcome, detail: str) -> Judged:
    return Judged(1, "verify-health", "", outcome, None, None, detail, (), "")


def test_a_step_is_one_line_with_its_mark_its_time_and_what_was_found() -> None:
    step = Step("services", (judged(Outcome.PASS, "well"), judged(Outcome.FAIL, "restarted")), 30.25)
    (told,) = shown([step_line(step, Page(80, unicode=True))])
    assert told == "  ✗ services   30.2s  restarted"


def test_a_step_that_was_left_out_says_why() -> None:
    step = Step("order", (judged(Outcome.SKIP, "none was asked for"),), 0.0)
    assert step.outcome is Outcome.SKIP
    assert "none was asked for" in shown([step_line(step, Page(80, unicode=True))])[0]


def test_a_step_with_something_left_out_comes_to_what_was_done() -> None:
    assert Step("services", (judged(Outcome.SKIP, ""), judged(Outcome.PASS, "")), 0.0).outcome is Outcome.PASS


@pytest.mark.parametrize("width", WIDTHS)
@given(HOSTILE, HOSTILE, st.floats(allow_nan=False, allow_infinity=False))
def test_no_text_breaks_a_line_or_reaches_a_terminal_as_it_is(width: int, one: str, other: str, held: float) -> None:
    page = Page(width, unicode=True)
    everything = [
        *[step_line(Step("order", (judged(Outcome.PASS, one),), 1.0), page)],
        *baseline(Baseline(NOON, one, {other: held}), PAIR, one, page),
        *question(PAIR, "LONG", 0.001, {"TESTUSD": held}, page),
        *movements((Movement(one, held, None), Movement(other, None, held)), page),
        *drawn(one, "INFO", page),
        *drawn(f"2026-02-04 13:03:20 - paper_trading_runner - ERROR - {other}", "ERROR", page),
    ]
    for line in shown(everything):
        assert cells(line) <= width
        assert line.isprintable()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_wallets_are_drawn_as_columns_and_the_change_is_always_there(width: int) -> None:
    drawn_lines = shown(movements(MOVED, Page(width, unicode=True)))
    assert len(drawn_lines) == 4
    assert [line.split()[-1] for line in drawn_lines[1:]] == ["+0.0009996", "-68.72003531", "+1.5"]
    assert ("before" in drawn_lines[0]) is (width >= 60)
    assert max(map(cells, drawn_lines)) <= width


def test_a_report_has_its_wallets_in_text_and_in_json_and_others_have_none() -> None:
    report = Report("verify delta", "", "", NOON, (judged(Outcome.PASS, "well"),))
    assert "wallets" not in as_json.document(report)
    told = as_json.document(report._replace(wallets=MOVED))["wallets"]
    assert told[0] == {"currency": "TESTBTC", "before": 10.0, "after": 10.0009996, "change": 0.0009996}
    assert told[2]["before"] is None
    assert "+0.0009996" in text.render(report._replace(wallets=MOVED), width=80, unicode=True)


def test_a_baseline_shows_the_pair_first_and_where_it_is() -> None:
    lines = shown(baseline(FOUND, PAIR, "logs/wallet_baseline.json", Page(80, unicode=True)))
    assert lines[0] == "Baseline  2026-02-04 12:00:00 UTC by ops@host pid 1"
    assert [line.split()[0] for line in lines[1:4]] == ["TESTBTC", "TESTUSD", "TESTETH"]
    assert lines[2].endswith("999,931.27996469")
    assert lines[-1].endswith("in logs/wallet_baseline.json")


def test_a_baseline_says_what_it_does_not_name() -> None:
    lines = shown(baseline(FOUND._replace(balances={"TESTUSD": 5.0}), PAIR, "f", Page(80, unicode=True)))
    assert "not named" in lines[1]


def test_a_baseline_for_scripts_has_the_same_names_when_there_is_none() -> None:
    there, none = (json.loads(baseline_as_json(found, "f")) for found in (FOUND, None))
    assert list(there) == list(none)
    assert (there["at"], none["at"], none["balances"]) == ("2026-02-04T12:00:00.000Z", None, None)


def test_a_question_says_pair_side_size_and_what_the_wallet_holds() -> None:
    told = shown(question(PAIR, "SHORT", 0.001, {"TESTBTC": 0.5}, Page(80, unicode=True)))
    assert told == [
        "Manual order  SHORT 0.001 TESTBTC on tTESTBTC:TESTUSD",
        "  the wallet holds 0.5 TESTBTC",
        "  the wallet holds - TESTUSD",
    ]


# --- lines of the log


@pytest.mark.parametrize(
    ("message", "level", "begins"),
    [
        ("Heartbeat: evaluations=3", "INFO", "  2026-02-04 13:03:20 INFO     Heartbeat"),
        ("ORDER SUBMITTED: {}", "INFO", "> 2026-02-04 13:03:20 INFO     ORDER SUBMITTED"),
        ("Submitting LONG order...", "INFO", "> 2026-02-04 13:03:20 INFO     Submitting"),
        ("ORDER REJECTED: x", "WARNING", "! 2026-02-04 13:03:20 WARNING  ORDER REJECTED"),
        ("HTTP error fetching candles: x", "ERROR", "x 2026-02-04 13:03:20 ERROR    HTTP"),
        ("FATAL: x", "CRITICAL", "X 2026-02-04 13:03:20 CRITICAL FATAL"),
    ],
)
def test_a_line_has_a_sign_before_it_wherever_it_has_a_colour(message: str, level: str, begins: str) -> None:
    raw = f"2026-02-04 13:03:20 - paper_trading_runner - {level} - {message}"
    ((first, *_), *_) = [*drawn(raw, level, Page(80, unicode=True))]
    assert first.text.startswith(begins)
    assert bool(first.style) is (first.text[0] != " ")


def test_a_narrow_terminal_gets_the_time_without_the_day() -> None:
    raw = "2026-02-04 13:03:20 - paper_trading_runner - INFO - Heartbeat"
    assert shown(drawn(raw, "INFO", Page(45, unicode=True))) == ["  13:03:20 INFO     Heartbeat"]


def test_a_line_that_is_none_is_shown_under_the_others() -> None:
    assert shown(drawn("Traceback (most recent call last):", "ERROR", Page(80, unicode=True)))[0].startswith(
        "    Trace"
    )


def test_a_pipe_gets_the_line_as_it_stands_in_the_log() -> None:
    raw = "2026-02-04 13:03:20 - paper_trading_runner - INFO - a\x1b[2Jb"
    assert plain(raw) == raw.replace("\x1b", "\\x1b")


def test_a_level_shows_what_is_as_serious_or_more_and_what_nobody_knows() -> None:
    assert [level for level in LEVELS if reaches(level, "WARNING")] == ["WARNING", "ERROR", "CRITICAL"]
    assert reaches("", "CRITICAL")
    assert reaches("TRACE", "CRITICAL")


def test_what_is_about_an_order_is_known_by_its_words() -> None:
    assert is_about_an_order("DRY-RUN: Would submit LONG order (skipped)")
    assert not is_about_an_order("Action=NONE. No order.")
