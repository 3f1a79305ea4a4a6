"""Locks of a git that is dead: taken away, but never from one that works."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from genesis_ops.clients.machine import this_user
from genesis_ops.clients.process import in_directory
from genesis_ops.errors import AbortCondition
from genesis_ops.host.checkout import Git
from genesis_ops.host.dead_locks import unlock

pytestmark = pytest.mark.skipif(shutil.which("git") is None or os.name == "nt", reason="needs git, as a server has it")


@pytest.fixture
def git(tmp_path: Path) -> Git:
    subprocess.run(("git", "init", "--quiet", "--initial-branch=main"), cwd=tmp_path, check=True)
    for name in ("index.lock", "refs/heads/main.lock"):
        (tmp_path / ".git" / name).touch()
    return Git(tmp_path, this_user())


def test_what_a_killed_git_left_is_taken_away_and_named(git: Git) -> None:
    assert unlock(git) == ("index.lock", "refs/heads/main.lock")
    assert unlock(git) == ()


def test_a_git_that_works_keeps_its_lock(git: Git) -> None:
    with subprocess.Popen(("git", "cat-file", "--batch"), cwd=git.root, stdin=subprocess.PIPE) as working:
        assert [process.pid for process in in_directory("git", git.root)] == [working.pid]
        with pytest.raises(AbortCondition, match=f"git works in the checkout: pid {working.pid}"):
            unlock(git)
    assert (git.root / ".git" / "index.lock").exists()
