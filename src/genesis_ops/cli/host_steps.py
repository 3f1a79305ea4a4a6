"""The single steps of an apply and of its way back, each a command of genesis-ops host."""

from typing import Annotated

import typer

from genesis_ops.cli.judging import write
from genesis_ops.cli.options import load_settings
from genesis_ops.errors import UsageRefused
from genesis_ops.words import read_duration, visible

Name = Annotated[str, typer.Argument(metavar="ID", help="The operation, such as 20260205_131002Z.")]


def present(ctx: typer.Context) -> None:
    """See that both units are there, and that nothing is wrong which a restart would not mend."""
    from genesis_ops.checks.preflight import preflight
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.collect.host import look as at_host
    from genesis_ops.host.lasting import require_lasting
    from genesis_ops.host.services import require_present

    found = require_present()
    require_lasting(preflight(at_host(load_settings(ctx).settings, HostClock())).checks)
    _said("; ".join(found))


def inactive() -> None:
    """See that both units are at rest."""
    from genesis_ops.host.services import require_at_rest

    _said("; ".join(require_at_rest()))


def healthy(
    ctx: typer.Context,
    *,
    within: Annotated[str, typer.Option(help="How long the API may take, such as 60s.")] = "60s",
) -> None:
    """Wait until the API says that it is well."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.healthy import await_health

    seconds = read_duration(length("--within", within)) / 1000
    _said(await_health(load_settings(ctx).settings.api_url, seconds, HostClock(), _waiting))


def archive(
    ctx: typer.Context,
    name: Name,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Copy, and leave everything where it is.")] = False,
) -> None:
    """Move state and logs into the operation's archive, with a manifest; the journal of orders stays."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.archive import archive as archived
    from genesis_ops.host.at_rest import at_rest
    from genesis_ops.host.names import directory

    settings = load_settings(ctx).settings
    folder = directory(settings.log_dir, name)
    with at_rest(settings, f"genesis-ops host archive {name}", HostClock()):
        made = archived(settings, folder, name, keep=keep)
    left = f"; left, being no plain files: {', '.join(made.left)}" if made.left else ""
    total = sum(each.bytes for each in made.files)
    _said(f"{len(made.files)} files, {total} bytes {'copied' if keep else 'moved'}{left}")


def restore(ctx: typer.Context, name: Name) -> None:
    """Copy state and logs back from the operation's archive, which stays."""
    from genesis_ops.clients.host_clock import HostClock
    from genesis_ops.host.archive import restore as restored
    from genesis_ops.host.at_rest import at_rest
    from genesis_ops.host.names import directory

    settings = load_settings(ctx).settings
    folder = directory(settings.log_dir, name)
    with at_rest(settings, f"genesis-ops host restore {name}", HostClock()):
        found = restored(settings, folder)
    _said(f"{len(found)} files copied back" if found else "nothing to copy back")


def save(ctx: typer.Context, name: Name) -> None:
    """Set local modifications of the checkout aside: as diffs in the archive, and as a stash."""
    from genesis_ops.host.checkout import Git
    from genesis_ops.host.modifications import save as saved
    from genesis_ops.host.names import directory
    from genesis_ops.host.services import runners_user

    settings = load_settings(ctx).settings
    _said(saved(Git.of(settings.root), directory(settings.log_dir, name), name, runners_user()))


def unsave(ctx: typer.Context, name: Name) -> None:
    """Bring local modifications back that were set aside."""
    from genesis_ops.host.checkout import Git
    from genesis_ops.host.modifications import unsave as unsaved
    from genesis_ops.host.names import checked

    _said(unsaved(Git.of(load_settings(ctx).settings.root), checked(name)))


def undo(ctx: typer.Context, name: Name) -> None:
    """Write down what is modified in the checkout, and undo it: half a merge, after the modifications were saved."""
    from genesis_ops.host.checkout import Git
    from genesis_ops.host.modifications import undo as undone
    from genesis_ops.host.names import directory
    from genesis_ops.host.services import runners_user

    settings = load_settings(ctx).settings
    _said(undone(Git.of(settings.root), directory(settings.log_dir, name), runners_user()))


def unlock(ctx: typer.Context) -> None:
    """Take away what a killed git locked the checkout with; not while a git works there."""
    from genesis_ops.host.checkout import Git
    from genesis_ops.host.dead_locks import unlock as unlocked

    found = unlocked(Git.of(load_settings(ctx).settings.root))
    _said(f"taken away: {', '.join(found)}" if found else "nothing is locked")


def length(flag: str, text: str) -> str:
    """Give back a length of time that is one.

    Raises:
        UsageRefused: it is none.
    """
    try:
        read_duration(text)
    except ValueError as error:
        raise UsageRefused(f"flag {flag}: {error}", next_command="genesis-ops host plan --help") from None
    return text


def _said(line: str) -> None:
    write(f"{visible(line)}\n")


def _waiting(line: str) -> None:
    typer.echo(visible(line), err=True)
