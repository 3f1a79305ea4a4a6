"""The drill: every alarm is proven, and an alarm that has gone deaf, or cries wolf, is found."""

import ast
import errno
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

from genesis_ops.checks import acceptance, preflight, stop
from genesis_ops.checks.model import Check, Outcome, Report, Result
from genesis_ops.errors import Refused, WriteFailed
from genesis_ops.rehearsal import drill as drilling
from genesis_ops.rehearsal import drill_live
from genesis_ops.rehearsal.drill import CASES, CHECKS, Alarm, Field, Seen, alarms, drill, prepare, prove, told
from genesis_ops.rehearsal.drill_case import GATE, Case
from genesis_ops.rehearsal.drill_crash import BOUNDARIES
from genesis_ops.rehearsal.drill_gates import GATES
from genesis_ops.report.text import render
from genesis_ops.runner import arming, evaluate, evidence, gates, live, loop, recover
from genesis_ops.runner import start as starting
from genesis_ops.state import champion, lock

MODULES = {"preflight": preflight, "acceptance": acceptance, "stop-check": stop}
JUDGED = [alarm for alarm in alarms() if alarm.command != GATE]
GATED = [alarm for alarm in alarms() if alarm.command == GATE]
NARROW = 45


def named(alarm: Alarm) -> str:
    return f"{alarm.command}:{alarm.id}"


def the(command: str, alarm: str) -> Alarm:
    return next(each for each in alarms() if (each.command, each.id) == (command, alarm))


def only(field: Field, command: str, alarm: str, wrong: str = "") -> Field:
    """Keep an alarm's first case, or the one of this name."""
    found = [case for case in field.cases if (case.command, case.alarm) == (command, alarm)]
    return field._replace(cases=[next(case for case in found if wrong in case.wrong)])


def texts(found: Result) -> list[str]:
    return [proof.text for proof in found.evidence]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    """The clean root, made once: what a case spoils is a copy."""
    return prepare(tmp_path_factory.mktemp("drill"))


# --- every check and every gate has its case


def without_case(cases: tuple[Case, ...]) -> set[tuple[str, str]]:
    """Name the checks and the gates that no case is about."""
    there_is = {(command, check.id) for command, checks in CHECKS.items() for check in checks}
    return (there_is | {(GATE, gate) for gate in GATES}) - {(case.command, case.alarm) for case in cases}


def test_every_check_of_the_three_commands_and_every_gate_has_a_known_bad_case() -> None:
    assert without_case(CASES) == set()
    assert [len(checks) for checks in CHECKS.values()] == [len(module.CHECKS) for module in MODULES.values()]


@pytest.mark.parametrize("alarm", [("preflight", "clock"), (GATE, "order-disk")])
def test_a_check_or_a_gate_without_a_case_is_found(alarm: tuple[str, str]) -> None:
    assert without_case(tuple(case for case in CASES if (case.command, case.alarm) != alarm)) == {alarm}


def test_every_case_is_about_an_alarm_that_there_is_and_knows_its_words() -> None:
    assert {(case.command, case.alarm) for case in CASES} <= {(alarm.command, alarm.id) for alarm in alarms()}
    assert all(case.says for case in CASES)
    assert len({(case.command, case.alarm, case.wrong) for case in CASES}) == len(CASES)


def test_an_alarm_that_nobody_has_a_case_for_is_not_proven(field: Field) -> None:
    found = prove(the("preflight", "clock"), field._replace(cases=()))
    assert (found.outcome, found.observed) == (Outcome.FAIL, "no case")


def test_a_case_that_is_not_possible_here_is_named_and_not_tried(field: Field) -> None:
    first, second = (case for case in CASES if (case.command, case.alarm) == ("preflight", "stop-latch"))
    never = second._replace(possible=lambda: False)
    found = prove(the("preflight", "stop-latch"), field._replace(cases=(first, never)))
    assert found.outcome is Outcome.PASS
    assert texts(found)[-1] == "it is empty: cannot be tried here"
    assert prove(the("preflight", "stop-latch"), field._replace(cases=(never,))).observed == "no case"


# --- every refusal of the runner has its case

