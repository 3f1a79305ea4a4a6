from typing import Any

import pytest
from evidence_by_hand import (
    FIRST,
    SECOND,
    START,
    STATE_FILE,
    THIRD,
    close,
    evidence,
    failed,
    gap,
    line,
    run,
    state,
    well,
)

from genesis_ops.checks import stop
from genesis_ops.checks.evidence import StateEvidence
from genesis_ops.checks.model import Outcome, Result
from genesis_ops.state.hidden import HIDDEN
from genesis_ops.words import HOUR_MS, Mode

PASS, WARN, FAIL, UNKNOWN = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN
AT = START + 20_000
NOWHERE = StateEvidence(STATE_FILE, None, "")


def figures(result: Result) -> tuple[Outcome, str, Any, Any]:
    return result.outcome, result.detail, result.observed, result.expected


@pytest.mark.parametrize(
    ("check", "detail", "figure"),
    [
        (stop.duplicate_candle, "3 closes, no timestamp twice", (0, 0)),
        (stop.dry_run_order, "none", (0, 0)),
        (stop.baseline_fallback, "none", (0, 0)),
        (stop.candle_gap, "no step of more than two candles", (0, 0)),
        (stop.state_corrupt, "runner_state.json can be read", ("readable", "readable")),
        (stop.fatal_error, "none", (0, 0)),
    ],
)
def test_a_phase_in_which_all_is_well_passes(check: Any, detail: str, figure: tuple[Any, Any]) -> None:
    assert check(evidence()) == Result(PASS, detail, *figure, (), "")


def test_a_candle_announced_again_counts_even_where_it_was_tried_again() -> None:
    first, second = close(FIRST, failure=failed(FIRST), evaluated=0), close(FIRST, late_ms=60_000)
    found = stop.duplicate_candle(evidence(run(first, second)))
    told = "close of 08:00 announced again; because its evaluation failed and was tried again"
    assert (figures(found), found.evidence) == ((FAIL, told, 1, 0), (first.line, second.line))
    assert "do NOT restart" in found.remedy
    assert stop.duplicate_candle(evidence(earlier=(first,))).outcome is FAIL


@pytest.mark.parametrize(
    ("resumed_ms", "known"),
    [
        (None, False),
        (START + 60_000 - 1, False),
        (START + 60_000, True),  # when the second line was written
        (START + 60_001, True),
    ],
)
def test_what_an_operator_knew_when_he_resumed_is_said_and_counts_all_the_same(resumed_ms: Any, known: bool) -> None:
    closes = run(close(FIRST), close(FIRST, late_ms=60_000))
    found = stop.duplicate_candle(evidence(closes, resumed_ms=resumed_ms))
    words = "; known since the resume of 2026-03-01T08:01Z"
    assert found.detail == f"close of 08:00 announced again{words if known else ''}"
    assert found.outcome is FAIL


def test_an_order_belongs_to_the_mode_of_its_run() -> None:
    sent = line(AT, "ORDER SUBMITTED: {}")
    dry, live, unseen = (run(mode=mode, submissions=(sent,)) for mode in (Mode.DRY_RUN, Mode.LIVE_PAPER, None))
    found = stop.dry_run_order(evidence(live, dry, unseen))
    assert (figures(found), found.evidence) == ((FAIL, "1 line of an order in a dry-run", 1, 0), (sent,))
    assert "do NOT go on to live-paper" in found.remedy
    found = stop.dry_run_order(evidence(live, unseen))
    told = "1 line of an order by a run whose start is not in the log"
    assert (figures(found), found.evidence, bool(found.remedy)) == ((UNKNOWN, told, 1, 0), (sent,), True)
    found = stop.dry_run_order(evidence(live, live))
    assert found == Result(PASS, "none; 2 lines of orders in live-paper runs", 0, 0)


def test_an_order_that_was_known_at_the_resume_is_said_to_be() -> None:
    dry = run(submissions=(line(AT, "ORDER SUBMITTED: {}"),))
    assert "known since" in stop.dry_run_order(evidence(dry, resumed_ms=AT)).detail
    assert "known since" not in stop.dry_run_order(evidence(dry, resumed_ms=AT - 1)).detail
    again = run(submissions=(line(AT + 60_000, "ORDER SUBMITTED: {}"),))
    assert "known since" not in stop.dry_run_order(evidence(dry, again, resumed_ms=AT + 1000)).detail


@pytest.mark.parametrize(
    ("check", "kind", "noun", "forbidden"),
    [
        (stop.baseline_fallback, "fallbacks", "fallback line", "do NOT edit the champion"),
        (stop.fatal_error, "fatal", "fatal line", "mend the cause before the next start"),
    ],
)
def test_lines_that_must_not_be_there_fail_newest_first(check: Any, kind: str, noun: str, forbidden: str) -> None:
    older, newer = line(AT, "first"), line(AT + 1000, "second")
    found = check(evidence(run(**{kind: (older,)}), run(**{kind: (newer,)})))
    assert (figures(found), found.evidence) == ((FAIL, f"2 {noun}s, the newest: second", 2, 0), (newer, older))
    assert forbidden in found.remedy
    known = check(evidence(run(**{kind: (older,)}), resumed_ms=AT)).detail
    assert known == f"1 {noun}, the newest: first; known since the resume of 2026-03-01T08:00Z"


