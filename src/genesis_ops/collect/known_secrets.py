"""The secrets that are known on this host, so that none of them is written down: of ``.env`` files and environments."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from genesis_ops.durable import read_whole
from genesis_ops.settings import Settings
from genesis_ops.words import visible

if TYPE_CHECKING:
    from genesis_ops.envfile.secret import Secret

_MOST_BYTES = 1 << 20


class Known(NamedTuple):
    """The secrets, and what could hold more of them and cannot be read by this user."""

    secrets: "tuple[Secret, ...]"
    troubles: tuple[str, ...]


def known_secrets(settings: Settings, pids: Iterable[int] = ()) -> Known:
    """Find what is secret in the root's ``.env`` files, in this process's environment and in those of others."""
    from genesis_ops.redact.secrets import secrets_in

    files: list[bytes] = []
    troubles: list[str] = []
    for path in sorted(settings.root.glob(".env*")):
        try:
            files.append(read_whole(path, _MOST_BYTES))
        except OSError as error:
            troubles.append(
                visible(f"{path.name} cannot be read ({error.strerror}): of what is in it only known shapes are found")
            )
    return Known(secrets_in(files, [os.environ, *_environments(pids, troubles)]), tuple(troubles))


def _environments(pids: Iterable[int], troubles: list[str]) -> Iterator[Mapping[str, str]]:
    """Give the environments of processes, and say of which this user may see none."""
    for pid in pids:
        import psutil

        try:
            yield psutil.Process(pid).environ()
        except psutil.NoSuchProcess:
            continue
        except (psutil.Error, OSError):
            troubles.append(
                f"the environment of pid {pid} cannot be read: of what is in it only known shapes are found"
            )
