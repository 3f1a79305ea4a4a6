"""One step run to its end: with its user's rights, without a terminal, within its time, and with all that it says."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Any, NamedTuple

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


def execute(command: Sequence[str], user: str, seconds: float, waiting: Callable[[str], None]) -> Ended:
    """Run a command; ``waiting`` is told the last line of its stderr whenever that changes, while it goes on.

    Raises:
        Refused: there is no such user.
    """
    rights: dict[str, Any] = {}
    if (found := caller(user)) is not None:
        rights = {"user": found.uid, "group": found.gid, "extra_groups": []}
    kept = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(  # noqa: S603 - the plan names the programs; nothing goes through a shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd="/",
                env={**kept, **environment(user)},
                start_new_session=True,  # a signal to this one is not one to the step
                **rights,
            )
        except (OSError, subprocess.SubprocessError) as error:
            why = f"{command[0]} cannot be run ({getattr(error, 'strerror', None) or error})"
            return Ended(-1, b"", b"", 0.0, why)
        trouble = _awaited(process, seconds, err, waiting)
        return Ended(process.returncode, _all(out), _all(err), time.monotonic() - began, trouble)


def _awaited(process: "subprocess.Popen[bytes]", seconds: float, err: IO[bytes], waiting: Callable[[str], None]) -> str:
    """Wait for the end, and tell why where the time is over; what it started is ended with it."""
    until, told = time.monotonic() + seconds, ""
    try:
        while (left := until - time.monotonic()) > 0:
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(_GLANCE_SECONDS, left))
                return ""
            if (line := _last_line(err)) != told:
                told = line
                waiting(line)
        return f"it did not end within {seconds:.0f}s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _last_line(err: IO[bytes]) -> str:
    size = os.fstat(err.fileno()).st_size
    lines = os.pread(err.fileno(), _LAST_BYTES, max(0, size - _LAST_BYTES)).splitlines()
    return visible(lines[-1].decode("utf-8", "replace").strip()) if lines else ""


def _all(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(_MOST_BYTES)
