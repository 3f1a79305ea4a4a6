"""The command as an operator's shell runs it: a process of its own, with its streams and its exit code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import genesis_ops

COMMAND = (sys.executable, "-m", "genesis_ops")
NOWHERE = {"GENESIS_API_URL": "http://127.0.0.1:9", "GENESIS_EXCHANGE_URL": "http://127.0.0.1:9"}
IGNORED = ("GENESIS_", "NO_COLOR", "FORCE_COLOR", "NOTIFY_SOCKET", "WATCHDOG_", "COLUMNS")


def environment(**changes: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "GENESIS_LOCK_DIR" or not name.startswith(IGNORED)  # the suite's own, out of real runners' way
    }
    return kept | NOWHERE | {"PYTHONPATH": str(Path(genesis_ops.__file__).parents[1])} | changes


def process(*arguments: str | bytes, cwd: Path | None = None, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end; what it writes is decoded strictly."""
    options: dict[str, Any] = {"cwd": cwd, "env": environment(**changes), "stdin": subprocess.DEVNULL}
    return subprocess.run(
        (*COMMAND, *arguments), capture_output=True, check=False, encoding="utf-8", timeout=60, **options
    )
