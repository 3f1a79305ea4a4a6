"""Lets the tests of this folder share ``cli_process`` and a sandbox, which importlib mode does not put in reach."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "unit" / "keep"))
