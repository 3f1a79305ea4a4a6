"""Locks that die with their process: one runner for a state file, for a log directory and for a market on this host.

A lock file is never unlinked. If it were, a process that had opened it just before would lock a file that no
longer has a name, a third would create and lock a new one, and both would trade. What stands in a lock file is only
a name plate: the kernel holds the lock, and lets it go when its process ends, however it ends.
"""

import errno
import json
import os
import re
import shlex
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from genesis_ops.errors import LockHeld, Refused
from genesis_ops.words import Mode, iso, visible

_NAME_PLATE_BYTES = 4096
_SHOWN = 200  # characters of what another process says about itself
_TRIES = 100
_LOOKS, _PAUSE_SECONDS = 10, 0.02
_NAMELESS = "a process that did not write its name"
# Never through a symbolic link and never blocked by a FIFO: /run/lock and /tmp are open to everybody. os.open itself
# adds O_CLOEXEC, so no program that the holder starts inherits the lock.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class LockWish:
    """A lock file, and the sentence that says who else holds it ("another runner uses this state file")."""

    path: Path
    if_held: str
    passes: bool = False
    """Whether it is held for a moment only: then nobody is to be stopped for it."""


class Holder(NamedTuple):
    """What the holder of a lock wrote about itself; it may be anything, so it is checked and made visible first."""

    pid: int
    since: str
    command: str


def runner_locks(  # noqa: PLR0913 - what a runner shares with others
    state_file: Path,
    log_dir: Path,
    lock_dir: Path | None,
    *,
    symbol: str,
    timeframe: str,
    mode: Mode = Mode.DRY_RUN,
) -> tuple[LockWish, ...]:
    """List the locks a runner needs; without a ``lock_dir``, the one for its market lies in the host's directory.

    Two paths to one state file (a link and its target) are one lock. A market that is traded has a lock of its own, so
    that a dry-run in another root stands in no live run's way; it is one for every timeframe, because the wallets that
    tell of an order are the same.
    """
    traded = mode is Mode.LIVE_PAPER
    market = re.sub(r"[^A-Za-z0-9-]", "_", f"{symbol}-{'live-paper' if traded else timeframe}")
    host_wide = (lock_dir or host_lock_directory()) / f"genesis-ops-{market}.lock"
    what = f"{symbol} in live-paper" if traded else f"{symbol} {timeframe}"
    return (
        LockWish(host_wide, f"another runner trades {what} on this host"),
        LockWish(Path(f"{os.path.realpath(state_file)}.lock"), f"another runner uses {state_file}"),
        LockWish(log_dir / "runner.lock", f"another runner writes its log to {log_dir}"),
    )


def host_lock_directory() -> Path:
    """Find where every runner of this host looks: /run/lock if that can be written, else the temporary directory."""
    usual = Path("/run/lock")
    usable = usual.is_dir() and os.access(usual, os.W_OK | os.X_OK)
    return usual if usable else Path(tempfile.gettempdir())


def holders(wishes: Sequence[LockWish]) -> tuple[Holder, ...]:
    """Read the name plates of locks that a living process has put up, without touching the locks.

    Taking a lock to see whether it is free would make a runner fail that starts in the same moment. A plate is only
    a plate: a killed runner's stays, so whoever asks has to hold it against the process that has the pid now.
    """
    found = {}
    for wish in wishes:
        with suppress(OSError):
            descriptor = os.open(wish.path, os.O_RDONLY | _FLAGS)
            try:
                if stat.S_ISREG(os.fstat(descriptor).st_mode) and (holder := _read(descriptor)) is not None:
                    found[holder.pid] = holder
            finally:
                os.close(descriptor)
    return tuple(found.values())


@contextmanager
def hold(wishes: Sequence[LockWish], *, command: str, now_ms: int) -> Iterator[None]:
    """Hold all the locks or none: LockHeld names who has one, Refused a directory where none can be made."""
    about = {"pid": os.getpid(), "since": iso(now_ms), "command": command[:_SHOWN]}
    name_plate = f"{json.dumps(about)}\n".encode("ascii")
    with ExitStack() as taken:
        for wish in wishes:
            descriptor = _take(wish)
            taken.callback(os.close, descriptor)
            _write(descriptor, name_plate)
            taken.callback(_write, descriptor, b"")
        yield


