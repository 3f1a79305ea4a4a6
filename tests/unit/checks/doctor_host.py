"""A host with which the doctor finds nothing wrong, and its parts, for tests that change one thing at a time."""

from typing import Any

from preflight_host import API, ROOT, WELL

from genesis_ops.checks.doctor import examine
from genesis_ops.checks.doctor_facts import FROZEN, Doctor, PlaceFound, WorksIn
from genesis_ops.checks.model import Judged
from genesis_ops.clients.git import Commit, Repository
from genesis_ops.clients.machine import Journald
from genesis_ops.clients.machine_python import Started
from genesis_ops.clients.process import Listeners
from genesis_ops.clients.units import UNITS, Unit, UnitsFound
from genesis_ops.words import DAY_MS, HOUR_MS

DAY_0_MS = 1_770_163_200_000  # 2026-02-04 00:00:00 UTC
HEAD = Commit("3f7e1a6", DAY_0_MS - 36 * HOUR_MS, "Freeze the champion")
PYTHON = f"{ROOT}/.venv/bin/python"
PAPER, RUNNER = UNITS
NO_SYSTEMD = UnitsFound(trouble="there is no systemctl on this host", absent=True)
MUTE_SYSTEMD = UnitsFound(trouble="systemctl did not answer within 10s")


def unit(name: str, **changes: str) -> Unit:
    whole = {
        "LoadState": "loaded",
        "UnitFileState": "enabled",
        "ActiveState": "active",
        "SubState": "running",
        "NRestarts": "0",
        "Result": "success",
        "NeedDaemonReload": "no",
        "User": "genesis",
        "EnvironmentFiles": f"{ROOT}/.env (ignore_errors=no)",
    }
    return Unit(name, whole | changes)


def units(**changes: str) -> dict[str, Any]:
    """Both units, the runner's changed."""
    return {"units": UnitsFound((unit(PAPER), unit(RUNNER, **changes)))}


SOUND = Doctor(
    host=WELL,
    place=PlaceFound("genesis", "genesis", (), tuple(WorksIn(name, str(ROOT), here=True) for name in UNITS)),
    git=Repository("main", HEAD, "origin/main", 0, 0, tracked=FROZEN, touching=(HEAD,)),
    units=UnitsFound(tuple(unit(name) for name in UNITS)),
    started=tuple(Started(name, PYTHON, PYTHON, "3.11.7", "", inside=True) for name in UNITS),
    uvicorns=(API,),
    listeners=Listeners((API,), hidden=False, addresses=("127.0.0.1",)),
    journald=Journald("auto", kept=True, directory=True),
)


def git(**changes: Any) -> dict[str, Any]:
    return {"git": SOUND.git._replace(**changes)}


def late(name: str, days: float = 1, **changes: Any) -> Commit:
    """A commit so many days after Day 0."""
    at_ms = DAY_0_MS + round(days * DAY_MS)
    return Commit(name, at_ms, "Better numbers", ("config/models/m.json",))._replace(**changes)


def found(name: str, doctor: Doctor | None = None, **changes: Any) -> Judged:
    whole = (doctor or SOUND)._replace(**changes)
    return next(check for check in examine(whole).checks if check.id == name)


def told(name: str, **changes: Any) -> tuple[str, str]:
    """The outcome and the detail."""
    judged = found(name, **changes)
    return str(judged.outcome), judged.detail
