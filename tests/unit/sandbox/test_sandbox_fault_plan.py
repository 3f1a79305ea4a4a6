import pytest
from sandbox_world import START_MS

from genesis_ops.errors import UsageRefused
from genesis_ops.sandbox.faults import FaultSwitch, ScheduledFault, find_fault, parse_fault
from genesis_ops.words import HOUR_MS, MINUTE_MS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("feed-down", ScheduledFault("feed-down", START_MS)),
        ("feed-down@2h", ScheduledFault("feed-down", START_MS + 2 * HOUR_MS)),
        ("feed-down@0s+1d", ScheduledFault("feed-down", START_MS, START_MS + 24 * HOUR_MS)),
        (
            "feed-down@90s+30m",
            ScheduledFault("feed-down", START_MS + 90_000, START_MS + 90_000 + 30 * MINUTE_MS),
        ),
    ],
)
def test_a_fault_is_planned_by_name_beginning_and_length(text: str, expected: ScheduledFault) -> None:
    assert parse_fault(text, START_MS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@2h",
        "feed-down@",
        "feed-down@2",
        "feed-down@2w",
        "feed-down@-2h",
        "feed-down@1.5h",
        "feed-down@٢h",
        "feed-down@999999d",
        "feed-down@2h+",
        "feed-down@2h+0m",
        "feed-down+30m",
        "feed-down ",
        "FEED-DOWN",
    ],
)
def test_a_fault_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(UsageRefused):
        parse_fault(text, START_MS)


def test_an_unknown_fault_is_refused_with_the_names_that_come_near() -> None:
    with pytest.raises(UsageRefused) as refusal:
        find_fault("feed-donw")
    assert "feed-down" in refusal.value.notes[0]
    assert refusal.value.next_command == "genesis-ops sandbox faults"


def test_a_name_that_comes_near_to_nothing_is_refused_without_a_guess() -> None:
    with pytest.raises(UsageRefused) as refusal:
        find_fault("\x1b[31mzzzz")
    assert refusal.value.notes == ()
    assert "\x1b" not in refusal.value.message


def test_a_fault_is_on_from_its_beginning_until_just_before_its_end() -> None:
    fault = ScheduledFault("feed-down", 100, 200)
    assert [fault.active_at(ms) for ms in (99, 100, 199, 200)] == [False, True, True, False]


def test_a_fault_touches_the_intervals_that_run_while_it_is_on_and_not_their_neighbours() -> None:
    fault = ScheduledFault("no-trades", 100, 200)
    assert [fault.touches(open_ms, open_ms + 50) for open_ms in (50, 51, 150, 199, 200)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert ScheduledFault("no-trades", 100).touches(9000, 9001)


def test_switching_on_what_is_on_keeps_its_beginning_and_moves_its_end() -> None:
    switch = FaultSwitch()
    switch.on("feed-stale", 100)
    assert switch.on("feed-stale", 150, 50) == ScheduledFault("feed-stale", 100, 200)
    assert [bool(switch.active(ms)) for ms in (100, 199, 200)] == [True, True, False]


def test_switching_off_leaves_what_is_planned_for_later_and_other_faults() -> None:
    switch = FaultSwitch([parse_fault("feed-down@1h", 0), parse_fault("feed-down", 0), parse_fault("api-down", 0)])
    switch.off("feed-down", 1000)
    assert set(switch.active(1000)) == {"api-down"}
    assert set(switch.active(HOUR_MS)) == {"api-down", "feed-down"}
