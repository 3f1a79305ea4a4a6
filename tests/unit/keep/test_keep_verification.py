"""The six steps against a sandbox over HTTP, with each of its faults; every request is counted."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from verification_world import SIZE, World, outcomes, world

from genesis_ops.checks.model import Outcome
from genesis_ops.checks.verify_delta import verify_delta
from genesis_ops.checks.verify_services import Running, ServicesSeen
from genesis_ops.clients.process import Listeners, Process
from genesis_ops.clients.units import UnitsFound
from genesis_ops.collect.verify_wallets import delta
from genesis_ops.errors import Refused
from genesis_ops.keep import verification
from genesis_ops.keep.verification import keep
from genesis_ops.sandbox.faults import TABLE
from genesis_ops.state.baseline import read_baseline
from genesis_ops.state.latch import Latch, set_latch
from genesis_ops.state.verification import last_verified
from genesis_ops.words import Exit

PASS, WARN, FAIL, UNKNOWN, SKIP = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN, Outcome.SKIP
SUBMIT = ("POST", "/paper/submit")
OF_ORDERS = [fault.name for fault in TABLE if fault.name.startswith("submit-")]


SEEN = ServicesSeen(
    0.0,
    (UnitsFound(trouble="no systemd", absent=True),) * 2,
    (Running(Listeners((Process(1, "uvicorn", "", 1),), hidden=False, addresses=("127.0.0.1",)), ()),) * 2,
    (Process(1, "uvicorn", "", 1),),
    8000,
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(verification, "services", lambda *_: SEEN)  # every process of the host takes half a second
    with world(tmp_path) as made:
        made.log("Poll interval: 10s", "Heartbeat: evaluations=1, orders=0, last_candle_ts=1770206400000")
        yield made


def test_where_all_is_well_the_six_are_done_in_order_and_one_order_is_sent(here: World) -> None:
    found = outcomes(here.verify().report.checks)
    assert [step.name for step in here.steps] == ["health", "wallets", "order", "delta", "services", "logs"]
    wanted = dict.fromkeys(("health", "config", "wallets", "order", "delta", "port", "logs"), PASS)
    assert {name: found[name] for name in wanted} == wanted
    assert here.changes == {SUBMIT: 1}
    assert len(here.sandbox.account.fills) == 1


def test_nothing_is_changed_on_the_other_side_without_an_order(here: World) -> None:
    found = outcomes(here.verify(order=False).report.checks)
    assert (found["order"], found["delta"]) == (SKIP, PASS)
    assert here.changes == {}
    assert {path for _, path in here.requests} == {"/health", "/account/wallets"}


def test_an_order_that_nobody_agreed_to_is_not_sent_and_the_rest_is_looked_at(here: World) -> None:
    here.answer = False
    found = outcomes(here.verify().report.checks)
    assert (found["order"], found["delta"], found["logs"]) == (SKIP, PASS, PASS)
    assert here.asked[0]["TESTBTC"] == 10.0
    assert here.changes == {}


@pytest.mark.parametrize("fault", ["health-error", "api-down"])
def test_an_api_that_is_not_well_gets_no_order_and_its_wallets_are_not_read(here: World, fault: str) -> None:
    here.fault(fault)
    made = here.verify().report
    found = outcomes(made.checks)
    assert [found[name] for name in ("health", "wallets", "order", "delta", "logs")] == [FAIL, SKIP, SKIP, SKIP, PASS]
    assert (made.verdict, made.exit_code) == (FAIL, Exit.FAIL)
    assert {path for _, path in here.requests} == {"/health"}


def test_wallets_that_answer_with_an_error_stop_the_order_and_leave_the_baseline(here: World) -> None:
    here.fault("wallets-error")
    made = here.verify().report
    found = outcomes(made.checks)
    assert [found[name] for name in ("health", "wallets", "order", "delta")] == [PASS, UNKNOWN, SKIP, SKIP]
    assert here.changes == {}
    assert read_baseline(here.settings.log_dir) is None


WHAT_COMES_OF = {
    "submit-rejected": (FAIL, PASS),
    "submit-status-error": (FAIL, PASS),
    "submit-doubled": (FAIL, FAIL),
    "submit-partial": (UNKNOWN, UNKNOWN),
    "submit-lost": (FAIL, PASS),
    "submit-internal-error": (WARN, PASS),
    "submit-timeout": (WARN, PASS),
}
"""What order and delta come to under each fault: what the wallets show counts, whatever was replied."""


@pytest.mark.parametrize("fault", OF_ORDERS)
def test_an_order_is_judged_by_the_wallets_and_sent_once_whatever_is_replied(here: World, fault: str) -> None:
    here.fault(fault)
    found = outcomes(here.verify().report.checks)
    assert (found["order"], found["delta"]) == WHAT_COMES_OF[fault]
    assert here.changes == {SUBMIT: 1}
    assert "services" in [step.name for step in here.steps]


NO_TIME = {"feed-down", "maintenance", "clock-ahead"}
"""Under which faults the exchange does not say that it works, or what time it is."""


@pytest.mark.parametrize(
    "fault", [f.name for f in TABLE if not f.name.startswith(("submit", "wallets", "api", "health"))]
)
def test_what_is_wrong_elsewhere_keeps_an_order_back_only_where_the_exchange_is_in_doubt(
    here: World, fault: str
) -> None:
    here.fault(fault)
    found = outcomes(here.verify().report.checks)
    wanted = UNKNOWN if fault in NO_TIME else PASS
    assert (found["order"], found["delta"]) == (wanted, PASS)
    assert here.changes == ({} if fault in NO_TIME else {SUBMIT: 1})


def test_an_order_in_doubt_lets_no_other_one_follow(here: World) -> None:
    here.fault("submit-partial")
    here.fault("submit-internal-error")
    assert outcomes(here.verify().report.checks)["order"] is UNKNOWN
    here.heal("submit-partial")
    here.heal("submit-internal-error")
    again = here.verify().report
    assert outcomes(again.checks)["order"] is UNKNOWN
    assert here.changes == {SUBMIT: 1}


def test_wallets_that_lag_behind_the_order_are_waited_for(here: World) -> None:
    here.sandbox.faults.on("wallets-stale", here.clock.now_ms(), 40_000)
    found = outcomes(here.verify().report.checks)
    assert (found["order"], found["delta"]) == (PASS, PASS)


def test_wallets_that_never_move_say_that_nothing_was_filled_whatever_was_acknowledged(here: World) -> None:
    here.fault("wallets-stale")
    found = outcomes(here.verify().report.checks)
    assert (found["order"], found["delta"]) == (FAIL, FAIL)


def test_a_latch_keeps_the_order_back_and_says_so(here: World) -> None:
    set_latch(here.settings.log_dir, Latch(here.clock.now_ms(), ("a test",), "somebody"))
    made = here.verify().report
    order = next(judged for judged in made.checks if judged.id == "verify-order")
    assert order.outcome is UNKNOWN
    assert "the stop latch is set" in order.detail
    assert here.changes == {}


def test_another_actor_beside_the_order_cannot_be_told_from_it(here: World) -> None:
    here.verify()
    here.stranger(0.5)
    result = verify_delta(delta(here.settings, here.clock))
    assert (result.outcome, "another actor" in result.detail) == (UNKNOWN, True)


def test_a_log_that_says_fatal_fails_the_verification(here: World) -> None:
    here.log("FATAL: it is over", level="CRITICAL")
    made = here.verify(order=False).report
    assert outcomes(made.checks)["logs"] is FAIL
    assert made.exit_code is Exit.FAIL


def test_checks_are_numbered_in_a_row_whatever_was_left_out(here: World) -> None:
    whole = here.verify().report.checks
    here.fault("api-down")
    halved = here.verify().report.checks
    assert [judged.number for judged in whole] == [*range(1, 11)]
    assert [judged.id for judged in whole] == [judged.id for judged in halved]


def test_a_market_without_a_test_pair_is_refused_before_anything_is_asked(here: World) -> None:
    here.settings = replace(here.settings, symbol="tBTCEUR")
    with pytest.raises(Refused):
        here.verify()
    assert not here.requests


def test_the_report_is_kept_whole_and_found_again(here: World) -> None:
    made = here.verify().report
    path = keep(here.settings, made)
    assert (path.name, path.stat().st_mode & 0o777) == ("verification_20260204_132024Z.json", 0o600)
    document = json.loads(path.read_bytes())
    assert [check["id"] for check in document["checks"]] == [judged.id for judged in made.checks]
    moved = {each["currency"]: each["change"] for each in document["wallets"]}
    assert moved["TESTBTC"] == pytest.approx(SIZE, rel=0.002)
    found = last_verified(here.settings.log_dir)
    assert found is not None
    assert (found.verdict, found.at_ms // 1000) == (str(made.verdict), made.generated_ms // 1000)


def test_no_secret_of_a_log_line_gets_into_the_kept_report(here: World) -> None:
    secret = "Zx8Qw3Er5Ty7Ui9Op1As2Df4Gh6Jk8Lz"
    (here.settings.root / ".env").write_text(f"BITFINEX_API_SECRET={secret}\n", encoding="utf-8")
    here.log(f"FATAL: signing with {secret} failed", level="CRITICAL")
    text = keep(here.settings, here.verify(order=False).report).read_text("utf-8")
    assert "signing with" in text
    assert (secret in text) is False
