"""A scheduled acceptance, once its time has come: judged as a person would have it judged, and kept in a file."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

from genesis_ops.clients.machine_program import Said, ask
from genesis_ops.durable import publish
from genesis_ops.errors import Refused, write_failed
from genesis_ops.host.timer import Asked
from genesis_ops.settings import Settings
from genesis_ops.state.schedule import instant_ms, result, result_file
from genesis_ops.words import Exit, iso, stamp

EARLIER, WRITTEN, NONE = "the first result stays", "written", "no result"
"""What became of the file; there is none where nothing was judged."""

_LONGEST_SECONDS = 1500.0
_KEPT = "GENESIS_"
_VERDICTS = {Exit.PASS, Exit.FAIL, Exit.UNKNOWN}


class Judged(NamedTuple):
    """The file of the result, what the acceptance ended with, what became of the file, and what was said."""

    path: Path
    exit_code: int
    kept: str
    said: str = ""


def judge(settings: Settings, instant: str, asked: Asked, now_ms: int) -> Judged:
    """Have the window judged that ends at an instant, and keep the first result.

    Raises:
        Refused: it has not come yet (``now_ms``, UTC).
        WriteFailed: the result could not be written.
    """
    path = result_file(asked.log_dir, instant)
    if path.exists():
        return _earlier(path)
    at_ms = instant_ms(instant)
    if now_ms < at_ms:
        raise Refused(
            f"the window ends at {stamp(at_ms)} UTC, and it is {stamp(now_ms)} UTC",
            next_command="genesis-ops host schedule list",
        )
    text, code = _told(ask(_command(settings, asked, at_ms), _LONGEST_SECONDS, {"TZ": "UTC", **_given()}))
    if code not in _VERDICTS:
        return Judged(path, code, NONE, text)
    try:
        publish(path, f"{text}exit code: {code}\n".encode())
    except FileExistsError:  # somebody else was faster
        return _earlier(path)
    except OSError as error:
        raise write_failed(path, error) from error
    return Judged(path, code, WRITTEN)


def _command(settings: Settings, asked: Asked, at_ms: int) -> tuple[str, ...]:
    """Call this very program: what lies in the working directory is not looked at (-P)."""
    config = ("--config", asked.config) if asked.config else ()
    words = ("acceptance", "--window", asked.window, "--until", iso(at_ms))
    return (sys.executable, "-P", "-m", "genesis_ops", "--root", str(settings.root), *config, *words)


def _given() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith((_KEPT, "PYTHONPATH"))}


def _earlier(path: Path) -> Judged:
    """Give the result that is there; one without an exit code tells nothing."""
    _, code = result(path)
    return Judged(path, Exit.UNKNOWN if code is None else code, EARLIER)


def _told(said: Said) -> tuple[str, int]:
    """Give what a program wrote, as whole lines, and its exit code; one that was killed did not say one."""
    if said.trouble:
        return f"genesis-ops: {said.trouble}\n", Exit.BUG_OR_WRITE_FAILED
    text = (said.out + said.err).decode("utf-8", "backslashreplace")
    whole = text if text.endswith("\n") else f"{text}\n"
    if said.code < 0:
        return f"{whole}genesis-ops: the acceptance was ended by signal {-said.code}\n", Exit.TERMINATED
    return whole, said.code
