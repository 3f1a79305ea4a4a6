"""A clock that two processes share: it stands still while a request is under way, and moves when the runner waits."""

import math
import mmap
import struct
from pathlib import Path

_MS = struct.Struct("<q")


class SharedClock:
    """Time for a runner and its sandbox in a file, so that an hour passes in a moment on both sides of the wire."""

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
