"""genesis-ops metrics: figures and verdicts of this host's runners, for Prometheus."""

import gc
import os
from pathlib import Path
from typing import Annotated

import typer

from genesis_ops.cli.options import load_settings
from genesis_ops.words import visible


def metrics(
    ctx: typer.Context,
    *,
    textfile: Annotated[
        Path | None, typer.Option(help="Write into this file (*.prom) at once, for node_exporter; default: stdout.")
    ] = None,
) -> None:
    """Export figures and verdicts of every runner as Prometheus text; ends with 0 whatever they are."""
    settings = load_settings(ctx).settings
    gc.disable()  # one look is over before there is anything worth collecting

    from genesis_ops.cli.judging import write as show
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.metrics import exports
    from genesis_ops.keep.textfile import require_place, write
    from genesis_ops.report.metrics import render

    if textfile is not None:
        require_place(textfile)
    text = render(exports(settings, os.environ, HostClock(), _tell))
    if textfile is None:
        show(text)
    else:
        write(textfile, text)


def _tell(trouble: str) -> None:
    typer.echo(f"genesis-ops: not exported: {visible(trouble)}", err=True)
