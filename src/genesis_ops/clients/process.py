"""Processes of this host as psutil sees them: who listens on a port, who runs a runner, who writes its log.

What another user's process does can be hidden from this one; then that is said, and nothing is made up.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from genesis_ops.words import MINUTE_MS, stamp, visible

if TYPE_CHECKING:
    import psutil

_SHOWN = 100
_OLDER_RUNNER = "paper_trading_runner"
_PROGRAM = "genesis-ops"
_SERVER = "uvicorn"
_PYTHON = re.compile(r"(?:python|pypy)[\w.]*", re.IGNORECASE)
_PYTHON_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")
_PROGRAM_WITH_VALUE = ("--root", "--config")
_OWN_FILES = re.compile(r"runner_\d{8}\.log|runner\.lock")
_SECRET = re.compile(r"key|secret|token|passw|credential|auth", re.IGNORECASE)
_NAME_PLATE_SLACK_MS = 2 * MINUTE_MS  # a process is older than the name plate it wrote, unless a clock was set


class Process(NamedTuple):
    """A process as a person would name it; ``since_ms`` (UTC) and ``user`` only where they can be seen."""

    pid: int
    command: str
    user: str
    since_ms: int | None

    def told(self) -> str:
        """Say who this is: ``pid 18725 (uvicorn core.server:app, user genesis, since 2026-02-03 17:01:44)``."""
        since = "" if self.since_ms is None else f"since {stamp(self.since_ms)}"
        known = [part for part in (self.command, self.user and f"user {self.user}", since) if part]
        return f"pid {self.pid} ({', '.join(known)})" if known else f"pid {self.pid}"


class Listeners(NamedTuple):
    """Who listens on a port, and at which addresses; ``hidden`` where somebody does whom this user may not see."""

    processes: tuple[Process, ...]
    hidden: bool
    addresses: tuple[str, ...] = ()


class Trader(NamedTuple):
    """A process that has to do with a runner's log directory.

    ``runs``: its command line starts a runner. ``holds``: a lock's name plate names it. ``writes``: it has the log or
    the lock of this directory open for writing; None where its files cannot be seen. ``named``: it was started in this
    root, or for it, by its working directory, ``--root`` or ``--log-dir``.
    """

    process: Process
    runs: bool
    holds: bool
    writes: bool | None
    named: bool = False

    @property
    def here(self) -> bool | None:
        """Whether it trades into this log directory; None if that cannot be seen."""
        return True if self.holds or self.writes else self.writes


def listeners(port: int) -> Listeners:
    """Name who listens on a TCP port of this host."""
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):  # macOS shows them to root alone
        return Listeners((), hidden=True)
    at = [
        (connection.pid, connection.laddr.ip)
        for connection in connections
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
    ]
    pids = {pid for pid, _ in at}
    found = [process for pid in sorted(pid for pid in pids if pid) if (process := _look_up(pid)) is not None]
    addresses = tuple(sorted({visible(address) for _, address in at}))
    return Listeners(tuple(found), hidden=bool(pids) and not found, addresses=addresses)


def uvicorns() -> tuple[Process, ...]:
    """Name every uvicorn of this host; the workers of one belong to it and are not named."""
    import psutil

    found: dict[int, tuple[int, Process]] = {}
    for process in psutil.process_iter(["cmdline"]):  # the rest costs twice as much, and is wanted of one of hundreds
        if is_uvicorn(process.info["cmdline"] or []):
            with suppress(psutil.NoSuchProcess):
                about = process.as_dict(["pid", "ppid", "cmdline", "create_time", "username"])
                found[about["pid"]] = about["ppid"] or 0, _described(about)
    return tuple(process for parent, process in found.values() if parent not in found)


def interpreter(pid: int) -> str:
    """Name the program that a process was started as; empty where that cannot be seen."""
    import psutil

    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        first = "".join(process.cmdline()[:1])
        return first if Path(first).is_absolute() else process.exe()
    return ""


def traders(log_dir: Path, plates: Mapping[int, int], root: Path | None = None) -> tuple[Trader, ...]:
    """Name every runner of this host and whoever else writes into this log directory.

    ``plates`` says since when (ms, UTC) which pid holds a lock, by its own name plate; a later process with that pid
    is another one. A runner that has not opened its log yet is known by its ``root``, where that is given.
    """
    directory = Path(os.path.realpath(log_dir))
    found = [*_seen(directory, plates, None if root is None else Path(os.path.realpath(root)))]
    launchers = {parent for parent, trader in found if trader.runs}  # on Windows a launcher has its child's command
    return tuple(trader for _, trader in found if trader.process.pid not in launchers or trader.here)


def in_directory(name: str, directory: Path) -> tuple[Process, ...]:
    """Name the processes of a program that work in a directory, or below it."""
    import psutil

    place, found = Path(os.path.realpath(directory)), []
    for process in psutil.process_iter(["pid", "name", "cwd", "cmdline", "create_time", "username"]):
        cwd = process.info["cwd"]
        if process.info["name"] == name and cwd and Path(cwd).is_relative_to(place):
            found.append(_described(process.info))
    return tuple(found)


def author(pid: int, plate_ms: int) -> Process | None:
    """Name the process that put up a name plate (ms, UTC); None where that has ended, whoever has its number now."""
    process = _look_up(pid)
    return process if process is not None and _wrote(plate_ms, process) else None


def starts_a_runner(command: Sequence[str]) -> bool:
    """Tell whether a command line is a runner's, and not that of an editor, a grep or a shell around one."""
    name, rest = _program(command)
    return name == _OLDER_RUNNER or (name == _PROGRAM and _first_word(rest) == "run")


