"""One time for two: the runner lives in a thread of its own, and stands still whenever somebody else has the stage.

Time passes only while somebody waits. The runner goes on until its own time has reached what the others wait for, and
then they go on; so a check looks at files that nobody writes meanwhile, and the same seed gives the same bytes.
"""

import math
import threading
from collections.abc import Callable


class Killed(BaseException):
    """The runner's process ended without a word, as by SIGKILL; nothing that expects an error catches it."""


class Stage:
    """The time of a rehearsal (ms, UTC) and the one runner in it; ``ahead_ms`` is what the host's clock is wrong by."""

    def __init__(self, start_ms: int) -> None:
        self.true_ms = start_ms
        self.ahead_ms = 0
        self.hangs = False
        self.stop_number: int | None = None
        self.ended_ms = start_ms
        self._until_ms = start_ms
        self._killed = False
        self._thread: threading.Thread | None = None
        self._ended: list[BaseException | None] = []
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)

    @property
    def lives(self) -> bool:
        """Whether there is a runner that has not ended."""
        return self._thread is not None and not self._ended

    @property
    def ended_by(self) -> BaseException | None:
        """What ended the newest runner; None where it ended in good order, or has not."""
        return self._ended[0] if self._ended else None

    def begin(self, life: Callable[[], object]) -> None:
        """Put a runner on the stage and let it come as far as its first wait."""
        self.stop_number, self._killed, self.hangs = None, False, False
        self._ended = []
        self._thread = threading.Thread(target=self._live, args=(life,), daemon=True)
        self._thread.start()
        self._let(self.true_ms)

    def until(self, ms: int) -> None:
        """Let time pass up to a moment (ms), the runner living meanwhile unless it hangs."""
        self._let(ms)
        self.true_ms = max(self.true_ms, ms)

    def kill(self) -> None:
        """End the runner where it stands."""
        if self.lives:
            self._killed = True
            self._let(self.true_ms, even_hanging=True)

    def _let(self, ms: int, *, even_hanging: bool = False) -> None:
        if self.lives and (even_hanging or not self.hangs):
            self._until_ms = ms
            self._go.release()
            self._back.acquire()

    # --- in the runner's thread

    def _live(self, life: Callable[[], object]) -> None:
        self._go.acquire()
        ended_by: BaseException | None = None
        try:
            life()
        except BaseException as error:  # noqa: BLE001 - whoever has the stage next says what it means
            ended_by = error
        self.ended_ms = self.true_ms
        self._ended.append(ended_by)
        self._back.release()

    def pause(self, seconds: float) -> None:
        """Wait as the runner: give the stage away if others are due before; a signal ends the wait."""
        target_ms = self.true_ms + max(1, math.ceil(seconds * 1000 - 1e-6))
        while target_ms > self._until_ms and not self._killed:
            self.true_ms = max(self.true_ms, self._until_ms)
            self._back.release()
            self._go.acquire()
            if self.stop_number is not None and not self._killed:
                return
        if self._killed:
            raise Killed
        self.true_ms = max(self.true_ms, target_ms)


class Face:
    """The host's clock as one of the two sees it; ``wait`` is how that one lets time pass (seconds)."""

    def __init__(self, stage: Stage, wait: Callable[[float], None]) -> None:
        self._stage = stage
        self._wait = wait

    def now_ms(self) -> int:
        """Tell the host's wall clock (ms, UTC), which can be wrong."""
        return self._stage.true_ms + self._stage.ahead_ms

    def monotonic(self) -> float:
        """Tell a time in seconds that never steps."""
        return self._stage.true_ms / 1000

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._wait(seconds)


def watcher(stage: Stage) -> Face:
    """Give the clock of who looks at the runner: while it waits, the runner lives."""
    return Face(stage, lambda seconds: stage.until(stage.true_ms + max(1, math.ceil(seconds * 1000 - 1e-6))))


def runners(stage: Stage) -> Face:
    """Give the runner's own clock."""
    return Face(stage, stage.pause)
