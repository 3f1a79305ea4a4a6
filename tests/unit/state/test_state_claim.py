"""What was ordered last on this host speaks against a second order, whatever journal asks."""

import json
import os
from pathlib import Path

import pytest

from genesis_ops.errors import WriteFailed
from genesis_ops.state.claim import Claim, claim_of

TS, HOUR = 1_770_210_000_000, 3_600_000


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    return claim_of(tmp_path, "tTESTBTC:TESTUSD 1h", tmp_path / "here")


def test_a_candle_is_ordered_once_on_a_host_whichever_log_directory_asks(claim: Claim, tmp_path: Path) -> None:
    assert claim.why_not(TS) == ""
    claim.take(TS)
    there = claim_of(tmp_path, "tTESTBTC:TESTUSD 1h", tmp_path / "there")
    for one in (claim, there):
        assert one.why_not(TS).startswith("its candle was ordered on this host before; the last order here was for ")
        assert str(tmp_path / "here") in one.why_not(TS)
        assert one.why_not(TS + HOUR) == ""
        assert one.why_not(TS - HOUR) == "", "an earlier one that was not ordered"


def test_another_market_has_a_record_of_its_own(claim: Claim, tmp_path: Path) -> None:
    claim.take(TS)
    assert claim_of(tmp_path, "tTESTBTC:TESTUSD 15m", tmp_path).why_not(TS) == ""
    assert claim_of(tmp_path, "tTESTETH:TESTUSD 1h", tmp_path).why_not(TS) == ""


def test_the_newest_are_kept_and_what_is_older_than_all_of_them_is_refused(claim: Claim) -> None:
    for hour in range(70):
        claim.take(TS + hour * HOUR)
    assert len(json.loads(claim.path.read_text())["candles"]) == 64
    assert claim.why_not(TS + 6 * HOUR)
    assert claim.why_not(TS + 5 * HOUR)
    assert claim.why_not(TS + 70 * HOUR) == ""


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'{"candles": 1, "log_dir": "x"}', b'{"candles": ["x"], "log_dir": ""}']
)
def test_a_damaged_record_speaks_against_every_order(claim: Claim, raw: bytes) -> None:
    claim.path.write_bytes(raw)
    assert "is damaged" in claim.why_not(TS)


def test_a_record_that_cannot_be_read_speaks_against_every_order(claim: Claim) -> None:
    claim.path.mkdir()
    assert "cannot be read" in claim.why_not(TS)
    with pytest.raises(WriteFailed):
        claim.take(TS)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_record_is_not_replaced(claim: Claim) -> None:
    claim.take(TS)
    os.chown(claim.path, 65534, 65534)
    assert claim.why_not(TS + HOUR).endswith("cannot be read (it belongs to another user)")


def test_it_lies_where_the_hosts_locks_are() -> None:
    found = claim_of(None, "tTESTBTC:TESTUSD 1h", Path("/x"))
    assert found.path.name == "genesis-ops-tTESTBTC_TESTUSD_1h-ordered.json"
    assert found.path.parent in {Path("/run/lock"), Path(os.environ.get("TMPDIR", "/tmp"))}
