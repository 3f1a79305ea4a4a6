"""The exchange's clock and the budget of requests."""

from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.clients.exchange import ClockOffset, Exchange
from genesis_ops.clients.http import Http
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.transport import SandboxTransport
from genesis_ops.words import Timeframe

T0 = 1_770_210_200_000


@given(
    offset=st.integers(-100_000, 100_000),
    polls=st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(0, 3000), st.integers(0, 3000)), min_size=1, max_size=80
    ),
)
def test_the_estimate_is_never_further_off_than_a_second_and_the_way_there_and_back(
    offset: int, polls: list[tuple[int, int, int]]
) -> None:
    estimate = ClockOffset()
    host = T0
    for pause, there, back in polls:
        host += pause
        date = (host + there + offset) // 1000 * 1000
        estimate.observe(host, host + there + back, date)
        assert abs(estimate.ms - offset) <= 1000 + there + back
        host += there + back


@given(offset=st.integers(-900, 900), seed=st.integers(0, 999))
def test_polls_at_different_moments_of_a_second_narrow_the_estimate(offset: int, seed: int) -> None:
    estimate = ClockOffset()
    for n in range(40):
        host = T0 + n * 10_000 + (seed + n * 37) % 1000
        estimate.observe(host, host + 20, (host + 10 + offset) // 1000 * 1000)
    assert abs(estimate.ms - offset) <= 50


def test_a_stepped_clock_is_doubted_five_times_and_then_believed() -> None:
    estimate = ClockOffset()
    for n in range(10):
        estimate.observe(T0 + n * 10_000, T0 + n * 10_000 + 50, T0 + n * 10_000)
    assert 0 <= estimate.ms <= 1000
    for n in range(10, 15):
        assert not estimate.observe(T0 + n * 10_000, T0 + n * 10_000 + 50, T0 + n * 10_000 + 3_600_000)
        assert 0 <= estimate.ms <= 1000
    assert not estimate.observe(T0 + 150_000, T0 + 150_050, T0 + 3_750_000)
    assert 3_599_950 <= estimate.ms <= 3_601_000
    assert estimate.observe(T0 + 160_000, T0 + 160_050, T0 + 3_760_000)


@given(speed=st.sampled_from([0.2, 5.0, 60.0, 3600.0]), pause=st.integers(7_000, 20_000))
def test_a_clock_that_runs_at_another_speed_is_never_settled_and_always_believed(speed: float, pause: int) -> None:
    estimate = ClockOffset()
    for n in range(30):
        host = T0 + n * pause
        for soon in (0, 40):
            server = int(T0 + (host + soon - T0) * speed)
            estimate.observe(host + soon, host + soon + 5, server // 1000 * 1000)
            assert not estimate.settled
            assert abs(host + soon + estimate.ms - server) <= 1100


def test_the_eleventh_request_of_a_minute_has_to_wait_for_the_first_to_be_a_minute_old() -> None:
    clock = VirtualClock(T0)
    http = Http("http://exchange", clock, 10.0, SandboxTransport(Sandbox(7, clock.now_ms, clock.wait)))
    exchange = Exchange(http, clock, "tBTCUSD", Timeframe.H1)
    first = clock.monotonic()
    for _ in range(10):
        assert exchange.ready_at(1) == 0.0
        exchange.newest()
        clock.wait(1)
    assert exchange.ready_at(1) == first + 60
    assert exchange.ready_at(2) == first + 61
