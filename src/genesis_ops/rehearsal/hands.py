"""Enforcing on a rehearsed host: the one runner there, as ``enforce`` takes a process in hand."""

import signal
from collections.abc import Sequence

from genesis_ops.rehearsal.host import Host


class HeldRunner:
    """The runner that lived when somebody looked."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.pid = host.runner_pid
        self.command = f"genesis-ops run --{host.mode}"

    def why_not(self) -> str:
        """Say why it must not be stopped: there is no reason."""
        return ""

    def lives(self) -> bool:
        """Tell whether it still runs."""
        return self._host.runner_pid == self.pid and self._host.stage.lives

    def terminate(self) -> None:
        """Ask it to stop."""
        self._host.stage.stop_number = int(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._host.stage.kill()


class RehearsedHands:
    """What enforcing needs of a host, on the rehearsed one."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def find(self) -> Sequence[HeldRunner]:
        """Name the runner, if it lives."""
        return [HeldRunner(self._host)] if self._host.stage.lives else []

    def unit_pid(self) -> int:
        """Tell that systemd keeps nothing here."""
        return 0

    def stop_unit(self, seconds: float) -> None:
        """Have nothing to stop."""
