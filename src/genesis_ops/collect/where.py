"""Where the evidence lies: on this host, in another host's directory, or in an archive of one (contract §6, --from)."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from genesis_ops.errors import Unreachable, UsageRefused, typed
from genesis_ops.settings import Settings

_WANTED = re.compile(
    r"runner_(?:orders_|evaluations_)?\d{8}\.log(?:\.gz)?|runner_state(?:_corrupt_\w+)?\.json|operations\.jsonl"
)
_STATE = "runner_state.json"
"""How a bundle calls the state, whatever its file is called on the host."""
_MOST_BYTES = 4 << 30
_BLOCK = 1 << 20
_SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a process."""


class Source(NamedTuple):
    """The log directory and the state file that are judged, and the names under which a report shows them."""

    log_dir: Path
    state_file: Path
    shown_dir: str
    shown_state: str

    def shown(self, path: str) -> str:
        """Write a file of the log directory as the host itself would, wherever it was copied to."""
        return f"{self.shown_dir}/{Path(path).name}"


@contextmanager
def source(settings: Settings, copied: Path | None) -> Iterator[Source]:
    """Find the evidence: the settings' own, or that of a directory or an archive, which is unpacked and removed again.

    Raises:
        UsageRefused: there is no such file or directory.
        Unreachable: it cannot be read, or holds neither log nor state.
    """
    here = Source(
        settings.log_dir,
        settings.state_file,
        _posix(settings.shown(settings.log_dir)),
        _posix(settings.shown(settings.state_file)),
    )
    if copied is None:
        yield here
    elif is_directory(copied):
        yield _within(copied, here, settings)
    elif os.path.isfile(copied):  # noqa: PTH113 - Path.is_file raises where a folder may not be entered
        import tempfile

        with ended_by_term(), tempfile.TemporaryDirectory(prefix="genesis-ops-") as directory:
            _unpack(copied, Path(directory))
            yield _within(_holding(Path(directory), copied), here, settings)
    else:
        raise UsageRefused(f"flag --from: there is no file or directory {copied}", next_command="ls -l")


def is_directory(path: Path) -> bool:
    """Whether there is a directory, as far as this user may look."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where a folder may not be entered


@contextmanager
def ended_by_term() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the process by an exception, so that what was unpacked is removed.

    Further ones are ignored: ``timeout`` sends two at once, and the second would end the clearing up as well. So is a
    SIGHUP that the caller has ignored, as ``nohup`` does.
    """
    named = ("SIGTERM", "SIGHUP") if hasattr(signal, "SIGHUP") else ("SIGTERM",)
    former = {number: signal.getsignal(number) for number in map(signal.Signals.__getitem__, named)}
    ending = [number for number, before in former.items() if before is not signal.SIG_IGN]

    def end(number: int, _: object) -> None:
        for each in ending:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(_SIGNALLED + number)

    for number in ending:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ending:
            signal.signal(number, former[number])


def _posix(path: str) -> str:
    return path.replace("\\", "/")


def _within(directory: Path, here: Source, settings: Settings) -> Source:
    """Take a root's own log directory if it has one, else the directory itself."""
    shown = Path(settings.shown(settings.log_dir))
    below = directory if shown.is_absolute() else directory / shown  # an absolute one would be this host's own
    log_dir = below if is_directory(below) else directory
    named, usual = log_dir / settings.state_file.name, log_dir / _STATE
    copied = usual if os.path.lexists(usual) and not os.path.lexists(named) else named
    return here._replace(log_dir=log_dir, state_file=copied)


def _holding(directory: Path, archive: Path) -> Path:
    """Find the folder with the logs, the one nearest to the top where there are several (an archive of restarts)."""
    folders = {path.parent for path in directory.rglob("*") if path.is_file()}
    if not folders:
        raise Unreachable(
            f"{archive} holds no runner log and no state", next_command=f"tar -tf {typed(archive)}      (or: unzip -l)"
        )
    return min(folders, key=lambda folder: (len(folder.parts), str(folder)))


def _unpack(archive: Path, into: Path) -> None:
    import tarfile
    import zipfile
    import zlib

    try:
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, into)
        else:
            _unpack_tar(archive, into)
    except (
        OSError,
        EOFError,
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
    ) as e:
        message = (
            f"{archive} is not a directory, and not a tar or zip archive that can be read: {str(e).splitlines()[0]}"
        )
        raise Unreachable(message, next_command=f"file {typed(archive)}") from e


def _unpack_tar(archive: Path, into: Path) -> None:
    import tarfile

    room = _MOST_BYTES
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.isfile() and (target := _target(member.name, into)) is not None:
                content = packed.extractfile(member)
                if content is not None:
                    room = _copy(content, target, room)
        while packed.fileobj is not None and packed.fileobj.read(_BLOCK):
            pass  # gzip checks what it gave at its end


def _unpack_zip(archive: Path, into: Path) -> None:
    import zipfile

    room = _MOST_BYTES
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            if not member.is_dir() and (target := _target(member.filename, into)) is not None:
                with packed.open(member) as content:
                    room = _copy(content, target, room)


def _target(name: str, into: Path) -> Path | None:
    """Say where a member goes; None for what is not evidence, or would lie outside."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not _WANTED.fullmatch(parts[-1] if parts else "") or any(part in {"..", "/"} or ":" in part for part in parts):
        return None
    return into.joinpath(*parts)


def _copy(content: IO[bytes], target: Path, room: int) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        while block := content.read(_BLOCK):
            room -= len(block)
            if room < 0:
                raise OSError("it unpacks to more than 4 GiB")
            file.write(block)
    return room
