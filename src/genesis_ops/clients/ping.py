"""A dead-man's switch: told when a command starts and how it ended (the convention of healthchecks.io).

Its address is a secret. Whatever it does changes nothing: a failure is one line, which names scheme and host alone.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from genesis_ops.words import visible

if TYPE_CHECKING:
    import httpx

_TRIES = 3
_SECONDS = 5.0
_REFUSED = 400  # and every HTTP status above it


class Ping:
    """Tells a switch what happens; ``told`` hears the one line about one that could not be told."""

    def __init__(self, url: str, told: Callable[[str], None], transport: "httpx.BaseTransport | None" = None) -> None:
        self._url = url
        self._told = told
        self._transport = transport

    def start(self) -> None:
        """Say that the command has started."""
        self._say("/start", "")

    def success(self, verdict: str) -> None:
        """Say that it ended well."""
        self._say("", verdict)

    def fail(self, verdict: str) -> None:
        """Say that it ended in any other way."""
        self._say("/fail", verdict)

    def _say(self, ending: str, body: str) -> None:
        where = _where(self._url)
        if where is None:
            self._told("the ping was not sent: its address is not http:// or https:// and a host")
            return
        target, why = extended(self._url, ending), ""
        for _ in range(_TRIES):
            if not (why := self._try(target, body)):
                return
        self._told(visible(f"the ping to {where} failed {_TRIES} times: {why}"))

    def _try(self, target: str, body: str) -> str:
        """Send once, and say why it did not arrive; a server that drips its answer gets no more time for it."""
        came: list[str] = []
        thread = threading.Thread(target=lambda: came.append(_sent(target, body, self._transport)), daemon=True)
        thread.start()
        thread.join(_SECONDS)
        return came[0] if came else f"no reply within {_SECONDS:.0f}s"


class _Place(NamedTuple):
    scheme: str
    host: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}"


def extended(url: str, ending: str) -> str:
    """Put an ending to an address's path, and leave its query what it is."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}{ending}" or "/", fragment=""))


def _where(url: str) -> _Place | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        usable = parts.scheme in {"http", "https"} and host and parts.port != 0
    except ValueError:
        return None
    return _Place(parts.scheme, host) if usable and host else None


def _sent(target: str, body: str, transport: "httpx.BaseTransport | None") -> str:
    """Send a request; what is wrong is said without the address, which an error's own words would repeat."""
    import httpx

    try:
        with (
            httpx.Client(timeout=_SECONDS, transport=transport, follow_redirects=True) as client,
            client.stream("POST", target, content=visible(body).encode()) as reply,
        ):
            return f"HTTP {reply.status_code}" if reply.status_code >= _REFUSED else ""
    except Exception as error:  # noqa: BLE001 - a proxy's or a certificate's trouble too must not change a verdict
        return type(error).__name__
