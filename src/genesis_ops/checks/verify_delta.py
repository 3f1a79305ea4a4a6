"""Did the wallets move as the orders say: a reading against the baseline (runbook, Execution Verification, step 4).

Positions can be empty and orders gone while everything works; what counts is that the wallet moved. Where it moved by
something that no order explains, nobody can tell whose trade that was.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from genesis_ops.checks.model import Check, Movement, Outcome, Place, Result
from genesis_ops.checks.phase_wallet import CENT, Moved
from genesis_ops.checks.wording import count
from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import DUST, Fill, currencies
from genesis_ops.state.baseline import Baseline
from genesis_ops.words import stamp, visible

FEE = 0.002
"""The part of an order that its fee may take."""
SLIPPAGE = 0.02
"""The part by which an order's price may differ from the one that it was decided at."""

_SHOWN_LATE_MS = 6_000
"""How long the wallets may not show yet what an order did (the API's cache, contract §4)."""
_TWICE, _MOST_TIMES = 2, 5
"""How often an order can have been sent by an API that retries inside (contract §4); more is somebody else's trade."""
_NEAR = 0.1
_SENT = frozenset({Kind.ARMED, Kind.ACKED, Kind.UNKNOWN})
_AGAIN = "genesis-ops verify wallets      and then the order once more"


class Expect(StrEnum):
    """What somebody says is to be found, where the journal is not to decide."""

    NONE = "none"
    ORDER = "order"


class DeltaSeen(NamedTuple):
    """The baseline, the wallets now and the orders of the journal; ``trouble`` is why there is nothing to compare."""

    symbol: str
    """The TEST pair."""
    file: str
    """The baseline's, as a report names it."""
    baseline: Baseline | None = None
    now: Baseline | None = None
    orders: tuple[Order, ...] = ()
    trouble: str = ""
    remedy: str = ""
    expect: Expect | None = None

    @property
    def moved(self) -> Moved:
        """By how much the pair's currencies changed."""
        before, after = ({} if each is None else each.balances for each in (self.baseline, self.now))
        base, quote = (round(after.get(name, 0.0) - before.get(name, 0.0), 8) for name in currencies(self.symbol))
        return Moved(base, quote)


class _Account(NamedTuple):
    """What the orders say: measured by the wallets at the time, or only asked for (base, and quote with its slack)."""

    orders: tuple[Order, ...]
    asked: tuple[Order, ...]
    measured: Moved
    base: float
    slack: float


def verify_delta(seen: DeltaSeen) -> Result:
    """Ask whether the wallets moved since the baseline as the orders of the journal say."""
    if seen.trouble or seen.baseline is None or seen.now is None:
        why = seen.trouble or "there is nothing to compare"
        return Result(Outcome.UNKNOWN, why, None, None, (), seen.remedy)
    orders = tuple(order for order in seen.orders if _belongs(order, seen.baseline))
    found = _hindered(seen, seen.baseline, orders) or _alone(orders) or _unexpected(seen, orders)
    if found is None:
        found = _compared(seen, _account(orders))
    if found.outcome is Outcome.PASS:
        return found
    return found._replace(evidence=(_recorded(seen, seen.baseline), *map(_place, orders)))


def movements(seen: DeltaSeen) -> tuple[Movement, ...]:
    """Give the pair's currencies, and every other one that moved."""
    if seen.baseline is None or seen.now is None:
        return ()
    before, after = seen.baseline.balances, seen.now.balances
    others = (name for name in sorted({*before, *after}) if before.get(name) != after.get(name))
    names = dict.fromkeys((*currencies(seen.symbol), *others))
    return tuple(Movement(name, before.get(name), after.get(name)) for name in names)


def _belongs(order: Order, baseline: Baseline) -> bool:
    """Whether an order can have moved the wallets since the baseline; one about which all was known by then cannot."""
    if order.armed_ms is None or order.label is Kind.REJECTED:
        return False
    return order.armed_ms >= baseline.at_ms or _on_the_edge(order, baseline)


