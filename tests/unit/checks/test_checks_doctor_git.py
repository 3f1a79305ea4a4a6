"""What the doctor makes of a checkout: branch, cleanliness, and the freeze of Phase 3."""

from datetime import date
from typing import Any

import pytest
from doctor_host import DAY_0_MS, HEAD, ROOT, SOUND, found, git, late, told
from preflight_host import SHA256

from genesis_ops.checks.doctor_facts import FROZEN
from genesis_ops.checks.model import Outcome
from genesis_ops.clients.git import Change, Repository
from genesis_ops.state.champion import Fingerprint
from genesis_ops.words import DAY_MS

GIT_CHECKS = ("git-branch", "git-clean", "champion-frozen")
NO_GIT = Repository(trouble="there is no git on this host", absent=True)
MUTE = Repository(trouble="git did not answer within 15s")
FOREIGN = Repository(trouble="git does not trust a checkout of another user", absent=True, foreign=True)
CHAMPION = "config/strategy/champions/tBTCUSD_1h.json"


# --- no answer


@pytest.mark.parametrize("name", GIT_CHECKS)
def test_without_git_it_is_skipped_with_the_reason(name: str) -> None:
    outcome, detail = told(name, git=NO_GIT)
    assert outcome == "SKIP"
    assert detail.startswith("there is no git on this host")


@pytest.mark.parametrize("name", GIT_CHECKS)
def test_a_git_that_does_not_answer_leaves_it_unknown(name: str) -> None:
    judged = found(name, git=MUTE)
    assert judged.outcome is Outcome.UNKNOWN
    assert judged.remedy == f"git -C {ROOT} status"


@pytest.mark.parametrize("name", GIT_CHECKS)
def test_a_checkout_of_another_user_is_asked_as_its_owner(name: str) -> None:
    judged = found(name, git=FOREIGN)
    assert judged.outcome is Outcome.SKIP
    assert judged.remedy == f"sudo -iu genesis      or: git config --global --add safe.directory {ROOT}"


@pytest.mark.parametrize("without", [NO_GIT, MUTE])
def test_without_git_the_pin_is_still_judged(without: Repository) -> None:
    assert f"by the pin: sha256 {SHA256[:12]}" in told("champion-frozen", git=without)[1]
    assert told("champion-frozen", git=without, **another_champion())[0] == "FAIL"


def another_champion() -> dict[str, Any]:
    champion = SOUND.host.champion._replace(fingerprint=Fingerprint("f" * 64, ""))
    return {"host": SOUND.host._replace(champion=champion)}


# --- the branch


@pytest.mark.parametrize(
    ("changes", "outcome", "said"),
    [
        ({}, "PASS", ", even with origin/main as it was last fetched"),
        ({"ahead": 2}, "WARN", ", 2 ahead of origin/main as it was last fetched"),
        ({"behind": 3}, "WARN", ", 3 behind origin/main as it was last fetched"),
        ({"ahead": 2, "behind": 3}, "WARN", ", 2 ahead of and 3 behind origin/main as it was last fetched"),
        ({"ahead": None, "behind": None}, "PASS", ", its upstream origin/main is not known here"),
        ({"upstream": "", "ahead": None, "behind": None}, "PASS", ", no upstream"),
    ],
)
def test_a_branch_is_told_with_its_commit_and_held_against_its_upstream(
    changes: dict[str, Any], outcome: str, said: str
) -> None:
    head = 'main at 3f7e1a6 2026-02-02 12:00 "Freeze the champion"'
    assert told("git-branch", **git(**changes)) == (outcome, head + said)


def test_a_detached_head_is_a_warning() -> None:
    judged = found("git-branch", **git(branch="", upstream=""))
    assert judged.outcome is Outcome.WARN
    assert judged.detail.startswith("no branch, HEAD is detached at 3f7e1a6 ")
    assert judged.remedy == f"git -C {ROOT} branch --contains 3f7e1a6"


def test_a_branch_without_a_commit_is_a_warning() -> None:
    assert told("git-branch", **git(head=None)) == ("WARN", "main has no commit yet")


def test_a_long_subject_is_cut() -> None:
    detail = told("git-branch", **git(head=HEAD._replace(subject="x" * 500)))[1]
    assert f'"{"x" * 59}…"' in detail


# --- cleanliness


@pytest.mark.parametrize(
    ("changes", "outcome", "said"),
    [
        ([], "PASS", "nothing changed, nothing new"),
        ([("a", "modified")], "WARN", "1 file changed"),
        ([("a", "modified"), ("b", "deleted"), ("c/", "not in git")], "WARN", "2 files changed, 1 new to git"),
        ([("a", "in conflict")], "FAIL", "1 file changed"),
        ([("logs/", "not in git")], "PASS", "nothing changed, nothing new"),
        ([("logs/paper_trading/runner.lock", "not in git")], "PASS", "nothing changed, nothing new"),
        ([("docs/paper_trading/daily_summaries/a.md", "not in git")], "PASS", "nothing changed, nothing new"),
        ([("logs/kept.txt", "modified")], "WARN", "1 file changed"),
        ([("logs2/a", "not in git")], "WARN", "1 new to git"),
    ],
)
def test_what_was_changed_is_counted_but_for_what_the_phase_leaves(
    changes: list[tuple[str, str]], outcome: str, said: str
) -> None:
    assert told("git-clean", **git(changes=tuple(Change(*change) for change in changes))) == (outcome, said)


