"""How long ``remote status`` takes over a real sshd on loopback: one host, and twenty; run as a program."""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path += [str(HERE / "remote"), str(HERE / "cli")]

from cli_process import process  # noqa: E402 - found by the line above
from remote_machine import machine  # noqa: E402 - as above
from remote_sshd import client, sshd  # noqa: E402 - as above

TIMES = 7


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


def _seconds(hosts: tuple[str, ...], env: dict[str, str]) -> float:
    began = time.monotonic()
    done = process("remote", "status", *hosts, **env)
    assert "reached" not in done.stderr
    return time.monotonic() - began


if __name__ == "__main__":
    main()
