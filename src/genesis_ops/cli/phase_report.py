"""genesis-ops phase-report: how the phase went, for the people who decide about the champion."""

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli.judging import OutputFormat, Strict, end, show, write
from genesis_ops.cli.options import load_settings
from genesis_ops.cli.pages import put
from genesis_ops.cli.patience import patience
from genesis_ops.cli.window import moment_ms
from genesis_ops.errors import GenesisError, UsageRefused, write_failed
from genesis_ops.report.formats import Format
from genesis_ops.words import visible

if TYPE_CHECKING:
    from genesis_ops.report.phase_facts import PhaseFacts
    from genesis_ops.settings import Settings

_EXAMPLE = "genesis-ops phase-report --until 2026-02-19T00:00:00Z"


def phase_report(  # noqa: PLR0913 - one parameter an option (contract §6)
    ctx: typer.Context,
    *,
    until: Annotated[str, typer.Option(help="Up to when: now, last (the newest line) or an ISO time.")] = "now",
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML file, too.")] = None,
    log_dir: Annotated[str | None, typer.Option(help="Where the logs are.")] = None,
    state_file: Annotated[str | None, typer.Option(help="Where the state is.")] = None,
    output: OutputFormat = Format.TEXT,
    strict: Strict = False,
) -> None:
    """Judge the phase so far, hour by hour, and say what a promotion has to answer (runbook, Day 42)."""
    settings = load_settings(ctx, log_dir=log_dir, state_file=state_file).settings
    gc.disable()  # a judgement is over before there is anything worth collecting

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.phase import judge_phase
    from genesis_ops.report.phase_facts import facts

    now_ms = HostClock().now_ms()
    with patience("reading the phase"):
        look = judge_phase(settings, _until_ms(settings, until, now_ms), now_ms, strict=strict)
        found = facts(look.report, look.evidence)
    failure = None if html is None else _written(html, found, settings)
    closing = f"html: {html}" if html is not None and failure is None else ""
    overruled = None if failure is None else failure.exit_code
    found = found._replace(report=found.report._replace(closing=closing, overruled=overruled))
    _show(found, output)
    if failure is not None and output is not Format.NAGIOS:
        raise failure
    if failure is not None:
        typer.echo(f"genesis-ops: {visible(failure.message)}", err=True)
    end(found.report, output)


def _until_ms(settings: "Settings", until: str, now_ms: int) -> int:
    from genesis_ops.collect.judgement import newest_line_ms

    if until == "now":
        return now_ms
    if until == "last":
        return newest_line_ms(settings.log_dir) or now_ms
    return moment_ms("--until", until, now_ms, _EXAMPLE)


def _written(target: Path, found: "PhaseFacts", settings: "Settings") -> GenesisError | None:
    """Write the file whole or not at all, and say where it is; what was there before stays where that fails.

    It holds no secret, whatever log and operators wrote.

    Raises:
        UsageRefused: something has the name that is no file, such as a device, and would be replaced by one.
    """
    from genesis_ops.collect.known_secrets import known_secrets
    from genesis_ops.durable import put_in_place, sync_directory
    from genesis_ops.keep.clean import cleaned
    from genesis_ops.report.phase_html import phase_html

    if os.path.lexists(target) and not os.path.isfile(target):  # noqa: PTH113 - Path.is_file raises where none may look
        raise UsageRefused(
            f"--html {visible(str(target))} is not a plain file",
            next_command="genesis-ops phase-report --html phase.html",
        )
    try:
        raw = cleaned(phase_html(found), known_secrets(settings), "the page").encode("utf-8")
        put_in_place(target, raw)
        sync_directory(target.parent)
    except GenesisError as error:
        return error
    except (OSError, ValueError) as error:
        return write_failed(target, error if isinstance(error, OSError) else OSError(str(error)))
    typer.echo(visible(f"genesis-ops: {target} ({len(raw) // 1000} kB)"), err=True)
    return None


def _show(found: "PhaseFacts", output: Format) -> None:
    if output is Format.TEXT:
        from genesis_ops.report.phase import lines

        put(lambda page: lines(found, page))
    elif output is Format.MARKDOWN:
        from genesis_ops.report.phase_markdown import phase_markdown

        write(phase_markdown(found))
    elif output is Format.JSON:
        from genesis_ops.report.phase_json import phase_json

        write(phase_json(found))
    else:
        show(found.report, output)
