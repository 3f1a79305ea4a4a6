"""The steps of an apply and of its way back, pure: facts and wishes in, the commands a person could type out."""

from typing import NamedTuple

from genesis_ops.host.plan import ID, Facts, Step, Wishes
from genesis_ops.host.services import PAPER, RUNNER
from genesis_ops.words import read_duration

STOPPING = "stop-runner"
"""The first step that changes anything: whatever fails from here on goes the way back."""

_ROOT = "root"
_SHORT, _LONG = 30, 900
_MARGIN = 30
_STARTING = 600  # a runner extends its start while the exchange is waited for


class Own(NamedTuple):
    """How this program is called here, with what stands before a command's name."""

    words: tuple[str, ...]

    def __call__(self, *words: str) -> tuple[str, ...]:
        """Write one of this program's own commands."""
        return (*self.words, *words)


def forward(facts: Facts, wishes: Wishes, own: Own) -> tuple[Step, ...]:
    """List what is done, in order."""
    git = _git(facts)
    keep = ("--keep",) if wishes.keep_logs else ()
    wait_seconds = read_duration(wishes.wait) // 1000
    to = f"refs/remotes/{facts.remote}/{facts.wished}"
    fetched = ("--no-tags", "--", facts.remote, f"+refs/heads/{facts.wished}:{to}")
    return (
        Step("units-present", "units present", own("host", "present"), facts.user, _SHORT),
        Step("lock", "lock", (), _ROOT, 0),
        *_stopped(facts),
        Step("inactive", "both inactive", own("host", "inactive"), facts.user, _SHORT),
        Step("archive", "archive state and logs", own("host", "archive", ID, *keep), facts.user, _LONG),
        Step("save-modifications", "save modifications", own("host", "save", ID), facts.owner, 120),
        Step("fetch", "fetch", (*git, "fetch", *fetched), facts.owner, 300),
        *_switch(facts, (*git, "switch"), to),
        Step("fast-forward", "fast-forward", (*git, "merge", "--ff-only", facts.target), facts.owner, 120),
        _flush(facts),
        *_started(facts, own, {PAPER, RUNNER, *instances(facts)}, wishes.healthy),
        Step(
            "preflight",
            "preflight",
            own("preflight", "--wait", wishes.wait, "--format", "json"),
            facts.user,
            wait_seconds + 60,
        ),
        *_schedule(wishes, own),
        Step("release", "release", (), _ROOT, 0),
    )


def back(facts: Facts, wishes: Wishes, own: Own, *, undo: bool = False) -> tuple[Step, ...]:
    """List what brings back what was; each of them does nothing where there is nothing to bring back.

    ``undo`` is for a run that died after it had set the local modifications aside: what is modified is not a person's.
    """
    git = _git(facts)
    if facts.wished == facts.branch:
        checkout: tuple[str, ...] = ("reset", "--keep", facts.head)
    else:
        checkout = ("switch", facts.branch) if facts.branch else ("switch", "--detach", facts.head)
    were = {unit.name for unit in facts.units if unit.active}
    return (
        *_stopped(facts),
        Step("inactive", "both inactive", own("host", "inactive"), facts.user, _SHORT),
        Step("unlock", "git's dead locks", own("host", "unlock"), facts.owner, _SHORT),
        *((Step("undo", "half a merge undone", own("host", "undo", ID), facts.owner, 120),) if undo else ()),
        Step("checkout", "previous commit", (*git, *checkout), facts.owner, 120),
        *_branch_back(facts, git),
        Step("unsave", "modifications back", own("host", "unsave", ID), facts.owner, 120),
        Step("restore", "state and logs back", own("host", "restore", ID), facts.user, _LONG),
        _flush(facts),
        *_started(facts, own, were, wishes.healthy),
    )


def instances(facts: Facts) -> tuple[str, ...]:
    """Name the further runners of this checkout that are to rest while it changes (``genesis-runner@ID.service``)."""
    return tuple(unit.name for unit in facts.units if unit.active and unit.name not in {PAPER, RUNNER})


def _git(facts: Facts) -> tuple[str, ...]:
    """Call git so that a power cut finds on the disk what it wrote (Debian 12's leaves loose objects to chance)."""
    return ("git", "-C", facts.root, "-c", "core.fsync=all")


def _flush(facts: Facts) -> Step:
    """Have the checkout's files on the disk before they are run: git itself leaves them to the system."""
    return Step("flush", "on the disk", ("sync", "-f", facts.root), facts.owner, 120)


def _branch_back(facts: Facts, git: tuple[str, ...]) -> tuple[Step, ...]:
    """Put the other branch back where it was, or take it away where it was not."""
    if facts.wished == facts.branch:
        return ()
    ref = f"refs/heads/{facts.wished}"
    words = ("update-ref", ref, facts.tip) if facts.tip else ("update-ref", "-d", ref)
    return (Step("branch", f"{facts.wished} back", (*git, *words), facts.owner, _SHORT),)


def _stopped(facts: Facts) -> tuple[Step, ...]:
    others = (_stop(facts, unit, f"stop-{_short(unit)}", f"stop {_short(unit)}") for unit in instances(facts))
    runner, api = _stop(facts, RUNNER, STOPPING, "stop runner"), _stop(facts, PAPER, "stop-api", "stop API")
    return (runner, *others, api)


def _started(facts: Facts, own: Own, units: set[str], healthy: str) -> tuple[Step, ...]:
    order = (PAPER, RUNNER, *instances(facts))
    return tuple(step for unit in order if unit in units for step in _start(facts, own, unit, healthy))


def _short(unit: str) -> str:
    return "runner" if unit == RUNNER else unit.removeprefix("genesis-").removesuffix(".service")


def _seconds(facts: Facts, name: str) -> tuple[int, int]:
    """Tell how long a unit may take to start and to stop."""
    found = {unit.name: (unit.start_seconds, unit.stop_seconds) for unit in facts.units}
    return found.get(name, (_LONG, _LONG))


def _stop(facts: Facts, unit: str, name: str, title: str) -> Step:
    return Step(name, title, ("systemctl", "stop", unit), _ROOT, _seconds(facts, unit)[1] + _MARGIN)


def _start(facts: Facts, own: Own, unit: str, healthy: str) -> tuple[Step, ...]:
    start = ("systemctl", "start", unit)
    seconds = _seconds(facts, unit)[0] + _MARGIN
    if unit != PAPER:
        name = _short(unit)
        return (Step(f"start-{name}", f"start {name}", start, _ROOT, max(seconds, _STARTING)),)
    within_seconds = read_duration(healthy) // 1000
    return (
        Step("start-api", "start API", start, _ROOT, seconds),
        Step(
            "healthy",
            "healthy",
            own("host", "healthy", "--within", healthy),
            facts.user,
            within_seconds + _MARGIN,
        ),
    )


def _switch(facts: Facts, git_switch: tuple[str, ...], to: str) -> tuple[Step, ...]:
    """Change to another branch where one is wished, and make it where the checkout has it not."""
    if facts.wished == facts.branch:
        return ()
    words = ("--no-guess", facts.wished) if facts.tip else ("--no-track", "--create", facts.wished, to)
    return (Step("switch", f"switch to {facts.wished}", (*git_switch, *words), facts.owner, 120),)


def _schedule(wishes: Wishes, own: Own) -> tuple[Step, ...]:
    if not wishes.acceptance:
        return ()
    words = own("host", "schedule", "add", "--at", f"+{wishes.acceptance}", "--window", wishes.acceptance)
    return (Step("schedule", "schedule acceptance", words, _ROOT, 60),)
