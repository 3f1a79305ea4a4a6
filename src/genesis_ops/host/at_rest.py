"""State and log directory while nobody writes there: held as a runner holds them, so that none can begin either."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from genesis_ops.clients.clock import Clock
from genesis_ops.settings import Settings
from genesis_ops.state.lock import LockWish, hold, holders, runner_locks


@contextmanager
def at_rest(settings: Settings, command: str, clock: Clock) -> Iterator[None]:
    """Hold what a runner would write; a name plate that a dead one left behind stands in nobody's way.

    Raises:
        LockHeld: a runner has it.
        Refused: no lock can be taken there.
    """
    wishes = [wish for wish in _wishes(settings) if wish.path.parent.is_dir()]
    with hold(wishes, command=command, now_ms=clock.now_ms()):
        yield


def others(settings: Settings, units: set[int]) -> list[str]:
    """Name the runners that write here and are none of the units' processes, as their name plates tell of them."""
    from genesis_ops.clients.process import author

    found = []
    for holder in holders(_wishes(settings)):
        with suppress(ValueError):
            since_ms = round(datetime.fromisoformat(holder.since).timestamp() * 1000)
            process = None if holder.pid in units else author(holder.pid, since_ms)
            found += [] if process is None else [process.told()]
    return found


def _wishes(settings: Settings) -> tuple[LockWish, ...]:
    """List the locks of state and log directory; the market's may be held by a runner of another root."""
    place, market = (settings.state_file, settings.log_dir), (settings.symbol, settings.timeframe)
    return runner_locks(*place, settings.lock_dir, symbol=market[0], timeframe=market[1])[1:]
