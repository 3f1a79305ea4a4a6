"""The wallets' baseline, against which a later reading is held (runbook, Execution Verification, step 2)."""

import json
import math
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import publish, put_in_place, read_whole, sync_directory
from genesis_ops.errors import Refused, WriteFailed, typed, write_failed
from genesis_ops.words import iso, visible

SCHEMA = "genesis-ops.baseline/1"
SOURCE = "baseline"
"""What a reading of the wallets is called that stands in such a file."""

_NAME = "wallet_baseline.json"
_FORMER = re.compile(r"wallet_baseline_\d{8}_\d{6}Z\.json")
_MOST_BYTES = 1 << 20
_KEYS = {"schema", "at", "by", "balances"}
_TRIES = 10


class Baseline(NamedTuple):
    """When (ms, UTC) and by whom the exchange wallets were read, and their balances by currency."""

    at_ms: int
    by: str
    balances: Mapping[str, float]


def baseline_file(log_dir: Path) -> Path:
    """Name the file of the baseline in force."""
    return log_dir / _NAME


def read_baseline(log_dir: Path) -> Baseline | None:
    """Give the baseline in force; None where none was ever recorded.

    Raises:
        Refused: there is one that cannot be read or understood.
    """
    path = baseline_file(log_dir)
    try:
        return _parsed(json.loads(read_whole(path, _MOST_BYTES)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError, OverflowError) as error:
        raise _unusable(path, f"is not a baseline ({error})") from error


def former_baselines(log_dir: Path) -> tuple[Baseline, ...]:
    """Give the baselines that are not in force any more, oldest first; what cannot be read is left out."""
    names: list[str] = []
    with suppress(OSError):
        names = sorted(name for name in os.listdir(log_dir) if _FORMER.fullmatch(name))  # noqa: PTH208 - names only
    found: list[Baseline] = []
    for name in names:
        with suppress(OSError, ValueError, RecursionError, OverflowError):
            found.append(_parsed(json.loads(read_whole(log_dir / name, _MOST_BYTES))))
    return tuple(found)


def record_baseline(log_dir: Path, baseline: Baseline) -> Path | None:
    """Put a baseline in force, durably, and keep the former one beside it; the former one's new file, if there was one.

    Raises:
        WriteFailed: it is not on the disk, and the former one is still in force.
    """
    path = baseline_file(log_dir)
    document = {
        "schema": SCHEMA,
        "at": iso(baseline.at_ms),
        "by": baseline.by,
        "balances": dict(sorted(baseline.balances.items())),
    }
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        kept = _kept(path, baseline.at_ms)
        put_in_place(path, f"{json.dumps(document, indent=2, allow_nan=False)}\n".encode("ascii"), mode=0o600)
        sync_directory(log_dir)
    except OSError as error:
        raise write_failed(path, error) from error
    return kept


def _kept(path: Path, now_ms: int) -> Path | None:
    """Copy the baseline in force to the name of its own time, or of now where it cannot be understood."""
    try:
        raw = read_whole(path, _MOST_BYTES)
    except FileNotFoundError:
        return None
    at_ms = now_ms
    with suppress(ValueError, RecursionError, OverflowError):
        at_ms = _parsed(json.loads(raw)).at_ms
    for number in range(_TRIES):
        moment = time.strftime("%Y%m%d_%H%M%S", time.gmtime(at_ms // 1000 + number))
        former = path.with_name(f"wallet_baseline_{moment}Z.json")
        try:
            publish(former, raw, mode=0o600)
        except FileExistsError:
            if former.is_file() and read_whole(former, _MOST_BYTES) == raw:
                return former  # a stop came between the copy and the new one
            continue
        return former
    raise WriteFailed(
        f"{former} could not be written: there is something of that name",
        next_command=f"ls -la {typed(path.parent)}",
    )


def _unusable(path: Path, what: str) -> Refused:
    return Refused(
        visible(f"{path} {what}"),
        notes=("nothing can be held against it; recording another one keeps it under another name",),
        next_command="genesis-ops verify wallets",
    )


def _parsed(document: Any) -> Baseline:
    if not isinstance(document, dict) or document.keys() != _KEYS or document["schema"] != SCHEMA:
        raise ValueError(f"it holds no {SCHEMA}")
    at, by, balances = document["at"], document["by"], document["balances"]
    if not isinstance(at, str) or not at.endswith("Z") or not isinstance(by, str):
        raise ValueError("at is no time in UTC, or by is no text")
    if not isinstance(balances, dict) or not all(map(_is_amount, balances.values())):
        raise ValueError("balances are not numbers by currency")
    at_ms = round(datetime.fromisoformat(at).timestamp() * 1000)
    return Baseline(at_ms, by, {name: float(amount) for name, amount in balances.items()})


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
