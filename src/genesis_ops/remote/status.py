"""Hosts looked at side by side: what each says of itself, or why it says nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from genesis_ops.errors import GenesisError, Unreachable
from genesis_ops.host.look import LOOK_SCHEMA, Look
from genesis_ops.host.wire import read
from genesis_ops.remote.server import Server, told
from genesis_ops.remote.transport import TICK_SECONDS, Running
from genesis_ops.words import Exit

LOOK_SECONDS = 30.0
_AT_ONCE = 10  # each is an ssh, and its cryptography wants a processor


class Seen(NamedTuple):
    """A host and its look; ``error`` is why there is none."""

    target: str
    look: Look | None = None
    error: GenesisError | None = None

    @property
    def is_unreachable(self) -> bool:
        """Whether the host did not answer at all."""
        return self.error is not None and self.error.exit_code == Exit.REMOTE_UNAVAILABLE


def look_at(servers: Sequence[Server]) -> tuple[Seen, ...]:
    """Look at all of them at once; one that fails hides none of the others. Whoever leaves early waits for none."""
    if len(servers) == 1:
        return (_seen(servers[0]),)

    from concurrent.futures import ThreadPoolExecutor, wait

    running = Running()
    ways = [server._replace(ssh=server.ssh._replace(running=running)) for server in servers]
    pool = ThreadPoolExecutor(min(_AT_ONCE, len(servers)))
    try:
        looks = [pool.submit(_seen, way) for way in ways]
        while wait(looks, TICK_SECONDS).not_done:
            continue
        return tuple(look.result() for look in looks)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        running.end()


def _seen(server: Server) -> Seen:
    try:
        return Seen(server.target, _look(server))
    except GenesisError as error:
        return Seen(server.target, error=error)


def _look(server: Server) -> Look:
    """Ask one host.

    Raises:
        GenesisError: it cannot be reached, refuses, or answers nonsense.
    """
    found = told(server, "host", "look", seconds=LOOK_SECONDS)
    try:
        look = read(Look, found)
    except ValueError as error:
        raise Unreachable(f"{server.target} gave no look at itself: {error}") from None
    if look.schema != LOOK_SCHEMA:
        raise Unreachable(f"{server.target} gave a look of another form: {look.schema}")
    return look
