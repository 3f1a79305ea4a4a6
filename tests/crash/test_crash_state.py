"""A state that is lost or damaged at any moment of a live day is made anew as it was, and nothing is done twice."""

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from crash_world import place

from genesis_ops.errors import Unreachable
from genesis_ops.runlog.events import CandleClose, Evaluation, StateRebuilt

_SPEC = spec_from_file_location("runner_days", Path(__file__).parents[1] / "unit" / "runner" / "conftest.py")
assert _SPEC is not None
assert _SPEC.loader is not None
_DAYS = module_from_spec(_SPEC)
_SPEC.loader.exec_module(_DAYS)

NORMAL, SOAK, LOSSES_A_DAY = 8, 67, 3
POLL = 30
CALLS = ("write", "fsync", "replace", "ftruncate")
FAULTS = ("submit-timeout", "submit-lost", "submit-internal-error", "submit-rejected", "evaluate-error", "feed-500")
DECISIONS = (None, ("LONG", 0.015), ("SHORT", 0.02), ("NONE", None))
STATE = "runner_state.json"

Harm = Callable[[random.Random, bytes], bytes | None]


def changed(name: str, value: Any) -> Harm:
    return lambda _, raw: json.dumps(json.loads(raw) | {name: value}).encode()


HARMS: dict[str, Harm] = {
    "deleted": lambda _, __: None,
    "truncated": lambda chance, raw: raw[: chance.randrange(1, len(raw) - 2)],
    "empty": lambda _, __: b"",
    "white space": lambda _, __: b"\n  \n",
    "NUL bytes": lambda _, raw: b"\0" * len(raw),
    "ends in NUL bytes": lambda chance, raw: raw[: (cut := chance.randrange(len(raw)))] + b"\0" * (len(raw) - cut),
    "byte order mark": lambda _, raw: b"\xef\xbb\xbf" + raw,
    "list": lambda _, raw: b"[" + raw + b"]",
    "NaN": changed("total_evaluations", float("nan")),
    "no keys": lambda _, __: b"{}",
    "a candle that is text": changed("last_processed_candle_ts", "1770213600000"),
    "a count that is a list": changed("total_orders_submitted", [2]),
    "a count that is true": changed("total_evaluations", True),
    "a carried state that is text": changed("pipeline_state", "lost"),
    "half a pending evaluation": changed("pending_evaluation", {"ts": 1}),
    "no UTF-8": lambda _, raw: raw.replace(b"total", b"t\xfftal", 1),
}


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, and nothing after it happens."""


@contextmanager
def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the n-th call that changes the disk be the last."""
    left = number

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, around(getattr(os, name)))
        yield


def stretch(day: Any, chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> str:
    """Live for up to four hours, through faults, to a stop or to a kill at some call."""
    day.clock.wait(1)  # what is kept of a damaged state is named by the second
    day.wire.decision = chance.choice(DECISIONS)
    if chance.random() < 0.5:
        day.fault(f"{chance.choice(FAULTS)}@{chance.randrange(200)}m+{chance.randrange(1, 90)}m")
    minutes = chance.uniform(0.1, 240)
    calls = chance.choice([1_000_000, chance.randrange(20, 700)])
    try:
        with killed_at(calls, monkeypatch):
            day.live(minutes, poll_interval=POLL)
    except Killed:
        return "killed"
    except Unreachable:  # an API that fails at a start
        return "refused"
    return "stopped"


def told(day: Any) -> dict[str, Any]:
    """What a start makes of what it finds: all of the state but for when it was written last."""
    day.live(0, poll_interval=POLL)
    return {name: value for name, value in day.state().items() if name != "last_heartbeat"}


def lost_and_found(root: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    chance = random.Random(seed)
    day = _DAYS.Day(root, seed)
    day.live(chance.uniform(0.1, 60), poll_interval=POLL)
    found = []
    for _ in range(LOSSES_A_DAY):
        ended = stretch(day, chance, monkeypatch)
        kept = root.with_name(f"{root.name}_kept")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(day.logs, kept)
        at_ms = day.clock.now_ms()
        whole = told(day)
        shutil.rmtree(day.logs)
        shutil.copytree(kept, day.logs)
        day.clock.__init__(at_ms)
        kind = chance.choice(sorted(HARMS))
        state = day.logs / STATE
        harmed = HARMS[kind](chance, state.read_bytes())
        state.unlink() if harmed is None else state.write_bytes(harmed)
        rebuilt = len(day.events(StateRebuilt))
        assert told(day) == whole, (seed, kind, ended)
        assert len(day.events(StateRebuilt)) == rebuilt + 1, (seed, kind)
        kept_aside = [path.read_bytes() for path in day.logs.glob("runner_state_corrupt_*")]
        assert harmed is None or kept_aside.count(harmed) == 1, (seed, kind)
        found.append(f"{kind}, {ended}")
    day.wire.decision = None
    day.faults.schedule.clear()
    day.live(130, poll_interval=POLL)
    assert_nothing_twice(day, seed)
    return found


def assert_nothing_twice(day: Any, seed: int) -> None:
    closes = Counter(event.ts for event in day.events(CandleClose))
    assert set(closes.values()) == {1}, (seed, closes)
    assert len(day.events(Evaluation)) <= len(closes), seed
    armed = Counter(record["id"] for record in day.records("armed"))
    assert not armed or set(armed.values()) == {1}, (seed, armed)
    assert day.posts <= len(armed), (seed, day.posts, armed)
    assert len(day.sandbox.account.fills) <= day.posts, seed
    journal = day.journal()
    journal.catch_up()
    assert day.state()["total_orders_submitted"] == journal.book.submitted == len(day.sandbox.account.fills), seed


def harm_all(seeds: range, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Counter[str] = Counter()
    for seed in seeds:
        with place() as root:
            found.update(lost_and_found(root, seed, monkeypatch))
    killed = sum(number for kind, number in found.items() if kind.endswith("killed"))
    print(f"\n{sum(found.values())} states lost in {len(seeds)} days, {killed} of them after a kill, none different")


def test_a_state_that_is_lost_at_a_random_moment_of_a_live_day_is_made_anew_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    harm_all(range(NORMAL), monkeypatch)


@pytest.mark.soak
def test_two_hundred_more_states_that_are_lost_are_made_anew_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    harm_all(range(NORMAL, NORMAL + SOAK), monkeypatch)
