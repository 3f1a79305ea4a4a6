"""A clock that only moves when somebody waits."""

import math


class VirtualClock:
    """Time for a rehearsal: a wait is over at once, and that much later."""

    def __init__(self, start_ms: int) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Tell the virtual wall clock's time (ms, UTC)."""
        return self._now_ms

    def monotonic(self) -> float:
        """Tell the same time in seconds."""
        return self._now_ms / 1000

    def wait(self, seconds: float) -> None:
        """Let at least so much time pass, and at least a millisecond, so that no loop stands still."""
        self._now_ms += max(1, math.ceil(seconds * 1000 - 1e-6))
