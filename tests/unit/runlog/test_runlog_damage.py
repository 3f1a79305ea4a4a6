import gzip
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runlog_lines import START, accounted, close, line, put, put_packed, read

from genesis_ops.runlog import files
from genesis_ops.runlog.events import CandleClose, Unknown
from genesis_ops.runlog.files import LogFile, log_files
from genesis_ops.runlog.reader import LONGEST, ROUTINE, LogReader
from genesis_ops.runlog.tail import counts, last_words
from genesis_ops.words import stamp

PIECES = st.sampled_from(
    [
        close(START, 1).encode(),
        line(START + 5000, "Candle 1 already processed. Skipping.", "DEBUG").encode(),
        line(START, "FATAL: x", "CRITICAL").encode(),
        b"Traceback (most recent call last):\n",
        b"2026-13-45 00:00:00 - paper_trading_runner - INFO - x\n",
        b"NEW CANDLE CLOSE: ts=",
        b"\0\0",
        b"\r\n",
        b"\n",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ]
)
BYTES = st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=30).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(BYTES, st.booleans(), st.integers(0, 40))
def test_whatever_bytes_a_file_holds_every_line_is_accounted_for(data: bytes, packed: bool, cut: int) -> None:
    physical = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    with TemporaryDirectory() as name, patch.object(files, "_PROBE", 300):
        path = (put_packed if packed else put)(Path(name), "20260301", data)
        for without in ((), ROUTINE):
            whole = LogReader(log_files(Path(name)), without=without)
            assert accounted(whole, len([m.event for m in whole]))
            assert whole.notes.lines == physical
        last_words(Path(name))
        path.write_bytes(path.read_bytes()[cut:])
        assert list(LogReader(log_files(Path(name)), START, START)) is not None
        last_words(Path(name))
        counts(Path(name))


def test_a_torn_last_line_says_nothing_and_is_noted(tmp_path: Path) -> None:
    put(tmp_path, "20260301", close(START, 1) + close(START, 2).removesuffix("\n"))
    made, whole = read(tmp_path)
    assert [type(m.event) for m in made] == [CandleClose, Unknown]
    assert (whole.notes.torn, whole.notes.not_understood) == (1, 0)


def test_a_line_that_begins_in_the_middle_of_a_torn_one_is_read(tmp_path: Path) -> None:
    put(tmp_path, "20260301", close(START, 1)[:-12] + close(START + 1000, 2) + close(START + 2000, 3))
    made, whole = read(tmp_path)
    assert [type(m.event) for m in made] == [Unknown, CandleClose, CandleClose]
    assert [m.number for m in made] == [1, 1, 2]
    assert (whole.notes.torn, whole.notes.joined, whole.notes.lines) == (1, 1, 2)


def test_a_torn_line_and_a_hole_of_zeros_do_not_hide_the_next_start(tmp_path: Path) -> None:
    put(tmp_path, "20260301", (close(START, 1)[:-12] + "\0" * 3_000_000 + close(START + 1000, 2)).encode())
    made, whole = read(tmp_path)
    assert [type(m.event) for m in made] == [Unknown, CandleClose]
    assert whole.notes.nul >= 1


def test_zeros_before_a_stamp_are_skipped_and_noted(tmp_path: Path) -> None:
    put(tmp_path, "20260301", b"\0" * 5000 + close(START, 1).encode())
    (made,), whole = read(tmp_path)
    assert made.text.startswith(stamp(START))
    assert whole.notes.nul == 1


def test_a_byte_order_mark_hides_no_line(tmp_path: Path) -> None:
    put(tmp_path, "20260301", b"\xef\xbb\xbf" + close(START, 1).encode())
    assert len(read(tmp_path)[0]) == 1


def test_windows_line_ends_are_no_part_of_a_line(tmp_path: Path) -> None:
    put(tmp_path, "20260301", (close(START, 1) + line(START, "Runner stopped.")).replace("\n", "\r\n"))
    made, whole = read(tmp_path)
    assert [m.message for m in made][1] == "Runner stopped."
    assert whole.notes.not_understood == 0


def test_what_is_not_utf_8_is_shown_as_escapes(tmp_path: Path) -> None:
    put(tmp_path, "20260301", line(START, "FATAL: x").encode().replace(b"x", b"caf\xe9"))
    (made,), whole = read(tmp_path)
    assert made.message == r"FATAL: caf\xe9"
    assert whole.notes.invalid_utf8 == 1


def test_a_line_of_megabytes_is_cut_and_the_next_one_read(tmp_path: Path) -> None:
    put(tmp_path, "20260301", line(START, "FATAL: " + "x" * 5_000_000) + close(START, 1))
    (first, second), whole = read(tmp_path)
    assert len(first.text) == LONGEST
    assert (second.number, whole.notes.over_long) == (2, 1)


def test_a_date_that_does_not_exist_is_not_understood_even_under_an_error(tmp_path: Path) -> None:
    wrong = "2026-13-45 00:00:00 - paper_trading_runner - DEBUG - Candle 1 already processed. Skipping.\n"
    put(tmp_path, "20260301", line(START, "FATAL: x", "ERROR") + wrong * 3)
    for without in ((), ROUTINE):
        whole = LogReader(log_files(tmp_path), without=without)
        assert [m.traceback for m in whole] == [0]
        assert (whole.notes.not_understood, whole.notes.unstamped) == (3, 3)


def test_a_traceback_belongs_to_the_line_above_it(tmp_path: Path) -> None:
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1\n\nValueError: x\n'
    put(tmp_path, "20260301", line(START, "FATAL: x", "CRITICAL") + trace + close(START, 1) + trace)
    made, whole = read(tmp_path)
    assert [m.traceback for m in made] == [4, 4]
    assert (whole.notes.continuation, whole.notes.not_understood) == (8, 0)


