"""git asked about real checkouts: branches, changes, history since a day, and every way not to get an answer."""

import os
import select
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.clients import git
from genesis_ops.clients.git import Change, Commit, Repository, look

MODELS, CHAMPIONS = "config/models", "config/strategy/champions"
WATCHED = (CHAMPIONS, MODELS)
DAY_0 = "2026-02-04T00:00:00Z"
BEFORE, LATER, LATEST = "2026-01-01T10:00:00Z", "2026-02-05T10:00:00Z", "2026-02-06T10:00:00Z"
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


class Checkout:
    """A repository whose commits are made at given times."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.write(f"{CHAMPIONS}/tBTCUSD_1h.json", "{}")
        self.write("src/server.py", "1")
        self.commit("first", BEFORE)

    def git(self, *words: str, at: str = LATER) -> str:
        names = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_CONFIG_GLOBAL": "/dev/null"}
        env = {"PATH": os.environ["PATH"], **names, **dates}
        done = subprocess.run(("git", *words), cwd=self.root, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, "utf-8")

    def commit(self, subject: str, at: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty-message", "-m", subject, at=at)

    def look(self) -> Repository:
        return look(self.root, WATCHED)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("HOME", str(tmp_path))
    return Checkout(tmp_path / "root")


def subjects(found: Repository) -> list[str]:
    return [commit.subject for commit in found.touching]


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


# --- what is checked out


def test_a_branch_and_its_newest_commit_are_told(checkout: Checkout) -> None:
    found = checkout.look()
    assert (found.trouble, found.branch, found.upstream, found.ahead) == ("", "main", "", None)
    assert found.head is not None
    assert found.head == Commit(checkout.git("rev-parse", "--short", "HEAD"), 1_767_261_600_000, "first", (), True)


def test_a_detached_head_is_on_no_branch(checkout: Checkout) -> None:
    checkout.git("checkout", "-q", "--detach")
    assert checkout.look().branch == ""


def test_a_repository_without_a_commit_has_no_head(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    found = look(tmp_path, WATCHED)
    assert (found.trouble, found.branch, found.head, found.touching) == ("", "main", None, ())


def test_a_branch_is_held_against_its_upstream(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("clone", "-q", str(checkout.root), str(tmp_path / "clone"))
    checkout.git("-C", str(tmp_path / "clone"), "commit", "-q", "--allow-empty", "-m", "here")
    found = look(tmp_path / "clone", WATCHED)
    assert (found.upstream, found.ahead, found.behind) == ("origin/main", 1, 0)


def test_an_upstream_that_is_gone_is_not_counted_against(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("clone", "-q", str(checkout.root), str(tmp_path / "clone"))
    checkout.git("-C", str(tmp_path / "clone"), "update-ref", "-d", "refs/remotes/origin/main")
    found = look(tmp_path / "clone", WATCHED)
    assert (found.upstream, found.ahead, found.behind) == ("origin/main", None, None)


# --- what was changed


def test_every_kind_of_change_is_named(checkout: Checkout) -> None:
    for name in ("a", "b", "c"):
        checkout.write(name, name)
    checkout.commit("three", BEFORE)
    checkout.write("a", "changed")
    (checkout.root / "b").unlink()
    checkout.git("mv", "c", "d")
    checkout.write("e", "staged")
    checkout.git("add", "e")
    checkout.write("new/f", "new")
    assert set(checkout.look().changes) == {
        Change("a", "modified"),
        Change("b", "deleted"),
        Change("c", "deleted"),
        Change("d", "added"),
        Change("e", "added"),
        Change("new/", "not in git"),
    }


def test_a_conflict_is_named(checkout: Checkout) -> None:
    checkout.git("checkout", "-q", "-b", "side")
    checkout.write("src/server.py", "2")
    checkout.commit("side", BEFORE)
    checkout.git("checkout", "-q", "main")
    checkout.write("src/server.py", "3")
    checkout.commit("main", BEFORE)
    with pytest.raises(subprocess.CalledProcessError):
        checkout.git("merge", "side")
    assert checkout.look().changes == (Change("src/server.py", "in conflict"),)


@pytest.mark.parametrize(
    "name", ["two\nlines", "a b", " lead", "\x1b[31mred", "наш → ü", '"quoted"', "-n", "? x", "1 M"]
)
def test_a_files_name_is_told_as_it_is(checkout: Checkout, name: str) -> None:
    checkout.write(f"{MODELS}/{name}", "1")
    checkout.commit("hostile", LATER)
    checkout.write(f"{MODELS}/{name}", "2")
    found = checkout.look()
    assert found.changes == (Change(f"{MODELS}/{name}", "modified"),)
    assert found.touching[0].files == (f"{MODELS}/{name}",)


def test_a_configuration_that_hides_new_files_hides_none(checkout: Checkout) -> None:
    checkout.git("config", "status.showUntrackedFiles", "no")
    checkout.write("new", "")
    assert checkout.look().changes == (Change("new", "not in git"),)


def test_a_file_at_which_git_was_told_not_to_look_is_named(checkout: Checkout) -> None:
    champion = f"{CHAMPIONS}/tBTCUSD_1h.json"
    checkout.git("update-index", "--assume-unchanged", champion)
    checkout.write(champion, "changed")
    found = checkout.look()
    assert (found.changes, found.unseen) == ((), (champion,))


def test_a_watched_path_without_a_file_in_git_is_not_tracked(checkout: Checkout) -> None:
    checkout.write(f"{MODELS}x/a", "")
    checkout.commit("a neighbour of the models", LATER)
    assert checkout.look().tracked == (CHAMPIONS,)


# --- history


def test_commits_that_touch_a_watched_path_are_told_with_their_time_and_files(checkout: Checkout) -> None:
    checkout.write(f"{MODELS}/m.json", "1")
    checkout.commit("a model", LATER)
    checkout.write("src/server.py", "2")
    checkout.commit("a server", LATEST)
    found = checkout.look()
    assert subjects(found) == ["a model", "first"]
    assert (found.touching[0].at_ms, found.touching[0].files) == (1_770_285_600_000, (f"{MODELS}/m.json",))
    assert (found.touching[0].first, found.touching[1].first) == (False, True)


def test_a_later_commit_with_an_early_date_hides_none_before_it(checkout: Checkout) -> None:
    checkout.write(f"{MODELS}/m.json", "1")
    checkout.commit("a model", LATER)
    checkout.write("src/server.py", "2")
    checkout.commit("a clock that was wrong", BEFORE)
    assert "a model" in subjects(checkout.look())


def test_a_merge_that_brings_an_older_change_in_is_told(checkout: Checkout) -> None:
    checkout.git("checkout", "-q", "-b", "side")
    checkout.write(f"{MODELS}/m.json", "1")
    checkout.commit("made before", BEFORE)
    checkout.git("checkout", "-q", "main")
    checkout.write("src/server.py", "2")
    checkout.commit("unrelated", LATER)
    checkout.git("merge", "-q", "--no-ff", "-m", "merged in the phase", "side", at=LATEST)
    (merge,) = [commit for commit in checkout.look().touching if commit.subject == "merged in the phase"]
    assert (merge.at_ms, merge.files) == (1_770_372_000_000, (f"{MODELS}/m.json",))


def test_a_merge_that_undoes_a_change_leaves_the_change_in_the_history(checkout: Checkout) -> None:
    checkout.git("checkout", "-q", "-b", "side")
    checkout.write(f"{MODELS}/m.json", "1")
    checkout.commit("hidden by ours", LATER)
    checkout.git("checkout", "-q", "main")
    checkout.git("merge", "-q", "-s", "ours", "-m", "ours", "side", at=LATEST)
    assert "hidden by ours" in subjects(checkout.look())


def test_subjects_that_are_empty_or_hostile_are_told(checkout: Checkout) -> None:
    for number, subject in enumerate(("", "\x1b[2J\u202e", "config/models/x", "ünïcode")):
        checkout.write(f"{MODELS}/m.json", str(number))
        checkout.commit(subject, LATER)
    assert sorted(subjects(checkout.look())) == ["", "\x1b[2J\u202e", "config/models/x", "first", "ünïcode"]


def test_a_shallow_clone_is_known_as_one_and_its_rim_too(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(f"{MODELS}/m.json", "1")
    checkout.commit("a model", LATER)
    checkout.git("clone", "-q", "--depth", "1", f"file://{checkout.root}", str(tmp_path / "clone"))
    found = look(tmp_path / "clone", WATCHED)
    assert (found.shallow, [(commit.subject, commit.first) for commit in found.touching]) == (True, [("a model", True)])


names = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=9).filter(
    lambda name: not name.startswith("\n")
)
words = st.text(st.characters(exclude_characters="\0\n", codec="utf-8"), max_size=9)
commits = st.builds(
    Commit, names, st.integers(0, 9**9).map(lambda s: s * 1000), words, st.lists(names, max_size=3).map(tuple)
)


@given(st.lists(commits.flatmap(lambda c: st.booleans().map(lambda first: c._replace(first=first))), max_size=4))
def test_any_log_is_read_as_it_was_written(history: list[Commit]) -> None:
    written = "".join(
        f"\0{c.name}\0{c.at_ms // 1000}\0{'' if c.first else 'parent'}\0{c.subject}\0"
        + ("\n" + "\0".join(c.files) + "\0" if c.files else "")
        for c in history
    )
    assert list(git._commits(written.split("\0"))) == history


@given(st.lists(st.text(max_size=20), max_size=8))
def test_any_status_is_read_without_a_defect_or_refused(fields: list[str]) -> None:
    try:
        git._status(fields)
    except (ValueError, IndexError):
        return


# --- what is not changed, and not run


def test_asking_changes_nothing(checkout: Checkout) -> None:
    os.utime(checkout.root / "src/server.py", (1, 1))  # an index that could be refreshed
    before = tree(checkout.root)
    checkout.look()
    assert tree(checkout.root) == before


def test_nothing_that_the_checkout_or_the_environment_names_is_run(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "pager.log", "pager.status", "gpg.program", "core.sshCommand"):
        checkout.git("config", name, str(trap))
    checkout.git("config", "log.showSignature", "true")
    for name in ("GIT_PAGER", "GIT_EXTERNAL_DIFF", "GIT_SSH", "GIT_ASKPASS", "PAGER"):
        monkeypatch.setenv(name, str(trap))
    checkout.write("src/server.py", "2")
    assert checkout.look().changes == (Change("src/server.py", "modified"),)
    assert not (tmp_path / "sprung").exists()


def test_an_environment_that_names_another_repository_is_not_followed(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Checkout(tmp_path / "other")
    other.git("checkout", "-q", "-b", "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nothing"))
    assert checkout.look().branch == "main"


# --- no answer


def test_a_host_without_git_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = look(tmp_path, WATCHED)
    assert (found.trouble, found.absent) == ("there is no git on this host", True)


def test_a_directory_that_is_no_checkout_is_told_so(tmp_path: Path) -> None:
    found = look(tmp_path, WATCHED)
    assert (found.trouble, found.absent) == (f"{tmp_path} is no git checkout", True)


def test_a_repository_around_the_root_is_not_the_roots(checkout: Checkout) -> None:
    assert look(checkout.root / "src", WATCHED).trouble.endswith("is no git checkout")


def test_a_repository_that_keeps_another_directory_is_not_the_roots(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    checkout.git("config", "core.worktree", str(tmp_path / "kept"))
    found = checkout.look()
    assert found.absent
    assert str(tmp_path / "kept") in found.trouble


def test_a_root_that_is_a_link_is_the_checkout_it_leads_to(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(checkout.root)
    assert look(tmp_path / "link", WATCHED).branch == "main"


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a file to another user")
def test_a_checkout_of_another_user_is_one_that_git_does_not_trust(checkout: Checkout) -> None:
    for path in (checkout.root, checkout.root / ".git"):
        os.chown(path, 65534, 65534)
    found = checkout.look()
    assert (found.trouble, found.absent, found.foreign) == (
        "git does not trust a checkout of another user",
        True,
        True,
    )


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a file to another user")
def test_a_checkout_that_the_user_has_declared_safe_is_asked(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text(f"[safe]\n\tdirectory = {checkout.root}\n")
    for path in (checkout.root, checkout.root / ".git"):
        os.chown(path, 65534, 65534)
    assert checkout.look().branch == "main"


@pytest.mark.skipif(AS_ROOT, reason="root may look into everything")
def test_a_repository_into_which_this_user_may_not_look_is_told(checkout: Checkout) -> None:
    (checkout.root / ".git").chmod(0)
    found = checkout.look()
    (checkout.root / ".git").chmod(0o755)
    assert (found.trouble, found.absent) == (f"this user may not read {checkout.root}/.git", True)


def test_something_that_git_cannot_use_is_no_repository(checkout: Checkout) -> None:
    (checkout.root / ".git/HEAD").unlink()
    assert checkout.look().trouble == f"{checkout.root} is no git checkout"


def test_a_damaged_repository_is_a_trouble_and_no_absence(checkout: Checkout) -> None:
    (checkout.root / ".git" / "index").write_bytes(b"\x1b[31mnot an index")
    found = checkout.look()
    assert (found.absent, found.trouble.isprintable()) == (False, True)
    assert found.trouble.startswith("git status ended with 128: ")


def broken(folder: Path, script: str) -> None:
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("exit 3", "git rev-parse ended with 3: it said nothing"),
        ("printf '\\033[31m\\n' >&2; exit 9", "git rev-parse ended with 9: \\x1b[31m"),
        ("echo 'fatal: .git: Permission denied' >&2; exit 128", "this user may not read "),
    ],
)
def test_what_git_complains_about_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, trouble: str
) -> None:
    broken(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert look(tmp_path, WATCHED).trouble.startswith(trouble)


@pytest.mark.parametrize("said", ["# branch.ab x y", "# branch.oid abc"])
def test_an_answer_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    answer = f'case "$*" in *rev-parse*) printf "%s\\nfalse\\n" "{tmp_path}";; *status*) echo "{said}";; esac'
    broken(tmp_path, answer)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = look(tmp_path, WATCHED)
    assert (found.trouble, found.absent) == ("git's answer cannot be read", False)


def test_a_git_that_hangs_is_ended_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "_SECONDS", 0.2)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    os.mkfifo(tmp_path / "alive")
    broken(tmp_path, f"exec 9>{tmp_path}/alive\nsleep 60")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        found = look(tmp_path, WATCHED)
        assert (found.trouble, found.absent) == ("git did not answer within 0s", False)
        assert select.select([alive], [], [], 5)[0], "somebody still holds the other end"
    finally:
        os.close(alive)
