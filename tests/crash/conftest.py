"""Lets the tests of this folder share its helpers, which importlib mode does not put within reach."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from crash_processes import Api, ApiServer, ForkServer, serving


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with ForkServer(tmp_path_factory.mktemp("forks")) as server:
        yield server


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with serving(Api()) as started:
        yield started
