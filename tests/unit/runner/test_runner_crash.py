"""A stop at any write, and a disk that fails at any write: the next start goes on as if nothing had happened."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from genesis_ops.errors import WriteFailed
from genesis_ops.runlog.events import CandleClose, CandleMissed, Evaluation, EvaluationMissed
from genesis_ops.words import HOUR_MS

if TYPE_CHECKING:
    from conftest import Day

CALLS = ("write", "fsync", "replace", "ftruncate")
FIRST_TS = 1_770_206_400_000


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, and nothing after it happens."""


@contextmanager
def disturbed(monkeypatch: pytest.MonkeyPatch, disturb: Callable[[int, str], None]) -> Iterator[list[str]]:
    """Count the calls that change the disk, and let ``disturb`` raise before any of them."""
    calls: list[str] = []

    def around(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            disturb(len(calls), name)
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, around(name, getattr(os, name)))
        yield calls


def never(_: int, __: str) -> None:
    return


def assert_whole(day: "Day", candles: int) -> None:
    closes = [event.ts for event in day.events(CandleClose)]
    assert closes == [FIRST_TS + n * HOUR_MS for n in range(candles)]
    assert len(day.events(Evaluation)) == candles
    assert not day.events(CandleMissed, EvaluationMissed)
    assert day.state()["total_evaluations"] == candles
    assert day.state()["last_processed_candle_ts"] == closes[-1]
    assert day.state()["pipeline_state"]["decision_steps"] >= candles - 1


# A run from 13:56 to 14:01: a start, the first candle, two heartbeats and a close.
MINUTES = 5


@pytest.fixture
def near_a_close(make_day: Callable[[], "Day"]) -> Callable[[], "Day"]:
    def make() -> "Day":
        day = make_day()
        day.clock.wait(52 * 60 + 40)
        return day

    return make


def calls_of_a_run(day: "Day", monkeypatch: pytest.MonkeyPatch) -> int:
    with disturbed(monkeypatch, never) as calls:
        day.run(MINUTES)
    assert_whole(day, 2)
    return len(calls)


def test_killed_before_any_write_the_next_start_neither_repeats_nor_loses_a_candle(
    near_a_close: Callable[[], "Day"], monkeypatch: pytest.MonkeyPatch
) -> None:
    for fatal_call in range(1, calls_of_a_run(near_a_close(), monkeypatch) + 1):
        day = near_a_close()

        def kill(number: int, _: str, at: int = fatal_call) -> None:
            if number >= at:
                raise Killed

        with disturbed(monkeypatch, kill), pytest.raises(Killed):
            day.run(MINUTES)
        restart(day)
        assert_whole(day, 2)


@pytest.mark.parametrize(
    ("error", "persistent"),
    [
        (errno.ENOSPC, True),
        (errno.EIO, False),
        *(
            pytest.param(error, persistent, marks=pytest.mark.soak)
            for error in (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT)
            for persistent in (False, True)
        ),
    ],
)
def test_a_disk_that_fails_at_any_write_ends_the_run_and_the_next_one_is_whole(
    near_a_close: Callable[[], "Day"], monkeypatch: pytest.MonkeyPatch, error: int, persistent: bool
) -> None:
    unharmed = 0
    for fatal_call in range(1, calls_of_a_run(near_a_close(), monkeypatch) + 1, 3):
        day = near_a_close()

        def fail(number: int, _: str, at: int = fatal_call) -> None:
            if number == at or (persistent and number > at):
                raise OSError(error, os.strerror(error))

        try:
            with disturbed(monkeypatch, fail):
                day.run(MINUTES)
            unharmed += 1
        except WriteFailed:
            pass
        restart(day)
        assert_whole(day, 2)
    assert unharmed <= 4, "only a lock's name plate may fail without ending the run"


def test_a_write_that_a_full_disk_cuts_short_leaves_no_half_line(
    near_a_close: Callable[[], "Day"], monkeypatch: pytest.MonkeyPatch
) -> None:
    day = near_a_close()
    real = os.write
    written = 0

    def short(descriptor: int, data: bytes) -> int:
        nonlocal written
        if b"NEW CANDLE CLOSE" in bytes(data)[:90]:
            if written:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = real(descriptor, bytes(data)[:70])
            return written
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", short)
        with pytest.raises(WriteFailed, match="No space left"):
            day.run(MINUTES)
    assert written == 70
    assert not [line for line in day.lines() if "NEW CANDLE" in line]
    restart(day)
    assert_whole(day, 2)


def restart(day: "Day") -> None:
    """Start again soon enough that no candle can have been missed, and run past the close of 14:00."""
    left_ms = FIRST_TS + 2 * HOUR_MS + 120_000 - day.clock.now_ms()
    day.run(max(1.0, left_ms / 60_000))
