"""What happens in a rehearsed phase, as it is written down: events, gates, and which fault each notice is laid to."""

from collections.abc import Iterable, Sequence

from genesis_ops.checks.model import Judged, Outcome, Report
from genesis_ops.errors import GenesisError
from genesis_ops.rehearsal.host import Host
from genesis_ops.rehearsal.mishaps import Scheduled
from genesis_ops.rehearsal.trouble import Stretch, Trouble
from genesis_ops.report.campaign import Event, Gate, Notice
from genesis_ops.report.sentence import sentence
from genesis_ops.runlog.events import read_message
from genesis_ops.runlog.files import stamp_ms
from genesis_ops.words import DAY_MS, HOUR_MS

_FRESH_MS = 4 * HOUR_MS
"""How young a line is that what goes on now can still be the reason of."""
_GOOD = (Outcome.PASS, Outcome.SKIP)
_STOP_CHECK = "stop-check"
_OF_NOW = "preflight"
_STAMP = 19


class Ledger:
    """The record of a phase; ``alarms`` are those that no fault explains."""

    def __init__(self, host: Host, plan: Sequence[Scheduled]) -> None:
        self._host = host
        self._standing: dict[tuple[str, int], tuple[Outcome, object]] = {}
        self._proven: dict[str, set[str]] = {}
        self.troubles = [Trouble(each) for each in sorted(plan, key=lambda each: each.from_ms)]
        self.events: list[Event] = []
        self.gates: list[Gate] = []
        self.alarms: list[Notice] = []
        self.cause: list[Trouble] = []
        """What the runner does not run for; empty while it runs."""

    @property
    def now_ms(self) -> int:
        """Tell the true time (ms, UTC)."""
        return self._host.stage.true_ms

    def note(self, what: str, *, bad: bool = False) -> None:
        """Write down what happens now."""
        self.events.append(Event(self.now_ms, what, bad))

    def did(self, what: str, *, bad: bool = False) -> None:
        """Write down what was done, also with the faults that it was done for."""
        self.note(what, bad=bad)
        noticed = [each for each in self.troubles if each.at_work(self.now_ms) and each.notices]
        for trouble in self.cause or noticed:
            if not trouble.done or trouble.done[-1].what != what:
                trouble.done.append(Event(self.now_ms, what))

    def gate(self, name: str, report: Report) -> None:
        """Write down what a gate says; a red one that stays red is written down once."""
        again = bool(self.gates) and (self.gates[-1].name, self.gates[-1].outcome) == (name, report.verdict)
        if not (again and report.exit_code):
            self.gates.append(Gate(self.now_ms, name, report.verdict, sentence(report)))

    def ended(self, error: GenesisError) -> None:
        """Take what ended the runner, or refused its start."""
        by, at_ms = f"run exit {error.exit_code.value}", self._host.stage.ended_ms
        told = "; ".join((error.message, *error.notes))
        self.blame(self._lay(Notice(by, at_ms, told, error.next_command), Stretch(at_ms, at_ms, at_ms, proven=True)))

    def blame(self, troubles: list[Trouble]) -> None:
        """Take for what faults the runner does not run."""
        self.cause = troubles
        for trouble in troubles:
            trouble.stopped = True

    def hear(self, report: Report) -> list[Trouble]:
        """Take what a command found that it had not found before; give the faults that it is about."""
        self.listen()
        found: list[Trouble] = []
        for judged in report.checks:
            found += [each for each in self._weigh(report, judged) if each not in found]
        return found

    def listen(self) -> None:
        """Take what the runner has logged since; a warning that no fault names is none of an operator's business."""
        for at_ms, level, line in self._host.heard:
            by = f"log {type(read_message(line)).__name__}"
            if level != "WARNING" or any(by in each.mishap.notices for each in self.troubles if each.explains(at_ms)):
                self._lay(Notice(by, at_ms, line, ""), Stretch(at_ms, at_ms, at_ms, proven=True))
        self._host.heard.clear()

    def _weigh(self, report: Report, judged: Judged) -> list[Trouble]:
        name = f"{report.command} {judged.id}"
        since_ms = 0 if report.window is None else report.window.start_ms // DAY_MS
        proof = {place.text for place in judged.evidence} if report.command != _OF_NOW else set()
        fresh = proof - self._proven.setdefault(name, set())
        self._proven[name] |= proof
        seen = judged.outcome, judged.observed if report.command == _STOP_CHECK else None
        changed = self._standing.get((name, since_ms)) != seen or bool(fresh)
        self._standing[name, since_ms] = seen
        if judged.outcome in _GOOD:
            return []
        notice = Notice(name, self.now_ms, f"{judged.outcome} {judged.detail}", judged.remedy)
        stretch = self._stretch(report, fresh or proof)
        return self._lay(notice, stretch) if changed else self._credit(notice, stretch)

    def _stretch(self, report: Report, proof: Iterable[str]) -> Stretch:
        """Tell of which time a finding is: that of its lines; of the window where it has none; else of now."""
        times = {ms for text in proof if (ms := stamp_ms(text[:_STAMP].encode("ascii", "replace"))) is not None}
        window = report.window if report.command not in {_OF_NOW, _STOP_CHECK} else None
        end_ms = self.now_ms if window is None else min(window.end_ms, self.now_ms)
        if not times:
            return Stretch(end_ms if window is None else window.start_ms, end_ms, end_ms, proven=False)
        newest_ms = max(times)
        until_now = len(times) == 1 or self.now_ms - newest_ms <= _FRESH_MS
        return Stretch(min(times), newest_ms, max(newest_ms, end_ms) if until_now else newest_ms, proven=True)

    def _credit(self, notice: Notice, stretch: Stretch) -> list[Trouble]:
        """Lay what was red before to a fault that has begun since and shows so: whoever looks now is told of both."""
        if stretch.proven:
            return []
        late = [
            each for each in self.troubles if each.open and each.expects(notice.by) and not each.heard_of(notice.by)
        ]
        for trouble in late:
            trouble.take(notice)
        return late

    def _lay(self, notice: Notice, stretch: Stretch) -> list[Trouble]:
        """Lay a notice to those faults that were on then and are to be noticed so; to none, and it is an alarm."""
        about = self._about(notice.by, stretch)
        if not about or any(not each.heard_of(notice.by) for each in about):
            self.events.append(Event(notice.at_ms, f"{notice.by}: {notice.told}", bad=True))
        for trouble in about:
            trouble.take(notice)
        if not about:
            self.alarms.append(notice)
        return about

    def _about(self, by: str, stretch: Stretch) -> list[Trouble]:
        near = [each for each in self.troubles if each.touches(stretch)]
        if not stretch.proven:
            near = [each for each in near if each.at_work(self.now_ms)]
            near += [each for each in self.troubles if each not in near and each.echoes(by, stretch, self.now_ms)]
        then = [each for each in near if each.was_on(stretch)]
        ways = [
            [each for each in way if how(each, by)] for how in (Trouble.expects, Trouble.names) for way in (then, near)
        ]
        lost = [each for each in self.troubles if each.at_work(self.now_ms) and by in each.mishap.leaves]
        return next(filter(None, (*ways, then, near, lost)), [])  # who takes lines away leaves gaps of before
