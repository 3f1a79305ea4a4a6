"""Papers brought from another host: every name checked, every file whole, and nothing of ours written over."""

import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genesis_ops.durable import put_in_place, read_whole, sync_directory
from genesis_ops.errors import Refused, Unreachable, typed, write_failed
from genesis_ops.host.papers import LARGEST, Paper, digest, papers, place_of
from genesis_ops.remote.memory import is_root
from genesis_ops.remote.server import Server, ask, said
from genesis_ops.settings import Settings
from genesis_ops.words import visible

_SECONDS = 300.0
_MOST_ROUNDS = 1000
_MOST_MEMORY = 1 << 24

Memory = dict[str, dict[str, str]]
"""The SHA-256 of what was fetched, by host and name."""


class Fetched(NamedTuple):
    """What was written here, what was left and why, and how many were there already."""

    written: tuple[Path, ...]
    kept: tuple[tuple[Path, str], ...]
    same: int


def fetch(there: Server, settings: Settings, *, replace: bool) -> Fetched:
    """Bring what is new or changed there; a file that did not come from that host as it is stays, unless replaced.

    Raises:
        Refused: the root is none, and would look like one afterwards.
        Unreachable: what came is no archive of papers.
        WriteFailed: a file could not be written.
        RemoteUnavailable: the host cannot be reached.
    """
    if not is_root(settings.root):
        told = f"{settings.root} is no checkout, and no root that papers could be brought to"
        raise Refused(told, next_command=f"mkdir -p {typed(settings.root / 'logs')}")
    own = {paper.name: digest(paper.raw) for paper in papers(settings)}
    memory = _remembered(settings)
    former = memory.setdefault(there.target, {})
    # What is not known to be that host's is sent once more: that it is the same here is then known, too.
    known = {name: value for name, value in own.items() if former.get(name) == value}
    written, kept = list[Path](), list[tuple[Path, str]]()
    for _ in range(_MOST_ROUNDS):
        came = [(paper, _place(paper, there, settings)) for paper in _brought(there, known)]
        try:
            for paper, path in came:
                known[paper.name] = theirs = digest(paper.raw)  # is not asked for once more
                if own.get(paper.name) != theirs:
                    why = "" if replace else _why_not(paper.name, path, own.get(paper.name), memory, there.target)
                    if why:
                        kept.append((path, why))
                        continue
                    _write(path, paper.raw)
                    written.append(path)
                former[paper.name] = theirs
        finally:  # an interrupted one knows afterwards what it wrote
            if came:
                _write(_memory_file(settings), json.dumps(memory, indent=1, sort_keys=True).encode("ascii"))
        if not came:
            break
    changed = {*written, *(path for path, _ in kept)}
    return Fetched(tuple(written), tuple(kept), sum(place_of(name, settings) not in changed for name in own))


def _why_not(name: str, path: Path, own: str | None, memory: Memory, target: str) -> str:
    """Say why a file here is not written over; empty where it may be."""
    if own is None:
        return "is here, and cannot be read" if os.path.lexists(path) else ""
    if memory[target].get(name) == own:
        return ""
    other = next((host for host, names in memory.items() if names.get(name) == own), None)
    return "was changed here" if other is None else f"came from {other}"


def _brought(there: Server, known: Mapping[str, str]) -> Iterator[Paper]:
    """Ask for the papers that differ from what is known."""
    answer = ask(there, "host", "papers", data=json.dumps(known).encode("ascii"), seconds=_SECONDS)
    if answer.code:
        raise said(there, answer)
    try:
        with tarfile.open(fileobj=io.BytesIO(answer.out), mode="r:") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() and member.size <= LARGEST else None
                if file is None:
                    raise Unreachable(f"{there.target} sent what is no paper: {visible(member.name)}")
                yield Paper(member.name, file.read())
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Unreachable(f"{there.target} sent no archive: {visible(str(error))}") from None


def _place(paper: Paper, there: Server, settings: Settings) -> Path:
    path = place_of(paper.name, settings)
    if path is None:
        raise Unreachable(f"{there.target} sent what is no paper: {visible(paper.name)}")
    return path


def _write(path: Path, raw: bytes) -> None:
    """Have a file here, whole.

    Raises:
        WriteFailed: it is not.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        put_in_place(path, raw)
        sync_directory(path.parent)
    except OSError as error:
        raise write_failed(path, error) from error


def _memory_file(settings: Settings) -> Path:
    return settings.root / "logs" / "remote" / "fetched.json"


def _remembered(settings: Settings) -> Memory:
    """Read what was fetched before; without it everything that is here counts as ours."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(read_whole(_memory_file(settings), _MOST_MEMORY))
        if isinstance(found, dict):
            return {
                str(host): {str(name): str(value) for name, value in names.items()}
                for host, names in found.items()
                if isinstance(names, dict)
            }
    return {}
