"""The steps of an apply and of its way back, as the lines that a person would type."""

import shlex

import pytest

from genesis_ops.host.plan import Facts, Step, UnitFound, Wishes
from genesis_ops.host.steps import Own, back, forward

OWN = Own(("/opt/genesis/bin/genesis-ops", "--root", "/r"))
GIT, REMOTE = "git -C /r -c core.fsync=all", "refs/remotes/origin/main"
HEAD, TARGET, TIP = "a" * 40, "b" * 40, "c" * 40
FACTS = Facts(
    host="vm", root="/r", log_dir="/r/logs", api_url="http://127.0.0.1:8000", user="genesis", owner="genesis",
    head=HEAD, branch="main", wished="main", tip=HEAD, remote="origin", target=TARGET, commits=(), changes=(),
    changes_digest="", units=(
        UnitFound("genesis-paper.service", "loaded", True, "", 91, 91),
        UnitFound("genesis-runner.service", "loaded", True, "", 91, 121),
    ),
)  # fmt: skip


def typed(steps: tuple[Step, ...]) -> list[str]:
    words = [shlex.join(step.command).replace("/opt/genesis/bin/", "").replace(" --root /r", "") for step in steps]
    return [
        f"{step.id:19}{step.user:8}{step.seconds:4} {line}".rstrip() for step, line in zip(steps, words, strict=True)
    ]


def test_an_apply_is_these_commands_in_this_order() -> None:
    assert (
        "\n".join(typed(forward(FACTS, Wishes(), OWN)))
        == f"""\
units-present      genesis   30 genesis-ops host present
lock               root       0
stop-runner        root     151 systemctl stop genesis-runner.service
stop-api           root     121 systemctl stop genesis-paper.service
inactive           genesis   30 genesis-ops host inactive
archive            genesis  900 genesis-ops host archive '{{id}}'
save-modifications genesis  120 genesis-ops host save '{{id}}'
fetch              genesis  300 {GIT} fetch --no-tags -- origin +refs/heads/main:{REMOTE}
fast-forward       genesis  120 {GIT} merge --ff-only {TARGET}
flush              genesis  120 sync -f /r
start-api          root     121 systemctl start genesis-paper.service
healthy            genesis   90 genesis-ops host healthy --within 60s
start-runner       root     600 systemctl start genesis-runner.service
preflight          genesis  240 genesis-ops preflight --wait 3m --format json
schedule           root      60 genesis-ops host schedule add --at +24h --window 24h
release            root       0"""
    )


def test_the_way_back_is_these_commands_in_this_order() -> None:
    assert (
        "\n".join(typed(back(FACTS, Wishes(), OWN)))
        == f"""\
stop-runner        root     151 systemctl stop genesis-runner.service
stop-api           root     121 systemctl stop genesis-paper.service
inactive           genesis   30 genesis-ops host inactive
unlock             genesis   30 genesis-ops host unlock
checkout           genesis  120 git -C /r -c core.fsync=all reset --keep {HEAD}
unsave             genesis  120 genesis-ops host unsave '{{id}}'
restore            genesis  900 genesis-ops host restore '{{id}}'
flush              genesis  120 sync -f /r
start-api          root     121 systemctl start genesis-paper.service
healthy            genesis   90 genesis-ops host healthy --within 60s
start-runner       root     600 systemctl start genesis-runner.service"""
    )


@pytest.mark.parametrize(
    ("branch", "tip", "switch", "returned", "put_back"),
    [
        ("main", TIP, "switch --no-guess next", "switch main", f"update-ref refs/heads/next {TIP}"),
        (
            *("main", "", "switch --no-track --create next refs/remotes/origin/next", "switch main"),
            "update-ref -d refs/heads/next",
        ),
        ("", TIP, "switch --no-guess next", f"switch --detach {HEAD}", f"update-ref refs/heads/next {TIP}"),
    ],
)
def test_another_branch_is_switched_to_and_back(
    branch: str, tip: str, switch: str, returned: str, put_back: str
) -> None:
    facts = FACTS._replace(branch=branch, wished="next", tip=tip)
    lines = {
        step.id: " ".join(step.command[5:]) for step in (*forward(facts, Wishes(), OWN), *back(facts, Wishes(), OWN))
    }
    assert (lines["switch"], lines["checkout"], lines["branch"]) == (switch, returned, put_back)


def test_further_runners_rest_while_the_checkout_changes() -> None:
    further = UnitFound("genesis-runner@eth.service", "loaded", True, "", 91, 121)
    facts = FACTS._replace(units=(*FACTS.units, further))
    for steps in (forward(facts, Wishes(), OWN), back(facts, Wishes(), OWN)):
        named = [step.id for step in steps if step.id.startswith(("stop-", "start-"))]
        assert named == ["stop-runner", "stop-runner@eth", "stop-api", "start-api", "start-runner", "start-runner@eth"]


def test_the_way_back_starts_only_what_was_running() -> None:
    facts = FACTS._replace(units=(FACTS.units[0], FACTS.units[1]._replace(active=False)))
    assert [step.id for step in back(facts, Wishes(), OWN)][-2:] == ["start-api", "healthy"]


def test_wishes_leave_out_the_acceptance_and_keep_the_logs() -> None:
    steps = forward(FACTS, Wishes(acceptance="", keep_logs=True), OWN)
    assert "schedule" not in [step.id for step in steps]
    assert next(step.command for step in steps if step.id == "archive")[-2:] == ("{id}", "--keep")


def test_only_a_run_that_died_has_something_to_undo_before_the_commit_comes_back() -> None:
    with_it, without = ([step.id for step in back(FACTS, Wishes(), OWN, undo=undo)] for undo in (True, False))
    assert with_it[with_it.index("undo") + 1] == "checkout"
    assert [name for name in with_it if name != "undo"] == without
