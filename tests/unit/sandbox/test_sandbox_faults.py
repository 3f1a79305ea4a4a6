import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from sandbox_world import ORDER, START_MS, World

from genesis_ops.sandbox.faults import FAULTS, TABLE, parse_fault
from genesis_ops.sandbox.wire import API, CANDLES, EXCHANGE, METHODS, Dropped
from genesis_ops.words import HOUR_MS, MINUTE_MS

HOUR = "/v2/candles/trade:1h:tBTCUSD/hist?limit=2&sort=-1"
SHOWN: set[str] = set()
Test = TypeVar("Test", bound=Callable[..., None])


def shows(name: str) -> Callable[[Test], Test]:
    """Say that a test shows the effect of a fault."""
    SHOWN.add(name)
    return lambda test: test


def test_every_fault_in_the_table_is_shown_by_a_test() -> None:
    assert set(FAULTS) == SHOWN
    assert len(FAULTS) == len(TABLE)


@shows("feed-down")
def test_a_feed_that_is_down_drops_every_connection_and_leaves_the_api_alone(world: World) -> None:
    world.fault("feed-down")
    for target in (HOUR, "/v2/platform/status"):
        with pytest.raises(Dropped):
            world.get(target)
    assert world.get("/health").status == 200


@shows("maintenance")
def test_in_maintenance_the_candles_say_so_and_the_platform_status_is_0(world: World) -> None:
    world.fault("maintenance")
    reply = world.get(HOUR)
    assert (reply.status, json.loads(reply.body)) == (503, ["error", 20060, "maintenance"])
    assert world.json("/v2/platform/status") == [0]


@shows("clock-ahead")
def test_a_clock_that_is_ahead_shows_in_the_date_of_the_exchange_only(world: World) -> None:
    world.fault("clock-ahead")
    assert dict(world.get(HOUR).headers)["Date"] == "Wed, 04 Feb 2026 13:01:30 GMT"
    assert dict(world.get("/v2/platform/status").headers)["Date"] == "Wed, 04 Feb 2026 13:01:30 GMT"
    assert dict(world.get("/health").headers)["Date"] == "Wed, 04 Feb 2026 13:00:00 GMT"


@shows("feed-500")
def test_a_broken_feed_answers_500_without_json(world: World) -> None:
    world.fault("feed-500")
    reply = world.get(HOUR)
    assert (reply.status, reply.body) == (500, b"Internal Server Error")
    assert dict(reply.headers)["Content-Type"].startswith("text/plain")


@shows("feed-html")
def test_a_proxy_answers_the_feed_with_a_page(world: World) -> None:
    world.fault("feed-html")
    reply = world.get(HOUR)
    assert dict(reply.headers)["Content-Type"] == "text/html"
    assert reply.body.startswith(b"<html>")


@shows("feed-429")
def test_the_feed_refuses_with_429_and_error_11010(world: World) -> None:
    world.fault("feed-429")
    reply = world.get(HOUR)
    assert (reply.status, json.loads(reply.body)) == (429, ["error", 11010, "ratelimit: error"])


@shows("feed-rate-limit")
def test_the_feed_refuses_behind_http_200(world: World) -> None:
    world.fault("feed-rate-limit")
    reply = world.get(HOUR)
    assert (reply.status, json.loads(reply.body)) == (200, {"error": "ERR_RATE_LIMIT"})


@shows("feed-slow")
def test_a_slow_feed_answers_after_30_s(world: World) -> None:
    world.fault("feed-slow")
    assert world.get(HOUR).status == 200
    assert world.slept == [30.0]


@shows("feed-stale")
def test_a_stale_feed_shows_the_rows_of_the_moment_it_began_under_a_date_that_goes_on(world: World) -> None:
    world.at(13, 30)
    before = world.json(HOUR)
    world.fault("feed-stale")
    world.at(16, 5)
    assert world.json(HOUR) == before
    assert dict(world.get(HOUR).headers)["Date"] == "Wed, 04 Feb 2026 16:05:00 GMT"
    world.sandbox.faults.off("feed-stale", world.now_ms)
    assert world.json(HOUR)[0][0] == START_MS + 3 * HOUR_MS


