"""From a decision to a recorded outcome: at most one request for a candle, whatever happens (order protocol)."""

import json
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from genesis_ops.clients.paper import CACHE_SECONDS, SUBMIT_SECONDS, Label, PaperApi, PaperOrder, Submission
from genesis_ops.errors import AbortCondition, LockHeld, PaperFailure, Refused, WriteFailed
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.runlog.events import (
    ChampionVerified,
    Event,
    Fatal,
    Heartbeat,
    OrderBlocked,
    OrderExpired,
    OrderOpen,
    OrderRejected,
    OrderResolved,
    OrderSubmitted,
    OrderSubmitting,
    OrderUnknown,
    SignalReceived,
    WalletChange,
    WalletDoubt,
)
from genesis_ops.runner import evidence as looking
from genesis_ops.runner import orders, start
from genesis_ops.runner.evidence import PAST_CACHE_SECONDS
from genesis_ops.sandbox.account import Order, placed
from genesis_ops.state.claim import claim_of
from genesis_ops.state.latch import Latch, set_latch
from genesis_ops.state.model import PendingEvaluation
from genesis_ops.words import HOUR_MS, Mode, Timeframe

if TYPE_CHECKING:
    from conftest import Day

ORDER, SECOND = "20260204-1300", "20260204-1400"
CLOSE_MS = 1_770_213_600_000  # of the first order's candle: 14:00
PAIR = "tTESTBTC:TESTUSD"
STARTED = ["started"]
FILLED = ["decided", "armed", "acked", "evidence"]
ALL_ABOUT_ORDERS = (OrderSubmitting, OrderSubmitted, OrderRejected, OrderUnknown, OrderBlocked, OrderExpired)
ALL_DOUBTS = (WalletChange, WalletDoubt, OrderResolved, OrderOpen, Fatal)


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


Instead = Callable[[httpx.Request], Any]


def of_orders(day: "Day") -> list[str]:
    """The journal without the beginnings of runs."""
    return [kind for kind in day.kinds() if kind != "started"]


def after(path: str, answer: Instead) -> Instead:
    return lambda request: answer(request) if path in request.url.path else None


def answers(document: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(document).encode()))


def fill(day: "Day", size: float, *, buys: bool = True) -> Any:
    return day.sandbox.account.fill(Order(PAIR, buys, abs(size)), abs(size), 70_000.0, day.clock.now_ms())


def fails(error: Exception) -> Instead:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return after("/paper/submit", fail)


def refuses(request: httpx.Request) -> httpx.Response | None:
    if "/paper/submit" in request.url.path:
        raise httpx.ConnectError("connection refused") from ConnectionRefusedError(111, "Connection refused")
    return None


def test_an_order_is_decided_armed_sent_acknowledged_and_seen_in_the_wallets(desk: "Day") -> None:
    desk.live(5)
    assert of_orders(desk) == FILLED
    assert desk.wire.bodies("submit") == [{"symbol": PAIR, "side": "LONG", "size": 0.015, "type": "MARKET"}]
    decided, armed, acked, evidence = desk.records(*FILLED)
    assert {record["id"] for record in (decided, armed, acked, evidence)} == {ORDER}
    assert (decided["candle_ts"], decided["side"], decided["size"]) == (1_770_210_000_000, "LONG", 0.015)
    assert armed["before"]["TESTBTC"] == 10.0
    assert acked["order_id"] == 2_000_000_001
    assert (evidence["fill"], evidence["moved"][0]) == ("once", 0.014994)
    assert evidence["after"]["TESTBTC"] == 10.014994


def test_an_intent_is_on_the_disk_and_synced_before_the_first_byte_of_its_request(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, int] = {}
    real, seen = os.fsync, []

    def sync(descriptor: int) -> None:
        real(descriptor)
        found = os.fstat(descriptor)
        synced[found.st_ino] = found.st_size

    def look(_: httpx.Request) -> None:
        journal = desk.logs / "runner_orders_20260204.log"
        raw = journal.read_bytes()
        seen.append((json.loads(raw.splitlines()[-1])["kind"], synced.get(journal.stat().st_ino) == len(raw)))

    monkeypatch.setattr(os, "fsync", sync)
    desk.wire.instead = after("/paper/submit", look)
    desk.live(5)
    assert seen == [("armed", True)]


def test_the_log_tells_of_an_order_in_the_phrases_that_operators_grep_for(desk: "Day") -> None:
    desk.live(5)
    told = [line.split(" - ", 2)[2] for line in desk.lines() if "order" in line.lower() or "WATCH" in line]
    wanted = [line for line in told if "DEBUG" not in line and "Heartbeat" not in line and "DECISION" not in line]
    assert wanted[-4] == "INFO - Submitting LONG order..."
    assert wanted[-3].startswith('INFO - ORDER SUBMITTED: {"ok": true, "exchange": "bitfinex", "request"')
    assert wanted[-2] == (
        "INFO - WALLET CHANGE: 20260204-1300: +0.01499400 TESTBTC, -1,074.84 TESTUSD, 1.00 times the order"
    )
    assert wanted[-1] == (
        "INFO - WATCH: 13:00 close 71,655.70 LONG 0.015 acked in 0.0s order 2000000001, wallets 1.00x"
    )


def test_the_state_and_the_heartbeat_count_what_was_submitted(desk: "Day") -> None:
    desk.live(65)
    assert desk.state()["total_orders_submitted"] == 2
    assert {event.orders for event in desk.events(Heartbeat)} == {0, 1, 2}
    assert desk.posts == 2


OUTCOMES: dict[str, tuple[str, str | Instead]] = {
    "acknowledged": ("acked", ""),
    "acknowledged and doubled is seen": ("acked", "wallets-error"),
    "rejected by the API": ("rejected", "submit-rejected"),
    "connection refused": ("rejected", refuses),
    "not found": ("rejected", after("/paper/submit", lambda _: answers({"detail": "Not Found"}, 404))),
    "timeout": ("unknown", "submit-timeout"),
    "connection lost": ("unknown", "submit-lost"),
    "internal error": ("unknown", "submit-internal-error"),
    "exchange says error": ("unknown", "submit-status-error"),
    "HTTP 500": ("unknown", after("/paper/submit", lambda _: answers({"detail": "boom"}, 500))),
    "HTTP 429": ("unknown", after("/paper/submit", lambda _: answers({"detail": "slow down"}, 429))),
    "no JSON": ("unknown", after("/paper/submit", lambda _: httpx.Response(200, stream=httpx.ByteStream(b"<html>")))),
    "connection reset": ("unknown", fails(httpx.ReadError("connection reset by peer"))),
}


def restarted(day: "Day") -> None:
    day.live(2)


def without_state(day: "Day") -> None:
    (day.logs / "runner_state.json").unlink()
    day.live(2)


