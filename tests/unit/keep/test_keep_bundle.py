import base64
import gzip
import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from keep_root import DAY, ENCODED, SECRET, at, judged, looked, plant

from genesis_ops.clients.host_clock import HostClock
from genesis_ops.collect.judgement import Asked, day_zero_ms, judge_acceptance, judge_stop, newest_line_ms
from genesis_ops.collect.where import source
from genesis_ops.errors import Refused, UsageRefused, WriteFailed
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.keep import staging
from genesis_ops.keep.bundle import MANIFEST, Bundle, make_bundle
from genesis_ops.keep.verify import snapshot_in, verify
from genesis_ops.settings import load
from genesis_ops.state.snapshots import directory
from genesis_ops.words import DAY_MS

NOW = 1_770_300_000_000


def bundled(root: Path) -> Bundle:
    seen, known = looked(at(root))
    return make_bundle(seen, known, HostClock())


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {
            member.name.partition("/")[2]: content.read()
            for member in archive
            if (content := archive.extractfile(member)) is not None
        }


def packed(raw: bytes) -> bytes:
    return gzip.compress(raw, 1)


def pack_log(root: Path) -> None:
    log = at(root).log_dir / f"runner_{DAY}.log"
    log.with_suffix(".log.gz").write_bytes(packed(log.read_bytes()))
    log.unlink()


def break_packed_log(root: Path) -> None:
    pack_log(root)
    log = at(root).log_dir / f"runner_{DAY}.log.gz"
    log.write_bytes(log.read_bytes()[:-2000])


def break_state(root: Path) -> None:
    state = at(root).state_file
    state.with_name("runner_state_corrupt_20260204_200000.json").write_bytes(b"\0\0")
    state.write_bytes(b"\0\0\0")


def remove_state(root: Path) -> None:
    at(root).state_file.unlink()


def damage_log(root: Path) -> None:
    log = at(root).log_dir / f"runner_{DAY}.log"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join((*lines[:500], b"\xff\0\x1b torn", b"x" * 70_000, b"\r\n", *lines[500:]))[:-5])


def resume(root: Path) -> None:
    entry = {"at": "2026-02-04T19:00:00.000Z", "action": "resume", "by": "anna", "reasons": ["looked"]}
    (at(root).log_dir / "operations.jsonl").write_text(f"{json.dumps(entry)}\n")


def doubt_an_order(root: Path) -> None:
    journal = Journal(at(root).log_dir, lambda: NOW - DAY_MS)
    about = {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.01, "price": 71000.5, "config_hash": "b"}
    wish = {"market": "tBTCUSD 1h", "symbol": "tTESTBTC:TESTUSD", "champion_sha256": "a", "config_hash": "b"}
    with journal.held("test"):
        journal.append(Kind.STARTED, **wish, override="", gate="")
        journal.append(Kind.DECIDED, id="20260204-1400", candle_ts=1_770_213_600_000, **about)
        journal.append(Kind.ARMED, id="20260204-1400", before={"TESTUSD": 10.0})
        journal.append(Kind.UNKNOWN, id="20260204-1400", reason="HTTP 500")


def break_journal(root: Path) -> None:
    doubt_an_order(root)
    journal = next(at(root).log_dir.glob("runner_orders_*"))
    journal.write_bytes(journal.read_bytes().replace(b"LONG", b"SHORT"))


def hide_log(root: Path) -> None:
    log = at(root).log_dir / "runner_20260203.log"
    log.symlink_to("nowhere")


def folder_for_log(root: Path) -> None:
    (at(root).log_dir / "runner_20260203.log").mkdir()


def nothing(root: Path) -> None:
    """Leave the root as it is."""


@pytest.mark.parametrize(
    "change",
    [
        *(nothing, pack_log, break_packed_log, break_state, remove_state, damage_log, resume),
        *(doubt_an_order, break_journal, hide_log, folder_for_log),
    ],
)
def test_a_bundle_is_judged_as_the_host_was(root: Path, change: Callable[[Path], None]) -> None:
    change(root)
    made, settings = bundled(root), at(root)
    end_ms = newest_line_ms(settings.log_dir) or NOW
    reports = []
    for copied in (None, made.path):
        with source(settings, copied) as where:
            stop = judge_stop(settings, where, Asked(day_zero_ms(settings), NOW, NOW)).report
            day = judge_acceptance(settings, where, Asked(end_ms - DAY_MS, end_ms, NOW), HostClock()).report
        reports.append((judged(stop), judged(day)))
    if change in {hide_log, folder_for_log}:  # why it cannot be read is said in other words
        assert [[each.outcome for each in report[0]] for report in reports[0]] == [
            [each.outcome for each in report[0]] for report in reports[1]
        ]
        return
    assert reports[0] == reports[1]


