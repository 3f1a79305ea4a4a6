"""What every command shares: where the root is, which configuration file counts, and the settings they give."""

import os
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import typer

from genesis_ops.settings import Loaded, load

WIRE: ContextVar[bool] = ContextVar("wire", default=False)
"""Whether a report as JSON is for another host, which shows it as its own; said before the command's name."""


@dataclass(frozen=True, slots=True)
class Common:
    """The options that stand before the command's name."""

    root: Path | None = None
    config: Path | None = None


def load_settings(ctx: typer.Context, **flags: object) -> Loaded:
    """Put flags, environment, file and defaults together (contract §6); a flag that is None was not given."""
    common: Common = ctx.obj or Common()
    return load({"root": common.root, **flags}, os.environ, common.config)


def shown_settings(ctx: typer.Context) -> Loaded:
    """Put them together to show them: nothing is done with what root would not take."""
    common: Common = ctx.obj or Common()
    return load({"root": common.root}, os.environ, common.config, only_shown=True)
