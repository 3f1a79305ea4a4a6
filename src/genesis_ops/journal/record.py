"""One line of the journal: what it holds, and how it is chained to the line before it (order protocol).

A line is JSON that a person can grep. Its ``sum`` is over its own text and the sum before it, so that a record that is
lost, changed or moved shows at the next one, and a line that a hard stop tore shows by itself.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from genesis_ops.runlog.writer import ungreppable
from genesis_ops.words import iso

SEED = "genesis-ops.journal/1"
"""What the first record's sum begins with."""

_SUM_LENGTH = 16
_BEFORE_SUM, _AFTER_SUM = ', "sum": "', '"}'
_OWN_NAMES = frozenset({"n", "at", "kind", "sum"})
_TAIL = len(_BEFORE_SUM) + _SUM_LENGTH + len(_AFTER_SUM)


class Kind(StrEnum):
    """What a record tells; all but the first belong to one order."""

    STARTED = "started"
    """A live run began: under which champion, configuration and receipt, or by whose override."""
    DECIDED = "decided"
    ARMED = "armed"
    """The request is about to leave; nothing may leave before this is on the disk."""
    ACKED = "acked"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    EVIDENCE = "evidence"
    """What the wallets say of it."""
    RESOLVED = "resolved"
    """What an operator says of it."""


class Record(NamedTuple):
    """A record: its number, counted from 1, when it was written (ms, UTC, the host's clock), and what it tells."""

    number: int
    at_ms: int
    kind: Kind
    content: Mapping[str, Any]


def write(record: Record, sum_before: str) -> tuple[bytes, str]:
    """Write a record as its line, and give its sum; ValueError or TypeError if it holds what JSON cannot say."""
    if taken := _OWN_NAMES.intersection(record.content):
        raise ValueError(f"{', '.join(sorted(taken))} is said by the record itself")
    head = {"n": record.number, "at": iso(record.at_ms), "kind": str(record.kind)}
    text = ungreppable(json.dumps(head | dict(record.content), allow_nan=False))
    own = _sum(sum_before, text)
    return f"{text[:-1]}{_BEFORE_SUM}{own}{_AFTER_SUM}\n".encode("ascii"), own


def read(line: bytes, sum_before: str) -> tuple[Record, str] | None:
    """Read a line that follows a sum, without its line end; None if it does not follow it, or is no record at all."""
    try:
        text, tail = (line[:-_TAIL] + b"}").decode("ascii"), line[-_TAIL:].decode("ascii")
    except UnicodeDecodeError:
        return None
    own = _sum(sum_before, text)
    if tail != f"{_BEFORE_SUM}{own}{_AFTER_SUM}":
        return None
    document = json.loads(text)  # a text whose sum is right is one that was written here
    number, at, kind = document.pop("n"), document.pop("at"), document.pop("kind")
    at_ms = round(datetime.fromisoformat(at).timestamp() * 1000)
    return Record(number, at_ms, Kind(kind), document), own


def number_of(line: bytes) -> int | None:
    """Tell which record a line claims to be; None if it claims nothing."""
    begin, _, rest = line.partition(b'{"n": ')
    digits = rest.partition(b",")[0]
    return int(digits) if not begin and digits.isdigit() and len(digits) < _SUM_LENGTH else None


def _sum(before: str, text: str) -> str:
    return hashlib.sha256(f"{before}\n{text}".encode("ascii")).hexdigest()[:_SUM_LENGTH]
