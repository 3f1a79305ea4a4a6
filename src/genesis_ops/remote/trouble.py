"""What ssh, sudo and the shell there say when they do not do what was asked, and what can be done about it."""

import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from genesis_ops.errors import GenesisError, Refused, RemoteUnavailable
from genesis_ops.remote.again import again
from genesis_ops.words import visible

SSH_FAILED = 255
"""What ssh ends with when it is its own failure (ssh(1)); genesis-ops never ends with it."""
_NOT_RUNNABLE = (126, 127)  # POSIX sh: found but cannot be run, not found
_SHOWN = 4
_NO_PASSWORD = re.compile(
    r"sudo: (?:a password is required|a terminal is required|no tty present|sorry, you must have a tty"
    r"|interactive authentication is required|account validation failure|I'm sorry )"
    r"|Sorry, user .* (?:is not allowed to execute|may not run sudo)"
    r"|\S+ is not (?:in the sudoers file|allowed to run sudo)"
)
"""How a line begins in which sudo, or sudo-rs, refuses; whatever else it says is a warning."""
_NO_PROGRAM = re.compile(r"sudo: (?:.*: command not found|unable to execute )")
_NO_PLAIN_SIGN = re.compile(r"[^A-Za-z0-9_-]")
"""What the name of a file in sudoers.d cannot have: sudo passes one with a dot over."""
_NO_USER = re.compile(r"sudo: (?:unknown user|user .* not found)")


class Broken(RemoteUnavailable):
    """The connection was there and broke; what was begun on the far side may go on."""


class Ending(NamedTuple):
    """How a call ended: ``answered`` is whether the shell there got as far as the program."""

    target: str
    words: Sequence[str]
    user: str
    code: int
    answered: bool
    silent: bool
    """Whether nothing came back on stdout."""
    err: str
    sudo: bool


def trouble(ending: Ending) -> GenesisError | None:
    """Say what hindered the program from running or from being heard; None where it ran to its end."""
    if not ending.answered:
        return _unreachable(ending)
    if ending.code == SSH_FAILED or ending.code < 0:
        return Broken(f"the connection to {ending.target} broke", notes=_said(ending.err))
    if not ending.silent:
        return None
    return _refused(ending) if ending.sudo else _missing(ending)


def _unreachable(ending: Ending) -> RemoteUnavailable:
    """Say why ssh did not get through (the words of OpenSSH's ssh, which it does not translate)."""
    target, err = ending.target, ending.err
    why: tuple[str, ...]
    by_hand = f"ssh {shlex.quote(target)}"
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in err:
        why = ("it shows another key than it did before: reinstalled, or somebody stands in between; find out which",)
        return RemoteUnavailable(f"{target} is not the host that it was", notes=why, next_command=by_hand)
    if "Host key verification failed" in err or "host key is known" in err:
        why = ("log in by hand once, and compare the key that is shown with the host's own before you agree",)
        return RemoteUnavailable(f"the key of {target} is not known here", notes=why, next_command=by_hand)
    if "Permission denied" in err:
        why = (*_said(err), "a key in ssh's agent, or one without a passphrase, has to open it: nobody is asked")
        return RemoteUnavailable(f"{target} lets nobody in with the keys that ssh has", notes=why, next_command=by_hand)
    if ending.code != SSH_FAILED and ending.code >= 0:
        why = (*_said(err), "the login there has to run what ssh hands to it, and leave its input alone")
        return RemoteUnavailable(f"the login shell of {target} ended with {ending.code}", notes=why)
    return RemoteUnavailable(f"{target} cannot be reached", notes=_said(err), next_command=by_hand)


def _refused(ending: Ending) -> Refused | None:
    """Recognise sudo's refusals, which come before anything is run."""
    lines = ending.err.splitlines()
    if ending.code in _NOT_RUNNABLE and any("sudo: not found" in line for line in lines):
        note = "log in as root instead, and say so: --ssh-target root@HOST --no-sudo"
        return Refused(f"there is no sudo on {ending.target}", notes=(note,))
    if ending.code != 1:
        return None
    if any(map(_NO_PROGRAM.match, lines)):
        return _not_there(ending)
    if any(map(_NO_USER.match, lines)):
        told = f"there is no user {visible(ending.user)} on {ending.target}"
        return Refused(told, notes=_said(ending.err), next_command="genesis-ops config show")
    refusal = next((line for line in lines if _NO_PASSWORD.match(line)), None)
    return None if refusal is None else _without_password(ending, refusal)


def _without_password(ending: Ending, refusal: str) -> Refused:
    """Say which line sudo lacks; one that names no path it would not take (sudoers(5))."""
    program, login = _program(ending), _login(ending)
    told = f"sudo on {ending.target} does not let this login run {visible(program)} without a password"
    if not program.startswith("/"):
        mended = "installing needs all rights once: a login that has them, or root: --ssh-target root@HOST --no-sudo"
        return Refused(told, notes=(visible(refusal), mended))
    return Refused(
        told,
        notes=(
            visible(refusal),
            f"let somebody who may write this there with: visudo -f /etc/sudoers.d/{_NO_PLAIN_SIGN.sub('_', login)}",
            f"{login} ALL=(ALL) NOPASSWD: {_escaped(program)}",
        ),
    )


def _missing(ending: Ending) -> Refused | None:
    return _not_there(ending) if ending.code in _NOT_RUNNABLE else None


def _not_there(ending: Ending) -> Refused:
    program = _program(ending)
    following = again(ending.target, "install", sudo=ending.sudo)
    if not program.startswith("/"):  # it is what installs
        following = f"ssh -t {shlex.quote(ending.target)} sudo apt install python3 python3-venv"
    return Refused(f"{ending.target} has no {visible(program)}", notes=_said(ending.err), next_command=following)


def _program(ending: Ending) -> str:
    return ending.words[0] if ending.words else "genesis-ops"


def _escaped(program: str) -> str:
    """Write a program as sudoers wants it (sudoers(5))."""
    return visible("".join(f"\\{sign}" if sign in ' ,:=\\()!"#*?[]' else sign for sign in program))


def _login(ending: Ending) -> str:
    return ending.target.rpartition("@")[0] or "USER"


def _said(err: str) -> tuple[str, ...]:
    """Give the last lines of what was said."""
    lines = [visible(line.strip()) for line in err.splitlines() if line.strip()]
    return tuple(lines[-_SHOWN:])
