"""The drill: every alarm is shown a root in which it has to go off, and a clean one in which it has to stay quiet.

What is judged are bytes on the disk and answers on the wire, by the code of the commands themselves.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from genesis_ops import __version__
from genesis_ops.checks import acceptance, preflight, stop
from genesis_ops.checks.model import Check, Judged, Outcome, Place, Report, Result, judge
from genesis_ops.clients.process import Listeners, traders
from genesis_ops.collect.around import Around
from genesis_ops.collect.host import look
from genesis_ops.collect.judgement import Asked, day_zero_ms, judge_acceptance, judge_stop
from genesis_ops.collect.where import ended_by_term, source
from genesis_ops.errors import GenesisError
from genesis_ops.rehearsal.drill_cases import ANYTHING, CASES, GATE, Case
from genesis_ops.rehearsal.drill_root import Clean, Root, Transport, copy, make_clean, surroundings
from genesis_ops.runner.start import start
from genesis_ops.words import DAY_MS, MINUTE_MS, Exit, Mode

CHECKS: Mapping[str, Sequence[Check[Any]]] = {
    "preflight": preflight.CHECKS,
    "acceptance": acceptance.CHECKS,
    "stop-check": stop.CHECKS,
}
"""The commands that judge, and their checks."""
_LIVE_MS = 3 * MINUTE_MS
_HOLDS = "import sys; held = open(sys.argv[1], 'ab'); print(flush=True); sys.stdin.read()"
_REMEDY = "do not trust this alarm: keep this output and report it as a bug"
_NO_CASE = "nobody has shown that it can go off: it has no known-bad case"

Watch = Callable[[int, int, str], None]
"""Hears how many alarms of how many are done, and which one comes next."""


class Alarm(NamedTuple):
    """A check of a command, or a gate of live-paper."""

    command: str
    id: str
    title: str


class Seen(NamedTuple):
    """How an alarm behaved, in which words, and which others of its command went off with it."""

    outcome: Outcome
    words: str
    others: tuple[str, ...] = ()


class Field(NamedTuple):
    """Where a drill takes place: the cases, the clean root, a directory for copies, and what the clean root came to.

    ``quiet`` is by command and alarm; the gates are one there, because all of them have to let the run pass.
    """

    cases: Sequence[Case]
    clean: Clean
    place: Path
    quiet: Mapping[str, Mapping[str, Seen]]


def alarms(cases: Sequence[Case] = CASES) -> tuple[Alarm, ...]:
    """List what is drilled: every check there is, whether it has a case or not, and every gate that has one."""
    found = [Alarm(command, check.id, check.title) for command, checks in CHECKS.items() for check in checks]
    gates = dict.fromkeys(case.alarm for case in cases if case.command == GATE)
    return (*found, *(Alarm(GATE, gate, f"Live-paper is refused: {gate}") for gate in gates))


def drill(market: str, now_ms: int, watch: Watch, cases: Sequence[Case] = CASES) -> Report:
    """Prove every alarm in a temporary root; all of them proven is exit 0, anything else 1.

    Raises:
        OSError: there is no room for temporary files.
    """
    wanted = alarms(cases)

    def judge_one(done: int, alarm: Alarm, field: Field) -> Result:
        watch(done, len(wanted), f"{alarm.command} {alarm.id}")
        return prove(alarm, field)

    with ended_by_term(), TemporaryDirectory(prefix="genesis-ops-drill-") as directory:
        watch(0, len(wanted), "a day of dry-run")
        checks = [
            Check(f"{alarm.command}:{alarm.id}", alarm.title, partial(judge_one, done, alarm))
            for done, alarm in enumerate(wanted)
        ]
        judged = judge(checks, prepare(Path(directory), cases), str)
    report = Report("drill", f"{len(judged)} alarms of version {__version__}", market, now_ms, judged)
    return report if report.verdict is Outcome.PASS else report._replace(overruled=Exit.FAIL)


def prepare(place: Path, cases: Sequence[Case] = CASES) -> Field:
    """Make the clean root in a directory, and see what each command comes to there."""
    clean = make_clean(place)
    return Field(cases, clean, place, {command: _quiet(command, clean, place) for command in (*CHECKS, GATE)})


def prove(alarm: Alarm, field: Field) -> Result:
    """Try every case of an alarm; it fails if one is not noticed as it has to be, or a clean root is."""
    cases = [case for case in field.cases if (case.command, case.alarm) == (alarm.command, alarm.id)]
    if not cases:
        return Result(Outcome.FAIL, _NO_CASE, "no case", None, (), _REMEDY)
    tried = [(case, _tried(case, field)) for case in cases]
    quiet = field.quiet[alarm.command][GATE if alarm.command == GATE else alarm.id]
    faults = [f"{case.wrong}: {fault}" for case, seen in tried if (fault := _fault(case, seen))]
    if quiet.outcome is not Outcome.PASS:
        faults.insert(0, f"all is well: {quiet.outcome}, and PASS was due: {quiet.words}")
    proof = tuple(Place(alarm.command, 0, f"{case.wrong}: {seen.outcome}: {seen.words}") for case, seen in tried)
    if faults:
        return Result(Outcome.FAIL, "; ".join(faults), len(faults), 0, proof, _REMEDY)
    told = "; ".join(f"{case.wrong}: {_name(case)}" for case in cases)
    return Result(Outcome.PASS, told, 0, 0, proof)


def _name(case: Case) -> str:
    return "refused" if case.command == GATE else str(case.red)


def _fault(case: Case, seen: Seen) -> str:
    """Say what is wrong with the alarm itself; empty if it went off as it has to, and no other did."""
    if seen.outcome is not case.red:
        return f"{_name(case)} was due, and it said {seen.outcome}: {seen.words}"
    if case.also != ANYTHING and set(seen.others) != set(case.also):
        return f"with it went off {', '.join(seen.others) or 'nothing'}, due was {', '.join(case.also) or 'nothing'}"
    return ""


def _tried(case: Case, field: Field) -> Seen:
    """Spoil a copy of the clean root, and let the command look at it."""
    with TemporaryDirectory(dir=field.place) as directory:
        root = copy(field.clean, Path(directory) / "root")
        case.spoil(root)
        if case.command == GATE:
            return _of_gate(case, _refusal(root))
        judged = _judged(case.command, root)
    quiet = field.quiet[case.command]
    others = tuple(id_ for id_, seen in judged.items() if id_ != case.alarm and seen.outcome is not quiet[id_].outcome)
    return judged[case.alarm]._replace(others=others)


def _quiet(command: str, clean: Clean, place: Path) -> dict[str, Seen]:
    with TemporaryDirectory(dir=place) as directory:
        root = copy(clean, Path(directory) / "root")
        if command != GATE:
            return _judged(command, root)
        reasons = _refusal(root)
        return {GATE: Seen(Outcome.FAIL if reasons else Outcome.PASS, "; ".join(reasons))}


# --- the commands


def _judged(command: str, root: Root) -> dict[str, Seen]:
    found = {"preflight": _preflight, "acceptance": _acceptance, "stop-check": _stop_check}[command](root)
    return {judged.id: Seen(judged.outcome, judged.detail) for judged in found}


def _preflight(root: Root) -> tuple[Judged, ...]:
    """Look at the host as it is, but for its network and its disk; what others run on it is left out."""
    with _writer(root) as pid:
        around = Around(
            transport=Transport(root),
            traders=lambda *asked: tuple(trader for trader in traders(*asked) if trader.process.pid == pid),
            listeners=lambda _: Listeners((), hidden=False),
            free_bytes=lambda _: root.free_bytes,
        )
        return preflight.preflight(look(root.settings, root.clock, around=around)).checks


@contextmanager
def _writer(root: Root) -> Iterator[int | None]:
    """Let a process have the runner's lock open for writing, as a runner has, and give its pid.

    It ends with this one, whose own files may lie where nobody can look them up.
    """
    if not root.runs or not root.logs.is_dir():
        yield None
        return
    command = (sys.executable, "-I", "-S", "-c", _HOLDS, str(root.logs / "runner.lock"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:  # noqa: S603 - made here
        if writer.stdout is not None:
            writer.stdout.readline()
        yield writer.pid


def _acceptance(root: Root) -> tuple[Judged, ...]:
    now_ms = root.clock.now_ms()
    with source(root.settings, None) as where:
        asked = Asked(now_ms - DAY_MS, now_ms, now_ms)
        return judge_acceptance(root.settings, where, asked, root.clock).report.checks


def _stop_check(root: Root) -> tuple[Judged, ...]:
    now_ms = root.clock.now_ms()
    with source(root.settings, None) as where:
        return judge_stop(root.settings, where, Asked(day_zero_ms(root.settings), now_ms, now_ms)).report.checks


def _refusal(root: Root) -> tuple[str, ...]:
    """Start live-paper, and give the reasons why it is refused; nothing where it runs."""
    around = surroundings(root.clock, Transport(root), until_ms=root.clock.now_ms() + _LIVE_MS)
    try:
        start(root.settings, around, candles=None, rebuild=False, mode=Mode.LIVE_PAPER)
    except GenesisError as error:
        return (error.message, *error.notes)
    return ()


def _of_gate(case: Case, reasons: tuple[str, ...]) -> Seen:
    """Find the reason that was due; what stands beside it in a list of reasons are other gates."""
    if not any(case.says in reason for reason in reasons):
        return Seen(Outcome.PASS, "; ".join(reasons) or "the run was let in")
    beside = [] if case.says in reasons[0] else [reason for reason in reasons[1:] if case.says not in reason]
    return Seen(Outcome.FAIL, next(reason for reason in reasons if case.says in reason), tuple(beside))
