"""genesis-ops remote plan, apply and attach: the restart of a server, shown step by step."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_ops import __version__
from genesis_ops.cli.remote_options import NoSudo, Place, Target, leaving, place
from genesis_ops.errors import GenesisError, Refused, RemoteUnavailable, UsageRefused, typed, write_failed
from genesis_ops.remote.again import again
from genesis_ops.words import Exit, visible

if TYPE_CHECKING:
    from genesis_ops.host.plan import Plan
    from genesis_ops.host.record import Begun
    from genesis_ops.remote.progress import Progress
    from genesis_ops.remote.server import Server

Branch = Annotated[str, typer.Option(help="The branch that is wished; default: the one that is there.")]
Acceptance = Annotated[str, typer.Option(help="How long a dry-run is judged afterwards, or none.")]
Wait = Annotated[str, typer.Option(help="How long preflight may wait for the runner.")]
Healthy = Annotated[str, typer.Option(help="How long the API may take to be well.")]
KeepLogs = Annotated[bool, typer.Option("--keep-logs", help="Copy state and logs, and go on with them.")]
AllowFrozen = Annotated[bool, typer.Option("--allow-frozen", help="Let what is frozen for the phase change.")]


def plan(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    *,
    branch: Branch = "",
    acceptance: Acceptance = "24h",
    healthy: Healthy = "60s",
    wait: Wait = "3m",
    keep_logs: KeepLogs = False,
    allow_frozen: AllowFrozen = False,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the plan, for apply FILE.")] = None,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Show what apply would do, every step and command; nothing is changed."""
    from genesis_ops.cli.pages import put
    from genesis_ops.cli.patience import patience
    from genesis_ops.remote import plan_page
    from genesis_ops.remote.server import server

    where = place(ctx, target, no_sudo)
    wishes = _wishes(branch, (acceptance, healthy, wait), keep_logs=keep_logs, allow_frozen=allow_frozen)
    with leaving(), patience(f"asking {where.settings.ssh_target}"):
        made = _planned(server(where.settings, sudo=where.sudo), wishes)
    put(lambda page: plan_page.whole(made, where.settings.ssh_target, page))
    if save is not None:
        _save(save, made, again(where.settings.ssh_target, "apply", str(save), sudo=where.sudo))
    raise typer.Exit(plan_page.exit_code(made))


