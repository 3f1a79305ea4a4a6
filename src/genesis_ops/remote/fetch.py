"""Papers brought from another host: every name checked, every file whole, and nothing of ours written over."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genesis_ops.durable import put_in_place, read_whole, sync_directory
from genesis_ops.errors import Unreachable, write_failed
from genesis_ops.host.papers import LARGEST, Paper, digest, papers, place_of
from genesis_ops.remote.server import Server, ask, said
from genesis_ops.settings import Settings
from genesis_ops.words import visible

_SECONDS = 300.0
_MOST_ROUNDS = 1000
_MOST_MEMORY = 1 << 24


class Fetched(NamedTuple):
    """What was written here, what was left because somebody changed it here, and how many were there already."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    same: int


def fetch(there: Server, settings: Settings, *, replace: bool) -> Fetched:
    """Bring what is new or changed there; a file that was changed here since it was fetched stays, unless replaced.

    Raises:
        Unreachable: what came is no archive of papers.
        WriteFailed: a file could not be written.
        RemoteUnavailable: the host cannot be reached.
    """
    memory = settings.root / "logs" / "remote" / "fetched.json"
    former = _remembered(memory)
    known = {paper.name: digest(paper.raw) for paper in papers(settings)}
    same = len(known)
    written, kept = list[Path](), list[Path]()
    for _ in range(_MOST_ROUNDS):
        came = tuple(_brought(there, known))
        for paper in came:
            path = _place(paper, there, settings)
            own = known.get(paper.name)
            same -= own is not None
            if own is None or replace or former.get(paper.name) == own:
                _write(path, paper.raw)
                former[paper.name] = digest(paper.raw)
                written.append(path)
            else:
                kept.append(path)
            known[paper.name] = digest(paper.raw)  # is not asked for once more
        if not came:
            break
    if written:
        _write(memory, json.dumps(former, indent=1, sort_keys=True).encode("ascii"))
    return Fetched(tuple(written), tuple(kept), same)


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


def _remembered(memory: Path) -> dict[str, str]:
    """Read what was fetched before; without it everything that is here counts as ours."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(read_whole(memory, _MOST_MEMORY))
        if isinstance(found, dict):
            return {str(name): str(value) for name, value in found.items()}
    return {}
