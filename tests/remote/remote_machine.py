"""A server in a directory: a checkout with its origin, two services, and programs that stand in for systemd's own.

``systemctl``, ``systemd-run`` and ``journalctl`` are small and remember their units in a file; what they start are
real processes, which are ended with the machine. ``genesis-ops`` is the real one, but that its ``preflight`` says what
a file says, unless the machine is ``real``: then the services are a sandbox and a runner. Otherwise the API is well
unless the checkout's ``src/core/server.py`` is broken, and the runner only writes that it ran.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import genesis_ops

PAPER, RUNNER = "genesis-paper.service", "genesis-runner.service"
PATIENCE_SECONDS = 20.0

_PROGRAMS = Path(__file__).with_name("remote_machine_programs.py")
_CHAMPION = "config/strategy/champions/tBTCUSD_1h.json"
_AUTHOR = {f"GIT_{who}_{what}": "somebody@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
_GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", **_AUTHOR}
_SERVER_CODE = """\
import http.server, json, pathlib, sys
broken = "broken" in pathlib.Path(sys.argv[2]).read_text()
class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        well = not broken
        body = json.dumps({"status": "ok" if well else "not well"}).encode()
        self.send_response(200 if well else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"""
_RUNNER_CODE = """\
import os, pathlib, signal, socket, sys
logs = pathlib.Path(sys.argv[1])
logs.mkdir(parents=True, exist_ok=True)
state = logs / "runner_state.json"
if not state.exists():
    state.write_text('{"of": %d}' % os.getpid())
with (logs / "runner_20260205.log").open("a") as log:
    log.write(f"a run of pid {os.getpid()}\\n")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
    heard.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.sigwait({signal.SIGTERM})
"""


class Machine(NamedTuple):
    """The server: ``bin`` stands first in its PATH, ``root`` is the checkout, ``port`` the API's."""

    place: Path
    port: int

    @property
    def root(self) -> Path:
        return self.place / "root"

    @property
    def origin(self) -> Path:
        return self.place / "origin.git"

    @property
    def logs(self) -> Path:
        return self.root / "logs" / "paper_trading"

    @property
    def bin(self) -> Path:
        return self.place / "bin"

    @property
    def units_dir(self) -> Path:
        return self.place / "units"

    @property
    def program(self) -> Path:
        return self.bin / "genesis-ops"

    @property
    def environment(self) -> dict[str, str]:
        """What a login on that server has in its environment."""
        return {
            "PATH": f"{self.bin}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(self.place),
        }

    def run(self, *words: str, data: str | None = None, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run ``genesis-ops --root ROOT …`` there."""
        options: dict[str, Any] = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
        command = (str(self.program), "--root", str(self.root), *words)
        return subprocess.run(
            command, capture_output=True, check=False, text=True, timeout=seconds, env=self.environment, **options
        )

    def git(self, *words: str, at: Path | None = None) -> str:
        command = ("git", "-C", str(at or self.root), *words)
        return subprocess.run(
            command, capture_output=True, check=True, text=True, env={**os.environ, **_GIT}, timeout=30
        ).stdout.strip()

    def commit_at_origin(self, path: str, text: str, branch: str = "main") -> str:
        """Let a commit appear at the origin, as a colleague would push it; give its name."""
        work = self.place / "colleague"
        if not work.exists():
            self.git("clone", "--quiet", str(self.origin), str(work), at=self.place)
        self.git(
            "checkout", "--quiet", "-B", branch, f"origin/{branch}" if self._has(work, branch) else "HEAD", at=work
        )
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)
        self.git("add", "--force", path, at=work)
        self.git("commit", "--quiet", "-m", f"Change {path}", at=work)
        self.git("push", "--quiet", "origin", branch, at=work)
        return self.git("rev-parse", "HEAD", at=work)

    def _has(self, work: Path, branch: str) -> bool:
        self.git("fetch", "--quiet", at=work)
        return f"origin/{branch}" in self.git("branch", "--remotes", "--format=%(refname:short)", at=work).split()

    def plan(self, *words: str) -> Any:
        return json.loads(self.run("host", "plan", *words).stdout)

    def begin(self, plan: Any, owner: str = "ops@laptop", reason: str = "a test") -> str:
        done = self.run("host", "begin", "--owner", owner, "--reason", reason, data=json.dumps(plan))
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["id"])

    def follow(self, name: str, seconds: float = 60) -> tuple[int, list[dict[str, Any]]]:
        done = self.run("host", "follow", name, seconds=seconds)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def archive(self, name: str) -> Path:
        return self.logs / "_archive" / f"restart_{name}"

    def record(self, name: str) -> list[dict[str, Any]]:
        path = self.archive(name) / "steps.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def units(self) -> dict[str, dict[str, Any]]:
        return dict(json.loads((self.place / "units.json").read_text()))

    def unit(self, name: str) -> dict[str, Any]:
        return self.units()[name]

    def set_unit(self, name: str, **values: object) -> None:
        """Change what the stand-ins know of a unit: ``load``, ``start_fails``, ``user``, ``ignores_term`` …"""
        units = self.units()
        units[name] = {**units.get(name, {}), **values}
        (self.place / "units.json").write_text(json.dumps(units))

    def active(self, name: str) -> bool:
        done = subprocess.run(("systemctl", "is-active", name), check=False, env=self.environment, capture_output=True)
        return done.returncode == 0

    def calls(self) -> list[str]:
        """What systemctl was told to start and stop, in order."""
        path = self.place / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def preflight_says(self, verdict: str, code: int, *poor: str) -> None:
        """Let preflight come to this."""
        checks = [{"id": name, "outcome": "FAIL"} for name in poor]
        report = {"schema": "genesis-ops.report/1", "command": "preflight", "verdict": verdict, "checks": checks}
        (self.place / "preflight.json").write_text(json.dumps(report))
        (self.place / "preflight.code").write_text(str(code))

    def files(self) -> dict[str, bytes]:
        """The state and the runner's logs as they are."""
        return {path.name: path.read_bytes() for path in sorted(self.logs.glob("runner_*")) if path.is_file()}


def until(look: Any, seconds: float = PATIENCE_SECONDS) -> Any:
    """Look again and again until there is something to see."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not seen within {seconds:.0f}s"
        time.sleep(0.01)
    return seen


@contextmanager
def machine(place: Path, *, running: bool = True, real: bool = False) -> Iterator[Machine]:
    """Make a server, with both services running, and end everything that it started."""
    place.mkdir(parents=True, exist_ok=True)
    made = Machine(place, _free_port())
    made.bin.mkdir()
    made.units_dir.mkdir()
    _checkout(made)
    _programs(made, real=real)
    _services(made, real=real)
    made.preflight_says("PASS", 0)
    try:
        if running:
            for unit in (PAPER, RUNNER):
                subprocess.run(("systemctl", "start", unit), check=True, env=made.environment, timeout=30)
        yield made
    finally:
        _end(made.units())


def _checkout(made: Machine) -> None:
    root = made.root
    made.place.joinpath("locks").mkdir()
    files = {
        _CHAMPION: '{"merged_config": {}}\n',
        "src/core/server.py": "app = None\n",
        "README.md": "Genesis-Core\n",
        ".gitignore": "logs/\n.env\nconfig/genesis-ops.toml\n",
        ".env": "BITFINEX_API_KEY=made-up-for-tests-1\nBITFINEX_API_SECRET=made-up-for-tests-2\n",
        "config/genesis-ops.toml": _settings(made),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / ".env").chmod(0o600)
    made.git("init", "--quiet", "--bare", "--initial-branch=main", str(made.origin), at=made.place)
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", ".")
    made.git("commit", "--quiet", "-m", "Begin")
    made.git("remote", "add", "origin", str(made.origin))
    made.git("push", "--quiet", "--set-upstream", "origin", "main")
    made.logs.mkdir(parents=True)


def _settings(made: Machine) -> str:
    url = f"http://127.0.0.1:{made.port}"
    places = {"lock_dir": made.place / "locks", "units_dir": made.units_dir, "api_url": url, "exchange_url": url}
    return "".join(f'{name} = "{value}"\n' for name, value in places.items()) + "poll_interval = 1\n"


def _programs(made: Machine, *, real: bool) -> None:
    for name in ("systemctl", "systemd-run", "journalctl"):
        text = f"#!{sys.executable} -S\nPLACE = {str(made.place)!r}\n{_PROGRAMS.read_text()}"
        _program(made.bin / name, text)
    _program(made.bin / "sudo", '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do\n'
             '  case $1 in --) shift; break ;; -u) shift 2 ;; *) shift ;; esac\ndone\nexec "$@"\n')  # fmt: skip
    source = Path(genesis_ops.__file__).parents[1]
    said = f"""\
#!{sys.executable}
import sys
sys.path.insert(0, {str(source)!r})
if "preflight" in sys.argv and not {real!r}:
    place = {str(made.place)!r}
    print("waiting 1s of 3m for heartbeat", file=sys.stderr)
    print(open(place + "/preflight.json").read())
    sys.exit(int(open(place + "/preflight.code").read()))
from genesis_ops.__main__ import main
main()
"""
    _program(made.program, said)


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _services(made: Machine, *, real: bool) -> None:
    own = [str(made.program), "--root", str(made.root)]
    commands: Mapping[str, list[str]] = {
        PAPER: [sys.executable, "-S", "-c", _SERVER_CODE, str(made.port), str(made.root / "src/core/server.py")],
        RUNNER: [sys.executable, "-S", "-c", _RUNNER_CODE, str(made.logs)],
    }
    if real:
        commands = {PAPER: [*own, "sandbox", "serve", "--port", str(made.port)], RUNNER: [*own, "run"]}
    for name, command in commands.items():
        (made.units_dir / name).write_text(f"[Service]\nExecStart={name}\n")
        known = made.units() if (made.place / "units.json").exists() else {}
        (made.place / "units.json").write_text(
            json.dumps({**known, name: {"command": command, "says_ready": name == RUNNER}})
        )
    judges = shlex.join((*own, "host", "scheduled", "%i"))
    (made.units_dir / "genesis-acceptance@.service").write_text(f"[Service]\nExecStart={judges}\n")


def _end(units: dict[str, dict[str, Any]]) -> None:
    for unit in units.values():
        if pid := unit.get("pid"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
