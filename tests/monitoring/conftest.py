"""Lets the tests of this folder share the export in which every figure is known, and names the files they are about."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "unit" / "report"))
sys.path.append(str(Path(__file__).parent))
