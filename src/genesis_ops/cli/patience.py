"""A sign of life on stderr for a command that takes more than a second; a terminal alone gets it."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE_SECONDS = 1.0


@contextmanager
def patience(doing: str, seconds: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Say what is being done once it has taken so long, and take it back when it is over."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return

    over = threading.Event()
    sign = threading.Thread(target=_show, args=(doing, over, seconds), daemon=True)
    sign.start()
    try:
        yield
    finally:
        over.set()
        sign.join()


def _show(doing: str, over: threading.Event, seconds: float) -> None:
    if over.wait(seconds):
        return
    from rich.console import Console

    with Console(stderr=True).status(doing):
        over.wait()
