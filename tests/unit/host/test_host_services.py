"""What systemd says of the services, and what has to be so before anything is stopped."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_ops.clients.host_clock import HostClock
from genesis_ops.clients.units import UNITS, Unit, UnitsFound
from genesis_ops.errors import AbortCondition, Unreachable
from genesis_ops.host import facts, services
from genesis_ops.host.checkout import Checkout
from genesis_ops.host.plan import Plan, Wishes
from genesis_ops.host.services import problems, require_at_rest, seconds_of
from genesis_ops.host.steps import Own
from genesis_ops.settings import Settings, load

WELL = {"LoadState": "loaded", "ActiveState": "active", "MainPID": "7", "NeedDaemonReload": "no", "User": "genesis"}
RESTS = WELL | {"ActiveState": "inactive", "MainPID": "0"}


def both(paper: dict[str, str], runner: dict[str, str] | None = None) -> UnitsFound:
    return UnitsFound((Unit(UNITS[0], paper), Unit(UNITS[1], runner or paper)))


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("1min 30s", 91),
        ("2s", 3),
        ("500ms", 1),
        ("1h", 900),
        ("infinity", 900),
        ("", 900),
        ("1min30s", 91),
        ("x1s", 900),
    ],
)
def test_a_length_of_time_is_read_as_systemd_writes_it(span: str, seconds: int) -> None:
    assert seconds_of(span) == seconds


@settings(max_examples=50)
@given(st.text(alphabet="0123456789. smhinfty", max_size=12))
def test_no_length_of_time_is_longer_than_anybody_waits(span: str) -> None:
    assert 0 < seconds_of(span) <= 900


@pytest.mark.parametrize(
    ("changed", "said", "code"),
    [
        ({"LoadState": "not-found"}, "there is no unit genesis-runner.service", 1),
        ({"LoadState": "masked"}, "genesis-runner.service cannot be used: it is masked", 1),
        ({"NeedDaemonReload": "yes"}, "systemd has not read genesis-runner.service as it is now", 1),
    ],
)
def test_a_unit_that_cannot_be_relied_on_is_named(changed: dict[str, str], said: str, code: int) -> None:
    assert [(each.what, each.exit_code) for each in problems(both(WELL, WELL | changed))] == [(said, code)]


def test_a_silent_systemd_is_not_taken_for_missing_units() -> None:
    assert [each.exit_code for each in problems(UnitsFound(trouble="systemctl did not answer within 10s"))] == [3]


@pytest.mark.parametrize("changed", [{"ActiveState": "active"}, {"ActiveState": "deactivating"}, {"MainPID": "7"}])
def test_what_still_lives_is_not_at_rest(monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]) -> None:
    monkeypatch.setattr(services, "show", lambda *_: both(RESTS, RESTS | changed))
    with pytest.raises(AbortCondition, match=r"genesis-runner\.service is"):
        require_at_rest()


def test_a_runner_that_had_to_be_killed_is_at_rest_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = RESTS | {"ActiveState": "failed", "Result": "timeout"}
    monkeypatch.setattr(services, "show", lambda *_: both(RESTS, killed))
    assert require_at_rest()[1].endswith("failed, killed: it did not stop within its time")


def test_without_an_answer_nobody_is_said_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "show", lambda *_: UnitsFound(trouble="no answer"))
    with pytest.raises(Unreachable):
        require_at_rest()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A root on a host where all is well; a test changes one thing."""
    monkeypatch.setattr(services, "show", lambda *_: both(WELL))
    monkeypatch.setattr(facts, "owner_of", lambda _: "genesis")
    monkeypatch.setattr(facts.checkout, "look", lambda *_: Checkout(head="a" * 40, branch="main", wished="main"))
    made = load({"root": tmp_path}, {}, None).settings
    made.log_dir.mkdir(parents=True)
    return made


def planned(root: Settings, *, keep_logs: bool = False) -> Plan:
    return facts.make_plan(root, Wishes(acceptance="", keep_logs=keep_logs), Own(("genesis-ops",)), HostClock())


def test_a_host_where_all_is_well_has_steps_and_no_problem(root: Settings) -> None:
    plan = planned(root)
    assert (plan.problems, plan.steps[0].id, plan.facts.user) == ((), "units-present", "genesis")


def test_a_plan_with_a_problem_has_no_steps(root: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "show", lambda *_: both(WELL | {"LoadState": "masked"}))
    assert (len(planned(root).problems), planned(root).steps, planned(root).way_back) == (2, (), ())


def test_a_checkout_of_a_third_user_is_refused(root: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "owner_of", lambda _: "deploy")
    (problem,) = planned(root).problems
    assert (problem.what, problem.exit_code) == ("the checkout belongs to deploy and the runner is genesis's", 78)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_state_that_is_a_link_is_refused(root: Settings) -> None:
    root.state_file.symlink_to(root.root / "elsewhere")
    (problem,) = planned(root).problems
    assert problem.what == "logs/paper_trading/runner_state.json is a link, which cannot be archived"


@pytest.mark.skipif(os.name == "nt", reason="a server has statvfs")
def test_a_disk_that_is_too_full_for_a_copy_is_said_before_anything_is_stopped(
    root: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root.log_dir / "runner_20260205.log").write_bytes(b"x" * (3 << 20))
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=67 << 20, f_frsize=1))
    assert planned(root).problems == ()
    (problem,) = planned(root, keep_logs=True).problems
    assert (problem.what, problem.exit_code) == ("67 MiB are free in logs/paper_trading, 70 MiB are needed", 1)


@pytest.mark.skipif(os.name == "nt", reason="a server has signals")
def test_a_runner_that_no_unit_stops_is_found_and_a_dead_ones_name_plate_is_not(root: Settings) -> None:
    plate = root.log_dir / "runner.lock"

    def put_up(since: str) -> None:
        plate.write_text(f'{{"pid": {os.getpid()}, "since": "{since}", "command": "genesis-ops run"}}')

    put_up("2016-02-05T13:10:02.000Z")
    assert planned(root).problems == ()
    put_up("2096-02-05T13:10:02.000Z")
    (problem,) = planned(root).problems
    assert problem.what.startswith(f"a runner that is no unit's writes here: pid {os.getpid()}")


def test_a_further_runner_is_told_to_rest_meanwhile(root: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    further = Unit("genesis-runner@eth.service", WELL)
    foreign = Unit("genesis-runner@../x.service", WELL)
    monkeypatch.setattr(services, "show", lambda _, names=(): UnitsFound((further, foreign)) if names else both(WELL))
    plan = planned(root)
    assert [unit.name for unit in plan.facts.units] == [*UNITS, further.name]
    assert plan.notices[0].endswith(f"left alone: {further.name}")
