"""One machine for all tests of this folder: a boot is half a minute, and what it is to be ready for a test another."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from vm_machine import Answer, Machine, booted
from vm_server import Server, furnish


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A Debian that has been booted, and nothing of this project on it."""
    with booted(tmp_path_factory.mktemp("vm") / "machine") as running:
        yield running


@pytest.fixture(scope="session")
def furnished(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, Answer]:
    """The server with everything on it, and what `remote install` said."""
    laptop = tmp_path_factory.mktemp("laptop")
    (laptop / "logs").mkdir()  # a root, so that its records stay in it
    server = Server(machine, laptop)
    return server, furnish(server)


@pytest.fixture
def server(furnished: tuple[Server, Answer]) -> Server:
    """The server with both services running."""
    furnished[0].wait_for_services()
    return furnished[0]
