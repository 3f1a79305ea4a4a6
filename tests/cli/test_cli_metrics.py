"""genesis-ops metrics: always an export, whole or not at all, whatever is wrong with one of the runners."""

import os
import re
import shutil
import stat
import sys
import threading
from pathlib import Path

import pytest
from cli_process import process

from genesis_ops.clients.host_clock import HostClock
from genesis_ops.collect import judgement, metrics
from genesis_ops.keep.textfile import write
from genesis_ops.rehearsal.day import rehearse
from genesis_ops.report.metrics import Export
from genesis_ops.settings import load
from genesis_ops.state.operations import RESUME, record

USAGE, WRITE_FAILED, REFUSED = 2, 70, 78


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("metrics") / "root"
    rehearse(made, hours=3, seed=7, faults=(), watch=lambda _: None)
    return made


def markets(text: str) -> list[str]:
    return re.findall(r'^genesis_ops_export_timestamp_seconds\{market="([^"]*)"\}', text, re.MULTILINE)


def test_a_root_is_exported_and_the_command_ends_with_0_whatever_the_verdicts_are(root: Path) -> None:
    done = process("--root", str(root), "metrics")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'genesis_ops_verdict{market="tBTCUSD 1h",command="preflight",verdict="FAIL"} 1\n' in done.stdout
    assert 'genesis_ops_api_up{market="tBTCUSD 1h"} 0\n' in done.stdout
    assert 'genesis_ops_closes_total{market="tBTCUSD 1h"} 4\n' in done.stdout


def test_a_root_with_nothing_in_it_is_exported_and_left_as_it_is(tmp_path: Path) -> None:
    done = process("--root", str(tmp_path), "metrics")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'genesis_ops_known{market="tBTCUSD 1h",figure="close"} 0\n' in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_readable_for_the_collector_whatever_the_umask_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "genesis_ops.prom"
    target.write_text("old")
    target.chmod(0o600)
    former = os.umask(0o077)
    try:
        done = process("--root", str(tmp_path), "metrics", "--textfile", str(target))
    finally:
        os.umask(former)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert target.read_text().startswith("# HELP genesis_ops_build_info")
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_cannot_be_written_ends_with_70(tmp_path: Path) -> None:
    done = process("--root", str(tmp_path), "metrics", "--textfile", str(tmp_path / "nowhere" / "genesis_ops.prom"))
    assert (done.returncode, done.stdout) == (WRITE_FAILED, "")
    assert "genesis_ops.prom could not be written" in done.stderr


def test_what_a_killed_export_left_is_cleared_up_and_one_that_is_under_way_is_not(tmp_path: Path) -> None:
    target, old, new = (tmp_path / name for name in ("x.prom", ".x.prom.1.tmp", ".x.prom.2.tmp"))
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (0, 0))
    write(target, "whole\n")
    assert sorted(tmp_path.iterdir()) == [new, target]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_no_mode_is_set_by_a_name_which_somebody_could_have_made_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_name(*_: object, **__: object) -> None:
        raise AssertionError("chmod by name")

    monkeypatch.setattr(Path, "chmod", by_name)
    write(tmp_path / "x.prom", "whole\n")
    assert stat.S_IMODE((tmp_path / "x.prom").stat().st_mode) == 0o644


@pytest.mark.parametrize("name", ["genesis_ops.txt", "folder.prom", "pipe.prom"])
def test_nothing_but_an_earlier_export_is_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.prom").mkdir()
    os.mkfifo(tmp_path / "pipe.prom")
    before = sorted(tmp_path.iterdir())
    done = process("--root", str(tmp_path), "metrics", "--textfile", str(tmp_path / name))
    assert done.returncode == USAGE
    assert sorted(tmp_path.iterdir()) == before


def test_every_runner_with_settings_of_its_own_is_exported_and_a_broken_one_hides_no_other(root: Path) -> None:
    runners = root / "config" / "runners"
    runners.mkdir()
    try:
        (runners / "tETHUSD-1h.toml").write_text('symbol = "tETHUSD"\nlog_dir = "logs/eth"\n')
        (runners / "tXRPUSD-3h.toml").write_text('symbol = "XRP"\n')
        done = process("--root", str(root), "metrics")
    finally:
        for path in runners.iterdir():
            path.unlink()
        runners.rmdir()
    assert done.returncode == 0
    assert markets(done.stdout) == ["tETHUSD 1h", "tXRPUSD 3h", "tBTCUSD 1h"]
    assert done.stderr.startswith("genesis-ops: not exported: tXRPUSD 3h: settings: ")
    assert 'genesis_ops_source_up{market="tXRPUSD 3h",source="settings"} 0\n' in done.stdout


