"""genesis-ops rehearse: what may be asked together, what is listed, and what an interruption leaves."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import process

from genesis_ops.rehearsal.mishaps import TABLE


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--hours", "24", "--days", "2"), "--hours is a dry-run alone"),
        (("--chaos",), "--chaos needs a whole phase"),
        (("--days", "43"), "43"),
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


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent to a process group there")
def test_an_interruption_ends_it_at_once_and_says_where_the_rest_is(tmp_path: Path) -> None:
    root = tmp_path / "root"
    command = (sys.executable, "-m", "genesis_ops", "rehearse", "--days", "42", "--into", str(root))
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    with running:
        while not list(root.glob("logs/paper_trading/runner_????????.log")):
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"what was rehearsed so far is in {root}" in said
    assert "Traceback" not in said
