"""genesis-ops host schedule: acceptances that systemd starts at their time; host scheduled is what it starts."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from genesis_ops.cli.judging import write
from genesis_ops.cli.options import load_settings
from genesis_ops.errors import UsageRefused
from genesis_ops.words import read_duration, visible

app = typer.Typer(
    help="Acceptances to come: they outlive disconnects and reboots.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)

Instant = Annotated[str, typer.Argument(metavar="INSTANT", help="The end of its window, such as 20260206_131000Z.")]
_EXAMPLE = "genesis-ops host schedule add --at +24h --window 24h"


class Rendering(StrEnum):
    """For whom the schedule is written."""

    TEXT = "text"
    JSON = "json"


@app.command()
def add(
    ctx: typer.Context,
    *,
    at: Annotated[str, typer.Option(help="The end of the window: an ISO time, 20260206_131000Z, or +24h from now.")],
    window: Annotated[str, typer.Option(help="How long the judged stretch is, such as 24h.")] = "24h",
) -> None:
    """Have a dry-run judged when its window is over (runbook Day 1)."""
    settings = load_settings(ctx).settings

    from genesis_ops.cli.window import length_ms
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.schedule import add as schedule
    from genesis_ops.host.timer import Asked

    now_ms = HostClock().now_ms()
    length_ms("--window", window, _EXAMPLE)
    asked = Asked(window, _config(ctx), settings.log_dir)
    instant = schedule(settings, _moment_ms(at, now_ms), asked, now_ms, os.environ)
    typer.echo(f"scheduled: {instant}, {window}      next: genesis-ops host schedule list")


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    output: Annotated[Rendering, typer.Option("--format", help="text, or json for scripts")] = Rendering.TEXT,
) -> None:
    """Show what is to come, what is done and with which exit code, and what was missed."""
    settings = load_settings(ctx).settings

    from genesis_ops.cli.screens import put
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.schedule import listed
    from genesis_ops.host.wire import document
    from genesis_ops.report.schedule import lines

    found = listed(settings, HostClock().now_ms())
    if output is Rendering.JSON:
        import json

        write(f"{json.dumps(document(found), indent=2)}\n")
    else:
        put(lambda page: lines(found, page))


@app.command()
def cancel(ctx: typer.Context, instant: Instant) -> None:
    """Take an acceptance off the schedule; its result stays, where there is one."""
    settings = load_settings(ctx).settings

    from genesis_ops.host.schedule import cancel as forget

    forget(settings, _checked(instant))
    typer.echo(f"cancelled: {instant}")


def scheduled(ctx: typer.Context, instant: Instant) -> None:
    """Judge the window that ends at INSTANT, and keep report and exit code in acceptance_check_INSTANT.txt."""
    settings = load_settings(ctx).settings

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.scheduled import judge
    from genesis_ops.host.timer import read

    asked = read(settings, _checked(instant))
    if config := _config(ctx):
        asked = asked._replace(config=config, log_dir=settings.log_dir)
    judged = judge(settings, instant, asked, HostClock().now_ms())
    for line in judged.said.splitlines():
        typer.echo(visible(line), err=True)
    typer.echo(visible(f"{settings.shown(judged.path)}: {judged.kept}, exit code {judged.exit_code}"))
    raise typer.Exit(judged.exit_code)


def _config(ctx: typer.Context) -> str:
    """Name the configuration file that was given; empty where it is the root's own."""
    given = (ctx.obj.config if ctx.obj else None) or os.environ.get("GENESIS_CONFIG")
    return str(Path(given).absolute()) if given else ""


def _checked(instant: str) -> str:
    """Give back the name of an instant that is one.

    Raises:
        UsageRefused: it is none; a path or an option could hide in it.
    """
    from genesis_ops.state.schedule import instant_ms

    try:
        instant_ms(instant)
    except ValueError as error:
        raise UsageRefused(str(error), next_command="genesis-ops host schedule list") from None
    return instant


def _moment_ms(text: str, now_ms: int) -> int:
    """Read a time to come in ms, rounded up to whole seconds; one without a zone is UTC.

    Raises:
        UsageRefused: it is not a time.
    """
    from datetime import UTC, datetime

    from genesis_ops.state.schedule import instant_ms

    try:
        if text.startswith("+"):
            return _whole(now_ms + read_duration(text[1:]))
        if "_" in text:
            return instant_ms(text)
        moment = datetime.fromisoformat(text.strip())
        return _whole(round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        message = f"flag --at: '{visible(text)}' is not a time such as 2026-02-06T13:10:00Z or +24h"
        raise UsageRefused(message, next_command=_EXAMPLE) from None


def _whole(ms: int) -> int:
    return -(-ms // 1000) * 1000
