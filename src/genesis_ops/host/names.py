"""How an operation and what belongs to it are named: ``20260205_131002Z``, its unit, its directory."""

import re
from pathlib import Path

from genesis_ops.errors import UsageRefused
from genesis_ops.words import visible

RECORD = "steps.jsonl"
PLAN = "plan.json"

_NAME = re.compile(r"[0-9]{8}_[0-9]{6}Z")
_ARCHIVE = "_archive"
_PREFIX = "restart_"


def checked(name: str) -> str:
    """Give back a name that is one.

    Raises:
        UsageRefused: it is none; a path or an option could hide in it.
    """
    if _NAME.fullmatch(name):
        return name
    raise UsageRefused(f"'{visible(name)}' is not an operation, such as 20260205_131002Z")


def directory(log_dir: Path, name: str) -> Path:
    """Tell where an operation keeps what it moved, its plan and its record (contract §1)."""
    return log_dir / _ARCHIVE / f"{_PREFIX}{checked(name)}"


def unit(name: str) -> str:
    """Name the unit that an operation runs in."""
    return f"genesis-apply-{checked(name)}.service"


def newest(log_dir: Path) -> str:
    """Name the newest operation that has a record; empty if there is none."""
    try:
        found = sorted((log_dir / _ARCHIVE).iterdir(), reverse=True)
    except OSError:
        return ""
    names = (path.name.removeprefix(_PREFIX) for path in found if (path / RECORD).is_file())
    return next((name for name in names if _NAME.fullmatch(name)), "")
