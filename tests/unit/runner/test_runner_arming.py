"""What must hold before an order is armed (order protocol): each obstacle alone keeps it back, and no other does."""

import json
import shutil
from collections.abc import Callable
from email.utils import formatdate
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from genesis_ops.errors import Refused
from genesis_ops.journal.record import Kind
from genesis_ops.runlog.events import OrderBlocked, OrderExpired
from genesis_ops.runner.arming import FRESH_SECONDS, LEAST_FREE_BYTES, Facts, objection
from genesis_ops.state.latch import Latch, set_latch

if TYPE_CHECKING:
    from conftest import Day

CLOSE_MS = 1_770_213_600_000  # of the first order's candle: 14:00
GOOD = Facts(
    age_seconds=1.0,
    before_journal=False,
    size=0.015,
    unresolved=(),
    latched=False,
    exchange="",
    offset_ms=0,
    free_bytes=1 << 30,
    ordered="",
    configuration="",
)


def test_nothing_keeps_an_order_back_where_everything_holds() -> None:
    assert objection(GOOD) is None


AT_THE_EDGE = [
    {"age_seconds": 600.0},
    {"age_seconds": -5.0},
    {"size": 1e-8},
    {"offset_ms": 5_000},
    {"offset_ms": -5_000},
    {"free_bytes": 16 << 20},
]


@pytest.mark.parametrize("facts", AT_THE_EDGE)
def test_what_just_holds_keeps_no_order_back(facts: dict[str, Any]) -> None:
    assert objection(GOOD._replace(**facts)) is None


EXPIRED: list[tuple[dict[str, Any], str]] = [
    ({"age_seconds": 600.001}, "its candle closed 10m ago, and 10m is the most"),
    ({"age_seconds": 3_661.0}, "its candle closed 1h 1m ago, and 10m is the most"),
    ({"before_journal": True}, "its candle closed before the journal began"),
]
BLOCKED: list[tuple[dict[str, Any], str]] = [
    ({"size": 0.0}, "the strategy named no size"),
    ({"size": -1.0}, "the strategy named no size"),
    ({"unresolved": ("20260204-1200",)}, "unresolved: 20260204-1200"),
    ({"unresolved": ("a", "b")}, "unresolved: a, b"),
    ({"latched": True}, "the stop latch is set"),
    ({"exchange": "HTTP 200: [0]"}, "the exchange does not say that it works: HTTP 200: [0]"),
    ({"offset_ms": None}, "the exchange does not tell its time"),
    ({"offset_ms": 5_001}, "the clock is -5.0s off the exchange's"),
    ({"offset_ms": -90_000}, "the clock is 90.0s off the exchange's"),
    ({"age_seconds": -5.001}, "its candle has not closed yet"),
    ({"free_bytes": None}, "the free space of the disk cannot be read"),
    ({"free_bytes": (16 << 20) - 1}, "15 MiB are free, and 16 MiB is the least"),
    ({"free_bytes": 0}, "0 MiB are free, and 16 MiB is the least"),
    ({"configuration": "it is another one"}, "it is another one"),
]


@pytest.mark.parametrize(("facts", "reason"), EXPIRED)
def test_an_order_that_comes_too_late_expires(facts: dict[str, Any], reason: str) -> None:
    assert objection(GOOD._replace(**facts)) == (Kind.EXPIRED, reason)


@pytest.mark.parametrize(("facts", "reason"), BLOCKED)
def test_each_obstacle_alone_blocks_an_order_and_is_named(facts: dict[str, Any], reason: str) -> None:
    assert objection(GOOD._replace(**facts)) == (Kind.BLOCKED, reason)


def test_all_obstacles_are_named_at_once() -> None:
    facts = GOOD._replace(latched=True, free_bytes=0, configuration="another", size=0.0)
    assert objection(facts) == (
        Kind.BLOCKED,
        "the strategy named no size; the stop latch is set; 0 MiB are free, and 16 MiB is the least; another",
    )


def test_what_comes_too_late_has_expired_whatever_else_is_in_its_way() -> None:
    assert objection(GOOD._replace(latched=True, age_seconds=900.0)) == (
        Kind.EXPIRED,
        "its candle closed 15m ago, and 10m is the most",
    )


def test_the_limits_are_those_of_the_order_protocol() -> None:
    assert (FRESH_SECONDS, LEAST_FREE_BYTES) == (600, 16 * 1024 * 1024)


# --- the same in a run: what disturbs is there from 14:00 on

Disturb = Callable[["Day", pytest.MonkeyPatch], None]


def answered(day: "Day", part: str, answer: Callable[[httpx.Request], Any]) -> None:
    def instead(request: httpx.Request) -> httpx.Response | None:
        return answer(request) if part in request.url.path and day.clock.now_ms() >= CLOSE_MS else None

    day.wire.instead = instead


def says(document: object) -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(json.dumps(document).encode()))


def latched(day: "Day", _: pytest.MonkeyPatch) -> None:
    answered(day, "evaluate", lambda _: set_latch(day.logs, Latch(CLOSE_MS, ("fatal-error",), "ops")) and None)


def not_operative(day: "Day", _: pytest.MonkeyPatch) -> None:
    answered(day, "platform/status", lambda _: says([0]))


def silent_exchange(day: "Day", _: pytest.MonkeyPatch) -> None:
    def fail(_: httpx.Request) -> None:
        raise httpx.ReadError("connection reset by peer")

    answered(day, "platform/status", fail)


