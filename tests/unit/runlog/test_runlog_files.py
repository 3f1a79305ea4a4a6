import errno
import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from runlog_lines import START, line, put, put_packed, read

from genesis_ops.runlog import files
from genesis_ops.runlog.files import LONGEST, LogFile, Region, log_files, whole_lines

NOT_RUNNER_LOGS = [
    "runner_service.log",
    "runner_evaluations_20260301.log",
    "runner_orders_20260301.log",
    "runner_errors_20260301.log.gz",
    "runner_20260230.log",
    "runner_20261301.log",
    "runner_00000101.log",
    "runner_2026031.log",
    "runner_20260301.log.1",
    "runner_20260301.log.gz.part",
    "xrunner_20260301.log",
    "RUNNER_20260301.LOG",
    "runner_٢٠٢٦٠٣٠١.log",
    "runner_20260301.log\n",
]


def names(log_dir: Path) -> list[str]:
    return [file.path.name for file in log_files(log_dir)]


@pytest.mark.parametrize("name", NOT_RUNNER_LOGS)
def test_a_careless_glob_s_match_is_no_runner_log(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    assert names(tmp_path) == []


def test_files_come_in_the_order_of_their_days(tmp_path: Path) -> None:
    for day in ("20260301", "20251231", "20260228"):
        put(tmp_path, day, "")
    put_packed(tmp_path, "20260201", "")
    assert names(tmp_path) == [
        "runner_20251231.log",
        "runner_20260201.log.gz",
        "runner_20260228.log",
        "runner_20260301.log",
    ]


def test_a_directory_that_is_not_there_has_no_logs(tmp_path: Path) -> None:
    assert log_files(tmp_path / "none") == ()


def test_a_directory_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        log_files(put(tmp_path, "20260301", ""))


def test_a_log_that_is_being_compressed_is_read_once(tmp_path: Path) -> None:
    text = line(START, "first") + line(START + 1000, "second")
    put(tmp_path, "20260301", text)
    put_packed(tmp_path, "20260301", text)
    assert names(tmp_path) == ["runner_20260301.log"]


@pytest.mark.parametrize("kept", [30, 60])
def test_a_compressed_log_that_is_only_begun_is_left_out_too(tmp_path: Path, kept: int) -> None:
    text = os.urandom(60_000).hex() + "\n"
    put(tmp_path, "20260301", text)
    packed = put_packed(tmp_path, "20260301", text)
    packed.write_bytes(packed.read_bytes()[: kept * 100])
    assert names(tmp_path) == ["runner_20260301.log"]


def test_a_compressed_log_with_other_content_is_read_before_the_plain_one(tmp_path: Path) -> None:
    put(tmp_path, "20260301", line(START + 5000, "later"))
    put_packed(tmp_path, "20260301", line(START, "earlier"))
    assert names(tmp_path) == ["runner_20260301.log.gz", "runner_20260301.log"]
    assert [made.message for made in read(tmp_path)[0]] == ["earlier", "later"]


@pytest.mark.parametrize("content", [b"", b"not a gzip", b"\0" * 100])
def test_a_compressed_log_that_shows_nothing_is_not_taken_for_the_plain_one(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "20260301", line(START, "x"))
    (tmp_path / "runner_20260301.log.gz").write_bytes(content)
    made, reader = read(tmp_path)
    assert len(made) == 1
    assert len(reader.notes.damaged) == 1


def test_lines_before_a_byte_are_counted_in_plain_and_compressed_files_alike(tmp_path: Path) -> None:
    text = "".join(f"{n}\n" for n in range(1000))
    plain = LogFile(put(tmp_path, "20260301", text), "20260301")
    packed = LogFile(put_packed(tmp_path, "20260302", text), "20260302")
    for offset in (0, 1, 2, 1234, len(text)):
        assert Region(plain, offset).lines_before == Region(packed, offset).lines_before == text[:offset].count("\n")


def test_lines_that_are_no_longer_there_are_not_counted(tmp_path: Path) -> None:
    path = put(tmp_path, "20260301", "a\nb\n")
    assert Region(LogFile(path, "20260301"), 10).lines_before is None
    path.unlink()
    assert Region(LogFile(path, "20260301"), 2).lines_before is None


def test_lines_of_a_log_that_was_compressed_meanwhile_are_still_counted(tmp_path: Path) -> None:
    path = put(tmp_path, "20260301", "a\nb\n")
    Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert Region(LogFile(path, "20260301"), 4).lines_before == 2


@contextmanager
def descriptor(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def last_stamp(directory: Path, text: str) -> int | None:
    with descriptor(put(directory, "20260301", text)) as fd:
        return files.last_stamp_ms(fd)


def edges(*texts: str) -> tuple[int, int] | None:
    return files.edges_ms("".join(texts).encode())


def test_a_file_is_closed_after_it_was_opened_for_a_while(tmp_path: Path) -> None:
    with files.opened(LogFile(put(tmp_path, "20260301", "x"), "20260301")) as fd:
        assert files.read_at(fd, 1, 0) == b"x"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_packed_file_that_went_away_did_not_become_another(tmp_path: Path) -> None:
    (tmp_path / "runner_20260301.log.gz.gz").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        files.open_log(LogFile(tmp_path / "runner_20260301.log.gz", "20260301"))


def test_sixty_four_kibibytes_of_a_line_are_kept() -> None:
    assert LONGEST == 65_536


@pytest.mark.parametrize(
    ("blocks", "lines"),
    [
        ([b"a\nb", b"c\n", b"d"], [b"a\n", b"bc\n", b"d"]),
        ([b"a\n"], [b"a\n"]),
        ([], []),
        ([b"\0" * LONGEST, b"\n"], [b"\0" * LONGEST + b"\n"]),
        ([b"\0" * (LONGEST + 1), b"z\n"], [b"\0z\n"]),
        ([b"x" * (LONGEST + 2), b"y\n"], [b"x" * (LONGEST + 1) + b"y\n"]),
        ([b"x" * (LONGEST + 2)], [b"x" * (LONGEST + 1)]),
    ],
)
def test_blocks_are_cut_at_line_ends_and_endless_lines_are_cut_short(blocks: list[bytes], lines: list[bytes]) -> None:
    assert list(whole_lines(iter(blocks))) == lines


def test_the_last_stamp_of_a_file_is_found_within_its_last_lines(tmp_path: Path) -> None:
    one, two = line(START, "one"), line(START + 5000, "two")
    assert last_stamp(tmp_path, one) == START
    assert last_stamp(tmp_path, one * 2000 + two) == START + 5000
    assert last_stamp(tmp_path, two + one + "x" * 100 + "\n") == START
    assert last_stamp(tmp_path, one + "x" * 10_000) == START
    assert last_stamp(tmp_path, one * 9 + two + "x" * 60_000) == START + 5000
    assert last_stamp(tmp_path, one + "x" * LONGEST) is None
    assert last_stamp(tmp_path, one + two.replace("-03-01", "-13-01")) == START
    assert last_stamp(tmp_path, "x\n") is None
    assert last_stamp(tmp_path, "") is None


def test_the_newest_stamp_is_not_the_last_where_a_clock_was_set_back(tmp_path: Path) -> None:
    one, two = line(START, "one"), line(START + 5000, "two")
    for text, newest_ms in ((two + one, START + 5000), (two + "x" * LONGEST + "\n" + one, START), ("", None)):
        with descriptor(put(tmp_path, "20260301", text)) as fd:
            assert files.newest_stamp_ms(fd) == newest_ms


def test_the_edges_of_some_lines_are_the_times_of_the_first_and_the_last() -> None:
    one, two, three = (line(START + n * 1000, "x") for n in range(3))
    assert edges(one, two, three) == (START, START + 2000)
    assert edges(one, two, three.rstrip("\n")) == (START, START + 2000)
    assert edges(three, two, one) == (START, START + 2000)
    assert edges(one) == (START, START)
    for texts in ((one, two, "x\n"), ("x\n", two, three), (one, "\n"), ("x",), (one, three.replace("-03", "-13"))):
        assert edges(*texts) is None


@pytest.mark.parametrize("probe", [300, 700])
@pytest.mark.parametrize("every", [1, 7])
def test_a_time_is_searched_to_within_a_few_lines(tmp_path: Path, probe: int, every: int) -> None:
    texts = [line(START + n * 1000, "x" * (n % 90)) if n % every == 0 else "x" * (n % 50) + "\n" for n in range(600)]
    begins = [sum(map(len, texts[:n])) for n in range(len(texts) + 1)]
    path = put(tmp_path, "20260301", texts)
    with descriptor(path) as fd, patch.object(files, "_PROBE", probe):
        for second in range(-5, 610, 5):
            low, after = files.around(fd, path.stat().st_size, START + second * 1000)
            assert {low, after} <= set(begins)
            assert begins.index(low) < max(1, second)
            assert begins.index(after) >= min(600, second)
            assert after - low < 4 * probe + 300


def test_a_long_stretch_without_a_time_is_passed_over(tmp_path: Path) -> None:
    for length in (*range(240, 320), *range(840, 920), *range(1000, 1400, 13)):
        path = put(tmp_path, "20260301", ["x" * length, "\n", line(START, "one"), line(START + 1000, "two")])
        with descriptor(path) as fd, patch.object(files, "_PROBE", 300):
            size = path.stat().st_size
            assert files._next_stamp(fd, 0, size) == (length + 1, START)
            assert files._next_stamp(fd, length + 1, size) == (length + 1 + len(line(START, "one")), START + 1000)
            assert files._next_stamp(fd, size - 5, size) == (size, None)
            assert files._next_stamp(fd, 0, 0) == (0, None)


@pytest.mark.parametrize("back", range(1, 60, 4))
def test_lines_with_a_phrase_are_found_from_the_end_each_once(tmp_path: Path, back: int) -> None:
    texts = ["Phrase\n", "a Phrase\n", "nothing\n", "Phrase\n", "PPhrase P\n", "P"]
    begins = [sum(map(len, texts[:n])) for n in range(len(texts))]
    path = put(tmp_path, "20260301", texts)
    with descriptor(path) as fd, patch.object(files, "_BACK", back):
        assert list(files.backwards(fd, b"Phrase", path.stat().st_size)) == [begins[4], begins[3], begins[1], 0]
        assert list(files.backwards(fd, b"Phrase", begins[4])) == [begins[3], begins[1], 0]


def test_the_beginning_of_a_line_is_at_most_so_far_before(tmp_path: Path) -> None:
    with descriptor(put(tmp_path, "20260301", ["short\n", "x" * (LONGEST + 100)])) as fd:
        assert [files._line_start(fd, offset) for offset in (0, 3, 6, 106)] == [0, 0, 6, 6]
        assert files._line_start(fd, LONGEST + 50) == 50


def test_lines_are_counted_to_the_byte_however_the_file_is_read(tmp_path: Path) -> None:
    text = "\n\na\nbb\n\n"
    plain = LogFile(put(tmp_path, "20260301", text), "20260301")
    for block in range(1, 6):
        with patch.object(files, "BLOCK", block):
            counted = [Region(plain, offset).lines_before for offset in range(len(text) + 1)]
        assert counted == [text[:offset].count("\n") for offset in range(len(text) + 1)]


def test_every_file_that_is_opened_is_closed(tmp_path: Path) -> None:
    text = line(START, "x")
    plain = LogFile(put(tmp_path, "20260301", text), "20260301")
    packed = LogFile(put_packed(tmp_path, "20260301", text), "20260301")
    (tmp_path / "runner_20260302.log").mkdir()
    with patch.object(os, "open", wraps=os.open) as opens, patch.object(os, "close", wraps=os.close) as closes:
        assert [Region(file, 5).lines_before for file in (plain, packed)] == [0, 0]
        assert len(log_files(tmp_path)) == 2
        with pytest.raises(IsADirectoryError):
            files.open_log(LogFile(tmp_path / "runner_20260302.log", "20260302"))
    assert opens.call_count == closes.call_count == 5


def test_a_pipe_is_no_directory(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "runner_20260301.log")
    with pytest.raises(OSError, match="is not a regular file") as caught:
        files.open_log(LogFile(tmp_path / "runner_20260301.log", "20260301"))
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize("at_once", [3, 1 << 14])
def test_a_compressed_log_is_known_by_the_first_line_of_the_plain_one(tmp_path: Path, at_once: int) -> None:
    put(tmp_path, "20260301", line(START, "first") + line(START, "more"))
    put_packed(tmp_path, "20260301", line(START, "first") + line(START, "else"))
    with patch.object(files, "_PACKED_BLOCK", at_once):
        assert names(tmp_path) == ["runner_20260301.log"]


def test_a_compressed_log_that_cannot_be_opened_is_listed_beside_the_plain_one(tmp_path: Path) -> None:
    put(tmp_path, "20260301", line(START, "x"))
    (tmp_path / "runner_20260301.log.gz").mkdir()
    assert names(tmp_path) == ["runner_20260301.log.gz", "runner_20260301.log"]
