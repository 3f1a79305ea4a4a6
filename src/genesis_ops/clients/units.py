"""The phase's systemd units as systemd itself tells of them: machine output, allow-listed, within a time limit."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from genesis_ops.words import iso

UNITS = ("genesis-paper.service", "genesis-runner.service")
"""The services of the server (runbook, Remote hosting)."""

PROPERTIES = (
    *("Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "NRestarts", "Result"),
    *("ExecMainStartTimestamp", "ExecMainStatus", "FragmentPath", "DropInPaths", "NeedDaemonReload"),
)
"""What is asked for; none of it can hold a secret, as ``Environment`` could."""

_SECONDS = 10.0
_MOST_LINES = 20_000
_VALUES = re.compile(r"^(\s*(?:Environment|SetCredential\w*|PassEnvironment)\s*=\s*).*", re.IGNORECASE)
_IN_COMMANDS = re.compile(r"\b([A-Z_][A-Z0-9_]*=)(\"[^\"]*\"|'[^']*'|\S+)")
_COMMENT = re.compile(r"\s*[#;]")


class Unit(NamedTuple):
    """A unit's properties by name, as ``systemctl show`` gives them."""

    name: str
    properties: dict[str, str]


class UnitsFound(NamedTuple):
    """The units, or why nothing can be said of them."""

    units: tuple[Unit, ...] = ()
    trouble: str = ""


def show() -> UnitsFound:
    """Ask systemd for the state of the phase's units."""
    out, trouble = _asked(("systemctl", "show", "--no-pager", f"--property={','.join(PROPERTIES)}", "--", *UNITS))
    if trouble:
        return UnitsFound(trouble=trouble)
    found = tuple(_units(out))
    return UnitsFound(found) if found else UnitsFound(trouble="systemctl show gave nothing that can be read")


def files() -> tuple[str, str]:
    """Give the units' files as systemd reads them, without the values of variables; or why they cannot be had."""
    out, trouble = _asked(("systemctl", "cat", "--no-pager", "--", *UNITS))
    return "\n".join(without_values(out)), trouble


def without_values(text: str) -> Iterator[str]:
    """Leave out of a unit's file what it sets in the environment, which may be secret, over all of its lines.

    A comment in the middle does not end a line that goes on (systemd.syntax(7)).
    """
    inside = False
    for line in text.split("\n"):
        if inside and _COMMENT.match(line):
            yield "…"
            continue
        shown = "…" if inside else _VALUES.sub(r"\1…", line)
        hidden = inside or shown != line
        inside = hidden and line.rstrip("\r").endswith("\\")
        yield shown if hidden else _IN_COMMANDS.sub(r"\1…", line) if line.lstrip().startswith("Exec") else line


def journal(since_ms: int) -> tuple[str, str]:
    """Give what the units wrote into the journal since a time (ms, UTC); or why it cannot be had."""
    units = [word for unit in UNITS for word in ("-u", unit)]
    since = iso(since_ms)[:19].replace("T", " ")
    return _asked(
        ("journalctl", *units, f"--since={since} UTC", "-o", "short-iso", "--utc", "--no-pager", "-n", str(_MOST_LINES))
    )


def _asked(command: Sequence[str]) -> tuple[str, str]:
    """Run a program that only tells; what it said, and why not where it did not."""
    environment = {name: value for name in ("PATH", "SYSTEMROOT") if (value := os.environ.get(name))}
    try:
        done = subprocess.run(  # noqa: S603 - the program and its arguments are named in this module
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**environment, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""},
        )
    except FileNotFoundError:
        return "", f"there is no {command[0]} on this host"
    except subprocess.TimeoutExpired:
        return "", f"{command[0]} did not answer within {_SECONDS:.0f}s"
    except OSError as error:
        return "", f"{command[0]} cannot be run ({error.strerror})"
    if done.returncode:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        return "", f"{command[0]} {command[1]} ended with {done.returncode}: {said[0] if said else 'it said nothing'}"
    return done.stdout.decode("utf-8", "backslashreplace"), ""


def _units(out: str) -> Iterator[Unit]:
    for block in out.split("\n\n"):
        pairs = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if name := pairs.pop("Id", ""):
            yield Unit(name, {key: value for key, value in pairs.items() if key in PROPERTIES})
