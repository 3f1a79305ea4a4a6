"""A question to a server that is under way while everything else is looked at."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from genesis_ops.clients.health import SECONDS
from genesis_ops.errors import GenesisError

T = TypeVar("T")

_GRACE_SECONDS = 1.0  # a name service has no deadline of its own, so the wait for an answer has one too


class Asked(Generic[T]):
    """A question that is under way while everything else is looked at."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._answers: list[T] = []
        self._errors: list[Exception] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answers.append(self._ask())
        except Exception as error:  # noqa: BLE001 - it is raised again where the answer is wanted
            self._errors.append(error)

    def answer(self, otherwise: Callable[[str], T]) -> T:
        """Wait for the answer; ``otherwise`` makes one of the reason why there is none."""
        self._thread.join(SECONDS + _GRACE_SECONDS)
        for error in self._errors:
            if not isinstance(error, GenesisError):
                raise error
            return otherwise(error.message)
        return self._answers[0] if self._answers else otherwise(f"no reply within {SECONDS:.0f}s")
