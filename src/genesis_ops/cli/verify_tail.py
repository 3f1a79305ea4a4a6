"""How lines of the runner log reach stdout: in colours on a terminal, as they stand in the log anywhere else."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genesis_ops.cli.judging import write
from genesis_ops.collect.known_secrets import known_secrets
from genesis_ops.collect.verify_logs import Tail, parsed
from genesis_ops.keep.clean import Cleaner
from genesis_ops.report.verify_logs import drawn, plain, reaches

if TYPE_CHECKING:
    from genesis_ops.settings import Settings


class Display:
    """Shows lines from a level on, without the secrets that one of them may hold."""

    def __init__(self, settings: "Settings", level: str) -> None:
        self._level = level
        self._cleaner = Cleaner(known_secrets(settings).secrets)
        self._former: Tail | None = None

    def put(self, lines: Sequence[bytes]) -> None:
        """Show lines of the log, oldest first.

        Raises:
            OSError: stdout cannot be written; the boundary tells it.
        """
        shown = [tail for line in self._cleaned(lines) if reaches((tail := self._read(line)).level, self._level)]
        texts = [(tail.raw.decode("utf-8", "backslashreplace"), tail.level) for tail in shown]
        if not texts:
            return
        if sys.stdout is None or not sys.stdout.isatty():
            write("".join(f"{plain(text)}\n" for text, _ in texts))
            return
        from genesis_ops.cli.pages import put

        put(lambda page: (line for text, level in texts for line in drawn(text, level, page)))

    def _cleaned(self, lines: Sequence[bytes]) -> list[bytes]:
        if not lines:
            return []
        raw = b"".join(line + b"\n" for line in lines)
        return self._cleaner.clean(raw).split(b"\n")[:-1]

    def _read(self, line: bytes) -> Tail:
        self._former = parsed(line, self._former)
        return self._former
