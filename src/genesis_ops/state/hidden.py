"""What this user may not look at: no proof that it is missing or damaged, and nobody's fault but the user's."""

import os
from pathlib import Path

from genesis_ops.errors import typed

HIDDEN = "cannot be read by this user"


def is_hidden(path: Path) -> bool:
    """Whether this user may not look at a file or into a directory; False where there is surely none."""
    try:
        os.lstat(path)
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0))  # noqa: PTH112 - Path.is_dir may raise


def look_as_owner(command: str, path: Path) -> str:
    """Say what to type where something is hidden."""
    return f"sudo -u <the runner's user> genesis-ops {command}      or: ls -ld {typed(path)}"
