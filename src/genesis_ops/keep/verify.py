"""Hold a snapshot or a bundle against its own sums; nothing of it is unpacked onto the disk."""

import errno
import hashlib
import json
import os
import stat
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from genesis_ops.checks.model import Place, Report, judge
from genesis_ops.checks.seal import CHECKS, Sealed
from genesis_ops.durable import READ, read_whole
from genesis_ops.errors import UsageRefused
from genesis_ops.keep.bundle import MANIFEST, SCHEMA
from genesis_ops.state.snapshots import LARGEST, Snapshot, parsed
from genesis_ops.words import stamp, visible

_DAMAGE = (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, RecursionError, MemoryError)
_MOST_MEMBERS = 10_000
_BLOCK = 1 << 20
_MOST_BYTES = 4 << 30
_LARGEST_MANIFEST = 1 << 24


class Archive(NamedTuple):
    """What an archive holds: its manifest, the sum of every other file, its snapshot, and what is no plain file."""

    manifest: bytes | None
    sums: Mapping[str, str]
    snapshot: bytes
    strange: tuple[str, ...]


def verify(path: Path, shown: str, now_ms: int, *, strict: bool = False) -> Report:
    """Judge a file by three checks.

    Raises:
        UsageRefused: there is no such file.
    """
    return Report(
        command="snapshot verify",
        subject=f"{visible(shown)} at {stamp(now_ms)[:16]} UTC",
        market="",
        generated_ms=now_ms,
        checks=judge(CHECKS, sealed(path, visible(shown)), str),
        strict=strict,
    )


def sealed(path: Path, shown: str) -> Sealed:
    """Look at a file once; whatever is wrong with it is told.

    Raises:
        UsageRefused: there is no such file.
    """
    try:
        if is_archive(path):
            return _bundle(read_archive(path), shown)
        return _snapshot(read_whole(path, LARGEST), shown)
    except FileNotFoundError:
        raise UsageRefused(f"there is no file {shown}", next_command="ls -l logs/paper_trading/snapshots") from None
    except _DAMAGE as error:
        return Sealed(shown, trouble=_why(error), foreign=())


def snapshot_in(path: Path, shown: str) -> Snapshot:
    """Read a snapshot, or the one in a bundle.

    Raises:
        UsageRefused: there is none that can be read.
    """
    try:
        return parsed(read_archive(path).snapshot if is_archive(path) else read_whole(path, LARGEST))
    except _DAMAGE as error:
        raise UsageRefused(
            visible(f"{shown} is no snapshot that can be read: {_why(error)}"),
            next_command="ls -l logs/paper_trading/snapshots",
        ) from error


def is_archive(path: Path) -> bool:
    """Tell a bundle from a text, by what it begins with; OSError for what is no plain file."""
    descriptor = os.open(path, READ)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file")
        return os.read(descriptor, 2) == b"\x1f\x8b"
    finally:
        os.close(descriptor)


def read_archive(path: Path) -> Archive:
    """Read every member once; OSError, EOFError, TarError or zlib.error where it is damaged."""
    manifest, snapshot, sums, strange, left = None, b"", dict[str, str](), list[str](), _MOST_BYTES
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            name = member.name.partition("/")[2]
            if len(sums) + len(strange) > _MOST_MEMBERS:
                raise OSError(f"it holds more than {_MOST_MEMBERS} files")
            if content is None or name in sums:
                strange.append(member.name)
                continue
            left -= member.size
            if left < 0:
                raise OSError("it unpacks to more than 4 GiB")
            if name == MANIFEST and manifest is None:
                manifest = content.read(_LARGEST_MANIFEST)
                continue
            if name == "snapshot.txt":
                snapshot = content.read(LARGEST)
                content.seek(0)
            sums[name] = _sum(content)
    return Archive(manifest, sums, snapshot, tuple(strange))


def _snapshot(raw: bytes, shown: str) -> Sealed:
    try:
        taken = parsed(raw)
    except ValueError as error:
        return Sealed(shown, fault=_why(error))
    return Sealed(shown, seal=f"a snapshot of {stamp(taken.at_ms)} UTC, with a sum at its end", files=1)


def _bundle(archive: Archive, shown: str) -> Sealed:
    if archive.manifest is None:
        return Sealed(shown, fault=f"it holds no {MANIFEST}", foreign=())
    try:
        files, taken = _promised(json.loads(archive.manifest))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Sealed(shown, fault=f"{MANIFEST} cannot be understood: {_why(error)}", foreign=())
    changed = [Place(name, 0, _difference(archive, name, sum_)) for name, sum_ in files.items()]
    foreign = [*archive.strange, *(name for name in archive.sums if name not in files)]
    own = hashlib.sha256(archive.manifest).hexdigest()
    return Sealed(
        shown,
        seal=f"a bundle of {visible(taken)[:19]}Z, {len(files)} files, manifest's SHA-256 {own}",
        changed=tuple(place for place in changed if place.text),
        files=len(files),
        foreign=tuple(Place(visible(name), 0, "is not in the manifest") for name in foreign),
    )


def _promised(document: Any) -> tuple[dict[str, str], str]:
    """Read from a manifest which files there are, with their sums, and when they were taken."""
    if document["schema"] != SCHEMA:
        raise ValueError(f"it is no {SCHEMA}")
    return {str(entry["path"]): str(entry["sha256"]) for entry in document["files"]}, str(document["taken_at"])


def _difference(archive: Archive, name: str, sum_: str) -> str:
    if name not in archive.sums:
        return "is not there"
    return "" if archive.sums[name] == sum_ else "was changed"


def _sum(content: IO[bytes]) -> str:
    found = hashlib.sha256()
    while block := content.read(_BLOCK):
        found.update(block)
    return found.hexdigest()


def _why(error: Exception) -> str:
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return visible((told or type(error).__name__).splitlines()[0])
