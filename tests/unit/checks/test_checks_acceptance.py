from typing import Any

import pytest
from evidence_by_hand import (
    END,
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
    log,
    look,
    run,
    state,
    well,
)

from genesis_ops.checks import acceptance
from genesis_ops.checks.acceptance import covered_ms, log_doubt, repeated, told_again
from genesis_ops.checks.evidence import Evidence, Explanation, Silence, StateEvidence
from genesis_ops.checks.model import Outcome, Result
from genesis_ops.runlog.events import Event, GaveUp, OrderSkipped, OrderSubmitted, RunnerStopped
from genesis_ops.words import HOUR_MS, MINUTE_MS, Mode

PASS, WARN, FAIL, UNKNOWN = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN
AGAIN = close(FIRST, late_ms=1_800_000)
FULL = "a window of 3h can first be full at"


def figures(result: Result) -> tuple[Outcome, str, Any, Any]:
    return result.outcome, result.detail, result.observed, result.expected


@pytest.mark.parametrize(
    ("check", "detail", "figure"),
    [
        (acceptance.candle_uniqueness, "3 closes, no timestamp twice", (0, 0)),
        (acceptance.candle_frequency, "3 of 3 closes", (3, 3)),
        (acceptance.candle_source, "3 of 3", (3, 3)),
        (acceptance.candle_audit, "3 of 3 follow from a look at the exchange", (3, 3)),
        (acceptance.no_orders, "none sent, 0 would have been", (0, 0)),
        (acceptance.evaluation_count, "3 of 3 candles evaluated once", (3, 3)),
        (acceptance.state_consistency, "both say candle 01 Mar 09:00", (THIRD, THIRD)),
        (acceptance.state_orders, "the state counts 0 orders", (0, 0)),
        (acceptance.champion_loaded, "1 of 1 run verified it", (1, 1)),
        (acceptance.no_fatal, "none", (0, 0)),
        (acceptance.heartbeat, "90, longest silence 2m 0s", (90, None)),
    ],
)
def test_a_window_in_which_all_is_well_passes(check: Any, detail: str, figure: tuple[Any, Any]) -> None:
    assert check(evidence()) == Result(PASS, detail, *figure, (), "")


# --- announced twice


def test_every_repetition_is_paired_with_the_announcement_before_it() -> None:
    first, second, third = close(FIRST), close(FIRST), close(FIRST)
    assert repeated([first], [close(SECOND), second, third]) == [(first, second), (second, third)]
    assert repeated([], [first]) == []


def test_a_candle_announced_twice_fails_with_both_lines() -> None:
    first = close(FIRST)
    found = acceptance.candle_uniqueness(evidence(run(first, close(SECOND), AGAIN)))
    assert figures(found) == (FAIL, "close of 08:00 announced again", 1, 0)
    assert found.evidence == (first.line, AGAIN.line)
    assert found.remedy


def test_a_candle_announced_before_the_window_and_in_it_fails() -> None:
    found = acceptance.candle_uniqueness(evidence(earlier=(close(FIRST),)))
    assert figures(found) == (FAIL, "close of 08:00 announced again", 1, 0)


def test_a_candle_after_a_later_one_was_announced_before_what_can_be_seen() -> None:
    early, earlier = close(FIRST, late_ms=3_700_000), close(FIRST - HOUR_MS, late_ms=7_300_000)
    found = acceptance.candle_uniqueness(evidence(run(close(SECOND), early, earlier)))
    detail = "candle 01 Mar 07:00 and candle 01 Mar 06:00 announced after a later one, so not for the first time"
    assert figures(found) == (FAIL, detail, 2, 0)
    assert found.evidence == (early.line, earlier.line)
    assert found.remedy


