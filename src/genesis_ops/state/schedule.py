"""An acceptance that is due at a time: how it is named, where its result goes, what it has come to."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from genesis_ops.durable import read_whole
from genesis_ops.words import DAY_MS, HOUR_MS, stamp, visible

SCHEMA = "genesis-ops.schedule/1"
PENDING, RUNNING, DONE, MISSED, OFF = "pending", "running", "done", "missed", "off"
"""What an acceptance can be in; off is one that is to come and that systemd does not wait for."""

_FORM = "%Y%m%d_%H%M%SZ"
_NAME = re.compile(r"[0-9]{8}_[0-9]{6}Z")
_MOST_BYTES = 1 << 24
_LAST = re.compile(rb"\nexit code: ([0-9]{1,3})\n\Z")
_TRIES_MS = (0, HOUR_MS, DAY_MS)
_GRACE_MS = 60_000
"""How long after its time a due acceptance may take to begin."""


class Scheduled(NamedTuple):
    """An acceptance; ``at`` is the end of its window (ISO, UTC), ``result`` the name of its file once there is one."""

    instant: str
    at: str
    window: str
    state: str
    exit_code: int | None
    result: str
    detail: str


class Schedule(NamedTuple):
    """What is scheduled on a host, by time, and why systemd could not be asked about it."""

    schema: str
    version: str
    at: str
    acceptances: tuple[Scheduled, ...]
    trouble: str


class Waiting(NamedTuple):
    """What systemd does about an acceptance: when its timer elapses (None: not at all), whether its service is busy."""

    elapses_ms: int | None = None
    busy: bool = False


def instant_of(ms: int) -> str:
    """Name a time (ms, UTC): ``20260206_131000Z``."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime(_FORM)


def instant_ms(name: str) -> int:
    """Give the time (ms, UTC) that a name stands for.

    Raises:
        ValueError: it stands for none, or not for this one alone.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"'{visible(name)}' is not an instant, such as 20260206_131000Z")
    try:
        return round(datetime.strptime(name, _FORM).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise ValueError(f"'{name}' is not a time") from None


def tries(at_ms: int) -> tuple[int, ...]:
    """Give the times (ms, UTC) at which an acceptance is begun; where there is a result by then, it is nothing more.

    systemd counts one as begun that a power cut ended in the middle; they are further apart than one may take.
    """
    return tuple(at_ms + later_ms for later_ms in _TRIES_MS)


def result_file(log_dir: Path, instant: str) -> Path:
    """Name the file that the result of an acceptance goes to (contract §1)."""
    return log_dir / f"acceptance_check_{instant}.txt"


def result(path: Path) -> tuple[bool, int | None]:
    """Tell whether there is a result, and with which exit code (None: it does not say one)."""
    with suppress(OSError):
        found = _LAST.search(read_whole(path, _MOST_BYTES))
        return True, int(found[1]) if found else None
    return path.exists(), None


def state_of(at_ms: int, now_ms: int, *, done: bool, waiting: Waiting | None) -> tuple[str, str]:
    """Tell what an acceptance is in, and what is wrong with it (``waiting`` None: systemd was not asked)."""
    if done:
        return DONE, ""
    if waiting is not None and waiting.busy:
        return RUNNING, ""
    if now_ms < at_ms:
        waits = waiting is None or waiting.elapses_ms == at_ms
        return (PENDING, "") if waits else (OFF, "systemd does not wait for it")
    if now_ms < at_ms + _GRACE_MS:
        return RUNNING, ""
    again_ms = (waiting and waiting.elapses_ms) or 0
    if again_ms > now_ms:
        return PENDING, f"there is no result yet; again at {stamp(again_ms)} UTC"
    return MISSED, "its time is over, and there is no result"


def newest_first(found: Sequence[Scheduled]) -> tuple[Scheduled, ...]:
    """Put the latest on top."""
    return tuple(sorted(found, key=lambda each: each.instant, reverse=True))
