"""The whole runbook on the virtual clock: dry-run, acceptance, live-paper, the daily work, the report at the end."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from genesis_ops.checks.model import Outcome
from genesis_ops.collect.judgement import day_zero_ms
from genesis_ops.collect.snapshot import Seen
from genesis_ops.errors import GenesisError, UsageRefused
from genesis_ops.rehearsal import looks
from genesis_ops.rehearsal.day import STARTED_AFTER_MS
from genesis_ops.rehearsal.host import Host
from genesis_ops.rehearsal.ledger import Ledger
from genesis_ops.rehearsal.machine import NothingThere, let_it_write
from genesis_ops.rehearsal.mishaps import Scheduled, by_chance, scheduled
from genesis_ops.rehearsal.operator import Operator
from genesis_ops.rehearsal.trouble import Trouble
from genesis_ops.rehearsal.world import build_phase
from genesis_ops.report.campaign import Campaign, Event, Gate, timeline
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Mode, duration, visible

ROUND_MS = 10 * MINUTE_MS
"""How often cron looks for a reason to stop: so often as well here while something is wrong, else with the daily work.

Every ten minutes of six weeks would be 6,000 looks at up to 110 MB. What waits for an order or for a day's summary to
show at all is looked for once an hour.
"""
_AFTER_START_MS = 3 * MINUTE_MS  # runbook Day 0, step 2
_NOON_MS = 12 * HOUR_MS + 5 * MINUTE_MS  # the daily work, as the crontab has it
_ACCEPTANCE_MS = DAY_MS + 10 * MINUTE_MS
_AGAIN_MS = 3 * HOUR_MS
_SHOWN_MS = HOUR_MS
_ONE_DAY = 1
_CHANCE_DAYS = 3  # what chance does begins after the first live orders and ends before the last day
TIMELINE = "timeline.txt"


class Asked(NamedTuple):
    """Which phase is rehearsed: how long, from which seed, with which faults, and whether chance adds some."""

    days: int
    seed: int
    faults: Sequence[str] = ()
    chaos: bool = False
    hours: int | None = None
    """After how many hours it is broken off: a stretch of dry-run, for who is after one fault alone."""


class Progress(NamedTuple):
    """What a screen can show while the phase goes on (ms, UTC)."""

    host: Host
    events: Sequence[Event]
    start_ms: int
    end_ms: int


def rehearse_phase(root: Path, asked: Asked, watch: Callable[[Progress], None]) -> tuple[Host, Campaign]:
    """Make ``root`` a world of its own and go through the whole phase in it; ``watch`` hears of every hour.

    Raises:
        GenesisError: the root is taken or cannot be written, or a fault is unknown or cannot happen in this phase.
    """
    require_possible(asked)  # before anything is written
    settings = build_phase(root, max(asked.days, _ONE_DAY + 1))
    zero_ms = day_zero_ms(settings)
    start_ms = zero_ms + STARTED_AFTER_MS
    end_ms = start_ms + _length_ms(asked)
    plan = [scheduled(text, start_ms) for text in asked.faults]
    plan += by_chance(asked.seed, start_ms, asked.days) if asked.chaos else ()
    host = Host(settings, asked.seed, start_ms)
    ledger = Ledger(host, plan)
    try:
        director = _Director(host, ledger, end_ms, lambda: watch(Progress(host, ledger.events, start_ms, end_ms)))
        director.run()
        return host, director.result(asked)
    finally:
        host.stage.kill()
        (settings.root / TIMELINE).write_text("".join(timeline(ledger.events)), "utf-8", newline="\n")


def require_possible(asked: Asked) -> None:
    """Refuse what cannot happen in a phase of this length, or not in the mode that it needs.

    Raises:
        UsageRefused: a fault is unknown, lies behind the end or in the other mode; or there is no time for chance.
    """
    if asked.chaos and asked.days < _CHANCE_DAYS:
        raise UsageRefused(
            f"--chaos begins on the second day, after the first orders: {asked.days} days are too few",
            next_command=f"genesis-ops rehearse --days {_CHANCE_DAYS} --chaos",
        )
    for text in asked.faults:
        why_not = _why_not(scheduled(text, 0), asked)
        if why_not:
            raise UsageRefused(f"--fault {visible(text)}: {why_not}", next_command="genesis-ops rehearse --list-faults")


def _why_not(fault: Scheduled, asked: Asked) -> str:
    """Say why a fault, its times counted from the start, cannot happen; empty where it can."""
    live = f"live-paper, which begins {duration(_ACCEPTANCE_MS / 1000)} after the start"
    if fault.from_ms >= _length_ms(asked):
        return f"the phase ends {duration(_length_ms(asked) / 1000)} after its start"
    if fault.mishap.dry and fault.from_ms >= _ACCEPTANCE_MS:
        return f"it belongs into the dry-run, and not into {live}"
    if fault.mishap.live and fault.from_ms < _ACCEPTANCE_MS:
        return f"it takes an order, and so {live}"
    return ""


def _length_ms(asked: Asked) -> int:
    if asked.hours is not None:
        return asked.hours * HOUR_MS
    return max(asked.days * DAY_MS + 2 * MINUTE_MS - STARTED_AFTER_MS, _ACCEPTANCE_MS + HOUR_MS)


class _Director:
    """Goes through the phase: acts the faults out, does what is due, has the operator do the rest."""

    def __init__(self, host: Host, ledger: Ledger, end_ms: int, watch: Callable[[], None]) -> None:
        self._host = host
        self._ledger = ledger
        self._start_ms, self._end_ms = ledger.now_ms, end_ms
        self._watch = watch
        self._operator = Operator(host, ledger.did)
        self._accepted = self._ready = False
        self._due: dict[str, int] = {}
        self._tried_ms = 0

    # --- the way through the phase

    def run(self) -> None:
        """Do everything that is due, in its order, up to the end of the phase."""
        start_ms = self._ledger.now_ms
        self._due = {"daily": _next_noon(start_ms)}
        self._start(Mode.DRY_RUN)
        tasks = {"started": self._started, "acceptance": self._accept, "daily": self._daily, "round": self._round}
        tasks["one candle"] = self._after_one_candle
        while (at_ms := self._next_ms()) < self._end_ms:
            self._live_until(at_ms)
            self._see_the_runner()
            self._let_faults_happen()
            for name, task in tasks.items():
                if self._due.get(name, self._end_ms) <= at_ms:
                    del self._due[name]
                    task()
            self._care()
        self._live_until(self._end_ms)

    def _next_ms(self) -> int:
        troubles = self._ledger.troubles
        edges = [trouble.from_ms for trouble in troubles if not trouble.begun]
        edges += [trouble.until_ms for trouble in troubles if trouble.open and trouble.until_ms is not None]
        return max(self._ledger.now_ms, min((*self._due.values(), *edges, self._end_ms)))

    def _live_until(self, ms: int) -> None:
        while self._ledger.now_ms < ms:
            self._host.stage.until(min(ms, self._ledger.now_ms + _SHOWN_MS))
            self._watch()

    # --- what is due

    def _start(self, mode: Mode, *, rebuild: bool = False, candles: int | None = None) -> GenesisError | None:
        error = self._host.begin(mode, rebuild=rebuild, candles=candles)
        how = f"{mode}{', one candle' if candles else ''}{', its state rebuilt from the log' if rebuild else ''}"
        if mode is Mode.LIVE_PAPER:
            outcome, told = (Outcome.PASS, "open, by the receipt") if error is None else (Outcome.FAIL, error.message)
            self._ledger.gates.append(Gate(self._ledger.now_ms, "live gate", outcome, told))
        if error is not None:
            self._ledger.ended(error)
            self._ledger.did(f"a start of the runner is refused: {how}", bad=True)
            self._due.pop("started", None)
            return error
        self._ledger.did(f"the runner is started: {how}")
        self._ledger.cause = []
        self._ready = False
        self._due["started"] = self._ledger.now_ms + _AFTER_START_MS
        if mode is Mode.DRY_RUN:
            self._due.setdefault("acceptance", self._ledger.now_ms + _ACCEPTANCE_MS)
        return None

    def _started(self) -> None:
        """Ask preflight until it passes: nothing goes on before (runbook, Day 0 step 2)."""
        report = looks.preflight(self._host)
        self._ledger.hear(report)
        self._ledger.gate(f"preflight, {self._host.mode}", report)
        if report.exit_code:
            self._due["started"] = self._ledger.now_ms + ROUND_MS
            return
        self._ready = True
        self._snapshot()

    def _snapshot(self) -> Seen:
        seen, path = looks.snapshot(self._host)
        self._ledger.hear(seen.report)
        self._ledger.note(path.name)
        return seen

    def _accept(self) -> None:
        if not self._ready:
            self._due["acceptance"] = self._ledger.now_ms + ROUND_MS
            return
        report, receipt = looks.acceptance(self._host)
        self._ledger.hear(report)
        self._ledger.gate("acceptance, 24h", report)
        if receipt is None:
            self._due["acceptance"] = self._ledger.now_ms + _AGAIN_MS
            return
        self._ledger.note(receipt.name)
        self._snapshot()
        self._accepted = True
        self._host.stop()
        self._ledger.note("decision: the dry-run is stopped, live-paper follows")
        self._start(Mode.LIVE_PAPER, candles=1)
        self._due["one candle"] = _next_close(self._ledger.now_ms) + 2 * MINUTE_MS

    def _after_one_candle(self) -> None:
        """Go on in live-paper after a single candle (runbook, Day 1); what stopped it is the operator's business."""
        if self._host.stage.lives and self._host.candles:
            self._due["one candle"] = self._ledger.now_ms + ROUND_MS
        elif not self._host.stage.lives and not self._ledger.cause:
            self._ledger.note("decision: one candle was enough, live-paper goes on")
            self._start(Mode.LIVE_PAPER)

    def _daily(self) -> None:
        self._due["daily"] = _next_noon(self._ledger.now_ms)
        seen = self._snapshot()  # nothing happens between it and the summaries: one look at the host does for both
        for days_ago in self._days_to_sum_up():
            self._ledger.hear(looks.summary(self._host, days_ago, seen))
        self._stop_check()

    def _days_to_sum_up(self) -> tuple[int, ...]:
        return (1, 0) if self._ledger.now_ms >= self._start_ms // DAY_MS * DAY_MS + DAY_MS else (0,)

    def _round(self) -> None:
        if self._host.second_runner:
            let_it_write(self._host)
        self._ledger.hear(looks.preflight(self._host))
        self._stop_check()

    def _stop_check(self) -> None:
        report, enforced = looks.stop_check(self._host)
        about = self._ledger.hear(report)
        if enforced is not None:
            failed = ", ".join(step.name for step in enforced.steps if not step.done)
            told = f"FAILED at {failed}" if failed else "the latch is set, the runner stopped and proved to be"
            self._ledger.blame(self._ledger.cause or about)
            self._ledger.did(f"stop-check --enforce: {told}", bad=True)

    # --- what goes wrong, and what a person does

    def _let_faults_happen(self) -> None:
        """Let faults begin and end whose time has come."""
        now_ms = self._ledger.now_ms
        for trouble in self._ledger.troubles:
            if not trouble.begun and trouble.from_ms <= now_ms:
                self._begin(trouble)
            elif trouble.open and trouble.until_ms is not None and trouble.until_ms <= now_ms:
                self._end(trouble, "it is over")

    def _begin(self, trouble: Trouble) -> None:
        self._ledger.listen()
        lived = self._host.stage.lives
        try:
            self._act_out(trouble)
        except NothingThere as why:
            trouble.could_not, trouble.over = str(why), True
            self._ledger.note(f"{trouble.mishap.name}: could not happen: {why}", bad=True)
        else:
            self._ledger.note(f"{trouble.mishap.name}: {trouble.mishap.what}", bad=True)
        trouble.begun = True
        if lived and not self._host.stage.lives:
            self._ledger.blame([trouble])

    def _act_out(self, trouble: Trouble) -> None:
        mishap, mode = trouble.mishap, self._host.mode
        if (mishap.live and mode is not Mode.LIVE_PAPER) or (mishap.dry and mode is not Mode.DRY_RUN):
            raise NothingThere(f"the runner is in {mode}")
        if mishap.act is None:
            self._host.switch.on(mishap.name, self._ledger.now_ms)
        else:
            mishap.act(self._host)

    def _end(self, trouble: Trouble, how: str) -> None:
        trouble.over, lived = True, self._host.stage.lives
        others = [each for each in self._ledger.troubles if each.open and each.mishap is trouble.mishap]
        if others:
            pass  # the same goes on for another
        elif trouble.mishap.act is None:
            self._host.switch.off(trouble.mishap.name, self._ledger.now_ms)
        elif trouble.mishap.mend is not None:
            trouble.mishap.mend(self._host)
        if lived and not self._host.stage.lives:
            self._ledger.blame([trouble])
        trouble.done.append(Event(self._ledger.now_ms, how))
        self._ledger.note(f"{trouble.mishap.name}: {how}")

    def _care(self) -> None:
        """Have the operator do what a person would, and look again soon while something is wrong."""
        host, ledger = self._host, self._ledger
        self._see_the_runner()
        for trouble in ledger.troubles:
            if trouble.open and trouble.mishap.mended and self._operator.has_read(trouble.known):
                self._end(trouble, trouble.mishap.mended)
        waits = any(trouble.open for trouble in ledger.troubles)
        if not host.stage.lives and not waits and ledger.now_ms - self._tried_ms >= self._operator.reaction_ms:
            self._resume()
        at_work = [trouble for trouble in ledger.troubles if trouble.at_work(ledger.now_ms)]
        if at_work or (not host.stage.lives and not waits):
            soon = not host.stage.lives or any(trouble.shows_soon() for trouble in at_work)
            self._due.setdefault("round", ledger.now_ms + (ROUND_MS if soon else HOUR_MS))

    def _see_the_runner(self) -> None:
        """Take what the runner has said since, and what ended it."""
        self._ledger.listen()
        if (error := self._host.newly_ended_by()) is not None:
            self._ledger.ended(error)

    def _resume(self) -> None:
        """Start the runner again in the mode it had; where only a new acceptance opens the gate, in dry-run."""
        self._tried_ms = self._ledger.now_ms
        rebuild = self._operator.clears_the_way()
        error = self._start(Mode.LIVE_PAPER if self._accepted else Mode.DRY_RUN, rebuild=rebuild)
        if error is None:
            return
        self._operator.was_refused(error)
        if self._accepted and self._operator.needs_acceptance(error):
            self._accepted = False
            self._ledger.note("live-paper needs a new acceptance: the dry-run begins again", bad=True)

    def result(self, asked: Asked) -> Campaign:
        """Stop the runner, judge the phase, and give everything that was seen."""
        host, ledger = self._host, self._ledger
        if host.stage.lives:
            self._daily()
        report, _ = looks.stop_check(host)
        ledger.hear(report)
        ledger.gate("stop-check, at the end", report)
        host.stop()
        ledger.note("the runner is stopped: the phase is over")
        self._snapshot_of_the_end()
        phase = looks.phase_report(host)
        faults = tuple(trouble.told(self._end_ms) for trouble in ledger.troubles)
        return Campaign(
            asked.days,
            asked.seed,
            host.polls,
            tuple(ledger.events),
            tuple(ledger.gates),
            faults,
            tuple(ledger.alarms),
            phase,
        )

    def _snapshot_of_the_end(self) -> None:
        """Keep the end as proof; that no runner runs any more is no alarm."""
        seen, path = looks.snapshot(self._host)
        self._ledger.note(path.name)
        for days_ago in self._days_to_sum_up():
            looks.summary(self._host, days_ago, None if days_ago else seen)


def _next_close(ms: int) -> int:
    return (ms // HOUR_MS + 1) * HOUR_MS


def _next_noon(ms: int) -> int:
    noon_ms = ms // DAY_MS * DAY_MS + _NOON_MS
    return noon_ms if noon_ms > ms else noon_ms + DAY_MS
