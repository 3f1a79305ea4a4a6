"""Local modifications set aside and brought back, staged as they were."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from genesis_ops.clients.machine import this_user
from genesis_ops.errors import AbortCondition, WriteFailed
from genesis_ops.host.checkout import Git
from genesis_ops.host.modifications import save, undo, unsave

pytestmark = pytest.mark.skipif(shutil.which("git") is None or os.name == "nt", reason="needs git, as a server has it")

NAME, OTHER = "20260205_131002Z", "20260205_131003Z"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    root = tmp_path / "root"
    root.mkdir()
    run(root, "init", "--quiet", "--initial-branch=main")
    for name in ("a", "b", "c"):
        (root / name).write_text(f"{name}\n")
    run(root, "add", ".")
    run(root, "commit", "--quiet", "-m", "Begin")
    return Git(root, this_user())


def run(root: Path, *words: str) -> str:
    who = {f"GIT_{each}_{what}": "x@example.org" for each in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ("git", *words), cwd=root, env={**os.environ, **who}, check=True, capture_output=True, text=True
    )
    return done.stdout.rstrip("\n")


def modify(root: Path) -> str:
    (root / "a").write_text("changed\n")
    (root / "b").unlink()
    (root / "new").write_text("new\n")
    (root / "c").write_text("staged\n")
    run(root, "add", "new", "c")
    (root / "unknown").write_text("git does not know me\n")
    return run(root, "status", "--porcelain")


def test_what_is_set_aside_comes_back_as_it_was(git: Git, tmp_path: Path) -> None:
    before = modify(git.root)
    assert "set aside" in save(git, tmp_path / "archive", NAME)
    assert run(git.root, "status", "--porcelain") == "?? unknown"
    assert "brought back" in unsave(git, NAME)
    assert run(git.root, "status", "--porcelain") == before
    assert run(git.root, "stash", "list") == ""


def test_the_diffs_are_kept_for_their_owner_alone(git: Git, tmp_path: Path) -> None:
    modify(git.root)
    save(git, tmp_path / "archive", NAME)
    kept = tmp_path / "archive" / "modifications"
    assert "+changed" in (kept / "unstaged.diff").read_text()
    assert "+new" in (kept / "staged.diff").read_text()
    assert "unknown" in (kept / "status.txt").read_text()
    assert {path.stat().st_mode & 0o077 for path in (kept, *kept.iterdir())} == {0}


def test_where_nothing_is_modified_nothing_is_set_aside(git: Git, tmp_path: Path) -> None:
    run(git.root, "stash", "list")
    assert save(git, tmp_path / "archive", NAME) == "nothing is modified"
    assert unsave(git, NAME) == "nothing was set aside"


def test_a_stash_of_somebody_else_is_left_alone(git: Git, tmp_path: Path) -> None:
    (git.root / "a").write_text("theirs\n")
    run(git.root, "stash", "push", "--quiet", "--message", f"genesis-ops {OTHER}")
    modify(git.root)
    save(git, tmp_path / "archive", NAME)
    unsave(git, NAME)
    assert run(git.root, "stash", "list", "--format=%gs").endswith(f"genesis-ops {OTHER}")
    assert (git.root / "a").read_text() == "changed\n"


def test_set_aside_and_brought_back_twice_is_once(git: Git, tmp_path: Path) -> None:
    before = modify(git.root)
    save(git, tmp_path / "archive", NAME)
    save(git, tmp_path / "archive", NAME)
    assert run(git.root, "stash", "list", "--format=%gd") == "stash@{0}"
    unsave(git, NAME)
    unsave(git, NAME)
    assert run(git.root, "status", "--porcelain") == before


def test_modifications_that_no_longer_fit_stay_in_the_stash(git: Git, tmp_path: Path) -> None:
    (git.root / "a").write_text("changed\n")
    save(git, tmp_path / "archive", NAME)
    (git.root / "a").write_text("another\n")
    with pytest.raises(AbortCondition, match="modified otherwise than what was set aside: a"):
        unsave(git, NAME)
    assert NAME in run(git.root, "stash", "list")
    assert (git.root / "a").read_text() == "another\n"


@pytest.mark.parametrize("back", [[], ["a"], ["a", "b", "c", "new"]], ids=["not yet", "in part", "all"])
def test_what_a_hard_stop_left_between_the_stash_and_its_end_is_brought_back(
    git: Git, tmp_path: Path, back: list[str]
) -> None:
    before = modify(git.root)
    save(git, tmp_path / "archive", NAME)
    if "new" in back:
        run(git.root, "stash", "apply", "--quiet", "--index")
    elif back:
        (git.root / "a").write_text("changed\n")
    assert "brought back" in unsave(git, NAME)
    assert run(git.root, "status", "--porcelain") == before
    assert run(git.root, "stash", "list") == ""


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root writes where others lay links")
def test_root_does_not_write_through_the_links_of_others(git: Git, tmp_path: Path) -> None:
    (tmp_path / "roots").mkdir(mode=0o755)
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "modifications").symlink_to(tmp_path / "roots")
    for place in (tmp_path, *tmp_path.parents):
        if place.stat().st_mode & 0o011 != 0o011:
            place.chmod(place.stat().st_mode | 0o011)
            if place.parent == Path("/tmp"):
                break
    modify(git.root)
    with pytest.raises(WriteFailed):
        save(git, tmp_path / "archive", NAME, "nobody")
    assert list((tmp_path / "roots").iterdir()) == []
    assert run(git.root, "stash", "list") == ""


def test_half_a_merge_is_written_down_and_undone(git: Git, tmp_path: Path) -> None:
    (git.root / "a").write_text("")  # what a power cut leaves of a file that was not yet on the disk
    assert undo(git, tmp_path / "archive") == "written down and undone: a"
    assert (git.root / "a").read_text() == "a\n"
    assert "-a" in (tmp_path / "archive" / "undone" / "unstaged.diff").read_text()
    assert undo(git, tmp_path / "archive") == "nothing is modified"
