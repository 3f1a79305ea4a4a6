"""One request, bounded in time and size, against real sockets."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from genesis_ops.clients.http import LARGEST_REPLY, Http, HttpFailure
from genesis_ops.errors import Refused


class Wall:
    """The host's time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        raise NotImplementedError


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept connections one after the other; ``answer`` writes what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    try:
                        answer(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def ask(url: str, deadline: float = 5.0) -> bytes:
    http = Http(url, Wall(), deadline)
    try:
        return http.send(http.prepare("GET", "/")).body
    finally:
        http.close()


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


def test_a_reply_comes_back_with_its_body() -> None:
    with server(lambda c: c.sendall(head("Content-Length: 2") + b"ok")) as url:
        assert ask(url) == b"ok"


def test_a_body_that_drips_is_given_up_at_the_deadline() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head("Content-Length: 100000"))
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)

    began = time.monotonic()
    with server(drip) as url, pytest.raises(HttpFailure, match="within"):
        ask(url, deadline=0.4)
    assert time.monotonic() - began < 8


def test_headers_that_drip_are_given_up_at_the_deadline_too() -> None:
    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Header: " + b"y" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    began = time.monotonic()
    with server(drip) as url, pytest.raises(HttpFailure, match="within"):
        ask(url, deadline=0.4)
    assert time.monotonic() - began < 8


def test_a_body_without_end_is_given_up_at_the_limit() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(head())
        for _ in range(LARGEST_REPLY // 65536 + 50):
            connection.sendall(b"x" * 65536)

    with server(flood) as url, pytest.raises(HttpFailure, match="larger than"):
        ask(url)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\x00\xff\x1b[2J\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        head("Content-Encoding: gzip", "Content-Length: 3") + b"abc",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"zz\r\n",
    ],
)
def test_a_broken_reply_is_a_failure_with_printable_words(reply: bytes) -> None:
    with server(lambda c: c.sendall(reply)) as url, pytest.raises(HttpFailure) as caught:
        ask(url)
    assert caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", ["Content-Encoding", "content-encoding", "CONTENT-ENCODING"])
def test_a_header_is_known_in_any_spelling(name: str) -> None:
    reply = head(f"{name}: gzip", "Content-Length: 0")
    with server(lambda c: c.sendall(reply)) as url, pytest.raises(HttpFailure, match="compressed"):
        ask(url)


def test_an_encoding_that_stands_in_a_second_header_is_not_passed_over() -> None:
    lines = ("Content-Encoding: identity", "Content-Encoding: gzip", "Content-Length: 0")
    with server(lambda c: c.sendall(head(*lines))) as url, pytest.raises(HttpFailure, match="compressed"):
        ask(url)


def test_a_redirect_is_not_followed() -> None:
    asked = []

    def redirect(connection: socket.socket) -> None:
        asked.append(1)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    with server(redirect) as url:
        http = Http(url, Wall(), 5.0)
        assert http.send(http.prepare("GET", "/")).status == 302
        http.close()
    assert len(asked) == 1


def test_a_refused_connection_names_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(HttpFailure, match=f"cannot connect to http://127.0.0.1:{port}"):
        ask(f"http://127.0.0.1:{port}")


def failure(url: str, deadline: float = 5.0) -> HttpFailure:
    with pytest.raises(HttpFailure) as caught:
        ask(url, deadline)
    return caught.value


def test_a_connection_that_nobody_listens_for_is_refused() -> None:
    with socket.socket() as bound:  # bound all along, so that nobody else can begin to listen there
        bound.bind(("127.0.0.1", 0))
        assert failure(f"http://127.0.0.1:{bound.getsockname()[1]}").refused


def test_a_reply_that_breaks_off_is_not_refused() -> None:
    with server(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n")) as url:
        assert not failure(url).refused


def test_a_connection_that_nobody_takes_is_given_up_soon_and_not_refused() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]  # more than the queue of one that nobody looks at
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        found = failure(f"http://127.0.0.1:{address[1]}", deadline=0.3)
        for one in waiting:
            one.close()
    assert found.message == f"cannot connect to http://127.0.0.1:{address[1]} within 0.3s"
    assert not found.refused


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://" + "a" * 70 + ".example", "http://a..b", "http://127.0.0.1:65536", "http://\x00"],
)
def test_an_address_that_is_none_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(Refused, match="is not an address") as caught:
        Http(url, Wall(), 1.0)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("url", ["http://127.0.0.1:65535", "http://[::1]:8000", "http://exchange.example."])
def test_an_address_at_the_edge_of_what_is_one_is_taken(url: str) -> None:
    Http(url, Wall(), 1.0, direct=True).close()


def test_a_direct_request_does_not_even_look_at_the_proxy_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "foo")
    monkeypatch.delenv("no_proxy", raising=False)
    Http("http://exchange.example", Wall(), 1.0, direct=True).close()


@pytest.mark.parametrize(
    "date",
    [
        "yesterday",
        "Mon, 99 Foo 9999 99:99:99 GMT",
        "Mon, 99 Feb 2026 99:99:99 GMT",
        "Wed, 04 Feb 2026 13:00:00",
        "",
        "\x1b",
    ],
)
def test_a_date_that_is_none_is_no_clock(date: str) -> None:
    with server(lambda c: c.sendall(head(f"Date: {date}", "Content-Length: 0"))) as url:
        http = Http(url, Wall(), 5.0)
        try:
            assert http.send(http.prepare("GET", "/")).server_ms is None
        except HttpFailure:
            assert date == "\x1b"
        finally:
            http.close()


@pytest.mark.parametrize("proxy", ["foo", "socks5://127.0.0.1:9", "http://"])
def test_a_proxy_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(Refused, match="http_proxy"):
        Http("http://exchange.example", Wall(), 1.0)


def test_a_host_that_no_proxy_names_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "foo")
    monkeypatch.setenv("no_proxy", "exchange.example")
    Http("http://exchange.example", Wall(), 1.0).close()


def test_a_proxy_variable_does_not_capture_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with server(lambda c: c.sendall(head("Content-Length: 2") + b"ok")) as url:
        assert ask(url) == b"ok"
