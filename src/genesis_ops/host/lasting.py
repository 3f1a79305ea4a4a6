"""What preflight says that no commit and no start can change: it is looked for before anything is stopped."""

from collections.abc import Sequence

from genesis_ops.checks.model import Judged, Outcome
from genesis_ops.errors import AbortCondition

_LASTING = {"log-directory", "env-file", "clock", "disk-space", "stop-latch"}


def require_lasting(checks: Sequence[Judged]) -> None:
    """See that none of these checks fails.

    Raises:
        AbortCondition: one does.
    """
    poor = [each for each in checks if each.id in _LASTING and each.outcome is Outcome.FAIL]
    if poor:
        told = [f"{each.id}: {each.detail}" for each in poor]
        raise AbortCondition(told[0], notes=tuple(told[1:]), next_command=poor[0].remedy)
