"""An apply from a laptop: over a real sshd, on a server whose systemd alone is a stand-in."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import remote_sshd
from cli_process import COMMAND, environment, process
from remote_machine import PAPER, RUNNER, Machine, machine, until
from remote_sshd import Sshd, client, sshd

pytestmark = pytest.mark.skipif(remote_sshd.MISSING, reason="needs OpenSSH's sshd, ssh and ssh-keygen")
QUICK = ("--healthy", "2s", "--acceptance", "none")


class Laptop:
    """The command here, and the server there."""

    def __init__(self, server: Machine, way: Sshd, here: Path) -> None:
        self.server, self.here = server, here
        (here / "config").mkdir(parents=True)
        self.env = {
            "PATH": f"{client(way, here / 'client')}:{os.environ['PATH']}",
            "GENESIS_SSH_TARGET": "server",
            "GENESIS_REMOTE_ROOT": str(server.root),
            "GENESIS_REMOTE_PROGRAM": str(server.program),
        }

    def __call__(self, *words: str) -> tuple[int, str, str]:
        done = process("--root", str(self.here), "remote", *words, **self.env)
        return done.returncode, done.stdout, done.stderr

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            (*COMMAND, "--root", str(self.here), "remote", *words),
            env=environment(**self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("server") / "server") as made:
        yield made


@pytest.fixture(scope="module")
def way(server: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd"), server.bin) as running:
        yield running


@pytest.fixture
def laptop(server: Machine, way: Sshd, tmp_path: Path) -> Laptop:
    server.preflight_says("PASS", 0)
    return Laptop(server, way, tmp_path / "here")


def held(server: Machine) -> Path:
    """Let preflight wait until somebody opens what it reads from."""
    path = server.place / "preflight.json"
    path.unlink()
    os.mkfifo(path)
    return path


def let_go(path: Path) -> None:
    path.write_text('{"schema": "genesis-ops.report/1", "command": "preflight", "verdict": "PASS", "checks": []}')
    path.unlink()  # who has it open reads on; nobody is to open it once more


def at_preflight(server: Machine, known: set[str]) -> str:
    """Wait until a new operation has come to preflight; give its name."""

    def look() -> str:
        for path in server.logs.glob("_archive/restart_*/steps.jsonl"):
            name = path.parent.name.removeprefix("restart_")
            if name not in known and '"preflight", "state": "running"' in path.read_text():
                return name
        return ""

    return str(until(look))


def operations(server: Machine) -> set[str]:
    return {path.name.removeprefix("restart_") for path in server.logs.glob("_archive/restart_*")}


def test_a_plan_is_shown_saved_and_changes_nothing(laptop: Laptop, tmp_path: Path) -> None:
    calls = laptop.server.calls()
    code, out, _ = laptop("plan", *QUICK, "--save", str(tmp_path / "plan.json"))
    assert code == 0
    assert "git -C" in out
    assert f"systemctl stop {RUNNER}" in out
    assert max(map(len, out.splitlines()[:-1])) <= 80
    assert laptop.server.calls() == calls
    laptop.server.commit_at_origin("src/core/moved.py", "on = True\n")
    code, _, err = laptop("apply", str(tmp_path / "plan.json"), "--yes")
    assert code == 78
    assert "facts.target" in err
    assert laptop.server.calls() == calls


@pytest.mark.soak
def test_a_preflight_that_fails_shows_why_and_that_all_is_back(laptop: Laptop) -> None:
    head = laptop.server.git("rev-parse", "HEAD")
    laptop.server.commit_at_origin("src/core/bad.py", "bad = True\n")
    laptop.server.preflight_says("FAIL", 1, "runner-log")
    code, out, _ = laptop("apply", *QUICK, "--yes")
    assert code == 1
    assert "the way back, because of preflight" in out
    assert "runner-log" in out
    assert out.splitlines()[-1].endswith("exit 1") or "exit 1" in out[-200:]
    assert laptop.server.git("rev-parse", "HEAD") == head
    assert laptop.server.active(PAPER)
    assert laptop.server.active(RUNNER)


def ssh_of(process_: "subprocess.Popen[str]") -> list[psutil.Process]:
    return [child for child in psutil.Process(process_.pid).children(recursive=True) if child.name() == "ssh"]


@pytest.mark.soak
def test_a_connection_that_is_cut_leaves_the_run_going_and_is_made_anew(laptop: Laptop) -> None:
    target = laptop.server.commit_at_origin("src/core/new.py", "new = True\n")
    known, hold = operations(laptop.server), held(laptop.server)
    running = laptop.start("apply", *QUICK, "--reason", "a test", "--yes")
    with running:
        at_preflight(laptop.server, known)
        for ssh in until(lambda: ssh_of(running)):
            ssh.kill()
        let_go(hold)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert "it goes on there, trying again" in err
    assert laptop.server.git("rev-parse", "HEAD") == target
    assert [out.count(title) for title in (" stop runner ", " archive state and logs ", " preflight ")] == [1, 1, 1]
    assert out.splitlines()[-1].startswith("PASS  server: applied")
    lines = [json.loads(line) for line in (laptop.here / "logs/remote/operations.jsonl").read_text().splitlines()]
    assert [(line["action"], line["event"], line["target"]) for line in lines] == [
        ("remote-apply", "begun", "server"),
        ("remote-apply", "ended", "server"),
    ]
    assert lines[1]["exit_code"] == 0


@pytest.mark.soak
def test_an_operator_who_leaves_can_come_back(laptop: Laptop) -> None:
    known, hold = operations(laptop.server), held(laptop.server)
    running = laptop.start("apply", *QUICK, "--yes")
    with running:
        name = at_preflight(laptop.server, known)
        until(lambda: "start runner" in read_some(running))
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"remote attach {name} --ssh-target server" in err
    assert_ended_by_term(laptop, name)
    code, _, told = laptop("apply", *QUICK, "--yes")
    assert code == 75, told
    assert "@" in told
    let_go(hold)
    code, out, _ = laptop("attach", name)
    assert (code, "applied" in out) == (0, True)
    lines = [json.loads(line) for line in (laptop.here / "logs/remote/operations.jsonl").read_text().splitlines()]
    assert [(line["event"], line["id"]) for line in lines] == [("begun", name), ("left", name), ("ended", name)]


def assert_ended_by_term(laptop: Laptop, name: str) -> None:
    """Let SIGTERM come while somebody watches: ssh and its directory go, and it is said how to come back."""
    place = laptop.here / "tmp"
    place.mkdir()
    laptop.env["TMPDIR"] = str(place)
    running = laptop.start("attach", name)
    with running:
        until(lambda: "start runner" in read_some(running))
        started = ssh_of(running)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 143
    assert f"remote attach {name} --ssh-target server" in err
    assert started
    assert not any(each.is_running() for each in started)
    assert list(place.iterdir()) == []


def read_some(running: "subprocess.Popen[str]") -> str:
    assert running.stdout is not None
    return running.stdout.readline()
