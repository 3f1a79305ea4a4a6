import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genesis_ops.errors import StateUnreadable
from genesis_ops.state.model import PendingEvaluation, State

PATH = Path("logs/runner_state.json")
OLDER_RUNNER = b"""{
  "last_processed_candle_ts": 1770296400000,
  "total_evaluations": 26,
  "total_orders_submitted": 0,
  "last_heartbeat": "2026-02-05T14:14:06.717285+00:00",
  "pipeline_state": {
    "current_atr": 340.12617458665466,
    "levels": {
      "0.5": 71346.95000000001
    },
    "last_update": null
  }
}
"""
FIELDS = {
    "last_processed_candle_ts": 1770296400000,
    "total_evaluations": 26,
    "total_orders_submitted": 0,
    "last_heartbeat": None,
}
KNOWN = {*FIELDS, "pending_evaluation", "pipeline_state"}

numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=8)
json_values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
objects = st.dictionaries(st.text(max_size=5), json_values, max_size=4)
times = st.integers(0, 253_402_300_799_999)
counts = st.integers(0, 2**53)
pendings = st.builds(PendingEvaluation, ts=times, close=st.floats(0, 1e9), source=st.text(max_size=8))
states = st.builds(
    State,
    last_processed_candle_ts=st.none() | times,
    total_evaluations=counts,
    total_orders_submitted=counts,
    last_heartbeat=st.none() | st.datetimes().map(lambda at: at.isoformat()),
    pending_evaluation=st.none() | pendings,
    pipeline_state=objects,
    other=objects.filter(lambda other: not KNOWN & other.keys()),
)

whatever_the_load = settings(deadline=None)


def text(**changes: object) -> bytes:
    return json.dumps(FIELDS | changes).encode()


def refusal(raw: bytes) -> str:
    with pytest.raises(StateUnreadable) as caught:
        State.parse(raw, PATH)
    return caught.value.message


@whatever_the_load
@given(states)
def test_what_was_written_is_read_again(state: State) -> None:
    assert State.parse(state.dump(), PATH) == state


@whatever_the_load
@given(states)
def test_unknown_keys_survive_in_value_and_order(state: State) -> None:
    again = State.parse(state.dump(), PATH).other
    assert json.dumps(dict(again)) == json.dumps(dict(state.other))


@whatever_the_load
@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(text(deep=0).replace(b'"deep": 0', b'"deep": ' + b"[" * 500 + b"]" * 500))
@example(b"1" * 5000)
@example(text(big=0).replace(b'"big": 0', b'"big": ' + b"1" * 5000))
@example(b"\xff\xfe{\x00}\x00")
def test_arbitrary_bytes_are_read_or_refused_and_nothing_else(raw: bytes) -> None:
    assert refusal(raw).startswith(str(PATH))


@whatever_the_load
@given(st.dictionaries(st.sampled_from(sorted(KNOWN)), json_values))
def test_arbitrary_values_are_read_so_that_they_can_be_written_or_refused(changes: dict[str, object]) -> None:
    try:
        state = State.parse(text(**changes), PATH)
    except StateUnreadable:
        return
    assert State.parse(state.dump(), PATH) == state


@whatever_the_load
@given(st.integers(0, len(OLDER_RUNNER) - 3))
def test_a_truncated_file_is_refused_wherever_it_ends(length: int) -> None:
    assert "is not JSON" in refusal(OLDER_RUNNER[:length])


def test_a_file_of_the_older_runner_comes_back_with_nothing_added_but_its_last_line_end() -> None:
    assert State.parse(OLDER_RUNNER.rstrip(), PATH).dump() == OLDER_RUNNER


def test_a_pending_evaluation_stands_as_an_object_in_the_file() -> None:
    state = State(pending_evaluation=PendingEvaluation(1770206400000, 71615.8, "previous"))
    assert json.loads(state.dump())["pending_evaluation"] == {
        "ts": 1770206400000,
        "close": 71615.8,
        "source": "previous",
    }


def test_null_for_the_optional_keys_means_that_there_is_nothing() -> None:
    state = State.parse(text(pending_evaluation=None, pipeline_state=None), PATH)
    assert (state.pending_evaluation, state.pipeline_state) == (None, {})


