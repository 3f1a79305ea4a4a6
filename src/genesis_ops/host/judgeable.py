"""Whether an acceptance can be scheduled: its time, and what its timer would start; nothing is changed."""

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise

from genesis_ops.durable import read_whole
from genesis_ops.errors import GenesisError, Refused
from genesis_ops.host.plan import Problem
from genesis_ops.host.units import ACCEPTANCE
from genesis_ops.settings import SETTINGS, Settings
from genesis_ops.words import DAY_MS, MINUTE_MS, read_duration, stamp, visible

_FURTHEST_MS = 366 * DAY_MS
_SHORTEST_MS = MINUTE_MS
_MOST_BYTES = 1 << 20
_EXAMPLE = "genesis-ops host schedule add --at +24h --window 24h"
_ELSEWHERE = frozenset({"ssh_target", "remote_root", "remote_user", "remote_program", "lock_dir", "units_dir"})
"""The settings that no acceptance is judged by."""


def problems(settings: Settings, length: str, now_ms: int, environ: Mapping[str, str]) -> list[Problem]:
    """Say why an acceptance of a length such as 24h could not be scheduled once an apply is through."""
    if not length:
        return []
    length_ms = read_duration(length)
    try:
        if length_ms < _SHORTEST_MS:
            raise Refused(f"an acceptance of {visible(length)} is over before it is scheduled", next_command=_EXAMPLE)
        require_time(now_ms + length_ms, now_ms)
        require_service(settings, environ)
    except GenesisError as error:
        return [Problem(error.message, error.next_command, error.exit_code)]
    return []


def require_time(at_ms: int, now_ms: int) -> None:
    """Make sure that a time (ms, UTC) is to come.

    Raises:
        Refused: it is over, or too far away.
    """
    if not now_ms < at_ms <= now_ms + _FURTHEST_MS:
        why = "is over" if at_ms <= now_ms else "is more than a year away"
        raise Refused(f"{stamp(at_ms)} UTC {why}: it is {stamp(now_ms)} UTC", next_command=_EXAMPLE)


def require_service(settings: Settings, environ: Mapping[str, str]) -> None:
    """Make sure that what the timer starts is there, can be started, and judges this root as it is judged here.

    Raises:
        Refused: it is not, or a setting is given that it would not know of.
    """
    program, root = _started(settings)
    if root != str(settings.root):
        raise _refused(f"{ACCEPTANCE} judges another root than {settings.root}")
    if not os.access(program, os.X_OK):
        raise _refused(f"{ACCEPTANCE} starts {program}, which cannot be started")
    for setting in SETTINGS:
        if setting.variable in environ and setting.name not in _ELSEWHERE:
            raise Refused(
                f"what the timer starts does not know of {setting.variable}",
                notes=("what an acceptance is judged by has to be in the configuration file",),
                next_command=f"unset {setting.variable}",
            )


def _started(settings: Settings) -> tuple[str, str]:
    """Give the program of the unit, and the root that it is called with; empty where the unit does not say."""
    try:
        text = read_whole(settings.units_dir / ACCEPTANCE, _MOST_BYTES).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        raise _refused(f"there is no {ACCEPTANCE} in {settings.units_dir}") from None
    except OSError as error:
        raise _refused(f"{ACCEPTANCE} cannot be read: {error.strerror}") from None
    commands = [line.partition("=")[2].strip() for line in text.splitlines() if line.startswith("ExecStart=")]
    words: list[str] = []
    with suppress(ValueError, IndexError):
        words = shlex.split(commands[-1])
    roots = [value for word, value in pairwise(words) if word == "--root"]
    roots += [word.partition("=")[2] for word in words if word.startswith("--root=")]
    return (words[0].lstrip("@-:+!") if words else ""), (roots[0] if roots else "")


def _refused(why: str) -> Refused:
    return Refused(visible(why), next_command=f"sudo genesis-ops units install --only {ACCEPTANCE}")
