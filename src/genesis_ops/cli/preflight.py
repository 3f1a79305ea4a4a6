"""genesis-ops preflight: is this host ready, and is its runner alive."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from genesis_ops.cli.judging import OutputFormat, Quiet, Strict, tell
from genesis_ops.cli.options import load_settings
from genesis_ops.errors import UsageRefused
from genesis_ops.report.formats import Format
from genesis_ops.words import Exit, read_duration, visible

if TYPE_CHECKING:
    from genesis_ops.collect.patience import Attempt

Show = Callable[["Attempt"], None]


def preflight(  # noqa: PLR0913 - one parameter an option (contract §6)
    ctx: typer.Context,
    *,
    wait: Annotated[str | None, typer.Option(help="Look again until all is well, at most so long, such as 3m.")] = None,
    log_dir: Annotated[str | None, typer.Option(help="Where the logs are.")] = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is kept.")] = None,
    api_url: Annotated[str | None, typer.Option(help="The Genesis API.")] = None,
    exchange_url: Annotated[str | None, typer.Option(help="The exchange's public API.")] = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Check that the API, the runner, its log, its state and its host are in order (runbook Day 0, step 2)."""
    limit_seconds = _limit(wait)
    settings = load_settings(
        ctx, log_dir=log_dir, state_file=state_file, api_url=api_url, exchange_url=exchange_url
    ).settings

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.host import look
    from genesis_ops.collect.patience import attempts

    clock = HostClock()
    last: Attempt | None = None
    try:
        with _waiting(sys.stderr, limit_seconds) as show:
            for attempt in attempts(lambda former: look(settings, clock, former), clock, limit_seconds, strict=strict):
                last = attempt
                show(attempt)
    except KeyboardInterrupt:
        _interrupted(last, output)
    if last is not None:
        if last.in_vain:
            typer.echo(f"genesis-ops: not waiting: {last.in_vain}", err=True)
        tell(last.report, output, quiet=quiet)


def _limit(wait: str | None) -> float:
    try:
        return 0.0 if wait is None else read_duration(wait) / 1000
    except ValueError as error:
        raise UsageRefused(f"flag --wait: {error}", next_command="genesis-ops preflight --wait 3m") from None


def _interrupted(last: "Attempt | None", output: Format) -> None:
    """Tell what was known when somebody had waited enough."""
    try:
        if last is not None:
            tell(last.report, output)
    except typer.Exit:
        pass
    typer.echo("genesis-ops: interrupted before all was well", err=True)
    raise typer.Exit(Exit.INTERRUPTED)


@contextmanager
def _waiting(stream: TextIO | None, limit_seconds: float) -> Iterator[Show]:
    """Show what is waited for: a live line on a terminal, anywhere else a line when it changes."""
    if stream is None or limit_seconds == 0:
        yield lambda _: None
    elif stream.isatty():
        with _live(stream, limit_seconds) as show:
            yield show
    else:
        yield _on_change(stream, limit_seconds)


@contextmanager
def _live(stream: TextIO, limit_seconds: float) -> Iterator[Show]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    with Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as live:

        def show(attempt: "Attempt") -> None:
            if attempt.waits_for:
                line = waiting_line(attempt, limit_seconds)
                live.update(Text(line, style="bold", overflow="ellipsis", no_wrap=True), refresh=True)

        yield show


def _on_change(stream: TextIO, limit_seconds: float) -> Show:
    shown: tuple[str, ...] = ()

    def show(attempt: "Attempt") -> None:
        nonlocal shown
        names = tuple(judged.id for judged in attempt.waits_for)
        if names and names != shown:
            shown = names
            print(waiting_line(attempt, limit_seconds), file=stream, flush=True)

    return show


def waiting_line(attempt: "Attempt", limit_seconds: float) -> str:
    """Say how long has been waited and for what: the first thing with its reason, the others by name."""
    first, *others = attempt.waits_for
    also = f" (and {', '.join(judged.id for judged in others)})" if others else ""
    so_far = f"{_minutes(attempt.elapsed_seconds)} of {_minutes(limit_seconds)}"
    return visible(f"waiting {so_far} for {first.id}: {first.detail}{also}")


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"
