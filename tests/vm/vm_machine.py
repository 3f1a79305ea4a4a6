"""A Debian with real systemd under QEMU, reached over ssh: what a person would do with a server, a test can do here.

The image comes from image.sh. Every boot writes into a copy that is gone when QEMU ends, so that the image stays clean.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent
_QEMU = "qemu-system-x86_64"
_BOOT_SECONDS = 180.0
_OFF_SECONDS = 60.0
_USERS = ("ops", "locked")  # ops: sudo without a password; locked: sudo asks for one


class Answer(NamedTuple):
    """What a program on the machine said."""

    code: int
    out: str
    err: str


class Machine(NamedTuple):
    """A machine that runs: its directory holds `config` (ssh), `ssh` (a program that uses it) and `serial.log`."""

    directory: Path
    port: int
    process: "subprocess.Popen[bytes] | None"
    """QEMU, where it was started here."""

    @property
    def config(self) -> Path:
        """The ssh configuration that knows the machine as `genesis-vm`, `genesis-vm-locked` and `stranger`."""
        return self.directory / "config"

    @property
    def path(self) -> str:
        """A PATH whose first ssh is the machine's."""
        return f"{self.directory / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def ssh(self, *words: str, host: str = "genesis-vm", stdin: bytes = b"", seconds: float = 300.0) -> Answer:
        """Run ssh to a person's login; the words are joined by ssh, as a person's would be."""
        command = ["ssh", "-F", str(self.config), *self._shared(), "-o", "ControlMaster=auto", host, *words]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds, check=False)
        return Answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def shell(self, script: str, *, user: str = "root", seconds: float = 300.0) -> Answer:
        """Run a script over standard input as one of the machine's users."""
        return self.ssh(f"sudo -n -u {user} -- bash -s", stdin=script.encode(), seconds=seconds)

    def do(self, script: str, *, user: str = "root", seconds: float = 300.0) -> str:
        """Run a script that has to succeed, and give what it said."""
        answer = self.shell(f"set -euo pipefail\n{script}", user=user, seconds=seconds)
        assert answer.code == 0, f"{script}\n{answer.out}\n{answer.err}"
        return answer.out

    def wait_for_login(self, *, other_than: str = "", seconds: float = _BOOT_SECONDS) -> str:
        """Wait until a person can log in and the boot is over; give the boot's id, another than the one given."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = self.ssh("cat /proc/sys/kernel/random/boot_id; systemctl is-system-running --wait", seconds=120)
            boot = answer.out.split("\n")[0]
            if answer.code in {0, 1} and boot and boot != other_than:
                return boot
            assert self.process is None or self.process.poll() is None, self.serial()
            time.sleep(1)
        raise TimeoutError(f"no login within {seconds:g} s\n{self.serial()}")

    def reboot(self, *, power_cut: bool = False) -> str:
        """Boot again, in order or as after a power cut, and wait for the login."""
        before = self.do("cat /proc/sys/kernel/random/boot_id").strip()
        self.hang_up()
        if power_cut:
            self.monitor("system_reset")
        else:
            self.ssh("sudo -n systemctl reboot", seconds=60)
        return self.wait_for_login(other_than=before)

    def hang_up(self) -> None:
        """End the connection that the helpers share."""
        command = ["ssh", "-F", str(self.config), *self._shared(), "-O", "exit", "genesis-vm"]
        subprocess.run(command, capture_output=True, timeout=30, check=False)

    def _shared(self) -> tuple[str, ...]:
        """One connection for the helpers; what is tested makes its own."""
        return "-o", f"ControlPath={self.directory / '%n'}", "-o", "ControlPersist=600"

    def monitor(self, command: str) -> None:
        """Give QEMU itself a command (QMP)."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(30)
            line.connect(str(self.directory / "qmp"))
            stream = line.makefile("rw")
            for name in ("qmp_capabilities", command):
                stream.write(json.dumps({"execute": name}) + "\n")
                stream.flush()
                while "return" not in json.loads(stream.readline()):
                    pass

    def serial(self) -> str:
        """Give the end of what the machine wrote to its console."""
        return (self.directory / "serial.log").read_text(errors="replace")[-2000:]

    def off(self) -> None:
        """Press the power button, and pull the plug where that does not help; another's machine is left running."""
        self.hang_up()
        if self.process is None:
            return
        with contextlib.suppress(OSError, ValueError):
            self.monitor("system_powerdown")
        try:
            self.process.wait(_OFF_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def cache() -> Path:
    """Give the directory of the image, which is built where it is missing."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    directory = Path(base) / "genesis-ops-vm"
    if not (directory / "disk.img").exists():
        subprocess.run([str(_HERE / "image.sh"), str(directory)], timeout=900, check=True)
    return directory


@contextlib.contextmanager
def booted(directory: Path) -> Iterator[Machine]:
    """A machine from power on to power off, or the one that runs in the directory that $VM_MACHINE names."""
    running = os.environ.get("VM_MACHINE")
    machine = found(Path(running)) if running else power_on(cache(), directory)
    try:
        machine.wait_for_login()
        yield machine
    finally:
        machine.off()


def found(directory: Path) -> Machine:
    """Give a machine that somebody else started."""
    port = next(line.split()[1] for line in (directory / "config").read_text().splitlines() if "  Port " in line)
    return Machine(directory, int(port), None)


def power_on(image: Path, directory: Path) -> Machine:
    """Start QEMU on the image, with a port of its own on loopback and no way out of the machine."""
    port = _free_port()
    _write_config(image, directory, port)
    with (directory / "qemu.log").open("wb") as log:
        process = subprocess.Popen(
            _command(image, directory, port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "TMPDIR": str(directory)},  # where QEMU puts what the machine changes
            start_new_session=True,
        )
    return Machine(directory, port, process)


def _command(image: Path, directory: Path, port: int) -> list[str]:
    """QEMU without KVM: it is not to be had everywhere, and a test that needs it would not run."""
    return [
        *(_QEMU, "-accel", "tcg", "-cpu", "max", "-m", "2048", "-smp", "2", "-display", "none"),
        *("-kernel", str(image / "vmlinuz"), "-initrd", str(image / "initrd")),
        *("-append", "root=/dev/vda rw console=ttyS0"),
        *("-drive", f"file={image / 'disk.img'},format=raw,if=virtio,snapshot=on"),
        *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"),
        *("-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"),
        *("-serial", f"file:{directory / 'serial.log'}", "-qmp", f"unix:{directory / 'qmp'},server=on,wait=off"),
    ]


def _write_config(image: Path, directory: Path, port: int) -> None:
    """One Host a user, and a stranger whose key nobody has compared."""
    (directory / "bin").mkdir(parents=True)
    common = (
        f"  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {image / 'key'}\n  IdentitiesOnly yes\n"
        "  StrictHostKeyChecking yes\n  LogLevel ERROR\n  ServerAliveInterval 30\n"
    )
    known = f"  HostKeyAlias genesis-vm\n  UserKnownHostsFile {image / 'known_hosts'}\n"
    blocks = [f"Host {name}\n  User {user}\n{known}{common}" for name, user in zip(_NAMES, _USERS, strict=True)]
    blocks.append(f"Host stranger\n  User ops\n  UserKnownHostsFile /dev/null\n{common}")
    (directory / "config").write_text("\n".join(blocks))
    program = directory / "bin" / "ssh"
    program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {directory / "config"} "$@"\n')
    program.chmod(0o755)


_NAMES = ("genesis-vm", "genesis-vm-locked")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


if __name__ == "__main__":  # boots a machine to try things on, and leaves it running
    started = power_on(cache(), Path(sys.argv[1]).absolute())
    started.wait_for_login()
    print(f"ssh -F {started.config} genesis-vm")
    print(f"VM_MACHINE={started.directory}    for these tests")
    print(f"kill {started.process.pid if started.process else 0}    ends it")
