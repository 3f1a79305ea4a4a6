"""The program that ``drill crash`` starts: the real runner in a process of its own, which dies at a chosen call.

What it traps are its own process's system calls; the runner knows nothing of it.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.errors import GenesisError
from genesis_ops.rehearsal.drill_clock import SharedClock
from genesis_ops.rehearsal.drill_root import settings_of, surroundings
from genesis_ops.runner.start import start
from genesis_ops.sandbox.wire import SUBMIT
from genesis_ops.words import Exit, Mode


class Boundary(NamedTuple):
    """A call at which a runner dies: the first one of its kind that carries the mark, once ``since`` has gone by.

    ``when`` is before it, half (the call takes half of the bytes) or after. What is due of the order after a restart is
    how many requests have arrived (``sent``), and what is known of it (``outcome``).
    """

    id: str
    told: str
    call: str
    mark: str
    when: str = "before"
    since: str = ""
    sent: int = 1
    outcome: str = "ACKED, filled once"


class Job(NamedTuple):
    """What a process is asked for: where to run, on which clock, until when (ms, UTC), and where to die (if at all)."""

    root: str
    clock: str
    url: str
    until_ms: int
    boundary: Boundary | None = None


_PLACES: dict[str, tuple[Any, str]] = {
    "write": (os, "write"),
    "replace": (os, "replace"),
    "send": (socket.socket, "send"),
}
_UNSYNCED = "a request left before its intent was on the disk"


class UnsyncedIntent:
    """Watches whether the intent of an order is on the disk before its request leaves, as a power cut would ask."""

    def __init__(self) -> None:
        self._unsynced: set[int] = set()

    def around(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Give the call as it is; a request whose intent could still be lost ends the process."""

        def call(first: Any, *args: Any) -> Any:
            if name == "fsync":
                self._unsynced.discard(first)
            elif name == "send" and self._unsynced and SUBMIT.encode() in bytes(args[0]):
                sys.stderr.write(_UNSYNCED)
                sys.stderr.flush()
                os._exit(Exit.FAIL)
            done = real(first, *args)
            if name == "write" and b'"armed"' in bytes(args[0]):
                self._unsynced.add(first)
            return done

        return call


class _Trap:
    """Watches the calls go by, and kills its own process at the boundary."""

    def __init__(self, boundary: Boundary) -> None:
        self._boundary = boundary
        self._armed = not boundary.since

    def around(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Give the call as it is, but for the one at which the process dies."""

        def call(*args: Any, **kwargs: Any) -> Any:
            if not self._is_here(name, args):
                return real(*args, **kwargs)
            if self._boundary.when == "half":
                real(args[0], bytes(args[1])[: len(args[1]) // 2], *args[2:])
            elif self._boundary.when == "after":
                real(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("a process outlived its SIGKILL")

        return call

    def _is_here(self, name: str, args: tuple[Any, ...]) -> bool:
        said = os.fsencode(args[1]) if name == "replace" else bytes(args[1])
        armed, boundary = self._armed, self._boundary
        self._armed = armed or boundary.since.encode() in said
        return armed and name == boundary.call and boundary.mark.encode() in said


def work(job: Job) -> int:
    """Run live-paper as asked; give the exit code."""
    intent = UnsyncedIntent()
    for name, (place, attribute) in (_PLACES | {"fsync": (os, "fsync")}).items():
        setattr(place, attribute, intent.around(name, getattr(place, attribute)))
    if job.boundary is not None:
        trap = _Trap(job.boundary)
        for name, (place, attribute) in _PLACES.items():
            setattr(place, attribute, trap.around(name, getattr(place, attribute)))
    settings = replace(settings_of(Path(job.root)), api_url=job.url, exchange_url=job.url)
    clock = SharedClock(Path(job.clock))
    around = replace(surroundings(clock, None, until_ms=job.until_ms), durable=True)
    try:
        start(settings, around, candles=None, rebuild=False, mode=Mode.LIVE_PAPER)
    except GenesisError as error:
        sys.stderr.write("\n".join((error.message, *error.notes)))
        return int(error.exit_code)
    return Exit.PASS


def written(job: Job) -> str:
    """Write a job as the program takes it."""
    return json.dumps(job)


def read(text: str) -> Job:
    """Read a job that was written by ``written``."""
    root, clock, url, until_ms, boundary = json.loads(text)
    return Job(root, clock, url, until_ms, None if boundary is None else Boundary(*boundary))


if __name__ == "__main__":
    sys.exit(work(read(sys.argv[1])))
