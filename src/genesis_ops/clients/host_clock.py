"""The host's own time, for commands that look and judge; apart from the runner's clock, which loads sockets."""

import time


class HostClock:
    """The host's own time, for a command that Ctrl-C may end anywhere."""

    def now_ms(self) -> int:
        """Tell the wall clock's time (ms, UTC)."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Tell a time in seconds that never steps."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)
