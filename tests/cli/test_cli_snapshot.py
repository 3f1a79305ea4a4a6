"""genesis-ops snapshot: what it prints, what it leaves, and what it says of files that are not as they were."""

import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest
from cli_process import process

from genesis_ops.rehearsal.day import rehearse

FORMATS = ("text", "json", "junit", "nagios", "prometheus", "markdown")
FAIL, USAGE, UNKNOWN, WRITE = 1, 2, 3, 70


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("snapshot") / "root"
    rehearse(root, hours=3, seed=7, faults=(), watch=lambda _: None)
    return root


@pytest.fixture
def root(rehearsed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rehearsed, tmp_path / "root"))


def kept(root: Path, ending: str = "txt") -> list[Path]:
    return sorted((root / "logs" / "paper_trading" / "snapshots").glob(f"*.{ending}"))


def test_a_snapshot_is_told_as_the_runbook_shows_it(root: Path) -> None:
    done = process("--root", str(root), "snapshot")
    assert (done.returncode, done.stderr) == (0, "")
    file = kept(root)[0]
    where = rf"File: {file.relative_to(root)}\nSize: [\d.]+K\nTime: [\d-]+ [\d:]+ UTC\n"
    assert re.fullmatch(rf"Phase 3 snapshot captured successfully\.\n\n{where}", done.stdout)


def test_a_quiet_snapshot_prints_nothing(root: Path) -> None:
    done = process("--root", str(root), "snapshot", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(kept(root)) == 1


def test_a_bundle_is_told_with_its_sum_and_how_to_check_it(root: Path) -> None:
    done = process("--root", str(root), "snapshot", "--bundle")
    file = kept(root, "tar.gz")[0]
    assert done.returncode == 0
    assert re.search(r"Manifest: SHA-256 [0-9a-f]{64}\n", done.stdout)
    assert f"genesis-ops snapshot verify {file.relative_to(root)}" in done.stdout
    assert process("snapshot", "verify", str(file)).returncode == 0


def test_acceptance_and_stop_check_judge_a_bundle(root: Path, tmp_path: Path) -> None:
    process("--root", str(root), "snapshot", "--bundle", "--quiet")
    elsewhere = tmp_path / "laptop"
    elsewhere.mkdir()
    bundle = shutil.copy(kept(root, "tar.gz")[0], elsewhere)
    for words in (("stop-check",), ("acceptance", "--window", "2h")):
        until = ("--until", "last", "--format", "json")
        here = json.loads(process("--root", str(root), *words, *until).stdout)
        there = json.loads(process("--root", str(elsewhere), *words, "--from", str(bundle), *until).stdout)
        assert here | {"generated_at": ""} == there | {"generated_at": ""}


@pytest.mark.parametrize("wanted", FORMATS)
def test_what_was_cut_fails_in_every_format(root: Path, wanted: str) -> None:
    process("--root", str(root), "snapshot", "--quiet")
    file = kept(root)[0]
    file.write_bytes(file.read_bytes()[:-100])
    done = process("snapshot", "verify", str(file), "--format", wanted)
    assert done.returncode == (2 if wanted == "nagios" else FAIL)
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_two_snapshots_are_held_against_each_other(root: Path) -> None:
    process("--root", str(root), "snapshot", "--quiet")
    (root / ".env").write_text("BITFINEX_API_KEY=a\n")
    process("--root", str(root), "snapshot", "--bundle", "--quiet")
    files = (str(kept(root)[0]), str(kept(root, "tar.gz")[0]))
    text = process("snapshot", "diff", *files)
    assert text.returncode == 0
    assert "env-file" in text.stdout
    assert max(map(len, text.stdout.splitlines())) <= 80
    document = json.loads(process("snapshot", "diff", *files, "--format", "json").stdout)
    assert document["schema"] == "genesis-ops.snapshot-diff/1"
    assert {"section", "name", "before", "after"} == document["differences"][0].keys()
    assert "env-file" in {each["name"] for each in document["differences"]}
    assert "no differences" in process("snapshot", "diff", files[0], files[0]).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "nowhere.txt"), "there is no file nowhere.txt"),
        (("diff", "nowhere.txt", "nowhere.txt"), "nowhere.txt is no snapshot that can be read"),
        (("verify",), "Missing argument"),
        (("--bundl",), "No such option"),
    ],
)
def test_what_cannot_be_meant_is_usage(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = process("snapshot", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_told(root: Path) -> None:
    (root / "logs" / "paper_trading" / "snapshots").write_text("in the way")
    for words in (("snapshot",), ("snapshot", "--bundle")):
        done = process("--root", str(root), *words)
        assert (done.returncode, done.stdout) == (WRITE, "")
        assert "could not be written" in done.stderr
        assert "next: " in done.stderr


def test_what_is_left_out_of_a_bundle_is_said(root: Path) -> None:
    (root / "logs" / "paper_trading" / "runner_20260203.log").symlink_to("nowhere")
    done = process("--root", str(root), "snapshot", "--bundle")
    assert done.returncode == 0
    assert "left out: logs/paper_trading/runner_20260203.log: No such file or directory" in done.stderr


def test_no_line_of_a_hostile_archive_reaches_the_terminal_raw(tmp_path: Path) -> None:
    import io

    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("top/\x1b[2Jname")
        archive.addfile(member, io.BytesIO())
        raw = json.dumps({"schema": "genesis-ops.bundle/1", "taken_at": "\x1b[31m", "files": []}).encode()
        manifest = tarfile.TarInfo("top/MANIFEST.json")
        manifest.size = len(raw)
        archive.addfile(manifest, io.BytesIO(raw))
    done = process("snapshot", "verify", str(path))
    assert done.returncode == FAIL
    assert "\x1b" not in done.stdout + done.stderr