def timeless_exchange(day: "Day", _: pytest.MonkeyPatch) -> None:
    """No reply of the whole run tells the time, so the candle is known to be closed by the row that follows it."""

    def undated(request: httpx.Request) -> httpx.Response | None:
        if "/v2/" not in request.url.path:
            return None
        reply = day.wire._inner.handle_request(request)
        del reply.headers["date"]
        return reply

    day.wire.instead = undated


def wrong_clock(day: "Day", _: pytest.MonkeyPatch) -> None:
    day.fault("clock-ahead@0s+2h")


def full_disk(_: "Day", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=(16 << 20) - 1))


def full_state_disk(day: "Day", monkeypatch: pytest.MonkeyPatch) -> None:
    free = {day.logs: 1 << 30}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free.get(path, 0)))


def unreadable_disk(_: "Day", monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", fail)


def other_configuration(day: "Day", _: pytest.MonkeyPatch) -> None:
    answered(day, "config/runtime", lambda _: says({"cfg": {}, "hash": "f" * 64, "version": 1}))


def no_hash(day: "Day", _: pytest.MonkeyPatch) -> None:
    answered(day, "config/runtime", lambda _: says({"cfg": {}, "hash": None, "version": 1}))


def no_size(day: "Day", _: pytest.MonkeyPatch) -> None:
    day.wire.decision = ("LONG", None)


def negative_size(day: "Day", _: pytest.MonkeyPatch) -> None:
    day.wire.decision = ("LONG", -1.0)


DISTURBANCES: dict[str, tuple[Disturb, str]] = {
    "latch": (latched, "the stop latch is set"),
    "exchange in maintenance": (not_operative, "the exchange does not say that it works: HTTP 200: [0]"),
    "exchange silent": (silent_exchange, "the exchange does not say that it works: connection reset by peer"),
    "exchange without a time": (timeless_exchange, "the exchange does not tell its time"),
    "clock": (wrong_clock, "the clock is -90.1s off the exchange's"),
    "disk": (full_disk, "15 MiB are free, and 16 MiB is the least"),
    "disk of the state": (full_state_disk, "0 MiB are free, and 16 MiB is the least"),
    "disk unreadable": (unreadable_disk, "the free space of the disk cannot be read"),
    "configuration": (other_configuration, "the runtime configuration is ffffffffffff, not 0c0b4ae18e43"),
    "configuration without a hash": (no_hash, "the runtime configuration is None, not 0c0b4ae18e43"),
    "no size": (no_size, "the strategy named no size"),
    "negative size": (negative_size, "the strategy named no size"),
}


@pytest.mark.parametrize("name", DISTURBANCES)
def test_an_order_is_blocked_with_its_reason_in_log_and_journal_and_no_request(
    desk: "Day", monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    disturb, reason = DISTURBANCES[name]
    flags = {"state_file": str(desk.root / "state" / "runner_state.json")} if disturb is full_state_disk else {}
    if flags:
        (desk.root / "state").mkdir()
        (desk.logs / "runner_state.json").rename(desk.root / "state" / "runner_state.json")
    with monkeypatch.context() as patch:
        disturb(desk, patch)
        try:
            desk.live(6, **flags)
        except Refused:
            assert disturb is latched
    assert [record["reason"] for record in desk.records("blocked")] == [reason]
    assert [(event.order, event.reason) for event in desk.events(OrderBlocked)] == [("20260204-1300", reason)]
    assert not desk.records("armed")
    assert desk.posts == 0


def test_an_order_is_sent_where_nothing_disturbs(desk: "Day") -> None:
    desk.live(6)
    assert desk.posts == 1
    assert not desk.events(OrderBlocked, OrderExpired)


@pytest.mark.parametrize(("minutes", "sent"), [(8, 1), (11, 0)])
def test_an_evaluation_that_comes_late_is_traded_for_ten_minutes(desk: "Day", minutes: int, sent: int) -> None:
    desk.fault(f"evaluate-error@2m+{minutes + 1}m")
    desk.live(30)
    assert desk.posts == sent
    reasons = [event.reason for event in desk.events(OrderExpired)]
    assert reasons == ([] if sent else ["its candle closed 11m ago, and 10m is the most"])
    assert [record["reason"] for record in desk.records("expired")] == reasons


def test_the_age_of_a_signal_is_told_by_the_exchange_s_clock(desk: "Day") -> None:
    """A host's clock that is 4 s behind, which is allowed, does not make a signal fresh."""

    def ahead(request: httpx.Request) -> httpx.Response | None:
        if "/v2/" not in request.url.path:
            return None
        reply = desk.wire._inner.handle_request(request)
        reply.headers["date"] = formatdate((desk.clock.now_ms() + 4_000) // 1000, usegmt=True)
        return reply

    desk.wire.instead = ahead
    desk.fault("evaluate-error@2m+650s")
    desk.live(20)
    assert desk.posts == 0
    (expired,) = desk.records("expired")
    assert "2026-02-04T14:09:50" < expired["at"] < "2026-02-04T14:10:00"


def test_an_order_that_was_blocked_is_never_sent_when_the_obstacle_is_gone(desk: "Day") -> None:
    not_operative(desk, pytest.MonkeyPatch())
    desk.live(6)
    desk.wire.instead = lambda _: None
    desk.live(3)
    assert desk.posts == 0
    assert desk.kinds().count("blocked") == 1


def test_a_configuration_that_changes_blocks_every_order_until_it_is_the_admitted_one_again(desk: "Day") -> None:
    other_configuration(desk, pytest.MonkeyPatch())
    desk.live(125)
    assert [record["kind"] for record in desk.records("blocked", "armed")] == ["blocked"] * 3
    desk.wire.instead = lambda _: None
    desk.live(60)
    assert desk.posts == 1
