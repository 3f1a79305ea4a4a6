"""How long ``remote status`` takes over a real sshd on loopback, of one host and of twenty, and what an apply costs.

Run as a program. An apply's cost is its wall time without the steps that wait for services; these are stand-ins.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path += [str(HERE / "remote"), str(HERE / "cli")]

from cli_process import process  # noqa: E402 - found by the line above
from remote_machine import Machine, machine  # noqa: E402 - as above
from remote_sshd import client, sshd  # noqa: E402 - as above

TIMES = 7
WAITING = {"stop-runner", "stop-api", "inactive", "start-api", "healthy", "start-runner", "preflight"}


def main() -> None:
    """Print the middle of several times, in seconds."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        os.environ["GENESIS_LOCK_DIR"] = str(place)
        with machine(place / "server") as server, sshd(place / "sshd", server.bin) as way:
            env = {
                "PATH": f"{client(way, place / 'client')}:{os.environ['PATH']}",
                "GENESIS_SSH_TARGET": "server",
                "GENESIS_REMOTE_ROOT": str(server.root),
                "GENESIS_REMOTE_PROGRAM": str(server.program),
            }
            for hosts in ((), tuple(f"host-{number}" for number in range(20))):
                took = [_seconds(hosts, env) for _ in range(TIMES)]
                print(f"{len(hosts) or 1:>2} hosts: {statistics.median(took):.2f} s, {min(took):.2f} s at best")
            costs = [_apply(server, place / "laptop", env) for _ in range(TIMES)]
            for name, found in zip(("apply", "  of it in services"), zip(*costs, strict=True), strict=True):
                print(f"{name}: {statistics.median(found):.2f} s, {min(found):.2f} s at best")


def _apply(server: Machine, here: Path, env: dict[str, str]) -> tuple[float, float]:
    """Apply a new commit, and give what it cost beside the services, and what these took."""
    (here / "config").mkdir(parents=True, exist_ok=True)
    server.commit_at_origin("src/core/moved.py", f"at = {time.monotonic()}\n")
    began = time.monotonic()
    done = process("--root", str(here), "remote", "apply", "--healthy", "5s", "--acceptance", "none", "--yes", **env)
    took = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    name = max(path.name for path in server.logs.glob("_archive/restart_*")).removeprefix("restart_")
    waited = sum(
        line["seconds"]
        for line in server.record(name)
        if line["kind"] == "step" and line["state"] == "done" and line["id"] in WAITING
    )
    return took - waited, waited


def _seconds(hosts: tuple[str, ...], env: dict[str, str]) -> float:
    began = time.monotonic()
    done = process("remote", "status", *hosts, **env)
    assert "reached" not in done.stderr
    return time.monotonic() - began


if __name__ == "__main__":
    main()
