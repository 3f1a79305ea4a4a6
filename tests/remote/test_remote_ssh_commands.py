"""Remote commands as typed, over a real sshd, with this genesis-ops on the far side."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import remote_sshd
from cli_process import COMMAND, environment, process
from remote_machine import until
from remote_sshd import Sshd, client, sshd

from genesis_ops import __version__

pytestmark = pytest.mark.skipif(remote_sshd.MISSING, reason="needs OpenSSH's sshd, ssh and ssh-keygen")
STAMP = "20260205_131002Z"


class There:
    """The far side's root, and the command here."""

    def __init__(self, server: Sshd, here: Path) -> None:
        self.server, self.here = server, here
        self.root = server.place / "root"
        self.env = {
            "PATH": f"{client(server, here / 'client')}:{os.environ['PATH']}",
            "GENESIS_SSH_TARGET": "server",
            "GENESIS_REMOTE_ROOT": str(self.root),
            "GENESIS_REMOTE_USER": "genesis",
            "GENESIS_REMOTE_PROGRAM": str(server.bin / "genesis-ops"),
        }

    def __call__(self, *words: str, **changes: str) -> tuple[int, str, str]:
        done = process("--root", str(self.here), "remote", *words, **(self.env | changes))
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        root = running.place / "root"
        (root / "config").mkdir(parents=True)
        (root / "config/genesis-ops.toml").write_text(
            'api_url = "http://127.0.0.1:9"\nexchange_url = "http://127.0.0.1:9"\n'
        )
        (root / "logs/paper_trading/snapshots").mkdir(parents=True)
        running.program("systemctl", "#!/bin/sh\necho 'System has not been booted with systemd' >&2\nexit 1\n")
        running.program("journalctl", '#!/bin/sh\necho "$*"\n')
        yield running


@pytest.fixture
def there(server: Sshd, tmp_path: Path) -> There:
    (server.place / "sudo-says").unlink(missing_ok=True)
    here = tmp_path / "here"
    (here / "config").mkdir(parents=True)
    return There(server, here)


def without_times(text: str) -> list[str]:
    """Leave out what differs from one second to the next."""
    return [line for line in text.splitlines() if not line.lstrip().startswith("Preflight") and "disk" not in line]


def test_preflight_is_shown_as_if_it_had_been_typed_there(there: There) -> None:
    code, out, err = there("preflight")
    direct = process("--root", str(there.root), "preflight")
    assert (code, without_times(out)) == (direct.returncode, without_times(direct.stdout))
    assert code != 0
    assert "meant for server" in err


@pytest.mark.soak
def test_a_report_can_be_had_in_every_format_and_ends_alike(there: There) -> None:
    code, out, _ = there("stop-check", "--format", "json", "--since", "2026-02-04T00:00:00Z")
    document = json.loads(out)
    assert (document["schema"], document["command"]) == ("genesis-ops.report/1", "stop-check")
    assert document["exit_code"] == code
    assert "shown" not in document


def test_options_that_are_not_ours_go_to_the_host_and_are_judged_there(there: There) -> None:
    code, out, err = there("acceptance", "--window", "never")
    assert (code, out) == (2, "")
    assert "server: genesis-ops: flag --window" in err


def test_what_gives_no_report_is_shown_as_text(there: There) -> None:
    (there.root / ".env").write_text("A=1\n")
    code, out, _ = there("env", "show")
    assert code == 0
    assert ".env" in out


def test_status_shows_every_host_and_ends_with_the_worst(there: There) -> None:
    code, out, _ = there("status", "server", "noisy", "--format", "json")
    document = json.loads(out)
    assert [host["target"] for host in document["hosts"]] == ["server", "noisy"]
    assert all(host["look"]["version"] == __version__ for host in document["hosts"])
    assert code == document["exit_code"] != 0


def test_a_host_that_is_away_does_not_hide_the_others(there: There) -> None:
    config = there.here / "client/config"
    config.write_text(f"Host away\n  Port 9\n{config.read_text()}")
    code, out, _ = there("status", "server", "away")
    assert code == 1  # nothing listens on the API's port of the one that is there
    assert "away" in out
    assert "cannot be reached" in out
    assert there("status", "away")[0] == 69


def test_the_journal_is_asked_for_in_words_of_ours_alone(there: There) -> None:
    code, out, _ = there("logs", "runner", "-n", "7")
    assert (code, out) == (0, "-u genesis-runner.service --no-pager --quiet --utc -o short-iso -n 7\n")


def test_a_password_that_sudo_wants_is_found_out_before_anything_is_done(there: There) -> None:
    (there.server.place / "sudo-says").write_text("sudo: a password is required\n")
    code, out, err = there("apply", "--yes")
    assert (code, out) == (78, "")
    assert "NOPASSWD" in err


def test_without_a_terminal_nothing_is_applied_unasked(there: There) -> None:
    code, _, err = there("apply")
    assert code == 2
    assert "--yes" in err


