"""The API's own retries: an order that was filled several times is always noticed, and one that was not, never."""

import json
import random
from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from genesis_ops.errors import AbortCondition, Refused
from genesis_ops.sandbox import account
from genesis_ops.sandbox.account import Order, placed, refused_by_exchange
from genesis_ops.sandbox.faults import INTERNAL_ERROR

_SPEC = spec_from_file_location("runner_days", Path(__file__).parents[1] / "unit" / "runner" / "conftest.py")
assert _SPEC is not None
assert _SPEC.loader is not None
_DAYS = module_from_spec(_SPEC)
_SPEC.loader.exec_module(_DAYS)

PAIR = "tTESTBTC:TESTUSD"
CLOSE_MS = 1_770_213_600_000
API_SECONDS = 70
"""How long the API may go on retrying after an order reached it (contract §4)."""
REPLIES = ("success", "status error", "internal error", "HTTP 500", "half a reply", "timeout", "dropped")
TELLS_SIZE = REPLIES[:2]
NORMAL, SOAK = 100, 300


class Case(NamedTuple):
    """An order and what the API makes of it: how often and when (s) it is filled, at which size, and what is said."""

    times: int
    side: str
    size: float
    part: float
    fee: float
    reply: str
    after: tuple[float, ...]


def case(seed: int) -> Case:
    chance = random.Random(seed)
    times, reply = 1 + seed % 3, REPLIES[seed // 3 % len(REPLIES)]
    # What the API made of a size can only be known from a reply that tells it.
    part = chance.choice([1.0, 1.0, 0.37, 0.5, 0.999, 1.6, 2.0]) if reply in TELLS_SIZE else 1.0
    return Case(
        times=times,
        side=chance.choice(["LONG", "SHORT"]),
        size=round(10 ** chance.uniform(-3.5, 0.2), chance.choice([3, 5, 8])) or 0.001,
        part=part,
        fee=chance.choice([0.0, 0.0004, 0.001, 0.002]),
        reply=reply,
        after=tuple(sorted(chance.uniform(0, API_SECONDS - 1) for _ in range(times))),
    )


class Retrying:
    """Answers for the API: fills an order again and again while a minute passes, and then says one thing."""

    def __init__(self, day: Any, case: Case) -> None:
        self.day, self.case = day, case
        self.order = Order(PAIR, case.side == "LONG", case.size)
        self.due: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response | None:
        if "submit" in request.url.path:
            self.due = [self.day.clock.monotonic() + seconds for seconds in self.case.after]
            return self.answer(request)
        self.catch_up()
        return None

    def catch_up(self) -> None:
        while self.due and self.due[0] <= self.day.clock.monotonic():
            size = round(self.case.size * self.case.part, 8)
            self.day.sandbox.account.fill(self.order, size, 70_000.0, int(self.due.pop(0) * 1000))

    def answer(self, request: httpx.Request) -> httpx.Response:
        clock, reply = self.day.clock, self.case.reply
        if reply == "dropped":  # the API does not notice, and goes on
            raise httpx.RemoteProtocolError("the connection ended", request=request)
        clock.wait(90 if reply == "timeout" else self.case.after[-1])
        self.catch_up()
        if reply == "timeout":
            raise httpx.ReadTimeout("no reply", request=request)
        if reply == "HTTP 500":
            return httpx.Response(500, stream=httpx.ByteStream(b"Internal Server Error"))
        if reply == "internal error":
            return httpx.Response(200, stream=httpx.ByteStream(INTERNAL_ERROR.body))
        size = round(self.case.size * self.case.part, 8)
        quoted = self.day.sandbox.account.quote(self.order, size, 70_000.0, clock.now_ms())
        said = (refused_by_exchange if reply == "status error" else placed)(quoted, self.case.size)
        text = json.dumps(said).encode()
        return httpx.Response(200, stream=httpx.ByteStream(text[: len(text) // 2] if "half" in reply else text))


def judged(root: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a case; give what the journal says of it in the end."""
    this = case(seed)
    monkeypatch.setattr(account, "_FEE", this.fee)
    day = _DAYS.Day(root)
    day.clock.wait(55 * 60)
    day.wire.decision = ("NONE", None)
    day.live(0.5)
    day.wire.decision = (this.side, this.size)
    day.wire.instead = Retrying(day, this)
    ended = False
    try:
        day.live(6)
    except AbortCondition as error:
        ended = error.exit_code == 1
    assert len(day.sandbox.account.fills) == this.times, this
    assert day.posts == 1, this
    (evidence,) = day.records("evidence")
    assert ended == (evidence["fill"] == "several"), (this, evidence)
    if ended:
        with pytest.raises(Refused):
            day.live(1)
        assert day.posts == 1, this
    return str(evidence["fill"])


def judge_all(seeds: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Counter[tuple[int, str]] = Counter()
    for seed in seeds:
        fill = judged(tmp_path / str(seed), seed, monkeypatch)
        found[case(seed).times, fill] += 1
        assert fill == ("once" if case(seed).times == 1 else "several"), (seed, case(seed), fill)
    told = ", ".join(f"{times}x as {fill}: {number}" for (times, fill), number in sorted(found.items()))
    print(f"\n{sum(found.values())} orders and the API's own retries: {told}")


def test_every_order_that_was_filled_twice_or_thrice_is_several_and_none_that_was_filled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_all(range(NORMAL), tmp_path, monkeypatch)


@pytest.mark.soak
def test_three_hundred_more_orders_that_the_api_retried_are_all_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_all(range(NORMAL, NORMAL + SOAK), tmp_path, monkeypatch)
