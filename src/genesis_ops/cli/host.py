"""genesis-ops host: this machine as a server, which is what remote commands run there; a person may type it too."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops.cli import host_papers, host_schedule
from genesis_ops.cli.judging import write
from genesis_ops.cli.options import load_settings
from genesis_ops.errors import AbortCondition, Refused, UsageRefused
from genesis_ops.words import Exit, read_duration, visible

if TYPE_CHECKING:
    from genesis_ops.host.checkout import Git
    from genesis_ops.host.record import Event
    from genesis_ops.host.steps import Own
    from genesis_ops.settings import Settings

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

Name = Annotated[str, typer.Argument(metavar="ID", help="The operation, such as 20260205_131002Z.")]
_NONE = "none"
_LASTING = {"log-directory", "env-file", "clock", "disk-space", "stop-latch"}
"""The checks of preflight that neither a commit nor a start can bring to PASS."""


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

    judged = "" if acceptance == _NONE else _length("--acceptance", acceptance)
    wishes = Wishes(
        branch, judged, _length("--healthy", healthy_within), _length("--wait", wait), keep_logs, allow_frozen
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
        around = Around(HostClock(), lambda: stop.signal_number is not None, _shown)
        code = done(settings, name, digest, around)
    raise typer.Exit(code)


@app.command()
def back(ctx: typer.Context, name: Name) -> None:
    """Take back an apply that died or is stuck: previous commit, modifications, state, logs and services."""
    from genesis_ops.clients.clock import StopRequest
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.apply import Around
    from genesis_ops.host.settle import settle

    settings = load_settings(ctx).settings
    with StopRequest().listening():  # a way back that is under way is not to be broken off
        code = settle(settings, name, _own(ctx), Around(HostClock(), lambda: False, _shown))
    raise typer.Exit(code)


@app.command()
def follow(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[ID]", help="The operation; default: the newest.")] = "",
) -> None:
    """Print an operation's record as it comes, one JSON object a line, until its end, and end with its code."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.follow import follow as followed
    from genesis_ops.host.record import line

    last: Event | None = None
    for event in followed(load_settings(ctx).settings, name, _own(ctx), HostClock()):
        _shown(line(event))
        last = event
    raise typer.Exit(getattr(last, "exit_code", Exit.UNKNOWN))


@app.command()
def look(ctx: typer.Context) -> None:
    """Print as JSON how this server is: units, API, checkout, last close, operation."""
    import json

    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.server import look as seen
    from genesis_ops.host.wire import document

    write(json.dumps(document(seen(load_settings(ctx).settings, _own(ctx), HostClock()))) + "\n")


@app.command()
def present(ctx: typer.Context) -> None:
    """See that both units are there, and that nothing is wrong which a restart would not mend."""
    from genesis_ops.host.services import require_present

    found = require_present()
    _require_lasting(load_settings(ctx).settings)
    _said("; ".join(found))


@app.command()
def inactive() -> None:
    """See that both units are at rest."""
    from genesis_ops.host.services import require_at_rest

    _said("; ".join(require_at_rest()))


@app.command()
def healthy(
    ctx: typer.Context,
    *,
    within: Annotated[str, typer.Option(help="How long the API may take, such as 60s.")] = "60s",
) -> None:
    """Wait until the API says that it is well."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.healthy import await_health

    seconds = read_duration(_length("--within", within)) / 1000
    _said(await_health(load_settings(ctx).settings.api_url, seconds, HostClock(), _waiting))


@app.command()
def archive(
    ctx: typer.Context,
    name: Name,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Copy, and leave everything where it is.")] = False,
) -> None:
    """Move state and logs into the operation's archive, with a manifest; the journal of orders stays."""
    from genesis_ops.host.archive import archive as archived
    from genesis_ops.host.names import directory

    settings = _at_rest(ctx, name)
    made = archived(settings, directory(settings.log_dir, name), name, keep=keep)
    left = f"; left, being no plain files: {', '.join(made.left)}" if made.left else ""
    total = sum(each.bytes for each in made.files)
    _said(f"{len(made.files)} files, {total} bytes {'copied' if keep else 'moved'}{left}")


