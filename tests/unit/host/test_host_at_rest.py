"""State and logs held while they are moved: not by a dead runner's name plate, and never beside a living one."""

import os
from pathlib import Path

import pytest

from genesis_ops.clients.host_clock import HostClock
from genesis_ops.errors import LockHeld
from genesis_ops.host.at_rest import at_rest
from genesis_ops.settings import Settings, load
from genesis_ops.state.lock import LockWish, hold


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load({"root": tmp_path}, {}, None).settings
    made.log_dir.mkdir(parents=True)
    return made


def test_a_name_plate_whose_number_is_anothers_now_stands_in_nobodys_way(settings: Settings) -> None:
    plate = settings.log_dir / "runner.lock"
    plate.write_text(f'{{"pid": {os.getppid()}, "since": "2026-02-01T00:00:00Z", "command": "genesis-ops run"}}\n')
    with at_rest(settings, "genesis-ops host archive", HostClock()):
        assert "host archive" in plate.read_text()


def test_what_a_runner_holds_is_not_moved(settings: Settings) -> None:
    wish = LockWish(settings.log_dir / "runner.lock", "another runner writes here")
    with (
        hold((wish,), command="genesis-ops run", now_ms=0),
        pytest.raises(LockHeld, match="another runner writes its log"),
        at_rest(settings, "genesis-ops host archive", HostClock()),
    ):
        pass
