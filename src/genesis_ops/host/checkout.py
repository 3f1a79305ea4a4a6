"""What git tells of the checkout before anything is stopped: what would come, and whether it comes without a fight.

It is asked with the rights of the checkout's owner, and changes nothing: the commits that are not here yet are fetched
into a directory beside, which is thrown away.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from genesis_ops.clients.git import below
from genesis_ops.clients.machine import owner as owner_of
from genesis_ops.clients.machine_program import Said, ask
from genesis_ops.errors import GenesisError, typed
from genesis_ops.host.plan import Problem, Wishes
from genesis_ops.host.rights import as_user, caller, environment
from genesis_ops.words import Exit, visible

_SECONDS, _NETWORK_SECONDS = 30.0, 120.0
_MOST_COMMITS = 50
_SHOWN = 5
_SURE = (
    *("--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "diff.autoRefreshIndex=false"),  # or a question would write the index
)
_BRANCH = re.compile(r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|\Z)|[./]\Z))[A-Za-z0-9_][A-Za-z0-9_./+=-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "BISECT_LOG": "a bisection",
}
_EFFECTIVE = os.access in os.supports_effective_ids
_KINDS = {"A": "added", "D": "deleted", "T": "changed in kind"}


def is_branch(name: str) -> bool:
    """Tell whether this is a branch's name: no option, no path out of its place, no pattern."""
    return _BRANCH.fullmatch(name) is not None


def is_commit(name: str) -> bool:
    """Tell whether this is a commit's whole name."""
    return _COMMIT.fullmatch(name) is not None


class Checkout(NamedTuple):
    """What is there and what would come; its fields are those of the facts of a plan."""

    head: str = ""
    branch: str = ""
    wished: str = ""
    tip: str = ""
    remote: str = ""
    target: str = ""
    commits: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    changes_digest: str = ""
    problems: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()


class NotTold(GenesisError):
    """Git did not answer a question that has an answer."""

    exit_code = Exit.UNKNOWN


class Git(NamedTuple):
    """Git in one checkout, with its owner's rights."""

    root: Path
    owner: str
    beside: Mapping[str, str] = {}

    @classmethod
    def of(cls, root: Path) -> "Git":
        """Give git in a checkout as its owner has it."""
        return cls(root, owner_of(root))

    def ask(self, *words: str, seconds: float = _SECONDS) -> Said:
        """Ask; an end other than 0 is an answer too."""
        quiet = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_CEILING_DIRECTORIES": str(self.root.parent),
        }
        said = {**environment(self.owner), **quiet, **self.beside}
        return ask(("git", "-C", str(self.root), *_SURE, *words), seconds, said, Path("/"), caller(self.owner))

    def place(self) -> Path:
        """Find where git keeps what it knows of this checkout."""
        return Path(self.tell("rev-parse", "--absolute-git-dir").rstrip("\n"))

    def tell(self, *words: str, seconds: float = _SECONDS) -> str:
        """Ask what has to have an answer.

        Raises:
            NotTold: it has none.
        """
        said = self.ask(*words, seconds=seconds)
        if said.trouble or said.code:
            why = said.trouble or f"git {words[0]} ended with {said.code}: {said.first_words}"
            raise NotTold(visible(why), next_command=f"git -C {typed(self.root)} status")
        return said.out.decode("utf-8", "surrogateescape")


def locks_in(place: Path) -> list[Path]:
    """Find what git locks a checkout with: a file beside each that it changes; those of a dead one stay."""
    found = [*place.glob("*.lock"), *place.glob("refs/**/*.lock")]
    return sorted(path for path in found if not path.is_dir())


def look(git: Git, wishes: Wishes) -> Checkout:
    """Ask what is there and what would come; whatever stands in the way is among the problems."""
    try:
        return _look(git, wishes)
    except NotTold as error:
        return Checkout(problems=(Problem(error.message, error.next_command, error.exit_code),))


def _look(git: Git, wishes: Wishes) -> Checkout:
    head, branch = git.tell("rev-parse", "--verify", "HEAD^{commit}").strip(), _branch(git)
    changes, conflicts = _changes(git)
    found = Checkout(
        head=head,
        branch=branch,
        wished=wishes.branch or branch,
        changes=tuple(changes),
        changes_digest=_digest(git),
        problems=tuple(_not_at_rest(git, conflicts)),
    )
    if not is_branch(found.wished):
        return found._replace(problems=(*found.problems, _no_branch(found.wished)))
    remote = git.ask("config", "--get", f"branch.{found.wished}.remote").out.decode("utf-8", "replace").strip()
    found = found._replace(remote=remote or "origin")
    tip = git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{found.wished}^{{commit}}").out.decode().strip()
    target = _at_remote(git, found)
    if isinstance(target, Problem):
        return found._replace(problems=(*found.problems, target))
    found = found._replace(target=target, tip=tip)
    with _brought_beside(git, found) as wider:
        return _with_what_comes(wider, found, wishes)


