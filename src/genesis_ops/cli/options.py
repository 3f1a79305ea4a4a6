"""What every command shares: where the root is, which configuration file counts, and the settings they give."""

import os
from dataclasses import dataclass
from pathlib import Path

import typer

from genesis_ops.settings import Loaded, load


@dataclass(frozen=True, slots=True)
class Common:
    """The options that stand before the command's name."""

    root: Path | None = None
    config: Path | None = None
    wire: bool = False
    """Whether a report as JSON is for another host, which shows it as its own."""


def load_settings(ctx: typer.Context, **flags: object) -> Loaded:
    """Put flags, environment, file and defaults together (contract §6); a flag that is None was not given."""
    common: Common = ctx.obj or Common()
    return load({"root": common.root, **flags}, os.environ, common.config)
