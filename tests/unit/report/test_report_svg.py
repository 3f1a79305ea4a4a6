"""The geometry of charts: everything stays inside, greater stands higher, and nothing is drawn that was not there."""

import re

from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.report.svg import HIGH, WIDE, across, by_magnitude, line, needles, steps, upwards

VALUES = st.floats(-1e9, 1e9)


def numbers(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?[\d.]+", path)]


def test_times_run_from_one_edge_to_the_other() -> None:
    place = across(1000, 3000)
    assert [place(1000), place(2000), place(3000)] == [0, WIDE / 2, WIDE]


def test_a_phase_of_no_length_has_a_place_all_the_same() -> None:
    assert across(1000, 1000)(1000) == 0


@given(st.lists(VALUES, min_size=1))
def test_every_value_lies_within_the_chart_and_a_greater_one_not_lower(values: list[float]) -> None:
    up = upwards(min(values), max(values))
    drawn = [up(value) for value in sorted(values)]
    assert all(0 <= y <= HIGH for y in drawn)
    assert drawn == sorted(drawn, reverse=True)


@given(st.lists(st.floats(0, 1e7), min_size=1))
def test_lengths_by_magnitude_lie_within_the_chart_and_a_longer_one_not_lower(lengths: list[float]) -> None:
    up = by_magnitude(max(lengths))
    drawn = [up(length) for length in sorted(lengths)]
    assert all(0 <= y <= HIGH for y in drawn)
    assert drawn == sorted(drawn, reverse=True)


def test_a_line_breaks_where_a_value_is_missing() -> None:
    points = [(0.0, 1.0), (10.0, 1.0), (20.0, None), (30.0, 1.0)]
    assert line(points, lambda _: 50) == "M0 50L10 50M30 50"


def test_a_needle_stands_on_the_foot_and_none_where_there_is_no_value() -> None:
    assert needles([(5.0, 1.0), (6.0, None)], lambda _: 20.04) == "M5 100V20"


def test_a_step_keeps_its_height_until_the_next_and_to_the_end() -> None:
    assert steps([(0.0, 1.0), (10.5, 2.0)], lambda value: 10 * value, 100) == "M0 10H10.5V20H100"
    assert steps([], lambda value: value, 100) == ""


@given(st.lists(st.tuples(st.floats(0, WIDE), VALUES | st.none())))
def test_a_path_has_two_numbers_for_each_value_that_is_known(points: list[tuple[float, float | None]]) -> None:
    known = sum(value is not None for _, value in points)
    assert len(numbers(line(points, lambda _: 1.0))) == 2 * known
