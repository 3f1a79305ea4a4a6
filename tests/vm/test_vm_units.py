"""The units under a real systemd: what it restarts, what it leaves alone, and that its hardening hinders nothing."""

import pytest
from vm_machine import Answer
from vm_server import CORE, LOGS, OPS, RUNNER, Server

pytestmark = pytest.mark.vm

CHAMPION = f"{CORE}/config/strategy/champions/tBTCUSD_1h.json"


def test_the_command_that_remote_install_put_there_is_this_version(furnished: tuple[Server, Answer]) -> None:
    from genesis_ops import __version__

    server, _ = furnished
    assert server.machine.ssh(OPS.split()[0], "--version").out.split() == ["genesis-ops", __version__]
    assert server.machine.do(f"stat -c %U $(readlink -f {OPS.split()[0]})").strip() == "root"


def test_what_is_installed_is_what_would_be_written(server: Server) -> None:
    answer = server.machine.shell(f"{OPS} units diff")
    assert answer.code == 0, answer.out


@pytest.mark.parametrize("name", ["snapshot", "daily-summary", "daily-summary-yesterday", "stop-check"])
def test_what_a_timer_starts_works_with_the_hardening_of_its_unit(server: Server, name: str) -> None:
    unit = f"genesis-{name}.service"
    server.machine.shell(f"systemctl start {unit}")
    status, journal = server.show(unit, "ExecMainStatus")[0], server.machine.do(f"journalctl -u {unit} -n 30 -o cat")
    assert int(status) in {0, 1, 3}, journal  # a verdict; none of systemd's own (above 200), no refusal, no bug
    assert "could not be written" not in journal


def test_a_runner_that_was_killed_is_started_again(server: Server) -> None:
    with_quick_restarts(server, "")
    pid, restarts = server.show(RUNNER, "MainPID", "NRestarts")
    server.machine.do(f"kill -KILL {pid}")
    server.wait_until(f"[ $(systemctl show -P NRestarts {RUNNER}) -gt {restarts} ]", 60)
    server.wait_for_services()
    assert server.show(RUNNER, "MainPID") != [pid]


def test_a_runner_that_hangs_is_killed_by_the_watchdog_and_started_again(server: Server) -> None:
    with_quick_restarts(server, "WatchdogSec=30")
    pid, restarts = server.show(RUNNER, "MainPID", "NRestarts")
    server.machine.do(f"kill -STOP {pid}")
    server.wait_until(f"[ $(systemctl show -P NRestarts {RUNNER}) -gt {restarts} ]", 120)
    server.wait_for_services()
    assert server.show(RUNNER, "MainPID") != [pid]
    assert "Watchdog timeout" in server.machine.do(f"journalctl -u {RUNNER} -n 60 -o cat")


def test_a_runner_that_fails_closed_is_not_started_again(server: Server) -> None:
    with_quick_restarts(server, "")
    server.machine.do(f"mv {CHAMPION} /srv/champion.json")
    try:
        assert server.machine.shell(f"systemctl restart {RUNNER}").code != 0
        server.machine.do("sleep 15")  # longer than any restart would take to begin
        assert server.show(RUNNER, "ActiveState", "ExecMainStatus", "NRestarts") == ["failed", "78", "0"]
    finally:
        server.machine.do(f"mv /srv/champion.json {CHAMPION}; systemctl reset-failed; systemctl start {RUNNER}")


def test_a_person_without_the_right_to_the_journal_sees_the_services_words_over_remote_logs(server: Server) -> None:
    answer = server.remote("logs", "runner", "--lines", "200")
    assert answer.code == 0, answer.err
    assert "Started" in answer.out  # systemd's own line, which the service's user does not see


def test_preflight_over_ssh_gives_the_verdict_that_it_gives_there(server: Server) -> None:
    there = server.machine.shell(f"{OPS} preflight --wait 3m", user="genesis", seconds=600)
    here = server.remote("preflight", "--wait", "3m")
    assert (there.code, here.code) == (0, 0), f"{there.out}\n{here.out}\n{here.err}"
    assert "PASS  12 of 12 checks passed" in here.out


def test_fetch_brings_the_snapshot_that_was_taken_there(server: Server) -> None:
    taken = server.remote("snapshot")
    assert taken.code == 0, taken.out + taken.err
    assert server.remote("fetch").code == 0
    there = server.machine.do(f"cd {LOGS}/snapshots && sha256sum snapshot_*.txt")
    here = server.laptop / "logs" / "paper_trading" / "snapshots"
    assert sorted(path.name for path in here.iterdir()) == sorted(line.split()[1] for line in there.splitlines())


def with_quick_restarts(server: Server, also: str) -> None:
    """Start the runner with a drop-in that does not let a test wait for a minute; it is gone after a boot."""
    server.machine.do(
        f"mkdir -p /run/systemd/system/{RUNNER}.d\n"
        f"printf '[Service]\\nRestartSec=2\\n%s\\n' '{also}' >/run/systemd/system/{RUNNER}.d/quick.conf\n"
        f"systemctl daemon-reload; systemctl restart {RUNNER}",
        seconds=400,
    )
