"""Every kind of reply to an order: the label it proves, and never more than one request for it.

Each kind is played by a raw TCP server of the test's own, which counts the connections it accepts and the complete
requests that arrive. ``pytest -m soak`` plays every kind 25 times and cuts a reply at every byte.
"""

import gc
import gzip
import json
import select
import socket
import struct
import threading
import time
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from genesis_ops.clients.http import Http
from genesis_ops.clients.paper import Label, PaperApi, PaperOrder, Submission

ACKED, REJECTED, UNKNOWN = Label.ACKED, Label.REJECTED, Label.UNKNOWN
ORDER = PaperOrder("tTESTBTC:TESTUSD", "LONG", 0.25)
PATIENT, SHORT, LATE = 20.0, 0.15, 8.0
"""Deadlines (s): one that no kind should need, and one for kinds that end by it; and what nothing may take."""
MUCH = 32 * 1024 * 1024

NAMED = [41, None, None, "tTESTBTC:TESTUSD", 1_770_210_001_000, 1_770_210_001_000, 0.25, 0.25, "EXCHANGE MARKET"]
NOTIFIED = [1_770_210_001, "on-req", None, None, [NAMED], None, "SUCCESS", "Submitting 1 orders."]
PLACED = {
    "ok": True,
    "exchange": "bitfinex",
    "request": {"type": "EXCHANGE MARKET", "symbol": "tTESTBTC:TESTUSD", "amount": "0.25"},
    "response": NOTIFIED,
    "meta": {"size_before": 0.25, "size_after": 0.25},
}
SUCCESS = json.dumps(PLACED).encode()
REFUSAL = b'{"ok": false, "error": "invalid_symbol"}'
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class Wall:
    """The host's time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        raise NotImplementedError


Act = Callable[[socket.socket], None]


class Kind(NamedTuple):
    """A kind of reply: what the server does, and what that proves."""

    name: str
    label: Label
    act: Act | None
    """None: nobody listens."""
    deadline: float = PATIENT
    reads: bool = True
    """Whether the request is read before the act."""
    size: float | None = None
    """What an ACKED order's size is told to be; None: as it was sent."""

    @property
    def arrive(self) -> int:
        return 0 if self.act is None or not self.reads else 1


