"""The record of an operation as it grows, for any number of people; and the end of one that died without a word."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from genesis_ops.clients.clock import Clock
from genesis_ops.errors import Refused
from genesis_ops.host import names
from genesis_ops.host.events import runs, to_go_back, touched
from genesis_ops.host.record import DIED, End, Event, event_of
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
    path = names.directory(settings.log_dir, name) / names.RECORD if name else Path()
    if not name or not path.is_file():
        raise Refused("there is no such operation on this host", next_command="ls logs/paper_trading/_archive")
    found: list[Event] = []
    for event in _growing(path, lambda: alive(name) is False, clock):
        found.append(event)
        yield event
    if not found or not isinstance(found[-1], End):
        yield _died(name, found, own, clock)


def _growing(path: Path, dead: Callable[[], bool], clock: Clock) -> Iterator[Event]:
    """Read whole lines as they come, until the end, or until nobody is left who could write one."""
    rest, quiet, last_look = b"", 0, False
    with path.open("rb") as file:
        while True:
            lines = (rest + file.read()).split(b"\n")
            rest = lines.pop()
            for event in map(event_of, lines):
                if event is None:
                    continue
                yield event
                if isinstance(event, End):
                    return
            if last_look:
                return
            quiet = 0 if lines else quiet + 1
            if quiet and quiet % _QUIET_GLANCES == 0:
                last_look = dead()  # what it wrote before it died is read once more
            else:
                clock.wait(_GLANCE_SECONDS)


def _died(name: str, found: Sequence[Event], own: Own, clock: Clock) -> End:
    left = (to_go_back(name, own),) if touched(found) else ()
    return End(iso(clock.now_ms()), DIED, int(Exit.FAIL), left)
