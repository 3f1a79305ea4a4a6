"""What came of a manual order: the reply proves little, the wallets tell (runbook, Execution Verification, step 3)."""

from typing import NamedTuple

from genesis_ops.checks.model import Check, Outcome, Place, Result
from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import Fill, told_change
from genesis_ops.words import Exit, visible

_EXITS = {Outcome.FAIL: Exit.FAIL, Outcome.UNKNOWN: Exit.UNKNOWN}


class OrderSeen(NamedTuple):
    """The order, or why there is none: ``failed`` is what was found to be wrong, ``trouble`` what hindered it."""

    order: Order | None = None
    failed: str = ""
    trouble: str = ""
    notes: tuple[str, ...] = ()
    remedy: str = ""


def verify_order(seen: OrderSeen) -> Result:
    """Ask whether an order that was sent by hand was filled once."""
    if seen.order is not None:
        return judged(seen.order)
    evidence = tuple(Place("order", 0, visible(note)) for note in seen.notes)
    outcome = Outcome.FAIL if seen.failed else Outcome.UNKNOWN
    return Result(outcome, seen.failed or seen.trouble, None, "filled once", evidence, seen.remedy)


def judged(order: Order) -> Result:
    """Say what came of an order."""
    told = f"{order.id}: {_sentence(order)}"
    return Result(_outcome(order), visible(told), _observed(order), "filled once", (), _remedy(order))


def exit_code(order: Order) -> Exit:
    """Tell what a command ends with that sent an order (contract §7)."""
    return _EXITS.get(_outcome(order), Exit.PASS)


def _outcome(order: Order) -> Outcome:
    if order.fill is Fill.SEVERAL:
        return Outcome.FAIL
    if order.label not in {Kind.ACKED, Kind.UNKNOWN, Kind.ARMED} or order.fill is Fill.NONE:
        return Outcome.FAIL
    if order.fill is Fill.ONCE:
        return Outcome.PASS if order.label is Kind.ACKED else Outcome.WARN
    return Outcome.UNKNOWN


def _observed(order: Order) -> str:
    return str(order.label) if order.fill is None else f"{order.label}, {order.fill}"


def _sentence(order: Order) -> str:
    label = f"{order.label.upper()}{f' ({order.reason})' if order.reason else ''}"
    if order.label not in {Kind.ACKED, Kind.UNKNOWN, Kind.ARMED}:
        return f"{label}, nothing was filled"
    if order.fill is None:
        return f"{label}, and the wallets have not told what came of it"
    if order.fill is Fill.SEVERAL:
        return f"it was filled several times: {told_change(order)}"
    return f"{label}, {told_change(order)}"


def _remedy(order: Order) -> str:
    if order.unresolved:
        return f'genesis-ops orders resolve {order.id} --filled|--not-filled --reason "..."'
    return "" if _outcome(order) is Outcome.PASS else f"genesis-ops orders show {order.id}"


ORDER: tuple[Check[OrderSeen], ...] = (Check("verify-order", "A manual order is filled once", verify_order),)
