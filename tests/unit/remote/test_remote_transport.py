"""What needs no sshd: where the shared socket lies, how lines are cut, and how several are ended at once."""

import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from genesis_ops.remote.transport import Piece, Running, _control, lines


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
