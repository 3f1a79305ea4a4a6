"""What is checked out, and whether what is frozen was left alone (Phase 3 freeze rules; runbook, Notes)."""

import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from genesis_ops.checks.doctor_facts import FROZEN, Doctor, Finding, summed
from genesis_ops.checks.doctor_place import become
from genesis_ops.checks.model import Outcome, Place, Result
from genesis_ops.checks.prerequisites import champion_file
from genesis_ops.checks.wording import count, listed
from genesis_ops.clients.git import Change, Commit, below
from genesis_ops.errors import typed
from genesis_ops.settings import Settings
from genesis_ops.words import stamp, visible

_SUBJECT = 60
_FILES = 3


def git_branch(doctor: Doctor) -> Result:
    """Ask what is checked out, and whether its upstream has the same."""
    git = doctor.git
    if git.trouble:
        return _unasked(doctor)
    if git.head is None:
        return Result(Outcome.WARN, f"{visible(git.branch)} has no commit yet", remedy=_git(doctor, "status"))
    at = f"{visible(git.branch)} at" if git.branch else "no branch, HEAD is detached at"
    detail = f"{at} {_named(git.head)}{_beside_upstream(doctor)}"
    behind = f"git -C {typed(doctor.host.settings.root)} log --oneline --left-right HEAD...@{{upstream}}"
    if not git.branch:
        return Result(Outcome.WARN, detail, git.head.name, remedy=_git(doctor, "branch", "--contains", git.head.name))
    if git.ahead or git.behind:
        return Result(Outcome.WARN, detail, git.head.name, remedy=f"{behind}      then push, pull or leave it, knowing")
    return Result(Outcome.PASS, detail, git.head.name)


def _beside_upstream(doctor: Doctor) -> str:
    git = doctor.git
    if not git.upstream:
        return ", no upstream" if git.branch else ""
    name = visible(git.upstream)
    if git.ahead is None or git.behind is None:
        return f", its upstream {name} is not known here"
    apart = [f"{git.ahead} ahead of" if git.ahead else "", f"{git.behind} behind" if git.behind else ""]
    return f", {' and '.join(filter(None, apart)) or 'even with'} {name} as it was last fetched"


def git_clean(doctor: Doctor) -> Result:
    """Ask whether the files are as they were committed; new ones among logs and summaries do not count."""
    if doctor.git.trouble:
        return _unasked(doctor)
    counted = [change for change in doctor.git.changes if not _left_by_the_phase(change, doctor.host.settings)]
    if not counted:
        return Result(Outcome.PASS, "nothing changed, nothing new", 0, 0)
    known = [change for change in counted if change.kind != _NEW]
    new = len(counted) - len(known)
    parts = [f"{count(len(known), 'file')} changed" if known else "", f"{new} new to git" if new else ""]
    worst = Outcome.FAIL if any(change.kind == _CONFLICT for change in counted) else Outcome.WARN
    evidence = tuple(_changed(change) for change in (*known, *(c for c in counted if c not in known)))
    remedy = f"{_git(doctor, 'status')}      then commit, or put back with: {_git(doctor, 'restore')} FILE"
    return Result(worst, ", ".join(filter(None, parts)), len(counted), 0, evidence, remedy)


_NEW, _CONFLICT = "not in git", "in conflict"


def _left_by_the_phase(change: Change, settings: Settings) -> bool:
    """Tell whether a new file is one that the phase itself leaves: a log, or a day's summary (contract §1)."""
    if change.kind != _NEW:
        return False
    summaries = settings.summary_file(settings.phase_start).parent
    homes = ("logs", settings.shown(settings.log_dir), settings.shown(summaries))
    return any(below(change.path.rstrip("/"), home) for home in homes)


def champion_frozen(doctor: Doctor) -> Result:
    """Ask whether champion, strategy and models are as they were on Day 0: by the pin, by history, by the files."""
    pinned = champion_file(doctor.host)
    git = doctor.git
    pin = [Finding(pinned.outcome, pinned.detail, pinned.remedy)] if pinned.outcome is not Outcome.PASS else []
    if git.trouble:
        return summed(pin, "") if pin else _unasked(doctor, f"; by the pin: {pinned.detail}")
    late, changed = frozen_commits(doctor), _frozen_changes(doctor)
    since = doctor.host.settings.phase_start.isoformat()
    well = f"{pinned.detail}; no commit since {since} touches champions, strategy or models"
    evidence = (*(_committed(commit) for commit in late), *(_changed(change) for change in changed))
    findings = (*pin, *_broken(doctor, late, changed), *_unsure(doctor))
    return summed(findings, well, evidence)._replace(observed=len(late) + len(changed) + len(pin), expected=0)