def test_the_second_line_of_an_error_s_text_belongs_to_it(tmp_path: Path) -> None:
    put(tmp_path, "20260301", line(START, "HTTP error fetching candles: 429\nFor more information: x", "ERROR"))
    (made,), whole = read(tmp_path)
    assert (made.traceback, whole.notes.not_understood) == (1, 0)


def test_a_line_without_a_prefix_under_good_news_is_not_understood(tmp_path: Path) -> None:
    put(tmp_path, "20260301", close(START, 1) + "rubbish\n" * 9)
    made, whole = read(tmp_path)
    assert len(made) == 1
    assert whole.notes.not_understood == 9
    assert [(e.number, e.text) for e in whole.notes.examples] == [(n, "rubbish") for n in range(2, 7)]


def test_a_message_that_no_type_reads_is_given_and_counted(tmp_path: Path) -> None:
    put(tmp_path, "20260301", line(START, "who knows"))
    (made,), whole = read(tmp_path)
    assert made.event == Unknown("who knows")
    assert whole.notes.not_understood == 1


def test_a_cut_gzip_gives_what_was_readable(tmp_path: Path) -> None:
    text = "".join(close(START + n * 1000, n) for n in range(5000))
    packed = put_packed(tmp_path, "20260301", text)
    packed.write_bytes(packed.read_bytes()[:-2000])
    made, whole = read(tmp_path)
    assert 1000 < len(made) < 5000
    assert whole.notes.damaged == ["runner_20260301.log.gz: ends before its end mark"]


def test_a_gzip_damaged_in_its_middle_gives_what_stands_before_to_the_byte(tmp_path: Path) -> None:
    first, second = (gzip.compress(close(START, n).encode()) for n in (1, 2))
    (tmp_path / "runner_20260301.log.gz").write_bytes(first + b"junk" + second)
    made, whole = read(tmp_path)
    assert len(made) == 1
    assert len(whole.notes.damaged) == 1


def test_a_gzip_of_several_members_and_padding_is_read_whole(tmp_path: Path) -> None:
    members = [gzip.compress(close(START, n).encode()) for n in (1, 2)]
    (tmp_path / "runner_20260301.log.gz").write_bytes(b"".join(members) + b"\0" * 512)
    for at_once in (*range(1, 300), 1 << 14):
        with patch.object(files, "_PACKED_BLOCK", at_once):
            made, whole = read(tmp_path)
        assert len(made) == 2
        assert whole.notes.damaged == []


def test_a_wrong_checksum_is_noted_and_the_lines_are_given(tmp_path: Path) -> None:
    packed = put_packed(tmp_path, "20260301", close(START, 1))
    data = packed.read_bytes()
    packed.write_bytes(data[:-8] + b"\1\2\3\4" + data[-4:])
    made, whole = read(tmp_path)
    assert len(made) == 1
    assert len(whole.notes.damaged) == 1


def test_a_directory_with_a_log_s_name_is_unreadable_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "runner_20260228.log").mkdir()
    put(tmp_path, "20260301", close(START, 1))
    made, whole = read(tmp_path)
    assert len(made) == 1
    assert whole.notes.unreadable == ["runner_20260228.log: is a directory"]


def test_a_pipe_with_a_log_s_name_does_not_hang_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "runner_20260301.log")
    assert read(tmp_path)[1].notes.unreadable == ["runner_20260301.log: is not a regular file"]


def test_a_link_to_nowhere_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "runner_20260301.log").symlink_to(tmp_path / "none")
    assert len(read(tmp_path)[1].notes.unreadable) == 1


def test_a_log_that_was_compressed_since_it_was_listed_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, "20260301", close(START, 1) + close(START + 9000, 2))
    listed = log_files(tmp_path)
    put_packed(tmp_path, "20260301", path.read_text())
    path.unlink()
    assert [m.number for m in LogReader(listed, START + 9000)] == [2]


def test_a_log_that_vanished_since_it_was_listed_is_noted(tmp_path: Path) -> None:
    reader_ = LogReader([LogFile(tmp_path / "runner_20260301.log", "20260301")])
    assert list(reader_) == []
    assert len(reader_.notes.unreadable) == 1


def test_a_log_that_became_shorter_while_it_was_read_is_noted(tmp_path: Path) -> None:
    path = put(tmp_path, "20260301", close(START, 1) * 100_000)
    whole = LogReader(log_files(tmp_path))
    lines = iter(whole)
    next(lines)
    os.truncate(path, 10)
    assert 0 < len(list(lines)) < 100_000
    assert whole.notes.damaged == ["runner_20260301.log: became shorter while it was read"]


def test_a_disk_that_refuses_to_read_is_noted(tmp_path: Path) -> None:
    put(tmp_path, "20260301", close(START, 1))
    with patch.object(files.os, "read", side_effect=OSError(5, "Input/output error")):
        made, whole = read(tmp_path)
    assert made == []
    assert whole.notes.unreadable == ["runner_20260301.log: Input/output error"]


@pytest.mark.parametrize("gone", [True, False])
def test_a_number_that_can_no_longer_be_told_is_zero(tmp_path: Path, gone: bool) -> None:
    path = put(tmp_path, "20260301", [close(START + n * 1000 * 60, n) for n in range(1000)])
    with patch.object(files, "_PROBE", 256):
        made, _ = read(tmp_path, START + 900 * 60_000)
    if gone:
        path.unlink()
    assert made[0].number == (0 if gone else 901)
