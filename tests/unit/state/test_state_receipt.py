"""The acceptance receipt: written once, for its owner's eyes, and believed only when it is whole."""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.errors import Refused, WriteFailed
from genesis_ops.state.receipt import Receipt, newest_receipt, write_receipt

END_MS = 1_770_297_002_123  # 2026-02-05 13:10:02.123 UTC
NAME = "acceptance_receipt_20260205_131002Z.json"
RECEIPT = Receipt(
    start_ms=END_MS - 86_400_000,
    end_ms=END_MS,
    covered_seconds=86_400,
    verdict="PASS",
    champion_file="config/strategy/champions/tBTCUSD_1h.json",
    champion_sha256="a" * 64,
    runtime_config_hash="cafe",
    evidence_sha256="0" * 64,
    checks={"candle-uniqueness": "PASS", "heartbeat": "SKIP"},
    version="0.2.0",
    market="tBTCUSD 1h",
    written_ms=END_MS,
)


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def document(tmp_path: Path) -> dict[str, Any]:
    found = json.loads(write_receipt(tmp_path, RECEIPT).read_text("ascii"))
    assert isinstance(found, dict)
    return found


def refusal(log_dir: Path) -> Refused:
    with pytest.raises(Refused) as caught:
        newest_receipt(log_dir)
    assert caught.value.next_command == "genesis-ops acceptance"
    assert caught.value.message.isprintable()
    return caught.value


def test_where_nothing_was_accepted_there_is_no_receipt(tmp_path: Path) -> None:
    (tmp_path / "acceptance_check_20260205_131002Z.txt").touch()
    assert newest_receipt(tmp_path) is newest_receipt(tmp_path / "no such directory") is None


@pytest.mark.parametrize("runtime", ["cafe", None])
def test_what_was_written_is_read(tmp_path: Path, runtime: str | None) -> None:
    receipt = RECEIPT._replace(runtime_config_hash=runtime)
    path = write_receipt(tmp_path, receipt)
    assert (path.name, names(tmp_path)) == (NAME, [NAME])
    assert newest_receipt(tmp_path) == receipt


def test_a_receipt_has_the_keys_that_scripts_rely_on(tmp_path: Path) -> None:
    found = document(tmp_path)
    assert found["schema"] == "genesis-ops.receipt/1"
    assert found["window"] == {
        "start": "2026-02-04T13:10:02.123Z",
        "end": "2026-02-05T13:10:02.123Z",
        "covered_seconds": 86_400,
    }
    assert found["champion"] == {"file": RECEIPT.champion_file, "sha256": "a" * 64}
    assert found["checks"] == RECEIPT.checks
    assert found["written_at"] == "2026-02-05T13:10:02.123Z"


def test_a_receipt_is_for_its_owner_only(tmp_path: Path) -> None:
    assert stat.S_IMODE(write_receipt(tmp_path, RECEIPT).stat().st_mode) == 0o600


def test_two_in_one_second_are_both_kept_and_the_later_is_the_newest(tmp_path: Path) -> None:
    first = write_receipt(tmp_path, RECEIPT)
    second = write_receipt(tmp_path, RECEIPT._replace(version="0.2.1"))
    assert first.name < second.name
    assert json.loads(first.read_text())["version"] == "0.2.0"
    newest = newest_receipt(tmp_path)
    assert newest is not None
    assert newest.version == "0.2.1"


def test_what_has_the_name_already_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to("nowhere")
    assert write_receipt(tmp_path, RECEIPT).name == "acceptance_receipt_20260205_131003Z.json"
    assert (tmp_path / NAME).is_symlink()


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_failing_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(WriteFailed, match="No space left"):
            write_receipt(tmp_path, RECEIPT)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "change", [{"champion_sha256": "x"}, {"verdict": "SKIP"}, {"checks": {}}, {"start_ms": END_MS}, {"market": ""}]
)
def test_a_receipt_that_could_not_be_read_again_is_not_written(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(WriteFailed, match="could not be read again"):
        write_receipt(tmp_path, RECEIPT._replace(**change))
    assert names(tmp_path) == []


DAMAGES: list[tuple[str, object, str]] = [
    ("schema", "genesis-ops.receipt/2", "schema is not"),
    ("window", [], "window is not an object"),
    ("window", {"start": "x"}, "window has not the keys"),
    ("verdict", "pass", "verdict is not one of"),
    ("verdict", ["PASS"], "verdict is not one of"),
    ("champion", {"file": "", "sha256": "a" * 64}, "champion.file"),
    ("champion", {"file": "x", "sha256": "A" * 64}, "champion.sha256"),
    ("runtime_config_hash", 7, "runtime_config_hash"),
    ("evidence_sha256", "a" * 63, "evidence_sha256"),
    ("checks", [], "checks is not an object"),
    ("checks", {"x": "FINE"}, "checks.x is not one of"),
    ("version", None, "version is not a text"),
    ("market", 1, "market is not a text"),
    ("written_at", 5, "written_at is not a time"),
    ("written_at", "2026-02-05T13:10:02", "written_at is not a time"),
    ("window", {"start": "2026-02-05T13:10:02Z", "end": "2026-02-05T13:10:02Z", "covered_seconds": 0}, "ends before"),
    ("window", {"start": "2026-02-04T13:10:02Z", "end": "2026-02-05T13:10:02Z", "covered_seconds": True}, "whole"),
    ("window", {"start": "2026-02-04T13:10:02Z", "end": "2026-02-05T13:10:02Z", "covered_seconds": -1}, "whole"),
]


@pytest.mark.parametrize(("key", "value", "words"), DAMAGES)
def test_a_damaged_value_is_named(tmp_path: Path, key: str, value: object, words: str) -> None:
    (tmp_path / NAME).write_text(json.dumps(document(tmp_path) | {key: value}))
    assert words in refusal(tmp_path).message


@pytest.mark.parametrize("key", ["schema", "window", "checks", "evidence_sha256", "written_at"])
def test_a_missing_or_an_added_key_is_damage(tmp_path: Path, key: str) -> None:
    whole = document(tmp_path)
    for damaged in ({k: v for k, v in whole.items() if k != key}, whole | {"more": 1}):
        (tmp_path / NAME).write_text(json.dumps(damaged))
        assert "has not the keys" in refusal(tmp_path).message


def test_an_older_receipt_does_not_stand_in_for_a_damaged_one(tmp_path: Path) -> None:
    write_receipt(tmp_path, RECEIPT)
    (tmp_path / "acceptance_receipt_20260206_131002Z.json").write_bytes(b"")
    assert "20260206" in refusal(tmp_path).message


def test_a_directory_of_that_name_is_a_damaged_receipt(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    assert "is a directory" in refusal(tmp_path).message


@given(raw=st.binary(max_size=300))
def test_no_bytes_are_believed(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    log_dir = tmp_path_factory.mktemp("any")
    (log_dir / NAME).write_bytes(raw)
    refusal(log_dir)
