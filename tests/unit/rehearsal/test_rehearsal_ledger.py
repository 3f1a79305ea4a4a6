"""Which fault a finding of a rehearsed phase is laid to, and what is an alarm."""

from types import SimpleNamespace
from typing import Any

import pytest

from genesis_ops.checks.model import Judged, Outcome, Place, Report, Window
from genesis_ops.errors import Refused
from genesis_ops.rehearsal.ledger import Ledger
from genesis_ops.rehearsal.mishaps import scheduled
from genesis_ops.report.campaign import Event, Fault
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, stamp

START_MS = 1_770_210_200_000
GAP, CLOCK, ENV = "stop-check candle-gap", "preflight clock", "preflight env-file"


def ledger(*faults: str, hours: float, over: bool = False) -> Ledger:
    """Make the ledger of a phase in which these faults have begun, and are over if so said."""
    host: Any = SimpleNamespace(stage=SimpleNamespace(true_ms=0, ended_ms=0), heard=[])
    found = Ledger(host, [scheduled(text, START_MS) for text in faults])
    for trouble in found.troubles:
        trouble.begun, trouble.over = True, over
        if over and trouble.until_ms is not None:
            trouble.done.append(Event(trouble.until_ms, "it is over"))
    at(found, hours)
    return found


def at(found: Ledger, hours: float) -> None:
    host: Any = found._host
    host.stage.true_ms = host.stage.ended_ms = START_MS + round(hours * HOUR_MS)


def hear(found: Ledger, name: str, *hours: float, window: Window | None = None) -> None:
    """Let a check be red, with a line of the log at each of these hours as its proof."""
    command, _, check = name.partition(" ")
    lines = tuple(Place("log", 0, f"{stamp(START_MS + round(each * HOUR_MS))} - a line") for each in hours)
    judged = Judged(1, check, check, Outcome.FAIL, len(lines), 0, "red", lines, "")
    found.hear(Report(command, "", "", 0, (judged,), window))


def noticed(found: Ledger) -> dict[str, list[str]]:
    return {each.mishap.name: [notice.by for notice in each.notices] for each in found.troubles}


def test_a_line_is_laid_to_the_fault_that_was_on_when_it_was_written() -> None:
    found = ledger("evaluate-500@5h+3h", "evaluate-garbage@17h+3h", hours=23, over=True)
    hear(found, "daily-summary evaluation-count", 6, 7)
    assert noticed(found) == {"evaluate-500": ["daily-summary evaluation-count"], "evaluate-garbage": []}


def test_the_same_check_red_of_another_day_is_another_notice() -> None:
    found = ledger("evaluate-500@5h+3h", "evaluate-garbage@17h+3h", hours=23, over=True)
    hear(found, "daily-summary evaluation-count", 6, window=Window(START_MS, START_MS + DAY_MS, 0))
    hear(found, "daily-summary evaluation-count", 18, window=Window(START_MS + DAY_MS, START_MS + 2 * DAY_MS, 0))
    assert all(notices == ["daily-summary evaluation-count"] for notices in noticed(found).values())


def test_two_faults_that_were_on_at_once_are_both_noticed() -> None:
    found = ledger("feed-500@28h+3h", "feed-slow@1799m+1m", hours=31.5, over=True)
    hear(found, GAP, 28, 31)
    assert noticed(found) == {"feed-500": [GAP], "feed-slow": [GAP]}


def test_a_check_that_is_red_already_speaks_of_a_second_fault_too() -> None:
    found = ledger("env-open@2h", "env-bom@3h", hours=2.5)
    found.troubles[1].begun = False
    hear(found, ENV)
    at(found, 3.1)
    found.troubles[1].begun = True
    hear(found, ENV)
    assert noticed(found) == {"env-open": [ENV], "env-bom": [ENV]}


def test_new_lines_behind_a_check_that_is_red_already_are_a_new_notice() -> None:
    found = ledger("feed-500@2h+3h", "feed-429@50h+3h", hours=4)
    found.troubles[1].begun = False
    hear(found, GAP, 2, 5)
    at(found, 55)
    found.troubles[1].begun = True
    hear(found, GAP, 2, 5, 50.5, 53)
    assert noticed(found) == {"feed-500": [GAP], "feed-429": [GAP]}


