"""Whose rights a step has, and whose a file that root writes where a service's user could lay links in its way."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genesis_ops.clients.machine import owner, rights_of
from genesis_ops.clients.machine_program import Caller
from genesis_ops.errors import Refused
from genesis_ops.words import visible

_KEPT = "GENESIS_"


def caller(user: str) -> Caller | None:
    """Give the rights of a user to take on; None where this process keeps its own, not being root's.

    Raises:
        Refused: there is no such user; nothing is done with root's rights instead.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    if (found := rights_of(user)) is None:
        raise Refused(visible(f"there is no user {user} on this host"), next_command="getent passwd")
    return found


def environment(user: str) -> dict[str, str]:
    """Give what a program of this user needs to know: its home, its name, and the settings that were given here."""
    import pwd

    given = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    try:
        home = pwd.getpwnam(user).pw_dir
    except KeyError:
        home = "/"
    return {"HOME": home, "USER": user, "LOGNAME": user, **given}


@contextmanager
def as_user(user: str) -> Iterator[None]:
    """Open and write files as a user may; root gets its own rights back afterwards.

    Raises:
        Refused: there is no such user.
    """
    found = caller(user)
    if found is None or found.uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(found.gid)
    os.seteuid(found.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


@contextmanager
def as_owner(directory: Path) -> Iterator[None]:
    """Open what lies in a directory as its owner may: a link that lies there leads root no further than its owner."""
    with as_user(owner(directory) or "root"):
        yield
