"""One look for the doctor at a host made of a real checkout, a real server, and a systemctl that can be changed."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from genesis_ops.checks.doctor import examine
from genesis_ops.checks.doctor_facts import Doctor, WorksIn
from genesis_ops.checks.model import Judged
from genesis_ops.clients.host_clock import HostClock
from genesis_ops.collect.doctor import look
from genesis_ops.settings import Settings, load

NOBODY = "http://127.0.0.1:9"
UNITS = ("genesis-paper.service", "genesis-runner.service")
NUMBERS = ".".join(map(str, sys.version_info[:3]))


class _Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def api(address: str) -> Iterator[str]:
    """A little API on an address; it is asked on loopback wherever it listens."""
    with ThreadingHTTPServer((address, 0), _Well) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose units are told of by a systemctl that prints a file."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "systemctl").write_text(f"#!/bin/sh\ncat {tmp_path}/units\n")
    (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    root = tmp_path / "root"
    for path in ("config/strategy/champions/tBTCUSD_1h.json", "src/core/server.py", ".gitignore"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text('{"merged_config": {}}' if path.endswith("json") else ".venv\n", "utf-8")
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(os.path.realpath(sys.executable))
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        git(root, *words)
    say(root)
    return root


def git(root: Path, *words: str, at: str = "2026-01-01T00:00:00Z") -> None:
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": os.environ["PATH"], **who, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    subprocess.run(("git", *words), cwd=root, env=env, check=True)


def say(root: Path, **changes: str) -> None:
    """Let systemctl tell of both units, each the same."""
    told = {
        "LoadState": "loaded",
        "UnitFileState": "enabled",
        "ActiveState": "active",
        "SubState": "running",
        "NRestarts": "0",
        "User": "root" if os.geteuid() == 0 else os.environ.get("USER", ""),
        "WorkingDirectory": str(root),
        "ExecStart": f"{{ path={root}/.venv/bin/python ; argv[]=python -m uvicorn ; ignore_errors=no ; pid=0 }}",
        "EnvironmentFiles": f"{root}/.env (ignore_errors=no)",
    }
    lines = [f"{name}={value}" for name, value in (told | changes).items()]
    (root.parent / "units").write_text("\n\n".join("\n".join((f"Id={unit}", *lines)) for unit in UNITS) + "\n")


def settings(root: Path, url: str = NOBODY) -> Settings:
    return load({"root": root, "api_url": url, "exchange_url": NOBODY}, os.environ, None).settings


def looked(root: Path, url: str = NOBODY) -> Doctor:
    return look(settings(root, url), HostClock())


def judged(name: str, found: Doctor) -> Judged:
    return next(check for check in examine(found).checks if check.id == name)


def outcome(name: str, found: Doctor) -> str:
    return str(judged(name, found).outcome)


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_a_sound_checkout_with_its_units_is_found_sound(root: Path) -> None:
    found = looked(root)
    for name in ("directory", "git-branch", "git-clean", "venv", "units-present", "services-up", "champion-frozen"):
        assert outcome(name, found) == "PASS", name
    assert found.place.works_in == tuple(WorksIn(name, str(root), here=True) for name in UNITS)
    assert [(one.who, one.version, one.inside) for one in found.started] == [(name, NUMBERS, True) for name in UNITS]


def test_a_look_changes_nothing(root: Path) -> None:
    os.utime(root / "src/core/server.py", (1, 1))
    before = tree(root)
    looked(root)
    assert tree(root) == before


def test_a_commit_of_the_phase_and_a_change_are_found(root: Path) -> None:
    (root / "config/models").mkdir()
    (root / "config/models/m.json").write_text("1")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "a model", at="2026-02-10T00:00:00Z")
    (root / "config/strategy/champions/other.json").write_text("{}")
    check = judged("champion-frozen", looked(root))
    assert str(check.outcome) == "FAIL"
    commit, change = (place.text for place in check.evidence)
    assert commit.endswith(' 2026-02-10 00:00 "a model"  config/models/m.json')
    assert change == "not in git: config/strategy/champions/other.json"


@pytest.mark.parametrize("mark", ["", "!", "-"])
def test_a_directory_is_the_same_however_it_is_written(root: Path, mark: str) -> None:
    (root.parent / "link").symlink_to(root)
    say(root, WorkingDirectory=f"{mark}{root.parent}/link")
    assert outcome("directory", looked(root)) == "PASS"


def test_a_unit_that_works_elsewhere_or_names_no_directory_is_found(root: Path) -> None:
    say(root, WorkingDirectory="/")
    assert outcome("directory", looked(root)) == "FAIL"
    say(root, WorkingDirectory="")
    assert outcome("directory", looked(root)) == "WARN"


@pytest.mark.parametrize(
    "command", ["", "{ path= ; argv[]= }", "{ path=relative ; argv[]=x }", "nonsense", "{ path=/a"]
)
def test_a_command_that_cannot_be_read_is_not_looked_at(root: Path, command: str) -> None:
    say(root, ExecStart=command)
    found = looked(root)
    assert [one for one in found.started if one.who in UNITS] == []


def test_of_a_unit_with_several_commands_the_first_is_looked_at(root: Path) -> None:
    command = "{{ path={} ; argv[]=x }}".format
    say(root, ExecStart=f"{command('/gone')}\nExecStart={command('/other')}")
    assert [one.program for one in looked(root).started] == ["/gone", "/gone"]


def test_the_server_is_found_on_loopback_alone(root: Path) -> None:
    with api("127.0.0.1") as url:
        found = looked(root, url)
    assert (outcome("api-health", found), outcome("port-loopback", found)) == ("PASS", "PASS")


def test_a_server_that_everybody_reaches_is_found(root: Path) -> None:
    with api("0.0.0.0") as url:
        found = looked(root, url)
    check = judged("port-loopback", found)
    assert (outcome("api-health", found), str(check.outcome)) == ("PASS", "FAIL")
    assert f"pid {os.getpid()}, " in check.evidence[0].text


def test_an_api_on_another_host_has_no_listeners_here(root: Path) -> None:
    assert looked(root, "http://192.0.2.1.invalid:8000").listeners is None


def test_without_systemd_what_runs_is_looked_at(root: Path) -> None:
    (root.parent / "bin/systemctl").write_text(
        "#!/bin/sh\necho 'System has not been booted with systemd' >&2; exit 1\n"
    )
    script = root / "paper_trading_runner.py"
    script.write_text("print('up', flush=True); input()", "utf-8")
    command = (str(root / ".venv/bin/python"), str(script))
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        found = looked(root)
        runner.communicate("")
    (one,) = [one for one in found.started if one.who == f"pid {runner.pid}"]
    assert (one.python, one.version, one.inside) == (command[0], NUMBERS, True)


def test_without_git_and_systemd_it_is_said_and_the_rest_is_judged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(root.parent))
    found = looked(root)
    assert [outcome(name, found) for name in ("git-branch", "units-present", "champion-frozen")] == ["SKIP"] * 3
    assert outcome("directory", found) == "PASS"
