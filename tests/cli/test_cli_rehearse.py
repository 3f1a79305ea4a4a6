"""genesis-ops rehearse: what may be asked together, what is listed, and what an interruption leaves."""

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_process import process

from genesis_ops.cli.rehearse import _default_root
from genesis_ops.cli.rehearse_phase import typed_from_here
from genesis_ops.rehearsal.mishaps import TABLE


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--hours", "24", "--days", "2"), "--hours is a dry-run alone"),
        (("--chaos",), "--chaos needs a whole phase"),
        (("--days", "43"), "43"),
        (("--days", "2", "--chaos"), "too few"),
        (("--hours", "2", "--fault", "runner-killed@1h"), "runner-killed needs a whole phase: --days"),
        (("--days", "2", "--fault", "feed-dwn@1h"), "no fault is named feed-dwn"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    done = process("rehearse", "--into", str(tmp_path / "root"), *options)
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "root").exists()


def test_every_fault_is_listed_with_who_has_to_notice_it_and_no_line_is_too_wide() -> None:
    done = process("rehearse", "--list-faults")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [mishap.name for mishap in TABLE]
    assert "noticed by preflight disk-space, within 30m" in done.stdout


def test_a_root_that_is_a_file_is_called_no_directory(tmp_path: Path) -> None:
    (tmp_path / "root").touch()
    done = process("rehearse", "--hours", "1", "--into", str(tmp_path / "root"))
    assert done.returncode == 78
    assert "is not a directory" in done.stderr


def test_two_that_begin_in_the_same_second_have_two_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2026, 2, 4, 13, 3, 20, 2, 35, 0)))
    names = [_default_root(tmp_path, "2d", 7).name for _ in range(2)]
    assert names == ["20260204_130320Z_2d_seed7", "20260204_130320Z_2d_seed7_2"]


@pytest.mark.parametrize("name", ["a b;c", "plain"])
def test_where_to_go_on_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert shlex.split(typed_from_here(tmp_path / name)) == [name]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent to a process group there")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_it_at_once_and_says_where_the_rest_is(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    root = tmp_path / "root"
    command = (sys.executable, "-m", "genesis_ops", "rehearse", "--days", "42", "--into", str(root))
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    with running:
        while not list(root.glob("logs/paper_trading/runner_????????.log")):
            assert running.poll() is None
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    assert running.returncode == code
    assert f"what was rehearsed so far is in {root}" in said
    assert "Traceback" not in said
