"""The system's own OpenSSH with the operator's own configuration: nothing is asked, no host key taken on trust."""

import os
import queue
import re
import select
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from genesis_ops.errors import RemoteUnavailable
from genesis_ops.remote.script import LOGIN, line
from genesis_ops.remote.trouble import Ending, trouble
from genesis_ops.words import duration

CONNECT_SECONDS = 10
_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    f"ConnectTimeout={CONNECT_SECONDS}",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "RequestTTY=no",
    "RemoteCommand=none",  # an alias for people may start a screen
    "PermitLocalCommand=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
)
_MOST_BYTES = 1 << 26
_MOST_COMPLAINTS = 1 << 16
_MOST_GREETING = 1 << 20
_PIECE = 1 << 16
_LAST_WORDS_SECONDS = 0.2
"""How long nothing is to come after ssh's end: the shared connection's keeper holds stderr open."""
TICK_SECONDS = 0.5
"""How long a wait is at most: a signal that comes as one begins is not answered before it is over."""
_PLAIN_PLACE = re.compile(r"/[A-Za-z0-9/._+-]{0,60}")
"""A directory whose name ssh takes as it is, for a socket, which has room for some 100 bytes (unix(7))."""


class Running:
    """The ssh processes that several threads have started, for who wants to end them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._over = False

    def add(self, process: "subprocess.Popen[bytes]") -> None:
        """Remember a process; one that comes too late is ended at once."""
        with self._lock:
            self._processes.append(process)
            if self._over:
                process.kill()

    def end(self) -> None:
        """End all of them, and those to come."""
        with self._lock:
            self._over = True
            for process in self._processes:
                process.kill()


class Ssh(NamedTuple):
    """A way to a host; ``control`` is the socket of the connection that calls share, empty where each has its own."""

    target: str
    sudo: bool = True
    control: str = ""
    running: Running | None = None
    """Where every ssh is to be known, if anywhere."""


class Piece(NamedTuple):
    """Some of what came back; ``err`` tells stderr from stdout."""

    err: bool
    raw: bytes


class Answer(NamedTuple):
    """What a program there said and ended with; its stderr is untrusted text."""

    code: int
    out: bytes
    err: str


@contextmanager
def connected(target: str, *, sudo: bool = True) -> Iterator[Ssh]:
    """Give a way on which all calls share one connection, where the platform can, and close it at the end."""
    with ExitStack() as stack:
        ssh = Ssh(target, sudo, _control(stack))
        stack.callback(_close, ssh)
        yield ssh


def _control(stack: ExitStack) -> str:
    """Make a place for the socket that calls share; empty where there is none, and each call connects by itself."""
    if os.name == "nt":  # its OpenSSH has no such sockets
        return ""
    with suppress(OSError):
        usual = tempfile.gettempdir()
        place = usual if _PLAIN_PLACE.fullmatch(usual) else "/tmp"  # noqa: S108 - a directory of our own is made there
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="genesis-ops-", dir=place))  # 0700
        return str(Path(directory) / "c")
    return ""


class _Stream:
    """One of the two streams: what comes before the mark is the login's, and not the program's."""

    def __init__(self, mark: bytes, target: str) -> None:
        self._mark, self._target = mark, target
        self._greeting = bytearray()
        self.began = False

    def taken(self, raw: bytes) -> bytes:
        """Give what of it is the program's.

        Raises:
            RemoteUnavailable: the mark does not come.
        """
        if self.began:
            return raw
        self._greeting += raw
        _, found, rest = bytes(self._greeting).partition(self._mark)
        self.began = bool(found)
        if not found and len(self._greeting) > _MOST_GREETING:
            raise RemoteUnavailable(f"the login of {self._target} talks without end, and runs nothing")
        return rest


def command(ssh: Ssh) -> tuple[str, ...]:
    """Give ssh's own command line: nothing of what is to be run there stands in it."""
    shared = ("ControlMaster=auto", f"ControlPath={ssh.control}", "ControlPersist=60") if ssh.control else ()
    alone = () if ssh.control else ("ControlMaster=no", "ControlPath=none")
    options = (word for option in (*_OPTIONS, *shared, *alone) for word in ("-o", option))
    return ("ssh", "-T", *options, "--", ssh.target, LOGIN)


def call(ssh: Ssh, words: Sequence[str], *, user: str, data: bytes = b"", seconds: float) -> Answer:
    """Run a program there to its end, within a time limit (seconds), and give all that it said.

    Raises:
        RemoteUnavailable: the host cannot be reached, does not answer in time, or says far too much.
        Refused: sudo there wants a password, or there is no such program.
    """
    out, err = bytearray(), bytearray()
    with closing(talk(ssh, words, user=user, data=data, seconds=seconds)) as conversation:
        while True:
            try:
                piece = next(conversation)
            except StopIteration as over:
                return Answer(over.value, bytes(out), err.decode("utf-8", "replace"))
            (err if piece.err else out).extend(piece.raw)
            if len(out) > _MOST_BYTES:
                raise RemoteUnavailable(f"{ssh.target} answered with more than {_MOST_BYTES} bytes")


