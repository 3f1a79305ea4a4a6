"""A known-bad case: what is wrong in a root, which alarm has to go off, and in which words."""

import os
from collections.abc import Callable
from typing import NamedTuple

from genesis_ops.checks.model import Outcome
from genesis_ops.rehearsal.drill_root import Spoil

GATE = "gate"
"""What the alarms of live-paper are called: they refuse a run, end it, or let an order not leave."""
ANYTHING = ("*",)
"""Stands for other alarms that go off too, where what is wrong has no end of consequences."""


def anywhere() -> bool:
    """Where most cases can be brought about."""
    return True


def with_modes() -> bool:
    """Where files have modes and links."""
    return os.name != "nt"


def without_rights() -> bool:
    """Where a mode stands in this user's way, as it does in nobody's who is root."""
    return hasattr(os, "geteuid") and os.geteuid() != 0


class Case(NamedTuple):
    """What is wrong in a root, which alarm of which command has to go off, and how."""

    command: str
    alarm: str
    wrong: str
    spoil: Spoil
    says: str
    """What the alarm has to say, so that it does not go off for another reason."""
    red: Outcome = Outcome.FAIL
    also: tuple[str, ...] = ()
    """The other alarms of the command that go off with it, and no more than these; of gates, their reasons."""
    possible: Callable[[], bool] = anywhere
    """Whether it can be brought about here."""
