"""The phase's files copied without their secrets, by allow-list, so that a copy is judged as the host was."""

import errno
import gzip
import json
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from genesis_ops.collect.known_secrets import Known
from genesis_ops.durable import READ
from genesis_ops.errors import StateUnreadable
from genesis_ops.keep.clean import Cleaner
from genesis_ops.runlog.files import unpacked
from genesis_ops.settings import Settings
from genesis_ops.words import visible

if TYPE_CHECKING:
    from genesis_ops.clients.clock import Clock

WANTED = re.compile(
    r"runner_(?:(?:orders|evaluations|errors)_)?\d{8}\.log(?:\.gz)?|operations\.jsonl"
    r"|acceptance_(?:receipt|check)_\w+\.(?:json|txt)|champion_frozen\.json|stop_latch\.json|drill\.json"
    r"|wallet_baseline\w*\.json|verification_\w+\.json"
)
"""What is taken from the log directory (contract §1); everything else is left where it is."""

_STATE = "runner_state"
"""How a state is called in a bundle, whatever its file is called on the host."""
_NEWEST_LOG = re.compile(r"runner_\d{8}\.log")
_JUDGED = re.compile(r"logs/runner_(?:orders_)?\d{8}\.log(?:\.gz)?")
_NOT_READ = b"\x1f\x8b"
"""The beginning of a packed file, and nothing else: it is judged as one that cannot be read."""
_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 24
_LOOKS, _PAUSE_SECONDS = 3, 1.0
_TRAILER = 8


class Staged(NamedTuple):
    """A file of the bundle: its place in it, the file it is a copy of, its size there, how often it held a secret."""

    path: str
    source: str
    source_bytes: int
    redacted: int


class LeftOut(NamedTuple):
    """A file that should be in the bundle and is not, or not whole, and why."""

    path: str
    why: str


class Staging:
    """Copies files into a folder; what could not be copied is said and stops nothing, but a failed write raises."""

    def __init__(self, folder: Path, known: Known, settings: Settings) -> None:
        self._folder, self._known, self._settings = folder, known, settings
        self._staged: dict[str, Staged] = {}
        self.left_out: list[LeftOut] = []

    @property
    def staged(self) -> tuple[Staged, ...]:
        """What is there, by its place."""
        return tuple(self._staged[path] for path in sorted(self._staged))

    @property
    def logs(self) -> Path:
        """Where the log directory's files are."""
        return self._folder / "logs"

    def write(self, path: str, text: str) -> None:
        """Write a text of our own, which may quote what is secret."""
        cleaner = Cleaner(self._known.secrets)
        self._write(path, cleaner.clean(text.encode("utf-8", "backslashreplace")), cleaner.places)

    def copy_phase(self, clock: "Clock") -> None:
        """Copy the logs, the state and what else there is; log and state as of one moment, as far as that can be."""
        names = self._names()
        newest = max((name for name in names if _NEWEST_LOG.fullmatch(name)), default=None)
        for name in names:
            if name != newest and not name.startswith("runner_orders_"):
                self._copy(self._settings.log_dir / name)
        for copy in self._state_copies():
            self._copy(copy, f"{_STATE}{copy.stem.removeprefix(self._settings.state_file.stem)}.json")
        for _ in range(_LOOKS):
            self._copy(self._settings.state_file, f"{_STATE}.json")
            if newest is not None:
                self._copy(self._settings.log_dir / newest)
            if not self._between_log_and_state():
                break
            clock.wait(_PAUSE_SECONDS)
        for name in names:  # the journal last: a live runner writes into it first
            if name.startswith("runner_orders_"):
                self._copy(self._settings.log_dir / name)

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self._settings.log_dir) if WANTED.fullmatch(name))  # noqa: PTH208
        except OSError as error:
            shown = self._settings.shown(self._settings.log_dir)
            self.left_out.append(LeftOut(visible(shown), f"cannot be listed ({error.strerror})"))
            return []

    def _state_copies(self) -> list[Path]:
        """Name the copies of damaged states that lie beside the state."""
        state = self._settings.state_file
        wanted = re.compile(rf"{re.escape(state.stem)}_corrupt_\w+\.json")
        with suppress(OSError):
            return sorted(path for path in state.parent.iterdir() if wanted.fullmatch(path.name))
        return []

    def _between_log_and_state(self) -> bool:
        """Whether the copies are of the moment in which a close was in the log and not in the state yet."""
        from genesis_ops.runlog.tail import last_words
        from genesis_ops.state.store import StateStore

        if not self.logs.is_dir():
            return False
        close = last_words(self.logs).close
        try:
            state = StateStore(self.logs / f"{_STATE}.json").read()
        except StateUnreadable:
            return False
        return state is not None and close is not None and state.last_processed_candle_ts != close.ts

    def _copy(self, source: Path, name: str = "") -> None:
        """Copy one file as it was when it was opened; a packed one is packed again, a broken one stays broken."""
        path = f"logs/{name or source.name}"
        shown = visible(self._settings.shown(source).replace("\\", "/"))
        self.left_out = [left for left in self.left_out if left.path != shown]
        cleaner = Cleaner(self._known.secrets)
        if cleaner.text(path) != path:
            self.left_out.append(LeftOut(cleaner.text(shown), "its name holds a secret"))
            return
        try:
            descriptor = _opened(source)
        except OSError as error:
            if os.path.lexists(source):
                self._not_read(path, shown, error.strerror or str(error))
            return
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            damage = _copied(file, target, found.st_size, cleaner)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
        if damage:
            self.left_out.append(LeftOut(shown, damage))
        self._staged[path] = Staged(path, shown, found.st_size, cleaner.places)

    def _not_read(self, path: str, shown: str, why: str) -> None:
        """Say that a file is left out; for a log something stands in that cannot be read either."""
        self.left_out.append(LeftOut(shown, why))
        if _JUDGED.fullmatch(path):
            self._write(path if path.endswith(".gz") else f"{path}.gz", _NOT_READ, 0)

    def _write(self, path: str, raw: bytes, places: int) -> None:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(raw)
        self._staged[path] = Staged(path, "", 0, places)