def with_a_corrupt_state(day: "Day") -> None:
    (day.logs / "runner_state.json").write_bytes(b'{"last_processed')
    day.live(2)


def with_a_rebuilt_state(day: "Day") -> None:
    day.live(2, rebuild=True)


def with_the_candle_evaluated_again(day: "Day") -> None:
    """As after a stop between the stream of evaluations and the log."""
    log = day.logs / "runner_20260204.log"
    kept = [line for line in log.read_bytes().splitlines(keepends=True) if b"EVALUATION: action=LONG" not in line]
    log.write_bytes(b"".join(kept))
    candle = {"ts": 1_770_210_000_000, "close": 71655.7, "source": "latest"}
    (day.logs / "runner_state.json").write_text(json.dumps(day.state() | {"pending_evaluation": candle}))
    before = day.wire.count("/strategy/evaluate")
    day.live(2)
    assert day.wire.count("/strategy/evaluate") == before + 2


AGAIN = (
    restarted,
    without_state,
    with_a_corrupt_state,
    with_a_rebuilt_state,
    with_the_candle_evaluated_again,
    restarted,
)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_one_request_leaves_for_a_candle_whatever_came_of_it_and_however_often_it_is_started(
    desk: "Day", outcome: str
) -> None:
    label, how = OUTCOMES[outcome]
    if isinstance(how, str):
        desk.fault(*([f"{how}@0s+6m"] if how else []))
    else:
        desk.wire.instead = how
    desk.live(4)
    assert [record["kind"] for record in desk.records("acked", "rejected", "unknown")] == [label]
    for again in AGAIN:
        again(desk)
    assert desk.posts == 1
    assert len(desk.records("armed")) == 1
    assert len(desk.sandbox.account.fills) <= 1
    assert len(desk.records("decided")) == 1


def test_a_rejected_order_counts_as_none_blocks_nothing_and_is_not_looked_for(desk: "Day") -> None:
    desk.fault("submit-rejected@0s+6m")
    desk.live(65)
    assert of_orders(desk) == ["decided", "armed", "rejected", *FILLED]
    assert desk.state()["total_orders_submitted"] == 1
    (rejected,) = desk.events(OrderRejected)
    assert (rejected.order, rejected.reason) == (ORDER, 'the API says "invalid_action_or_size"')
    assert not desk.events(WalletDoubt, OrderResolved, OrderUnknown)


# --- doubt, and what resolves it


@pytest.mark.parametrize(
    ("fault", "filled"), [("submit-timeout", True), ("submit-internal-error", True), ("submit-lost", False)]
)
def test_the_wallets_resolve_an_order_in_doubt_and_the_next_one_is_sent(desk: "Day", fault: str, filled: bool) -> None:
    desk.fault(f"{fault}@0s+6m")
    desk.live(65)
    assert of_orders(desk) == ["decided", "armed", "unknown", "evidence", *FILLED]
    assert desk.records("evidence")[0]["fill"] == ("once" if filled else "none")
    assert [event.order for event in desk.events(OrderUnknown)] == [ORDER]
    (resolved,) = desk.events(OrderResolved)
    assert (resolved.order, resolved.told) == (ORDER, f"{'filled' if filled else 'not filled'}, say the wallets")
    assert desk.state()["total_orders_submitted"] == 1 + filled
    assert desk.posts == 2
    assert len(desk.events(WalletChange)) == 1 + filled
    assert [event.told[:17] for event in desk.events(WalletDoubt)] == ([] if filled else ["they did not move"])


def test_an_order_in_doubt_is_looked_for_only_after_the_api_can_have_retried(desk: "Day") -> None:
    desk.fault("submit-lost@0s+6m")
    desk.live(5)
    (sent,) = desk.wire.times("submit")
    looks = [at - sent for at in desk.wire.times("wallets") if at > sent]
    assert looks[0] >= SUBMIT_SECONDS + PAST_CACHE_SECONDS
    assert looks[1] - looks[0] >= PAST_CACHE_SECONDS
    assert len(looks) == 2


def test_wallets_are_read_past_their_cache_after_an_acknowledgement(desk: "Day") -> None:
    shown: list[httpx.Response] = []

    def cached(request: httpx.Request) -> httpx.Response | None:
        """As old as the contract allows, from whoever asked last: 5 s."""
        if "wallets" not in request.url.path:
            return None
        asked_ms = desk.clock.now_ms()
        earlier = [fill for fill in desk.sandbox.account.fills if fill.ms <= asked_ms - 5_000]
        shown.append(answers(desk.sandbox.account.wallets(None if earlier else 1)))
        return shown[-1]

    desk.wire.instead = cached
    desk.live(5)
    (sent,) = desk.wire.times("submit")
    looks = [at for at in desk.wire.times("wallets") if at > sent]
    assert looks[0] - sent > 5.0
    assert looks[1] - looks[0] > 5.0
    assert [record["fill"] for record in desk.records("evidence")] == ["once"]


def test_an_order_that_is_in_doubt_blocks_the_next_one(desk: "Day") -> None:
    desk.fault("submit-timeout@0s+6m", "wallets-error@0s+2h")
    desk.live(65)
    assert of_orders(desk) == ["decided", "armed", "unknown", "evidence", "decided", "blocked"]
    assert desk.records("evidence")[0]["fill"] == "unreadable"
    (blocked,) = desk.events(OrderBlocked)
    assert (blocked.order, blocked.reason) == (SECOND, f"unresolved: {ORDER}")
    assert desk.records("blocked")[0]["reason"] == blocked.reason
    assert desk.posts == 1
    assert any(f"order {ORDER} unresolved" in glance.trouble for glance in desk.glances)


def test_wallets_with_an_error_are_not_believed_and_asked_again(desk: "Day") -> None:
    desk.fault("submit-timeout@0s+6m", "wallets-error@4m+6m")
    desk.live(10)
    assert of_orders(desk) == ["decided", "armed", "unknown"]
    desk.live(5)
    assert of_orders(desk) == ["decided", "armed", "unknown", "evidence"]
    assert desk.records("evidence")[0]["fill"] == "once"
    assert desk.posts == 1


def test_wallets_that_cannot_be_read_are_asked_less_often_after_ten_minutes_and_never_given_up_in_doubt(
    desk: "Day",
) -> None:
    desk.fault("submit-timeout@0s+6m", "wallets-error@4m+40m")
    desk.live(58)
    (sent,) = desk.wire.times("submit")
    looks = [at - sent for at in desk.wire.times("wallets") if at > sent]
    steps = [later - earlier for earlier, later in pairwise(looks)]
    early = [step for at, step in zip(looks, steps, strict=False) if at < 600]
    late = [step for at, step in zip(looks, steps, strict=False) if 600 <= at < 2_350]
    assert set(early) == {10.0}
    assert set(late) == {60.0}
    assert desk.records("evidence")[0]["fill"] == "once"
    assert len(desk.events(OrderResolved)) == 1


