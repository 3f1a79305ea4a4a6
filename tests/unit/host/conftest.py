"""Lets the tests of this folder share their stand-ins, which importlib mode does not put in reach."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
