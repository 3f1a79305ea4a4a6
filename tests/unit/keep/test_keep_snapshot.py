import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from keep_root import DAY, ENCODED, api, at, looked, plant

from genesis_ops import durable
from genesis_ops.clients.host_clock import HostClock
from genesis_ops.collect.known_secrets import known_secrets
from genesis_ops.collect.snapshot import see
from genesis_ops.collect.wallets import readings
from genesis_ops.errors import Refused, WriteFailed
from genesis_ops.keep.snapshot import keep, snapshot_of
from genesis_ops.settings import load
from genesis_ops.state.snapshots import directory, listed, read
from genesis_ops.words import stamp

SECTIONS = ["host", "api", "wallets", "runner", "preflight", "units", "state", "runner log"]


def taken(root: Path, url: str = "http://127.0.0.1:9") -> Path:
    settings = at(root, url)
    seen, known = looked(settings)
    return keep(snapshot_of(seen, known), known, settings.log_dir)


def digest(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "snapshots" not in path.parts
    }


def test_a_snapshot_shows_every_part_of_the_phase_and_can_be_read_back(root: Path) -> None:
    with api() as (url, _):
        path = taken(root, url)
    snapshot = read(path)
    assert [section.name for section in snapshot.sections] == SECTIONS
    assert path.name == f"snapshot_{stamp(snapshot.at_ms).replace('-', '').replace(':', '').replace(' ', '_')}Z.txt"
    assert 'reply: HTTP 200 {"status": "ok", "config_version": 105}' in snapshot.lines("api")
    assert "since: 2026-02-04 13:03:20 UTC" in snapshot.lines("runner")
    assert any(line.startswith("champion-file: PASS") for line in snapshot.lines("preflight"))
    assert any('"last_processed_candle_ts"' in line for line in snapshot.lines("state"))
    log = [line for line in snapshot.lines("runner log") if " - paper_trading_runner - " in line]
    assert len(log) == 80
    assert log[-1].endswith("Runner stopped.")


def test_the_api_ports_holder_is_named(root: Path) -> None:
    with api() as (url, _):
        lines = read(taken(root, url)).lines("api")
    assert any(line.startswith(f"port: pid {os.getpid()} (") for line in lines)


def test_the_wallets_can_be_had_from_the_snapshots_again(root: Path) -> None:
    with api() as (url, _):
        taken(root, url)
    taken(root)
    assert [reading.balances for reading in readings(at(root).log_dir)] == [{"TESTBTC": 0.1, "TESTUSD": 9989.5}]


def test_nothing_is_changed_and_nothing_is_sent(root: Path) -> None:
    before = digest(root)
    with api() as (url, asked):
        taken(root, url)
    assert digest(root) == before
    assert sorted(asked) == ["GET /account/wallets", "GET /health"]


def test_two_in_one_second_stand_beside_each_other_and_only_their_owner_reads_them(root: Path) -> None:
    settings = at(root)
    seen, known = looked(settings)
    paths = {keep(snapshot_of(seen, known), known, settings.log_dir) for _ in range(3)}
    assert [path for _, path in listed(settings.log_dir)] == sorted(paths)
    assert [read(path).at_ms for path in sorted(paths)] == [at_ms for at_ms, _ in listed(settings.log_dir)]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    assert {entry.name for entry in directory(settings.log_dir).iterdir()} == {path.name for path in paths}


def test_no_secret_reaches_a_snapshot_in_any_spelling(root: Path) -> None:
    plant(at(root))
    raw = taken(root).read_bytes()
    assert not [form for form in ENCODED if form in raw]
    assert b"HTTP error: " in raw


def test_a_secret_that_is_left_keeps_the_snapshot_from_being_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(at(root))
    monkeypatch.setattr("genesis_ops.keep.clean.Cleaner.clean", lambda _, raw: raw)
    with pytest.raises(Refused, match="still holds a secret") as refused:
        taken(root)
    assert ENCODED[0].decode() not in str(refused.value.notes) + refused.value.message
    assert listed(at(root).log_dir) == ()


