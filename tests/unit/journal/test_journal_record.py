"""One line of the journal: read back as it was written, behind the sum that it was written behind, or not at all."""

import hashlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_lines import CANDLE, acked, lines, started

from genesis_ops.journal.record import SEED, Kind, Record, number_of, read, write
from genesis_ops.runlog.events import grep_phrases

RECORD = Record(7, CANDLE + 1, Kind.BLOCKED, {"id": "20260205-1200", "reason": "the stop latch is set"})
OWN_NAMES = {"n", "at", "kind", "sum"}
texts = st.text() | st.sampled_from(grep_phrases())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
contents = st.dictionaries(texts.filter(lambda name: name not in OWN_NAMES), values, max_size=4)
moments = st.integers(0, 253_402_300_799_999)
all_records = st.builds(Record, st.integers(1, 10**9), moments, st.sampled_from(Kind), contents)


def test_a_record_is_one_line_that_a_person_can_grep() -> None:
    line, own_sum = write(RECORD, SEED)
    text = '{"n": 7, "at": "2026-02-05T12:00:00.001Z", "kind": "blocked", "id": "20260205-1200", '
    text += '"reason": "the stop latch is set"'
    assert line.decode() == f'{text}, "sum": "{own_sum}"}}\n'
    assert own_sum == hashlib.sha256(f"genesis-ops.journal/1\n{text}}}".encode()).hexdigest()[:16]
    assert json.loads(line)["sum"] == own_sum


@given(all_records, st.text(alphabet="0123456789abcdef", min_size=16, max_size=16))
def test_what_was_written_is_read_again(record: Record, sum_before: str) -> None:
    line, own_sum = write(record, sum_before)
    assert line.count(b"\n") == 1
    assert read(line[:-1], sum_before) == (record, own_sum)
    assert number_of(line) == record.number


@given(all_records)
def test_a_record_holds_no_phrase_that_the_runners_log_is_searched_for(record: Record) -> None:
    line, _ = write(record, SEED)
    assert not [phrase for phrase in grep_phrases() if phrase.encode() in line]


def test_a_record_does_not_follow_another_sum() -> None:
    line, own_sum = write(RECORD, SEED)
    assert read(line[:-1], own_sum) is None


@given(st.data())
def test_a_record_with_one_changed_byte_is_none(data: st.DataObject) -> None:
    line, _ = write(RECORD, SEED)
    place = data.draw(st.integers(0, len(line) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[place]))
    assert read(line[:place] + bytes([other]) + line[place + 1 : -1], SEED) is None


@given(st.integers(0, 200))
def test_a_part_of_a_record_is_none(length: int) -> None:
    line, _ = write(RECORD, SEED)
    assert read(line[: min(length, len(line) - 2)], SEED) is None


@given(st.binary(max_size=80))
def test_other_bytes_are_no_record(text: bytes) -> None:
    assert read(text, SEED) is None


@pytest.mark.parametrize("name", sorted(OWN_NAMES))
def test_a_record_cannot_tell_what_is_its_own_to_say(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is said by the record itself$"):
        write(RECORD._replace(content={name: 1}), SEED)


def test_all_names_that_are_taken_are_told() -> None:
    with pytest.raises(ValueError, match=r"^at, kind, n, sum is said"):
        write(RECORD._replace(content={"sum": 1, "n": 1, "id": "x", "kind": 1, "at": 1}), SEED)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write(RECORD._replace(content={"size": value}), SEED)


def test_what_json_cannot_say_is_not_written() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        write(RECORD._replace(content={"id": b"x"}), SEED)


def test_the_same_record_has_another_sum_behind_another_record() -> None:
    found = [re.findall(rb'"sum": "([0-9a-f]{16})"', line)[0] for line in lines([acked(), acked(), acked()])]
    assert len(set(found)) == 3
    assert lines([started()]) == lines([started()])


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b'{"n": 12, "at"', 12),
        (b'{"n": 12', 12),
        (b'{"n": 0, ', 0),
        (b'{"n": 999999999999999, ', 999_999_999_999_999),
        (b'{"n": 1000000000000000, ', None),
        (b'{"n": , ', None),
        (b'{"n": x, ', None),
        (b'{"n": -1, ', None),
        (b' {"n": 1, ', None),
        (b'{"at": 1, ', None),
        (b"1, 2", None),
        (b"", None),
    ],
)
def test_a_line_claims_the_number_it_begins_with(line: bytes, number: int | None) -> None:
    assert number_of(line) == number