@shows("late-row")
def test_a_late_row_appears_30_s_after_its_close(world: World) -> None:
    world.fault("late-row")
    world.at(14, 0, 29.9)
    assert world.json(HOUR)[0][0] == START_MS - HOUR_MS
    world.at(14, 0, 30)
    assert world.json(HOUR)[0][0] == START_MS


@shows("revised-row")
def test_a_row_is_corrected_20_s_after_its_close_and_no_other_row_is_touched(world: World) -> None:
    query = f"/v2/candles/trade:1h:tBTCUSD/hist?limit=2&end={START_MS}"
    honest = World()
    honest.at(14)
    corrected, older = honest.json(query)
    world.fault("revised-row")
    world.at(14, 0, 19.9)
    first, untouched = world.json(query)
    assert first[2] != corrected[2]
    assert first[3] >= first[2] >= first[4]
    assert untouched == older
    world.at(14, 0, 20)
    assert world.json(query) == [corrected, older]


@shows("no-trades")
def test_an_interval_that_runs_without_trades_never_gets_a_row(world: World) -> None:
    world.at(14, 10)
    world.sandbox.faults.on("no-trades", world.now_ms, 5 * MINUTE_MS)
    assert world.json(HOUR)[0][0] == START_MS
    world.at(14, 40)
    assert world.json(HOUR)[0][0] == START_MS
    world.at(15, 30)
    assert [row[0] for row in world.json(HOUR)] == [START_MS + 2 * HOUR_MS, START_MS]


def test_a_silence_that_is_planned_for_later_has_no_effect_before(world: World) -> None:
    world.sandbox.faults.schedule.append(parse_fault("no-trades@30m", START_MS))
    world.at(13, 20)
    assert world.json(HOUR)[0][0] == START_MS


@shows("api-down")
def test_an_api_that_is_down_drops_every_connection_and_leaves_the_exchange_alone(world: World) -> None:
    world.fault("api-down")
    for endpoint in API:
        with pytest.raises(Dropped):
            world.sandbox.handle(METHODS[endpoint], endpoint, b"{}")
    assert world.get(HOUR).status == 200
    assert world.sandbox.account.fills == []


@shows("health-error")
def test_an_unhealthy_api_says_so_with_503(world: World) -> None:
    world.fault("health-error")
    reply = world.get("/health")
    assert (reply.status, json.loads(reply.body)["status"]) == (503, "error")


@shows("config-error")
def test_a_configuration_that_cannot_be_read_is_500(world: World) -> None:
    world.fault("config-error")
    assert world.get("/config/runtime").status == 500


@shows("evaluate-error")
def test_a_failed_evaluation_hides_in_http_200(world: World) -> None:
    world.fault("evaluate-error")
    reply = world.post("/strategy/evaluate", world.evaluation_request())
    answer = json.loads(reply.body)
    assert (reply.status, answer["ok"], answer["error"]["code"]) == (200, False, "INTERNAL")


@shows("evaluate-500")
def test_a_broken_evaluation_is_500_without_json(world: World) -> None:
    world.fault("evaluate-500")
    assert world.post("/strategy/evaluate", world.evaluation_request()).status == 500


@shows("evaluate-slow")
def test_a_slow_evaluation_answers_after_90_s(world: World) -> None:
    world.fault("evaluate-slow")
    assert "result" in world.evaluate()
    assert world.slept == [90.0]


@shows("evaluate-garbage")
def test_a_garbled_evaluation_is_json_that_ends_in_the_middle(world: World) -> None:
    world.fault("evaluate-garbage")
    reply = world.post("/strategy/evaluate", world.evaluation_request())
    assert reply.body.startswith(b'{"result":')
    assert dict(reply.headers)["Content-Length"] == str(len(reply.body))
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


@shows("fallback")
def test_a_champion_that_is_not_loaded_shows_as_baseline(world: World) -> None:
    world.fault("fallback")
    assert world.evaluate()["meta"]["champion"] == {"source": "baseline:1h"}


@shows("submit-lost")
def test_a_lost_submit_fills_nothing(world: World) -> None:
    world.fault("submit-lost")
    with pytest.raises(Dropped):
        world.submit()
    assert world.sandbox.account.fills == []
    assert world.sandbox.requests["POST", "/paper/submit"] == 1


