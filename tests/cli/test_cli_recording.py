"""The picture of a rehearsed phase is what its screen said."""

from pathlib import Path
from xml.etree import ElementTree as ET

from cli_process import process


def said(picture: Path) -> str:
    texts = ET.fromstring(picture.read_text("utf-8")).iter("{http://www.w3.org/2000/svg}text")
    return bare("".join(text.text or "" for text in texts))


def bare(text: str) -> str:
    return "".join(text.split())


def test_the_screen_of_a_phase_is_drawn_into_the_file_that_is_named(tmp_path: Path) -> None:
    done = process("rehearse", "--days", "1", "--into", "phase", "--svg", "phase.svg", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Rehearsal  1 day")
    assert said(tmp_path / "phase.svg") == bare(done.stdout)


def test_a_picture_without_a_place_is_refused_before_anything_is_rehearsed(tmp_path: Path) -> None:
    done = process("rehearse", "--days", "1", "--into", "phase", "--svg", "nowhere/phase.svg", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--svg nowhere/phase.svg cannot be a file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_not_drawn_over(tmp_path: Path) -> None:
    done = process("rehearse", "--days", "1", "--into", "phase", "--svg", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_of_a_whole_phase(tmp_path: Path) -> None:
    done = process("rehearse", "--svg", "phase.svg", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--svg needs a whole phase: --days" in done.stderr
