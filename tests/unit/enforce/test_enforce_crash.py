"""Killed before any call that changes something: the latch is set or nothing was done, and a second time completes."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from genesis_ops.state.latch import read_latch
from genesis_ops.state.operations import read

if TYPE_CHECKING:
    from conftest import Host

CALLS = ("open", "write", "fsync", "replace", "rename", "link", "unlink", "ftruncate", "mkdir")
CORRUPT = b'{"last_processed_candle_ts": 17'


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, and nothing after it happens."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, number: int, *, torn: bool) -> Iterator[list[str]]:
    """Let the process end before its ``number``-th call (from 1; 0: never), or in the middle of it if it writes.

    Afterwards no call does anything.
    """
    calls: list[str] = []

    def around(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if 0 < number <= len(calls):
                if torn and name == "write" and number == len(calls):
                    real(args[0], args[1][: len(args[1]) // 2])
                raise Killed
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, around(name, getattr(os, name)))
        yield calls


def prepared(host: "Host") -> "Host":
    host.runner()
    host.settings.state_file.write_bytes(CORRUPT)
    return host


def untouched(host: "Host") -> bool:
    alive = all(not runner.sent for runner in host.runners)
    return alive and not read(host.logs).found and not list(host.logs.glob("runner_state_corrupt_*"))


@pytest.mark.parametrize("torn", [False, True])
def test_killed_before_any_call_either_the_latch_is_set_or_nothing_was_done(
    make_host: "Callable[[], Host]", monkeypatch: pytest.MonkeyPatch, torn: bool
) -> None:
    undisturbed = prepared(make_host())
    with killed_at(monkeypatch, 0, torn=torn) as calls:
        assert undisturbed.enforce("first").complete
    assert len(calls) >= 19
    for number in range(1, len(calls) + 1):
        host = prepared(make_host())
        with killed_at(monkeypatch, number, torn=torn), pytest.raises(Killed):
            host.enforce("first")
        assert read_latch(host.logs) is not None or untouched(host), f"killed before call {number}"
        host.now_s += 60
        again = host.enforce("second")
        assert again.complete, f"killed before call {number}: {again}"
        latch = read_latch(host.logs)
        assert latch is not None
        assert not latch.damaged
        assert "second" in latch.reasons
        assert not host.find()
        assert read(host.logs).found[-1].reasons == ("second",)
        copies = [path.read_bytes() for path in host.logs.glob("runner_state_corrupt_*")]
        assert CORRUPT in copies
        assert host.settings.state_file.read_bytes() == CORRUPT
