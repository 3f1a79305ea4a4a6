"""A disk that is full, read-only or not a directory, for real."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rehearsal_processes import COMMAND, Place, Root, Sandbox, hour_ahead


def can_mount() -> bool:
    """Whether this user may mount a file system that only its own processes see."""
    if shutil.which("unshare") is None:
        return False
    try_it = ["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"]
    return subprocess.run(try_it, capture_output=True, check=False).returncode == 0


mounts = pytest.mark.skipif(
    sys.platform != "linux" or not can_mount(), reason="needs Linux and the right to mount in a namespace of its own"
)

# For each argument: leave so many KiB free, run, make room, and run again; the exit codes go to stdout.
FULL = """
mount -t tmpfs -o size=192k tmpfs "$LOGS"
for free in "$@"; do
    dd if=/dev/zero of="$LOGS/ballast" bs=4k 2>/dev/null
    truncate -s "-${free}k" "$LOGS/ballast"
    eval "$RUN" >/dev/null
    full=$?
    rm "$LOGS/ballast"
    eval "$RUN" >/dev/null
    echo "$free $full $?"
done
cp "$LOGS"/runner_* "$OUT"
"""


def command_line(root: Root, sandbox: Sandbox, *options: str) -> str:
    return shlex.join((*COMMAND, "--root", str(root.path), "run", *sandbox.flags, *options))


@mounts
def test_a_full_disk_ends_the_run_with_70_and_the_next_start_is_fine_once_there_is_room(place: Place) -> None:
    sandbox = place.sandbox("--speed", "240")  # each start finds a new candle
    root = place.root()
    root.logs.mkdir(parents=True)
    saved = Root(place.path / "saved")
    saved.logs.mkdir(parents=True)
    run = command_line(root, sandbox, "--timeframe", "1m", "--candles", "1")
    levels = ("64", "0", "4", "8", "12")
    script = place.start(
        ("unshare", "-m", "bash", "-c", FULL, "full", *levels),
        {"LOGS": str(root.logs), "OUT": str(saved.logs), "RUN": run},
    )
    assert script.ended(150) == 0, script.err
    codes = {free: (full, after) for free, full, after in map(str.split, script.out.splitlines())}
    assert (codes["64"], codes["0"]) == (("0", "0"), ("70", "0")), script.err
    # In between, it depends on how full the last page of each file is.
    assert set(codes.values()) == {("0", "0"), ("70", "0")}, (codes, script.err)
    assert "No space left on device" in script.err
    assert f"  next: df -h {root.logs}\n" in script.err
    assert "Traceback" not in script.err
    assert saved.closes() == sorted(set(saved.closes()))
    assert len(saved.closes()) >= len(levels)
    assert saved.state()["last_processed_candle_ts"] == saved.closes()[-1]
    assert saved.state()["total_evaluations"] == len(saved.messages("EVALUATION: action="))
    assert all(record["candle_ts"] in saved.closes() for record in saved.stream("evaluations"))


@mounts
@pytest.mark.parametrize("state_file", ["beside the log", "on a disk with room"])
def test_the_first_start_ever_on_a_full_disk_does_not_stand_in_the_way_of_the_second(
    place: Place, state_file: str
) -> None:
    sandbox = place.sandbox(start=hour_ahead(1200))
    root = place.root()
    root.logs.mkdir(parents=True)
    where = () if state_file == "beside the log" else ("--state-file", str(root.path / "state.json"))
    run = command_line(root, sandbox, "--candles", "1", *where)
    script = place.start(
        ("unshare", "-m", "bash", "-c", FULL, "full", "0"), {"LOGS": str(root.logs), "OUT": str(place.path), "RUN": run}
    )
    assert script.ended(60) == 0, script.err
    assert script.out == "0 70 0\n", script.err


@mounts
def test_a_log_directory_on_a_read_only_disk_is_refused(place: Place) -> None:
    root = place.root()
    root.logs.mkdir(parents=True)
    run = command_line(root, place.sandbox(start=hour_ahead(1200)))
    script = f'mount -t tmpfs -o ro tmpfs "$LOGS"; exec {run}'
    runner = place.start(("unshare", "-m", "bash", "-c", script), {"LOGS": str(root.logs)})
    assert runner.ended() == 78
    first, *_, last = runner.err.splitlines()
    assert first == f"genesis-ops: the log directory {root.logs} cannot be written: Read-only file system"
    assert last.startswith(f"  next: ls -ld {root.logs}")


def put_a_file(path: Path) -> str:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"kept")
    return "File exists"


def put_a_file_in_its_way(path: Path) -> str:
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.write_bytes(b"kept")
    return "Not a directory"


def put_a_link_to_nothing(path: Path) -> str:
    path.parent.mkdir(parents=True)
    path.symlink_to("nowhere")
    return "File exists"


@pytest.mark.parametrize("spoil", [put_a_file, put_a_file_in_its_way, put_a_link_to_nothing])
def test_a_log_directory_that_is_none_is_refused_with_what_to_do(place: Place, spoil: object) -> None:
    root = place.root()
    assert callable(spoil)
    why = spoil(root.logs)
    runner = place.run(root, place.sandbox(start=hour_ahead(1200)))
    assert runner.ended() == 78
    first, *_, last = runner.err.splitlines()
    assert first == f"genesis-ops: the log directory {root.logs} cannot be written: {why}"
    assert last.startswith(f"  next: ls -ld {root.logs}")
    assert runner.out == ""
