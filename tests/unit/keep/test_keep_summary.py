"""How a summary gets into its file while others have it open: nobody's words are written over."""

from pathlib import Path

import pytest

from genesis_ops import durable
from genesis_ops.errors import LockHeld, Refused, WriteFailed
from genesis_ops.keep import summary
from genesis_ops.keep.summary import keep

TEXT = "# Day\n\n<!-- genesis-ops:verdict -->\nPASS\n<!-- /genesis-ops:verdict -->\n"


class Editor:
    """Saves a line more in the middle of our writing, so many times."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.path, self.times, self.saved = path, times, 0
        self._create = durable.create
        monkeypatch.setattr(summary, "create", self)

    def __call__(self, path: Path, raw: bytes, *, like: Path) -> None:
        self._create(path, raw, like=like)
        if self.saved < self.times:
            self.saved += 1
            former = self.path.read_text() if self.path.exists() else ""
            self.path.write_text(f"{former}word{self.saved}\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "summaries" / "day.md"


@pytest.mark.parametrize("times", [1, 2])
def test_what_an_editor_saves_meanwhile_is_merged_with(path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    keep(path, TEXT)
    Editor(path, monkeypatch, times)
    keep(path, TEXT.replace("PASS", "FAIL"))
    text = path.read_text()
    assert "FAIL" in text
    assert all(f"word{number}\n" in text for number in range(1, times + 1))
    assert [*path.parent.iterdir()] == [path]


def test_a_file_that_appears_meanwhile_is_merged_with(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Editor(path, monkeypatch, 1)
    keep(path, TEXT)
    assert path.read_text().startswith("word1\n\n<!-- genesis-ops:verdict ")


def test_a_file_that_is_saved_again_and_again_is_left_to_who_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(path, TEXT)
    Editor(path, monkeypatch, 9)
    with pytest.raises(LockHeld, match="saved by somebody else 3 times"):
        keep(path, TEXT.replace("PASS", "FAIL"))
    assert "FAIL" not in path.read_text()
    assert path.read_text().endswith("word1\nword2\nword3\n")
    assert [*path.parent.iterdir()] == [path]


def test_a_file_in_utf_16_is_refused_and_not_spoiled(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("mine", encoding="utf-16")
    before = path.read_bytes()
    with pytest.raises(Refused, match="UTF-16"):
        keep(path, TEXT)
    assert path.read_bytes() == before


def test_a_file_keeps_its_mode(path: Path) -> None:
    keep(path, TEXT)
    path.chmod(0o640)
    keep(path, TEXT.replace("PASS", "FAIL"))
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_rename_that_fails_leaves_the_former_file_and_nothing_beside_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path, TEXT)

    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(WriteFailed, match="Input/output error"):
        keep(path, TEXT.replace("PASS", "FAIL"))
    assert "PASS" in path.read_text()
    assert [*path.parent.iterdir()] == [path]
