"""Local modifications of what git knows, set aside before a fast-forward: as diffs to read, and as a stash to go back.

Files that git does not know stay where they are; a plan refuses where one of them stands in the way.
"""

from pathlib import Path

from genesis_ops.durable import create, sync_directory
from genesis_ops.errors import AbortCondition, typed, write_failed
from genesis_ops.host.checkout import Git
from genesis_ops.host.rights import as_user
from genesis_ops.words import visible

FOLDER = "modifications"
UNDONE = "undone"

_PRIVATE, _PRIVATE_FOLDER = 0o600, 0o700  # a local configuration may hold what is secret
_SECONDS = 100.0
_SURE = ("-c", "core.fsync=all")  # git does not wait by itself until the disk has what a stash consists of
_QUESTIONS = {
    "status.txt": ("status", "--untracked-files=normal"),
    "staged.diff": ("diff", "--binary", "--no-ext-diff", "--cached"),
    "unstaged.diff": ("diff", "--binary", "--no-ext-diff"),
}


def save(git: Git, folder: Path, name: str, user: str = "") -> str:
    """Write down the local modifications and stash them; the stash bears the operation's name. It tells what it did.

    ``user`` is whose the folder is, where that is not git's owner: root does not write through links of others.

    Raises:
        NotTold: git does not answer.
        AbortCondition: what is stashed is not all of it.
        WriteFailed: the diffs are not on the disk; then nothing is stashed.
    """
    if _changed(git) and not _stash_of(git, name):
        _write_down(git, folder / FOLDER, user)
        git.tell(*_SURE, "stash", "push", "--message", _message(name), seconds=_SECONDS)
        if left := _changed(git):
            told = f"still modified after they were set aside: {', '.join(left)}"
            raise AbortCondition(visible(told), next_command=f"git -C {typed(git.root)} status")
    stash = _stash_of(git, name)
    return f"set aside as {stash[0]}, {_message(name)}" if stash else "nothing is modified"


def unsave(git: Git, name: str) -> str:
    """Bring back what was set aside, staged as it was; where nothing was, nothing is done. It tells what it did.

    Raises:
        NotTold: git does not answer, or the modifications do not fit what is there; the stash stays.
        AbortCondition: something else is modified.
    """
    stash = _stash_of(git, name)
    if not stash:
        return "nothing was set aside"
    where, commit = stash
    if _changed(git):
        _require_known(git, where, commit)  # a hard stop came in between, and all is in the stash
        git.tell(*_SURE, "reset", "--hard", "--quiet", seconds=_SECONDS)
    git.tell(*_SURE, "stash", "apply", "--index", commit, seconds=_SECONDS)
    git.tell("stash", "drop", where, seconds=_SECONDS)
    return f"brought back from {commit[:12]}"


def undo(git: Git, folder: Path, user: str = "") -> str:
    """Take what is modified now out of the checkout, after it was written down; it tells what it did.

    It is for what was clean before: what a power cut leaves of a merge are empty files, over which git goes nowhere.

    Raises:
        NotTold: git does not answer.
        WriteFailed: the diffs are not on the disk; then nothing is undone.
    """
    if not (changed := _changed(git)):
        return "nothing is modified"
    _write_down(git, folder / UNDONE, user)
    git.tell(*_SURE, "reset", "--hard", "--quiet", seconds=_SECONDS)
    return f"written down and undone: {', '.join(map(visible, changed))}"


def _message(name: str) -> str:
    return f"genesis-ops {name}"


def _changed(git: Git) -> list[str]:
    said = git.tell("status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames")
    return [field[3:] for field in said.split("\0") if field]


def _require_known(git: Git, where: str, commit: str) -> None:
    """See that whatever is modified, staged or not, is so in the stash too, and may go before that comes.

    Raises:
        AbortCondition: something is not.
    """
    tree = _other_than(git, "HEAD") & _other_than(git, commit)
    index = _other_than(git, "--cached", "HEAD") & _other_than(git, "--cached", f"{commit}^2")
    if strange := sorted(tree | index):
        raise AbortCondition(
            visible(f"modified otherwise than what was set aside: {', '.join(strange)}"),
            notes=(f"what was set aside stays in {where}",),
            next_command=f"git -C {typed(git.root)} diff {where}",
        )


def _other_than(git: Git, *commit: str) -> set[str]:
    """Name the files that the working tree, or with ``--cached`` the index, has otherwise than a commit."""
    by_content = ("-c", "diff.autoRefreshIndex=true")  # or whatever was written since would count
    said = git.tell(*by_content, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", *commit, "--")
    return set(filter(None, said.split("\0")))


def _stash_of(git: Git, name: str) -> tuple[str, str] | None:
    """Find the stash by its name, and the commit that it is."""
    for line in git.tell("stash", "list", "--format=%gd%x00%H%x00%gs").splitlines():
        where, commit, subject = line.split("\0", 2)
        if subject.endswith(f": {_message(name)}"):
            return where, commit
    return None


def _write_down(git: Git, folder: Path, user: str) -> None:
    said = {name: git.tell(*words).encode("utf-8", "surrogateescape") for name, words in _QUESTIONS.items()}
    try:
        with as_user(user or git.owner):
            folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            for name, raw in said.items():
                (folder / name).unlink(missing_ok=True)
                create(folder / name, raw, mode=_PRIVATE)
            sync_directory(folder)
    except OSError as error:
        raise write_failed(folder, error) from error
