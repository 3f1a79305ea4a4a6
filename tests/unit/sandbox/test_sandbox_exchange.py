import json
from email.utils import parsedate_to_datetime

import pytest
from sandbox_world import World

HOUR = "/v2/candles/trade:1h:tBTCUSD/hist"


def test_a_poll_shows_the_running_candle_and_the_closed_one_before_it(world: World) -> None:
    world.at(14, 10)
    running, closed = world.rows()
    assert [len(running), len(closed)] == [6, 6]
    assert [running[0], closed[0]] == [1_770_213_600_000, 1_770_210_000_000]
    assert world.rows(query="limit=2&sort=1&start=1770210000000")[0] == closed


def test_a_whole_number_of_bars_can_be_asked_for_by_their_end(world: World) -> None:
    rows = world.rows(query="limit=120&sort=-1&end=1770202800000")
    assert [len(rows), rows[0][0]] == [120, 1_770_202_800_000]


def test_without_a_query_a_hundred_rows_come_newest_first(world: World) -> None:
    times = [row[0] for row in world.rows(query="")]
    assert [len(times), times] == [100, sorted(times, reverse=True)]


def test_the_key_may_be_escaped(world: World) -> None:
    assert json.loads(world.get("/v2/candles/trade%3A1h%3AtBTCUSD/hist?limit=1").body)


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("/v2/candles/trade:4h:tBTCUSD/hist", "key"),
        ("/v2/candles/trade:1H:tBTCUSD/hist", "key"),
        ("/v2/candles/trade:1h/hist", "key"),
        ("/v2/candles/quote:1h:tBTCUSD/hist", "key"),
        ("/v2/candles/trade:1h:tBTCUSD/first", "section"),
        ("/v2/candles/trade:1h:tBTCUSD", "section"),
        (f"{HOUR}?limit=0", "limit"),
        (f"{HOUR}?limit=10001", "limit"),
        (f"{HOUR}?limit=-1", "limit"),
        (f"{HOUR}?limit=two", "limit"),
        (f"{HOUR}?sort=0", "sort"),
        (f"{HOUR}?end=yesterday", "end"),
        (f"{HOUR}?start={'9' * 400}", "start"),
    ],
)
def test_a_question_that_cannot_be_meant_is_error_10020(world: World, target: str, what: str) -> None:
    reply = world.get(target)
    assert (reply.status, json.loads(reply.body)) == (500, ["error", 10020, f"{what}: invalid"])


def test_an_unknown_symbol_has_no_candles(world: World) -> None:
    assert world.json("/v2/candles/trade:1h:tNOSUCH/hist?limit=2") == []


def test_the_platform_is_operative(world: World) -> None:
    assert world.json("/v2/platform/status") == [1]


@pytest.mark.parametrize("target", [HOUR, "/health", "/nowhere", "/sandbox"])
def test_every_reply_carries_the_sandbox_time_as_its_date(world: World, target: str) -> None:
    headers = dict(world.get(target).headers)
    assert headers["Date"] == "Wed, 04 Feb 2026 13:00:00 GMT"
    assert parsedate_to_datetime(headers["Date"]).timestamp() * 1000 == world.now_ms
    assert headers["Content-Type"] == "application/json"


def test_thirty_candle_requests_in_a_minute_are_answered_and_the_next_begins_a_minute_of_refusals(world: World) -> None:
    assert {world.get(HOUR).status for _ in range(30)} == {200}
    world.later(30)
    refused = world.get(HOUR)
    assert (refused.status, json.loads(refused.body)) == (429, {"error": "ERR_RATE_LIMIT"})
    world.later(59.9)
    assert world.get(HOUR).status == 429
    world.later(0.1)
    assert world.get(HOUR).status == 200


def test_the_rate_limit_forgets_a_request_after_a_minute(world: World) -> None:
    for _ in range(200):
        world.later(2)
        assert world.get(HOUR).status == 200


def test_the_rate_limit_counts_each_address_alone_and_the_candles_endpoint_only(world: World) -> None:
    for _ in range(31):
        world.get(HOUR)
    assert world.get(HOUR).status == 429
    assert world.sandbox.handle("GET", HOUR, address="127.0.0.2").status == 200
    assert world.get("/v2/platform/status").status == 200
