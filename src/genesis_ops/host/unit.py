"""The unit of its own in which an operation goes on: neither a program's end nor a connection's ends it."""

import os
import time
from collections.abc import Sequence

from genesis_ops.clients.machine_program import ask
from genesis_ops.errors import Unreachable
from genesis_ops.host import names
from genesis_ops.host.events import events, runs
from genesis_ops.settings import Settings
from genesis_ops.words import visible

_SYSTEMD_SECONDS = 30.0
_BEGINS_SECONDS = 60.0
_GLANCE_SECONDS = 0.02
_STOP_SECONDS = 1800  # a way back that is under way is not to be killed


def start(settings: Settings, name: str, command: Sequence[str]) -> None:
    """Have systemd run a command as an operation's unit, and see that the operation tells something new.

    Raises:
        Unreachable: systemd does not run it, or it ended without a word.
    """
    known = len(events(settings.log_dir, name))
    given = [f"--setenv={name}={value}" for name, value in os.environ.items() if name.startswith("GENESIS_")]
    properties = ("--property=KillMode=mixed", f"--property=TimeoutStopSec={_STOP_SECONDS}")
    unit = f"--unit={names.unit(name)}"
    said = ask(("systemd-run", unit, "--collect", "--quiet", *properties, *given, "--", *command), _SYSTEMD_SECONDS, {})
    if said.trouble or said.code:
        why = said.trouble or said.first_words
        raise Unreachable(visible(f"systemd does not run it: {why}"), next_command="systemctl status --no-pager")
    _await(settings, name, known)


def _await(settings: Settings, name: str, known: int) -> None:
    """See that it has begun, so that nobody else can begin in between."""
    until = time.monotonic() + _BEGINS_SECONDS
    while len(events(settings.log_dir, name)) <= known:
        if time.monotonic() > until or runs(name) is False:
            if len(events(settings.log_dir, name)) > known:
                return  # it was over before it was seen
            raise Unreachable(f"operation {name} did not begin", next_command=f"journalctl -u {names.unit(name)}")
        time.sleep(_GLANCE_SECONDS)
