"""The stop latch: set once, added to, cleared by who has seen it, and set too where it cannot be understood."""

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.errors import WriteFailed
from genesis_ops.state.latch import Latch, clear_latch, latch_file, read_latch, set_latch

AT_MS = 1_770_297_002_123  # 2026-02-05 13:10:02.123 UTC
LATCH = Latch(AT_MS, ("duplicate-candle: 1770206400000 twice",), "ops@host pid 77")
WHOLE = {"schema": "genesis-ops.latch/1", "since": "2026-02-05T13:10:02.123Z", "reasons": ["x"], "by": "y"}


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def seen(log_dir: Path) -> Latch:
    latch = read_latch(log_dir)
    assert latch is not None
    return latch


def test_where_nothing_was_set_there_is_no_latch(tmp_path: Path) -> None:
    assert read_latch(tmp_path) is None
    assert read_latch(tmp_path / "no such directory") is None


def test_what_was_set_is_read(tmp_path: Path) -> None:
    assert set_latch(tmp_path / "new", LATCH) == LATCH
    assert read_latch(tmp_path / "new") == LATCH
    assert names(tmp_path / "new") == ["stop_latch.json"]
    assert json.loads((tmp_path / "new" / "stop_latch.json").read_text("ascii"))["schema"] == "genesis-ops.latch/1"


def test_a_second_setting_adds_its_reasons_and_keeps_the_first_time_and_name(tmp_path: Path) -> None:
    set_latch(tmp_path, LATCH)
    set_latch(tmp_path, Latch(AT_MS + 5, ("fatal-error", *LATCH.reasons), "cron@host pid 78"))
    assert read_latch(tmp_path) == Latch(AT_MS, (*LATCH.reasons, "fatal-error"), LATCH.by)


def test_a_cleared_latch_is_gone_and_clearing_twice_is_harmless(tmp_path: Path) -> None:
    set_latch(tmp_path, LATCH)
    assert clear_latch(tmp_path, LATCH)
    assert read_latch(tmp_path) is None
    assert clear_latch(tmp_path, LATCH)


def test_a_latch_with_a_reason_that_nobody_has_seen_stays(tmp_path: Path) -> None:
    set_latch(tmp_path, LATCH)
    set_latch(tmp_path, Latch(AT_MS, ("fatal-error",), "cron"))
    assert not clear_latch(tmp_path, LATCH)
    assert seen(tmp_path).reasons == (*LATCH.reasons, "fatal-error")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is not a stop latch"),
        (b"\0\0", "is not a stop latch"),
        (b"\xff", "is not a stop latch"),
        (b"[]", "holds no genesis-ops.latch/1"),
        (b"[" * 100_000, "is not a stop latch"),
        (b" " * (1 << 21), "is larger than"),
        (json.dumps(WHOLE | {"schema": "genesis-ops.latch/2"}).encode(), "holds no genesis-ops.latch/1"),
        (json.dumps(WHOLE | {"more": 1}).encode(), "holds no genesis-ops.latch/1"),
        (json.dumps(WHOLE | {"reasons": "x"}).encode(), "no text"),
        (json.dumps(WHOLE | {"reasons": [1]}).encode(), "no text"),
        (json.dumps(WHOLE | {"by": None}).encode(), "no text"),
        (json.dumps(WHOLE | {"since": 5}).encode(), "no time"),
        (json.dumps(WHOLE | {"since": "2026-02-05T13:10:02+01:00"}).encode(), "no time"),
        (json.dumps(WHOLE | {"since": "yesterdayZ"}).encode(), "Invalid isoformat"),
    ],
)
def test_a_damaged_file_is_a_latch_that_says_what_is_wrong(tmp_path: Path, raw: bytes, words: str) -> None:
    latch_file(tmp_path).write_bytes(raw)
    assert words in seen(tmp_path).damaged
    assert seen(tmp_path).lines() == (seen(tmp_path).damaged,)
    assert latch_file(tmp_path).read_bytes() == raw


