"""The reports of verifications, one file each in the log directory: named, written and found again."""

import json
import os
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import publish, read_whole
from genesis_ops.errors import WriteFailed, typed, write_failed
from genesis_ops.words import visible

_NAME = re.compile(r"verification_(\d{8}_\d{6})Z\.json")
_SCHEMA = "genesis-ops.report/1"
_COMMAND = "verify"
_MOST_BYTES = 1 << 22
_TRIES = 60
_VERDICTS = frozenset({"PASS", "WARN", "FAIL", "UNKNOWN", "SKIP"})


class Verified(NamedTuple):
    """When (ms, UTC) somebody verified last, what came of it, and which checks were not well, the worst first."""

    at_ms: int
    verdict: str
    not_well: tuple[str, ...]
    file: str
    trouble: str = ""
    """Why the report cannot be read; the verdict is UNKNOWN then."""


def keep_verification(log_dir: Path, at_ms: int, raw: bytes) -> Path:
    """Write a report, durably and readable by its owner alone, beside those that are there.

    Raises:
        WriteFailed: it is not on the disk.
    """
    path = _path(log_dir, at_ms)
    for number in range(_TRIES):
        path = _path(log_dir, at_ms + 1000 * number)
        try:
            log_dir.mkdir(parents=True, exist_ok=True)
            publish(path, raw, mode=0o600)
        except FileExistsError:
            if not log_dir.is_dir():
                break
            continue
        except OSError as error:
            raise write_failed(path, error) from error
        return path
    raise WriteFailed(
        f"{path} could not be written: there is something of that name", next_command=f"ls -la {typed(log_dir)}"
    )


def last_verified(log_dir: Path) -> Verified | None:
    """Find the newest report by its name; None where there is none."""
    names: list[str] = []
    with suppress(OSError):
        names = [name for name in os.listdir(log_dir) if _NAME.fullmatch(name)]  # noqa: PTH208 - names only
    return _read(log_dir / max(names)) if names else None


def _path(log_dir: Path, at_ms: int) -> Path:
    return log_dir / f"verification_{time.strftime('%Y%m%d_%H%M%S', time.gmtime(at_ms // 1000))}Z.json"


def _read(path: Path) -> Verified | None:
    named = _named_ms(path.name)
    try:
        return _parsed(json.loads(read_whole(path, _MOST_BYTES)), path.name)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Verified(named, "UNKNOWN", (), path.name, f"cannot be read ({error.strerror})")
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
        return Verified(named, "UNKNOWN", (), path.name, "is not the report of a verification")


def _named_ms(name: str) -> int:
    """Tell a report's time by its name (ms, UTC); 0 where it names a day that does not exist."""
    with suppress(ValueError):
        moment = datetime.strptime(name[13:28], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
        return int(moment.timestamp()) * 1000
    return 0


def _parsed(document: Any, name: str) -> Verified:
    if document["schema"] != _SCHEMA or document["command"] != _COMMAND or document["verdict"] not in _VERDICTS:
        raise ValueError("it is another command's report")
    at = datetime.fromisoformat(document["generated_at"])
    outcomes = [(str(check["outcome"]), visible(str(check["id"]))) for check in document["checks"]]
    worst = ("FAIL", "UNKNOWN", "WARN")
    not_well = tuple(check for bad in worst for outcome, check in outcomes if outcome == bad)
    return Verified(round(at.timestamp() * 1000), str(document["verdict"]), not_well, name)
