"""The sandbox on a loopback port, for curl and for processes of their own."""

import errno
import socket
import socketserver
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

from genesis_ops.errors import GenesisError, LockHeld, Refused
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.wire import Dropped, Reply, dated, says
from genesis_ops.words import visible

LARGEST_BODY = 4 * 1024 * 1024
IDLE_SECONDS = 300.0

_HIGHEST_PORT = 65_535
_COMMAND_SHOWN = 100


class SandboxServer(ThreadingHTTPServer):
    """A server with one thread a connection; a stall in one keeps no other waiting."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, host: str, port: int) -> None:
        self.sandbox = sandbox
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the name service for the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that hang up, which is what a client with a timeout does; anything else is a bug."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: SandboxServer
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # a reply is one write: in several, each keep-alive request waits 40 ms for a delayed ACK
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def _answer(self) -> None:
        body = self._body()
        if body is None:
            return
        sandbox = self.server.sandbox
        try:
            reply = sandbox.handle(self.command, self.path, body, self.client_address[0])
        except Dropped:
            self.close_connection = True
            return
        self._send(reply)

    def _body(self) -> bytes | None:
        """Read the body; None when its length cannot be accepted, which has been answered."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            self._refuse(411, "a body needs a Content-Length")
        elif not (length.isascii() and length.isdigit()):
            self._refuse(400, "Content-Length is not a number")
        elif len(length) > len(str(LARGEST_BODY)) or int(length) > LARGEST_BODY:
            self._refuse(413, f"a body has at most {LARGEST_BODY} bytes")
        else:
            return self.rfile.read(int(length))
        return None

    def _refuse(self, status: int, detail: str) -> None:
        self.close_connection = True  # the rest of the body is still in the pipe
        self._send(dated(says({"detail": detail}, status), 0))

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server calls it by
        """Say nothing: ``GET /sandbox`` counts the requests."""

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _answer  # noqa: N815 - as http.server asks


def make_server(sandbox: Sandbox, host: str, port: int) -> SandboxServer:
    """Bind a server to a loopback address (port 0: any free one); the caller runs and closes it.

    Raises LockHeld when the port is taken, Refused for another address or a port that is not allowed.
    """
    numeric = _loopback(host)
    try:
        return SandboxServer(sandbox, numeric, port)
    except OSError as error:
        raise _bind_failure(error, host, port) from error


def serve(sandbox: Sandbox, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve until interrupted; ``ready`` is told the port as soon as connections are accepted."""
    with make_server(sandbox, host, port) as server:
        ready(int(server.server_address[1]))
        server.serve_forever()


def _loopback(host: str) -> str:
    numeric = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ip_address(numeric).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise Refused(
            f"the sandbox does not listen on {visible(host)}: it is for this machine only",
            next_command="genesis-ops sandbox serve --host 127.0.0.1",
        )
    return numeric


def _bind_failure(error: OSError, host: str, port: int) -> GenesisError:
    where = f"{visible(host)}:{port}"
    other = f"genesis-ops sandbox serve --port {port + 1 if port < _HIGHEST_PORT else port - 1}"
    if error.errno == errno.EADDRINUSE:
        return LockHeld(f"{where} is in use{_holder(port)}", next_command=other)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Refused(f"{where} is not allowed for this user", next_command="genesis-ops sandbox serve --port 8000")
    return Refused(f"the sandbox cannot listen on {where}: {error.strerror or error}", next_command=other)


def _holder(port: int) -> str:
    """Name who listens on a port, as far as this user may see it."""
    import psutil

    try:
        pid = next(
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.pid and connection.laddr and connection.laddr.port == port
            if connection.status == psutil.CONN_LISTEN
        )
        command = " ".join(psutil.Process(pid).cmdline())
    except (StopIteration, psutil.Error):
        return ""
    return f" by pid {pid}: {visible(command)[:_COMMAND_SHOWN]}"
