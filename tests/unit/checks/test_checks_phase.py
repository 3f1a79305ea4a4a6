"""The criteria of the phase report, one by one, on small evidence made by hand."""

from typing import Any

import pytest
from evidence_by_hand import END, FIRST, SECOND, START, THIRD, close, failed, gap, log, run, state, well

from genesis_ops.checks.evidence import Evidence, Explanation, LogEvidence, OrderDoubt, OrdersFound, Silence
from genesis_ops.checks.journal import JournalFacts, LogWords, StateWords
from genesis_ops.checks.model import Outcome, Place, judge
from genesis_ops.checks.phase import CHECKS, MOST_UNEVALUATED, UPTIME, told_share
from genesis_ops.checks.phase_candles import candles, latency
from genesis_ops.checks.phase_evidence import Balances, Frozen, Papers, Phase, PhaseEvidence, Receipts
from genesis_ops.checks.phase_outages import outages, uptime
from genesis_ops.checks.phase_questions import questions
from genesis_ops.checks.phase_wallet import Moved, account
from genesis_ops.journal.book import Order, Start
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import Fill
from genesis_ops.runlog.runs import Run
from genesis_ops.state.operations import Operation, Operations
from genesis_ops.state.receipt import Receipt
from genesis_ops.words import HOUR_MS, MINUTE_MS, Mode

PASS, WARN, FAIL, UNKNOWN, SKIP = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN, Outcome.SKIP
SHA = "ab" * 32
PAIR = "tTESTBTC:TESTUSD"
JOURNAL = JournalFacts(
    shown="logs",
    files=("runner_orders_20260301.log",),
    counts={"started": 1},
    damage=None,
    trouble="",
    torn=(),
    armed=(),
    orders=OrdersFound(),
    sending=(),
    log=LogWords(present=True),
    state=StateWords("runner_state.json"),
)


def phase(evidence: LogEvidence | None = None, **changes: Any) -> PhaseEvidence:
    """Three hours in which all is well, from the first candle's open on, and what a test changes of it."""
    looked = (evidence or log(well()))._replace(start_ms=START - HOUR_MS, first_ms=START - HOUR_MS)
    plain = PhaseEvidence(
        phase=Phase("day 3 of 42", 3, 42, over=False),
        log=looked,
        stop=Evidence(looked, state()),
        journal=JOURNAL,
        orders=(),
        starts=(),
        receipts=Receipts((receipt(),)),
        frozen=Frozen("champion.json", SHA, START),
        wallets=(),
        operations=Operations(),
        papers=Papers((), frozenset(), frozenset()),
        pair=PAIR,
    )
    return plain._replace(**changes)


def receipt(at_ms: int = START - HOUR_MS, verdict: str = "PASS") -> Receipt:
    return Receipt(START - 25 * HOUR_MS, START - HOUR_MS, 86_400, verdict, "c", SHA, None, SHA, {}, "1", "m", at_ms)


def began(at_ms: int = START, sha: str = SHA, override: str = "") -> Start:
    return Start(1, at_ms, "tBTCUSD 1h", PAIR, sha, "b", override)


def order(at_ms: int, base: float, quote: float, **changes: Any) -> Order:
    plain = Order(
        id=f"order-{at_ms}", candle_ts=at_ms, symbol=PAIR, side="LONG", size=0.01, price=7.0, decided_ms=at_ms,
        label=Kind.ACKED, label_ms=at_ms, armed_ms=at_ms, before={"TESTUSD": 0.0}, after={"TESTUSD": 0.0},
        fill=Fill.ONCE, moved=(base, quote),
    )  # fmt: skip
    return plain._replace(**changes)


def read(at_ms: int, base: float, quote: float, source: str = "snapshot") -> Balances:
    return Balances(at_ms, {"TESTBTC": base, "TESTUSD": quote}, source)


def outcome(name: str, evidence: PhaseEvidence) -> Outcome:
    return next(each.outcome for each in judge(CHECKS, evidence, str) if each.id == name)


def detail(name: str, evidence: PhaseEvidence) -> str:
    return next(each.detail for each in judge(CHECKS, evidence, str) if each.id == name)


def silent(from_ms: int, to_ms: int, cause: str = "runner down") -> Silence:
    return Silence(from_ms, to_ms, Explanation(cause))


