"""Taking back an operation that died or is stuck, by hand: its way back, worked out anew.

The order lies where the service's user can write, so nothing of it is done as it stands there: what comes from it are
names that are checked, and the commands are made of them here.
"""

from collections.abc import Sequence

from genesis_ops.clients.machine import owner
from genesis_ops.errors import Refused
from genesis_ops.host import services
from genesis_ops.host.apply import SIGNAL, Around, go_back
from genesis_ops.host.checkout import is_branch, is_commit
from genesis_ops.host.events import events, runs, touched
from genesis_ops.host.order import Order, kept
from genesis_ops.host.plan import Wishes
from genesis_ops.host.record import DONE, STUCK, End, Event, Told
from genesis_ops.host.steps import Own, back
from genesis_ops.settings import Settings
from genesis_ops.words import visible

_FOLLOW = "genesis-ops host follow"


def settle(settings: Settings, name: str, own: Own, around: Around) -> int:
    """Take an operation back that did not come to its end, and give the exit code: 1 where all is as it was.

    Raises:
        Refused: it runs, has ended, or had not stopped anything.
        LockHeld: another operation runs.
    """
    order, found = kept(settings, name, None), events(settings.log_dir, name)
    if runs(name):
        raise Refused(f"operation {name} runs", next_command=_FOLLOW)
    if not touched(found):
        raise Refused(f"operation {name} had not stopped anything: there is nothing to take back")
    if isinstance(found[-1], End) and found[-1].verdict != STUCK:
        raise Refused(f"operation {name} has come to its end: {visible(found[-1].verdict)}", next_command=_FOLLOW)
    last = next((event.id for event in reversed(found) if isinstance(event, Told)), SIGNAL)
    order = _trusted(settings, order)
    steps = back(order.plan.facts, Wishes(), own, undo=_was_clean(found))
    return go_back(settings, order, steps, last, around)


def _was_clean(found: Sequence[Event]) -> bool:
    """Tell whether the local modifications were set aside, and nothing has tried to bring them back since."""
    told = {(event.id, event.state) for event in found if isinstance(event, Told)}
    return ("save-modifications", DONE) in told and all(name != "unsave" for name, _ in told)


def _trusted(settings: Settings, order: Order) -> Order:
    """Take from an order only what cannot be turned against this host."""
    facts = order.plan.facts
    branches = [name for name in (facts.branch, facts.wished) if name]
    if not is_commit(facts.head) or not all(map(is_branch, branches)):
        raise Refused("the order names no commit or branch that could be gone back to", next_command=_FOLLOW)
    user = services.user_of(services.look())
    sure = facts._replace(root=str(settings.root), user=user, owner=owner(settings.root))
    return order._replace(plan=order.plan._replace(facts=sure))
