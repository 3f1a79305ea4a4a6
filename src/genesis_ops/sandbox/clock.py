"""The sandbox's own time: it starts where it is told to and can run faster than the wall."""

from collections.abc import Callable


class SandboxClock:
    """Give sandbox time (ms since the epoch, UTC): ``start_ms`` plus the seconds passed, times ``speed``."""

    def __init__(self, start_ms: int, speed: float, monotonic: Callable[[], float]) -> None:
        self.start_ms = start_ms
        self.speed = speed
        self._monotonic = monotonic
        self._zero = monotonic()

    def now_ms(self) -> int:
        """Tell the sandbox time in ms."""
        return self.start_ms + int((self._monotonic() - self._zero) * 1000 * self.speed)