def test_the_ids_are_the_ones_that_scripts_rely_on() -> None:
    assert [check.id for check in CHECKS] == [
        "dry-run-accepted", "champion-frozen",
        "duplicate-candle", "dry-run-order", "baseline-fallback", "candle-gap", "state-corrupt", "fatal-error",
        "closes-processed", "closes-evaluated",
        "journal-whole", "one-order-per-candle", "orders-resolved", "log-agrees", "state-agrees",
        "wallet-explained", "daily-papers", "uptime", "live-paper",
    ]  # fmt: skip


def test_a_phase_in_which_all_is_well_fails_nothing_and_asks_only_about_actions() -> None:
    judged = judge(CHECKS, phase(), str)
    assert {each.id for each in judged if each.outcome not in {PASS, SKIP}} == set()
    assert questions(phase(), [each for each in judged if each.outcome is PASS]) == (
        "can a champion be judged that asked for nothing in 3 evaluations?",
    )


# --- accepted, frozen


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, PASS),
        ({"receipts": Receipts()}, SKIP),
        ({"receipts": Receipts(trouble="it is damaged")}, UNKNOWN),
        ({"starts": (began(),)}, PASS),
        ({"starts": (began(START - 2 * HOUR_MS),)}, FAIL),
        ({"starts": (began(),), "receipts": Receipts((receipt(verdict="FAIL"),))}, FAIL),
        ({"starts": (began(override="in a hurry"),), "receipts": Receipts()}, WARN),
    ],
)
def test_live_paper_needs_a_receipt_from_before_it_or_the_word_of_who_overrode_the_gate(
    changes: dict[str, Any], expected: Outcome
) -> None:
    assert outcome("dry-run-accepted", phase(**changes)) is expected


def test_a_live_run_of_the_older_runner_which_kept_no_journal_counts_too() -> None:
    live = run(close(FIRST), mode=Mode.LIVE_PAPER)
    late = Receipts((receipt(END),))
    assert outcome("dry-run-accepted", phase(log(live), receipts=late)) is FAIL


def test_a_day_of_dry_run_without_acceptance_is_a_warning() -> None:
    looked = phase().log._replace(first_ms=END - 30 * HOUR_MS)
    assert outcome("dry-run-accepted", phase()._replace(log=looked, receipts=Receipts())) is WARN


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"frozen": Frozen("champion.json", SHA, START, difference="it has another sha256")}, FAIL),
        ({"frozen": Frozen("champion.json", "", None, trouble="it cannot be read")}, FAIL),
        ({"frozen": Frozen("champion.json", SHA, None)}, WARN),
        ({"starts": (began(sha="cd" * 32),)}, FAIL),
        ({"starts": (began(),)}, PASS),
    ],
)
def test_the_champion_has_to_be_the_pinned_one_now_and_at_every_live_start(
    changes: dict[str, Any], expected: Outcome
) -> None:
    assert outcome("champion-frozen", phase(**changes)) is expected


def test_a_run_that_never_verified_the_champion_is_found() -> None:
    evidence = phase(log(run(close(FIRST), verified=None)))
    assert outcome("champion-frozen", evidence) is FAIL


# --- closes


def test_one_missing_close_is_a_warning_and_two_in_a_row_a_failure_with_the_cause() -> None:
    one = phase(log(run(close(FIRST), close(THIRD)), fates="PMP", gaps=(gap(SECOND, cause="feed failing"),)))
    two = phase(log(run(close(FIRST)), fates="PMM", gaps=(gap(SECOND, THIRD),)))
    assert (outcome("closes-processed", one), outcome("closes-processed", two)) == (WARN, FAIL)
    assert detail("closes-processed", one).endswith("missing: feed failing")
    assert detail("closes-processed", two).startswith("1 of 3 closes")


def test_a_close_since_the_last_line_is_missing_and_one_before_the_first_line_is_not_expected() -> None:
    evidence = phase(log(run(close(SECOND)), fates="UPU", gaps=(gap(THIRD),)))
    assert [str(candle.fate) for candle in candles(evidence.log)] == ["uncovered", "processed", "missing"]
    assert detail("closes-processed", evidence).startswith("1 of 2 closes")


@pytest.mark.parametrize(
    ("mode", "over", "expected"),
    [
        (Mode.DRY_RUN, False, SKIP),
        (Mode.DRY_RUN, True, FAIL),
        (Mode.LIVE_PAPER, False, PASS),
        (Mode.LIVE_PAPER, True, WARN),
        (None, True, UNKNOWN),
    ],
)
def test_that_the_phase_traded_live_paper_is_asked_for_at_its_end(
    mode: Mode | None, over: bool, expected: Outcome
) -> None:
    traded = phase(log(run(close(FIRST), close(SECOND), mode=mode)))
    assert outcome("live-paper", traded._replace(phase=Phase("day 42", 41, 42, over=over))) is expected


