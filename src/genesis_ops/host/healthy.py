"""Waiting for the API to say that it is well."""

from collections.abc import Callable

from genesis_ops.clients.clock import Clock
from genesis_ops.errors import AbortCondition
from genesis_ops.host.evidence import health
from genesis_ops.words import duration

_PAUSE_SECONDS = 0.1


def await_health(api_url: str, seconds: float, clock: Clock, waiting: Callable[[str], None]) -> str:
    """Ask again and again; give the good reply, and tell ``waiting`` of each other one.

    Raises:
        AbortCondition: it is not well when the time is over.
    """
    until, shown = clock.monotonic() + seconds, ""
    while True:
        well, told = health(api_url)
        if well:
            return told
        if clock.monotonic() >= until:
            message = f"the API is not well after {duration(seconds)}: {told}"
            raise AbortCondition(message, next_command="journalctl -u genesis-paper -n 50 --no-pager")
        if told != shown:
            shown = told
            waiting(f"waiting for the API: {told}")
        clock.wait(_PAUSE_SECONDS)
