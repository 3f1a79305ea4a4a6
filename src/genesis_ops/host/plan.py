"""A plan: what would be done on this host, from which facts, as data that can be shown, saved and held against."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from genesis_ops.errors import Refused
from genesis_ops.host.wire import document, read
from genesis_ops.words import read_duration, visible

SCHEMA = "genesis-ops.plan/1"
MOST_BYTES = 1 << 20
ID = "{id}"
"""Stands in a command for the name of the operation, which begins later: ``20260205_131002Z``."""


class Wishes(NamedTuple):
    """What was asked for; an empty ``branch`` is the one that is there, an empty ``acceptance`` is none."""

    branch: str = ""
    acceptance: str = "24h"
    healthy: str = "60s"
    """How long the API may take to be well."""
    wait: str = "3m"
    """How long preflight may wait for the runner."""
    keep_logs: bool = False
    allow_frozen: bool = False


class UnitFound(NamedTuple):
    """A unit; ``digest`` is over what systemd reads of it, the seconds are how long it may take to start and stop."""

    name: str
    load: str
    active: bool
    digest: str
    start_seconds: int
    stop_seconds: int


class Facts(NamedTuple):
    """What the plan stands on; a commit is its whole name, a change is written as ``modified config/x.json``."""

    host: str
    root: str
    log_dir: str
    api_url: str
    user: str
    """Whose the runner is."""
    owner: str
    """Whose the checkout is."""
    head: str
    branch: str
    """Empty where HEAD is on none."""
    wished: str
    """The branch that is to be there afterwards."""
    tip: str
    """The commit that this branch has in the checkout; empty where the checkout has it not."""
    remote: str
    target: str
    """The commit that the branch has at the remote."""
    commits: tuple[str, ...]
    """The commits that come, the newest first: short name and subject."""
    changes: tuple[str, ...]
    """The local modifications of files that git knows."""
    changes_digest: str
    units: tuple[UnitFound, ...]


class Step(NamedTuple):
    """One program call; an empty command is what the run does by itself, such as holding the lock."""

    id: str
    title: str
    command: tuple[str, ...]
    user: str
    seconds: int


class Problem(NamedTuple):
    """Why nothing is begun; ``next`` is what to type, the exit code as in contract §7."""

    what: str
    next: str
    exit_code: int


class Plan(NamedTuple):
    """Facts, the steps that follow from them, and the way back; the text in it is untrusted where it is read."""

    schema: str
    version: str
    made_at: str
    wishes: Wishes
    facts: Facts
    steps: tuple[Step, ...]
    way_back: tuple[Step, ...]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    """What is worth knowing and stops nothing: an operation that died, a frozen file that changes as wished."""


def write(plan: Plan) -> str:
    """Write a plan as one JSON object."""
    return json.dumps(document(plan), indent=1) + "\n"


def read_plan(text: bytes | str) -> Plan:
    """Read a plan that was written.

    Raises:
        Refused: it is none, or one of another form.
    """
    try:
        plan = read(Plan, _document(text))
        for length in (plan.wishes.healthy, plan.wishes.wait, plan.wishes.acceptance or plan.wishes.wait):
            read_duration(length)
    except (ValueError, RecursionError) as error:
        raise Refused(
            f"this is not a plan: {visible(str(error))}", next_command="genesis-ops remote plan --save plan.json"
        ) from None
    return plan


def _document(text: bytes | str) -> Any:
    if len(text) > MOST_BYTES:
        raise ValueError("it is too large")
    found: Any = json.loads(text)
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    return found


def differences(then: Plan, now: Plan) -> tuple[str, ...]:
    """Name what is not as it was when a plan was made, but for its time and what only tells."""
    kept = ("version", "wishes", "facts", "steps", "way_back")
    return tuple(visible(said) for name in kept for said in _differing(name, getattr(then, name), getattr(now, name)))


def _differing(where: str, then: Any, now: Any) -> Iterator[str]:
    """Go down to the field that differs; a list is told whole."""
    if then == now:
        return
    if hasattr(now, "_asdict"):
        for name, value in now._asdict().items():
            yield from _differing(f"{where}.{name}", getattr(then, name), value)
    elif isinstance(now, tuple):
        yield from _listed(where, then, now)
    else:
        yield f"{where}: was {then!r}, is {now!r}"


def _listed(where: str, then: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    if len(then) != len(now):
        yield f"{where}: had {len(then)}, has {len(now)}"
        return
    for i, (former, present) in enumerate(zip(then, now, strict=True)):
        name = getattr(present, "id", None) or getattr(present, "name", None) or str(i + 1)
        yield from _differing(f"{where}.{name}", former, present)
