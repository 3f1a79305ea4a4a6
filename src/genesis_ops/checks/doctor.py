"""The quick-start and the stability checks of the runbook as one judgement (runbook, VM SSH quick-start)."""

from collections.abc import Callable
from pathlib import Path

from genesis_ops.checks.api_health import api_health
from genesis_ops.checks.doctor_facts import Doctor
from genesis_ops.checks.doctor_git import champion_frozen, git_branch, git_clean
from genesis_ops.checks.doctor_place import directory, user, venv
from genesis_ops.checks.doctor_server import one_uvicorn, port_loopback
from genesis_ops.checks.doctor_units import (
    env_given,
    journald_persistent,
    restarts,
    services_up,
    units_enabled,
    units_present,
)
from genesis_ops.checks.host import Host
from genesis_ops.checks.model import Check, Report, Result, judge
from genesis_ops.checks.prerequisites import clock, disk_space, stop_latch
from genesis_ops.words import stamp, visible


def _of_host(asked: Callable[[Host], Result]) -> Callable[[Doctor], Result]:
    """Ask of the host what preflight asks."""
    return lambda doctor: asked(doctor.host)


CHECKS: tuple[Check[Doctor], ...] = (
    Check("user", "The right user looks and runs", user),
    Check("directory", "The root is the checkout that the units work in", directory),
    Check("git-branch", "A branch is checked out, even with its upstream", git_branch),
    Check("git-clean", "The files are as they were committed", git_clean),
    Check("venv", "The units use the Python of the root's venv", venv),
    Check("env-file", "The .env file means the same to everybody, and is read", env_given, every=True),
    Check("units-present", "systemd has both units", units_present),
    Check("units-enabled", "The units start with the machine", units_enabled),
    Check("services-up", "The services run", services_up),
    Check("restarts", "No service was started again", restarts),
    Check("stop-latch", "Nothing keeps runs from starting", _of_host(stop_latch)),
    Check("api-health", "The API answers that it is well", _of_host(api_health)),
    Check("one-uvicorn", "One uvicorn runs", one_uvicorn),
    Check("port-loopback", "The API is for this machine alone", port_loopback),
    Check("clock", "The host's clock agrees with the exchange's", _of_host(clock)),
    Check("disk-space", "The disk holds the rest of the phase", _of_host(disk_space)),
    Check("journald-persistent", "The journal outlives a restart", journald_persistent),
    Check("champion-frozen", "Champion, strategy and models are as on Day 0", champion_frozen),
)


def examine(doctor: Doctor, *, strict: bool = False) -> Report:
    """Judge what was found on a host."""
    settings = doctor.host.settings
    return Report(
        command="doctor",
        subject=f"{visible(str(settings.root))} at {stamp(doctor.host.now_ms)} UTC",
        market=f"{settings.symbol} {settings.timeframe}",
        generated_ms=doctor.host.now_ms,
        checks=judge(CHECKS, doctor, lambda path: settings.shown(Path(path))),
        strict=strict,
    )
