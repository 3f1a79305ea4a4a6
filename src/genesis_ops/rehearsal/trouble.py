"""A fault of a rehearsed phase while it goes on: when it was on, who has noticed it, and what was done about it."""

from typing import NamedTuple

from genesis_ops.rehearsal.mishaps import Scheduled
from genesis_ops.report.campaign import Event, Fault, Notice
from genesis_ops.words import HOUR_MS

_AFTERMATH_MS = 3 * HOUR_MS
"""How long after a fault is over what is noticed is still laid to it."""
_ECHO_MS = 36 * HOUR_MS
"""How long after that what it is known to leave behind is still told: tomorrow's summary of today, at noon."""
_SOON_MS = 4 * HOUR_MS
_NO_END = 1 << 62
LEFT_BY_A_STOP = frozenset({"acceptance heartbeat", "daily-summary heartbeat"})
"""Who finds without a line that for a while no runner ran."""


class Stretch(NamedTuple):
    """Of which time (ms, UTC) a finding is; ``proven`` by lines that have it.

    ``open_ms`` is up to when what the last line tells of can have gone on: nobody has a line for what is missing.
    """

    from_ms: int
    to_ms: int
    open_ms: int
    proven: bool


class Trouble:
    """A fault of the plan, and what has come of it so far."""

    def __init__(self, scheduled: Scheduled) -> None:
        self.mishap, self.from_ms, self.until_ms = scheduled
        self.begun = self.over = False
        self.seen = False
        """Whether somebody has noticed it who was to."""
        self.stopped = False
        """Whether the runner did not run because of it."""
        self.could_not = ""
        """Why it could not happen."""
        self.notices: list[Notice] = []
        self.done: list[Event] = []

    @property
    def open(self) -> bool:
        """Whether it has begun, and what it did has not been ended or mended."""
        return self.begun and not self.over

    @property
    def known(self) -> Notice | None:
        """Give the first notice by a command or by the runner's end; what only the log says nobody has read yet."""
        return next((notice for notice in self.notices if not notice.by.startswith("log ")), None)

    def take(self, notice: Notice) -> None:
        """Lay a notice to it."""
        self.notices.append(notice)
        self.seen = self.seen or self.expects(notice.by)

    def expects(self, by: str) -> bool:
        """Whether it is to be noticed so."""
        return by in self.mishap.notices

    def names(self, by: str) -> bool:
        """Whether it is to be noticed so, or is known to leave behind what is noticed so."""
        return self.expects(by) or by in self.mishap.leaves or (self.stopped and by in LEFT_BY_A_STOP)

    def heard_of(self, by: str) -> bool:
        """Whether it was noticed so before."""
        return any(former.by == by for former in self.notices)

    def at_work(self, now_ms: int) -> bool:
        """Whether what is noticed at a time (ms, UTC) can come from it."""
        return self._happened and now_ms <= self._last_ms + _AFTERMATH_MS

    def shows_soon(self) -> bool:
        """Whether it shows by itself, or has: one of an order waits for that, one of a day for its summary."""
        return bool(self.notices) or self.mishap.within_ms <= _SOON_MS

    def explains(self, now_ms: int) -> bool:
        """Whether what it is known to leave behind can still be told at a time (ms, UTC)."""
        return self._happened and now_ms <= self._last_ms + _ECHO_MS

    def was_on(self, stretch: Stretch) -> bool:
        """Whether it was on in a stretch of time."""
        return self._happened and self.from_ms <= stretch.to_ms and stretch.from_ms <= self._last_ms

    def touches(self, stretch: Stretch) -> bool:
        """Whether it was on in a stretch of time, or not long before."""
        return self._happened and self.from_ms <= stretch.open_ms and stretch.from_ms <= self._last_ms + _AFTERMATH_MS

    def echoes(self, by: str, stretch: Stretch, now_ms: int) -> bool:
        """Whether a finding without a line can be what it is known to leave behind."""
        return self.names(by) and self.explains(now_ms) and self.touches(stretch)

    @property
    def _happened(self) -> bool:
        return self.begun and not self.could_not

    @property
    def _last_ms(self) -> int:
        """Tell up to when (ms, UTC) it was on, or nobody had noticed it who was to."""
        waited_ms = self.from_ms + (0 if self.seen else self.mishap.within_ms)
        if not self.over:
            return max(waited_ms, _NO_END if self.until_ms is None else self.until_ms)
        return max((waited_ms, *(event.at_ms for event in self.done)))

    def told(self, end_ms: int) -> Fault:
        """Give it as a report shows it, of a phase that ended then (ms, UTC)."""
        mishap = self.mishap
        return Fault(
            mishap.name,
            mishap.what,
            self.from_ms,
            self.until_ms,
            mishap.notices,
            mishap.within_ms,
            tuple(self.notices),
            tuple(self.done),
            end_ms,
            self.could_not,
        )
