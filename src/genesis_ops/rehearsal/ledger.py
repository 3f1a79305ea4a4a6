"""What happens in a rehearsed phase, as it is written down: events, gates, and which fault each notice is laid to."""

from collections.abc import Sequence

from genesis_ops.checks.model import Outcome, Report
from genesis_ops.errors import GenesisError
from genesis_ops.rehearsal.host import Host
from genesis_ops.rehearsal.mishaps import Scheduled
from genesis_ops.report.campaign import Event, Fault, Gate, Notice
from genesis_ops.runlog.events import read_message
from genesis_ops.words import HOUR_MS

_AFTERMATH_MS = 3 * HOUR_MS
"""How long after a fault is over what is noticed is still laid to it."""
_ECHO_MS = 36 * HOUR_MS
"""How long after that it is still told of: tomorrow's summary of today, at noon."""
_SOON_MS = 4 * HOUR_MS
_GOOD = (Outcome.PASS, Outcome.SKIP)
_STOP_CHECK = "stop-check"


class Trouble:
    """A fault of the plan, and what has come of it so far."""

    def __init__(self, scheduled: Scheduled) -> None:
        self.mishap, self.from_ms, self.until_ms = scheduled
        self.begun = self.over = False
        self.seen = False
        """Whether somebody has noticed it who was to."""
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
        self.seen = self.seen or notice.by in self.mishap.notices

    def at_work(self, now_ms: int) -> bool:
        """Whether what is noticed at a time (ms, UTC) can come from it."""
        return self.begun and now_ms <= self._last_ms + _AFTERMATH_MS

    def shows_soon(self) -> bool:
        """Whether it shows by itself, or has: one of an order waits for that, one of a day for its summary."""
        return bool(self.notices) or self.mishap.within_ms <= _SOON_MS

    def explains(self, now_ms: int) -> bool:
        """Whether what is found at a time (ms, UTC) can be about it."""
        return self.begun and now_ms <= self._last_ms + _ECHO_MS

    @property
    def _last_ms(self) -> int:
        """Tell up to when (ms, UTC) it was on, or nobody had noticed it who was to."""
        times = [notice.at_ms for notice in self.notices[:1]]
        if self.seen or self.over:
            times += [self.until_ms or 0, *(event.at_ms for event in self.done)]
        return max((self.from_ms + (0 if self.seen else self.mishap.within_ms), *times))

    def told(self) -> Fault:
        """Give it as a report shows it."""
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
        )


class Ledger:
    """The record of a phase; ``alarms`` are those that no fault explains."""

    def __init__(self, host: Host, plan: Sequence[Scheduled]) -> None:
        self._host = host
        self._standing: dict[str, tuple[Outcome, object]] = {}
        self.troubles = [Trouble(each) for each in sorted(plan, key=lambda each: each.from_ms)]
        self.events: list[Event] = []
        self.gates: list[Gate] = []
        self.alarms: list[Notice] = []

    @property
    def now_ms(self) -> int:
        """Tell the true time (ms, UTC)."""
        return self._host.stage.true_ms

    def note(self, what: str, *, bad: bool = False) -> None:
        """Write down what happens now."""
        self.events.append(Event(self.now_ms, what, bad))

    def gate(self, name: str, report: Report) -> None:
        """Write down what a gate says."""
        good = sum(judged.outcome in _GOOD for judged in report.checks)
        self.gates.append(Gate(self.now_ms, name, report.verdict, f"{good} of {len(report.checks)} checks"))

    def ended(self, error: GenesisError) -> None:
        """Take what ended the runner, or refused its start."""
        by, at_ms = f"run exit {error.exit_code.value}", self._host.stage.ended_ms
        self._notice(Notice(by, at_ms, "; ".join((error.message, *error.notes)), error.next_command))

    def hear(self, report: Report) -> None:
        """Take what a command found that it had not found before."""
        self.listen()
        for judged in report.checks:
            name = f"{report.command} {judged.id}"
            seen = judged.outcome, judged.observed if report.command == _STOP_CHECK else None
            if judged.outcome not in _GOOD and self._standing.get(name) != seen:
                told = f"{judged.outcome} {judged.detail}"
                self._notice(Notice(name, self.now_ms, told, judged.remedy))
            self._standing[name] = seen

    def listen(self) -> None:
        """Take what the runner has logged since; a warning alone, where no fault is at work, is no alarm."""
        for at_ms, level, line in self._host.heard:
            if level != "WARNING" or self._about(at_ms):
                self._notice(Notice(f"log {type(read_message(line)).__name__}", at_ms, line, ""))
        self._host.heard.clear()

    def _about(self, ms: int) -> list[Trouble]:
        at_work = [trouble for trouble in self.troubles if trouble.at_work(ms)]
        return at_work or [trouble for trouble in self.troubles if trouble.explains(ms)]

    def _notice(self, notice: Notice) -> None:
        """Lay it to the newest fault at work that is to be noticed so, else to the newest; else it is an alarm."""
        at_work = self._about(notice.at_ms)
        expecting = [trouble for trouble in at_work if notice.by in trouble.mishap.notices]
        for trouble in (expecting or at_work)[-1:]:
            if all(former.by != notice.by for former in trouble.notices):
                self.events.append(Event(notice.at_ms, f"{notice.by}: {notice.told}", bad=True))
            trouble.take(notice)
        if not at_work:
            self.events.append(Event(notice.at_ms, f"{notice.by}: {notice.told}", bad=True))
            self.alarms.append(notice)