@pytest.mark.parametrize(
    ("failure", "evaluated", "text"),
    [
        (failed(FIRST), 0, "close of 08:00 announced again; because its evaluation failed and was tried again"),
        (failed(FIRST), 1, "close of 08:00 announced again"),
        (None, 0, "close of 08:00 announced again"),
    ],
)
def test_a_repetition_is_a_retry_only_after_a_failure_without_an_evaluation(
    failure: Any, evaluated: int, text: str
) -> None:
    first = close(FIRST, failure=failure, evaluated=evaluated)
    assert told_again(log(), [(first, AGAIN)]) == text


def test_retries_are_counted_beside_repetitions_without_a_reason() -> None:
    retried, plain = close(FIRST, failure=failed(FIRST), evaluated=0), close(SECOND)
    told = told_again(log(), [(retried, AGAIN), (retried, AGAIN), (plain, plain)])
    start = "close of 08:00 3 times and 09:00 announced again"
    assert told == f"{start}; 2 of 3 because its evaluation failed and was tried again"


# --- frequency


def test_without_a_line_the_frequency_is_unknown_and_preflight_is_named() -> None:
    found = acceptance.candle_frequency(evidence(nothing="no log", first_ms=None, last_ms=None))
    remedy = "genesis-ops acceptance --window 3h --until last      (or: genesis-ops preflight)"
    assert found == Result(UNKNOWN, "no log", 0, None, (), remedy)


def test_one_missing_candle_warns_and_its_lines_are_shown() -> None:
    proof = (line(START, "x"),)
    missed = gap(SECOND, proof=proof)
    found = acceptance.candle_frequency(evidence(fates="PMP", gaps=(missed,)))
    assert figures(found) == (WARN, "2 of 3 closes; 09:00 missing: runner down", 2, 3)
    assert (found.evidence, found.remedy) == ((*proof, *missed.beside), "runbook: Missing Hours")


@pytest.mark.parametrize(
    ("fates", "gaps", "outcome"),
    [
        ("MPPM", (gap(FIRST), gap(THIRD + HOUR_MS)), FAIL),  # two in all
        ("PMMP", (gap(SECOND, THIRD),), FAIL),  # a step of three
        ("PMP", (), WARN),  # one too few, and nobody knows of a gap
        ("PPP", (gap(SECOND),), WARN),
        ("PPP", (gap(SECOND, THIRD),), FAIL),
        ("LLL", (), PASS),
        ("LPM", (), WARN),
    ],
)
def test_two_missing_or_a_long_step_fail_and_one_warns(fates: str, gaps: Any, outcome: Outcome) -> None:
    found = acceptance.candle_frequency(evidence(fates=fates, gaps=gaps))
    assert found.outcome is outcome
    assert (
        found.remedy
        == {
            PASS: "",
            WARN: "runbook: Missing Hours" if gaps else "runbook: Troubleshooting",
            FAIL: "mend the cause, then run 24h again      (runbook: Missing Hours)",
        }[outcome]
    )


def test_more_closes_than_were_to_be_expected_fail_too() -> None:
    tally = log().tally
    for more, outcome in ((1, WARN), (2, FAIL)):
        found = acceptance.candle_frequency(evidence(tally=tally._replace(closes=3 + more)))
        assert found.outcome is outcome


def test_a_failure_of_a_log_that_cannot_be_read_to_its_end_is_left_to_the_doubt() -> None:
    gaps = (gap(SECOND, THIRD),)
    assert acceptance.candle_frequency(evidence(fates="PMM", gaps=gaps, troubles=("x",))).outcome is WARN
    assert acceptance.candle_frequency(evidence(troubles=("x",))).outcome is PASS


