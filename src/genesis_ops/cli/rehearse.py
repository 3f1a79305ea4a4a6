"""genesis-ops rehearse: hours of dry-run or the whole phase in seconds, and what they looked like."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.options import load_settings
from genesis_ops.errors import UsageRefused

if TYPE_CHECKING:
    from rich.console import Console

    from genesis_ops.rehearsal.day import Rehearsed
    from genesis_ops.runlog.tally import Tally

_LONGEST_HOURS = 42 * 24
_LONGEST_DAYS = 42
_USUAL_HOURS = 24
_MOST_AT_ONCE = 100
_EXAMPLE = "genesis-ops rehearse --days 42 --chaos"


def rehearse(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    *,
    hours: Annotated[
        int | None, typer.Option(help="How long the dry-run alone is; default: 24.", min=1, max=_LONGEST_HOURS)
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Rehearse the whole phase, so many days of it.", min=1, max=_LONGEST_DAYS)
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same market and the same logs.")] = 7,
    into: Annotated[
        Path | None, typer.Option(help="A new directory, which becomes a root; default: below logs/rehearsal/.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="NAME@2h+30m after the start; repeatable; see: --list-faults.")
    ] = None,
    chaos: Annotated[bool, typer.Option("--chaos", help="With --days: faults at random, from the seed.")] = False,
    svg: Annotated[Path | None, typer.Option(help="With --days: draw the screen into this file, too.")] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="Name every fault, and who has to notice it within what time.")
    ] = False,
) -> None:
    """Rehearse a day or the whole phase with the real code against the sandbox, on a clock that does not wait."""
    if list_faults:
        _list_faults()
    elif days is not None:
        if hours is not None:
            raise UsageRefused("--hours is a dry-run alone, and --days the whole phase", next_command=_EXAMPLE)
        _phase(ctx, into, days, seed, tuple(fault or ()), svg, chaos=chaos)
    elif chaos or svg is not None:
        raise UsageRefused(f"--{'chaos' if chaos else 'svg'} needs a whole phase: --days", next_command=_EXAMPLE)
    else:
        _dry_run(ctx, hours or _USUAL_HOURS, seed, fault or (), into)


def _list_faults() -> None:
    from genesis_ops.cli.pages import put
    from genesis_ops.rehearsal.mishaps import TABLE
    from genesis_ops.report.campaign import listed_faults

    put(lambda page: listed_faults([mishap.told() for mishap in TABLE], page))


def _phase(  # noqa: PLR0913, PLR0917 - what a phase is asked for
    ctx: typer.Context,
    into: Path | None,
    days: int,
    seed: int,
    faults: tuple[str, ...],
    svg: Path | None,
    *,
    chaos: bool,
) -> None:
    from genesis_ops.cli.pages import require_place
    from genesis_ops.cli.rehearse_phase import run_phase
    from genesis_ops.rehearsal.campaign import Asked, require_possible

    asked = Asked(days, seed, faults, chaos)
    require_place(svg)
    require_possible(asked)  # before a directory is taken
    run_phase(into or _default_root(load_settings(ctx).settings.root, f"{days}d", seed), asked, svg)


def _require_no_phase(faults: Sequence[str]) -> None:
    """Refuse a fault that only a whole phase has."""
    from genesis_ops.rehearsal.mishaps import scheduled
    from genesis_ops.sandbox.faults import FAULTS

    for text in faults:
        if (name := scheduled(text, 0).mishap.name) not in FAULTS:
            raise UsageRefused(f"{name} needs a whole phase: --days", next_command=f"{_EXAMPLE} --fault {name}@30h")


def _dry_run(ctx: typer.Context, hours: int, seed: int, faults: Sequence[str], into: Path | None) -> None:
    import time

    from rich.console import Console

    from genesis_ops.collect.where import ended_by_term
    from genesis_ops.rehearsal.day import rehearse as run
    from genesis_ops.words import visible

    _require_no_phase(faults)
    root = into or _default_root(load_settings(ctx).settings.root, f"{hours}h", seed)
    began = time.monotonic()
    try:
        with ended_by_term(), _progress(Console(stderr=True), f"rehearsing {hours}h") as watch:
            rehearsed = run(root, hours=hours, seed=seed, faults=faults, watch=watch)
    except (KeyboardInterrupt, SystemExit):
        typer.echo(f"genesis-ops: interrupted; what was rehearsed so far is in {visible(str(root))}", err=True)
        raise
    _show(Console(highlight=False), rehearsed, time.monotonic() - began)
    if rehearsed.ended_by is not None:
        raise rehearsed.ended_by


def _default_root(root: Path, length: str, seed: int) -> Path:
    """Take a new directory, the next free one where two begin in the same second.

    Raises:
        WriteFailed: it cannot be made.
    """
    import time

    from genesis_ops.errors import write_failed

    name = f"{time.strftime('%Y%m%d_%H%M%S', time.gmtime())}Z_{length}_seed{seed}"
    for number in range(1, _MOST_AT_ONCE):
        path = root / "logs" / "rehearsal" / (name if number == 1 else f"{name}_{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise write_failed(path, error) from error
        return path
    raise UsageRefused(f"{name} is taken", next_command="the same with --into <a new directory>")


@contextmanager
def _progress(console: "Console", text: str) -> Iterator[Callable[[float], None]]:
    """Show a bar on a terminal, at most twenty times a second; anywhere else nothing."""
    if not console.is_terminal:
        yield lambda _: None
        return

    import time

    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(40),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task(text, total=1.0)
        shown = 0.0

        def watch(part: float) -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown >= 0.05:  # noqa: PLR2004 - drawing more often costs more than the polls
                shown = now
                progress.update(task, completed=part, refresh=True)

        yield watch


def _show(console: "Console", rehearsed: "Rehearsed", seconds: float) -> None:
    """Draw the day from what stands in the log, and say where everything lies."""
    from rich.text import Text

    from genesis_ops.cli.rehearse_phase import typed_from_here
    from genesis_ops.report.picture import can_show, legend, picture
    from genesis_ops.runlog.files import log_files
    from genesis_ops.runlog.reader import LogReader
    from genesis_ops.runlog.tally import tally
    from genesis_ops.words import stamp

    settings = rehearsed.settings
    files = log_files(settings.log_dir)
    lines = LogReader(files, rehearsed.start_ms, rehearsed.end_ms)
    seen = tally(lines, settings.timeframe, rehearsed.start_ms, rehearsed.end_ms)
    unicode = can_show(console.encoding)
    span = f"{stamp(rehearsed.start_ms)[:16]} to {stamp(rehearsed.end_ms)[:16]} UTC"
    console.print(Text(f"Rehearsal  dry-run  {span}  {settings.symbol} {settings.timeframe}", style="bold"))
    console.print(Text("          00    03    06    09    12    15    18    21", style="dim"))
    for row in picture(seen.hours, unicode=unicode):
        console.print(Text.assemble(f"  {row.label}  ", *((cell.mark * 2, cell.style) for cell in row.cells)))
    marks = [part for cell, name in legend(unicode=unicode) for part in ((cell.mark, cell.style), f" {name}  ")]
    console.print(Text.assemble("          ", *marks))
    for name, value in _numbers(seen, rehearsed, sum(file.path.stat().st_size for file in files), seconds):
        console.print(Text(f"  {name:<12}{value}"))
    log, root = typed_from_here(files[-1].path), typed_from_here(settings.root)
    console.print(Text(f"  look         less {log}"), soft_wrap=True)
    console.print(Text(f"  go on        genesis-ops --root {root} config show"), soft_wrap=True)


def _numbers(seen: "Tally", rehearsed: "Rehearsed", size: int, seconds: float) -> list[tuple[str, str]]:
    expected = len(seen.hours)
    return [
        ("closes", f"{seen.closes} of {expected}, {seen.evaluations} evaluated, {seen.missed_candles} missed"),
        ("orders", f"{seen.submissions} submitted, {seen.would_be_orders} would have been (dry-run)"),
        ("polls", f"{rehearsed.polls:,}, {seen.heartbeats} heartbeats, {seen.fetch_errors} failed"),
        ("fatal", f"{seen.fatal}, {seen.not_understood} lines not understood"),
        ("log", f"{size / 1e6:.1f} MB in {seconds:.1f} s"),
    ]
