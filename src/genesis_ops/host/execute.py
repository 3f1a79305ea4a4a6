"""One step run to its end: with its user's rights, without a terminal, within its time, and with all that it says."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from genesis_ops.clients.machine_program import Caller
from genesis_ops.host.rights import caller, environment
from genesis_ops.words import visible

_GLANCE_SECONDS = 0.5
_MOST_BYTES = 1 << 22
_LAST_BYTES = 1 << 12


class Ended(NamedTuple):
    """How a step ended; ``trouble`` says why it did not come to its own end."""

    code: int
    out: bytes
    err: bytes
    seconds: float
    trouble: str = ""

    @property
    def well(self) -> bool:
        """Whether it did what it is there for."""
        return self.code == 0 and not self.trouble


class Inside(NamedTuple):
    """What this program does itself: commands that begin with these words, in a process that is a copy of this one.

    A new interpreter would cost a quarter of a second each time, while the services are down.
    """

    begins: tuple[str, ...]
    do: Callable[[Sequence[str]], int]
    """Does a command, given without what it begins with but for the last word, and gives its exit code."""

    def holds(self, command: Sequence[str]) -> bool:
        """Tell whether this is such a command."""
        return tuple(command[: len(self.begins)]) == self.begins


class _Running(NamedTuple):
    """A step's process, however it was started; ``wait`` gives its exit code, or None where the time is over first."""

    pid: int
    wait: Callable[[float | None], int | None]


def execute(
    command: Sequence[str],
    user: str,
    seconds: float,
    waiting: Callable[[str], None],
    inside: Inside | None = None,
) -> Ended:
    """Run a command; ``waiting`` is told the last line of its stderr whenever that changes, while it goes on.

    Raises:
        Refused: there is no such user.
    """
    found, began = caller(user), time.monotonic()
    kept = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    about = (found, {**kept, **environment(user)})
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            if inside is not None and inside.holds(command):
                process = _copied(inside, command, about, (out, err))
            else:
                process = _started(command, about, (out, err))
        except (OSError, subprocess.SubprocessError) as error:
            why = f"{command[0]} cannot be run ({getattr(error, 'strerror', None) or error})"
            return Ended(-1, b"", b"", 0.0, why)
        code, trouble = _awaited(process, seconds, err, waiting)
        return Ended(code, _all(out), _all(err), time.monotonic() - began, trouble)


_About = tuple[Caller | None, dict[str, str]]
_Says = tuple[IO[bytes], IO[bytes]]


def _started(command: Sequence[str], about: _About, says: _Says) -> _Running:
    rights: dict[str, Any] = {}
    if (found := about[0]) is not None:
        rights = {"user": found.uid, "group": found.gid, "extra_groups": []}
    process = subprocess.Popen(  # noqa: S603 - the plan names the programs; nothing goes through a shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=says[0],
        stderr=says[1],
        cwd="/",
        env=about[1],
        start_new_session=True,  # a signal to this one is not one to the step
        **rights,
    )

    def wait(seconds: float | None) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return process.returncode

    return _Running(process.pid, wait)


def _copied(inside: Inside, command: Sequence[str], about: _About, says: _Says) -> _Running:
    from multiprocessing import get_context

    words = command[len(inside.begins) - 1 :]
    copy = get_context("fork").Process(target=_be_the_step, args=(inside.do, words, about, says))
    copy.start()

    def wait(seconds: float | None) -> int | None:
        copy.join(seconds)
        return copy.exitcode

    return _Running(copy.pid or 0, wait)


def _be_the_step(do: Callable[[Sequence[str]], int], words: Sequence[str], about: _About, says: _Says) -> None:
    """Be, in the copy, what a program of one's own would have been: another session, other rights.

    It keeps the operation's lock open: while a step goes on whose run was killed, nobody else is to begin.
    """
    os.setsid()
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)
    with Path(os.devnull).open("rb") as nothing:
        for number, file in enumerate((nothing, *says)):
            os.dup2(file.fileno(), number)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
        for number, mode in enumerate(("r", "w", "w"))
    )
    if (found := about[0]) is not None:
        os.setgroups([])
        os.setgid(found.gid)
        os.setuid(found.uid)
    os.environ.clear()
    os.environ.update(about[1])
    os.chdir("/")
    code = do(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # what the copied program had open or planned for its end is not this one's


def _awaited(process: _Running, seconds: float, err: IO[bytes], waiting: Callable[[str], None]) -> tuple[int, str]:
    """Wait for the end, and tell why where the time is over; what it started is ended with it."""
    until, told = time.monotonic() + seconds, ""
    code: int | None = None
    try:
        while (left := until - time.monotonic()) > 0:
            if (code := process.wait(min(_GLANCE_SECONDS, left))) is not None:
                return code, ""
            if (line := _last_line(err)) != told:
                told = line
                waiting(line)
    finally:
        if code is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait(None)
    return -signal.SIGKILL if code is None else code, f"it did not end within {seconds:.0f}s"


def _last_line(err: IO[bytes]) -> str:
    size = os.fstat(err.fileno()).st_size
    lines = os.pread(err.fileno(), _LAST_BYTES, max(0, size - _LAST_BYTES)).splitlines()
    return visible(lines[-1].decode("utf-8", "replace").strip()) if lines else ""


def _all(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(_MOST_BYTES)
