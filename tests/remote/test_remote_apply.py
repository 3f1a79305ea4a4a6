"""An apply on a server of its own, with everything real but systemd: forward, back, refused, killed."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from remote_machine import PAPER, RUNNER, Machine, machine, until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a server has systemd")

QUICK = ("--healthy", "2s", "--acceptance", "none")
LOCAL = {"README.md": "changed here\n", "docs.txt": "new here\n"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path / "server") as made:
        yield made


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A server that nothing is done to: each test sees that nothing was."""
    with machine(tmp_path_factory.mktemp("server") / "server") as made:
        yield made


def modify(server: Machine) -> str:
    """Change a file and stage another; give what git says of it."""
    for name, text in LOCAL.items():
        (server.root / name).write_text(text)
    server.git("add", "docs.txt")
    return server.git("status", "--porcelain", "--untracked-files=no")


def steps(record: list[dict[str, object]], state: str = "done") -> list[object]:
    return [event["id"] for event in record if event.get("state") == state]


def test_a_clean_apply_brings_the_commit_and_begins_a_new_window(server: Machine) -> None:
    journal, before = server.logs / "runner_orders_20260205.log", server.files()
    journal.write_text("an order\n")
    modified = modify(server)
    target = server.commit_at_origin("src/core/new.py", "new = True\n")
    plan = server.plan()
    assert (plan["facts"]["target"], len(plan["facts"]["commits"]), plan["problems"]) == (target, 1, [])

    name = server.begin(plan)
    code, record = server.follow(name)

    assert (code, record[-1]["verdict"]) == (0, "done")
    assert steps(record) == [step["id"] for step in plan["steps"]]
    assert server.git("rev-parse", "HEAD") == target
    assert server.active(PAPER)
    assert server.active(RUNNER)
    archive = server.archive(name)
    manifest = json.loads((archive / "MANIFEST.json").read_text())
    kept = {file["name"]: file["sha256"] for file in manifest["files"]}
    assert kept == {name: hashlib.sha256(raw).hexdigest() for name, raw in before.items()}
    assert {name: (archive / name).read_bytes() for name in kept} == before
    assert journal.read_text() == "an order\n"
    assert "changed here" in (archive / "modifications" / "unstaged.diff").read_text()
    assert "A  docs.txt" in modified
    assert server.git("status", "--porcelain", "--untracked-files=no") == ""
    assert f"genesis-ops {name}" in server.git("stash", "list")
    assert "merge --ff-only" in (archive / "step-09-fast-forward.txt").read_text()
    audit = [json.loads(line) for line in (server.logs / "operations.jsonl").read_text().splitlines()]
    assert [(line["action"], line["owner"], line["id"]) for line in audit] == [
        ("apply", "ops@laptop", name),
        ("apply-ended", "ops@laptop", name),
    ]
    assert [path.suffix for path in server.units_dir.glob("genesis-acceptance-*")] == [".timer"]


def test_an_api_that_is_not_well_brings_everything_back(server: Machine) -> None:
    head, before, modified = server.git("rev-parse", "HEAD"), server.files(), modify(server)
    server.commit_at_origin("src/core/server.py", "broken\n")

    name = server.begin(server.plan("--healthy", "0m1s", "--acceptance", "none"))
    code, record = server.follow(name)

    assert (code, record[-1]["verdict"], record[-1]["exit_code"]) == (1, "returned", 1)
    assert steps(record, "failed") == ["healthy"]
    assert server.git("rev-parse", "HEAD") == head
    assert server.git("status", "--porcelain", "--untracked-files=no") == modified
    assert "genesis-ops" not in server.git("stash", "list")
    assert (server.active(PAPER), server.active(RUNNER)) == (True, True)
    state = server.files()["runner_state.json"]
    assert state == before["runner_state.json"]
    log = server.files()["runner_20260205.log"]
    assert log == before["runner_20260205.log"] + f"a run of pid {server.unit(RUNNER)['pid']}\n".encode()
    assert (server.archive(name) / "runner_state.json").read_bytes() == state
    told = {event["name"]: event["text"] for event in record if event["kind"] == "evidence"}
    assert "error" in told["GET /health"]
    assert {"healthy, its output", f"{PAPER}, its last lines", f"{RUNNER}, its last lines"} <= told.keys()


