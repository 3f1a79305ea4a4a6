"""What people and programs did to a phase: one JSON object a line, in the log directory, never rewritten."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import read_whole, sync_directory, write_all
from genesis_ops.errors import write_failed
from genesis_ops.words import iso, visible

RESUME = "resume"
ENFORCE = "enforce"
_NAME = "operations.jsonl"  # no runner_*.log: a grep over the runner's logs must not find what is quoted in here
_MOST_BYTES = 1 << 26
_APPEND = (
    os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)  # with O_NONBLOCK a FIFO of that name is refused and not waited for


class Operation(NamedTuple):
    """One line: when (ms, UTC) who did what and why; ``other`` is what else the action tells."""

    at_ms: int
    action: str
    by: str
    reasons: tuple[str, ...]
    other: Mapping[str, Any]


class Operations(NamedTuple):
    """The lines, oldest first, how many are not understood, and why the file could not be read (empty: it could)."""

    found: tuple[Operation, ...] = ()
    not_understood: int = 0
    trouble: str = ""

    def last_resume_ms(self, now_ms: int) -> int | None:
        """Tell when somebody last cleared the latch; a time that has not come yet acknowledges nothing."""
        times = (entry.at_ms for entry in self.found if entry.action == RESUME and entry.at_ms <= now_ms)
        return max(times, default=None)


def operations_file(log_dir: Path) -> Path:
    """Name the file."""
    return log_dir / _NAME


def who() -> str:
    """Name this process for the record: ``user@host pid N``."""
    import socket

    return visible(f"{user_name('somebody')}@{socket.gethostname()} pid {os.getpid()}")


def user_name(otherwise: str) -> str:
    """Name the user of this process; a container can have one without a name."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return otherwise


def record(log_dir: Path, at_ms: int, action: str, reasons: Sequence[str], **other: object) -> None:
    """Append one line in this process's name, and have it on the disk.

    Raises:
        WriteFailed: it is not there; no half line is left behind where that can be helped.
    """
    path = operations_file(log_dir)
    document = {"at": iso(at_ms), "action": action, "by": who(), "reasons": list(reasons), **other}
    text = json.dumps(document, allow_nan=False)  # ASCII: whatever a terminal would act on is an escape
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        _append(path, f"{text}\n".encode("ascii"))
        sync_directory(log_dir)
    except OSError as error:
        raise write_failed(path, error) from error


def read(log_dir: Path) -> Operations:
    """Read what stands there; a torn line is counted, and a file that cannot be read is said, never raised."""
    path = operations_file(log_dir)
    try:
        lines = read_whole(path, _MOST_BYTES).splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return Operations()
    except OSError as error:
        return Operations(trouble=visible(f"{path} cannot be read ({error.strerror})"))
    entries = [_operation(line) for line in lines if line.strip()]
    found = tuple(entry for entry in entries if entry is not None)
    return Operations(found, len(entries) - len(found))


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, _APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size:
            os.lseek(descriptor, -1, os.SEEK_END)
            if os.read(descriptor, 1) != b"\n":
                line = b"\n" + line  # a hard stop left half a line, which must not swallow this one
        try:
            write_all(descriptor, line)
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _operation(line: bytes) -> Operation | None:
    try:
        document = json.loads(line)
        at, action, by, reasons = (document.pop(name) for name in ("at", "action", "by", "reasons"))
        at_ms = round(datetime.fromisoformat(at).timestamp() * 1000)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None
    texts = [action, by, *reasons] if isinstance(reasons, list) else [None]
    if not at.endswith("Z") or not all(isinstance(text, str) for text in texts):
        return None
    return Operation(at_ms, action, by, tuple(reasons), document)