def test_a_whole_closing_price_becomes_a_float() -> None:
    state = State.parse(text(pending_evaluation={"ts": 1, "close": 71615, "source": "latest"}), PATH)
    assert state.pending_evaluation is not None
    assert isinstance(state.pending_evaluation.close, float)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is not JSON (the file is empty)"),
        (b" \n", "is not JSON (there is nothing but white space in it)"),
        (b"\0\0\0", "is not JSON (line 1, column 1: NUL byte)"),
        (b'{"a": 1,\n "b\0": 2}', "is not JSON (line 2, column 4: NUL byte)"),
        (b"\xef\xbb\xbf{}", "is not JSON (line 1, column 1: a byte order mark)"),
        (b'{"a": "\n\xff"}', "is not JSON (line 2, column 1: byte 0xff is not UTF-8)"),
        (OLDER_RUNNER[:60], "is not JSON (line 3, column 3: the file ends too early)"),
        (b'{"a', "is not JSON (line 1, column 2: the file ends too early)"),
        (b'{\n  "a": 1,\n  b: 2}', "is not JSON (line 3, column 3: Expecting property name enclosed in double quotes)"),
        (b"{} {}", "is not JSON (line 1, column 4: Extra data)"),
        (b"[" * 100_000, "is not JSON (lists or objects are nested too deeply)"),
        (b"9" * 5000, "is not JSON (a number has too many digits)"),
        (b'{"a": 1, "a": 2}', 'is not JSON (the key "a" stands twice in one object)'),
        (b"[]", "is not a runner state (it holds a list, not an object)"),
        (b"null", "is not a runner state (it holds null, not an object)"),
        (
            b"{}",
            f"is not a runner state (missing: {', '.join(FIELDS)})",
        ),
        (text(total_evaluations=True), "(total_evaluations is true or false, not a whole number)"),
        (text(total_evaluations="26"), "(total_evaluations is a string, not a whole number)"),
        (text(total_evaluations=-1), "(total_evaluations is negative)"),
        (text(total_orders_submitted=None), "(total_orders_submitted is null, not a whole number)"),
        (text(total_orders_submitted=2**53 + 1), "(total_orders_submitted is too large)"),
        (
            text(last_processed_candle_ts=1770296400000.0),
            "(last_processed_candle_ts is a fractional number, not a whole number)",
        ),
        (text(last_processed_candle_ts=10**17), "(last_processed_candle_ts is too large)"),
        (text(last_heartbeat=1770296400), "(last_heartbeat is a whole number, not a time)"),
        (text(last_heartbeat="soon"), "(last_heartbeat is not an ISO 8601 time)"),
        (text(pipeline_state=[]), "(pipeline_state is a list, not an object)"),
        (text(pipeline_state={"atr": [1.0, float("nan")]}), "(pipeline_state.atr[1] is nan, not a finite number)"),
        (text(extra=float("inf")), "(extra is inf, not a finite number)"),
        (text(extra=0).replace(b'"extra": 0', b'"extra": -1e999'), "(extra is -inf, not a finite number)"),
        (text(pending_evaluation=[1]), "(pending_evaluation is not an object of ts, close and source)"),
        (text(pending_evaluation={"ts": 1}), "(pending_evaluation is not an object of ts, close and source)"),
        (
            text(pending_evaluation={"ts": 1.5, "close": 1, "source": ""}),
            "(pending_evaluation.ts is a fractional number, not a whole number)",
        ),
        (
            text(pending_evaluation={"ts": 1, "close": True, "source": ""}),
            "(pending_evaluation.close is true or false that cannot be a price)",
        ),
        (
            text(pending_evaluation={"ts": 1, "close": 10**400, "source": ""}),
            "(pending_evaluation.close is a whole number that cannot be a price)",
        ),
        (
            text(pending_evaluation={"ts": 1, "close": 1, "source": None}),
            "(pending_evaluation.source is null, not a string)",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(raw: bytes, reason: str) -> None:
    assert refusal(raw).endswith(reason)
    assert refusal(raw).startswith("logs/runner_state.json is not ")


def test_a_key_with_control_characters_reaches_the_message_only_as_escapes() -> None:
    assert "\x1b" not in refusal(b'{"\\u001b[31m": 1, "\\u001b[31m": 2}')


def test_a_value_that_json_cannot_say_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        State(pipeline_state={"atr": float("nan")}).dump()
