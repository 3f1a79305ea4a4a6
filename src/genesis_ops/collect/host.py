"""One look at a trading host, which changes nothing: servers, log, state, files, processes, the disk."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from genesis_ops.checks.host import (
    BindError,
    ChampionFound,
    DirectoryFound,
    DiskFound,
    EnvFound,
    EnvLine,
    Host,
    LogFound,
    StateFound,
)
from genesis_ops.clients import health
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.process import Listeners, Trader
from genesis_ops.collect.around import HERE, Around
from genesis_ops.collect.asking import Asked
from genesis_ops.collect.journal import orders_found
from genesis_ops.collect.server_log import bind_error
from genesis_ops.durable import read_whole
from genesis_ops.errors import StateUnreadable
from genesis_ops.runlog.files import LONGEST, LogFile, log_files, open_log, opened, read_at
from genesis_ops.runlog.reader import LogLine, LogReader
from genesis_ops.runlog.runs import latest_run
from genesis_ops.runlog.tail import end_ms
from genesis_ops.runlog.zone import newest_offset_ms
from genesis_ops.settings import Settings
from genesis_ops.state.champion import fingerprint, read_pin
from genesis_ops.state.latch import read_latch
from genesis_ops.state.lock import holders, runner_locks
from genesis_ops.state.store import StateStore
from genesis_ops.words import visible

_LARGEST_ENV = 1 << 17


def look(settings: Settings, clock: Clock, former: Host | None = None, around: Around = HERE) -> Host:
    """Look at everything once; a dead network takes six seconds, as both servers are asked at the same time.

    A look that follows a ``former`` one does not ask the exchange for its time again: it counts requests.
    """
    api = Asked(lambda: health.ask_health(settings.api_url, clock, around.transport))
    known = None if former is None or former.exchange.low_ms is None else former.exchange
    exchange = None if known else Asked(lambda: health.ask_time(settings.exchange_url, clock, around.transport))
    port = api_port(settings.api_url)
    log = _log(settings, clock)
    host = Host(
        now_ms=clock.now_ms(),
        settings=settings,
        health=health.Health(health.Answer.TIMEOUT, ""),
        listeners=None,
        bind_error=None if port is None else bind_error(settings.log_dir, port),
        log=log,
        state=_state(settings),
        champion=_champion(settings),
        directory=_directory(settings.log_dir),
        env=_env(settings.root / ".env"),
        traders=_traders(settings, around),
        exchange=known or health.ExchangeTime(health.Standing.UNREACHABLE, ""),
        disk=_disk(settings.log_dir, around),
        latch=read_latch(settings.log_dir),
        orders=orders_found(settings.log_dir, settings, lambda path: settings.shown(Path(path)), clock.now_ms()),
    )
    answered = api.answer(lambda why: health.Health(health.Answer.TIMEOUT, why))
    host = host._replace(health=answered, listeners=_listeners(port, answered, host.bind_error, around))
    if exchange is None:
        return host
    return host._replace(exchange=exchange.answer(lambda why: health.ExchangeTime(health.Standing.UNREACHABLE, why)))


def api_port(api_url: str) -> int | None:
    """Name the API's port, or None where it is on another host, whose processes nobody here can see."""
    parts = urlsplit(api_url)
    name = parts.hostname or ""
    with suppress(ValueError):
        if name == "localhost" or ip_address(name).is_loopback:
            return parts.port or (443 if parts.scheme == "https" else 80)
    return None


def _listeners(port: int | None, found: health.Health, error: BindError | None, around: Around) -> Listeners | None:
    if port is None or (found.answer is health.Answer.OK and error is None):
        return None
    return around.listeners(port)


def _traders(settings: Settings, around: Around) -> tuple[Trader, ...]:
    locks = runner_locks(
        settings.state_file, settings.log_dir, settings.lock_dir, symbol=settings.symbol, timeframe=settings.timeframe
    )
    # Not the market's lock: a runner of another root may hold that one, and it writes into another log.
    plates = {holder.pid: _since_ms(holder.since) for holder in holders(locks[1:])}
    return around.traders(settings.log_dir, plates, settings.root)


