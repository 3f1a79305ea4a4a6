"""The drill: every alarm is shown a root in which it has to go off, and a clean one in which it has to stay quiet.

What is judged are bytes on the disk and answers on the wire, by the code of the commands themselves.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
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
from genesis_ops.rehearsal import drill_checks, drill_gates
from genesis_ops.rehearsal.drill_case import ANYTHING, GATE, Case
from genesis_ops.rehearsal.drill_live import Refusal, refusal
from genesis_ops.rehearsal.drill_root import BEFORE_MS, Clean, Root, Transport, copy, make_clean, roomed
from genesis_ops.words import DAY_MS, HOUR_MS, Exit

CHECKS: Mapping[str, Sequence[Check[Any]]] = {
    "preflight": preflight.CHECKS,
    "acceptance": acceptance.CHECKS,
    "stop-check": stop.CHECKS,
}
"""The commands that judge, and their checks."""
CASES = (*drill_checks.CASES, *drill_gates.CASES)
"""Every known-bad case: at least one for each check and each gate, and one for each of their branches."""
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


def alarms() -> tuple[Alarm, ...]:
    """List what is drilled: every check and every gate there is, whether it has a case or not."""
    found = [Alarm(command, check.id, check.title) for command, checks in CHECKS.items() for check in checks]
    return (*found, *(Alarm(GATE, gate, title) for gate, title in drill_gates.GATES.items()))


def drill(market: str, now_ms: int, watch: Watch, cases: Sequence[Case] = CASES) -> Report:
    """Prove every alarm in a temporary root; all of them proven is exit 0, anything else 1.

    Raises:
        WriteFailed: there is no room for temporary files.
    """
    wanted = alarms()
    with ended_by_term(), roomed(), TemporaryDirectory(prefix="genesis-ops-drill-") as directory:
        watch(0, len(wanted), "a day of dry-run")
        field, found = prepare(Path(directory), cases), []
        for done, alarm in enumerate(wanted):
            watch(done, len(wanted), f"{alarm.command} {alarm.id}")
            found.append(prove(alarm, field))
    named = {f"{alarm.command}:{alarm.id}": alarm.title for alarm in wanted}
    judged = told(named, found)
    report = Report("drill", f"{len(judged)} alarms of version {__version__}", market, now_ms, judged)
    return report if report.verdict is Outcome.PASS else report._replace(overruled=Exit.FAIL)


def told(named: Mapping[str, str], found: Sequence[Result]) -> tuple[Judged, ...]:
    """Write results under their ids and titles as a report holds them, with every line of their proof."""
    rows = zip(named.items(), found, strict=True)
    checks = [Check(id_, title, _giving(result), every=True) for (id_, title), result in rows]
    return judge(checks, None, str)


def _giving(result: Result) -> Callable[[None], Result]:
    return lambda _: result


def prepare(place: Path, cases: Sequence[Case] = CASES) -> Field:
    """Make the clean root in a directory, and see what each command comes to there.

    Raises:
        GenesisError: the place cannot be written.
        OSError: there is no room for it.
    """
    clean = make_clean(place)
    return Field(cases, clean, place, {command: _quiet(command, clean, place) for command in (*CHECKS, GATE)})


def prove(alarm: Alarm, field: Field) -> Result:
    """Try every case of an alarm; it fails if one is not noticed as it has to be, or a clean root is."""
    known = [case for case in field.cases if (case.command, case.alarm) == (alarm.command, alarm.id)]
    cases = [case for case in known if case.possible()]
    if not cases:
        return Result(Outcome.FAIL, _NO_CASE, "no case", None, (), _REMEDY)
    tried = [(case, _tried(case, field)) for case in cases]
    quiet = field.quiet[alarm.command][GATE if alarm.command == GATE else alarm.id]
    faults = [f"{case.wrong}: {fault}" for case, seen in tried if (fault := _fault(case, seen))]
    if quiet.outcome is not Outcome.PASS:
        faults.insert(0, f"all is well: {quiet.outcome}, and PASS was due: {quiet.words}")
    proof = (
        *(Place(alarm.command, 0, f"{case.wrong}: {seen.outcome}: {seen.words}") for case, seen in tried),
        *(Place(alarm.command, 0, f"{case.wrong}: cannot be tried here") for case in known if not case.possible()),
    )
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
    if case.says not in seen.words:
        return f"it went off for another reason than '{case.says}': {seen.words}"
    if case.also != ANYTHING and set(seen.others) != set(case.also):
        return f"with it went off {', '.join(seen.others) or 'nothing'}, due was {', '.join(case.also) or 'nothing'}"
    return ""


def _tried(case: Case, field: Field) -> Seen:
    """Spoil a copy of the clean root, and let the command look at it.

    Raises:
        GenesisError: the copy could not be written.
        OSError: there is no room for it.
    """
    with _copied(case.command, field.clean, field.place) as root:
        case.spoil(root)
        if case.command == GATE:
            return _of_gate(case, refusal(root))
        try:
            judged = _judged(case.command, root)
        except Exception as error:  # noqa: BLE001 - a command that cannot look has not noticed
            return Seen(Outcome.UNKNOWN, f"the command itself failed: {type(error).__name__}: {error}")
    quiet = field.quiet[case.command]
    others = tuple(id_ for id_, seen in judged.items() if id_ != case.alarm and seen.outcome is not quiet[id_].outcome)
    return judged[case.alarm]._replace(others=others)


def _quiet(command: str, clean: Clean, place: Path) -> dict[str, Seen]:
    with _copied(command, clean, place) as root:
        if command != GATE:
            return _judged(command, root)
        return {GATE: _of_clean(refusal(root))}


@contextmanager
def _copied(command: str, clean: Clean, place: Path) -> Iterator[Root]:
    """Copy the clean root for one look; a gate's begins shortly before a close that asks for an order."""
    with TemporaryDirectory(dir=place) as directory:
        root = copy(clean, Path(directory) / "root")
        if command == GATE:
            root.clock.wait((HOUR_MS - BEFORE_MS - clean.now_ms % HOUR_MS) / 1000)
        with root.held:
            yield root


