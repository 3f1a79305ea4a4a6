"""The picture of a rehearsed phase is what its screen said."""

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from cli_process import COMMAND, environment, process

RECORDED = Path(__file__).parents[2] / "docs" / "rehearsal.svg"


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


def test_the_readme_shows_a_whole_phase_that_went_well() -> None:
    shown = said(RECORDED)
    assert shown.startswith("Rehearsal42days,seed7,0faults")
    assert shown.endswith("PASSthephase:PASS,nofalsealarm,exit0")


@pytest.mark.soak
def test_the_readme_shows_what_the_rehearsal_of_today_shows(tmp_path: Path) -> None:
    words = ("rehearse", "--days", "42", "--into", "phase")
    done = subprocess.run(
        (*COMMAND, *words), cwd=tmp_path, env=environment(), capture_output=True, check=True, encoding="utf-8"
    )
    assert without_duration(said(RECORDED)) == without_duration(bare(done.stdout))


def without_duration(text: str) -> str:
    return re.sub(r"in[\d.]+ssnapshots", "", text)
