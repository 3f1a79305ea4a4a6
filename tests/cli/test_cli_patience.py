"""What takes more than a second says so, to a person alone."""

import os
import pty
import subprocess
import sys

from cli_process import environment

PROGRAM = """
import sys
from genesis_ops.cli.patience import patience
with patience("reading the log", 0.0):
    sys.stdin.readline()
print("rich" in sys.modules)
"""


def test_a_terminal_is_told_what_takes_so_long() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=-1, stderr=theirs, env=environment(TERM="xterm")
    ) as made:
        os.close(theirs)
        seen = b""
        while b"reading the log" not in seen:
            seen += os.read(ours, 1000)
        assert made.communicate(b"\n")[0] == b"True\n"
    os.close(ours)


def test_a_pipe_is_told_nothing() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, input=b"\n", capture_output=True, check=True, env=environment())
    assert (done.stdout, done.stderr) == (b"False\n", b"")
