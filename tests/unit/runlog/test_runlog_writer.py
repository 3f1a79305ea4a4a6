"""Writing: whole lines into the day's file, and nothing an operator's grep could take for something else."""

import json
import os
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.errors import Refused, WriteFailed
from genesis_ops.runlog.events import (
    AlreadyProcessed,
    EvaluateError,
    Fatal,
    Heartbeat,
    NoOrder,
    RunnerStopped,
    Unknown,
    grep_phrases,
    read_message,
)
from genesis_ops.runlog.writer import DayFile, RunnerLog, Stream, require_writable, ungreppable

NOON = 1_770_206_400_000
words = st.sampled_from([*grep_phrases(), " ", '"', "\\", "x", "\u202e", "\x1b[2J", "\n"])


def test_a_line_goes_into_the_file_of_its_own_utc_day(tmp_path: Path) -> None:
    times = iter([NOON + 12 * 3_600_000 - 1, NOON + 12 * 3_600_000])
    log = RunnerLog(tmp_path, lambda: next(times))
    log.write(NoOrder())
    log.write(RunnerStopped())
    log.close()
    assert (tmp_path / "runner_20260204.log").read_text() == (
        "2026-02-04 23:59:59 - paper_trading_runner - INFO - Action=NONE. No order.\n"
    )
    assert (tmp_path / "runner_20260205.log").read_text() == (
        "2026-02-05 00:00:00 - paper_trading_runner - INFO - Runner stopped.\n"
    )


def test_half_a_line_of_a_hard_stop_is_ended_and_marked(tmp_path: Path) -> None:
    torn = "2026-02-04 12:00:00 - paper_trading_runner - INFO - NEW CANDLE CLOSE: ts=1770202800000, close=716"
    (tmp_path / "runner_20260204.log").write_text(torn)
    log = RunnerLog(tmp_path, lambda: NOON)
    log.write(NoOrder())
    log.close()
    first, second = (tmp_path / "runner_20260204.log").read_text().splitlines()
    assert first.startswith(torn)
    assert isinstance(read_message(first.split(" - ", 3)[3]), Unknown)
    assert second.endswith("Action=NONE. No order.")


def test_a_traceback_follows_its_line_and_has_no_prefix_and_no_control_characters(tmp_path: Path) -> None:
    log = RunnerLog(tmp_path, lambda: NOON)
    log.write(Fatal("unexpected"), ["Traceback (most recent call last):", "  \x1b[31mboom"])
    log.close()
    lines = (tmp_path / "runner_20260204.log").read_text().splitlines()
    assert len(lines) == 3
    assert "\x1b" not in "".join(lines)


def test_a_warning_or_worse_is_in_the_errors_stream_with_its_fields(tmp_path: Path) -> None:
    log = RunnerLog(tmp_path, lambda: NOON)
    log.write(EvaluateError("HTTP 500"))
    log.write(NoOrder())
    log.close()
    lines = (tmp_path / "runner_errors_20260204.log").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"at": "2026-02-04T12:00:00.000Z", "level": "error", "event": "EvaluateError", "cause": "HTTP 500"}
    ]


def test_a_directory_in_the_place_of_the_days_file_is_a_failed_write(tmp_path: Path) -> None:
    (tmp_path / "runner_20260204.log").mkdir()
    with pytest.raises(WriteFailed, match=r"runner_20260204\.log could not be written"):
        DayFile(tmp_path, "runner").append(NOON, b"x\n")


@given(st.recursive(st.lists(words).map("".join), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)))
def test_a_streams_json_holds_no_phrase_and_the_same_values(value: object) -> None:
    document = ungreppable(json.dumps({"value": value}))
    assert json.loads(document) == {"value": value}
    assert not [phrase for phrase in grep_phrases() if phrase in document]


