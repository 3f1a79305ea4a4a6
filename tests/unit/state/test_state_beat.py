"""A save that changes the heartbeat alone: the same bytes as ever, without writing all of the state anew."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genesis_ops.errors import WriteFailed
from genesis_ops.state.model import PendingEvaluation, State
from genesis_ops.state.store import StateStore

FIRST, LATER = "2026-02-04T13:05:00Z", "2026-02-04T13:06:40Z"
CARRIED: dict[str, Any] = {"last_heartbeat": FIRST, "atr": 1.0, "deep": {"last_heartbeat": FIRST, "text": 'a "b", é'}}
STATES = (
    State(1770206400000, 3, 1, FIRST, PendingEvaluation(1770206400000, 71615.8, "previous"), CARRIED),
    State(None, 0, 0, FIRST, None, {}),
    State(1770206400000, 3, 1, FIRST, None, CARRIED, {"older": {"x": [1, 1.0, True]}, "journal": {"records": 4}}),
)


@pytest.mark.parametrize("state", STATES)
def test_a_beat_gives_the_bytes_of_a_state_that_is_written_whole(state: State) -> None:
    after = replace(state, last_heartbeat=LATER, other=dict(state.other))
    assert after.beats_on(state, state.dump()) == after.dump() != state.dump()


@pytest.mark.parametrize(
    "changed",
    [
        {"total_evaluations": 4},
        {"last_processed_candle_ts": 1770210000000},
        {"pending_evaluation": PendingEvaluation(1770206400000, 71615.8, "previous")},
        {"pipeline_state": dict(CARRIED)},
        {"other": {"older": {"x": [1.0, 1, True]}, "journal": {"records": 4}}},
        {"last_heartbeat": None},
        {"last_heartbeat": "yesterday"},
    ],
)
def test_whatever_else_is_another_is_written_whole(changed: dict[str, Any]) -> None:
    state = STATES[2]
    after = replace(state, **{"last_heartbeat": LATER, **changed})
    assert after.beats_on(state, state.dump()) is None


def test_a_store_saves_beat_after_beat_what_can_be_read_again(tmp_path: Path) -> None:
    store, state = StateStore(tmp_path / "state.json", durable=False), STATES[2]
    for minute in range(10):
        state = replace(state, last_heartbeat=f"2026-02-04T13:{minute:02d}:00Z")
        store.save(state)
        assert store.path.read_bytes() == state.dump()
        assert store.read() == state


def test_a_shorter_state_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state.json", durable=False)
    store.save(STATES[2])
    store.save(STATES[1])
    assert store.path.read_bytes() == STATES[1].dump()


def test_a_beat_that_is_no_time_is_refused_as_ever(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state.json", durable=False)
    store.save(STATES[2])
    with pytest.raises(WriteFailed):
        store.save(replace(STATES[2], last_heartbeat="yesterday"))
    assert store.read() == STATES[2]


def test_a_beat_is_as_durable_as_a_state_that_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, synced, sync = StateStore(tmp_path / "state.json"), list[bool](), os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(Path(f"/dev/fd/{fd}").is_dir()), sync(fd))[1])
    store.save(STATES[2])
    file = store.path.stat().st_ino
    store.save(replace(STATES[2], last_heartbeat=LATER))
    assert synced == [False, True] * 2
    assert store.path.stat().st_ino != file, "it was written in place"


def test_a_beat_after_a_save_that_failed_is_of_the_state_that_is_saved_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store, evaluated = StateStore(tmp_path / "state.json"), replace(STATES[2], total_evaluations=4)
    store.save(STATES[2])
    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", full)
        with pytest.raises(WriteFailed):
            store.save(evaluated)
    assert store.read() == STATES[2]
    for state in (replace(STATES[2], last_heartbeat=LATER), replace(evaluated, last_heartbeat=LATER)):
        store.save(state)
        assert store.path.read_bytes() == state.dump()