def is_uvicorn(command: Sequence[str]) -> bool:
    """Tell whether a command line is uvicorn's, however it is started, and not that of something around it."""
    return _program(command)[0] == _SERVER


def told(command: Sequence[str]) -> str:
    """Write a command line for people: one line without what an option called secret or key holds.

    A long one loses its middle: it begins with the program and ends with what the program was told.
    """
    shown: list[str] = []
    hide = False
    for word in command:
        name, equals, _ = word.partition("=")
        secret = bool(_SECRET.search(name))
        shown.append("…" if hide else f"{name}=…" if equals and secret else re.sub(r"//[^/@\s]*@", "//…@", word))
        hide = not hide and secret and not equals and word.startswith("-")
    text = visible(" ".join(shown))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2 - 1]}…{text[-_SHOWN // 2 :]}"


def _seen(directory: Path, plates: Mapping[int, int], root: Path | None) -> Iterator[tuple[int, Trader]]:
    import psutil

    for process in psutil.process_iter(["pid", "ppid", "cmdline", "create_time", "username"]):
        about = process.info
        command = about["cmdline"] or []
        runs, writes = starts_a_runner(command), _writes(process, directory)
        described = _described(about)
        holds = (runs or not command) and _wrote(plates.get(described.pid), described)
        if runs or holds or writes:
            named = root is not None and runs and writes is False and _names(process, command, directory, root)
            yield about["ppid"] or 0, Trader(described, runs, holds, writes, named)


def _names(process: "psutil.Process", command: Sequence[str], directory: Path, root: Path) -> bool:
    """Tell whether a runner was started for this root or this log directory."""
    import psutil

    try:
        base = Path(process.cwd())
    except (psutil.Error, OSError):
        base = Path()
    base /= _given(command, "--root")
    logs = _given(command, "--log-dir")
    # Without its working directory a relative path would be taken for one of this process.
    return base.is_absolute() and Path(os.path.realpath(base / logs)) == (directory if logs else root)


def _given(command: Sequence[str], option: str) -> str:
    """Find an option's value on a command line, of several the last; empty if there is none."""
    words = [*command, ""]
    values = [after for word, after in pairwise(words) if word == option]
    values += [word.removeprefix(f"{option}=") for word in words if word.startswith(f"{option}=")]
    return values[-1] if values else ""


def _wrote(plate_ms: int | None, process: Process) -> bool:
    if plate_ms is None:
        return False
    return process.since_ms is None or process.since_ms <= plate_ms + _NAME_PLATE_SLACK_MS


def _writes(process: "psutil.Process", directory: Path) -> bool | None:
    """Tell whether a process has a runner's file of the directory open for writing; a ``tail -f`` only reads."""
    import psutil

    try:
        files = process.open_files()
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return None
    return any(
        PurePath(file.path).parent == directory
        and _OWN_FILES.fullmatch(PurePath(file.path).name)
        and getattr(file, "mode", "a") != "r"
        for file in files
    )


def _look_up(pid: int) -> Process | None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        return _described(psutil.Process(pid).as_dict(["pid", "cmdline", "create_time", "username"]))
    return None


def _described(about: Mapping[str, Any]) -> Process:
    created = about["create_time"]
    return Process(
        about["pid"],
        told(about["cmdline"] or []),
        visible(about["username"] or ""),
        None if created is None else int(created * 1000),
    )


def _program(command: Sequence[str]) -> tuple[str, list[str]]:
    """Find out what runs, seen through an interpreter, and what it is given."""
    program, *rest = [*command] or [""]
    name = _plain(program)
    return _python_program(rest) if _PYTHON.fullmatch(name) else (name, rest)


def _python_program(arguments: list[str]) -> tuple[str, list[str]]:
    """Find out what an interpreter runs: a module or a script, and what that is given."""
    rest = iter(arguments)
    for word in rest:
        if word == "-m":
            return _plain(next(rest, "").rpartition(".")[2]), [*rest]
        if word == "-c":
            break
        if word in _PYTHON_WITH_VALUE:
            next(rest, "")
        elif not word.startswith("-"):
            return _plain(word), [*rest]
    return "", []


def _plain(program: str) -> str:
    """Name a program without its directory and ending, whatever system's path it is."""
    name = re.split(r"[/\\]", program)[-1].lower()
    name = re.sub(r"\.(?:exe|py|pyw|pyz)$", "", name)
    return _PROGRAM if name in {_PROGRAM, "genesis_ops"} else name


def _first_word(arguments: Sequence[str]) -> str:
    """Find the sub-command behind the options that stand before it."""
    rest = iter(arguments)
    for word in rest:
        if word in _PROGRAM_WITH_VALUE:
            next(rest, "")
        elif not word.startswith("-"):
            return word
    return ""
