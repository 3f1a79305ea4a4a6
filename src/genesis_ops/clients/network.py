"""The way out to a real server: httpx's transport, with one deadline over connecting, headers and body."""

import math
import ssl
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from genesis_ops.clients.clock import Clock
from genesis_ops.errors import Refused
from genesis_ops.words import visible


class _Backend(httpcore.NetworkBackend):
    """Opens connections whose every read and write ends at the deadline of the request under way."""

    def __init__(self, clock: Clock) -> None:
        self._inner = httpcore.SyncBackend()
        self._clock = clock
        self.deadline = math.inf

    def left(self, timeout: float | None) -> float:
        """Tell how many seconds a step may take; a server that drips bytes gets no more with each of them."""
        remaining = self.deadline - self._clock.monotonic()
        if remaining <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return remaining if timeout is None else min(timeout, remaining)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect within what is left."""
        left = self.left(timeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, backend: _Backend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._backend.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._backend.left(timeout)), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class NetworkTransport(httpx.HTTPTransport):
    """One kept connection to one server; no retry, no redirect, and a proxy only where one is meant."""

    def __init__(self, base_url: str, clock: Clock, deadline_seconds: float, *, direct: bool = False) -> None:
        parts = urlsplit(base_url)
        # Certificates cost 50 ms to load and plain http needs none.
        secure = parts.scheme == "https"
        super().__init__(
            verify=ssl.create_default_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
            proxy=None if direct else _proxy(parts.scheme, parts.hostname or ""),
            # Polls are 10 s apart; a connection that is kept saves a handshake each.
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=60.0),
        )
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._backend = _Backend(clock)
        # httpx has no parameter for it; a test with a dripping server fails if this ever stops working.
        self._pool._network_backend = self._backend  # noqa: SLF001

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; what follows, the body included, shares its deadline."""
        self._backend.deadline = self._clock.monotonic() + self._deadline_seconds
        return super().handle_request(request)


def _proxy(scheme: str, host: str) -> httpx.Proxy | None:
    """Take the environment's proxy, but never for this machine, which a proxy variable must not capture."""
    address = getproxies().get(scheme)
    if not address or host in {"127.0.0.1", "localhost", "::1"} or proxy_bypass(host):
        return None
    try:
        proxy = httpx.Proxy(address)
    except (ValueError, httpx.InvalidURL):
        proxy = None
    if proxy is None or proxy.url.scheme not in {"http", "https"} or not proxy.url.host:
        raise Refused(
            f"the environment's {scheme}_proxy is not a proxy that can be used",
            notes=(f"http://HOST:PORT was expected, and {len(visible(address))} other characters were found",),
            next_command=f"env -u {scheme}_proxy -u {scheme.upper()}_PROXY genesis-ops run",
        )
    return proxy
