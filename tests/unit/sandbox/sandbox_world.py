import json
from dataclasses import dataclass, field
from typing import Any

from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch
from genesis_ops.sandbox.wire import Reply

START_MS = 1_770_210_000_000  # 2026-02-04T13:00:00Z
CANDLES = "/v2/candles/trade:{}:tBTCUSD/hist"
ORDER = {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.5, "type": "MARKET"}


@dataclass
class World:
    """A sandbox whose clock and sleep belong to the test."""

    now_ms: int = START_MS
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(7, lambda: self.now_ms, self.slept.append, FaultSwitch())

    def at(self, hour: int, minute: int = 0, second: float = 0.0) -> None:
        self.now_ms = START_MS + int(((hour - 13) * 3600 + minute * 60 + second) * 1000)

    def later(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    def fault(self, name: str) -> None:
        self.sandbox.faults.on(name, self.now_ms)

    def get(self, target: str) -> Reply:
        return self.sandbox.handle("GET", target)

    def json(self, target: str) -> Any:
        return json.loads(self.get(target).body)

    def rows(self, timeframe: str = "1h", query: str = "limit=2&sort=-1") -> list[list[float]]:
        self.later(2.1)  # stay below the rate limit
        rows: list[list[float]] = self.json(f"{CANDLES.format(timeframe)}?{query}")
        return rows

    def post(self, target: str, value: Any) -> Reply:
        return self.sandbox.handle("POST", target, json.dumps(value).encode())

    def submit(self, **changes: Any) -> Any:
        return json.loads(self.post("/paper/submit", {**ORDER, **changes}).body)

    def wallets(self) -> dict[str, float]:
        return {item["currency"]: item["balance"] for item in self.json("/account/wallets")["items"]}

    def evaluation_request(self, bars: int = 120, **changes: Any) -> dict[str, Any]:
        rows = self.rows(query=f"limit={bars}")[::-1]
        columns = zip(*rows, strict=True)
        names = ("mts", "open", "close", "high", "low", "volume")
        candles = {name: list(column) for name, column in zip(names, columns, strict=True) if name != "mts"}
        policy = {"symbol": "tBTCUSD", "timeframe": "1h"}
        return {"policy": policy, "candles": candles, "state": {}, "configs": {}, **changes}

    def evaluate(self, **changes: Any) -> Any:
        return json.loads(self.post("/strategy/evaluate", self.evaluation_request(**changes)).body)
