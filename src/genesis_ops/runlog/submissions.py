"""The orders that the runner log tells of, to hold the journal against: one line before each request."""

from collections.abc import Iterable
from typing import NamedTuple

from genesis_ops.runlog.events import OrderSubmitting, RunnerStarted, Version
from genesis_ops.runlog.files import LogFile
from genesis_ops.runlog.reader import LogLine, Notes
from genesis_ops.runlog.sieve import Sieve


class Submissions(NamedTuple):
    """The lines of this project's own runs and those of the older runner, and what the reading met."""

    own: tuple[LogLine, ...]
    older: tuple[LogLine, ...]
    notes: Notes


def submissions(files: Iterable[LogFile]) -> Submissions:
    """Find the lines, and tell the runs apart: the older runner names no version and kept no journal.

    A line whose run's start is not in the log counts as this project's own.
    """
    sieve, own = Sieve(files), True
    found: dict[bool, list[LogLine]] = {True: [], False: []}
    for line in sieve:
        if isinstance(line.event, RunnerStarted | Version):
            own = isinstance(line.event, Version)
        elif isinstance(line.event, OrderSubmitting):
            found[own].append(line)
    return Submissions(tuple(found[True]), tuple(found[False]), sieve.notes)


def own_submissions(files: Iterable[LogFile]) -> tuple[LogLine, ...]:
    """Give the lines of this project's own runs alone: each of them has a record in the journal."""
    return submissions(files).own
