"""The table of what can go wrong in a rehearsed phase."""

import pytest

from genesis_ops.checks import acceptance, day, preflight, stop
from genesis_ops.errors import UsageRefused
from genesis_ops.rehearsal.mishaps import MISHAPS, TABLE, Mishap, by_chance, find, scheduled
from genesis_ops.runlog.events import event_types
from genesis_ops.sandbox.faults import FAULTS
from genesis_ops.words import DAY_MS, HOUR_MS

KNOWN = {
    *(f"preflight {check.id}" for check in preflight.CHECKS),
    *(f"stop-check {check.id}" for check in stop.CHECKS),
    *(f"daily-summary {check.id}" for check in day.CHECKS),
    *(f"acceptance {check.id}" for check in acceptance.CHECKS),
    *(f"log {event.__name__}" for event in event_types()),
    *("run exit 1", "run exit 3", "run exit 78"),
}


def test_every_fault_of_the_sandbox_can_be_rehearsed_and_there_are_at_least_25() -> None:
    assert set(FAULTS) <= set(MISHAPS)
    assert len(TABLE) == len(MISHAPS) >= 25


@pytest.mark.parametrize("mishap", TABLE, ids=lambda mishap: mishap.name)
def test_a_fault_says_what_happens_who_is_to_notice_it_and_within_what_time(mishap: Mishap) -> None:
    assert mishap.what.endswith(".")
    assert mishap.notices
    assert set(mishap.notices) <= KNOWN
    assert 0 < mishap.hours <= 26


def test_an_unknown_fault_is_refused_with_the_names_that_come_near() -> None:
    with pytest.raises(UsageRefused) as refused:
        find("runner-kiled")
    assert refused.value.notes[0].startswith("near: runner-killed")


def test_a_fault_of_the_host_is_read_by_the_grammar_of_the_sandbox() -> None:
    found = scheduled("disk-low@2h+30m", 1000)
    assert (found.mishap.name, found.from_ms, found.until_ms) == ("disk-low", 1000 + 2 * HOUR_MS, 1000 + 2.5 * HOUR_MS)
    assert scheduled("disk-low@2h", 0).until_ms is None


def test_chance_gives_the_same_faults_for_the_same_seed_and_others_for_another() -> None:
    assert by_chance(7, 0, 42) == by_chance(7, 0, 42) != by_chance(8, 0, 42)


def test_chance_leaves_the_dry_run_and_the_end_alone_and_never_has_two_at_once() -> None:
    for seed in range(50):
        found = by_chance(seed, 0, 42)
        assert len(found) >= 15
        assert not any(each.mishap.dry for each in found)
        assert found[0].from_ms > DAY_MS + 2 * HOUR_MS
        assert found[-1].until_ms is not None
        assert found[-1].until_ms < 42 * DAY_MS
        ends = [each.until_ms or 0 for each in found]
        assert all(end < after.from_ms for end, after in zip(ends, found[1:], strict=False))
