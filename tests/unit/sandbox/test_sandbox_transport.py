from collections.abc import Iterator

import httpx
import pytest
from sandbox_world import ORDER, World

from genesis_ops.clients.health import Answer, Health, ask_health
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.sandbox.transport import SandboxTransport


@pytest.fixture
def client(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(transport=SandboxTransport(world.sandbox), base_url="http://sandbox", timeout=90.0) as client:
        yield client


def test_a_client_gets_status_headers_and_body(client: httpx.Client) -> None:
    reply = client.get("/v2/candles/trade:1h:tBTCUSD/hist", params={"limit": 2, "sort": -1})
    assert reply.status_code == 200
    assert reply.headers["Date"] == "Wed, 04 Feb 2026 13:00:00 GMT"
    assert len(reply.json()) == 2
    assert client.get("/nowhere").status_code == 404


def test_a_body_reaches_the_sandbox(client: httpx.Client, world: World) -> None:
    assert client.post("/paper/submit", json=ORDER).json()["ok"] is True
    assert [fill.amount for fill in world.sandbox.account.fills] == [0.5]


def test_a_dropped_connection_is_a_protocol_error_that_knows_its_request(client: httpx.Client, world: World) -> None:
    world.fault("api-down")
    with pytest.raises(httpx.RemoteProtocolError) as failure:
        client.get("/health")
    assert failure.value.request.url.path == "/health"


def test_a_health_check_is_told_of_a_dropped_connection_and_not_of_a_stranger(world: World) -> None:
    world.fault("api-down")
    found = ask_health("http://sandbox", VirtualClock(0), SandboxTransport(world.sandbox))
    assert found == Health(Answer.BROKEN, "Server disconnected without sending a response.")


def test_a_stall_longer_than_the_read_timeout_times_out_after_it_and_the_order_has_filled(
    client: httpx.Client, world: World
) -> None:
    world.fault("submit-timeout")
    with pytest.raises(httpx.ReadTimeout) as failure:
        client.post("/paper/submit", json=ORDER)
    assert failure.value.request.url.path == "/paper/submit"
    assert world.slept == [90.0]
    assert len(world.sandbox.account.fills) == 1


@pytest.mark.parametrize("timeout", [180.0, 200.0, None])
def test_a_stall_within_the_read_timeout_is_waited_through(
    client: httpx.Client, world: World, timeout: float | None
) -> None:
    world.fault("submit-timeout")
    assert client.post("/paper/submit", json=ORDER, timeout=timeout).json()["ok"] is True
    assert world.slept == [180.0]
