"""The verdict and the sums in words."""

import pytest
from report_samples import FAILED, SUMMARY, day, judged

from genesis_ops.checks.model import Outcome, Report
from genesis_ops.report.sentence import ending, sentence, sums

FAIL, UNKNOWN, WARN, SKIP = Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN, Outcome.SKIP


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (day(), "10 of 10 checks passed"),
        (FAILED, "1 of 10 checks failed, 1 warning"),
        (day(judged(1, FAIL), judged(2, FAIL), judged(3, UNKNOWN)), "2 of 10 checks failed, 1 could not tell"),
        (day(judged(1, UNKNOWN), judged(2, WARN), judged(3, WARN)), "1 of 10 checks could not tell, 2 warnings"),
        (day(judged(1, WARN), judged(2, SKIP)), "8 of 10 checks passed, 1 warning, 1 skipped"),
        (day(judged(11, WARN)), "10 of 10 checks passed, 1 warning"),
        (day(judged(11, FAIL)), "10 of 10 checks passed, heartbeat failed"),
        (day(judged(11, UNKNOWN)), "10 of 10 checks passed, heartbeat could not tell"),
        (day(judged(1, FAIL, bonus=True), judged(11, FAIL)), "9 of 9 checks passed, 2 others failed"),
        (day(checks=(judged(1, SKIP),)), "0 of 1 checks passed, 1 skipped"),
        (day(checks=()), "0 of 0 checks passed"),
    ],
)
def test_the_verdict_is_said_in_one_sentence(report: Report, said: str) -> None:
    assert sentence(report) == said


def test_the_end_names_the_exit_code_and_why_a_warning_is_not_0() -> None:
    warned = day(judged(1, WARN))
    assert [ending(report) for report in (day(), FAILED, day(judged(1, UNKNOWN)))] == ["exit 0", "exit 1", "exit 3"]
    assert [ending(warned), ending(warned._replace(strict=True))] == ["exit 0", "exit 1 (strict)"]
    assert ending(FAILED._replace(strict=True)) == "exit 1"


@pytest.mark.parametrize(
    ("outcome", "said"), [("PASS", "Verified"), ("FAIL", "NOT VERIFIED"), ("UNKNOWN", "could not be told")]
)
def test_the_champion_is_called_verified_only_where_its_check_says_so(outcome: str, said: str) -> None:
    assert f"Champion: {said}" in sums(day(judged(9, Outcome(outcome))))


def test_dry_run_mode_is_claimed_only_where_no_order_was_found() -> None:
    orders = {**SUMMARY, "orders_submitted": 2}
    assert "Orders submitted: 2" in sums(day(judged(5, FAIL), summary=orders))
    assert "Orders submitted: 0 (dry-run mode)" in sums(day())


def test_only_the_sums_that_exist_are_shown() -> None:
    assert sums(day(summary=None)) == ()
    assert sums(day(checks=(), summary={"candles": 3, "of_another_day": 1})) == ("Candles processed: 3",)
