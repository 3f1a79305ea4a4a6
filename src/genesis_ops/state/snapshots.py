"""A snapshot's file: its name, how it is written and how it is read back (contract §1; runbook, Day 0 step 3).

A title, sections with their lines indented, and a sum over all of it, so that a file that was cut or changed shows.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from genesis_ops.durable import read_whole
from genesis_ops.words import stamp, visible

SCHEMA = "genesis-ops.snapshot/1"
LARGEST = 1 << 24
"""More bytes than any snapshot has."""

_NAME = re.compile(r"snapshot_(\d{8}_\d{6})Z\.txt")
_TRIES = 10
_TITLE = "Phase 3 snapshot  "
_INDENT = "  "
_SUM = "sha256: "


class Section(NamedTuple):
    """A part of a snapshot: its name, and its lines without control characters."""

    name: str
    lines: tuple[str, ...]


class Snapshot(NamedTuple):
    """What stands in a snapshot, and when it was taken (ms, UTC)."""

    at_ms: int
    sections: tuple[Section, ...]

    def lines(self, name: str) -> tuple[str, ...]:
        """Give a section's lines; none where there is no such section."""
        return next((section.lines for section in self.sections if section.name == name), ())


def directory(log_dir: Path) -> Path:
    """Name the folder that snapshots lie in."""
    return log_dir / "snapshots"


def file_name(at_ms: int, ending: str = ".txt") -> str:
    """Name the file of a snapshot that was taken at a time (ms, UTC)."""
    return f"snapshot_{time.strftime('%Y%m%d_%H%M%S', time.gmtime(at_ms // 1000))}Z{ending}"


def free_names(log_dir: Path, at_ms: int, ending: str = ".txt") -> Iterator[tuple[int, Path]]:
    """Name the file for a snapshot, with its time (ms, UTC); of two in one second the later is named a second on."""
    for number in range(_TRIES):
        later_ms = at_ms + 1000 * number
        path = directory(log_dir) / file_name(later_ms, ending)
        if not os.path.lexists(path):
            yield later_ms, path


def listed(log_dir: Path) -> tuple[tuple[int, Path], ...]:
    """Name the snapshots, oldest first, each with its time (ms, UTC) by its name; none where they cannot be listed."""
    found: list[tuple[int, Path]] = []
    with suppress(OSError):
        names = os.listdir(directory(log_dir))  # noqa: PTH208 - names only
        found = [(at_ms, directory(log_dir) / name) for name in names if (at_ms := _at_ms(name)) is not None]
    return tuple(sorted(found))


def written(snapshot: Snapshot) -> bytes:
    """Write a snapshot as its file's bytes, every line without control characters."""
    text = "".join(f"{line}\n" for line in _body(snapshot.at_ms, snapshot.sections))
    return f"{text}{_SUM}{_sum(text)}\n".encode()


def parsed(raw: bytes) -> Snapshot:
    """Read a snapshot back; ValueError says what is wrong with it."""
    text = raw.decode("utf-8")
    above, found, own = text.rpartition(_SUM)
    if not found or not text.endswith("\n"):
        raise ValueError("it has no sum at its end: it was cut, or is no snapshot")
    if own.strip() != _sum(above):
        raise ValueError("its sum is another: something in it was changed")
    title, schema, *lines = above.splitlines()
    if not title.startswith(_TITLE) or schema != f"format: {SCHEMA}":
        raise ValueError(f"it is no {SCHEMA}")
    at = datetime.fromisoformat(title.removeprefix(_TITLE).removesuffix(" UTC"))
    return Snapshot(int(at.replace(tzinfo=UTC).timestamp()) * 1000, tuple(_sections(lines)))


def read(path: Path) -> Snapshot:
    """Read a snapshot's file; OSError or ValueError says why it cannot be."""
    return parsed(read_whole(path, LARGEST))


def _at_ms(name: str) -> int | None:
    found = _NAME.fullmatch(name)
    with suppress(ValueError):
        if found is not None:
            return int(datetime.strptime(found[1], "%Y%m%d_%H%M%S").replace(tzinfo=UTC).timestamp()) * 1000
    return None


def _body(at_ms: int, sections: Sequence[Section]) -> Iterator[str]:
    yield f"{_TITLE}{stamp(at_ms)} UTC"
    yield f"format: {SCHEMA}"
    for section in sections:
        yield ""
        yield f"== {visible(section.name)} =="
        yield from (f"{_INDENT}{visible(line)}" for line in section.lines)
    yield ""


def _sections(lines: Sequence[str]) -> Iterator[Section]:
    name, content = "", list[str]()
    for line in lines:
        if line.startswith("== "):
            if name:
                yield Section(name, tuple(content))
            name, content = line.removeprefix("== ").removesuffix(" =="), []
        elif line.startswith(_INDENT):
            content.append(line.removeprefix(_INDENT))
    if name:
        yield Section(name, tuple(content))


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