def test_control_characters_of_a_log_are_escapes_in_a_snapshot(root: Path) -> None:
    log = at(root).log_dir / f"runner_{DAY}.log"
    with log.open("ab") as file:
        file.write(b"2026-02-04 20:03:22 - paper_trading_runner - INFO - \x1b[2Jgone\x00\xff\n")
    assert read(taken(root)).lines("runner log")[-1].endswith(r"INFO - \x1b[2Jgone\x00\xff")


@pytest.mark.parametrize("raw", [b"", b"\0\0\0", b"{", b"[]", b"\xff\xfe{}"])
def test_a_state_that_cannot_be_read_is_kept_as_it_stands(root: Path, raw: bytes) -> None:
    at(root).state_file.write_bytes(raw)
    snapshot = read(taken(root))
    assert any(line.startswith("state-heartbeat: FAIL") for line in snapshot.lines("preflight"))
    assert f"size: {len(raw)} bytes" in snapshot.lines("state")


def test_an_empty_root_has_a_snapshot_too(tmp_path: Path) -> None:
    snapshot = read(taken(tmp_path))
    assert "process: none" in snapshot.lines("runner")
    assert snapshot.lines("runner log") == ("none: there is no runner log",)


def test_a_log_that_is_packed_has_no_end_to_show(root: Path) -> None:
    import gzip

    log = at(root).log_dir / f"runner_{DAY}.log"
    log.with_suffix(".log.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    assert "not read: it is packed, and nobody writes to it" in read(taken(root)).lines("runner log")


def test_a_full_disk_leaves_no_half_snapshot(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, "write_all", full)
    with pytest.raises(WriteFailed, match="No space left"):
        taken(root)
    assert [*directory(at(root).log_dir).iterdir()] == []


def test_a_file_in_the_folders_place_is_told(root: Path) -> None:
    directory(at(root).log_dir).write_text("in the way")
    with pytest.raises(WriteFailed, match="snapshots"):
        taken(root)


def test_an_env_file_that_cannot_be_read_is_told(root: Path) -> None:
    (root / ".env").mkdir()
    snapshot = read(taken(root))
    assert snapshot.lines("left unseen") == (
        ".env cannot be read (is a directory): of what is in it only known shapes are found",
    )


def test_an_api_on_another_host_has_no_port_here(root: Path) -> None:
    settings = load({"root": root, "api_url": "http://api.invalid", "exchange_url": "http://127.0.0.1:9"}, {}, None)
    seen = see(settings.settings, HostClock())
    assert seen.listeners is None
    assert "port: on another host" in snapshot_of(seen, looked(at(root))[1]).sections[1].lines


def test_the_log_that_is_really_written_is_shown_whatever_stands_in_it(root: Path) -> None:
    with (at(root).log_dir / "runner_20260203.log").open("w") as log:
        log.write("x" * 400_000 + "\n" + "no line of a runner\n")
    snapshot = read(taken(root))
    assert "file: logs/paper_trading/runner_20260203.log" in snapshot.lines("runner log")
    assert snapshot.lines("runner log")[-1] == "no line of a runner"


def test_lines_that_are_too_long_to_be_kept_are_cut_and_missing_ones_are_told(root: Path) -> None:
    with (at(root).log_dir / f"runner_{DAY}.log").open("a") as log:
        for _ in range(3):
            log.write("y" * 2_000_000 + "\n")
    lines = read(taken(root)).lines("runner log")
    assert "remark: only its last 4 MiB were read" in lines
    assert max(map(len, lines)) <= 4001


def test_an_environment_that_cannot_be_read_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    def refused(_: psutil.Process) -> dict[str, str]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "environ", refused)
    known = known_secrets(at(root), [os.getpid()])
    assert known.troubles == (
        f"the environment of pid {os.getpid()} cannot be read: of what is in it only known shapes are found",
    )


def test_the_secrets_of_the_phases_processes_are_known(root: Path) -> None:
    secret = "Zk3vQ9xLw2pT7nB5mR8cY1dF4gH6jK0a"
    child = subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE, env={"API_SECRET": secret})
    try:
        known = known_secrets(at(root), [child.pid])
    finally:
        child.communicate(b"\n")
    assert secret in {each.reveal() for each in known.secrets}
