"""A root of its own for a rehearsal: champion, configuration and log directory, and the settings that fit it."""

import json
from pathlib import Path

from genesis_ops.errors import Refused, write_failed
from genesis_ops.settings import Settings, load

CONFIGURATION = """\
# Written by `genesis-ops rehearse`: this folder is a root of its own.
# Try: genesis-ops --root . config show
lock_dir = "logs/paper_trading"
"""


def build(root: Path) -> Settings:
    """Make the root and give the settings that hold in it; the environment and the caller's file have no say.

    Raises:
        Refused: there is something already, or the place cannot be written.
        WriteFailed: a file in it could not be written.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise Refused(
            f"{root} is not empty, and a rehearsal overwrites nothing",
            next_command="genesis-ops rehearse --into <a new directory>",
        )
    _write(root / "config" / "genesis-ops.toml", CONFIGURATION)
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