def test_a_gap_fails_with_its_cause_and_lines() -> None:
    proof = (line(AT, "x"),)
    long = gap(SECOND, THIRD, proof=proof)
    found = stop.candle_gap(evidence(gaps=(long,), ahead_ms=(HOUR_MS,)))
    told = "1 gap: 09:00 and 10:00 missing: runner down; the log is in local time (+1h of UTC; corrected)"
    assert figures(found) == (FAIL, told, 1, 0)
    assert found.evidence == (*proof, *long.beside)
    assert "do NOT restart" in found.remedy


@pytest.mark.parametrize(("number", "more"), [(3, ""), (4, "; 1 more gap"), (5, "; 2 more gaps")])
def test_of_many_gaps_three_are_told(number: int, more: str) -> None:
    found = stop.candle_gap(evidence(gaps=(gap(SECOND),) * number))
    assert found.detail == f"{number} gaps: " + "; ".join(["09:00 missing: runner down"] * 3) + more
    assert found.observed == number


def test_a_gap_is_known_if_the_resume_came_after_the_close_behind_it() -> None:
    ended_ms = gap(SECOND).beside[-1].at_ms
    for resumed_ms, known in ((ended_ms, True), (ended_ms - 1, False)):
        found = stop.candle_gap(evidence(gaps=(gap(SECOND),), resumed_ms=resumed_ms))
        assert ("known since" in found.detail) is known
    going_on = gap(SECOND)._replace(beside=gap(SECOND).beside[:1])
    assert "known" in stop.candle_gap(evidence(gaps=(going_on,), resumed_ms=ended_ms)).detail
    alone = gap(SECOND)._replace(beside=())
    assert "known" not in stop.candle_gap(evidence(gaps=(alone,), resumed_ms=ended_ms)).detail


def test_what_is_missing_may_stand_where_nobody_could_read() -> None:
    assert stop.candle_gap(evidence(gaps=(gap(SECOND),), troubles=("x",))).outcome is WARN


def test_without_a_line_or_a_close_nobody_knows_of_gaps() -> None:
    assert stop.candle_gap(evidence(nothing="no log")) == Result(UNKNOWN, "no log", 0, 0, (), "genesis-ops preflight")
    found = stop.candle_gap(evidence(run()))
    assert found == Result(UNKNOWN, "no close since then", 0, 0, (), "genesis-ops preflight")


def test_local_time_is_a_warning() -> None:
    found = stop.candle_gap(evidence(ahead_ms=(HOUR_MS,)))
    told = "no step of more than two candles; the log is in local time (+1h of UTC; corrected)"
    assert found == Result(WARN, told, 0, 0, (), "TZ=UTC for the runner")


def test_a_state_that_cannot_be_read_fails_and_must_not_be_deleted() -> None:
    found = stop.state_corrupt(evidence(state=StateEvidence(STATE_FILE, None, "it is empty")))
    assert figures(found) == (FAIL, "it is empty", "unreadable", "readable")
    assert "do NOT delete the state" in found.remedy


def test_a_missing_state_fails_where_logs_exist_and_is_unknown_where_nothing_ran() -> None:
    found = stop.state_corrupt(evidence(state=NOWHERE))
    assert figures(found) == (FAIL, "there is no runner_state.json, though logs exist", "missing", "readable")
    assert "do NOT start fresh" in found.remedy
    found = stop.state_corrupt(evidence(state=NOWHERE, nothing="no log"))
    assert found == Result(UNKNOWN, "no runner_state.json to be seen; no log", None, "readable")


def test_a_state_that_only_this_user_may_not_read_is_not_called_corrupt() -> None:
    hidden = StateEvidence("runner_state.json", None, f"runner_state.json {HIDDEN}")
    found = stop.state_corrupt(evidence(state=hidden))
    assert (found.outcome, found.remedy) == (UNKNOWN, "ls -ld runner_state.json")
    damaged = StateEvidence("runner_state.json", None, "runner_state.json is not JSON")
    assert stop.state_corrupt(evidence(state=damaged)).outcome is FAIL


def test_a_state_without_a_candle_warns_where_the_log_has_closes() -> None:
    found = stop.state_corrupt(evidence(state=state(None)))
    assert figures(found) == (WARN, "runner_state.json has no candle, though the log has closes", "empty", "readable")
    assert found.remedy
    assert stop.state_corrupt(evidence(run(), state=state(None))).outcome is PASS


def test_a_copy_of_a_damaged_state_is_mentioned() -> None:
    kept = state()._replace(copies=("a",))
    found = stop.state_corrupt(evidence(state=kept, nothing="no log"))
    assert found == Result(PASS, "runner_state.json can be read; 1 copy of damaged ones kept", "readable", "readable")


def test_doubt_hinders_every_condition_that_reads_the_log() -> None:
    doubted = [check.id for check in stop.CHECKS if check.doubt(evidence(well(), troubles=("x",)))]
    assert doubted == [check.id for check in stop.CHECKS if check.id != "state-corrupt"]
