"""The stop latch: a file in the log directory that keeps every runner from starting until somebody clears it.

It fails closed: whatever has the file's name and cannot be understood is a latch too, and says why it is damaged.
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import create, put_in_place, read_whole, sync_directory
from genesis_ops.errors import WriteFailed, typed, write_failed
from genesis_ops.words import iso, stamp, visible

SCHEMA = "genesis-ops.latch/1"
_NAME = "stop_latch.json"
_MOST_BYTES = 1 << 20
_KEYS = {"schema", "since", "reasons", "by"}


class Latch(NamedTuple):
    """Since when (ms, UTC), why and by whom runs are stopped; ``damaged`` says why the file cannot be understood.

    ``hidden`` where it is only this user who may not look: no run of this user starts, and nobody knows of others.
    """

    since_ms: int
    reasons: tuple[str, ...]
    by: str
    damaged: str = ""
    hidden: bool = False

    def lines(self) -> tuple[str, ...]:
        """Say for a person why nothing runs, one reason a line."""
        if self.damaged:
            return (visible(self.damaged),)
        head = f"since {stamp(self.since_ms)} UTC, by {self.by or 'somebody who left no name'}"
        return tuple(visible(line) for line in (*(self.reasons or ("no reason was given",)), head))


def latch_file(log_dir: Path) -> Path:
    """Name the latch's file."""
    return log_dir / _NAME


def read_latch(log_dir: Path) -> Latch | None:
    """Tell whether the latch is set: None only where there is no such file; one that is damaged is set."""
    path = latch_file(log_dir)
    try:
        raw = read_whole(path, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return _damaged(path, "is a link to a file that does not exist") if path.is_symlink() else None
    except OSError as error:
        return _damaged(path, f"cannot be read ({error.strerror})")._replace(hidden=isinstance(error, PermissionError))
    try:
        return _parsed(json.loads(raw))
    except (ValueError, RecursionError) as error:
        return _damaged(path, f"is not a stop latch ({error})")


def set_latch(log_dir: Path, latch: Latch) -> Latch:
    """Set the latch durably and give what is set now: a second setting adds reasons and keeps the first time.

    Where it cannot be written, an empty file is a latch too: ``damaged`` of what is given then says why it is empty.

    Raises:
        WriteFailed: it did not reach the disk, not even empty.
    """
    path = latch_file(log_dir)
    merged = _merged(read_latch(log_dir), latch)
    document = {"schema": SCHEMA, "since": iso(merged.since_ms), "reasons": merged.reasons, "by": merged.by}
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        put_in_place(path, f"{json.dumps(document, indent=2)}\n".encode("ascii"))
        sync_directory(log_dir)
    except OSError as error:
        return _set_empty(path, latch, error)
    return merged


def clear_latch(log_dir: Path, seen: Latch) -> bool:
    """Remove the latch that somebody has ``seen``, durably; False if it says something else by now, and stays.

    Raises:
        WriteFailed: it could not be removed.
    """
    now = read_latch(log_dir)
    if now is not None and now != seen:
        return False
    path = latch_file(log_dir)
    try:
        path.unlink(missing_ok=True)
        sync_directory(log_dir)
    except OSError as error:
        raise WriteFailed(
            visible(f"the stop latch {path} could not be removed: {error.strerror}"),
            next_command=f"ls -ld {typed(log_dir)} {typed(path)}",
        ) from error
    return True


def _set_empty(path: Path, latch: Latch, error: OSError) -> Latch:
    """Set the latch without its reasons: a full disk has no room for them, but mostly for one more name."""
    try:
        create(path, b"", durable=False)  # nothing is in it that has to last, and a failing fsync would remove it
        sync_directory(path.parent)
    except OSError:
        raise write_failed(path, error) from error
    return latch._replace(damaged=visible(f"{path} could only be created empty ({error.strerror or error})"))


def _parsed(document: Any) -> Latch:
    if not isinstance(document, dict) or document.keys() != _KEYS or document["schema"] != SCHEMA:
        raise ValueError(f"it holds no {SCHEMA}")
    reasons, by = document["reasons"], document["by"]
    if not isinstance(reasons, list) or not all(isinstance(text, str) for text in [*reasons, by]):
        raise ValueError("reasons or by are no text")
    return Latch(_ms(document["since"]), tuple(reasons), by)


def _ms(text: object) -> int:
    if not isinstance(text, str) or not text.endswith("Z"):
        raise ValueError("since is no time in UTC")
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _merged(former: Latch | None, latch: Latch) -> Latch:
    if former is None:
        return latch
    told = (f"an earlier latch was damaged: {former.damaged}",) if former.damaged else former.reasons
    reasons = tuple(dict.fromkeys((*told, *latch.reasons)))
    return Latch(former.since_ms, reasons, latch.by if former.damaged else former.by)


def _damaged(path: Path, what: str) -> Latch:
    try:
        since_ms = os.lstat(path).st_mtime_ns // 1_000_000
    except OSError:
        since_ms = 0
    return Latch(since_ms, (), "", visible(f"{path} {what}"))
