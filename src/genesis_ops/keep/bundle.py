"""The escalation package: everything that shows what happened, in one archive (runbook, Support and Escalation).

snapshot, logs, state, journal and receipts as they lie on the host, the reports of the three judgements, the log
around each finding, units and journald, steps to see it again, and a manifest with a sum for each file.
"""

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from genesis_ops import __version__
from genesis_ops.clients import units
from genesis_ops.collect.judgement import Asked, day_zero_ms, judge_acceptance, judge_stop, newest_line_ms
from genesis_ops.collect.known_secrets import Known
from genesis_ops.collect.snapshot import Seen
from genesis_ops.collect.where import ended_by_term, source
from genesis_ops.durable import name_whole
from genesis_ops.errors import GenesisError, write_failed
from genesis_ops.keep.clean import Cleaner, require_clean
from genesis_ops.keep.findings import excerpts
from genesis_ops.keep.snapshot import PRIVATE, clean, no_name_left, snapshot_of
from genesis_ops.keep.staging import LeftOut, Staging, whole_lines
from genesis_ops.keep.steps import steps
from genesis_ops.report import as_json, text
from genesis_ops.runlog.files import unpacked
from genesis_ops.state.snapshots import directory, file_name, free_names
from genesis_ops.words import DAY_MS, MINUTE_MS, iso

if TYPE_CHECKING:
    from genesis_ops.clients.clock import Clock

SCHEMA = "genesis-ops.bundle/1"
MANIFEST = "MANIFEST.json"

_JOURNALD_MS = 30 * MINUTE_MS
_GONE_MS = 5 * MINUTE_MS
_BLOCK = 1 << 20
_SCANNED = 1 << 23
_PREFIX = ".bundle_"
_ENDING = ".tar.gz"
_WIDTH = 100


class Bundle(NamedTuple):
    """A bundle that was written: how many files are in it, its manifest's sum, and what it could not take in."""

    path: Path
    taken_ms: int
    files: int
    redacted: int
    sha256: str
    left_out: tuple[LeftOut, ...]


def make_bundle(seen: Seen, known: Known, clock: "Clock") -> Bundle:
    """Collect, judge what was collected, and write the archive; nothing is written that holds a secret.

    Raises:
        Refused: a secret would be in it.
        WriteFailed: it is not on the disk.
    """
    folder = directory(seen.host.settings.log_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder, seen.host.now_ms)
        with ended_by_term(), tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder) as place:
            staging = Staging(Path(place) / "files", known, seen.host.settings)
            _stage(staging, seen, known, clock)
            manifest = _manifest(staging, Path(place) / "files", seen, known)
            return _published(staging, manifest, Path(place), seen, known)
    except GenesisError:
        raise
    except OSError as error:
        raise write_failed(Path(error.filename) if isinstance(error.filename, str) else folder, error) from error


def _sweep(folder: Path, now_ms: int) -> None:
    """Remove what an attempt left behind that was killed a day ago or longer."""
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another one that sweeps, or ends
            if now_ms - left.lstat().st_mtime_ns // 1_000_000 > DAY_MS:
                shutil.rmtree(left, ignore_errors=True)


def _stage(staging: Staging, seen: Seen, known: Known, clock: "Clock") -> None:
    """Put everything into the folder that is packed."""
    settings, now_ms = seen.host.settings, seen.host.now_ms
    staging.copy_phase(clock)
    staging.write("snapshot.txt", clean(snapshot_of(seen, known), known).decode())
    with source(settings, staging.logs if staging.logs.is_dir() else settings.log_dir) as copy:
        stop = judge_stop(settings, copy, Asked(day_zero_ms(settings), now_ms, now_ms)).report
        end_ms = _end_ms(copy.log_dir, now_ms)
        day = judge_acceptance(settings, copy, Asked(end_ms - DAY_MS, end_ms, now_ms), _Still(now_ms)).report
    reports = Cleaner(known.secrets).facts((stop, day, seen.report))
    for report in reports:
        staging.write(f"reports/{report.command}.json", as_json.render(report))
        staging.write(f"reports/{report.command}.txt", text.render(report, width=_WIDTH, unicode=True))
    for name, excerpt in excerpts(reports, staging.logs):
        staging.write(f"findings/{name}.txt", excerpt)
    _stage_units(staging, seen)
    staging.write("STEPS.md", steps(seen, reports, file_name(now_ms, _ENDING), end_ms, staging.logs))


