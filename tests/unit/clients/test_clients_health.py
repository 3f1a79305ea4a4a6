"""What the API and the exchange answer, or do not: told apart on real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

import pytest

from genesis_ops.clients import health
from genesis_ops.clients.health import Answer, Standing, ask_health, ask_time
from genesis_ops.clients.host_clock import HostClock

CLOCK = HostClock()


@contextmanager
def answering(said: bytes) -> Iterator[str]:
    """A server that says the same bytes to everybody and hangs up; nothing at all is silence until the end."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                if said:
                    connection.sendall(said)
                else:
                    over.wait(10)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        over.set()
        thread.join(10)


def http(status: int, body: str, *headers: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status} said", f"Content-Length: {len(body.encode())}", *headers))
    return f"{head}\r\n\r\n{body}".encode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("said", "answer", "told"),
    [
        (
            http(200, '{"status":"ok","config_version":105,"config_hash":"beb9ba0a282c4aad"}'),
            "ok",
            "config 105 beb9ba0",
        ),
        (http(200, '{"status":"ok"}'), "ok", ""),
        (http(503, '{"status":"error"}'), "error", "HTTP 503, status error"),
        (http(200, '{"status":"error"}'), "error", "HTTP 200, status error"),
        (http(503, "starting"), "error", "HTTP 503: starting"),
        (http(404, '{"detail":"Not Found"}'), "stranger", "HTTP 404, no status in it"),
        (http(200, "<html>\x1b[2J</html>"), "stranger", r"not JSON: <html>\x1b[2J</html>"),
        (http(200, '["status"]'), "stranger", "no status in it"),
        (http(200, '{"status":1}'), "stranger", "no status in it"),
        (http(500, "Internal Server Error"), "stranger", "HTTP 500, not JSON: Internal Server Error"),
        (b"220 mail.example ESMTP\r\n\r\n", "stranger", "not HTTP"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "broken", "disconnected"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{", "broken", ""),
    ],
)
def test_an_answer_is_what_its_status_and_body_say(said: bytes, answer: str, told: str) -> None:
    with answering(said) as url:
        found = ask_health(url, CLOCK)
    assert found.answer == answer
    assert told in found.told
    assert found.told.isprintable()


def test_nobody_who_listens_is_a_refusal() -> None:
    assert ask_health(f"http://127.0.0.1:{free_port()}", CLOCK).answer is Answer.REFUSED


def test_a_server_that_is_silent_is_left_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.2)
    with answering(b"") as url:
        assert ask_health(url, CLOCK).answer is Answer.TIMEOUT


def test_a_name_that_does_not_exist_is_no_refusal() -> None:
    assert ask_health("http://no-such-host.invalid:8000", CLOCK).answer is Answer.BROKEN


@pytest.mark.parametrize("offset", [0, 90, -3600])
def test_the_clock_lies_within_a_second_and_the_way_there_and_back_of_the_truth(offset: int) -> None:
    before = time.time()
    date = int(before) + offset
    with answering(http(200, "[1]", f"Date: {formatdate(date, usegmt=True)}")) as url:
        found = ask_time(url, CLOCK)
    passed = (time.time() - before) * 1000
    assert found.standing is Standing.WORKING
    assert found.low_ms is not None
    assert found.high_ms is not None
    assert found.low_ms <= offset * 1000 <= found.high_ms
    assert found.high_ms - found.low_ms <= 1000 + passed


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        (http(200, "[0]"), "maintenance"),
        (http(503, '["error",20060,"maintenance"]'), "maintenance"),
        (http(429, '["error",11010,"ratelimit: error"]'), "refusing"),
        (http(200, '{"error":"ERR_RATE_LIMIT"}'), "refusing"),
        (http(502, "<html>502 Bad Gateway</html>"), "unreachable"),
        (http(200, "[2]"), "unreachable"),
        (http(200, "[true, 1]"), "unreachable"),
        (http(200, "["), "unreachable"),
    ],
)
def test_what_the_exchange_says_of_itself_is_told_and_a_stranger_has_no_clock(said: bytes, standing: str) -> None:
    dated = said.replace(b"\r\n\r\n", b"\r\nDate: Wed, 04 Feb 2026 13:03:20 GMT\r\n\r\n", 1)
    with answering(said) as url:
        assert ask_time(url, CLOCK).low_ms is None
    with answering(dated) as url:
        found = ask_time(url, CLOCK)
    assert found.standing == standing
    assert (found.low_ms is None) == (standing == "unreachable")
    assert found.told


def test_an_exchange_that_is_not_there_says_why() -> None:
    found = ask_time(f"http://127.0.0.1:{free_port()}", CLOCK)
    assert found.standing is Standing.UNREACHABLE
    assert "cannot connect" in found.told
