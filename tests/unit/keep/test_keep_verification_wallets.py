"""The wallets against a sandbox whose API lags, lies, answers with an error, or shows somebody else's trade."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from verification_world import SIZE, World, world

from genesis_ops.checks.model import Outcome, Result
from genesis_ops.checks.verify_delta import Expect, verify_delta
from genesis_ops.clients.paper import CACHE_SECONDS
from genesis_ops.collect.verify_wallets import delta, read_wallets, recorded
from genesis_ops.errors import Unreachable
from genesis_ops.runner.manual import Wish, place
from genesis_ops.sandbox.wire import says
from genesis_ops.state.baseline import read_baseline

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def judged(here: World, expect: Expect | None = None) -> Result:
    return verify_delta(delta(here.settings, here.clock, expect))


def replies(here: World, *documents: Any) -> None:
    """Let the API answer with these in turn, and with the last one from then on."""
    left = [*documents]
    here.sandbox._paper.wallets = lambda *_: says(left.pop(0) if len(left) > 1 else left[0])  # type: ignore[method-assign]


def items(**balances: float) -> dict[str, Any]:
    return {"items": [{"type": "exchange", "currency": name, "balance": held} for name, held in balances.items()]}


# --- reading


def test_two_readings_that_agree_lie_farther_apart_than_the_cache_lasts(here: World) -> None:
    began = here.clock.monotonic()
    found = read_wallets(here.settings, here.clock)
    assert found.balances["TESTUSD"] == 1_000_000.0
    assert here.clock.monotonic() - began > CACHE_SECONDS
    assert here.requests == {("GET", "/account/wallets"): 2}


def test_a_trade_that_the_cache_still_hides_is_in_what_is_read(here: World) -> None:
    read_wallets(here.settings, here.clock)
    here.stranger(1.0)
    assert read_wallets(here.settings, here.clock).balances["TESTBTC"] > 10.9


def test_wallets_that_never_stand_still_are_no_reading(here: World) -> None:
    replies(here, *(items(TESTBTC=1.0 + n, TESTUSD=5.0) for n in range(20)))
    with pytest.raises(Unreachable, match="do not stand still"):
        read_wallets(here.settings, here.clock)


def test_another_pairs_wallet_may_move_meanwhile(here: World) -> None:
    replies(here, *(items(TESTBTC=1.0, TESTUSD=5.0, TESTETH=float(n)) for n in range(20)))
    assert read_wallets(here.settings, here.clock).balances["TESTETH"] == 1.0


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({"items": [], "error": "nonce too small"}, "nonce too small"),
        ({"items": []}, "name nothing, and not TESTUSD"),
        (items(TESTBTC=10.0), "not TESTUSD"),
        ([], "HTTP 200"),
        ({"items": [{"type": "exchange", "currency": "TESTUSD", "balance": "5"}]}, "not a wallet"),
    ],
)
def test_a_reply_that_is_no_wallets_is_refused_and_the_baseline_stays(here: World, reply: Any, why: str) -> None:
    recorded(here.settings, here.clock)
    before = read_baseline(here.settings.log_dir)
    replies(here, reply)
    with pytest.raises(Unreachable, match=why) as refusal:
        recorded(here.settings, here.clock)
    assert refusal.value.exit_code == 3
    assert read_baseline(here.settings.log_dir) == before
    assert judged(here).outcome is UNKNOWN


def test_an_error_in_the_second_reading_is_noticed_too(here: World) -> None:
    replies(here, items(TESTBTC=1.0, TESTUSD=5.0), {"items": [], "error": "nonce"})
    with pytest.raises(Unreachable, match="nonce"):
        read_wallets(here.settings, here.clock)


# --- against the baseline


def test_without_a_baseline_nobody_can_tell_and_no_wallet_is_read(here: World) -> None:
    result = judged(here)
    assert (result.outcome, result.remedy) == (UNKNOWN, "genesis-ops verify wallets")
    assert not here.requests


def test_nothing_ordered_and_nothing_moved_passes(here: World) -> None:
    recorded(here.settings, here.clock)
    assert judged(here).outcome is PASS


def test_one_order_by_hand_shows_in_the_wallets(here: World) -> None:
    recorded(here.settings, here.clock)
    place(here.settings, Wish("LONG", SIZE), here.clock, command="a test")
    result = judged(here)
    assert (result.outcome, result.observed) == (PASS, pytest.approx(SIZE * 0.9996))
    assert judged(here, Expect.ORDER).outcome is PASS
    assert judged(here, Expect.NONE).outcome is FAIL


def test_an_order_before_the_baseline_is_no_part_of_what_is_expected(here: World) -> None:
    place(here.settings, Wish("LONG", SIZE), here.clock, command="a test")
    here.clock.wait(60)
    recorded(here.settings, here.clock)
    assert judged(here).outcome is PASS
    assert judged(here, Expect.ORDER).outcome is FAIL


@pytest.mark.parametrize("size", [0.5, -0.5, 0.00001])
def test_a_trade_that_nobody_ordered_here_cannot_be_told(here: World, size: float) -> None:
    recorded(here.settings, here.clock)
    here.stranger(size)
    result = judged(here)
    assert (result.outcome, "another actor" in result.detail) == (UNKNOWN, True)


def test_another_actor_beside_an_order_cannot_be_told_either(here: World) -> None:
    recorded(here.settings, here.clock)
    place(here.settings, Wish("LONG", SIZE), here.clock, command="a test")
    here.stranger(SIZE / 2)
    assert judged(here).outcome is UNKNOWN


def test_wallets_that_show_no_trade_any_more_are_no_proof_that_there_was_none(here: World) -> None:
    recorded(here.settings, here.clock)
    place(here.settings, Wish("LONG", SIZE), here.clock, command="a test")
    replies(here, items(TESTBTC=10.0, TESTUSD=1_000_000.0))
    assert judged(here).outcome is UNKNOWN


def test_a_damaged_journal_is_no_journal_without_orders(here: World) -> None:
    recorded(here.settings, here.clock)
    place(here.settings, Wish("LONG", SIZE), here.clock, command="a test")
    (journal,) = here.settings.log_dir.glob("runner_orders_*.log")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:1] + lines[2:]))
    result = judged(here)
    assert (result.outcome, "journal is damaged" in result.detail) == (UNKNOWN, True)


def test_a_damaged_baseline_is_told_and_nothing_is_held_against_it(here: World) -> None:
    recorded(here.settings, here.clock)
    (here.settings.log_dir / "wallet_baseline.json").write_text("{", encoding="utf-8")
    result = judged(here)
    assert (result.outcome, "is not a baseline" in result.detail) == (UNKNOWN, True)


def test_nothing_but_questions_reaches_the_server(here: World) -> None:
    recorded(here.settings, here.clock)
    judged(here)
    assert here.changes == {}
