from itertools import combinations
from typing import Any

import pytest
from evidence_by_hand import START, line

from genesis_ops import __version__
from genesis_ops.checks import acceptance, stop
from genesis_ops.checks.model import MOST_EVIDENCE, Check, Judged, Outcome, Place, Report, Result, judge, verdict
from genesis_ops.runlog.reader import LogLine
from genesis_ops.words import Exit

WORST_FIRST = [Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN, Outcome.PASS]


def judged(result: Result, doubt: str = "") -> Judged:
    (only,) = judge((Check[None]("an-id", "A title", lambda _: result, lambda _: doubt),), None, str)
    return only


def report(*outcomes: Outcome, strict: bool = False) -> Report:
    checks = tuple(Judged(1, "an-id", "", outcome, None, None, "", (), "") for outcome in outcomes)
    return Report("acceptance", "", "", START, checks, strict=strict)


def test_a_verdict_is_the_worst_outcome() -> None:
    for worse, better in combinations(WORST_FIRST, 2):
        assert verdict([better, worse, better, Outcome.SKIP]) is worse


@pytest.mark.parametrize("outcomes", [(), (Outcome.SKIP,)])
def test_where_nothing_was_judged_nothing_is_known(outcomes: tuple[Outcome, ...]) -> None:
    assert verdict(outcomes) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("outcome", "strict", "code"),
    [
        (Outcome.PASS, False, Exit.PASS),
        (Outcome.WARN, False, Exit.PASS),
        (Outcome.FAIL, False, Exit.FAIL),
        (Outcome.UNKNOWN, False, Exit.UNKNOWN),
        (Outcome.PASS, True, Exit.PASS),
        (Outcome.WARN, True, Exit.FAIL),
        (Outcome.FAIL, True, Exit.FAIL),
        (Outcome.UNKNOWN, True, Exit.UNKNOWN),
    ],
)
def test_a_verdict_has_its_exit_code(outcome: Outcome, strict: bool, code: Exit) -> None:
    assert report(outcome, strict=strict).exit_code is code
    assert report(outcome, strict=strict).verdict is outcome


def test_what_is_not_said_of_a_report_is_empty() -> None:
    plain = Report("acceptance", "", "", START, report(Outcome.PASS).checks)
    assert (plain.window, plain.summary, plain.hours, plain.notes, plain.closing) == (None, None, (), (), "")
    assert (plain.strict, plain.version, plain.checks[0].bonus) == (False, __version__, False)
    assert Result(Outcome.PASS, "") == Result(Outcome.PASS, "", None, None, (), "")


def test_a_result_comes_with_its_checks_number_and_names() -> None:
    checks = (
        Check[str]("first", "One", lambda seen: Result(Outcome.FAIL, seen, 3, 0, (), "do")),
        Check[str]("second", "Two", lambda _: Result(Outcome.PASS, "well"), bonus=True),
    )
    assert judge(checks, "seen", str) == (
        Judged(1, "first", "One", Outcome.FAIL, 3, 0, "seen", (), "do"),
        Judged(2, "second", "Two", Outcome.PASS, None, None, "well", (), "", bonus=True),
    )


def test_a_check_that_fails_itself_is_unknown_and_hides_no_other() -> None:
    def broken(_: Any) -> Result:
        raise ZeroDivisionError("by zero")

    first, second = judge((Check("a", "", broken), Check("b", "", lambda _: Result(Outcome.PASS, "ok"))), None, str)
    assert (first.outcome, first.detail) == (Outcome.UNKNOWN, "the check itself failed: ZeroDivisionError: by zero")
    assert (first.evidence, first.remedy) == ((), "keep this output and report it as a bug")
    assert second.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("outcome", "becomes"),
    [
        (Outcome.PASS, Outcome.UNKNOWN),
        (Outcome.WARN, Outcome.UNKNOWN),
        (Outcome.FAIL, Outcome.FAIL),
        (Outcome.UNKNOWN, Outcome.UNKNOWN),
        (Outcome.SKIP, Outcome.SKIP),
    ],
)
def test_doubt_takes_back_what_was_good_and_leaves_what_was_bad(outcome: Outcome, becomes: Outcome) -> None:
    found = judged(Result(outcome, "seen", 2), "half of it cannot be read")
    told = "half of it cannot be read; as far as it could be read: seen"
    assert (found.outcome, found.detail) == (becomes, told if outcome in {Outcome.PASS, Outcome.WARN} else "seen")
    assert judged(Result(outcome, "seen", 2)).outcome is outcome


