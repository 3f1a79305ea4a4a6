"""How often a supervisor hears of a runner, whatever it waits for."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from genesis_ops.clients.systemd import Notifier
from genesis_ops.host.units import names, place, text

if TYPE_CHECKING:
    from conftest import Day


@pytest.mark.parametrize(("interval", "minutes"), [(10, 30), (3600, 120)])
def test_no_interval_is_longer_than_the_units_watchdog(
    day: "Day", monkeypatch: pytest.MonkeyPatch, interval: int, minutes: int
) -> None:
    heard: list[float] = []
    monkeypatch.setattr(Notifier, "progress", lambda *_: heard.append(day.clock.monotonic()))
    day.run(minutes, poll_interval=interval)
    unit = text("genesis-runner.service", place(day.settings()))
    (watchdog,) = [int(line.partition("=")[2]) for line in unit.splitlines() if line.startswith("WatchdogSec=")]
    longest_cycle = 10 + 30 + 10 + 30 + 30 + 10 + 90  # docs/running.md, Under systemd
    assert len(heard) > 100
    assert max(later - sooner for sooner, later in pairwise(heard)) + longest_cycle < watchdog


def test_a_runner_that_waits_for_the_exchange_asks_for_time_before_its_start_is_given_up(
    day: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, int]] = []
    monkeypatch.setattr(Notifier, "starting", lambda _, __, more: asked.append((day.clock.monotonic(), more)))
    day.fault("feed-down")
    day.run(30, poll_interval=600)
    assert len(asked) > 20
    assert all(later - sooner < more for (sooner, more), (later, _) in pairwise(asked))


def test_every_runner_has_the_same_limits(day: "Day") -> None:
    values = place(day.settings())
    one, each = (
        [line for line in text(name, values).splitlines() if not line.startswith(("#", "Exec", "Description"))]
        for name in names()
        if name.startswith("genesis-runner")
    )
    assert one == each
