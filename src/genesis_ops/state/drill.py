"""The record of the newest drill: with which version, when, and how many of the alarms were proven."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import put_in_place, read_whole, sync_directory
from genesis_ops.errors import write_failed
from genesis_ops.words import iso

SCHEMA = "genesis-ops.drill/1"
NOT_DRILLED = "not drilled"
"""What a receipt says where no drill stands behind the checks that judged."""

_NAME = "drill.json"
_MOST_BYTES = 1 << 16
_KEYS = {"schema", "version", "at", "alarms", "proven"}


class DrillRecord(NamedTuple):
    """With which version somebody drilled, when (ms, UTC), how many alarms there were, and how many were proven."""

    version: str
    at_ms: int
    alarms: int
    proven: int


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


def told_drill(log_dir: Path, version: str) -> str:
    """Say in a receipt's words whether every alarm of this version was proven: "drilled with version 0.1.0, …"."""
    found = read_drill(log_dir)
    if found is None or found.version != version or not 0 < found.alarms == found.proven:
        return NOT_DRILLED
    return f"drilled with version {version}, all {found.alarms} alarms"


def _parsed(document: Any) -> DrillRecord:
    """Check everything; ValueError says what is wrong."""
    if not isinstance(document, dict) or document.keys() != _KEYS or document["schema"] != SCHEMA:
        raise ValueError(f"it holds no {SCHEMA}")
    version, at, alarms, proven = (document[name] for name in ("version", "at", "alarms", "proven"))
    if not isinstance(version, str) or not isinstance(at, str) or not at.endswith("Z"):
        raise ValueError("version is no text, or at is no time in UTC")
    if type(alarms) is not int or type(proven) is not int:  # an exact type: true is an int to Python
        raise ValueError("alarms or proven is no whole number")
    return DrillRecord(version, round(datetime.fromisoformat(at).timestamp() * 1000), alarms, proven)
