"""Why an API server could not listen: the bind error in its newest log (blocker report, "Server Log Analysis")."""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from genesis_ops.checks.host import BindError
from genesis_ops.checks.model import Place

_NAME = re.compile(r"server_.*\.log")
_FAILED = re.compile(
    r"\[Errno (?:98|48|10048)\]|error while attempting to bind on address|address already in use", re.IGNORECASE
)
_ADDRESS = re.compile(r"""\(\s*['"][^'"]*['"],\s*(\d{1,5})""")
_LISTENS = "Uvicorn running on"
_LONGEST = 1 << 12
_SHOWN = 400
_FOLLOWING = 3
"""How many lines of one error are shown; a system's own words can stand on a line below."""


def bind_error(log_dir: Path, port: int) -> BindError | None:
    """Find the newest server log's last word on a port that was taken; None if it says nothing of the kind.

    A server that listened afterwards has settled it.
    """
    for path in _newest_first(log_dir)[:1]:
        with suppress(OSError):
            places = _last_failure(path, port)
            return BindError(places, path.stat().st_mtime_ns // 1_000_000) if places else None
    return None


def _newest_first(log_dir: Path) -> list[Path]:
    found = []
    with suppress(OSError):
        for path in log_dir.iterdir():
            with suppress(OSError):
                if _NAME.fullmatch(path.name) and path.is_file():
                    found.append((path.stat().st_mtime_ns, path.name, path))
    return [path for _, _, path in sorted(found, reverse=True)]


def _last_failure(path: Path, port: int) -> tuple[Place, ...]:
    failure: list[Place] = []
    for number, line in enumerate(_lines(path), 1):
        if _LISTENS in line:
            failure = []
        elif _FAILED.search(line):
            address = _ADDRESS.search(line)
            if address is None or int(address[1]) == port:
                failure = [_place(path, number, line)]
        elif failure and _goes_on(failure, number, line):
            failure.append(_place(path, number, line))
    return tuple(failure)


def _goes_on(failure: list[Place], number: int, line: str) -> bool:
    """Tell whether a line is the rest of the error above it: indented, and nothing in between."""
    return line[:1].isspace() and bool(line.strip()) and number == failure[-1].line + 1 and len(failure) < _FOLLOWING


def _place(path: Path, number: int, line: str) -> Place:
    return Place(str(path), number, line.strip()[:_SHOWN])


def _lines(path: Path) -> Iterator[str]:
    """Read lines of any length in bounded memory; PowerShell's redirection writes UTF-16."""
    with path.open("rb") as file:
        wide = file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    with path.open(encoding="utf-16" if wide else "utf-8", errors="backslashreplace", newline="\n") as file:
        while line := file.readline(_LONGEST):
            end = line
            while end and not end.endswith("\n"):
                end = file.readline(_LONGEST)
            yield line.rstrip("\r\n")
