"""genesis-ops resume: clear the stop latch, on record."""

import shlex
from typing import Annotated

import typer

from genesis_ops.cli.options import load_settings
from genesis_ops.errors import Refused, UsageRefused
from genesis_ops.words import visible


def resume(
    ctx: typer.Context,
    *,
    reason: Annotated[str, typer.Option(help="What was found and done, for the record.")],
    log_dir: Annotated[str | None, typer.Option(help="Where the logs and the latch are.")] = None,
) -> None:
    """Clear the stop latch, so that a runner may start again; who did it and why is recorded."""
    if not reason.strip():
        raise UsageRefused("--reason is empty: say what was found and done", next_command="genesis-ops resume --help")
    settings = load_settings(ctx, log_dir=log_dir).settings

    import time

    from genesis_ops.state.latch import clear_latch, read_latch
    from genesis_ops.state.operations import RESUME, record

    at_ms = time.time_ns() // 1_000_000  # before the latch is read: what comes later has not been seen
    latch = read_latch(settings.log_dir)
    if latch is None:
        typer.echo(visible(f"no stop latch is set in {settings.shown(settings.log_dir)}: nothing to clear"))
        return
    record(settings.log_dir, at_ms, RESUME, [reason.strip()], latch=latch._asdict())  # first: no record, no resume
    if not clear_latch(settings.log_dir, latch):
        again = "" if log_dir is None else f" --log-dir {shlex.quote(log_dir)}"
        raise Refused(
            "the stop latch stays: another reason was added while it was to be cleared",
            next_command=f'genesis-ops resume{again} --reason "..."',
        )
    for line in ("the stop latch is cleared; a runner may start again. It was set:", *latch.lines()):
        typer.echo(line)
