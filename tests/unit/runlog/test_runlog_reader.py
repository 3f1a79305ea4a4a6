import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runlog_lines import START, accounted, close, line, put, put_packed, read

from genesis_ops.runlog import files
from genesis_ops.runlog.events import CandleClose, CandleSelection, Heartbeat, RunnerStarted
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.reader import ROUTINE, LogReader
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, stamp

MESSAGES = (
    "Candle selection: source=previous, ts=1, now_ms=2, latest_ts=3, latest_close_ms=4",
    "Candle 1772348400000 already processed. Skipping.",
    "Heartbeat: evaluations=3, orders=0, last_candle_ts=1772348400000",
    "State saved: logs/state.json",
    "NEW CANDLE CLOSE: ts=1772348400000, close=65000.00, source=previous",
    "who knows",
)
STAMPED = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) - \S+ - [A-Z]+ - .*")


@st.composite
def logs(draw: st.DrawFn) -> list[tuple[bool, str]]:
    """Files of lines in time order but for clock steps within half an hour, some of them compressed."""
    at_ms = START
    written = []
    for _ in range(draw(st.integers(1, 3))):
        text = ""
        for step, jitter, message in draw(
            st.lists(st.tuples(st.integers(0, 1200), st.integers(-1700, 0), st.sampled_from(MESSAGES)), max_size=60)
        ):
            at_ms += step * 1000
            text += line(at_ms + jitter * 1000, message, "DEBUG")
        written.append((draw(st.booleans()), text))
    return written


def naively(directory: Path, start_ms: int, end_ms: int) -> Iterator[tuple[str, int, str]]:
    for file in log_files(directory):
        blocks = files.unpacked_blocks if file.packed else lambda fd: iter([Path(f"/proc/self/fd/{fd}").read_bytes()])
        with file.path.open("rb") as opened:
            text = b"".join(blocks(opened.fileno())).decode()
        for number, found in enumerate(text.split("\n"), 1):
            if match := STAMPED.fullmatch(found):
                at_ms = int(datetime.fromisoformat(f"{match[1]}+00:00").astimezone(UTC).timestamp()) * 1000
                if start_ms <= at_ms <= end_ms:
                    yield file.path.name, number, found


@settings(max_examples=150, deadline=None)
@given(logs(), st.integers(-60, 40 * 60), st.integers(0, 30 * 60), st.sampled_from([150, 1000, 1 << 20]))
def test_a_window_gives_the_lines_and_numbers_that_a_scan_of_everything_gives(
    written: list[tuple[bool, str]], start_minute: int, minutes: int, block: int
) -> None:
    start_ms = START + start_minute * MINUTE_MS
    end_ms = start_ms + minutes * MINUTE_MS
    with TemporaryDirectory() as name, patch.object(files, "_PROBE", 256), patch.object(files, "BLOCK", block):
        directory = Path(name)
        for day, (packed, text) in enumerate(written, 20260301):
            (put_packed if packed else put)(directory, str(day), text)
        expected = list(naively(directory, start_ms, end_ms))
        made, whole = read(directory, start_ms, end_ms)
        assert [(m.file.path.name, m.number, m.text) for m in made] == expected
        rest = LogReader(log_files(directory), start_ms, end_ms, without=ROUTINE)
        some = [(m.file.path.name, m.number, m.text) for m in rest]
        assert some == [found for found in expected if found[2].split(" - ", 3)[3] in MESSAGES[4:]]
        assert rest.notes.lines == whole.notes.lines
        assert accounted(whole, len(made))
        assert accounted(rest, len(some))


def test_a_line_tells_its_parts(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START, "Paper Trading Runner Started", "WARNING")])
    (made,), _ = read(tmp_path)
    assert (made.at_ms, made.level, made.message) == (START, "WARNING", "Paper Trading Runner Started")
    assert made.event == RunnerStarted()
    assert made.text == f"{stamp(START)} - paper_trading_runner - WARNING - Paper Trading Runner Started"


def test_both_ends_belong_to_the_window(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START + second * 1000, str(second)) for second in range(10)])
    made, _ = read(tmp_path, START + 3000, START + 5000)
    assert [m.message for m in made] == ["3", "4", "5"]


