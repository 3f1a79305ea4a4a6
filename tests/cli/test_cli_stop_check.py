"""genesis-ops stop-check: the six conditions, and what --enforce does about them."""

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from genesis_ops.cli.app import app
from genesis_ops.rehearsal.day import rehearse
from genesis_ops.state.latch import read_latch
from genesis_ops.state.operations import read
from genesis_ops.words import stamp

PASS, FAIL, USAGE, UNKNOWN, REFUSED, INTERRUPTED = 0, 1, 2, 3, 78, 130
IDS = ["duplicate-candle", "dry-run-order", "baseline-fallback", "candle-gap", "state-corrupt", "fatal-error"]


@pytest.fixture(scope="session")
def bad_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root whose exchange was away for four hours, and whose API had a bad hour later."""
    root = tmp_path_factory.mktemp("bad") / "root"
    rehearse(root, hours=20, seed=7, faults=("feed-down@3h+4h",), watch=lambda _: None)
    return root


@pytest.fixture
def root(bad_days: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bad_days, tmp_path / "root"))


def logs(root: Path) -> Path:
    return root / "logs" / "paper_trading"


def newest_log(root: Path) -> Path:
    return max(logs(root).glob("runner_2*.log"))


def invoke(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--root", str(root), *arguments], prog_name="genesis-ops")


def stop_check(root: Path, *arguments: str) -> Result:
    return invoke(root, "stop-check", *arguments)


def outcomes(root: Path, *arguments: str) -> dict[str, str]:
    document = json.loads(stop_check(root, "--format", "json", *arguments).stdout)
    return {check["id"]: check["outcome"] for check in document["checks"]}


def test_a_gap_fails_with_its_cause_its_root_cause_and_what_not_to_do(root: Path) -> None:
    done = stop_check(root, "--until", "last")
    assert done.exit_code == FAIL
    text = " ".join(done.stdout.split())
    assert "exchange feed failing 16:0" in text
    assert "root cause: a crash, a network outage or the host" in text
    assert "do NOT restart before it is understood" in text
    assert text.endswith("FAIL 1 of 6 checks failed exit 1")


def test_every_condition_is_listed_in_the_order_of_the_runbook(root: Path) -> None:
    assert list(outcomes(root)) == IDS


def test_what_lies_before_since_does_not_count(root: Path) -> None:
    assert set(outcomes(root, "--until", "last", "--since", "2026-02-05T00:00:00Z").values()) == {"PASS"}


def test_a_runner_that_has_been_gone_for_hours_is_a_gap_up_to_now(root: Path) -> None:
    assert outcomes(root, "--since", "2026-02-05T00:00:00Z")["candle-gap"] == "FAIL"
    assert "runner down since" in stop_check(root, "--since", "2026-02-05T00:00:00Z").stdout


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("INFO - ORDER SUBMITTED: {}", "dry-run-order"),
        ("INFO - Submitting BUY order...", "dry-run-order"),
        ("CRITICAL - Baseline fallback detected. ABORTING.", "baseline-fallback"),
        ("INFO - FATAL: the disk is on fire", "fatal-error"),
        ("CRITICAL - something else", "fatal-error"),
    ],
)
def test_each_condition_of_a_line_is_found(root: Path, line: str, broken: str) -> None:
    with newest_log(root).open("a") as file:
        file.write(f"{stamp(1770281000000)} - paper_trading_runner - {line}\n")
    found = outcomes(root, "--until", "last", "--since", "2026-02-05T00:00:00Z")
    assert found[broken] == "FAIL"
    assert {name for name, outcome in found.items() if outcome == "FAIL"} <= {broken, "fatal-error"}


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"\x00", b'{"last_processed_candle_ts": 1e999}'])
def test_a_state_that_is_none_is_corrupt(root: Path, raw: bytes) -> None:
    (logs(root) / "runner_state.json").write_bytes(raw)
    assert outcomes(root, "--until", "last", "--since", "2026-02-05")["state-corrupt"] == "FAIL"
    assert "do NOT delete the state" in " ".join(stop_check(root).stdout.split())


def test_a_state_that_is_missing_where_logs_exist_is_as_bad(root: Path) -> None:
    (logs(root) / "runner_state.json").unlink()
    assert outcomes(root)["state-corrupt"] == "FAIL"


def test_nothing_at_all_is_unknown(tmp_path: Path) -> None:
    assert set(outcomes(tmp_path).values()) == {"UNKNOWN"}
    assert stop_check(tmp_path).exit_code == UNKNOWN


def test_enforcing_sets_the_latch_keeps_a_corrupt_state_and_is_recorded(root: Path) -> None:
    (logs(root) / "runner_state.json").write_bytes(b"{broken")
    done = stop_check(root, "--enforce")
    assert done.exit_code == FAIL
    assert "done: stop-latch" in done.stderr
    latch = read_latch(logs(root))
    assert latch is not None
    assert [reason.partition(":")[0] for reason in latch.reasons] == ["candle-gap", "state-corrupt"]
    assert [path.read_bytes() for path in logs(root).glob("runner_state_corrupt_*.json")] == [b"{broken"]
    assert (logs(root) / "runner_state.json").read_bytes() == b"{broken"
    assert [operation.action for operation in read(logs(root)).found] == ["enforce"]


def test_enforcing_twice_adds_nothing_to_the_latch(root: Path) -> None:
    stop_check(root, "--enforce")
    first = read_latch(logs(root))
    stop_check(root, "--enforce")
    assert read_latch(logs(root)) == first


def test_a_run_is_refused_until_somebody_resumes_and_says_why(root: Path) -> None:
    stop_check(root, "--enforce")
    refused = invoke(root, "run", "--api-url", "http://127.0.0.1:9", "--exchange-url", "http://127.0.0.1:9")
    assert refused.exit_code == REFUSED
    assert "genesis-ops" in refused.stderr
    assert "resume" in refused.stderr
    assert invoke(root, "resume", "--reason", "the exchange was away").exit_code == PASS
    assert read_latch(logs(root)) is None


def test_what_was_known_at_the_last_resume_still_counts_but_is_not_acted_upon(root: Path) -> None:
    stop_check(root, "--enforce")
    invoke(root, "resume", "--reason", "the exchange was away")
    done = stop_check(root, "--enforce")
    assert done.exit_code == FAIL
    assert "known since the resume" in " ".join(done.stdout.split())
    assert read_latch(logs(root)) is None


def test_enforcing_does_nothing_where_no_condition_holds(root: Path) -> None:
    done = stop_check(root, "--since", "2026-02-05", "--enforce", "--log-dir", str(root / "empty"))
    assert (done.exit_code, done.stderr) == (UNKNOWN, "")
    assert not (root / "empty").exists()


@pytest.mark.parametrize(
    "arguments", [["--enforce", "--until", "last"], ["--enforce", "--from", "."], ["--since", "2999-01-01"]]
)
def test_what_cannot_be_meant_ends_with_2(root: Path, arguments: list[str]) -> None:
    done = stop_check(root, *arguments)
    assert (done.exit_code, done.stdout) == (USAGE, "")


@pytest.mark.parametrize("stored", [True, False])
def test_an_interrupted_enforcement_says_what_was_done_and_what_to_type_and_ends_with_130(
    root: Path, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("genesis_ops.enforce.act." + ("prove" if stored else "set_latch"), interrupt)
    done = stop_check(root, "--enforce", "--log-dir", str(logs(root)))
    assert (done.exit_code, done.stdout) == (INTERRUPTED, "")
    assert ("done: stop-latch" in done.stderr) == ("done: find-runner" in done.stderr) == stored
    assert f"interrupted: the latch {'is' if stored else 'is NOT'} set" in done.stderr
    assert f"next: genesis-ops --root {root} stop-check --enforce --log-dir {logs(root)}" in done.stderr
    assert (read_latch(logs(root)) is not None) == stored
    (operation,) = read(logs(root)).found
    assert operation.other["steps"][-1]["name"] == "interrupted"


def at(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    ms = int(datetime.fromisoformat(moment).timestamp() * 1000)
    monkeypatch.setattr("genesis_ops.clients.host_clock.HostClock.now_ms", lambda _: ms)


@pytest.mark.parametrize("moment", ["2026-02-03T12:00:00+00:00", "2026-02-04T12:00:00+00:00"])
def test_cron_is_told_nothing_before_the_runner_was_first_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    at(monkeypatch, moment)
    done = stop_check(tmp_path, "--quiet")
    assert (done.exit_code, done.output) == (PASS, "")
    assert stop_check(tmp_path).exit_code != PASS


def test_a_log_that_is_gone_on_a_later_day_is_told_to_cron(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "2026-02-05T00:00:00+00:00")
    done = stop_check(tmp_path, "--quiet")
    assert done.exit_code == UNKNOWN
    assert "there is no log directory" in " ".join(done.stdout.split())


def test_after_the_phase_nobody_has_to_trade(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (root / "config" / "genesis-ops.toml").open("a") as file:
        file.write('phase_end = "2026-02-04"\n')
    at(monkeypatch, "2026-03-20T12:00:00+00:00")
    document = json.loads(stop_check(root, "--format", "json").stdout)
    assert document["window"]["end"] == "2026-02-05T00:02:00Z"
