"""The papers of a phase that another machine may want a copy of: snapshots, daily summaries, results of acceptances."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from genesis_ops.durable import read_whole
from genesis_ops.settings import Settings

LARGEST = 1 << 25
"""How large (bytes) a paper can be; what is larger is none of ours."""
_AT_ONCE = 1 << 25
_UTC = r"[0-9]{8}_[0-9]{6}Z"


class Shelf(NamedTuple):
    """A kind of paper: its name on the way, where it is kept, and what its files are called."""

    name: str
    directory: Path
    pattern: "re.Pattern[str]"


class Paper(NamedTuple):
    """A paper by its name on the way (``summaries/daily_summary_2026-02-05.md``), and its bytes."""

    name: str
    raw: bytes


def shelves(settings: Settings) -> tuple[Shelf, ...]:
    """Name where papers are kept (contract §1)."""
    summaries = settings.summary_file(settings.phase_start).parent
    return (
        Shelf("snapshots", settings.log_dir / "snapshots", re.compile(rf"snapshot_{_UTC}\.txt")),
        Shelf("summaries", summaries, re.compile(r"daily_summary_[0-9]{4}-[0-9]{2}-[0-9]{2}\.md")),
        Shelf("acceptances", settings.log_dir, re.compile(rf"acceptance_check_{_UTC}\.txt")),
    )


def place_of(name: str, settings: Settings) -> Path | None:
    """Tell where a paper belongs on this machine; None where a name is not a paper's, such as one with a path in it."""
    kind, _, file = name.partition("/")
    for shelf in shelves(settings):
        if shelf.name == kind and shelf.pattern.fullmatch(file):
            return shelf.directory / file
    return None


def papers(settings: Settings) -> Iterator[Paper]:
    """Read every paper of this machine, the oldest of each shelf first; what cannot be read is passed over."""
    for shelf in shelves(settings):
        for path in sorted(shelf.directory.glob("*")):
            if shelf.pattern.fullmatch(path.name) and not path.is_symlink():
                try:
                    yield Paper(f"{shelf.name}/{path.name}", read_whole(path, LARGEST))
                except OSError:
                    continue


def digest(raw: bytes) -> str:
    """Name a content."""
    return hashlib.sha256(raw).hexdigest()


def wanted(settings: Settings, known: Mapping[str, str]) -> Iterator[Paper]:
    """Give the papers whose content is not what the other side has, as many as go at once; it asks again."""
    total = 0
    for paper in papers(settings):
        if known.get(paper.name) == digest(paper.raw):
            continue
        total += len(paper.raw)
        yield paper
        if total >= _AT_ONCE:
            return