@pytest.mark.soak
def test_a_preflight_that_fails_keeps_what_the_new_runner_wrote_apart(server: Machine) -> None:
    before = server.files()
    server.preflight_says("FAIL", 1, "state-heartbeat")

    name = server.begin(server.plan(*QUICK))
    code, record = server.follow(name)

    assert (code, record[-1]["verdict"]) == (1, "returned")
    failed = next(event for event in record if event.get("state") == "failed")
    assert (failed["id"], failed["detail"]) == ("preflight", "FAIL state-heartbeat")
    new = server.archive(name) / "failed"
    assert b"a run of pid" in (new / "runner_20260205.log").read_bytes()
    assert server.files()["runner_20260205.log"].startswith(before["runner_20260205.log"])
    assert server.files()["runner_state.json"] == before["runner_state.json"]


@pytest.mark.soak
def test_what_was_not_running_is_not_running_after_the_way_back(tmp_path: Path) -> None:
    with machine(tmp_path / "server", running=False) as server:
        server.set_unit(PAPER, start_fails="no such module")
        code, record = server.follow(server.begin(server.plan(*QUICK)))
        assert (code, record[-1]["verdict"]) == (1, "returned")
        assert (server.active(PAPER), server.active(RUNNER)) == (False, False)
        said = [event["text"] for event in record if event.get("name") == f"{PAPER}, its last lines"]
        assert said == ["no such module"]


@pytest.mark.soak
def test_a_way_back_that_fails_says_what_is_left_to_type(server: Machine) -> None:
    server.commit_at_origin("src/core/server.py", "broken\n")
    plan = server.plan(*QUICK)
    server.set_unit(PAPER, start_fails="the port is taken")
    code, record = server.follow(server.begin(plan))
    end = record[-1]
    assert (code, end["verdict"]) == (1, "stuck")
    assert end["next"][0] == "sudo -u root systemctl start genesis-paper.service"
    assert end["next"][-1] == "sudo -u root systemctl start genesis-runner.service"
    assert "stuck at start-api" in server.plan()["notices"][0]


@pytest.mark.soak
def test_a_second_apply_is_told_whose_the_first_is_and_a_killed_one_can_be_taken_back(server: Machine) -> None:
    head, before = server.git("rev-parse", "HEAD"), server.files()
    server.commit_at_origin("src/core/new.py", "new = True\n")
    server.set_unit(RUNNER, stop_hangs=3)
    plan = server.plan(*QUICK)
    name = server.begin(plan, owner="first@laptop", reason="a deploy")

    second = server.run("host", "begin", "--owner", "second@laptop", data=json.dumps(plan))
    assert second.returncode == 75
    assert "first@laptop (a deploy), since 20" in second.stderr

    until(lambda: "stop-runner" in steps(server.record(name), "running"))
    os.kill(server.unit(f"genesis-apply-{name}.service")["pid"], signal.SIGKILL)
    server.set_unit(RUNNER, stop_hangs=0)
    code, record = server.follow(name)
    assert (code, record[-1]["verdict"]) == (1, "died")
    assert record[-1]["next"] == [f"sudo {server.program} --root {server.root} host back {name}"]
    look = json.loads(server.run("host", "look").stdout)
    assert (look["operation"]["state"], look["operation"]["step"]) == ("died", "stop-runner")

    back = server.run("host", "back", name)
    assert (back.returncode, server.record(name)[-1]["verdict"]) == (1, "returned")
    assert (server.git("rev-parse", "HEAD"), server.active(PAPER), server.active(RUNNER)) == (head, True, True)
    assert server.files()["runner_state.json"] == before["runner_state.json"]
    assert server.run("host", "back", name).returncode == 78