def test_a_silence_that_cost_no_candle_is_named_as_a_warning() -> None:
    proof = (line(START, "x"),)
    quiet = Silence(START + 10 * MINUTE_MS, START + 20 * MINUTE_MS, Explanation("runner stood still", proof))
    found = acceptance.candle_frequency(evidence(silences=(quiet,)))
    told = "3 of 3 closes; silent 01 Mar 08:10 to 01 Mar 08:20: runner stood still"
    assert (figures(found), found.evidence) == ((WARN, told, 3, 3), proof)
    assert found.remedy == "runbook: Troubleshooting"


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "named"),
    [
        (START + HOUR_MS, START + 2 * HOUR_MS, False),
        (START + HOUR_MS + MINUTE_MS, START + 2 * HOUR_MS, False),  # the line may come a minute after the close
        (START + HOUR_MS + MINUTE_MS + 1, START + 2 * HOUR_MS, True),
        (START + 30 * MINUTE_MS, START + HOUR_MS, False),
        (START + 30 * MINUTE_MS, START + HOUR_MS - 1, True),
    ],
)
def test_a_silence_in_which_a_candle_went_missing_is_told_once(from_ms: int, to_ms: int, named: bool) -> None:
    quiet = Silence(from_ms, to_ms, Explanation("x", (line(START, "x"),)))
    found = acceptance.candle_frequency(evidence(fates="PMP", gaps=(gap(SECOND),), silences=(quiet,)))
    assert ("silent" in found.detail, len(found.evidence)) == (named, 3 if named else 2)


def test_local_time_is_a_warning() -> None:
    found = acceptance.candle_frequency(evidence(ahead_ms=(HOUR_MS,)))
    told = "3 of 3 closes; the log is in local time (+1h of UTC; corrected)"
    assert (figures(found), found.remedy) == ((WARN, told, 3, 3), "runbook: Troubleshooting")


def test_a_window_in_which_no_candle_closes_is_unknown() -> None:
    found = acceptance.candle_frequency(evidence(fates=""))
    assert (figures(found), found.remedy) == (
        (UNKNOWN, "0 of 0 closes", 0, 0),
        "take a window in which a candle closes",
    )


@pytest.mark.parametrize(
    ("first_ms", "last_ms", "covered"),
    [
        (START, END, 3 * HOUR_MS),
        (START + 5 * MINUTE_MS, END - 5 * MINUTE_MS, 3 * HOUR_MS),
        (START + 5 * MINUTE_MS + 1, END, 3 * HOUR_MS - 5 * MINUTE_MS - 1),
        (START, END - 5 * MINUTE_MS - 1, 3 * HOUR_MS - 5 * MINUTE_MS - 1),
        (None, END, 0),
        (START, None, 0),
    ],
)
def test_a_window_is_covered_to_within_five_minutes_of_its_ends(first_ms: Any, last_ms: Any, covered: int) -> None:
    assert covered_ms(log(first_ms=first_ms, last_ms=last_ms)) == covered


def test_a_window_that_begins_before_the_log_is_unknown_and_says_when_it_could_be_full() -> None:
    found = acceptance.candle_frequency(evidence(fates="UPP", first_ms=START + 40 * MINUTE_MS + 31_000))
    told = "2h19m of 3h covered (01 Mar 08:40 to 01 Mar 11:00); 2 of 2 closes"
    assert (figures(found), found.remedy) == ((UNKNOWN, told, 2, 2), f"{FULL} 01 Mar 11:40 UTC")


@pytest.mark.parametrize("more_ms", [0, 1])
def test_a_log_that_ended_before_the_window_did_can_be_judged_up_to_its_end(more_ms: int) -> None:
    last_ms = END - 5 * MINUTE_MS - more_ms
    found = acceptance.candle_frequency(evidence(first_ms=START + 6 * MINUTE_MS, last_ms=last_ms))
    ended = "genesis-ops acceptance --window 3h --until last      (the log ends at 01 Mar 10:54)"
    assert found.remedy == (ended if more_ms else f"{FULL} 01 Mar 11:06 UTC")


def test_a_silence_is_told_once_if_any_of_the_missing_candles_closed_in_it() -> None:
    quiet = Silence(START + 30 * MINUTE_MS, START + HOUR_MS, Explanation("x"))
    found = acceptance.candle_frequency(evidence(fates="PMM", gaps=(gap(SECOND, THIRD),), silences=(quiet,)))
    assert "silent" not in found.detail


