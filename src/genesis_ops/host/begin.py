"""The beginning of an apply: the plan made again, held against the one that was shown, and run in a unit of its own."""

from collections.abc import Sequence

from genesis_ops.clients.clock import Clock
from genesis_ops.errors import AbortCondition, GenesisError, LockHeld, Refused, Unreachable
from genesis_ops.host import unit
from genesis_ops.host.facts import make_plan
from genesis_ops.host.lock import BEGINS, locked
from genesis_ops.host.order import Order, keep
from genesis_ops.host.plan import Plan, Problem, differences
from genesis_ops.host.steps import Own
from genesis_ops.settings import Settings
from genesis_ops.state.schedule import instant_of
from genesis_ops.words import Exit, visible

_TRIES = 3
_LONGEST = 200


def begin(settings: Settings, given: Plan, who: tuple[str, str], own: Own, clock: Clock) -> str:
    """Let a unit of its own do what a plan says, and name the operation; ``who`` is owner and reason.

    Raises:
        LockHeld: another operation runs, or begins.
        Refused: the host is not as it was when the plan was made, or something stands in the way.
        AbortCondition: a unit is missing, or the disk is full.
        Unreachable: the remote or systemd does not answer.
    """
    owner, reason = (visible(text)[:_LONGEST] for text in who)
    order = Order("", owner, reason, given)
    with locked(settings, order.told, clock, BEGINS):
        with locked(settings, order.told, clock):
            pass  # nobody runs, and nobody else begins
        plan = _held_against(settings, given, own, clock)
        order, digest = _kept(settings, order._replace(plan=plan), clock)
        unit.start(settings, order.id, own("host", "run", order.id, "--sum", digest))
    return order.id


def _held_against(settings: Settings, given: Plan, own: Own, clock: Clock) -> Plan:
    """Make the plan again; only what this host itself says is done."""
    plan = make_plan(settings, given.wishes, own, clock)
    if plan.problems:
        raise refusal(plan.problems)
    if changed := differences(given, plan):
        raise Refused(
            "this host is not as it was when the plan was made",
            notes=changed[:20],
            next_command="genesis-ops remote plan",
        )
    return plan


def refusal(problems: Sequence[Problem]) -> GenesisError:
    """Say as one error why nothing is begun."""
    first = problems[0]
    kinds: dict[int, type[GenesisError]] = {Exit.FAIL: AbortCondition, Exit.UNKNOWN: Unreachable}
    kind = kinds.get(first.exit_code, Refused)
    return kind(first.what, notes=tuple(each.what for each in problems[1:]), next_command=first.next)


def _kept(settings: Settings, order: Order, clock: Clock) -> tuple[Order, str]:
    """Name the operation by the second in which it begins; one that has the name already has its own second."""
    for _ in range(_TRIES):
        named = order._replace(id=instant_of(clock.now_ms()))
        try:
            return named, keep(settings, named)
        except FileExistsError:
            clock.wait(1)
    raise LockHeld("another operation begins", next_command="genesis-ops host follow")
