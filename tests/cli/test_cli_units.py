"""genesis-ops units: what it prints, how it ends, what it writes."""

import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

sys.path.append(str(Path(__file__).parents[1] / "unit" / "host"))

from host_systemctl import Systemctl

from genesis_ops.cli.app import app
from genesis_ops.host.units import LIVE_PAPER, STARTED, names

RUNNER = "genesis-runner.service"
FAIL, USAGE, UNKNOWN, WRITE, REFUSED = 1, 2, 3, 70, 78


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "units").mkdir()
    (tmp_path / "root" / "logs" / "paper_trading").mkdir(parents=True)
    monkeypatch.setenv("GENESIS_UNITS_DIR", str(tmp_path / "units"))
    monkeypatch.setenv("GENESIS_REMOTE_USER", "root")
    return tmp_path / "root"


@pytest.fixture
def directory(root: Path) -> Path:
    return root.parent / "units"


@pytest.fixture
def systemctl(root: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    made = Systemctl(root.parent, directory)
    monkeypatch.setenv("PATH", made.path)
    return made


def units(root: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(app, ["--root", str(root), "units", *arguments], prog_name="genesis-ops")
    assert "Traceback" not in done.output
    assert max(map(len, done.stdout.splitlines()), default=0) <= 80
    return done


def test_install_writes_every_file_once_and_has_systemd_read_them(
    root: Path, directory: Path, systemctl: Systemctl
) -> None:
    done = units(root, "install")
    assert (done.exit_code, done.stderr) == (0, "")
    assert sorted(path.name for path in directory.iterdir()) == sorted(names())
    assert systemctl.calls() == ["daemon-reload"]
    words = done.stdout.split()
    assert words[words.index("next:") :] == ["next:", "sudo", "systemctl", "enable", "--now", *STARTED]
    again = units(root, "install")
    assert "no files are written" in again.stdout
    assert systemctl.calls() == ["daemon-reload"]


def test_a_dry_run_shows_the_change_and_makes_none(root: Path, directory: Path, systemctl: Systemctl) -> None:
    units(root, "install", "--only", RUNNER)
    before = (directory / RUNNER).read_bytes()
    done = units(root, "install", "--only", RUNNER, "--user", "daemon", "--dry-run")
    assert [line.split()[1:] for line in done.stdout.splitlines()[1:3]] == [["-", "User=root"], ["+", "User=daemon"]]
    assert "1 file would be written" in done.stdout
    assert (directory / RUNNER).read_bytes() == before
    assert systemctl.calls() == ["daemon-reload"]


def test_what_a_person_changed_is_shown_and_kept_until_yes(root: Path, directory: Path, systemctl: Systemctl) -> None:
    (directory / RUNNER).write_text("[Service]\nEnvironment=KEY=verysecret\nRestart=no\n")
    done = units(root, "install")
    assert done.exit_code == REFUSED
    assert f"changed by hand: {RUNNER}" in done.stderr
    assert "- Restart=no" in done.stdout
    assert "verysecret" not in done.output
    assert [path.name for path in directory.iterdir()] == [RUNNER]
    assert systemctl.calls() == []
    assert units(root, "install", "--yes").exit_code == 0
    assert "Restart=on-failure" in (directory / RUNNER).read_text()


def test_a_masked_unit_is_left_to_its_person(root: Path, directory: Path, systemctl: Systemctl) -> None:
    (directory / RUNNER).symlink_to("/dev/null")
    done = units(root, "install", "--yes")
    assert done.exit_code == REFUSED
    assert f"systemctl unmask {RUNNER}" in done.stderr
    assert systemctl.calls() == []


def test_enable_has_services_and_timers_start_with_the_machine(root: Path, systemctl: Systemctl) -> None:
    done = units(root, "install", "--enable")
    assert systemctl.calls() == ["daemon-reload", f"enable -- {' '.join(STARTED)}"]
    assert done.exit_code == 0
    systemctl.note("refuses-enable")
    assert units(root, "install", "--enable").exit_code == UNKNOWN


def test_a_directory_that_systemd_does_not_read_is_only_written(
    root: Path, tmp_path: Path, systemctl: Systemctl
) -> None:
    (tmp_path / "staged").mkdir()
    done = units(root, "install", "--into", str(tmp_path / "staged"))
    assert (done.exit_code, systemctl.calls()) == (0, [])
    assert (tmp_path / "staged" / RUNNER).exists()
    assert units(root, "install", "--into", str(tmp_path / "staged"), "--enable").exit_code == USAGE
    assert units(root, "install", "--into", str(tmp_path / "nowhere")).exit_code == REFUSED


def test_without_systemd_the_files_are_written_and_it_is_said(
    root: Path, directory: Path, systemctl: Systemctl
) -> None:
    systemctl.note("absent")
    done = units(root, "install")
    assert done.exit_code == 0
    assert "systemd does not run here" in done.stdout
    assert (directory / RUNNER).exists()


def test_a_reload_that_fails_is_told(root: Path, systemctl: Systemctl) -> None:
    systemctl.note("refuses-daemon-reload")
    done = units(root, "install")
    assert done.exit_code == UNKNOWN
    assert "sudo systemctl daemon-reload" in done.stderr


@pytest.mark.usefixtures("systemctl")
def test_who_may_not_write_is_told_so_before_the_first_file(
    root: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != directory and may(path, mode))
    done = units(root, "install")
    assert done.exit_code == REFUSED
    assert "sudo genesis-ops" in done.stderr
    assert list(directory.iterdir()) == []


@pytest.mark.usefixtures("systemctl")
def test_what_a_unit_needs_and_is_not_there_is_told(root: Path) -> None:
    (root / "logs" / "paper_trading").rmdir()
    done = units(root, "install", "--user", "nobody-has-this-name")
    told = " ".join(done.stdout.split())
    assert "there is no user nobody-has-this-name" in told
    assert "not there yet: " in told


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--program", "/a%h/genesis-ops"), REFUSED),
        (("--program", "/a\nExecStart=/bin/sh"), REFUSED),
        (("--user", "a b"), REFUSED),
        (("--only", "../../etc/passwd"), USAGE),
        (("--only", "genesis-runner"), USAGE),
        (("--only", LIVE_PAPER), USAGE),
    ],
)
def test_what_cannot_stand_in_a_unit_writes_none(
    root: Path, directory: Path, systemctl: Systemctl, arguments: tuple[str, str], code: int
) -> None:
    done = units(root, "install", *arguments)
    assert done.exit_code == code
    assert len(done.stderr.splitlines()) <= 4
    assert (list(directory.iterdir()), systemctl.calls()) == ([], [])


