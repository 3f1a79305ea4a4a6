"""A root of its own for a rehearsal: champion, configuration and log directory, and the settings that fit it."""

import json
from datetime import date, timedelta
from pathlib import Path

from genesis_ops.errors import Refused, write_failed
from genesis_ops.settings import Settings, load

CONFIGURATION = """\
# Written by genesis-ops: this folder is a root of its own.
# Try: genesis-ops --root . config show
lock_dir = "logs/paper_trading"
"""

PHASE_START = "2026-02-04"
"""Day 0 of a rehearsed phase (UTC), whatever the real one is."""

_NO_SERVERS = """\
# Nobody answers here: a rehearsal's papers open no gate at real servers. To go on, start one of a rehearsal's own:
#   genesis-ops sandbox --port 8099        and name http://127.0.0.1:8099 in both lines
api_url = "http://127.0.0.1:9"
exchange_url = "http://127.0.0.1:9"
"""


def build(root: Path, url: str | None = None, more: str = "") -> Settings:
    """Make the root, for a sandbox at ``url`` if one is named, and give the settings that hold in it.

    ``more`` is what else its configuration says.

    The environment and the caller's configuration file have no say.

    Raises:
        Refused: there is something already, or the place cannot be written.
        WriteFailed: a file in it could not be written.
    """
    if root.exists() and not root.is_dir():
        raise Refused(f"{root} is not a directory", next_command="the same with --into <a new directory>")
    if root.exists() and any(root.iterdir()):
        raise Refused(
            f"{root} is not empty, and nothing is overwritten",
            next_command="the same with --into <a new directory>",
        )
    servers = "" if url is None else f'api_url = "{url}"\nexchange_url = "{url}"\n'
    _write(root / "config" / "genesis-ops.toml", CONFIGURATION + servers + more)
    settings = load({"root": root}, {}, None).settings
    champion = {
        "symbol": settings.symbol,
        "timeframe": str(settings.timeframe),
        "strategy_family": "rehearsal",
        "merged_config": {"strategy_family": "rehearsal", "risk": {"risk_map": [[0.5, 0.015]]}},
    }
    _write(settings.champion_file, json.dumps(champion, indent=2) + "\n")
    return settings


def build_phase(root: Path, days: int) -> Settings:
    """Make the root of a phase of so many days, with an .env that nobody has to mend.

    Raises:
        Refused: there is something already, or the place cannot be written.
        WriteFailed: a file in it could not be written.
    """
    last = date.fromisoformat(PHASE_START) + timedelta(days=days - 1)
    settings = build(root, more=f'phase_start = "{PHASE_START}"\nphase_end = "{last}"\n{_NO_SERVERS}')
    environment = settings.root / ".env"
    _write(environment, "BITFINEX_API_KEY=a-key-of-the-rehearsal\nBITFINEX_API_SECRET=a-secret-of-the-rehearsal\n")
    environment.chmod(0o600)
    return settings


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise write_failed(path, error) from error
