"""The record of a drill: read as it was written, and worth a word in a receipt only while it is about this version."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from genesis_ops.errors import WriteFailed
from genesis_ops.state.drill import NOT_DRILLED, DrillRecord, drill_file, read_drill, this_host, told_drill, write_drill
from genesis_ops.state.receipt import Receipt, newest_receipt, write_receipt

AT_MS = 1_770_297_002_123  # 2026-02-05 13:10:02.123 UTC
RECORD = DrillRecord("0.2.0", AT_MS, 49, 49, this_host())
LATER_MS = AT_MS + 3_600_000
RECEIPT = Receipt(
    AT_MS - 86_400_000, AT_MS, 86_400, "PASS", "c.json", "a" * 64, None, "0" * 64, {"no-fatal": "PASS"}, "0.2.0",
    "tBTCUSD 1h", AT_MS,
)  # fmt: skip


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert write_drill(tmp_path, RECORD) == drill_file(tmp_path)
    assert read_drill(tmp_path) == RECORD


def test_a_later_drill_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    write_drill(tmp_path, RECORD)
    write_drill(tmp_path, RECORD._replace(proven=48))
    assert [path.name for path in tmp_path.iterdir()] == ["drill.json"]
    assert told_drill(tmp_path, "0.2.0", LATER_MS).startswith(NOT_DRILLED)


def test_a_complete_drill_of_this_version_is_told_with_its_day_and_its_alarms(tmp_path: Path) -> None:
    write_drill(tmp_path, RECORD)
    assert told_drill(tmp_path, "0.2.0", LATER_MS) == "drilled with version 0.2.0 on 2026-02-05, all 49 alarms"


NONE = [
    (RECORD._replace(version="0.1.9"), "not drilled: the newest drill was of version 0.1.9, on 2026-02-05"),
    (RECORD._replace(proven=48), "not drilled: the newest drill proved 48 of 49 alarms, on 2026-02-05"),
    (RECORD._replace(proven=0), "not drilled: the newest drill proved 0 of 49 alarms, on 2026-02-05"),
    (RECORD._replace(host="a\x1bb"), r"not drilled: the newest drill was on another host, a\x1bb, on 2026-02-05"),
    (RECORD._replace(at_ms=LATER_MS + 600_001), "not drilled: the newest drill lies in the future, on 2026-02-05"),
]


@pytest.mark.parametrize(("record", "told"), NONE)
def test_a_drill_of_elsewhere_of_tomorrow_of_another_version_or_of_fewer_alarms_is_none_and_that_is_said(
    tmp_path: Path, record: DrillRecord, told: str
) -> None:
    write_drill(tmp_path, record)
    assert told_drill(tmp_path, "0.2.0", LATER_MS) == told


def test_a_clock_that_was_set_back_a_little_costs_no_drill(tmp_path: Path) -> None:
    write_drill(tmp_path, RECORD)
    assert told_drill(tmp_path, "0.2.0", AT_MS - 600_000).startswith("drilled with")


DAMAGES: list[dict[str, Any]] = [
    {"schema": "genesis-ops.drill/2"}, {"version": 2}, {"at": "2026-02-05"}, {"at": 5}, {"alarms": True},
    {"proven": "49"}, {"more": 1},
    {"proven": 50}, {"alarms": -49, "proven": -49}, {"alarms": 0, "proven": 0}, {"alarms": 10**9, "proven": 10**9},
    {"host": ""}, {"host": None}, {"host": "h" * 256},
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_record_that_is_not_one_counts_as_none(tmp_path: Path, damage: dict[str, Any]) -> None:
    path = write_drill(tmp_path, RECORD)
    path.write_text(json.dumps(json.loads(path.read_text("ascii")) | damage), "ascii")
    assert read_drill(tmp_path) is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_record_count_as_none(tmp_path: Path, raw: bytes) -> None:
    drill_file(tmp_path).write_bytes(raw)
    assert told_drill(tmp_path, "0.2.0", LATER_MS) == NOT_DRILLED


def test_where_nobody_drilled_nothing_is_told(tmp_path: Path) -> None:
    assert read_drill(tmp_path / "no such directory") is None
    assert told_drill(tmp_path, "0.2.0", LATER_MS) == NOT_DRILLED


def test_a_full_disk_leaves_the_record_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_drill(tmp_path, RECORD)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteFailed):
        write_drill(tmp_path, RECORD._replace(alarms=1))
    assert read_drill(tmp_path) == RECORD


@pytest.mark.parametrize("drilled", ["drilled with version 0.2.0, all 49 alarms", NOT_DRILLED])
def test_a_receipt_keeps_what_it_says_of_the_drill(tmp_path: Path, drilled: str) -> None:
    write_receipt(tmp_path, RECEIPT._replace(drilled=drilled))
    found = newest_receipt(tmp_path)
    assert found is not None
    assert found.drilled == drilled


def test_a_receipt_of_a_version_that_knew_no_drill_is_read(tmp_path: Path) -> None:
    path = write_receipt(tmp_path, RECEIPT)
    assert "drilled" not in json.loads(path.read_text("ascii"))
    assert newest_receipt(tmp_path) == RECEIPT
