"""Acceptances that systemd starts at their time: a timer for each, which outlives disconnects and reboots."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from genesis_ops import __version__
from genesis_ops.clients.machine import owner, rights_of
from genesis_ops.durable import publish, read_whole, sync_directory
from genesis_ops.errors import GenesisError, Refused, Unreachable, write_failed
from genesis_ops.host.install import look, require_rights, write
from genesis_ops.host.systemctl import require, shown, systemctl
from genesis_ops.host.units import ACCEPTANCE, place
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
from genesis_ops.words import DAY_MS, iso, stamp, visible

_TIMER = "genesis-acceptance-{}.timer"
_SERVICE = "genesis-acceptance@{}.service"
_WANTS = "timers.target.wants"
_MOST_BYTES = 1 << 16
_FURTHEST_MS = 366 * DAY_MS
_WINDOW = re.compile(r"^Window=([0-9a-z]+)$", re.MULTILINE)
_ELAPSES = re.compile(r"(?:\w+ )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_BUSY = {"active", "activating", "reloading", "deactivating"}


def timer_text(at_ms: int, window: str) -> str:
    """Write the timer of an acceptance; ``window`` is how long the stretch is that it judges, such as 24h."""
    instant = instant_of(at_ms)
    return f"""\
# Written by genesis-ops host schedule add; genesis-ops host schedule cancel {instant} takes it away.
[Unit]
Description=The acceptance of {window} that ends at {stamp(at_ms)} UTC

[Timer]
OnCalendar={stamp(at_ms)} UTC
Persistent=true
AccuracySec=1s
Unit={_SERVICE.format(instant)}

[Install]
WantedBy=timers.target