def test_an_acknowledged_order_whose_wallets_cannot_be_read_is_left_at_that_after_ten_minutes(desk: "Day") -> None:
    desk.fault("wallets-error@181s+40m")
    desk.live(65)
    assert of_orders(desk) == [*FILLED, *FILLED]
    assert [record["fill"] for record in desk.records("evidence")] == ["unreadable", "once"]
    (doubt,) = desk.events(WalletDoubt)
    assert (doubt.order, doubt.told) == (ORDER, "the wallets could not be read before or after it")
    (sent, _) = desk.wire.times("submit")
    looks = [at - sent for at in desk.wire.times("wallets") if sent < at < sent + 3_000]
    assert 600 <= looks[-1] < 615


def test_one_reading_between_two_that_agree_must_not_have_failed(desk: "Day") -> None:
    """Two readings agree only when nothing came between them."""
    kinds = iter(["good", "good", "bad", "good", "good"])

    def sometimes(request: httpx.Request) -> httpx.Response | None:
        failing = "wallets" in request.url.path and next(kinds) == "bad"
        return answers({"items": [], "error": "internal_error"}) if failing else None

    desk.wire.instead = sometimes
    desk.live(6)
    assert list(kinds) == []
    assert desk.records("evidence")[0]["fill"] == "once"


def test_a_fill_that_comes_late_is_seen_before_an_acknowledged_order_is_doubted(desk: "Day") -> None:
    filled = []

    def late(request: httpx.Request) -> httpx.Response | None:
        if "submit" in request.url.path:
            order = Order(PAIR, buys=True, size=0.015)
            return answers(placed(desk.sandbox.account.quote(order, 0.015, 7e4, desk.clock.now_ms()), 0.015))
        if "wallets" in request.url.path and not filled and desk.clock.now_ms() >= CLOSE_MS + 40_000:
            filled.append(fill(desk, 0.015))
        return None

    desk.wire.instead = late
    desk.live(6)
    assert [record["fill"] for record in desk.records("evidence")] == ["once"]
    assert not desk.events(WalletDoubt)


def test_an_acknowledged_order_that_moved_no_wallet_is_doubted_and_blocks_nothing(desk: "Day") -> None:
    order = Order(PAIR, buys=True, size=0.015)

    def quoted(_: httpx.Request) -> httpx.Response:
        return answers(placed(desk.sandbox.account.quote(order, 0.015, 7e4, desk.clock.now_ms()), 0.015))

    desk.wire.instead = after("/paper/submit", quoted)
    desk.live(65)
    assert of_orders(desk) == [*FILLED, *FILLED]
    assert [record["fill"] for record in desk.records("evidence")] == ["none", "none"]
    assert desk.events(WalletDoubt)[0].told == (
        "they did not move (+0.00000000 TESTBTC, +0.00 TESTUSD, 0.00 times the order)"
    )
    (first, _) = desk.wire.times("submit")
    looks = [at - first for at in desk.wire.times("wallets") if first < at < first + 3_000]
    assert 60 <= looks[-1] < 75
    assert not desk.events(OrderResolved)
    assert desk.posts == 2


@pytest.mark.parametrize("acknowledged", [True, False])
def test_an_order_that_was_filled_several_times_ends_the_run_and_keeps_the_next_one_from_starting(
    desk: "Day", acknowledged: bool
) -> None:
    desk.fault("submit-doubled@0s+6m", *([] if acknowledged else ["submit-internal-error@0s+6m"]))
    with pytest.raises(AbortCondition) as ended:
        desk.live(65)
    assert ended.value.exit_code == 1
    assert ended.value.message == (
        f"order {ORDER} was filled several times: "
        f"+0.02998800 TESTBTC, {desk.records('evidence')[0]['moved'][1]:+,.2f} TESTUSD, 2.00 times the order"
    )
    assert ended.value.next_command == f'genesis-ops orders resolve {ORDER} --filled --reason "..."'
    assert [event.cause for event in desk.events(Fatal)] == [ended.value.message]
    assert of_orders(desk)[-2:] == ["acked" if acknowledged else "unknown", "evidence"]
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            desk.live(5)
        assert refused.value.exit_code == 78
        assert any(ORDER in note for note in refused.value.notes)
    assert desk.posts == 1
    desk.resolve(ORDER, filled=True)
    desk.live(5)
    assert desk.state()["total_orders_submitted"] == 1


@pytest.mark.parametrize("change", [0.0075, -0.015, 0.0195])
def test_wallets_that_moved_by_no_multiple_of_an_order_leave_it_unresolved_for_an_operator(
    desk: "Day", change: float
) -> None:
    def odd(_: httpx.Request) -> httpx.Response:
        if desk.posts == 1:
            fill(desk, change, buys=change > 0)
            return answers({"ok": False, "error": "internal_error"})
        return None

    desk.wire.instead = after("/paper/submit", odd)
    desk.live(65)
    assert of_orders(desk) == ["decided", "armed", "unknown", "evidence", "decided", "blocked"]
    assert desk.records("evidence")[0]["fill"] == "unclear"
    assert desk.events(WalletDoubt)[0].told.startswith("cannot tell: ")
    assert not desk.events(OrderResolved)
    desk.resolve(ORDER, filled=False)
    desk.live(60)
    assert of_orders(desk)[-5:] == ["resolved", *FILLED]
    assert desk.posts == 2


def test_an_unclear_change_is_given_a_minute_to_become_a_whole_fill(desk: "Day") -> None:
    def half(_: httpx.Request) -> httpx.Response:
        order = Order(PAIR, buys=True, size=0.015)
        reply = placed(desk.sandbox.account.quote(order, 0.015, 7e4, desk.clock.now_ms()), 0.015)
        fill(desk, 0.0075)
        return answers(reply)

    def more(request: httpx.Request) -> httpx.Response | None:
        late = desk.clock.now_ms() >= CLOSE_MS + 40_000 and len(desk.sandbox.account.fills) == 1
        if "wallets" in request.url.path and late:
            fill(desk, 0.0075)
        return after("/paper/submit", half)(request)

    desk.wire.instead = more
    desk.live(6)
    assert [record["fill"] for record in desk.records("evidence")] == ["once"]


def test_an_acknowledged_order_is_measured_by_the_size_that_the_api_made_of_it(desk: "Day") -> None:
    desk.wire.decision = ("SHORT", 25.0)
    desk.live(6)
    (acked,) = desk.records("acked")
    assert acked["size_taken"] == 10.0
    (evidence,) = desk.records("evidence")
    assert (evidence["fill"], evidence["multiple"]) == ("once", 1.0)


