"""State and logs moved aside and back, byte for byte, wherever a hard stop comes in between."""

import errno
import json
import os
from pathlib import Path

import pytest

from genesis_ops.errors import AbortCondition, WriteFailed
from genesis_ops.host import archive as module
from genesis_ops.host.archive import archive, bytes_to_copy, restore
from genesis_ops.settings import Settings, load

NAME = "20260205_131002Z"
MOVED = (
    *("runner_20260204.log.gz", "runner_20260205.log", "runner_errors_20260205.log", "runner_evaluations_20260205.log"),
    "runner_state.json",
)
STAY = (
    *("runner_orders_20260205.log", "operations.jsonl", "runner.lock", "runner_service.log", "stop_latch.json"),
    *("acceptance_receipt_20260205.json", "server_20260205.log", "runner_2026020.log", "runner_20260205.log.bak"),
)


class Cut(BaseException):
    """A hard stop."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load({"root": tmp_path}, {}, None).settings
    made.log_dir.mkdir(parents=True)
    for name in (*MOVED, *STAY):
        (made.log_dir / name).write_text(f"what {name} holds\n")
    return made


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.log_dir / "_archive" / f"restart_{NAME}"


def files(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}


def test_state_and_logs_move_and_everything_else_stays(settings: Settings, folder: Path) -> None:
    before = files(settings.log_dir)
    made = archive(settings, folder, NAME, keep=False)
    assert tuple(kept.name for kept in made.files) == MOVED
    assert files(settings.log_dir).keys() == set(STAY)
    assert {name: files(folder)[name] for name in MOVED} == {name: before[name] for name in MOVED}


def test_kept_logs_are_copied_and_stay(settings: Settings, folder: Path) -> None:
    before = files(settings.log_dir)
    archive(settings, folder, NAME, keep=True)
    assert files(settings.log_dir) == before
    assert {name: files(folder)[name] for name in MOVED} == {name: before[name] for name in MOVED}


def test_restore_brings_back_every_byte_and_the_archive_stays(settings: Settings, folder: Path) -> None:
    before = files(settings.log_dir)
    archive(settings, folder, NAME, keep=False)
    assert restore(settings, folder) == MOVED
    assert files(settings.log_dir) == before
    assert set(MOVED) <= files(folder).keys()


def test_restore_twice_changes_nothing(settings: Settings, folder: Path) -> None:
    archive(settings, folder, NAME, keep=False)
    restore(settings, folder)
    before = files(settings.log_dir)
    assert restore(settings, folder) == ()
    assert files(settings.log_dir) == before


@pytest.mark.parametrize("keep", [False, True])
def test_what_was_written_meanwhile_is_kept_apart(settings: Settings, folder: Path, keep: bool) -> None:
    before = files(settings.log_dir)
    archive(settings, folder, NAME, keep=keep)
    for name in ("runner_state.json", "runner_20260206.log"):
        (settings.log_dir / name).write_text("new\n")
    restore(settings, folder)
    assert files(settings.log_dir) == before
    assert files(folder / "failed") == {"runner_state.json": b"new\n", "runner_20260206.log": b"new\n"}


def test_without_an_archive_nothing_is_touched(settings: Settings, folder: Path) -> None:
    before = files(settings.log_dir)
    assert restore(settings, folder) == ()
    assert files(settings.log_dir) == before


def test_an_archive_that_was_changed_is_not_copied_back(settings: Settings, folder: Path) -> None:
    archive(settings, folder, NAME, keep=False)
    (folder / "runner_state.json").write_text("{}")
    with pytest.raises(AbortCondition, match="not as they were archived: runner_state"):
        restore(settings, folder)
    assert files(settings.log_dir).keys() == set(STAY)


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/runner_20260204.log.gz", "../runner_20260204.log.gz"])
def test_a_manifest_that_leads_elsewhere_is_refused(settings: Settings, folder: Path, path: str) -> None:
    archive(settings, folder, NAME, keep=False)
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["files"][0]["path"] = path
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    with pytest.raises(AbortCondition, match="names files elsewhere"):
        restore(settings, folder)


def test_links_are_never_followed(settings: Settings, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("somebody else's\n")
    (settings.log_dir / "runner_20260206.log").symlink_to(other)
    made = archive(settings, folder, NAME, keep=False)
    assert made.left == ("runner_20260206.log",)
    assert (settings.log_dir / "runner_20260206.log").is_symlink()
    assert other.read_text() == "somebody else's\n"


@pytest.mark.parametrize(("across", "again"), [(False, False), (True, True)], ids=["moved", "copied, then finished"])
def test_a_hard_stop_anywhere_loses_nothing(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, across: bool, again: bool
) -> None:
    before = files(settings.log_dir)
    for stop in range(1, 1000):
        with monkeypatch.context() as patched:
            cut_at(stop, patched, across=across)
            try:
                archive(settings, folder, NAME, keep=False)
                whole = True
            except Cut:
                whole = False
        if again:
            archive(settings, folder, NAME, keep=False)
            assert not set(MOVED) & files(settings.log_dir).keys(), f"stopped at call {stop}"
        restore(settings, folder)
        assert files(settings.log_dir) == before, f"stopped at call {stop}"
        for path in folder.iterdir():
            path.unlink()
        if whole:
            break
    assert stop > len(MOVED)


def cut_at(stop: int, patched: pytest.MonkeyPatch, *, across: bool) -> None:
    """Let the so manieth call that changes something be the last; ``across``: nothing can be renamed between places."""
    calls = 0
    rename, unlink, write = Path.rename, Path.unlink, module.write_all

    def counted() -> None:
        nonlocal calls
        calls += 1
        if calls >= stop:
            raise Cut

    def renamed(path: Path, target: Path) -> Path:
        counted()
        if across and not path.name.startswith("."):
            raise OSError(errno.EXDEV, "another file system")
        return rename(path, target)

    def unlinked(path: Path, **options: bool) -> None:
        counted()
        unlink(path, **options)

    def written(descriptor: int, raw: bytes) -> None:
        os.write(descriptor, raw[:3])
        counted()
        write(descriptor, raw[3:])

    patched.setattr(Path, "rename", renamed)
    patched.setattr(Path, "unlink", unlinked)
    patched.setattr(module, "write_all", written)


def test_the_way_back_from_what_was_moved_needs_room_too(settings: Settings) -> None:
    total = sum(len(files(settings.log_dir)[name]) for name in MOVED)
    assert (bytes_to_copy(settings, keep=False), bytes_to_copy(settings, keep=True)) == (total, 2 * total)


def test_half_a_copy_is_not_left_behind(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive(settings, folder, NAME, keep=False)
    monkeypatch.setattr(module, "write_all", full)
    with pytest.raises(WriteFailed):
        restore(settings, folder)
    assert files(settings.log_dir).keys() == set(STAY)
