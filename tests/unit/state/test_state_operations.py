"""What was done to a phase, line by line: appended, durable, readable after a hard stop."""

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genesis_ops.errors import WriteFailed
from genesis_ops.state.operations import ENFORCE, RESUME, operations_file, read, record, who

AT_MS = 1_770_297_002_123


def test_where_nothing_was_done_nothing_is_read(tmp_path: Path) -> None:
    assert read(tmp_path) == read(tmp_path / "no such directory") == ((), 0, "")


def test_what_was_recorded_is_read_oldest_first(tmp_path: Path) -> None:
    record(tmp_path, AT_MS, ENFORCE, ["fatal-error"], steps=[{"name": "stop-latch", "done": True, "detail": ""}])
    record(tmp_path, AT_MS + 5, RESUME, ["looked into it"])
    first, second = read(tmp_path).found
    assert (first.at_ms, first.action, first.by, first.reasons) == (AT_MS, "enforce", who(), ("fatal-error",))
    assert first.other == {"steps": [{"name": "stop-latch", "done": True, "detail": ""}]}
    assert (second.at_ms, second.action, second.reasons) == (AT_MS + 5, "resume", ("looked into it",))


def test_the_file_is_no_runner_log(tmp_path: Path) -> None:
    assert not operations_file(tmp_path).match("runner_*.log")


def test_a_process_names_itself() -> None:
    assert who().endswith(f" pid {os.getpid()}")
    assert "@" in who()


def test_a_user_without_a_name_is_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert who().startswith("somebody@")


@given(reasons=st.lists(st.text(), max_size=3).map(tuple))
@example(reasons=("\x7f\x1b\u202e",))
def test_any_reason_is_one_line_of_plain_characters_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, reasons: tuple[str, ...]
) -> None:
    log_dir = tmp_path_factory.mktemp("any")
    record(log_dir, AT_MS, RESUME, reasons)
    raw = operations_file(log_dir).read_bytes()
    assert raw.endswith(b"\n")
    assert raw[:-1].decode("ascii").isprintable()
    assert read(log_dir).found[0].reasons == reasons


@pytest.mark.parametrize("kept", [1, 20, 60])
def test_a_torn_last_line_is_counted_and_does_not_swallow_the_next(tmp_path: Path, kept: int) -> None:
    record(tmp_path, AT_MS, RESUME, ["first"])
    whole = operations_file(tmp_path).read_bytes()
    operations_file(tmp_path).write_bytes(whole + whole[:kept])
    assert ([entry.reasons for entry in read(tmp_path).found], read(tmp_path).not_understood) == ([("first",)], 1)
    record(tmp_path, AT_MS, RESUME, ["second"])
    assert [entry.reasons for entry in read(tmp_path).found] == [("first",), ("second",)]


@pytest.mark.parametrize(
    "line",
    [
        b"{}", b"[]", b"null", b"\xff", b"[" * 100_000,
        b'{"at": 5, "action": "resume", "by": "x", "reasons": []}',
        b'{"at": "2026-02-05T13:10:02", "action": "resume", "by": "x", "reasons": []}',
        b'{"at": "2026-02-05T13:10:02Z", "action": "resume", "by": "x", "reasons": "y"}',
        b'{"at": "2026-02-05T13:10:02Z", "action": "resume", "by": 7, "reasons": []}',
        b'{"at": "2026-02-05T13:10:02Z", "action": null, "by": "x", "reasons": []}',
    ],
)  # fmt: skip
def test_a_line_that_is_no_operation_is_counted_and_acknowledges_nothing(tmp_path: Path, line: bytes) -> None:
    operations_file(tmp_path).write_bytes(line + b"\n")
    assert (read(tmp_path).found, read(tmp_path).not_understood) == ((), 1)
    assert read(tmp_path).last_resume_ms(AT_MS * 2) is None


def test_the_last_resume_is_the_latest_that_has_come(tmp_path: Path) -> None:
    for at_ms, action in ((AT_MS, RESUME), (AT_MS + 9, ENFORCE), (AT_MS + 5, RESUME), (AT_MS + 60_000, RESUME)):
        record(tmp_path, at_ms, action, ["x"])
    assert read(tmp_path).last_resume_ms(AT_MS + 100) == AT_MS + 5
    assert read(tmp_path).last_resume_ms(AT_MS - 1) is None


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    operations_file(tmp_path).mkdir()
    assert "cannot be read (is a directory)" in read(tmp_path).trouble
    assert read(tmp_path).last_resume_ms(AT_MS) is None
    with pytest.raises(WriteFailed):
        record(tmp_path, AT_MS, RESUME, ["x"])


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(operations_file(tmp_path))
    assert "not a regular file" in read(tmp_path).trouble
    with pytest.raises(WriteFailed):
        record(tmp_path, AT_MS, RESUME, ["x"])


def test_a_full_disk_is_told_and_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path, AT_MS, RESUME, ["first"])
    before = operations_file(tmp_path).read_bytes()
    write, calls = os.write, []

    def fill(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:10])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fill)
        with pytest.raises(WriteFailed, match="No space left"):
            record(tmp_path, AT_MS, RESUME, ["second"])
    assert operations_file(tmp_path).read_bytes() == before


def test_every_line_is_json_with_a_time_that_a_person_reads(tmp_path: Path) -> None:
    record(tmp_path, AT_MS, RESUME, ["x"])
    (line,) = operations_file(tmp_path).read_text("ascii").splitlines()
    assert json.loads(line)["at"] == "2026-02-05T13:10:02.123Z"
