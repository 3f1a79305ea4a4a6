"""Lets the tests of this folder share ``planted``, which importlib mode does not put within reach."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
