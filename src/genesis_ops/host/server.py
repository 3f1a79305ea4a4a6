"""The one look at this server that ``remote status`` shows: quick, with the rights of the service's user."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from genesis_ops import __version__
from genesis_ops.clients import units
from genesis_ops.clients.clock import Clock
from genesis_ops.clients.process import Process, listeners, uvicorns
from genesis_ops.errors import StateUnreadable
from genesis_ops.host.checkout import Git, NotTold
from genesis_ops.host.events import last_operation
from genesis_ops.host.look import LOOK_SCHEMA, Look, ServerLook, UnitLook
from genesis_ops.host.services import INSTANCES, is_instance
from genesis_ops.host.steps import Own
from genesis_ops.settings import Settings
from genesis_ops.state.store import StateStore
from genesis_ops.words import iso, visible

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_PORTS = {"http": 80, "https": 443}
_SINCE = "ExecMainStartTimestampMonotonic"
_WANTED = ("LoadState", "ActiveState", "SubState", "MainPID", "NRestarts", "Result", _SINCE)


def look(settings: Settings, own: Own, clock: Clock) -> Look:
    """Look once; what cannot be seen is said."""
    troubles: list[str] = []
    found = units.show(_WANTED, (*units.UNITS, INSTANCES))
    if found.trouble:
        troubles.append(visible(found.trouble))
    port = _port(settings.api_url)
    last_close, mode = _state(settings, troubles)
    head, branch = _checkout(settings, troubles)
    return Look(
        schema=LOOK_SCHEMA,
        version=__version__,
        at=iso(clock.now_ms()),
        host=visible(socket.gethostname()),
        root=str(settings.root),
        units=tuple(_unit(unit, clock.now_ms()) for unit in found.units if _counts(unit)),
        uvicorns=tuple(_process(process) for process in uvicorns()),
        port=port,
        listeners=() if port is None else tuple(_listening(port, troubles)),
        head=head,
        branch=branch,
        last_close=last_close,
        mode=mode,
        operation=last_operation(settings.log_dir, own),
        troubles=tuple(troubles),
    )


def _counts(unit: units.Unit) -> bool:
    """Tell whether a unit belongs to the picture: both services do, a further runner unless it was left to rest."""
    return unit.name in units.UNITS or (is_instance(unit.name) and unit.properties.get("ActiveState") != "inactive")


def _unit(unit: units.Unit, now_ms: int) -> UnitLook:
    said = {name: visible(value) for name, value in unit.properties.items()}
    pid = _number(said.get("MainPID", ""))
    began = _number(said.get(_SINCE, ""))
    return UnitLook(
        name=unit.name,
        load=said.get("LoadState", ""),
        active=said.get("ActiveState", ""),
        sub=said.get("SubState", ""),
        pid=pid,
        restarts=_number(said.get("NRestarts", "")),
        since=iso(now_ms - round(time.monotonic() * 1000) + began // 1000) if pid and began else "",
        result=said.get("Result", ""),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 20 else 0  # noqa: PLR2004 - what fits 64 bits


def _process(process: Process, address: str = "") -> ServerLook:
    return ServerLook(process.pid, visible(process.user), visible(process.command), visible(address))


def _port(api_url: str) -> int | None:
    parts = urlsplit(api_url)
    return (parts.port or _PORTS.get(parts.scheme)) if parts.hostname in _LOOPBACK else None


def _listening(port: int, troubles: list[str]) -> Iterator[ServerLook]:
    found = listeners(port)
    addresses = ", ".join(found.addresses)
    if found.hidden:
        troubles.append(f"somebody listens on port {port} at {addresses or 'an address'} whom this user may not see")
    yield from (_process(process, addresses) for process in found.processes)


def _state(settings: Settings, troubles: list[str]) -> tuple[str, str]:
    """Tell when the last candle closed that was processed, and in which mode the runner was."""
    try:
        state = StateStore(settings.state_file).read()
    except StateUnreadable as error:
        troubles.append(error.message)
        return "", ""
    if state is None or state.last_processed_candle_ts is None:
        return "", ""
    try:
        close_ms = settings.timeframe.close_of(state.last_processed_candle_ts)
        closed = datetime.fromtimestamp(close_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        closed = ""
    return closed, visible(str(state.other.get("mode", "")))[:20]


def _checkout(settings: Settings, troubles: list[str]) -> tuple[str, str]:
    git = Git.of(settings.root)
    try:
        head, branch = git.tell("rev-parse", "HEAD", "--abbrev-ref", "HEAD").split("\n")[:2]
    except (NotTold, ValueError) as error:
        troubles.append(visible(str(error)))
        return "", ""
    return visible(head), "" if branch == "HEAD" else visible(branch)
