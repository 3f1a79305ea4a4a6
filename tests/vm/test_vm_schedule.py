"""A scheduled acceptance and a real systemd: it survives a power cut, and is judged after it."""

import pytest
from vm_server import LOGS, OPS, Server

pytestmark = pytest.mark.vm


def test_an_acceptance_that_was_due_while_the_machine_was_off_is_judged_after_the_boot(server: Server) -> None:
    at, seconds = server.machine.do("date -u -d '+60 seconds' '+%Y%m%d_%H%M%SZ %s'").split()
    added = server.machine.shell(f"{OPS} host schedule add --at {at} --window 24h")
    assert added.code == 0, added.out + added.err
    assert "to come" in server.remote("schedule", "list").out

    server.wait_until(f"[ $(date +%s) -ge $(({seconds} - 5)) ]", 120)  # no boot takes less than what is left
    server.machine.reboot(power_cut=True)

    result = f"{LOGS}/acceptance_check_{at}.txt"
    server.wait_until(f"[ -e {result} ]", 300)
    said = server.machine.do(f"cat {result}")
    assert said.rstrip().splitlines()[-1].startswith("exit code: "), said
    assert "Acceptance" in said
    assert "done" in server.remote("schedule", "list").out
    server.wait_for_services()  # enabled units came with the boot


def test_an_acceptance_that_was_cancelled_is_in_systemd_no_more(server: Server) -> None:
    at = server.machine.do("date -u -d '+2 days' +%Y%m%d_%H%M%SZ").strip()
    assert server.machine.shell(f"{OPS} host schedule add --at {at} --window 24h").code == 0
    server.machine.reboot()
    assert at in server.machine.do("systemctl list-timers --no-pager")
    cancelled = server.remote("schedule", "cancel", at)
    assert cancelled.code == 0, cancelled.out + cancelled.err
    assert at not in server.machine.do("systemctl list-timers --all --no-pager; ls /etc/systemd/system")
