"""What git says of a checkout: asked through the program itself in its machine formats, so that nothing is changed.

Neither the checkout's own configuration nor the caller's environment may run a hook, a pager, a monitor or a fetch. A
filter that it names is run by git itself where a file may have changed: root should not look at a checkout of others.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from genesis_ops.clients.machine_program import Said, ask
from genesis_ops.words import visible

_SECONDS = 15.0
_MOST_COMMITS = 1000
_SURE = (
    *("--no-pager", "--no-replace-objects", "--literal-pathspecs"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.follow=false"),
)
_STATUS = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--ignore-submodules=dirty", "--ahead-behind")
# A subject may be empty and a path may not: the empty field before each commit tells where the paths before it end.
_FORMAT = ("-z", "--encoding=UTF-8", "--no-show-signature", "--format=%x00%h%x00%ct%x00%P%x00%s")
# The default leaves out a merge that brings an older commit in, and --since ends at the first commit with a wrong date.
_WHOLE = ("--full-history", "--show-pulls", "--diff-merges=first-parent", "--name-only", "--no-renames")
_FIELDS = 4
_DUBIOUS = ("dubious ownership", "unsafe repository")
_NO_CHECKOUT = ("not a git repository", "must be run in a work tree")
_KINDS = {"M": "modified", "A": "added", "D": "deleted", "T": "changed in kind", "R": "renamed", "C": "copied"}


class Change(NamedTuple):
    """A file that is not as it was committed; a path that ends with ``/`` is a directory of files git does not know."""

    path: str
    kind: str


class Commit(NamedTuple):
    """A commit by its short name (``at_ms``: committed, UTC), and the asked-for files that it touches.

    ``first``: it has no parent, as the first of a history, or of the part of one that a shallow clone has.
    """

    name: str
    at_ms: int
    subject: str
    files: tuple[str, ...] = ()
    first: bool = False


class Repository(NamedTuple):
    """A checkout, or why nothing can be said of it; the text in it is untrusted."""

    branch: str = ""
    """Empty where HEAD is on none."""
    head: Commit | None = None
    """None before the first commit."""
    upstream: str = ""
    ahead: int | None = None
    behind: int | None = None
    """None where the upstream is not known here."""
    changes: tuple[Change, ...] = ()
    shallow: bool = False
    touching: tuple[Commit, ...] = ()
    """The newest commits of HEAD's history that touch the watched paths."""
    tracked: tuple[str, ...] = ()
    """The watched paths that hold a file which git knows."""
    unseen: tuple[str, ...] = ()
    """Files below the watched paths at which git was told not to look."""
    trouble: str = ""
    absent: bool = False
    """Whether the trouble is that there is nothing to ask: no git, no checkout, or one this user may not ask about."""
    foreign: bool = False
    """Whether the trouble is that the checkout is another user's."""


class _Refused(Exception):
    """A question that git did not answer."""

    def __init__(self, found: Repository) -> None:
        super().__init__(found.trouble)
        self.found = found


def look(root: Path, watched: Sequence[str]) -> Repository:
    """Ask about a checkout, and about the history and the files below some of its paths."""
    try:
        return _look(Path(os.path.realpath(root)), watched)
    except _Refused as refused:
        return refused.found
    except (ValueError, IndexError):
        return Repository(trouble="git's answer cannot be read")


def _look(root: Path, watched: Sequence[str]) -> Repository:
    top, _, shallow = _asked(root, "rev-parse", "--show-toplevel", "--is-shallow-repository")[:-1].rpartition("\n")
    if os.path.realpath(top) != str(root):
        raise _Refused(Repository(trouble=f"git keeps another directory here: {visible(top)}", absent=True))
    found = _status(_asked(root, *_STATUS, "--untracked-files=normal").split("\0"))
    files = _asked(root, "ls-files", "-v", "-z", "--", *watched).split("\0")
    found = found._replace(
        shallow=shallow == "true",
        tracked=tuple(path for path in watched if any(below(file[2:], path) for file in files)),
        unseen=tuple(file[2:] for file in files if file and (file[0] == "S" or file[0].islower())),
    )
    if found.head is None:
        return found
    (head,) = _commits(_asked(root, "log", "-n", "1", *_FORMAT, "HEAD").split("\0"))
    history = _asked(root, "log", "-n", str(_MOST_COMMITS), *_FORMAT, *_WHOLE, "HEAD", "--", *watched)
    return found._replace(head=head, touching=tuple(_commits(history.split("\0"))))


