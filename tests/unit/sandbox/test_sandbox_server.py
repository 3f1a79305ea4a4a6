import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest
from sandbox_world import ORDER, START_MS, World

from genesis_ops.errors import LockHeld, Refused
from genesis_ops.sandbox import server as server_module
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch
from genesis_ops.sandbox.server import LARGEST_BODY, SandboxServer, make_server, serve


@pytest.fixture
def server(world: World) -> Iterator[SandboxServer]:
    with running(world.sandbox) as bound:
        yield bound


class running:  # noqa: N801 - reads as a sentence in a with statement
    """Serve a sandbox in a thread while the block runs."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.server = make_server(sandbox, "127.0.0.1", 0)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> SandboxServer:
        self.thread.start()
        return self.server

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def port_of(server: SandboxServer) -> int:
    return int(server.server_address[1])


@pytest.fixture
def connection(server: SandboxServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
    yield connection
    connection.close()


def test_many_requests_go_over_one_connection(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    opened = connection.sock
    for target in ["/health", "/nowhere", "/v2/platform/status", "/sandbox"] * 5:
        connection.request("GET", target)
        connection.getresponse().read()
    connection.request("POST", "/paper/submit", json.dumps(ORDER))
    assert json.loads(connection.getresponse().read())["ok"] is True
    assert connection.sock is opened


def test_a_reply_has_the_sandbox_date_once_and_its_length(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/health")
    reply = connection.getresponse()
    body = reply.read()
    assert reply.headers.get_all("Date") == ["Wed, 04 Feb 2026 13:00:00 GMT"]
    assert reply.headers["Content-Length"] == str(len(body))


def test_a_dropped_connection_ends_without_a_byte(server: SandboxServer, world: World) -> None:
    world.fault("api-down")
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100) == b""


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_405(connection: http.client.HTTPConnection, method: str) -> None:
    connection.request(method, "/health")
    assert connection.getresponse().status == 405


def test_head_has_no_body(server: SandboxServer) -> None:
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as client:
        client.sendall(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert received.startswith(b"HTTP/1.1 405 ")
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Content-Length: {LARGEST_BODY + 1}", 413),
        (f"Content-Length: {'9' * 5000}", 413),
        ("Content-Length: -1", 400),
        ("Content-Length: many", 400),
        ("Transfer-Encoding: chunked", 411),
    ],
)
def test_a_body_of_unbounded_or_unclear_length_is_refused_and_the_connection_closed(
    server: SandboxServer, header: str, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as client:
        client.sendall(f"POST /paper/submit HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close" in received


def test_a_stall_keeps_no_other_client_waiting() -> None:
    stalled, go_on = threading.Event(), threading.Event()

    def stall(_: float) -> None:
        stalled.set()
        go_on.wait(10)

    sandbox = Sandbox(7, lambda: START_MS, stall, FaultSwitch())
    sandbox.faults.on("submit-timeout", START_MS)
    with running(sandbox) as server:
        slow = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
        slow.request("POST", "/paper/submit", json.dumps(ORDER))
        assert stalled.wait(10)
        quick = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
        quick.request("GET", "/sandbox")
        assert json.loads(quick.getresponse().read())["fills"] == 1
        go_on.set()
        assert json.loads(slow.getresponse().read())["ok"] is True
        slow.close()
        quick.close()


def test_a_client_that_hangs_up_in_a_stall_is_passed_over_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    stalled, hung_up = threading.Event(), threading.Event()

    def stall(_: float) -> None:
        stalled.set()
        hung_up.wait(10)

    sandbox = Sandbox(7, lambda: START_MS, stall, FaultSwitch())
    sandbox.faults.on("feed-slow", START_MS)
    with running(sandbox) as server:
        client = socket.create_connection(("127.0.0.1", port_of(server)), timeout=10)
        # A reset, as a killed process leaves it, makes the write fail at once.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        client.sendall(b"GET /v2/candles/trade:1h:tBTCUSD/hist HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stalled.wait(10)
        client.close()
        hung_up.set()
        for thread in threading.enumerate():
            if "process_request_thread" in thread.name:
                thread.join(10)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_a_fault_can_be_switched_with_curl(server: SandboxServer) -> None:
    url = f"http://127.0.0.1:{port_of(server)}"

    def curl(*arguments: str) -> str:
        command = ["curl", "-s", "--noproxy", "*", "--max-time", "10", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert json.loads(curl("-X", "PUT", f"{url}/sandbox/faults/health-error?for=5m"))["name"] == "health-error"
    assert json.loads(curl(f"{url}/health")) == {"status": "error"}
    curl("-X", "DELETE", f"{url}/sandbox/faults/health-error")
    assert json.loads(curl(f"{url}/health"))["status"] == "ok"


def test_a_port_in_use_names_its_holder_and_another_port(server: SandboxServer, world: World) -> None:
    port = port_of(server)
    with pytest.raises(LockHeld) as refusal:
        make_server(world.sandbox, "127.0.0.1", port)
    assert f"127.0.0.1:{port} is in use by pid {os.getpid()}: " in refusal.value.message
    assert "--port" in refusal.value.next_command
    assert str(port) not in refusal.value.next_command


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.com", "", "127.1"])
def test_an_address_that_others_can_reach_or_that_is_none_is_refused(world: World, host: str) -> None:
    with pytest.raises(Refused):
        make_server(world.sandbox, host, 0)


def test_a_port_that_is_not_allowed_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(server_module, "SandboxServer", forbidden)
    with pytest.raises(Refused, match="not allowed"):
        make_server(world.sandbox, "127.0.0.1", 80)


def test_serving_ends_with_the_interrupt_and_frees_the_port(world: World) -> None:
    ports: list[int] = []

    def interrupt(port: int) -> None:
        ports.append(port)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(world.sandbox, "localhost", 0, interrupt)
    make_server(world.sandbox, "127.0.0.1", ports[0]).server_close()
