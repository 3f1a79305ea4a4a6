"""What a supervisor hears on a real socket, and when."""

import re
import signal
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from rehearsal_processes import COMMAND, Place, Root, hour_ahead, until
from rehearsal_stranger import stranger


class Supervisor:
    """A bound datagram socket; the address is what NOTIFY_SOCKET says."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.heard: list[list[str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def listen(self) -> list[list[str]]:
        """Everything that was said so far, a list of lines a datagram."""
        with suppress(BlockingIOError):
            while True:
                self.heard.append(self._socket.recv(65536).decode().split("\n"))
        return self.heard

    def said(self, line: str) -> int:
        return sum(line in lines for lines in self.listen())

    def deafen(self) -> None:
        """Fill the queue, as a supervisor does that has stopped reading."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, suppress(BlockingIOError):
            other.setblocking(False)
            while True:
                other.sendto(b"X=1", self._socket.getsockname())

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def supervisor(request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    # An address has at most 107 bytes, which a temporary directory of a test can exceed.
    with tempfile.TemporaryDirectory() as directory:
        abstract = getattr(request, "param", "path") == "abstract"
        address = f"@genesis-{uuid.uuid4()}" if abstract else str(Path(directory) / "notify")
        with closing(Supervisor(address)) as made:
            yield made


def test_before_anything_is_verified_only_more_time_is_asked_for(place: Place, supervisor: Supervisor) -> None:
    sandbox = place.sandbox("--fault", "feed-down")
    runner = place.run(place.root(), sandbox, NOTIFY_SOCKET=supervisor.address, WATCHDOG_USEC="60000000")
    until(supervisor.listen, otherwise=lambda: runner.err)
    assert runner.stopped() == 0
    first, last = supervisor.listen()
    assert re.fullmatch(r"STATUS=polls=1 evaluated=0( .+)?", first[0])
    assert re.fullmatch(r"EXTEND_TIMEOUT_USEC=\d{8}", first[1])
    assert last == ["STOPPING=1"]


@pytest.mark.parametrize("supervisor", ["path", "abstract"], indirect=True)
def test_ready_is_said_when_the_champion_is_verified_and_not_before(place: Place, supervisor: Supervisor) -> None:
    root = place.root()
    with stranger(seconds_to_a_close=30) as (flags, _, handler):
        handler.go_on.clear()
        command = (*COMMAND, "--root", str(root.path), "run", *flags)
        runner = place.start(command, {"NOTIFY_SOCKET": supervisor.address, "WATCHDOG_USEC": "60000000"})
        until(lambda: handler.asked, otherwise=lambda: runner.err)
        assert supervisor.said("READY=1") == supervisor.said("WATCHDOG=1") == 0
        handler.go_on.set()
        until(lambda: supervisor.said("READY=1"), otherwise=lambda: runner.err)
        assert root.messages("Champion verified successfully.")
        assert runner.stopped() == 0


def test_each_cycle_feeds_the_watchdog_and_the_end_is_announced(place: Place, supervisor: Supervisor) -> None:
    # A row that is late is looked for several times within seconds.
    sandbox = place.sandbox("--fault", "late-row", start=hour_ahead(2))
    runner = place.run(place.root(), sandbox, NOTIFY_SOCKET=supervisor.address, WATCHDOG_USEC="60000000")
    until(lambda: supervisor.said("WATCHDOG=1") >= 3, otherwise=lambda: runner.err)
    assert runner.stopped() == 0
    said = supervisor.listen()
    assert said[-1] == ["STOPPING=1"]
    assert supervisor.said("READY=1") == supervisor.said("STOPPING=1") == 1
    ready = next(at for at, lines in enumerate(said) if "READY=1" in lines)
    assert not any("WATCHDOG=1" in lines for lines in said[:ready])
    assert all("WATCHDOG=1" in lines for lines in said[ready + 1 : -1])
    polls = [re.fullmatch(r"STATUS=polls=(\d+) evaluated=1( .+)?", lines[-1]) for lines in said[ready + 1 : -1]]
    counted = [int(found[1]) for found in polls if found]
    assert counted == list(range(counted[0], counted[0] + len(polls)))


def test_the_watchdog_is_left_alone_where_none_was_asked_for(place: Place, supervisor: Supervisor) -> None:
    sandbox = place.sandbox(start=hour_ahead(1200))
    runner = place.run(place.root(), sandbox, NOTIFY_SOCKET=supervisor.address)
    until(lambda: len(supervisor.listen()) >= 2, otherwise=lambda: runner.err)
    assert runner.stopped() == 0
    assert supervisor.said("WATCHDOG=1") == 0
    assert supervisor.said("READY=1") == 1


def logged_an_evaluation(root: Root) -> bool:
    return bool(root.messages("EVALUATION: "))


def test_a_supervisor_that_is_not_there_ends_nothing(place: Place) -> None:
    sandbox = place.sandbox(start=hour_ahead(1200))
    root = place.root()
    runner = place.run(root, sandbox, NOTIFY_SOCKET=str(place.path / "nobody"), WATCHDOG_USEC="1000000")
    until(lambda: logged_an_evaluation(root), otherwise=lambda: runner.err)
    assert runner.stopped() == 0


def test_a_supervisor_that_does_not_read_holds_nothing_up(place: Place, supervisor: Supervisor) -> None:
    supervisor.deafen()
    sandbox = place.sandbox(start=hour_ahead(1200))
    root = place.root()
    runner = place.run(root, sandbox, NOTIFY_SOCKET=supervisor.address, WATCHDOG_USEC="60000000")
    until(lambda: logged_an_evaluation(root), seconds=5, otherwise=lambda: runner.err)
    assert runner.stopped(signal.SIGTERM, seconds=5) == 0