def below(path: str, folder: str) -> bool:
    """Tell whether a path of a checkout is a folder or lies below it."""
    return path == folder or path.startswith(f"{folder}/")


def _asked(root: Path, *words: str) -> str:
    environment = {
        **{name: value for name in ("HOME", "XDG_CONFIG_HOME") if (value := os.environ.get(name))},  # safe.directory
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "none",  # a partial clone fetches what it lacks
        "GIT_CEILING_DIRECTORIES": str(root.parent),  # a repository around the root is another one
    }
    said = ask(("git", *_SURE, *words), _SECONDS, environment, root)
    if said.trouble or said.code:
        raise _Refused(_refusal(root, words[0], said))
    return said.out.decode("utf-8", "backslashreplace")


def _refusal(root: Path, word: str, said: Said) -> Repository:
    """Say why git does not answer: it is not there, may not, has nothing to tell of, or fails."""
    if said.trouble:
        return Repository(trouble=said.trouble, absent=said.absent)
    complaint = said.err.decode("utf-8", "backslashreplace")
    if any(words in complaint for words in _DUBIOUS):
        return Repository(trouble="git does not trust a checkout of another user", absent=True, foreign=True)
    if "Permission denied" in complaint or _is_closed(root / ".git"):
        return Repository(trouble=f"this user may not read {visible(str(root / '.git'))}", absent=True)
    if any(words in complaint for words in _NO_CHECKOUT):
        return Repository(trouble=f"{visible(str(root))} is no git checkout", absent=True)
    return Repository(trouble=f"git {word} ended with {said.code}: {visible(said.first_words)}")


def _is_closed(directory: Path) -> bool:
    """Tell whether something is there that this user may not look into; git says that there is no repository."""
    return os.path.lexists(directory) and not os.access(directory, os.R_OK | (os.X_OK if directory.is_dir() else 0))


def _status(fields: Sequence[str]) -> Repository:
    """Read ``git status --porcelain=v2 --branch -z`` (git-status(1))."""
    found, changes = Repository(), []
    rest = iter(fields)
    for field in rest:
        kind, _, said = field.partition(" ")
        if kind == "#":
            found = _headed(found, *said.split(" ", 1))
        elif kind in _PLACES:
            changes.append(Change(said.split(" ", _PLACES[kind])[-1], _kind(kind, said)))
        if kind == "2":
            next(rest, "")  # where it was before
    return found._replace(changes=tuple(changes))


_PLACES = {"1": 7, "2": 8, "u": 9, "?": 0}
"""How many words stand before a path in each kind of line."""


def _kind(kind: str, said: str) -> str:
    if kind in "?u":
        return "not in git" if kind == "?" else "in conflict"
    staged, now = said[0], said[1]
    return _KINDS.get(now if now != "." else staged, "changed")


def _headed(found: Repository, name: str, value: str) -> Repository:
    if name == "branch.oid":
        return found._replace(head=None if value == "(initial)" else Commit(value, 0, ""))
    if name == "branch.head":
        return found._replace(branch="" if value == "(detached)" else value)
    if name == "branch.upstream":
        return found._replace(upstream=value)
    if name == "branch.ab":
        ahead, _, behind = value.partition(" ")
        return found._replace(ahead=abs(int(ahead)), behind=abs(int(behind)))
    return found


def _commits(fields: Sequence[str]) -> Iterator[Commit]:
    """Read a log in our format: an empty field, the commit's own fields, then its paths, the first after a newline."""
    at = 0
    while at + _FIELDS < len(fields):
        name, seconds, parents, subject = fields[at + 1 : at + 1 + _FIELDS]
        at += 1 + _FIELDS
        end = next((i for i in range(at, len(fields)) if not fields[i]), len(fields))
        files = tuple(path.removeprefix("\n") if i == 0 else path for i, path in enumerate(fields[at:end]))
        yield Commit(name, int(seconds) * 1000, subject, files, not parents)
        at = end
