"""What one look at a host for the doctor found, as frozen facts, and how several findings become one result."""

from collections.abc import Iterable
from typing import NamedTuple

from genesis_ops.checks.host import Host
from genesis_ops.checks.model import Outcome, Place, Result
from genesis_ops.clients.git import Repository
from genesis_ops.clients.machine import Journald
from genesis_ops.clients.machine_python import Started
from genesis_ops.clients.process import Listeners, Process
from genesis_ops.clients.units import UnitsFound
from genesis_ops.words import visible

FROZEN = ("config/strategy/champions", "src/core/strategy", "config/models")
"""What nobody may change while the phase runs (freeze rules of Phase 3)."""

CHECKOUT = ("config/strategy/champions", "src/core")
"""The directories by which a Genesis-Core checkout is known."""


class WorksIn(NamedTuple):
    """Where a unit's program works; ``here`` is whether that is the root, however it is written."""

    unit: str
    directory: str
    here: bool


class PlaceFound(NamedTuple):
    """Who looks, who owns the root, and whether it is the checkout that the units work in."""

    user: str
    """Empty where the system has no such users."""
    owner: str
    lacks: tuple[str, ...] = ()
    """The directories of a checkout that are not there."""
    works_in: tuple[WorksIn, ...] = ()


class Doctor(NamedTuple):
    """Everything that the doctor looks at."""

    host: Host
    place: PlaceFound
    git: Repository
    units: UnitsFound
    started: tuple[Started, ...]
    """What the units start or, where there are none, what runs."""
    uvicorns: tuple[Process, ...]
    listeners: Listeners | None
    """Who listens on the API's port; None where the API is on another host."""
    journald: Journald


class Finding(NamedTuple):
    """One thing that is not as it should be, and what to do."""

    outcome: Outcome
    said: str
    remedy: str = ""


_WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN)


def summed(findings: Iterable[Finding], well: str, evidence: tuple[Place, ...] = ()) -> Result:
    """Make one result of findings, the worst first; ``well`` is what to say where there are none."""
    found = sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.outcome))
    if not found:
        return Result(Outcome.PASS, well, 0, 0)
    remedies = dict.fromkeys(finding.remedy for finding in found if finding.remedy)
    said = "; ".join(finding.said for finding in found)
    return Result(found[0].outcome, said, len(found), 0, evidence, "      then: ".join(remedies))


def without_units(units: UnitsFound) -> Result:
    """Say why nothing can be told of the units."""
    outcome = Outcome.SKIP if units.absent else Outcome.UNKNOWN
    remedy = "" if units.absent else "systemctl status genesis-runner --no-pager"
    return Result(outcome, told_trouble(units), remedy=remedy)


def told_trouble(units: UnitsFound) -> str:
    """Say in short why systemd told nothing."""
    return "there is no systemd that runs this host" if units.absent else visible(units.trouble)
