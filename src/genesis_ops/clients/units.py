"""The phase's systemd units as systemd itself tells of them: machine output, allow-listed, within a time limit."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from genesis_ops.clients.machine_program import ask
from genesis_ops.words import iso, visible

UNITS = ("genesis-paper.service", "genesis-runner.service")
"""The services of the server (runbook, Remote hosting)."""

PROPERTIES = (
    *("Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "NRestarts", "Result"),
    *("ExecMainStartTimestamp", "ExecMainStatus", "FragmentPath", "DropInPaths", "NeedDaemonReload"),
)
"""What is asked for; none of it can hold a secret, as ``Environment`` could."""

SETUP = ("User", "WorkingDirectory", "ExecStart", "EnvironmentFiles")
"""How a unit is started; a command line can hold a secret, so it is for who shows none of its words."""

_ENVIRONMENT = {"SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "TZ": "UTC"}
_WITHOUT_SYSTEMD = ("has not been booted with systemd", "Failed to connect to bus")
_SECONDS = 10.0
_MOST_LINES = 20_000
_VALUES = re.compile(r"^(\s*(?:Environment|SetCredential\w*|PassEnvironment)\s*=\s*).*", re.IGNORECASE)
_IN_COMMANDS = re.compile(r"\b([A-Z_][A-Z0-9_]*=)(\"[^\"]*\"|'[^']*'|\S+)")
_COMMENT = re.compile(r"\s*[#;]")


class Answer(NamedTuple):
    """What systemd said, or why it did not; ``absent`` is whether there is none here."""

    out: str = ""
    trouble: str = ""
    absent: bool = False


class Unit(NamedTuple):
    """A unit's properties by name, as ``systemctl show`` gives them; what it gives several times, a line each."""

    name: str
    properties: dict[str, str]


class UnitsFound(NamedTuple):
    """The units, or why nothing can be said of them."""

    units: tuple[Unit, ...] = ()
    trouble: str = ""
    absent: bool = False
    """Whether the trouble is that this host has no systemd."""

    @property
    def loaded(self) -> tuple[Unit, ...]:
        """The units that systemd has read."""
        return tuple(unit for unit in self.units if unit.properties.get("LoadState") == "loaded")

    def of(self, name: str) -> dict[str, str]:
        """Give the properties of one unit; none where systemd told nothing of it."""
        return next((unit.properties for unit in self.units if unit.name == name), {})


def show(properties: Sequence[str] = PROPERTIES, names: Sequence[str] = UNITS) -> UnitsFound:
    """Ask systemd for properties of units; more than PROPERTIES is for who asks by name."""
    if not names:
        return UnitsFound()
    wanted = ",".join(dict.fromkeys(("Id", *properties)))
    answer = told(("systemctl", "show", "--no-pager", f"--property={wanted}", "--", *names))
    if answer.trouble:
        return UnitsFound(trouble=answer.trouble, absent=answer.absent)
    found = tuple(_units(answer.out, properties))
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


def last_lines(unit: str, count: int) -> tuple[str, str]:
    """Give the last lines that a unit wrote into the journal; or why they cannot be had."""
    return _asked(("journalctl", "-u", unit, "-o", "short-iso", "--utc", "--no-pager", "-n", str(count)))


def _asked(command: Sequence[str]) -> tuple[str, str]:
    """Run a program that only tells; what it said, and why not where it did not."""
    answer = told(command)
    return answer.out, answer.trouble


def told(command: Sequence[str], seconds: float | None = None) -> Answer:
    """Run one of systemd's programs, whose times are UTC and whose text has no colours."""
    said = ask(command, seconds or _SECONDS, _ENVIRONMENT)
    if said.trouble:
        return Answer(trouble=said.trouble, absent=said.absent)
    if said.code:
        why = visible(f"{command[0]} {command[1]} ended with {said.code}: {said.first_words}")
        return Answer(trouble=why, absent=any(words in why for words in _WITHOUT_SYSTEMD))
    return Answer(said.out.decode("utf-8", "backslashreplace"))


def _units(out: str, properties: Sequence[str]) -> Iterator[Unit]:
    for block in out.split("\n\n"):
        pairs: dict[str, str] = {}
        for name, _, value in (line.partition("=") for line in block.splitlines() if "=" in line):
            pairs[name] = f"{pairs[name]}\n{value}" if name in pairs else value
        if name := pairs.pop("Id", ""):
            yield Unit(name, {key: value for key, value in pairs.items() if key in properties})
