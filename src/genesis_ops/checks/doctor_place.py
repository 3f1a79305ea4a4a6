"""The right user in the right directory, and the Python that the units really use (runbook, VM SSH quick-start 1-4)."""

import shlex
from collections.abc import Iterator

from genesis_ops import __version__
from genesis_ops.checks.doctor_facts import Doctor, Finding, summed, told_trouble
from genesis_ops.checks.model import Outcome, Place, Result
from genesis_ops.clients.machine_python import Started
from genesis_ops.errors import typed
from genesis_ops.words import visible

_ROOT = "root"


def user(doctor: Doctor) -> Result:
    """Ask whether the one who looks, the root's owner and the units' users are the same, and not the superuser."""
    place = doctor.place
    if not place.user:
        return Result(Outcome.SKIP, "this system has no users to compare")
    return summed(_strangers(doctor), f"{place.user}, who owns {_root(doctor)}")


def _strangers(doctor: Doctor) -> Iterator[Finding]:
    place, root, right = doctor.place, _root(doctor), _right_user(doctor)
    again = f"genesis-ops --root {typed(doctor.host.settings.root)} doctor"
    if place.owner == _ROOT:
        remedy = f"let {root} belong to {right}      then: {become(right)}      then: {again}"
        yield Finding(Outcome.WARN, f"{place.user} looks, and root owns {root}: it needs a user of its own", remedy)
    elif place.user != place.owner:
        who = place.owner or "somebody who cannot be seen"
        remedy = f"{become(place.owner)}      then: {again}" if place.owner else again
        yield Finding(Outcome.WARN, f"{place.user} looks, and {who} owns {root}", remedy)
    for unit in doctor.units.loaded:
        name = visible(unit.properties.get("User", "")) or _ROOT
        if right and name != right:
            remedy = f"sudo systemctl edit {shlex.quote(unit.name)}      and set User={right} under [Service]"
            yield Finding(Outcome.WARN, f"{visible(unit.name)} runs as {name}, not as {right}", remedy)


def _right_user(doctor: Doctor) -> str:
    """Name who should own and run it all: the owner, or where that is the superuser whom a unit names."""
    if doctor.place.owner != _ROOT:
        return doctor.place.owner
    named = (visible(unit.properties.get("User", "")) for unit in doctor.units.loaded)
    return next((name for name in named if name not in {"", _ROOT}), "genesis")


def become(name: str) -> str:
    """Name the command that makes somebody the right user."""
    return f"sudo -iu {shlex.quote(name)}" if name else ""


def _root(doctor: Doctor) -> str:
    return visible(str(doctor.host.settings.root))


def directory(doctor: Doctor) -> Result:
    """Ask whether the root is a Genesis-Core checkout, and the one that the units work in."""
    how = "the units work in it" if doctor.place.works_in else "no unit to compare it with"
    return summed(_elsewhere(doctor), f"{_root(doctor)}, {how}")


def _elsewhere(doctor: Doctor) -> Iterator[Finding]:
    place = doctor.place
    others = list(dict.fromkeys(at.directory for at in place.works_in if at.directory and not at.here))
    there = f"genesis-ops --root {shlex.quote(others[0])} doctor" if others else ""
    if place.lacks:
        said = f"{_root(doctor)} is no Genesis-Core checkout: there is no {' and no '.join(place.lacks)}"
        yield Finding(Outcome.FAIL, said, there or "cd /opt/genesis/Genesis-Core      or name it with --root")
    for at in place.works_in:
        if not at.directory:
            edit = f"sudo systemctl edit {shlex.quote(at.unit)}"
            remedy = f"{edit}      and set WorkingDirectory={visible(str(doctor.host.settings.root))} under [Service]"
            yield Finding(Outcome.WARN, f"{visible(at.unit)} names no WorkingDirectory", remedy)
        elif not at.here:
            yield Finding(Outcome.FAIL, f"{visible(at.unit)} works in {visible(at.directory)}, not here", there)


def venv(doctor: Doctor) -> Result:
    """Ask which Python the units start, whether it is the root's own, and whether the runner is this version."""
    if not doctor.started:
        why = told_trouble(doctor.units) or "no unit is there that starts one"
        return Result(Outcome.SKIP, f"{why}, and nothing of the phase runs whose Python could be seen")
    evidence = tuple(Place(visible(one.who), 0, _told(one)) for one in doctor.started)
    result = summed(_wrong_pythons(doctor), "", evidence)
    if result.outcome is not Outcome.PASS:
        return result
    versions = dict.fromkeys(f"Python {one.version} of {one.python}" for one in doctor.started)
    return result._replace(detail=", ".join(versions))


def _wrong_pythons(doctor: Doctor) -> Iterator[Finding]:
    own = typed(doctor.host.settings.root / ".venv")
    for one in doctor.started:
        who = visible(one.who)
        if one.fault:
            remedy = f"python3 -m venv {own}      then install into it what {who} starts"
            yield Finding(Outcome.FAIL, f"{who} cannot start: {one.fault}", remedy)
        elif one.unseen:
            yield Finding(Outcome.WARN, f"{who}: {one.unseen}", f"systemctl cat {shlex.quote(one.who)} --no-pager")
        elif not one.inside:
            yield Finding(Outcome.WARN, f"{who} uses {one.python}, not the .venv of the root", _edit(one, own))
        if one.own_version and one.own_version != __version__:
            said = f"{who} starts genesis-ops {one.own_version}, and this is {__version__}"
            yield Finding(Outcome.WARN, said, f"{shlex.quote(one.program)} --version      and: genesis-ops --version")


def _edit(one: Started, own: str) -> str:
    if one.who.startswith("pid "):
        return f"start it with {own}/bin/python"
    return f"sudo systemctl edit {shlex.quote(one.who)}      and let ExecStart= begin with {own}/bin/"


def _told(one: Started) -> str:
    python = f"Python {one.version}" if one.version else "Python of an unknown version"
    return f"{one.program}, {python}" if one.python in {"", one.program} else f"{one.program}, {python} of {one.python}"