def _branch(git: Git) -> str:
    said = git.ask("symbolic-ref", "--quiet", "--short", "HEAD")
    return said.out.decode("utf-8", "backslashreplace").strip() if said.code == 0 else ""


def _no_branch(wished: str) -> Problem:
    told = f"'{visible(wished)}' is not a branch's name" if wished else "HEAD is on no branch: say which is wished"
    return Problem(told, "genesis-ops remote plan --branch NAME", Exit.REFUSED)


def _changes(git: Git) -> tuple[list[str], list[str]]:
    """Name what is not as committed of what git knows, and what is in conflict."""
    fields = git.tell("status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames").split("\0")
    changed, conflicts = [], []
    for field in filter(None, fields):
        kind, path = field[:2], _path(field[3:])
        if "U" in kind or kind in {"AA", "DD"}:
            conflicts.append(path)
        changed.append(f"{next((_KINDS[sign] for sign in kind if sign in _KINDS), 'modified')} {path}")
    return changed, conflicts


def _path(path: str) -> str:
    return visible(path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def _digest(git: Git) -> str:
    """Sum up the local modifications, so that another one shows."""
    said = [git.tell("diff", "--binary", "--no-ext-diff", "--no-textconv", *which) for which in ((), ("--cached",))]
    return hashlib.sha256("\0".join(said).encode("utf-8", "surrogateescape")).hexdigest()


def _not_at_rest(git: Git, conflicts: Sequence[str]) -> Iterator[Problem]:
    """Name what a person has begun here and not ended."""
    show = f"git -C {typed(git.root)} status"
    place = git.place()
    if locks := locks_in(place):
        names = _listed([_path(str(each.relative_to(place))) for each in locks])
        told = f"git works here, or was killed and left {names}"
        yield Problem(told, f"pgrep -a git || rm {typed(locks[0])}", Exit.REFUSED)
    if under_way := {what for name, what in _UNDER_WAY.items() if os.path.lexists(place / name)}:
        yield Problem(f"{' and '.join(sorted(under_way))} is under way in the checkout", show, Exit.REFUSED)
    elif conflicts:
        yield Problem(f"in conflict: {_listed(conflicts)}", show, Exit.REFUSED)


def _at_remote(git: Git, found: Checkout) -> str | Problem:
    """Ask the remote which commit its branch has."""
    retry = f"git -C {typed(git.root)} ls-remote {found.remote}"
    if found.remote not in git.tell("remote").splitlines() or not is_branch(found.remote):
        told = f"the checkout has no remote '{visible(found.remote)}'"
        return Problem(told, f"git -C {typed(git.root)} remote -v", Exit.REFUSED)
    ref = f"refs/heads/{found.wished}"
    said = git.ask("ls-remote", "--refs", "--quiet", "--", found.remote, ref, seconds=_NETWORK_SECONDS)
    if said.trouble or said.code:
        why = visible(said.trouble or said.first_words)
        return Problem(f"{found.remote} does not answer: {without_password(why)}", retry, Exit.UNKNOWN)
    lines = [line.split("\t") for line in said.out.decode("utf-8", "replace").splitlines()]
    commits = [line[0] for line in lines if line[1:] == [ref] and is_commit(line[0])]
    return commits[0] if commits else Problem(f"{found.remote} has no branch {found.wished}", retry, Exit.REFUSED)


def without_password(text: str) -> str:
    """Leave out of a text what stands before a host's name in an address."""
    return re.sub(r"//[^/@\s]*@", "//…@", text)


@contextmanager
def _brought_beside(git: Git, found: Checkout) -> Iterator[Git]:
    """Have the commits at hand that would come, in a directory that nothing remembers afterwards."""
    if git.ask("cat-file", "-e", f"{found.target}^{{commit}}").code == 0:
        yield git
        return
    import tempfile  # which a look at the checkout does not need

    with tempfile.TemporaryDirectory(prefix="genesis-ops-") as place:
        if (rights := caller(git.owner)) is not None:
            os.chown(place, rights.uid, rights.gid)
        objects = git.tell("rev-parse", "--path-format=absolute", "--git-path", "objects").rstrip("\n")
        wider = git._replace(beside={"GIT_OBJECT_DIRECTORY": place, "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects})
        ref = f"refs/heads/{found.wished}"
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--refmap=")
        wider.tell("fetch", *options, "--", found.remote, ref, seconds=_NETWORK_SECONDS)
        yield wider


def _with_what_comes(git: Git, found: Checkout, wishes: Wishes) -> Checkout:
    """Look at the commits between here and there, and at the files that they touch."""
    span = f"{found.head}..{found.target}"
    log = git.tell("log", f"--max-count={_MOST_COMMITS}", "--no-show-signature", "--format=%h %s", span)
    commits = tuple(visible(line)[:100] for line in log.splitlines())
    problems = list(found.problems)
    if git.ask("merge-base", "--is-ancestor", found.tip or found.head, found.target).code:
        told = f"{found.wished} here and at {found.remote} have gone different ways: no fast-forward is possible"
        show = f"git -C {typed(git.root)} log --oneline --graph {found.wished} {found.remote}/{found.wished}"
        problems.append(Problem(told, show, Exit.REFUSED))
    coming = _coming(git, found)
    problems += _in_the_way(git, found, coming)
    problems += _unseen(git, coming)
    problems += _unwritable(git, found, coming)
    frozen = _frozen(found, coming)
    if frozen and not wishes.allow_frozen:
        problems += [Problem(told, "genesis-ops remote plan --allow-frozen", Exit.REFUSED) for told in frozen]
    notices = tuple(frozen) if wishes.allow_frozen else ()
    return found._replace(commits=commits, problems=tuple(problems), notices=notices)


def _coming(git: Git, found: Checkout) -> dict[str, str]:
    """List the files that come, and how each changes: A for one that is new, D for one that goes."""
    said = git.tell("diff", "--name-status", "-z", "--no-renames", found.head, found.target).split("\0")
    return dict(zip(said[1::2], said[::2], strict=False))


def _frozen(found: Checkout, coming: Iterable[str]) -> list[str]:
    """Say what would change of what nobody may change while the phase runs (freeze rules of Phase 3)."""
    from genesis_ops.checks.doctor_facts import FROZEN  # a look at the server need not load all that checks need

    def frozen(path: str) -> bool:
        return any(below(path, folder) for folder in FROZEN)

    paths = [_path(path) for path in coming if frozen(path)]
    here = [path for path in (change.split(" ", 1)[1] for change in found.changes) if frozen(path)]
    told = [f"what comes changes what is frozen: {_listed(paths)}"] if paths else []
    return told + ([f"frozen, and modified here, which would be set aside: {_listed(here)}"] if here else [])


def _in_the_way(git: Git, found: Checkout, coming: Mapping[str, str]) -> list[Problem]:
    """Name what git does not know and would have to overwrite; what it ignores it would overwrite without a word."""
    known = {change.split(" ", 1)[1] for change in found.changes}
    new = [path for path, kind in coming.items() if kind == "A" and _path(path) not in known]
    taken = [path for path in new if _is_taken(git.root, path)]
    if not taken:
        return []
    told = f"in the way of what comes, and unknown to git: {_listed([_path(path) for path in taken])}"
    return [Problem(told, f"mv {typed(git.root / taken[0])} ~/", Exit.REFUSED)]


def _unseen(git: Git, coming: Iterable[str]) -> list[Problem]:
    """Name what comes changed where git was told not to look: what stands there it would find only when it merges."""
    marked = [entry for entry in git.tell("ls-files", "-v", "-z").split("\0") if entry]
    hidden = {entry[2:] for entry in marked if entry[0] == "S" or entry[0].islower()}
    if not (found := [path for path in coming if path in hidden]):
        return []
    told = f"git was told not to look at what comes changed: {_listed([_path(path) for path in found])}"
    undo = f"git -C {typed(git.root)} update-index --no-skip-worktree --no-assume-unchanged -- {typed(Path(found[0]))}"
    return [Problem(told, undo, Exit.REFUSED)]


def _unwritable(git: Git, found: Checkout, coming: Iterable[str]) -> list[Problem]:
    """Name where the checkout's owner may not write and git will have to, as after a git that root once ran there."""
    place = git.place()
    places = {place, place / "refs/heads", place / "refs/remotes" / found.remote, *place.glob("objects/*")}
    there = sorted({each for each in places if each.is_dir()} | {_nearest(git.root, path) for path in coming})
    with as_user(git.owner):
        closed = [each for each in there if not os.access(each, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE)]
    if not closed:
        return []
    names = _listed([_path(os.path.relpath(each, git.root)) for each in closed])
    told = f"{git.owner} may not write where git has to: {names}"
    return [Problem(told, f"sudo chown -R {git.owner}: {typed(git.root)}", Exit.REFUSED)]


def _nearest(root: Path, path: str) -> Path:
    """Find the directory that is there and would hold a file, or what has to be made for it."""
    return next(each for each in ((root / path).parents) if each.is_dir())


def _is_taken(root: Path, path: str) -> bool:
    parents = [root / parent for parent in Path(path).parents][:-1]
    return os.path.lexists(root / path) or any(os.path.lexists(each) and not each.is_dir() for each in parents)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
