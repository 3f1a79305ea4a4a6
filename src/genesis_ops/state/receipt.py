"""The acceptance receipt: proof next to the logs that a window was judged, and of what exactly (issue 2/7)."""

import json
import re
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from genesis_ops.durable import publish, read_whole
from genesis_ops.errors import Refused, WriteFailed, typed, write_failed
from genesis_ops.words import iso, visible

SCHEMA = "genesis-ops.receipt/1"
_NAME = re.compile(r"acceptance_receipt_[0-9]{8}_[0-9]{6}Z\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES = 1 << 20
_MOST_IN_A_ROW = 60
_OUTCOMES = ("PASS", "WARN", "FAIL", "UNKNOWN", "SKIP")
_KEYS = {
    "schema", "window", "verdict", "champion", "runtime_config_hash", "evidence_sha256", "checks",
    "version", "market", "written_at",
}  # fmt: skip
_DRILLED = "drilled"


class Receipt(NamedTuple):
    """What was judged (times in ms, UTC), what came of it, and the hashes of what it rests on (SHA-256, hex).

    ``runtime_config_hash`` is the API's own word, None where it was not asked; ``evidence_sha256`` is over what was
    judged; ``checks`` is the outcome of each check by its id (contract §8).
    """

    start_ms: int
    end_ms: int
    covered_seconds: int
    verdict: str
    champion_file: str
    champion_sha256: str
    runtime_config_hash: str | None
    evidence_sha256: str
    checks: Mapping[str, str]
    version: str
    market: str
    written_ms: int
    drilled: str = ""
    """Whether the checks that judged were proven to go off; empty in a receipt of an older version."""


def write_receipt(log_dir: Path, receipt: Receipt) -> Path:
    """Write a receipt that only its owner can read, durably, beside the ones that are there; give its path.

    The name's second is moved on where another receipt has it, because none is ever overwritten.

    Raises:
        WriteFailed: it did not reach the disk; a receipt that could not be read again is not written either.
    """
    raw = f"{json.dumps(_document(receipt), indent=2)}\n".encode("ascii")
    try:
        _parsed(json.loads(raw))
    except ValueError as error:
        raise WriteFailed(f"the receipt is not written: it could not be read again ({error})") from None
    path = _path(log_dir, receipt.written_ms)
    for seconds in range(_MOST_IN_A_ROW):
        path = _path(log_dir, receipt.written_ms + seconds * 1000)
        try:
            publish(path, raw, mode=0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise write_failed(path, error) from error
        return path
    raise WriteFailed(f"{path} could not be written: it exists already", next_command=f"ls -l {typed(log_dir)}")


def newest_receipt(log_dir: Path) -> Receipt | None:
    """Read the newest receipt by its name; None where there is none.

    Raises:
        Refused: it is damaged; an older one does not stand in for it.
    """
    names = _names(log_dir)
    return _read(log_dir / names[-1]) if names else None


def receipts(log_dir: Path) -> tuple[Receipt, ...]:
    """Read every receipt, oldest first by its name.

    Raises:
        Refused: one is damaged.
    """
    return tuple(_read(log_dir / name) for name in _names(log_dir))


def _names(log_dir: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in log_dir.iterdir() if _NAME.fullmatch(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _refused(f"{log_dir} cannot be listed ({error.strerror})") from None


def _read(path: Path) -> Receipt:
    try:
        return _parsed(json.loads(read_whole(path, _MOST_BYTES)))
    except OSError as error:
        raise _refused(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise _refused(f"{path} is not an acceptance receipt ({error})") from None


def _refused(message: str) -> Refused:
    return Refused(visible(message), next_command="genesis-ops acceptance")


def _path(log_dir: Path, at_ms: int) -> Path:
    return log_dir / f"acceptance_receipt_{time.strftime('%Y%m%d_%H%M%SZ', time.gmtime(at_ms // 1000))}.json"


def _document(receipt: Receipt) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "window": {
            "start": iso(receipt.start_ms),
            "end": iso(receipt.end_ms),
            "covered_seconds": receipt.covered_seconds,
        },
        "verdict": receipt.verdict,
        "champion": {"file": receipt.champion_file, "sha256": receipt.champion_sha256},
        "runtime_config_hash": receipt.runtime_config_hash,
        "evidence_sha256": receipt.evidence_sha256,
        "checks": dict(receipt.checks),
        "version": receipt.version,
        "market": receipt.market,
        "written_at": iso(receipt.written_ms),
        **({_DRILLED: receipt.drilled} if receipt.drilled else {}),
    }


def _parsed(document: object) -> Receipt:
    """Check everything; ValueError says what is wrong."""
    told = _DRILLED in document if isinstance(document, dict) else False
    fields = _object(document, _KEYS | {_DRILLED} if told else _KEYS, "it")
    if fields["schema"] != SCHEMA:
        raise ValueError(f"schema is not {SCHEMA}")
    window = _object(fields["window"], {"start", "end", "covered_seconds"}, "window")
    champion = _object(fields["champion"], {"file", "sha256"}, "champion")
    receipt = Receipt(
        start_ms=_ms(window["start"], "window.start"),
        end_ms=_ms(window["end"], "window.end"),
        covered_seconds=_seconds(window["covered_seconds"]),
        verdict=_one_of(fields["verdict"], _OUTCOMES[:-1], "verdict"),
        champion_file=_text(champion["file"], "champion.file"),
        champion_sha256=_sha256(champion["sha256"], "champion.sha256"),
        runtime_config_hash=_text_or_none(fields["runtime_config_hash"], "runtime_config_hash"),
        evidence_sha256=_sha256(fields["evidence_sha256"], "evidence_sha256"),
        checks=_checks(fields["checks"]),
        version=_text(fields["version"], "version"),
        market=_text(fields["market"], "market"),
        written_ms=_ms(fields["written_at"], "written_at"),
        drilled=_text(fields[_DRILLED], _DRILLED) if told else "",
    )
    if receipt.start_ms >= receipt.end_ms:
        raise ValueError("window ends before it starts")
    return receipt


def _object(value: object, keys: set[str], name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")  # noqa: TRY004 - one kind of error for every damage
    if value.keys() != keys:
        raise ValueError(f"{name} has not the keys {' '.join(sorted(keys))}")
    return value


def _checks(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise ValueError("checks is not an object of outcomes")
    return {name: _one_of(outcome, _OUTCOMES, f"checks.{name}") for name, outcome in value.items()}


def _one_of(value: object, words: tuple[str, ...], name: str) -> str:
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} is not one of {' '.join(words)}")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is not a text")
    return value


def _text_or_none(value: object, name: str) -> str | None:
    return None if value is None else _text(value, name)


def _sha256(value: object, name: str) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError(f"{name} is not a SHA-256 in hexadecimal")
    return value


def _seconds(value: object) -> int:
    if type(value) is not int or value < 0:  # an exact type: true is an int to Python
        raise ValueError("window.covered_seconds is not a whole number of seconds")
    return value


def _ms(value: object, name: str) -> int:
    if not isinstance(value, str) or not value.endswith("Z"):
        raise ValueError(f"{name} is not a time in UTC")
    return round(datetime.fromisoformat(value).timestamp() * 1000)