# --- the commands


def _judged(command: str, root: Root) -> dict[str, Seen]:
    found = {"preflight": _preflight, "acceptance": _acceptance, "stop-check": _stop_check}[command](root)
    return {judged.id: Seen(judged.outcome, judged.detail) for judged in found}


def _preflight(root: Root) -> tuple[Judged, ...]:
    """Look at the host as it is, but for its network and its disk; what others run on it is left out."""
    with _writers(root) as pids:
        around = Around(
            transport=Transport(root),
            traders=lambda *asked: tuple(
                trader._replace(writes=None) if root.hidden else trader
                for trader in traders(*asked)
                if trader.process.pid in pids
            ),
            listeners=lambda _: Listeners((), hidden=False),
            free_bytes=root.free,
        )
        return preflight.preflight(look(root.settings, root.clock, around=around)).checks


@contextmanager
def _writers(root: Root) -> Iterator[frozenset[int]]:
    """Let processes have the runner's lock open for writing, as runners have, and give their pids.

    They have none of this one's files open, which may lie where nobody can look them up, and end with it.
    """
    command = (sys.executable, "-I", "-S", "-c", _HOLDS, str(root.logs / "runner.lock"))
    with ExitStack() as running:
        pids = set()
        for _ in range(root.runners if root.logs.is_dir() else 0):
            writer = running.enter_context(
                subprocess.Popen(  # noqa: S603 - made here
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            )
            if writer.stdout is not None:
                writer.stdout.readline()
            pids.add(writer.pid)
        yield frozenset(pids)


def _acceptance(root: Root) -> tuple[Judged, ...]:
    now_ms = root.clock.now_ms()
    with source(root.settings, None) as where:
        asked = Asked(now_ms - DAY_MS, now_ms, now_ms)
        return judge_acceptance(root.settings, where, asked, root.clock).report.checks


def _stop_check(root: Root) -> tuple[Judged, ...]:
    now_ms = root.clock.now_ms()
    with source(root.settings, None) as where:
        return judge_stop(root.settings, where, Asked(day_zero_ms(root.settings), now_ms, now_ms)).report.checks


def _of_clean(found: Refusal) -> Seen:
    """Judge a run in which nothing is wrong: it is let in, and its one order leaves."""
    if not found.told() and found.sent == 1:
        return Seen(Outcome.PASS, "")
    return Seen(Outcome.FAIL, f"{found.sent} orders were sent; {found.told()}".rstrip("; "))


def _of_gate(case: Case, found: Refusal) -> Seen:
    """Find the reason that was due; beside it stand other gates' reasons, and those why orders did not leave."""

    def due(reason: str) -> bool:
        return case.says in reason

    groups = (found.orders, (found.message,), found.notes)
    group = next((group for group in groups if any(map(due, group))), ())
    if not group:
        return Seen(Outcome.PASS, found.told() or "the run was let in")
    before = () if group is found.orders else found.orders
    return Seen(Outcome.FAIL, next(filter(due, group)), (*before, *(reason for reason in group if not due(reason))))
