"""The crash drill: real runners killed at their boundaries, and a verdict that can be bad."""

import signal
from typing import Any

import pytest

from genesis_ops.checks.model import Outcome
from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import Fill
from genesis_ops.rehearsal.drill_crash import BOUNDARIES, Facts, Run, crash, judged
from genesis_ops.rehearsal.drill_runner import Boundary, Job, read, written

KILLED, WELL = Run(-signal.SIGKILL, ""), Run(0, "")
ORDER = Order(
    "20260205-1300", 0, "tTESTBTC:TESTUSD", "LONG", 0.01, None, 0, label=Kind.ACKED, armed_ms=0, fill=Fill.ONCE
)
GOOD = Facts(KILLED, WELL, sent=1, filled=1, intents=1, submitted=1, order=ORDER)
SENT = next(boundary for boundary in BOUNDARIES if boundary.id == "sent")


def test_one_order_with_a_known_outcome_is_as_it_has_to_be() -> None:
    found = judged(SENT, GOOD)
    assert found.outcome is Outcome.PASS
    assert found.detail == (
        "the order has left, nobody waits for the reply: 1 sent, 1 intent; "
        "after the restart: ACKED, filled once, say the wallets"
    )


BAD: list[tuple[dict[str, Any], str]] = [
    ({"sent": 2, "intents": 2}, "the candle was ordered 2 times"),
    ({"filled": 2, "submitted": 2}, "the order was filled 2 times"),
    ({"intents": 0}, "a request left without its intent in the journal"),
    ({"order": None}, "the order is lost: the journal has none"),
    ({"order": ORDER._replace(label=Kind.ARMED, fill=None)}, "nobody knows what came of the order"),
    ({"order": ORDER._replace(label=Kind.UNKNOWN, fill=Fill.UNCLEAR)}, "nobody knows what came of the order"),
    ({"submitted": 0}, "the journal says 0 filled, the account 1"),
    ({"killed": WELL}, "the runner never came there: it ended with 0"),
    ({"again": Run(78, "refused")}, "the second runner did not go on: it ended with 78, refused"),
]


@pytest.mark.parametrize(("changes", "told"), BAD)
def test_what_must_not_be_fails_the_boundary_and_is_named_first(changes: dict[str, Any], told: str) -> None:
    found = judged(SENT, GOOD._replace(**changes))
    assert found.outcome is Outcome.FAIL
    assert found.detail.startswith(told)


def test_a_process_is_told_its_job_in_words_that_it_reads_again() -> None:
    job = Job("/root", "/clock", "http://127.0.0.1:1", 5, SENT)
    assert read(written(job)) == job
    assert read(written(job._replace(boundary=None))) == job._replace(boundary=None)


def drilled(*boundaries: Boundary) -> dict[str, str]:
    report = crash("tBTCUSD 1h", 0, lambda *_: None, boundaries)
    assert report.exit_code == (0 if report.verdict is Outcome.PASS else 1)
    return {check.id: f"{check.outcome} {check.detail}" for check in report.checks}


def test_a_runner_that_is_killed_after_sending_is_not_sending_again_and_one_that_never_dies_is_noticed() -> None:
    found = drilled(SENT, Boundary("never", "a call that there is not", "write", "no runner writes this"))
    assert found["crash:sent"].startswith("PASS")
    assert "1 sent, 1 intent; after the restart: UNKNOWN, filled once, say the wallets" in found["crash:sent"]
    assert found["crash:never"].startswith("FAIL the runner never came there: it ended with 0")


@pytest.mark.soak
def test_at_every_boundary_nothing_is_sent_twice_or_lost() -> None:
    found = drilled(*BOUNDARIES)
    assert len(found) == len(BOUNDARIES)
    assert all(told.startswith("PASS") for told in found.values()), found
    assert all(": 0 sent, 1 intent" in found[f"crash:{name}"] for name in ("armed", "request"))