def _end_ms(logs: Path, now_ms: int) -> int:
    """Tell up to when a day is judged: now, or where the log of a runner that is gone ends."""
    newest_ms = newest_line_ms(logs) or now_ms
    return now_ms if now_ms - newest_ms < _GONE_MS else newest_ms


class _Still:
    """A clock for judging a copy, which does not change while somebody waits."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._now_ms / 1000

    def wait(self, seconds: float) -> None:
        """Let no time pass."""


def _stage_units(staging: Staging, seen: Seen) -> None:
    for path, (told, trouble) in {
        "units/unit-files.txt": units.files(),
        "units/journald.txt": units.journal(seen.host.now_ms - _JOURNALD_MS),
    }.items():
        if trouble:
            staging.left_out.append(LeftOut(path, trouble))
        else:
            staging.write(path, told)


def _manifest(staging: Staging, folder: Path, seen: Seen, known: Known) -> bytes:
    """Name every file with its size and sum, where it is from, and what is missing."""
    files = [
        {
            "path": staged.path,
            "bytes": (folder / staged.path).stat().st_size,
            "sha256": _sha256((folder / staged.path).open("rb")),
            "copy_of": staged.source or None,
            "redacted": staged.redacted,
        }
        for staged in staging.staged
    ]
    settings = seen.host.settings
    document = {
        "schema": SCHEMA,
        "version": __version__,
        "taken_at": iso(seen.host.now_ms),
        "market": f"{settings.symbol} {settings.timeframe}",
        "preflight": str(seen.report.verdict),
        "files": files,
        "left_out": [left._asdict() for left in staging.left_out],
        "secrets_not_known": list(known.troubles),
    }
    return f"{json.dumps(Cleaner(known.secrets).facts(document), indent=1)}\n".encode("ascii")


def _sha256(file: IO[bytes]) -> str:
    found = hashlib.sha256()
    with file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _published(staging: Staging, manifest: bytes, place: Path, seen: Seen, known: Known) -> Bundle:
    """Pack the folder, look at the finished archive once more, and give it its name."""
    log_dir = seen.host.settings.log_dir
    for at_ms, path in free_names(log_dir, seen.host.now_ms, _ENDING):
        packed = place / path.name
        (place / "files" / MANIFEST).write_bytes(manifest)
        _pack(place / "files", packed, path.name.removesuffix(_ENDING))
        _require_clean(packed, known)
        try:
            name_whole(packed, path)
        except FileExistsError:
            continue
        redacted = sum(staged.redacted for staged in staging.staged)
        sum_ = hashlib.sha256(manifest).hexdigest()
        left_out = Cleaner(known.secrets).facts(tuple(staging.left_out))
        return Bundle(path, at_ms, len(staging.staged), redacted, sum_, left_out)
    raise no_name_left(directory(log_dir))


def _pack(folder: Path, packed: Path, top: str) -> None:
    """Make the archive, readable by its owner alone, and bring it to the disk; the manifest comes first."""
    descriptor = os.open(packed, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
            for path in _in_order(folder):
                archive.add(path, f"{top}/{path.relative_to(folder).as_posix()}", recursive=False, filter=_anonymous)
        file.flush()
        os.fsync(file.fileno())


def _in_order(folder: Path) -> Iterator[Path]:
    yield folder / MANIFEST
    yield from sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = PRIVATE
    return member


def _require_clean(packed: Path, known: Known) -> None:
    """Look for secrets in the finished archive, by another way than the one that took them out.

    Raises:
        Refused: one is in it.
    """
    with tarfile.open(packed, "r:gz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is None:
                continue
            before = 0
            for stretch in whole_lines(_blocks(content, packed=member.name.endswith(".gz"))):
                require_clean(stretch, known, member.name, before)
                before += stretch.count(b"\n")


def _blocks(content: IO[bytes], *, packed: bool) -> Iterator[bytes]:
    if not packed:
        while block := content.read(_SCANNED):
            yield block
        return
    with suppress(EOFError, zlib.error):  # what was broken on the host is broken in the copy
        yield from unpacked(content.read)
