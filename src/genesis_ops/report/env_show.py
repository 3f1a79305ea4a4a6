"""What a unit would get from its environment file, and what processes have, for a person and for scripts."""

import json
from collections.abc import Iterator

from genesis_ops import __version__
from genesis_ops.checks.env_unit import Has, Running, Unit, Variable
from genesis_ops.envfile.kinds import shown
from genesis_ops.report.cells import cells
from genesis_ops.report.env_mask import HIDDEN_NAME, masked, size
from genesis_ops.report.text import Line, Page

SCHEMA = "genesis-ops.env/1"
"""The object's shape: its names stay, new ones may come."""

_LINE = 6
_LONGEST_NAME = 28
_GAP = 2
_STYLES = {Has.SAME: "green", Has.OTHER: "bold red", Has.NONE: "red", Has.MORE: "yellow", Has.HIDDEN: "dim"}


def lines(unit: Unit, page: Page) -> Iterator[Line]:
    """Draw a line for each variable, what each process has under it where that is told, and what was passed over."""
    yield from page.under("Unit  ", f"with EnvironmentFile={unit.file}", "bold")
    yield from (line for process in unit.running for line in page.under("  beside ", _told(process)))
    if not unit.running:
        yield from page.under("  ", "no process of this root is running, or this user sees none", "dim")
    yield ()
    if unit.refused:
        yield from page.under("  ", f"nothing: line {unit.refused.line}: {unit.refused.why}", "bold red")
    column = min(max((cells(_name(each)) for each in unit.variables), default=0), _LONGEST_NAME) + _GAP
    for variable in unit.variables:
        yield from _variable(variable, unit.running, page, column)
    if unit.dropped:
        many = len(unit.dropped) > 1
        numbers = ", ".join(map(str, unit.dropped))
        text = f"systemd passes over line{'s' if many else ''} {numbers}: genesis-ops env check"
        yield from page.under("  note: ", text, "yellow")
    if not unit.variables and not unit.refused:
        yield from page.under("  ", "the file gives a unit nothing")


def document(unit: Unit) -> str:
    """Write it as one JSON object; a value that is not shown is null and has its length."""
    told = {
        "schema": SCHEMA,
        "version": __version__,
        "file": unit.file,
        "refused": None if unit.refused is None else {"line": unit.refused.line, "why": unit.refused.why},
        "passed_over": list(unit.dropped),
        "processes": [
            {"pid": each.pid, "role": each.role, "visible": each.environment is not None} for each in unit.running
        ],
        "variables": [_as_json(each, unit.running) for each in unit.variables],
    }
    return json.dumps(told, indent=2, allow_nan=False) + "\n"


def _as_json(variable: Variable, running: tuple[Running, ...]) -> dict[str, object]:
    value = variable.value
    text = None if value is None else masked(variable.name, value)
    hidden = value is None or text == size(value.reveal())
    return {
        "name": shown(variable.name.encode()) or None,
        "line": variable.line or None,
        "length": None if value is None else len(value.reveal()),
        "value": None if hidden else text,
        "processes": [{"pid": each.pid, "has": has.value} for each, has in zip(running, variable.has, strict=True)],
    }


def _told(process: Running) -> str:
    hidden = "" if process.environment is not None else f": {Has.HIDDEN}"
    return f"{process.role} (pid {process.pid}), as it was started{hidden}"


def _name(variable: Variable) -> str:
    return shown(variable.name.encode("utf-8", "surrogateescape")) or HIDDEN_NAME


def _variable(variable: Variable, running: tuple[Running, ...], page: Page, column: int) -> Iterator[Line]:
    number = f"{variable.line or '':>{_LINE}}{' ' * _GAP}"
    name = page.cut(_name(variable), column - _GAP)
    value = "not in the file" if variable.value is None else masked(variable.name, variable.value)
    lead = f"{number}{name}{' ' * (column - cells(name))}"
    yield from page.under(lead, page.cut(value, max(page.width - cells(lead), 2)))
    for process, has in zip(running, variable.has, strict=True):
        if process.environment is not None:
            text = f"{process.role}: {has}"
            yield from page.under(" " * (_LINE + _GAP + 2), text, _STYLES[has])
