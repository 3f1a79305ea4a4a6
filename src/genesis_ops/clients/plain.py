"""One short GET over a bare socket, for a screen that is there at once: httpx takes 90 ms to load, http.client 25 ms.

It asks in HTTP/1.0, which has one reply a connection and no chunks: a status, headers, and the body up to its stated
length or the end. A question is under way in a thread of its own while other things are looked at, and is over after
its deadline whatever the server does: then the connection is shut, so that a server that drips holds neither the
screen nor the thread. No proxy is ever asked; it would answer in the server's place.
"""

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from genesis_ops.words import visible

LARGEST = 64 * 1024
"""More bytes than any reply has that is asked for here, its headers included."""

_BLOCK = 8192
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,9})[ \t]*\r?$")
_CODED = re.compile(rb"(?im)^(?:transfer|content)-encoding:(?![ \t]*identity[ \t]*\r?$)")


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
        self._target = target
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
        self._hang_up()
        if isinstance(found, NoReply):
            raise found
        return found

    def _run(self) -> None:
        try:
            self._found.append(parsed(self._raw()))
        except ConnectionRefusedError:
            self._found.append(NoReply(f"nobody listens at {self._base_url}", refused=True))
        except TimeoutError:
            self._found.append(self._late())
        except NoReply as failure:
            self._found.append(failure)
        except (OSError, ValueError) as error:  # ValueError: a host's name that cannot be one
            self._found.append(NoReply(visible(str(error)) or type(error).__name__))

    def _raw(self) -> bytes:
        """Send the request and read until its reply is whole."""
        parts = urlsplit(self._base_url)
        request = f"GET {parts.path}{self._target} HTTP/1.0\r\nHost: {parts.netloc}\r\nUser-Agent: genesis-ops\r\n\r\n"
        with self._connected(parts) as connection:
            self._socket = connection
            connection.sendall(request.encode("ascii", "replace"))
            reply = b""
            while not is_whole(reply) and (block := connection.recv(_BLOCK)):
                reply += block
        return reply

    def _connected(self, parts: SplitResult) -> socket.socket:
        # As bytes, so that Python does not load the tables of international names for an address.
        host: Any = (parts.hostname or "").encode("ascii")
        secure = parts.scheme == "https"
        connection = socket.create_connection((host, parts.port or (443 if secure else 80)), self._seconds)
        return _secured(connection, parts.hostname or "") if secure else connection

    def _late(self) -> NoReply:
        return NoReply(f"no reply within {self._seconds:g}s", late=True)

    def _hang_up(self) -> None:
        """End the thread's wait for a server that drips."""
        with suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)


def _secured(connection: socket.socket, host: str) -> socket.socket:
    import ssl  # 60 ms, with its certificates

    return ssl.create_default_context().wrap_socket(connection, server_hostname=host)


def is_whole(reply: bytes) -> bool:
    """Tell whether all of a reply has come, or more than is wanted of any."""
    head = _END.search(reply, 0, LARGEST)
    if len(reply) > LARGEST or head is None:
        return len(reply) > LARGEST
    length = _LENGTH.search(reply, 0, head.end())
    return length is not None and len(reply) - head.end() >= int(length[1])


def parsed(reply: bytes) -> Plain:
    """Read a reply.

    Raises:
        NoReply: it is too large, was cut off, or is none that was asked for.
    """
    if len(reply) > LARGEST:
        raise NoReply(f"the reply is larger than {LARGEST // 1024} KiB")
    if not reply:
        raise NoReply("the server closed the connection without a reply")
    status, head = _STATUS.match(reply), _END.search(reply)
    if status is None or head is None:
        raise NoReply(f"the reply is not HTTP: {visible(reply[:80].decode('ascii', 'backslashreplace'))}")
    if _CODED.search(reply, 0, head.end()):
        raise NoReply("the reply is encoded although that was not asked for")
    body, length = reply[head.end() :], _LENGTH.search(reply, 0, head.end())
    if length is not None and len(body) < int(length[1]):
        raise NoReply("the reply was cut off")
    return Plain(int(status[1]), body if length is None else body[: int(length[1])])