def test_the_first_changed_files_are_named_and_those_that_git_knows_before_all() -> None:
    changes = (*(Change(f"new{i}", "not in git") for i in range(12)), Change("src/core/server.py", "modified"))
    judged = found("git-clean", **git(changes=changes))
    assert judged.evidence[0].text == "modified: src/core/server.py"
    assert len(judged.evidence) == 10
    assert "(the first 10 of 13)" in judged.detail


# --- the freeze


@pytest.mark.parametrize("path", FROZEN)
@pytest.mark.parametrize("kind", ["modified", "deleted", "not in git"])
def test_a_change_that_is_not_committed_breaks_the_freeze(path: str, kind: str) -> None:
    judged = found("champion-frozen", **git(changes=(Change(f"{path}/a", kind),)))
    assert judged.outcome is Outcome.FAIL
    assert judged.detail == f"frozen and not as committed: {path}/a"
    assert [place.text for place in judged.evidence] == [f"{kind}: {path}/a"]


@pytest.mark.parametrize("path", ["config/models/", "config/models2/a", "src/core/strategy.py", "src/core/server.py"])
def test_only_what_is_frozen_breaks_it(path: str) -> None:
    frozen = path == "config/models/"
    assert told("champion-frozen", **git(changes=(Change(path, "not in git"),)))[0] == ("FAIL" if frozen else "PASS")


def test_a_commit_of_the_phase_breaks_the_freeze_and_is_named() -> None:
    judged = found("champion-frozen", **git(touching=(late("a1f0f1b"), HEAD)))
    assert judged.outcome is Outcome.FAIL
    assert judged.detail == "1 commit since 2026-02-04 touches what is frozen: a1f0f1b"
    (place,) = judged.evidence
    assert place.text == 'a1f0f1b 2026-02-05 00:00 "Better numbers"  config/models/m.json'
    assert judged.remedy.startswith(f"git -C {ROOT} show --stat a1f0f1b")


@pytest.mark.parametrize(("before_ms", "outcome"), [(0, "FAIL"), (1, "PASS")])
def test_the_phase_begins_at_midnight_utc(before_ms: int, outcome: str) -> None:
    commit = late("a", 0)._replace(at_ms=DAY_0_MS - before_ms)
    assert told("champion-frozen", **git(touching=(commit,)))[0] == outcome


@pytest.mark.parametrize(
    ("now_days", "at_days", "outcome"),
    [(3, 2, "FAIL"), (3, 400, "FAIL"), (41.9, 400, "FAIL"), (42, 41.9, "FAIL"), (42, 42, "PASS"), (60, 42, "PASS")],
)
def test_after_the_phase_the_champion_may_change_and_during_it_no_date_excuses(
    now_days: float, at_days: float, outcome: str
) -> None:
    now_ms = DAY_0_MS + round(now_days * DAY_MS)
    after = {"host": SOUND.host._replace(now_ms=now_ms)}
    assert SOUND.host.settings.phase_end == date(2026, 3, 17)
    assert told("champion-frozen", **after, **git(touching=(late("a", at_days),)))[0] == outcome


def test_the_rim_of_a_shallow_clone_is_no_change_but_a_warning() -> None:
    rim = late("a", first=True)
    assert told("champion-frozen", **git(touching=(rim,)))[0] == "FAIL"
    outcome, detail = told("champion-frozen", **git(touching=(rim,), shallow=True))
    assert outcome == "WARN"
    assert detail.startswith("the clone is shallow")


def test_a_change_behind_the_rim_is_seen_in_a_shallow_clone_too() -> None:
    touching = (late("b", 2), late("a", first=True))
    judged = found("champion-frozen", **git(touching=touching, shallow=True))
    assert (judged.outcome, [place.text[:2] for place in judged.evidence]) == (Outcome.FAIL, ["b "])


def test_files_at_which_git_does_not_look_are_a_warning() -> None:
    outcome, detail = told("champion-frozen", **git(unseen=(CHAMPION,)))
    assert (outcome, detail) == ("WARN", f"git was told not to look at {CHAMPION}")


def test_champions_that_git_does_not_know_are_a_warning() -> None:
    outcome, detail = told("champion-frozen", **git(tracked=("src/core/strategy",)))
    assert outcome == "WARN"
    assert detail.startswith("git knows no file of config/strategy/champions, ")


@pytest.mark.parametrize(("folder", "outcome"), [("src/core/", "WARN"), ("src/other/", "PASS")])
def test_a_strategy_in_a_directory_that_is_not_in_git_is_a_warning(folder: str, outcome: str) -> None:
    changes = git(tracked=FROZEN[:1], changes=(Change(folder, "not in git"),))
    assert told("champion-frozen", **changes)[0] == outcome


def test_a_champion_that_is_not_the_pinned_one_fails_with_a_clean_history() -> None:
    outcome, detail = told("champion-frozen", **another_champion())
    assert outcome == "FAIL"
    assert detail.startswith("the champion is frozen: ")


def test_everything_that_breaks_the_freeze_is_told_at_once() -> None:
    changes = git(touching=(late("b"), late("a")), changes=(Change("config/models/m", "modified"),), shallow=True)
    judged = found("champion-frozen", **another_champion(), **changes)
    assert [part.split(":")[0] for part in judged.detail.split("; ")] == [
        "the champion is frozen",
        "2 commits since 2026-02-04 touch what is frozen",
        "frozen and not as committed",
        "the clone is shallow, so older commits of the phase may not be seen",
    ]
    assert judged.observed == 4


def test_a_frozen_host_says_what_it_was_held_against() -> None:
    detail = told("champion-frozen")[1]
    assert detail.endswith("; no commit since 2026-02-04 touches champions, strategy or models")