def _on_the_edge(order: Order, baseline: Baseline) -> bool:
    """Whether an order was under way when the baseline was read: it may be in it, or not."""
    if order.armed_ms is None or order.armed_ms >= baseline.at_ms:
        return False
    return order.label_ms > baseline.at_ms - _SHOWN_LATE_MS or order.wants_evidence or order.label is Kind.ARMED


def _hindered(seen: DeltaSeen, baseline: Baseline, orders: Sequence[Order]) -> Result | None:
    """Say why nobody can tell: wallets that are not named, an order that is under way or in doubt."""
    base, quote = currencies(seen.symbol)
    before, after = baseline.balances, seen.now.balances if seen.now else {}
    silent = quote if quote not in before or quote not in after else "" if base in {*before, *after} else base
    if silent:
        return _cannot_tell(f"{silent} is not among the wallets", "genesis-ops verify wallets")
    for order in orders:
        if _on_the_edge(order, baseline):
            return _cannot_tell(f"order {order.id} was under way when the baseline was read", _AGAIN)
        if order.symbol != seen.symbol:
            return _cannot_tell(f"order {order.id} was for another pair, {order.symbol}", _AGAIN)
        if order.unresolved and order.fill is not Fill.SEVERAL:
            told = f"order {order.id} is in doubt ({order.label.upper()}); {_told(seen.moved, seen.symbol)}"
            return _cannot_tell(told, f"genesis-ops orders show {order.id}")
    return None


def _alone(orders: Sequence[Order]) -> Result | None:
    """Say of an order what the wallets said of it alone, if that was not one whole fill."""
    for order in orders:
        remedy = f"genesis-ops orders show {order.id}"
        if order.fill is Fill.SEVERAL and order.resolved is None:
            detail = f"order {order.id} was filled several times"
            return Result(Outcome.FAIL, visible(detail), order.multiple, 1, (), remedy)
        if order.fill is Fill.NONE and order.label is Kind.ACKED and order.resolved is None:
            detail = f"order {order.id} was acknowledged, and the wallets did not move for it"
            return Result(Outcome.FAIL, visible(detail), 0, 1, (), remedy)
        if order.fill is Fill.UNCLEAR and order.resolved is None:
            detail = f"the wallets moved by {order.multiple} times order {order.id}: a part of it, or another trade"
            return _cannot_tell(detail, remedy)
    return None


def _unexpected(seen: DeltaSeen, orders: Sequence[Order]) -> Result | None:
    """Hold the journal against what somebody says is to be found."""
    if seen.expect is Expect.NONE and orders:
        detail = f"no order was expected, and {count(len(orders), 'order')} left since the baseline"
        return Result(Outcome.FAIL, detail, len(orders), 0, (), "genesis-ops orders list")
    if seen.expect is Expect.ORDER and not orders:
        detail = f"an order was expected, and none left since the baseline; {_told(seen.moved, seen.symbol)}"
        return Result(Outcome.FAIL, detail, 0, 1, (), "genesis-ops verify order")
    return None


def _account(orders: Sequence[Order]) -> _Account:
    counted = tuple(order for order in orders if order.resolved is not False)
    measured = [order.moved for order in counted if order.moved is not None]
    asked = tuple(order for order in counted if order.moved is None)
    total = Moved(round(sum(base for base, _ in measured), 8), round(sum(quote for _, quote in measured), 8))
    sizes = [_signed(order) for order in asked]
    slack = DUST * (len(counted) + 1) + FEE * sum(map(abs, sizes))
    return _Account(counted, asked, total, round(sum(sizes), 8), slack)


def _signed(order: Order) -> float:
    """Give the size that an order was to move in base currency, as the API took it (bought: +)."""
    size = order.size_taken or order.size
    return size if order.side == "LONG" else -size


