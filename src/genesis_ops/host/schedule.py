"""Acceptances that systemd starts at their time: a timer for each, which outlives disconnects and reboots."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from genesis_ops import __version__
from genesis_ops.clients.units import UnitsFound, show
from genesis_ops.durable import publish, sync_directory
from genesis_ops.errors import GenesisError, Refused, Unreachable, write_failed
from genesis_ops.host.install import require_rights
from genesis_ops.host.judgeable import require_service, require_time
from genesis_ops.host.systemctl import require, systemctl
from genesis_ops.host.timer import SERVICE, TIMER, Asked, read, text
from genesis_ops.host.units import require_path
from genesis_ops.settings import Settings
from genesis_ops.state.schedule import (
    SCHEMA,
    Schedule,
    Scheduled,
    Waiting,
    instant_ms,
    instant_of,
    newest_first,
    result,
    result_file,
    state_of,
)
from genesis_ops.words import iso, visible

_WANTS = "timers.target.wants"
_PROPERTIES = ("ActiveState", "NextElapseUSecRealtime")
_ELAPSES = re.compile(r"(?:\w+ )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_BUSY = {"active", "activating", "reloading", "deactivating"}


def add(settings: Settings, at_ms: int, asked: Asked, now_ms: int, environ: Mapping[str, str]) -> str:
    """Have an acceptance made at a time (ms, UTC), and see that systemd waits for it; give the instant's name.

    Raises:
        Refused: the time is over or too far away, one is scheduled for it, what the timer would start is not there or
            would judge something else, or this user may not.
        Unreachable: systemd does not wait for it; what was written is taken away again.
        WriteFailed: a file could not be written.
    """
    instant, directory = instant_of(at_ms), settings.units_dir
    require_time(at_ms, now_ms)
    require_service(settings, environ)
    for what, path in (("the configuration", asked.config), ("the log directory", str(asked.log_dir))):
        if path:
            require_path(what, path)
    require_rights(directory)
    _publish(directory / TIMER.format(instant), text(at_ms, asked), instant)
    try:
        _start(directory, at_ms, instant)
    except GenesisError:
        systemctl("disable", "--now", "--", TIMER.format(instant))
        _take_away(directory, instant)
        raise
    return instant


def _publish(timer: Path, written: str, instant: str) -> None:
    try:
        publish(timer, written.encode("utf-8", "surrogateescape"), own=True)
    except FileExistsError:
        raise Refused(
            f"an acceptance is scheduled for {instant} already", next_command="genesis-ops host schedule list"
        ) from None
    except OSError as error:
        raise write_failed(timer, error) from error


def _start(directory: Path, at_ms: int, instant: str) -> None:
    """Have systemd wait, and ask it whether it does."""
    timer = TIMER.format(instant)
    require("daemon-reload")
    require("enable", "--now", "--", timer)
    with suppress(OSError):
        sync_directory(directory / _WANTS)  # the link by which a boot finds it
    found = show(_PROPERTIES, (timer,))
    if _elapses_ms(found.of(timer)) != at_ms:
        raise Unreachable(
            f"systemd does not wait for {timer}", notes=(found.trouble,) if found.trouble else (),
            next_command=f"systemctl status {timer} --no-pager",
        )  # fmt: skip


def _elapses_ms(properties: dict[str, str]) -> int | None:
    """Tell when a timer elapses (ms, UTC); None where it is not active, or has no time to come."""
    found = _ELAPSES.fullmatch(properties.get("NextElapseUSecRealtime", ""))
    if properties.get("ActiveState") != "active" or found is None:
        return None
    return round(datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp() * 1000)


def listed(settings: Settings, now_ms: int) -> Schedule:
    """Tell what is scheduled and what came of it, the latest first.

    Raises:
        Refused: the directory of units cannot be read.
    """
    instants = sorted(_instants(settings.units_dir))
    waiting, trouble = _waiting(instants)
    found = [_scheduled(settings, instant, now_ms, waiting) for instant in instants]
    return Schedule(SCHEMA, __version__, iso(now_ms), newest_first(found), trouble)


def _instants(directory: Path) -> Iterator[str]:
    before, after = TIMER.split("{}")
    try:
        names = [path.name for path in directory.iterdir()]
    except OSError as error:
        raise Refused(visible(f"{directory} cannot be read: {error.strerror}")) from None
    for name in names:
        if name.startswith(before) and name.endswith(after):
            instant = name.removeprefix(before).removesuffix(after)
            with suppress(ValueError):
                instant_ms(instant)
                yield instant


def _waiting(instants: Sequence[str]) -> tuple[dict[str, Waiting] | None, str]:
    """Ask systemd about all of them at once; None and why where it does not tell."""
    found = show(_PROPERTIES, [form.format(instant) for instant in instants for form in (TIMER, SERVICE)])
    return (None if found.trouble else {each: _seen(each, found) for each in instants}), found.trouble


def _seen(instant: str, found: UnitsFound) -> Waiting:
    busy = found.of(SERVICE.format(instant)).get("ActiveState") in _BUSY
    return Waiting(_elapses_ms(found.of(TIMER.format(instant))), busy)


def _scheduled(settings: Settings, instant: str, now_ms: int, waiting: dict[str, Waiting] | None) -> Scheduled:
    at_ms, asked = instant_ms(instant), read(settings, instant)
    path = result_file(asked.log_dir, instant)
    done, code = result(path)
    seen = None if waiting is None else waiting[instant]
    state, detail = state_of(at_ms, now_ms, done=done, waiting=seen)
    shown_path = visible(settings.shown(path)) if done else ""
    return Scheduled(instant, iso(at_ms), visible(asked.window), state, code, shown_path, detail)


def cancel(settings: Settings, instant: str) -> None:
    """Let systemd forget an acceptance, and take its timer away; a result stays.

    Raises:
        Refused: none is scheduled for this instant, or this user may not.
        Unreachable: systemd does not let go of it.
    """
    directory, timer = settings.units_dir, TIMER.format(instant)
    if not (directory / timer).exists():
        raise Refused(f"no acceptance is scheduled for {instant}", next_command="genesis-ops host schedule list")
    require_rights(directory)
    answer = systemctl("disable", "--now", "--", timer)
    if answer.trouble and not answer.absent:
        raise Unreachable(answer.trouble, next_command=f"systemctl status {timer} --no-pager")
    _take_away(directory, instant)


def _take_away(directory: Path, instant: str) -> None:
    """Remove a timer, its link, and what systemd remembers of it, as far as each is there."""
    timer = TIMER.format(instant)
    systemctl("clean", "--what=state", "--", timer)
    try:
        (directory / timer).unlink(missing_ok=True)
        (directory / _WANTS / timer).unlink(missing_ok=True)
        sync_directory(directory)
    except OSError as error:
        raise write_failed(directory / timer, error) from error
    systemctl("daemon-reload")