# --- source and audit


@pytest.mark.parametrize("source", ["previous", "latest"])
def test_a_source_is_one_of_two(source: str) -> None:
    seen = evidence(run(close(FIRST, source=source, audit=look(FIRST, START, source=source))))
    assert acceptance.candle_source(seen) == Result(PASS, "1 of 1", 1, 1)
    assert acceptance.candle_audit(seen).outcome is PASS


@pytest.mark.parametrize("source", [None, "prev"])
def test_a_close_without_a_source_fails_and_its_look_is_held_against_its_candle_alone(source: str | None) -> None:
    bad = close(SECOND, source=source)
    seen = evidence(run(close(FIRST), bad, close(THIRD)))
    found = acceptance.candle_source(seen)
    assert figures(found) == (FAIL, "1 of 3 closes without a source that is previous or latest", 2, 3)
    assert found.evidence == (bad.line,)
    assert found.remedy
    assert acceptance.candle_audit(seen).outcome is PASS


AT = START + 20_000
RUNNING = {"source": "latest", "latest_ts": FIRST, "latest_close_ms": START}


@pytest.mark.parametrize(
    ("source", "audit", "fault"),
    [
        ("previous", None, "no 'Candle selection' line before it"),
        ("previous", line(AT, "something else"), "no 'Candle selection' line before it"),
        ("previous", look(SECOND, AT), f"the look before it chose candle {SECOND}"),
        ("latest", look(FIRST, AT), "the look before it has source previous"),
        ("latest", look(FIRST, AT, **RUNNING), ""),
        ("latest", look(FIRST, AT, **{**RUNNING, "now_ms": START - 120_000}), ""),  # the clocks differ that much
        ("latest", look(FIRST, AT, **{**RUNNING, "now_ms": START - 120_001}), "announced before it had closed"),
        ("previous", look(FIRST, AT, now_ms=START - 120_001), ""),  # a later row proves it
    ],
)
def test_a_close_follows_from_a_look_that_chose_it_and_saw_it_closed(source: str, audit: Any, fault: str) -> None:
    bad = close(FIRST, source=source, audit=audit)
    found = acceptance.candle_audit(evidence(run(bad, close(SECOND))))
    if not fault:
        assert found.outcome is PASS
        return
    assert figures(found) == (FAIL, f"1 of 2 closes: {fault}", 1, 2)
    assert found.evidence == tuple(part for part in (bad.line, audit) if part is not None)
    assert found.remedy


def test_of_several_faults_the_first_is_told() -> None:
    found = acceptance.candle_audit(evidence(run(close(FIRST, audit=None), close(SECOND, audit=look(FIRST, AT)))))
    assert found.detail == "2 of 2 closes: no 'Candle selection' line before it"


# --- orders


def test_an_order_that_was_sent_fails() -> None:
    sent = line(AT, OrderSubmitted("{}"))
    found = acceptance.no_orders(evidence(run(submissions=(sent,))))
    assert (figures(found), found.evidence) == ((FAIL, "1 line of an order being sent", 1, 0), (sent,))
    assert found.remedy


def test_a_run_that_would_send_orders_fails_even_if_it_sent_none() -> None:
    live = run(mode=Mode.LIVE_PAPER)
    found = acceptance.no_orders(evidence(well(), live))
    assert (figures(found), found.evidence) == ((FAIL, "1 live-paper run in the window", 0, 0), (live.started,))
    headless = acceptance.no_orders(evidence(run(mode=Mode.LIVE_PAPER, started=None, submissions=(line(AT, "x"),))))
    assert headless.detail == "1 line of an order being sent; 1 live-paper run in the window"
    assert len(headless.evidence) == 1