def test_an_order_without_a_reading_before_it_is_sent_and_left_without_evidence(desk: "Day") -> None:
    desk.fault("wallets-error@0s+6m")
    desk.live(5)
    assert of_orders(desk) == FILLED
    assert desk.records("armed")[0]["before"] is None
    assert desk.records("evidence")[0]["fill"] == "unreadable"
    assert desk.records("evidence")[0]["after"] is None


def test_an_operator_who_resolves_an_order_while_the_runner_runs_is_noticed_and_unblocks(desk: "Day") -> None:
    desk.fault("submit-partial@0s+6m", "submit-internal-error@0s+6m")
    said = []

    def resolve(_: httpx.Request) -> None:
        if desk.clock.now_ms() > CLOSE_MS + 20 * 60_000 and not said:
            said.append(desk.resolve(ORDER, filled=True))

    desk.wire.instead = after("/hist", resolve)
    desk.live(65)
    assert of_orders(desk) == ["decided", "armed", "unknown", "evidence", "resolved", *FILLED]
    (resolved,) = desk.events(OrderResolved)
    assert (resolved.order, resolved.told) == (ORDER, "filled, says ops@host: seen on the exchange")
    assert desk.state()["total_orders_submitted"] == 2
    assert desk.posts == 2


def test_an_operator_who_resolves_an_order_before_the_wallets_did_ends_their_being_asked(desk: "Day") -> None:
    desk.fault("submit-lost@0s+6m")
    desk.live(4)
    desk.resolve(ORDER, filled=False)
    asked = desk.wire.count("/account/wallets")
    desk.live(20)
    assert of_orders(desk) == ["decided", "armed", "unknown", "resolved"]
    assert desk.wire.count("/account/wallets") == asked


def test_an_operator_who_holds_the_journal_delays_an_order_and_nothing_else(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    real, busy = Journal.held, []

    def held(journal: Journal, command: str, patience_seconds: float = 10.0) -> Any:
        if journal.book.open and len(busy) < 3:
            busy.append(command)
            raise LockHeld("an order is under way: pid 77")
        return real(journal, command, patience_seconds)

    monkeypatch.setattr(Journal, "held", held)
    desk.live(6)
    assert busy == ["test"] * 3
    assert of_orders(desk) == FILLED
    (sent,) = desk.wire.times("submit")
    assert sent == pytest.approx(CLOSE_MS / 1000 + 30, abs=1)


# --- stopping


def test_a_stop_before_an_order_is_armed_leaves_it_to_the_next_start(desk: "Day") -> None:
    for path, minutes in (("/strategy/evaluate", 3.05), ("/account/wallets", 0.05)):
        desk.wire.instead = after(path, lambda _: desk.clock.wait(5) if desk.clock.now_ms() > CLOSE_MS else None)
        desk.live(minutes)
        assert of_orders(desk) == ["decided"]
        assert desk.posts == 0
    desk.wire.instead = lambda _: None
    desk.live(2)
    assert of_orders(desk) == FILLED
    assert desk.posts == 1
    assert desk.wire.bodies("submit")[0]["size"] == 0.015


def test_an_order_that_a_stop_left_undone_expires_ten_minutes_after_its_close(desk: "Day") -> None:
    desk.wire.instead = after("/account/wallets", lambda _: desk.clock.wait(5))
    desk.live(3.05)
    desk.wire.instead = lambda _: None
    desk.clock.wait(10 * 60)
    desk.live(2)
    assert of_orders(desk) == ["decided", "expired"]
    (expired,) = desk.events(OrderExpired)
    assert expired.order == ORDER
    assert expired.reason.startswith("its candle closed 1")
    assert expired.reason.endswith("ago, and 10m is the most")
    assert desk.posts == 0


def test_a_stop_while_an_order_is_under_way_records_its_outcome_before_the_end(desk: "Day") -> None:
    desk.fault("submit-timeout@0s+6m")
    desk.live(4)
    assert of_orders(desk) == ["decided", "armed", "unknown"]
    assert [type(event) for event in desk.events(OrderUnknown, SignalReceived)][-2:] == [OrderUnknown, SignalReceived]
    assert desk.records("unknown")[0]["latency_ms"] == 90_000
    desk.live(4)
    assert of_orders(desk)[-1] == "evidence"
    assert desk.posts == 1


def test_a_run_of_so_many_candles_waits_for_its_last_order_to_be_seen(desk: "Day") -> None:
    desk.live(600, candles=1)
    assert of_orders(desk) == FILLED
    assert desk.clock.now_ms() < CLOSE_MS + 60_000


def test_a_run_of_so_many_candles_waits_ten_minutes_for_wallets_and_no_longer(desk: "Day") -> None:
    desk.fault("submit-timeout@0s+6m", "wallets-error@4m+4h")
    desk.live(600, candles=1)
    assert of_orders(desk) == ["decided", "armed", "unknown"]
    assert 600_000 <= desk.clock.now_ms() - CLOSE_MS < 620_000


# --- hard stops


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, day: "Day", *, late: bool = False) -> None:
    real = getattr(owner, name)

    def killed(*args: Any, **kwargs: Any) -> Any:
        if late:
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with pytest.raises(Killed):
            day.live(6)


