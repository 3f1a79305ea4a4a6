"""What verify makes of the journal's facts, and how an order in doubt turns another check red."""

from typing import Any

import pytest
from evidence_by_hand import evidence, line, run
from preflight_host import WELL, judged, log_of

from genesis_ops.checks import journal, stop
from genesis_ops.checks.evidence import OrderDoubt, OrdersFound
from genesis_ops.checks.journal import Armed, Damage, JournalFacts, LogWords, StateWords, armed_place
from genesis_ops.checks.model import Outcome, Place, Result, judge, verdict
from genesis_ops.checks.preflight import in_vain, preflight

PASS, FAIL, UNKNOWN, SKIP = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.SKIP
AT = 1_770_213_600_000  # 2026-02-04 14:00 UTC
FILE = "logs/runner_orders_20260204.log"
PLACE = Place(FILE, 4, '{"n": 4}')
DOUBT = OrderDoubt("20260204-1300", "order 20260204-1300 is UNKNOWN since 14:00: timed out", PLACE, "resolve it")
LOST = OrderDoubt("", "the journal of orders is damaged", Place(FILE, 2, "byte 300"), "genesis-ops orders verify")


def armed(name: str, candle_ts: int | None, at_ms: int = AT) -> Armed:
    return Armed(name, candle_ts, at_ms, armed_place(FILE, 812, name, at_ms))


ONE = armed("20260204-1300", 1)
SUBMITTING = line(AT, "Submitting LONG order...")
STATE = StateWords("state.json", records=4, sum="ab", submitted=1, sum_there="ab", submitted_there=1)
WELL_KEPT = JournalFacts(
    shown="logs",
    files=(FILE,),
    counts={"started": 1, "decided": 1, "armed": 1, "acked": 1},
    damage=None,
    trouble="",
    torn=(),
    armed=(ONE,),
    orders=OrdersFound(),
    sending=(),
    log=LogWords(present=True, submitting=(SUBMITTING,), times_ms=(AT,)),
    state=STATE,
)
DAMAGE = Damage(Place(FILE, 3, "byte 512: {"), 512, "does not follow from what stands before it")


def found(**changes: Any) -> dict[str, Result | Any]:
    facts = WELL_KEPT._replace(**changes)
    return {check.id: check for check in judge(journal.CHECKS, facts, str)}


def outcomes(**changes: Any) -> list[Outcome]:
    return [check.outcome for check in found(**changes).values()]


def test_a_journal_that_is_well_kept_passes_all_five() -> None:
    assert outcomes() == [PASS] * 5
    assert found()["journal-whole"].detail == "4 records in 1 file, each follows from the last"
    assert found()["state-agrees"].detail == "4 records and 1 order, as state.json says"


def test_where_nothing_tells_of_an_order_each_check_is_skipped_and_nothing_is_known() -> None:
    nothing = {"files": (), "counts": {}, "armed": (), "log": LogWords(present=True), "state": StateWords("state.json")}
    assert outcomes(**nothing) == [SKIP] * 5
    assert verdict(outcomes(**nothing)) is UNKNOWN
    assert {check.detail for check in found(**nothing).values()} == {"no journal in logs, and no trace of an order"}


def test_orders_of_the_older_runner_which_kept_no_journal_are_no_reason_to_miss_one_and_are_named() -> None:
    log = LogWords(present=True, older=13)
    nothing = {"files": (), "counts": {}, "armed": (), "log": log, "state": StateWords("state.json")}
    assert outcomes(**nothing) == [SKIP] * 5
    told = {"no journal in logs; 13 orders of the older runner in the log"}
    assert {check.detail for check in found(**nothing).values()} == told


def test_damage_fails_with_file_and_byte_and_what_lies_behind_it_is_unknown() -> None:
    checks = found(damage=DAMAGE, armed=(), state=STATE._replace(sum_there=""))
    whole = checks["journal-whole"]
    assert (whole.outcome, whole.observed) == (FAIL, f"{FILE}, byte 512")
    assert whole.evidence == (DAMAGE.place,)
    assert "4 records before it" in whole.detail
    others = {
        checks[name].outcome for name in ("one-order-per-candle", "orders-resolved", "log-agrees", "state-agrees")
    }
    assert others == {UNKNOWN}


