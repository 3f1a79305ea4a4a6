"""Writing small journals by hand."""

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genesis_ops.journal.book import order_id
from genesis_ops.journal.chain import Chain
from genesis_ops.journal.record import SEED, Kind, Record, write
from genesis_ops.words import HOUR_MS, day

CANDLE = 1_770_292_800_000
"""2026-02-05 12:00:00."""
NAME = "20260205-1200"
TODAY = "20260205"
DRY_RUN = b'{"at": "2026-02-05T13:00:01.000Z", "kind": "would-submit", "candle_ts": 1770292800000, "reasons": ["a"]}\n'

Told = tuple[Kind, dict[str, Any]]
"""What a record tells."""


def started(**other: Any) -> Told:
    said = {"market": "tBTCUSD 1h", "symbol": "tTESTBTC:TESTUSD", "champion_sha256": "c" * 64, "config_hash": "d" * 64}
    return Kind.STARTED, {**said, "override": "", **other}


def decided(candle_ts: int = CANDLE, **other: Any) -> Told:
    said = {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.001, "price": 71615.8, "config_hash": "d" * 64}
    return Kind.DECIDED, {"id": order_id(candle_ts), "candle_ts": candle_ts, **said, **other}


def armed(name: str = NAME, **other: Any) -> Told:
    return Kind.ARMED, {"id": name, "before": {"TESTBTC": 0.5, "TESTUSD": 1000.0}, **other}


def labelled(kind: Kind, name: str = NAME, **other: Any) -> Told:
    return kind, {"id": name, "reason": f"it is {kind}", **other}


def acked(name: str = NAME, **other: Any) -> Told:
    said = {"latency_ms": 812, "order_id": 4711, "size_taken": 0.002, "reply": {"ok": True, "response": [1, "x"]}}
    return labelled(Kind.ACKED, name, **{**said, **other})


def evidence(name: str = NAME, fill: str = "once", **other: Any) -> Told:
    said = {"multiple": 1.0, "moved": [0.001, -71.6], "after": {"TESTBTC": 0.501, "TESTUSD": 928.4}}
    return Kind.EVIDENCE, {"id": name, "fill": fill, **said, **other}


def resolved(name: str = NAME, *, filled: bool = True) -> Told:
    return Kind.RESOLVED, {"id": name, "filled": filled, "by": "anna", "reason": "seen on the page"}


def whole_order(candle_ts: int = CANDLE) -> tuple[Told, ...]:
    name = order_id(candle_ts)
    return decided(candle_ts), armed(name), acked(name), evidence(name)


def two_orders() -> tuple[Told, ...]:
    return started(), *whole_order(), *whole_order(CANDLE + HOUR_MS)


def records(told: Iterable[Told], first: int = 1, begin_ms: int = CANDLE + HOUR_MS) -> list[Record]:
    return [Record(number, begin_ms + number, *one) for number, one in enumerate(told, first)]


def lines(told: Iterable[Told], sum_before: str = SEED, first: int = 1) -> list[bytes]:
    """Write records as the lines of one chain."""
    found = []
    for record in records(told, first):
        line, sum_before = write(record, sum_before)
        found.append(line)
    return found


def put(log_dir: Path, text: bytes | Iterable[bytes], name: str = TODAY) -> Path:
    path = log_dir / f"runner_orders_{name}.log"
    path.write_bytes(text if isinstance(text, bytes) else b"".join(text))
    return path


def pack(path: Path, *, keep: bool = False) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    if not keep:
        path.unlink()
    return packed


def numbers(chain: Chain) -> list[int]:
    return [entry.record.number for entry in chain.follow()]


def name_of(at_ms: int) -> str:
    return f"runner_orders_{day(at_ms)}.log"
