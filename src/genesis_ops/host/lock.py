"""The lock that an operation holds: one for the host, because the units are the host's."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from genesis_ops.clients.clock import Clock
from genesis_ops.errors import LockHeld
from genesis_ops.settings import Settings
from genesis_ops.state.lock import Holder, LockWish, hold, holders, host_lock_directory
from genesis_ops.words import visible

RUNS, BEGINS = "host", "host-begin"
"""What the lock is of: an operation that runs, and one that is about to begin."""

_HELD = "another operation holds this host"
_SHOWN = 200


@contextmanager
def locked(settings: Settings, order: str, clock: Clock, kind: str = RUNS) -> Iterator[None]:
    """Hold this host; ``order`` says who does and why.

    Raises:
        LockHeld: somebody else does; the message says who, why and since when.
    """
    wish = _wish(settings, kind)
    with ExitStack() as held:
        try:
            held.enter_context(hold((wish,), command=visible(order)[:_SHOWN], now_ms=clock.now_ms()))
        except LockHeld:
            raise _held(holders((wish,))) from None
        yield


def holder(settings: Settings) -> Holder | None:
    """Tell who holds this host; None if nobody does."""
    return next(iter(holders((_wish(settings, RUNS),))), None)


def _wish(settings: Settings, kind: str) -> LockWish:
    return LockWish((settings.lock_dir or host_lock_directory()) / f"genesis-ops-{kind}.lock", _HELD, passes=True)


def _held(found: tuple[Holder, ...]) -> LockHeld:
    who = f": {found[0].command}, since {found[0].since}" if found else ""
    return LockHeld(f"{_HELD}{who}", next_command="genesis-ops host follow")