def test_a_whole_file_that_is_lost_has_no_byte() -> None:
    damage = Damage(Place(FILE, 0, ""), None, "is gone")
    assert found(damage=damage)["journal-whole"].observed == FILE


def test_what_this_user_cannot_read_is_unknown_and_no_damage() -> None:
    checks = found(trouble="logs cannot be listed (Permission denied)", files=())
    assert checks["journal-whole"].outcome is UNKNOWN
    assert checks["orders-resolved"].outcome is UNKNOWN


@pytest.mark.parametrize(
    ("log", "state", "words"),
    [
        (LogWords(present=True), STATE, "though the state tells"),
        (WELL_KEPT.log, StateWords("state.json"), "though the runner log tells"),
    ],
)
def test_a_journal_that_others_remember_and_is_not_there_fails(log: LogWords, state: StateWords, words: str) -> None:
    whole = found(files=(), counts={}, armed=(), log=log, state=state)["journal-whole"]
    assert (whole.outcome, whole.observed) == (FAIL, "missing")
    assert words in whole.detail


def test_torn_lines_are_counted_and_are_no_damage() -> None:
    whole = found(torn=(Place(FILE, 5, "{"), Place(FILE, 6, "{")))["journal-whole"]
    assert whole.outcome is PASS
    assert whole.detail.endswith("; 2 torn lines passed over")


def test_two_requests_for_one_candle_fail_with_both_records() -> None:
    second = armed("20260204-1300", 1, AT + 5000)
    check = found(armed=(ONE, second, armed("20260204-1400", 2)))["one-order-per-candle"]
    assert (check.outcome, check.observed, check.expected) == (FAIL, 1, 0)
    assert check.evidence == (ONE.place, second.place)
    assert check.detail == "armed more than once: 20260204-1300"


def test_a_request_of_an_order_that_was_never_decided_counts_by_its_name() -> None:
    nameless = armed("20260204-1500", None)
    assert found(armed=(nameless, nameless))["one-order-per-candle"].outcome is FAIL
    assert found(armed=(nameless, armed("20260204-1600", None)))["one-order-per-candle"].outcome is PASS


def test_an_order_in_doubt_fails_with_the_command_that_resolves_it() -> None:
    check = found(orders=OrdersFound((DOUBT,)))["orders-resolved"]
    assert (check.outcome, check.detail, check.observed) == (FAIL, DOUBT.sentence, 1)
    assert (check.evidence, check.remedy) == ((PLACE,), "resolve it")


def test_an_order_that_is_being_sent_is_no_doubt_and_is_told() -> None:
    check = found(sending=("20260204-1300",))["orders-resolved"]
    assert (check.outcome, check.detail) == (PASS, "none in doubt; 20260204-1300 is being sent at this moment")


def test_a_log_that_tells_of_more_orders_than_were_armed_fails_with_the_lines_that_have_no_record() -> None:
    later = line(AT + 3_600_000, "Submitting SHORT order...")
    log = LogWords(present=True, submitting=(SUBMITTING, later), times_ms=(AT, AT + 3_600_000))
    check = found(log=log)["log-agrees"]
    assert (check.outcome, check.observed, check.expected) == (FAIL, 2, 1)
    assert [place.text for place in check.evidence] == [later.text]


def test_a_log_that_says_the_same_twice_shows_every_line() -> None:
    log = LogWords(present=True, submitting=(SUBMITTING, SUBMITTING), times_ms=(AT, AT + 900))
    assert len(found(log=log)["log-agrees"].evidence) == 2


def test_fewer_lines_than_records_are_a_runner_that_was_killed_in_between() -> None:
    assert found(log=LogWords(present=True))["log-agrees"].outcome is PASS


