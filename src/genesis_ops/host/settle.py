"""Taking back an operation that died or is stuck, by hand: its way back, worked out anew.

The order lies where the service's user can write, so nothing of it is done as it stands there: what comes from it are
names that are checked, and the commands are made of them here.
"""

from collections.abc import Sequence

from genesis_ops.clients.clock import Clock
from genesis_ops.clients.machine import owner
from genesis_ops.errors import Refused, Unreachable, typed
from genesis_ops.host import names, services, unit
from genesis_ops.host.apply import SIGNAL, Around, go_back
from genesis_ops.host.checkout import Git, is_branch, is_commit
from genesis_ops.host.events import events, runs, touched
from genesis_ops.host.lock import BEGINS, locked
from genesis_ops.host.order import Order, kept
from genesis_ops.host.plan import Facts, Wishes
from genesis_ops.host.record import DONE, STUCK, End, Event, Told
from genesis_ops.host.steps import Own, back
from genesis_ops.settings import Settings
from genesis_ops.words import visible

_FOLLOW = "genesis-ops host follow"


def begin_back(settings: Settings, name: str, own: Own, clock: Clock) -> int:
    """Let a unit of its own take an operation back, and give how many events its record had before.

    Raises:
        Refused: it runs, has ended, had not stopped anything, or is not what this host has now.
        LockHeld: another operation runs, or begins.
        Unreachable: systemd does not run it.
    """
    with locked(settings, f"back from {name}", clock, BEGINS):
        order, found = _to_take_back(settings, name)
        if runs(name):
            raise Refused(f"operation {name} runs", next_command=_FOLLOW)
        with locked(settings, order.told, clock):
            pass  # nobody runs, and nobody else begins
        unit.start(settings, name, own("host", "back", name, "--here"))
    return len(found)


def settle(settings: Settings, name: str, own: Own, around: Around) -> int:
    """Take an operation back that did not come to its end, and give the exit code: 1 where all is as it was.

    Raises:
        Refused: it has ended, had not stopped anything, or is not what this host has now.
        LockHeld: another operation runs.
    """
    order, found = _to_take_back(settings, name)
    last = next((event.id for event in reversed(found) if isinstance(event, Told)), SIGNAL)
    steps = back(order.plan.facts, Wishes(), own, undo=_was_clean(found))
    return go_back(settings, order, steps, last, around)


def _to_take_back(settings: Settings, name: str) -> tuple[Order, list[Event]]:
    order, found = kept(settings, name, None), events(settings.log_dir, name)
    if not touched(found):
        raise Refused(f"operation {name} had not stopped anything: there is nothing to take back")
    if isinstance(found[-1], End) and found[-1].verdict != STUCK:
        raise Refused(f"operation {name} has come to its end: {visible(found[-1].verdict)}", next_command=_FOLLOW)
    if (newer := names.newest(settings.log_dir)) != name:
        raise Refused(f"operation {name} is not the last one: {newer} has begun since", next_command=_FOLLOW)
    order = _trusted(settings, order)
    _require_own(settings, order.plan.facts)
    return order, found


def _require_own(settings: Settings, facts: Facts) -> None:
    """See that the checkout is where the operation found it or brought it; anything else is a person's work."""
    git = Git.of(settings.root)
    head = git.tell("rev-parse", "--verify", "HEAD").strip()
    if head not in {facts.head, facts.target, facts.tip}:
        told = f"the checkout is at {head[:12]}, where the operation did not bring it"
        raise Refused(told, next_command=f"git -C {typed(settings.root)} log -n 5 --oneline")


def _was_clean(found: Sequence[Event]) -> bool:
    """Tell whether the local modifications were set aside, and nothing has tried to bring them back since."""
    told = {(event.id, event.state) for event in found if isinstance(event, Told)}
    return ("save-modifications", DONE) in told and all(name != "unsave" for name, _ in told)


def _trusted(settings: Settings, order: Order) -> Order:
    """Take from an order only what cannot be turned against this host."""
    facts = order.plan.facts
    branches, commits = (facts.branch, facts.wished), (facts.head, facts.target, facts.tip)
    if (
        not facts.head
        or not all(map(is_commit, filter(None, commits)))
        or not all(map(is_branch, filter(None, branches)))
    ):
        raise Refused("the order names no commit or branch that could be gone back to", next_command=_FOLLOW)
    units = services.look()
    if units.trouble:
        raise Unreachable(visible(units.trouble), next_command="systemctl status --no-pager")
    sure = facts._replace(
        root=str(settings.root),
        log_dir=str(settings.log_dir),
        api_url=settings.api_url,
        user=services.user_of(units),
        owner=owner(settings.root),
        units=services.as_they_were(units, {unit.name for unit in facts.units if unit.active}),
    )
    return order._replace(plan=order.plan._replace(facts=sure))
