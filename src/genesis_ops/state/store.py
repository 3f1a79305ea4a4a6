"""The state file: read whole or refused, written so that a crash leaves the old or the new one (contract §3)."""

import errno
import os
import shlex
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from genesis_ops.durable import READ, create, overwrite, put_in_place, sync_directory
from genesis_ops.errors import StateUnreadable, WriteFailed
from genesis_ops.state.hidden import HIDDEN
from genesis_ops.state.model import State
from genesis_ops.words import visible

_REBUILD = "genesis-ops run --rebuild-state"
_NEVER_DELETE = "never delete it: a runner without it would trade its last candle again"


@dataclass(frozen=True, slots=True)
class StateStore:
    """Where one runner's state lives; a runner holds the state's lock before it loads or saves.

    ``durable`` False leaves the disk in peace: a rehearsal need not survive a power cut.
    """

    path: Path
    durable: bool = True
    _saved: list[tuple[State, bytes]] = field(default_factory=list, repr=False, compare=False)
    """The newest state that was written whole and could be read again, and its bytes; empty before the first."""

    def read(self) -> State | None:
        """Look at the state and change nothing: None if there is no file, StateUnreadable if it cannot be used."""
        raw = self._bytes()
        return None if raw is None else State.parse(raw, self.path)

    def load(self, now_ms: int) -> State | None:
        """Read the state for a run that begins at ``now_ms``; damaged bytes are kept, and copied under that time."""
        raw = self._bytes()
        if raw is None:
            return None
        try:
            state = State.parse(raw, self.path)
        except StateUnreadable as error:
            notes = (self._keep_copy(raw, now_ms)[1], _NEVER_DELETE)
            raise StateUnreadable(error.message, notes=notes, next_command=_REBUILD) from None
        self._sweep()
        return state

    def save(self, state: State) -> None:
        """Replace the state file durably; WriteFailed leaves the former file whole."""
        target = Path(os.path.realpath(self.path))  # a link to the state file stays a link
        raw = self._beaten(state) or self._readable_again(state)
        if not self.durable:
            with self._write_failures("the state may be half written"):
                overwrite(target, raw)
            return
        with self._write_failures("the former state is whole"):
            put_in_place(target, raw)
        with self._write_failures("the new state is in place, but a power cut could bring back the former one"):
            sync_directory(target.parent)

    def set_aside(self, now_ms: int) -> State | None:
        """Keep a copy of whatever stands in the file, so that it may be replaced, and give it if it can be read.

        StateUnreadable if it cannot be copied.
        """
        raw = self._bytes()
        if raw is None:
            return None
        state = None
        with suppress(StateUnreadable):
            state = State.parse(raw, self.path)
        kept, note = self._keep_copy(raw, now_ms, "corrupt" if state is None else "replaced")
        if not kept:
            raise self._unusable(f"is not replaced, because it could not be copied first: {note}")
        return state

    def back_up_if_corrupt(self, now_ms: int) -> str:
        """Copy bytes that are no state under the runbook's name ("State File Corruption") and change nothing else.

        Tells in one line what is wrong and which copy is kept, or an empty text where there is nothing to keep.

        Raises:
            StateUnreadable: what has the name cannot be read, so it cannot be copied.
            WriteFailed: the copy could not be written.
        """
        raw = self._bytes()
        if raw is None:
            return ""
        try:
            State.parse(raw, self.path)
        except StateUnreadable as error:
            kept, note = self._keep_copy(raw, now_ms)
            if kept:
                return f"{error.message}; {note}"
            raise WriteFailed(f"{error.message}; {note}", notes=(_NEVER_DELETE,)) from None
        return ""

    def _bytes(self) -> bytes | None:
        try:
            descriptor = os.open(self.path, READ)
        except FileNotFoundError:
            if self.path.is_symlink():
                raise self._unusable(f"is a link to {self.path.readlink()}, which does not exist") from None
            return None
        except PermissionError:
            raise self._unusable(HIDDEN) from None
        except OSError as error:
            raise self._unusable(f"cannot be read ({error.strerror})") from None
        try:
            kind = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(kind):
                raise self._unusable("is a directory" if stat.S_ISDIR(kind) else "is not a regular file")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        except OSError as error:
            raise self._unusable(f"cannot be read ({error.strerror})") from None
        finally:
            os.close(descriptor)

    def _unusable(self, what: str) -> StateUnreadable:
        return StateUnreadable(visible(f"{self.path} {what}"), notes=(_NEVER_DELETE,), next_command=_REBUILD)

    def _keep_copy(self, raw: bytes, now_ms: int, why: str = "corrupt") -> tuple[bool, str]:
        """Copy bytes next to the file, unless that has been done, and say in one line what is kept where."""
        when = time.strftime("%Y%m%d_%H%M%S", time.gmtime(now_ms // 1000))
        copy = self.path.with_name(f"{self.path.stem}_{why}_{when}{self.path.suffix}")
        try:
            if (earlier := self._copy_of(raw, why)) is not None:
                return True, visible(f"kept as it is; a copy is in {earlier.name}")
            create(copy, raw)
        except OSError as error:
            return False, visible(f"kept as it is; {copy.name} could not be written ({error.strerror})")
        return True, visible(f"kept as it is; a copy is in {copy.name}")

    def _copy_of(self, raw: bytes, why: str) -> Path | None:
        """Find an earlier copy of these bytes; one that cannot be read does not count."""
        begins = f"{self.path.stem}_{why}_"
        with suppress(OSError):
            for name in sorted(os.listdir(self.path.parent)):  # noqa: PTH208 - names, to compare as text
                candidate = self.path.with_name(name)
                if name.startswith(begins) and candidate.is_file() and candidate.read_bytes() == raw:
                    return candidate
        return None

    def _sweep(self) -> None:
        """Remove the temporary files of killed savers; under the state's lock, nobody else is writing one."""
        target = Path(os.path.realpath(self.path))
        with suppress(OSError):
            for name in os.listdir(target.parent):  # noqa: PTH208 - names, to compare as text
                if name.startswith(f".{target.name}.") and name.endswith(".tmp"):
                    target.with_name(name).unlink()

    def _readable_again(self, state: State) -> bytes:
        """Serialise a state; one that the next start would refuse is refused now, while the old one is whole."""
        try:
            raw = state.dump()
            State.parse(raw, self.path)
        except (ValueError, TypeError, RecursionError, StateUnreadable) as error:
            message = visible(f"{self.path} is not written: the new state could not be read again ({error})")
            raise WriteFailed(message, notes=("the former state is whole",), next_command=_REBUILD) from None
        self._saved[:] = [(state, raw)]
        return raw

    def _beaten(self, state: State) -> bytes | None:
        """Serialise a state that differs from a former one in its heartbeat alone; that one has been read again."""
        return state.beats_on(*self._saved[0]) if self._saved else None

    @contextmanager
    def _write_failures(self, afterwards: str) -> Iterator[None]:
        """Turn an OSError into a WriteFailed that says what is on the disk ``afterwards``."""
        try:
            yield
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "unknown")
            message = visible(f"{self.path} could not be written: {error.strerror} ({name})")
            directory = shlex.quote(str(self.path.parent))
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise WriteFailed(message, notes=(afterwards,), next_command=f"ls -ld {directory}") from error
            notes = (afterwards, *_free_space(self.path.parent))
            raise WriteFailed(message, notes=notes, next_command=f"df -h {directory}") from error


def _free_space(directory: Path) -> tuple[str, ...]:
    import shutil

    with suppress(OSError):
        return (f"{shutil.disk_usage(directory).free} bytes are free there",)
    return ()
