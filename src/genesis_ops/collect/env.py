"""One look at a ``.env`` file as it lies there, and at what running processes really have; nothing is changed."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from genesis_ops.checks.env import EnvFile
from genesis_ops.checks.env_unit import Running
from genesis_ops.clients.process import listeners, traders
from genesis_ops.durable import read_whole
from genesis_ops.envfile.secret import Secret
from genesis_ops.settings import Settings

LARGEST = 1 << 17
"""The most bytes that an environment file has; systemd's own limit for a process is not far from it."""


def env_file(path: Path, shown: str) -> EnvFile:
    """Look at a file."""
    from genesis_ops.envfile.findings import lint
    from genesis_ops.envfile.parse import EXCHANGE_KEYS, parse, required
    from genesis_ops.envfile.sidebyside import rows

    mode = _mode(path)
    try:
        raw = read_whole(path, LARGEST)
    except FileNotFoundError:
        return EnvFile(path, shown, present=os.path.lexists(path), fault="points to nothing")
    except OSError as error:
        forbidden = isinstance(error, PermissionError)
        return EnvFile(path, shown, fault=error.strerror or "cannot be read", hidden=forbidden, mode=mode)
    return EnvFile(
        path,
        shown,
        mode=mode,
        refused=parse(raw).refused,
        findings=lint(raw),
        missing=required(raw, EXCHANGE_KEYS),
        rows=rows(raw),
    )


def _mode(path: Path) -> int | None:
    """Give the permission bits, None where there are none or nobody may see them."""
    try:
        found = path.stat()
    except OSError:
        return None
    return stat.S_IMODE(found.st_mode) if os.name != "nt" and stat.S_ISREG(found.st_mode) else None


def running(settings: Settings, role: str = "") -> tuple[Running, ...]:
    """Find the phase's processes: those of a role, or the runner and the API."""
    found: list[Running] = []
    if role in {"", "runner"}:
        near = (trader for trader in traders(settings.log_dir, {}, settings.root) if trader.here or trader.named)
        found += (process(trader.process.pid, "runner") for trader in near)
    if role in {"", "api"}:
        found += (process(pid, "API") for pid in _api(settings))
    return tuple(found)


def _api(settings: Settings) -> Iterable[int]:
    from genesis_ops.collect.host import api_port

    port = api_port(settings.api_url)
    return () if port is None else (each.pid for each in listeners(port).processes)


def process(pid: int, role: str) -> Running:
    """Look at a process's environment.

    Raises:
        ProcessLookupError: there is none with that number.
    """
    import psutil

    try:
        found = psutil.Process(pid).environ()
    except psutil.NoSuchProcess:
        raise ProcessLookupError(pid) from None
    except (psutil.Error, OSError):
        return Running(pid, role, None)
    return Running(pid, role, {name: Secret(value) for name, value in found.items()})
