"""The paper account: wallets, and market orders that fill at the market's price (contract §4)."""

from dataclasses import dataclass
from math import floor
from types import MappingProxyType
from typing import Any

# What one coin costs in BTC, roughly; only the BTC market itself has candles here.
_COINS = MappingProxyType(
    {
        "ADA": 5e-6,
        "ALGO": 2e-6,
        "APT": 2e-5,
        "AVAX": 1.5e-4,
        "BTC": 1.0,
        "DOGE": 2e-6,
        "DOT": 2e-5,
        "EOS": 5e-6,
        "ETH": 0.03,
        "FIL": 2e-5,
        "LTC": 8e-4,
        "NEAR": 2e-5,
        "SOL": 1.5e-3,
        "XAUT": 0.06,
        "XTZ": 7e-6,
    }
)
_OPENING = MappingProxyType({"TESTUSD": 1_000_000.0, "TESTUSDT": 1_000_000.0, "TESTBTC": 10.0})
_FEE = 0.0004  # of what is received
_FIRST_ORDER_ID = 2_000_000_001
_DIGITS = 8
_SATOSHIS = 100_000_000.0

WHITELIST = tuple(
    f"tTEST{coin}:{quote}"
    for coin in _COINS
    for quote in ("TESTUSD", "TESTUSDT")
    if coin == "BTC" or quote == "TESTUSD"
)


@dataclass(frozen=True, slots=True)
class Order:
    """A market order as it was asked for; ``buys`` is LONG, otherwise it sells what the wallet holds."""

    symbol: str
    buys: bool
    size: float

    @property
    def base(self) -> str:
        """Name the currency that is bought or sold."""
        return self.symbol[1:].partition(":")[0]

    @property
    def quote(self) -> str:
        """Name the currency that pays."""
        return self.symbol.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Fill:
    """An order that went through: when (ms), at which price, and how much changed hands (negative: sold)."""

    ms: int
    order_id: int
    symbol: str
    amount: float
    price: float


def coin_price(symbol: str, btc_price: float) -> float:
    """Derive the price (USD) of a whitelisted coin from that of BTC."""
    return btc_price * _COINS[symbol.removeprefix("tTEST").partition(":")[0]]


def placed(fill: Fill, size_before: float) -> dict[str, Any]:
    """Tell of a fill the way the API does: the exchange's notification under ``response``, sizes under ``meta``."""
    ms, amount, size = fill.ms, fill.amount, abs(fill.amount)
    kind = "EXCHANGE MARKET"
    sent = [fill.order_id, None, None, fill.symbol, ms, ms, amount, amount, kind]
    order = [*sent, None, None, None, 0, "ACTIVE", None, None, 0, 0, 0, 0]
    return {
        "ok": True,
        "exchange": "bitfinex",
        "request": {"type": kind, "symbol": fill.symbol, "amount": str(amount)},
        "response": [ms // 1000, "on-req", None, None, [order], None, "SUCCESS", "Submitting 1 orders."],
        "meta": {
            "auto_clamped": False,
            "wallet_clamped": size != size_before,
            "size_before": size_before,
            "size_after": size,
            "required_min": 0.0,
            "min_with_margin": 0.0,
        },
    }


def refused_by_exchange(fill: Fill, size_before: float) -> dict[str, Any]:
    """Tell of an order that the exchange did not take: ``ok`` is true all the same, only STATUS says ERROR."""
    reply = placed(fill, size_before)
    response = reply["response"]
    response[4][0][0] = None  # an order that was not accepted has no id
    response[6:] = ["ERROR", "Invalid order: not enough exchange balance"]
    return reply


class Account:
    """Balances that orders change; it remembers every earlier state, so that a stale view can be shown."""

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self._history: list[tuple[int, dict[str, float]]] = [(0, dict(_OPENING))]

    def balances(self, before_ms: int | None = None) -> dict[str, float]:
        """Tell the balances now, or as they were just before a time (ms)."""
        if before_ms is None:
            return self._history[-1][1]
        return next(
            (balances for ms, balances in reversed(self._history) if ms < before_ms),
            self._history[0][1],
        )

    def wallets(self, before_ms: int | None = None) -> dict[str, Any]:
        """Tell the wallets as the API lists them."""
        return {
            "items": [
                {"type": "exchange", "currency": currency, "balance": balance, "available": balance}
                for currency, balance in self.balances(before_ms).items()
            ]
        }

    def affordable(self, order: Order, price: float) -> float:
        """Clamp an order's size to what the wallet can pay for or holds."""
        wallet = self.balances()
        held = wallet.get(order.quote, 0.0) / price if order.buys else wallet.get(order.base, 0.0)
        return min(order.size, floor(held * _SATOSHIS) / _SATOSHIS)

    def quote(self, order: Order, size: float, price: float, ms: int) -> Fill:
        """Say what a fill would be, without filling."""
        order_id = _FIRST_ORDER_ID + len(self.fills)
        return Fill(ms, order_id, order.symbol, size if order.buys else -size, price)

    def fill(self, order: Order, size: float, price: float, ms: int) -> Fill:
        """Fill a size at a price (USD); the fee is taken from what is received."""
        fill = self.quote(order, size, price, ms)
        wallet = dict(self.balances())
        received = 1.0 - _FEE
        bought, paid = (size * received, -size * price) if order.buys else (-size, size * price * received)
        wallet[order.base] = round(wallet.get(order.base, 0.0) + bought, _DIGITS)
        wallet[order.quote] = round(wallet.get(order.quote, 0.0) + paid, _DIGITS)
        self.fills.append(fill)
        self._history.append((ms, wallet))
        return fill
