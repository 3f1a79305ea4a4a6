"""Looking again and again until a host is ready, in place of the runbook's fixed wait (Day 0 step 2)."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from genesis_ops.checks.host import Host
from genesis_ops.checks.model import Judged, Report
from genesis_ops.checks.preflight import in_vain, preflight, waited_for
from genesis_ops.clients.clock import Clock

LOOK_SECONDS = 2.0
"""How long lies between two looks."""


class Attempt(NamedTuple):
    """A look and what it came to; with nothing to wait for it is the last one."""

    report: Report
    waits_for: tuple[Judged, ...]
    elapsed_seconds: float
    in_vain: str = ""
    """Why waiting is in vain, where there was time left for it."""


def attempts(
    look: Callable[[Host | None], Host], clock: Clock, limit_seconds: float, *, strict: bool
) -> Iterator[Attempt]:
    """Look until all is well, waiting is in vain, or the time is over; ``look`` is given what it found before."""
    began = clock.monotonic()
    host = None
    while True:
        host = look(host)
        report = preflight(host, strict=strict)
        elapsed = clock.monotonic() - began
        asked = (report, host, int(elapsed * 1000))
        waits_for, vain = (waited_for(*asked), in_vain(*asked)) if elapsed < limit_seconds else ((), "")
        yield Attempt(report, waits_for, elapsed, vain)
        if not waits_for:
            return
        clock.wait(min(LOOK_SECONDS, limit_seconds - elapsed))
