"""The copy on the disk: whole, for its owner alone, and never in the place of something else."""

import os
from pathlib import Path

import pytest

from genesis_ops.errors import Refused, UsageRefused, WriteFailed
from genesis_ops.keep import env_systemd
from genesis_ops.keep.env_systemd import is_there, require_place, write


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_bytes(b"A_1=1\n")
    return path


@pytest.mark.parametrize("former", [None, 0o600, 0o666])
def test_the_copy_is_for_its_owner_alone_whatever_was_there(source: Path, former: int | None) -> None:
    target = source.with_name(".env.systemd")
    if former is not None:
        target.write_bytes(b"old")
        target.chmod(former)
    write(target, b"new", source)
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)
    assert sorted(path.name for path in target.parent.iterdir()) == [".env", ".env.systemd"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a file away")
def test_the_copy_belongs_to_the_owner_of_the_file(source: Path) -> None:
    os.chown(source, 12345, 12346)
    target = source.with_name(".env.systemd")
    write(target, b"new", source)
    assert (target.stat().st_uid, target.stat().st_gid) == (12345, 12346)


def test_the_name_of_the_copy_is_on_the_disk_too(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[Path, bool]] = []
    target = source.with_name(".env.systemd")
    monkeypatch.setattr(env_systemd, "sync_directory", lambda path: synced.append((path, target.exists())))
    write(target, b"new", source)
    assert synced == [(source.parent, True)]


def test_a_copy_is_there_if_it_has_the_bytes_and_is_private(source: Path) -> None:
    target = source.with_name(".env.systemd")
    assert not is_there(target, b"new")
    write(target, b"new", source)
    assert is_there(target, b"new")
    assert not is_there(target, b"newer")
    assert not is_there(target, b"ne")
    target.chmod(0o644)
    assert not is_there(target, b"new")


def test_a_write_that_fails_is_told_and_leaves_the_former_copy(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = source.with_name(".env.systemd")
    write(target, b"old", source)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(WriteFailed, match="No space left"):
        write(target, b"new", source)
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in target.parent.iterdir()) == [".env", ".env.systemd"]


def test_a_directory_that_is_not_there_is_a_failed_write(source: Path) -> None:
    with pytest.raises(WriteFailed):
        write(source.parent / "nowhere" / "copy", b"new", source)


def test_the_file_that_is_read_is_never_written(source: Path) -> None:
    link = source.with_name("link")
    link.symlink_to(source)
    for target in (source, link):
        with pytest.raises(UsageRefused):
            require_place(target, source)


@pytest.mark.parametrize("kind", ["directory", "fifo", "link", "device"])
def test_what_is_no_plain_file_is_never_replaced(source: Path, kind: str) -> None:
    target = source.with_name("target")
    if kind == "directory":
        target.mkdir()
    elif kind == "fifo":
        os.mkfifo(target)
    elif kind == "link":
        target.symlink_to("elsewhere")
    else:
        target = Path("/dev/null")
    with pytest.raises(Refused):
        require_place(target, source)
