"""What every remote command shares: which host, with or without sudo, and how its lines are shown here."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Annotated, NamedTuple

import typer

from genesis_ops.cli.judging import write
from genesis_ops.cli.options import load_settings
from genesis_ops.settings import Loaded, Settings
from genesis_ops.state.operations import user_name
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
    user = user_name("the user here")
    told = f"ssh will log in to {target} as {user}, or as its configuration says; USER@HOST or an alias says who"
    typer.echo(visible(f"genesis-ops: hint: {told}"), err=True)


@contextmanager
def leaving() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end a command by an exception, so that ssh and its place go with it.

    Raises:
        Exit: 130, when somebody pressed Ctrl-C.
        SystemExit: 143 or 129, also where the terminal cannot be given back any more.
    """
    from genesis_ops.cli.verify_screen import interruptible
    from genesis_ops.collect.where import ended_by_term

    try:
        with interruptible(), ended_by_term():
            yield
    except OSError as error:
        if (left := _told_to_leave(error)) is None:
            raise
        raise left from None


def _told_to_leave(error: BaseException) -> SystemExit | None:
    """Find the signal's exception behind one that the tidying raised."""
    seen = error.__context__
    while seen is not None and not isinstance(seen, SystemExit):
        seen = seen.__context__
    return seen


def patient(conversation: Generator[tuple[bool, str], None, int], doing: str) -> Generator[tuple[bool, str], None, int]:
    """Give a sign of life until another host says its first line."""
    from genesis_ops.cli.patience import patience

    with closing(conversation):
        with patience(doing):
            try:
                first = next(conversation)
            except StopIteration as over:
                return int(over.value)
        yield first
        return (yield from conversation)


def say(line: str) -> None:
    """Write a line from elsewhere to stdout."""
    write(f"{visible(line.expandtabs())}\n")


def shown(conversation: Generator[tuple[bool, str], None, int], target: str, say: Callable[[str], None] = say) -> int:
    """Show another host's lines as they come, what it says beside them on stderr, and give the exit code there."""
    with closing(conversation):
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
