"""Which Python a program of this machine really runs in, and which version that is (runbook, VM SSH quick-start)."""

import os
import re
import stat
from pathlib import Path, PurePath
from typing import NamedTuple

from genesis_ops.clients.machine import rights_of
from genesis_ops.clients.machine_program import Caller, ask
from genesis_ops.words import visible

_SECONDS = 5.0
_BARE = {"PYTHONDONTWRITEBYTECODE": "1"}
_FIRST_BYTES = 1024
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*")
_LAUNCHER = re.compile(rb"^'''exec' (?:\"([^\"\n]+)\"|(\S+)) ", re.MULTILINE)
"""What pip writes as a script's second line where the interpreter's path is long or has a space."""
_VERSION = re.compile(r"(?:Python|genesis-ops) (\S{1,40})")


class Started(NamedTuple):
    """What a unit or a process starts and the Python in it; the text in it is fit to be shown.

    ``fault`` says why it cannot start, ``unseen`` why its Python or its version cannot be told.
    """

    who: str
    program: str
    python: str = ""
    version: str = ""
    own_version: str = ""
    """The version of genesis-ops, where that is the program."""
    inside: bool = False
    """Whether the Python is that of the root's ``.venv``."""
    fault: str = ""
    unseen: str = ""


def started(who: str, program: Path, root: Path, user: str) -> Started:
    """Look at a program that a user's unit or process starts; its Python is asked for its version with his rights."""
    found = Started(who, visible(str(program)))
    if fault := _fault(program):
        return found._replace(fault=f"{found.program} {fault}")
    python, why = _python_of(program)
    if python is None:
        return found._replace(unseen=f"{found.program} {why}")
    found = found._replace(python=visible(str(python)), inside=_inside(python, root))
    if fault := _fault(python):
        return found._replace(fault=f"{found.python} {fault}")
    version, why = _version(python, "-V", user)
    own = ""
    if version and program.name == "genesis-ops":
        own, why = _version(program, "--version", user)
    return found._replace(version=version, own_version=own, unseen=why)


def _fault(program: Path) -> str:
    try:
        mode = program.stat().st_mode
    except FileNotFoundError:
        return "is not there"
    except PermissionError:
        return ""  # who may not look cannot tell
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if not stat.S_ISREG(mode):
        return "is no program"
    return "" if mode & 0o111 else "is not executable"


def _python_of(program: Path) -> tuple[Path | None, str]:
    """Find the interpreter of a program: itself, or what its first line names; or why that cannot be told."""
    if _PYTHON.fullmatch(program.name):
        return program, ""
    try:
        with program.open("rb") as file:
            head = file.read(_FIRST_BYTES)
    except OSError as error:
        return None, f"cannot be read ({error.strerror})"
    if not head.startswith(b"#!"):
        return None, "is no Python program"
    named = Path(os.fsdecode(head[2:].splitlines()[0].strip().split(b" ")[0]))
    if PurePath(named).name == "sh" and (launched := _LAUNCHER.search(head)):
        named = Path(os.fsdecode(launched[1] or launched[2]))
    if _PYTHON.fullmatch(named.name) and named.is_absolute():
        return named, ""
    return None, f"is started through {visible(str(named))}, so that its Python depends on the environment"


def _inside(python: Path, root: Path) -> bool:
    """Tell whether an interpreter is the venv's, which is mostly a link that leads out of it."""
    return Path(os.path.realpath(python.parent)).is_relative_to(os.path.realpath(root / ".venv"))


def _version(program: Path, option: str, user: str) -> tuple[str, str]:
    """Ask a program for its version if it is trusted, with no more rights than it has in its unit."""
    shown = visible(str(program))
    caller, why = _caller(program, user)
    if why:
        return "", f"{shown} was not asked for its version: {why}"
    said = ask((str(program), option), _SECONDS, _BARE, Path("/"), caller)
    words = _VERSION.match((said.out or said.err).decode("utf-8", "backslashreplace").strip())
    if said.trouble or said.code or words is None:
        return "", visible(said.trouble) or f"{shown} {option} ended with {said.code}: {visible(said.first_words)}"
    return visible(words[1]), ""


def _caller(program: Path, user: str) -> tuple[Caller | None, str]:
    """Decide with whose rights a program may be run: root's own process lends it none of its own."""
    rights = rights_of(user)
    if rights is None:
        return None, f"there is no user {visible(user)}"
    try:
        uid = program.stat().st_uid
    except OSError as error:
        return None, error.strerror or str(error)
    if uid not in {0, rights.uid}:
        return None, f"it belongs neither to root nor to {visible(user)}"
    return (rights if os.geteuid() == 0 and rights.uid else None), ""