[X-Genesis]
Window={window}
"""


def add(settings: Settings, at_ms: int, window: str, now_ms: int) -> str:
    """Have an acceptance made at a time (ms, UTC), and see that systemd waits for it; give the instant's name.

    Raises:
        Refused: the time is over or too far away, one is scheduled for it, or this user may not.
        Unreachable: systemd does not wait for it; what was written is taken away again.
        WriteFailed: a file could not be written.
    """
    instant, directory = instant_of(at_ms), settings.units_dir
    _require_time(at_ms, now_ms)
    _require_service(settings)
    _publish(directory / _TIMER.format(instant), timer_text(at_ms, window), instant)
    try:
        _start(directory, at_ms, instant)
    except GenesisError:
        systemctl("disable", "--now", "--", _TIMER.format(instant))
        _take_away(directory, instant)
        raise
    return instant


def _require_time(at_ms: int, now_ms: int) -> None:
    if not now_ms < at_ms <= now_ms + _FURTHEST_MS:
        why = "is over" if at_ms <= now_ms else "is more than a year away"
        raise Refused(
            f"{stamp(at_ms)} UTC {why}: it is {stamp(now_ms)} UTC",
            next_command="genesis-ops host schedule add --at +24h --window 24h",
        )


def _require_service(settings: Settings) -> None:
    """Make sure that what the timer starts is there, and judges this root and no other.

    Raises:
        Refused: it is another root's, or this user may not write it.
    """
    known = rights_of(settings.remote_user) is not None
    user = settings.remote_user if known else owner(settings.root) or None
    service = look(settings.units_dir, (ACCEPTANCE,), place(settings, user), live=False).files[0]
    require_rights(settings.units_dir)
    if service.found is None:
        write(service)
    elif str(settings.root) not in service.found:
        raise Refused(
            f"{ACCEPTANCE} judges another root than {visible(str(settings.root))}",
            next_command=f"sudo genesis-ops units install --only {ACCEPTANCE}",
        )


def _publish(timer: Path, text: str, instant: str) -> None:
    try:
        publish(timer, text.encode("ascii"))
        timer.chmod(0o644)
    except FileExistsError:
        raise Refused(
            f"an acceptance is scheduled for {instant} already", next_command="genesis-ops host schedule list"
        ) from None
    except OSError as error:
        raise write_failed(timer, error) from error


def _start(directory: Path, at_ms: int, instant: str) -> None:
    """Have systemd wait, and ask it whether it does."""
    timer = _TIMER.format(instant)
    require("daemon-reload")
    require("enable", "--now", "--", timer)
    with suppress(OSError):
        sync_directory(directory / _WANTS)  # the link by which a boot finds it
    known, answer = shown(("ActiveState", "NextElapseUSecRealtime"), (timer,))
    if _elapses_ms(known.get(timer, {})) != at_ms:
        raise Unreachable(
            f"systemd does not wait for {timer}", notes=(answer.trouble,) if answer.trouble else (),
            next_command=f"systemctl status {timer} --no-pager",
        )  # fmt: skip


def _elapses_ms(properties: dict[str, str]) -> int | None:
    """Tell when a timer elapses (ms, UTC); None where it is not active, or has no time to come."""
    found = _ELAPSES.fullmatch(properties.get("NextElapseUSecRealtime", ""))
    if properties.get("ActiveState") != "active" or found is None:
        return None
    return round(datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp() * 1000)


def window_of(settings: Settings, instant: str) -> str:
    """Tell how long the stretch is that an acceptance judges, as its timer says; the usual day where there is none."""
    with suppress(OSError):
        text = read_whole(settings.units_dir / _TIMER.format(instant), _MOST_BYTES).decode("utf-8", "replace")
        if found := _WINDOW.search(text):
            return found[1]
    return "24h"


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
    before, after = _TIMER.split("{}")
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
    units = [form.format(instant) for instant in instants for form in (_TIMER, _SERVICE)]
    known, answer = shown(("ActiveState", "NextElapseUSecRealtime"), units)
    if answer.trouble:
        return None, answer.trouble
    return {each: _seen(each, known) for each in instants}, ""


def _seen(instant: str, known: dict[str, dict[str, str]]) -> Waiting:
    service = known.get(_SERVICE.format(instant), {})
    return Waiting(_elapses_ms(known.get(_TIMER.format(instant), {})), service.get("ActiveState") in _BUSY)


def _scheduled(settings: Settings, instant: str, now_ms: int, waiting: dict[str, Waiting] | None) -> Scheduled:
    at_ms, path = instant_ms(instant), result_file(settings.log_dir, instant)
    done, code = result(path)
    seen = None if waiting is None else waiting[instant]
    state, detail = state_of(at_ms, now_ms, done=done, waiting=seen)
    shown_path = visible(settings.shown(path)) if done else ""
    return Scheduled(instant, iso(at_ms), window_of(settings, instant), state, code, shown_path, detail)


def cancel(settings: Settings, instant: str) -> None:
    """Let systemd forget an acceptance, and take its timer away; a result stays.

    Raises:
        Refused: none is scheduled for this instant, or this user may not.
        Unreachable: systemd does not let go of it.
    """
    directory, timer = settings.units_dir, _TIMER.format(instant)
    if not (directory / timer).exists():
        raise Refused(f"no acceptance is scheduled for {instant}", next_command="genesis-ops host schedule list")
    require_rights(directory)
    answer = systemctl("disable", "--now", "--", timer)
    if answer.trouble and not answer.absent:
        raise Unreachable(answer.trouble, next_command=f"systemctl status {timer} --no-pager")
    _take_away(directory, instant)


def _take_away(directory: Path, instant: str) -> None:
    """Remove a timer, its link, and what systemd remembers of it, as far as each is there."""
    timer = _TIMER.format(instant)
    systemctl("clean", "--what=state", "--", timer)
    try:
        (directory / timer).unlink(missing_ok=True)
        (directory / _WANTS / timer).unlink(missing_ok=True)
        sync_directory(directory)
    except OSError as error:
        raise write_failed(directory / timer, error) from error
    systemctl("daemon-reload")
