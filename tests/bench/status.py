"""How fast the status screen is there, beside ``import typer`` in the same run; prints the table of docs/figures.md.

The log is six weeks of one run at a poll every 10 s, the longest way back to a run's start. Every figure is a median
over processes that were run in turn, with an API that answers at once, one that nobody listens for, and one that
never answers. What it costs is split by loading the command's modules without looking.
"""

import json
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from judgement import RUNS, Measured, make_root, measure

from genesis_ops.rehearsal.world import build

REPLIES = {
    "/health": {"status": "ok", "config_version": 12, "config_hash": "5a4db0c0"},
    "/account/wallets": {"items": [{"type": "exchange", "currency": "TESTUSD", "balance": 1.0, "available": 1.0}]},
}
MODULES = "import genesis_ops.cli.app, genesis_ops.cli.status, genesis_ops.collect.status, genesis_ops.report.status"


class Answering(BaseHTTPRequestHandler):
    """An API that has its answers ready."""

    wbufsize = -1

    def do_GET(self) -> None:
        body = json.dumps(REPLIES[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Name an API that answers, one that hangs, and one that is not there."""
    api = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            nobody = gone.getsockname()[1]
        ports = {"answers": api.server_port, "hangs": hanging.getsockname()[1], "is dead": nobody}
        yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    api.shutdown()


def commands(phase: Path, nothing: Path, urls: dict[str, str]) -> dict[str, tuple[Sequence[str], Path]]:
    """Name what is measured, and where."""
    own = (sys.executable, "-m", "genesis_ops", "status", "--api-url")
    return {
        "import typer": ((sys.executable, "-c", "import typer"), nothing),
        "its modules alone": ((sys.executable, "-c", f"import gc; gc.disable(); {MODULES}"), nothing),
        "six weeks, the API answers": ((*own, urls["answers"]), phase),
        "six weeks, the API is dead": ((*own, urls["is dead"]), phase),
        "the same as JSON": ((*own, urls["answers"], "--format", "json"), phase),
        "nothing to read": ((*own, urls["answers"]), nothing),
        "six weeks, the API hangs": ((*own, urls["hangs"]), phase),
        "import typer, after a second's rest": ((sys.executable, "-c", "import typer"), nothing),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, servers() as urls:
        phase, nothing = (Path(directory) / name for name in ("phase", "nothing"))
        make_root(phase, 42)
        build(nothing)
        table = commands(phase, nothing, urls)
        found: dict[str, list[Measured]] = {name: [] for name in table}
        for _ in range(RUNS):
            for name, (command, root) in table.items():
                found[name].append(measure(command, root))
    print(f"Medians of {RUNS}.\n\n| status | median | of `import typer` | memory |\n|---|---|---|---|")
    peer = median(each.wall for each in found["import typer"])
    for name, runs in found.items():
        wall = median(each.wall for each in runs)
        print(f"| {name} | {wall:.0f} ms | {wall / peer:.2f} | {max(each.memory for each in runs):.0f} MB |")
    print(f"\nExit codes: { {name: sorted({each.exit_code for each in runs}) for name, runs in found.items()} }")


if __name__ == "__main__":
    main()
