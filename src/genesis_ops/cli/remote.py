"""genesis-ops remote: the host where the phase runs, from the machine where its operator sits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli import remote_apply, remote_reports
from genesis_ops.cli.host_papers import Service
from genesis_ops.cli.judging import OutputFormat, end, show, write
from genesis_ops.cli.options import load_settings
from genesis_ops.cli.remote_options import NoSudo, Target, ended, hint, leaving, patient, place, say, shown
from genesis_ops.errors import GenesisError, UsageRefused
from genesis_ops.report.formats import Format
from genesis_ops.words import read_duration, visible

if TYPE_CHECKING:
    from genesis_ops.remote.server import Server

app = typer.Typer(
    help="The host where the phase runs, over ssh (runbook, Remote hosting).",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)
app.command()(remote_apply.plan)
app.command()(remote_apply.apply)
app.command()(remote_apply.attach)


@app.command()
def status(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[HOST]...", help="Hosts to look at side by side.")
    ] = None,
    *,
    stable: Annotated[str, typer.Option(help="How old a restart has to be to be over.")] = "5m",
    phase: Annotated[bool, typer.Option("--phase", help="Show each host's own status screen instead.")] = False,
    output: OutputFormat = Format.TEXT,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """See how hosts are: services and restarts, one API server on loopback alone, commit, last close."""
    stable_ms = _length_ms("--stable", stable)
    servers = _servers(ctx, tuple(targets or ()), target, sudo=not no_sudo)
    if phase:
        _phases(servers, output)
    else:
        _looks(ctx, servers, stable_ms, output)


def _servers(ctx: typer.Context, targets: tuple[str, ...], target: str | None, *, sudo: bool) -> "tuple[Server, ...]":
    """Give the hosts that were named, or the one that the settings name.

    Raises:
        UsageRefused: a name is none that ssh could be given, or stands there twice.
    """
    from genesis_ops.remote.server import server

    if targets and target is not None:
        raise UsageRefused("--ssh-target and HOST name hosts twice", next_command="genesis-ops remote status --help")
    if len(set(targets)) != len(targets):
        raise UsageRefused("a host is named twice", next_command="genesis-ops remote status --help")
    found = [load_settings(ctx, ssh_target=each) for each in targets or (target,)]
    for loaded in found[:1]:
        hint(loaded)
    return tuple(server(loaded.settings, sudo=sudo) for loaded in found)


def _looks(ctx: typer.Context, servers: "tuple[Server, ...]", stable_ms: int, output: Format) -> None:
    from genesis_ops.cli.patience import patience
    from genesis_ops.cli.screens import put
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.remote.status import look_at
    from genesis_ops.remote.status_checks import reports
    from genesis_ops.remote.status_page import lines, rendered

    settings = load_settings(ctx).settings
    several = f"{len(servers)} hosts" if len(servers) > 1 else servers[0].target
    with leaving(), patience(f"looking at {several}"):
        hosts = look_at(servers)
    report = reports(hosts, HostClock().now_ms(), stable_ms, f"{settings.symbol} {settings.timeframe}")
    if output is Format.TEXT:
        put(lambda page: lines(hosts, report, page))
    elif output is Format.JSON:
        write(rendered(hosts, report))
    else:
        show(report, output)
    end(report, output)


def _phases(servers: "tuple[Server, ...]", output: Format) -> None:
    """Show each host's own screen; one that is away hides none of the others.

    Raises:
        UsageRefused: the screen is not to be had in a format, or not of several hosts at once.
        GenesisError: the only host is away.
    """
    if output not in {Format.TEXT, Format.JSON} or (output is Format.JSON and len(servers) > 1):
        told = f"--phase has no --format {output.value}{' of several hosts' if output is Format.JSON else ''}"
        raise UsageRefused(told, next_command="genesis-ops remote status --help")
    worst = 0
    with leaving():
        for server in servers:
            if len(servers) > 1:
                say(f"{server.target}:")
            try:
                worst = max(worst, _phase(server, output))
            except GenesisError as error:
                if len(servers) == 1:
                    raise
                say(f"  {error}")
                worst = max(worst, error.exit_code)
    raise typer.Exit(ended(worst))


def _phase(server: "Server", output: Format) -> int:
    from genesis_ops.remote.server import hear

    conversation = hear(server, "status", "--format", output.value)
    return shown(patient(conversation, f"asking {server.target}"), server.target)


@app.command()
def logs(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    service: Annotated[Service, typer.Argument(help="Whose journal.")],
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    number: Annotated[int, typer.Option("-n", "--lines", min=1, max=100_000, help="How many lines.")] = 50,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Show what a service there wrote into the journal, times in UTC."""
    from genesis_ops.remote.journal import readable
    from genesis_ops.remote.server import hear, server

    where = place(ctx, target, no_sudo)
    words = ("host", "logs", service.value, "--lines", str(number), *(("--follow",) if follow else ()))
    conversation = hear(server(where.settings, sudo=where.sudo), *words, as_root=True)
    with leaving():
        code = shown(conversation, where.settings.ssh_target, lambda line: say(readable(line)))
    raise typer.Exit(ended(code))


