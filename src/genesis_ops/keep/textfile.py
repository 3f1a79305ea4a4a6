"""A file for the textfile collector: whole or the former one, and readable for the collector's user."""

import stat
import time
from contextlib import suppress
from pathlib import Path

from genesis_ops.durable import put_in_place
from genesis_ops.errors import UsageRefused, typed, write_failed

ENDING = ".prom"
"""What the collector reads; it passes over every other name, such as that of a file being written."""
_ABANDONED_SECONDS = 3600


def require_place(target: Path) -> None:
    """See to it that nothing but an earlier export would be replaced.

    Raises:
        UsageRefused: the collector would not read it, or something else than a plain file has the name.
    """
    if target.suffix != ENDING:
        example = f"genesis-ops metrics --textfile {typed(target)}{ENDING}"
        raise UsageRefused(f"flag --textfile: the collector reads only *{ENDING}", next_command=example)
    try:
        found = target.lstat()
    except OSError:
        return  # writing will tell what is wrong with the place
    if not stat.S_ISREG(found.st_mode):
        raise UsageRefused(f"flag --textfile: {target} is not a plain file", next_command=f"ls -ld {typed(target)}")


def write(target: Path, text: str) -> None:
    """Let the file hold a text at once; it is renewed so often that no power loss is worth waiting for the disk.

    Raises:
        WriteFailed: it was not written, and the former one stays.
    """
    try:
        put_in_place(target, text.encode(), own=True, durable=False)
    except OSError as error:
        raise write_failed(target, error) from error
    for left in target.parent.glob(f".{target.name}.*.tmp"):  # by one that was killed while it wrote
        with suppress(OSError):
            if time.time() - left.lstat().st_mtime > _ABANDONED_SECONDS:
                left.unlink()
