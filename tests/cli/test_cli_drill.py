"""genesis-ops drill, as an operator and as a script see it, and what acceptance makes of it."""

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from cli_process import COMMAND, environment, process
from typer.testing import CliRunner, Result

from genesis_ops import __version__
from genesis_ops.checks.model import Check, Outcome, Report, judge
from genesis_ops.checks.model import Result as Found
from genesis_ops.cli.app import app
from genesis_ops.rehearsal.day import rehearse
from genesis_ops.rehearsal.drill import CHECKS, alarms
from genesis_ops.state.drill import DrillRecord, read_drill, this_host, write_drill
from genesis_ops.state.receipt import newest_receipt
from genesis_ops.words import Exit

PASS, FAIL, UNKNOWN, WRITE_FAILED, INTERRUPTED = 0, 1, 3, 70, 130


def logs(root: Path) -> Path:
    return root / "logs" / "paper_trading"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    logs(tmp_path / "root").mkdir(parents=True)
    return tmp_path / "root"


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--root", str(root), *arguments], prog_name="genesis-ops")


def reported(*outcomes: Outcome) -> Report:
    checks = [Check(f"preflight:{number}", "t", lambda found: found) for number, _ in enumerate(outcomes)]
    judged = tuple(
        judge((check,), Found(outcome, "d"), str)[0] for check, outcome in zip(checks, outcomes, strict=True)
    )
    report = Report("drill", f"{len(judged)} alarms", "tBTCUSD 1h", 0, judged)
    return report if report.verdict is Outcome.PASS else report._replace(overruled=Exit.FAIL)


def instead(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome) -> None:
    """Let a drill have come to this, without the seconds that a real one takes."""
    monkeypatch.setattr("genesis_ops.rehearsal.drill.drill", lambda *_: reported(*outcomes))


def test_a_drill_proves_every_alarm_and_leaves_its_record_and_nothing_else(root: Path, tmp_path: Path) -> None:
    rooms = tmp_path / "rooms"
    rooms.mkdir()
    done = process("--root", str(root), "drill", "--format", "json", TMPDIR=str(rooms))
    assert (done.returncode, done.stderr) == (PASS, "")
    document = json.loads(done.stdout)
    assert {check["outcome"] for check in document["checks"]} == {"PASS"}
    assert [check["id"] for check in document["checks"]] == [f"{alarm.command}:{alarm.id}" for alarm in alarms()]
    assert len(alarms()) > sum(map(len, CHECKS.values()))
    record = read_drill(logs(root))
    assert record is not None
    assert (record.version, record.alarms, record.proven) == (__version__, len(alarms()), len(alarms()))
    assert [path.name for path in logs(root).iterdir()] == ["drill.json"]
    assert list(rooms.iterdir()) == []


