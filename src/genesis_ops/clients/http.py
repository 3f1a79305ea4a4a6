"""One HTTP request, bounded in time and size, with httpx kept behind it."""

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import httpx

from genesis_ops.clients.clock import Clock
from genesis_ops.clients.network import NetworkTransport
from genesis_ops.errors import Refused
from genesis_ops.words import visible

CONNECT_SECONDS = 5.0
LARGEST_REPLY = 8 * 1024 * 1024
LONGEST_CAUSE = 300
_LAST_PORT = 65_535
_DATE = (
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>\d\d) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) GMT"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


Request = httpx.Request


class HttpFailure(Exception):
    """No usable reply came; the text says why, and ``refused`` that nobody listens: not a byte was sent."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status, body, and the server's clock (``Date``, ms, whole seconds) where it told it."""

    status: int
    body: bytes
    server_ms: int | None


def brief(body: bytes) -> str:
    """Quote the beginning of a reply so that a person can recognise it, safe for a terminal and a log."""
    return visible(body[:LONGEST_CAUSE].decode("utf-8", "backslashreplace"))


class Http:
    """Requests to one server, over a connection that is kept; httpx's transport without its client.

    A client would follow redirects, keep cookies and retry authentication, and costs as much time as the request.
    ``direct`` passes over the environment's proxy: one would answer in the server's place.
    """

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        deadline_seconds: float,
        transport: httpx.BaseTransport | None = None,
        *,
        direct: bool = False,
    ) -> None:
        self._base_url = base_url
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._transport = transport or NetworkTransport(_checked(base_url), clock, deadline_seconds, direct=direct)
        self._connect_seconds = min(CONNECT_SECONDS, deadline_seconds)
        timeout = httpx.Timeout(deadline_seconds, connect=self._connect_seconds)
        self._extensions = {"timeout": timeout.as_dict()}

    def prepare(self, method: str, target: str, body: bytes | None = None) -> Request:
        """Make a request that can be sent any number of times; ``body`` is JSON."""
        headers = {"Accept-Encoding": "identity", "User-Agent": "genesis-ops"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return httpx.Request(
            method, self._base_url + target, content=body, headers=headers, extensions=self._extensions
        )

    def send(self, request: Request) -> Reply:
        """Ask once, without retry or redirect.

        Raises:
            HttpFailure: no complete reply within the deadline and the size limit.
        """
        handled = sys.exception()
        try:
            return self._exchange(request)
        except httpx.ConnectError as error:
            message = f"cannot connect to {self._base_url}: {visible(str(error))}"
            raise HttpFailure(message, refused=_is_refusal(error, handled)) from error
        except httpx.ConnectTimeout as error:
            raise HttpFailure(f"cannot connect to {self._base_url} within {self._connect_seconds:g}s") from error
        except httpx.TimeoutException as error:
            raise HttpFailure(f"no reply within {self._deadline_seconds:.0f}s") from error
        except httpx.HTTPError as error:
            raise HttpFailure(visible(str(error)) or type(error).__name__) from error

    def _exchange(self, request: Request) -> Reply:
        deadline = self._clock.monotonic() + self._deadline_seconds
        response = self._transport.handle_request(request)
        try:
            headers = _named(response)
            if headers.get(b"content-encoding", b"identity") != b"identity":
                raise HttpFailure("the reply is compressed although that was not asked for")
            return Reply(response.status_code, self._body(response, deadline), _date_ms(headers.get(b"date")))
        finally:
            response.close()

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in cast("httpx.SyncByteStream", response.stream):  # as iter_raw does, without its accounts
            body += chunk
            if len(body) > LARGEST_REPLY:
                raise HttpFailure(f"the reply is larger than {LARGEST_REPLY // 1024 // 1024} MiB")
            if self._clock.monotonic() > deadline:
                raise HttpFailure(f"no complete reply within {self._deadline_seconds:.0f}s")
        return bytes(body)

    def close(self) -> None:
        """Let go of the connection."""
        self._transport.close()


def _is_refusal(error: BaseException, handled: BaseException | None) -> bool:
    """Tell whether the server's host refused the connection, by the cause at the bottom of the chain.

    The chain goes on to what the caller was already handling, perhaps another connection's refusal; it ends there.
    """
    cause: BaseException | None = error
    while cause is not None and cause is not handled:
        if isinstance(cause, ConnectionRefusedError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _checked(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
        url.raw_host.decode("ascii").encode("idna")  # what connecting does, where it would be a crash
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Refused(f"{visible(base_url)} is not an address: {visible(str(error))}") from error
    if (url.port or 0) > _LAST_PORT:  # the resolver would take it modulo 65536 and ask somebody else
        raise Refused(f"{visible(base_url)} is not an address: there is no port {url.port}")
    return base_url


def _named(response: httpx.Response) -> dict[bytes, bytes]:
    """Give the headers by name in small letters; those of one name are joined (RFC 9110)."""
    found: dict[bytes, bytes] = {}
    for name, value in response.headers.raw:
        key = name.lower()
        found[key] = found[key] + b", " + value if key in found else value
    return found


def _date_ms(header: bytes | None) -> int | None:
    """Read an HTTP date in the one form that is current (RFC 9110, IMF-fixdate); anything else is no clock."""
    found = None if header is None else re.fullmatch(_DATE, header.decode("latin-1"))
    if found is None or found["month"] not in _MONTHS:
        return None
    numbers = [int(found[name]) for name in ("year", "day", "hour", "minute", "second")]
    year, day, hour, minute, second = numbers
    try:
        return (
            int(datetime(year, _MONTHS.index(found["month"]) + 1, day, hour, minute, second, tzinfo=UTC).timestamp())
            * 1000
        )
    except ValueError:
        return None
