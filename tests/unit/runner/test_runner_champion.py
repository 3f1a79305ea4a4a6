"""The champion is frozen by the first run and held against it at every start after."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from genesis_ops.errors import Refused
from genesis_ops.state.champion import pin_file, read_pin

if TYPE_CHECKING:
    from conftest import Day


def test_the_first_run_pins_its_champion_by_its_own_clock(day: "Day") -> None:
    began_ms = day.clock.now_ms()
    day.run(1)
    frozen = read_pin(day.logs)
    assert frozen is not None
    assert (frozen.file, frozen.pinned_ms) == ("config/strategy/champions/tBTCUSD_1h.json", began_ms)
    day.run(1)
    assert read_pin(day.logs) == frozen


def test_a_run_with_another_champion_is_refused_before_it_writes_a_line(day: "Day") -> None:
    day.run(1)
    before, state = day.lines(), day.state()
    champion = day.settings().champion_file
    champion.write_bytes(champion.read_bytes() + b"\n")
    with pytest.raises(Refused, match="the champion is frozen") as refusal:
        day.run(1)
    assert refusal.value.exit_code == 78
    assert (day.lines(), day.state()) == (before, state)


def test_a_run_whose_champion_is_not_the_configured_one_is_refused_and_pins_nothing(day: "Day") -> None:
    with pytest.raises(Refused, match="champion_sha256"):
        day.run(1, champion_sha256="1" * 64)
    assert not pin_file(day.logs).exists()
    assert day.lines() == []


def test_two_rehearsals_of_one_seed_pin_the_same_bytes(make_day: "Callable[[], Day]") -> None:
    days = make_day(), make_day()
    for one in days:
        one.run(1)
    assert pin_file(days[0].logs).read_bytes() == pin_file(days[1].logs).read_bytes()