def test_doubt_stands_alone_where_nothing_was_seen() -> None:
    assert judged(Result(Outcome.PASS, "none", 0), "no log").detail == "no log"


def test_evidence_is_shown_with_file_and_line_up_to_a_limit() -> None:
    proof = [line(START + second * 1000, "something") for second in range(MOST_EVIDENCE + 1)]
    shown = judged(Result(Outcome.FAIL, "", evidence=(Place("other", 7, "text"), *proof))).evidence
    assert MOST_EVIDENCE == 10
    assert shown == (
        Place("other", 7, "text"),
        *(Place("logs/runner_20260301.log", 1, each.text) for each in proof[:9]),
    )


def test_evidence_that_was_cut_says_of_how_much_and_a_check_that_shows_every_line_is_not_cut() -> None:
    def seen(count: int, *, every: bool = False) -> Judged:
        result = Result(Outcome.FAIL, "bad", evidence=(Place("file", 7, "text"),) * count)
        (only,) = judge((Check[None]("an-id", "", lambda _: result, every=every),), None, str)
        return only

    assert (seen(10).detail, len(seen(10).evidence)) == ("bad", 10)
    assert (seen(11).detail, len(seen(11).evidence)) == ("bad (the first 10 of 11)", 10)
    assert (seen(11, every=True).detail, len(seen(11, every=True).evidence)) == ("bad", 11)


@pytest.mark.parametrize(("number", "told"), [(10, "seen"), (11, "seen (the first 10 of 11)")])
def test_that_not_all_evidence_is_shown_is_said_unless_it_is(number: int, told: str) -> None:
    result = Result(Outcome.FAIL, "seen", evidence=tuple(Place("f", n, "") for n in range(number)))
    assert (judged(result).detail, len(judged(result).evidence)) == (told, 10)
    (whole,) = judge((Check[None]("an-id", "", lambda _: result, every=True),), None, str)
    assert (whole.detail, len(whole.evidence)) == ("seen", number)


def test_what_went_wrong_beside_the_judgement_decides_the_exit_code() -> None:
    for outcome in (Outcome.PASS, Outcome.WARN, Outcome.FAIL):
        overruled = report(outcome, strict=True)._replace(overruled=Exit.BUG_OR_WRITE_FAILED)
        assert (overruled.exit_code, overruled.verdict) == (Exit.BUG_OR_WRITE_FAILED, outcome)


def test_a_line_that_can_no_longer_be_counted_is_a_check_that_failed_itself() -> None:
    class Gone(LogLine):
        @property
        def number(self) -> int:
            raise OSError("gone")

    gone = Gone(line(START, "x").file, "x", 0, None, START)
    assert judged(Result(Outcome.FAIL, "", evidence=(gone,))).detail == "the check itself failed: OSError: gone"


def test_the_checks_have_the_contracts_ids_in_its_order() -> None:
    assert [check.id for check in acceptance.CHECKS] == [
        *("candle-uniqueness", "candle-frequency", "candle-source", "candle-audit", "no-orders", "evaluation-count"),
        *("state-consistency", "state-orders", "champion-loaded", "no-fatal", "heartbeat"),
    ]
    assert [check.id for check in stop.CHECKS] == [
        *("duplicate-candle", "dry-run-order", "baseline-fallback", "candle-gap", "state-corrupt", "fatal-error")
    ]
    assert [check.id for check in acceptance.CHECKS if check.bonus] == ["heartbeat"]
    assert not any(check.bonus for check in stop.CHECKS)
    assert not any(check.every for check in (*acceptance.CHECKS, *stop.CHECKS))
