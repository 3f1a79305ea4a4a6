"""genesis-ops drill: can every alarm go off on this installation, and does a crash cost an order."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Quiet, end, show
from genesis_ops.cli.options import load_settings
from genesis_ops.errors import GenesisError, WriteFailed
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

    from genesis_ops.rehearsal.drill import drill as prove

    report = _held(lambda watch: prove(_market(settings), _now_ms(), watch))
    failure: GenesisError | None = None
    try:
        closing, notes = _recorded(settings, report)
    except GenesisError as error:
        failure, closing, notes = error, "record: none", ()
    overruled = report.overruled if failure is None else failure.exit_code
    report = report._replace(closing=closing, notes=notes, overruled=overruled)
    show(report, output, quiet=quiet)
    if failure is not None and output is not Format.NAGIOS:
        raise failure
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
    """Hold a drill and show how far it is; one that finds no room says what to do."""
    try:
        with _progress() as watch:
            return drilled(watch)
    except KeyboardInterrupt:
        typer.echo("genesis-ops: interrupted; nothing is left of the drill", err=True)
        raise
    except OSError as error:
        raise WriteFailed(
            visible(f"the drill finds no room for its temporary files: {error.strerror or error}"),
            next_command="TMPDIR=<a directory with 100 MB> genesis-ops drill",
        ) from error


def _recorded(settings: "Settings", report: "Report") -> tuple[str, tuple[str, ...]]:
    """Keep the record beside the logs; give what the report says of it, and its notes.

    Raises:
        WriteFailed: the record did not reach the disk.
    """
    from genesis_ops.checks.model import Outcome
    from genesis_ops.state.drill import DrillRecord, write_drill

    if not settings.log_dir.is_dir():
        shown = settings.shown(settings.log_dir)
        return "record: none", (f"no record, so that no acceptance can name this drill: there is no {shown}",)
    proven = sum(judged.outcome is Outcome.PASS for judged in report.checks)
    record = DrillRecord(report.version, report.generated_ms, len(report.checks), proven)
    return f"record: {write_drill(settings.log_dir, record).name}", ()


@contextmanager
def _progress() -> "Iterator[Watch]":
    """Say on a terminal what is tried now; anywhere else nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda *_: None
        return

    from rich.console import Console

    with Console(stderr=True).status("drill") as status:
        yield lambda done, count, name: status.update(f"drill  {done} of {count}  {name}")
