"""The screen of a whole rehearsed phase: a live line or two while it goes on, and the report at its end."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from genesis_ops.cli.pages import put, record, require_place
from genesis_ops.collect.where import ended_by_term
from genesis_ops.errors import typed
from genesis_ops.words import visible

if TYPE_CHECKING:
    from datetime import date

    from rich.table import Table

    from genesis_ops.rehearsal.campaign import Asked, Progress
    from genesis_ops.report.campaign import Place
    from genesis_ops.settings import Settings

    Watch = Callable[[Progress], None]

_SHOWN_EVENTS = 8
_EVERY_SECONDS = 0.1


def run_phase(root: Path, asked: "Asked", picture: Path | None = None) -> None:
    """Rehearse a phase, show it, as a ``picture`` too if one is named, and end with its exit code.

    Raises:
        GenesisError: the root is taken or cannot be written, a fault is unknown, or the picture has no place.
    """
    import time

    from genesis_ops.rehearsal.campaign import rehearse_phase
    from genesis_ops.report.campaign import lines

    require_place(picture)
    began = time.monotonic()
    try:
        with ended_by_term(), _live() as watch:
            host, found = rehearse_phase(root, asked, watch)
    except (KeyboardInterrupt, SystemExit):
        typer.echo(f"genesis-ops: interrupted; what was rehearsed so far is in {visible(str(root))}", err=True)
        raise
    places = _places(host.settings, time.monotonic() - began)
    put(lambda page: lines(found, places, page))
    if picture is not None:
        record(picture, lambda page: lines(found, places, page), f"A rehearsed phase of {found.days} days")
    raise typer.Exit(found.exit_code)


def _places(settings: "Settings", seconds: float) -> "tuple[Place, ...]":
    from genesis_ops.rehearsal.campaign import TIMELINE
    from genesis_ops.report.campaign import Place
    from genesis_ops.runlog.files import log_files
    from genesis_ops.state.snapshots import directory

    files = log_files(settings.log_dir)
    size = sum(file.path.stat().st_size for file in files) / 1e6
    return (
        Place("root", from_here(settings.root)),
        Place("logs", f"{from_here(settings.log_dir)}      {len(files)} files, {size:.1f} MB, in {seconds:.1f} s"),
        Place("snapshots", from_here(directory(settings.log_dir))),
        Place("summaries", from_here(settings.summary_file(settings.phase_start).parent)),
        Place("timeline", from_here(settings.root / TIMELINE)),
        Place("go on", f"genesis-ops --root {typed_from_here(settings.root)} phase-report --html phase.html"),
    )


def from_here(path: Path) -> str:
    """Write a path as short as it can be in this directory, fit for a terminal."""
    return visible(str(_shortest(path)))


def typed_from_here(path: Path) -> str:
    """Write a path as a shell in this directory wants it typed, fit for a terminal."""
    return visible(typed(_shortest(path)))


def _shortest(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@contextmanager
def _live() -> "Iterator[Watch]":
    """Show the phase while it goes on, on a terminal; anywhere else nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    import time

    from rich.console import Console
    from rich.live import Live

    shown = 0.0
    with Live(
        console=Console(stderr=True, highlight=False),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:

        def watch(progress: "Progress") -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown >= _EVERY_SECONDS:
                shown = now
                live.update(_drawn(progress), refresh=True)

        yield watch


def _drawn(progress: "Progress") -> "Table":
    """Draw where the phase is, and what happened last."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    from genesis_ops.report.campaign import moment

    host = progress.host
    now_ms = host.stage.true_ms
    part = (now_ms - progress.start_ms) / (progress.end_ms - progress.start_ms)
    day = host.settings.told_day(_date(now_ms))
    orders = len(host.sandbox.account.fills)
    runner = str(host.mode) if host.stage.lives else "no runner"
    grid = Table.grid()
    done = f"{host.closes} closes  {orders} orders"
    grid.add_row(Text(f"{moment(now_ms)} UTC  {day}  {runner}  {done}", style="bold"))
    grid.add_row(ProgressBar(total=1.0, completed=part, width=60))
    for event in progress.events[-_SHOWN_EVENTS:]:
        style = "yellow" if event.bad else "dim"
        line = f"{'!' if event.bad else ' '} {event.told()}"
        grid.add_row(Text(visible(line), style=style, no_wrap=True, overflow="ellipsis"))
    return grid


def _date(ms: int) -> "date":
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).date()