def test_the_manifest_has_a_sum_for_each_file_and_the_archive_nothing_else(root: Path) -> None:
    made = bundled(root)
    found = members(made.path)
    manifest = json.loads(found.pop(MANIFEST))
    assert {entry["path"] for entry in manifest["files"]} == found.keys()
    assert made.files == len(found)
    assert {"snapshot.txt", "STEPS.md", f"logs/runner_{DAY}.log", "logs/runner_state.json"} <= found.keys()
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in directory(at(root).log_dir).iterdir()] == [made.path.name]


def test_only_what_is_named_is_taken(root: Path) -> None:
    plant(at(root))
    for name in ("notes.txt", "runner_service.log", "id_rsa", "runner_state.json.bak"):
        (at(root).log_dir / name).write_text("not evidence")
    names = members(bundled(root).path).keys()
    assert not [name for name in names if re.search(r"notes|service|id_rsa|bak|\.env", name)]


def test_each_finding_comes_with_the_lines_around_it(root: Path) -> None:
    found = members(bundled(root).path)
    excerpt = found["findings/stop-check-candle-gap.txt"].decode()
    marked = [line for line in excerpt.splitlines() if re.match(r" *\d+> ", line)]
    assert marked
    lines = found[f"logs/runner_{DAY}.log"].decode().splitlines()
    for line in marked:
        number, _, text = line.partition("> ")
        assert lines[int(number) - 1] == text


def test_the_steps_name_what_is_wrong_and_the_commands_that_show_it(root: Path) -> None:
    made = bundled(root)
    page = members(made.path)["STEPS.md"].decode()
    assert "candle-gap FAIL" in page
    assert f"stop-check --from {made.path.name} --since 2026-02-04 --until" in page
    assert "a run began: dry-run, tBTCUSD 1h" in page


def test_no_secret_is_in_a_bundle_in_any_spelling_and_it_says_how_many_were(root: Path) -> None:
    plant(at(root))
    made = bundled(root)
    for name, raw in members(made.path).items():
        assert not [form for form in ENCODED if form in raw], name
    assert made.redacted >= 3 * 3 + 1


def test_a_spelling_that_nobody_expects_takes_its_line_along(root: Path) -> None:
    plant(at(root))
    odd = base64.b64encode(ENCODED[0]).hex()
    with (at(root).log_dir / f"runner_{DAY}.log").open("a") as log:
        log.write(f"2026-02-04 20:03:22 - paper_trading_runner - ERROR - HTTP error: {odd}\n")
    lines = members(bundled(root).path)[f"logs/runner_{DAY}.log"].decode().splitlines()
    assert odd not in lines[-1]
    assert len(lines) == len((at(root).log_dir / f"runner_{DAY}.log").read_text().splitlines())


def test_no_secret_is_in_a_bundle_in_pieces(root: Path) -> None:
    passphrase, key = "correct-Horse batt3ry staple zebra 9001", SECRET * 3
    (root / ".env").write_text(f'DB_PASSWORD="{passphrase}"\nA_SECRET={key}\n')
    with (at(root).log_dir / f"runner_{DAY}.log").open("a") as log:
        for secret in (passphrase, key, "x" * 3950 + key):
            log.write(f"2026-02-04 20:03:22 - paper_trading_runner - ERROR - FATAL: {secret} refused\n")
    found = members(bundled(root).path)
    pieces = [piece.encode() for piece in ("correct-Horse", "staple zebra 9001", key[:20], key[20:40], key[-20:])]
    for name, raw in found.items():
        assert not [piece for piece in pieces if piece in raw], name
    assert b"FATAL: [redacted] refused" in b" ".join(found["reports/preflight.txt"].split())


def test_a_secret_in_a_name_or_in_what_a_program_says_is_told_without_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant(at(root))
    at(root).state_file.with_name(f"runner_state_corrupt_{SECRET}.json").write_text("{}")
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 'token {SECRET} refused' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    made = bundled(root)
    raw = b"".join(members(made.path).values()) + str(made).encode()
    assert SECRET.encode() not in raw
    assert {left.why for left in made.left_out} >= {"its name holds a secret"}


