"""genesis-ops host schedule and host scheduled: what is typed, what is printed, what is kept."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

sys.path.append(str(Path(__file__).parents[1] / "unit" / "host"))

from host_systemctl import Systemctl
from phase_root import PhaseRoot, Plan, at

from genesis_ops.cli.app import app
from genesis_ops.clients.machine_program import Said
from genesis_ops.state.schedule import instant_of

FAIL, USAGE, UNKNOWN, WRITE, REFUSED = 1, 2, 3, 70, 78
ACCEPTED, FAULTY = instant_of(at(48)), instant_of(at(71))
"""The ends of two windows: one in which all is well, and one with closes missing."""


@pytest.fixture(scope="module")
def phase(tmp_path_factory: pytest.TempPathFactory) -> PhaseRoot:
    return PhaseRoot(tmp_path_factory.mktemp("scheduled") / "root", Plan(feed_down=((60, 66),)))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("root", "units"):
        (tmp_path / name).mkdir()
    made = Systemctl(tmp_path, tmp_path / "units")
    monkeypatch.setenv("PATH", made.path)
    monkeypatch.setenv("GENESIS_UNITS_DIR", str(tmp_path / "units"))
    return tmp_path / "root"


def host(root: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(app, ["--root", str(root), "host", *arguments], prog_name="genesis-ops")
    assert "Traceback" not in done.output
    return done


# --- schedule


@pytest.mark.parametrize("when", ["+24h", "2099-02-06T13:10:00Z", "20990206_131000Z", "2099-02-06 14:10+01:00"])
def test_a_time_may_be_typed_in_any_of_its_forms(root: Path, when: str) -> None:
    done = host(root, "schedule", "add", "--at", when)
    over = done.exit_code == REFUSED and "more than a year away" in done.stderr
    assert over if "2099" in when else done.stdout.startswith("scheduled: 20")


def test_what_is_added_is_listed_and_can_be_cancelled(root: Path) -> None:
    assert host(root, "schedule", "add", "--at", "+24h", "--window", "12h").exit_code == 0
    (found,) = json.loads(host(root, "schedule", "list", "--format", "json").stdout)["acceptances"]
    assert (found["window"], found["state"], found["exit_code"]) == ("12h", "pending", None)
    shown = host(root, "schedule", "list").stdout.splitlines()
    assert "12h   in 23h 59m" in shown[1] or "12h   in 1d" in shown[1]
    assert shown[-1] == "1 to come"
    assert host(root, "schedule", "cancel", found["instant"]).stdout == f"cancelled: {found['instant']}\n"
    assert host(root, "schedule", "list").stdout.splitlines()[-1] == "none to come"


HOSTILE = (
    *("", " ", "-1", "--help", "now", "+", "+0h", "+1y", "-24h", "20261306_131000Z", "20260206_131000Z\n"),
    *("2026-02-30T00:00:00", "../../etc/cron.d/x", "$(id)", "`id`", "a;b", "20260206_131000Z/../x", "%n", "\x1b[2J"),
    *(
        "20260206_131000Z.service",
        "\u06620260206_131000Z",
        "99991231_235960Z",
        "é",
        "20260206_131000Z 20260206_131001Z",
    ),
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_instant_is_refused_and_nothing_is_written(root: Path, text: str) -> None:
    for command in (("schedule", "add", f"--at={text}"), ("schedule", "cancel", "--", text), ("scheduled", "--", text)):
        done = host(root, *command)
        assert done.exit_code == USAGE
        assert "\x1b" not in done.output
    assert list((root.parent / "units").iterdir()) == []
    assert list(root.iterdir()) == []


def test_a_window_that_is_none_is_refused(root: Path) -> None:
    assert host(root, "schedule", "add", "--at", "+24h", "--window", "24").exit_code == USAGE


def test_a_directory_that_is_not_there_is_refused(root: Path) -> None:
    (root.parent / "units").rmdir()
    assert host(root, "schedule", "list").exit_code == REFUSED
    assert host(root, "schedule", "add", "--at", "+24h").exit_code == REFUSED


# --- scheduled


def test_the_report_and_its_exit_code_are_kept_and_the_process_ends_with_it(phase: PhaseRoot) -> None:
    root, logs = phase.settings.root, phase.settings.log_dir
    done = host(root, "scheduled", ACCEPTED)
    assert done.exit_code == 0
    kept = (logs / f"acceptance_check_{ACCEPTED}.txt").read_text()
    assert kept.startswith("Acceptance  dry-run, 24h to 2026-02-06 00:00 UTC")
    assert kept.endswith("\nexit code: 0\n")
    assert list(logs.glob("acceptance_receipt_*"))


def test_the_window_ends_at_the_instant_however_late_it_is_judged(phase: PhaseRoot) -> None:
    done = host(phase.settings.root, "scheduled", FAULTY)
    assert done.exit_code == FAIL
    kept = (phase.settings.log_dir / f"acceptance_check_{FAULTY}.txt").read_text()
    assert "24h to 2026-02-06 23:00 UTC" in kept
    assert kept.endswith("\nexit code: 1\n")


@pytest.mark.parametrize(("text", "code"), [("exit code: 0\n", 0), ("exit code: 1\n", 1), ("half a rep", UNKNOWN)])
def test_a_second_run_judges_nothing_and_ends_as_the_first(
    root: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    monkeypatch.delattr("genesis_ops.host.scheduled.ask")
    path = root / "logs" / "paper_trading" / f"acceptance_check_{ACCEPTED}.txt"
    path.parent.mkdir(parents=True)
    path.write_text(f"the first\n{text}")
    done = host(root, "scheduled", ACCEPTED)
    assert done.exit_code == code
    assert "the first result stays" in done.stdout
    assert path.read_text() == f"the first\n{text}"


def test_of_two_at_once_the_first_result_stays_and_both_end_with_its_code(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "logs" / "paper_trading" / f"acceptance_check_{ACCEPTED}.txt"
    path.parent.mkdir(parents=True)

    def slower(*_: object) -> Said:
        path.write_text("the first\nexit code: 0\n")
        return Said(code=1, out=b"the second\n")

    monkeypatch.setattr("genesis_ops.host.scheduled.ask", slower)
    assert host(root, "scheduled", ACCEPTED).exit_code == 0
    assert path.read_text() == "the first\nexit code: 0\n"


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        (Said(trouble="python did not answer within 1500s"), WRITE, "genesis-ops: python did not answer within 1500s"),
        (Said(code=-9, out=b"half"), 143, "half\ngenesis-ops: the acceptance was ended by signal 9"),
        (Said(code=3, out=b"", err=b"why"), UNKNOWN, "why"),
    ],
)
def test_an_acceptance_that_did_not_end_leaves_a_result_too(
    root: Path, monkeypatch: pytest.MonkeyPatch, said: Said, code: int, text: str
) -> None:
    (root / "logs" / "paper_trading").mkdir(parents=True)
    monkeypatch.setattr("genesis_ops.host.scheduled.ask", lambda *_: said)
    assert host(root, "scheduled", ACCEPTED).exit_code == code
    (path,) = (root / "logs" / "paper_trading").iterdir()
    assert path.read_text() == f"{text}\nexit code: {code}\n"


def test_an_acceptance_that_cannot_be_made_leaves_a_result_that_says_why(root: Path) -> None:
    (root / "logs" / "paper_trading").mkdir(parents=True)
    (root / "config").mkdir()
    (root / "config" / "genesis-ops.toml").write_text("")
    done = host(root, "scheduled", ACCEPTED)
    (kept,) = (root / "logs" / "paper_trading").glob("acceptance_check_*")
    assert done.exit_code not in {0, WRITE}
    assert kept.read_text().endswith(f"\nexit code: {done.exit_code}\n")


def test_a_result_that_cannot_be_written_is_told(root: Path) -> None:
    done = host(root, "scheduled", ACCEPTED)
    assert done.exit_code == WRITE
    assert "could not be written" in done.stderr
