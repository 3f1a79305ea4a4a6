"""The six steps' checks on facts made by hand: the wallets' delta, an order, services, the log, the API."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.checks.model import Outcome, Result
from genesis_ops.checks.verify import HealthSeen, WalletsSeen, configuration, judged_health, skipped, verify_wallets
from genesis_ops.checks.verify_delta import DeltaSeen, Expect, movements, verify_delta
from genesis_ops.checks.verify_logs import LogsSeen, verify_logs
from genesis_ops.checks.verify_order import OrderSeen, exit_code, verify_order
from genesis_ops.checks.verify_services import (
    Running,
    ServicesSeen,
    verify_port,
    verify_processes,
    verify_units,
    verify_uvicorn,
)
from genesis_ops.clients.health import Answer, Health
from genesis_ops.clients.process import Listeners, Process
from genesis_ops.clients.units import UNITS, Unit, UnitsFound
from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind
from genesis_ops.journal.wallet import Fill
from genesis_ops.runlog.files import LogFile
from genesis_ops.runlog.reader import LogLine
from genesis_ops.settings import load
from genesis_ops.state.baseline import Baseline
from genesis_ops.words import Exit, stamp

NOW = 1_770_211_200_000
PAIR = "tTESTBTC:TESTUSD"
PASS, WARN, FAIL, UNKNOWN, SKIP = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN, Outcome.SKIP
BASELINE = Baseline(NOW, "somebody", {"TESTBTC": 10.0, "TESTUSD": 1000.0})


def order(**changes: Any) -> Order:
    """An order that was acknowledged a minute after the baseline, and of which the wallets have not told yet."""
    at = NOW + 60_000
    made = Order("manual-1", at, PAIR, "LONG", 0.001, 70_000.0, at, "", Kind.ACKED, at + 500, at)
    return made._replace(**changes)


def seen(base: float, quote: float, *orders: Order, expect: Expect | None = None) -> Result:
    now = Baseline(NOW + 600_000, "somebody", {"TESTBTC": 10.0 + base, "TESTUSD": 1000.0 + quote})
    return verify_delta(DeltaSeen(PAIR, "wallet_baseline.json", BASELINE, now, orders, expect=expect))


MEASURED = {"fill": Fill.ONCE, "moved": (0.001, -70.0), "multiple": 1.0}
BEFORE = {"armed_ms": NOW - 600_000, "label_ms": NOW - 599_000, **MEASURED}

DELTAS = {
    "nothing ordered, nothing moved": (seen(0, 0), PASS),
    "rounding alone": (seen(1e-8, 0.004), PASS),
    "moved though nothing was ordered": (seen(0.001, -70), UNKNOWN),
    "only the quote moved though nothing was ordered": (seen(0, -70), UNKNOWN),
    "an order, and it moved": (seen(0.001, -70, order()), PASS),
    "its fee was taken in the base currency": (seen(0.000998, -70, order()), PASS),
    "more than any fee is missing": (seen(0.00098, -70, order()), UNKNOWN),
    "its price slipped by one in a hundred": (seen(0.001, -70.7, order()), PASS),
    "what was paid is far from its price": (seen(0.001, -90, order()), UNKNOWN),
    "acknowledged, and nothing moved": (seen(0, 0, order()), FAIL),
    "moved twice": (seen(0.002, -140, order()), FAIL),
    "moved twice, each time less a fee": (seen(0.001996, -140, order()), FAIL),
    "moved three times": (seen(0.003, -210, order()), FAIL),
    "moved half": (seen(0.0005, -35, order()), UNKNOWN),
    "moved one and a half times": (seen(0.0015, -105, order()), UNKNOWN),
    "moved the other way": (seen(-0.001, 70, order()), UNKNOWN),
    "five hundred times is somebody else's trade": (seen(0.5, -35_000, order()), UNKNOWN),
    "a SHORT sells": (seen(-0.001, 70, order(side="SHORT")), PASS),
    "a LONG and a SHORT of one size": (seen(0, 0, order(), order(id="b", side="SHORT")), PASS),
    "two orders": (seen(0.002, -140, order(), order(id="b")), PASS),
    "the API took less than was asked for": (seen(0.0004, -28, order(size_taken=0.0004)), PASS),
    "an order without a price, paid for": (seen(0.001, -70, order(price=None)), PASS),
    "an order without a price that cost nothing": (seen(0.001, 0, order(price=None)), UNKNOWN),
    "measured, and still there": (seen(0.001, -70, order(**MEASURED)), PASS),
    "measured, and more since": (seen(0.0014, -98, order(**MEASURED)), UNKNOWN),
    "measured, and gone since": (seen(0, 0, order(**MEASURED)), UNKNOWN),
    "measured, and twice since": (seen(0.002, -140, order(**MEASURED)), FAIL),
    "rejected, and nothing moved": (seen(0, 0, order(label=Kind.REJECTED)), PASS),
    "rejected, and moved": (seen(0.001, -70, order(label=Kind.REJECTED)), UNKNOWN),
    "never armed": (seen(0, 0, order(label=Kind.BLOCKED, armed_ms=None)), PASS),
    "in doubt, and moved": (seen(0.001, -70, order(label=Kind.UNKNOWN)), UNKNOWN),
    "in doubt, and nothing moved": (seen(0, 0, order(label=Kind.UNKNOWN)), UNKNOWN),
    "being sent": (seen(0, 0, order(label=Kind.ARMED)), UNKNOWN),
    "in doubt, and resolved as filled": (seen(0.001, -70, order(label=Kind.UNKNOWN, resolved=True)), PASS),
    "in doubt, and resolved as not filled": (seen(0, 0, order(label=Kind.UNKNOWN, resolved=False)), PASS),
    "the wallets said that nothing was filled": (seen(0, 0, order(fill=Fill.NONE, moved=(0.0, 0.0))), FAIL),
    "the wallets said that it was filled twice": (
        seen(0.002, -140, order(fill=Fill.SEVERAL, moved=(0.002, -140.0))),
        FAIL,
    ),
    "the wallets said a part": (seen(0.0005, -35, order(fill=Fill.UNCLEAR, moved=(0.0005, -35.0))), UNKNOWN),
    "the wallets could not be read after it": (seen(0.001, -70, order(fill=Fill.UNREADABLE)), PASS),
    "an order before the baseline": (seen(0, 0, order(**BEFORE)), PASS),
    "an order that was under way at the baseline": (seen(0.001, -70, order(armed_ms=NOW - 500, label_ms=NOW)), UNKNOWN),
    "an order for another pair": (seen(0, -70, order(symbol="tTESTETH:TESTUSD")), UNKNOWN),
    "none expected, none there": (seen(0, 0, expect=Expect.NONE), PASS),
    "none expected, one there": (seen(0.001, -70, order(), expect=Expect.NONE), FAIL),
    "one expected, none there": (seen(0, 0, expect=Expect.ORDER), FAIL),
    "one expected, one there": (seen(0.001, -70, order(), expect=Expect.ORDER), PASS),
}


@pytest.mark.parametrize("name", DELTAS)
def test_the_wallets_are_held_against_what_the_orders_say(name: str) -> None:
    result, wanted = DELTAS[name]
    assert (result.outcome, bool(result.detail)) == (wanted, True)
    assert bool(result.remedy) is (wanted is not PASS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"TESTBTC": 1.0}, {"TESTBTC": 1.0, "TESTUSD": 5.0}),
        ({"TESTBTC": 1.0, "TESTUSD": 5.0}, {"TESTBTC": 1.0}),
        ({"TESTUSD": 5.0}, {"TESTUSD": 5.0}),
    ],
)
def test_wallets_that_do_not_name_the_pair_tell_nothing(before: dict[str, float], after: dict[str, float]) -> None:
    baselines = [Baseline(NOW, "", each) for each in (before, after)]
    result = verify_delta(DeltaSeen(PAIR, "f", *baselines))
    assert (result.outcome, "is not among the wallets" in result.detail) == (UNKNOWN, True)


def test_a_coin_that_nothing_was_ever_in_need_not_be_named_before_it_is_bought() -> None:
    now = Baseline(NOW + 600_000, "", {"TESTBTC": 0.001, "TESTUSD": 930.0})
    result = verify_delta(DeltaSeen(PAIR, "f", Baseline(NOW, "", {"TESTUSD": 1000.0}), now, (order(),)))
    assert result.outcome is PASS


def test_what_is_shown_are_the_pair_and_whatever_else_moved() -> None:
    now = Baseline(NOW + 1, "", {"TESTBTC": 10.0, "TESTUSD": 990.0, "TESTETH": 1.0, "TESTSOL": 2.0})
    before = BASELINE._replace(balances={**BASELINE.balances, "TESTSOL": 2.0})
    found = movements(DeltaSeen(PAIR, "f", before, now))
    assert [(each.currency, each.change) for each in found] == [("TESTBTC", 0.0), ("TESTUSD", -10.0), ("TESTETH", 1.0)]


@given(
    st.sampled_from([0.0, 0.5, 0.998, 1.0, 1.001, 1.5, 2.0]),
    st.sampled_from([0.0, 0.9, 0.99, 1.0, 2.0]),
    st.lists(
        st.builds(
            order,
            side=st.sampled_from(["LONG", "SHORT"]),
            size=st.floats(1e-6, 5),
            price=st.none() | st.floats(1.0, 1e6),
            label=st.sampled_from([Kind.ACKED, Kind.ACKED, Kind.UNKNOWN, Kind.REJECTED]),
        ),
        max_size=3,
    ),
)
def test_a_pass_is_only_what_the_orders_say(times: float, paid: float, orders: list[Order]) -> None:
    told = [each.size if each.side == "LONG" else -each.size for each in orders if each.label is not Kind.REJECTED]
    cost = sum(size * (each.price or 1.0) for size, each in zip(told, orders, strict=False))
    result = seen(times * sum(told), -paid * cost, *orders)
    sure = all(each.label in {Kind.ACKED, Kind.REJECTED} for each in orders)
    if result.outcome is PASS:
        assert sure
        assert abs(times - 1) * abs(sum(told)) <= 1e-6 + 0.002 * sum(map(abs, told))
    exact = times == paid == 1.0 and all(each.price is not None for each in orders)
    if exact and sure and all(each.label is Kind.ACKED for each in orders):
        assert result.outcome is PASS


# --- the order

ORDERS = {
    "filled once": (order(**MEASURED), PASS, Exit.PASS),
    "rejected": (order(label=Kind.REJECTED, reason="HTTP 404"), FAIL, Exit.FAIL),
    "filled several times": (order(fill=Fill.SEVERAL, moved=(0.002, -140.0), multiple=2.0), FAIL, Exit.FAIL),
    "nothing filled": (order(fill=Fill.NONE, moved=(0.0, 0.0), multiple=0.0), FAIL, Exit.FAIL),
    "unknown": (order(label=Kind.UNKNOWN), UNKNOWN, Exit.UNKNOWN),
    "unknown, but the wallets show it": (order(label=Kind.UNKNOWN, **MEASURED), WARN, Exit.PASS),
    "the wallets cannot tell": (order(fill=Fill.UNCLEAR, moved=(0.0005, -35.0), multiple=0.5), UNKNOWN, Exit.UNKNOWN),
    "the wallets cannot be read": (order(fill=Fill.UNREADABLE), UNKNOWN, Exit.UNKNOWN),
    "the wallets have not told": (order(), UNKNOWN, Exit.UNKNOWN),
}


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_judged_by_what_the_wallets_say(name: str) -> None:
    made, outcome, code = ORDERS[name]
    result = verify_order(OrderSeen(made))
    assert (result.outcome, exit_code(made)) == (outcome, code)
    assert made.id in result.detail


def test_an_order_in_doubt_names_the_command_that_resolves_it() -> None:
    assert "orders resolve manual-1" in verify_order(OrderSeen(order(label=Kind.UNKNOWN))).remedy


def test_what_hindered_an_order_is_no_verdict_on_it_and_what_was_found_wrong_is() -> None:
    assert verify_order(OrderSeen(trouble="the latch", notes=("why",))).outcome is UNKNOWN
    assert verify_order(OrderSeen(failed="filled twice")).outcome is FAIL


# --- services


def unit(name: str, **changes: str) -> Unit:
    sound = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "MainPID": "7", "NRestarts": "0"}
    return Unit(name, sound | changes)


def units(**changes: str) -> UnitsFound:
    return UnitsFound((unit(UNITS[0]), unit(UNITS[1], **changes)))


def services(**changes: Any) -> ServicesSeen:
    return SOUND._replace(**changes)


def listening(*addresses: str, pid: int = 7, since_ms: int = 1) -> Listeners:
    found = (Process(pid, "uvicorn core.server:app", "genesis", since_ms),) if addresses else ()
    return Listeners(found, hidden=False, addresses=addresses)


RUNNER = Process(8, "genesis-ops run", "genesis", 1)
RUNNING = Running(listening("127.0.0.1"), (RUNNER,))
SOUND = ServicesSeen(30.0, (units(), units()), (RUNNING, RUNNING), listening("127.0.0.1").processes, 8000)
NO_SYSTEMD = UnitsFound(trouble="there is no systemctl on this host", absent=True)

UNIT_LOOKS = {
    "both stay up": ((units(), units()), PASS, "no restart in 30s"),
    "one was restarted before": ((units(NRestarts="3"), units(NRestarts="3")), PASS, "3 restarts before"),
    "one was restarted meanwhile": ((units(), units(NRestarts="1")), FAIL, "NRestarts 0 to 1"),
    "one is another process": ((units(), units(MainPID="9")), FAIL, "MainPID 7 to 9"),
    "one waits for its restart": (
        (units(), units(ActiveState="activating", SubState="auto-restart")),
        FAIL,
        "auto-restart",
    ),
    "one has failed": ((units(), units(ActiveState="failed", SubState="failed")), FAIL, "is failed"),
    "one is not installed": ((units(), units(LoadState="not-found")), FAIL, "is not installed"),
    "one is not told of": ((units(), UnitsFound((unit(UNITS[0]),))), FAIL, "is not installed"),
    "none is installed": ((units(), UnitsFound((unit(UNITS[0], LoadState="not-found"),))), SKIP, "neither unit"),
    "no systemd": ((NO_SYSTEMD, NO_SYSTEMD), SKIP, "no systemctl"),
    "systemd does not answer": ((units(), UnitsFound(trouble="systemctl did not answer")), UNKNOWN, "did not answer"),
    "a figure that is none": ((units(NRestarts="many"), units(NRestarts="[not set]")), PASS, "no restart"),
}


@pytest.mark.parametrize("name", UNIT_LOOKS)
def test_units_are_active_and_stay_the_same(name: str) -> None:
    looks, outcome, words = UNIT_LOOKS[name]
    result = verify_units(services(units=looks))
    assert (result.outcome, words in result.detail) == (outcome, True), result.detail


def running(before: Running, after: Running) -> Result:
    return verify_processes(services(running=(before, after)))


def test_the_same_processes_pass_and_others_fail() -> None:
    assert running(RUNNING, RUNNING).outcome is PASS
    other = RUNNING._replace(runners=(RUNNER._replace(pid=9),))
    assert "pid 8 to 9" in running(RUNNING, other).detail
    assert running(RUNNING, other).outcome is FAIL
    assert running(RUNNING, RUNNING._replace(api=listening("127.0.0.1", pid=9))).outcome is FAIL


def test_a_pid_that_came_round_is_another_process() -> None:
    assert running(RUNNING, RUNNING._replace(runners=(RUNNER._replace(since_ms=2),))).outcome is FAIL


def test_no_runner_two_runners_and_no_server_fail() -> None:
    for after in (
        RUNNING._replace(runners=()),
        RUNNING._replace(runners=(RUNNER, RUNNER._replace(pid=9))),
        RUNNING._replace(api=listening()),
    ):
        assert running(RUNNING, after).outcome is FAIL


def test_what_another_user_runs_cannot_be_told() -> None:
    hidden = Listeners((), hidden=True)
    assert running(RUNNING, RUNNING._replace(api=hidden)).outcome is UNKNOWN
    assert running(RUNNING, Running(RUNNING.api, (), hidden=True)).outcome is UNKNOWN


def test_an_api_on_another_host_leaves_the_runner_to_be_judged() -> None:
    away = RUNNING._replace(api=None)
    assert running(away, away).outcome is PASS
    for check in (verify_uvicorn, verify_port):
        assert check(services(running=(away, away), port=None)).outcome is SKIP


def test_one_uvicorn_is_right_two_are_wrong_and_a_stand_in_is_worth_a_word() -> None:
    (server,) = SOUND.uvicorns
    assert verify_uvicorn(SOUND).outcome is PASS
    two = verify_uvicorn(services(uvicorns=(server, server._replace(pid=9))))
    assert (two.outcome, len(two.evidence), two.remedy.startswith("kill -TERM 9 ")) == (FAIL, 2, True)
    assert verify_uvicorn(services(uvicorns=())).outcome is WARN
    nobody = RUNNING._replace(api=listening())
    assert verify_uvicorn(services(uvicorns=(), running=(nobody, nobody))).outcome is FAIL
    hidden = RUNNING._replace(api=Listeners((), hidden=True))
    assert verify_uvicorn(services(uvicorns=(), running=(hidden, hidden))).outcome is UNKNOWN


@pytest.mark.parametrize(
    ("addresses", "outcome"),
    [
        (("127.0.0.1",), PASS),
        (("::1",), PASS),
        (("127.0.0.1", "::1"), PASS),
        (("127.0.0.53",), PASS),
        (("::ffff:127.0.0.1",), PASS),
        (("0.0.0.0",), FAIL),
        (("::",), FAIL),
        (("10.0.0.4",), FAIL),
        (("127.0.0.1", "10.0.0.4"), FAIL),
        (("fe80::1%eth0",), FAIL),
        (("?",), FAIL),
        ((), FAIL),
    ],
)
def test_a_port_is_for_this_host_alone(addresses: tuple[str, ...], outcome: Outcome) -> None:
    now = RUNNING._replace(api=listening(*addresses))
    assert verify_port(services(running=(now, now))).outcome is outcome


# --- the log


def lines(*said: tuple[str, str]) -> tuple[LogLine, ...]:
    file = LogFile(Path("runner_20260204.log"), "20260204")
    at = NOW - 5000
    return tuple(
        LogLine(file, f"{stamp(at)} - paper_trading_runner - {level} - {message}", index, None, at)
        for index, (level, message) in enumerate(said)
    )


def logged(*said: tuple[str, str], age: int = 5, **changes: Any) -> Result:
    made = LogsSeen(NOW, 10, "logs", lines(*said), NOW - age * 1000)
    return verify_logs(made._replace(**changes))


LOGS = {
    "it grows": (logged(("INFO", "Heartbeat")), PASS),
    "it is silent": (logged(("INFO", "Heartbeat"), age=121), FAIL),
    "a slow runner may be silent for longer": (logged(("INFO", "Heartbeat"), age=121, interval=60), PASS),
    "it lies in the future": (logged(("INFO", "Heartbeat"), age=-120), FAIL),
    "it is fatal by its level": (logged(("CRITICAL", "Baseline fallback detected. ABORTING.")), FAIL),
    "it is fatal by its words": (logged(("ERROR", "FATAL: over")), FAIL),
    "errors are worth a word": (logged(("ERROR", "HTTP error fetching candles: x"), ("INFO", "Heartbeat")), WARN),
    "a warning is none": (logged(("WARNING", "Failed to fetch candle. Retrying...")), PASS),
    "its runner has stopped": (logged(("INFO", "Heartbeat"), ("INFO", "Runner stopped.")), FAIL),
    "there is none": (logged(lines=(), newest_ms=None), FAIL),
    "it cannot be read": (logged(trouble="Permission denied"), UNKNOWN),
}


@pytest.mark.parametrize("name", LOGS)
def test_the_end_of_the_log_is_looked_through(name: str) -> None:
    result, outcome = LOGS[name]
    assert result.outcome is outcome, result.detail


# --- API and wallets


SETTINGS = load({"root": Path(__file__).parent}, {"PATH": os.environ["PATH"]}, None).settings
REPLY = 'HTTP 200 {"status": "ok", "config_version": 12, "config_hash": "0c0b4ae18e432e4d0bc0"}'


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (REPLY, PASS),
        ('HTTP 200 {"status": "ok", "config_version": 0, "config_hash": "ab"}', PASS),
        ('HTTP 200 {"status": "ok"}', WARN),
        ('HTTP 200 {"status": "ok", "config_version": 12}', WARN),
        ("HTTP 200 [1]", WARN),
        ("HTTP 200 {" + "[" * 5000, WARN),
    ],
)
def test_an_api_names_the_configuration_that_it_runs_with(reply: str, outcome: Outcome) -> None:
    health, config = judged_health(HealthSeen(SETTINGS, Health(Answer.OK, "", reply)))
    assert (health.outcome, config.outcome) == (PASS, outcome)


@given(st.text(max_size=60))
def test_no_reply_makes_the_reading_of_a_configuration_fail(reply: str) -> None:
    version, mark = configuration(reply)
    assert (version + mark).isprintable()


def test_an_api_that_is_not_well_fails_and_its_configuration_is_nobodys() -> None:
    health, config = judged_health(HealthSeen(SETTINGS, Health(Answer.ERROR, "HTTP 503")))
    assert (health.outcome, config.outcome) == (FAIL, SKIP)


def test_a_baseline_tells_what_the_pair_has_and_none_is_unknown() -> None:
    found = verify_wallets(WalletsSeen(PAIR, "f", BASELINE))
    assert (found.outcome, "TESTBTC 10, TESTUSD 1,000" in found.detail) == (PASS, True)
    assert verify_wallets(WalletsSeen(PAIR, "f", trouble="no reply")).outcome is UNKNOWN
    alone = replace_balances({"TESTUSD": 1.5})
    assert "TESTBTC not named, TESTUSD 1.5" in verify_wallets(WalletsSeen(PAIR, "f", alone)).detail


def replace_balances(balances: dict[str, float]) -> Baseline:
    return BASELINE._replace(balances=balances)


def test_a_step_that_is_left_out_names_every_check_of_it_and_why() -> None:
    found = skipped("services", "a reason")
    assert [judged.id for judged in found] == ["verify-units", "verify-processes", "verify-uvicorn", "verify-port"]
    assert {(judged.outcome, judged.detail) for judged in found} == {(SKIP, "a reason")}
