"""The two services of the server as systemd has them: are they there, do they rest, how long may they take."""

import hashlib
import os
import re
from pathlib import Path

from genesis_ops.clients.units import UNITS, Unit, UnitsFound, show
from genesis_ops.durable import read_whole
from genesis_ops.errors import AbortCondition, Unreachable
from genesis_ops.host.plan import Problem, UnitFound
from genesis_ops.words import Exit, visible

PAPER, RUNNER = UNITS
INSTALL = "genesis-ops units install"
INSTANCES = "genesis-runner@*.service"
"""Runners beside the phase's own, as systemd takes a pattern: those that are in its memory."""

_WANTED = (
    *("LoadState", "ActiveState", "SubState", "Result", "MainPID", "User", "FragmentPath", "DropInPaths"),
    *("NeedDaemonReload", "TimeoutStartUSec", "TimeoutStopUSec"),
)
_LIVELY = {"active", "activating", "reloading"}
_INSTANCE = re.compile(r"genesis-runner@[A-Za-z0-9:_.\\-]{1,200}\.service")
_AT_REST = {"inactive", "failed"}
_MOST_BYTES = 1 << 20
_LONGEST_SECONDS = 900
_SPAN = re.compile(r"([0-9.]+)(us|ms|s|min|h|d|w|month|y)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800, "month": 2592000, "y": 3e7}


def look() -> UnitsFound:
    """Ask systemd for what a plan needs to know of both."""
    return show(_WANTED)


def instances() -> tuple[UnitFound, ...]:
    """Find the runners beside the phase's own that are active; none where systemd does not tell."""
    found = sorted(show(_WANTED, (INSTANCES,)).units)
    units = (described(unit) for unit in found if is_instance(unit.name))
    return tuple(unit for unit in units if unit.active)


def as_they_were(found: UnitsFound, active: set[str]) -> tuple[UnitFound, ...]:
    """Describe the units as systemd has them now, but for which of them were active."""
    further = show(_WANTED, [name for name in sorted(active) if is_instance(name)])
    units = (*found.units, *further.units)
    return tuple(described(unit)._replace(active=unit.name in active) for unit in units)


def is_instance(name: str) -> bool:
    """Tell whether this is the unit of a further runner."""
    return _INSTANCE.fullmatch(name) is not None


def described(unit: Unit) -> UnitFound:
    """Sum up a unit; the sum is over every file that systemd reads of it."""
    said = unit.properties
    return UnitFound(
        name=unit.name,
        load=visible(said.get("LoadState", "")),
        active=said.get("ActiveState") in _LIVELY,
        digest=_digest(said),
        start_seconds=seconds_of(said.get("TimeoutStartUSec", "")),
        stop_seconds=seconds_of(said.get("TimeoutStopUSec", "")),
    )


def seconds_of(span: str) -> int:
    """Read a length of time as systemd writes it (``1min 30s``); what has no end has the longest we wait."""
    found = _SPAN.findall(span)
    if not found or "".join(number + unit for number, unit in found) != span.replace(" ", ""):
        return _LONGEST_SECONDS
    try:
        return min(_LONGEST_SECONDS, 1 + int(sum(float(number) * _SECONDS[unit] for number, unit in found)))
    except ValueError:
        return _LONGEST_SECONDS


def user_of(found: UnitsFound) -> str:
    """Tell whose rights the runner has; empty where systemd does not know the runner."""
    users = {unit.name: unit.properties.get("User", "") for unit in found.loaded}
    return (users[RUNNER] or "root") if RUNNER in users else ""


def runners_user() -> str:
    """Tell whose the operations' directories are, for root to write there; for anybody else they are his own."""
    return user_of(look()) if hasattr(os, "geteuid") and os.geteuid() == 0 else ""


def problems(found: UnitsFound) -> list[Problem]:
    """Say what is wrong with the units before anything is touched."""
    if found.trouble:
        return [Problem(visible(found.trouble), "systemctl status --no-pager", Exit.UNKNOWN)]
    loads = {unit.name: unit.properties.get("LoadState", "") for unit in found.units}
    told = [_not_loaded(name, loads.get(name, "")) for name in UNITS if loads.get(name) != "loaded"]
    stale = [unit.name for unit in found.loaded if unit.properties.get("NeedDaemonReload") == "yes"]
    reload = "sudo systemctl daemon-reload"
    return told + [Problem(f"systemd has not read {name} as it is now", reload, Exit.FAIL) for name in stale]


def _not_loaded(name: str, load: str) -> Problem:
    if load in {"", "not-found"}:
        return Problem(f"there is no unit {name}", INSTALL, Exit.FAIL)
    return Problem(f"{name} cannot be used: it is {visible(load)}", f"systemctl status {name} --no-pager", Exit.FAIL)


def require_present() -> list[str]:
    """Say of each unit that it is there.

    Raises:
        AbortCondition: one is missing, masked or broken, or changed on the disk since systemd read it.
        Unreachable: systemd does not tell.
    """
    found = look()
    if wrong := problems(found):
        kind = Unreachable if found.trouble else AbortCondition
        raise kind(wrong[0].what, notes=tuple(each.what for each in wrong[1:]), next_command=wrong[0].next)
    return [f"{unit.name} {unit.properties.get('LoadState')}" for unit in found.units]


def require_at_rest() -> list[str]:
    """Say of each unit how it came to rest.

    Raises:
        AbortCondition: one is not at rest, or has a process yet.
        Unreachable: systemd does not tell.
    """
    found = look()
    if found.trouble:
        raise Unreachable(visible(found.trouble), next_command="systemctl status --no-pager")
    for unit in found.units:
        state, pid = unit.properties.get("ActiveState", ""), unit.properties.get("MainPID", "0")
        if state not in _AT_REST or pid != "0":
            told = visible(f"{unit.name} is {state}, pid {pid}")
            raise AbortCondition(told, next_command=f"systemctl status {unit.name} --no-pager")
    return [visible(f"{unit.name} {unit.properties['ActiveState']}{_killed(unit)}") for unit in found.units]


def _killed(unit: Unit) -> str:
    late = unit.properties.get("Result") == "timeout"
    return ", killed: it did not stop within its time" if late else ""


def _digest(said: dict[str, str]) -> str:
    total = hashlib.sha256()
    for path in (said.get("FragmentPath", ""), *said.get("DropInPaths", "").split()):
        total.update(path.encode("utf-8", "surrogateescape") + b"\0")
        try:
            total.update(read_whole(Path(path), _MOST_BYTES))
        except OSError as error:
            total.update(str(error.errno).encode())
    return total.hexdigest()