def test_a_state_of_another_name_is_judged_too(root: Path) -> None:
    state = at(root).state_file
    state.rename(state.with_name("my_state.json"))
    settings = load(
        {"root": root, "api_url": "http://127.0.0.1:9", "exchange_url": "http://127.0.0.1:9",
         "state_file": "logs/paper_trading/my_state.json"}, {}, None
    ).settings  # fmt: skip
    seen, known = looked(settings)
    made = make_bundle(seen, known, HostClock())
    for asked in (settings, at(root)):
        with source(asked, made.path) as where:
            report = judge_stop(asked, where, Asked(day_zero_ms(asked), NOW, NOW)).report
        assert str(report.checks[4].outcome) == "PASS"


def test_a_state_stays_a_document_without_its_secrets(root: Path) -> None:
    plant(at(root))
    state = json.loads(at(root).state_file.read_text())
    at(root).state_file.write_text(json.dumps(state | {"password": 123456789012, "api_key": "hunter2hunter2"}))
    document = json.loads(members(bundled(root).path)["logs/runner_state.json"])
    assert document["last_processed_candle_ts"] == state["last_processed_candle_ts"]
    assert "hunter2" not in str(document)


def test_a_secret_in_a_packed_log_is_not_in_a_bundle(root: Path) -> None:
    plant(at(root))
    pack_log(root)
    raw = gzip.decompress(members(bundled(root).path)[f"logs/runner_{DAY}.log.gz"])
    assert not [form for form in ENCODED if form in raw]


@pytest.mark.parametrize(("change", "where"), [(nothing, r"operations\.jsonl"), (pack_log, r"\.log\.gz")])
def test_a_secret_that_is_left_in_the_finished_archive_keeps_it_from_being_written(
    root: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], where: str
) -> None:
    plant(at(root))
    change(root)
    if change is pack_log:  # so that nothing else can be what is found
        (at(root).log_dir / "operations.jsonl").unlink()
        (at(root).log_dir / f"runner_errors_{DAY}.log").unlink()
    seen, known = looked(at(root))
    copied = staging._copied
    monkeypatch.setattr(staging, "_copied", lambda file, target, size, _: copied(file, target, size, _Nothing()))
    with pytest.raises(Refused, match=where):
        make_bundle(seen, known, HostClock())
    assert [*directory(at(root).log_dir).iterdir()] == []


class _Nothing:
    places = 0

    def clean(self, raw: bytes) -> bytes:
        return raw


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_it_in_the_middle_leaves_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("genesis_ops.keep.bundle._require_clean", fail)
    with pytest.raises((WriteFailed, KeyboardInterrupt)):
        bundled(root)
    assert [*directory(at(root).log_dir).iterdir()] == []


def test_what_a_killed_attempt_left_is_removed_a_day_later(root: Path) -> None:
    import os

    folder = directory(at(root).log_dir)
    for name, age in (("old", 90_000), ("young", 10)):
        (folder / f".bundle_{name}" / "files").mkdir(parents=True)
        os.utime(folder / f".bundle_{name}", (HostClock().now_ms() / 1000 - age,) * 2)
    bundled(root)
    assert {entry.name for entry in folder.iterdir() if entry.is_dir()} == {".bundle_young"}


def test_what_cannot_be_read_is_named_and_the_rest_is_kept(root: Path) -> None:
    log = at(root).log_dir / "runner_20260203.log"
    log.symlink_to("nowhere")
    made = bundled(root)
    left = {each.path: each.why for each in made.left_out}
    assert left["logs/paper_trading/runner_20260203.log"] == "No such file or directory"
    assert f"logs/runner_{DAY}.log" in members(made.path)


def test_an_empty_root_has_a_bundle_too(tmp_path: Path) -> None:
    made = bundled(tmp_path)
    assert "snapshot.txt" in members(made.path)
    assert verify(made.path, made.path.name, NOW).exit_code == 0


