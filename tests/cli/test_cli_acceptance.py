"""genesis-ops acceptance, as an operator and as a script see it."""

import json
import os
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from genesis_ops.cli.app import app
from genesis_ops.rehearsal.day import rehearse
from genesis_ops.state.receipt import newest_receipt

PASS, FAIL, USAGE, UNKNOWN, WRITE_FAILED = 0, 1, 2, 3, 70
IDS = [
    *("candle-uniqueness", "candle-frequency", "candle-source", "candle-audit", "no-orders", "evaluation-count"),
    *("state-consistency", "state-orders", "champion-loaded", "no-fatal", "heartbeat"),
]


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with 25 hours of good dry-run."""
    root = tmp_path_factory.mktemp("day") / "root"
    rehearse(root, hours=25, seed=7, faults=(), watch=lambda _: None)
    return root


@pytest.fixture
def root(day: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(day, tmp_path / "root"))


def logs(root: Path) -> Path:
    return root / "logs" / "paper_trading"


def acceptance(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--root", str(root), "acceptance", *arguments], prog_name="genesis-ops")


def report(root: Path, *arguments: str) -> dict[str, object]:
    done = acceptance(root, "--format", "json", *arguments)
    document: dict[str, object] = json.loads(done.stdout)
    assert document["exit_code"] == done.exit_code
    return document


def outcomes(document: dict[str, object]) -> dict[str, str]:
    return {check["id"]: check["outcome"] for check in document["checks"]}  # type: ignore[attr-defined]


def test_a_good_day_passes_and_leaves_a_receipt_that_names_what_was_judged(root: Path) -> None:
    done = acceptance(root, "--until", "last")
    assert (done.exit_code, done.stderr) == (PASS, "")
    receipt = newest_receipt(logs(root))
    assert receipt is not None
    assert done.stdout.splitlines()[-1].startswith("PASS  10 of 10 checks passed")
    assert f"receipt: {next(logs(root).glob('acceptance_receipt_*')).name}" in done.stdout
    assert receipt.verdict == "PASS"
    assert list(receipt.checks) == IDS
    assert (receipt.covered_seconds, receipt.market) == (86400, "tBTCUSD 1h")
    assert receipt.runtime_config_hash
    assert stat.S_IMODE(next(logs(root).glob("acceptance_receipt_*")).stat().st_mode) == 0o600


def test_the_receipt_hashes_the_champion_and_the_evidence(root: Path) -> None:
    acceptance(root, "--until", "last")
    first = newest_receipt(logs(root))
    log = max(logs(root).glob("runner_2*.log"))
    log.write_bytes(log.read_bytes().replace(b"confidence=0.", b"confidence=1.", 1))
    champion = root / "config/strategy/champions/tBTCUSD_1h.json"
    champion.write_bytes(champion.read_bytes() + b"\n")
    acceptance(root, "--until", "last")
    second = newest_receipt(logs(root))
    assert first is not None
    assert second is not None
    assert first.evidence_sha256 != second.evidence_sha256
    assert first.champion_sha256 != second.champion_sha256


def test_the_json_report_is_what_the_contract_says(root: Path) -> None:
    document = report(root, "--until", "last")
    assert list(document) == [
        *("schema", "version", "command", "verdict", "exit_code", "generated_at", "window", "checks", "summary"),
    ]
    assert document["schema"] == "genesis-ops.report/1"
    assert document["window"] == {
        "start": "2026-02-04T14:03:20Z",
        "end": "2026-02-05T14:03:20Z",
        "covered_seconds": 86400,
    }
    assert list(outcomes(document)) == IDS
    assert document["summary"] == {
        "candles": 24,
        "evaluations": 24,
        "orders_submitted": 0,
        "fatal": 0,
        "heartbeats": 864,
    }


def test_a_fault_is_shown_with_file_and_line_and_writes_no_receipt(root: Path) -> None:
    log = max(logs(root).glob("runner_2*.log"))
    lines = log.read_bytes().splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines) if b"NEW CANDLE CLOSE" in line)
    log.write_bytes(b"".join([*lines[: number + 1], *lines[number:]]))
    document = report(root, "--until", "last")
    assert document["verdict"] == "FAIL"
    failed = [check for check in document["checks"] if check["outcome"] != "PASS"]  # type: ignore[attr-defined]
    assert "candle-uniqueness" in [check["id"] for check in failed]
    assert failed[0]["evidence"][1] == {
        "file": f"logs/paper_trading/{log.name}",
        "line": number + 2,
        "text": lines[number].decode().rstrip("\n"),
    }
    assert newest_receipt(logs(root)) is None


def test_a_warning_ends_with_0_and_with_1_where_it_is_meant_strictly(root: Path) -> None:
    log = max(logs(root).glob("runner_2*.log"))
    beats = [line for line in log.read_bytes().splitlines(keepends=True) if b"Heartbeat" not in line]
    log.write_bytes(b"".join(beats))
    assert acceptance(root, "--until", "last").exit_code == PASS
    assert acceptance(root, "--until", "last", "--strict").exit_code == FAIL


@pytest.mark.parametrize("form", ["logs", "root", "tar.gz", "zip"])
def test_a_copy_is_judged_to_the_byte_as_the_host_was(root: Path, tmp_path: Path, form: str) -> None:
    host = acceptance(root, "--until", "2026-02-05T14:00:00Z", "--format", "markdown")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copied = {"logs": logs(root), "root": root}.get(form) or tmp_path / f"bundle.{form}"
    if form == "tar.gz":
        with tarfile.open(copied, "w:gz") as archive:
            archive.add(logs(root), "host/logs/paper_trading")
    if form == "zip":
        with zipfile.ZipFile(copied, "w") as packed:
            for path in logs(root).iterdir():
                packed.write(path, f"host/{path.name}")
    done = acceptance(elsewhere, "--from", str(copied), "--until", "2026-02-05T14:00:00Z", "--format", "markdown")
    without_receipt = [line for line in host.stdout.splitlines() if "receipt" not in line]
    assert [line for line in done.stdout.splitlines() if "receipt" not in line] == without_receipt
    assert done.exit_code == PASS
    assert not list(elsewhere.iterdir())


def test_an_archive_that_reaches_out_of_its_folder_is_not_followed(root: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        archive.add(next(logs(root).glob("runner_2*.log")), "../../runner_20260204.log")
    done = acceptance(root, "--from", str(tmp_path / "bad.tar"))
    assert done.exit_code == UNKNOWN
    assert "holds no runner log" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--window", "0h"], "no time at all"),
        (["--window", "24"], "is not a length of time"),
        (["--window", "1y"], "is not a length of time"),
        (["--window", ""], "is not a length of time"),
        (["--until", "2999-01-01T00:00:00Z"], "lies in the future"),
        (["--until", "yesterday"], "is not a time"),
        (["--from", "nowhere.tar"], "no file or directory"),
        (["--format", "yaml"], "yaml"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence_and_ends_with_2(root: Path, arguments: list[str], said: str) -> None:
    done = acceptance(root, *arguments)
    assert (done.exit_code, done.stdout) == (USAGE, "")
    assert said in done.stderr
    assert "next: genesis-ops" in done.stderr or "next: ls" in done.stderr


def test_no_logs_at_all_are_unknown_and_every_check_is_listed(tmp_path: Path) -> None:
    document = report(tmp_path)
    assert document["verdict"] == "UNKNOWN"
    assert set(outcomes(document).values()) == {"UNKNOWN"}
    assert list(outcomes(document)) == IDS


def test_empty_logs_are_unknown(tmp_path: Path) -> None:
    logs(tmp_path).mkdir(parents=True)
    (logs(tmp_path) / "runner_20260204.log").touch()
    assert report(tmp_path)["exit_code"] == UNKNOWN


def test_a_directory_where_a_log_should_be_leaves_nothing_sure(root: Path) -> None:
    (logs(root) / "runner_20260203.log").mkdir()
    document = report(root, "--until", "last")
    assert document["verdict"] == "UNKNOWN"
    assert outcomes(document)["candle-uniqueness"] == "UNKNOWN"
    assert "runner_20260203.log: is a directory" in acceptance(root, "--until", "last").stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_log_leaves_nothing_sure(root: Path) -> None:
    min(logs(root).glob("runner_2*.log")).chmod(0)
    assert report(root, "--until", "last")["exit_code"] == UNKNOWN


def test_a_window_that_is_longer_than_the_log_is_unknown_and_says_when_it_could_be_full(root: Path) -> None:
    done = acceptance(root, "--until", "last", "--window", "48h")
    assert done.exit_code == UNKNOWN
    text = " ".join(done.stdout.split())
    assert "25h of 48h covered" in text
    assert "can first be full at 06 Feb 13:03 UTC" in text


def test_a_log_that_ended_long_ago_is_judged_up_to_its_last_line_as_the_report_advises(root: Path) -> None:
    done = acceptance(root, "--window", "24h")
    assert done.exit_code == UNKNOWN
    assert acceptance(root, "--window", "24h", "--until", "last").exit_code == PASS


def test_a_state_that_is_ahead_of_the_log_fails(root: Path) -> None:
    state = logs(root) / "runner_state.json"
    document = json.loads(state.read_text())
    document["last_processed_candle_ts"] += 3_600_000
    state.write_text(json.dumps(document))
    assert outcomes(report(root, "--until", "last"))["state-consistency"] == "FAIL"
    assert "ahead of the log" in acceptance(root, "--until", "last").stdout


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"\x00\x00", b'{"last_processed_candle_ts": NaN}', b"\xef\xbb\xbf{}"]
)
def test_a_state_that_is_none_fails(root: Path, raw: bytes) -> None:
    (logs(root) / "runner_state.json").write_bytes(raw)
    found = outcomes(report(root, "--until", "last"))
    assert (found["state-consistency"], found["state-orders"]) == ("FAIL", "UNKNOWN")


def test_a_receipt_that_cannot_be_written_is_told_after_the_report_and_ends_with_70(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("genesis_ops.state.receipt.publish", full)
    done = acceptance(root, "--until", "last")
    assert done.exit_code == WRITE_FAILED
    assert "PASS  10 of 10" in done.stdout
    assert "receipt: none" in done.stdout
    assert "No space left on device" in done.stderr


def test_monitoring_gets_its_own_codes(root: Path, tmp_path: Path) -> None:
    assert acceptance(root, "--until", "last", "--format", "nagios").exit_code == 0
    assert acceptance(tmp_path / "root", "--format", "nagios").exit_code == UNKNOWN
    (logs(root) / "runner_state.json").write_bytes(b"")
    assert acceptance(root, "--until", "last", "--format", "nagios").exit_code == 2


def test_a_log_of_another_market_proves_nothing_for_this_one(root: Path) -> None:
    log = min(logs(root).glob("runner_2*.log"))
    log.write_bytes(log.read_bytes().replace(b"Symbol: tBTCUSD", b"Symbol: tETHUSD"))
    document = report(root, "--until", "last")
    assert document["verdict"] == "UNKNOWN"
    assert "the log is of tETHUSD 1h and not of tBTCUSD 1h" in acceptance(root, "--until", "last").stdout


def test_a_receipt_that_cannot_be_written_is_in_the_report_and_unknown_to_monitoring(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("genesis_ops.state.receipt.publish", full)
    assert report(root, "--until", "last")["exit_code"] == WRITE_FAILED
    monitored = acceptance(root, "--until", "last", "--format", "nagios")
    assert monitored.exit_code == UNKNOWN
    assert "No space left on device" in monitored.stderr


def test_a_window_in_which_no_candle_closes_proves_nothing(root: Path) -> None:
    document = report(root, "--until", "2026-02-05T13:55:00Z", "--window", "40m")
    assert outcomes(document)["candle-frequency"] == "UNKNOWN"
    assert newest_receipt(logs(root)) is None


def test_an_archive_whose_checksum_is_wrong_is_not_judged(root: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as archive:
        archive.add(logs(root), "logs")
    raw = bytearray((tmp_path / "x.tgz").read_bytes())
    raw[-6] ^= 1
    (tmp_path / "x.tgz").write_bytes(raw)
    done = acceptance(root, "--from", str(tmp_path / "x.tgz"))
    assert done.exit_code == UNKNOWN
    assert "not a tar or zip archive that can be read" in done.stderr
    assert "\\n" not in done.stderr


def test_a_log_that_steps_back_at_every_line_is_judged_at_once(root: Path) -> None:
    log = max(logs(root).glob("runner_2*.log"))
    lines = log.read_bytes().splitlines(keepends=True)
    ahead = [line.replace(b"2026-02-05 ", b"2026-02-04 ") if b"Heartbeat" in line else line for line in lines]
    log.write_bytes(b"".join(ahead))
    assert acceptance(root, "--until", "last").exit_code in {FAIL, UNKNOWN, PASS}


def test_candles_that_neighbours_leave_out_fail_whatever_the_clock_says(root: Path) -> None:
    log = max(logs(root).glob("runner_2*.log"))
    lines = log.read_text().splitlines(keepends=True)
    closes = [i for i, line in enumerate(lines) if "NEW CANDLE CLOSE" in line]
    text = "".join(lines[: closes[-1]]) + "".join(
        line.replace("ts=17702964", "ts=17703216") if i >= closes[-1] else line
        for i, line in enumerate(lines)
        if i >= closes[-1]
    )
    log.write_text(text)
    document = report(root, "--until", "last")
    assert outcomes(document)["candle-frequency"] == "FAIL"
