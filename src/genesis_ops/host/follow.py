"""The record of an operation as it grows, for any number of people; and the end of one that died without a word."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from genesis_ops.clients.clock import Clock
from genesis_ops.durable import READ
from genesis_ops.errors import Refused
from genesis_ops.host import names
from genesis_ops.host.events import runs, to_go_back, touched
from genesis_ops.host.record import DIED, End, Event, event_of
from genesis_ops.host.rights import as_owner
from genesis_ops.host.steps import Own
from genesis_ops.settings import Settings
from genesis_ops.words import Exit, iso

_GLANCE_SECONDS = 0.05
_QUIET_GLANCES = 20


def follow(
    settings: Settings, name: str, own: Own, clock: Clock, alive: Callable[[str], bool | None] = runs
) -> Iterator[Event]:
    """Give what an operation tells, from its beginning to its end; the newest one without a name.

    Raises:
        Refused: there is no such operation.
    """
    name = names.checked(name) if name else names.newest(settings.log_dir)
    found: list[Event] = []
    with _opened(settings, name) as file:
        for event in _growing(file, lambda: alive(name) is False, clock):
            found.append(event)
            yield event
    if not found or not isinstance(found[-1], End):
        yield _died(name, found, own, clock)


def _opened(settings: Settings, name: str) -> BinaryIO:
    """Open a record to read it; a FIFO of that name is none."""
    if not name:
        raise _nothing()
    try:
        with as_owner(settings.log_dir):
            descriptor = os.open(names.directory(settings.log_dir, name) / names.RECORD, READ)
    except OSError:
        raise _nothing() from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _nothing()
    return os.fdopen(descriptor, "rb")


def _nothing() -> Refused:
    return Refused("there is no such operation on this host", next_command="ls logs/paper_trading/_archive")


def _growing(file: BinaryIO, dead: Callable[[], bool], clock: Clock) -> Iterator[Event]:
    """Read whole lines as they come, until an end that nothing follows, or until nobody is left who could write one.

    Something follows where an operation that was stuck has been taken back since.
    """
    rest, quiet, last_look = b"", 0, False
    last: Event | None = None
    while True:
        lines = (rest + file.read()).split(b"\n")
        rest = lines.pop()
        for event in map(event_of, lines):
            if event is not None:
                last = event
                yield event
        if last_look or (isinstance(last, End) and not rest):
            return
        quiet = 0 if lines else quiet + 1
        if quiet and quiet % _QUIET_GLANCES == 0:
            last_look = dead()  # what it wrote before it died is read once more
        else:
            clock.wait(_GLANCE_SECONDS)


def _died(name: str, found: Sequence[Event], own: Own, clock: Clock) -> End:
    left = (to_go_back(name, own),) if touched(found) else ()
    return End(iso(clock.now_ms()), DIED, int(Exit.FAIL), left)
