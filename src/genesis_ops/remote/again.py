"""The next command to type, on the very host that this one was about."""

import shlex


def again(target: str, *words: str, sudo: bool = True) -> str:
    """Write a remote command; the host stands in it, because a flag may have named this one."""
    return shlex.join(("genesis-ops", "remote", *words, "--ssh-target", target, *(() if sudo else ("--no-sudo",))))
