"""genesis-ops resume: the latch goes when who cleared it and why is on record, and only then."""

import json
from pathlib import Path

import pytest
from cli_process import process

from genesis_ops.state.latch import Latch, latch_file, read_latch, set_latch
from genesis_ops.state.operations import operations_file, read

LATCH = Latch(1_770_210_000_000, ("duplicate-candle: 1770206400000 twice",), "ops@host pid 77")
REASON = "--reason=the log was copied twice; the copy is removed"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "paper_trading"
    path.mkdir(parents=True)
    return path


def root_of(logs: Path) -> str:
    return str(logs.parents[1])


def test_the_latch_is_cleared_and_that_is_recorded(logs: Path) -> None:
    set_latch(logs, LATCH)
    done = process("--root", root_of(logs), "resume", REASON)
    assert (done.returncode, done.stderr) == (0, "")
    assert "duplicate-candle: 1770206400000 twice" in done.stdout
    assert read_latch(logs) is None
    (operation,) = read(logs).found
    assert (operation.action, operation.reasons) == ("resume", ("the log was copied twice; the copy is removed",))
    assert operation.other["latch"]["reasons"] == list(LATCH.reasons)
    assert read(logs).last_resume_ms(operation.at_ms) == operation.at_ms


def test_without_a_latch_nothing_is_cleared_and_nothing_recorded(logs: Path) -> None:
    done = process("--root", root_of(logs), "resume", REASON)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "no stop latch is set in logs/paper_trading: nothing to clear\n"
    assert list(logs.iterdir()) == []


@pytest.mark.parametrize("reason", ["", "   ", "\t\n"])
def test_a_reason_that_says_nothing_is_a_usage_error(logs: Path, reason: str) -> None:
    set_latch(logs, LATCH)
    done = process("--root", root_of(logs), "resume", "--reason", reason)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--reason is empty" in done.stderr
    assert read_latch(logs) == LATCH
    assert not operations_file(logs).exists()


def test_no_reason_is_a_usage_error(logs: Path) -> None:
    set_latch(logs, LATCH)
    assert process("--root", root_of(logs), "resume").returncode == 2
    assert read_latch(logs) == LATCH


def test_what_cannot_be_recorded_is_not_done(logs: Path) -> None:
    set_latch(logs, LATCH)
    operations_file(logs).mkdir()
    done = process("--root", root_of(logs), "resume", REASON)
    assert done.returncode == 70
    assert "operations.jsonl could not be written" in done.stderr
    assert "next: " in done.stderr
    assert read_latch(logs) == LATCH


def test_a_damaged_latch_can_be_cleared_too(logs: Path) -> None:
    latch_file(logs).write_bytes(b"\x1b[31m{")
    done = process("--root", root_of(logs), "resume", REASON)
    assert done.returncode == 0
    assert "is not a stop latch" in done.stdout
    assert done.stdout.replace("\n", "").isprintable()
    assert read_latch(logs) is None


def test_a_directory_in_the_latchs_place_is_told_and_stays(logs: Path) -> None:
    latch_file(logs).mkdir()
    done = process("--root", root_of(logs), "resume", REASON)
    assert done.returncode == 70
    assert "could not be removed" in done.stderr
    assert read_latch(logs) is not None


def test_another_log_directory_can_be_named(logs: Path) -> None:
    other = logs.parent / "other"
    set_latch(logs, LATCH)
    set_latch(other, LATCH)
    assert process("--root", root_of(logs), "resume", REASON, "--log-dir", "logs/other").returncode == 0
    assert (read_latch(logs), read_latch(other)) == (LATCH, None)


def test_what_was_typed_stands_in_the_record_as_escapes(logs: Path) -> None:
    set_latch(logs, LATCH)
    assert process("--root", root_of(logs), "resume", "--reason", "red \x1b[31m\u202e").returncode == 0
    (line,) = operations_file(logs).read_text("ascii").splitlines()
    assert line.isprintable()
    assert json.loads(line)["reasons"] == ["red \x1b[31m\u202e"]


def test_a_run_names_the_command_that_clears_the_latch(logs: Path) -> None:
    set_latch(logs, LATCH)
    done = process("--root", root_of(logs), "run", "--dry-run")
    assert done.returncode == 78
    assert "duplicate-candle: 1770206400000 twice" in done.stderr
    assert f'next: genesis-ops --root {root_of(logs)} resume --reason "..."' in done.stderr
