"""The frozen champion: the fingerprint of its file, and the pin that the first run leaves beside its logs.

The champion is frozen for the phase (runbook, Notes). What a run trades is held against the setting
``champion_sha256`` or, where that is empty, against the pin; a pin is never overwritten.
"""

import json
import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import create, read_whole, sync_directory
from genesis_ops.errors import GenesisError, Refused, typed, write_failed
from genesis_ops.settings import Settings
from genesis_ops.words import iso, stamp, visible

SCHEMA = "genesis-ops.champion/1"
_NAME = "champion_frozen.json"
_MOST_BYTES = 16 << 20
_KEYS = {"schema", "file", "sha256", "pinned_at"}


class Fingerprint(NamedTuple):
    """What a champion's file is: the SHA-256 of its bytes, and why it is no champion, or an empty text."""

    sha256: str
    fault: str

    @property
    def usable(self) -> bool:
        """Whether it is a JSON object that holds ``merged_config`` (runbook, Prerequisites)."""
        return not self.fault


class Pin(NamedTuple):
    """Which champion was frozen and when (ms, UTC); ``damaged`` says why the pin cannot be understood.

    ``hidden`` where it is only this user who may not look.
    """

    file: str
    sha256: str
    pinned_ms: int
    damaged: str = ""
    hidden: bool = False


def fingerprint(path: Path) -> Fingerprint:
    """Look at a champion's file; OSError if it cannot be read."""
    import hashlib

    raw = read_whole(path, _MOST_BYTES)
    return Fingerprint(hashlib.sha256(raw).hexdigest(), _fault(raw))


def pin_file(log_dir: Path) -> Path:
    """Name the pin's file."""
    return log_dir / _NAME


def read_pin(log_dir: Path) -> Pin | None:
    """Read the pin: None only where there is no such file; whatever else has its name and is no pin is damaged."""
    path = pin_file(log_dir)
    try:
        raw = read_whole(path, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return _damaged(path, "is a link to a file that does not exist") if path.is_symlink() else None
    except OSError as error:
        return _damaged(path, f"cannot be read ({error.strerror})")._replace(hidden=isinstance(error, PermissionError))
    try:
        return _parsed(json.loads(raw))
    except (ValueError, RecursionError) as error:
        return _damaged(path, f"is not the pin of a champion ({error})")


def pin(log_dir: Path, frozen: Pin, *, durable: bool = True) -> None:
    """Leave the pin of the first run, whole or not at all; one that is there already stays as it is.

    Raises:
        WriteFailed: it did not reach the disk.
    """
    path = pin_file(log_dir)
    document = {"schema": SCHEMA, "file": frozen.file, "sha256": frozen.sha256, "pinned_at": iso(frozen.pinned_ms)}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        create(temporary, f"{json.dumps(document, indent=2)}\n".encode("ascii"), durable=durable)
        try:
            _publish(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        if durable:
            sync_directory(log_dir)
    except OSError as error:
        raise write_failed(path, error) from error


def require_frozen(settings: Settings, now_ms: int, *, durable: bool = True) -> None:
    """Make sure that the champion is the frozen one, and freeze it where nothing has been frozen yet.

    The caller holds the log directory's lock.

    Raises:
        Refused: it is another one, or the pin is damaged.
        WriteFailed: the pin could not be written.
    """
    shown = settings.shown(settings.champion_file)
    try:
        found = fingerprint(settings.champion_file)
    except OSError as error:
        raise _refused(settings, f"the champion {shown} cannot be read: {error.strerror}") from None
    frozen = read_pin(settings.log_dir)
    if differs := difference(settings, found, frozen):
        raise _refused(settings, f"the champion is frozen: {differs}")
    if frozen is None:
        pin(settings.log_dir, Pin(shown, found.sha256, now_ms), durable=durable)


def difference(settings: Settings, found: Fingerprint, frozen: Pin | None) -> str:
    """Say how a champion differs from the frozen one, by the setting or else by the pin; empty if it does not."""
    shown = visible(settings.shown(settings.champion_file))
    if settings.champion_sha256:
        if found.sha256 == settings.champion_sha256:
            return ""
        return f"{shown} has sha256 {found.sha256[:12]}…, the setting champion_sha256 {settings.champion_sha256[:12]}…"
    if frozen is None:
        return ""
    if frozen.damaged:
        return frozen.damaged
    if found.sha256 == frozen.sha256:
        return ""
    since = f"pinned at {stamp(frozen.pinned_ms)} UTC"
    return f"{shown} has sha256 {found.sha256[:12]}…, {visible(frozen.file)} had {frozen.sha256[:12]}…, {since}"


def next_command(settings: Settings) -> str:
    """Name the command that shows what became of the champion since it was committed."""
    folder = settings.shown(settings.champion_file.parent)
    return f"git -C {typed(settings.root)} log -p -- {typed(Path(folder))}"


def _refused(settings: Settings, message: str) -> GenesisError:
    notes = ("put the frozen file back; another champion needs another --log-dir and a new phase",)
    return Refused(visible(message), notes=notes, next_command=next_command(settings))


def _publish(temporary: Path, path: Path) -> None:
    """Give the finished file its name unless something has it."""
    with suppress(FileExistsError):
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links; the log directory's lock keeps others away
            if not os.path.lexists(path):
                temporary.rename(path)


def _fault(raw: bytes) -> str:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return visible(f"is not JSON: {error}")
    if not isinstance(document, dict):
        return "holds no JSON object"
    return "" if isinstance(document.get("merged_config"), dict) else "holds no merged_config"


def _parsed(document: Any) -> Pin:
    if not isinstance(document, dict) or document.keys() != _KEYS or document["schema"] != SCHEMA:
        raise ValueError(f"it holds no {SCHEMA}")
    file, sha256, pinned_at = document["file"], document["sha256"], document["pinned_at"]
    if not isinstance(file, str) or not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError("file or sha256 are not what they are called")
    if not isinstance(pinned_at, str) or not pinned_at.endswith("Z"):
        raise ValueError("pinned_at is no time in UTC")
    return Pin(file, sha256, round(datetime.fromisoformat(pinned_at).timestamp() * 1000))


def _damaged(path: Path, what: str) -> Pin:
    return Pin("", "", 0, visible(f"{path} {what}"))