def test_an_order_that_was_decided_and_logged_but_not_journaled_is_journaled_and_sent_by_the_next_start(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at(monkeypatch, orders.Orders, "decide", desk)
    assert of_orders(desk) == []
    desk.live(3)
    assert of_orders(desk) == FILLED
    decided = desk.records("decided")[0]
    assert (decided["candle_ts"], decided["side"], decided["size"]) == (1_770_210_000_000, "LONG", 0.015)
    assert decided["price"] == 71655.7
    assert desk.posts == 1


def test_an_order_that_was_not_journaled_in_time_is_journaled_as_expired(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at(monkeypatch, orders.Orders, "decide", desk)
    desk.clock.wait(601)
    desk.live(3)
    assert of_orders(desk) == ["decided", "expired"]
    assert desk.posts == 0


@pytest.mark.parametrize("late", [False, True])
def test_an_order_that_was_armed_when_the_runner_was_killed_is_in_doubt_and_never_sent_again(
    desk: "Day", monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    kill_at(monkeypatch, PaperApi, "submit", desk, late=late)
    assert of_orders(desk) == ["decided", "armed"]
    desk.live(1)
    assert of_orders(desk) == ["decided", "armed", "unknown"]
    assert desk.records("unknown")[0]["reason"] == "the runner ended while it was being sent"
    (open_,) = desk.events(OrderOpen)
    assert (open_.order, open_.reason) == (ORDER, "the runner ended while it was being sent")
    began = desk.clock.monotonic()
    desk.live(4)
    assert of_orders(desk) == ["decided", "armed", "unknown", "evidence"]
    looks = [at - began for at in desk.wire.times("wallets") if at > began]
    assert looks[0] >= SUBMIT_SECONDS + PAST_CACHE_SECONDS
    assert desk.records("evidence")[0]["fill"] == ("once" if late else "none")
    assert desk.posts == int(late)
    assert desk.state()["total_orders_submitted"] == int(late)


def test_a_killed_runner_s_acknowledged_order_is_looked_for_by_the_next_one(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at(monkeypatch, looking.Looks, "look", desk)
    assert of_orders(desk) == ["decided", "armed", "acked"]
    desk.clock.wait(60)  # from then on one reply is enough to know what has closed
    began = desk.clock.monotonic()
    desk.live(1)
    looks = [at - began for at in desk.wire.times("wallets") if at > began]
    assert 6.0 <= looks[0] < 15.0
    assert of_orders(desk) == FILLED


def test_a_write_that_fails_before_the_request_ends_the_run_without_one(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Journal._put

    def full(journal: Journal, at_ms: int, line: bytes, own_sum: str) -> None:
        if b'"armed"' in line:
            raise WriteFailed("no space")
        real(journal, at_ms, line, own_sum)

    monkeypatch.setattr(Journal, "_put", full)
    with pytest.raises(WriteFailed) as ended:
        desk.live(6)
    assert ended.value.exit_code == 70
    assert desk.posts == 0
    assert desk.events(Fatal)[0].cause == "no space"


def test_an_outcome_that_cannot_be_written_ends_the_run_and_the_order_is_in_doubt(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Journal._put

    def full(journal: Journal, at_ms: int, line: bytes, own_sum: str) -> None:
        if b'"acked"' in line:
            raise WriteFailed("no space")
        real(journal, at_ms, line, own_sum)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "_put", full)
        with pytest.raises(WriteFailed):
            desk.live(6)
    desk.live(5)
    assert of_orders(desk) == ["decided", "armed", "unknown", "evidence"]
    assert desk.posts == 1


def test_two_log_directories_that_were_live_before_order_a_candle_once(desk: "Day") -> None:
    there: dict[str, Any] = {"log_dir": "logs/there"}
    for place in ({}, there):
        desk.live(0.5, **place)
    desk.clock.wait((CLOSE_MS - desk.clock.now_ms()) / 1000 + 1)
    desk.live(1)
    desk.live(2, **there)
    assert len(desk.wire.bodies("/paper/submit")) == 1
    other = (desk.root / "logs" / "there").glob("runner_orders_*.log")
    assert "its candle was ordered on this host before" in "".join(path.read_text() for path in other)


def test_a_dry_run_is_told_of_an_order_in_doubt_and_starts_all_the_same(desk: "Day") -> None:
    desk.fault("submit-internal-error@0s+2h", "wallets-error@0s+2h")
    desk.live(20)
    assert desk.events(OrderUnknown)
    desk.run(1, mode=Mode.DRY_RUN)
    assert [event.order for event in desk.events(OrderOpen)] == [ORDER]
    next(desk.logs.glob("runner_orders_*.log")).write_text("damaged\n")
    desk.run(1, mode=Mode.DRY_RUN)


def test_an_order_passes_by_the_environments_proxy(desk: "Day", monkeypatch: pytest.MonkeyPatch) -> None:
    direct: list[tuple[float, bool]] = []
    real = start.Http

    def noted(*arguments: Any, **options: Any) -> Any:
        direct.append((arguments[2], options.get("direct", False)))
        return real(*arguments, **options)

    monkeypatch.setattr(start, "Http", noted)
    desk.live(20)
    assert {used for seconds, used in direct if seconds == SUBMIT_SECONDS} == {True}


@pytest.mark.parametrize("items", [[], [{"type": "exchange", "currency": "TESTUSD", "balance": 5.0}]])
def test_wallets_that_name_nothing_of_the_order_resolve_nothing(desk: "Day", items: list[Any]) -> None:
    desk.fault("submit-internal-error@0s+2h")  # it fills all the same
    desk.wire.instead = lambda request: (
        httpx.Response(200, stream=httpx.ByteStream(json.dumps({"items": items}).encode()))
        if request.url.path == "/account/wallets"
        else None
    )
    desk.live(30)
    assert len(desk.sandbox.account.fills) == 1
    assert not desk.events(OrderResolved)
    assert json.loads((desk.logs / "runner_state.json").read_text())["total_orders_submitted"] == 0


def test_a_fill_of_a_part_never_counts_as_none(desk: "Day") -> None:
    """The API may clamp a size to any part of it (contract §4), and a lost reply does not tell."""
    desk.fault("submit-internal-error@0s+2h")
    real = desk.sandbox.account.affordable
    desk.sandbox.account.affordable = lambda order, price: min(real(order, price), 0.0006)  # type: ignore[method-assign]
    desk.live(30)
    assert len(desk.sandbox.account.fills) == 1
    assert not desk.events(OrderResolved)


def test_the_first_journal_does_not_trade_a_candle_that_closed_before_it_began(day: "Day") -> None:
    day.wire.decision = ("LONG", 0.015)
    day.live(50)
    assert of_orders(day) == ["decided", "expired"]
    (expired,) = day.events(OrderExpired)
    assert (expired.order, expired.reason) == ("20260204-1200", "its candle closed before the journal began")
    assert day.posts == 0
    day.live(10)
    assert day.posts == 1


def test_an_order_of_another_process_s_memory_is_never_sent_for_another_pair(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at(monkeypatch, orders.Orders, "_send", desk)
    real = orders.Orders.__init__

    def other(self: orders.Orders, hands: Any, terms: Any, timeframe: Any, command: str) -> None:
        real(self, hands, terms._replace(symbol="tTESTETH:TESTUSD"), timeframe, command)

    with monkeypatch.context() as patch:
        patch.setattr(orders.Orders, "__init__", other)
        with pytest.raises(AssertionError, match="for another pair"):
            desk.live(6)
    assert desk.posts == 0
    assert len(desk.records("armed")) == 0


# --- orders that follow closely on one another: candles of a minute


@pytest.fixture
def minutes(day: "Day") -> "Day":
    champion = day.settings().champion_file
    champion.rename(champion.with_name("tBTCUSD_1m.json"))
    day.wire.decision = ("NONE", None)
    day.live(0.5, timeframe="1m")
    day.wire.decision = ("LONG", 0.015)
    return day


@pytest.mark.parametrize(("seconds", "fill"), [(50, "once"), (110, "unreadable")])
def test_a_look_ends_with_what_the_wallets_show_when_the_next_order_leaves(
    minutes: "Day", seconds: int, fill: str
) -> None:
    minutes.fault(f"wallets-error@11s+{seconds}s")
    minutes.live(2, timeframe="1m")
    assert minutes.posts == 2
    assert minutes.records("evidence")[0]["fill"] == fill
    assert of_orders(minutes)[:7] == ["decided", "armed", "acked", "decided", "evidence", "armed", "acked"]


def test_an_order_that_was_filled_several_times_is_noticed_before_the_next_one_leaves(minutes: "Day") -> None:
    minutes.fault("wallets-error@11s+50s", "submit-doubled@0s+50s")
    with pytest.raises(AbortCondition):
        minutes.live(2, timeframe="1m")
    assert minutes.posts == 1
    assert of_orders(minutes) == ["decided", "armed", "acked", "decided", "evidence"]


def test_two_orders_in_a_row_are_each_measured_by_wallets_that_show_the_one_before(
    minutes: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two decided orders of candles of a minute can both be fresh after a stop."""
    with monkeypatch.context() as patch:
        patch.setattr(orders.Orders, "_send", lambda *_: None)
        minutes.live(2, timeframe="1m")
    assert of_orders(minutes) == ["decided", "decided"]
    minutes.wire.decision = ("NONE", None)
    minutes.live(3, timeframe="1m")
    assert minutes.posts == 2
    first, second = minutes.records("armed")
    assert second["before"]["TESTBTC"] == 10.014994
    assert [record["fill"] for record in minutes.records("evidence")] == ["once", "once"]
    assert not minutes.events(Fatal)
    assert first["at"][:16] == second["at"][:16]


def test_an_order_after_a_restart_is_measured_by_wallets_that_show_the_one_before(
    minutes: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(orders.Orders, "_send", lambda *_: None)
        minutes.live(2, timeframe="1m")
    minutes.wire.decision = ("NONE", None)
    with monkeypatch.context() as patch:
        patch.setattr(looking, "_Look", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            minutes.live(3, timeframe="1m")
    assert of_orders(minutes) == ["decided", "decided", "armed", "acked"]
    minutes.live(3, timeframe="1m")
    assert minutes.records("armed")[1]["before"]["TESTBTC"] == 10.014994
    assert [record["fill"] for record in minutes.records("evidence")] == ["once", "once"]


def test_a_later_order_s_look_ends_too_when_an_earlier_one_leaves(
    minutes: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    real, first = orders.Orders._send, "20260204-1303"
    with monkeypatch.context() as patch:
        patch.setattr(orders.Orders, "_send", lambda self, order: None if order.id == first else real(self, order))
        minutes.fault("wallets-error@71s+40s")
        minutes.live(1.6, timeframe="1m")
    minutes.wire.decision = ("NONE", None)
    assert [record["id"] for record in minutes.records("armed")] == ["20260204-1304"]
    minutes.live(3, timeframe="1m")
    assert [record["id"] for record in minutes.records("armed")] == ["20260204-1304", first]
    assert [record["id"] for record in minutes.records("evidence")] == ["20260204-1304", first]


def test_half_a_record_at_the_end_is_told_and_passed_over(desk: "Day", monkeypatch: pytest.MonkeyPatch) -> None:
    kill_at(monkeypatch, orders.Orders, "_require_first", desk)
    with (desk.logs / "runner_orders_20260204.log").open("ab") as file:
        file.write(b'{"n": 4, "at": "2026-02-04T14:00')
    with monkeypatch.context() as patch:
        patch.setattr(orders.Orders, "work", lambda _: False)
        desk.live(1)
    assert any(
        "Journal of orders ends with half a record: runner_orders_20260204.log, byte " in s for s in desk.lines()
    )


def test_the_order_of_a_candle_keeps_its_first_decision_when_it_is_decided_again(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at(monkeypatch, orders.Orders, "_send", desk)
    desk.wire.decision = ("SHORT", 0.5)
    with_the_candle_evaluated_again(desk)
    assert desk.wire.bodies("submit") == [{"symbol": PAIR, "side": "LONG", "size": 0.015, "type": "MARKET"}]


def test_a_latch_that_is_set_ends_the_run_and_blocks_what_was_decided_meanwhile(desk: "Day") -> None:
    def latch(_: httpx.Request) -> None:
        if desk.clock.now_ms() > CLOSE_MS:
            set_latch(desk.logs, Latch(desk.clock.now_ms(), ("duplicate-candle",), "ops"))

    desk.wire.instead = after("/strategy/evaluate", latch)
    with pytest.raises(Refused, match="the stop latch is set"):
        desk.live(60)
    assert of_orders(desk) == ["decided", "blocked"]
    assert desk.events(OrderBlocked)[0].reason == "the stop latch is set"
    assert desk.posts == 0


def test_no_order_leaves_before_the_champion_was_verified(desk: "Day", monkeypatch: pytest.MonkeyPatch) -> None:
    kill_at(monkeypatch, orders.Orders, "_send", desk)
    verified: list[int] = []
    desk.wire.instead = after("/paper/submit", lambda _: verified.append(len(desk.events(ChampionVerified))))
    desk.live(2)
    assert verified == [3]


def types(day: "Day", *wanted: type[Event]) -> list[str]:
    return [type(event).__name__ for event in day.events(*wanted)]


def test_every_order_s_lines_stand_in_the_order_of_its_records(desk: "Day") -> None:
    desk.fault("submit-timeout@0s+6m")
    desk.live(6)
    told = types(desk, *ALL_ABOUT_ORDERS, *ALL_DOUBTS)
    assert told == ["OrderSubmitting", "OrderUnknown", "WalletChange", "OrderResolved"]


# --- step by step: the orders alone, with wallets and a clock that the test moves


class Bench:
    """Orders, a journal, and an API whose replies the test holds in its hands."""

    def __init__(self, log_dir: Path) -> None:
        self.clock = VirtualClock(CLOSE_MS)
        self.journal = Journal(log_dir, self.clock.now_ms, durable=False, wait=self.clock.wait)
        self.begin_ms = CLOSE_MS - 60_000
        self.balance: float | None = 10.0
        self.reply = Submission(Label.ACKED, "", 7)
        self.wallet_reads: list[float] = []
        self.sent: list[PaperOrder] = []
        self.told: list[Event] = []
        self.stop: int | None = None
        with self.journal.held("test"):
            self.journal.append(
                Kind.STARTED,
                market="tBTCUSD 1h",
                symbol=PAIR,
                champion_sha256="c" * 64,
                config_hash="h" * 64,
                override="",
                gate="",
            )
        self.orders = self.anew()

    def anew(self) -> orders.Orders:
        """Orders as after a restart."""
        hands = orders.Hands(
            journal=self.journal,
            paper=self,
            feed=SimpleNamespace(exchange_ms=self.clock.now_ms, offset_ms=0),
            clock=self.clock,
            log=SimpleNamespace(write=self.told.append),
            why_not_operative=lambda: "",
            read_latch=lambda: None,
            free_bytes=lambda: 1 << 30,
            stop_signal=lambda: self.stop,
            claim=claim_of(self.journal.directory, f"{PAIR} 1h", self.journal.directory),
        )
        self.journal.book.starts[0] = self.journal.book.starts[0]._replace(at_ms=self.begin_ms)
        return orders.Orders(hands, self.journal.book.starts[0], Timeframe("1h"), "test")

    def wallets(self) -> dict[str, float]:
        self.wallet_reads.append(self.clock.monotonic() - CLOSE_MS / 1000)
        if self.balance is None:
            raise PaperFailure("internal_error")
        return {"TESTBTC": self.balance, "TESTUSD": 1e6}

    def submit(self, order: PaperOrder) -> Submission:
        self.sent.append(order)
        return self.reply

    def decide(self, hour: int = 13, size: float | None = 1.0, config_hash: str = "h" * 64) -> None:
        candle = PendingEvaluation(CLOSE_MS + (hour - 14) * HOUR_MS, 70_000.0, "latest")
        self.orders.decide(orders.Decision(candle, "LONG", size, config_hash))

    def after(self, seconds: float) -> bool:
        """Work at so many seconds after the close."""
        self.clock.wait((CLOSE_MS + round(seconds * 1000) - self.clock.now_ms()) / 1000)
        return self.orders.work()

    @property
    def kinds(self) -> list[str]:
        return [record["kind"] for record in self.records[1:]]

    @property
    def records(self) -> list[dict[str, Any]]:
        files = sorted(self.journal.directory.glob("runner_orders_*.log"))
        return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_wallets_are_looked_at_a_second_past_their_cache() -> None:
    assert PAST_CACHE_SECONDS == CACHE_SECONDS + 1


def test_work_tells_whether_the_journal_has_grown_and_holds_it_only_where_something_is_left_to_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    real = Journal.held
    monkeypatch.setattr(Journal, "held", lambda *a: held.append(a[2:]) or real(*a))
    assert bench.after(0.1) is False
    assert held == []
    bench.decide()
    held.clear()
    assert bench.after(1) is True
    assert bench.after(2) is False
    assert held == [(0.5,), (0.5,)]
    bench.balance = 11.0
    bench.after(8)
    assert bench.after(15) is True
    held.clear()
    assert bench.after(16) is False
    assert held == []


@pytest.mark.parametrize(("label", "first"), [(Label.ACKED, 6.0), (Label.UNKNOWN, 96.0)])
def test_looks_begin_and_follow_each_other_to_the_second(bench: Bench, label: Label, first: float) -> None:
    bench.reply = Submission(label, "who knows")
    bench.decide()
    bench.after(0.001)
    bench.balance = 11.0
    begin = bench.wallet_reads[0]
    for late in (-0.002, 0.0, 5.998, 6.0):
        bench.after(begin + first + late)
    looks = [round(at - begin, 3) for at in bench.wallet_reads[1:]]
    assert looks == [first, first + 6]
    assert bench.kinds[-1] == "evidence"


@pytest.mark.parametrize("balance", [10.0, 10.5])
def test_wallets_that_do_not_show_one_fill_are_believed_after_a_minute_to_the_second(
    bench: Bench, balance: float
) -> None:
    bench.decide()
    bench.after(0.001)
    bench.balance = balance
    for seconds in (10, 20, 53.9, 59.99):
        bench.after(seconds)
    assert bench.kinds[-1] == "acked"
    bench.after(60.001 + 6)
    assert bench.kinds[-1] == "evidence"


def test_a_minute_of_wallets_that_do_not_show_one_fill_ends_at_its_last_second(bench: Bench) -> None:
    bench.decide()
    bench.after(0.001)
    for seconds in (10, 50):
        bench.after(seconds)
    bench.after(60.001)
    assert bench.kinds[-1] == "evidence"


def test_wallets_that_cannot_be_read_are_asked_every_six_seconds_for_ten_minutes(bench: Bench) -> None:
    bench.reply = Submission(Label.UNKNOWN, "who knows")
    bench.decide()
    bench.after(0.001)
    bench.balance = None
    assert bench.orders.busy
    for seconds in (100, 105.9, 106.002, 599.999):
        bench.after(seconds)
        assert bench.orders.busy
    assert [round(at) for at in bench.wallet_reads[1:]] == [100, 106, 600]
    bench.after(606.001)
    assert not bench.orders.busy
    bench.after(665.999)
    assert len(bench.wallet_reads) == 5
    bench.after(666.002)
    assert len(bench.wallet_reads) == 6
    assert bench.kinds == ["decided", "armed", "unknown"]


def test_an_acknowledged_order_is_given_up_at_ten_minutes_and_not_before(bench: Bench) -> None:
    bench.decide()
    bench.after(0.001)
    bench.balance = None
    bench.after(599.999)
    assert bench.kinds[-1] == "acked"
    assert bench.orders.busy
    bench.after(606)
    assert bench.kinds[-1] == "evidence"
    assert not bench.orders.busy


def test_an_acknowledged_order_without_readable_wallets_is_given_up_at_ten_minutes_exactly(bench: Bench) -> None:
    bench.decide()
    bench.after(0.001)
    bench.balance = None
    bench.after(600.001)
    assert bench.kinds[-1] == "evidence"


def test_a_run_is_busy_for_ten_minutes_exactly(bench: Bench) -> None:
    bench.reply = Submission(Label.UNKNOWN, "who knows")
    bench.decide()
    assert bench.orders.busy
    bench.after(0.001)
    bench.clock.wait(599.999)
    assert bench.orders.busy
    bench.clock.wait(0.001)
    assert not bench.orders.busy


def test_the_next_order_leaves_when_the_wallets_show_the_one_before(bench: Bench) -> None:
    for hour in (12, 13):
        bench.decide(hour)
    bench.begin_ms -= HOUR_MS
    bench.orders = bench.anew()
    bench.orders._timeframe = SimpleNamespace(close_of=lambda _: CLOSE_MS)
    bench.after(1)
    assert len(bench.sent) == 1
    bench.balance = 11.0
    bench.after(6.999)
    assert len(bench.sent) == 1
    bench.after(7)
    assert len(bench.sent) == 2
    evidence, armed = bench.records[-3:-1]
    assert (evidence["fill"], armed["before"]["TESTBTC"]) == ("once", 11.0)


def test_a_look_that_the_next_order_ended_without_wallets_from_before_is_not_taken_again(bench: Bench) -> None:
    """Neither in the same step nor in a later one."""
    for hour in (12, 13):
        bench.decide(hour)
    bench.begin_ms -= HOUR_MS
    bench.orders = bench.anew()
    bench.orders._timeframe = SimpleNamespace(close_of=lambda _: CLOSE_MS)
    first, second = bench.journal.book.orders.values()
    bench.balance = None
    with bench.journal.held("test"):
        bench.orders._carry_on(second)
        bench.clock.wait(7)
        bench.orders._carry_on(first)
        bench.orders._carry_on(bench.journal.book.orders[second.id])
    assert bench.kinds == ["decided", "decided", "armed", "acked", "evidence", "armed", "acked"]


@pytest.mark.parametrize(("size", "kept"), [(None, 0.0), (-2.0, 0.0), (0.5, 0.5)])
def test_a_size_that_is_none_is_recorded_as_nothing(bench: Bench, size: float | None, kept: float) -> None:
    bench.decide(size=size)
    assert bench.records[-1]["size"] == kept


def test_another_configuration_is_named_by_its_first_twelve_characters(bench: Bench) -> None:
    bench.decide(config_hash="g" * 64)
    bench.after(1)
    assert bench.records[-1]["reason"] == "the runtime configuration is gggggggggggg, not hhhhhhhhhhhh"


@pytest.mark.parametrize(("balance", "event"), [(10.0, WalletDoubt), (10.5, WalletDoubt), (11.0, WalletChange)])
def test_only_one_whole_fill_is_told_without_a_doubt(bench: Bench, balance: float, event: type[Event]) -> None:
    bench.decide()
    bench.after(1)
    bench.balance = balance
    for seconds in (60, 70):
        bench.after(seconds)
    assert [type(told) for told in bench.told[2:]] == [event]


def test_a_stop_is_noticed_before_the_wallets_are_asked(bench: Bench) -> None:
    bench.decide()
    bench.stop = 15
    assert bench.after(1) is False
    assert bench.wallet_reads == []
    bench.stop = None
    bench.after(2)
    assert len(bench.sent) == 1


def test_an_order_is_never_taken_for_unsent_by_the_process_that_sent_it(bench: Bench) -> None:
    bench.decide()
    (order,) = bench.journal.book.open
    bench.orders._require_first(order)
    with pytest.raises(AssertionError, match="20260204-1300 would be sent twice"):
        bench.orders._require_first(order)


def test_an_order_that_the_journal_has_as_armed_is_never_sent(bench: Bench) -> None:
    bench.decide()
    with pytest.raises(AssertionError, match="would be sent twice"):
        bench.orders._require_first(SimpleNamespace(id=ORDER, armed_ms=1, symbol=PAIR))


@pytest.mark.parametrize(("seconds", "kind"), [(600.0, "acked"), (600.001, "expired")])
def test_a_signal_is_fresh_for_ten_minutes_to_the_millisecond(bench: Bench, seconds: float, kind: str) -> None:
    bench.decide()
    bench.after(seconds)
    assert bench.kinds[-1] == kind


@pytest.mark.parametrize(("begin_ms", "kind"), [(CLOSE_MS, "acked"), (CLOSE_MS + 1, "expired")])
def test_a_candle_that_closes_in_the_moment_a_journal_begins_is_traded(bench: Bench, begin_ms: int, kind: str) -> None:
    bench.begin_ms = begin_ms
    bench.orders = bench.anew()
    bench.decide()
    bench.after(1)
    assert bench.kinds[-1] == kind


@pytest.mark.parametrize("filled", [True, False])
def test_what_an_operator_says_is_told_once_and_nothing_is_looked_at_after_it(bench: Bench, filled: bool) -> None:
    bench.reply = Submission(Label.UNKNOWN, "who knows")
    bench.decide()
    bench.after(0.001)
    assert bench.orders.trouble == "order 20260204-1300 unresolved"
    with bench.journal.held("test"):
        bench.journal.append(Kind.RESOLVED, id=ORDER, filled=filled, by="ops", reason="seen")
    for seconds in (10, 100, 200):
        bench.after(seconds)
    told = [event.told for event in bench.told if isinstance(event, OrderResolved)]
    assert told == [f"{'filled' if filled else 'not filled'}, says ops: seen"]
    assert len(bench.wallet_reads) == 1
    assert bench.orders.trouble == ""
    assert bench.orders.submitted == int(filled)
    assert not bench.orders.busy


def test_a_doubt_from_before_the_start_that_an_operator_ends_is_told(bench: Bench) -> None:
    bench.reply = Submission(Label.UNKNOWN, "who knows")
    bench.decide()
    bench.after(0.001)
    bench.orders = bench.anew()
    with bench.journal.held("test"):
        bench.journal.append(Kind.RESOLVED, id=ORDER, filled=False, by="ops", reason="seen")
    bench.after(1)
    assert [event.told for event in bench.told if isinstance(event, OrderResolved)] == ["not filled, says ops: seen"]


def test_wallets_that_resolved_a_doubt_end_it_and_nothing_is_held_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.reply = Submission(Label.UNKNOWN, "who knows")
    bench.decide()
    bench.after(0.001)
    for seconds in (97, 104, 151):
        bench.after(seconds)
    assert bench.kinds[-1] == "evidence"
    monkeypatch.setattr(Journal, "held", lambda *_: 1 / 0)
    bench.after(160)


def test_after_a_restart_an_order_in_doubt_is_given_the_time_in_which_the_api_may_retry(bench: Bench) -> None:
    bench.reply = Submission(Label.UNKNOWN, "who knows")
    bench.decide()
    bench.after(0.001)
    bench.orders = bench.anew()
    for seconds in (1, 96.999, 97.0, 102.999, 103.001):
        bench.after(seconds)
    assert [round(at) for at in bench.wallet_reads] == [0, 97, 103]


def test_after_a_restart_an_acknowledged_order_is_looked_at_past_the_cache(bench: Bench) -> None:
    bench.decide()
    bench.after(0.001)
    bench.balance = 11.0
    bench.orders = bench.anew()
    for seconds in (1, 6.5, 7.0, 12.5, 13.0):
        bench.after(seconds)
    assert [round(at, 1) for at in bench.wallet_reads] == [0.0, 7.0, 13.0]
    assert bench.kinds[-1] == "evidence"


def test_the_state_counts_an_order_in_the_cycle_that_sent_it(desk: "Day") -> None:
    counted = []
    desk.wire.instead = after(
        "/account/wallets", lambda _: counted.append(desk.state()["total_orders_submitted"]) if desk.posts else None
    )
    desk.live(5)
    assert counted[0] == 1


def test_a_doubt_is_not_ended_before_slow_wallets_have_had_a_minute(bench: Bench) -> None:
    bench.reply = Submission(Label.UNKNOWN, "internal_error")
    bench.decide()
    bench.after(0.001)
    for seconds in (97, 104, 111, 149):
        bench.after(seconds)
    assert bench.kinds[-1] == "unknown"
    bench.after(156)
    assert bench.kinds[-1] == "evidence"
