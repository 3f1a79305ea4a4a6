"""What the records of operations tell: what runs, what ended and how, and what died without a word."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from genesis_ops.clients.machine_program import ask
from genesis_ops.durable import read_whole
from genesis_ops.host.look import OperationLook
from genesis_ops.host.names import RECORD, checked, directory, newest, unit
from genesis_ops.host.record import APPLIED, DIED, RUNNING, Begun, End, Event, Told, WayBack, event_of
from genesis_ops.host.rights import as_owner
from genesis_ops.host.steps import STOPPING, Own

_MOST_BYTES = 1 << 26
_SECONDS = 10.0
_ALIVE = {"active", "activating", "deactivating", "reloading"}


def events(log_dir: Path, name: str) -> list[Event]:
    """Read the record of an operation; none where it cannot be read."""
    try:
        with as_owner(log_dir):
            raw = read_whole(directory(log_dir, name) / RECORD, _MOST_BYTES)
    except OSError:
        return []
    return [event for line in raw.split(b"\n") if (event := event_of(line)) is not None]


def runs(name: str) -> bool | None:
    """Tell whether an operation's unit runs; None where systemd does not say."""
    said = ask(("systemctl", "show", "--no-pager", "--property=ActiveState", "--", unit(name)), _SECONDS, {})
    if said.trouble or said.code:
        return None
    return said.out.decode("ascii", "replace").strip().partition("=")[2] in _ALIVE


def touched(found: Sequence[Event]) -> bool:
    """Tell whether anything was stopped."""
    return any(isinstance(event, Told) and event.id == STOPPING for event in found)


def to_go_back(name: str, own: Own) -> str:
    """Give the command that takes an operation back which did not come to an end."""
    return shlex.join(("sudo", *own("host", "back", checked(name))))


def last_operation(log_dir: Path, own: Own) -> OperationLook | None:
    """Look at the newest operation; None if there was none."""
    name = newest(log_dir)
    found = events(log_dir, name) if name else []
    begun = next((event for event in found if isinstance(event, Begun)), None)
    if begun is None:
        return None
    state = _state(name, found)
    back = (to_go_back(name, own),) if state != RUNNING and touched(found) and not _over(found) else ()
    return OperationLook(
        id=name,
        owner=begun.owner,
        reason=begun.reason,
        since=begun.at,
        state=state,
        step=_where(found),
        archive=str(directory(log_dir, name)),
        next=back,
    )


def _state(name: str, found: Sequence[Event]) -> str:
    if isinstance(found[-1], End):
        return found[-1].verdict
    return DIED if runs(name) is False else RUNNING


def _over(found: Sequence[Event]) -> bool:
    """Tell whether it ended with nothing left to do."""
    return isinstance(found[-1], End) and not found[-1].next


def _where(found: Sequence[Event]) -> str:
    """Name the step that is under way, or was when it ended."""
    steps = [event for event in found if isinstance(event, Told)]
    if not steps or (isinstance(found[-1], End) and found[-1].verdict == APPLIED):
        return ""
    failed = next((event.because for event in found if isinstance(event, WayBack)), "")
    return failed if failed and isinstance(found[-1], End) else steps[-1].id
