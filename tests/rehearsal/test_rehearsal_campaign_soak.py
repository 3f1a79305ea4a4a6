"""Every fault in several seeds, and many seeds without one; more of both with tests/bench/campaign.py --seeds N."""

import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).parents[1] / "bench" / "campaign.py"


@pytest.mark.soak
@pytest.mark.parametrize(("what", "seeds"), [("soak", 2), ("clean", 10)])
def test_every_fault_is_noticed_by_who_is_to_notice_it_and_nothing_else_is_an_alarm(what: str, seeds: int) -> None:
    command = [sys.executable, str(CAMPAIGN), what, "--seeds", str(seeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
