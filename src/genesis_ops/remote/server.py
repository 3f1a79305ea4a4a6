"""The genesis-ops of another host, asked over a connection: what it says as data, what it refuses as our own error."""

import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from genesis_ops import __version__
from genesis_ops.errors import GenesisError, Refused, Unreachable
from genesis_ops.remote.again import again
from genesis_ops.remote.script import ROOT
from genesis_ops.remote.transport import Answer, Ssh, call, connected, lines, talk
from genesis_ops.settings import Settings
from genesis_ops.state.operations import user_name
from genesis_ops.words import Exit, visible

_MARK = "genesis-ops: "
_NEXT = "next: "
_WARNING = "genesis-ops: warning: "


class Server(NamedTuple):
    """A host, its checkout, whose rights its services have, and its own command."""

    ssh: Ssh
    root: str
    user: str
    program: str

    @property
    def target(self) -> str:
        """The host as ssh knows it."""
        return self.ssh.target

    def words(self, *asked: str) -> tuple[str, ...]:
        """Write the command there."""
        return (self.program, "--root", self.root, *asked)


class ServerSaid(GenesisError):
    """What genesis-ops refused or failed at on the other host, with the exit code that it ended with there."""

    def __init__(self, message: str, code: int, *, notes: tuple[str, ...] = (), next_command: str = "") -> None:
        super().__init__(message, notes=notes, next_command=next_command)
        self.exit_code = Exit(code) if code in set(Exit) and code else Exit.BUG_OR_WRITE_FAILED


def server(settings: Settings, *, sudo: bool, ssh: Ssh | None = None) -> Server:
    """Give the host that the settings name; without ``ssh`` every call has a connection of its own."""
    way = ssh or Ssh(settings.ssh_target, sudo)
    return Server(way, settings.remote_root, settings.remote_user, settings.remote_program)


@contextmanager
def one_connection(settings: Settings, *, sudo: bool) -> Iterator[Server]:
    """Give the host with one connection for all calls, where the platform can, closed at the end."""
    with connected(settings.ssh_target, sudo=sudo) as ssh:
        yield server(settings, sudo=sudo, ssh=ssh)


def ask(server: Server, *asked: str, as_root: bool = False, data: bytes = b"", seconds: float) -> Answer:
    """Have a command run there, within a time limit (seconds), and give what it said.

    Raises:
        RemoteUnavailable: the host cannot be reached, or does not answer in time.
        Refused: sudo there wants a password, or there is no genesis-ops.
    """
    return call(server.ssh, server.words(*asked), user=_user(server, as_root), data=data, seconds=seconds)


def hear(
    server: Server, *asked: str, as_root: bool = False, most: int = 1 << 20
) -> Generator[tuple[bool, str], None, int]:
    """Have a command run there and give its lines as they come, each with whether it is stderr's; then its exit code.

    A line is cut where it has more than ``most`` bytes.

    Raises:
        RemoteUnavailable: as in ``ask``, or the connection broke.
        Refused: as in ``ask``.
    """
    return lines(talk(server.ssh, server.words(*asked), user=_user(server, as_root)), most)


def told(server: Server, *asked: str, as_root: bool = False, data: bytes = b"", seconds: float) -> Any:
    """Ask for one JSON document; what the command ended with is for who reads it.

    Raises:
        ServerSaid: it failed there.
        Unreachable: it gave something else.
        RemoteUnavailable: as in ``ask``.
        Refused: as in ``ask``.
    """
    answer = ask(server, *asked, as_root=as_root, data=data, seconds=seconds)
    try:
        return json.loads(answer.out)
    except (ValueError, RecursionError):
        if answer.code:
            raise said(server, answer) from None
    raise Unreachable(f"{server.target} gave no JSON for: genesis-ops {visible(' '.join(asked))}", notes=_same(server))


def said(server: Server, answer: Answer) -> GenesisError:
    """Make our own error of what a command there wrote to stderr."""
    if answer.code == Exit.USAGE and "No such command" in answer.err:
        return other_version(server, "which does not know what is asked of it")
    kept = [line for line in answer.err.splitlines() if line.strip() and not line.startswith(_WARNING)]
    begins = next((number for number, line in enumerate(kept) if line.startswith(_MARK)), None)
    if begins is None:
        why = tuple(visible(line.strip()) for line in kept[-8:])
        return ServerSaid(f"genesis-ops on {server.target} ended with {answer.code}", answer.code, notes=why)
    message, *rest = (visible(line.strip()) for line in kept[begins:])
    notes = tuple(line for line in rest if not line.startswith(_NEXT))
    following = next((line.removeprefix(_NEXT) for line in rest if line.startswith(_NEXT)), "")
    there = (f"there: {following}",) if following else ()
    return ServerSaid(f"{server.target}: {message.removeprefix(_MARK)}", answer.code, notes=(*notes, *there))


def other_version(server: Server, told: str) -> Refused:
    """Refuse to act on a host whose genesis-ops is not ours."""
    return Refused(
        f"{server.target} has another genesis-ops, {visible(told)}; here it is {__version__}",
        next_command=again(server.target, "install", sudo=server.ssh.sudo),
    )


def _same(server: Server) -> tuple[str, ...]:
    return (f"is it the same version? ssh {server.target} {server.program} --version",)


def _user(server: Server, as_root: bool) -> str:
    return ROOT if as_root else server.user


def laptop() -> str:
    """Name who asks, for the lock and the records there: ``user@host``."""
    import socket

    return visible(f"{user_name(str(os.getpid()))}@{socket.gethostname()}")
