"""Lets the tests of this folder share ``rehearsal_processes``, which importlib mode does not put within reach."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from rehearsal_processes import Early, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def early(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Early]:
    with Place(tmp_path_factory.mktemp("early")) as made:
        yield Early(made)


@pytest.fixture(scope="session", autouse=True)
def _begin_early(request: pytest.FixtureRequest) -> None:
    """Let what needs half a minute of waiting begin first, so that it is over when its tests come."""
    if any("early" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("early")
