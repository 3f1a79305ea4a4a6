from pathlib import Path

import faults_edges
import pytest
from faults_planted import CLEAN, FAULTY, Case, end_of
from faults_stopping import STOPPED, UNSTOPPED

from genesis_ops.checks.model import Outcome, Report
from genesis_ops.collect.judgement import Asked, day_zero_ms, judge_acceptance, judge_stop
from genesis_ops.collect.where import source
from genesis_ops.settings import load
from genesis_ops.words import DAY_MS


class NoClock:
    """A clock that no judgement has a reason to look at."""

    def now_ms(self) -> int:
        raise AssertionError

    def monotonic(self) -> float:
        raise AssertionError

    def wait(self, seconds: float) -> None:
        raise AssertionError(seconds)


def accepted(case: Case, root: Path) -> Report:
    log = case.make()
    end_ms = case.end_ms or end_of(log.layout)
    settings = load({"root": root, "timeframe": str(log.world.timeframe)}, {}, None).settings
    log.put(settings.log_dir)
    with source(settings, None) as where:
        asked = Asked(case.start_ms or end_ms - DAY_MS, end_ms, end_ms + 1)
        return judge_acceptance(settings, where, asked, NoClock()).report


def doubtful(report: Report) -> dict[str, str]:
    return {check.id: str(check.outcome) for check in report.checks if check.outcome is not Outcome.PASS}


def told(case: Case, report: Report) -> None:
    details = {check.id: check.detail for check in report.checks}
    assert doubtful(report) == case.expected, {key: details[key] for key in {*doubtful(report), *case.expected}}
    for check, words in case.words.items():
        assert words in details[check]


@pytest.mark.parametrize("case", FAULTY + faults_edges.FAULTY, ids=lambda case: case.name)
def test_acceptance_finds_a_planted_fault_by_the_right_check(case: Case, tmp_path: Path) -> None:
    told(case, accepted(case, tmp_path))


@pytest.mark.parametrize("case", CLEAN + faults_edges.CLEAN, ids=lambda case: case.name)
def test_acceptance_does_not_refuse_what_only_looks_like_a_fault(case: Case, tmp_path: Path) -> None:
    told(case, accepted(case, tmp_path))


def checked(case: Case, root: Path) -> Report:
    log = case.make()
    end_ms = case.end_ms or end_of(log.layout)
    settings = load({"root": root}, {}, None).settings
    log.put(settings.log_dir)
    with source(settings, None) as where:
        return judge_stop(settings, where, Asked(case.start_ms or day_zero_ms(settings), end_ms, end_ms + 1)).report


@pytest.mark.parametrize("case", STOPPED, ids=lambda case: case.name)
def test_stop_check_finds_a_planted_fault_by_the_right_condition(case: Case, tmp_path: Path) -> None:
    told(case, checked(case, tmp_path))


@pytest.mark.parametrize("case", UNSTOPPED, ids=lambda case: case.name)
def test_stop_check_does_not_stop_for_what_only_looks_like_a_condition(case: Case, tmp_path: Path) -> None:
    told(case, checked(case, tmp_path))
