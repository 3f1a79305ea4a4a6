"""genesis-ops orders: what was ordered on paper and what came of it, by the journal; nothing here ever sends."""

import shlex
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Strict, tell
from genesis_ops.cli.options import load_settings
from genesis_ops.errors import GenesisError, LockHeld, Refused, Unreachable, UsageRefused, typed
from genesis_ops.report.formats import Format
from genesis_ops.words import visible

if TYPE_CHECKING:
    from pathlib import Path

    from genesis_ops.collect.journal import Read
    from genesis_ops.journal.book import Order
    from genesis_ops.settings import Settings

app = typer.Typer(
    help="The paper orders of the phase, by their journal.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)

RESOLVE = "orders-resolve"
"""The action's name among the operations."""
_LONGEST_REASON = 500
_PATIENCE_SECONDS = 2.0
_MOST_NAMED = 8


class Rendering(StrEnum):
    """For whom orders are written."""

    TEXT = "text"
    JSON = "json"


LogDir = Annotated[str | None, typer.Option(help="Where the journal is.")]
Rendered = Annotated[Rendering, typer.Option("--format", help="text, or json for scripts")]
Name = Annotated[str, typer.Argument(metavar="ID", help="An order, such as 20260205-1300, or a part such as 1300.")]


@app.command("list")
def show_all(ctx: typer.Context, *, log_dir: LogDir = None, output: Rendered = Rendering.TEXT) -> None:
    """List every order of the phase and what came of it."""
    settings = load_settings(ctx, log_dir=log_dir).settings

    from genesis_ops.cli.pages import put
    from genesis_ops.report.orders import Shown, as_json, table

    read, sending = _read(settings)
    orders = tuple(read.book.orders.values())
    place = settings.shown(settings.log_dir)
    if output is Rendering.JSON:
        typer.echo(as_json(orders, sending), nl=False)
    elif not read.entries:
        typer.echo(visible(f"no journal of orders in {place}: nothing was ever ordered from here"))
    else:
        put(lambda page: table(Shown(orders, place, sending), page))


@app.command()
def show(ctx: typer.Context, name: Name, *, log_dir: LogDir = None, output: Rendered = Rendering.TEXT) -> None:
    """Show an order's intent, request, reply and wallets."""
    settings = load_settings(ctx, log_dir=log_dir).settings

    from genesis_ops.cli.pages import put
    from genesis_ops.report.orders import one, one_as_json

    read, sending = _read(settings)
    order = _named(read, name, settings)
    records = read.records_of(order.id)
    if output is Rendering.JSON:
        typer.echo(one_as_json(order, records, sending), nl=False)
    else:
        put(lambda page: one(order, records, page, sending))


@app.command()
def resolve(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    name: Name,
    *,
    filled: Annotated[bool, typer.Option("--filled", help="It is known to have been filled.")] = False,
    not_filled: Annotated[bool, typer.Option("--not-filled", help="It is known not to have been.")] = False,
    reason: Annotated[str, typer.Option(help="How that is known, for the record.")],
    log_dir: LogDir = None,
) -> None:
    """Say on record what came of an order in doubt; sends nothing."""
    if filled is not_filled:
        raise UsageRefused("say what came of it: --filled or --not-filled, one of both", next_command=_HELP)
    reason = reason.strip()
    if not reason or len(reason) > _LONGEST_REASON:
        why = "is empty" if not reason else f"has {len(reason)} characters, and {_LONGEST_REASON} is the most"
        raise UsageRefused(f"--reason {why}: say how it is known", next_command=_HELP)
    settings = load_settings(ctx, log_dir=log_dir).settings

    order = _named(_read(settings)[0], name, settings)
    said = "--filled" if filled else "--not-filled"
    _require_owner(settings.log_dir, f"genesis-ops orders resolve {order.id} {said} --reason {shlex.quote(reason)}")
    left = _resolved(settings.log_dir, order.id, reason, filled=filled)
    typer.echo(f"order {order.id} is resolved: {'filled' if filled else 'not filled'}; nothing was sent")
    for line in _what_follows(settings.log_dir, left):
        typer.echo(line)


@app.command()
def verify(
    ctx: typer.Context,
    *,
    log_dir: LogDir = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is.")] = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
) -> None:
    """Judge whether the journal is whole, and log and state agree."""
    settings = load_settings(ctx, log_dir=log_dir, state_file=state_file).settings

    from genesis_ops.cli.patience import patience
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.journal import judge_journal

    with patience("reading the journal"):
        report = judge_journal(settings, HostClock().now_ms(), strict=strict)
    tell(report, output)


def tell_run(settings: "Settings") -> None:
    """Show what the newest live run did about orders, one by one (change request CR-001, testing 2).

    Raises:
        Unreachable: nobody can tell yet what came of one of them.
    """
    from genesis_ops.cli.pages import put
    from genesis_ops.collect.journal import whole_journal
    from genesis_ops.report.orders import doubt, one, resolve_command

    read = whole_journal(settings.log_dir)
    begin = read.book.starts[-1].number if read.book.starts else 0
    names = dict.fromkeys(str(entry.record.content["id"]) for entry in read.entries[begin:])
    if not names:
        typer.echo("the candles of this run asked for no order")
        return
    drawn = [(read.book.orders[name], read.records_of(name)) for name in names]
    put(lambda page: (line for order, records in drawn for line in (*one(order, records, page), ())))
    if stuck := [order for order, _ in drawn if order.unresolved]:
        raise Unreachable(doubt(stuck[0]), next_command=resolve_command(stuck[0]))


_HELP = "genesis-ops orders resolve --help"


def _read(settings: "Settings") -> "tuple[Read, frozenset[str]]":
    """Read the journal, and name the orders whose request is under way at this moment."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.journal import being_sent, whole_journal

    read = whole_journal(settings.log_dir)
    return read, being_sent(read.book, settings.log_dir, settings, HostClock().now_ms())


def _named(read: "Read", name: str, settings: "Settings") -> "Order":
    """Find an order by its name, or by a part of it that only one begins or ends with.

    Raises:
        UsageRefused: there is none, or there are several.
    """
    orders = read.book.orders
    found = [each for each in orders if each == name or (name and each.startswith(name)) or each.endswith(name or "-")]
    if name in orders or len(found) == 1:
        return orders[name if name in orders else found[0]]
    known = found or list(orders)
    what = f"{len(found)} orders begin or end with '{visible(name)}'" if found else f"no order is '{visible(name)}'"
    more = f" and {len(known) - _MOST_NAMED} before them" if len(known) > _MOST_NAMED else ""
    named = f"{', '.join(known[-_MOST_NAMED:])}{more}"
    note = named if known else visible(f"there is no order in {settings.shown(settings.log_dir)}")
    raise UsageRefused(what, notes=(note,), next_command="genesis-ops orders list")


def _resolved(log_dir: "Path", name: str, reason: str, *, filled: bool) -> tuple[str, ...]:
    """Resolve an order under the journal's lock, and name those that are still in doubt.

    The operation is recorded first: were it last, a stop in between would leave a resolution that nobody could repeat
    and that the operations do not know; so it leaves an order in doubt, and the same command finishes the work.

    Raises:
        Refused: it is not in doubt.
        LockHeld: an order is being sent at this moment.
        WriteFailed: a record is not on the disk.
    """
    import time

    from genesis_ops.journal.journal import Journal
    from genesis_ops.journal.record import Kind
    from genesis_ops.runner.orders import KILLED
    from genesis_ops.state.operations import record, who

    def now_ms() -> int:
        return time.time_ns() // 1_000_000

    journal = Journal(log_dir, now_ms)
    try:
        with journal.held("genesis-ops orders resolve", _PATIENCE_SECONDS) as book:
            order = book.orders[name]
            if not order.unresolved:
                raise _not_in_doubt(order)
            record(log_dir, now_ms(), RESOLVE, [reason], order=name, filled=filled, label=str(order.label))
            if order.label is Kind.ARMED:
                journal.append(Kind.UNKNOWN, id=name, reason=KILLED)
            journal.append(Kind.RESOLVED, id=name, filled=filled, by=who(), reason=reason)
            return tuple(doubt.id for doubt in book.unresolved)
    except LockHeld as error:
        raise _busy(error, log_dir) from error


def _what_follows(log_dir: "Path", left: tuple[str, ...]) -> tuple[str, ...]:
    from genesis_ops.state.latch import read_latch

    if left:
        return (f"no order is sent yet, {len(left)} still in doubt: {left[0]}", "next: genesis-ops orders list")
    if read_latch(log_dir) is not None:
        return ("no order is in doubt; the stop latch is set all the same", 'next: genesis-ops resume --reason "..."')
    return ("no order is in doubt; a live runner goes on at its next poll", "next: genesis-ops orders verify")


def _require_owner(log_dir: "Path", command: str) -> None:
    """Refuse to write as another user than the runner: a file of the day that only root may write would end it.

    Raises:
        Refused: the journal is somebody else's.
    """
    import os

    from genesis_ops.collect.journal import journal_files

    if not hasattr(os, "geteuid"):
        return
    owner = (log_dir / journal_files(log_dir)[-1]).stat().st_uid
    if owner == os.geteuid():
        return
    import pwd
    from contextlib import suppress

    user = f"'#{owner}'"
    with suppress(KeyError):
        user = pwd.getpwuid(owner).pw_name
    raise Refused(
        visible(f"the journal belongs to {user}, and what another user writes could not be written on"),
        next_command=f"sudo -u {user} {command}",
    )


def _not_in_doubt(order: "Order") -> GenesisError:
    if order.resolved is not None:
        said = f"was resolved before: {'filled' if order.resolved else 'not filled'}, says {order.resolved_by}"
    else:
        wallets = "" if order.fill is None else f", the wallets say: {order.fill}"
        said = f"is not in doubt: it is {order.label.upper()}{wallets}"
    return Refused(visible(f"{order.id} {said}"), next_command=f"genesis-ops orders show {order.id}")


def _busy(error: LockHeld, log_dir: "Path") -> LockHeld:
    """Say that it passes by itself: whoever holds the journal is not to be stopped now."""
    notes = ("a request can take 90 s; its outcome is written before the journal is free again", *error.notes[:1])
    return LockHeld(error.message, notes=notes, next_command=f"genesis-ops orders list --log-dir {typed(log_dir)}")
