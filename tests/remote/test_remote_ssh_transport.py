"""The way to another host, against a real sshd: what arrives, what is refused, and in which words."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import remote_sshd
from remote_sshd import Sshd, client, sshd

from genesis_ops.errors import Refused, RemoteUnavailable
from genesis_ops.remote.transport import Ssh, call, connected, lines, talk
from genesis_ops.remote.trouble import Broken

pytestmark = pytest.mark.skipif(remote_sshd.MISSING, reason="needs OpenSSH's sshd, ssh and ssh-keygen")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as server:
        server.program("words", '#!/bin/sh\nprintf "%s\\n" "$#" "$@"\n')
        server.program("both", "#!/bin/sh\ncat\necho complaint >&2\nexit 3\n")
        server.program("stays", "#!/bin/sh\necho begun\nexec sleep 30\n")
        yield server


@pytest.fixture(autouse=True)
def knows(there: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (there.place / "sudo-says").unlink(missing_ok=True)
    place = client(there, tmp_path / "client")
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    return place


def test_words_arrive_as_they_are(there: Sshd) -> None:
    words = ["a b", "$(touch x)", "'\"`;&|", "", "-n", "two\nlines\n", "ünïcödé"]
    answer = call(Ssh("server"), [str(there.bin / "words"), *words], user="genesis", seconds=10)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.decode() == "\n".join([str(len(words)), *words, ""])


def test_data_arrives_whole_and_both_streams_come_back(there: Sshd) -> None:
    data = bytes(range(256)) * 2000
    answer = call(Ssh("server"), [str(there.bin / "both")], user="root", data=data, seconds=10)
    assert (answer.code, answer.out, answer.err) == (3, data, "complaint\n")


def test_a_login_that_talks_first_is_not_the_answer(there: Sshd) -> None:
    answer = call(Ssh("noisy"), [str(there.bin / "words"), "x"], user="genesis", seconds=10)
    assert answer.out == b"1\nx\n"


def test_calls_share_one_connection_and_leave_none(there: Sshd) -> None:
    before = there.log().count("Accepted publickey")
    with connected("server") as ssh:
        for _ in range(3):
            assert call(ssh, [str(there.bin / "words")], user="root", seconds=10).out == b"0\n"
        directory = Path(ssh.control).parent
        assert directory.stat().st_mode & 0o777 == 0o700
    assert there.log().count("Accepted publickey") == before + 1
    assert not directory.exists()


def test_the_rights_are_asked_for_by_sudo(there: Sshd) -> None:
    (there.place / "sudo-asked").unlink(missing_ok=True)
    for ssh, user in ((Ssh("server"), "root"), (Ssh("server"), "genesis"), (Ssh("server", sudo=False), "genesis")):
        call(ssh, [str(there.bin / "words")], user=user, seconds=10)
    words = there.bin / "words"
    assert (there.place / "sudo-asked").read_text() == f"root {words}\ngenesis {words}\n"


def test_a_sudo_that_wants_a_password_is_refused_with_the_line_that_is_needed(there: Sshd) -> None:
    (there.place / "sudo-says").write_text("sudo: a password is required\n")
    with pytest.raises(Refused, match="without a password") as caught:
        call(Ssh("root@server"), ["/opt/g/genesis-ops"], user="genesis", seconds=10)
    assert "root ALL=(ALL) NOPASSWD: /opt/g/genesis-ops" in caught.value.notes


def test_a_program_that_is_not_there_is_refused_with_how_to_install_it() -> None:
    for ssh in (Ssh("server"), Ssh("server", sudo=False)):
        with pytest.raises(Refused, match="server has no /opt/none") as caught:
            call(ssh, ["/opt/none"], user="genesis", seconds=10)
        assert "remote install" in caught.value.next_command


def test_an_unknown_host_key_is_refused_and_not_learned(knows: Path) -> None:
    (knows / "known_hosts").write_text("")
    with pytest.raises(RemoteUnavailable, match="the key of server is not known") as caught:
        call(Ssh("server"), ["true"], user="root", seconds=10)
    assert (knows / "known_hosts").read_text() == ""
    assert "compare" in caught.value.notes[0]
    assert caught.value.next_command == "ssh server"


def test_another_host_key_than_before_is_told_as_such(there: Sshd, knows: Path) -> None:
    other = (there.place / "key.pub").read_text().split()[:2]
    (knows / "known_hosts").write_text(f"server {' '.join(other)}\n")
    with pytest.raises(RemoteUnavailable, match="is not the host that it was"):
        call(Ssh("server"), ["true"], user="root", seconds=10)


def test_a_closed_port_and_a_key_that_opens_nothing_are_told(
    there: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options, told in (
        ({"Port": "9"}, "server cannot be reached"),
        ({"IdentityFile": str(there.place / "host_key")}, "lets nobody in"),
    ):
        place = client(there, tmp_path / told[:4], **options)
        monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
        with pytest.raises(RemoteUnavailable, match=told) as caught:
            call(Ssh("server"), ["true"], user="root", seconds=10)
        assert caught.value.exit_code == 69


def test_without_ssh_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RemoteUnavailable, match="there is no ssh on this host"):
        call(Ssh("server"), ["true"], user="root", seconds=10)


def test_what_takes_longer_than_its_time_is_given_up(there: Sshd) -> None:
    began = time.monotonic()
    with pytest.raises(RemoteUnavailable, match="did not answer within"):
        call(Ssh("server"), [str(there.bin / "stays")], user="root", seconds=1)
    assert time.monotonic() - began < 5


def test_a_connection_that_is_cut_is_told_as_broken(there: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    from genesis_ops.remote import transport

    began: list[int] = []
    start = transport._started

    def started(ssh: Ssh) -> "object":
        process = start(ssh)
        began.append(process.pid)
        return process

    monkeypatch.setattr(transport, "_started", started)
    heard = lines(talk(Ssh("server"), [str(there.bin / "stays")], user="root"))
    assert next(heard) == (False, "begun")
    os.kill(began[0], signal.SIGKILL)
    with pytest.raises(Broken, match="broke"):
        next(heard)
