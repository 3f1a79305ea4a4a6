"""Lets the tests of this folder share ``keep_root``, and gives each a root of its own."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keep_root

    root = tmp_path_factory.mktemp("rehearsed") / "root"
    keep_root.make(root)
    return root


@pytest.fixture
def root(rehearsed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rehearsed, tmp_path / "root"))