# --- verify


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    found = members(path)
    change(found)
    target = path.with_name(f"changed_{path.name}")
    with tarfile.open(target, "w:gz") as archive:
        for name, raw in found.items():
            member = tarfile.TarInfo(f"top/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return target


def outcomes(path: Path) -> list[str]:
    return [str(judged.outcome) for judged in verify(path, path.name, NOW).checks]


def test_a_bundle_is_as_it_was_written(root: Path) -> None:
    made = bundled(root)
    report = verify(made.path, made.path.name, NOW)
    assert outcomes(made.path) == ["PASS", "PASS", "PASS"]
    assert made.sha256 in report.checks[0].detail


def test_what_was_done_to_a_bundle_shows(root: Path) -> None:
    path = bundled(root).path

    def change_log(found: dict[str, bytes]) -> None:
        found[f"logs/runner_{DAY}.log"] += b"\n"

    def remove_state(found: dict[str, bytes]) -> None:
        del found["logs/runner_state.json"]

    def add_file(found: dict[str, bytes]) -> None:
        found["logs/runner_20260205.log"] = b"made up\n"

    def remove_manifest(found: dict[str, bytes]) -> None:
        del found[MANIFEST]

    def break_manifest(found: dict[str, bytes]) -> None:
        found[MANIFEST] = b'{"schema": "genesis-ops.bundle/1", "files": [3]}'

    assert outcomes(rewritten(path, change_log)) == ["PASS", "FAIL", "PASS"]
    assert outcomes(rewritten(path, remove_state)) == ["PASS", "FAIL", "PASS"]
    assert outcomes(rewritten(path, add_file)) == ["PASS", "PASS", "FAIL"]
    assert outcomes(rewritten(path, remove_manifest)) == ["FAIL", "UNKNOWN", "UNKNOWN"]
    assert outcomes(rewritten(path, break_manifest)) == ["FAIL", "UNKNOWN", "UNKNOWN"]


def test_a_link_or_a_second_file_of_one_name_in_a_bundle_shows(root: Path) -> None:
    path = bundled(root).path
    target = path.with_name("linked.tar.gz")
    with tarfile.open(target, "w:gz") as archive:
        for name, raw in (*members(path).items(), ("snapshot.txt", b"another")):
            member = tarfile.TarInfo(f"top/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
        link = tarfile.TarInfo("top/passwd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    report = verify(target, target.name, NOW)
    assert [str(judged.outcome) for judged in report.checks] == ["PASS", "PASS", "FAIL"]
    assert report.checks[2].observed == 2


@pytest.mark.parametrize("kept", [1, 30, 3000])
def test_a_bundle_that_was_cut_is_not_proof(root: Path, kept: int) -> None:
    path = bundled(root).path
    cut = path.with_name("cut.tar.gz")
    cut.write_bytes(path.read_bytes()[:kept])
    assert verify(cut, cut.name, NOW).exit_code != 0


def test_what_is_no_snapshot_at_all_is_told(root: Path, tmp_path: Path) -> None:
    import os

    (tmp_path / "text.txt").write_text("hello")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    assert outcomes(tmp_path / "text.txt") == ["FAIL", "UNKNOWN", "SKIP"]
    assert outcomes(tmp_path / "pipe") == ["UNKNOWN", "UNKNOWN", "UNKNOWN"]
    assert outcomes(tmp_path / "folder") == ["UNKNOWN", "UNKNOWN", "UNKNOWN"]
    with pytest.raises(UsageRefused, match="no file"):
        verify(tmp_path / "nowhere", "nowhere", NOW)
    with pytest.raises(UsageRefused, match="no snapshot that can be read"):
        snapshot_in(tmp_path / "text.txt", "text.txt")
    assert snapshot_in(bundled(root).path, "").lines("state")


def test_log_and_state_of_a_bundle_are_of_one_moment(root: Path) -> None:
    whole = at(root).state_file.read_text()
    behind = json.loads(whole)
    at(root).state_file.write_text(json.dumps(behind | {"last_processed_candle_ts": 1_770_206_400_000}))

    class Catching(HostClock):
        def wait(self, _: float) -> None:
            at(root).state_file.write_text(whole)

    seen, known = looked(at(root))
    made = make_bundle(seen, known, Catching())
    assert json.loads(members(made.path)["logs/runner_state.json"]) == behind


def test_the_journal_is_copied_after_all_else_because_a_live_runner_writes_into_it_first(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubt_an_order(root)
    names: list[str] = []
    real = staging.Staging._copy

    def copy(self: staging.Staging, source: Path, name: str = "") -> None:
        names.append(source.name)
        real(self, source, name)

    monkeypatch.setattr(staging.Staging, "_copy", copy)
    bundled(root)
    assert names[-1].startswith("runner_orders_")
    assert f"runner_{DAY}.log" in names[:-1]
