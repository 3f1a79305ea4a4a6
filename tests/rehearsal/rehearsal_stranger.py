"""A server that was not written for genesis-ops and knows nothing but the contract."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rehearsal_processes import PATIENCE_SECONDS

MINUTE_MS = 60_000


class Stranger(BaseHTTPRequestHandler):
    """Contract §4 and §5 and nothing else: HTTP/1.0, a connection a request, fields that nobody asked for.

    Its ``Date`` is the standard library's, on a clock of its own; the row of the running minute is always there.
    An evaluation waits for ``go_on``.
    """

    skew_seconds: float
    asked: list[dict[str, Any]]
    go_on: threading.Event
    source = "somewhere/champions/tBTCUSD_1m.json"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/config/runtime":
            self.say({"cfg": {"thresholds": {"entry": 0.25}}, "hash": "cafe", "version": 7, "region": "north"})
        elif parts.path == "/v2/candles/trade:1m:tBTCUSD/hist":
            query = parse_qs(parts.query)
            assert query["sort"] == ["-1"]
            running = int(time.time() + self.skew_seconds) * 1000 // MINUTE_MS * MINUTE_MS
            newest = min(running, int(query.get("end", ["9" * 15])[0]))
            self.say([row_of(newest - n * MINUTE_MS) for n in range(int(query["limit"][0]))])
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        assert self.path == "/strategy/evaluate"
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request)
        self.go_on.wait(PATIENCE_SECONDS)
        step = request["state"].get("step", 0) + 1
        result = {"action": "LONG", "confidence": {"overall": 0.75, "buy": 0.75}, "weather": "fine"}
        decision = {"reasons": [], "state_out": {"step": step}, "versions": {"decision": "v9"}}
        self.say({"result": result, "meta": {"champion": {"source": self.source, "age": 3}, "decision": decision}})

    def say(self, value: object) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.end_headers()  # no Content-Length: the body ends with the connection
        self.wfile.write(json.dumps(value, indent=1).encode())

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() + self.skew_seconds if timestamp is None else timestamp)

    def log_message(self, *_: object) -> None:
        return


def row_of(ts: int) -> list[float]:
    price = 50_000 + ts // MINUTE_MS % 100
    return [ts, price + 0.5, price + 1, price + 2, price - 1, 1.25]


@contextmanager
def stranger(seconds_to_a_close: float) -> Iterator[tuple[tuple[str, ...], int, type[Stranger]]]:
    """Serve, and tell the flags that lead there, the open time (ms) of the running minute, and what was asked."""
    close = int(time.time()) // 60 * 60 + 60
    skew_seconds = close - seconds_to_a_close - time.time()
    go_on = threading.Event()
    go_on.set()
    handler = type("Handler", (Stranger,), {"skew_seconds": skew_seconds, "asked": [], "go_on": go_on})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield ("--api-url", url, "--exchange-url", url, "--timeframe", "1m"), close * 1000 - MINUTE_MS, handler
        server.shutdown()
        thread.join()
