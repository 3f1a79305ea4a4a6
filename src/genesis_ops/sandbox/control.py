"""The sandbox's own endpoints under ``/sandbox``: what it is doing, and its faults to switch with curl."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from genesis_ops.errors import UsageRefused
from genesis_ops.sandbox.faults import TABLE, FaultSwitch, ScheduledFault, find_fault, parse_duration
from genesis_ops.sandbox.wire import Answer, says
from genesis_ops.words import iso

CONTROL = "/sandbox"
_FAULTS = f"{CONTROL}/faults"


def control(faults: FaultSwitch, method: str, target: str, now_ms: int, summary: dict[str, Any]) -> Answer:
    """Answer ``/sandbox`` with the summary, list the faults, or switch one of them at a time (ms)."""
    parts = urlsplit(target)
    if parts.path in (CONTROL, _FAULTS):
        if method != "GET":
            return says({"detail": "Method Not Allowed"}, 405)
        return says(summary if parts.path == CONTROL else _listed())
    if not parts.path.startswith(f"{_FAULTS}/"):
        return says({"detail": "Not Found"}, 404)
    if method not in ("PUT", "DELETE"):
        return says({"detail": "Method Not Allowed"}, 405)
    return _switch(faults, method, parts.path.removeprefix(f"{_FAULTS}/"), parts.query, now_ms)


def described(fault: ScheduledFault) -> dict[str, Any]:
    """Describe when a fault is on, for a person with curl."""
    until = None if fault.until_ms is None else iso(fault.until_ms)
    return {"name": fault.name, "from": iso(fault.from_ms), "until": until}


def _listed() -> list[dict[str, str]]:
    return [{"name": fault.name, "endpoint": fault.endpoint, "effect": fault.effect} for fault in TABLE]


def _switch(faults: FaultSwitch, method: str, name: str, query: str, now_ms: int) -> Answer:
    try:
        fault = find_fault(unquote(name))
    except UsageRefused as error:
        return says({"detail": error.message, "notes": list(error.notes)}, 404)
    if method == "DELETE":
        faults.off(fault.name, now_ms)
        return says({"name": fault.name, "until": iso(now_ms)})
    try:
        wanted = dict(parse_qsl(query, keep_blank_values=True)).get("for")
        length_ms = None if wanted is None else parse_duration(wanted)
    except UsageRefused as error:
        return says({"detail": error.message, "notes": list(error.notes)}, 422)
    return says(described(faults.on(fault.name, now_ms, length_ms)))