def talk(
    ssh: Ssh, words: Sequence[str], *, user: str, data: bytes = b"", seconds: float | None = None
) -> Generator[Piece, None, int]:
    """Run a program there and give what it says as it comes; the value at the end is what it ended with.

    Whoever closes the generator early ends ssh here; what runs there ends when it next writes.

    Raises:
        RemoteUnavailable: as in ``call``; ``Broken`` where the program had begun.
        Refused: as in ``call``.
    """
    marker = f"genesis-ops-{os.urandom(8).hex()}"
    script = line(words, user, sudo=ssh.sudo, marker=marker)
    process = _started(ssh)
    if ssh.running is not None:
        ssh.running.add(process)
    out, err = (_Stream(f"{marker}\n".encode("ascii"), ssh.target) for _ in range(2))
    silent, complaints = True, bytearray()
    try:
        for piece in _pieces(process, script + data, ssh.target, seconds):
            said = (err if piece.err else out).taken(piece.raw)
            if piece.err:
                complaints.extend(piece.raw[: _MOST_COMPLAINTS - len(complaints)])
            elif said:
                silent = False
            if said:
                yield Piece(piece.err, said)
        code = process.wait()
    finally:
        _end(process)
    told = complaints.decode("utf-8", "replace").replace(f"{marker}\n", "")
    ending = Ending(ssh.target, words, user, code, out.began, silent, told, ssh.sudo)
    if (error := trouble(ending)) is not None:
        raise error
    return code


def lines(conversation: Generator[Piece, None, int], most: int = 1 << 20) -> Generator[tuple[bool, str], None, int]:
    """Give whole lines of a conversation, each with whether it is stderr's; a line too long for anybody is cut.

    Raises:
        RemoteUnavailable: as in ``talk``.
        Refused: as in ``talk``.
    """
    rest = {True: bytearray(), False: bytearray()}
    with closing(conversation):
        while True:
            try:
                piece = next(conversation)
            except StopIteration as over:
                yield from ((err, _text(raw)) for err, raw in rest.items() if raw)
                return int(over.value)
            here = rest[piece.err]
            *ends, last = piece.raw.split(b"\n")
            for end in ends:
                here += end[: most - len(here)]
                yield piece.err, _text(here)
                here.clear()
            here += last[: most - len(here)]


def _text(raw: bytearray) -> str:
    return raw.decode("utf-8", "replace").removesuffix("\r")


def _started(ssh: Ssh) -> "subprocess.Popen[bytes]":
    """Start ssh away from the terminal: nothing is asked there, and Ctrl-C is answered here alone.

    Raises:
        RemoteUnavailable: there is no ssh on this host.
    """
    program = shutil.which("ssh")
    if program is None:
        raise RemoteUnavailable("there is no ssh on this host", notes=("install OpenSSH's client",))
    try:
        return subprocess.Popen(  # noqa: S603 - a constant command; the target was checked, and no shell reads it here
            (program, *command(ssh)[1:]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise RemoteUnavailable(f"{program} cannot be run ({error.strerror})") from error


def _pieces(process: "subprocess.Popen[bytes]", data: bytes, target: str, seconds: float | None) -> Iterator[Piece]:
    """Write and read at once, until stdout ends and ssh with it.

    Raises:
        RemoteUnavailable: the time is over.
    """
    heard: queue.SimpleQueue[Piece] = queue.SimpleQueue()
    assert process.stdin is not None  # noqa: S101 - the three are pipes, which the type does not know
    assert process.stdout is not None  # noqa: S101 - as above
    assert process.stderr is not None  # noqa: S101 - as above
    threading.Thread(target=_write, args=(process.stdin, data), daemon=True).start()
    for stream, err in ((process.stdout, False), (process.stderr, True)):
        threading.Thread(target=_read, args=(stream, heard, err), daemon=True).start()
    deadline = None if seconds is None else time.monotonic() + seconds
    open_ones = {False, True}
    while open_ones:
        try:
            piece = heard.get(timeout=_LAST_WORDS_SECONDS if False not in open_ones else _left(deadline))
        except queue.Empty:
            if False not in open_ones and process.poll() is not None and not _has_more(process.stderr):
                return
            if deadline is None or time.monotonic() < deadline:
                continue
            raise RemoteUnavailable(f"{target} did not answer within {duration(seconds or 0)}") from None
        if piece.raw:
            yield piece
        else:
            open_ones.discard(piece.err)


def _has_more(stream: IO[bytes]) -> bool:
    """Tell whether there is something that nobody has read yet, where a system can tell of a pipe."""
    with suppress(OSError, ValueError):
        return bool(select.select([stream], [], [], 0)[0])
    return False


def _left(deadline: float | None) -> float:
    return TICK_SECONDS if deadline is None else min(TICK_SECONDS, max(0.0, deadline - time.monotonic()))


def _write(stream: IO[bytes], data: bytes) -> None:
    with suppress(OSError, ValueError):  # who does not read to the end has its reasons, and its exit code says them
        stream.write(data)
    with suppress(OSError, ValueError):
        stream.close()


def _read(stream: IO[bytes], heard: "queue.SimpleQueue[Piece]", err: bool) -> None:
    with suppress(OSError, ValueError):
        while raw := os.read(stream.fileno(), _PIECE):
            heard.put(Piece(err, raw))
    heard.put(Piece(err, b""))


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _close(ssh: Ssh) -> None:
    """Let the shared connection go."""
    if not ssh.control or not Path(ssh.control).exists() or (program := shutil.which("ssh")) is None:
        return
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(  # noqa: S603 - as above
            (program, "-o", f"ControlPath={ssh.control}", "-O", "exit", "--", ssh.target),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=CONNECT_SECONDS,
        )
