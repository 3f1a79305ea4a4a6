import gzip
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from runlog_lines import START, line, put, put_packed, read

from genesis_ops.runlog import events, files
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.zone import in_utc, is_local, newest_offset_ms, offset_ms
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS

ZONES = (HOUR_MS, -5 * HOUR_MS, 5 * HOUR_MS + 30 * MINUTE_MS, 5 * HOUR_MS + 45 * MINUTE_MS, 14 * HOUR_MS, -12 * HOUR_MS)


def look(at_ms: int, ahead_ms: int) -> str:
    hour = at_ms // HOUR_MS * HOUR_MS
    event = events.CandleSelection("previous", hour - HOUR_MS, at_ms + 321, hour, hour + HOUR_MS)
    return line(at_ms + ahead_ms, event, "DEBUG")


def minutes(ahead: Callable[[int], int], first: int, last: int, blind: range = range(0)) -> list[str]:
    """Write a look and another line every minute; in some minutes the exchange does not answer."""
    texts = []
    for minute in range(first, last):
        at_ms = START + minute * MINUTE_MS
        texts += [] if minute in blind else [look(at_ms, ahead(at_ms))]
        texts.append(line(at_ms + ahead(at_ms), f"minute {minute}", "WARNING"))
    return texts


def misplaced(directory: Path) -> list[str]:
    """Name the lines that do not stand at the minute that they name."""
    lines, _ = read(directory)
    corrected = [*in_utc(lines)]
    assert sorted(one.index for one in corrected) == sorted(one.index for one in lines)
    found = [one for one in corrected if one.message.startswith("minute")]
    return [one.message for one in found if one.at_ms != START + int(one.message.split()[1]) * MINUTE_MS]


@pytest.mark.parametrize("ahead_ms", [0, *ZONES])
def test_a_look_tells_how_far_its_stamp_is_ahead(tmp_path: Path, ahead_ms: int) -> None:
    put(tmp_path, "20260301", [look(START, ahead_ms), line(START, "nothing")])
    first, second = read(tmp_path)[0]
    assert (offset_ms(first), offset_ms(second)) == (ahead_ms, None)


@pytest.mark.parametrize("difference_ms", [7 * MINUTE_MS, -7 * MINUTE_MS, 20_000])
def test_a_clock_that_is_wrong_by_minutes_is_no_zone(tmp_path: Path, difference_ms: int) -> None:
    put(tmp_path, "20260301", [look(START, difference_ms)])
    assert offset_ms(read(tmp_path)[0][0]) == 0
    assert not is_local(log_files(tmp_path))


def test_a_clock_that_is_wrong_by_a_day_is_no_zone(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [look(START, DAY_MS)])
    assert offset_ms(read(tmp_path)[0][0]) is None


@pytest.mark.parametrize("ahead_ms", ZONES)
@pytest.mark.parametrize("packed", [False, True])
def test_a_log_in_local_time_is_corrected(tmp_path: Path, ahead_ms: int, packed: bool) -> None:
    (put_packed if packed else put)(tmp_path, "20260301", "".join(minutes(lambda _: ahead_ms, 0, 90)))
    assert is_local(log_files(tmp_path))
    assert newest_offset_ms(log_files(tmp_path)) == ahead_ms
    assert misplaced(tmp_path) == []


def summer(at_ms: int) -> int:
    return (2 if at_ms >= START + HOUR_MS else 1) * HOUR_MS


def winter(at_ms: int) -> int:
    return (1 if at_ms >= START + HOUR_MS else 2) * HOUR_MS


@pytest.mark.parametrize("ahead", [summer, winter])
@pytest.mark.parametrize("blind", [range(0), range(50, 70), range(60, 80), range(40, 60), range(58, 62)])
def test_a_change_of_the_clocks_is_found_even_where_nobody_looks(
    tmp_path: Path, ahead: Callable[[int], int], blind: range
) -> None:
    put(tmp_path, "20260301", minutes(ahead, 0, 150, blind))
    assert misplaced(tmp_path) == []