def test_skipped_orders_are_counted_and_pass() -> None:
    skipped = (line(AT, OrderSkipped("LONG")),)
    found = acceptance.no_orders(evidence(run(skipped=skipped), run(skipped=skipped)))
    assert figures(found) == (PASS, "none sent, 2 would have been", 0, 0)


def test_a_run_without_a_mode_leaves_it_open() -> None:
    found = acceptance.no_orders(evidence(well(), run(mode=None)))
    detail = "no order, but the log does not say in which mode it was written: its start is not there"
    assert (figures(found), bool(found.remedy)) == ((UNKNOWN, detail, 0, 0), True)


# --- evaluations


def test_a_candle_that_was_not_evaluated_fails_with_the_reason() -> None:
    bad = close(SECOND, evaluated=0, failure=failed(SECOND))
    found = acceptance.evaluation_count(evidence(run(close(FIRST), bad, close(THIRD))))
    told = "2 of 3 candles evaluated once; not evaluated: 09:00 (timed out)"
    assert (figures(found), found.evidence) == ((FAIL, told, 2, 3), (bad.failure, bad.line))
    assert found.remedy


@pytest.mark.parametrize(
    ("given_up", "failure", "reason"),
    [
        (line(AT, GaveUp("no server")), failed(SECOND), " (no server)"),
        (None, line(AT, "Evaluation failed"), " (Evaluation failed)"),
        (None, None, ""),
    ],
)
def test_the_reason_is_that_for_which_it_was_given_up(given_up: Any, failure: Any, reason: str) -> None:
    bad = close(SECOND, evaluated=0, given_up=given_up, failure=failure)
    found = acceptance.evaluation_count(evidence(run(close(FIRST, evaluated=0), bad)))
    assert found.detail == f"0 of 2 candles evaluated once; not evaluated: 08:00 and 09:00{reason}"
    assert (found.observed, found.expected) == (0, 2)


def test_a_candle_that_was_evaluated_twice_fails() -> None:
    many = close(SECOND, evaluated=2)
    found = acceptance.evaluation_count(evidence(run(close(FIRST), many)))
    assert figures(found) == (FAIL, "1 of 2 candles evaluated once; more than once: 09:00", 1, 2)
    assert found.evidence == (many.line, *many.evaluations)


def test_an_evaluation_after_either_of_two_announcements_counts_for_the_candle() -> None:
    tried = evidence(run(close(FIRST, evaluated=0), close(FIRST, late_ms=30_000)))
    assert acceptance.evaluation_count(tried) == Result(PASS, "1 of 1 candle evaluated once", 1, 1)
    twice = evidence(run(close(FIRST), close(FIRST, late_ms=30_000)))
    assert acceptance.evaluation_count(twice).outcome is FAIL


@pytest.mark.parametrize(
    ("late_ms", "evaluated", "judged"), [(HOUR_MS - 60_000, 0, 1), (HOUR_MS - 59_999, 0, 0), (HOUR_MS - 1000, 1, 1)]
)
def test_a_close_in_the_last_minute_may_still_be_evaluated(late_ms: int, evaluated: int, judged: int) -> None:
    found = acceptance.evaluation_count(evidence(run(close(THIRD, late_ms=late_ms, evaluated=evaluated))))
    assert (found.expected, found.outcome) == (judged, PASS if evaluated == judged else FAIL)


# --- the state


def consistency(kept: StateEvidence, **changes: Any) -> Result:
    return acceptance.state_consistency(Evidence(log(**changes), kept))


@pytest.mark.parametrize(("newest", "expected"), [({}, THIRD), ({"newest": None}, None)])
def test_a_state_that_cannot_be_read_fails(newest: dict[str, Any], expected: int | None) -> None:
    found = consistency(StateEvidence(STATE_FILE, None, "it is empty"), **newest)
    assert figures(found) == (FAIL, "it is empty", None, expected)
    assert "never delete" in found.remedy


