"""One short GET with the standard library alone, for a screen that is there at once: loading httpx takes 90 ms.

A question is asked in a thread while other things are looked at, and is over after its deadline whatever the server
does: then the connection is shut, so that a server that drips holds neither the screen nor the thread. No proxy is
ever asked; it would answer in the server's place. Only https loads certificates (50 ms).
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from genesis_ops.words import visible

LARGEST = 64 * 1024
"""More bytes than any reply has that is asked for here."""

_HEADERS = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "genesis-ops"}


class Plain(NamedTuple):
    """A reply: its status and its body."""

    status: int
    body: bytes


class NoReply(Exception):
    """No usable reply came; ``refused`` says that nobody listens, ``late`` that the deadline passed."""

    def __init__(self, message: str, *, refused: bool = False, late: bool = False) -> None:
        super().__init__(message)
        self.message, self.refused, self.late = message, refused, late


class Question:
    """A GET that is under way since the question was made, for at most ``seconds``."""

    def __init__(
        self, base_url: str, target: str, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._base_url, self._seconds, self._monotonic = base_url, seconds, monotonic
        self._target = urlsplit(base_url).path + target
        self._until = monotonic() + seconds
        self._socket: socket.socket | None = None
        self._found: list[Plain | NoReply] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def answer(self) -> Plain:
        """Give the reply as soon as it is there.

        Raises:
            NoReply: none came before the deadline, or none that can be used.
        """
        self._thread.join(max(0.0, self._until - self._monotonic()))
        found = self._found[0] if self._found else self._late()
        if not self._found:
            self._hang_up()
        if isinstance(found, NoReply):
            raise found
        return found

    def _run(self) -> None:
        try:
            self._found.append(self._asked())
        except ConnectionRefusedError:
            self._found.append(NoReply(f"nobody listens at {self._base_url}", refused=True))
        except TimeoutError:
            self._found.append(self._late())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._found.append(NoReply(visible(str(error)) or type(error).__name__))

    def _asked(self) -> Plain:
        connection = self._unconnected()
        try:
            connection.connect()
            self._socket = connection.sock  # the connection lets go of it before the body has come
            connection.request("GET", self._target, headers=_HEADERS)
            response = connection.getresponse()
            body = response.read(LARGEST + 1)
        finally:
            connection.close()
        if len(body) > LARGEST:
            raise ValueError(f"the reply is larger than {LARGEST // 1024} KiB")
        return Plain(response.status, body)

    def _unconnected(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._base_url)
        host, port, seconds = parts.hostname or "", parts.port, self._seconds
        if parts.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=seconds)
        import ssl

        return http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())

    def _late(self) -> NoReply:
        return NoReply(f"no reply within {self._seconds:g}s", late=True)

    def _hang_up(self) -> None:
        """End the thread's wait for a server that drips."""
        with suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
