"""An operation on another host followed to its end, over as many connections as it takes."""

from collections.abc import Generator, Iterator

from genesis_ops.clients.clock import Clock
from genesis_ops.errors import RemoteUnavailable
from genesis_ops.host.record import event_of
from genesis_ops.remote.progress import Progress, taken
from genesis_ops.remote.server import Server, hear, said
from genesis_ops.remote.transport import Answer
from genesis_ops.remote.trouble import Broken

WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""How long to leave a host alone after each connection that broke, before it is said that it is gone."""
_KEPT_COMPLAINTS = 50


def follow(server: Server, name: str, clock: Clock) -> Iterator[Progress]:
    """Give how far an operation is, from its beginning to its end; the newest one where ``name`` is empty.

    A connection that breaks says so in ``lost`` and is made anew; the record is then read from its beginning.

    Raises:
        RemoteUnavailable: the host stays away; the operation goes on there.
        ServerSaid: there is no such operation.
        Refused: sudo there wants a password.
    """
    waits = iter(WAITS_SECONDS)
    progress, known = Progress(), 0
    while True:
        try:
            for count, heard in enumerate(_heard(server, name), 1):
                if count > known:  # a host that only ever tells its beginning is given up, too
                    known, waits = count, iter(WAITS_SECONDS)
                if count == known:
                    progress = heard
                    name = name or (heard.begun.id if heard.begun is not None else "")
                    yield progress
            if progress.end is not None:
                return
            lost: RemoteUnavailable = Broken(f"{server.target} stopped telling before the end")
        except RemoteUnavailable as error:
            if progress.begun is None and not isinstance(error, Broken):
                raise  # it was never there
            lost = error
        seconds = next(waits, None)
        if seconds is None:
            raise lost
        yield progress._replace(lost=str(lost))
        clock.wait(seconds)


def _heard(server: Server, name: str) -> Iterator[Progress]:
    """Read the record over one connection.

    Raises:
        ServerSaid: the host refuses.
        RemoteUnavailable: the connection broke.
    """
    progress, complaints = Progress(), list[str]()
    conversation = hear(server, "host", "follow", *([name] if name else []), as_root=True)
    code = 0
    for is_complaint, line in _to_the_end(conversation):
        if isinstance(line, int):
            code = line
        elif is_complaint:
            complaints = [*complaints, line][-_KEPT_COMPLAINTS:]
        elif (event := event_of(line)) is not None:
            progress = taken(progress, event)
            yield progress
    if code and progress.end is None:
        raise said(server, Answer(code, b"", "\n".join(complaints)))


def _to_the_end(conversation: Generator[tuple[bool, str], None, int]) -> Iterator[tuple[bool, str | int]]:
    """Give every line, and at last the exit code."""
    code = yield from conversation
    yield False, code