def test_all_days_but_the_dry_runs_in_live_paper_are_enough() -> None:
    days = [close(FIRST + n * 24 * HOUR_MS) for n in range(41)]
    whole = phase(log(run(*days, mode=Mode.LIVE_PAPER)))._replace(phase=Phase("day 42", 41, 42, over=True))
    assert outcome("live-paper", whole) is PASS
    assert detail("live-paper", whole) == "41 of 42 days, 41 of 1008 closes"


def test_what_had_closed_before_the_runner_was_born_is_not_late() -> None:
    late = log(run(close(FIRST, late_ms=10 * MINUTE_MS)), fates="LUU")._replace(first_ms=FIRST + HOUR_MS + MINUTE_MS)
    (candle, *_) = candles(late._replace(start_ms=FIRST))
    assert (str(candle.fate), candle.latency_ms) == ("processed", None)


def test_the_latency_is_from_the_close_to_the_evaluation() -> None:
    found = candles(phase().log)
    waited = latency(found)
    assert waited is not None
    assert (waited.median, waited.p95, waited.longest) == (21_000, 21_000, 21_000)
    assert "half within 21s" in detail("closes-evaluated", phase())


def test_closes_that_wait_longer_than_a_minute_are_a_warning() -> None:
    slow = run(*(close(ts, late_ms=2 * MINUTE_MS) for ts in (FIRST, SECOND, THIRD)))
    assert outcome("closes-evaluated", phase(log(slow, fates="LLL"))) is WARN


@pytest.mark.parametrize(("evaluated", "expected"), [(1, PASS), (0, WARN), (2, WARN)])
def test_a_close_that_was_not_evaluated_once_is_a_warning(evaluated: int, expected: Outcome) -> None:
    evidence = phase(log(run(close(FIRST), close(SECOND, evaluated=evaluated), close(THIRD))))
    assert outcome("closes-evaluated", evidence) is expected


def test_a_phase_in_which_nothing_was_evaluated_is_a_failure() -> None:
    assert MOST_UNEVALUATED == 2
    none = run(*(close(ts, evaluated=0) for ts in (FIRST, SECOND, THIRD)))
    assert outcome("closes-evaluated", phase(log(none, end_ms=END + HOUR_MS))) is FAIL


@pytest.mark.parametrize(("silent", "expected"), [(2, WARN), (3, FAIL)])
def test_neighbours_without_an_evaluation_are_as_bad_as_a_gap_from_the_third_on(silent: int, expected: Outcome) -> None:
    closes = [close(FIRST + n * HOUR_MS, evaluated=int(n not in range(1, 1 + silent))) for n in range(5)]
    evidence = phase(log(run(*closes), fates="PPPPP", end_ms=END + 3 * HOUR_MS))
    assert outcome("closes-evaluated", evidence) is expected


# --- stop conditions


def test_a_stop_condition_that_an_operator_knows_fails_all_the_same_and_says_so() -> None:
    fatal = run(close(FIRST), fatal=(close(SECOND).line,))
    evidence = phase(log(fatal))
    known = evidence._replace(stop=evidence.stop._replace(acknowledged_ms=END))
    assert outcome("fatal-error", known) is FAIL
    assert "known since the resume" in detail("fatal-error", known)


# --- wallet


def test_wallets_that_did_what_the_orders_say_pass() -> None:
    wallets = (read(START, 1.0, 100.0), read(START + 1000, 1.01, 99.93))
    evidence = phase(wallets=wallets, orders=(order(START, 0.01, -0.07),))
    assert outcome("wallet-explained", evidence) is PASS
    assert detail("wallet-explained", evidence).startswith("+0.01 TESTBTC, -0.07 TESTUSD")


def test_what_moved_between_two_orders_fails_and_names_the_readings_around_it() -> None:
    orders = (order(START, 0.01, -0.07), order(START + HOUR_MS, 0.01, -0.07))
    wallets = (
        read(START, 1.0, 100.0),
        read(START + 1000, 1.01, 99.93),
        read(START + HOUR_MS, 0.81, 99.93),
        read(START + HOUR_MS + 1000, 0.82, 99.86),
    )
    evidence = phase(wallets=wallets, orders=orders)
    found = account(evidence)
    assert found is not None
    assert [(before.at_ms, after.at_ms) for before, after, _ in found.outside] == [(START + 1000, START + HOUR_MS)]
    assert found.rest == Moved(-0.2, 0.0)
    assert outcome("wallet-explained", evidence) is FAIL


