"""What a machine says of itself: who this process is, whose a file is, and whether its journal outlives a start."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genesis_ops.clients.machine_program import Caller
from genesis_ops.words import visible

_CONFIGURATION = "systemd/journald.conf"
_PLACES = ("etc", "run", "usr/local/lib", "usr/lib")
"""Where a machine's configuration lies, the first of a name counting (systemd-journald.conf(5))."""


class Journald(NamedTuple):
    """Where systemd's journal goes; ``kept`` is whether this machine has its directory on the disk."""

    storage: str
    kept: bool
    directory: bool
    """Whether there is a place for it on the disk at all."""


def this_user() -> str:
    """Name the user whose rights this process has; empty where the system has no such users."""
    return _user(os.geteuid()) if hasattr(os, "geteuid") else ""


def owner(path: Path) -> str:
    """Name the user who owns a file; empty where that cannot be seen."""
    if hasattr(os, "geteuid"):
        with suppress(OSError):
            return _user(path.stat().st_uid)
    return ""


def rights_of(user: str) -> Caller | None:
    """Look up a user by name or number; None if there is none."""
    if not hasattr(os, "geteuid"):
        return None
    import pwd

    try:
        found = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, ValueError, OverflowError):
        return None
    return Caller(found.pw_uid, found.pw_gid)


def journald(machine: Path = Path("/")) -> Journald:
    """Look where the journal of a machine goes; ``machine`` is its file system's root."""
    place = machine / "var/log/journal"
    name = "".join(_lines(machine / "etc/machine-id")).strip()
    storage = "auto"
    for line in (line for path in _files(machine) for line in _lines(path)):
        key, equals, value = line.partition("=")
        if equals and key.strip() == "Storage":
            storage = visible(value.strip()) or "auto"
    return Journald(storage, bool(name) and (place / name).is_dir(), place.is_dir())


def _files(machine: Path) -> Iterator[Path]:
    """Name the configuration's files in the order in which they are read, the last word counting."""
    plain = [machine / place / _CONFIGURATION for place in _PLACES]
    yield from [path for path in plain if path.is_file()][:1]
    found: dict[str, Path] = {}
    for place in plain:
        with suppress(OSError):
            for path in place.with_name(f"{place.name}.d").glob("*.conf"):
                found.setdefault(path.name, path)
    yield from (found[name] for name in sorted(found))


def _lines(path: Path) -> list[str]:
    """Read a small file; one that cannot be read has no lines."""
    try:
        with path.open("rb") as file:
            return file.read(1 << 16).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _user(uid: int) -> str:
    import pwd

    try:
        return visible(pwd.getpwuid(uid).pw_name)
    except (KeyError, OverflowError):
        return str(uid)
