"""The host's clock and the wish to stop, which a wait has to notice at once."""

import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol


class Clock(Protocol):
    """What the runner knows of time; a rehearsal passes in another one."""

    def now_ms(self) -> int:
        """Tell the wall clock's time (ms, UTC); it can be wrong and can step."""

    def monotonic(self) -> float:
        """Tell a time in seconds that never steps."""

    def wait(self, seconds: float) -> None:
        """Let time pass; may return early, so that callers ask again why they waited."""


class StopRequest:
    """Remembers the first stop signal and ends a wait; the handler itself does nothing else."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self.signal_number = self.signal_number or number

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take over SIGTERM, SIGINT and SIGHUP, unless the parent had them ignored; give them back afterwards."""
        names = ("SIGTERM", "SIGINT", "SIGHUP")
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        wanted = [n for n in numbers if signal.getsignal(n) is not signal.SIG_IGN]
        before = {n: signal.signal(n, self._remember) for n in wanted}
        wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._reader.close()
            self._writer.close()

    def wait(self, seconds: float) -> None:
        """Wait for at most so many seconds, or until a signal comes."""
        ready, _, _ = select.select([self._reader], [], [], max(0.0, seconds))
        if ready:
            self._reader.recv(4096)


class SystemClock:
    """The host's own time."""

    def __init__(self, stop: StopRequest) -> None:
        self._stop = stop

    def now_ms(self) -> int:
        """Tell the wall clock's time (ms, UTC)."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Tell a time in seconds that never steps."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait, or return early because a signal came."""
        self._stop.wait(seconds)
