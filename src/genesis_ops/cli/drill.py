"""genesis-ops drill: can every alarm go off on this installation, and does a crash cost an order."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Quiet, end, show
from genesis_ops.cli.options import load_settings
from genesis_ops.errors import GenesisError
from genesis_ops.report.formats import Format
from genesis_ops.words import visible

if TYPE_CHECKING:
    from genesis_ops.checks.model import Report
    from genesis_ops.rehearsal.drill import Watch
    from genesis_ops.settings import Settings

app = typer.Typer(
    help="Prove that every check and every gate can go off, in a temporary root; nothing of the phase is touched.",
    rich_markup_mode=None,
    invoke_without_command=True,
    add_completion=False,
)


@app.callback()
def drill(
    ctx: typer.Context,
    *,
    log_dir: Annotated[str | None, typer.Option(help="Where the record of the drill is kept.")] = None,
    output: OutputFormat = Format.TEXT,
    quiet: Quiet = False,
) -> None:
    """Show each alarm what it has to notice, and that it is quiet where all is well; exit 1 if one is not proven."""
    if ctx.invoked_subcommand is not None:
        return
    settings = load_settings(ctx, log_dir=log_dir).settings

    from genesis_ops.checks.model import Outcome
    from genesis_ops.rehearsal.drill import alarms
    from genesis_ops.rehearsal.drill import drill as prove

    now_ms = _now_ms()
    failure = _failure(settings, now_ms, len(alarms()), 0)  # one that breaks off leaves no record of the one before
    report = _held(lambda watch: prove(_market(settings), now_ms, watch))
    proven = sum(judged.outcome is Outcome.PASS for judged in report.checks)
    failure = failure or _failure(settings, now_ms, len(report.checks), proven)
    report = _closed(report, settings, failure)
    show(report, output, quiet=quiet)
    if failure is not None and output is not Format.NAGIOS:
        raise failure
    if failure is not None:
        typer.echo(f"genesis-ops: {visible(failure.message)}", err=True)
    end(report, output)


@app.command()
def crash(ctx: typer.Context, *, output: OutputFormat = Format.TEXT, quiet: Quiet = False) -> None:
    """Kill the real runner at the writes and the request of an order, and show that nothing is sent twice or lost."""
    settings = load_settings(ctx).settings

    from genesis_ops.rehearsal.drill_crash import crash as kill

    report = _held(lambda watch: kill(_market(settings), _now_ms(), watch))
    show(report, output, quiet=quiet)
    end(report, output)


def _market(settings: "Settings") -> str:
    return f"{settings.symbol} {settings.timeframe}"


def _now_ms() -> int:
    from genesis_ops.clients.host_clock import HostClock

    return HostClock().now_ms()


def _held(drilled: "Callable[[Watch], Report]") -> "Report":
    """Hold a drill and show how far it is."""
    try:
        with _progress() as watch:
            return drilled(watch)
    except KeyboardInterrupt:
        typer.echo("genesis-ops: interrupted; nothing is left of the drill", err=True)
        raise


def _failure(settings: "Settings", now_ms: int, alarms: int, proven: int) -> GenesisError | None:
    """Keep the record beside the logs, if there is a place for them; give why it did not reach the disk."""
    from genesis_ops import __version__
    from genesis_ops.state.drill import DrillRecord, this_host, write_drill

    if not settings.log_dir.is_dir():
        return None
    try:
        write_drill(settings.log_dir, DrillRecord(__version__, now_ms, alarms, proven, this_host()))
    except GenesisError as error:
        return error
    return None


def _closed(report: "Report", settings: "Settings", failure: GenesisError | None) -> "Report":
    """Say at the report's end what became of the record."""
    from genesis_ops.state.drill import drill_file

    if failure is not None:
        return report._replace(closing="record: none", overruled=failure.exit_code)
    if not settings.log_dir.is_dir():
        shown = settings.shown(settings.log_dir)
        note = f"no record, so that no acceptance can name this drill: there is no {shown}"
        return report._replace(closing="record: none", notes=(note,))
    return report._replace(closing=f"record: {drill_file(settings.log_dir).name}")


@contextmanager
def _progress() -> "Iterator[Watch]":
    """Say on a terminal what is tried now; anywhere else nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda *_: None
        return

    from rich.console import Console

    with Console(stderr=True).status("drill") as status:
        yield lambda done, count, name: status.update(f"drill  {done} of {count}  {name}")