def test_the_roots_own_market_that_never_ran_is_not_exported_beside_others(tmp_path: Path) -> None:
    (tmp_path / "config" / "runners").mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / "config" / "runners" / f"{name}.toml").write_text(f'log_dir = "logs/{name}"\n')
    done = process("--root", str(tmp_path), "metrics")
    assert markets(done.stdout) == ["tBTCUSD 1h", "b"], "two of the same market would spoil the file"


@pytest.mark.parametrize(("name", "expected"), [("runner.lock", True), ("snapshots", False)])
def test_the_roots_own_market_stays_in_the_export_once_a_runner_was_there(
    tmp_path: Path, name: str, expected: bool
) -> None:
    logs = tmp_path / "logs" / "paper_trading"
    (tmp_path / "config" / "runners").mkdir(parents=True)
    (tmp_path / "config" / "runners" / "tETHUSD-1h.toml").write_text('symbol = "tETHUSD"\nlog_dir = "logs/eth"\n')
    assert markets(process("--root", str(tmp_path), "metrics").stdout) == ["tETHUSD 1h", "tBTCUSD 1h"], "not listed"
    (logs / name).mkdir(parents=True)
    found = markets(process("--root", str(tmp_path), "metrics").stdout)
    assert found == ["tETHUSD 1h", *(["tBTCUSD 1h"] if expected else [])]


class _Fixed(HostClock):
    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms


def _hidden(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_on_a_day_0_whose_log_is_hidden_nobody_says_that_the_phase_has_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load({"root": tmp_path, "api_url": "http://127.0.0.1:9", "exchange_url": "http://127.0.0.1:9"}, {}, None)
    clock = _Fixed(judgement.day_zero_ms(settings.settings) + 60_000)
    assert metrics.export(settings.settings, clock, lambda _: None).running is False
    for module in (metrics, judgement):
        monkeypatch.setattr(module, "log_files", _hidden)
    assert metrics.export(settings.settings, clock, lambda _: None).running is None


def test_runners_are_looked_at_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runners = tmp_path / "config" / "runners"
    runners.mkdir(parents=True)
    for number in range(5):
        (runners / f"{number}.toml").write_text('symbol = "tETHUSD"\n')
    (tmp_path / "logs" / "paper_trading").mkdir(parents=True)
    together = threading.Barrier(5)

    def silent(*_: object) -> Export:
        together.wait(20)
        return Export("", 0)

    monkeypatch.setattr(metrics, "export", silent)
    found = metrics.exports(load({"root": tmp_path}, {}, None).settings, {}, HostClock(), lambda _: None)
    assert [each.market for each in found] == ["tETHUSD 1h", "1", "2", "3", "4"]


def test_an_abort_condition_counts_until_somebody_resumes_so_that_the_next_one_can_be_seen(
    root: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "root"
    shutil.copytree(root, copy)
    logs = copy / "logs" / "paper_trading"
    log = min(logs.glob("runner_2*.log"))
    log.write_text("".join(f"{line}\n" * (1 + ("NEW CANDLE CLOSE" in line)) for line in log.read_text().splitlines()))
    failed = (
        'genesis_ops_check_outcome{market="tBTCUSD 1h",command="stop-check",check="duplicate-candle",outcome="FAIL"} '
    )
    assert f"{failed}1\n" in process("--root", str(copy), "metrics").stdout
    record(logs, HostClock().now_ms(), RESUME, ("the log was copied twice",))
    assert f"{failed}0\n" in process("--root", str(copy), "metrics").stdout


def test_settings_that_cannot_be_meant_are_refused_and_the_former_file_grows_old(tmp_path: Path) -> None:
    done = process("--root", str(tmp_path), "metrics", "--textfile", str(tmp_path / "x.prom"), GENESIS_SYMBOL="x")
    assert done.returncode == REFUSED
    assert list(tmp_path.iterdir()) == []


def test_a_defect_in_one_source_is_told_and_hides_no_other(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(metrics.status, "look", broken)
    settings = load({"root": root, "api_url": "http://127.0.0.1:9", "exchange_url": "http://127.0.0.1:9"}, {}, None)
    told: list[str] = []
    made = metrics.export(settings.settings, HostClock(), told.append)
    assert (made.failed, told) == ({"status"}, ["tBTCUSD 1h: status: ZeroDivisionError: a defect"])
    assert [report.command for report in made.reports] == ["stop-check", "preflight"]