def test_papers_are_brought_once_and_what_was_changed_here_stays(there: There) -> None:
    summaries = there.root / "docs/paper_trading/daily_summaries"
    summaries.mkdir(parents=True, exist_ok=True)
    (summaries / "daily_summary_2026-02-05.md").write_text("one\n")
    snapshots = there.root / "logs/paper_trading/snapshots"
    (snapshots / f"snapshot_{STAMP}.txt").write_text("snapshot\n")
    (snapshots / "evil.txt").write_text("no paper\n")
    (there.root / f"logs/paper_trading/acceptance_check_{STAMP}.txt").write_text("exit code: 0\n")
    assert there("fetch")[1].splitlines()[-1] == "3 new or changed, 0 kept, 0 as they were"
    here = there.here / "docs/paper_trading/daily_summaries/daily_summary_2026-02-05.md"
    here.write_text("mine\n")
    assert there("fetch")[1].splitlines()[-1] == "0 new or changed, 1 kept, 2 as they were"
    assert here.read_text() == "mine\n"
    assert there("fetch", "--replace")[1].splitlines()[-1] == "1 new or changed, 0 kept, 2 as they were"
    assert here.read_text() == "one\n"


def test_an_older_genesis_ops_there_is_named(there: There) -> None:
    there.server.program("older", "#!/bin/sh\necho \"genesis-ops: No such command 'host'\" >&2\nexit 2\n")
    code, _, err = there("plan", GENESIS_REMOTE_PROGRAM=str(there.server.bin / "older"))
    assert code == 78
    assert "another genesis-ops" in err


def test_hosts_name_with_dots_brings_a_hint(there: There) -> None:
    code, _, err = there("logs", "api", "--ssh-target", "server.example.org")
    assert code == 0
    assert "hint: ssh will log in to server.example.org as" in err


def test_what_is_installed_goes_over_the_connection_and_never_through_a_shell(there: There, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "typer-0.28.0-py3-none-any.whl").write_bytes(b"a wheel")
    there.server.program("python3", '#!/bin/sh\nprintf "%s\\n" "$1" "$2" "$4" "$5" "$6"; exec tar -t\n')
    code, out, _ = there("install", "--wheelhouse", str(wheels), GENESIS_REMOTE_PROGRAM="/opt/a b/env/bin/genesis-ops")
    assert code == 0
    assert out.splitlines() == [
        *("-I", "-c", "/opt/a b/env", __version__, "offline"),
        *(f"genesis_ops-{__version__}-py3-none-any.whl", "typer-0.28.0-py3-none-any.whl"),
    ]


def test_an_installation_that_fails_there_says_why(there: There) -> None:
    there.server.program("python3", "#!/bin/sh\necho 'ensurepip is not available' >&2\nexit 1\n")
    code, _, err = there("install")
    assert code == 70
    assert "ensurepip is not available" in err


def test_an_option_may_stand_before_the_step_to_be_verified(there: There) -> None:
    there.server.program("asked", '#!/bin/sh\necho "asked: $*" >&2\nexit 2\n')
    asked = str(there.server.bin / "asked")
    code, _, err = there("verify", "--no-order", "all", GENESIS_REMOTE_PROGRAM=asked)
    assert code == 2
    assert "--wire verify all --format json --no-order" in err


@pytest.mark.soak
def test_the_own_screens_of_hosts_are_shown_whether_or_not_one_is_away(there: There) -> None:
    config = there.here / "client/config"
    config.write_text(f"Host away\n  Port 9\n{config.read_text()}")
    code, out, _ = there("status", "away", "server", "--phase")
    assert code == 69
    assert "away cannot be reached" in out
    assert len(out.split("server:\n")[1].splitlines()) > 3
    document = json.loads(there("status", "--phase", "--format", "json")[1])
    assert "schema" in document
    assert there("status", "a", "b", "--phase", "--format", "json")[0] == 2


def test_ctrl_c_ends_a_look_at_hosts_that_hang(there: There) -> None:
    client = there.here / "client"
    ssh = client / "ssh"
    ssh.write_text(f"#!/bin/sh\necho $$ >> {client}/pids\nexec sleep 60\n")
    began = time.monotonic()
    with subprocess.Popen(
        (*COMMAND, "--root", str(there.here), "remote", "status", "a", "b", "c"), env=environment(**there.env)
    ) as running:
        until(lambda: (client / "pids").exists() and len((client / "pids").read_text().split()) == 3)
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130
    assert time.monotonic() - began < 20
    assert not any(psutil.pid_exists(int(pid)) for pid in (client / "pids").read_text().split())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_ssh_as_well(there: There, number: signal.Signals, code: int) -> None:
    there.server.program("journalctl", "#!/bin/sh\necho begun\nexec sleep 60\n")
    with subprocess.Popen(
        (*COMMAND, "--root", str(there.here), "remote", "logs", "api", "-f"),
        env=environment(**there.env),
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"begun\n"
        started = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(number)
        assert running.wait(20) == code
    assert started
    assert not any(each.is_running() for each in started)


def test_a_plan_of_another_version_is_told_by_whom_it_is(there: There, tmp_path: Path) -> None:
    plan = {"schema": "genesis-ops.plan/0", "version": "0.0.1"}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    code, _, err = there("apply", str(tmp_path / "plan.json"), "--yes")
    assert code == 78
    assert "plan.json is a plan of genesis-ops 0.0.1" in err
    there.server.program("other", f"#!/bin/sh\necho '{json.dumps(plan)}'\n")
    code, _, err = there("apply", "--yes", GENESIS_REMOTE_PROGRAM=str(there.server.bin / "other"))
    assert code == 78
    assert "server has another genesis-ops, 0.0.1" in err
    assert "next: genesis-ops --root" in err
    assert "--ssh-target server" in err