def frozen_commits(doctor: Doctor) -> list[Commit]:
    """Name the commits in the phase (committed, UTC) that touch what is frozen; the rim of a shallow clone is none."""
    settings = doctor.host.settings
    start_ms, end_ms = (_midnight_ms(day) for day in (settings.phase_start, settings.phase_end + timedelta(days=1)))
    running = doctor.host.now_ms < end_ms  # then a date of tomorrow is a wrong clock's
    return [
        commit
        for commit in doctor.git.touching
        if start_ms <= commit.at_ms and (running or commit.at_ms < end_ms) and not (commit.first and doctor.git.shallow)
    ]


def _midnight_ms(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000


def _frozen_changes(doctor: Doctor) -> list[Change]:
    return [change for change in doctor.git.changes if any(below(change.path.rstrip("/"), path) for path in FROZEN)]


def _broken(doctor: Doctor, late: list[Commit], changed: list[Change]) -> Iterator[Finding]:
    since = doctor.host.settings.phase_start.isoformat()
    if late:
        names = listed([commit.name for commit in late])
        said = f"{count(len(late), 'commit')} since {since} {'touches' if len(late) == 1 else 'touch'} what is frozen"
        remedy = f"{_git(doctor, 'show', '--stat', late[0].name)}      a changed champion needs a new phase"
        yield Finding(Outcome.FAIL, f"{said}: {visible(names)}", remedy)
    if changed:
        names = visible(listed([change.path for change in changed]))
        remedy = f"{_git(doctor, 'status', '--', *FROZEN)}      then put the frozen files back"
        yield Finding(Outcome.FAIL, f"frozen and not as committed: {names}", remedy)


def _unsure(doctor: Doctor) -> Iterator[Finding]:
    """Say what history cannot tell."""
    git = doctor.git
    if git.unseen:
        names = visible(listed(list(git.unseen)))
        remedy = f"{_git(doctor, 'update-index', '--really-refresh')}      after: --no-assume-unchanged FILE"
        yield Finding(Outcome.WARN, f"git was told not to look at {names}", remedy)
    if missing := _outside_of_git(doctor):
        said = f"git knows no file of {listed(missing)}, so its history tells nothing of it"
        yield Finding(Outcome.WARN, said, _git(doctor, "status", "--", *FROZEN))
    if git.shallow:
        remedy = _git(doctor, "fetch", "--unshallow")
        yield Finding(Outcome.WARN, "the clone is shallow, so older commits of the phase may not be seen", remedy)


def _outside_of_git(doctor: Doctor) -> list[str]:
    """Name what is frozen and not in git: the champions always, the others where they lie in a new directory."""
    new = [change.path for change in doctor.git.changes if change.path.endswith("/")]
    unknown = [path for path in FROZEN if path not in doctor.git.tracked]
    return [path for path in unknown if path == FROZEN[0] or any(path.startswith(folder) for folder in new)]


def _committed(commit: Commit) -> Place:
    files = ", ".join(commit.files[:_FILES]) + (" …" if len(commit.files) > _FILES else "")
    return Place("git", 0, f"{_named(commit)}  {visible(files)}")


def _changed(change: Change) -> Place:
    return Place("git", 0, f"{change.kind}: {visible(change.path)}")


def _named(commit: Commit) -> str:
    return f"{visible(commit.name)} {_dated(commit)}"


def _dated(commit: Commit) -> str:
    subject = visible(commit.subject)
    return f'{stamp(commit.at_ms)[:16]} "{subject if len(subject) <= _SUBJECT else f"{subject[: _SUBJECT - 1]}…"}"'


def _git(doctor: Doctor, *words: str) -> str:
    return f"git -C {typed(doctor.host.settings.root)} {shlex.join(words)}"


def _unasked(doctor: Doctor, more: str = "") -> Result:
    """Say why git told nothing: SKIP where there is nothing to ask, UNKNOWN where it should have answered."""
    git, place = doctor.git, doctor.place
    remedy = "" if git.absent else _git(doctor, "status")
    if git.foreign:
        root = typed(doctor.host.settings.root)
        remedy = f"{become(place.owner)}      or: git config --global --add safe.directory {root}"
    return Result(Outcome.SKIP if git.absent else Outcome.UNKNOWN, git.trouble + more, remedy=remedy)
