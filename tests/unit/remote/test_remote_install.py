"""What is installed on another host, and how it takes the place of what was there."""

import csv
import io
import os
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import genesis_ops
from genesis_ops import __version__
from genesis_ops.errors import Refused
from genesis_ops.remote.install import install
from genesis_ops.remote.install_there import _lead, _made, _open, _tidy, main
from genesis_ops.remote.server import Server
from genesis_ops.remote.transport import Ssh
from genesis_ops.remote.wheel import file_name, wheel


def test_the_wheel_has_every_file_of_this_genesis_ops_and_knows_what_it_needs() -> None:
    raw = wheel()
    archive = zipfile.ZipFile(io.BytesIO(raw))
    names = set(archive.namelist())
    package = Path(genesis_ops.__file__).parent
    here = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    info = f"genesis_ops-{__version__}.dist-info"
    about = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    assert names == here | about
    metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
    assert (metadata["Name"], metadata["Version"]) == ("genesis-ops", __version__)
    assert any(need.startswith("typer") for need in metadata.get_all("Requires-Dist", []))
    rows = {row[0] for row in csv.reader(io.StringIO(archive.read(f"{info}/RECORD").decode()))}
    assert rows == names
    assert file_name() == f"genesis_ops-{__version__}-py3-none-any.whl"
    assert wheel() == raw


@pytest.mark.parametrize("program", ["/usr/local/bin/genesis", "/bin/genesis-ops", "/opt/genesis-ops/sbin/genesis-ops"])
def test_a_command_that_is_in_no_environment_is_no_place_to_install_to(program: str) -> None:
    with pytest.raises(Refused, match="remote_program"):
        install(Server(Ssh("server"), "/opt/g", "genesis", program), None)


def test_a_wheelhouse_without_wheels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has no wheels"):
        install(Server(Ssh("server"), "/opt/g", "genesis", "/opt/g/ops/bin/genesis-ops"), tmp_path)


def environment(place: Path, age: int) -> Path:
    place.mkdir()
    (place / "pyvenv.cfg").write_text("")
    os.utime(place, (1_000_000 - age, 1_000_000 - age))
    return place


def test_the_place_leads_to_what_is_new_at_once(tmp_path: Path) -> None:
    place, first, second = (tmp_path / name for name in ("ops", "ops-1", "ops-2"))
    first.mkdir()
    second.mkdir()
    assert _lead(place, first) is None
    assert place.resolve() == first
    assert _lead(place, second) == first
    assert place.resolve() == second
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ops", "ops-1", "ops-2"]


def test_a_directory_in_the_place_is_put_aside_and_kept(tmp_path: Path) -> None:
    place, new = tmp_path / "ops", tmp_path / "ops-1"
    place.mkdir()
    (place / "kept").write_text("")
    new.mkdir()
    former = _lead(place, new)
    assert former is not None
    assert (former / "kept").is_file()
    assert place.resolve() == new


def test_old_installations_go_but_for_the_last_ones_and_those_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, used, former, new = (
        environment(tmp_path / f"ops-{name}", age) for name, age in (("a", 40), ("b", 30), ("c", 20), ("d", 10))
    )
    (tmp_path / "ops-notes").mkdir()
    monkeypatch.setattr("genesis_ops.remote.install_there._commands", f"{used}/bin/python\0x".encode)
    assert _tidy(tmp_path / "ops", {new, former}) == [old]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ops-b", "ops-c", "ops-d", "ops-notes"]


def test_a_directory_in_which_others_could_put_another_program_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    assert any(f"below {shared}:" in told for told in _open(shared / "ops"))
    shared.chmod(0o1777)
    assert not any(f"below {shared}:" in told for told in _open(shared / "ops") if os.getuid() == 0)


def test_two_installations_in_the_same_second_have_a_directory_each(tmp_path: Path) -> None:
    made = {_made(tmp_path / "ops", "1.0") for _ in range(3)}
    assert len(made) == 3


def test_what_can_be_foreseen_is_said_in_a_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(str(tmp_path / "file/ops"), "1.0", "offline") == 1
    assert "file: " in capsys.readouterr().err

    class Stdin:
        buffer = io.BytesIO(b"no archive" * 100)

    monkeypatch.setattr("sys.stdin", Stdin)
    assert main(str(tmp_path / "ops"), "1.0", "offline") == 1
    assert "as it was" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_place_that_cannot_be_taken_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = tmp_path / "ops-1"
    new.mkdir()

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="space"):
        _lead(tmp_path / "ops", new)
    assert [path.name for path in tmp_path.iterdir()] == ["ops-1"]