def test_an_alarm_that_is_not_proven_ends_with_1_and_stands_in_the_record(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead(monkeypatch, Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN)
    done = run(root, "drill")
    assert done.exit_code == FAIL
    record = read_drill(logs(root))
    assert record is not None
    assert (record.alarms, record.proven) == (3, 1)


def test_an_alarm_of_which_nobody_can_tell_ends_with_1(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, Outcome.PASS, Outcome.UNKNOWN)
    assert run(root, "drill").exit_code == FAIL


@pytest.mark.parametrize("form", ["text", "json", "junit", "nagios", "prometheus", "markdown"])
def test_a_drill_can_be_had_in_every_format(root: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    instead(monkeypatch, Outcome.PASS)
    done = run(root, "drill", "--format", form)
    assert done.exit_code == PASS
    assert "drill" in done.stdout.lower()


def test_a_quiet_drill_says_nothing_while_all_is_proven(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, Outcome.PASS)
    assert run(root, "drill", "--quiet").stdout == ""


def test_without_a_log_directory_none_is_made_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead(monkeypatch, Outcome.PASS)
    done = run(tmp_path, "drill")
    assert done.exit_code == PASS
    assert "record: none" in done.stdout
    assert "there is no" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_cannot_be_written_is_told_after_the_report_and_ends_with_70(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    instead(monkeypatch, Outcome.PASS)
    monkeypatch.setattr("genesis_ops.state.drill.put_in_place", full)
    done = run(root, "drill")
    assert done.exit_code == WRITE_FAILED
    assert "record: none" in done.stdout
    assert "drill.json" in done.stderr
    nagios = run(root, "drill", "--format", "nagios")
    assert nagios.exit_code == UNKNOWN
    assert "drill.json could not be written" in nagios.stderr


def test_a_drill_that_breaks_off_leaves_no_record_of_the_one_before(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_: Any) -> None:
        raise KeyboardInterrupt

    write_drill(logs(root), DrillRecord(__version__, 0, 49, 49, this_host()))
    monkeypatch.setattr("genesis_ops.rehearsal.drill.drill", broken_off)
    run(root, "drill")
    record = read_drill(logs(root))
    assert record is not None
    assert (record.alarms, record.proven) == (len(alarms()), 0)


@pytest.mark.parametrize("words", [("drill",), ("drill", "crash")])
def test_where_there_is_no_room_for_temporary_files_that_is_said(root: Path, words: tuple[str, ...]) -> None:
    done = process(
        "--root", str(root), *words, TMPDIR="/no/such/directory", TMP="", TEMP="", PYTHONPATH=full_disk(root)
    )
    assert done.returncode == WRITE_FAILED
    assert "cannot use its temporary files: No space left on device" in done.stderr
    assert "TMPDIR" in done.stderr


def full_disk(root: Path) -> str:
    """Let every temporary directory be refused in a process of its own."""
    (root / "sitecustomize.py").write_text(
        "import tempfile\n"
        "def full(*_, **__):\n    raise OSError(28, 'No space left on device')\n"
        "tempfile.mkdtemp = full\n",
        "ascii",
    )
    return os.pathsep.join((str(root), environment()["PYTHONPATH"]))


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, INTERRUPTED),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.soak),
        pytest.param(getattr(signal, "SIGHUP", None), 129, marks=pytest.mark.soak),
    ],
)
def test_a_crash_drill_that_is_stopped_ends_its_runner_and_leaves_nothing(
    root: Path, tmp_path: Path, number: int, code: int
) -> None:
    rooms = tmp_path / "rooms"
    rooms.mkdir()
    with subprocess.Popen(
        (*COMMAND, "--root", str(root), "drill", "crash"),
        env=environment(TMPDIR=str(rooms)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as drill:
        deadline = time.monotonic() + 30
        while not list(rooms.glob("*/*/clock")):  # the first runner is about to start
            assert time.monotonic() < deadline
            with suppress(subprocess.TimeoutExpired):
                pytest.fail(f"it ended with {drill.wait(0.05)}")
        drill.send_signal(number)
        drill.communicate(timeout=30)
    assert drill.returncode == code
    assert list(rooms.iterdir()) == []
    assert not [each for each in psutil.process_iter(["cmdline"]) if str(rooms) in " ".join(each.info["cmdline"] or [])]


# --- the receipt


@pytest.fixture(scope="session")
def dry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a good hour of dry-run."""
    root = tmp_path_factory.mktemp("dry") / "root"
    rehearse(root, hours=1, seed=7, faults=(), watch=lambda _: None)
    return root


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (
            DrillRecord(__version__, 0, 49, 49, this_host()),
            f"drilled with version {__version__} on 1970-01-01, all 49 alarms",
        ),
        (
            DrillRecord(__version__, 0, 49, 48, this_host()),
            "not drilled: the newest drill proved 48 of 49 alarms, on 1970-01-01",
        ),
        (None, "not drilled"),
    ],
)
def test_an_acceptance_says_whether_its_alarms_were_drilled(
    dry: Path, tmp_path: Path, record: DrillRecord | None, told: str
) -> None:
    root = Path(shutil.copytree(dry, tmp_path / "root"))
    if record is not None:
        write_drill(logs(root), record)
    done = run(root, "acceptance", "--window", "50m", "--until", "2026-02-04T14:02:00Z")
    assert done.exit_code == PASS, done.stdout
    receipt = newest_receipt(logs(root))
    assert receipt is not None
    assert receipt.drilled == told
    assert f", {told}" in " ".join(done.stdout.split())
