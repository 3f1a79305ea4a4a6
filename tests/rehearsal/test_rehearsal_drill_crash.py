"""The crash drill: real runners killed at their boundaries, and a verdict that can be bad."""

import os
import signal
from typing import Any

import pytest

from genesis_ops.checks.model import Outcome
from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import Fill
from genesis_ops.rehearsal.drill_crash import BOUNDARIES, Facts, Run, crash, judged
from genesis_ops.rehearsal.drill_runner import Boundary, Job, UnsyncedIntent, read, written

KILLED, WELL = Run(-signal.SIGKILL, ""), Run(0, "")
ORDER = Order(
    "20260205-1300", 0, "tTESTBTC:TESTUSD", "LONG", 0.01, None, 0, label=Kind.UNKNOWN, armed_ms=0, fill=Fill.ONCE
)
BLOCKED = ORDER._replace(label=Kind.BLOCKED, armed_ms=None, fill=None)
GOOD = Facts(KILLED, WELL, sent=1, filled=1, intents=1, submitted=1, order=ORDER)
SENT = next(boundary for boundary in BOUNDARIES if boundary.id == "sent")


def test_one_order_with_a_known_outcome_is_as_it_has_to_be() -> None:
    found = judged(SENT, GOOD)
    assert found.outcome is Outcome.PASS
    assert found.detail == (
        "the order has left, nobody waits for the reply: 1 sent, 1 intent; "
        "after the restart: UNKNOWN, filled once, say the wallets"
    )


BAD: list[tuple[dict[str, Any], str]] = [
    ({"sent": 2, "intents": 2}, "the candle was ordered 2 times"),
    ({"filled": 2, "submitted": 2}, "the order was filled 2 times"),
    ({"intents": 0}, "a request left without its intent in the journal"),
    ({"order": None}, "the order is lost: the journal has none"),
    ({"order": ORDER._replace(label=Kind.ARMED, fill=None)}, "nobody knows what came of the order"),
    ({"order": ORDER._replace(label=Kind.UNKNOWN, fill=Fill.UNCLEAR)}, "nobody knows what came of the order"),
    ({"submitted": 0}, "the journal says 0 filled, the account 1"),
    ({"sent": 0, "filled": 0, "submitted": 0}, "1 sent was due"),
    (
        {"sent": 0, "intents": 0, "filled": 0, "submitted": 0, "order": BLOCKED},
        "1 sent was due; UNKNOWN, filled once was due",
    ),
    ({"order": ORDER._replace(fill=Fill.NONE)}, "UNKNOWN, filled once was due"),
    ({"disagree": ("log-agrees: 2 orders in the runner log, 1 armed",)}, "log-agrees: 2 orders in the runner log"),
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


def test_a_request_whose_intent_is_not_on_the_disk_ends_the_runner_and_one_whose_intent_is_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", end)
    watch = UnsyncedIntent()
    write, sync, send = (watch.around(name, lambda *_: 1) for name in ("write", "fsync", "send"))
    write(3, b'{"kind": "armed"}')
    sync(4)
    send(None, b"GET /account/wallets")
    with pytest.raises(SystemExit):
        send(None, b"POST /paper/submit")
    assert "before its intent was on the disk" in capsys.readouterr().err
    sync(3)
    send(None, b"POST /paper/submit")


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