@given(st.lists(words).map("".join))
def test_a_text_from_outside_cannot_pass_for_a_line_of_the_runner(text: str) -> None:
    message = EvaluateError(text).message().removeprefix("HTTP error evaluating strategy: ")
    assert not [phrase for phrase in grep_phrases() if phrase in message]


def test_a_heartbeat_of_the_older_runner_has_no_ages() -> None:
    read = read_message("Heartbeat: evaluations=3, orders=0, last_candle_ts=None")
    assert read == Heartbeat(3, 0, "None", None, None, None)


def test_a_days_file_is_opened_once_and_closed_at_the_end_of_the_day(tmp_path: Path) -> None:
    file = DayFile(tmp_path, "runner", durable=False)  # a durable one opens the directory as well, to sync it
    assert file.path == tmp_path
    with patch.object(os, "open", wraps=os.open) as opens, patch.object(os, "close", wraps=os.close) as closes:
        for hours in (0, 1, 12):
            file.append(NOON + hours * 3_600_000, b"x\n")
        assert (opens.call_count, closes.call_count) == (2, 1)
        assert file.path == tmp_path / "runner_20260205.log"
        file.close()
        file.close()
        assert closes.call_count == 2
    file.append(NOON, b"y\n")
    file.close()
    assert (tmp_path / "runner_20260204.log").read_bytes() == b"x\nx\ny\n"


@pytest.mark.parametrize(("options", "synced"), [({}, 1), ({"durable": True}, 1), ({"durable": False}, 0)])
def test_what_was_written_is_on_disk_after_a_sync_and_a_close(
    tmp_path: Path, options: dict[str, bool], synced: int
) -> None:
    file, log = DayFile(tmp_path, "x", **options), RunnerLog(tmp_path, lambda: NOON, **options)
    for name in ("x", "runner", "runner_errors"):
        (tmp_path / f"{name}_20260204.log").touch()  # a new one has its name synced as well
    with patch.object(os, "fsync", wraps=os.fsync) as syncs:
        file.sync()
        assert syncs.call_count == 0
        file.append(NOON, b"x\n")
        file.sync()
        assert syncs.call_count == synced
        file.close()
        assert syncs.call_count == synced, "nothing was written since"
        file.append(NOON, b"y\n")
        file.close()
        assert syncs.call_count == 2 * synced
        log.write(EvaluateError("x"))
        log.sync()
        assert syncs.call_count == 3 * synced
        log.close()
        assert syncs.call_count == 4 * synced, "the stream of errors"


@pytest.mark.parametrize(
    ("options", "is_there", "synced"), [({}, False, 1), ({}, True, 0), ({"durable": False}, False, 0)]
)
def test_a_new_days_file_has_its_name_on_disk_before_anything_is_written_into_it(
    tmp_path: Path, options: dict[str, bool], is_there: bool, synced: int
) -> None:
    path, events = tmp_path / "runner_20260204.log", []
    if is_there:
        path.touch()

    def sync(descriptor: int) -> None:
        assert path.exists()
        assert os.path.samestat(os.fstat(descriptor), tmp_path.stat())
        events.append(path.stat().st_size)

    file = DayFile(tmp_path, "runner", **options)
    with patch.object(os, "fsync", sync):
        file.append(NOON, b"x\n")
        file.append(NOON, b"x\n")
    assert events == [0] * synced


def test_a_directory_that_does_not_sync_is_a_failed_write(tmp_path: Path) -> None:
    file = DayFile(tmp_path, "runner")
    with patch.object(os, "fsync", side_effect=OSError(5, "x")), pytest.raises(WriteFailed, match="runner_20260204"):
        file.append(NOON, b"x\n")
    assert file.path.read_bytes() == b""


def test_a_stream_is_on_disk_when_it_is_closed(tmp_path: Path) -> None:
    stream = Stream(tmp_path, "orders")
    stream.record(NOON, size=1)
    with patch.object(os, "fsync") as syncs:
        stream.file.close()
    assert syncs.call_count == 1


