"""One order by hand: sent once, looked for, and never confused with the runner's."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from genesis_ops.checks.model import Outcome
from genesis_ops.collect.journal import judge_journal
from genesis_ops.errors import (
    AbortCondition,
    GenesisError,
    JournalDamaged,
    LockHeld,
    Refused,
    Unreachable,
    UsageRefused,
    WriteFailed,
)
from genesis_ops.journal.book import MANUAL, Order, manual_id
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import Fill
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.runlog.events import CandleWatched
from genesis_ops.runner import orders
from genesis_ops.runner.manual import Wish, objections, place
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch
from genesis_ops.sandbox.server import make_server
from genesis_ops.sandbox.wire import Reply
from genesis_ops.settings import Settings, load
from genesis_ops.state.latch import Latch, set_latch
from genesis_ops.state.lock import hold, runner_locks
from genesis_ops.state.model import State
from genesis_ops.state.store import StateStore
from genesis_ops.words import HOUR_MS, Mode

if TYPE_CHECKING:
    from conftest import Day

NOON = 1_770_206_400_000  # 2026-02-04 12:00 UTC
NAME = "manual-20260204-121500"
WISH = Wish("LONG", 0.001)


class Killed(BaseException):
    """The process is gone: nothing behind this runs."""


class Bench:
    """A root, and a sandbox behind a real port that counts what is asked of it, on a clock that does not wait."""

    def __init__(self, root: Path) -> None:
        self.clock = VirtualClock(NOON + HOUR_MS // 4)
        self.faults = FaultSwitch()
        self.sandbox = Sandbox(7, self.clock.now_ms, self.clock.wait, self.faults)
        self.asked: list[str] = []
        self.at_post: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        handle = self.sandbox.handle

        def counted(method: str, target: str, *rest: Any) -> Reply | None:
            self.asked.append(f"{method} {target.partition('?')[0]}")
            if method == "POST":
                self.at_post = [str(record["kind"]) for record in self.records()]
                self.meanwhile()
            return handle(method, target, *rest)

        self.sandbox.handle = counted  # type: ignore[method-assign, assignment]
        self.server = make_server(self.sandbox, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.settings: Settings = load({"root": root, "api_url": url, "exchange_url": url}, {}, None).settings
        self.settings = load(
            {"root": root, "api_url": url, "exchange_url": url, "lock_dir": root / "locks"}, {}, None
        ).settings
        (root / "locks").mkdir()

    @property
    def posts(self) -> int:
        return self.asked.count("POST /paper/submit")

    def place(self, wish: Wish = WISH) -> Order:
        return place(self.settings, wish, self.clock, command="test")

    def records(self) -> list[dict[str, Any]]:
        files = sorted(self.settings.log_dir.glob("runner_orders_*.log"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def kinds(self) -> list[str]:
        return [str(record["kind"]) for record in self.records()]

    def fault(self, name: str) -> None:
        self.faults.on(name, self.clock.now_ms())

    def journal(self) -> Journal:
        journal = Journal(self.settings.log_dir, self.clock.now_ms, wait=self.clock.wait)
        journal.catch_up()
        return journal


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.005,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_an_order_by_hand_is_armed_on_the_disk_before_it_leaves_and_seen_in_the_wallets(bench: Bench) -> None:
    order = bench.place()
    assert (order.id, order.label, order.fill, order.purpose) == (NAME, Kind.ACKED, Fill.ONCE, "manual")
    assert bench.kinds() == ["decided", "armed", "acked", "evidence"]
    assert bench.at_post == ["decided", "armed"]
    assert bench.posts == 1
    assert order.moved is not None
    assert order.moved[0] == pytest.approx(0.001, rel=0.01)


def test_a_short_one_is_seen_too(bench: Bench) -> None:
    order = bench.place(Wish("SHORT", 0.002))
    assert (order.fill, order.moved is not None and order.moved[0] < 0) == (Fill.ONCE, True)


@pytest.mark.parametrize(
    ("fault", "label", "fill"),
    [
        ("submit-timeout", Kind.UNKNOWN, Fill.ONCE),
        ("submit-internal-error", Kind.UNKNOWN, Fill.ONCE),
        ("submit-status-error", Kind.UNKNOWN, Fill.NONE),
        ("submit-lost", Kind.UNKNOWN, Fill.NONE),
        ("submit-rejected", Kind.REJECTED, None),
        ("submit-partial", Kind.ACKED, Fill.UNCLEAR),
        ("wallets-stale", Kind.ACKED, Fill.NONE),
    ],
)
def test_whatever_the_api_says_it_is_sent_once_and_the_wallets_decide(
    bench: Bench, fault: str, label: Kind, fill: Fill | None
) -> None:
    bench.fault(fault)
    order = bench.place()
    assert (order.label, order.fill) == (label, fill)
    assert bench.posts == 1


def test_one_that_was_filled_twice_is_fatal_and_stays_in_doubt(bench: Bench) -> None:
    bench.fault("submit-doubled")
    with pytest.raises(AbortCondition, match="filled several times"):
        bench.place()
    assert [order.id for order in bench.journal().book.unresolved] == [NAME]
    with pytest.raises(Refused) as refused:
        bench.place()
    assert "in doubt" in refused.value.notes[0]
    assert bench.posts == 1


def test_wallets_that_cannot_be_read_keep_it_from_being_sent(bench: Bench) -> None:
    bench.fault("wallets-error")
    with pytest.raises(Unreachable, match="none was sent"):
        bench.place()
    assert (bench.posts, bench.kinds()) == (0, [])


def latched(bench: Bench) -> None:
    set_latch(bench.settings.log_dir, Latch(0, ("why",), "anna"))


def in_maintenance(bench: Bench) -> None:
    bench.fault("maintenance")


def clock_ahead(bench: Bench) -> None:
    bench.fault("clock-ahead")


def not_whitelisted(bench: Bench) -> None:
    handle = bench.sandbox.handle

    def without(method: str, target: str, *rest: Any) -> Reply | None:
        reply = handle(method, target, *rest)
        if reply is None or target != "/paper/whitelist":
            return reply
        return replace(reply, body=b'{"symbols": []}'.ljust(len(reply.body)))  # as long as its header says

    bench.sandbox.handle = without  # type: ignore[method-assign]


def runner_doubts(bench: Bench) -> None:
    decide(bench, Kind.ARMED, Kind.UNKNOWN)


def runner_is_at_it(bench: Bench) -> None:
    decide(bench, Kind.ARMED, Kind.ACKED)


def runner_decided(bench: Bench) -> None:
    decide(bench)


def decide(bench: Bench, *kinds: Kind) -> None:
    journal = Journal(bench.settings.log_dir, bench.clock.now_ms)
    bench.settings.log_dir.mkdir(parents=True, exist_ok=True)
    about = {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.01, "price": 7.0, "config_hash": "b"}
    terms = {"market": "tBTCUSD 1h", "symbol": "tTESTBTC:TESTUSD", "champion_sha256": "a", "config_hash": "b"}
    with journal.held("test"):
        journal.append(Kind.STARTED, **terms, override="", gate="")
        journal.append(Kind.DECIDED, id="20260204-1100", candle_ts=NOON - HOUR_MS, **about)
        for kind in kinds:
            content = {"before": {"TESTUSD": 1.0}} if kind is Kind.ARMED else {"reason": "why"}
            journal.append(kind, id="20260204-1100", **content)


@pytest.mark.parametrize(
    ("obstacle", "said"),
    [
        (latched, "the stop latch is set"),
        (in_maintenance, "the exchange does not say that it works"),
        (clock_ahead, "more than 5s off"),
        (not_whitelisted, "not on the API's whitelist"),
        (runner_doubts, "order 20260204-1100 is in doubt"),
        (runner_is_at_it, "order 20260204-1100 is not finished"),
        (runner_decided, "order 20260204-1100 is not finished"),
    ],
)
def test_what_stands_against_it_is_told_and_nothing_is_sent(
    bench: Bench, obstacle: Callable[[Bench], None], said: str
) -> None:
    obstacle(bench)
    before = bench.kinds()
    assert any(said in why for why in objections(bench.settings, bench.clock))
    with pytest.raises(Refused) as refused:
        bench.place()
    assert any(said in note for note in refused.value.notes)
    assert (bench.posts, bench.kinds()) == (0, before)


def test_nothing_stands_against_it_on_a_good_day_and_asking_changes_nothing(bench: Bench) -> None:
    assert objections(bench.settings, bench.clock) == ()
    assert not bench.settings.log_dir.exists()
    assert {line.partition(" ")[0] for line in bench.asked} == {"GET"}


@pytest.mark.parametrize(("minute", "sent"), [(1, False), (3, True), (55, True), (57, False), (59, False)])
def test_beside_a_live_runner_it_keeps_away_from_the_close(bench: Bench, minute: int, sent: bool) -> None:
    settings = bench.settings
    pair, *_ = runner_locks(
        *(settings.state_file, settings.log_dir, settings.lock_dir),
        symbol="tTESTBTC:TESTUSD",
        timeframe=settings.timeframe,
        mode=Mode.LIVE_PAPER,
    )
    bench.clock.wait(45 * 60 + minute * 60)
    with hold((pair,), command="genesis-ops run --live-paper", now_ms=NOON):
        assert (objections(settings, bench.clock) == ()) is sent
    with hold((pair,), command="genesis-ops run --live-paper --timeframe 5m", now_ms=NOON):
        assert "a live runner may order at any minute" in objections(settings, bench.clock)[0]


@pytest.mark.parametrize(
    "wish",
    [
        *(Wish("NONE", 0.1), Wish("LONG", 0.0), Wish("LONG", -1.0), Wish("LONG", float("nan"))),
        *(Wish("LONG", 1e308), Wish("LONG", 1.01), Wish("SHORT", 1e-9)),
    ],
)
def test_what_is_no_small_order_is_not_sent(bench: Bench, wish: Wish) -> None:
    with pytest.raises(UsageRefused, match="is no small order"):
        bench.place(wish)
    assert bench.asked == []


def test_a_directory_of_another_user_gets_no_file_that_he_cannot_write_to(bench: Bench) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    bench.settings.log_dir.mkdir(parents=True)
    os.chown(bench.settings.log_dir, 65534, 65534)
    with pytest.raises(Refused, match="belongs to another user"):
        bench.place()
    assert (bench.posts, bench.kinds()) == (0, [])


def test_a_journal_that_is_missed_is_not_begun_anew(bench: Bench) -> None:
    bench.settings.log_dir.mkdir(parents=True)
    state = State(last_processed_candle_ts=1, other={"journal": {"records": 15, "sum": "abc"}})
    StateStore(bench.settings.state_file).save(state)
    for ask in (bench.place, lambda: objections(bench.settings, bench.clock)):
        with pytest.raises(JournalDamaged, match="the state knows of 15 records"):
            ask()
    assert (bench.posts, bench.kinds()) == (0, [])


def test_two_in_one_second_have_two_names(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.fault("submit-rejected")
    first = bench.place()
    now_ms = bench.clock.now_ms()
    monkeypatch.setattr(bench.clock, "now_ms", lambda: min(now_ms, first.decided_ms))
    assert bench.place().id != first.id


def test_while_an_order_is_under_way_another_is_refused(bench: Bench) -> None:
    bench.settings.log_dir.mkdir(parents=True)
    journal = Journal(bench.settings.log_dir, bench.clock.now_ms)
    with journal.held("genesis-ops run"), pytest.raises(LockHeld):
        bench.place()
    assert bench.posts == 0


# --- hard stops


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("late", [False, True])
def test_killed_at_any_record_it_is_never_sent_twice_and_the_next_one_takes_it_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int, late: bool
) -> None:
    real, written = Journal.append, 0

    def append(self: Journal, kind: Kind, **content: Any) -> None:
        nonlocal written
        written += 1
        if written == number and not late:
            raise Killed
        real(self, kind, **content)
        if written == number:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", append)
        with pytest.raises(Killed):
            bench.place()
    armed = bench.kinds().count("armed")
    assert bench.posts <= armed <= 1
    bench.clock.wait(60)
    assert objections(bench.settings, bench.clock) == ()  # which is asked first
    second = bench.place()
    assert second.fill is Fill.ONCE
    first = bench.journal().book.orders.get(NAME)
    assert first is None or not (first.open or first.unresolved)
    assert bench.posts <= bench.kinds().count("armed") <= 2


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(5, "Input/output error")])
def test_a_disk_that_fails_before_it_leaves_keeps_it_from_leaving(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    real = Journal._put

    def put(self: Journal, at_ms: int, line: bytes, own_sum: str) -> None:
        if b'"armed"' in line:
            from genesis_ops.errors import write_failed

            raise write_failed(self.directory, error)
        real(self, at_ms, line, own_sum)

    monkeypatch.setattr(Journal, "_put", put)
    with pytest.raises(WriteFailed):
        bench.place()
    assert bench.posts == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_waits_until_the_outcome_is_written_and_the_order_is_named(
    bench: Bench, number: int, code: int
) -> None:
    bench.meanwhile = lambda: os.kill(os.getpid(), number)
    with pytest.raises(GenesisError, match=f"order {NAME} was sent and is ACKED") as told:
        bench.place()
    assert (told.value.exit_code, told.value.next_command) == (code, f"genesis-ops orders show {NAME}")
    assert bench.kinds() == ["decided", "armed", "acked"]
    bench.meanwhile = lambda: None
    bench.clock.wait(60)
    assert bench.place().fill is Fill.ONCE
    assert bench.kinds().count("evidence") == 2


# --- beside the runner's


def test_it_counts_for_nothing_that_the_runner_is_held_against(bench: Bench) -> None:
    bench.place()
    book = bench.journal().book
    assert (book.submitted, book.armed) == (0, 0)
    report = judge_journal(bench.settings, bench.clock.now_ms(), strict=False)
    outcomes = {judged.id: judged.outcome for judged in report.checks}
    assert Outcome.FAIL not in outcomes.values()
    assert outcomes["one-order-per-candle"] is Outcome.PASS


def test_two_in_a_row_are_two_orders(bench: Bench) -> None:
    first = bench.place()
    bench.clock.wait(5)
    second = bench.place(Wish("SHORT", 0.001))
    assert first.id != second.id
    assert (first.fill, second.fill, bench.posts) == (Fill.ONCE, Fill.ONCE, 2)


def test_every_way_it_can_end_is_a_foreseen_one(bench: Bench) -> None:
    for fault in ("api-down", "feed-down", "health-error"):
        bench.fault(fault)
        with suppress(GenesisError):
            bench.place()
        bench.faults.off(fault, bench.clock.now_ms())
        bench.clock.wait(10)
    assert bench.place().fill is Fill.ONCE


def by_hand(day: "Day", *kinds: Kind) -> str:
    """Leave what an attempt left that was killed after its last record."""
    at_ms = day.clock.now_ms() - 60_000
    about = {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.001, "price": None, "config_hash": ""}
    day.logs.mkdir(parents=True, exist_ok=True)
    journal = day.journal()
    name = manual_id(at_ms)
    with journal.held("test"):
        journal.append(Kind.DECIDED, id=name, candle_ts=at_ms, purpose=MANUAL, **about)
        for kind in kinds:
            wallets = {"TESTUSD": 1_000_000.0, "TESTBTC": 10.0}
            journal.append(kind, id=name, **({"before": wallets} if kind is Kind.ARMED else {"reason": ""}))
    return name


@pytest.mark.parametrize("kinds", [(), (Kind.ARMED,), (Kind.ARMED, Kind.ACKED)])
def test_a_live_runner_never_sends_what_was_wanted_by_hand_and_takes_up_what_was_sent(
    desk: "Day", kinds: tuple[Kind, ...]
) -> None:
    desk.wire.decision = ("NONE", None)
    name = by_hand(desk, *kinds)
    desk.live(30)
    assert desk.wire.count("/paper/submit") == 0
    kept = [record["kind"] for record in desk.records() if record.get("id") == name]
    ends = {0: ["expired"], 1: ["armed", "unknown", "evidence"], 2: ["armed", "acked", "evidence"]}
    assert kept == ["decided", *ends[len(kinds)]]


def test_a_runner_orders_its_candle_beside_one_that_was_sent_by_hand(desk: "Day") -> None:
    by_hand(desk, Kind.ARMED, Kind.ACKED)
    desk.wire.decision = ("LONG", 0.01)
    state = desk.live(30)
    assert desk.wire.count("/paper/submit") == 1
    assert state.total_orders_submitted == 1


def test_a_close_while_an_order_by_hand_is_under_way_is_ordered_when_it_is_over(
    desk: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = desk.journal()
    held = ExitStack()
    real = orders.Orders.decide

    def decide(self: orders.Orders, decision: Any) -> None:
        held.enter_context(beside.held("genesis-ops verify order"))
        real(self, decision)

    def work(self: orders.Orders) -> bool:
        if desk.clock.now_ms() > NOON + 2 * HOUR_MS + 90_000:
            held.close()
        return carry_on(self)

    carry_on = orders.Orders.work
    monkeypatch.setattr(orders.Orders, "decide", decide)
    monkeypatch.setattr(orders.Orders, "work", work)
    state = desk.live(30)
    assert desk.wire.count("/paper/submit") == 1
    assert state.total_orders_submitted == 1
    assert [event.told for event in desk.events(CandleWatched) if "LONG" in event.told and "acked in" in event.told]
