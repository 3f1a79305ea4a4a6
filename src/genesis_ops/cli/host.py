"""genesis-ops host: this machine as a server, which is what remote commands run there; a person may type it too."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli import host_papers, host_schedule, host_steps
from genesis_ops.cli.host_steps import Name, length
from genesis_ops.cli.judging import write
from genesis_ops.cli.options import load_settings
from genesis_ops.words import Exit

if TYPE_CHECKING:
    from genesis_ops.host.execute import Inside
    from genesis_ops.host.record import Event
    from genesis_ops.host.steps import Own

app = typer.Typer(
    help="This machine as a server: what remote commands run there.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(host_schedule.app, name="schedule")
app.command()(host_schedule.scheduled)
app.command()(host_papers.papers)
app.command()(host_papers.logs)

_NONE = "none"


@app.command()
def plan(  # noqa: PLR0913 - one parameter a wish
    ctx: typer.Context,
    *,
    branch: Annotated[str, typer.Option(help="The branch that is wished; default: the one that is there.")] = "",
    acceptance: Annotated[str, typer.Option(help="How long a dry-run is judged afterwards, or none.")] = "24h",
    healthy_within: Annotated[str, typer.Option("--healthy", help="How long the API may take to be well.")] = "60s",
    wait: Annotated[str, typer.Option(help="How long preflight may wait for the runner.")] = "3m",
    keep_logs: Annotated[bool, typer.Option("--keep-logs", help="Copy state and logs, and go on with them.")] = False,
    allow_frozen: Annotated[
        bool, typer.Option("--allow-frozen", help="Let what is frozen for the phase change.")
    ] = False,
) -> None:
    """Print as JSON what an apply would do; nothing is changed."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.facts import make_plan
    from genesis_ops.host.plan import Wishes
    from genesis_ops.host.plan import write as written

    judged = "" if acceptance == _NONE else length("--acceptance", acceptance)
    wishes = Wishes(
        branch, judged, length("--healthy", healthy_within), length("--wait", wait), keep_logs, allow_frozen
    )
    made = make_plan(load_settings(ctx).settings, wishes, _own(ctx), HostClock())
    write(written(made))
    raise typer.Exit(made.problems[0].exit_code if made.problems else Exit.PASS)


@app.command()
def begin(
    ctx: typer.Context,
    *,
    owner: Annotated[str, typer.Option(help="Who does it.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Read a plan from stdin, and let a unit of its own do it if this host is still as the plan says."""
    import json

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.begin import begin as begun
    from genesis_ops.host.plan import MOST_BYTES, read_plan

    given = read_plan(sys.stdin.buffer.read(MOST_BYTES + 1))
    name = begun(load_settings(ctx).settings, given, (owner, reason), _own(ctx), HostClock())
    write(json.dumps({"id": name}) + "\n")


@app.command()
def run(
    ctx: typer.Context,
    name: Name,
    *,
    digest: Annotated[str, typer.Option("--sum", help="The SHA-256 of the order, as begin gives it to the unit.")],
) -> None:
    """Do what was ordered; begin starts it in a unit of its own."""
    from genesis_ops.clients.clock import StopRequest
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.apply import Around
    from genesis_ops.host.apply import run as done

    settings, stop = load_settings(ctx).settings, StopRequest()
    with stop.listening():
        around = Around(HostClock(), lambda: stop.signal_number is not None, _shown, _inside(ctx))
        code = done(settings, name, digest, around)
    raise typer.Exit(code)


@app.command()
def back(
    ctx: typer.Context,
    name: Name,
    *,
    here: Annotated[bool, typer.Option("--here", help="In this process, as the operation's unit does it.")] = False,
) -> None:
    """Take back an apply that died or is stuck: previous commit, modifications, state, logs and services."""
    from genesis_ops.clients.clock import StopRequest
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.apply import Around
    from genesis_ops.host.settle import begin_back, settle

    settings = load_settings(ctx).settings
    if not here:
        raise typer.Exit(_followed(ctx, name, begin_back(settings, name, _own(ctx), HostClock())))
    with StopRequest().listening():  # a way back that is under way is not to be broken off
        code = settle(settings, name, _own(ctx), Around(HostClock(), lambda: False, _shown, _inside(ctx)))
    raise typer.Exit(code)


@app.command()
def follow(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[ID]", help="The operation; default: the newest.")] = "",
) -> None:
    """Print an operation's record as it comes, one JSON object a line, until its end, and end with its code."""
    raise typer.Exit(_followed(ctx, name, 0))


@app.command()
def look(ctx: typer.Context) -> None:
    """Print as JSON how this server is: units, API, checkout, last close, operation."""
    import json

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.server import look as seen
    from genesis_ops.host.wire import document

    write(json.dumps(document(seen(load_settings(ctx).settings, _own(ctx), HostClock()))) + "\n")


for step in (
    host_steps.present,
    host_steps.inactive,
    host_steps.healthy,
    host_steps.archive,
    host_steps.restore,
    host_steps.save,
    host_steps.unsave,
    host_steps.undo,
    host_steps.unlock,
):
    app.command()(step)


def _own(ctx: typer.Context) -> "Own":
    """Tell how this program is called here: as it was started, on the same root and with the same settings."""
    from genesis_ops.host.steps import Own

    started = Path(sys.argv[0]).absolute()
    words = (str(started),) if os.access(started, os.X_OK) else (sys.executable, "-P", "-m", "genesis_ops")
    return Own((*words, *_common(ctx)))


def _common(ctx: typer.Context) -> tuple[str, ...]:
    config = ctx.obj.config if ctx.obj else None
    given = () if config is None else ("--config", str(config.absolute()))
    return ("--root", str(load_settings(ctx).settings.root), *given)


def _inside(ctx: typer.Context) -> "Inside":
    """Let the steps that are commands of this group be done by copies of this process."""
    from genesis_ops.host.execute import Inside

    common = _common(ctx)

    def do(words: Sequence[str]) -> int:
        from genesis_ops.cli.app import app as program

        try:
            program(args=[*common, *words], prog_name="genesis-ops")
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        return 0

    return Inside((*_own(ctx).words, "host"), do)


def _followed(ctx: typer.Context, name: str, known: int) -> int:
    """Show an operation's record but for what is known of it, until its end; give the end's exit code."""
    from itertools import islice

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.follow import follow as followed
    from genesis_ops.host.record import line

    last: Event | None = None
    for event in islice(followed(load_settings(ctx).settings, name, _own(ctx), HostClock()), known, None):
        _shown(line(event))
        last = event
    return getattr(last, "exit_code", Exit.UNKNOWN)


def _shown(line: str) -> None:
    typer.echo(line)