def test_a_log_that_is_closed_holds_no_file_open(tmp_path: Path) -> None:
    log = RunnerLog(tmp_path, lambda: NOON)
    log.write(EvaluateError("x"))
    with patch.object(os, "close", wraps=os.close) as closes:
        log.close()
    assert closes.call_count == 2


@pytest.mark.parametrize(("before", "after"), [(b"a\n", b"a\nx\n"), (b"half", b"half [torn]\nx\n"), (b"", b"x\n")])
def test_only_half_a_line_is_ended(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "runner_20260204.log"
    path.write_bytes(before)
    DayFile(tmp_path, "runner").append(NOON, b"x\n")
    assert path.read_bytes() == after


def test_what_somebody_else_appends_is_not_written_over(tmp_path: Path) -> None:
    file = DayFile(tmp_path, "runner")
    file.append(NOON, b"first\n")
    with file.path.open("ab") as other:
        other.write(b"second\n")
    file.append(NOON, b"third\n")
    assert file.path.read_bytes() == b"first\nsecond\nthird\n"


def test_everybody_may_read_a_log_and_its_owner_write(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        DayFile(tmp_path, "runner").append(NOON, b"x\n")
    finally:
        os.umask(umask)
    assert (tmp_path / "runner_20260204.log").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("through", [0, 4])
def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path, through: int) -> None:
    file = DayFile(tmp_path, "runner")
    file.append(NOON, b"before\n")
    write, parts = os.write, iter([through] if through else [])

    def full(descriptor: int, data: bytes) -> int:
        if (length := next(parts, 0)) == 0:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:length])

    with (
        patch.object(os, "write", full),
        patch.object(os, "ftruncate", wraps=os.ftruncate) as cuts,
        pytest.raises(WriteFailed, match=r"runner_20260204\.log"),
    ):
        file.append(NOON, b"a whole line\n")
    assert file.path.read_bytes() == b"before\n"
    assert cuts.call_count == (1 if through else 0)


def test_a_disk_that_does_not_sync_is_a_failed_write(tmp_path: Path) -> None:
    file = DayFile(tmp_path, "runner")
    file.append(NOON, b"x\n")
    with patch.object(os, "fsync", side_effect=OSError(5, "x")), pytest.raises(WriteFailed, match="runner_20260204"):
        file.sync()


def test_a_traceback_stands_indented_under_its_line(tmp_path: Path) -> None:
    RunnerLog(tmp_path, lambda: NOON).write(Fatal("x"), ["one", "two"])
    head = "2026-02-04 12:00:00 - paper_trading_runner - CRITICAL - FATAL: x"
    assert (tmp_path / "runner_20260204.log").read_text() == f"{head}\n  one\n  two\n"


def test_what_is_not_only_for_debugging_is_echoed_and_only_trouble_is_in_the_errors(tmp_path: Path) -> None:
    said: list[str] = []
    log = RunnerLog(tmp_path, lambda: NOON, said.append)
    for event in (AlreadyProcessed(1), NoOrder(), EvaluateError("x")):
        log.write(event, ["not echoed"])
    head = "2026-02-04 12:00:00 - paper_trading_runner -"
    assert said == [f"{head} INFO - Action=NONE. No order.", f"{head} ERROR - HTTP error evaluating strategy: x"]
    assert len((tmp_path / "runner_errors_20260204.log").read_text().splitlines()) == 1


def test_what_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Stream(tmp_path, "orders").record(NOON, size=float("nan"))


def test_a_directory_is_made_and_left_empty(tmp_path: Path) -> None:
    for _ in range(2):
        require_writable(tmp_path / "a" / "b")
        assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_directory_that_cannot_be_made_or_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be written: Not a directory"):
        require_writable(tmp_path / "file" / "logs")
    with (
        patch.object(Path, "write_bytes", side_effect=OSError(30, "Read-only file system")),
        pytest.raises(Refused, match="cannot be written: Read-only file system"),
    ):
        require_writable(tmp_path)
