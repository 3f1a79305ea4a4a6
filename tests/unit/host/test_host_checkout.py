"""What git tells before anything is stopped, of real checkouts with a real origin."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.clients.machine import this_user
from genesis_ops.host.checkout import Checkout, Git, is_branch, look, without_password
from genesis_ops.host.plan import Wishes

pytestmark = pytest.mark.skipif(shutil.which("git") is None or os.name == "nt", reason="needs git, as a server has it")

HOSTILE = [
    *("-b", "--upload-pack=touch x", "$(touch x)", "`touch x`", "a;touch x", "a b", "a\nb", "../main", "a/../b"),
    *("a..b", "main:main", "+main", "main^", "main~1", "@{u}", "refs/heads/*", "main\x00", "main?", "[m]", "a.lock"),
    *("/main", "ma\\in", "main/", "main.", "", "x" * 300),
]  # fmt: skip


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout and its origin, to be copied."""
    place = tmp_path_factory.mktemp("pattern")
    run(place, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    run(place, "clone", "--quiet", "origin.git", "root")
    root = place / "root"
    run(root, "switch", "--quiet", "--orphan", "main")
    commit(root, "README.md", "one\n")
    commit(root, "config/strategy/champions/tBTCUSD_1h.json", "{}\n")
    run(root, "push", "--quiet", "--set-upstream", "origin", "main")
    return place


@pytest.fixture
def root(pattern: Path, tmp_path: Path) -> Path:
    shutil.copytree(pattern, tmp_path / "place")
    run(tmp_path / "place" / "root", "remote", "set-url", "origin", str(tmp_path / "place" / "origin.git"))
    return tmp_path / "place" / "root"


def run(place: Path, *words: str) -> str:
    who = {f"GIT_{each}_{what}": "x@example.org" for each in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    bare = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ("git", *words), cwd=place, env={**os.environ, **who, **bare}, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(root: Path, path: str, text: str) -> str:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    run(root, "add", "--force", path)
    run(root, "commit", "--quiet", "-m", f"Change {path}")
    return run(root, "rev-parse", "HEAD")


def push(root: Path, path: str, text: str = "new\n", branch: str = "main") -> str:
    """Let a commit appear at the origin that the checkout has not."""
    work = root.parent / "work"
    if not work.exists():
        run(root.parent, "clone", "--quiet", "origin.git", "work")
    run(work, "switch", "--quiet", "--force-create", branch, "origin/main")
    made = commit(work, path, text)
    run(work, "push", "--quiet", "--force", "origin", f"HEAD:{branch}")
    return made


def seen(root: Path, **wishes: object) -> Checkout:
    return look(Git(root, this_user()), Wishes(**wishes))  # type: ignore[arg-type]


def problems(root: Path, **wishes: object) -> list[str]:
    return [problem.what for problem in seen(root, **wishes).problems]


def everything(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_what_comes_is_told_and_nothing_is_changed(root: Path) -> None:
    target, before = push(root, "src/new.py"), everything(root)
    found = seen(root)
    assert (found.target, found.problems, found.tip, found.branch) == (target, (), found.head, "main")
    assert [line.split(" ", 1)[1] for line in found.commits] == ["Change src/new.py"]
    assert everything(root) == before


def test_nothing_new_is_no_problem(root: Path) -> None:
    found = seen(root)
    assert (found.head, found.commits, found.problems) == (found.target, (), ())


def test_local_modifications_are_named_and_another_one_shows(root: Path) -> None:
    (root / "README.md").write_text("two\n")
    first = seen(root)
    (root / "README.md").write_text("three\n")
    second = seen(root)
    assert (first.changes, first.problems) == (("modified README.md",), ())
    assert first.changes_digest != second.changes_digest


def test_a_history_that_went_another_way_is_refused(root: Path) -> None:
    push(root, "a")
    commit(root, "b", "here\n")
    assert problems(root) == ["main here and at origin have gone different ways: no fast-forward is possible"]


@pytest.mark.parametrize("ignored", [False, True])
def test_what_git_does_not_know_is_never_overwritten(root: Path, ignored: bool) -> None:
    push(root, "notes/today.txt")
    (root / ".git" / "info" / "exclude").write_text("notes/\n" if ignored else "")
    (root / "notes").mkdir()
    (root / "notes" / "today.txt").write_text("mine\n")
    assert problems(root) == ["in the way of what comes, and unknown to git: notes/today.txt"]


def test_a_file_where_a_directory_is_to_come_is_in_the_way(root: Path) -> None:
    push(root, "notes/today.txt")
    (root / "notes").write_text("mine\n")
    assert problems(root) == ["in the way of what comes, and unknown to git: notes/today.txt"]


def test_a_frozen_file_that_comes_changed_is_refused_unless_wished(root: Path) -> None:
    push(root, "config/strategy/champions/tBTCUSD_1h.json", '{"other": 1}\n')
    said = "what comes changes what is frozen: config/strategy/champions/tBTCUSD_1h.json"
    assert problems(root) == [said]
    found = seen(root, allow_frozen=True)
    assert (found.problems, found.notices) == ((), (said,))


def test_a_frozen_file_that_is_modified_here_is_not_set_aside(root: Path) -> None:
    (root / "config/strategy/champions/tBTCUSD_1h.json").write_text('{"mine": 1}\n')
    assert [problem.split(":")[0] for problem in problems(root)] == [
        "frozen, and modified here, which would be set aside"
    ]


def test_without_a_branch_one_has_to_be_wished(root: Path) -> None:
    run(root, "switch", "--quiet", "--detach")
    assert problems(root) == ["HEAD is on no branch: say which is wished"]
    assert problems(root, branch="main") == []


def test_another_branch_may_be_wished_and_need_not_be_known_here(root: Path) -> None:
    target = push(root, "c", branch="next")
    found = seen(root, branch="next")
    assert (found.target, found.tip, found.problems) == (target, "", ())


def test_a_branch_that_the_remote_has_not_is_refused(root: Path) -> None:
    assert problems(root, branch="nowhere") == ["origin has no branch nowhere"]


def test_a_remote_that_does_not_answer_is_said_without_a_password(root: Path) -> None:
    run(root, "remote", "set-url", "origin", "https://user:hunter22@127.0.0.1:9/x.git")
    (said,) = problems(root)
    assert said.startswith("origin does not answer")
    assert "hunter22" not in said
    assert without_password("fatal: 'https://a:b@host/x' x") == "fatal: 'https://…@host/x' x"


def test_a_merge_under_way_is_refused(root: Path) -> None:
    (root / ".git" / "MERGE_HEAD").write_text(run(root, "rev-parse", "HEAD") + "\n")
    assert problems(root) == ["a merge is under way in the checkout"]


@pytest.mark.parametrize("lock", ["index.lock", "refs/heads/main.lock"])
def test_a_lock_that_a_killed_git_left_is_refused(root: Path, lock: str) -> None:
    (root / ".git" / lock).touch()
    (problem,) = seen(root).problems
    assert problem.what == f"git works here, or was killed and left {lock}"
    assert problem.next == f"pgrep -a git || rm {root}/.git/{lock}"


@pytest.mark.parametrize("mark", ["--skip-worktree", "--assume-unchanged"])
def test_a_change_at_which_git_was_told_not_to_look_is_refused(root: Path, mark: str) -> None:
    push(root, "README.md", "coming\n")
    run(root, "update-index", mark, "README.md")
    assert problems(root) == ["git was told not to look at what comes changed: README.md"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root makes directories of root's")
def test_a_directory_of_roots_where_git_has_to_write_is_refused(root: Path) -> None:
    push(root, "config/strategy/new.py")
    run(root.parent, "config", "--file", str(root / ".git/config"), "core.bare", "false")
    for path in (root.parent, *root.parent.rglob("*")):
        shutil.chown(path, "nobody")
    shutil.chown(root / "config/strategy", "root")
    for place in root.parents:
        if place.owner() == "root" and place != Path("/") and not place.stat().st_mode & 0o001:
            place.chmod(0o711)
    found = look(Git(root, "nobody"), Wishes())
    assert [each.what for each in found.problems] == ["nobody may not write where git has to: config/strategy"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_branch_is_none(name: str) -> None:
    assert not is_branch(name)


def test_a_hostile_branch_is_never_asked_for(root: Path) -> None:
    found = problems(root, branch="--upload-pack=touch x")
    assert found == ["'--upload-pack=touch x' is not a branch's name"]


@pytest.mark.parametrize("name", ["ext::sh -c touch% x", "--upload-pack=x"])
def test_a_remote_that_is_no_name_is_not_asked(root: Path, name: str) -> None:
    run(root, "config", "branch.main.remote", name)
    assert problems(root) == [f"the checkout has no remote '{name}'"]


@given(st.text(alphabet="ab/.-_+=@{}~^:?*[\\ \n\x7flock", min_size=1, max_size=12))
def test_what_is_taken_for_a_branch_is_one_to_git(name: str) -> None:
    if not is_branch(name):
        return
    done = subprocess.run(("git", "check-ref-format", f"refs/heads/{name}"), check=False)
    assert (done.returncode, name[0] == "-") == (0, False)
