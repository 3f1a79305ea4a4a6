"""The gate of live-paper: "DO NOT proceed to live-paper until acceptance PASSES" (runbook Day 1, step 3)."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from genesis_ops.collect.certificate import certify
from genesis_ops.collect.judgement import Asked, judge_acceptance
from genesis_ops.collect.where import source
from genesis_ops.errors import Refused, Unreachable
from genesis_ops.runlog.events import GateOverridden, GatePassed, OrderOpen, RunnerStarted
from genesis_ops.sandbox.configuration import configuration_hash, runtime_configuration
from genesis_ops.state.champion import fingerprint, pin_file
from genesis_ops.state.latch import Latch, set_latch
from genesis_ops.state.receipt import Receipt, write_receipt
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from conftest import Day

START_MS = 1_770_210_200_000  # 2026-02-04 13:03:20 UTC
ORDER = "20260204-1300"
CONFIGURATION = configuration_hash(runtime_configuration())
NO_RECEIPT = "there is no acceptance receipt"


def receipt_of(day: "Day", **changes: Any) -> Receipt:
    """A receipt that opens the gate now, but for the changes."""
    end_ms = changes.pop("end_ms", day.clock.now_ms())
    fit = Receipt(
        start_ms=end_ms - DAY_MS,
        end_ms=end_ms,
        covered_seconds=86_400,
        verdict="PASS",
        champion_file="config/strategy/champions/tBTCUSD_1h.json",
        champion_sha256=fingerprint(day.settings().champion_file).sha256,
        runtime_config_hash=CONFIGURATION,
        evidence_sha256="e" * 64,
        checks={"candle-uniqueness": "PASS"},
        version="genesis-ops 0.1.0",
        market="tBTCUSD 1h",
        written_ms=end_ms,
    )
    return fit._replace(**changes)


def with_receipt(day: "Day", **changes: Any) -> None:
    day.logs.mkdir(parents=True, exist_ok=True)
    write_receipt(day.logs, receipt_of(day, **changes))


def refusal(day: "Day", **options: Any) -> Refused:
    """Be refused, with nothing sent and nothing begun."""
    posts, started = day.posts, len(day.events(RunnerStarted))
    begun = len(day.records("started"))
    with pytest.raises(Refused) as caught:
        day.live(5, **{"override": "", **options})
    assert caught.value.exit_code == 78
    assert (day.posts, len(day.events(RunnerStarted)), len(day.records("started"))) == (posts, started, begun)
    return caught.value


def instead(day: "Day", part: str, answer: Callable[[], httpx.Response]) -> None:
    day.wire.instead = lambda request: answer() if part in request.url.path else None


def says(document: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(document).encode()))


def test_without_a_receipt_live_paper_is_refused_and_the_acceptance_named(day: "Day") -> None:
    error = refusal(day)
    assert error.message == "live-paper is not allowed"
    assert error.notes == (NO_RECEIPT,)
    assert error.next_command == ("genesis-ops acceptance --window 24h      after 24h of: genesis-ops run --dry-run")


def test_a_fresh_receipt_that_fits_opens_the_gate_and_the_journal_says_so(day: "Day") -> None:
    with_receipt(day)
    day.live(2, override="")
    (passed,) = day.events(GatePassed)
    assert passed.told == "acceptance of 24.0h to 2026-02-04 13:03 UTC"
    (started,) = day.records("started")
    assert {name: started[name] for name in ("market", "symbol", "config_hash", "override", "gate")} == {
        "market": "tBTCUSD 1h",
        "symbol": "tTESTBTC:TESTUSD",
        "config_hash": CONFIGURATION,
        "override": "",
        "gate": passed.told,
    }
    assert started["champion_sha256"] == fingerprint(day.settings().champion_file).sha256
    assert not day.events(GateOverridden)


FITTING: list[dict[str, Any]] = [
    {"verdict": "WARN"},
    {"end_ms": START_MS - DAY_MS},
    {"end_ms": START_MS + 10 * MINUTE_MS},
    {"covered_seconds": 86_400 - 600},
]


@pytest.mark.parametrize("changes", FITTING)
def test_a_receipt_that_just_fits_opens_the_gate(day: "Day", changes: dict[str, Any]) -> None:
    with_receipt(day, **changes)
    day.live(2, override="")
    assert len(day.events(GatePassed)) == 1


UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "too old": ({"end_ms": START_MS - DAY_MS - 1}, "the acceptance is of 1d 0h ago, and 24h is the most"),
    "days old": ({"end_ms": START_MS - 50 * HOUR_MS}, "the acceptance is of 2d 2h ago, and 24h is the most"),
    "from the future": ({"end_ms": START_MS + 10 * MINUTE_MS + 1}, "the acceptance lies in the future"),
    "short": ({"covered_seconds": 23 * 3600}, "the acceptance covers 23h 0m of the 24h"),
    "just short": ({"covered_seconds": 86_399 - 600}, "the acceptance covers 23h 49m of the 24h"),
    "of a short window": (
        {"start_ms": START_MS - 23 * HOUR_MS, "covered_seconds": 23 * 3600},
        "the acceptance covers 23h 0m of the 24h",
    ),
    "of a window that is shorter than what it covers": (
        {"start_ms": START_MS - 23 * HOUR_MS},
        "the acceptance covers 1d 0h of the 24h",
    ),
    "failed": ({"verdict": "FAIL"}, "the acceptance said FAIL"),
    "unknown": ({"verdict": "UNKNOWN"}, "the acceptance said UNKNOWN"),
    "that contradicts itself": (
        {"checks": {"no-orders": "PASS", "no-fatal": "FAIL", "heartbeat": "UNKNOWN"}},
        "the acceptance contradicts itself: PASS, though no-fatal, heartbeat did not pass",
    ),
    "written in the future": ({"written_ms": START_MS + 10 * MINUTE_MS + 1}, "the acceptance lies in the future"),
    "written before its window ended": (
        {"end_ms": START_MS, "written_ms": START_MS - 10 * MINUTE_MS - 1},
        "the acceptance was written before its window ended",
    ),
    "of another market": ({"market": "tETHUSD 1h"}, "the acceptance was of tETHUSD 1h, not of tBTCUSD 1h"),
    "of another timeframe": ({"market": "tBTCUSD 1m"}, "the acceptance was of tBTCUSD 1m, not of tBTCUSD 1h"),
    "of another champion": (
        {"champion_sha256": "f" * 64},
        "the champion is 20e12faeda55, accepted was ffffffffffff",
    ),
    "of another configuration": (
        {"runtime_config_hash": "f" * 64},
        f"the runtime configuration is {CONFIGURATION[:12]}, accepted was ffffffffffff",
    ),
    "of no configuration": (
        {"runtime_config_hash": None},
        "the acceptance does not tell the runtime configuration",
    ),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_receipt_that_does_not_fit_opens_nothing_and_its_fault_is_named(day: "Day", kind: str) -> None:
    changes, reason = UNFIT[kind]
    with_receipt(day, **changes)
    assert refusal(day).notes == (reason,)


def test_several_faults_of_a_receipt_are_all_named_at_once(day: "Day") -> None:
    with_receipt(day, end_ms=START_MS - 50 * HOUR_MS, covered_seconds=3600, market="tETHUSD 1h", verdict="FAIL")
    assert refusal(day).notes == (
        "the acceptance said FAIL",
        "the acceptance was of tETHUSD 1h, not of tBTCUSD 1h",
        "the acceptance is of 2d 2h ago, and 24h is the most",
        "the acceptance covers 1h 0m of the 24h",
    )


def test_a_damaged_receipt_opens_nothing_and_an_older_one_does_not_stand_in(day: "Day") -> None:
    with_receipt(day)
    (good,) = day.logs.glob("acceptance_receipt_*.json")
    day.clock.wait(60)
    damaged = day.logs / "acceptance_receipt_20260204_130400Z.json"
    damaged.write_bytes(good.read_bytes()[:-20])
    (note,) = refusal(day).notes
    assert "acceptance_receipt_20260204_130400Z.json is not an acceptance receipt" in note


def test_the_newest_receipt_counts(day: "Day") -> None:
    with_receipt(day, written_ms=START_MS - 5_000)
    with_receipt(day, verdict="FAIL")
    assert refusal(day).notes == ("the acceptance said FAIL",)


def test_a_day_of_dry_run_its_acceptance_and_then_live_paper(day: "Day") -> None:
    day.run(25 * 60)
    settings, now_ms = day.settings(), day.clock.now_ms()
    with source(settings, None) as here:
        judged = judge_acceptance(settings, here, Asked(now_ms - DAY_MS, now_ms, now_ms), day.clock)
    assert judged.report.exit_code == 0
    certify(settings, judged)
    day.wire.decision = ("LONG", 0.015)
    day.live(61, override="")
    assert day.posts == 1
    assert [event.told for event in day.events(GatePassed)] == ["acceptance of 24.0h to 2026-02-05 14:03 UTC"]


# --- going on after a restart


def passed(day: "Day") -> list[str]:
    return [event.told for event in day.events(GatePassed)]


def test_a_restart_goes_on_without_a_receipt_while_champion_and_configuration_are_the_same(day: "Day") -> None:
    with_receipt(day)
    day.live(2, override="")
    for _ in range(3):
        day.pause(hours=23)  # after the second the receipt is too old
        day.live(2, override="")
    assert passed(day)[1:] == [
        "goes on from 2026-02-04 13:03:20 UTC, champion and configuration unchanged",
        "goes on from 2026-02-05 12:05:20 UTC, champion and configuration unchanged",
        "goes on from 2026-02-06 11:07:20 UTC, champion and configuration unchanged",
    ]
    assert [record["override"] for record in day.records("started")] == [""] * 4


def test_a_run_that_ended_more_than_a_day_ago_does_not_go_on_without_a_receipt(day: "Day") -> None:
    with_receipt(day)
    day.live(2, override="")
    day.pause(hours=25)
    with pytest.raises(Refused, match="live-paper is not allowed") as refused:
        day.live(2, override="")
    assert refused.value.notes == ("the acceptance is of 1d 1h ago, and 24h is the most",)


def test_a_restart_needs_no_override_and_makes_none_of_one(day: "Day") -> None:
    with_receipt(day)
    day.live(2, override="")
    day.live(2, override="just in case")
    assert not day.events(GateOverridden)
    assert [record["override"] for record in day.records("started")] == ["", ""]


def test_an_override_holds_for_one_run_only(day: "Day") -> None:
    day.live(2, override="the acceptance ran elsewhere")
    assert refusal(day).notes == (NO_RECEIPT,)


def test_after_a_dry_run_in_between_live_paper_needs_an_acceptance_again(day: "Day") -> None:
    with_receipt(day)
    day.live(2, override="")
    day.pause(hours=30)
    day.run(2)
    assert refusal(day).notes == ("the acceptance is of 1d 6h ago, and 24h is the most",)


def test_another_configuration_needs_an_acceptance_again(day: "Day") -> None:
    with_receipt(day)
    day.live(2, override="")
    instead(day, "config/runtime", lambda: says({"cfg": {}, "hash": "f" * 64, "version": 1}))
    assert refusal(day).notes == (f"the runtime configuration is ffffffffffff, accepted was {CONFIGURATION[:12]}",)


def test_another_champion_needs_an_acceptance_again(day: "Day") -> None:
    with_receipt(day)
    day.live(2, override="")
    champion = day.settings().champion_file
    champion.write_bytes(champion.read_bytes() + b"\n")
    pin_file(day.logs).unlink()
    (note,) = refusal(day).notes
    assert note.endswith("accepted was 20e12faeda55")


# --- the override


def test_an_override_is_a_warning_in_the_log_and_stands_in_the_journal(day: "Day") -> None:
    with_receipt(day, verdict="FAIL", market="tETHUSD 1h")
    day.live(2, override="the acceptance ran on the other host")
    told = "the acceptance said FAIL; the acceptance was of tETHUSD 1h, not of tBTCUSD 1h"
    (line,) = [line for line in day.lines() if "GATE" in line]
    assert line.endswith(
        f"WARNING - LIVE-PAPER GATE OVERRIDDEN: the acceptance ran on the other host (the gate said: {told})"
    )
    (started,) = day.records("started")
    assert (started["override"], started["gate"]) == ("the acceptance ran on the other host", told)
    assert not day.events(GatePassed)


def test_no_override_helps_against_the_stop_latch(day: "Day") -> None:
    with_receipt(day)
    set_latch(day.logs, Latch(START_MS, ("fatal-error: it happened",), "ops@host"))
    assert refusal(day, override="I insist").notes[0] == "fatal-error: it happened"


def unresolved(desk: "Day") -> None:
    """Leave an order that nobody but an operator can tell anything of."""
    desk.fault("submit-partial@0s+6m", "submit-internal-error@0s+6m")
    desk.live(7)
    assert desk.kinds()[-4:] == ["decided", "armed", "unknown", "evidence"]


@pytest.mark.parametrize("receipt", [True, False])
def test_no_override_and_no_receipt_helps_against_an_order_in_doubt(desk: "Day", receipt: bool) -> None:
    unresolved(desk)
    if receipt:
        with_receipt(desk)
    error = refusal(desk, override="I insist")
    assert error.notes[0] == f'{ORDER} is unknown and unresolved: the API says "internal_error"'
    assert error.notes[1:] == (() if receipt else (NO_RECEIPT,))
    assert error.next_command == f'genesis-ops orders resolve {ORDER} --filled|--not-filled --reason "..."'
    desk.resolve(ORDER, filled=True)
    desk.live(2, override="I insist")


def test_a_run_that_was_interrupted_goes_on_asking_the_wallets(desk: "Day") -> None:
    desk.fault("submit-timeout@0s+6m")
    desk.live(4)
    assert desk.kinds()[-1] == "unknown"
    desk.live(5)
    assert desk.events(OrderOpen)[0].reason == "no reply within 90s"
    assert desk.kinds()[-1] == "evidence"


def test_an_order_in_doubt_after_a_dry_run_keeps_live_paper_from_beginning(desk: "Day") -> None:
    desk.fault("submit-timeout@0s+6m")
    desk.live(4)
    desk.run(2)
    assert refusal(desk, override="I insist").notes[0].startswith(f"{ORDER} is unknown and unresolved")


def test_an_order_in_doubt_without_wallets_from_before_it_keeps_live_paper_from_going_on(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    desk.fault("wallets-error@0s+6m")
    with monkeypatch.context() as patch:
        patch.setattr("genesis_ops.clients.paper.PaperApi.submit", kill)
        with pytest.raises(Killed):
            desk.live(6)
    assert refusal(desk, override="I insist").notes[0] == (
        f"{ORDER} is unknown and unresolved: the runner ended while it was being sent"
    )


def test_an_acknowledged_order_that_was_filled_twice_is_named_as_such(desk: "Day") -> None:
    from genesis_ops.errors import AbortCondition

    desk.fault("submit-doubled@0s+6m")
    with pytest.raises(AbortCondition):
        desk.live(6)
    assert refusal(desk, override="I insist").notes[0] == f"{ORDER} is acked and unresolved: several"


# --- what nothing overrides


@pytest.mark.parametrize("fault", ["api-down", "config-error"])
def test_an_api_that_does_not_tell_its_configuration_is_unreachable(day: "Day", fault: str) -> None:
    with_receipt(day)
    day.fault(fault)
    with pytest.raises(Unreachable, match="the API does not tell its configuration: GET /config/runtime") as caught:
        day.live(5, override="")
    assert caught.value.exit_code == 3
    assert caught.value.next_command.startswith("curl -fsS http://127.0.0.1:8000/health ")
    assert not day.records()


@pytest.mark.parametrize("mark", [None, "", 7, ["x"]])
def test_a_configuration_without_a_hash_is_refused_whatever_anybody_says(day: "Day", mark: object) -> None:
    with_receipt(day)
    instead(day, "config/runtime", lambda: says({"cfg": {}, "hash": mark, "version": 1}))
    with pytest.raises(Refused, match="has no hash, so it cannot be held against the accepted one"):
        day.live(5)
    assert not day.records()


@pytest.mark.parametrize(
    "answer", [{"symbols": "tTESTBTC:TESTUSD"}, {"symbols": [1]}, {}, ["tTESTBTC:TESTUSD"], {"detail": "Not Found"}]
)
def test_an_api_that_does_not_tell_its_whitelist_is_unreachable(day: "Day", answer: object) -> None:
    with_receipt(day)
    instead(day, "whitelist", lambda: says(answer))
    with pytest.raises(Unreachable, match="the API does not tell which pairs may be traded: GET /paper/whitelist") as e:
        day.live(5)
    assert e.value.exit_code == 3
    assert e.value.next_command == "curl -fsS http://127.0.0.1:8000/paper/whitelist"
    assert not day.records()


def test_a_pair_that_is_not_on_the_whitelist_is_refused_whatever_anybody_says(day: "Day") -> None:
    with_receipt(day)
    instead(day, "whitelist", lambda: says({"symbols": ["tTESTETH:TESTUSD"]}))
    error = refusal(day, override="I insist")
    assert error.message == "tBTCUSD would be traded as tTESTBTC:TESTUSD, which is not on the API's whitelist"
    assert error.next_command == "curl -fsS http://127.0.0.1:8000/paper/whitelist"
    assert not day.records()


def test_a_symbol_without_a_paper_pair_is_refused_before_anything_is_asked(day: "Day") -> None:
    champion = day.settings().champion_file
    champion.with_name("tBTCEUR_1h.json").write_bytes(champion.read_bytes())
    with pytest.raises(Refused, match="tBTCEUR has no paper pair"):
        day.live(5, symbol="tBTCEUR")
    assert not day.wire.requests
    assert not day.records()
    assert not day.lines()


def test_orders_are_held_against_the_configuration_of_the_run_s_own_admission(desk: "Day") -> None:
    """And not against that of an earlier run."""
    instead(desk, "config/runtime", lambda: says({"cfg": {}, "hash": "f" * 64, "version": 1}))
    desk.live(5)
    assert desk.posts == 1
    assert [record["config_hash"][:4] for record in desk.records("started")] == [CONFIGURATION[:4], "ffff"]
