"""The baseline and the kept verifications: written whole, never lost, and refused when they are damaged."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from genesis_ops import durable
from genesis_ops.errors import Refused, WriteFailed
from genesis_ops.state.baseline import (
    Baseline,
    baseline_file,
    former_baselines,
    read_baseline,
    record_baseline,
)
from genesis_ops.state.verification import keep_verification, last_verified

NOON = 1_770_206_400_000
"""2026-02-04 12:00:00 UTC."""
FIRST = Baseline(NOON + 123, "ops@host pid 1", {"TESTUSD": 1000.0, "TESTBTC": 0.5})
SECOND = Baseline(NOON + 60_000, "ops@host pid 2", {"TESTUSD": 930.0, "TESTBTC": 0.501})


def test_what_was_recorded_is_read_back_to_the_last_digit(tmp_path: Path) -> None:
    assert record_baseline(tmp_path / "logs", FIRST) is None
    assert read_baseline(tmp_path / "logs") == FIRST


def test_without_a_file_there_is_no_baseline(tmp_path: Path) -> None:
    assert read_baseline(tmp_path) is None
    assert read_baseline(tmp_path / "nowhere") is None


def test_the_former_one_is_kept_under_the_time_it_was_taken_at(tmp_path: Path) -> None:
    record_baseline(tmp_path, FIRST)
    kept = record_baseline(tmp_path, SECOND)
    assert kept == tmp_path / "wallet_baseline_20260204_120000Z.json"
    assert (read_baseline(tmp_path), former_baselines(tmp_path)) == (SECOND, (FIRST,))


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits are of Unix")
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    record_baseline(tmp_path, FIRST)
    record_baseline(tmp_path, SECOND)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_two_of_one_second_are_both_kept(tmp_path: Path) -> None:
    for number in range(3):
        record_baseline(tmp_path, FIRST._replace(at_ms=NOON + number))
    assert len(former_baselines(tmp_path)) == 2


def test_a_stop_between_the_copy_and_the_new_one_leaves_no_second_copy(tmp_path: Path) -> None:
    record_baseline(tmp_path, FIRST)
    (tmp_path / "wallet_baseline_20260204_120000Z.json").write_bytes(baseline_file(tmp_path).read_bytes())
    record_baseline(tmp_path, SECOND)
    assert former_baselines(tmp_path) == (FIRST,)


def test_a_failed_write_leaves_the_former_one_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_baseline(tmp_path, FIRST)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os, "write", full)
    with pytest.raises(WriteFailed):
        record_baseline(tmp_path, SECOND)
    assert read_baseline(tmp_path) == FIRST
    assert [path.name for path in tmp_path.iterdir()] == ["wallet_baseline.json"]


DAMAGES = (
    *("", "{", "[]", "null", "NaN", "\0\0", '{"schema": "genesis-ops.baseline/2"}', "[" * 3000),
    *(
        json.dumps(
            {"schema": "genesis-ops.baseline/1", "at": "2026-02-04T12:00:00Z", "by": "", "balances": {}} | change
        )
        for change in (
            {"at": "2026-02-04T12:00:00"},
            {"at": 1},
            {"at": "yesterdayZ"},
            {"by": None},
            {"balances": []},
            {"balances": {"TESTUSD": "5"}},
            {"balances": {"TESTUSD": True}},
            {"balances": {"TESTUSD": float("inf")}},
            {"more": 1},
        )
    ),
)


@pytest.mark.parametrize("text", DAMAGES)
def test_what_is_not_a_baseline_is_refused_and_kept_aside_by_the_next_one(tmp_path: Path, text: str) -> None:
    baseline_file(tmp_path).write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match="is not a baseline"):
        read_baseline(tmp_path)
    kept = record_baseline(tmp_path, SECOND)
    assert kept is not None
    assert kept.read_text("utf-8") == text
    assert (read_baseline(tmp_path), former_baselines(tmp_path)) == (SECOND, ())


def test_a_directory_of_that_name_is_refused_and_not_written_over(tmp_path: Path) -> None:
    baseline_file(tmp_path).mkdir()
    with pytest.raises(Refused):
        read_baseline(tmp_path)
    with pytest.raises(WriteFailed):
        record_baseline(tmp_path, FIRST)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a FIFO")
def test_a_fifo_of_that_name_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(baseline_file(tmp_path))
    with pytest.raises(Refused):
        read_baseline(tmp_path)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.integers(0, 4_000_000_000_000),
    st.dictionaries(st.text(max_size=8), st.floats(allow_nan=False, allow_infinity=False), max_size=5),
)
def test_any_balances_come_back_as_they_went(tmp_path: Path, at_ms: int, balances: dict[str, float]) -> None:
    baseline_file(tmp_path).unlink(missing_ok=True)
    record_baseline(tmp_path, Baseline(at_ms, "x", balances))
    assert read_baseline(tmp_path) == Baseline(at_ms, "x", balances)


# --- kept verifications


def report(**changes: Any) -> bytes:
    checks = [{"id": name, "outcome": outcome} for name, outcome in (("a", "PASS"), ("b", "WARN"), ("c", "FAIL"))]
    sound = {
        "schema": "genesis-ops.report/1",
        "command": "verify",
        "verdict": "FAIL",
        "generated_at": "2026-02-04T12:00:00Z",
        "checks": checks,
    }
    return json.dumps(sound | changes).encode()


def test_the_newest_verification_is_found_with_what_was_not_well_the_worst_first(tmp_path: Path) -> None:
    keep_verification(tmp_path, NOON - 60_000, report(verdict="PASS"))
    keep_verification(tmp_path, NOON, report())
    found = last_verified(tmp_path)
    assert found is not None
    assert (found.at_ms, found.verdict, found.not_well) == (NOON, "FAIL", ("c", "b"))
    assert found.file == "verification_20260204_120000Z.json"


def test_no_verification_is_written_over(tmp_path: Path) -> None:
    paths = {keep_verification(tmp_path, NOON, report()) for _ in range(3)}
    assert len(paths) == 3


def test_where_nobody_ever_verified_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "verification_notes.json").write_text("{}", encoding="utf-8")
    assert last_verified(tmp_path) is None
    assert last_verified(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b"[" * 3000),
        *(report(command="preflight"), report(verdict="GOOD"), report(checks=None), report(generated_at="noon")),
    ],
)
def test_a_verification_that_cannot_be_understood_is_unknown(tmp_path: Path, raw: bytes) -> None:
    keep_verification(tmp_path, NOON, raw)
    found = last_verified(tmp_path)
    assert found is not None
    assert (found.verdict, found.at_ms, bool(found.trouble)) == ("UNKNOWN", NOON, True)
