"""The timer of an acceptance: what systemd reads in it, and what we keep in it for the time when it elapses."""

import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genesis_ops.durable import read_whole
from genesis_ops.settings import Settings
from genesis_ops.state.schedule import instant_of, tries
from genesis_ops.words import stamp

TIMER = "genesis-acceptance-{}.timer"
SERVICE = "genesis-acceptance@{}.service"

_MOST_BYTES = 1 << 16
_KEPT = re.compile(r"^(Window|Config|Logs)=(.+)$", re.MULTILINE)


class Asked(NamedTuple):
    """What is to be judged: the length of the stretch, such as 24h, and whose logs it is about.

    An empty ``config`` is the root's own; the result goes to ``log_dir``.
    """

    window: str
    config: str
    log_dir: Path


def text(at_ms: int, asked: Asked) -> str:
    """Write the timer of an acceptance that is due at a time (ms, UTC); what it is about is in a section of ours."""
    instant = instant_of(at_ms)
    due, *later = (f"OnCalendar={stamp(each)} UTC" for each in tries(at_ms))
    again = "\n".join(later)
    config = f"Config={asked.config}\n" if asked.config else ""
    return f"""\
# Written by genesis-ops host schedule add; genesis-ops host schedule cancel {instant} takes it away.
[Unit]
Description=The acceptance of {asked.window} that ends at {stamp(at_ms)} UTC

[Timer]
{due}
# Again, should the machine go down in the middle: a result that is there stays, and its window is the same.
{again}
Persistent=true
AccuracySec=1s
Unit={SERVICE.format(instant)}

[Install]
WantedBy=timers.target

[X-Genesis]
Window={asked.window}
{config}Logs={asked.log_dir}
"""


def read(settings: Settings, instant: str) -> Asked:
    """Tell what an acceptance is about, as its timer says; where there is none, the usual day of the root's own."""
    kept: dict[str, str] = {}
    with suppress(OSError):
        raw = read_whole(settings.units_dir / TIMER.format(instant), _MOST_BYTES)
        kept = dict(_KEPT.findall(raw.decode("utf-8", "surrogateescape")))
    return Asked(kept.get("Window", "24h"), kept.get("Config", ""), Path(kept.get("Logs", settings.log_dir)))
