"""What goes over the wire: the endpoints, an answer, a reply, and the connection that just ends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from types import MappingProxyType
from typing import Any

CANDLES = "/v2/candles"
STATUS = "/v2/platform/status"
HEALTH = "/health"
CONFIG = "/config/runtime"
EVALUATE = "/strategy/evaluate"
WHITELIST = "/paper/whitelist"
SUBMIT = "/paper/submit"
WALLETS = "/account/wallets"
ORDERS = "/account/orders"
POSITIONS = "/account/positions"

EXCHANGE = (CANDLES, STATUS)
API = (HEALTH, CONFIG, EVALUATE, WHITELIST, SUBMIT, WALLETS, ORDERS, POSITIONS)
METHODS: Mapping[str, str] = MappingProxyType(
    {endpoint: "POST" if endpoint in (EVALUATE, SUBMIT) else "GET" for endpoint in (*EXCHANGE, *API)}
)

# One encoder for all replies: building one per call costs more than encoding two rows. NaN would not be JSON.
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Dropped(Exception):
    """The connection ends here, without a byte of reply."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint says, before it is dated and delayed."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the client after ``stall_seconds``."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stall_seconds: float = 0.0


def says(value: Any, status: int = 200) -> Answer:
    """Say a value as JSON."""
    return Answer(status, _encode(value).encode())


def plain(text: str, status: int) -> Answer:
    """Say a text, as a server does that has broken below its framework."""
    return Answer(status, text.encode(), "text/plain; charset=utf-8")


def dated(answer: Answer, date_ms: int, stall_seconds: float = 0.0) -> Reply:
    """Make a reply of an answer: ``Date`` is the server time that decides whether a candle is closed (contract §5)."""
    headers = (
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Date", formatdate(date_ms // 1000, usegmt=True)),
    )
    return Reply(answer.status, headers, answer.body, stall_seconds)


def unprocessable(kind: str, message: str, location: tuple[str | int, ...] = ("body",)) -> Answer:
    """Refuse a body the way FastAPI does, with 422."""
    return says({"detail": [{"type": kind, "loc": list(location), "msg": message, "input": {}}]}, 422)


def json_object(body: bytes) -> dict[str, Any] | Answer:
    """Read a request's body; what is not a JSON object is answered as FastAPI answers it."""
    try:
        value = json.loads(body)
    except json.JSONDecodeError as error:
        return unprocessable("json_invalid", "JSON decode error", ("body", error.pos))
    except (ValueError, RecursionError):  # not UTF-8, or nested too deep
        return unprocessable("json_invalid", "JSON decode error", ("body", 0))
    if not isinstance(value, dict):
        return unprocessable("dict_type", "Input should be a valid dictionary")
    return value
