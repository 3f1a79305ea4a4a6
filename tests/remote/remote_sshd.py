"""A real sshd on a loopback port, and an ``ssh`` that knows it: what a test starts stops with it.

The far side's PATH leads to a ``sudo`` that does as it is told by a file, and to whatever a test puts beside it.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import genesis_ops

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
SSH = shutil.which("ssh")
KEYGEN = shutil.which("ssh-keygen")
MISSING = None in (SSHD, SSH, KEYGEN)
"""Whether this host has no OpenSSH server to try anything with."""

_SUDO = """\
#!/bin/sh
# Writes down what it was asked for, and refuses where the file beside it says so.
here=${0%/*}/..
user=root
while [ $# -gt 0 ]; do
  case $1 in -n) shift ;; -u) user=$2; shift 2 ;; --) shift; break ;; *) break ;; esac
done
if [ -s "$here/sudo-says" ]; then cat "$here/sudo-says" >&2; exit 1; fi
command -v "$1" >/dev/null || { echo "sudo: $1: command not found" >&2; exit 1; }
printf '%s %s\\n' "$user" "$*" >> "$here/sudo-asked"
exec "$@"
"""


class Sshd(NamedTuple):
    """The server: ``place/bin`` stands first in PATH there; ``noisy`` is a port whose login talks first."""

    place: Path
    port: int
    noisy: int
    pid: int

    @property
    def bin(self) -> Path:
        return self.place / "bin"

    def program(self, name: str, text: str) -> Path:
        """Put a program there."""
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def log(self) -> str:
        return (self.place / "sshd.log").read_text()


@contextmanager
def sshd(place: Path, *first: Path) -> Iterator[Sshd]:
    """Start a server, with ``first`` before all else in PATH there, wait until it listens, and end it."""
    place.mkdir(parents=True, exist_ok=True)
    bin_, port, noisy = place / "bin", _free_port(), _free_port()
    bin_.mkdir()
    (place / "locks").mkdir()
    for name in ("host_key", "key"):
        _run(str(KEYGEN), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(place / name))
    shutil.copy(place / "key.pub", place / "authorized_keys")
    (place / "greeting").write_text("echo 'Welcome to the server'; echo 'genesis-ops-0000'; echo to-stderr >&2\n")
    (place / "sshd_config").write_text(_server_configuration(place, port, noisy, first))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (place / "sshd.log").open("wb") as log:
        process = subprocess.Popen(
            (str(SSHD), "-D", "-e", "-f", str(place / "sshd_config")), stdin=subprocess.DEVNULL, stderr=log
        )
    server = Sshd(place, port, noisy, process.pid)
    server.program("sudo", _SUDO)
    server.program("genesis-ops", f'#!/bin/sh\nexec {sys.executable} -m genesis_ops "$@"\n')
    try:
        _wait(port, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=10)


def client(server: Sshd, place: Path, **options: str) -> Path:
    """Make a directory with an ``ssh`` that knows ``server`` by any name, ``noisy`` as the one that talks first."""
    place.mkdir(parents=True, exist_ok=True)
    key = (server.place / "host_key.pub").read_text().split()[:2]
    known = place / "known_hosts"
    known.write_text(f"server {' '.join(key)}\n")
    settings = {
        "HostName": "127.0.0.1",
        "HostKeyAlias": "server",
        "UserKnownHostsFile": str(known),
        "GlobalKnownHostsFile": "/dev/null",
        "IdentityFile": str(server.place / "key"),
        "IdentitiesOnly": "yes",
        "Port": str(server.port),
    } | options
    lines = [f"Host noisy\n  Port {server.noisy}", "Host *", *(f"  {name} {value}" for name, value in settings.items())]
    (place / "config").write_text("\n".join(lines) + "\n")
    ssh = place / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {SSH} -F {place / "config"} "$@"\n')
    ssh.chmod(0o755)
    return place


def _server_configuration(place: Path, port: int, noisy: int, first: Sequence[Path]) -> str:
    path = ":".join([*map(str, first), str(place / "bin"), os.environ.get("PATH", "/usr/bin:/bin")])
    shared = f"PATH={path} PYTHONPATH={Path(genesis_ops.__file__).parents[1]} HOME={place}"
    locks = f"GENESIS_LOCK_DIR={place / 'locks'}"
    return f"""\
Port {port}
Port {noisy}
ListenAddress 127.0.0.1
HostKey {place / "host_key"}
AuthorizedKeysFile {place / "authorized_keys"}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 200
Match LocalPort {noisy}
  SetEnv {shared} {locks} BASH_ENV={place / "greeting"} ENV={place / "greeting"}
Match LocalPort {port}
  SetEnv {shared} {locks}
"""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(500):
        assert process.poll() is None, "sshd ended at once"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    raise AssertionError("sshd does not listen")


def _run(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True)
