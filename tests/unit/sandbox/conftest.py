"""Lets the tests of this folder share ``sandbox_world``, which importlib mode does not put within reach."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from sandbox_world import World


@pytest.fixture
def world() -> World:
    return World()
