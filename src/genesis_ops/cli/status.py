"""genesis-ops status: how the phase is going, on one screen, in five seconds."""

import gc
import os
import sys
from enum import StrEnum
from typing import Annotated, NoReturn

import typer

from genesis_ops.cli.options import load_settings
from genesis_ops.errors import UsageRefused
from genesis_ops.settings import Settings

EVERY_SECONDS = 5.0
"""How long lies between two looks; the API shows the same wallets for so long (contract §4)."""


class Rendering(StrEnum):
    """For whom the status is written."""

    TEXT = "text"
    JSON = "json"


def status(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 5 s, until Ctrl-C.")] = False,
    log_dir: Annotated[str | None, typer.Option(help="Where the logs are.")] = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is.")] = None,
    api_url: Annotated[str | None, typer.Option(help="The Genesis API.")] = None,
    output: Annotated[Rendering, typer.Option("--format", help="text, or json for scripts")] = Rendering.TEXT,
) -> None:
    """Show how the phase is going on one screen: it judges nothing, and ends with 0 whatever it shows."""
    if watch:
        _require_screen(output)
    settings = load_settings(ctx, log_dir=log_dir, state_file=state_file, api_url=api_url).settings
    if watch:
        _watch(settings)
    gc.disable()  # one look is over before there is anything worth collecting

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.status import look

    seen = look(settings, HostClock())
    if output is Rendering.JSON:
        from genesis_ops.report.status import as_json

        typer.echo(as_json(seen), nl=False)
        return

    from genesis_ops.cli.screens import put
    from genesis_ops.report.status import lines

    put(lambda page: lines(seen, page))


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _require_screen(output: Rendering) -> None:
    """Refuse to refresh what cannot be.

    Raises:
        UsageRefused: the output is no terminal, or one that cannot be drawn over, or JSON was asked for.
    """
    if output is Rendering.JSON or not _is_terminal() or os.environ.get("TERM") == "dumb":
        raise UsageRefused(
            "flag --watch: only a terminal can be drawn over, and only with text", next_command="genesis-ops status"
        )


def _watch(settings: Settings) -> NoReturn:
    from genesis_ops.cli.watching import Draw, watch
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.status import look
    from genesis_ops.report.status import fitted, lines

    clock = HostClock()

    def looked() -> Draw:
        seen = look(settings, clock)
        return lambda page, height: fitted(lines(seen, page), page, height)

    watch(looked, sys.stdout, clock.wait, EVERY_SECONDS)
