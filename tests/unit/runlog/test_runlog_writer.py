"""Writing: whole lines into the day's file, and nothing an operator's grep could take for something else."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.errors import WriteFailed
from genesis_ops.runlog.events import (
    EvaluateError,
    Fatal,
    Heartbeat,
    NoOrder,
    RunnerStopped,
    Unknown,
    grep_phrases,
    read_message,
)
from genesis_ops.runlog.writer import DayFile, RunnerLog, ungreppable

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
