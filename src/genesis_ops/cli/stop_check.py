"""genesis-ops stop-check: does one of the runbook's abort conditions hold, and if asked, act on it."""

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Quiet, Strict, end, show
from genesis_ops.cli.options import load_settings
from genesis_ops.cli.patience import patience
from genesis_ops.cli.window import moment_ms
from genesis_ops.errors import GenesisError, UsageRefused
from genesis_ops.report.formats import Format
from genesis_ops.words import Exit, visible

if TYPE_CHECKING:
    from genesis_ops.collect.judgement import Asked
    from genesis_ops.collect.where import Source
    from genesis_ops.enforce.steps import Step
    from genesis_ops.settings import Settings

_EXAMPLE = "genesis-ops stop-check --since 2026-02-04"


def stop_check(  # noqa: PLR0913 - one parameter an option (contract §6)
    ctx: typer.Context,
    *,
    since: Annotated[str | None, typer.Option(help="From when on everything counts; default: Day 0.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to when: now, last (the newest line) or an ISO time.")] = None,
    enforce: Annotated[
        bool, typer.Option("--enforce", help="Where a condition holds: set the stop latch and stop the runner.")
    ] = False,
    log_dir: Annotated[str | None, typer.Option(help="Where the logs are.")] = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is.")] = None,
    copied: Annotated[
        Path | None, typer.Option("--from", help="Judge a copy: a directory of logs, a root, or an archive of one.")
    ] = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Look for the six abort conditions over the whole phase so far (runbook, STOP if FAIL)."""
    if enforce and (copied is not None or until is not None):
        raise UsageRefused(
            "--enforce acts on this host as it is now: not with --from or --until", next_command=_EXAMPLE
        )
    settings = load_settings(ctx, log_dir=log_dir, state_file=state_file).settings
    gc.disable()  # a judgement is over before there is anything worth collecting

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.judgement import Asked, day_zero_ms, has_begun, judge_stop, newest_line_ms, phase_end_ms
    from genesis_ops.collect.where import source

    now_ms = HostClock().now_ms()
    if quiet and not has_begun(settings, now_ms):
        return
    start_ms = day_zero_ms(settings) if since is None else moment_ms("--since", since, now_ms, _EXAMPLE)
    if until is None:
        until = "now" if copied is None else "last"
    with patience("reading the log"), source(settings, copied) as where:
        if until == "last":
            end_ms = newest_line_ms(where.log_dir) or now_ms
        elif until == "now":
            end_ms = min(now_ms, max(start_ms, phase_end_ms(settings)))  # nobody has to trade after the phase
        else:
            end_ms = moment_ms("--until", until, now_ms, _EXAMPLE)
        if since is not None and end_ms < start_ms:
            raise UsageRefused("--since lies after --until", next_command=_EXAMPLE)
        asked = Asked(start_ms, end_ms, now_ms, strict)
        report = judge_stop(settings, where, asked).report
    with patience("stopping the runner"):
        failed = _enforce(ctx, settings, where, asked) if enforce else 0
    report = report._replace(overruled=Exit(failed) if failed else None)
    show(report, output, quiet=quiet)
    end(report, output)


def _enforce(ctx: typer.Context, settings: "Settings", where: "Source", asked: "Asked") -> int:
    """Act on the conditions that hold since an operator last resumed; tell every step on stderr as it ends."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.judgement import standing_reasons
    from genesis_ops.enforce.act import enforce
    from genesis_ops.enforce.host import Host

    reasons = standing_reasons(settings, where, asked)
    if not reasons:
        return 0
    try:
        done = enforce(settings, reasons, Host(settings), HostClock(), told=_tell)
    except KeyboardInterrupt:
        raise _interrupted(ctx, settings) from None
    return 0 if done.complete else int(done.exit_code)


def _tell(step: "Step") -> None:
    line = f"genesis-ops: {'done' if step.done else 'FAILED'}: {step.name}: {visible(step.detail)}"
    typer.echo(line, file=sys.stderr)  # not err=True, which writes into the sign of life that stands there meanwhile


def _interrupted(ctx: typer.Context, settings: "Settings") -> GenesisError:
    """Say where an interruption leaves the runner, and how to go on in the same place."""
    import shlex

    from genesis_ops.state.latch import read_latch

    latch = "is set" if read_latch(settings.log_dir) else "is NOT set"
    given = [(f"--{name.replace('_', '-')}", ctx.params.get(name)) for name in ("since", "log_dir", "state_file")]
    flags = "".join(f" {flag} {shlex.quote(str(value))}" for flag, value in given if value is not None)
    error = GenesisError(
        f"interrupted: the latch {latch}, but a runner may still be at work",
        next_command=f"genesis-ops stop-check --enforce{flags}",
    )
    error.exit_code = Exit.INTERRUPTED
    return error