PLACES = (gates, live, starting, recover, champion, lock, arming, evaluate, evidence, loop)
BEYOND = {
    ("recover", "recover"): "root may list every directory, and another user would not get as far as this",
    ("champion", "pin"): "a disk that fails; the drill writes none",
    ("champion", "_publish"): "another process pins in the same moment",
    ("lock", "_take"): "a file that is replaced a hundred times in a moment",
    ("lock", "_lock_now"): "Windows' own",
    ("lock", "_lock"): "a file system that knows no locks",
    ("loop", "run"): "what is raised again, as it was, and what nobody foresees",
}
"""Where a refusal cannot be brought about by what lies in a root, with the reason."""


def raises(module: ModuleType) -> Iterator[tuple[str, str, int]]:
    """Name the functions and the lines at which a module refuses."""
    tree = ast.parse(inspect.getsource(module))
    name = module.__name__.rpartition(".")[2]
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            inner = (node for child in function.body for node in ast.walk(child) if isinstance(node, ast.Raise))
            yield from ((name, function.name, node.lineno) for node in inner)


@contextmanager
def traced(*modules: ModuleType) -> Iterator[set[tuple[str, int]]]:
    """Note which lines of these modules are run."""
    files, seen = {str(module.__file__): Path(str(module.__file__)).stem for module in modules}, set()

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            seen.add((files[frame.f_code.co_filename], frame.f_lineno))
        return line

    def call(frame: FrameType, _event: str, _: Any) -> Any:
        return line if frame.f_code.co_filename in files else None

    former = sys.gettrace()
    sys.settrace(call)
    try:
        yield seen
    finally:
        sys.settrace(former)


class Rows:
    """The rows of a table of reasons: how many there are, and which of them held at some time."""

    def __init__(self, patch: pytest.MonkeyPatch, module: ModuleType, name: str) -> None:
        self._real, self._name = getattr(module, name), f"{module.__name__.rpartition('.')[2]}.{name}"
        self.there, self.held = set[str](), set[str]()
        patch.setattr(module, name, self)

    def __call__(self, *asked: Any) -> Any:
        found = self._real(*asked)
        self.there.update(f"{self._name} {number}" for number in range(len(found)))
        self.held.update(f"{self._name} {number}" for number, (holds, _) in enumerate(found) if holds)
        return found


def undrilled(wanted: list[Alarm], field: Field, patch: pytest.MonkeyPatch) -> set[object]:
    """Drill these gates; name each refusal of the runner, and each reason in its tables, that none brought about."""
    tables = [Rows(patch, live, "_faults"), Rows(patch, arming, "_obstacles")]
    with traced(*PLACES) as seen:
        for alarm in wanted:
            assert prove(alarm, field).outcome is Outcome.PASS, alarm
    refusals = {each for module in PLACES for each in raises(module) if each[:2] not in BEYOND}
    missing = {each for each in refusals if (each[0], each[2]) not in seen}
    return missing | {row for table in tables for row in table.there - table.held}


