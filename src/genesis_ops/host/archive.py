"""State and logs moved aside for a clean window, and copied back where an apply failed; each file by itself, whole.

The manifest is on the disk before the first file moves, so that a hard stop anywhere leaves what can be finished or
taken back: whatever the manifest names lies in the archive, or still where it was. The journal of orders is never
moved, nor what else has to outlive a restart: receipts, the champion's pin, the latch, what was done.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import put_in_place, read_whole, sync_directory, write_all
from genesis_ops.errors import AbortCondition, write_failed
from genesis_ops.host.wire import document, read
from genesis_ops.settings import Settings
from genesis_ops.words import visible

MANIFEST = "MANIFEST.json"
SCHEMA = "genesis-ops.archive/1"

_MOVED = re.compile(r"runner_(?:(?:evaluations|errors)_)?[0-9]{8}\.log(?:\.gz)?")
_FAILED = "failed"
_MOST_BYTES = 1 << 24
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


class Kept(NamedTuple):
    """A file of the archive: its name there, where it was, and its bytes."""

    name: str
    path: str
    bytes: int
    sha256: str


class Manifest(NamedTuple):
    """What an archive holds; ``left`` are names that were not touched because they are no plain files."""

    schema: str
    id: str
    kept: bool
    """Whether the files were copied and stayed where they were."""
    files: tuple[Kept, ...]
    left: tuple[str, ...]


def bytes_to_copy(settings: Settings, *, keep: bool) -> int:
    """Tell how much room archive and way back need: what was moved is copied back, what is kept is copied first."""
    return sum(path.lstat().st_size for path in _found(settings)[0]) * (2 if keep else 1)


def archive(settings: Settings, folder: Path, name: str, *, keep: bool) -> Manifest:
    """Move the state and the runner's logs into a folder, or copy them; one that was begun is finished.

    Raises:
        WriteFailed: a file could not be moved; the others are where the manifest says.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = _manifest_in(settings, folder) or _manifested(settings, folder, name, keep=keep)
        for kept in manifest.files:
            _put_aside(Path(kept.path), folder / kept.name, keep=keep)
        for place in {folder, *(Path(kept.path).parent for kept in manifest.files)}:
            sync_directory(place)
    except OSError as error:
        raise write_failed(Path(error.filename or folder), error) from error
    return manifest


def restore(settings: Settings, folder: Path) -> tuple[str, ...]:
    """Copy back what was put aside; what a new runner wrote meanwhile goes into the archive first.

    Raises:
        AbortCondition: a file of the archive is not as it was put there; nothing is copied back then.
        WriteFailed: a file could not be written.
    """
    try:
        manifest = _manifest_in(settings, folder)
        if manifest is None:
            return ()
        here = [kept for kept in manifest.files if os.path.lexists(folder / kept.name)]
        _require_whole(folder, here)
        _put_away_new(settings, folder, manifest, {kept.path for kept in here})
        back = tuple(kept.name for kept in here if _bring_back(kept, folder))
        for place in {folder, *(Path(kept.path).parent for kept in here)}:
            sync_directory(place)
    except OSError as error:
        raise write_failed(Path(error.filename or folder), error) from error
    return back


def _manifested(settings: Settings, folder: Path, name: str, *, keep: bool) -> Manifest:
    found, left = _found(settings)
    files = tuple(Kept(path.name, str(path), path.lstat().st_size, _sum(path)) for path in found)
    manifest = Manifest(SCHEMA, name, keep, files, tuple(left))
    put_in_place(folder / MANIFEST, (json.dumps(document(manifest), indent=1) + "\n").encode("ascii"))
    sync_directory(folder)
    return manifest


