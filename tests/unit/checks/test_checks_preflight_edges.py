"""What a hair's breadth decides in a host's judgement, and what its parts are where nothing was said of them."""

import pytest
from preflight_host import HERE, NOW_MS, OTHER, RUNNER, STARTED_MS, WELL, judged, line, log_of, run_of

from genesis_ops.checks.host import DirectoryFound, EnvFound, LogFound
from genesis_ops.checks.model import Outcome
from genesis_ops.checks.preflight import in_vain, preflight
from genesis_ops.clients.process import Process, Trader
from genesis_ops.words import HOUR_MS, MINUTE_MS

HIDDEN = Trader(OTHER, runs=True, holds=False, writes=None)


def test_what_was_not_found_is_nothing() -> None:
    assert LogFound() == LogFound(None, 0, None, None, None, "")
    assert DirectoryFound(present=True).fault == ""
    assert EnvFound(present=True) == EnvFound(present=True, fault="", hidden=False, mode=None, lines=(), missing=())
    assert LogFound().utc(line(NOW_MS)) == NOW_MS
    assert log_of(run=run_of(zone_minutes=60)).utc(line(NOW_MS)) == NOW_MS - HOUR_MS


def test_a_report_is_lenient_unless_it_is_asked_to_be_strict() -> None:
    assert [preflight(WELL).strict, preflight(WELL, strict=True).strict] == [False, True]


@pytest.mark.parametrize(
    "name",
    [
        *("api-health", "runner-log", "champion-verified", "state-heartbeat", "no-fatal"),
        *("log-directory", "runner-process", "champion-file", "env-file", "disk-space", "stop-latch", "clock"),
    ],
)
@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNKNOWN])
def test_only_what_a_start_brings_is_waited_for(name: str, outcome: Outcome) -> None:
    brought = {
        Outcome.FAIL: {
            *("api-health", "runner-log", "champion-verified", "state-heartbeat", "no-fatal", "log-directory"),
            "runner-process",
        },
        Outcome.UNKNOWN: {
            *("runner-log", "champion-verified", "state-heartbeat", "no-fatal", "runner-process", "clock"),
        },
    }
    report = preflight(WELL)
    checks = tuple(
        check._replace(outcome=outcome, observed=None) if check.id == name else check for check in report.checks
    )
    told = in_vain(report._replace(checks=checks), WELL, 0)
    assert told == ("" if name in brought[outcome] else f"{name} cannot be cured by waiting")


def silent(*traders: Trader) -> str:
    log = log_of(NOW_MS - 30 * MINUTE_MS)
    return judged("runner-log", WELL._replace(log=log, traders=traders)).remedy


def test_who_is_to_be_stopped_when_a_log_is_silent_is_who_writes_it_or_stands_here() -> None:
    here = Trader(RUNNER, runs=True, holds=True, writes=False)
    first, second = (
        Trader(Process(pid, "x", "ops", STARTED_MS), runs=True, holds=False, writes=True) for pid in (1, 2)
    )
    assert silent(first, second).startswith("kill -TERM 1 ")
    assert silent(here, HIDDEN).startswith(f"kill -TERM {RUNNER.pid} ")
    assert silent(HIDDEN).startswith("sudo -u ops ")
    assert "kill" not in silent()


def test_runners_that_cannot_be_seen_into_are_counted() -> None:
    young = HIDDEN._replace(process=OTHER._replace(since_ms=NOW_MS))
    old = HIDDEN._replace(process=OTHER._replace(since_ms=NOW_MS - HOUR_MS))
    one = judged("runner-process", WELL._replace(traders=(old,)))
    two = judged("runner-process", WELL._replace(traders=(young, old)))
    assert "a runner that may belong to another root" in one.detail
    assert two.detail.startswith("2 runners on this host")
    assert [one.observed, two.observed] == [1, 2]
    assert judged("runner-process", WELL._replace(traders=(young,))).observed is None
    assert judged("runner-process", WELL._replace(traders=(HERE, young))).observed == 2
