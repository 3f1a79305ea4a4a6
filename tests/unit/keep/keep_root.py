"""A root with a few hours of the runner in it, an API that answers, and what is known to be secret there."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from genesis_ops.checks.model import Report
from genesis_ops.clients.host_clock import HostClock
from genesis_ops.collect.known_secrets import Known, known_secrets
from genesis_ops.collect.snapshot import Seen, see
from genesis_ops.rehearsal.day import rehearse
from genesis_ops.settings import Settings, load

SECRET = "Zk3vQ9xLw2pT7nB5mR8cY1dF4gH6jK0a"
ENCODED = (SECRET.encode(), base64.b64encode(SECRET.encode()), SECRET.encode().hex().encode())
WALLETS = {
    "items": [
        {"type": "exchange", "currency": "TESTUSD", "balance": 9989.5, "available": 9989.5},
        {"type": "exchange", "currency": "TESTBTC", "balance": 0.1, "available": 0.1},
    ]
}
DAY = "20260204"


def make(root: Path) -> Settings:
    """Run seven hours of dry-run, two of them without a feed, into a root."""
    return rehearse(root, hours=7, seed=7, faults=("feed-down@2h+2h",), watch=lambda _: None).settings


def at(root: Path, api_url: str = "http://127.0.0.1:9") -> Settings:
    return load({"root": root, "api_url": api_url, "exchange_url": "http://127.0.0.1:9"}, {}, None).settings


def looked(settings: Settings) -> tuple[Seen, Known]:
    seen = see(settings, HostClock())
    return seen, known_secrets(settings, seen.pids)


def plant(settings: Settings) -> None:
    """Put a secret into ``.env``, and from there into log, streams and state, as it is and encoded."""
    (settings.root / ".env").write_text(f"BITFINEX_API_KEY=public\nBITFINEX_API_SECRET={SECRET}\n")
    plain, encoded, digits = (form.decode() for form in ENCODED)
    for name in (f"runner_{DAY}.log", f"runner_errors_{DAY}.log", "operations.jsonl"):
        with (settings.log_dir / name).open("a") as file:
            file.write(
                f'2026-02-04 20:03:21 - paper_trading_runner - ERROR - HTTP error: "{plain}" {encoded} {digits}\n'
            )
    state = json.loads(settings.state_file.read_text())
    settings.state_file.write_text(json.dumps(state | {"note": plain}))


class _Api(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(f"GET {self.path}")
        document = {"/health": {"status": "ok", "config_version": 105}, "/account/wallets": WALLETS}.get(self.path)
        body = json.dumps(document).encode()
        self.send_response(200 if document else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.asked.append(f"POST {self.path}")
        self.send_error(405)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def api() -> Iterator[tuple[str, list[str]]]:
    """Serve health and wallets; gives the address, and what was asked."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Api", (_Api,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def judged(report: Report) -> tuple[object, ...]:
    """Take from a report what does not depend on where and when it was made."""
    return report.checks, report.window, report.summary, report.hours, report.notes, report.exit_code