def _take(wish: LockWish) -> int:
    """Open and lock the file that has the name now: a file replaced in between is locked by nobody else."""
    for _ in range(_TRIES):
        with ExitStack() as undo:
            descriptor = _open(wish.path)
            undo.callback(os.close, descriptor)
            _lock(descriptor, wish)
            if _has_the_name(descriptor, wish.path):
                undo.pop_all()
                return descriptor
    raise LockHeld(visible(f"{wish.if_held}: {wish.path} is replaced again and again"))


def _open(path: Path) -> int:
    """Open a lock file, or create it; what is written into a hard link would be written into somebody's file."""
    try:
        descriptor = _open_or_create(path)
    except OSError as error:
        why = "it is a symbolic link" if error.errno == errno.ELOOP else str(error.strerror)
        raise _refused(path, why) from error
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    raise _refused(path, "it is not a plain file of its own")


def _open_or_create(path: Path) -> int:
    with suppress(FileNotFoundError):
        return _open_existing(path)
    with suppress(FileExistsError):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
    return _open_existing(path)  # another process was faster


def _open_existing(path: Path) -> int:
    """Open without O_CREAT: the kernel refuses it on files of others in a sticky directory (fs.protected_regular)."""
    try:
        return os.open(path, os.O_RDWR | _FLAGS)
    except PermissionError:
        return os.open(path, os.O_RDONLY | _FLAGS)  # enough to lock another user's file


def _has_the_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _lock(descriptor: int, wish: LockWish) -> None:
    try:
        _lock_now(descriptor)
    except BlockingIOError:
        raise _held(wish, _name_of(descriptor, wish)) from None
    except OSError as error:
        raise _refused(wish.path, str(error.strerror)) from error


if sys.platform == "win32":
    import msvcrt

    _FAR_AWAY = 2**30  # the locked byte cannot be read by others, the name plate must be

    def _lock_now(descriptor: int) -> None:
        """Lock without waiting; BlockingIOError if another process has the lock."""
        os.lseek(descriptor, _FAR_AWAY, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError from error

    def _alive(pid: int) -> bool:
        """Take the name plate's word: on Windows os.kill would end the process it asks about."""
        return pid > 0

else:
    import fcntl

    def _lock_now(descriptor: int) -> None:
        """Lock without waiting; BlockingIOError if another process has the lock."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _alive(pid: int) -> bool:
        """Tell whether the process exists: the name plate of a killed one stays until the next holder comes."""
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        except (ProcessLookupError, OverflowError):
            return False
        return True


def _write(descriptor: int, text: bytes) -> None:
    """Put up or take down the name plate; a lock without one (a file of another user, a full disk) is still a lock."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, text)


def _read(descriptor: int) -> Holder | None:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        said = json.loads(os.read(descriptor, _NAME_PLATE_BYTES))
        pid, since, command = said["pid"], said["since"], said["command"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    # pid 1 and less would make the advised `kill` stop the machine, a process group or everything
    if type(pid) is not int or pid <= 1 or not _alive(pid):
        return None
    return Holder(pid, visible(str(since))[:_SHOWN], visible(str(command))[:_SHOWN])


def _name_of(descriptor: int, wish: LockWish) -> Holder | None:
    """Read the holder's name plate; one that has just taken a lock is about to put it up."""
    for _ in range(0 if wish.passes else _LOOKS):
        if (holder := _read(descriptor)) is not None:
            return holder
        time.sleep(_PAUSE_SECONDS)
    return _read(descriptor)


def _held(wish: LockWish, holder: Holder | None) -> LockHeld:
    lock_file = visible(f"lock file {wish.path}")
    if holder is None:
        message = visible(f"{wish.if_held}: {_NAMELESS}")
        return LockHeld(message, notes=(lock_file,), next_command=f"fuser -v {shlex.quote(str(wish.path))}")
    message = visible(f"{wish.if_held}: pid {holder.pid}, since {holder.since}")
    if wish.passes:
        return LockHeld(
            message,
            notes=(holder.command, lock_file, "it is let go by itself: try again"),
            next_command="genesis-ops orders list",
        )
    notes = (holder.command, lock_file, "TERM stops it cleanly; then start again")
    return LockHeld(message, notes=notes, next_command=f"kill -TERM {holder.pid}")


def _refused(path: Path, why: str) -> Refused:
    message = visible(f"no lock can be taken in {path.parent}: {why} ({path.name})")
    return Refused(message, next_command=f"ls -ld {shlex.quote(str(path.parent))}")
