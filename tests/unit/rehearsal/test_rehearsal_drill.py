"""The drill: every alarm is proven, and an alarm that has gone deaf, or cries wolf, is found."""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

from genesis_ops.checks import acceptance, preflight, stop
from genesis_ops.checks.model import Check, Outcome, Result
from genesis_ops.rehearsal import drill as drilling
from genesis_ops.rehearsal.drill import CHECKS, Alarm, Field, Seen, alarms, prepare, prove
from genesis_ops.rehearsal.drill_cases import CASES, GATE, Case
from genesis_ops.rehearsal.drill_crash import BOUNDARIES
from genesis_ops.runner import gates, live
from genesis_ops.runner import start as starting

MODULES = {"preflight": preflight, "acceptance": acceptance, "stop-check": stop}
JUDGED = [alarm for alarm in alarms() if alarm.command != GATE]
GATES = [alarm for alarm in alarms() if alarm.command == GATE]


def named(alarm: Alarm) -> str:
    return f"{alarm.command}:{alarm.id}"


def the(command: str, alarm: str) -> Alarm:
    return next(each for each in alarms() if (each.command, each.id) == (command, alarm))


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    """The clean root, made once: what a case spoils is a copy."""
    return prepare(tmp_path_factory.mktemp("drill"))


# --- every check and every gate has its case


def without_case(cases: tuple[Case, ...]) -> set[tuple[str, str]]:
    """Name the checks that no case is about."""
    there_is = {(command, check.id) for command, checks in CHECKS.items() for check in checks}
    return there_is - {(case.command, case.alarm) for case in cases}


def test_every_check_of_the_three_commands_has_a_known_bad_case() -> None:
    assert without_case(CASES) == set()
    assert [len(checks) for checks in CHECKS.values()] == [len(module.CHECKS) for module in MODULES.values()]


def test_a_check_without_a_case_is_found() -> None:
    assert without_case(tuple(case for case in CASES if case.alarm != "clock")) == {("preflight", "clock")}


def test_every_case_is_about_an_alarm_that_there_is() -> None:
    assert {(case.command, case.alarm) for case in CASES} <= {(alarm.command, alarm.id) for alarm in alarms()}


def test_an_alarm_that_nobody_has_a_case_for_is_not_proven(field: Field) -> None:
    found = prove(the("preflight", "clock"), field._replace(cases=()))
    assert (found.outcome, found.observed) == (Outcome.FAIL, "no case")


def raises(module: ModuleType) -> set[tuple[str, int]]:
    """Name the lines at which a module refuses."""
    tree = ast.parse(inspect.getsource(module))
    return {(Path(str(module.__file__)).name, node.lineno) for node in ast.walk(tree) if isinstance(node, ast.Raise)}


@contextmanager
def traced(*modules: ModuleType) -> Iterator[set[tuple[str, int]]]:
    """Note which lines of these modules are run."""
    files, seen = {str(module.__file__): Path(str(module.__file__)).name for module in modules}, set()

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


def undrilled(wanted: list[Alarm], field: Field, patch: pytest.MonkeyPatch) -> set[object]:
    """Drill these gates; name each refusal of the two modules, and each fault of a receipt, that none brought about."""
    real, rows, held = live._faults, set[object](), set[object]()

    def faults(*asked: Any) -> Any:
        found = real(*asked)
        rows.update(f"fault {number}" for number in range(len(found)))
        held.update(f"fault {number}" for number, (holds, _) in enumerate(found) if holds)
        return found

    patch.setattr(live, "_faults", faults)
    with traced(gates, live) as seen:
        for alarm in wanted:
            assert prove(alarm, field).outcome is Outcome.PASS, alarm
    return (rows - held) | ((raises(gates) | raises(live)) - seen)


def test_every_refusal_of_the_gates_is_brought_about_by_a_case(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    assert undrilled(GATES, field, monkeypatch) == set()


def test_a_refusal_that_no_case_brings_about_is_found(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [alarm for alarm in GATES if alarm.id.startswith("receipt-") and alarm.id != "receipt-market"]
    missing = undrilled(some, field, monkeypatch)
    assert {each for each in missing if isinstance(each, str)} == {"fault 3"}
    assert raises(gates) <= missing


def test_the_page_about_the_drill_counts_as_the_program_does() -> None:
    page = (Path(__file__).parents[3] / "docs" / "drill.md").read_text("utf-8")
    assert set(re.findall(r"(\d+) alarms", page)) == {str(len(alarms()))}
    assert set(re.findall(r"at (\d+) boundaries", page)) == {str(len(BOUNDARIES))}
    assert f"It starts {2 * len(BOUNDARIES)} processes" in page


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
    found = prove(alarm, field)
    assert found.outcome is Outcome.FAIL
    assert "said PASS: said without looking" in found.detail


@pytest.mark.parametrize(
    ("gate", "place", "name"),
    [
        ("stop-latch", starting, "require_no_latch"),
        ("champion-frozen", starting, "require_frozen"),
        ("env-file", starting, "require_environment_file"),
        ("whitelist", live, "_require_whitelisted"),
        ("journal", live, "require_whole"),
        ("journal-market", live, "require_whole"),
        ("receipt-age", live, "_faults"),
        ("receipt-configuration", live, "_faults"),
    ],
)
def test_a_gate_that_lets_everybody_in_is_not_proven(
    gate: str, place: ModuleType, name: str, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, lambda *_, **__: ())
    assert prove(the(GATE, gate), field).outcome is Outcome.FAIL


def test_an_alarm_that_goes_off_where_all_is_well_is_not_proven(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    loud = tuple(
        Check(check.id, check.title, always(Outcome.FAIL)) if check.id == "clock" else check
        for check in preflight.CHECKS
    )
    monkeypatch.setattr(preflight, "CHECKS", loud)
    quiet = {**field.quiet, "preflight": drilling._quiet("preflight", field.clean, field.place)}
    found = prove(the("preflight", "clock"), field._replace(quiet=quiet))
    assert found.detail == "all is well: FAIL, and PASS was due: said without looking"


def test_a_gate_that_is_shut_where_all_is_well_is_not_proven(field: Field) -> None:
    shut = {**field.quiet, GATE: {GATE: Seen(Outcome.FAIL, "the stop latch is set")}}
    assert prove(the(GATE, "receipt"), field._replace(quiet=shut)).outcome is Outcome.FAIL


def test_an_alarm_that_another_one_goes_off_with_is_not_proven(field: Field) -> None:
    both = [case._replace(also=("no-fatal",)) for case in CASES if case.alarm == "clock"]
    found = prove(the("preflight", "clock"), field._replace(cases=both))
    assert found.detail == "the exchange is 90 s ahead: with it went off nothing, due was no-fatal"


def test_a_known_bad_case_is_told_with_what_the_check_said(field: Field) -> None:
    found = prove(the("preflight", "stop-latch"), field)
    assert (found.outcome, found.detail) == (Outcome.PASS, "the latch is set: FAIL")
    assert [place.text for place in found.evidence] == ["the latch is set: FAIL: no run starts: set by the drill"]


def test_what_a_case_spoils_stays_a_copy(field: Field) -> None:
    prove(the("preflight", "champion-file"), field)
    prove(the("preflight", "log-directory"), field)
    assert prove(the("preflight", "disk-space"), field).outcome is Outcome.PASS
    assert sorted(path.name for path in field.place.iterdir()) == ["clean", "running"]
