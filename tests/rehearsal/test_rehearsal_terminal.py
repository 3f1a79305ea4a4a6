"""What a person sees on a terminal, and that losing it costs nothing."""

import fcntl
import os
import pty
import re
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from rehearsal_processes import COMMAND, Place, Root, Sandbox, Started, hour_ahead, until

COLUMNS = 80
LIVE = "DRY-RUN tBTCUSD 1h · "
ESCAPE = "\x1b"


class Terminal:
    """A pseudo-terminal of 80 columns and everything that was written to it."""

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        self._bytes = bytearray()
        self._hung_up = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # EIO: the last process has closed its end
            while not self._hung_up.is_set():
                self._bytes += os.read(self._master, 65536)

    @property
    def written(self) -> str:
        return self._bytes.decode()

    @property
    def live(self) -> list[str]:
        """Each state of the live line."""
        parts = re.split(r"[\r\n]|\x1b\[[0-9;?]*[A-Za-z]", self.written)
        return [part for part in parts if part.startswith(LIVE)]

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._master, b"\x03")

    def hand_over(self) -> None:
        os.close(self.slave)

    def hang_up(self) -> None:
        """Close the window: the process gets SIGHUP, and each further write fails."""
        self._hung_up.set()
        os.close(self._master)


def take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    with suppress(OSError):
        made.hang_up()


@pytest.fixture
def sandbox(place: Place) -> Sandbox:
    return place.sandbox(start=hour_ahead(2.5))


def run_on(terminal: Terminal, place: Place, root: Root, sandbox: Sandbox, **environment: str) -> Started:
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.slave)
    command = (*COMMAND, "--root", str(root.path), "run", *sandbox.flags)
    started = place.start(
        command, {"TERM": "xterm-256color"} | environment, **streams, start_new_session=True, preexec_fn=take_terminal
    )  # fmt: skip
    terminal.hand_over()
    return started


def test_a_terminal_shows_a_live_line_of_at_most_80_columns_that_keeps_up(place: Place, terminal: Terminal) -> None:
    sandbox = place.sandbox("--fault", "evaluate-error@2s", start=hour_ahead(2.5))
    root = place.root()
    runner = run_on(terminal, place, root, sandbox)
    until(lambda: any("! API failing" in line for line in terminal.live), otherwise=lambda: terminal.written)
    terminal.interrupt()
    assert runner.ended() == 0
    assert max(map(len, terminal.live)) <= COLUMNS
    seen = "\n".join(terminal.live)
    assert re.search(
        r"last close \d\d:00 [\d,.]+ · next \d\d:00 in [0-9]{1,2}s · (NONE|LONG|SHORT) 1$", seen, re.MULTILINE
    )
    assert any("! API failing" in line and line.endswith("…") for line in terminal.live), seen
    assert re.search(r"last close \d\d:00 [\d,.]+ · next \d\d:00 in [1-9]s · (NONE|LONG|SHORT) 1$", seen, re.MULTILINE)
    assert any("! API failing" in line and line.endswith("…") for line in terminal.live), seen
    assert "Received signal 2. Shutting down..." in terminal.written
    assert "Runner stopped." in terminal.written
    assert terminal.written.rindex("\x1b[?25h") > terminal.written.rindex("\x1b[?25l"), "the cursor is back"


def test_without_colour_none_is_used(place: Place, sandbox: Sandbox, terminal: Terminal) -> None:
    root = place.root()
    runner = run_on(terminal, place, root, sandbox, NO_COLOR="1")
    until(lambda: terminal.live)
    terminal.interrupt()
    assert runner.ended() == 0
    attributes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", terminal.written) for code in found.split(";")}
    assert attributes <= {"", "0", "1", "2", "3"}, "bold and dim are no colours"
    assert "Clock is off" in terminal.written


def test_a_dumb_terminal_gets_no_escape_sequences(place: Place, sandbox: Sandbox, terminal: Terminal) -> None:
    root = place.root()
    runner = run_on(terminal, place, root, sandbox, TERM="dumb")
    until(lambda: root.messages("EVALUATION"))
    terminal.interrupt()
    assert runner.ended() == 0
    assert "NEW CANDLE CLOSE" in terminal.written
    assert ESCAPE not in terminal.written


@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}, {"TERM": "xterm-256color", "COLUMNS": "20"}])
def test_in_a_file_there_is_no_live_line_and_no_escape_sequence(
    place: Place, sandbox: Sandbox, environment: dict[str, str]
) -> None:
    root = place.root()
    runner = place.run(root, sandbox, "--candles", "1", **environment)
    assert runner.ended() == 0
    assert "NEW CANDLE CLOSE" in runner.err
    assert LIVE not in runner.err
    assert ESCAPE not in runner.err
    assert "\r" not in runner.err
    assert all(line.isprintable() for line in (*runner.err.splitlines(), *root.log.splitlines()))


def test_a_terminal_that_goes_away_ends_the_run_cleanly(place: Place, sandbox: Sandbox, terminal: Terminal) -> None:
    root = place.root()
    runner = run_on(terminal, place, root, sandbox)
    until(lambda: terminal.live)
    terminal.hang_up()
    assert runner.ended() == 0
    assert root.messages()[-2:] == ["Received signal 1. Shutting down...", "Runner stopped."]
    assert not root.messages("FATAL")


def test_a_reader_of_stderr_that_goes_away_does_not_end_the_run(place: Place, sandbox: Sandbox) -> None:
    root = place.root()
    reading, writing = os.pipe()
    command = (*COMMAND, "--root", str(root.path), "run", *sandbox.flags, "--candles", "2")
    runner = place.start(command, stderr=writing)
    os.close(writing)
    until(lambda: root.messages("EVALUATION"))
    os.close(reading)
    assert runner.ended() == 0
    assert len(root.closes()) == len(root.messages("EVALUATION")) == 2
    assert not root.messages("FATAL")


def test_a_disk_that_takes_no_stderr_does_not_end_the_run(place: Place, sandbox: Sandbox) -> None:
    root = place.root()
    command = (*COMMAND, "--root", str(root.path), "run", *sandbox.flags, "--candles", "1")
    with Path("/dev/full").open("wb") as full:
        runner = place.start(command, stderr=full)
    assert runner.ended() == 0
    assert not root.messages("FATAL")


def test_without_any_stream_a_runner_runs(place: Place, sandbox: Sandbox) -> None:
    root = place.root()
    command = (*COMMAND, "--root", str(root.path), "run", *sandbox.flags, "--candles", "1")
    runner = place.start(("bash", "-c", 'exec "$@" <&- >&- 2>&-', "bash", *command))
    assert runner.ended() == 0
    assert len(root.messages("EVALUATION")) == 1
