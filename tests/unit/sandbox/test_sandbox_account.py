import json
from typing import Any

import pytest
from sandbox_world import World

from genesis_ops.sandbox.account import WHITELIST, Account, Order


def test_a_submit_is_answered_with_the_notification_of_the_exchange(world: World) -> None:
    reply = world.submit(side="SHORT", size=0.015)
    price = world.sandbox.market.price(world.now_ms)
    order_id = reply["response"][4][0][0]
    assert isinstance(order_id, int)
    sent = [order_id, None, None, "tTESTBTC:TESTUSD", world.now_ms, world.now_ms, -0.015, -0.015, "EXCHANGE MARKET"]
    assert reply == {
        "ok": True,
        "exchange": "bitfinex",
        "request": {"type": "EXCHANGE MARKET", "symbol": "tTESTBTC:TESTUSD", "amount": "-0.015"},
        "response": [
            world.now_ms // 1000,
            "on-req",
            None,
            None,
            [[*sent, None, None, None, 0, "ACTIVE", None, None, 0, 0, 0, 0]],
            None,
            "SUCCESS",
            "Submitting 1 orders.",
        ],
        "meta": {
            "auto_clamped": False,
            "wallet_clamped": False,
            "size_before": 0.015,
            "size_after": 0.015,
            "required_min": 0.0,
            "min_with_margin": 0.0,
        },
    }
    assert world.sandbox.account.fills[0].price == price


def test_a_long_order_buys_at_the_market_price_and_pays_a_small_fee(world: World) -> None:
    before = world.wallets()
    world.submit(side="LONG", size=0.5)
    world.later(5)
    after = world.wallets()
    assert after["TESTBTC"] - before["TESTBTC"] == pytest.approx(0.5, rel=0.001)
    assert after["TESTBTC"] - before["TESTBTC"] < 0.5
    assert before["TESTUSD"] - after["TESTUSD"] == pytest.approx(0.5 * world.sandbox.account.fills[0].price)


def test_a_short_order_sells_what_the_wallet_holds(world: World) -> None:
    before = world.wallets()
    world.submit(side="SHORT", size=0.5)
    world.later(5)
    after = world.wallets()
    assert after["TESTBTC"] - before["TESTBTC"] == pytest.approx(-0.5)
    proceeds = 0.5 * world.sandbox.account.fills[0].price
    assert after["TESTUSD"] - before["TESTUSD"] == pytest.approx(proceeds, rel=0.001)
    assert after["TESTUSD"] - before["TESTUSD"] < proceeds


def test_order_ids_rise(world: World) -> None:
    ids = [world.submit()["response"][4][0][0] for _ in range(3)]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("side", ["LONG", "SHORT"])
def test_a_size_beyond_the_wallet_is_clamped_to_it(world: World, side: str) -> None:
    meta = world.submit(side=side, size=5000)["meta"]
    assert meta["wallet_clamped"] is True
    assert 0 < meta["size_after"] < meta["size_before"] == 5000
    world.later(5)
    assert min(world.wallets().values()) == pytest.approx(0, abs=0.01)


def test_with_an_empty_wallet_the_exchange_refuses_behind_an_ok(world: World) -> None:
    world.submit(side="SHORT", size=5000)
    reply = world.submit(side="SHORT", size=0.015)
    assert reply["ok"] is True
    assert reply["response"][6] == "ERROR"
    assert reply["response"][4][0][0] is None
    assert len(world.sandbox.account.fills) == 1


def test_every_whitelisted_symbol_can_be_bought(world: World) -> None:
    symbols = world.json("/paper/whitelist")["symbols"]
    assert "tTESTBTC:TESTUSD" in symbols
    assert symbols == sorted(WHITELIST)
    assert {world.submit(symbol=symbol, size=0.01)["response"][6] for symbol in symbols} == {"SUCCESS"}


def test_a_symbol_that_is_not_whitelisted_is_refused_and_nothing_fills(world: World) -> None:
    reply = world.submit(symbol="tBTCUSD")
    assert reply.pop("message")
    assert reply == {"ok": False, "error": "invalid_symbol", "requested_symbol": "tBTCUSD"}
    assert world.sandbox.account.fills == []


@pytest.mark.parametrize(
    "change",
    [
        {"side": "NONE"},
        {"side": "BUY"},
        {"side": []},
        {"size": 0},
        {"size": -1},
        {"size": True},
        {"size": "0.1"},
        {"size": float("nan")},
        {"size": float("inf")},
        {"size": 10**400},
        {"type": "LIMIT"},
    ],
)
def test_an_action_or_size_that_cannot_be_meant_is_refused_and_nothing_fills(
    world: World, change: dict[str, Any]
) -> None:
    assert world.submit(**change) == {"ok": False, "error": "invalid_action_or_size"}
    assert world.sandbox.account.fills == []


@pytest.mark.parametrize("endpoint", ["/paper/submit", "/strategy/evaluate"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_422(world: World, endpoint: str, body: bytes) -> None:
    reply = world.sandbox.handle("POST", endpoint, body)
    assert reply.status == 422
    assert set(json.loads(reply.body)["detail"][0]) == {"type", "loc", "msg", "input"}


def test_wallets_are_exchange_wallets_with_balance_and_available(world: World) -> None:
    for item in world.json("/account/wallets")["items"]:
        assert set(item) == {"type", "currency", "balance", "available"}
        assert item["type"] == "exchange"


def test_wallets_are_cached_for_5_s(world: World) -> None:
    before = world.wallets()
    world.submit()
    world.later(4.999)
    assert world.wallets() == before
    world.later(0.001)
    assert world.wallets() != before


def test_a_filled_market_order_is_neither_an_open_order_nor_a_position(world: World) -> None:
    world.submit()
    world.later(5)
    assert world.json("/account/orders") == {"items": []}
    assert world.json("/account/positions") == {"items": []}


def test_the_account_remembers_its_balances_as_they_were_before_a_time() -> None:
    account = Account()
    opening = account.balances()
    account.fill(Order("tTESTBTC:TESTUSD", buys=True, size=1.0), 1.0, 70_000.0, 1000)
    assert account.balances(1000) == opening
    assert account.balances(1001) == account.balances() != opening
