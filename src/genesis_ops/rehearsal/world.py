"""A root of its own for a rehearsal: champion, configuration and log directory, and the settings that fit it."""

import json
from pathlib import Path

from genesis_ops.errors import Refused, write_failed
from genesis_ops.settings import Settings, load

CONFIGURATION = """\
# Written by genesis-ops: this folder is a root of its own.
# Try: genesis-ops --root . config show
lock_dir = "logs/paper_trading"
"""


def build(root: Path, url: str | None = None) -> Settings:
    """Make the root, for a sandbox at ``url`` if one is named, and give the settings that hold in it.

    The environment and the caller's configuration file have no say.

    Raises:
        Refused: there is something already, or the place cannot be written.
        WriteFailed: a file in it could not be written.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise Refused(
            f"{root} is not empty, and nothing is overwritten",
            next_command="the same with --into <a new directory>",
        )
    servers = "" if url is None else f'api_url = "{url}"\nexchange_url = "{url}"\n'
    _write(root / "config" / "genesis-ops.toml", CONFIGURATION + servers)
    settings = load({"root": root}, {}, None).settings
    champion = {
        "symbol": settings.symbol,
        "timeframe": str(settings.timeframe),
        "strategy_family": "rehearsal",
        "merged_config": {"strategy_family": "rehearsal", "risk": {"risk_map": [[0.5, 0.015]]}},
    }
    _write(settings.champion_file, json.dumps(champion, indent=2) + "\n")
    return settings


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise write_failed(path, error) from error