@shows("submit-rejected")
def test_a_rejected_submit_fills_nothing(world: World) -> None:
    world.fault("submit-rejected")
    assert world.submit() == {"ok": False, "error": "invalid_action_or_size"}
    assert world.sandbox.account.fills == []


@shows("submit-timeout")
def test_a_submit_whose_reply_comes_too_late_has_filled(world: World) -> None:
    world.fault("submit-timeout")
    reply = world.sandbox.answer("POST", "/paper/submit", json.dumps(ORDER).encode())
    assert reply.stall_seconds == 180.0
    assert [fill.amount for fill in world.sandbox.account.fills] == [0.5]


@shows("submit-doubled")
def test_a_doubled_submit_fills_twice_and_tells_of_the_last_order(world: World) -> None:
    world.fault("submit-doubled")
    reply = world.submit()
    fills = world.sandbox.account.fills
    assert [fill.amount for fill in fills] == [0.5, 0.5]
    assert [order[0] for order in reply["response"][4]] == [fills[1].order_id]


@shows("submit-internal-error")
def test_an_internal_error_can_hide_a_filled_order(world: World) -> None:
    world.fault("submit-internal-error")
    reply = world.submit()
    assert (reply["ok"], reply["error"]) == (False, "internal_error")
    assert len(reply["error_id"]) == 12
    assert len(world.sandbox.account.fills) == 1


@shows("submit-status-error")
def test_an_ok_can_hide_a_status_error_and_then_nothing_filled(world: World) -> None:
    world.fault("submit-status-error")
    reply = world.submit()
    assert (reply["ok"], reply["response"][6]) == (True, "ERROR")
    assert world.sandbox.account.fills == []


@shows("submit-partial")
def test_a_partial_fill_moves_half_of_the_size_behind_a_usual_reply(world: World) -> None:
    world.fault("submit-partial")
    reply = world.submit()
    assert (reply["response"][6], reply["meta"]["size_after"]) == ("SUCCESS", 0.5)
    assert [fill.amount for fill in world.sandbox.account.fills] == [0.25]


@shows("wallets-error")
def test_a_failed_look_at_the_wallets_is_an_empty_list_with_an_error(world: World) -> None:
    world.fault("wallets-error")
    reply = world.get("/account/wallets")
    answer = json.loads(reply.body)
    assert (reply.status, answer["items"], answer["error"]) == (200, [], "internal_error")
    assert answer["error_id"]


@shows("wallets-stale")
def test_stale_wallets_show_the_balances_of_the_moment_the_fault_began(world: World) -> None:
    before = world.wallets()
    world.later(100)
    world.fault("wallets-stale")
    world.later(10)
    world.submit()
    world.later(100)
    assert world.wallets() == before
    world.sandbox.faults.off("wallets-stale", world.now_ms)
    assert world.wallets() != before


@pytest.mark.parametrize("name", FAULTS)
def test_after_a_fault_everything_answers_as_if_it_had_never_been(name: str) -> None:
    touched, untouched = World(), World()
    touched.sandbox.faults.on(name, START_MS, HOUR_MS)
    touched.at(15, 10)
    untouched.at(15, 10)
    query = "limit=1" if name == "no-trades" else "limit=50"
    targets = [f"{CANDLES}/trade:1h:tBTCUSD/hist?{query}", *(end for end in METHODS if METHODS[end] == "GET")]
    targets.remove(CANDLES)
    assert [touched.get(target) for target in targets] == [untouched.get(target) for target in targets]
    assert touched.submit() == untouched.submit()
    assert touched.evaluate(candles={}) == untouched.evaluate(candles={})
    assert touched.slept == []


@pytest.mark.parametrize("fault", TABLE, ids=lambda fault: fault.name)
def test_every_fault_says_in_a_sentence_what_it_does_and_where(fault: Any) -> None:
    assert fault.effect.endswith(".")
    assert fault.endpoint in {"the exchange", "the API", *METHODS}
    assert set(fault.endpoints) <= {*EXCHANGE, *API}


def test_several_faults_can_be_on_at_once(world: World) -> None:
    world.fault("clock-ahead")
    world.fault("feed-slow")
    world.fault("feed-429")
    reply = world.get(HOUR)
    assert (reply.status, dict(reply.headers)["Date"]) == (429, "Wed, 04 Feb 2026 13:01:30 GMT")
    assert world.slept == [30.0]
