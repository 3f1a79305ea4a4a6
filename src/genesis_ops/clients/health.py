"""One short question each to the API and to the exchange, for a person who waits for the answers (contract §4, §5)."""

import json
from contextlib import closing
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from genesis_ops.words import visible

if TYPE_CHECKING:
    import httpx

    from genesis_ops.clients.clock import Clock
    from genesis_ops.clients.http import HttpFailure, Reply

SECONDS = 5.0
"""How long an answer may take."""

_OK, _UNAVAILABLE = 200, 503
_SAID = 120
_KEPT = 2000
_WORKING, _MAINTENANCE = [1], [0]


class Answer(StrEnum):
    """How ``GET /health`` was answered."""

    OK = "ok"
    ERROR = "error"
    """The API itself says that it is not well."""
    STRANGER = "stranger"
    """Something answers that is not this API."""
    REFUSED = "refused"
    """Nobody listens."""
    TIMEOUT = "timeout"
    BROKEN = "broken"
    """The connection ended without a reply, or never came about."""


class Health(NamedTuple):
    """The API's answer, what to say about it, and its reply as it came, as far as it is worth keeping."""

    answer: Answer
    told: str
    reply: str = ""


class Standing(StrEnum):
    """What the exchange says about itself."""

    WORKING = "working"
    MAINTENANCE = "maintenance"
    REFUSING = "refusing"
    UNREACHABLE = "unreachable"


class ExchangeTime(NamedTuple):
    """The exchange's standing, and between what its clock minus the host's lies (ms), where it told its time."""

    standing: Standing
    told: str
    low_ms: int | None = None
    high_ms: int | None = None


def ask_health(api_url: str, clock: "Clock", transport: "httpx.BaseTransport | None" = None) -> Health:
    """Ask the API how it is.

    Raises:
        Refused: the address, or the environment's proxy for it, cannot be used.
    """
    from genesis_ops.clients.http import Http, HttpFailure

    with closing(Http(api_url, clock, SECONDS, transport)) as http:
        try:
            reply = http.send(http.prepare("GET", "/health"))
            kept = visible(reply.body[:_KEPT].decode("utf-8", "backslashreplace"))
            return health_of(reply.status, reply.body)._replace(reply=f"HTTP {reply.status} {kept}")
        except HttpFailure as failure:
            return _no_health(failure)


def ask_time(exchange_url: str, clock: "Clock", transport: "httpx.BaseTransport | None" = None) -> ExchangeTime:
    """Ask the exchange whether it works, and what time it is there.

    Raises:
        Refused: the address, or the environment's proxy for it, cannot be used.
    """
    from genesis_ops.clients.http import Http, HttpFailure

    with closing(Http(exchange_url, clock, SECONDS, transport)) as http:
        request = http.prepare("GET", "/v2/platform/status")
        sent_ms, before = clock.now_ms(), clock.monotonic()
        try:
            reply = http.send(request)
        except HttpFailure as failure:
            return ExchangeTime(Standing.UNREACHABLE, failure.message)
        # By the clock that never steps: the other one is under suspicion.
        return _time(reply, sent_ms, sent_ms + round((clock.monotonic() - before) * 1000))


def health_of(http_status: int, body: bytes) -> Health:
    """Read the reply of ``GET /health``, however it was asked for (contract §4)."""
    document = _document(body)
    status = document.get("status") if isinstance(document, dict) else None
    if http_status == _OK and status == "ok":
        return Health(Answer.OK, _versions(document))
    said = _brief(body)
    if isinstance(status, str):
        return Health(Answer.ERROR, f"HTTP {http_status}, status {visible(status)[:_SAID]}")
    if http_status == _UNAVAILABLE:
        return Health(Answer.ERROR, f"HTTP {http_status}: {said}")
    what = "not JSON" if document is None else "no status in it"
    return Health(Answer.STRANGER, f"HTTP {http_status}, {what}: {said}")


def _versions(document: dict[str, Any]) -> str:
    version, mark = document.get("config_version"), document.get("config_hash")
    known = [f"config {version}" if version is not None else "", str(mark)[:12] if mark else ""]
    return visible(" ".join(part for part in known if part))[:_SAID]


def _no_health(failure: "HttpFailure") -> Health:
    import httpx

    cause = failure.__cause__
    if isinstance(cause, httpx.TimeoutException):
        return Health(Answer.TIMEOUT, failure.message)
    if isinstance(cause, httpx.ConnectError):
        refused = "refused" in failure.message or "10061" in failure.message  # in any language, Windows has its number
        return Health(Answer.REFUSED if refused else Answer.BROKEN, failure.message)
    ended = "disconnected" in failure.message or "closed" in failure.message
    if isinstance(cause, httpx.RemoteProtocolError) and not ended:
        return Health(Answer.STRANGER, f"not HTTP: {failure.message}")
    if cause is None:
        return Health(Answer.STRANGER, failure.message)
    return Health(Answer.BROKEN, failure.message)


def _time(reply: "Reply", sent_ms: int, received_ms: int) -> ExchangeTime:
    document = _document(reply.body)
    standing = _standing(document)
    if standing is None:
        said = f"HTTP {reply.status}, which is not the exchange's: {_brief(reply.body)}"
        return ExchangeTime(Standing.UNREACHABLE, said)
    told = "" if standing is Standing.WORKING else _brief(reply.body)
    if reply.server_ms is None:
        return ExchangeTime(standing, told)
    # Date has whole seconds: the moment lies within the second that it names.
    return ExchangeTime(standing, told, reply.server_ms - received_ms, reply.server_ms + 1000 - sent_ms)


def _standing(document: Any) -> Standing | None:
    if document == _WORKING:
        return Standing.WORKING
    if document == _MAINTENANCE or (isinstance(document, list) and "maintenance" in document):
        return Standing.MAINTENANCE
    if isinstance(document, list) and document[:1] == ["error"]:
        return Standing.REFUSING
    return Standing.REFUSING if isinstance(document, dict) and "error" in document else None


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _brief(body: bytes) -> str:
    return visible(body[:_SAID].decode("utf-8", "backslashreplace").strip()) or "an empty reply"