def _compared(seen: DeltaSeen, account: _Account) -> Result:
    moved = seen.moved
    told, expected = _told(moved, seen.symbol), round(account.measured.base + account.base, 8)
    if not account.orders:
        if moved.nothing:
            return Result(Outcome.PASS, "nothing was ordered since the baseline, and nothing moved", 0.0, 0.0)
        detail = f"{told} though nothing was ordered from here: another actor's trade"
        return _cannot_tell(detail, "genesis-ops orders list")._replace(observed=moved.base, expected=0.0)
    rest = moved.base - account.measured.base
    if abs(rest - account.base) > account.slack:
        return _differs(seen, account, rest)._replace(observed=moved.base, expected=expected)
    if why := _quote_differs(moved.quote, account):
        detail = f"{told}; {currencies(seen.symbol)[1]} {why}"
        return _cannot_tell(detail, "genesis-ops orders list")._replace(observed=moved.base, expected=expected)
    orders = count(len(account.orders), "order")
    detail = f"{told}, as {orders} since the baseline would have it"
    if moved.nothing and not expected:
        detail = f"nothing moved: {orders} since the baseline, and nothing of it was filled"
    return Result(Outcome.PASS, detail, moved.base, expected)


def _differs(seen: DeltaSeen, account: _Account, rest: float) -> Result:
    """Judge a change of the base currency that is not what the orders would have."""
    told, wanted = _told(seen.moved, seen.symbol), round(account.measured.base + account.base, 8)
    orders = count(len(account.orders), "order")
    if account.asked and abs(rest) <= DUST:
        detail = f"{count(len(account.asked), 'order')} left, and the wallets did not move for it ({told})"
        return Result(Outcome.FAIL, detail, remedy="genesis-ops orders list")
    multiple = seen.moved.base / wanted if abs(wanted) > DUST else 0.0
    times = round(multiple)
    if _TWICE <= times <= _MOST_TIMES and abs(multiple - times) <= _NEAR:
        detail = f"{told}: {times} times what {orders} would have it ({wanted:+.8f})"
        return Result(Outcome.FAIL, detail, remedy="genesis-ops orders list")
    detail = f"{told}, and {orders} would have {wanted:+.8f}: a part of it, or another actor's trade"
    return _cannot_tell(detail, "genesis-ops orders list")


def _quote_differs(moved: float, account: _Account) -> str:
    """Say how what was paid differs from what the orders cost; empty where it does not, or no price is known."""
    rest = moved - account.measured.quote
    prices = [order.price for order in account.asked if order.price is not None]
    if len(prices) < len(account.asked):
        wrong = rest * account.base > 0 or not round(rest, 8)
        return "did not move the other way: another actor's trade as well" if wrong and account.base else ""
    costs = [price * _signed(order) for price, order in zip(prices, account.asked, strict=True)]
    slack = CENT * (len(account.orders) + 1) + (FEE + SLIPPAGE) * sum(map(abs, costs))
    if abs(rest + sum(costs)) <= slack:
        return ""
    return f"was to move by {account.measured.quote - sum(costs):+,.2f}: another actor's trade as well"


def _cannot_tell(why: str, remedy: str) -> Result:
    return Result(Outcome.UNKNOWN, visible(f"cannot tell: {why}"), remedy=remedy)


def _told(moved: Moved, symbol: str) -> str:
    base, quote = currencies(symbol)
    if moved.nothing:
        return "nothing moved"
    return f"{base} moved by {moved.base:+.8f}, {quote} by {moved.quote:+,.2f}"


def _recorded(seen: DeltaSeen, baseline: Baseline) -> Place:
    return Place(seen.file, 0, visible(f"recorded {stamp(baseline.at_ms)} UTC by {baseline.by}"))


def _place(order: Order) -> Place:
    filled = "" if order.fill is None else f", wallets: {order.fill}"
    told = f"{stamp(order.armed_ms or 0)} {order.side} {order.size:.8g} {order.label.upper()}{filled}"
    return Place(f"order {order.id}", 0, visible(told))


DELTA: tuple[Check[DeltaSeen], ...] = (Check("verify-delta", "The wallets moved as the orders say", verify_delta),)