def stuck(server: Machine) -> str:
    """Leave an operation whose way back has failed, on a host where it would succeed now."""
    server.commit_at_origin("src/core/new.py", "new = True\n")
    plan = server.plan(*QUICK)
    server.set_unit(RUNNER, start_fails="not today")
    name = server.begin(plan)
    assert server.follow(name)[1][-1]["verdict"] == "stuck"
    server.set_unit(RUNNER, start_fails="")
    return name


@pytest.mark.soak
def test_a_way_back_goes_on_when_nobody_listens_any_more(server: Machine) -> None:
    name = stuck(server)
    command = (str(server.program), "--root", str(server.root), "host", "back", name)
    with subprocess.Popen(command, env=server.environment, stdout=subprocess.PIPE) as back:
        assert back.stdout is not None
        back.stdout.readline()
        back.kill()
    until(lambda: server.record(name)[-1].get("verdict") == "returned")
    assert (server.active(PAPER), server.active(RUNNER)) == (True, True)
    assert server.follow(name)[1][-1]["verdict"] == "returned"


@pytest.mark.soak
def test_a_git_that_was_killed_in_the_middle_keeps_nobody_from_going_back(server: Machine) -> None:
    git, flag = shutil.which("git"), server.place / "kill-the-merge"
    flag.touch()
    program = server.bin / "git"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *merge*--ff-only*) [ -e {flag} ] && rm {flag} && touch {server.root}/.git/index.lock'
        f' && exit 1;; esac\nexec {git} "$@"\n'
    )
    program.chmod(0o755)
    server.commit_at_origin("src/core/new.py", "new = True\n")
    code, record = server.follow(server.begin(server.plan(*QUICK)))
    assert (code, record[-1]["verdict"], steps(record, "failed")) == (1, "returned", ["fast-forward"])
    assert (server.active(PAPER), server.active(RUNNER)) == (True, True)


@pytest.mark.soak
def test_another_branch_is_where_it_was_after_the_way_back(server: Machine) -> None:
    server.git("branch", "other")
    server.commit_at_origin("src/core/server.py", "broken\n", "other")
    server.commit_at_origin("src/core/server.py", "broken too\n", "unheard")
    head = server.git("rev-parse", "HEAD")
    for branch, left in (("other", head), ("unheard", "")):
        record = server.follow(server.begin(server.plan("--branch", branch, *QUICK)))[1]
        assert (record[-1]["verdict"], server.git("branch", "--show-current")) == ("returned", "main")
        assert server.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}") == left


@pytest.mark.soak
def test_who_stops_the_unit_in_the_middle_gets_the_server_as_it_was(server: Machine) -> None:
    head = server.git("rev-parse", "HEAD")
    server.commit_at_origin("src/core/new.py", "new = True\n")
    server.set_unit(RUNNER, stop_hangs=0.5)
    name = server.begin(server.plan(*QUICK))
    until(lambda: "stop-runner" in steps(server.record(name), "running"))
    os.kill(server.unit(f"genesis-apply-{name}.service")["pid"], signal.SIGTERM)
    code, record = server.follow(name)
    assert (code, record[-1]["verdict"], record[-1]["exit_code"]) == (143, "returned", 143)
    assert [event["because"] for event in record if event["kind"] == "way-back"] == ["signal"]
    assert "stop-api" not in steps(record[: [event["kind"] for event in record].index("way-back")])
    assert (server.git("rev-parse", "HEAD"), server.active(PAPER), server.active(RUNNER)) == (head, True, True)


def test_a_missing_unit_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    with machine(tmp_path / "server", running=False) as server:
        plan = server.plan()
        server.set_unit(RUNNER, load="not-found")
        done = server.run("host", "plan")
        problem = json.loads(done.stdout)["problems"][0]
        assert (done.returncode, problem["what"]) == (1, "there is no unit genesis-runner.service")
        assert "units install" in problem["next"]
        begun = server.run("host", "begin", "--owner", "x", data=json.dumps(plan))
        assert (begun.returncode, server.calls()) == (1, [])
        assert "genesis-runner.service" in begun.stderr