def test_a_log_that_is_missing_is_skipped_and_one_that_cannot_be_read_unknown() -> None:
    assert found(log=LogWords(present=False))["log-agrees"].outcome is SKIP
    assert found(log=LogWords(present=True, trouble="cannot be read"))["log-agrees"].outcome is UNKNOWN


@pytest.mark.parametrize(
    ("state", "outcome", "words"),
    [
        (StateWords("s", present=False), SKIP, "there is no s to hold it against"),
        (StateWords("s"), SKIP, "s remembers no journal"),
        (StateWords("s", problem="s is not JSON"), UNKNOWN, "s is not JSON"),
        (STATE._replace(records=9, sum_there=""), FAIL, "knows of 9 records, the journal holds only 4"),
        (STATE._replace(sum_there="cd"), FAIL, "knows of 4 records, the journal holds another one"),
        (STATE._replace(submitted=2), FAIL, "counts 2 orders, the journal 1"),
        (STATE._replace(records=3), PASS, "3 records and 1 order, as state.json says; 1 record since"),
    ],
)
def test_the_journal_holds_what_the_state_remembers_or_fails(state: StateWords, outcome: Outcome, words: str) -> None:
    check = found(state=state)["state-agrees"]
    assert check.outcome is outcome
    assert words in check.detail


# --- the checks of other commands


def test_an_order_in_doubt_fails_stop_checks_fatal_error() -> None:
    check = stop.fatal_error(evidence()._replace(orders=OrdersFound((DOUBT,))))
    assert check == Result(FAIL, DOUBT.sentence, 1, 0, (PLACE,), "resolve it")


def test_doubts_and_fatal_lines_are_told_together() -> None:
    fatal = line(AT, "FATAL: the disk is on fire")
    check = stop.fatal_error(evidence(run(fatal=(fatal,)))._replace(orders=OrdersFound((DOUBT, LOST))))
    assert (check.outcome, check.observed) == (FAIL, 3)
    assert check.detail.startswith(f"{DOUBT.sentence}; {LOST.sentence}; 1 fatal line")
    assert check.evidence == (PLACE, LOST.place, fatal)
    assert check.remedy.startswith("resolve it; stop the runner")


def test_of_many_doubts_three_are_named() -> None:
    check = stop.fatal_error(evidence()._replace(orders=OrdersFound((DOUBT,) * 5)))
    assert check.detail.endswith("; 2 more orders in doubt")
    assert (check.observed, len(check.evidence)) == (5, 5)


def test_a_journal_that_cannot_be_read_takes_back_what_would_pass() -> None:
    orders = OrdersFound(trouble="it cannot be read")
    checks = {check.id: check for check in judge(stop.CHECKS, evidence()._replace(orders=orders), str)}
    assert (checks["fatal-error"].outcome, checks["fatal-error"].detail) == (UNKNOWN, "it cannot be read")
    assert checks["duplicate-candle"].outcome is PASS
    assert judged("no-fatal", WELL._replace(orders=orders)).outcome is UNKNOWN


@pytest.mark.parametrize("log", [WELL.log, log_of(run=None)])
def test_an_order_in_doubt_fails_preflights_no_fatal_whatever_the_run_says(log: Any) -> None:
    check = judged("no-fatal", WELL._replace(log=log, orders=OrdersFound((DOUBT,))))
    assert (check.outcome, check.detail, check.remedy) == (FAIL, DOUBT.sentence, "resolve it")


def test_waiting_can_bring_an_order_its_outcome_and_mends_no_journal() -> None:
    for doubt, why in ((DOUBT, ""), (LOST, "a damaged journal of orders cannot be cured by waiting")):
        host = WELL._replace(orders=OrdersFound((doubt,)))
        assert in_vain(preflight(host), host, 0) == why


def test_without_a_doubt_they_say_what_they_always_said() -> None:
    assert stop.fatal_error(evidence()) == Result(PASS, "none", 0, 0, (), "")
    assert judged("no-fatal", WELL).outcome is PASS
