"""Lets the tests of this folder share ``rehearsal_processes``, which importlib mode does not put within reach."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from rehearsal_processes import Place, SlowStops


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def slow_stops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlowStops]:
    with Place(tmp_path_factory.mktemp("slow")) as made:
        yield SlowStops(made)


@pytest.fixture(scope="session", autouse=True)
def _begin_early(request: pytest.FixtureRequest) -> None:
    """Let what needs half a minute of waiting begin first, so that it is over when its tests come."""
    if any("slow_stops" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("slow_stops")