def test_a_gap_of_long_ago_that_is_still_red_is_not_laid_to_a_fault_of_now() -> None:
    found = ledger("feed-500@2h+3h", "feed-429@50h+3h", hours=4)
    found.troubles[1].begun = False
    hear(found, GAP, 2, 5)
    at(found, 51)
    found.troubles[1].begun = True
    hear(found, GAP, 2, 5)
    assert noticed(found)["feed-429"] == []


def test_what_comes_hours_after_a_fault_and_is_not_known_of_it_is_an_alarm() -> None:
    found = ledger("env-open@2h+1h", hours=20, over=True)
    hear(found, "preflight disk-space")
    assert [alarm.by for alarm in found.alarms] == ["preflight disk-space"]
    assert noticed(found) == {"env-open": []}


def test_tomorrows_summary_may_still_tell_of_a_stop_and_of_nothing_else() -> None:
    found = ledger("runner-killed@2h+1h", hours=20, over=True)
    found.blame([*found.troubles])
    window = Window(START_MS, START_MS + 11 * HOUR_MS, 0)
    hear(found, "daily-summary heartbeat", window=window)
    hear(found, "daily-summary preflight", window=window)
    assert noticed(found) == {"runner-killed": ["daily-summary heartbeat"]}
    assert [alarm.by for alarm in found.alarms] == ["daily-summary preflight"]


def test_a_gap_of_before_is_laid_to_who_took_the_lines_away() -> None:
    found = ledger("log-moved@10h", hours=10.5)
    hear(found, GAP, 0, 1)
    hear(found, "stop-check fatal-error", 0, 1)
    assert noticed(found) == {"log-moved": [GAP]}
    assert [alarm.by for alarm in found.alarms] == ["stop-check fatal-error"]


def test_a_warning_in_the_log_is_laid_to_no_fault_that_does_not_name_it() -> None:
    found = ledger("health-error@2h", hours=3)
    host: Any = found._host
    host.heard.append((START_MS + 3 * HOUR_MS, "WARNING", "Mode switched from dry-run to live-paper"))
    found.listen()
    assert noticed(found) == {"health-error": []}
    assert not found.alarms


def test_what_is_done_is_told_of_the_fault_that_the_runner_stands_still_for_and_of_no_other() -> None:
    found = ledger("env-open@2h", "runner-killed@3h", hours=3.5)
    hear(found, ENV)
    found.ended(Refused("the latch is set"))
    found.blame(found.troubles[1:])
    found.did("the runner is started: dry-run")
    assert [[event.what for event in each.done] for each in found.troubles] == [[], ["the runner is started: dry-run"]]


def fault(end_hours: float, could_not: str = "") -> Fault:
    (trouble,) = ledger("runner-killed@2h", hours=3).troubles
    trouble.could_not = could_not
    return trouble.told(START_MS + round(end_hours * HOUR_MS))


def test_a_fault_whose_time_is_not_up_at_the_end_is_open_and_not_unnoticed() -> None:
    assert (fault(2.2).still_open, fault(2.2).unnoticed) == (True, False)
    assert (fault(3).still_open, fault(3).unnoticed) == (False, True)


def test_a_fault_that_could_not_happen_is_neither_unnoticed_nor_open() -> None:
    found = fault(2.2, "no runner runs")
    assert not found.unnoticed
    assert not found.still_open


@pytest.mark.parametrize("minutes", [0, 59])
def test_a_red_gate_that_stays_red_is_written_down_once_and_every_open_one(minutes: int) -> None:
    found = ledger(hours=minutes * MINUTE_MS / HOUR_MS)
    red = Judged(1, "clock", "", Outcome.FAIL, None, None, "", (), "")
    for outcome in (Outcome.FAIL, Outcome.FAIL, Outcome.PASS, Outcome.PASS):
        found.gate("preflight", Report("preflight", "", "", 0, (red._replace(outcome=outcome),)))
    assert [gate.outcome for gate in found.gates] == [Outcome.FAIL, Outcome.PASS, Outcome.PASS]