def test_a_directory_a_fifo_and_a_broken_link_are_latches(tmp_path: Path) -> None:
    path = latch_file(tmp_path)
    path.mkdir()
    assert "is a directory" in seen(tmp_path).damaged
    path.rmdir()
    os.mkfifo(path)
    assert "is not a regular file" in seen(tmp_path).damaged
    path.unlink()
    path.symlink_to("nowhere")
    assert "link to a file that does not exist" in seen(tmp_path).damaged


def test_a_file_that_may_not_be_read_is_a_latch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_latch(tmp_path, LATCH)

    def forbidden(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", forbidden)
        assert "cannot be read (Permission denied)" in seen(tmp_path).damaged
        assert seen(tmp_path).hidden


def test_a_latch_that_everybody_may_read_is_not_hidden(tmp_path: Path) -> None:
    latch_file(tmp_path).write_bytes(b"no latch")
    assert (bool(seen(tmp_path).damaged), seen(tmp_path).hidden) == (True, False)


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_latch(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    log_dir = tmp_path_factory.mktemp("any")
    latch_file(log_dir).write_bytes(raw)
    assert all(line.isprintable() for line in seen(log_dir).lines())


@given(reasons=st.lists(st.text(), max_size=4).map(tuple), by=st.text())
def test_any_reasons_come_back_and_show_on_one_line_each(
    tmp_path_factory: pytest.TempPathFactory, reasons: tuple[str, ...], by: str
) -> None:
    log_dir = tmp_path_factory.mktemp("reasons")
    set_latch(log_dir, Latch(AT_MS, reasons, by))
    assert read_latch(log_dir) == Latch(AT_MS, reasons, by)
    assert all(line.isprintable() for line in seen(log_dir).lines())


def test_setting_a_damaged_latch_keeps_it_set_and_tells_of_the_damage(tmp_path: Path) -> None:
    latch_file(tmp_path).write_bytes(b"{")
    since_ms = seen(tmp_path).since_ms
    set_latch(tmp_path, LATCH)
    latch = seen(tmp_path)
    assert latch.damaged == ""
    assert latch.since_ms == since_ms
    assert latch.reasons[0].startswith("an earlier latch was damaged: ")
    assert latch.reasons[1:] == LATCH.reasons


def test_a_directory_in_the_latchs_place_cannot_be_set_nor_cleared_and_stays_a_latch(tmp_path: Path) -> None:
    (latch_file(tmp_path) / "in the way").mkdir(parents=True)
    with pytest.raises(WriteFailed, match="could not be written"):
        set_latch(tmp_path, LATCH)
    with pytest.raises(WriteFailed, match="could not be removed"):
        clear_latch(tmp_path, seen(tmp_path))
    assert "is a directory" in seen(tmp_path).damaged


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_failing_disk_is_told_and_leaves_the_former_latch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    set_latch(tmp_path, LATCH)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(WriteFailed, match="No space left"):
            set_latch(tmp_path, Latch(AT_MS, ("fatal-error",), "cron"))
    assert read_latch(tmp_path) == LATCH
    assert names(tmp_path) == ["stop_latch.json"]


@pytest.mark.parametrize("call", ["write", "replace"])
def test_a_disk_without_room_for_the_reasons_has_an_empty_latch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        latch = set_latch(tmp_path / "new", LATCH)
    assert "could only be created empty (No space left on device)" in latch.damaged
    assert latch.since_ms == AT_MS
    assert latch_file(tmp_path / "new").read_bytes() == b""
    assert "is not a stop latch" in seen(tmp_path / "new").damaged
    assert names(tmp_path / "new") == ["stop_latch.json"]
    assert set_latch(tmp_path / "new", LATCH).reasons[1:] == LATCH.reasons
    assert seen(tmp_path / "new").damaged == ""


def test_a_disk_without_room_for_a_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        with pytest.raises(WriteFailed, match="No space left"):
            set_latch(tmp_path, LATCH)
    assert read_latch(tmp_path) is None
