"""What needs no sshd: where the shared socket lies, how lines are cut, and how several are ended at once."""

import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from genesis_ops.errors import RemoteUnavailable
from genesis_ops.remote import transport
from genesis_ops.remote.transport import Piece, Running, Ssh, _control, _Stream, lines


@pytest.mark.parametrize("name", ["a b", "100%h", "x" * 80, '"'])
def test_a_place_whose_name_ssh_would_read_differently_is_not_used(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / name
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with ExitStack() as stack:
        control = _control(stack)
        assert control.startswith("/tmp/genesis-ops-")
        assert list(place.iterdir()) == []


def test_without_any_place_every_call_connects_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null")
    with ExitStack() as stack:
        assert _control(stack) == ""


def test_what_a_login_says_before_the_mark_is_not_the_programs() -> None:
    stream = _Stream(b"mark\n", "server")
    assert [stream.taken(raw) for raw in (b"hello\nma", b"rk\nfirst", b"mark\n")] == [b"", b"first", b"mark\n"]
    with pytest.raises(RemoteUnavailable, match="talks without end"):
        _Stream(b"mark\n", "server").taken(b"x" * (1 << 21))


def test_what_a_program_complains_of_is_not_lost_where_it_is_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces(process: "subprocess.Popen[bytes]", data: bytes, *_: object) -> Generator[Piece, None, None]:
        process.communicate()
        mark = data.partition(b"; m=")[2].partition(b";")[0] + b"\n"
        yield from (Piece(True, b"greeting\n" + mark + b"complaint\n"), Piece(False, mark))

    def started(_: Ssh) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(("true",), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    monkeypatch.setattr(transport, "_pieces", pieces)
    monkeypatch.setattr(transport, "_started", started)
    assert list(transport.talk(Ssh("server"), ["x"], user="root")) == [Piece(True, b"complaint\n")]


def said(*raws: bytes) -> Generator[Piece, None, int]:
    for raw in raws:
        yield Piece(False, raw)
    return 0


def test_a_line_in_pieces_is_whole_and_one_too_long_loses_its_end_alone() -> None:
    assert list(lines(said(b"o", b"ne\r\ntw", b"o"))) == [(False, "one"), (False, "two")]
    assert list(lines(said(b"abc", b"def", b"gh\nnext\n"), most=4)) == [(False, "abcd"), (False, "next")]


def test_what_runs_is_ended_and_what_comes_too_late_as_well() -> None:
    running = Running()
    words = (sys.executable, "-S", "-c", "import sys; sys.stdin.read()")
    first = subprocess.Popen(words, stdin=subprocess.PIPE)
    with first:
        running.add(first)
        running.end()
        assert first.wait(10) == -9
    late = subprocess.Popen(words, stdin=subprocess.PIPE)
    with late:
        running.add(late)
        assert late.wait(10) == -9
