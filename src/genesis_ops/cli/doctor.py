"""genesis-ops doctor: the quick-start as one command on the host."""

from typing import Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Quiet, Strict, tell
from genesis_ops.cli.options import load_settings
from genesis_ops.cli.patience import patience
from genesis_ops.report.formats import Format


def doctor(  # noqa: PLR0913 - one parameter an option (contract §6)
    ctx: typer.Context,
    *,
    log_dir: Annotated[str | None, typer.Option(help="Where the logs are.")] = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is kept.")] = None,
    api_url: Annotated[str | None, typer.Option(help="The Genesis API.")] = None,
    exchange_url: Annotated[str | None, typer.Option(help="The exchange's public API.")] = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Check user, checkout, venv, units, API, clock, disk and freeze on the host (runbook, VM SSH quick-start)."""
    settings = load_settings(
        ctx, log_dir=log_dir, state_file=state_file, api_url=api_url, exchange_url=exchange_url
    ).settings

    from genesis_ops.checks.doctor import examine
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.doctor import look

    with patience("looking at the host"):
        found = look(settings, HostClock())
    tell(examine(found, strict=strict), output, quiet=quiet)
