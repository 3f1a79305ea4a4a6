"""What this host's systemd is told to do."""

from genesis_ops.clients.units import Answer, told
from genesis_ops.errors import Unreachable

_SECONDS = 60.0


def systemctl(*words: str) -> Answer:
    """Have systemd do something, within a minute."""
    return told(("systemctl", *words), _SECONDS)


def require(*words: str) -> str:
    """Have systemd do something.

    Raises:
        Unreachable: it did not.
    """
    answer = systemctl(*words)
    if answer.trouble:
        raise Unreachable(answer.trouble, next_command="systemctl status --no-pager")
    return answer.out
