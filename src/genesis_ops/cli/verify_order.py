"""One order by hand as it is typed: what stands against it, the question, the order's steps, and the exit code."""

from typing import TYPE_CHECKING, NamedTuple, NoReturn

import typer

if TYPE_CHECKING:
    from genesis_ops.clients.clock import Clock
    from genesis_ops.journal.book import Order
    from genesis_ops.settings import Settings

_COMMAND = "genesis-ops verify order"


class Wanted(NamedTuple):
    """What is to be ordered, whether somebody is asked first, and for whom its steps are written."""

    side: str
    size: float
    asks: bool
    as_json: bool


def send_and_tell(settings: "Settings", wanted: Wanted) -> NoReturn:
    """Send an order, if nothing speaks against it and, where somebody is asked, somebody agrees; end as it did.

    Raises:
        Refused: something stands against it; nothing was sent.
        AbortCondition: it was filled several times.
        Exit: what came of it, or 130 where nobody agreed.
    """
    from genesis_ops.checks.verify_order import exit_code
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.errors import AbortCondition

    clock = HostClock()
    _require_agreement(settings, wanted, clock)
    try:
        order = _sent(settings, wanted, clock)
    except AbortCondition:
        _show(settings, "", wanted)
        raise
    _show(settings, order.id, wanted)
    raise typer.Exit(exit_code(order))


def _require_agreement(settings: "Settings", wanted: Wanted, clock: "Clock") -> None:
    from genesis_ops.cli.verify_screen import agrees, doing
    from genesis_ops.clients.paper import paper_pair
    from genesis_ops.collect.verify_wallets import wallets_now
    from genesis_ops.errors import Refused
    from genesis_ops.runner.manual import objections
    from genesis_ops.words import Exit

    with doing("asking whether an order can be sent"):
        against = objections(settings, clock)
        held = {} if against or not wanted.asks else wallets_now(settings, clock)
    if against:
        raise Refused("no order was sent", notes=against, next_command="genesis-ops preflight")
    if wanted.asks and not agrees(paper_pair(settings.symbol), wanted.side, wanted.size, held):
        typer.echo("nothing was sent", err=True)
        raise typer.Exit(Exit.INTERRUPTED)


def _sent(settings: "Settings", wanted: Wanted, clock: "Clock") -> "Order":
    from genesis_ops.cli.verify_screen import doing
    from genesis_ops.runner.manual import Wish, place

    with doing(f"sending {wanted.side} {wanted.size:g} and looking for it in the wallets"):
        return place(settings, Wish(wanted.side, wanted.size), clock, command=_COMMAND)


def _show(settings: "Settings", name: str, wanted: Wanted) -> None:
    """Show an order's steps; without a name the newest's that was sent by hand."""
    from genesis_ops.cli.pages import put
    from genesis_ops.collect.journal import whole_journal
    from genesis_ops.journal.book import MANUAL
    from genesis_ops.report.orders import one, one_as_json

    read = whole_journal(settings.log_dir)
    names = [name] if name else [each.id for each in read.book.orders.values() if each.purpose == MANUAL]
    order, records = read.book.orders[names[-1]], read.records_of(names[-1])
    if wanted.as_json:
        typer.echo(one_as_json(order, records), nl=False)
    else:
        put(lambda page: one(order, records, page))
