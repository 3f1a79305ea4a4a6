"""genesis-ops status: always 0, never a traceback, and a screen that is refreshed in its place."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_process import COMMAND, environment, process

from genesis_ops.cli.status import EVERY_SECONDS
from genesis_ops.rehearsal.day import rehearse
from genesis_ops.words import visible

INTERRUPTED, TERMINATED, USAGE = 130, 143, 2


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("status") / "root"
    rehearse(made, hours=3, seed=7, faults=(), watch=lambda _: None)
    return made


def test_an_old_phase_is_shown_and_ends_with_0(root: Path) -> None:
    done = process("--root", str(root), "status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "NO RUNNER" in done.stdout
    assert "does not answer (nobody listens at http://127.0.0.1:9)" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_a_root_with_nothing_in_it_is_shown_and_ends_with_0(tmp_path: Path) -> None:
    done = process("--root", str(tmp_path), "status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "NO RUNNER  there is no log directory" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_without_signs_gets_ascii(root: Path) -> None:
    done = process("--root", str(root), "status", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "x NO RUNNER" in done.stdout


def test_scripts_get_one_object(root: Path) -> None:
    done = process("--root", str(root), "status", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    made = json.loads(done.stdout)
    assert (made["schema"], made["runner"]["runs"], made["api"]["answer"]) == (
        "genesis-ops.status/1",
        False,
        "refused",
    )


@pytest.mark.parametrize("arguments", [("--watch",), ("--watch", "--format", "json")])
def test_nothing_but_a_terminal_is_watched(root: Path, arguments: tuple[str, ...]) -> None:
    done = process("--root", str(root), "status", *arguments)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert f"next: genesis-ops --root {root} status" in done.stderr


def test_a_full_disk_under_the_output_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            (*COMMAND, "status"), stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False
        )
    assert done.returncode == 70
    assert b"Traceback" not in done.stderr


# --- on a terminal


class Watched:
    """``status --watch`` on a pseudo-terminal, and everything that it wrote."""

    def __init__(self, root: Path, columns: int, lines: int, *arguments: str) -> None:
        import pty

        self._master, slave = pty.openpty()
        self.resize(columns, lines)
        self.written = ""
        self.process = subprocess.Popen(
            (*COMMAND, "--root", str(root), "status", *arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(TERM="xterm"),
            start_new_session=True,
        )
        os.close(slave)

    def resize(self, columns: int, lines: int) -> None:
        import fcntl
        import termios

        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def until(self, text: str, since: int = 0) -> int:
        """Read until a text was written, and tell where what follows it begins."""
        deadline = time.monotonic() + 20
        while text not in self.written[since:] and time.monotonic() < deadline:
            self._read()
        if text not in self.written[since:]:
            self.process.kill()
            pytest.fail(f"{text} was not written: {visible(self.written)}")
        return len(self.written)

    def end(self, number: int) -> int:
        """Send a signal, read what is left, and tell the exit code."""
        self.process.send_signal(number)
        self.rest()
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()

    def rest(self) -> None:
        while self._read():
            pass
        os.close(self._master)

    def _read(self) -> bool:
        try:
            block = os.read(self._master, 65536)
        except OSError:  # EIO: the process has closed its end
            return False
        self.written += block.decode("utf-8", "replace")
        return bool(block)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)])
def test_a_watch_follows_the_window_and_gives_the_terminal_back(root: Path, number: int, code: int) -> None:
    watched = Watched(root, 80, 40, "--watch")
    so_far = watched.until("not covered")
    watched.resize(50, 10)
    began = time.monotonic()
    watched.until("more lines", so_far)
    assert time.monotonic() - began < EVERY_SECONDS - 1, "it waited for the next look"
    assert watched.end(number) == code
    assert "\x1b[?1049h" in watched.written
    assert watched.written.rindex("\x1b[?1049l") > watched.written.rindex("more lines")
    assert watched.written.rindex("\x1b[?25h") > watched.written.rindex("\x1b[?25l")
    left = watched.written.rpartition("\x1b[?1049l")[2]
    assert not re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", left).strip()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")
@pytest.mark.skipif(not hasattr(signal, "SIGTSTP"), reason="the system has no job control")
def test_a_watch_that_is_stopped_gives_the_terminal_back_until_it_goes_on(root: Path) -> None:
    watched = Watched(root, 80, 40, "--watch")
    so_far = watched.until("not covered")
    watched.process.send_signal(signal.SIGTSTP)  # which stops nobody who is in no shell's hands: it goes on at once
    so_far = watched.until("\x1b[?1049l", so_far)
    watched.until("\x1b[?1049h")
    watched.process.send_signal(signal.SIGCONT)
    watched.until("not covered", so_far)
    assert watched.end(signal.SIGINT) == 130


def test_a_terminal_gets_colours_and_its_own_width(root: Path) -> None:
    watched = Watched(root, 45, 40)
    watched.rest()
    assert watched.process.wait(20) == 0
    assert "\x1b[1;31m✗\x1b[0m" in watched.written
    shown = watched.written
    for code in ("1;31", "1;32", "1;33", "1;35", "1;36", "1;2", "1", "2", "31", "32", "33", "36", "0"):
        shown = shown.replace(f"\x1b[{code}m", "")
    assert max(map(len, shown.splitlines())) <= 45