def test_two_movements_that_cancel_each_other_are_found_all_the_same() -> None:
    wallets = tuple(read(START + n * MINUTE_MS, base, 100.0) for n, base in enumerate((1.0, 0.5, 1.0)))
    assert outcome("wallet-explained", phase(wallets=wallets)) is FAIL


def test_a_snapshot_while_an_order_was_under_way_is_no_foreign_movement() -> None:
    wallets = (
        read(START, 1.0, 100.0, f"order order-{START}"),
        read(START + 1000, 1.01, 100.0),
        read(START + 2000, 1.01, 99.93, f"order order-{START}"),
    )
    assert outcome("wallet-explained", phase(wallets=wallets, orders=(order(START, 0.01, -0.07),))) is PASS


def test_rounding_is_no_movement() -> None:
    wallets = (read(START, 1.0, 100.0), read(START + 1000, 1.00000001, 100.004))
    assert outcome("wallet-explained", phase(wallets=wallets)) is PASS


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, SKIP),
        ({"wallets": (read(START, 1.0, 1.0),)}, SKIP),
        ({"orders": (order(START, 0.01, -0.07),)}, UNKNOWN),
        (
            {
                "orders": (order(START + 1, 0, 0, moved=None, after=None, fill=Fill.UNREADABLE),),
                "wallets": (read(START, 1.0, 1.0), read(END, 1.01, 0.93)),
            },
            UNKNOWN,
        ),
        (
            {
                "orders": (order(START + 1, 0, 0, moved=None, after=None, label=Kind.REJECTED),),
                "wallets": (read(START, 1.0, 1.0), read(END, 1.0, 1.0)),
            },
            PASS,
        ),
        ({"journal": JOURNAL._replace(trouble="Permission denied")}, UNKNOWN),
    ],
)
def test_where_readings_are_missing_nothing_is_claimed(changes: dict[str, Any], expected: Outcome) -> None:
    assert outcome("wallet-explained", phase(**changes)) is expected


# --- papers, uptime, outages


def test_days_without_a_snapshot_or_a_summary_are_named() -> None:
    due = tuple(f"2026-03-0{n}" for n in range(1, 7))
    papers = Papers(due, frozenset(due), frozenset({"2026-03-01", "2026-03-06"}))
    evidence = phase(papers=papers)
    assert outcome("daily-papers", evidence) is WARN
    told = "2 of 6 days with a snapshot and a summary; no summary: 2026-03-02 to 2026-03-05 (4)"
    assert detail("daily-papers", evidence) == told
    assert outcome("daily-papers", phase(papers=Papers(due, frozenset(due), frozenset(due)))) is PASS


def test_the_uptime_counts_every_silent_minute_once() -> None:
    silences = (silent(START, START + 60 * MINUTE_MS), silent(START + 30 * MINUTE_MS, START + 120 * MINUTE_MS))
    looked = phase(log(well(), silences=silences)).log
    assert uptime(looked) == pytest.approx(0.5)
    assert uptime(looked, START, START + HOUR_MS) == 0
    assert uptime(looked._replace(first_ms=None)) is None


@pytest.mark.parametrize(("minutes", "expected"), [(0, PASS), (1, PASS), (2, WARN)])
def test_an_uptime_below_the_limit_is_a_warning(minutes: int, expected: Outcome) -> None:
    assert UPTIME == 0.995
    silences = (silent(START, START + minutes * MINUTE_MS),) if minutes else ()
    assert outcome("uptime", phase(log(well(), silences=silences))) is expected


def test_less_than_all_never_reads_as_all() -> None:
    assert (told_share(1.0), told_share(0.9999999)) == ("100.00 %", "99.99 %")


def test_closes_that_a_silence_cost_belong_to_it_and_others_are_an_outage_of_their_own() -> None:
    down = silent(FIRST + HOUR_MS - MINUTE_MS, FIRST + HOUR_MS + 10 * MINUTE_MS)
    gaps = (gap(FIRST, cause="runner down"), gap(THIRD, cause="feed failing"))
    found = outages(log(run(close(SECOND)), gaps=gaps, silences=(down,)))
    assert [(each.closes, each.cause, each.silent) for each in found] == [
        (1, "runner down", True),
        (1, "feed failing", False),
    ]


