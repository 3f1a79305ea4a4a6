"""What can be wrong with the outside, as data: the table of faults, and when each of them is on."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType

from genesis_ops.errors import UsageRefused
from genesis_ops.sandbox.wire import (
    API,
    CANDLES,
    CONFIG,
    EVALUATE,
    EXCHANGE,
    HEALTH,
    SUBMIT,
    WALLETS,
    Answer,
    plain,
    says,
)
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, visible

INTERNAL_ERROR = says({"ok": False, "error": "internal_error", "error_id": "5a4db0c0ffee"})
INVALID_ORDER = says({"ok": False, "error": "invalid_action_or_size"})
MAINTENANCE = says(["error", 20060, "maintenance"], 503)

_HTML = Answer(
    502, b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>", "text/html"
)
_BROKEN = plain("Internal Server Error", 500)
_EVALUATION_FAILED = says({"ok": False, "error": {"code": "INTERNAL", "message": "the evaluation failed"}})
_NO_WALLETS = says({"items": [], "error": "internal_error", "error_id": "5a4dba11e700"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can be wrong: where, and either what is said instead or what happens (``effect``).

    ``answer`` replaces the endpoint's own, ``drops`` ends the connection, ``stall_seconds`` delays a finished reply.
    A fault with none of the three is acted out by its endpoint, which looks for its name.
    """

    name: str
    endpoints: tuple[str, ...]
    effect: str
    answer: Answer | None = None
    drops: bool = False
    stall_seconds: float = 0.0

    @property
    def endpoint(self) -> str:
        """Name the endpoint, or the server when all of its endpoints are meant."""
        return {EXCHANGE: "the exchange", API: "the API"}.get(self.endpoints) or self.endpoints[0]


# When several faults that answer are on at once, the one that stands first here wins.
TABLE = (
    Fault("feed-down", EXCHANGE, "The connection ends without a reply.", drops=True),
    Fault("maintenance", EXCHANGE, "Candles say 20060 maintenance, platform status is 0."),
    Fault("clock-ahead", EXCHANGE, "The Date header is 90 s ahead."),
    Fault("feed-500", (CANDLES,), "HTTP 500 with a plain text.", _BROKEN),
    Fault("feed-html", (CANDLES,), "HTTP 502 with a proxy's HTML page.", _HTML),
    Fault("feed-429", (CANDLES,), "HTTP 429, error 11010.", says(["error", 11010, "ratelimit: error"], 429)),
    Fault("feed-rate-limit", (CANDLES,), "HTTP 200, but ERR_RATE_LIMIT.", says({"error": "ERR_RATE_LIMIT"})),
    Fault("feed-slow", (CANDLES,), "The reply comes after 30 s.", stall_seconds=30.0),
    Fault("feed-stale", (CANDLES,), "Rows stay as when the fault began; Date goes on."),
    Fault("late-row", (CANDLES,), "A candle's row appears only 30 s after its close."),
    Fault("revised-row", (CANDLES,), "A row's close is corrected 20 s after the close."),
    Fault("no-trades", (CANDLES,), "Intervals that run meanwhile never get a row."),
    Fault("api-down", API, "The connection ends without a reply.", drops=True),
    Fault("health-error", (HEALTH,), "HTTP 503, status error.", says({"status": "error"}, 503)),
    Fault("config-error", (CONFIG,), "HTTP 500 with a plain text.", _BROKEN),
    Fault("evaluate-error", (EVALUATE,), "HTTP 200, but ok is false: INTERNAL.", _EVALUATION_FAILED),
    Fault("evaluate-500", (EVALUATE,), "HTTP 500 with a plain text.", _BROKEN),
    Fault("evaluate-slow", (EVALUATE,), "The reply comes after 90 s.", stall_seconds=90.0),
    Fault("evaluate-garbage", (EVALUATE,), "The JSON ends in the middle."),
    Fault("fallback", (EVALUATE,), "The champion is not loaded: source is baseline."),
    Fault("submit-lost", (SUBMIT,), "The connection ends before the order is accepted.", drops=True),
    Fault("submit-rejected", (SUBMIT,), "invalid_action_or_size; nothing filled.", INVALID_ORDER),
    Fault("submit-timeout", (SUBMIT,), "The order fills, the reply comes after 180 s.", stall_seconds=180.0),
    Fault("submit-doubled", (SUBMIT,), "The order fills twice; one reply."),
    Fault("submit-internal-error", (SUBMIT,), "internal_error, though the order filled."),
    Fault("submit-status-error", (SUBMIT,), "ok is true, but STATUS is ERROR; nothing filled."),
    Fault("submit-partial", (SUBMIT,), "Half of the order fills; the reply does not show it."),
    Fault("wallets-error", (WALLETS,), "HTTP 200 with no items and an error.", _NO_WALLETS),
    Fault("wallets-stale", (WALLETS,), "Balances stay as when the fault began."),
)

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in TABLE})