def _manifest_in(settings: Settings, folder: Path) -> Manifest | None:
    """Read the manifest that is there; None where nothing was put aside.

    Raises:
        AbortCondition: it is there and is none.
    """
    try:
        raw = read_whole(folder / MANIFEST, _MOST_BYTES)
    except FileNotFoundError:
        return None
    try:
        found: Any = json.loads(raw)
        manifest = read(Manifest, found)
    except (ValueError, RecursionError) as error:
        raise AbortCondition(visible(f"{folder / MANIFEST} is no manifest: {error}")) from None
    if not all(_is_of(settings, kept) for kept in manifest.files):
        raise AbortCondition(visible(f"{folder / MANIFEST} names files elsewhere"))
    return manifest


def _is_of(settings: Settings, kept: Kept) -> bool:
    """Tell whether this is a file that is put aside, and where it belongs."""
    logs = settings.log_dir / kept.name if _MOVED.fullmatch(kept.name) else None
    return Path(kept.path) == logs or (settings.state_file.name == kept.name and Path(kept.path) == settings.state_file)


def _found(settings: Settings) -> tuple[list[Path], list[str]]:
    """List what is put aside, and what bears such a name and is no plain file."""
    names = {settings.state_file}
    with suppress(FileNotFoundError):
        names |= {path for path in settings.log_dir.iterdir() if _MOVED.fullmatch(path.name)}
    there = sorted(path for path in names if os.path.lexists(path))
    plain = [path for path in there if stat.S_ISREG(path.lstat().st_mode)]
    return plain, [visible(path.name) for path in there if path not in plain]


def _put_aside(path: Path, target: Path, *, keep: bool) -> None:
    """Have a file in the archive, by a move where the file system can; one that is there already stays."""
    if os.path.lexists(target):
        if not keep and os.path.lexists(path) and _sum(path) == _sum(target):
            path.unlink()  # a hard stop came between a copy and the end of the move
        return
    if not keep:
        try:
            path.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        else:
            return
    _copy(path, target)
    if not keep:
        path.unlink()


def _bring_back(kept: Kept, folder: Path) -> bool:
    """Copy one file back; False where it is there, as it was."""
    target = Path(kept.path)
    if os.path.lexists(target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy(folder / kept.name, target)
    return True


def _put_away_new(settings: Settings, folder: Path, manifest: Manifest, back: set[str]) -> None:
    """Move into the archive what has been written since: the runner must find what it had, and nothing more."""
    if not back:
        return
    was = {kept.path: kept.sha256 for kept in manifest.files}
    for path in _found(settings)[0]:
        if str(path) in back and _sum(path) == was[str(path)]:
            continue
        if str(path) in was and str(path) not in back:
            continue  # it never left its place
        (folder / _FAILED).mkdir(exist_ok=True)
        _put_aside(path, _free(folder / _FAILED / path.name), keep=False)


def _free(path: Path) -> Path:
    """Find a name that nothing has: what two attempts wrote stays apart."""
    names = (path.with_name(f"{path.name}.{i}") if i else path for i in range(1 << 16))
    return next(each for each in names if not os.path.lexists(each))


def _require_whole(folder: Path, files: list[Kept]) -> None:
    changed = [kept.name for kept in files if _sum(folder / kept.name) != kept.sha256]
    if changed:
        told = f"not as they were archived: {', '.join(changed)}"
        raise AbortCondition(visible(told), notes=(f"in {folder}",), next_command=f"cat {folder / MANIFEST}")


def _blocks(path: Path) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY | _NO_LINKS)
    try:
        while block := os.read(descriptor, 1 << 20):
            yield block
    finally:
        os.close(descriptor)


def _sum(path: Path) -> str:
    total = hashlib.sha256()
    for block in _blocks(path):
        total.update(block)
    return total.hexdigest()


def _copy(source: Path, target: Path) -> None:
    """Let a copy appear whole, with the times and the mode of what it is a copy of."""
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600)
    try:
        try:
            for block in _blocks(source):
                write_all(descriptor, block)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        shutil.copystat(source, temporary, follow_symlinks=False)
        temporary.rename(target)
    except OSError:
        temporary.unlink(missing_ok=True)  # half a copy only takes the room that the next attempt needs
        raise
