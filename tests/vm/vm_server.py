"""A machine made into the phase's server, and the laptop from which `genesis-ops remote` reaches it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from vm_machine import Answer, Machine, cache

ROOT = Path(__file__).parents[2]
CORE = "/opt/genesis/Genesis-Core"
LOGS = f"{CORE}/logs/paper_trading"
PROGRAM = "/opt/genesis/genesis-ops/bin/genesis-ops"
OPS = f"{PROGRAM} --root {CORE}"
PAPER, RUNNER = "genesis-paper.service", "genesis-runner.service"


class Server(NamedTuple):
    """The server and a laptop's root of its own, with nothing in it."""

    machine: Machine
    laptop: Path

    def remote(self, *words: str, host: str = "genesis-vm", seconds: float = 900.0) -> Answer:
        """Run `genesis-ops remote …` here, to its end."""
        done = subprocess.run(
            self._command(words),
            env=self._environment(host),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    def begin(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start `genesis-ops remote …` in a process group of its own, which a test can cut off."""
        with (self.laptop / "begun.txt").open("ab") as said:
            return subprocess.Popen(
                self._command(words),
                env=self._environment("genesis-vm"),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def show(self, unit: str, *names: str) -> list[str]:
        """Give properties of a unit, in the order asked for."""
        return [self.machine.do(f"systemctl show -P {name} {unit}").strip() for name in names]

    def wait_until(self, condition: str, seconds: int) -> None:
        """Wait on the machine until a command there succeeds."""
        self.machine.do(
            f"end=$((SECONDS + {seconds})); until {condition}; do [ $SECONDS -lt $end ] || exit 9; sleep 1; done",
            seconds=seconds + 60,
        )

    def wait_for_services(self) -> None:
        """Wait until no apply is under way, both services run and the API is well."""
        self.wait_until("! systemctl list-units --state=active --no-legend 'genesis-apply-*' | grep -q .", 600)
        both = f"systemctl is-active --quiet {PAPER} && systemctl is-active --quiet {RUNNER}"
        self.wait_until(f"{both} && curl -fsS -o /dev/null http://127.0.0.1:8000/health", 240)

    def head(self) -> str:
        """Give the checkout's commit."""
        return self.machine.do(f"git -C {CORE} rev-parse HEAD", user="genesis").strip()

    def push(self, change: str) -> str:
        """Have somebody else push a commit to the origin, and give it; `change` is run in their checkout."""
        script = f"""
            work=$(mktemp -d); cd "$work"; git clone --quiet /srv/genesis-core.git .
            git config user.name somebody; git config user.email somebody@example.org
            {change}
            date +%s%N >>CHANGES
            git add --all; git commit --quiet --message="A change"; git push --quiet; git rev-parse HEAD; rm -rf "$work"
        """
        return self.machine.do(script, user="genesis").strip()

    def operations(self) -> list[dict[str, Any]]:
        """Give what the host has on record of what was done, the oldest first."""
        return [json.loads(line) for line in self.machine.do(f"cat {LOGS}/operations.jsonl").splitlines()]

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "genesis_ops", "--root", str(self.laptop), "remote", *words]

    def _environment(self, host: str) -> dict[str, str]:
        return {**os.environ, "PATH": self.machine.path, "GENESIS_SSH_TARGET": host}


def cut(process: "subprocess.Popen[bytes]") -> None:
    """End a command and its ssh at once, as a laptop whose battery is empty does."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def furnish(server: Server) -> Answer:
    """Put on the machine what a server has: this genesis-ops, checkout, units; give what install said."""
    installed = server.remote("install", "--wheelhouse", str(wheelhouse()))
    assert installed.code == 0, f"{installed.out}\n{installed.err}"
    if server.machine.shell(f"[ -d {CORE} ]").code:
        server.machine.do((Path(__file__).parent / "vm_server.sh").read_text())
    server.machine.do(f"{OPS} units install --yes --enable </dev/null; systemctl start {PAPER} {RUNNER}", seconds=600)
    server.wait_for_services()
    return installed


def wheelhouse() -> Path:
    """Give the directory of wheels of what genesis-ops needs; the machine has no way to an index."""
    from tomllib import loads

    directory = cache() / "wheelhouse"
    needed = loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = "\n".join(needed)
    stamp = directory / "for.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", directory]
        subprocess.run([*command, "--python-version", "3.11", *needed], timeout=600, check=True)
        stamp.write_text(wanted)
    return directory
