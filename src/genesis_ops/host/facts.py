"""One look at the server before anything is done: units, checkout, disk, and what an earlier operation left behind."""

import os
import socket
from pathlib import Path
from typing import Any

from genesis_ops import __version__
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.machine import owner as owner_of
from genesis_ops.clients.machine import this_user
from genesis_ops.clients.units import UNITS, UnitsFound
from genesis_ops.errors import typed
from genesis_ops.host import archive, checkout, judgeable, services
from genesis_ops.host.at_rest import others
from genesis_ops.host.checkout import Checkout, Git
from genesis_ops.host.events import last_operation
from genesis_ops.host.plan import SCHEMA, Facts, Plan, Problem, Wishes
from genesis_ops.host.record import DIED, STUCK
from genesis_ops.host.steps import Own, back, forward, instances
from genesis_ops.settings import Settings
from genesis_ops.words import Exit, iso, visible

_SPARE_BYTES = 64 << 20
_ROOT = "root"


def make_plan(settings: Settings, wishes: Wishes, own: Own, clock: Clock) -> Plan:
    """Look, and work out what would be done; nothing is changed.

    Raises:
        Refused: a user is named that this host does not have.
    """
    units = services.look()
    user, owner = services.user_of(units), owner_of(settings.root)
    found = checkout.look(Git(settings.root, owner), wishes)
    facts = Facts(
        host=visible(socket.gethostname()),
        root=str(settings.root),
        log_dir=str(settings.log_dir),
        api_url=settings.api_url,
        user=user,
        owner=owner,
        units=(*(services.described(unit) for unit in units.units if unit.name in UNITS), *services.instances()),
        **_of_checkout(found),
    )
    problems = (
        *services.problems(units),
        *_owned(user, owner),
        *found.problems,
        *_movable(settings),
        *_other_runners(settings, units),
        *_room(settings, wishes),
        *judgeable.problems(settings, wishes.acceptance, clock.now_ms(), os.environ),
    )
    return Plan(
        schema=SCHEMA,
        version=__version__,
        made_at=iso(clock.now_ms()),
        wishes=wishes,
        facts=facts,
        steps=() if problems else forward(facts, wishes, own),
        way_back=() if problems else back(facts, wishes, own),
        problems=tuple(problem._replace(exit_code=int(problem.exit_code)) for problem in problems),
        notices=(*found.notices, *_further(facts), *_rights(), *_left_behind(settings, own)),
    )


def _of_checkout(found: Checkout) -> dict[str, Any]:
    return {name: value for name, value in found._asdict().items() if name in Facts._fields}


def _owned(user: str, owner: str) -> list[Problem]:
    """See that what the runner writes and what git writes can stand beside each other."""
    if not user or owner in {user, _ROOT}:
        return []
    told = f"the checkout belongs to {owner or 'nobody'} and the runner is {visible(user)}'s"
    return [Problem(told, "systemctl cat genesis-runner.service", Exit.REFUSED)]


def _movable(settings: Settings) -> list[Problem]:
    """See that the state is a file that can be moved: what a link leads to is somebody else's."""
    if not settings.state_file.is_symlink():
        return []
    told = f"{settings.shown(settings.state_file)} is a link, which cannot be archived"
    return [Problem(visible(told), f"ls -l {typed(settings.state_file)}", Exit.REFUSED)]


def _other_runners(settings: Settings, units: UnitsFound) -> list[Problem]:
    """See that nobody writes the state who would go on when the units are stopped."""
    pids = {int(pid) for unit in units.units if (pid := unit.properties.get("MainPID", "")).isdecimal()}
    found = others(settings, pids)
    told = f"a runner that is no unit's writes here: {', '.join(found)}"
    return [Problem(visible(told), "genesis-ops doctor", Exit.REFUSED)] if found else []


def _further(facts: Facts) -> list[str]:
    """Say that other runners of this checkout rest meanwhile."""
    found = instances(facts)
    told = f"stopped and started with the rest, their state and logs left alone: {', '.join(found)}"
    return [visible(told)] if found else []


def _room(settings: Settings, wishes: Wishes) -> list[Problem]:
    """See that the disk takes the archive and the way back from it, and the commits."""
    needed = _SPARE_BYTES + archive.bytes_to_copy(settings, keep=wishes.keep_logs)
    place = next((each for each in (settings.log_dir, settings.root) if each.is_dir()), Path("/"))
    try:
        found = os.statvfs(place)
    except OSError:
        return []
    free = found.f_bavail * found.f_frsize
    if free >= needed:
        return []
    told = f"{free >> 20} MiB are free in {settings.shown(place)}, {needed >> 20} MiB are needed"
    return [Problem(visible(told), f"df -h {typed(place)}", Exit.FAIL)]


def _rights() -> list[str]:
    return [] if os.geteuid() == 0 else [f"{this_user()} is not root: systemd decides whether it may stop the units"]


def _left_behind(settings: Settings, own: Own) -> list[str]:
    """Tell of an operation that did not come to an end."""
    found = last_operation(settings.log_dir, own)
    if found is None or found.state not in {DIED, STUCK}:
        return []
    told = f"operation {found.id} {found.state} at {found.step}; its archive: {found.archive}"
    return [visible(told + (f"; back to what was: {found.next[0]}" if found.next else ""))]
