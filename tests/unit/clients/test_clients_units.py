import os
import stat
from pathlib import Path

import pytest

from genesis_ops.clients import units

SHOWN = """\
Id=genesis-paper.service
LoadState=loaded
ActiveState=active
SubState=running
MainPID=812
NRestarts=0
Environment=API_KEY=verysecret

Id=genesis-runner.service
LoadState=not-found
ActiveState=inactive
FragmentPath=
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_units_are_told_by_allowed_properties_alone(path: Path) -> None:
    program(path, "systemctl", f"cat <<'EOF'\n{SHOWN}EOF")
    found = units.show()
    assert found.trouble == ""
    assert [unit.name for unit in found.units] == ["genesis-paper.service", "genesis-runner.service"]
    assert found.units[0].properties["MainPID"] == "812"
    assert "verysecret" not in str(found)


def test_systemctl_is_asked_for_no_environment_and_given_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_SECRET", "verysecret")
    program(path, "systemctl", f'env > "{path}/env"; echo "$@" > "{path}/asked"')
    assert "gave nothing" in units.show().trouble
    assert "verysecret" not in (path / "env").read_text()
    assert "Environment" not in (path / "asked").read_text()


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("echo 'System has not been booted with systemd' >&2; exit 1", "ended with 1: System has not been booted"),
        ("exit 3", "ended with 3: it said nothing"),
        ("printf '\\000\\377'", "gave nothing that can be read"),
    ],
)
def test_what_systemctl_cannot_say_is_told(path: Path, script: str, trouble: str) -> None:
    program(path, "systemctl", script)
    assert trouble in units.show().trouble


def test_a_host_without_systemd_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert units.show().trouble == "there is no systemctl on this host"
    assert units.journal(0)[1] == "there is no journalctl on this host"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may run what has no x bit")
def test_a_program_that_may_not_be_run_is_told(path: Path) -> None:
    program(path, "systemctl", "")
    (path / "systemctl").chmod(stat.S_IRUSR)
    assert "cannot be run" in units.show().trouble


def test_a_program_that_hangs_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(path, "systemctl", "exec sleep 60")
    monkeypatch.setattr(units, "_SECONDS", 0.1)
    assert "did not answer within" in units.show().trouble


def test_a_units_file_is_shown_without_the_values_of_its_environment(path: Path) -> None:
    unit = "[Service]\nEnvironment=A=verysecret \\\n  B=othersecret\nExecStart=/bin/run\n environment = C=thirdsecret\n"
    program(path, "systemctl", f"cat <<'EOF'\n{unit}EOF")
    text, trouble = units.files()
    assert trouble == ""
    assert "secret" not in text
    assert text.splitlines() == ["[Service]", "Environment=…", "…", "ExecStart=/bin/run", " environment = …"]


def test_the_journal_is_asked_for_the_phases_units_since_a_time_in_utc(path: Path) -> None:
    program(path, "journalctl", 'echo "$@"')
    text, trouble = units.journal(1_770_210_200_000)
    assert trouble == ""
    assert "-u genesis-paper.service -u genesis-runner.service --since=2026-02-04 13:03:20 UTC" in text
    assert "--utc" in text
