"""What the whole suite shares."""

import os

import pytest
from hypothesis import settings

# A deadline per example would fail on a busy machine, and says nothing about behaviour.
settings.register_profile("suite", deadline=None, max_examples=60)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the developer's own settings out, and this host's real runners out of the way."""
    for name in [name for name in os.environ if name.startswith("GENESIS_") or name in {"NO_COLOR", "NOTIFY_SOCKET"}]:
        monkeypatch.delenv(name)
    own = str(tmp_path_factory.mktemp("locks"))
    monkeypatch.setenv("GENESIS_LOCK_DIR", own)
    monkeypatch.setenv("XDG_STATE_HOME", own)
