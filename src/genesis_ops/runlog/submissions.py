"""The orders that the runner log tells of, to hold the journal against: one line before each request."""

from collections.abc import Iterable

from genesis_ops.runlog.events import OrderSubmitting, RunnerStarted, Version
from genesis_ops.runlog.files import LogFile
from genesis_ops.runlog.reader import LogLine, Notes
from genesis_ops.runlog.sieve import Sieve


def own_submissions(files: Iterable[LogFile], notes: list[Notes] | None = None) -> tuple[LogLine, ...]:
    """Find the lines of this project's own runs; the older runner names no version and kept no journal.

    A line whose run's start is not in the log counts. ``notes`` gets what the reading met.
    """
    sieve, own, found = Sieve(files), True, []
    for line in sieve:
        if isinstance(line.event, RunnerStarted | Version):
            own = isinstance(line.event, Version)
        elif own and isinstance(line.event, OrderSubmitting):
            found.append(line)
    if notes is not None:
        notes.append(sieve.notes)
    return tuple(found)