def apply(  # noqa: PLR0913 - one parameter an option
    ctx: typer.Context,
    plan: Annotated[Path | None, typer.Argument(metavar="[PLAN]", help="A plan that plan --save wrote.")] = None,
    *,
    branch: Branch = "",
    acceptance: Acceptance = "24h",
    healthy: Healthy = "60s",
    wait: Wait = "3m",
    keep_logs: KeepLogs = False,
    allow_frozen: AllowFrozen = False,
    reason: Annotated[str, typer.Option(help="Why, for the lock and the records.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking; for scripts.")] = False,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Sync, restart, preflight, schedule the acceptance; if a step fails, everything comes back (runbook)."""
    from genesis_ops.cli.patience import patience
    from genesis_ops.remote.server import one_connection

    wishes = _wishes(branch, (acceptance, healthy, wait), keep_logs=keep_logs, allow_frozen=allow_frozen)
    if not yes and not sys.stdin.isatty():
        told = "a server is restarted only when somebody agrees: no terminal to ask on, and no --yes"
        raise UsageRefused(told, next_command=_with_target(target, "apply", "--yes"))
    if plan is not None and wishes != _DEFAULTS:
        raise UsageRefused("PLAN has its wishes in it already", next_command="genesis-ops remote plan --help")
    where = place(ctx, target, no_sudo)
    given = None if plan is None else _read(plan)
    with leaving(), one_connection(where.settings, sudo=where.sudo) as there:
        with patience(f"asking {there.target}"):
            made = _planned(there, wishes) if given is None else _still_meant(there, given)
        _agree(there, made, asks=not yes)
        with patience(f"beginning on {there.target}"):
            name = _begun(there, made, reason)
        _record(where, "begun", name, reason)
        try:
            end = _followed(there, name)[1]
        except BaseException:
            _record(where, "left", name, reason)
            raise
        _record(where, "ended", name, reason, exit_code=end)
    raise typer.Exit(end)


def attach(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[ID]", help="The operation; default: the newest.")] = "",
    *,
    target: Target = None,
    no_sudo: NoSudo = False,
) -> None:
    """Watch an apply that goes on there, to its end; or see how one ended."""
    from genesis_ops.remote.server import one_connection

    where = place(ctx, target, no_sudo)
    with leaving(), one_connection(where.settings, sudo=where.sudo) as there:
        begun, end = _followed(there, name)
        if not _is_kept(where, begun.id):
            _record(where, "ended", begun.id, begun.reason, exit_code=end)
    raise typer.Exit(end)


def _wishes(branch: str, lengths: tuple[str, str, str], *, keep_logs: bool, allow_frozen: bool) -> tuple[str, ...]:
    """Write the wishes as the host takes them; a value stands behind = so that it cannot be read as an option."""
    flags = (("--keep-logs", keep_logs), ("--allow-frozen", allow_frozen))
    acceptance, healthy, wait = lengths
    values = (f"--branch={branch}", f"--acceptance={acceptance}", f"--healthy={healthy}", f"--wait={wait}")
    return (*values, *(flag for flag, wanted in flags if wanted))


_DEFAULTS = _wishes("", ("24h", "60s", "3m"), keep_logs=False, allow_frozen=False)


def _planned(there: "Server", wishes: tuple[str, ...]) -> "Plan":
    """Have the host make a plan.

    Raises:
        Refused: what it gave is none, or the host has another version.
    """
    import json

    from genesis_ops.host.plan import read_plan
    from genesis_ops.remote.server import other_version, told

    found = told(there, "host", "plan", *wishes, as_root=True, seconds=120.0)
    if (version := _version(found)) != __version__:
        raise other_version(there, version)
    return read_plan(json.dumps(found))


def _still_meant(there: "Server", given: "Plan") -> "Plan":
    """Give a plan out of a file, if the host is of its version; whether it still holds is for the host to say.

    Raises:
        Refused: the host has another version.
    """
    from genesis_ops.remote.server import ask, other_version

    answer = ask(there, "--version", as_root=True, seconds=60.0)
    version = answer.out.decode("utf-8", "replace").strip().removeprefix("genesis-ops ")
    if version != __version__:
        raise other_version(there, version[:80])
    return given


def _version(found: object) -> str:
    """Tell which version made a plan, of whatever form that is; ours where it is none that says so."""
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, str) else __version__


def _agree(there: "Server", made: "Plan", *, asks: bool) -> None:
    """Show what will be done, and go on only with a plan that nothing stands against and that somebody wants.

    Raises:
        Exit: a problem stands in the way, or nobody wants it.
    """
    from genesis_ops.cli.pages import put
    from genesis_ops.remote import plan_page

    put(lambda page: (*plan_page.facts(made, there.target, page), *plan_page.troubles(made, page)))
    if made.problems:
        typer.echo("genesis-ops: nothing was changed", err=True)
        raise typer.Exit(plan_page.exit_code(made))
    if asks and not typer.confirm(f"apply {len(made.steps)} steps on {there.target}?", default=False, err=True):
        typer.echo("genesis-ops: nothing was changed", err=True)
        raise typer.Exit(Exit.FAIL)


def _begun(there: "Server", made: "Plan", reason: str) -> str:
    """Let the host begin, and give the operation's name.

    Raises:
        RemoteUnavailable: the connection broke, and nobody knows whether it began.
    """
    from genesis_ops.host.plan import write
    from genesis_ops.remote.server import laptop, told
    from genesis_ops.remote.trouble import Broken

    told_so, following = "whether it began is not known: it goes on there if it did", _attach(there)
    words = ("host", "begin", f"--owner={laptop()}", f"--reason={reason or 'none given'}")
    try:
        found = told(there, *words, as_root=True, data=write(made).encode(), seconds=120.0)
    except Broken as error:
        raise Broken(str(error), notes=(*error.notes, told_so), next_command=following) from None
    except (KeyboardInterrupt, SystemExit):
        _leave(f"{told_so}; see it with: {following}")
        raise
    name = found.get("id") if isinstance(found, dict) else None
    if not isinstance(name, str) or not name:
        raise Refused(f"{there.target} did not name the operation that it began", next_command=_attach(there))
    return name


def _with_target(target: str | None, *words: str) -> str:
    return f"genesis-ops remote {' '.join(words)}" if target is None else again(target, *words)


def _attach(there: "Server", name: str = "") -> str:
    return again(there.target, "attach", *([name] if name else []), sudo=there.ssh.sudo)


def _leave(told: str) -> None:
    """Say a last word; a terminal that was closed hears none."""
    with suppress(OSError):
        typer.echo(f"genesis-ops: {told}", err=True)


def _followed(there: "Server", name: str) -> "tuple[Begun, int]":
    """Show an operation to its end, and give how it began and the exit code.

    Raises:
        RemoteUnavailable: the host stays away; the operation goes on there.
        KeyboardInterrupt: somebody has seen enough; the operation goes on there.
        SystemExit: somebody ends this process; the operation goes on there.
    """
    from genesis_ops.cli.pages import put
    from genesis_ops.cli.remote_screen import watching
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.remote import progress_page
    from genesis_ops.remote.follow import follow

    last: Progress | None = None
    try:
        with watching(sys.stdout, there.target) as show:
            for last in follow(there, name, HostClock()):
                name = last.begun.id if last.begun is not None else name
                show(last)
    except (KeyboardInterrupt, SystemExit):
        _leave(f"it goes on there; see it with: {_attach(there, name)}")
        raise
    except RemoteUnavailable as error:
        goes_on = () if last is None else ("it goes on there",)
        following = _attach(there, name)
        raise RemoteUnavailable(str(error), notes=(*error.notes, *goes_on), next_command=following) from None
    if last is None or last.begun is None or last.end is None:
        raise Refused(f"{there.target} told nothing of the operation", next_command=_attach(there, name))
    seen = last
    put(lambda page: progress_page.ending(seen, there.target, page))
    return last.begun, progress_page.exit_code(last.end)


def _read(path: Path) -> "Plan":
    """Read a plan that was saved.

    Raises:
        Refused: it cannot be read, is none, or another version made it.
    """
    import json

    from genesis_ops.durable import read_whole
    from genesis_ops.host.plan import MOST_BYTES, read_plan

    try:
        raw = read_whole(path, MOST_BYTES)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}", next_command=f"ls -l {typed(path)}") from None
    with suppress(ValueError, RecursionError):  # what is no JSON is refused below
        if (version := _version(json.loads(raw))) != __version__:
            told = f"{path} is a plan of genesis-ops {version}; here it is {__version__}"
            raise Refused(visible(told), next_command=f"genesis-ops remote plan --save {typed(path)}")
    return read_plan(raw)


def _save(path: Path, made: "Plan", following: str) -> None:
    """Write a plan.

    Raises:
        WriteFailed: it is not there.
    """
    from genesis_ops.durable import put_in_place, sync_directory
    from genesis_ops.host.plan import write

    try:
        put_in_place(path, write(made).encode())
        sync_directory(path.parent)
    except OSError as error:
        raise write_failed(path, error) from error
    typer.echo(visible(f"saved: {path}      next: {following}"))


def _record(where: Place, event: str, name: str, reason: str, **other: object) -> None:
    """Keep a line about it here too; that it could not be kept changes nothing about what happens there."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.remote.memory import directory
    from genesis_ops.state.operations import record

    told = (reason,) if reason else ()
    try:
        record(
            directory(where.settings.root, os.environ),
            HostClock().now_ms(),
            "remote-apply",
            told,
            target=where.settings.ssh_target,
            event=event,
            id=name,
            **other,
        )
    except GenesisError as error:
        typer.echo(f"genesis-ops: no line about it could be kept here: {error}", err=True)


def _is_kept(where: Place, name: str) -> bool:
    """Tell whether the end of an operation is known here already."""
    from genesis_ops.remote.memory import directory
    from genesis_ops.state.operations import read

    found = read(directory(where.settings.root, os.environ)).found
    return any(each.other.get("id") == name and each.other.get("event") == "ended" for each in found)
