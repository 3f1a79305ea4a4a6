"""What a snapshot is made of, looked at once: servers, runner, state, units, end of the log (runbook, Day 0 step 3).

It is gathered by allow-list: whatever is not named here, such as ``.env``, is not in a snapshot.
"""

import os
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from genesis_ops.checks.host import Host
from genesis_ops.checks.model import Report
from genesis_ops.checks.preflight import preflight
from genesis_ops.clients import units
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.process import Listeners
from genesis_ops.collect.around import HERE, Around
from genesis_ops.collect.asking import Asked
from genesis_ops.collect.host import api_port, look
from genesis_ops.durable import READ, read_whole
from genesis_ops.errors import PaperFailure
from genesis_ops.runlog.files import log_files, read_at
from genesis_ops.settings import Settings
from genesis_ops.words import visible

LOG_LINES = 80
"""How many of the log's last lines are kept (runbook, Day 0 step 3)."""

_LARGEST_STATE = 1 << 20
_END_BYTES = 1 << 22


class FileFound(NamedTuple):
    """A file as it was at one moment: its bytes or the end of them, or why it cannot be read."""

    path: Path
    raw: bytes = b""
    size: int = 0
    written_ms: int = 0
    trouble: str = ""
    remark: str = ""


class Wallets(NamedTuple):
    """The balances of the exchange wallets by currency, or why they are not known."""

    balances: dict[str, float]
    trouble: str = ""


class Seen(NamedTuple):
    """Everything that a snapshot shows."""

    host: Host
    report: Report
    """The preflight."""
    listeners: Listeners | None
    """Who holds the API's port; None where the API is on another host."""
    wallets: Wallets
    state: FileFound
    log: FileFound | None
    units: units.UnitsFound

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of the phase."""
        api = self.listeners.processes if self.listeners else ()
        return tuple(process.pid for process in (*(trader.process for trader in self.host.traders), *api))


def see(settings: Settings, clock: Clock, around: Around = HERE) -> Seen:
    """Look at everything once and change nothing; a dead network takes six seconds."""
    wallets = Asked(lambda: _wallets(settings, clock, around))
    port = api_port(settings.api_url)
    host = look(settings, clock, around=around)
    newest = _written_last(settings.log_dir)
    return Seen(
        host=host,
        report=preflight(host),
        listeners=None if port is None else host.listeners or around.listeners(port),
        wallets=wallets.answer(lambda why: Wallets({}, why)),
        state=_state(settings.state_file),
        log=None if newest is None else _end(newest),
        units=around.units(),
    )


def _wallets(settings: Settings, clock: Clock, around: Around) -> Wallets:
    from genesis_ops.clients.health import SECONDS
    from genesis_ops.clients.http import Http
    from genesis_ops.clients.paper import PaperApi

    with closing(Http(settings.api_url, clock, SECONDS, around.transport)) as http:
        try:
            return Wallets(PaperApi(http, lambda: http).wallets())
        except PaperFailure as failure:
            return Wallets({}, failure.message)


def _state(path: Path) -> FileFound:
    try:
        raw, found = read_whole(path, _LARGEST_STATE), path.stat()
    except OSError as error:
        return FileFound(path, trouble=error.strerror or str(error))
    return FileFound(path, raw, found.st_size, found.st_mtime_ns // 1_000_000)


def _written_last(log_dir: Path) -> Path | None:
    """Name the runner log that was written to last, whatever stands in it; a packed one where there is no other."""
    try:
        files = [file for file in log_files(log_dir) if os.path.lexists(file.path)]
    except OSError:
        return None
    return max((file.path for file in files), key=lambda path: (path.suffix != ".gz", _written_ns(path)), default=None)


def _written_ns(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name


def _end(path: Path) -> FileFound:
    """Read the last lines of a file that somebody else writes to, and say so where they are too long to be kept."""
    if path.suffix == ".gz":
        return FileFound(path, trouble="it is packed, and nobody writes to it")
    try:
        descriptor = os.open(path, READ)
        try:
            found = os.fstat(descriptor)
            start = max(0, found.st_size - _END_BYTES)
            raw = read_at(descriptor, _END_BYTES, start)
        finally:
            os.close(descriptor)
    except OSError as error:
        return FileFound(path, trouble=visible(error.strerror or str(error)))
    lines = raw.splitlines(keepends=True)[1 if start else 0 :]
    short = f"only its last {_END_BYTES >> 20} MiB were read" if start and len(lines) < LOG_LINES else ""
    return FileFound(path, b"".join(lines[-LOG_LINES:]), found.st_size, found.st_mtime_ns // 1_000_000, remark=short)