def test_a_missing_state_fails_where_the_log_has_closes_and_is_unknown_where_not() -> None:
    nowhere = StateEvidence(STATE_FILE, None, "")
    found = consistency(nowhere)
    assert figures(found) == (FAIL, "there is no runner_state.json, though the log has closes", None, THIRD)
    assert "--rebuild-state" in found.remedy
    assert consistency(nowhere, newest=None) == Result(UNKNOWN, "no runner_state.json and no close in the log")


def test_without_a_close_there_is_nothing_to_hold_the_state_against() -> None:
    detail = "the state says candle 01 Mar 09:00; the log has no close to hold it against"
    assert consistency(state(), newest=None) == Result(UNKNOWN, detail, THIRD)


@pytest.mark.parametrize("last", [SECOND, None])
def test_a_state_behind_the_log_fails_whatever_could_not_be_read(last: int | None) -> None:
    says = "candle 01 Mar 08:00" if last else "no candle"
    for troubles in ((), ("x",)):
        found = consistency(state(last), troubles=troubles)
        detail = f"the state is behind the log: it says {says}, the log candle 01 Mar 09:00"
        assert figures(found) == (FAIL, detail, last, THIRD)
        assert "--rebuild-state" in found.remedy


def test_a_state_ahead_of_the_log_fails_unless_files_could_not_be_read() -> None:
    found = consistency(state(THIRD + HOUR_MS))
    detail = "the state is ahead of the log: it says candle 01 Mar 10:00, the log candle 01 Mar 09:00"
    assert figures(found) == (FAIL, detail, THIRD + HOUR_MS, THIRD)
    assert "moved aside" in found.remedy
    assert consistency(state(THIRD + HOUR_MS), troubles=("x",)).outcome is UNKNOWN


def test_a_state_that_counts_orders_fails() -> None:
    found = acceptance.state_orders(evidence(state=state(orders=2)))
    assert (figures(found), bool(found.remedy)) == ((FAIL, "the state counts 2 orders", 2, 0), True)


@pytest.mark.parametrize(("problem", "told"), [("", "there is no runner_state.json"), ("it is empty", "it is empty")])
def test_without_a_state_its_orders_are_unknown(problem: str, told: str) -> None:
    found = acceptance.state_orders(evidence(state=StateEvidence(STATE_FILE, None, problem)))
    assert (figures(found), bool(found.remedy)) == ((UNKNOWN, told, None, 0), True)


# --- the champion


def stopped() -> Any:
    return line(AT, RunnerStopped())


def test_a_fallback_fails_though_every_run_verified() -> None:
    fallback = line(AT, "x")
    found = acceptance.champion_loaded(evidence(run(close(FIRST), fallbacks=(fallback,))))
    assert figures(found) == (FAIL, "1 of 1 run verified it; the fallback was met", 1, 1)
    assert (found.evidence, bool(found.remedy)) == ((fallback,), True)


@pytest.mark.parametrize("changes", [{"closes": (close(FIRST),), "ended": stopped()}, {"ended": None}])
def test_a_run_that_traded_or_lives_without_having_verified_fails(changes: dict[str, Any]) -> None:
    careless = run(**{"verified": None, **changes})
    found = acceptance.champion_loaded(evidence(well(), careless))
    assert figures(found) == (FAIL, "1 of 2 runs verified it; 1 run traded without", 1, 2)
    assert found.evidence == (careless.started,)


def test_a_run_that_ended_before_it_could_verify_warns() -> None:
    ended = stopped()
    found = acceptance.champion_loaded(evidence(well(), run(verified=None, ended=ended)))
    assert figures(found) == (WARN, "1 of 2 runs verified it; 1 start ended before it came to that", 1, 2)
    assert (found.evidence, found.remedy) == ((ended,), "genesis-ops preflight")