def _since_ms(text: str) -> int:
    """Read a name plate's time (ms, UTC); 0, before which there was no process, if it is none."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return 0


def _log(settings: Settings, clock: Clock) -> LogFound:
    try:
        files = log_files(settings.log_dir)
    except NotADirectoryError:
        return LogFound()
    except OSError as error:
        return LogFound(trouble=f"{visible(settings.shown(settings.log_dir))} cannot be listed ({error.strerror})")
    trouble, newest = _newest(files)
    if newest is None:
        return LogFound(trouble=trouble)
    ahead_ms = newest_offset_ms(files)
    newest_ms = newest.at_ms - ahead_ms
    run = latest_run(files, max(clock.now_ms(), newest_ms) + 1000)
    former = None if run is None else latest_run(files, run.started.at_ms - ahead_ms - 1)
    return LogFound(newest, newest_ms, _written_ms(newest.file.path), run, former, trouble)


def _newest(files: Sequence[LogFile]) -> tuple[str, LogLine | None]:
    """Find the newest line, and say why a file that could hold a newer one cannot be read."""
    candidates = [file for file in files if not file.packed] or files
    for file in sorted(candidates, key=end_ms, reverse=True):
        try:
            os.close(open_log(file)[1])
            line = _last_line(file)
        except OSError as error:
            return visible(f"{file.path.name} cannot be read ({error.strerror})"), None
        if line is not None:
            return "", line
    return "", None


def _last_line(file: LogFile) -> LogLine | None:
    """Read the last line with a time; of a plain file only the end is looked at."""
    offset = 0
    if not file.packed:
        with opened(file) as fd:
            start = max(0, os.fstat(fd).st_size - LONGEST)
            offset = start + read_at(fd, LONGEST, start).find(b"\n") + 1 if start else 0
    line = None
    for line in LogReader((file,), offset=offset):  # noqa: B007 - the last one is what is wanted
        pass
    return line


def _written_ms(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_mtime_ns // 1_000_000
    return None


def _state(settings: Settings) -> StateFound:
    try:
        state = StateStore(settings.state_file).read()
    except StateUnreadable as error:
        return StateFound(present=True, fault=error.message)
    return StateFound(present=state is not None, heartbeat=None if state is None else state.last_heartbeat)


def _champion(settings: Settings) -> ChampionFound:
    pin = read_pin(settings.log_dir)
    try:
        return ChampionFound(fingerprint(settings.champion_file), "", pin)
    except FileNotFoundError:
        return ChampionFound(None, "is not there", pin)
    except OSError as error:
        return ChampionFound(None, f"cannot be read ({error.strerror})", pin)


def _directory(log_dir: Path) -> DirectoryFound:
    """Ask whether files could be made in the directory, and make none."""
    if not log_dir.is_dir():
        present = os.path.lexists(log_dir)
        return DirectoryFound(present, "is not a directory" if present else "")
    if not os.access(log_dir, os.R_OK | os.W_OK | os.X_OK):
        return DirectoryFound(present=True, fault="cannot be written by this user")
    return DirectoryFound(present=True)


def _env(path: Path) -> EnvFound:
    from genesis_ops.envfile.findings import lint
    from genesis_ops.envfile.parse import EXCHANGE_KEYS, required

    if not os.path.lexists(path):
        return EnvFound(present=False)
    try:
        raw = read_whole(path, _LARGEST_ENV)
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return EnvFound(present=True, fault=f"cannot be read ({error.strerror})", hidden=_forbidden(error))
    lines = tuple(EnvLine(finding.line, finding.sentence, finding.severe) for finding in lint(raw))
    return EnvFound(
        present=True,
        mode=None if os.name == "nt" else mode,
        lines=lines,
        missing=tuple(required(raw, EXCHANGE_KEYS)),
    )


def _forbidden(error: OSError) -> bool:
    return isinstance(error, PermissionError)


def _disk(log_dir: Path, around: Around) -> DiskFound | None:
    import shutil

    place = next((path for path in (log_dir, *log_dir.parents) if path.is_dir()), log_dir)
    try:
        free = shutil.disk_usage(place).free if around.free_bytes is None else around.free_bytes(place)
    except OSError:
        return None
    return DiskFound(free, _inodes(place) if around.free_bytes is None else None)


def _inodes(place: Path) -> int | None:
    if not hasattr(os, "statvfs"):
        return None
    found = os.statvfs(place)
    return found.f_favail if found.f_files else None  # some file systems make them as needed, and say 0
