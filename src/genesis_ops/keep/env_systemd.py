"""The copy of an environment file that systemd reads as it was meant: written whole, durably, for its owner alone."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from genesis_ops.durable import create, read_whole, sync_directory
from genesis_ops.errors import Refused, UsageRefused, typed, write_failed

_PRIVATE = 0o600


def is_there(target: Path, raw: bytes) -> bool:
    """Tell whether a file holds these bytes already, and nobody but its owner can read it."""
    try:
        private = os.name == "nt" or stat.S_IMODE(target.lstat().st_mode) == _PRIVATE
        return private and read_whole(target, len(raw)) == raw
    except OSError:
        return False


def require_place(target: Path, source: Path) -> None:
    """See to it that nothing but an earlier copy would be replaced.

    Raises:
        UsageRefused: it is the file that is read.
        Refused: something else than a plain file has the name.
    """
    with suppress(OSError):
        if target.samefile(source):
            raise UsageRefused(f"{target} is the file that is read", next_command="genesis-ops env systemd --dry-run")
    if os.path.lexists(target) and not stat.S_ISREG(target.lstat().st_mode):
        raise Refused(f"{target} is not a plain file", next_command=f"ls -ld {typed(target)}")


def write(target: Path, raw: bytes, source: Path) -> None:
    """Let the file hold these bytes, readable for the owner of ``source`` alone; a failure leaves the former one.

    Raises:
        WriteFailed: it is not on the disk.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # a dead process had the same pid
        create(temporary, raw, mode=_PRIVATE)  # not like the former file, which may be open to others
        try:
            _hand_over(temporary, source)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_directory(target.parent)
    except OSError as error:
        raise write_failed(target, error) from error


def _hand_over(path: Path, source: Path) -> None:
    """Give a file to the owner of another: a command run by root must not lock the service's user out."""
    if os.name == "nt":
        return
    owner = source.stat()
    with suppress(PermissionError):  # who may not give it away keeps it; systemd reads it as root
        os.chown(path, owner.st_uid, owner.st_gid)
