"""Files that a crash leaves whole: created or replaced at once, and on the disk before anything is built on them.

Everything here raises OSError; who calls knows what to say about it.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# A name that is a FIFO or a device must not block the reader; os.O_BINARY keeps Windows from touching line ends.
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def read_whole(path: Path, most: int) -> bytes:
    """Read a plain file of at most so many bytes, and neither wait for a FIFO's writer nor fill the memory."""
    descriptor = os.open(path, READ)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, "is a directory", str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            raw = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(raw) > most:
        raise OSError(errno.EFBIG, f"is larger than {most} bytes", str(path))
    return raw


def create(  # noqa: PLR0913 - what may differ between two files
    path: Path, raw: bytes, *, mode: int = 0o644, like: Path | None = None, own: bool = False, durable: bool = True
) -> None:
    """Create a file, owned and readable as ``like`` if that exists, and bring it to the disk; a failure leaves none.

    ``own`` is this process's in any case, with this very mode: nothing is taken over, whoever has the directory.
    """
    descriptor = os.open(path, _CREATE, mode)
    with _removed_on_failure(path):
        try:
            if own:
                _set_mode(descriptor, mode)
            else:
                _hand_over(descriptor, path.parent)
                _take_over(descriptor, like)
            write_all(descriptor, raw)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def put_in_place(target: Path, raw: bytes, *, mode: int = 0o644, own: bool = False, durable: bool = True) -> None:
    """Let a file hold these bytes: the former one is whole until it does; ``sync_directory`` makes that last."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # a dead process had the same pid
    create(temporary, raw, mode=mode, like=target, own=own, durable=durable)
    with _removed_on_failure(temporary):
        temporary.replace(target)


def overwrite(target: Path, raw: bytes) -> None:
    """Let a file hold these bytes at a twentieth of the price, for a world that no power cut can end."""
    try:
        descriptor = os.open(target, os.O_WRONLY | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        put_in_place(target, raw, durable=False)
        return
    try:
        write_all(descriptor, raw)
        os.ftruncate(descriptor, len(raw))
    finally:
        os.close(descriptor)


def publish(path: Path, raw: bytes, *, mode: int = 0o644, own: bool = False) -> None:
    """Let a file appear whole or not at all; FileExistsError if anything has the name, because that stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    create(temporary, raw, mode=mode, own=own)
    name_whole(temporary, path)


def name_whole(temporary: Path, path: Path) -> None:
    """Give a file that is on the disk its name, and take away its former one; FileExistsError as above."""
    try:
        path.hardlink_to(temporary)
    finally:
        temporary.unlink()
    sync_directory(path.parent)


def write_all(descriptor: int, raw: bytes) -> None:
    """Write every byte, in as many pieces as the system takes."""
    rest = memoryview(raw)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_directory(directory: Path) -> None:
    """Have a directory's names on the disk."""
    if sys.platform == "win32":
        return  # Windows cannot open a directory, and journals the rename itself
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_to_others(path: Path) -> Path | None:
    """Name what lets somebody other than root change what an absolute path leads to; None where nothing does.

    It is the file, a directory on the way, or a link. In a sticky directory nobody replaces what is root's.
    """
    rest, here = list(reversed(path.parts)), Path()
    while rest:
        part = here / rest.pop()
        found = part.lstat()
        sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        if stat.S_ISLNK(found.st_mode) and found.st_uid == 0:
            rest += reversed(part.readlink().parts)  # an absolute one begins anew at /
        elif found.st_uid != 0 or (found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky):
            return part
        else:
            here = part
    return None


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:  # a signal in the middle, too
        with suppress(OSError):
            path.unlink()
        raise


def _hand_over(descriptor: int, directory: Path) -> None:
    """Give what root writes to the owner of the directory: the service's user has to read and write it afterwards."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    owner = directory.stat()
    with suppress(PermissionError):  # a root without all rights keeps it
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _set_mode(descriptor: int, mode: int) -> None:
    """Give a file a mode whatever the umask is; by its name, what a link leads to could be given it."""
    if sys.platform != "win32":
        os.fchmod(descriptor, mode)


def _take_over(descriptor: int, like: Path | None) -> None:
    """Keep mode and owner of the file to be replaced: one command run by root must not lock the service user out.

    A link has neither: it would lend those of another file.
    """
    if sys.platform == "win32" or like is None:
        return
    with suppress(FileNotFoundError):
        former = like.lstat()
        if stat.S_ISLNK(former.st_mode):
            return
        os.fchmod(descriptor, stat.S_IMODE(former.st_mode))
        with suppress(PermissionError):
            os.fchown(descriptor, former.st_uid, former.st_gid)