def test_what_stands_above_the_first_look_is_of_its_zone(tmp_path: Path) -> None:
    put(tmp_path, "20260301", minutes(lambda _: HOUR_MS, 0, 30, range(5)))
    assert misplaced(tmp_path) == []


def test_what_stands_below_a_files_last_look_is_not_of_the_next_files_zone(tmp_path: Path) -> None:
    put(tmp_path, "20260301", minutes(lambda _: HOUR_MS, 0, 30, range(20, 30)))
    put(tmp_path, "20260302", minutes(lambda _: 0, 330, 360, range(330, 340)))
    assert misplaced(tmp_path) == []


def test_the_farthest_zone_is_fifteen_hours_from_utc(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [look(START, 15 * HOUR_MS), look(START, 15 * HOUR_MS + 15 * MINUTE_MS)])
    assert [offset_ms(one) for one in read(tmp_path)[0]] == [15 * HOUR_MS, None]


def test_a_log_that_ends_in_local_time_is_local(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [look(START, 0), look(START, 0), look(START, HOUR_MS)])
    assert is_local(log_files(tmp_path))
    put(tmp_path, "20260301", [look(START, HOUR_MS)])
    assert newest_offset_ms(log_files(tmp_path)) == HOUR_MS


def test_a_look_that_lies_in_two_blocks_of_a_packed_log_is_read(tmp_path: Path) -> None:
    noise = "".join(line(START, "x" * 200) for _ in range(20))
    first, last = look(START, HOUR_MS), look(START, 2 * HOUR_MS)
    for spare in range(0, len(last), 7):
        data = gzip.compress((first + noise + "x" * spare + "\n" + last).encode(), compresslevel=0)
        (tmp_path / "runner_20260301.log.gz").write_bytes(data)
        with patch.object(files, "_PACKED_BLOCK", len(last) + 20):
            assert newest_offset_ms(log_files(tmp_path)) == 2 * HOUR_MS
            assert is_local(log_files(tmp_path))


def test_a_restart_with_another_zone_is_found(tmp_path: Path) -> None:
    put(tmp_path, "20260301", minutes(summer, 0, 60) + minutes(lambda _: 0, 60, 100))
    assert misplaced(tmp_path) == []


def test_every_file_has_a_zone_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, "20260301", minutes(lambda _: HOUR_MS, 0, 30))
    put(tmp_path, "20260302", minutes(lambda _: 0, 30, 60))
    assert misplaced(tmp_path) == []
    assert newest_offset_ms(log_files(tmp_path)) == 0
    assert is_local(log_files(tmp_path))


def test_lines_without_a_look_are_left_as_they_are(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START, "one"), line(START + 1000, "two")])
    assert [one.at_ms for one in in_utc(read(tmp_path)[0])] == [START, START + 1000]
    assert not is_local(log_files(tmp_path))
    assert newest_offset_ms(log_files(tmp_path)) == 0


def test_a_file_that_cannot_be_read_tells_no_zone(tmp_path: Path) -> None:
    put(tmp_path, "20260301", minutes(lambda _: HOUR_MS, 0, 5))
    (tmp_path / "runner_20260302.log").mkdir()
    (tmp_path / "runner_20260303.log.gz").write_bytes(b"no gzip")
    assert newest_offset_ms(log_files(tmp_path)) == HOUR_MS
    assert is_local(log_files(tmp_path))


def test_the_zone_is_told_by_the_looks_at_a_file_s_ends(tmp_path: Path) -> None:
    noise = "".join(line(START + n * 1000, "x" * 200) for n in range(900))
    put(tmp_path, "20260301", look(START, HOUR_MS) + noise + look(START, 0))
    assert is_local(log_files(tmp_path))
    assert newest_offset_ms(log_files(tmp_path)) == 0
