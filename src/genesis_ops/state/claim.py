"""Which candles were ordered last on this host, whatever journal says so: two log directories share no journal.

It stands beside the market's lock, which the run holds, so that nobody else writes it at the same time. A journal that
was moved away, restored from an older copy, or is another directory's cannot order a candle again.
"""

import errno
import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import put_in_place, read_whole, sync_directory
from genesis_ops.errors import write_failed
from genesis_ops.state.lock import host_lock_directory
from genesis_ops.words import visible

_MOST_BYTES = 1 << 16
_MOST_KEPT = 64  # a signal is fresh for ten minutes, and a candle has at least one


class _Known(NamedTuple):
    candles: tuple[int, ...]
    log_dir: str


class Claim(NamedTuple):
    """The record of one market in the file at ``path``, written for ``log_dir``."""

    path: Path
    log_dir: Path
    durable: bool = True

    def why_not(self, candle_ts: int) -> str:
        """Say why a candle (open time, ms) may not be ordered; empty if it may."""
        try:
            known = self._read()
        except OSError as error:
            return visible(f"{self.path} cannot be read ({error.strerror})")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            return visible(f"{self.path} is damaged ({error!r}); remove it 10 minutes after the last order")
        if candle_ts in known.candles or (len(known.candles) == _MOST_KEPT and candle_ts < min(known.candles)):
            return visible(f"its candle was ordered on this host before; the last order here was for {known.log_dir}")
        return ""

    def take(self, candle_ts: int) -> None:
        """Record that a candle's order is about to leave.

        Raises:
            WriteFailed: it is not on the disk.
        """
        try:
            candles = sorted({*self._read().candles, candle_ts})[-_MOST_KEPT:]
            document = {"candles": candles, "log_dir": str(self.log_dir)}
            put_in_place(self.path, f"{json.dumps(document)}\n".encode("ascii"), durable=self.durable)
            if self.durable:
                sync_directory(self.path.parent)
        except OSError as error:
            raise write_failed(self.path, error) from error

    def _read(self) -> _Known:
        """Read the file; an error where it is not what was written, or not this user's to replace."""
        try:
            raw = read_whole(self.path, _MOST_BYTES)
        except FileNotFoundError:
            return _Known((), "")
        if hasattr(os, "geteuid") and self.path.stat().st_uid != os.geteuid():
            raise OSError(errno.EPERM, "it belongs to another user")
        document: Any = json.loads(raw)
        return _Known(tuple(map(int, document["candles"])), str(document["log_dir"]))


def claim_of(lock_dir: Path | None, market: str, log_dir: Path, *, durable: bool = True) -> Claim:
    """Find a market's (``tTESTBTC:TESTUSD 1h``) record; without a ``lock_dir`` it lies where the host's locks are."""
    name = re.sub(r"[^A-Za-z0-9-]", "_", market)
    return Claim((lock_dir or host_lock_directory()) / f"genesis-ops-{name}-ordered.json", log_dir, durable)
