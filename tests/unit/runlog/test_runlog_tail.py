import gzip
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runlog_lines import START, close, line, put, put_packed

from genesis_ops.runlog import files, reader, tail
from genesis_ops.runlog.events import (
    CandleClose,
    CandleMissed,
    Evaluation,
    EvaluationMissed,
    NoOrder,
    OrderSubmitted,
    RunnerStopped,
)
from genesis_ops.runlog.tail import Counts, LastWords, counts, last_words
from genesis_ops.words import DAY_MS, HOUR_MS, stamp

EVALUATION = line(START + 2000, Evaluation("NONE", "None", 0.5))
POLLS = line(START + 3000, "Candle 1 already processed. Skipping.", "DEBUG") * 50
NOTHING = LastWords(
    any_log=False,
    newest_ms=None,
    close=None,
    evaluated=False,
    missed=frozenset(),
    evaluations_missed=frozenset(),
    troubles=(),
)


def test_without_a_log_there_are_no_last_words(tmp_path: Path) -> None:
    assert last_words(tmp_path / "none") == last_words(tmp_path) == NOTHING


def test_a_log_without_a_close_is_still_a_log(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START, "Runner stopped.")])
    words = last_words(tmp_path)
    assert (words.any_log, words.newest_ms, words.close) == (True, START, None)


def test_the_newest_close_counts_and_what_follows_it(tmp_path: Path) -> None:
    missed = [line(START + HOUR_MS, CandleMissed(ts, "down")) for ts in (20, 30)]
    late = line(START + HOUR_MS, EvaluationMissed(10, "the API was down"))
    before = [close(START - 1000, 5), EVALUATION, line(START, CandleMissed(6, "down"))]
    put(tmp_path, "20260301", [*before, close(START, 10, 2.5), POLLS, *missed, late, POLLS])
    words = last_words(tmp_path)
    assert words.close == CandleClose(10, 2.5, "previous")
    assert (words.evaluated, words.missed, words.evaluations_missed) == (False, {20, 30}, {10})
    assert words.newest_ms == START + HOUR_MS


def test_an_evaluation_after_the_close_is_seen(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [close(START, 10), EVALUATION, POLLS])
    assert last_words(tmp_path).evaluated


def test_a_close_announced_again_has_to_be_evaluated_again(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [close(START, 10), EVALUATION, close(START + 60_000, 10)])
    assert not last_words(tmp_path).evaluated


def test_the_close_may_stand_in_an_older_file_and_its_evaluation_in_a_newer_one(tmp_path: Path) -> None:
    put_packed(tmp_path, "20260228", close(START - HOUR_MS, 5) + close(START, 10))
    put(tmp_path, "20260301", [POLLS])
    put(tmp_path, "20260302", [line(START + 5000, Evaluation("NONE", "None", 0.5)), POLLS])
    words = last_words(tmp_path)
    assert words.close == CandleClose(10, 65000.0, "previous")
    assert words.evaluated


def test_an_older_file_that_was_written_on_is_the_newest(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [close(START, 10), close(START + 100 * HOUR_MS, 20)])
    put(tmp_path, "20260303", [close(START + 50 * HOUR_MS, 15)])
    assert last_words(tmp_path).close == CandleClose(20, 65000.0, "previous")


WHOLE = close(START + HOUR_MS, 20, 71615.8)


@pytest.mark.parametrize("kept", range(1, len(WHOLE)))
@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_close_cut_off_anywhere_is_none_unless_all_its_figures_are_there(
    tmp_path: Path, kept: int, ending: str
) -> None:
    put(tmp_path, "20260301", [close(START, 10), EVALUATION, WHOLE[:kept], ending])
    words = last_words(tmp_path)
    complete = ending and WHOLE[:kept].endswith((", close=71615.80", ", source=previous"))
    assert words.close is not None
    assert words.close.ts == (20 if complete else 10)
    assert words.evaluated is not bool(complete)


def test_a_torn_close_that_the_next_start_wrote_on_is_none(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [close(START, 10), WHOLE[:-20], line(START + 2 * HOUR_MS, RunnerStopped())])
    words = last_words(tmp_path)
    assert words.close == CandleClose(10, 65000.0, "previous")
    assert words.newest_ms == START + 2 * HOUR_MS


def test_the_older_runner_s_close_counts(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START, "NEW CANDLE CLOSE: ts=10, close=71615.80")])
    assert last_words(tmp_path).close == CandleClose(10, 71615.8, None)


def test_the_phrase_in_another_line_s_text_is_no_close(tmp_path: Path) -> None:
    quoted = line(START + 5000, "FATAL: after NEW CANDLE CLOSE: ts=99, close=1.00, source=latest", "CRITICAL")
    put(tmp_path, "20260301", [close(START, 10), quoted, "NEW CANDLE CLOSE: ts=98, close=1.00, source=latest\n"])
    assert last_words(tmp_path).close == CandleClose(10, 65000.0, "previous")


def test_a_close_is_found_across_the_borders_of_what_is_read_at_once(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [close(START, 10), POLLS])
    for block in range(60, 240):
        with patch.object(files, "_BACK", block):
            assert last_words(tmp_path).close == CandleClose(10, 65000.0, "previous")