_UNITS_MS = MappingProxyType({"s": 1000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS})
_DURATION = r"(\d{1,5})([smhd])"
_GRAMMAR = re.compile(rf"([^@]+)(?:@{_DURATION}(?:\+{_DURATION})?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ScheduledFault:
    """When a fault is on: the interval ``[from_ms, until_ms)`` of sandbox time, without an end when None."""

    name: str
    from_ms: int
    until_ms: int | None = None

    def active_at(self, ms: int) -> bool:
        """Tell whether the fault is on at a time (ms)."""
        return self.from_ms <= ms and (self.until_ms is None or ms < self.until_ms)

    def touches(self, open_ms: int, close_ms: int) -> bool:
        """Tell whether the fault is on at some moment of ``[open_ms, close_ms)``."""
        return self.from_ms < close_ms and (self.until_ms is None or open_ms < self.until_ms)


def find_fault(name: str) -> Fault:
    """Look a fault up by name; an unknown one is refused with the names that come near it."""
    if name in FAULTS:
        return FAULTS[name]
    near = get_close_matches(name, FAULTS, cutoff=0.5)
    notes = (f"near: {', '.join(near)}",) if near else ()
    raise UsageRefused(f"no fault is named {visible(name)}", notes=notes, next_command="genesis-ops sandbox faults")


def parse_duration(text: str) -> int:
    """Read ``30s``, ``5m``, ``2h`` or ``1d`` of sandbox time as ms, more than nothing."""
    match = re.fullmatch(_DURATION, text, re.ASCII)
    if match and (length := _milliseconds(match[1], match[2])):
        return length
    raise UsageRefused(f"{visible(text)!r} is not a duration", notes=("like 30s, 5m, 2h or 1d",))


def parse_fault(text: str, start_ms: int, find: Callable[[str], object] = find_fault) -> ScheduledFault:
    """Read ``NAME``, ``NAME@2h`` or ``NAME@2h+30m``: from 2 h after the sandbox's start, for 30 minutes.

    ``find`` refuses a name that is unknown; who has more faults than the sandbox passes in its own.
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise UsageRefused(
            f"{visible(text)!r} is not a fault and its time",
            notes=("NAME, NAME@2h or NAME@2h+30m, with s, m, h or d of sandbox time since the start",),
        )
    name, after, unit, length, length_unit = match.groups()
    find(name)
    from_ms = start_ms + (_milliseconds(after, unit) if after else 0)
    return ScheduledFault(name, from_ms, from_ms + parse_duration(length + length_unit) if length else None)


def _milliseconds(count: str, unit: str) -> int:
    return int(count) * _UNITS_MS[unit]


class FaultSwitch:
    """Which faults are on when. What was switched off stays on record: a row that had no trades never gets any."""

    def __init__(self, schedule: Iterable[ScheduledFault] = ()) -> None:
        self.schedule = list(schedule)

    def on(self, name: str, now_ms: int, duration_ms: int | None = None) -> ScheduledFault:
        """Switch a fault on from now, for a while or until it is switched off; one that is on keeps its beginning."""
        find_fault(name)
        running = self.active(now_ms).get(name)
        until_ms = None if duration_ms is None else now_ms + duration_ms
        wanted = ScheduledFault(name, running.from_ms if running else now_ms, until_ms)
        self.schedule = [fault for fault in self.schedule if fault is not running]
        self.schedule.append(wanted)
        return wanted

    def off(self, name: str, now_ms: int) -> None:
        """Switch a fault off now; what is planned for later stays planned."""
        find_fault(name)
        self.schedule = [
            replace(fault, until_ms=now_ms) if fault.name == name and fault.active_at(now_ms) else fault
            for fault in self.schedule
        ]

    def active(self, now_ms: int) -> dict[str, ScheduledFault]:
        """List the faults that are on, by name; of several intervals of one fault the earliest counts."""
        found: dict[str, ScheduledFault] = {}
        for fault in self.schedule:
            if fault.active_at(now_ms) and (fault.name not in found or fault.from_ms < found[fault.name].from_ms):
                found[fault.name] = fault
        return found

    def of(self, name: str) -> list[ScheduledFault]:
        """List every interval of one fault: past, present and planned."""
        return [fault for fault in self.schedule if fault.name == name]
