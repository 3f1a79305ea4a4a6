"""What enforcing did, step by step, as data: one that fails is told, and never hides or prevents the others."""

from collections.abc import Callable
from typing import NamedTuple

from genesis_ops.errors import GenesisError
from genesis_ops.words import Exit, visible


class StepFailed(Exception):
    """A step could not do what it is there for; the message says why."""


class Step(NamedTuple):
    """One step: its name, whether it reached what it is there for, and one line about it."""

    name: str
    done: bool
    detail: str


class Enforced(NamedTuple):
    """Every step, in the order in which it was taken."""

    steps: tuple[Step, ...]

    @property
    def complete(self) -> bool:
        """Whether the runner is proved to have stopped, and all of it is on record."""
        return all(step.done for step in self.steps)

    @property
    def exit_code(self) -> Exit:
        """An abort condition holds (1); a step that failed needs a person first (70)."""
        return Exit.FAIL if self.complete else Exit.BUG_OR_WRITE_FAILED


def attempt(name: str, action: Callable[[], str]) -> Step:
    """Take one step: ``action`` gives the line about it, or raises."""
    try:
        return Step(name, True, visible(action()))
    except StepFailed as failed:
        return Step(name, False, visible(str(failed)))
    except GenesisError as error:
        return Step(name, False, visible("; ".join((error.message, *error.notes))))
    except Exception as error:  # noqa: BLE001 - a defect in one step must not keep a runner from being stopped
        return Step(name, False, visible(f"{type(error).__name__}: {error}"))
