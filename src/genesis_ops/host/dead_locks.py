"""What a git that was killed leaves behind: locks that no git lets go of any more, and that stop every other one."""

from pathlib import Path

from genesis_ops.clients.process import in_directory
from genesis_ops.errors import AbortCondition, typed, write_failed
from genesis_ops.host.checkout import Git, locks_in
from genesis_ops.words import visible


def unlock(git: Git) -> tuple[str, ...]:
    """Take away the locks of a checkout in which no git works, and name them.

    Raises:
        NotTold: git does not answer.
        AbortCondition: a git works there.
        WriteFailed: a lock could not be taken away.
    """
    place = git.place()
    if not (locks := locks_in(place)):
        return ()
    if working := in_directory("git", git.root):
        told = f"git works in the checkout: {', '.join(each.told() for each in working)}"
        raise AbortCondition(visible(told), next_command=f"ls -l {typed(locks[0])}")
    for each in locks:
        _take_away(each)
    return tuple(visible(str(each.relative_to(place))) for each in locks)


def _take_away(lock: Path) -> None:
    try:
        lock.unlink(missing_ok=True)
    except OSError as error:
        raise write_failed(lock, error) from error
