"""Clocks of the drills: one that two processes share, and one at whose first look something happens."""

import math
import mmap
import struct
from collections.abc import Callable
from pathlib import Path

from genesis_ops.clients.clock import Clock

_MS = struct.Struct("<q")


class InterruptedClock:
    """A clock at which something happens as it is asked for the time: a start first asks as it takes its locks."""

    def __init__(self, clock: Clock, happens: Callable[[], None]) -> None:
        self._clock, self._happens = clock, happens
        self.monotonic, self.wait = clock.monotonic, clock.wait

    def now_ms(self) -> int:
        """Tell the time (ms, UTC)."""
        self._happens()
        return self._clock.now_ms()


class SharedClock:
    """Time for a runner and its sandbox in a file, so that an hour passes in a moment on both sides of the wire.

    It stands still while a request is under way, and moves when the runner waits.
    """

    def __init__(self, path: Path, start_ms: int | None = None) -> None:
        if start_ms is not None:
            path.write_bytes(_MS.pack(start_ms))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _MS.size)

    def now_ms(self) -> int:
        """Tell the time (ms, UTC)."""
        return int(_MS.unpack_from(self._shared)[0])

    def monotonic(self) -> float:
        """Tell the same time in seconds."""
        return self.now_ms() / 1000

    def wait(self, seconds: float) -> None:
        """Let at least so much time pass, and at least a millisecond, so that no loop stands still."""
        _MS.pack_into(self._shared, 0, self.now_ms() + max(1, math.ceil(seconds * 1000 - 1e-6)))