def test_every_refusal_of_the_gates_is_brought_about_by_a_case(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    assert undrilled(GATED, field, monkeypatch) == set()


def test_a_refusal_that_no_case_brings_about_is_found(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [alarm for alarm in GATED if alarm.id in {"order-size", "receipt-age"}]
    missing = undrilled(some, field, monkeypatch)
    rows = {each for each in missing if isinstance(each, str)}
    assert {"live._faults 3", "arming._obstacles 2"} <= rows
    assert not {"live._faults 4", "arming._obstacles 0"} & rows
    assert {("gates", "require_champion"), ("evidence", "require_once")} <= {
        each[:2] for each in missing if isinstance(each, tuple)
    }


def test_the_page_about_the_drill_counts_as_the_program_does() -> None:
    page = (Path(__file__).parents[3] / "docs" / "drill.md").read_text("utf-8")
    assert set(re.findall(r"(\d+) alarms", page)) == {str(len(alarms()))}
    assert set(re.findall(r"at (\d+) boundaries", page)) == {str(len(BOUNDARIES))}
    assert f"It starts {2 * len(BOUNDARIES)} processes" in page


def test_on_a_narrow_screen_no_two_alarms_look_the_same() -> None:
    ids = {named(alarm): alarm.title for alarm in alarms()}
    judged = told(ids, [Result(Outcome.PASS, "d")] * len(ids))
    drawn = render(Report("drill", "s", "m", 0, judged), width=NARROW, unicode=True)
    shown = re.findall(r"^  \S +\d+ (\S+)", drawn, re.MULTILINE)
    assert len(shown) == len(set(shown)) == len(ids)


# --- an alarm that does not work is found


def always(outcome: Outcome) -> Callable[[Any], Result]:
    return lambda _: Result(outcome, "said without looking")


@pytest.mark.parametrize("alarm", JUDGED, ids=named)
def test_an_alarm_that_is_deaf_is_not_proven(alarm: Alarm, field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    module = MODULES[alarm.command]
    deaf = tuple(
        Check(check.id, check.title, always(Outcome.PASS)) if check.id == alarm.id else check for check in module.CHECKS
    )
    monkeypatch.setattr(module, "CHECKS", deaf)
    found = prove(alarm, only(field, alarm.command, alarm.id))
    assert found.outcome is Outcome.FAIL
    assert "said PASS: said without looking" in found.detail


@pytest.mark.parametrize(
    ("gate", "wrong", "place", "name"),
    [
        ("stop-latch", "it is set", starting, "require_no_latch"),
        ("stop-latch", "set while locks are taken", starting, "require_no_latch"),
        ("champion-frozen", "", starting, "require_frozen"),
        ("env-file", "FIFO", starting, "require_environment_file"),
        ("lock-log", "", starting, "runner_locks"),
        ("whitelist", "not on it", live, "_require_whitelisted"),
        ("journal", "the state knows of others", live, "require_whole"),
        ("journal-market", "", live, "require_whole"),
        ("receipt-age", "", live, "_faults"),
        ("receipt-configuration", "", live, "_faults"),
        ("order-once", "", arming, "_obstacles"),
        ("order-clock", "6 s behind", arming, "_obstacles"),
    ],
)
def test_a_gate_that_lets_everybody_in_is_not_proven(  # noqa: PLR0913, PLR0917 - the case, and what it needs
    gate: str, wrong: str, place: ModuleType, name: str, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, lambda *_, **__: ())
    assert prove(the(GATE, gate), only(field, GATE, gate, wrong)).outcome is Outcome.FAIL


def test_an_alarm_that_goes_off_where_all_is_well_is_not_proven(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    loud = tuple(
        Check(check.id, check.title, always(Outcome.FAIL)) if check.id == "disk-space" else check
        for check in preflight.CHECKS
    )
    monkeypatch.setattr(preflight, "CHECKS", loud)
    quiet = {**field.quiet, "preflight": drilling._quiet("preflight", field.clean, field.place)}
    found = prove(the("preflight", "disk-space"), field._replace(quiet=quiet))
    assert found.detail.startswith("all is well: FAIL, and PASS was due: said without looking")


def test_a_gate_that_is_shut_where_all_is_well_is_not_proven(field: Field) -> None:
    shut = {**field.quiet, GATE: {GATE: Seen(Outcome.FAIL, "the stop latch is set")}}
    assert prove(the(GATE, "receipt"), field._replace(quiet=shut)).outcome is Outcome.FAIL


def test_a_live_run_that_sends_no_order_where_all_is_well_is_no_clean_twin(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genesis_ops.runner.orders.objection", lambda _: ("expired", "never"))
    assert drilling._quiet(GATE, field.clean, field.place)[GATE] == Seen(Outcome.FAIL, "0 orders were sent; never")


def test_a_run_under_its_own_rules_goes_on_without_a_receipt_so_that_what_shuts_the_gate_are_other_rules(
    field: Field,
) -> None:
    from genesis_ops.rehearsal.drill_spoil_orders import ran_live

    with drilling._copied(GATE, field.clean, field.place) as root:
        ran_live()(root)
        assert drill_live.refusal(root) == drill_live.Refusal((), sent=1)


def test_an_alarm_that_another_one_goes_off_with_is_not_proven(field: Field) -> None:
    both = [case._replace(also=("no-fatal",)) for case in CASES if case.alarm == "disk-space"][:1]
    found = prove(the("preflight", "disk-space"), field._replace(cases=both))
    assert found.detail == "99 MB are free: with it went off nothing, due was no-fatal"


def test_an_alarm_that_goes_off_for_another_reason_is_not_proven(field: Field) -> None:
    other = [case._replace(says="of something else") for case in CASES if case.alarm == "disk-space"][:1]
    found = prove(the("preflight", "disk-space"), field._replace(cases=other))
    assert found.detail.startswith("99 MB are free: it went off for another reason than 'of something else'")


def test_a_command_that_fails_itself_has_not_noticed(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("nobody looks")

    monkeypatch.setattr(drilling, "look", broken)
    found = prove(the("preflight", "disk-space"), only(field, "preflight", "disk-space"))
    assert found.detail.endswith(
        "FAIL was due, and it said UNKNOWN: the command itself failed: RuntimeError: nobody looks"
    )


def test_a_known_bad_case_is_told_with_what_the_check_said(field: Field) -> None:
    found = prove(the("preflight", "stop-latch"), only(field, "preflight", "stop-latch"))
    assert (found.outcome, found.detail) == (Outcome.PASS, "it is set: FAIL")
    assert texts(found) == ["it is set: FAIL: no run starts: set by the drill"]


def test_what_a_case_spoils_stays_a_copy(field: Field) -> None:
    prove(the("preflight", "champion-file"), only(field, "preflight", "champion-file"))
    prove(the("preflight", "log-directory"), only(field, "preflight", "log-directory"))
    assert prove(the("preflight", "disk-space"), field).outcome is Outcome.PASS
    assert sorted(path.name for path in field.place.iterdir()) == ["clean", "running"]


def test_the_clean_root_has_a_packed_day(field: Field) -> None:
    packed = [path.name for path in field.clean.path.rglob("runner_2*.log.gz")]
    assert packed == ["runner_20260204.log.gz"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_process_that_stands_for_a_runner_inherits_no_file_of_this_one(field: Field) -> None:
    with drilling._copied("preflight", field.clean, field.place) as root, drilling._writers(root) as pids:
        (pid,) = pids
        assert os.readlink(f"/proc/{pid}/fd/2") == os.devnull  # noqa: PTH115 - a link of the kernel's, not a file


# --- no room


@pytest.mark.parametrize("place", ["make_clean", "copy"])
def test_a_full_disk_ends_the_drill_and_is_no_alarm(monkeypatch: pytest.MonkeyPatch, field: Field, place: str) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(drilling, "make_clean", lambda _: field.clean)
    monkeypatch.setattr(drilling, place, full)
    with pytest.raises(WriteFailed) as caught:
        drill("m", 0, lambda *_: None)
    assert caught.value.message == "the drill cannot use its temporary files: No space left on device"
    assert caught.value.next_command.startswith("TMPDIR=")


def test_a_clean_root_that_cannot_be_made_is_told_as_the_drills_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> None:
        raise Refused("the champion is frozen")

    monkeypatch.setattr(drilling, "make_clean", broken)
    with pytest.raises(WriteFailed) as caught:
        drill("m", 0, lambda *_: None)
    assert caught.value.message == "the drill cannot make a root in which all is well: the champion is frozen"
    assert caught.value.notes[0].startswith("nothing of the phase is concerned")


def test_a_case_that_cannot_be_written_ends_the_drill_and_is_no_alarm(
    monkeypatch: pytest.MonkeyPatch, field: Field
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(drilling, "prepare", lambda *_: only(field, "preflight", "stop-latch"))
    monkeypatch.setattr(drilling, "alarms", lambda: (the("preflight", "stop-latch"),))
    monkeypatch.setattr("genesis_ops.state.latch.put_in_place", full)
    monkeypatch.setattr("genesis_ops.state.latch.create", full)
    with pytest.raises(WriteFailed, match="cannot use its temporary files"):
        drill("m", 0, lambda *_: None)


def test_a_live_run_that_meets_a_full_disk_ends_the_drill(monkeypatch: pytest.MonkeyPatch, field: Field) -> None:
    def full(*_: object, **__: object) -> None:
        raise WriteFailed("the disk is full")

    monkeypatch.setattr(drill_live, "start", full)
    with pytest.raises(WriteFailed):
        prove(the(GATE, "receipt"), only(field, GATE, "receipt"))