@app.command()
def restore(ctx: typer.Context, name: Name) -> None:
    """Copy state and logs back from the operation's archive, which stays."""
    from genesis_ops.host.archive import restore as restored
    from genesis_ops.host.names import directory

    settings = _at_rest(ctx, name)
    found = restored(settings, directory(settings.log_dir, name))
    _said(f"{len(found)} files copied back" if found else "nothing to copy back")


@app.command()
def save(ctx: typer.Context, name: Name) -> None:
    """Set local modifications of the checkout aside: as diffs in the archive, and as a stash."""
    from genesis_ops.host.modifications import save as saved
    from genesis_ops.host.names import checked, directory

    settings = load_settings(ctx).settings
    _said(saved(_git(settings), directory(settings.log_dir, name), checked(name)))


@app.command()
def unsave(ctx: typer.Context, name: Name) -> None:
    """Bring local modifications back that were set aside."""
    from genesis_ops.host.modifications import unsave as unsaved
    from genesis_ops.host.names import checked

    _said(unsaved(_git(load_settings(ctx).settings), checked(name)))


@app.command()
def undo(ctx: typer.Context, name: Name) -> None:
    """Write down what is modified in the checkout, and undo it: half a merge, after the modifications were saved."""
    from genesis_ops.host.modifications import undo as undone
    from genesis_ops.host.names import checked, directory

    settings = load_settings(ctx).settings
    _said(undone(_git(settings), directory(settings.log_dir, checked(name))))


def _own(ctx: typer.Context) -> "Own":
    """Tell how this program is called here: as it was started, on the same root and with the same settings."""
    from genesis_ops.host.steps import Own

    started = Path(sys.argv[0]).absolute()
    words = (str(started),) if os.access(started, os.X_OK) else (sys.executable, "-P", "-m", "genesis_ops")
    config = ctx.obj.config if ctx.obj else None
    given = () if config is None else ("--config", str(config.absolute()))
    return Own((*words, "--root", str(load_settings(ctx).settings.root), *given))


def _git(settings: "Settings") -> "Git":
    from genesis_ops.clients.machine import owner
    from genesis_ops.host.checkout import Git

    return Git(settings.root, owner(settings.root))


def _at_rest(ctx: typer.Context, name: str) -> "Settings":
    """Give the settings, and see that nobody writes what is to be moved.

    Raises:
        Refused: a runner holds the state or the log directory.
    """
    from genesis_ops.host.names import checked
    from genesis_ops.state.lock import holders, runner_locks

    settings = load_settings(ctx).settings
    checked(name)
    locks = runner_locks(
        settings.state_file, settings.log_dir, settings.lock_dir, symbol=settings.symbol, timeframe=settings.timeframe
    )
    if found := holders(locks[1:]):  # not the market's: a runner of another root may hold that one
        told = f"a runner writes what is to be moved: pid {found[0].pid}, since {found[0].since}"
        raise Refused(told, notes=(found[0].command,), next_command=f"kill -TERM {found[0].pid}")
    return settings


def _require_lasting(settings: "Settings") -> None:
    """See before anything is stopped what preflight would say afterwards and no start can change.

    Raises:
        AbortCondition: one of these checks fails.
    """
    from genesis_ops.checks.model import Outcome
    from genesis_ops.checks.preflight import preflight
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.host import look as at_host

    checks = preflight(at_host(settings, HostClock())).checks
    poor = [each for each in checks if each.id in _LASTING and each.outcome is Outcome.FAIL]
    if poor:
        told = [f"{each.id}: {each.detail}" for each in poor]
        raise AbortCondition(told[0], notes=tuple(told[1:]), next_command=poor[0].remedy)


def _length(flag: str, text: str) -> str:
    try:
        read_duration(text)
    except ValueError as error:
        raise UsageRefused(f"flag {flag}: {error}", next_command="genesis-ops host plan --help") from None
    return text


def _said(line: str) -> None:
    write(f"{visible(line)}\n")


def _shown(line: str) -> None:
    typer.echo(line)


def _waiting(line: str) -> None:
    typer.echo(visible(line), err=True)