def test_closes_that_were_announced_and_not_evaluated_are_an_outage_with_the_logs_own_cause() -> None:
    closes = [close(FIRST), close(SECOND, evaluated=0, failure=failed(SECOND, "HTTP 500")), close(THIRD, evaluated=0)]
    looked = log(run(*closes), end_ms=END + HOUR_MS)
    (found,) = outages(looked)
    assert (found.from_ms, found.to_ms, found.closes, found.unevaluated) == (SECOND + HOUR_MS, END, 0, 2)
    assert found.cause == f"2 closes not evaluated: {failed(SECOND, 'HTTP 500').message}"
    assert [candle.unevaluated for candle in candles(phase(looked).log)] == [False, True, True]


def test_an_evaluation_that_a_crash_prevented_is_no_outage_beside_the_silence() -> None:
    down = silent(SECOND + HOUR_MS + MINUTE_MS, END)
    looked = log(run(close(FIRST), close(SECOND, evaluated=0)), fates="PPU", silences=(down,))
    assert [outage.silent for outage in outages(looked)] == [True]


# --- what a living runner is asking about


def test_an_order_that_is_still_settling_is_a_warning_and_one_that_is_stuck_a_failure() -> None:
    doubt = OrderDoubt("20260301-0800", "order 20260301-0800 is UNKNOWN", Place("j", 1, ""), "resolve it")
    for settling, expected in ((True, WARN), (False, FAIL)):
        orders = OrdersFound((doubt._replace(settling=settling),))
        evidence = phase(journal=JOURNAL._replace(orders=orders))
        evidence = evidence._replace(stop=evidence.stop._replace(orders=orders))
        assert outcome("orders-resolved", evidence) is expected
        assert outcome("fatal-error", evidence) is expected
        assert "order 20260301-0800 is UNKNOWN" in detail("fatal-error", evidence)


# --- questions


def test_every_criterion_that_is_not_pass_leaves_a_question_in_their_order() -> None:
    evidence = phase(log(run(close(FIRST)), fates="PMM", gaps=(gap(SECOND, THIRD),)), starts=(began(override="x"),))
    judged = judge(CHECKS, evidence, str)
    asked = [text.partition(":")[0] for text in questions(evidence, judged)]
    raised = [each.id for each in judged if each.outcome in {WARN, FAIL, UNKNOWN}]
    assert [name for name in asked if name in raised] == raised
    assert "candle-gap" in asked


def test_what_people_did_by_hand_is_asked_about() -> None:
    resolved = order(START, 0, 0, moved=None, label=Kind.UNKNOWN, resolved=True, resolved_by="ops@host: seen")
    entry = Operation(START, "resume", "ops@host", ("disk was full",), {})
    evidence = phase(starts=(began(override="the team wants it"),), orders=(resolved,), operations=Operations((entry,)))
    told = " ".join(questions(evidence, ()))
    assert "the team wants it" in told
    assert "was filled: ops@host: seen?" in told
    assert "resume at 01 Mar 08:00 by ops@host: disk was full?" in told


def test_the_result_is_asked_for_in_both_currencies_and_at_the_last_price() -> None:
    wallets = (read(START, 1.0, 100.0), read(START + 1000, 1.5, 97.0))
    told = questions(phase(wallets=wallets, orders=(order(START, 0.5, -3.0),)), ())
    assert told[0] == (
        "is this result good enough: +0.5 TESTBTC, -3.00 TESTUSD, together +0.50 TESTUSD at the last close of 7.00?"
    )


def test_before_there_is_a_log_one_question_is_left() -> None:
    nothing: tuple[Run, ...] = ()
    evidence = phase()._replace(log=phase().log._replace(runs=nothing, nothing="there is no runner log"))
    assert questions(evidence, judge(CHECKS, evidence, str)) == (
        "has the phase begun at all? (there is no runner log)",
    )


def test_an_acceptance_is_told_with_its_drill_where_its_receipt_knows_of_one() -> None:
    drilled = receipt()._replace(drilled="drilled with version 1, all 49 alarms")
    evidence = phase(receipts=Receipts((drilled,)))
    told = next(judged.detail for judged in judge(CHECKS, evidence, str) if "accepted at" in judged.detail)
    assert "(PASS, 1d 0h, drilled with version 1, all 49 alarms)" in told