def test_a_host_that_has_moved_on_since_the_plan_is_refused(untouched: Machine) -> None:
    calls, plan = untouched.calls(), untouched.plan()
    untouched.commit_at_origin("src/core/later.py", "later = True\n")
    done = untouched.run("host", "begin", "--owner", "x", data=json.dumps(plan))
    assert (done.returncode, untouched.calls()) == (78, calls)
    assert "facts.target: was" in done.stderr


def test_an_edited_plan_is_refused(untouched: Machine) -> None:
    calls, plan = untouched.calls(), untouched.plan()
    plan["steps"][2]["command"], plan["steps"][5]["user"] = ["touch", str(untouched.place / "owned")], "somebody"
    done = untouched.run("host", "begin", "--owner", "x", data=json.dumps(plan))
    assert (done.returncode, untouched.calls()) == (78, calls)
    assert "steps.stop-runner.command: had 2, has 3" in done.stderr
    assert "steps.archive.user: was 'somebody'" in done.stderr


def test_an_order_that_was_changed_after_it_was_given_is_not_done(untouched: Machine) -> None:
    calls, name = untouched.calls(), "20260205_131002Z"
    untouched.archive(name).mkdir(parents=True)
    (untouched.archive(name) / "plan.json").write_text("{}")
    done = untouched.run("host", "run", name, "--sum", "0" * 64)
    assert (done.returncode, untouched.calls()) == (78, calls)
    assert "is not what was ordered" in done.stderr


def test_what_no_restart_would_mend_is_found_before_anything_is_stopped(untouched: Machine) -> None:
    environment = untouched.root / ".env"
    environment.chmod(0o644)
    done = untouched.run("host", "present")
    environment.chmod(0o600)
    assert (done.returncode, done.stderr.split(":")[1]) == (1, " env-file")


def test_further_runners_are_planned_for_and_looked_at(untouched: Machine) -> None:
    name = "genesis-runner@eth.service"
    untouched.set_unit(name, load="loaded", active="active")
    plan, look = untouched.plan(*QUICK), json.loads(untouched.run("host", "look").stdout)
    untouched.set_unit(name, active="inactive")
    assert [step["id"] for step in plan["steps"] if step["id"].endswith("@eth")] == [
        "stop-runner@eth",
        "start-runner@eth",
    ]
    assert (name in plan["notices"][0], [unit["name"] for unit in look["units"]]) == (True, [PAPER, RUNNER, name])
    assert len(json.loads(untouched.run("host", "look").stdout)["units"]) == 2


def test_a_look_at_the_server_finds_units_checkout_and_port(untouched: Machine) -> None:
    look = json.loads(untouched.run("host", "look").stdout)
    assert [(unit["name"], unit["active"], unit["pid"] > 1) for unit in look["units"]] == [
        (PAPER, "active", True),
        (RUNNER, "active", True),
    ]
    assert (look["head"], look["branch"]) == (untouched.git("rev-parse", "HEAD"), "main")
    assert [server["pid"] for server in look["listeners"]] == [untouched.unit(PAPER)["pid"]]


@pytest.mark.soak
def test_a_real_runner_and_a_real_preflight_go_through_an_apply(tmp_path: Path) -> None:
    with machine(tmp_path / "server", real=True) as server:
        until((server.logs / "runner_state.json").exists)
        target = server.commit_at_origin("src/core/new.py", "new = True\n")
        name = server.begin(server.plan("--acceptance", "none", "--wait", "3m"))
        code, record = server.follow(name, seconds=240)
        failed = [event for event in record if event["kind"] == "evidence"]
        assert (code, record[-1]["verdict"]) == (0, "done"), failed
        assert server.git("rev-parse", "HEAD") == target
        waits = [event["detail"] for event in record if event.get("state") == "waiting"]
        assert any("heartbeat" in detail for detail in waits)