def test_a_file_holds_days_that_its_name_does_not_say(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [close(START + day * DAY_MS, day) for day in range(40)])
    made, _ = read(tmp_path, START + 30 * DAY_MS, START + 31 * DAY_MS)
    assert [m.event for m in made] == [CandleClose(30, 65000.0, "previous"), CandleClose(31, 65000.0, "previous")]


def test_a_window_in_three_files_is_read_from_all_of_them(tmp_path: Path) -> None:
    put_packed(tmp_path, "20260301", close(START, 1))
    put(tmp_path, "20260302", [close(START + DAY_MS // 2, 2)])
    put(tmp_path, "20260303", [close(START + DAY_MS, 3)])
    assert len(read(tmp_path, START, START + DAY_MS)[0]) == 3


def test_a_clock_that_was_set_back_an_hour_hides_no_line(tmp_path: Path) -> None:
    summer = [line(START + minute * MINUTE_MS, f"a{minute}") for minute in range(600)]
    winter = [line(START + minute * MINUTE_MS, f"b{minute}") for minute in range(540, 1200)]
    put(tmp_path, "20260301", summer + winter)
    with patch.object(files, "_PROBE", 256):
        made, _ = read(tmp_path, START + 590 * MINUTE_MS, START + 595 * MINUTE_MS)
    assert [m.message for m in made] == [f"{run}{minute}" for run in "ab" for minute in range(590, 596)]


def test_one_line_from_a_far_future_does_not_end_the_reading(tmp_path: Path) -> None:
    lines = [line(START + minute * MINUTE_MS, str(minute)) for minute in range(1000)]
    lines[501] = line(START + 4000 * DAY_MS, "a clock gone wild")
    put(tmp_path, "20260301", lines)
    assert len(read(tmp_path, START, START + DAY_MS)[0]) == 999


def test_a_far_off_window_of_a_large_file_costs_a_few_small_reads(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START + second * 1000, "x" * 100) for second in range(20_000)])
    for start_ms in (START - 30 * DAY_MS, START + 30 * DAY_MS):
        with patch.object(files.os, "read", wraps=files.os.read) as reads:
            assert read(tmp_path, start_ms, start_ms + DAY_MS)[0] == []
        assert sum(call.args[1] for call in reads.call_args_list) < 300_000
        assert reads.call_count < 40


def test_routine_lines_are_counted_when_they_are_left_out(tmp_path: Path) -> None:
    poll = line(START, MESSAGES[0], "DEBUG") + line(START, MESSAGES[1], "DEBUG")
    put(tmp_path, "20260301", [poll * 50, line(START + HOUR_MS, MESSAGES[2]), poll, close(START + HOUR_MS, 1)])
    kept = LogReader(log_files(tmp_path), without=(CandleSelection,))
    assert len(list(kept)) == 53
    assert (kept.notes.left_out, kept.notes.lines) == (51, 104)
    without = LogReader(log_files(tmp_path), without=ROUTINE)
    assert [(m.number, type(m.event)) for m in without] == [(104, CandleClose)]
    assert Heartbeat in ROUTINE


def test_lines_that_are_left_out_still_tell_how_far_the_log_reaches(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START + minute * MINUTE_MS, MESSAGES[1], "DEBUG") for minute in range(300)])
    rest = LogReader(log_files(tmp_path), START + 70_000, START + 250 * MINUTE_MS + 1, without=ROUTINE)
    assert list(rest) == []
    assert (rest.notes.first_ms, rest.notes.last_ms) == (START + 2 * MINUTE_MS, START + 250 * MINUTE_MS)
    assert rest.notes.lines == rest.notes.left_out == 249


def test_a_routine_message_at_a_serious_level_is_not_left_out(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START, MESSAGES[1], "CRITICAL")])
    assert len(list(LogReader(log_files(tmp_path), without=ROUTINE))) == 1


def test_a_reader_can_be_read_twice(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [close(START, 1)])
    reader_ = LogReader(log_files(tmp_path))
    assert [m.text for m in reader_] == [m.text for m in reader_]
    assert reader_.notes.lines == 1


@pytest.mark.parametrize("name", ["paper_trading_runner", "root", "scripts.paper_trading_runner"])
def test_any_logger_s_name_is_accepted(tmp_path: Path, name: str) -> None:
    put(tmp_path, "20260301", [close(START, 1).replace("paper_trading_runner", name)])
    assert len(read(tmp_path)[0]) == 1
