"""doctor as an operator's shell runs it: a real checkout, a real server, and a systemd that does what it is told."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cli_process import process

from genesis_ops import __version__
from genesis_ops.rehearsal.world import build
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch
from genesis_ops.sandbox.server import make_server

IDS = [
    *("user", "directory", "git-branch", "git-clean", "venv", "env-file"),
    *("units-present", "units-enabled", "services-up", "restarts", "stop-latch"),
    *("api-health", "one-uvicorn", "port-loopback", "clock", "disk-space", "journald-persistent", "champion-frozen"),
]
KEYS = "BITFINEX_API_KEY=k3y-v4lu3\nBITFINEX_API_SECRET=s3cr3t-v4lu3\n"
SYSTEMCTL = """\
#!/bin/sh
# Remembers what was enabled and started in files, as the real one does.
state="$(dirname "$0")/../units"
case "$1" in
  show) for unit in genesis-paper genesis-runner; do cat "$state/$unit"; echo; done;;
  enable) sed -i 's/^UnitFileState=.*/UnitFileState=enabled/' "$state/$2";;
  start) sed -i 's/^ActiveState=.*/ActiveState=active/; s/^SubState=.*/SubState=running/' "$state/$2";;
esac
"""
WHEN = "2026-01-01T00:00:00Z"


@contextmanager
def sandbox() -> Iterator[str]:
    with make_server(Sandbox(7, lambda: time.time_ns() // 1_000_000, time.sleep, FaultSwitch()), "127.0.0.1", 0) as api:
        threading.Thread(target=api.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{api.server_address[1]}"
        finally:
            api.shutdown()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with its checkout, venv and .env, and units that are neither enabled nor started."""
    root = tmp_path / "root"
    build(root)
    for path, text in {"src/core/server.py": "", ".gitignore": ".venv\n.env\n", ".env": KEYS}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    (root / ".env").chmod(0o600)
    (root / "logs/paper_trading").mkdir(parents=True)
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(os.path.realpath(sys.executable))
    script = root / ".venv/bin/genesis-ops"
    script.write_text(f"#!{root}/.venv/bin/python\nprint('genesis-ops {__version__}')\n")
    script.chmod(0o755)
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        git(root, *words)
    installed(tmp_path, root)
    return root


def installed(place: Path, root: Path) -> None:
    for folder in ("bin", "units"):
        (place / folder).mkdir()
    (place / "bin/systemctl").write_text(SYSTEMCTL)
    (place / "bin/systemctl").chmod(0o755)
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "")
    for unit, program in (("genesis-paper", "python"), ("genesis-runner", "genesis-ops")):
        lines = f"""\
Id={unit}.service
LoadState=loaded
UnitFileState=disabled
ActiveState=inactive
SubState=dead
NRestarts=0
User={user}
WorkingDirectory={root}
ExecStart={{ path={root}/.venv/bin/{program} ; argv[]={program} --token verysecret ; ignore_errors=no }}
EnvironmentFiles={root}/.env (ignore_errors=no)
"""
        (place / "units" / unit).write_text(lines)


def git(root: Path, *words: str, at: str = WHEN) -> None:
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": os.environ["PATH"], **who, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    subprocess.run(("git", *words), cwd=root, env=env, check=True)


def doctor(root: Path, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    path = {"PATH": f"{root.parent}/bin:{os.environ['PATH']}", "HOME": str(root.parent)}
    return process("--root", str(root), "doctor", *arguments, **(path | changes))


def checks(root: Path, *arguments: str, **changes: str) -> dict[str, Any]:
    done = doctor(root, "--format", "json", *arguments, **changes)
    document = json.loads(done.stdout)
    assert (document["command"], document["exit_code"], done.stderr) == ("doctor", done.returncode, "")
    return {check["id"]: check for check in document["checks"]}


def systemctl(root: Path, remedy: str) -> None:
    """Do what a report says is to be done."""
    for step in remedy.split("      then: "):
        if step.startswith("sudo systemctl "):
            path = {"PATH": f"{root.parent}/bin:{os.environ['PATH']}"}
            subprocess.run(step.removeprefix("sudo ").split(), env=path, check=True)


def test_a_host_gets_well_by_what_the_doctor_says_is_to_be_done(root: Path) -> None:
    with sandbox() as url:
        first = checks(root, "--api-url", url, "--exchange-url", url)
        assert list(first) == IDS
        for name in ("units-enabled", "services-up"):
            assert first[name]["outcome"] == "FAIL"
            systemctl(root, first[name]["remedy"])
        after = checks(root, "--api-url", url, "--exchange-url", url)
    # Who runs the tests, and what else runs and is kept on this machine, is not this host's business.
    mine = [name for name in IDS if name not in {"user", "one-uvicorn", "journald-persistent", "disk-space"}]
    assert {name: after[name]["outcome"] for name in mine} == dict.fromkeys(mine, "PASS")


def test_a_change_to_the_champion_in_the_phase_is_found_and_named(root: Path) -> None:
    champion = root / "config/strategy/champions/tBTCUSD_1h.json"
    champion.write_text(champion.read_text() + "\n")
    git(root, "commit", "-q", "-a", "-m", "tune \x1b[31mit", at="2026-02-10T12:00:00Z")
    done = doctor(root)
    assert done.returncode == 1
    assert "1 commit since 2026-02-04 touches what is frozen" in " ".join(done.stdout.split())
    assert '2026-02-10 12:00 "tune \\x1b[31mit"  config/strategy/' in done.stdout
    assert "\x1b" not in done.stdout


def test_nothing_secret_and_nothing_too_wide_is_shown(root: Path) -> None:
    (root / f"{'long ' * 40}name").write_text("")
    done = doctor(root)
    assert "v4lu3" not in done.stdout + done.stderr
    assert "verysecret" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.splitlines()[-1].startswith("FAIL  ")


def test_a_host_without_systemd_and_git_skips_what_it_cannot_see(root: Path) -> None:
    found = checks(root, PATH=str(root))
    skipped = [name for name, check in found.items() if check["outcome"] == "SKIP"]
    assert [name for name in IDS if name.startswith(("git", "units", "services", "restarts", "champion"))] == [
        name for name in skipped if name not in {"venv", "port-loopback", "journald-persistent"}
    ]
    assert found["git-branch"]["detail"] == "there is no git on this host"
    assert found["units-present"]["detail"] == "there is no systemctl on this host"


@pytest.mark.parametrize("output_format", ["text", "json", "junit", "nagios", "prometheus", "markdown"])
def test_every_format_has_every_check_and_the_exit_code(root: Path, output_format: str) -> None:
    done = doctor(root, "--format", output_format)
    assert (done.returncode, done.stderr) == (2 if output_format == "nagios" else 1, "")
    names = [name for name in IDS if name in done.stdout or name.replace("-", "_") in done.stdout]
    assert names == IDS or output_format == "nagios"


def test_the_doctor_writes_nothing(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    doctor(root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_setting_that_cannot_be_meant_is_refused_in_one_line(root: Path) -> None:
    done = doctor(root, "--api-url", "ftp://x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("genesis-ops: flag --api-url: ")
