import json

import pytest
from sandbox_world import START_MS, World

from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.clock import SandboxClock
from genesis_ops.sandbox.faults import TABLE
from genesis_ops.sandbox.wire import METHODS, Dropped


def test_health_and_configuration_agree_on_version_and_hash(world: World) -> None:
    health, configuration = world.json("/health"), world.json("/config/runtime")
    assert health == {
        "status": "ok",
        "config_version": configuration["version"],
        "config_hash": configuration["hash"],
    }
    assert set(configuration) == {"cfg", "hash", "version"}
    assert set(configuration["cfg"]) == {
        "strategy_family",
        "thresholds",
        "gates",
        "risk",
        "ev",
        "exit",
        "multi_timeframe",
        "warmup_bars",
        "htf_exit_config",
        "htf_fib",
        "ltf_fib",
        "features",
    }
    assert len(configuration["hash"]) == 64


@pytest.mark.parametrize("path", ["/", "/nowhere", "/health/", "/v2", "/sandboxes", "/sandbox/nothing"])
def test_an_unknown_path_is_404(world: World, path: str) -> None:
    reply = world.get(path)
    assert (reply.status, json.loads(reply.body)) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("endpoint", [path for path in METHODS if path != "/v2/candles"])
def test_a_wrong_method_is_405(world: World, endpoint: str) -> None:
    wrong = "GET" if METHODS[endpoint] == "POST" else "POST"
    reply = world.sandbox.handle(wrong, endpoint, b"{}")
    assert (reply.status, json.loads(reply.body)) == (405, {"detail": "Method Not Allowed"})


def test_requests_are_counted_by_method_and_path_dropped_ones_included(world: World) -> None:
    world.get("/health?x=1")
    world.fault("api-down")
    with pytest.raises(Dropped):
        world.get("/health")
    assert world.sandbox.requests["GET", "/health"] == 2


def test_the_sandbox_tells_its_time_its_counters_and_its_faults(world: World) -> None:
    world.get("/health")
    world.submit()
    world.fault("feed-down")
    world.later(60)
    assert world.json("/sandbox") == {
        "seed": 7,
        "speed": 1.0,
        "started": "2026-02-04T13:00:00.000Z",
        "now": "2026-02-04T13:01:00.000Z",
        "requests": {"GET /health": 1, "GET /sandbox": 1, "POST /paper/submit": 1},
        "fills": 1,
        "active_faults": [{"name": "feed-down", "from": "2026-02-04T13:00:00.000Z", "until": None}],
    }


def test_the_faults_are_listed_as_json(world: World) -> None:
    listed = world.json("/sandbox/faults")
    assert [entry["name"] for entry in listed] == [fault.name for fault in TABLE]
    assert set(listed[0]) == {"name", "endpoint", "effect"}


def test_a_fault_is_switched_on_and_off_over_http(world: World) -> None:
    reply = world.sandbox.handle("PUT", "/sandbox/faults/health-error")
    assert json.loads(reply.body) == {"name": "health-error", "from": "2026-02-04T13:00:00.000Z", "until": None}
    assert world.get("/health").status == 503
    assert world.sandbox.handle("DELETE", "/sandbox/faults/health-error").status == 200
    assert world.get("/health").status == 200


def test_a_fault_is_switched_on_for_a_while(world: World) -> None:
    reply = world.sandbox.handle("PUT", "/sandbox/faults/health-error?for=30m")
    assert json.loads(reply.body)["until"] == "2026-02-04T13:30:00.000Z"
    world.at(13, 29, 59.999)
    assert world.get("/health").status == 503
    world.at(13, 30)
    assert world.get("/health").status == 200


@pytest.mark.parametrize("wanted", ["", "soon", "30", "0m"])
def test_a_while_that_cannot_be_meant_is_422_and_switches_nothing(world: World, wanted: str) -> None:
    assert world.sandbox.handle("PUT", f"/sandbox/faults/health-error?for={wanted}").status == 422
    assert world.get("/health").status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_switching_an_unknown_fault_is_404_and_names_what_comes_near(world: World, method: str) -> None:
    reply = world.sandbox.handle(method, "/sandbox/faults/feed-donw")
    assert reply.status == 404
    assert "feed-down" in json.loads(reply.body)["notes"][0]


@pytest.mark.parametrize("target", ["/sandbox", "/sandbox/faults", "/sandbox/faults/feed-down"])
def test_the_control_endpoints_refuse_other_methods(world: World, target: str) -> None:
    assert world.sandbox.handle("POST", target).status == 405


def test_the_control_endpoints_answer_while_everything_else_is_down(world: World) -> None:
    world.fault("api-down")
    world.fault("feed-down")
    assert world.get("/sandbox").status == 200


def test_requests_are_answered_one_at_a_time_but_stalls_keep_no_other_waiting() -> None:
    locked: list[bool] = []

    def now_ms() -> int:
        locked.append(bool(sandboxes) and sandboxes[0]._lock.locked())
        return START_MS

    sandboxes: list[Sandbox] = []
    sandboxes.append(Sandbox(7, now_ms, lambda _: locked.append(sandboxes[0]._lock.locked())))
    sandboxes[0].faults.on("feed-slow", START_MS)
    sandboxes[0].handle("GET", "/v2/candles/trade:1h:tBTCUSD/hist")
    assert locked == [False, True, False]  # at the start, while it answers, while it stalls


def test_the_clock_runs_as_many_times_faster_as_it_is_told() -> None:
    passed = iter([500.0, 500.0, 502.5])
    clock = SandboxClock(START_MS, 60.0, lambda: next(passed))
    assert clock.now_ms() == START_MS
    assert clock.now_ms() == START_MS + 150_000
