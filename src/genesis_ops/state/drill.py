"""The record of the newest drill: with which version, when, on which host, and how many alarms were proven."""

import json
import socket
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import put_in_place, read_whole, sync_directory
from genesis_ops.errors import write_failed
from genesis_ops.words import MINUTE_MS, iso, visible

SCHEMA = "genesis-ops.drill/1"
NOT_DRILLED = "not drilled"
"""What a receipt says where no drill stands behind the checks that judged."""

_NAME = "drill.json"
_MOST_BYTES = 1 << 16
_LONGEST = 255
_MOST_ALARMS = 10_000
_AHEAD_MS = 10 * MINUTE_MS
"""How far ahead of now a drill may have been, before a clock is wrong or the record is made up."""
_KEYS = {"schema", "version", "at", "host", "alarms", "proven"}


class DrillRecord(NamedTuple):
    """With which version somebody drilled, when (ms, UTC), of how many alarms how many were proven, and where."""

    version: str
    at_ms: int
    alarms: int
    proven: int
    host: str

    @property
    def when(self) -> str:
        """Name the day, UTC."""
        return iso(self.at_ms)[:10]


def this_host() -> str:
    """Name the host that drills."""
    return socket.gethostname()


def drill_file(log_dir: Path) -> Path:
    """Name the record's file."""
    return log_dir / _NAME


def write_drill(log_dir: Path, record: DrillRecord) -> Path:
    """Put a record in the place of the one before it, durably, and give its path.

    Raises:
        WriteFailed: it is not on the disk.
    """
    path = drill_file(log_dir)
    document = {
        "schema": SCHEMA,
        "version": record.version,
        "at": iso(record.at_ms),
        "host": record.host,
        "alarms": record.alarms,
        "proven": record.proven,
    }
    try:
        put_in_place(path, f"{json.dumps(document, indent=2)}\n".encode("ascii"))
        sync_directory(log_dir)
    except OSError as error:
        raise write_failed(path, error) from error
    return path


def read_drill(log_dir: Path) -> DrillRecord | None:
    """Read the record; None where there is none that can be read, because then nobody knows of a drill."""
    try:
        return _parsed(json.loads(read_whole(drill_file(log_dir), _MOST_BYTES)))
    except (OSError, ValueError, RecursionError):
        return None


def told_drill(log_dir: Path, version: str, now_ms: int) -> str:
    """Say in a receipt's words whether every alarm of this version was proven here, and when; else why that is none."""
    found = read_drill(log_dir)
    if found is None:
        return NOT_DRILLED
    if why := _why_not(found, version, now_ms):
        return f"{NOT_DRILLED}: {why}"
    return f"drilled with version {version} on {found.when}, all {found.alarms} alarms"


def _why_not(found: DrillRecord, version: str, now_ms: int) -> str:
    """Say why a drill does not stand behind a judgement of now; empty if it does."""
    if found.host != this_host():
        return visible(f"the newest drill was on another host, {found.host}, on {found.when}")
    if found.at_ms > now_ms + _AHEAD_MS:
        return f"the newest drill lies in the future, on {found.when}"
    if found.version != version:
        return visible(f"the newest drill was of version {found.version}, on {found.when}")
    if found.proven < found.alarms:
        return f"the newest drill proved {found.proven} of {found.alarms} alarms, on {found.when}"
    return ""


def _parsed(document: Any) -> DrillRecord:
    """Check everything; ValueError says what is wrong."""
    if not isinstance(document, dict) or document.keys() != _KEYS or document["schema"] != SCHEMA:
        raise ValueError(f"it holds no {SCHEMA}")
    version, at, host, alarms, proven = (document[name] for name in ("version", "at", "host", "alarms", "proven"))
    if not all(isinstance(text, str) and 0 < len(text) <= _LONGEST for text in (version, at, host)):
        raise ValueError("version, at or host is no text")
    if not at.endswith("Z"):
        raise ValueError("at is no time in UTC")
    if type(alarms) is not int or type(proven) is not int:  # an exact type: true is an int to Python
        raise ValueError("alarms or proven is no whole number")
    if not 0 <= proven <= alarms <= _MOST_ALARMS or alarms == 0:
        raise ValueError("no drill has such numbers")
    return DrillRecord(version, round(datetime.fromisoformat(at).timestamp() * 1000), alarms, proven, host)
