"""The checks of a day: what a day that is over is not asked, and what only today can tell."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from evidence_by_hand import END, START, close, evidence, gap, run, state
from preflight_host import WELL

from genesis_ops.checks import day as days
from genesis_ops.checks.day import CHECKS, STOP_IDS, DayEvidence
from genesis_ops.checks.evidence import OrderDoubt, OrdersFound
from genesis_ops.checks.model import Outcome, Place, judge
from genesis_ops.checks.preflight import preflight
from genesis_ops.runlog.events import CandleClose
from genesis_ops.settings import load
from genesis_ops.state.latch import Latch
from genesis_ops.words import HOUR_MS

PASS, WARN, FAIL, UNKNOWN, SKIP = Outcome


def found(tmp_path: Path, **changes: Any) -> DayEvidence:
    seen = changes.pop("seen", evidence())
    plain = DayEvidence(
        settings=load({"root": tmp_path}, {}, None).settings,
        date=date(2026, 3, 1),
        start_ms=START,
        end_ms=END,
        now_ms=END,
        over=True,
        seen=seen,
        stop=seen,
        latch=None,
    )
    return plain._replace(**changes)


def outcomes(day: DayEvidence) -> dict[str, Outcome]:
    return {judged.id: judged.outcome for judged in judge(CHECKS, day, str)}


def test_a_good_day_passes_and_skips_what_is_of_now(tmp_path: Path) -> None:
    told = outcomes(found(tmp_path))
    assert {name for name, outcome in told.items() if outcome is SKIP} == {"preflight"}
    assert {outcome for outcome in told.values() if outcome is not SKIP} == {PASS}
    assert list(told)[:6] == [
        *("duplicate-candle", "dry-run-order", "baseline-fallback", "candle-gap", "state-corrupt", "fatal-error")
    ]
    assert set(list(told)[:6]) == STOP_IDS


def test_the_state_is_not_held_against_a_day_that_the_log_has_left_behind(tmp_path: Path) -> None:
    later = CandleClose(END - HOUR_MS, 7.0, "previous")  # it closes at the day's end, which is the next day
    day = found(tmp_path, seen=evidence(newest=later, state=state(END - HOUR_MS)))
    assert outcomes(day)["state-consistency"] is SKIP
    assert outcomes(day._replace(over=False))["state-consistency"] is PASS


def test_a_state_that_is_behind_the_days_own_last_close_fails(tmp_path: Path) -> None:
    assert outcomes(found(tmp_path, seen=evidence(state=state(START))))["state-consistency"] is FAIL


@pytest.mark.parametrize(
    ("since_ms", "over", "outcome"),
    [(END - 1, True, FAIL), (END, True, PASS), (END, False, FAIL), (None, True, PASS)],
)
def test_a_latch_counts_for_the_days_it_was_set_in(
    tmp_path: Path, since_ms: int | None, over: bool, outcome: Outcome
) -> None:
    latch = None if since_ms is None else Latch(since_ms, ("why",), "me")
    assert outcomes(found(tmp_path, latch=latch, over=over))["stop-latch"] is outcome


def test_an_order_in_doubt_is_as_bad_as_a_fatal_line_and_an_unread_journal_is_unknown(tmp_path: Path) -> None:
    doubt = OrderDoubt("20260301-0800", "in doubt", Place("j", 1, ""), "resolve it")
    told = outcomes(found(tmp_path, stop=evidence()._replace(orders=OrdersFound((doubt,)))))
    assert (told["orders-resolved"], told["fatal-error"]) == (FAIL, FAIL)
    told = outcomes(found(tmp_path, stop=evidence()._replace(orders=OrdersFound((), "cannot be read"))))
    assert (told["orders-resolved"], told["fatal-error"]) == (UNKNOWN, UNKNOWN)


def test_stop_conditions_are_judged_as_stop_check_sees_the_day(tmp_path: Path) -> None:
    told = outcomes(found(tmp_path, seen=evidence(gaps=(gap(START),)), stop=evidence()))
    assert (told["candle-gap"], told["candle-frequency"]) == (PASS, WARN)


def test_the_missing_candles_are_those_of_both_looks(tmp_path: Path) -> None:
    one, two = evidence(gaps=(gap(START),)), evidence(gaps=(gap(START, START + HOUR_MS),))
    assert found(tmp_path, seen=one, stop=two).missing == {START, START + HOUR_MS}


@pytest.mark.parametrize(("over", "words"), [(True, "put the log files back"), (False, "genesis-ops preflight")])
def test_an_uncovered_day_says_what_can_still_be_done(tmp_path: Path, over: bool, words: str) -> None:
    day = found(tmp_path, over=over, seen=evidence(last_ms=START + HOUR_MS))
    result = days.candle_frequency(day)
    assert result.outcome is UNKNOWN
    assert result.remedy.startswith(words)


def test_a_day_in_which_no_close_was_due_yet_is_not_asked_for_one(tmp_path: Path) -> None:
    young = found(tmp_path, over=False, end_ms=START + 30_000)
    assert days.candle_frequency(young).outcome is SKIP
    assert days.candle_frequency(young._replace(end_ms=START + 60_000)).outcome is PASS
    silent = found(tmp_path, over=False, end_ms=START + 30_000, seen=evidence(nothing="there is no log"))
    assert days.candle_frequency(silent).outcome is UNKNOWN


def test_the_whole_preflight_is_one_check_that_names_what_is_not_well(tmp_path: Path) -> None:
    report = preflight(WELL)
    result = days.preflight(found(tmp_path, over=False, preflight=report))
    assert (result.outcome, result.detail, result.remedy) == (PASS, "12 of 12", "")
    bad = tuple(j._replace(outcome=FAIL) if j.id == "clock" else j for j in report.checks)
    result = days.preflight(found(tmp_path, over=False, preflight=report._replace(checks=bad)))
    assert (result.outcome, result.detail) == (FAIL, "11 of 12; clock FAIL")
    assert result.remedy == "genesis-ops preflight"


def test_a_close_announced_twice_fails_the_day(tmp_path: Path) -> None:
    day = found(tmp_path, seen=evidence(run(close(START), close(START))))
    assert outcomes(day)["duplicate-candle"] is FAIL
