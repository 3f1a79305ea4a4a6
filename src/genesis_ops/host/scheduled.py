"""A scheduled acceptance, once its time has come: judged as a person would have it judged, and kept in a file."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from genesis_ops.clients.machine_program import Said, ask
from genesis_ops.durable import publish
from genesis_ops.errors import write_failed
from genesis_ops.host.schedule import window_of
from genesis_ops.settings import Settings
from genesis_ops.state.schedule import instant_ms, result, result_file
from genesis_ops.words import Exit, iso

_LONGEST_SECONDS = 1500.0
_KEPT = "GENESIS_"


class Judged(NamedTuple):
    """The file of the result, what the acceptance ended with, and whether it was there before."""

    path: Path
    exit_code: int
    earlier: bool


def judge(settings: Settings, instant: str, options: Sequence[str]) -> Judged:
    """Have the window judged that ends at an instant, and keep the first result; ``options`` stand before the command.

    Raises:
        WriteFailed: the result could not be written.
    """
    path = result_file(settings.log_dir, instant)
    if path.exists():
        return _earlier(path)
    until = iso(instant_ms(instant))
    words = ("acceptance", "--window", window_of(settings, instant), "--until", until)
    command = (sys.executable, "-m", "genesis_ops", "--root", str(settings.root), *options, *words)
    given = {name: value for name, value in os.environ.items() if name.startswith((_KEPT, "PYTHONPATH"))}
    text, code = _told(ask(command, _LONGEST_SECONDS, {"TZ": "UTC", **given}))
    try:
        publish(path, f"{text}exit code: {code}\n".encode())
    except FileExistsError:  # somebody else was faster
        return _earlier(path)
    except OSError as error:
        raise write_failed(path, error) from error
    return Judged(path, code, earlier=False)


def _earlier(path: Path) -> Judged:
    """Give the result that is there; one without an exit code tells nothing."""
    _, code = result(path)
    return Judged(path, Exit.UNKNOWN if code is None else code, earlier=True)


def _told(said: Said) -> tuple[str, int]:
    """Give what a program wrote, as whole lines, and its exit code; one that was killed did not say one."""
    if said.trouble:
        return f"genesis-ops: {said.trouble}\n", Exit.BUG_OR_WRITE_FAILED
    text = (said.out + said.err).decode("utf-8", "backslashreplace")
    whole = text if text.endswith("\n") else f"{text}\n"
    if said.code < 0:
        return f"{whole}genesis-ops: the acceptance was ended by signal {-said.code}\n", Exit.TERMINATED
    return whole, said.code