@pytest.mark.usefixtures("systemctl")
def test_live_paper_is_a_drop_in_and_goes_with_its_file(root: Path, directory: Path) -> None:
    units(root, "install")
    units(root, "install", "--live-paper")
    assert (directory / LIVE_PAPER).read_text().endswith(" run --live-paper\n")
    assert "run --live-paper" not in (directory / RUNNER).read_text()
    assert "with live-paper.conf" in " ".join(units(root, "diff").stdout.split())
    assert units(root, "diff", "--live-paper").exit_code == 0
    (directory / LIVE_PAPER).unlink()
    assert units(root, "diff").exit_code == 0
    assert units(root, "diff", "--live-paper").exit_code == FAIL


@pytest.mark.usefixtures("systemctl")
def test_diff_ends_with_0_if_equal_1_if_different_and_3_if_it_cannot_tell(root: Path, directory: Path) -> None:
    assert units(root, "diff").exit_code == FAIL
    units(root, "install")
    assert units(root, "diff").exit_code == 0
    (directory / RUNNER).unlink()
    (directory / RUNNER).mkdir()
    assert units(root, "diff").exit_code == UNKNOWN
    assert units(root, "diff", "--only", "genesis-paper.service").exit_code == 0


def test_diff_tells_what_systemd_has_not_read(root: Path, systemctl: Systemctl) -> None:
    units(root, "install")
    systemctl.note(f"stale-{RUNNER}")
    done = units(root, "diff")
    assert done.exit_code == 0
    assert "systemd has not read it yet" in " ".join(done.stdout.split())
    assert units(root, "diff", "--strict").exit_code == FAIL


@pytest.mark.usefixtures("systemctl")
def test_diff_is_a_report_for_scripts(root: Path) -> None:
    units(root, "install")
    document = json.loads(units_json(root))
    assert (document["command"], document["verdict"]) == ("units diff", "PASS")
    assert [check["id"] for check in document["checks"]] == list(names())


def units_json(root: Path) -> str:
    arguments = ["--root", str(root), "units", "diff", "--format", "json"]
    return CliRunner().invoke(app, arguments, prog_name="genesis-ops").stdout