for _name, _function in (
    ("doctor", remote_reports.doctor),
    ("env", remote_reports.env),
    ("preflight", remote_reports.preflight),
    ("acceptance", remote_reports.acceptance),
    ("stop-check", remote_reports.stop_check),
    ("verify", remote_reports.verify),
    ("snapshot", remote_reports.snapshot),
    ("daily-summary", remote_reports.daily_summary),
):
    app.command(_name, context_settings=remote_reports.OPEN)(_function)


@app.command()
def fetch(
    ctx: typer.Context,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Take the host's file where one here differs.")] = False,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Bring snapshots, daily summaries and results of acceptances from there into the root here."""
    from genesis_ops.cli.patience import patience
    from genesis_ops.remote.fetch import fetch as brought
    from genesis_ops.remote.server import one_connection

    where = place(ctx, target, no_sudo)
    with (
        leaving(),
        patience(f"fetching from {where.settings.ssh_target}"),
        one_connection(where.settings, sudo=where.sudo) as there,
    ):
        found = brought(there, where.settings, replace=replace)
    for path in found.written:
        typer.echo(visible(f"fetched: {where.settings.shown(path)}"))
    for path, why in found.kept:
        typer.echo(visible(f"kept: {where.settings.shown(path)} {why} (--replace takes theirs)"))
    typer.echo(f"{len(found.written)} new or changed, {len(found.kept)} kept, {found.same} as they were")


@app.command()
def install(
    ctx: typer.Context,
    *,
    wheelhouse: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Wheels of what it needs, for a host without an index."),
    ] = None,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Put this version of genesis-ops on the host, in a Python environment of its own that root owns."""
    from genesis_ops.cli.patience import patience
    from genesis_ops.remote.install import install as put_there
    from genesis_ops.remote.server import server

    where = place(ctx, target, no_sudo)
    there = server(where.settings, sudo=where.sudo)
    with leaving(), patience(f"installing on {there.target}"):
        told = put_there(there, wheelhouse)
    for line in told:
        say(line)


schedule = typer.Typer(
    help="The acceptances that the host has scheduled.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(schedule, name="schedule")


@schedule.command("list", context_settings=remote_reports.OPEN)
def schedule_list(ctx: typer.Context, *, target: Target = None, no_sudo: NoSudo = False) -> None:
    """Show what is to come, what is done and with which exit code, and what was missed."""
    _scheduled(ctx, ("list", *ctx.args), target, no_sudo)


@schedule.command("cancel")
def schedule_cancel(
    ctx: typer.Context,
    instant: Annotated[str, typer.Argument(metavar="INSTANT", help="As list names it.")],
    *,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Take an acceptance off the schedule; its result stays, where there is one."""
    _scheduled(ctx, ("cancel", "--", instant), target, no_sudo)


def _scheduled(ctx: typer.Context, words: tuple[str, ...], target: str | None, no_sudo: bool) -> None:
    from genesis_ops.remote.server import hear, server

    where = place(ctx, target, no_sudo)
    with leaving():
        there = server(where.settings, sudo=where.sudo)
        code = shown(hear(there, "host", "schedule", *words, as_root=True), there.target)
    raise typer.Exit(ended(code))


def _length_ms(flag: str, text: str) -> int:
    try:
        return read_duration(text)
    except ValueError as error:
        raise UsageRefused(f"flag {flag}: {error}", next_command="genesis-ops remote status --stable 5m") from None
