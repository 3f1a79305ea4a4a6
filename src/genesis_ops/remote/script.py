"""What goes over a connection: one line for the shell there, every word of it quoted, and after it the data."""

import shlex
from collections.abc import Sequence

from genesis_ops.errors import UsageRefused
from genesis_ops.words import visible

ROOT = "root"
LOGIN = """exec sh -c 'IFS= read -r script; eval "$script"'"""
"""What ssh hands to the login shell there: a constant that sh, bash, fish and csh read alike.

``sh -s`` would not do: dash reads ahead, and what it read is lost to the program that is to read the data.
"""
_NEWLINE = "n=$(printf '\\nx'); n=${n%x}; "  # the one sign that the line cannot hold; $(…) drops a last one


def line(words: Sequence[str], user: str, *, sudo: bool, marker: str) -> bytes:
    """Write the line that becomes a program with exactly these words, with a user's rights.

    It says a marker, which is a plain word, on both streams first.

    Raises:
        UsageRefused: a word holds a NUL byte, which no program can be given.
    """
    full = (*_prefix(user), *words) if sudo else tuple(words)
    if any("\0" in word for word in full):
        raise UsageRefused(f"'{visible(next(word for word in full if chr(0) in word))}' holds a NUL byte")
    newline = _NEWLINE if any("\n" in word for word in full) else ""
    command = " ".join(map(_quoted, full))
    # What sudo says is read here, and C is the one locale that no other variable translates.
    text = f"cd /; m={shlex.quote(marker)}; echo $m; echo $m >&2; {newline}LC_ALL=C; export LC_ALL; exec {command}\n"
    return text.encode("utf-8", "surrogateescape")


def _prefix(user: str) -> tuple[str, ...]:
    """Ask for a user's rights, and never for a password."""
    return ("sudo", "-n", "--") if user == ROOT else ("sudo", "-n", "-u", user, "--")


def _quoted(word: str) -> str:
    return '"$n"'.join(map(shlex.quote, word.split("\n"))) if "\n" in word else shlex.quote(word)
