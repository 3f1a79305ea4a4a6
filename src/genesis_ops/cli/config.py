"""genesis-ops config: show every setting, its value, and where it came from."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from genesis_ops.cli.options import shown_settings
from genesis_ops.settings import Loaded, nearest_variables
from genesis_ops.words import visible

app = typer.Typer(
    help="Show the settings and where each comes from.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)
_WIDTH = 80
_INDENT = 17  # the longest name and two spaces
_ORIGIN = 54  # the column of the origin, if the value leaves room


class Format(StrEnum):
    """For whom the settings are written."""

    TEXT = "text"
    JSON = "json"


@app.callback()
def config() -> None:
    """Keep ``show`` a command of its own, although it is the only one."""


@app.command()
def show(
    ctx: typer.Context,
    output: Annotated[Format, typer.Option("--format", help="text, or json for scripts")] = Format.TEXT,
) -> None:
    """Show each setting, its value, and the flag, variable or line it comes from."""
    loaded = shown_settings(ctx)
    for name in loaded.unknown_variables:
        close = nearest_variables(name)
        question = f"; did you mean {' or '.join(close)}?" if close else ""
        typer.echo(f"genesis-ops: warning: nothing reads the variable {visible(name)}{question}", err=True)
    typer.echo(_json(loaded) if output is Format.JSON else _text(loaded))


def _values(loaded: Loaded) -> dict[str, str | int | None]:
    """Write every value as one could type it, paths relative to the root."""
    settings = loaded.settings
    values = {name: getattr(settings, name) for name in loaded.origins}
    shown = {name: settings.shown(value) if isinstance(value, Path) else value for name, value in values.items()}
    plain = {name: value if isinstance(value, int | None) else str(value) for name, value in shown.items()}
    return plain | {"root": str(settings.root)}


def _json(loaded: Loaded) -> str:
    import json

    settings = {name: {"value": value, "origin": loaded.origins[name]} for name, value in _values(loaded).items()}
    document = {"settings": settings, "unknown_variables": loaded.unknown_variables}
    return json.dumps({"schema": "genesis-ops.settings/1"} | document, indent=2)


def _text(loaded: Loaded) -> str:
    lines = [f"{'name':{_INDENT}}{'value':{_ORIGIN - _INDENT}}where from"]
    for name, value in _values(loaded).items():
        lines += _row(name, visible("automatic" if value is None else str(value)), visible(loaded.origins[name]))
    return "\n".join(lines)


def _row(name: str, value: str, origin: str) -> list[str]:
    """Put the origin beside its value, or below it where a line has no room for both; a long value is folded."""
    room = _WIDTH - _INDENT
    start = f"{name:{_INDENT}}"
    beside = f"{start}{value:{_ORIGIN - _INDENT - 2}}  {origin}"
    if len(beside) <= _WIDTH:
        return [beside]
    folded = [part[at : at + room] for part in (value, origin) for at in range(0, len(part), room)]
    return [start + folded[0], *(" " * _INDENT + part for part in folded[1:])]
