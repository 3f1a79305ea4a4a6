"""The frozen champion: fingerprint, pin, and the refusal of another one."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genesis_ops
from genesis_ops.errors import Refused, WriteFailed
from genesis_ops.settings import Settings, load
from genesis_ops.state.champion import Pin, difference, fingerprint, pin, pin_file, read_pin, require_frozen

NOW_MS = 1_770_210_200_000
CHAMPION = b'{"merged_config": {"risk": 1}}\n'
SHA256 = hashlib.sha256(CHAMPION).hexdigest()
NAME = "config/strategy/champions/tBTCUSD_1h.json"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return world(tmp_path)


def world(root: Path, **flags: object) -> Settings:
    made = load({"root": root, **flags}, {}, None).settings
    made.champion_file.parent.mkdir(parents=True, exist_ok=True)
    made.champion_file.write_bytes(CHAMPION)
    made.log_dir.mkdir(parents=True, exist_ok=True)
    return made


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (CHAMPION, ""),
        (b"", "is not JSON"),
        (b'{"merged_config": ', "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "holds no JSON object"),
        (b"{}", "holds no merged_config"),
        (b'{"merged_config": null}', "holds no merged_config"),
        (b'{"merged_config": []}', "holds no merged_config"),
    ],
)
def test_a_champion_is_a_json_object_with_a_merged_config_and_has_the_hash_of_its_bytes(
    settings: Settings, raw: bytes, fault: str
) -> None:
    settings.champion_file.write_bytes(raw)
    found = fingerprint(settings.champion_file)
    assert found.sha256 == hashlib.sha256(raw).hexdigest()
    assert found.fault.startswith(fault)
    assert found.usable == (fault == "")


def test_the_first_run_pins_the_champion_and_the_next_one_finds_it(settings: Settings) -> None:
    require_frozen(settings, NOW_MS)
    assert json.loads(pin_file(settings.log_dir).read_bytes()) == {
        "schema": "genesis-ops.champion/1",
        "file": NAME,
        "sha256": SHA256,
        "pinned_at": "2026-02-04T13:03:20.000Z",
    }
    raw = pin_file(settings.log_dir).read_bytes()
    require_frozen(settings, NOW_MS + 1000)
    assert pin_file(settings.log_dir).read_bytes() == raw
    assert read_pin(settings.log_dir) == Pin(NAME, SHA256, NOW_MS)
    assert [path.name for path in settings.log_dir.iterdir()] == ["champion_frozen.json"]


def test_another_champion_than_the_pinned_one_is_refused_and_the_pin_stays(settings: Settings) -> None:
    require_frozen(settings, NOW_MS)
    settings.champion_file.write_bytes(CHAMPION + b" ")
    with pytest.raises(
        Refused, match=f"^the champion is frozen: {NAME} has sha256 .* {SHA256[:12]}….*pinned"
    ) as refusal:
        require_frozen(settings, NOW_MS + 1000)
    assert refusal.value.exit_code == 78
    assert refusal.value.next_command.startswith(f"git -C {settings.root} log ")
    assert read_pin(settings.log_dir) == Pin(NAME, SHA256, NOW_MS)


def test_the_setting_stands_above_the_pin(tmp_path: Path, settings: Settings) -> None:
    pin(settings.log_dir, Pin(NAME, "0" * 64, NOW_MS))
    require_frozen(world(tmp_path, champion_sha256=SHA256.upper()), NOW_MS)
    with pytest.raises(Refused, match="the setting champion_sha256 111111111111…"):
        require_frozen(world(tmp_path, champion_sha256="1" * 64), NOW_MS)
    assert difference(settings, fingerprint(settings.champion_file), None) == ""


def test_a_champion_that_the_setting_refuses_is_not_pinned(tmp_path: Path) -> None:
    settings = world(tmp_path, champion_sha256="1" * 64)
    with pytest.raises(Refused):
        require_frozen(settings, NOW_MS)
    assert read_pin(settings.log_dir) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"schema":"genesis-ops.champion/2","file":"c","sha256":"%s","pinned_at":"2026-02-04T13:03:20.000Z"}',
        b'{"schema":"genesis-ops.champion/1","file":7,"sha256":"%s","pinned_at":"2026-02-04T13:03:20.000Z"}',
        b'{"schema":"genesis-ops.champion/1","file":"c","sha256":"abc","pinned_at":"2026-02-04T13:03:20.000Z"}',
        b'{"schema":"genesis-ops.champion/1","file":"c","sha256":"%s","pinned_at":"2026-02-04T13:03:20"}',
        b'{"schema":"genesis-ops.champion/1","file":"c","sha256":"%s","pinned_at":"yesterdayZ"}',
        b'{"schema":"genesis-ops.champion/1","file":"c","sha256":"%s","pinned_at":7}',
    ],
)
def test_a_damaged_pin_is_no_permission(settings: Settings, raw: bytes) -> None:
    raw = raw.replace(b"%s", SHA256.encode())
    pin_file(settings.log_dir).write_bytes(raw)
    found = read_pin(settings.log_dir)
    assert found is not None
    assert "champion_frozen.json is not the pin of a champion" in found.damaged
    with pytest.raises(Refused, match=r"the champion is frozen: .*champion_frozen\.json is not the pin"):
        require_frozen(settings, NOW_MS)
    assert pin_file(settings.log_dir).read_bytes() == raw


@given(st.binary(max_size=200))
def test_any_bytes_are_a_pin_or_damaged_and_raise_nothing(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    directory = tmp_path_factory.getbasetemp()
    pin_file(directory).write_bytes(raw)
    found = read_pin(directory)
    assert found is not None
    assert found.damaged


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links and FIFOs")
def test_what_is_no_plain_file_is_a_damaged_pin(settings: Settings) -> None:
    path = pin_file(settings.log_dir)
    path.symlink_to("nowhere")
    assert "is a link to a file that does not exist" in (read_pin(settings.log_dir) or Pin("", "", 0)).damaged
    path.unlink()
    path.mkdir()
    assert "is a directory" in (read_pin(settings.log_dir) or Pin("", "", 0)).damaged
    path.rmdir()
    os.mkfifo(path)
    assert "is not a regular file" in (read_pin(settings.log_dir) or Pin("", "", 0)).damaged


def test_a_pin_that_appears_meanwhile_is_not_overwritten(settings: Settings) -> None:
    pin(settings.log_dir, Pin("first", "1" * 64, NOW_MS))
    pin(settings.log_dir, Pin("second", "2" * 64, NOW_MS))
    found = read_pin(settings.log_dir)
    assert found is not None
    assert found.file == "first"
    assert [path.name for path in settings.log_dir.iterdir()] == ["champion_frozen.json"]


def test_a_file_system_without_hard_links_is_pinned_on_too(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    pin(settings.log_dir, Pin("first", "1" * 64, NOW_MS))
    pin(settings.log_dir, Pin("second", "2" * 64, NOW_MS))
    assert read_pin(settings.log_dir) == Pin("first", "1" * 64, NOW_MS)
    assert [path.name for path in settings.log_dir.iterdir()] == ["champion_frozen.json"]


def test_a_pin_that_may_not_be_read_is_hidden_and_still_lets_no_run_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(settings.log_dir, Pin("first", "1" * 64, NOW_MS))
    real = os.open

    def forbidden(path: object, *more: Any) -> int:
        if str(path).endswith("champion_frozen.json"):
            raise PermissionError(13, "Permission denied")
        return real(path, *more)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(os, "open", forbidden)
    found = read_pin(settings.log_dir)
    assert found is not None
    assert found.hidden
    with pytest.raises(Refused, match=r"the champion is frozen: .* cannot be read"):
        require_frozen(settings, NOW_MS)


def test_a_pin_that_cannot_be_written_says_which(settings: Settings) -> None:
    with pytest.raises(WriteFailed, match=r"champion_frozen\.json could not be written"):
        pin(settings.log_dir / "absent", Pin("c", SHA256, NOW_MS))


def test_a_champion_that_vanished_since_the_gates_is_refused(settings: Settings) -> None:
    settings.champion_file.unlink()
    with pytest.raises(Refused, match="cannot be read: No such file"):
        require_frozen(settings, NOW_MS)


@pytest.mark.skipif(os.name == "nt", reason="processes are killed by a signal")
def test_a_process_killed_while_it_pins_leaves_no_half_pin(settings: Settings) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom genesis_ops.state import champion\n"
        "champion._publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "champion.pin(Path(sys.argv[1]), champion.Pin('c', '1' * 64, 0))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(genesis_ops.__file__).parents[1])}
    done = subprocess.run((sys.executable, "-c", code, settings.log_dir), env=environment, check=False)
    assert done.returncode == -9
    assert read_pin(settings.log_dir) is None
    require_frozen(settings, NOW_MS)
    assert read_pin(settings.log_dir) == Pin(NAME, SHA256, NOW_MS)
