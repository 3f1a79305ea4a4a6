"""Everything that can go wrong in a way an operator can act on.

GenesisError
├── UsageRefused            exit 2   an argument cannot be meant
├── AbortCondition          exit 1   the champion is not the one that trades
├── Unreachable             exit 3   a server that the command needs does not answer
├── RemoteUnavailable       exit 69  the host that a remote command acts on cannot be reached
├── WriteFailed             exit 70  a write did not reach the disk
├── LockHeld                exit 75  another process holds what this one needs
└── Refused                 exit 78  configuration or a guardrail says no
    ├── SettingRefused               a setting's value, with its file and line
    ├── StateUnreadable              the state file is missing or damaged
    └── JournalDamaged               a record of the orders' journal is lost, changed or unreadable
FeedFailure                          one request to the exchange failed; the runner retries
EvaluationFailure                    one request to the API failed; the runner retries
PaperFailure                         the API did not tell wallets or whitelist; who asked says what follows
"""

import errno
import shlex
from pathlib import Path

from genesis_ops.words import Exit, visible


class GenesisError(Exception):
    """What happened (one line), what else is known (lines), and the next command to type."""

    exit_code = Exit.BUG_OR_WRITE_FAILED

    def __init__(self, message: str, *, notes: tuple[str, ...] = (), next_command: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.notes = notes
        self.next_command = next_command


class UsageRefused(GenesisError):
    """An argument has a value that cannot be meant."""

    exit_code = Exit.USAGE


class AbortCondition(GenesisError):
    """One of the runbook's abort conditions holds ("STOP if FAIL")."""

    exit_code = Exit.FAIL


class Unreachable(GenesisError):
    """A server that the command needs does not answer, or answers nonsense."""

    exit_code = Exit.UNKNOWN


class RemoteUnavailable(GenesisError):
    """The host that a remote command acts on cannot be reached, or the connection to it broke."""

    exit_code = Exit.REMOTE_UNAVAILABLE


class WriteFailed(GenesisError):
    """A write did not reach the disk; it is never retried and never passed over."""


def typed(path: Path) -> str:
    """Write a path as a shell wants it typed."""
    return shlex.quote(str(path))


def write_failed(path: Path, error: OSError) -> WriteFailed:
    """Say which write failed and why, and how to see what is in its way."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return WriteFailed(
        f"{path} could not be written: {error.strerror or error}",
        notes=("what was written before is kept",),
        next_command=f"df -h {typed(path.parent)}" if full else f"ls -ld {typed(path.parent)} {typed(path)}",
    )


class LockHeld(GenesisError):
    """Another process holds the state, the log directory, the market or the port."""

    exit_code = Exit.LOCK_HELD


class Refused(GenesisError):
    """Configuration or a guardrail says no; starting again without a change gives the same answer."""

    exit_code = Exit.REFUSED


class SettingRefused(Refused):
    """A setting's value or name is not one that exists."""


class StateUnreadable(Refused):
    """The state file is missing where logs exist, or is not what was written (contract §3)."""


class JournalDamaged(Refused):
    """The journal of orders does not hold together, so nobody can tell what was sent; ``offset`` is in bytes."""

    def __init__(self, path: Path, offset: int | None, why: str) -> None:
        where = "" if offset is None else f", byte {offset}"
        super().__init__(
            visible(f"the journal is damaged: {path}{where}: {why}"),
            notes=("no order is sent while it is; never delete or edit it: put the file back from a copy",),
            next_command="genesis-ops orders verify",
        )
        self.path = path
        self.offset = offset
        self.why = why


class FeedFailure(Exception):
    """One request to the exchange failed; ``silence_seconds`` is how long to leave it alone."""

    def __init__(self, message: str, *, silence_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.message = message
        self.silence_seconds = silence_seconds


class EvaluationFailure(Exception):
    """One request to the API failed: unreachable, an error status, ``ok: false``, or an unusable reply."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PaperFailure(Exception):
    """The API did not tell its wallets or its whitelist: unreachable, an error in the reply, or an unusable one."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
