"""Whom enforcing may stop: only a process that is this log directory's runner beyond doubt."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from genesis_ops.settings import Settings

_RUNNER_LOG = re.compile(r"runner_[0-9]{8}\.log")


class OpenFile(NamedTuple):
    """A file that a process has open, and whether it can write into it."""

    path: str
    written: bool


class Facts(NamedTuple):
    """What is known of a process; ``files`` None says that its open files may not be seen.

    ``runs``: its command line is a runner's. ``holds``: a lock's name plate names it.
    """

    pid: int
    runs: bool
    holds: bool
    arguments: tuple[str, ...]
    directory: str
    files: tuple[OpenFile, ...] | None


def why_not(facts: Facts, settings: Settings, relatives: frozenset[int]) -> str:
    """Say why a process is left alone, or give an empty text; ``relatives`` are this process and its parents."""
    if facts.pid <= 1:
        return "it is no process of its own"
    if facts.pid in relatives:
        return "it is this command or one that started it"
    if facts.files is None:
        ours = facts.holds or (facts.runs and _names(facts, settings))
    else:
        ours = any(_is_lock(file, settings) or (facts.runs and _is_log(file, settings)) for file in facts.files)
    return "" if ours else f"nothing shows that it runs on {settings.log_dir}"


def _is_lock(file: OpenFile, settings: Settings) -> bool:
    """Tell whether it is the log directory's or the state's lock, which a copying program only reads."""
    locks = (os.path.realpath(settings.log_dir / "runner.lock"), f"{os.path.realpath(settings.state_file)}.lock")
    return file.written and os.path.realpath(file.path) in locks


def _is_log(file: OpenFile, settings: Settings) -> bool:
    folder, name = os.path.split(os.path.realpath(file.path))
    ours = folder == os.path.realpath(settings.log_dir)
    return file.written and ours and _RUNNER_LOG.fullmatch(name) is not None


def _names(facts: Facts, settings: Settings) -> bool:
    """Tell whether the command line itself names what is to be stopped, as an option's value or as the old script."""
    script = settings.root / "scripts" / "paper_trading_runner.py"
    wanted = {os.path.realpath(path) for path in (settings.root, settings.log_dir, settings.state_file, script)}
    values = (argument.rpartition("=")[2] for argument in facts.arguments)
    return any(os.path.realpath(Path(facts.directory) / value) in wanted for value in values if value)
