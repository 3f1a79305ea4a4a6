import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.runlog.events import (
    LEVELS,
    CandleClose,
    CandleSelection,
    EvaluationFailed,
    Event,
    Fatal,
    FeedDead,
    Unknown,
    event_types,
    grep_phrases,
    read_message,
)

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(
    lambda text: not any(phrase in text for phrase in grep_phrases())  # those are broken on purpose
)
WORD = st.text(st.sampled_from("abcXYZ019-_./:+"), min_size=1)
NUMBER = st.integers(0, 10**15)
AGE = st.one_of(st.integers(0, 10**6).map(lambda seconds: f"{seconds}s"), st.just("never"))
DOCUMENT = st.dictionaries(TEXT, TEXT | NUMBER).map(json.dumps)

BY_FIELD: dict[str, st.SearchStrategy[Any]] = {
    "version": WORD,
    "symbol": WORD,
    "timeframe": WORD,
    "mode": st.sampled_from(["DRY-RUN (no orders)", "LIVE PAPER TRADING"]),
    "order": st.text(st.sampled_from("0123456789-"), min_size=1),
    "former": st.sampled_from(["dry-run", "live-paper"]),
    "latter": st.sampled_from(["dry-run", "live-paper"]),
    "progress": st.sampled_from(["announced", "evaluated"]),
    "source": st.sampled_from(["previous", "latest"]),
    "action": st.sampled_from(["NONE", "LONG", "SHORT", "BUY", "SELL"]),
    "signal": st.one_of(st.just("None"), st.integers(-9, 9).map(str), st.decimals(-1, 1, places=3).map("{:f}".format)),
    "last_candle_ts": st.one_of(st.just("None"), NUMBER.map(str)),
    "confidence": st.decimals(0, 1, places=3).map(float),
    "offset_ms": st.integers(-(10**12), 10**12),
    "age": st.sampled_from(["41s", "12m", "1h 20m", "15d 2h"]),
    "feed_age": AGE,
    "evaluation_age": AGE,
    "state_age": AGE,
    "contract": DOCUMENT,
    "context": DOCUMENT,
}
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: NUMBER,
    int | None: NUMBER,
    float: st.decimals(0, 10**7, places=2).map(float),
    str: TEXT,
}


def events() -> st.SearchStrategy[Event]:
    def of(event_type: type[Event]) -> st.SearchStrategy[Event]:
        kinds = event_type.__annotations__.items()
        return st.builds(event_type, *(BY_FIELD.get(name, BY_TYPE.get(kind, TEXT)) for name, kind in kinds))

    return st.one_of([of(t) for t in event_types() if t.__name__ != "Rule"])


@given(events())
def test_what_is_written_is_read_back_as_the_same_event(event: Event) -> None:
    assert read_message(event.message()) == event


@given(events())
def test_a_written_message_is_read_by_one_type_only(event: Event) -> None:
    assert [t for t in event_types() if t.read(event.message()) is not None] == [type(event)]


@given(st.text())
def test_any_text_is_read_as_some_event(text: str) -> None:
    assert isinstance(read_message(text), Event)


@given(st.sampled_from(event_types()), st.text())
def test_a_known_beginning_with_any_end_is_read_as_some_event(event_type: type[Event], end: str) -> None:
    assert isinstance(read_message(event_type.phrase.partition("{")[0] + end), Event)


def test_a_number_too_long_to_be_one_is_not_understood() -> None:
    assert type(read_message(f"NEW CANDLE CLOSE: ts={'9' * 5000}, close=1.00")) is Unknown


@pytest.mark.parametrize("message", ["FATAL", "FATAL: x", "FATAL x", "FATAL_ERROR: x", "FATALITY"])
def test_a_message_that_begins_with_fatal_is_fatal(message: str) -> None:
    assert type(read_message(message)) is Fatal


def test_a_cause_with_a_colon_does_not_become_part_of_the_age() -> None:
    event = FeedDead("41s", "ConnectError: refused: no route")
    assert read_message(event.message()) == event


def test_the_older_close_has_no_source() -> None:
    assert read_message("NEW CANDLE CLOSE: ts=1, close=2.50") == CandleClose(1, 2.5, None)


def test_the_older_failure_names_no_candle() -> None:
    assert read_message("Evaluation failed, will retry") == EvaluationFailed(None)


def test_every_type_has_a_level_and_a_sentence() -> None:
    for event_type in event_types():
        assert event_type.level in LEVELS
        assert event_type.__doc__ is not None
        assert event_type.__doc__.endswith(".")


def test_the_most_frequent_type_is_tried_first() -> None:
    assert event_types()[0] is CandleSelection


def test_an_event_is_the_same_whether_it_was_made_by_place_by_name_or_read() -> None:
    by_place, by_name = CandleClose(5, 2.5, "latest"), CandleClose(source="latest", ts=5, close=2.5)
    read = CandleClose.read(by_place.message())
    assert by_place == by_name == read
    assert by_place.message() == by_name.message()


def test_an_event_with_a_field_too_few_or_too_many_is_refused() -> None:
    for values in ((5, 2.5), (5, 2.5, "latest", 1)):
        with pytest.raises(TypeError):
            CandleClose(*values)  # type: ignore[call-arg, arg-type]