def _opened(source: Path) -> int:
    """Open a plain file; OSError for anything else that has its name."""
    descriptor = os.open(source, READ)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file")
    return descriptor


def _copied(file: IO[bytes], target: Path, size: int, cleaner: Cleaner) -> str:
    """Copy up to so many bytes of a file; what hindered the reading is told, a failed write raises OSError."""
    packed = target.suffix == ".gz"
    damage: list[str] = []
    blocks = _unpacked(file, damage) if packed else _plain(file, size, damage)
    if target.suffix == ".json":
        target.write_bytes(_json(b"".join(blocks), cleaner))
        return "; ".join(damage)
    with gzip.open(target, "wb") if packed else target.open("wb") as copy:
        for lines in whole_lines(blocks):
            copy.write(cleaner.clean(lines))
    if packed and damage:
        os.truncate(target, max(0, target.stat().st_size - _TRAILER))
    return "; ".join(damage)


def _json(raw: bytes, cleaner: Cleaner) -> bytes:
    """Clean a document so that it stays one: a line of it may be all of it."""
    clean = cleaner.clean(raw)
    if _is_json(clean) or not _is_json(raw):
        return clean
    return f"{json.dumps(cleaner.facts(json.loads(raw)), indent=2)}\n".encode("ascii")


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


def _plain(file: IO[bytes], size: int, damage: list[str]) -> Iterator[bytes]:
    left = size
    try:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            left -= len(block)
            yield block
    except OSError as error:
        damage.append(f"cannot be read to its end ({error.strerror})")


def _unpacked(file: IO[bytes], damage: list[str]) -> Iterator[bytes]:
    try:
        yield from unpacked(file.read)
    except (OSError, EOFError, zlib.error) as error:
        damage.append(f"cannot be unpacked to its end ({error})")


def whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Give every byte in stretches of whole lines, but for a line that would not fit into memory."""
    carry: list[bytes] = []
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut or sum(map(len, carry)) > _LONGEST_LINE:
            yield b"".join((*carry, block[:cut]))
            carry = []
        carry.append(block[cut:])
    if rest := b"".join(carry):
        yield rest
