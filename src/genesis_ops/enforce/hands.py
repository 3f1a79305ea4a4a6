"""What enforcing needs of a host, so that a test can pass in another one."""

from collections.abc import Sequence
from typing import Protocol


class Runner(Protocol):
    """A process in hand: what is done to it is done to that one, and to no later one of the same number."""

    @property
    def pid(self) -> int:
        """The process's number."""

    @property
    def command(self) -> str:
        """Its command line."""

    def why_not(self) -> str:
        """Say why it must not be stopped; empty: it may."""

    def lives(self) -> bool:
        """Tell whether it still runs; StepFailed if that cannot be told."""

    def terminate(self) -> None:
        """Ask it to stop (SIGTERM); StepFailed if that is not allowed."""

    def kill(self) -> None:
        """End it (SIGKILL); StepFailed if that is not allowed."""


class Hands(Protocol):
    """The host."""

    def find(self) -> Sequence[Runner]:
        """Look for processes that look like runners; StepFailed if nobody can look."""

    def unit_pid(self) -> int:
        """Tell which process systemd keeps as genesis-runner.service; 0: none, or there is no systemd."""

    def stop_unit(self, seconds: float) -> None:
        """Have systemd stop genesis-runner.service; StepFailed if it does not within so many seconds."""
