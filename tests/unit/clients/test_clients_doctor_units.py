"""How units are set up, who serves, and at which addresses somebody listens."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from genesis_ops.clients import units
from genesis_ops.clients.process import interpreter, is_uvicorn, listeners, uvicorns

SHOWN = """\
ExecStart={ path=/opt/a ; argv[]=/opt/a --token verysecret ; ignore_errors=no }
EnvironmentFiles=/opt/.env (ignore_errors=no)
EnvironmentFiles=/opt/other (ignore_errors=yes)
Id=genesis-paper.service
LoadState=loaded
User=genesis

Id=genesis-runner.service
LoadState=not-found
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def systemctl(folder: Path, script: str) -> None:
    (folder / "systemctl").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "systemctl").chmod(0o755)


def test_how_a_unit_is_set_up_is_told_to_who_asks_by_name_alone(path: Path) -> None:
    systemctl(path, f"cat <<'EOF'\n{SHOWN}EOF")
    assert "verysecret" not in str(units.show())
    paper, _ = units.show((*units.PROPERTIES, *units.SETUP)).units
    assert paper.properties["User"] == "genesis"
    assert paper.properties["ExecStart"].startswith("{ path=/opt/a ; ")


def test_a_property_that_is_given_twice_is_kept_twice(path: Path) -> None:
    systemctl(path, f"cat <<'EOF'\n{SHOWN}EOF")
    paper, _ = units.show(units.SETUP).units
    assert paper.properties["EnvironmentFiles"].splitlines() == [
        "/opt/.env (ignore_errors=no)",
        "/opt/other (ignore_errors=yes)",
    ]


def test_only_units_that_systemd_has_read_are_loaded(path: Path) -> None:
    systemctl(path, f"cat <<'EOF'\n{SHOWN}EOF")
    assert [unit.name for unit in units.show().loaded] == ["genesis-paper.service"]


@pytest.mark.parametrize(
    ("script", "absent"),
    [
        ("echo 'System has not been booted with systemd as init system (PID 1).' >&2; exit 1", True),
        ("echo 'Failed to connect to bus: No such file or directory' >&2; exit 1", True),
        ("echo 'Access denied' >&2; exit 1", False),
    ],
)
def test_a_host_without_systemd_is_no_host_whose_systemd_fails(path: Path, script: str, absent: bool) -> None:
    systemctl(path, script)
    assert units.show().absent is absent


def test_a_host_without_systemctl_has_no_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert units.show().absent


# --- who serves


@pytest.mark.parametrize(
    ("command", "is_one"),
    [
        ("uvicorn core.server:app --app-dir src", True),
        ("/opt/.venv/bin/python /opt/.venv/bin/uvicorn core.server:app", True),
        ("python3 -m uvicorn core.server:app --host 127.0.0.1", True),
        (r"C:\Genesis\.venv\Scripts\uvicorn.exe core.server:app", True),
        ("pgrep -af uvicorn", False),
        ("vi uvicorn", False),
        ("python -c import\tuvicorn", False),
        ("python worker.py uvicorn", False),
        ("", False),
    ],
)
def test_a_server_is_known_by_its_command_line(command: str, is_one: bool) -> None:
    assert is_uvicorn(command.split(" ")) is is_one


@contextmanager
def serving(folder: Path, text: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a program named uvicorn, until the test is over; it has said its first line."""
    script = folder / "uvicorn"
    script.write_text(text, "utf-8")
    process = subprocess.Popen(
        (sys.executable, str(script)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        yield process
        process.stdin.close()


def test_a_server_is_named_and_its_worker_is_not(tmp_path: Path) -> None:
    master = (
        "import subprocess, sys\n"
        "if sys.argv[1:]:\n    print('up', flush=True); sys.stdin.read(); sys.exit()\n"
        "pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}\n"
        "child = subprocess.Popen((sys.executable, __file__, 'worker'), **pipes)\n"
        "child.stdout.readline(); print(child.pid, flush=True); sys.stdin.read(); child.stdin.close(); child.wait()\n"
    )
    before = {process.pid for process in uvicorns()}
    with serving(tmp_path, master) as server:
        found = [process for process in uvicorns() if process.pid not in before]
        program = interpreter(server.pid)
    assert [process.pid for process in found] == [server.pid]
    assert found[0].command.endswith("/uvicorn")
    assert program == sys.executable


def test_a_process_that_is_gone_was_started_as_nothing() -> None:
    assert interpreter(2**22 + 1) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_the_addresses_of_a_port_are_told(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if family is socket.AF_INET6 and not os.path.exists("/proc/net/if_inet6"):  # noqa: PTH110 - no file of ours
        pytest.skip("this host has no IPv6")
    with socket.create_server((address, 0), family=family) as server:
        assert listeners(server.getsockname()[1]).addresses == (address,)


def test_a_port_that_nobody_listens_on_has_no_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert listeners(port).addresses == ()
