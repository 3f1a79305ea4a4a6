"""genesis-ops host schedule and host scheduled: what is typed, what is printed, what is kept."""

import json
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

sys.path.append(str(Path(__file__).parents[1] / "unit" / "host"))

from host_systemctl import Systemctl
from phase_root import PhaseRoot, Plan, at

from genesis_ops.cli.app import app
from genesis_ops.clients.machine_program import Said
from genesis_ops.state.schedule import instant_ms, instant_of

FAIL, USAGE, UNKNOWN, WRITE, REFUSED = 1, 2, 3, 70, 78
SERVICE = "genesis-acceptance@.service"
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
    service = tmp_path / "units" / SERVICE
    service.write_text(f"[Service]\nExecStart={sys.executable} --root {tmp_path / 'root'} host scheduled %i\n")
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
    assert [path.name for path in (root.parent / "units").iterdir()] == [SERVICE]
    assert list(root.iterdir()) == []


def test_a_window_that_is_none_is_refused(root: Path) -> None:
    assert host(root, "schedule", "add", "--at", "+24h", "--window", "24").exit_code == USAGE


def test_a_directory_that_is_not_there_is_refused(root: Path) -> None:
    (root.parent / "units" / SERVICE).unlink()
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


def test_a_window_that_has_not_ended_is_not_judged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("genesis_ops.host.scheduled.ask")
    instant = instant_of(int(time.time() * 1000) + 60_000)
    done = host(root, "scheduled", instant)
    assert (done.exit_code, list(root.iterdir())) == (REFUSED, [])
    assert "the window ends at" in done.stderr


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_verdict_is_kept(root: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    (root / "logs" / "paper_trading").mkdir(parents=True)
    monkeypatch.setattr("genesis_ops.host.scheduled.ask", lambda *_: Said(code=code, err=b"why"))
    assert host(root, "scheduled", ACCEPTED).exit_code == code
    (path,) = (root / "logs" / "paper_trading").iterdir()
    assert path.read_text() == f"why\nexit code: {code}\n"


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        (Said(trouble="python did not answer within 1500s"), WRITE, "genesis-ops: python did not answer within 1500s"),
        (Said(code=-9, out=b"half"), 143, "half\ngenesis-ops: the acceptance was ended by signal 9"),
        (Said(code=78, err=b"refused \x1b[2J"), REFUSED, "refused \\x1b[2J"),
    ],
)
def test_what_is_no_verdict_is_told_and_a_later_one_has_its_chance(
    root: Path, monkeypatch: pytest.MonkeyPatch, said: Said, code: int, text: str
) -> None:
    (root / "logs" / "paper_trading").mkdir(parents=True)
    monkeypatch.setattr("genesis_ops.host.scheduled.ask", lambda *_: said)
    done = host(root, "scheduled", ACCEPTED)
    assert (done.exit_code, done.stderr) == (code, f"{text}\n")
    assert f"no result, exit code {code}" in done.stdout
    assert list((root / "logs" / "paper_trading").iterdir()) == []
    monkeypatch.setattr("genesis_ops.host.scheduled.ask", lambda *_: Said(code=1))
    assert host(root, "scheduled", ACCEPTED).exit_code == FAIL


def test_another_configuration_is_kept_with_the_timer_and_judged_by(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = root / "config" / "eth.toml"
    config.parent.mkdir()
    config.write_text('symbol = "tETHUSD"\nlog_dir = "logs/eth"\n')
    added = CliRunner().invoke(
        app, ["--root", str(root), "--config", str(config), "host", "schedule", "add", "--at", "+1h"]
    )
    instant = added.stdout.split()[1].rstrip(",")
    asked: list[tuple[str, ...]] = []

    def asks(command: tuple[str, ...], *_: object) -> Said:
        asked.append(command)
        return Said()

    monkeypatch.setattr("genesis_ops.host.scheduled.ask", asks)
    monkeypatch.setattr("genesis_ops.clients.host_clock.HostClock.now_ms", lambda _: instant_ms(instant))
    (root / "logs" / "eth").mkdir(parents=True)
    assert host(root, "scheduled", instant).exit_code == 0
    assert asked[0][1:8] == ("-P", "-m", "genesis_ops", "--root", str(root), "--config", str(config))
    assert (root / "logs" / "eth" / f"acceptance_check_{instant}.txt").exists()


def test_nothing_in_the_checkout_is_taken_for_the_program(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "logs" / "paper_trading").mkdir(parents=True)
    (root / "genesis_ops.py").write_text("raise SystemExit(0)\n")
    monkeypatch.chdir(root)
    assert host(root, "scheduled", ACCEPTED).exit_code != 0


def test_a_result_that_cannot_be_written_is_told(root: Path) -> None:
    done = host(root, "scheduled", ACCEPTED)
    assert done.exit_code == WRITE
    assert "could not be written" in done.stderr