class Server:
    """Plays one act to every connection, and counts connections and complete POST requests."""

    def __init__(self, act: Act, *, reads: bool = True) -> None:
        self.act, self.reads = act, reads
        self.connections = self.posts = 0
        self.troubles: list[Exception] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._last: tuple[str, int] | None = None
        self._players: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self._listener.getsockname())

    def close(self) -> None:
        """Stop behind a connection of its own, so that whatever came before it has been counted."""
        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            self._last = last.getsockname()
            last.connect(self._listener.getsockname())
            self._accepting.join(10)
        for player in self._players:
            player.join(10)
            assert not player.is_alive()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            connection, peer = self._listener.accept()
            if peer == self._last:
                connection.close()
                return
            self.connections += 1
            self._players.append(threading.Thread(target=self._play, args=[connection], daemon=True))
            self._players[-1].start()

    def _play(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            try:
                if self.reads:
                    self._take_request(connection)
                self.act(connection)
                while connection.fileno() >= 0 and self._take_request(connection):
                    pass
            except OSError:
                return
            except Exception as trouble:  # noqa: BLE001 - told by the test, which would not see it in a thread
                self.troubles.append(trouble)

    def _take_request(self, connection: socket.socket) -> bool:
        """Read until a request is complete, and count it; False if none comes any more."""
        received = b""
        while not is_complete(received):
            part = connection.recv(65536)
            if not part:
                return False
            received += part
        assert received.startswith(b"POST /paper/submit HTTP/1.1\r\n"), received[:80]
        self.posts += 1
        return True


def is_complete(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return bool(end) and len(body) >= int(length[0])


# What a server does.


def says(reply: bytes) -> Act:
    """Answer, and keep the connection open, as HTTP/1.1 does."""
    return lambda connection: connection.sendall(reply)


def ends(reply: bytes) -> Act:
    """Answer as much, and no more ever."""

    def act(connection: socket.socket) -> None:
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_WR)

    return act


def resets(reply: bytes = b"") -> Act:
    def act(connection: socket.socket) -> None:
        connection.sendall(reply)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return act


def drips(begin: bytes, drop: bytes, pause: float = 0.02) -> Act:
    """Send a little again and again, until the other side has gone, or for much longer than it may stay."""

    def act(connection: socket.socket) -> None:
        connection.sendall(begin)
        for _ in range(round(2 * LATE / pause)):
            if select.select([connection], [], [], pause)[0]:
                return
            connection.sendall(drop)

    return act


def floods(begin: bytes, wave: bytes, end: bytes = b"", waves: int = 100_000) -> Act:
    """Send more than anybody would read."""

    def act(connection: socket.socket) -> None:
        connection.sendall(begin)
        for _ in range(waves):
            connection.sendall(wave)
        connection.sendall(end)
        connection.shutdown(socket.SHUT_WR)

    return act


def echoes(connection: socket.socket) -> None:
    connection.sendall(b"POST /paper/submit HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")


# How a reply is written.


def head(status: str, *headers: str, version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join([f"{version} {status}", *headers, "", ""]).encode("latin-1")


def http(status: str, body: bytes, *headers: str, version: str = "HTTP/1.1") -> bytes:
    return head(status, *headers, f"Content-Length: {len(body)}", version=version) + body


def ok(body: Any, *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http("200 OK", content, "Content-Type: application/json", *headers)


def placed(**changed: Any) -> bytes:
    return ok({**PLACED, **changed})


def notified(place: int, value: Any) -> bytes:
    return placed(response=[*NOTIFIED[:place], value, *NOTIFIED[place + 1 :]])


def chunks(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    written = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return head("200 OK", "Transfer-Encoding: chunked") + written + end


def bomb() -> tuple[bytes, bytes]:
    """Compress 1 GiB of zeros as the first 16 MiB of them and what follows those 63 times again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(16 * 1024 * 1024)
    first = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    return first, packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)


WHOLE = ok(PLACED)
BODY_AT = len(WHOLE) - len(SUCCESS)
FIRST, AGAIN = bomb()
GZIPPED = gzip.compress(SUCCESS)


def no_connection() -> Iterator[Kind]:
    yield Kind("nobody listens", REJECTED, None)
    yield Kind("reset before the request is read", UNKNOWN, resets(), reads=False)
    yield Kind("closed before the request is read", UNKNOWN, lambda connection: connection.close(), reads=False)
    yield Kind("reset after the request is read", UNKNOWN, resets())
    yield Kind("closed without a byte", UNKNOWN, lambda connection: connection.close())
    yield Kind("ended without a byte", UNKNOWN, ends(b""))


def broken_off() -> Iterator[Kind]:
    places = {
        "after a byte": 1,
        "in the status line": 9,
        "after the status line": 17,
        "in the headers": 30,
        "before the last line end": BODY_AT - 1,
        "before the body": BODY_AT,
        "in the middle of the body": BODY_AT + len(SUCCESS) // 2,
        "one byte short": len(WHOLE) - 1,
    }
    for where, place in places.items():
        yield Kind(f"cut {where}", UNKNOWN, ends(WHOLE[:place]))
        yield Kind(f"reset {where}", UNKNOWN, resets(WHOLE[:place]))
    bare = head("200 OK") + SUCCESS
    yield Kind("cut one byte short, of no told length", UNKNOWN, ends(bare[:-1]))
    yield Kind("404 cut in its body", UNKNOWN, ends(http("404 Not Found", HTML)[:-5]))
    yield Kind("refusal one byte short", UNKNOWN, ends(ok(REFUSAL)[:-1]))
    yield Kind("refusal one byte short, of no told length", UNKNOWN, ends(head("200 OK") + REFUSAL[:-1]))


def too_slow() -> Iterator[Kind]:
    for where, place in {"before the headers": 0, "in the headers": 25, "in the body": len(WHOLE) - 10}.items():
        yield Kind(f"stalls {where}", UNKNOWN, says(WHOLE[:place]), SHORT)
    yield Kind("stalls one byte short", UNKNOWN, says(WHOLE[:-1]), SHORT)
    yield Kind("stalls after 100 Continue", UNKNOWN, says(head("100 Continue")), SHORT)
    yield Kind("stalls in a chunk", UNKNOWN, says(chunks(SUCCESS)[:-30]), SHORT)
    yield Kind("stalls before the last chunk", UNKNOWN, says(chunks(SUCCESS, end=b"")), SHORT)
    yield Kind("stalls in the body of a 404", UNKNOWN, says(http("404 Not Found", HTML)[:-1]), SHORT)
    yield Kind("stalls before the request is read", UNKNOWN, drips(b"", b""), SHORT, reads=False)
    yield Kind("drips headers", UNKNOWN, drips(b"HTTP/1.1 200 OK\r\nX: ", b"x"), SHORT)
    yield Kind("drips header lines", UNKNOWN, drips(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"), SHORT)
    yield Kind("drips a body", UNKNOWN, drips(head("200 OK", "Content-Length: 9999"), b" "), SHORT)
    yield Kind("drips chunks", UNKNOWN, drips(chunks(SUCCESS, end=b""), b"1\r\n \r\n"), SHORT)
    yield Kind("drips 100 Continue", UNKNOWN, drips(b"", head("100 Continue")), SHORT)
    yield Kind("floods 100 Continue", UNKNOWN, floods(b"", head("100 Continue") * 1000), SHORT)


def before_the_reply() -> Iterator[Kind]:
    yield Kind("100 Continue first", ACKED, says(head("100 Continue") + WHOLE))
    yield Kind("100 Continue and nothing", UNKNOWN, ends(head("100 Continue")))
    yield Kind("103 Early Hints first", ACKED, says(head("103 Early Hints", "Link: </a>") + WHOLE))
    yield Kind("101 Switching Protocols", UNKNOWN, ends(head("101 Switching Protocols", "Upgrade: h2c") + SUCCESS))
    yield Kind("answered before the request is read", ACKED, says(WHOLE), reads=False)


STATUSES = [
    *("201 Created", "202 Accepted", "203 Non-Authoritative", "206 Partial Content", "207 Multi-Status"),
    *("300 Choices", "304 Not Modified", "400 Bad Request", "402 Payment Required", "403 Forbidden", "406 No"),
    *("408 Request Timeout", "409 Conflict", "410 Gone", "411 Length Required", "412 Precondition Failed"),
    *("413 Too Large", "415 Unsupported", "417 Expectation Failed", "418 Teapot", "421 Misdirected", "423 Locked"),
    *("425 Too Early", "426 Upgrade Required", "428 Required", "429 Too Many Requests", "431 Headers", "451 Law"),
    *("500 Internal Server Error", "501 Not Implemented", "502 Bad Gateway", "503 Unavailable", "504 Timeout"),
    *("505 Version", "507 Storage", "508 Loop", "511 Authentication", "520 Unknown", "599 Network", "600 What"),
]


def other_statuses() -> Iterator[Kind]:
    for status in STATUSES:
        body = b"" if status.startswith("304") else SUCCESS
        yield Kind(f"{status} around a success", UNKNOWN, says(http(status, body)))
        yield Kind(f"{status} and an end", UNKNOWN, ends(http(status, b"", "Connection: close", "Retry-After: 0")))
    yield Kind("400 around a refusal", UNKNOWN, says(http("400 Bad Request", REFUSAL)))
    yield Kind("204", UNKNOWN, says(head("204 No Content")))
    yield Kind("205 around a success", UNKNOWN, ends(head("205 Reset Content") + SUCCESS))
    yield Kind("401 that asks for a password", UNKNOWN, says(http("401 No", b"", 'WWW-Authenticate: Basic realm="a"')))
    yield Kind(
        "407 that asks for a password", UNKNOWN, says(http("407 No", b"", 'Proxy-Authenticate: Basic realm="a"'))
    )
    yield Kind("502 of a proxy", UNKNOWN, says(http("502 Bad Gateway", HTML, "Server: nginx")))
    yield Kind("999", UNKNOWN, says(http("999 Denied", b"")))
    yield Kind("status of two digits", UNKNOWN, ends(http("20 OK", SUCCESS)))
    yield Kind("status of four digits", UNKNOWN, ends(http("2000 OK", SUCCESS)))
    yield Kind("status that is no number", UNKNOWN, ends(http("OK OK", SUCCESS)))
    yield Kind("status zero", UNKNOWN, ends(http("000 OK", SUCCESS)))


def nothing_sent() -> Iterator[Kind]:
    for status in ("404 Not Found", "405 Method Not Allowed", "422 Unprocessable Entity"):
        yield Kind(f"{status} as JSON", REJECTED, says(http(status, b'{"detail":"no"}')))
        yield Kind(f"{status} as HTML", REJECTED, says(http(status, HTML)))
        yield Kind(f"{status} without a body", REJECTED, says(http(status, b"")))
    yield Kind("404 to the end of the connection", REJECTED, ends(head("404 Not Found", version="HTTP/1.0") + HTML))
    yield Kind("404 compressed", UNKNOWN, says(http("404 Not Found", GZIPPED, "Content-Encoding: gzip")))
    for error in ("invalid_symbol", "invalid_action_or_size"):
        yield Kind(f"ok false, {error}", REJECTED, says(ok({"ok": False, "error": error})))


def other_failures() -> Iterator[Kind]:
    errors = {
        "internal_error": "internal_error",
        "another word": "exchange_error",
        "a sentence": "invalid_symbol: tBTCUSD",
        "nothing": "",
        "null": None,
        "an object": {"code": "invalid_symbol"},
        "a list": ["invalid_symbol"],
        "a number": 1,
        "a flag": True,
    }
    for what, error in errors.items():
        yield Kind(f"ok false, error is {what}", UNKNOWN, says(ok({"ok": False, "error": error})))
    yield Kind("ok false, error missing", UNKNOWN, says(ok({"ok": False})))
    yield Kind("ok false around a success", UNKNOWN, says(placed(ok=False)))
    yield Kind("ok missing", UNKNOWN, says(ok({name: value for name, value in PLACED.items() if name != "ok"})))
    for what, flag in {"'true'": "true", "1": 1, "1.0": 1.0, "null": None, "a list": [True]}.items():
        yield Kind(f"ok is {what}", UNKNOWN, says(placed(ok=flag)))
    for what, flag in {"'false'": "false", "0": 0, "null": None}.items():
        yield Kind(f"refusal whose ok is {what}", UNKNOWN, says(ok({"ok": flag, "error": "invalid_symbol"})))


def other_notifications() -> Iterator[Kind]:
    for what, status in {
        "ERROR": "ERROR",
        "FAILURE": "FAILURE",
        "PARTIAL": "PARTIAL",
        "null": None,
        "in small": "success",
    }.items():
        yield Kind(f"STATUS {what}", UNKNOWN, says(notified(6, status)))
    yield Kind("STATUS missing", UNKNOWN, says(placed(response=NOTIFIED[:6])))
    yield Kind("response too short", UNKNOWN, says(placed(response=NOTIFIED[:3])))
    yield Kind("response empty", UNKNOWN, says(placed(response=[])))
    for what, response in {"null": None, "a word": "SUCCESS", "an object": {"6": "SUCCESS"}, "a number": 6}.items():
        yield Kind(f"response is {what}", UNKNOWN, says(placed(response=response)))
    none: dict[str, Any] = {"null": None, "empty": [], "empty twice": [[]], "an object": {"id": 41}}
    for what, orders in none.items():
        yield Kind(f"orders are {what}", UNKNOWN, says(notified(4, orders)))
    ids = {
        "null": None,
        "a word": "41",
        "a flag": True,
        "a float": 41.0,
        "0": 0,
        "negative": -41,
        "an object": {"id": 1},
    }
    for what, order_id in ids.items():
        yield Kind(f"order id is {what}", UNKNOWN, says(notified(4, [[order_id, *NAMED[1:]]])))


def successes() -> Iterator[Kind]:
    yield Kind("success", ACKED, says(WHOLE))
    yield Kind("success and an end", ACKED, ends(ok(PLACED, "Connection: close")))
    yield Kind(
        "success with a changed size", ACKED, says(placed(meta={"size_before": 0.25, "size_after": 0.1})), size=0.1
    )
    yield Kind("success of two orders", ACKED, says(notified(4, [NAMED, [42, *NAMED[1:]]])))
    yield Kind("success in 9 KiB", ACKED, says(placed(more="x" * 9000)))
    yield Kind("success among white space", ACKED, says(ok(b"\r\n\t " + SUCCESS + b" \n")))
    yield Kind("success of HTTP/1.0", ACKED, ends(head("200 OK", version="HTTP/1.0") + SUCCESS))
    yield Kind("success to the end of the connection", ACKED, ends(head("200 OK") + SUCCESS))
    yield Kind("success without a reason phrase", ACKED, says(http("200", SUCCESS)))
    yield Kind("success that says identity", ACKED, says(ok(PLACED, "Content-Encoding: identity")))
    yield Kind("success of a told length, twice alike", ACKED, says(ok(PLACED, f"Content-Length: {len(SUCCESS)}")))
    yield Kind("success with a latin-1 header", ACKED, says(ok(PLACED, "X-Name: \xe5\xe4\xf6")))
    yield Kind("success with a terminal's orders for a header", ACKED, says(ok(PLACED, "X: \x1b[2J")))
    yield Kind("success of HTTP/2.0", ACKED, says(http("200 OK", SUCCESS, version="HTTP/2.0")))
    yield Kind("success in chunks", ACKED, says(chunks(SUCCESS[:9], SUCCESS[9:])))
    yield Kind("success in chunks of a byte", ACKED, says(chunks(*(bytes([byte]) for byte in SUCCESS))))
    yield Kind("success in chunks with a trailer", ACKED, says(chunks(SUCCESS, end=b"0\r\nX-Sum: 1\r\n\r\n")))
    yield Kind("success and then another reply", ACKED, says(WHOLE + http("500 No", b"")))


def no_json_object() -> Iterator[Kind]:
    bodies = {
        "HTML": HTML,
        "nothing": b"",
        "white space": b" \r\n",
        "null": b"null",
        "true": b"true",
        "a number": b"41",
        "a word": b'"SUCCESS"',
        "a list": json.dumps([PLACED]).encode(),
        "a notification": json.dumps(NOTIFIED).encode(),
        "JSON without its end": SUCCESS[:-1],
        "JSON with a comma too many": SUCCESS[:-1] + b",}",
        "JSON in single quotes": repr(PLACED).encode(),
        "JSON twice": SUCCESS + SUCCESS,
        "JSON and words": SUCCESS + b" ok",
        "JSON in a call": b"f(" + SUCCESS + b")",
        "JSON and a NUL": SUCCESS + b"\x00",
        "NaN": SUCCESS.replace(b"0.25", b"NaN"),
        "Infinity": SUCCESS.replace(b"0.25", b"-Infinity"),
        "1e999": SUCCESS.replace(b"0.25", b"1e999"),
        "a number of 5000 digits": SUCCESS.replace(b"[41,", b"[" + b"4" * 5000 + b","),
        "lists a million deep": b"[" * 1_000_000,
        "objects 100000 deep": b'{"ok":' * 100_000,
        "lists 300 deep": SUCCESS[:-1] + b', "more": ' + b"[" * 300 + b"]" * 300 + b"}",
        "ok twice": SUCCESS[:-1] + b', "ok": true}',
        "ok false and true": b'{"ok": false, "error": "internal_error", ' + SUCCESS[1:],
        "ok true and refused": SUCCESS[:-1] + b', "ok": false, "error": "invalid_symbol"}',
        "error twice": b'{"ok": false, "error": "internal_error", "error": "invalid_symbol"}',
        "a BOM": b"\xef\xbb\xbf" + SUCCESS,
        "UTF-16": SUCCESS.decode().encode("utf-16"),
        "UTF-16 without a BOM": SUCCESS.decode().encode("utf-16-le"),
        "UTF-32": SUCCESS.decode().encode("utf-32"),
        "latin-1": SUCCESS.replace(b"bitfinex", b"bitfin\xe9x"),
        "a surrogate": SUCCESS.replace(b"bitfinex", b"\xed\xa0\x80"),
        "gzip that is not told": GZIPPED,
        "a terminal's orders": b"\x1b[2J\x1b]0;owned\x07\xe2\x80\xae",
        "zeros": bytes(5000),
    }
    for what, body in bodies.items():
        yield Kind(f"200 with {what}", UNKNOWN, says(ok(body)))


def wrong_framing() -> Iterator[Kind]:
    for coding in ("gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip", "x-what", ""):
        yield Kind(f"compressed by {coding or 'nothing'}", UNKNOWN, says(ok(GZIPPED, f"Content-Encoding: {coding}")))
    yield Kind("transfer encoding gzip", UNKNOWN, ends(head("200 OK", "Transfer-Encoding: gzip, chunked") + GZIPPED))
    yield Kind("transfer encoding gzip alone", UNKNOWN, ends(head("200 OK", "Transfer-Encoding: gzip") + SUCCESS))
    lengths = {"short": len(SUCCESS) - 1, "long": len(SUCCESS) + 1, "zero": 0, "negative": -1, "words": "all"}
    lengths |= {"of 25 digits": "9" * 25, "of 5000 digits": "9" * 5000, "1 TB": 10**12, "hexadecimal": "0x100"}
    for what, length in lengths.items():
        reply = head("200 OK", f"Content-Length: {length}") + SUCCESS
        yield Kind(f"length is {what}", UNKNOWN, ends(reply))
    two = head("200 OK", f"Content-Length: {len(SUCCESS)}", "Content-Length: 5") + SUCCESS
    yield Kind("two lengths", UNKNOWN, ends(two))
    yield Kind("chunks without the last", UNKNOWN, ends(chunks(SUCCESS, end=b"")))
    yield Kind("chunks without the last line end", UNKNOWN, ends(chunks(SUCCESS)[:-1]))
    yield Kind("chunk cut", UNKNOWN, ends(chunks(SUCCESS)[:-20]))
    for what, size in {"words": b"all", "negative": b"-5", "endless": b"f" * 40, "missing": b""}.items():
        begin = head("200 OK", "Transfer-Encoding: chunked")
        yield Kind(f"chunk size is {what}", UNKNOWN, ends(begin + size + b"\r\n" + SUCCESS + b"\r\n0\r\n\r\n"))
    yield Kind("chunks longer than they say", UNKNOWN, ends(chunks(SUCCESS).replace(b"\r\n\r\n", b"\r\n\r\n1\r\n", 1)))


def no_http() -> Iterator[Kind]:
    replies = {
        "garbage": b"\x00\xff\x1b[2J\r\n\r\n",
        "HTTP/0.9": SUCCESS,
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00",
        "a success of HTTP/11": http("200 OK", SUCCESS, version="HTTP/11"),
        "http in small": http("200 OK", SUCCESS, version="http/1.1"),
        "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
        "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
        "SMTP": b"220 mail.example ESMTP\r\n",
        "two status lines": b"HTTP/1.1 200 OK\r\n" + WHOLE,
        "a status line alone": b"HTTP/1.1 200 OK\r\n\r\n",
        "a header without a colon": http("200 OK", SUCCESS, "what"),
        "a header with a space before its colon": http("200 OK", SUCCESS, "X : 1"),
        "a header without a name": http("200 OK", SUCCESS, ": 1"),
        "a NUL in a header": http("200 OK", SUCCESS, "X: \x00"),
        "a header of 200 KB": http("200 OK", SUCCESS, "X: " + "x" * 200_000),
        "20000 headers": http("200 OK", SUCCESS, *(f"X-{n}: 1" for n in range(20_000))),
        "line ends only": b"\r\n" * 1000,
    }
    for what, reply in replies.items():
        yield Kind(what, UNKNOWN, ends(reply))
    yield Kind("the request itself", UNKNOWN, echoes)


def too_large() -> Iterator[Kind]:
    wave = b" " * 65536
    length = len(FIRST) + 63 * len(AGAIN)
    told = head("200 OK", "Content-Encoding: gzip", f"Content-Length: {length}")
    untold = head("200 OK", "Content-Encoding: gzip")
    yield Kind("gzip bomb", UNKNOWN, floods(told + FIRST, AGAIN, waves=63))
    yield Kind("gzip bomb of no told length", UNKNOWN, floods(untold + FIRST, AGAIN, waves=63))
    over = head("200 OK", f"Content-Length: {8 * 1024 * 1024 + 1}")
    yield Kind("body of 8 MiB and a byte", UNKNOWN, floods(over + b" ", wave, waves=128))
    padded = head("200 OK", f"Content-Length: {32 * 65536 + len(SUCCESS)}")
    yield Kind("success behind 2 MiB of white space", UNKNOWN, floods(padded, wave, SUCCESS, waves=32))
    yield Kind("8 MiB of empty lists", UNKNOWN, floods(head("200 OK") + b"[1", b",[]" * 21_000, b"]", waves=130))
    yield Kind("body without end", UNKNOWN, floods(head("200 OK"), wave))
    yield Kind("chunks without end", UNKNOWN, floods(chunks(end=b""), b"10000\r\n" + wave + b"\r\n"))
    yield Kind("headers without end", UNKNOWN, floods(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 10_000))
    yield Kind("header without end", UNKNOWN, floods(b"HTTP/1.1 200 OK\r\nX: ", wave))
    yield Kind("status line without end", UNKNOWN, floods(b"HTTP/1.1 200 ", wave))
    yield Kind("trailer without end", UNKNOWN, floods(chunks(SUCCESS, end=b"0\r\n"), b"X: x\r\n" * 10_000))


LARGE = list(too_large())
ROOMS = [no_connection, broken_off, too_slow, before_the_reply, other_statuses, nothing_sent, other_failures]
ROOMS += [other_notifications, successes, no_json_object, wrong_framing, no_http]
KINDS = [kind for room in ROOMS for kind in room()] + LARGE
REDIRECTS = ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]


def submit(url: str, deadline: float) -> Submission:
    kept = Http(url, Wall(), deadline, direct=True)  # for the wallets; no order may come over it
    try:
        return PaperApi(kept, lambda: Http(url, Wall(), deadline, direct=True)).submit(ORDER)
    finally:
        kept.close()


@contextmanager
def nobody() -> Iterator[str]:
    with socket.socket() as bound:  # so that nobody else begins to listen there
        bound.bind(("127.0.0.1", 0))
        yield "http://{}:{}".format(*bound.getsockname())


def played_once(kind: Kind) -> tuple[Submission, int, int]:
    """Play a kind to one order, and tell what came of it, and how many connections and POSTs there were."""
    if kind.act is None:
        with nobody() as url:
            return submit(url, kind.deadline), 0, 0
    server = Server(kind.act, reads=kind.reads)
    try:
        found = submit(server.url, kind.deadline)
    finally:
        server.close()
    assert not server.troubles
    return found, server.connections, server.posts


def assert_proves(kind: Kind, found: Submission) -> None:
    assert found.label is kind.label, (kind.name, found)
    assert (found.order_id, found.reason == "") == ((41, True) if kind.label is ACKED else (None, False))
    if kind.label is ACKED:
        assert found.size_taken == (kind.size or ORDER.size)
    assert found.reason.isprintable()
    json.dumps(found, allow_nan=False)  # it will be a record of the journal


def assert_at_most_one(kind: Kind, connections: int, posts: int) -> None:
    assert connections == (0 if kind.act is None else 1), kind.name
    assert posts in ({1} if kind.arrive else {0, 1}), kind.name


@pytest.fixture(scope="module")
def figures() -> Iterator[Counter[str]]:
    """Count over the whole table, and tell at its end."""
    counted: Counter[str] = Counter()
    yield counted
    played = ", ".join(f"{number} {name}" for name, number in counted.items())
    print(f"\nreplies to an order, of {len(KINDS)} kinds in the table: {played}")


FILES = Path("/proc/self/fd")


def open_files() -> int:
    return sum(1 for _ in FILES.iterdir())


def test_the_table_has_no_kind_twice() -> None:
    assert [name for name, times in Counter(kind.name for kind in KINDS).items() if times > 1] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_reply_has_the_label_it_proves_and_one_order_is_one_request(kind: Kind, figures: Counter[str]) -> None:
    began = time.monotonic()
    found, connections, posts = played_once(kind)
    assert time.monotonic() - began < LATE
    figures.update({"orders": 1, "connections": connections, "POSTs": posts, f"{kind.label}": 1})
    assert_proves(kind, found)
    assert_at_most_one(kind, connections, posts)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_reply_has_the_same_label_25_times(kind: Kind, figures: Counter[str]) -> None:
    for _ in range(25):
        found, connections, posts = played_once(kind)
        figures.update({"orders": 1, "connections": connections, "POSTs": posts, f"{kind.label}": 1})
        assert_proves(kind, found)
        assert_at_most_one(kind, connections, posts)


def assert_unknown_wherever_it_ends(places: range) -> None:
    for whole in (WHOLE, chunks(SUCCESS[:100], SUCCESS[100:]), ok(REFUSAL), http("404 Not Found", HTML)):
        for place in (place for place in places if place < len(whole)):
            for act in (ends, resets):
                kind = Kind(f"{act.__name__} at {place}", UNKNOWN, act(whole[:place]))
                found, connections, posts = played_once(kind)
                assert_proves(kind, found)
                assert_at_most_one(kind, connections, posts)


def test_a_reply_that_ends_early_proves_nothing() -> None:
    assert_unknown_wherever_it_ends(range(0, len(WHOLE), 40))


@pytest.mark.soak
def test_a_reply_that_ends_at_any_byte_proves_nothing() -> None:
    assert_unknown_wherever_it_ends(range(len(WHOLE)))


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_sends_the_order_nowhere_else(status: str) -> None:
    elsewhere = Server(says(WHOLE))
    place = f"Location: {elsewhere.url}/paper/submit"
    kind = Kind(status, UNKNOWN, says(http(status, b"", place)))
    try:
        found, connections, posts = played_once(kind)
    finally:
        elsewhere.close()
    assert_proves(kind, found)
    assert (connections, posts, elsewhere.connections) == (1, 1, 0)


@pytest.mark.parametrize("kind", LARGE, ids=lambda kind: kind.name)
def test_a_reply_of_any_size_takes_little_memory(kind: Kind) -> None:
    tracemalloc.start()
    try:
        played_once(kind)
        assert tracemalloc.get_traced_memory()[1] < MUCH
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not FILES.is_dir(), reason="the system does not show open files there")
def test_many_orders_leave_no_file_and_no_thread_behind() -> None:
    """Without the collector, which would close what was forgotten."""
    small = [kind for kind in KINDS if kind.deadline == PATIENT and kind not in LARGE]
    played_once(small[0])
    gc.disable()
    try:
        files, threads = open_files(), threading.active_count()
        for kind in small:
            played_once(kind)
        assert (open_files(), threading.active_count()) == (files, threads)
    finally:
        gc.enable()
