"""What goes over a connection, against a real sh: every word arrives as it is, and none is executed."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_ops.errors import UsageRefused
from genesis_ops.remote.script import LOGIN, line
from genesis_ops.remote.transport import Ssh, command
from genesis_ops.settings import load

SHELLS = [path for path in map(shutil.which, ("dash", "bash", "busybox")) if path is not None]
_PRINTS = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
MARKER = "marker-0123"
PIECES = (
    "$(touch {})", "`touch {}`", "; touch {};", "| touch {}", "&& touch {}", "& touch {} &", "> {}", "\n touch {} \n",
    "'; touch {}; '", '"; touch {}; "', "\\'; touch {}; \\'", "$(<{})", "${{IFS}}touch${{IFS}}{}", "!touch {}",
    "\r\ntouch {}\r\n", "-oProxyCommand=touch {}", "--upload-pack=touch {}", "#{}", "~root", "*", "?", "[a-z]",
    "{{a,b}}", "%h", "\t", "\x1b[2J", "ünï", "日本", "👩", "\udcff", "", " ", "-", "--", "$0", "$n",
    "\\", "'", '"', "\n", "x\n",
)  # fmt: skip


def hostile(canary: Path, count: int) -> list[str]:
    """Give that many words, each of which would leave a canary if any of it were executed."""
    pieces = [piece.format(canary) for piece in PIECES]
    found = list(pieces)
    for apart in ("", " ", "/", "@", "\n"):
        for step in (1, 5, 11):
            found += [f"{piece}{apart}{pieces[(at + step) % len(pieces)]}" for at, piece in enumerate(pieces)]
    assert len(found) >= count
    return found[:count]


def through(shell: str, words: Sequence[str], data: bytes = b"") -> tuple[bytes, bytes]:
    """Run the line as a login shell would, and give what came before the marker's end, and after it."""
    script = line([sys.executable, "-S", "-c", _PRINTS, *words], "genesis", sudo=False, marker=MARKER)
    called = (shell, "sh", "-c", LOGIN) if shell.endswith("busybox") else (shell, "-c", LOGIN)
    done = subprocess.run(called, input=script + data, capture_output=True, check=False, timeout=30)
    marked, _, said = done.stdout.partition(f"{MARKER}\n".encode())
    assert done.returncode == 0, done.stderr
    return marked, said


@pytest.mark.parametrize("shell", SHELLS)
def test_five_hundred_hostile_words_arrive_as_they_are_and_leave_no_canary(shell: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    words = hostile(canary, 500)
    before, said = through(shell, words)
    assert before == b""
    assert said.split(b"\0") == [word.encode("utf-8", "surrogateescape") for word in words]
    assert not canary.exists()
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=25)
@given(
    words=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40), min_size=1)
)
def test_any_words_arrive_as_they_are(words: list[str]) -> None:
    _, said = through(SHELLS[0], words)
    assert said.split(b"\0") == [word.encode() for word in words]


def test_the_line_is_one_line_and_asks_sudo_for_no_password() -> None:
    root = line(["/opt/g o/genesis-ops", "host", "plan", "--branch=$(id)\nx"], "root", sudo=True, marker="m")
    assert root == (
        b"cd /; m=m; echo $m; echo $m >&2; n=$(printf '\\nx'); n=${n%x}; LC_ALL=C; export LC_ALL; "
        b"exec sudo -n -- '/opt/g o/genesis-ops' host plan '--branch=$(id)'\"$n\"x\n"
    )
    user = line(["/opt/genesis-ops", "preflight"], "genesis", sudo=True, marker="m")
    assert user.endswith(b"exec sudo -n -u genesis -- /opt/genesis-ops preflight\n")
    alone = line(["/opt/genesis-ops", "preflight"], "genesis", sudo=False, marker="m")
    assert alone.endswith(b"exec /opt/genesis-ops preflight\n")


def test_a_nul_byte_is_refused() -> None:
    with pytest.raises(UsageRefused, match="NUL"):
        line(["a\0b"], "root", sudo=True, marker="m")


def test_a_target_that_cannot_be_meant_leads_to_the_help_of_remote(tmp_path: Path) -> None:
    with pytest.raises(UsageRefused) as caught:
        load({"root": tmp_path, "ssh_target": "-x"}, {}, None)
    assert caught.value.next_command == "genesis-ops remote --help"


def test_sshs_own_command_line_has_nothing_of_what_is_run() -> None:
    assert command(Ssh("ops@host")) == (
        "ssh", "-T",
        "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=10",
        "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3", "-o", "RequestTTY=no",
        "-o", "RemoteCommand=none", "-o", "PermitLocalCommand=no", "-o", "ForwardAgent=no", "-o", "ForwardX11=no",
        "-o", "ClearAllForwardings=yes", "-o", "ControlMaster=no", "-o", "ControlPath=none",
        "--", "ops@host", LOGIN,
    )  # fmt: skip
    shared = command(Ssh("ops@host", control="/tmp/x/c"))
    assert shared[-9:-3] == ("-o", "ControlMaster=auto", "-o", "ControlPath=/tmp/x/c", "-o", "ControlPersist=60")


def test_a_hostile_target_is_refused_before_ssh_is_asked(tmp_path: Path) -> None:
    taken = []
    for word in hostile(tmp_path / "canary", 500):
        try:
            taken.append(load({"root": tmp_path, "ssh_target": word}, {}, None).settings.ssh_target)
        except UsageRefused:
            continue
    assert taken == []
