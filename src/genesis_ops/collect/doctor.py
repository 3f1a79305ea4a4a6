"""One look at a host for the doctor, which changes nothing: user, checkout, units, their Python, ports, journal."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from genesis_ops.checks.doctor_facts import CHECKOUT, FROZEN, Doctor, PlaceFound, WorksIn
from genesis_ops.checks.host import Host
from genesis_ops.clients import git, units
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.machine import journald, owner, this_user
from genesis_ops.clients.machine_python import Started, started
from genesis_ops.clients.process import Process, interpreter, listeners, uvicorns
from genesis_ops.clients.units import Unit, UnitsFound
from genesis_ops.collect import host as hosts
from genesis_ops.settings import Settings

_PROGRAM = re.compile(r"\{ path=(/.*?) ; argv\[\]=")
_SUPERUSER = "root"


def look(settings: Settings, clock: Clock) -> Doctor:
    """Look at everything once; a dead network takes six seconds, and a program that hangs its time limit."""
    host = hosts.look(settings, clock)
    found = units.show((*units.PROPERTIES, *units.SETUP))
    servers, port = uvicorns(), hosts.api_port(settings.api_url)
    return Doctor(
        host=host,
        place=_place(settings.root, found),
        git=git.look(settings.root, FROZEN),
        units=found,
        started=tuple(_started_by_units(settings.root, found) or _running(host, servers)),
        uvicorns=servers,
        listeners=None if port is None else host.listeners or listeners(port),
        journald=journald(),
    )


def _place(root: Path, found: UnitsFound) -> PlaceFound:
    return PlaceFound(
        user=this_user(),
        owner=owner(root),
        lacks=tuple(name for name in CHECKOUT if not (root / name).is_dir()),
        works_in=tuple(_works_in(unit, root) for unit in found.loaded),
    )


def _works_in(unit: Unit, root: Path) -> WorksIn:
    """Read where a unit works; a mark before the path says that it may be missing (systemd.exec(5))."""
    directory = unit.properties.get("WorkingDirectory", "").lstrip("!-")
    return WorksIn(unit.name, directory, os.path.realpath(directory or "/") == os.path.realpath(root))


def _started_by_units(root: Path, found: UnitsFound) -> list[Started]:
    """Look at the program of each unit; of several commands the first counts."""
    programs = ((unit, _PROGRAM.search(unit.properties.get("ExecStart", ""))) for unit in found.loaded)
    return [
        started(unit.name, Path(program[1]), root, unit.properties.get("User") or _SUPERUSER)
        for unit, program in programs
        if program
    ]


def _running(host: Host, servers: tuple[Process, ...]) -> Iterator[Started]:
    """Look at what runs of the phase, as far as this user may see it."""
    runners = (trader.process for trader in host.traders if trader.runs and (trader.here or trader.named))
    for process in (*servers, *runners):
        if program := interpreter(process.pid):
            yield started(f"pid {process.pid}", Path(program), host.settings.root, process.user)
