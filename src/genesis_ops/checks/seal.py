"""Is a snapshot or a bundle what was written: three checks over what was found in the file."""

from typing import NamedTuple

from genesis_ops.checks.model import Check, Outcome, Place, Result
from genesis_ops.checks.wording import count


class Sealed(NamedTuple):
    """What is in the file, held against its own sums; ``trouble`` is why it cannot be read at all."""

    file: str
    trouble: str = ""
    seal: str = ""
    """What says how it should be: ``sum at its end``, ``manifest of 14 files``; empty where there is none."""
    fault: str = ""
    """What is wrong with that."""
    changed: tuple[Place, ...] = ()
    """Files whose sum is another, or that are not there."""
    files: int = 0
    foreign: tuple[Place, ...] | None = None
    """What is in the archive and not in its manifest; None for a file that cannot hold anything else."""


_GET = "get the file again from where it was made, in binary; a damaged one proves nothing"


def _manifest(found: Sealed) -> Result:
    if found.trouble:
        return Result(Outcome.UNKNOWN, f"{found.file} cannot be read: {found.trouble}", remedy=f"file {found.file}")
    if found.fault:
        return Result(Outcome.FAIL, found.fault, remedy=_GET)
    return Result(Outcome.PASS, found.seal)


def _contents(found: Sealed) -> Result:
    if found.trouble or found.fault:
        return Result(Outcome.UNKNOWN, "there is nothing to hold it against")
    if found.changed:
        told = f"{len(found.changed)} of {count(found.files, 'file')} not as written"
        return Result(Outcome.FAIL, told, len(found.changed), 0, found.changed, _GET)
    return Result(Outcome.PASS, f"{count(found.files, 'file')} as written", 0, 0)


def _nothing_else(found: Sealed) -> Result:
    if found.foreign is None:
        return Result(Outcome.SKIP, "a text holds no files")
    if found.trouble or found.fault:
        return Result(Outcome.UNKNOWN, "there is nothing to hold it against")
    if found.foreign:
        told = f"{count(len(found.foreign), 'thing')} that the manifest does not name"
        return Result(Outcome.FAIL, told, len(found.foreign), 0, found.foreign, _GET)
    return Result(Outcome.PASS, "nothing beside them", 0, 0)


CHECKS: tuple[Check[Sealed], ...] = (
    Check("manifest", "It says how it should be", _manifest),
    Check("contents", "Every file is as it was written", _contents),
    Check("nothing-else", "There is nothing else in it", _nothing_else),
)
