"""One GET over a bare socket: what it gives, and that no server holds it longer than its deadline."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.clients.plain import LARGEST, NoReply, Plain, Question, is_whole, parsed
from genesis_ops.clients.wallets import exchange_wallets
from genesis_ops.errors import PaperFailure

SECONDS = 0.5
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def serving(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.settimeout(5)
                connection.recv(65536)
                serve(connection, over)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        over.set()
        thread.join(5)


def said(reply: bytes) -> Plain | str:
    with serving(lambda connection, _: connection.sendall(reply)) as url:
        try:
            return Question(url, "/health", 5.0).answer()
        except NoReply as failure:
            return failure.message


def test_a_reply_is_given_with_its_status_and_body() -> None:
    assert said(OK) == Plain(200, b"{}")
    assert said(b"HTTP/1.0 503 Service Unavailable\r\n\r\n{'no length': 'to the end'}") == Plain(
        503, b"{'no length': 'to the end'}"
    )


def test_a_connection_that_the_server_keeps_open_does_not_delay_a_whole_reply() -> None:
    def serve(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(OK)
        over.wait(5)

    with serving(serve) as url:
        began = time.monotonic()
        assert Question(url, "/health", 4.0).answer() == Plain(200, b"{}")
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"", "the server closed the connection without a reply"),
        (b"220 mail.example ESMTP\r\n\r\n", "the reply is not HTTP: 220 mail.example ESMTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "the reply is not HTTP: HTTP/1.1 200 OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{", "the reply was cut off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "the reply is encoded although"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b", "the reply is encoded although"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (10 << 20), "the reply is larger than 64 KiB"),
        (b"\x1b[2J\x1b[31mgo away", r"the reply is not HTTP: \x1b[2J\x1b[31mgo away"),
    ],
)
def test_what_is_no_whole_reply_is_told_and_never_taken_for_one(reply: bytes, why: str) -> None:
    told = said(reply)
    assert isinstance(told, str)
    assert told.startswith(why)
    assert told.isprintable()


def test_nobody_listening_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    began = time.monotonic()
    with pytest.raises(NoReply, match="nobody listens at http://127") as failure:
        Question(url, "/health", 5.0).answer()
    assert failure.value.refused
    assert time.monotonic() - began < 2


def test_a_server_that_hangs_holds_nobody_beyond_the_deadline() -> None:
    with serving(lambda _, over: over.wait(5) or None) as url:
        began = time.monotonic()
        with pytest.raises(NoReply, match=r"^no reply within 0\.5s$") as failure:
            Question(url, "/health", SECONDS).answer()
        assert failure.value.late
        assert time.monotonic() - began < SECONDS + 0.5


def test_a_server_that_drips_holds_neither_the_screen_nor_the_thread() -> None:
    def serve(connection: socket.socket, over: threading.Event) -> None:
        while not over.wait(0.02):
            connection.sendall(b"H")

    with serving(serve) as url:
        question = Question(url, "/health", SECONDS)
        with pytest.raises(NoReply, match="no reply within"):
            question.answer()
        question._thread.join(3)
        assert not question._thread.is_alive()


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert said(OK) == Plain(200, b"{}")


def test_a_host_that_has_no_address_is_told() -> None:
    with pytest.raises(NoReply) as failure:
        Question("http://no-such-host.invalid:8000", "/health", 5.0).answer()
    assert failure.value.message


@given(st.binary(max_size=200))
def test_no_bytes_are_read_as_anything_but_a_reply_or_a_reason(raw: bytes) -> None:
    for reply in (raw, OK[:40] + raw, OK[:-2] + raw):
        assert is_whole(reply) in {True, False}
        read = outcome(reply)
        assert read.isprintable() if isinstance(read, str) else 0 <= read.status <= 999


def outcome(reply: bytes) -> Plain | str:
    try:
        return parsed(reply)
    except NoReply as failure:
        return failure.message


def test_a_reply_is_whole_as_soon_as_its_length_has_come() -> None:
    assert [is_whole(OK[:at]) for at in (0, 20, len(OK) - 1, len(OK))] == [False, False, False, True]
    assert is_whole(b"x" * (LARGEST + 1))


def test_an_error_beside_no_items_is_no_empty_wallet() -> None:
    with pytest.raises(PaperFailure, match="bitfinex says no"):
        exchange_wallets({"items": [], "error": "bitfinex says no"})
    assert exchange_wallets({"items": []}) == {}
