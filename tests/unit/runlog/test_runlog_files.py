import gzip
import os
from pathlib import Path

import pytest
from runlog_lines import START, line, put, put_packed, read

from genesis_ops.runlog.files import LogFile, Region, log_files

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
