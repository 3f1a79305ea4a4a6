"""`genesis-ops remote plan` and `apply` over real ssh to a real systemd: forward, back, refused, cut off."""

import json
from pathlib import Path

import pytest
from vm_server import CORE, LOGS, OPS, PAPER, RUNNER, Server, cut

pytestmark = pytest.mark.vm

QUICK = ("--acceptance", "none", "--healthy", "30s")
BROKEN = "echo 'raise SystemExit(\"broken by a commit\")' >uvicorn/__main__.py"
UNIT = f"/etc/systemd/system/{RUNNER}"


def pids(server: Server) -> list[str]:
    return [*server.show(PAPER, "MainPID"), *server.show(RUNNER, "MainPID")]


def of_the_newest_archive(server: Server, name: str) -> str:
    return server.machine.do(f"cat $(ls -d {LOGS}/_archive/restart_* | tail -n 1)/{name}")


def test_a_plan_that_was_saved_is_applied_as_it_was_shown(server: Server, tmp_path: Path) -> None:
    head, before, plan = server.head(), pids(server), str(tmp_path / "plan.json")
    target = server.push("echo two >VERSION")
    planned = server.remote("plan", "--acceptance", "24h", "--save", plan)
    assert planned.code == 0, planned.out + planned.err
    assert (server.head(), pids(server)) == (head, before)

    applied = server.remote("apply", plan, "--yes", "--reason", "a clean apply")

    assert applied.code == 0, applied.out + applied.err
    assert server.head() == target
    assert not set(pids(server)) & set(before)
    state = server.machine.do(f"cat {LOGS}/runner_state.json")
    manifest = json.loads(of_the_newest_archive(server, "MANIFEST.json"))
    assert "runner_state.json" in [file["name"] for file in manifest["files"]]
    assert of_the_newest_archive(server, "runner_state.json") != state
    assert server.operations()[-1]["verdict"] == "done"
    local = (server.laptop / "logs" / "remote" / "operations.jsonl").read_text()
    assert "a clean apply" in local
    assert "genesis-acceptance-" in server.machine.do("systemctl list-timers --no-pager 'genesis-acceptance-*'")


def test_what_was_changed_in_the_checkout_is_kept_and_the_branch_comes(server: Server) -> None:
    target = server.push("echo three >VERSION")
    server.machine.do(f"echo '# by hand' >>{CORE}/config/genesis-ops.toml", user="genesis")
    applied = server.remote("apply", "--yes", *QUICK)
    assert applied.code == 0, applied.out + applied.err
    assert server.head() == target
    assert "+# by hand" in of_the_newest_archive(server, "modifications/unstaged.diff")
    assert server.machine.do(f"git -C {CORE} stash list", user="genesis").count("genesis-ops") == 1
    assert server.machine.do(f"git -C {CORE} status --porcelain --untracked-files=no", user="genesis") == ""


def test_a_commit_whose_api_is_not_well_is_taken_back(server: Server) -> None:
    head = server.head()
    before = server.machine.do(f"cat {LOGS}/runner_evaluations_*.log")
    server.machine.do(f"echo by hand >>{CORE}/VERSION", user="genesis")
    server.push(BROKEN)
    try:
        applied = server.remote("apply", "--yes", *QUICK)

        assert applied.code == 1, applied.out + applied.err
        assert "broken by a commit" in applied.out + applied.err  # the unit's last journal lines
        server.wait_for_services()
        assert server.head() == head
        assert server.machine.do(f"tail -n 1 {CORE}/VERSION") == "by hand\n"
        assert server.machine.do(f"cat {LOGS}/runner_evaluations_*.log").startswith(before)  # a candle may have closed
        assert server.operations()[-1]["verdict"] == "returned"
        assert "archive" in of_the_newest_archive(server, "MANIFEST.json")
    finally:
        server.machine.do(f"git -C {CORE} checkout --quiet -- VERSION", user="genesis")
        server.push("git revert --no-edit HEAD >/dev/null; echo well >>VERSION")


def test_a_connection_that_is_cut_leaves_the_apply_going_on_and_a_second_one_is_refused(server: Server) -> None:
    target = server.push("echo four >VERSION")
    first = server.begin("apply", "--yes", "--reason", "the first", *QUICK)
    server.wait_until(f"! systemctl is-active --quiet {RUNNER}", 200)
    cut(first)

    second = server.remote("apply", "--yes", "--reason", "the second", *QUICK)
    attached = server.remote("attach")

    assert second.code == 75, second.out + second.err
    assert "the first" in second.out + second.err
    assert attached.code == 0, attached.out + attached.err
    assert server.head() == target
    assert server.operations()[-1]["verdict"] == "done"


def test_a_host_that_has_moved_on_is_refused_what_was_planned_before(server: Server, tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    assert server.remote("plan", "--save", plan, *QUICK).code == 0
    server.push("echo five >VERSION")
    before = pids(server)
    applied = server.remote("apply", plan, "--yes")
    assert applied.code == 78, applied.out + applied.err
    assert "facts.target" in applied.out + applied.err
    assert pids(server) == before


def test_a_unit_that_is_missing_is_found_out_before_anything_is_touched(server: Server) -> None:
    before = pids(server)
    server.machine.do(f"mv {UNIT} /srv/kept.service; systemctl daemon-reload")
    try:
        applied = server.remote("apply", "--yes", *QUICK)
    finally:
        server.machine.do(f"mv /srv/kept.service {UNIT}; systemctl daemon-reload")
    assert applied.code == 1, applied.out + applied.err
    assert RUNNER in applied.out + applied.err
    assert "units install" in applied.out + applied.err
    assert pids(server) == before


def test_a_sudo_that_asks_for_a_password_is_found_out_before_anything_is_touched(server: Server) -> None:
    before = pids(server)
    applied = server.remote("apply", "--yes", *QUICK, host="genesis-vm-locked")
    assert applied.code == 78, applied.out + applied.err
    assert "NOPASSWD" in applied.out + applied.err
    assert pids(server) == before


def test_a_host_whose_key_nobody_has_compared_is_not_reached(server: Server) -> None:
    looked = server.remote("plan", host="stranger")
    assert looked.code == 69, looked.out + looked.err


def test_an_apply_that_a_power_cut_ended_is_told_of_and_taken_back(server: Server) -> None:
    head, target = server.head(), server.push("echo six >VERSION")
    first = server.begin("apply", "--yes", "--reason", "before the power cut", *QUICK)
    server.wait_until(f"sudo -u genesis git -C {CORE} rev-parse HEAD | grep -q {target}", 300)
    server.machine.reboot(power_cut=True)
    cut(first)
    # Now and then the cut leaves this of a file that the merge had written; here it always does.
    server.machine.do(f"truncate --size=0 {CORE}/VERSION", user="genesis")

    attached = server.remote("attach")
    assert attached.code not in {0, 75}, attached.out + attached.err
    died = server.operations()[-1]
    assert died["action"] == "apply", died

    back = server.machine.shell(f"{OPS} host back {died['id']}", seconds=900)
    assert back.code in {0, 1}, back.out + back.err
    server.wait_for_services()
    assert server.head() == head
    assert server.machine.do(f"git -C {CORE} status --porcelain --untracked-files=no", user="genesis") == ""
    assert "-six" in of_the_newest_archive(server, "undone/unstaged.diff")
    assert "runner_state.json" in of_the_newest_archive(server, "MANIFEST.json")
