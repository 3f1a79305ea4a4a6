"""What is looked at: any kind of file at the name, and the environment of processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genesis_ops.collect.env import LARGEST, env_file, process, running
from genesis_ops.settings import load

ROOT = os.name == "nt" or os.geteuid() == 0


def test_a_file_is_read_with_its_mode_its_findings_and_its_rows(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"BITFINEX_API_KEY=k # c\n")
    path.chmod(0o640)
    file = env_file(path, ".env")
    assert (file.read, file.mode, file.missing) == (True, 0o640, ("BITFINEX_API_SECRET",))
    assert len(file.findings) == len(file.rows) == 1


def test_a_file_that_is_not_there_is_not_present(tmp_path: Path) -> None:
    assert not env_file(tmp_path / ".env", ".env").present


def test_a_link_to_nothing_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to("nowhere")
    file = env_file(tmp_path / ".env", ".env")
    assert (file.present, file.fault) == (True, "points to nothing")


@pytest.mark.parametrize("make", ["directory", "fifo", "device", "loop", "below a file", "sparse"])
def test_what_is_no_plain_file_of_a_fit_size_is_told_at_once(tmp_path: Path, make: str) -> None:
    path = tmp_path / ".env"
    if make == "directory":
        path.mkdir()
    elif make == "fifo":
        os.mkfifo(path)
    elif make == "device":
        path = Path("/dev/null")
    elif make == "loop":
        path.symlink_to(path)
    elif make == "below a file":
        path.touch()
        path = path / "x"
    else:
        with path.open("wb") as file:
            file.truncate(1 << 30)
    found = env_file(path, ".env")
    assert found.fault
    assert not found.read
    assert not found.hidden


def test_the_largest_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A_1=" + b"x" * (LARGEST - 5) + b"\n")
    assert env_file(path, ".env").read


@pytest.mark.skipif(ROOT, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_hidden(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.touch(mode=0o000)
    assert env_file(path, ".env").hidden


def test_a_process_is_asked_for_what_it_was_started_with() -> None:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env={"GENESIS_X": "1"}) as child:
        found = process(child.pid, "runner")
        child.communicate(b"\n")
    assert found.environment is not None
    assert found.environment["GENESIS_X"].reveal() == "1"


def test_a_process_that_is_not_there_is_no_process() -> None:
    with pytest.raises(ProcessLookupError):
        process(2**22 + 1, "runner")


def test_a_root_without_a_runner_has_none(tmp_path: Path) -> None:
    settings = load({"root": tmp_path, "api_url": "http://127.0.0.1:9"}, {}, None).settings
    assert running(settings) == ()
