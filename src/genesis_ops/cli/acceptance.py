"""genesis-ops acceptance: did the dry-run hold for a whole window."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Strict, end, show
from genesis_ops.cli.options import load_settings
from genesis_ops.cli.patience import patience
from genesis_ops.cli.window import length_ms, moment_ms
from genesis_ops.report.formats import Format
from genesis_ops.words import visible

if TYPE_CHECKING:
    from genesis_ops.collect.judgement import Judgement
    from genesis_ops.settings import Settings

_EXAMPLE = "genesis-ops acceptance --window 24h --until last"


def acceptance(  # noqa: PLR0913 - one parameter an option (contract §6)
    ctx: typer.Context,
    *,
    window: Annotated[str, typer.Option(help="How long the judged stretch is, such as 24h or 90m.")] = "24h",
    until: Annotated[
        str | None, typer.Option(help="Its end: now, last (the newest line) or an ISO time; with --from: last.")
    ] = None,
    log_dir: Annotated[str | None, typer.Option(help="Where the logs are.")] = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is.")] = None,
    copied: Annotated[
        Path | None, typer.Option("--from", help="Judge a copy: a directory of logs, a root, or an archive of one.")
    ] = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
) -> None:
    """Judge a dry-run by the ten checks of the runbook and its heartbeat (runbook Day 1); PASS writes a receipt."""
    window_ms = length_ms("--window", window, _EXAMPLE)
    settings = load_settings(ctx, log_dir=log_dir, state_file=state_file).settings
    gc.disable()  # a judgement is over before there is anything worth collecting

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.judgement import Asked, judge_acceptance, newest_line_ms
    from genesis_ops.collect.where import source
    from genesis_ops.errors import GenesisError

    clock = HostClock()
    now_ms = clock.now_ms()
    if until is None:
        until = "now" if copied is None else "last"
    with patience("reading the log"), source(settings, copied) as where:
        if until == "last":
            end_ms = newest_line_ms(where.log_dir) or now_ms
        else:
            end_ms = now_ms if until == "now" else moment_ms("--until", until, now_ms, _EXAMPLE)
        judgement = judge_acceptance(settings, where, Asked(end_ms - window_ms, end_ms, now_ms, strict), clock)
    failure: GenesisError | None = None
    closing = "receipt: none"
    if copied is None and not judgement.report.exit_code:
        try:
            closing = f"receipt: {_receipt(settings, judgement)}"
        except GenesisError as error:
            failure = error
    report = judgement.report._replace(closing=closing, overruled=None if failure is None else failure.exit_code)
    show(report, output)
    if failure is not None and output is not Format.NAGIOS:
        raise failure
    if failure is not None:
        typer.echo(f"genesis-ops: {visible(failure.message)}", err=True)
    end(report, output)


def _receipt(settings: "Settings", judgement: "Judgement") -> str:
    from genesis_ops.collect.certificate import certify
    from genesis_ops.state.drill import told_drill

    report = judgement.report
    drilled = told_drill(settings.log_dir, report.version, report.generated_ms)
    return f"{certify(settings, judgement).name}, {drilled}"
