"""A directory of units: what is in it, and how it comes to hold what this version would write."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from genesis_ops.checks.units import UnitFile
from genesis_ops.clients.units import UnitsFound, show
from genesis_ops.durable import put_in_place, read_whole, sync_directory
from genesis_ops.errors import Refused, typed, write_failed
from genesis_ops.host.units import Place, is_own, text
from genesis_ops.words import visible

_MOST_BYTES = 1 << 20


class Installed(NamedTuple):
    """The files of a directory, and why systemd did not answer when it was asked about them."""

    files: tuple[UnitFile, ...]
    trouble: str


def look(directory: Path, wanted: Sequence[str], values: Place, *, live: bool) -> Installed:
    """Look at the files; where the directory is systemd's own (``live``), ask it what it has read.

    Raises:
        Refused: there is no such directory.
    """
    if not directory.is_dir():
        raise Refused(f"there is no directory {visible(str(directory))}", next_command=f"mkdir -p {typed(directory)}")
    asked = [name for name in wanted if not name.endswith(".conf") and "@." not in name]
    found = show(("NeedDaemonReload", "DropInPaths"), asked) if live else UnitsFound()
    return Installed(tuple(_file(directory, name, values, found.of(name)) for name in wanted), found.trouble)


def _file(directory: Path, name: str, values: Place, known: Mapping[str, str]) -> UnitFile:
    path = directory / name
    found, fault = _read(path)
    return UnitFile(
        name,
        path,
        text(name, values),
        found,
        fault,
        link=os.readlink(path) if path.is_symlink() else "",  # noqa: PTH115 - readlink() would make a path of it
        own=found is not None and is_own(found),
        drop_ins=_drop_ins(directory, name, known.get("DropInPaths", "")),
        stale=known.get("NeedDaemonReload") == "yes",
    )


def _read(path: Path) -> tuple[str | None, str]:
    """Read a file; no text where there is none, and why where it cannot be read."""
    if path.is_symlink() and os.path.realpath(path) == os.devnull:
        return "", ""
    try:
        return read_whole(path, _MOST_BYTES).decode("utf-8", "surrogateescape"), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, error.strerror or str(error)


def _drop_ins(directory: Path, name: str, told: str) -> tuple[str, ...]:
    """Name what systemd reads beside a file, as far as it can be seen here."""
    here = {path.name for path in directory.joinpath(f"{name}.d").glob("*.conf")}
    return tuple(sorted(here | {Path(path).name for path in told.split()}))


def require_rights(directory: Path) -> None:
    """Make sure that this process may write into a directory.

    Raises:
        Refused: it may not.
    """
    if not os.access(directory, os.W_OK | os.X_OK):
        raise Refused(
            f"this user may not write into {visible(str(directory))}",
            notes=("nothing was written",),
            next_command="sudo genesis-ops units install",
        )


def write(file: UnitFile) -> None:
    """Let a file be as it is wanted, this process's own and readable for everybody; the former is whole until then.

    Raises:
        WriteFailed: it is not.
    """
    try:
        file.path.parent.mkdir(exist_ok=True)
        put_in_place(file.path, file.wanted.encode("utf-8", "surrogateescape"), own=True)
        sync_directory(file.path.parent)
    except OSError as error:
        raise write_failed(file.path, error) from error
