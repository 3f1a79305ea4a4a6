"""Where this machine keeps what it did to others: below its root, or with the user where there is none."""

from collections.abc import Mapping
from pathlib import Path

_SIGNS_OF_A_ROOT = (".git", "config", "logs")


def is_root(root: Path) -> bool:
    """Tell whether a directory is one that things of a phase belong into."""
    return any((root / name).exists() for name in _SIGNS_OF_A_ROOT)


def directory(root: Path, environ: Mapping[str, str]) -> Path:
    """Name the directory; the current directory of a machine without a checkout is no place for records."""
    if is_root(root):
        return root / "logs" / "remote"
    given = environ.get("XDG_STATE_HOME") or environ.get("LOCALAPPDATA", "")
    base = Path(given) if given and Path(given).is_absolute() else Path.home() / ".local" / "state"
    return base / "genesis-ops" / "remote"