def test_a_run_whose_start_is_not_in_the_log_leaves_it_open() -> None:
    found = acceptance.champion_loaded(evidence(well(), run(close(FIRST), started=None, verified=None)))
    assert figures(found) == (UNKNOWN, "1 of 2 runs verified it; the start of the other is not in the log", 1, 2)
    assert found.remedy
    assert acceptance.champion_loaded(evidence(run(started=None))).outcome is PASS


def test_without_a_run_nothing_is_known_of_the_champion() -> None:
    found = acceptance.champion_loaded(Evidence(log()._replace(runs=()), state()))
    assert figures(found) == (UNKNOWN, "no run in the window", 0, 0)


# --- fatal lines, heartbeats, doubt


def test_a_fatal_line_fails_with_its_message() -> None:
    lines = (line(AT, "FATAL: disk full", "CRITICAL"), line(AT, "FATAL: again", "CRITICAL"))
    found = acceptance.no_fatal(evidence(run(fatal=lines)))
    assert (figures(found), found.evidence) == ((FAIL, "2 fatal lines: FATAL: disk full", 2, 0), lines)
    assert found.remedy


def beats(*at_ms: int, interval: int | None = 10, first_ms: int | None = START, last_ms: int | None = END) -> Result:
    seen = run(beats=at_ms, interval=interval)
    return acceptance.heartbeat(evidence(seen, first_ms=first_ms, last_ms=last_ms))


def test_no_heartbeat_is_a_warning() -> None:
    assert beats() == Result(WARN, "no heartbeat in the window", 0, None, (), "genesis-ops preflight")


@pytest.mark.parametrize(
    ("interval", "limit_ms"), [(10, 300_000), (None, 300_000), (9, 300_000), (11, 330_000), (20, 600_000)]
)
def test_the_longest_silence_between_heartbeats_is_thirty_polls_and_at_least_five_minutes(
    interval: int | None, limit_ms: int
) -> None:
    for more_ms, outcome in ((0, PASS), (1, WARN)):
        found = beats(START, START + limit_ms + more_ms, interval=interval, last_ms=START + limit_ms + more_ms)
        assert found.outcome is outcome
        assert found.remedy == ("" if outcome is PASS else "runbook: Troubleshooting")


def test_of_several_runs_the_slowest_sets_the_limit() -> None:
    slow, quick = run(beats=(START,), interval=60), run(beats=(END,), interval=10)
    for last_ms, outcome in ((START + 1_800_000, PASS), (START + 1_801_000, WARN)):
        late = quick._replace(beats=(last_ms,))
        assert acceptance.heartbeat(evidence(slow, late, last_ms=last_ms)).outcome is outcome


def test_the_ends_of_the_log_count_as_signs_of_life_and_the_runs_order_does_not_matter() -> None:
    middle = START + HOUR_MS
    assert beats(middle, last_ms=middle).detail == "1, longest silence 1h 0m"
    assert beats(middle, first_ms=middle).detail == "1, longest silence 2h 0m"
    assert beats(middle, START, first_ms=None, last_ms=None).detail == "2, longest silence 1h 0m"


def test_every_event_of_these_tests_is_read_as_itself() -> None:
    said: tuple[Event, ...] = (GaveUp("no server"), OrderSubmitted("{}"), OrderSkipped("LONG"), RunnerStopped())
    assert [line(AT, event).event for event in said] == list(said)


def test_a_log_with_troubles_hinders_every_check_that_reads_it() -> None:
    assert log_doubt(evidence(troubles=("a.log: denied", "b.log.gz: broken"))) == "a.log: denied; b.log.gz: broken"
    assert log_doubt(evidence(nothing="no log", troubles=("x",))) == "no log line to judge"
    assert not log_doubt(evidence())
    doubted = [check.id for check in acceptance.CHECKS if check.doubt(evidence(troubles=("x",)))]
    assert doubted == [check.id for check in acceptance.CHECKS if check.id != "state-orders"]
