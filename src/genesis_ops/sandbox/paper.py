"""The API's paper side: ``/paper/submit`` and ``/account/wallets``, honest and faulty (contract §4)."""

from typing import Any

from genesis_ops.sandbox.account import WHITELIST, Account, Order, coin_price, placed, refused_by_exchange
from genesis_ops.sandbox.exchange import Active
from genesis_ops.sandbox.faults import INTERNAL_ERROR, INVALID_ORDER
from genesis_ops.sandbox.market import Market
from genesis_ops.sandbox.wire import Answer, json_object, says
from genesis_ops.words import Action

WALLET_CACHE_MS = 5_000

_LARGEST_SIZE = 1e9


class Paper:
    """Takes orders to the account, and shows its wallets as they were up to 5 s ago."""

    def __init__(self, account: Account, market: Market) -> None:
        self._account = account
        self._market = market
        self._cached: tuple[int, Answer] | None = None

    def wallets(self, now_ms: int, active: Active) -> Answer:
        """Answer with the wallets at a time (ms), out of the cache while that is fresh."""
        if "wallets-stale" in active:
            return says(self._account.wallets(active["wallets-stale"].from_ms))
        if self._cached is None or now_ms - self._cached[0] >= WALLET_CACHE_MS:
            self._cached = now_ms, says(self._account.wallets())
        return self._cached[1]

    def submit(self, body: bytes, now_ms: int, active: Active) -> Answer:
        """Answer an order: a failure is HTTP 200 with ``ok`` false, unless the body is no JSON object."""
        request = json_object(body)
        if isinstance(request, Answer):
            return request
        if request.get("symbol") not in WHITELIST:
            return says(_invalid_symbol(request.get("symbol")))
        order = _order(request)
        if order is None:
            return INVALID_ORDER
        reply = self._place(order, now_ms, active)
        return INTERNAL_ERROR if "submit-internal-error" in active else says(reply)

    def _place(self, order: Order, now_ms: int, active: Active) -> dict[str, Any]:
        price = coin_price(order.symbol, self._market.price(now_ms))
        size = self._account.affordable(order, price)
        if size <= 0 or "submit-status-error" in active:
            return refused_by_exchange(self._account.quote(order, size, price, now_ms), order.size)
        if "submit-doubled" in active:
            self._account.fill(order, size, price, now_ms)
            size = self._account.affordable(order, price)
        # The acknowledgement is written before the fill is known, so a partial fill looks like any other.
        reply = placed(self._account.quote(order, size, price, now_ms), order.size)
        self._account.fill(order, size / 2 if "submit-partial" in active else size, price, now_ms)
        return reply


def _order(request: dict[str, Any]) -> Order | None:
    side, size = request.get("side"), request.get("size")
    if side not in (Action.LONG, Action.SHORT) or request.get("type") != "MARKET":
        return None
    if isinstance(size, bool) or not isinstance(size, int | float) or not 0 < size <= _LARGEST_SIZE:
        return None
    return Order(request["symbol"], side == Action.LONG, float(size))


def _invalid_symbol(symbol: Any) -> dict[str, Any]:
    return {
        "ok": False,
        "error": "invalid_symbol",
        "requested_symbol": symbol if isinstance(symbol, str) else None,
        "message": "only the symbols of GET /paper/whitelist can be traded",
    }
