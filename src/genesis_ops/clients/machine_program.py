"""A program of this machine that only tells: asked without a terminal, in a bare environment, within a time limit."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

_KEPT = ("PATH", "SYSTEMROOT")


class Said(NamedTuple):
    """What a program said and ended with; ``trouble`` says why it said nothing."""

    code: int = 0
    out: bytes = b""
    err: bytes = b""
    trouble: str = ""
    absent: bool = False
    """Whether there is no such program on this host."""

    @property
    def first_words(self) -> str:
        """The first line of what it complained about."""
        lines = self.err.decode("utf-8", "backslashreplace").strip().splitlines()
        return lines[0] if lines else "it said nothing"


class Caller(NamedTuple):
    """Whose rights a program gets, where this process is root's (ids as in passwd)."""

    uid: int
    gid: int


def ask(
    command: Sequence[str],
    seconds: float,
    environment: Mapping[str, str],
    folder: Path | None = None,
    caller: Caller | None = None,
) -> Said:
    """Run a program to its end; one that takes longer is killed with everything that it started."""
    bare = {name: value for name in _KEPT if (value := os.environ.get(name))}
    rights: dict[str, Any] = {} if caller is None else {"user": caller.uid, "group": caller.gid, "extra_groups": []}
    try:
        process = subprocess.Popen(  # noqa: S603 - the callers name the programs; nothing goes through a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**bare, "LC_ALL": "C", **environment},
            start_new_session=True,  # no terminal to ask for a password on, and one group to end
            **rights,
        )
    except FileNotFoundError:
        return Said(trouble=f"there is no {command[0]} on this host", absent=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Said(trouble=f"{command[0]} cannot be run ({getattr(error, 'strerror', None) or error})")
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return Said(trouble=f"{command[0]} did not answer within {seconds:.0f}s")
        except BaseException:
            _end(process)
            raise
    return Said(process.returncode, out, err)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a program and its children, which hold its pipes open."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
