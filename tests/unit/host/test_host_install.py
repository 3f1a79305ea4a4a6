"""A directory of units: what is seen in it, and how a file is replaced."""

import os
from pathlib import Path

import pytest
from host_systemctl import Systemctl

from genesis_ops.errors import Refused, WriteFailed
from genesis_ops.host.install import look, write
from genesis_ops.host.units import LIVE_PAPER, Place, text

VALUES = Place("/opt/g", "genesis", "/opt/p", 8000, ("/opt/g/logs",))
NAME = "genesis-runner.service"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    (tmp_path / "units").mkdir()
    return tmp_path / "units"


@pytest.fixture
def systemctl(tmp_path: Path, units: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    made = Systemctl(tmp_path, units)
    monkeypatch.setenv("PATH", made.path)
    return made


def test_what_is_written_is_seen_as_it_should_be(units: Path) -> None:
    (file,) = look(units, (NAME,), VALUES, live=False).files
    assert (file.found, file.same) == (None, False)
    write(file)
    (file,) = look(units, (NAME,), VALUES, live=False).files
    assert (file.same, file.own, file.by_hand) == (True, True, False)


def test_everybody_may_read_what_is_written_although_nobody_could_read_the_former(units: Path) -> None:
    (units / NAME).write_text("x")
    (units / NAME).chmod(0o600)
    write(look(units, (NAME,), VALUES, live=False).files[0])
    assert (units / NAME).stat().st_mode & 0o777 == 0o644
    assert [path.name for path in units.iterdir()] == [NAME]


def test_a_link_is_replaced_and_what_it_leads_to_stays(units: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(text(NAME, VALUES))
    (units / NAME).symlink_to(tmp_path / "elsewhere")
    (file,) = look(units, (NAME,), VALUES._replace(user="other"), live=False).files
    assert file.by_hand
    write(file)
    assert not (units / NAME).is_symlink()
    assert (tmp_path / "elsewhere").read_text() == text(NAME, VALUES)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("former", ["file", "link"])
def test_a_unit_is_given_to_nobody_who_had_the_former_or_has_the_directory(
    units: Path, tmp_path: Path, former: str
) -> None:
    theirs = tmp_path / "theirs" if former == "link" else units / NAME
    theirs.write_text("x")
    os.chown(theirs, 1000, 1000)
    os.chown(units, 1000, 1000)
    if former == "link":
        (units / NAME).symlink_to(theirs)
    write(look(units, (NAME,), VALUES, live=False).files[0])
    found = (units / NAME).lstat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, 0, 0o644)


def test_no_mode_is_set_by_a_name_that_could_have_become_a_link(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("pathlib.Path.chmod")
    monkeypatch.delattr("os.chmod")
    umask = os.umask(0o077)
    try:
        write(look(units, (NAME,), VALUES, live=False).files[0])
    finally:
        os.umask(umask)
    assert (units / NAME).stat().st_mode & 0o777 == 0o644


def test_a_masked_unit_is_told_from_an_empty_one(units: Path) -> None:
    (units / NAME).symlink_to("/dev/null")
    assert look(units, (NAME,), VALUES, live=False).files[0].masked


def test_a_file_that_is_none_has_a_fault(units: Path) -> None:
    (units / NAME).mkdir()
    assert look(units, (NAME,), VALUES, live=False).files[0].fault


def test_drop_ins_are_named(units: Path) -> None:
    write(look(units, (LIVE_PAPER,), VALUES, live=False).files[0])
    assert look(units, (NAME,), VALUES, live=False).files[0].drop_ins == ("live-paper.conf",)


def test_systemd_says_what_it_has_not_read_and_what_lies_elsewhere(units: Path, systemctl: Systemctl) -> None:
    systemctl.note(f"stale-{NAME}")
    systemctl.note(f"drop-in-{NAME}", "/run/systemd/system/x.d/other.conf")
    (file,) = look(units, (NAME,), VALUES, live=True).files
    assert (file.stale, file.drop_ins) == (True, ("other.conf",))


def test_a_template_is_no_unit_that_systemd_could_be_asked_about(units: Path, systemctl: Systemctl) -> None:
    look(units, ("genesis-runner@.service",), VALUES, live=True)
    assert not (systemctl.memory / "calls").exists()


def test_a_host_without_systemd_can_be_looked_at(units: Path, systemctl: Systemctl) -> None:
    systemctl.note("absent")
    found = look(units, (NAME,), VALUES, live=True)
    assert ("not been booted" in found.trouble, found.files[0].found) == (True, None)


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no directory"):
        look(tmp_path / "nowhere", (NAME,), VALUES, live=False)


def test_a_write_that_fails_is_told_and_leaves_the_former_file(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (units / NAME).write_text("former")
    (file,) = look(units, (NAME,), VALUES, live=False).files

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(WriteFailed):
        write(file)
    assert [(path.name, path.read_text()) for path in units.iterdir()] == [(NAME, "former")]
