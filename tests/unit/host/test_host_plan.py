"""A plan and a record as JSON: what was written is read, and anything else is refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_ops.errors import Refused
from genesis_ops.host.plan import SCHEMA, Facts, Plan, Problem, Step, UnitFound, Wishes, differences, read_plan, write
from genesis_ops.host.record import Begun, End, Event, Evidence, Told, WayBack, event_of, line

FACTS = Facts(
    "vm", "/r", "/r/logs", "http://x", "genesis", "genesis", "a" * 40, "main", "main", "a" * 40, "origin", "b" * 40,
    ("b Change",), ("modified x",), "0", (UnitFound("a.service", "loaded", True, "1", 2, 3),),
)  # fmt: skip
PLAN = Plan(
    SCHEMA, "1", "2026-02-05T13:10:00.000Z", Wishes(), FACTS, (Step("a", "A", ("x", "y"), "root", 3),), (),
    (Problem("what", "next", 78),), ("a notice",),
)  # fmt: skip
EVENTS: tuple[Event, ...] = (
    Begun("t", "20260205_131002Z", "ops", "why", "a", "b", (("lock", "lock"),)),
    Told("t", "lock", "done", 0.5, "\x1b[31m"),
    WayBack("t", "lock", ()),
    Evidence("t", "GET /health", "one\ntwo"),
    End("t", "stuck", 1, ("type this",)),
)


def test_a_plan_is_read_as_it_was_written() -> None:
    assert read_plan(write(PLAN)) == PLAN


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_one_ascii_line_and_is_read_as_it_was_written(event: Event) -> None:
    text = line(event)
    assert (text.isascii(), text.isprintable(), event_of(text)) == (True, True, event)


def test_half_a_line_is_no_event() -> None:
    text = line(EVENTS[0])
    assert [event_of(text[:length]) for length in range(len(text))] == [None] * len(text)


@settings(max_examples=20)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_no_json_breaks_the_reading_of_an_event(found: Any) -> None:
    assert event_of(json.dumps(found)) is None
    assert event_of(json.dumps({"kind": "step", "at": found})) is None


@given(
    st.sampled_from(["facts", "steps", "wishes", "version", "problems"]),
    st.none() | st.integers() | st.text() | st.lists(st.integers(), min_size=1),
)
def test_a_plan_with_another_value_in_it_is_refused_or_is_that_plan(field: str, value: Any) -> None:
    document = json.loads(write(PLAN)) | {field: value}
    if field == "version" and isinstance(value, str):
        assert read_plan(json.dumps(document)).version == value
        return
    with pytest.raises(Refused, match="this is not a plan"):
        read_plan(json.dumps(document))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"schema": "genesis-ops.plan/2"}', "[" * 100_000, "0" * (1 << 21)]
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="this is not a plan"):
        read_plan(text)


def test_a_plan_with_a_field_too_many_is_refused() -> None:
    document = json.loads(write(PLAN))
    document["steps"][0]["shell"] = True
    with pytest.raises(Refused, match="shell"):
        read_plan(json.dumps(document))


def test_differences_are_named_down_to_the_field() -> None:
    now = PLAN._replace(
        made_at="later",
        facts=FACTS._replace(head="c" * 40, units=(FACTS.units[0]._replace(active=False),), changes=()),
        notices=(),
    )
    assert differences(PLAN, now) == (
        f"facts.head: was '{'a' * 40}', is '{'c' * 40}'",
        "facts.changes: had 1, has 0",
        "facts.units.a.service.active: was True, is False",
    )


def test_the_time_of_a_plan_is_no_difference() -> None:
    assert differences(PLAN, PLAN._replace(made_at="later")) == ()


@pytest.mark.parametrize("name", ["wait", "healthy", "acceptance"])
def test_a_wish_that_is_no_length_of_time_is_refused(name: str) -> None:
    document = json.loads(write(PLAN))
    document["wishes"][name] = "banana"
    with pytest.raises(Refused, match="'banana' is not a length of time"):
        read_plan(json.dumps(document))
