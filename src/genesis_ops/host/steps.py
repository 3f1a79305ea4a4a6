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
    git = ("git", "-C", facts.root)
    keep = ("--keep",) if wishes.keep_logs else ()
    wait_seconds = read_duration(wishes.wait) // 1000
    to = f"refs/remotes/{facts.remote}/{facts.wished}"
    fetched = ("--no-tags", "--", facts.remote, f"+refs/heads/{facts.wished}:{to}")
    return (
        Step("units-present", "units present", own("host", "present"), facts.user, _SHORT),
        Step("lock", "lock", (), _ROOT, 0),
        _stop(facts, RUNNER, STOPPING, "stop runner"),
        _stop(facts, PAPER, "stop-api", "stop API"),
        Step("inactive", "both inactive", own("host", "inactive"), facts.user, _SHORT),
        Step("archive", "archive state and logs", own("host", "archive", ID, *keep), facts.user, _LONG),
        Step("save-modifications", "save modifications", own("host", "save", ID), facts.owner, 120),
        Step("fetch", "fetch", (*git, "fetch", *fetched), facts.owner, 300),
        *_switch(facts, (*git, "switch"), to),
        Step("fast-forward", "fast-forward", (*git, "merge", "--ff-only", facts.target), facts.owner, 120),
        *_start(facts, own, PAPER, wishes.healthy),
        *_start(facts, own, RUNNER, wishes.healthy),
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
    git = ("git", "-C", facts.root)
    if facts.wished == facts.branch:
        checkout: tuple[str, ...] = ("reset", "--keep", facts.head)
    else:
        checkout = ("switch", facts.branch) if facts.branch else ("switch", "--detach", facts.head)
    were = {unit.name for unit in facts.units if unit.active}
    return (
        _stop(facts, RUNNER, STOPPING, "stop runner"),
        _stop(facts, PAPER, "stop-api", "stop API"),
        Step("inactive", "both inactive", own("host", "inactive"), facts.user, _SHORT),
        *((Step("undo", "half a merge undone", own("host", "undo", ID), facts.owner, 120),) if undo else ()),
        Step("checkout", "previous commit", (*git, *checkout), facts.owner, 120),
        Step("unsave", "modifications back", own("host", "unsave", ID), facts.owner, 120),
        Step("restore", "state and logs back", own("host", "restore", ID), facts.user, _LONG),
        *(step for unit in (PAPER, RUNNER) if unit in were for step in _start(facts, own, unit, wishes.healthy)),
    )


def _seconds(facts: Facts, name: str) -> tuple[int, int]:
    """Tell how long a unit may take to start and to stop."""
    found = {unit.name: (unit.start_seconds, unit.stop_seconds) for unit in facts.units}
    return found.get(name, (_LONG, _LONG))


def _stop(facts: Facts, unit: str, name: str, title: str) -> Step:
    return Step(name, title, ("systemctl", "stop", unit), _ROOT, _seconds(facts, unit)[1] + _MARGIN)


def _start(facts: Facts, own: Own, unit: str, healthy: str) -> tuple[Step, ...]:
    start = ("systemctl", "start", unit)
    seconds = _seconds(facts, unit)[0] + _MARGIN
    if unit == RUNNER:
        return (Step("start-runner", "start runner", start, _ROOT, max(seconds, _STARTING)),)
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
    words = ("--no-guess", facts.wished) if facts.known else ("--no-track", "--create", facts.wished, to)
    return (Step("switch", f"switch to {facts.wished}", (*git_switch, *words), facts.owner, 120),)


def _schedule(wishes: Wishes, own: Own) -> tuple[Step, ...]:
    if not wishes.acceptance:
        return ()
    words = own("host", "schedule", "add", "--at", f"+{wishes.acceptance}", "--window", wishes.acceptance)
    return (Step("schedule", "schedule acceptance", words, _ROOT, 60),)
