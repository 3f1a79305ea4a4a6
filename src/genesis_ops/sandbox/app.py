"""The sandbox itself: one stateful program that answers for the Genesis API and for the exchange."""

from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple

from genesis_ops.sandbox.account import WHITELIST as TRADABLE
from genesis_ops.sandbox.account import Account
from genesis_ops.sandbox.configuration import VERSION, configuration_hash, runtime_configuration
from genesis_ops.sandbox.control import CONTROL, control, described
from genesis_ops.sandbox.evaluation import evaluate
from genesis_ops.sandbox.exchange import CLOCK_AHEAD_MS, Active, Exchange
from genesis_ops.sandbox.faults import TABLE, FaultSwitch
from genesis_ops.sandbox.market import Market
from genesis_ops.sandbox.paper import Paper
from genesis_ops.sandbox.wire import (
    CANDLES,
    CONFIG,
    EVALUATE,
    EXCHANGE,
    HEALTH,
    METHODS,
    ORDERS,
    POSITIONS,
    STATUS,
    SUBMIT,
    WALLETS,
    WHITELIST,
    Answer,
    Dropped,
    Reply,
    dated,
    json_object,
    says,
)
from genesis_ops.words import iso


class _Request(NamedTuple):
    method: str
    target: str
    path: str
    body: bytes
    address: str


class Sandbox:
    """A Genesis API and the exchange's public API, deterministic in its seed and in the times it is asked at.

    ``now_ms`` gives the time in ms, ``sleep`` waits through a stall (seconds); ``requests`` counts what arrived by
    method and path, dropped connections included.
    """

    def __init__(
        self,
        seed: int,
        now_ms: Callable[[], int],
        sleep: Callable[[float], None],
        faults: FaultSwitch | None = None,
        *,
        speed: float = 1.0,
    ) -> None:
        self.sleep = sleep
        self.faults = faults or FaultSwitch()
        self.account = Account()
        self.market = Market(seed)
        self.requests: Counter[tuple[str, str]] = Counter()
        self._now_ms = now_ms
        self._about = {"seed": seed, "speed": speed, "started": iso(now_ms())}
        self._exchange = Exchange(self.market, self.faults)
        self._paper = Paper(self.account, self.market)
        self._constant = _constant_answers()
        self._lock = Lock()

    def handle(self, method: str, target: str, body: bytes = b"", address: str = "127.0.0.1") -> Reply:
        """Answer a request and wait through its stall; raises Dropped for a connection that just ends."""
        reply = self.answer(method, target, body, address)
        if reply.stall_seconds:
            self.sleep(reply.stall_seconds)
        return reply

    def answer(self, method: str, target: str, body: bytes = b"", address: str = "127.0.0.1") -> Reply:
        """Answer a request without waiting: what it does is done, ``stall_seconds`` is left to the caller."""
        path = target.partition("?")[0]
        request = _Request(method, target, path, body, address)
        with self._lock:
            now_ms = self._now_ms()
            self.requests[method, path] += 1
            if path == CONTROL or path.startswith(f"{CONTROL}/"):
                return dated(control(self.faults, method, target, now_ms, self._summary(now_ms)), now_ms)
            endpoint = CANDLES if path.startswith(f"{CANDLES}/") else path
            expected = METHODS.get(endpoint)
            if expected is None:
                return dated(says({"detail": "Not Found"}, 404), now_ms)
            if method != expected:
                return dated(says({"detail": "Method Not Allowed"}, 405), now_ms)
            return self._reply(endpoint, request, now_ms)

    def _reply(self, endpoint: str, request: _Request, now_ms: int) -> Reply:
        active = self.faults.active(now_ms)
        if not active:
            return dated(self._content(endpoint, request, now_ms, active), now_ms)
        here = [fault for fault in TABLE if fault.name in active and endpoint in fault.endpoints]
        if any(fault.drops for fault in here):
            raise Dropped
        instead = next((fault.answer for fault in here if fault.answer), None)
        answer = instead or self._content(endpoint, request, now_ms, active)
        ahead_ms = CLOCK_AHEAD_MS if "clock-ahead" in active and endpoint in EXCHANGE else 0
        return dated(answer, now_ms + ahead_ms, max((fault.stall_seconds for fault in here), default=0.0))

    def _content(self, endpoint: str, request: _Request, now_ms: int, active: Active) -> Answer:
        if endpoint == CANDLES:
            return self._exchange.candles(request.target, now_ms, active, request.address)
        if endpoint == STATUS:
            return self._exchange.status(active)
        if endpoint == EVALUATE:
            return _evaluation(request.body, active)
        if endpoint == SUBMIT:
            return self._paper.submit(request.body, now_ms, active)
        if endpoint == WALLETS:
            return self._paper.wallets(now_ms, active)
        return self._constant[endpoint]

    def _summary(self, now_ms: int) -> dict[str, Any]:
        return {
            **self._about,
            "now": iso(now_ms),
            "requests": {f"{method} {path}": count for (method, path), count in sorted(self.requests.items())},
            "fills": len(self.account.fills),
            "active_faults": [described(fault) for fault in self.faults.active(now_ms).values()],
        }


def _constant_answers() -> dict[str, Answer]:
    configuration = runtime_configuration()
    mark = configuration_hash(configuration)
    no_items = says({"items": []})  # a market order is never open, and spot has no positions
    return {
        HEALTH: says({"status": "ok", "config_version": VERSION, "config_hash": mark}),
        CONFIG: says({"cfg": configuration, "hash": mark, "version": VERSION}),
        WHITELIST: says({"symbols": TRADABLE}),
        ORDERS: no_items,
        POSITIONS: no_items,
    }


def _evaluation(body: bytes, active: Active) -> Answer:
    request = json_object(body)
    if isinstance(request, Answer):
        return request
    answer = says(evaluate(request, fallback="fallback" in active))
    if "evaluate-garbage" in active:
        return Answer(answer.status, answer.body[: len(answer.body) // 2])
    return answer
