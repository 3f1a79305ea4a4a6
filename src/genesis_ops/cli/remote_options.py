"""What every remote command shares: which host, with or without sudo, and how its lines are shown here."""

from collections.abc import Callable, Generator
from typing import Annotated, NamedTuple

import typer

from genesis_ops.cli.judging import write
from genesis_ops.cli.options import load_settings
from genesis_ops.settings import Loaded, Settings
from genesis_ops.words import Exit, visible

Target = Annotated[
    str | None, typer.Option("--ssh-target", metavar="HOST", help="The host, as ssh knows it; default: genesis-we.")
]
NoSudo = Annotated[bool, typer.Option("--no-sudo", help="Use the login's own rights for everything.")]


class Place(NamedTuple):
    """The host that a command acts on."""

    settings: Settings
    sudo: bool


def place(ctx: typer.Context, target: str | None, no_sudo: bool) -> Place:
    """Decide which host is meant, and say on stderr where ssh has to guess who logs in.

    Raises:
        UsageRefused: the target is none that ssh could be given.
    """
    loaded = load_settings(ctx, ssh_target=target)
    hint(loaded)
    return Place(loaded.settings, not no_sudo)


def hint(loaded: Loaded) -> None:
    """Say what a host's plain name leaves open."""
    target = loaded.settings.ssh_target
    if "@" in target or "." not in target:
        return
    user = _local_user()
    told = f"ssh will log in to {target} as {user}, or as its configuration says; USER@HOST or an alias says who"
    typer.echo(visible(f"genesis-ops: hint: {told}"), err=True)


def _local_user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container can have a user without a name
        return "the user here"


def say(line: str) -> None:
    """Write a line from elsewhere to stdout."""
    write(f"{visible(line.expandtabs())}\n")


def shown(conversation: Generator[tuple[bool, str], None, int], target: str, say: Callable[[str], None] = say) -> int:
    """Show another host's lines as they come, what it says beside them on stderr, and give the exit code there."""
    while True:
        try:
            is_complaint, line = next(conversation)
        except StopIteration as over:
            return int(over.value)
        if is_complaint:
            typer.echo(visible(f"{target}: {line.expandtabs()}"), err=True)
        else:
            say(line)


def ended(code: int) -> int:
    """Give the exit code of a command there as ours; one that we do not know is a bug of somebody's."""
    return code if code in set(Exit) else Exit.BUG_OR_WRITE_FAILED