def test_only_the_end_of_a_large_log_is_read(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [POLLS * 1000, close(START + 4000, 10), POLLS])
    with patch.object(os, "read", wraps=os.read) as reads:
        assert last_words(tmp_path).close is not None
    assert reads.call_count < 100
    assert sum(call.args[1] for call in reads.call_args_list) < 5 << 20


def test_nothing_above_the_newest_close_is_read(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [POLLS * 1000, close(START + 4000, 10), POLLS])
    with patch.object(os, "read", wraps=os.read) as reads:
        assert last_words(tmp_path).close is not None
    assert sum(call.args[1] for call in reads.call_args_list) < 1_000_000


@pytest.mark.parametrize("packed", [False, True])
def test_no_file_older_than_the_newest_close_is_read(tmp_path: Path, packed: bool) -> None:
    (tmp_path / "runner_20260228.log.gz").write_bytes(b"damaged")
    (put_packed if packed else put)(tmp_path, "20260301", close(START, 10) + EVALUATION)
    words = last_words(tmp_path)
    assert words.close is not None
    assert words.troubles == ()


def test_what_was_missed_before_the_newest_close_is_forgotten_in_a_packed_log_too(tmp_path: Path) -> None:
    missed = line(START, CandleMissed(6, "down")) + line(START, EvaluationMissed(5, "down"))
    put_packed(tmp_path, "20260301", close(START - 1000, 5) + missed + close(START, 10))
    words = last_words(tmp_path)
    assert (words.missed, words.evaluations_missed) == (frozenset(), frozenset())


@pytest.mark.parametrize("source", ["previous", "latest", "prev", "lat", "x"])
def test_a_close_is_whole_if_its_source_is(source: str) -> None:
    made = CandleClose(10, 2.5, source)
    assert tail.is_whole(made, made.message()) is (source in {"previous", "latest"})
    assert tail.is_torn(made) is (source in {"prev", "lat"})


def test_a_packed_log_that_the_next_days_follows_reaches_to_the_end_of_its_day(tmp_path: Path) -> None:
    packed = put_packed(tmp_path, "20261231", close(START, 10))
    put(tmp_path, "20270101", [close(START, 10)])
    assert stamp(tail.end_ms(files.LogFile(packed, "20261231"))) == "2027-01-01 00:00:00"
    plain = put(tmp_path, "20260301", [close(START, 10)])
    assert tail.end_ms(files.LogFile(plain, "20260301")) == START


def test_another_packed_log_reaches_to_its_last_line_however_many_days_it_holds(tmp_path: Path) -> None:
    packed = put_packed(tmp_path, "20260301", close(START, 10) + close(START + 3 * DAY_MS, 11))
    assert tail.end_ms(files.LogFile(packed, "20260301")) == START + 3 * DAY_MS
    put_packed(tmp_path, "20260301", close(START, 10))
    assert tail.end_ms(files.LogFile(packed, "20260301")) == START
    packed.write_bytes(b"no gzip")
    assert stamp(tail.end_ms(files.LogFile(packed, "20260301"))) == "2026-03-02 00:00:00"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "runner_20260302.log").mkdir()
    packed = put_packed(tmp_path, "20260301", close(START, 10))
    packed.write_bytes(packed.read_bytes()[:-4])
    words = last_words(tmp_path)
    assert words.close == CandleClose(10, 65000.0, "previous")
    assert words.troubles == (
        "runner_20260301.log.gz: ends before its end mark",
        "runner_20260302.log: is a directory",
    )


def test_evaluations_and_orders_are_counted_over_all_files(tmp_path: Path) -> None:
    order = line(START, OrderSubmitted("{}"))
    put_packed(tmp_path, "20260228", EVALUATION + order + EVALUATION)
    put(tmp_path, "20260301", [POLLS, EVALUATION, line(START, NoOrder()), order[:-4]])
    assert counts(tmp_path) == Counts(3, 1, ())


LINES = st.sampled_from(
    [close(START, 10), WHOLE, EVALUATION, POLLS, WHOLE[:-5], "\0", "\n", "x NEW CANDLE CLOSE: ts=1\n"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=12), st.integers(100, 400), st.booleans())
def test_reading_from_the_end_finds_what_reading_from_the_beginning_finds(
    lines: list[str], block: int, packed: bool
) -> None:
    data = "".join(lines).encode()
    with TemporaryDirectory() as name, patch.object(files, "_BACK", block), patch.object(files, "_PROBE", 300):
        put(Path(name), "20260301", data)
        backward = last_words(Path(name))
        if packed:
            (Path(name) / "runner_20260301.log").unlink()
            (Path(name) / "runner_20260301.log.gz").write_bytes(gzip.compress(data))
            unpacked = last_words(Path(name))
            assert (unpacked.close, unpacked.evaluated) == (backward.close, backward.evaluated)
        forward = None
        for made in reader.LogReader(tail.log_files(Path(name))):
            if isinstance(made.event, CandleClose) and tail.is_whole(made.event, made.message):
                forward = made.event
        assert backward.close == forward
