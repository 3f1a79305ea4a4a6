"""What the runner remembers between two polls, and how it stands in the state file (contract §3)."""

import codecs
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from genesis_ops.errors import StateUnreadable
from genesis_ops.words import visible

_REQUIRED = ("last_processed_candle_ts", "total_evaluations", "total_orders_submitted", "last_heartbeat")
_OPTIONAL = ("pending_evaluation", "pipeline_state")
_LATEST_MS = 253_402_300_799_999  # the end of the year 9999: a later time is no time, and datetime cannot hold it
_MOST_COUNTED = 2**53  # beyond it, JSON readers that use floats would change the figure
_DEEPEST = 100  # levels; json.dumps recurses, so a state that was read must also be one that can be written
_KINDS = {
    "dict": "an object",
    "list": "a list",
    "str": "a string",
    "int": "a whole number",
    "float": "a fractional number",
    "bool": "true or false",
    "NoneType": "null",
}


class _Fault(Exception):  # never leaves this module
    """Why the bytes are no state: the text that stands in the parentheses of the error's message."""


@dataclass(frozen=True, slots=True)
class PendingEvaluation:
    """The candle whose close has been logged but that has not been evaluated yet (open time in ms, closing price)."""

    ts: int
    close: float
    source: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything a restart has to know; ``State()`` is the state of a runner that has never run."""

    last_processed_candle_ts: int | None = None
    total_evaluations: int = 0
    total_orders_submitted: int = 0
    last_heartbeat: str | None = None
    pending_evaluation: PendingEvaluation | None = None
    pipeline_state: dict[str, Any] = field(default_factory=dict)
    other: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes, path: Path) -> Self:
        """Read the bytes of a state file; StateUnreadable names ``path``, what is wrong in it and where."""
        try:
            document = _decode(raw)
        except _Fault as fault:
            raise StateUnreadable(visible(f"{path} is not JSON ({fault})")) from None
        try:
            return cls(**_fields(document))
        except _Fault as fault:
            raise StateUnreadable(visible(f"{path} is not a runner state ({fault})")) from None

    def dump(self) -> bytes:
        """Write the state as a state file holds it; ValueError or RecursionError if a carried value is not JSON.

        What is empty is left out, so that a file of the older runner comes back as it was.
        """
        document: dict[str, Any] = {name: getattr(self, name) for name in _REQUIRED}
        if self.pending_evaluation is not None:
            pending = self.pending_evaluation
            document["pending_evaluation"] = {"ts": pending.ts, "close": pending.close, "source": pending.source}
        if self.pipeline_state:
            document["pipeline_state"] = self.pipeline_state
        text = json.dumps(document | dict(self.other), indent=2, ensure_ascii=True, allow_nan=False)
        return f"{text}\n".encode("ascii")

    def beats_on(self, former: "State", raw: bytes) -> bytes | None:
        """Write the state from what ``former`` was written as, if only the heartbeat is another; else None.

        That is nine of ten saves, and nearly all of a state is what the pipeline carries from close to close. It is
        told by identity: equal values need not be written alike (1, 1.0 and true).
        """
        same = self.pipeline_state is former.pipeline_state and self.pending_evaluation is former.pending_evaluation
        if not same or self.last_heartbeat is None or former.last_heartbeat is None:
            return None
        if _repr_of_figures(self) != _repr_of_figures(former):
            return None
        try:
            _heartbeat(self.last_heartbeat)
        except _Fault:
            return None  # who writes it whole says what is wrong
        before, after = (_beat(each.last_heartbeat) for each in (former, self))
        return raw.replace(before, after, 1) if before in raw else None  # only numbers stand before it


def _repr_of_figures(state: State) -> str:
    figures = (state.last_processed_candle_ts, state.total_evaluations, state.total_orders_submitted)
    return repr((figures, state.other))


def _beat(heartbeat: str | None) -> bytes:
    return f'\n  "last_heartbeat": {json.dumps(heartbeat)}'.encode("ascii")  # it can be the last


def _decode(raw: bytes) -> object:
    """Turn bytes into the JSON value they spell, or say at which line and column they stop doing so."""
    if not raw.strip():
        raise _Fault("the file is empty" if not raw else "there is nothing but white space in it")
    if raw.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _Fault("line 1, column 1: a byte order mark")
    if b"\0" in raw:
        raise _Fault(f"{_place(raw, raw.index(0))}: NUL byte")
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise _Fault(f"{_place(raw, error.start)}: byte 0x{raw[error.start]:02x} is not UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        truncated = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
        raise _Fault(f"{place}: {'the file ends too early' if truncated else error.msg}") from None
    except RecursionError:
        raise _Fault("lists or objects are nested too deeply") from None
    except ValueError:  # the interpreter's own limit on the digits of an integer
        raise _Fault("a number has too many digits") from None


def _place(raw: bytes, offset: int) -> str:
    before = raw[:offset].split(b"\n")
    return f"line {len(before)}, column {len(before[-1]) + 1}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice: a reader would have to guess which of the two values was meant."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _Fault(f'the key "{key}" stands twice in one object')
        result[key] = value
    return result


def _fields(document: object) -> dict[str, Any]:
    """Check every value, and sort the document into the arguments of ``State``."""
    if not isinstance(document, dict):
        raise _Fault(f"it holds {_kind(document)}, not an object")
    if missing := [name for name in _REQUIRED if name not in document]:
        raise _Fault(f"missing: {', '.join(missing)}")
    for name, value in document.items():
        _check_writable(value, name, depth=1)
    return {
        "last_processed_candle_ts": _timestamp(document, "last_processed_candle_ts"),
        "total_evaluations": _whole(document["total_evaluations"], "total_evaluations", _MOST_COUNTED),
        "total_orders_submitted": _whole(document["total_orders_submitted"], "total_orders_submitted", _MOST_COUNTED),
        "last_heartbeat": _heartbeat(document["last_heartbeat"]),
        "pending_evaluation": _pending(document.get("pending_evaluation")),
        "pipeline_state": _carried(document.get("pipeline_state")),
        "other": {name: value for name, value in document.items() if name not in _REQUIRED + _OPTIONAL},
    }


def _check_writable(value: object, where: str, depth: int) -> None:
    """Refuse what JSON cannot say or ``dump`` could not write again; ``where`` is the dotted name of the value."""
    if depth > _DEEPEST:
        raise _Fault("lists or objects are nested too deeply")
    if isinstance(value, float) and not math.isfinite(value):
        raise _Fault(f"{where} is {value}, not a finite number")
    if isinstance(value, dict):
        for name, item in value.items():
            _check_writable(item, f"{where}.{name}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_writable(item, f"{where}[{index}]", depth + 1)


def _timestamp(document: Mapping[str, object], name: str) -> int | None:
    return None if document[name] is None else _whole(document[name], name, _LATEST_MS)


def _whole(value: object, name: str, most: int) -> int:
    if type(value) is not int:  # an exact type: true is an int to Python
        raise _Fault(f"{name} is {_kind(value)}, not a whole number")
    if not 0 <= value <= most:
        raise _Fault(f"{name} is {'negative' if value < 0 else 'too large'}")
    return value


def _heartbeat(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _Fault(f"last_heartbeat is {_kind(value)}, not a time")
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise _Fault("last_heartbeat is not an ISO 8601 time") from None
    return value


def _pending(value: object) -> PendingEvaluation | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"ts", "close", "source"}:
        raise _Fault("pending_evaluation is not an object of ts, close and source")
    ts, close, source = _whole(value["ts"], "pending_evaluation.ts", _LATEST_MS), value["close"], value["source"]
    if type(close) not in (int, float) or abs(close) > _MOST_COUNTED:
        raise _Fault(f"pending_evaluation.close is {_kind(close)} that cannot be a price")
    if not isinstance(source, str):
        raise _Fault(f"pending_evaluation.source is {_kind(source)}, not a string")
    return PendingEvaluation(ts=ts, close=float(close), source=source)


def _carried(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Fault(f"pipeline_state is {_kind(value)}, not an object")
    return value


def _kind(value: object) -> str:
    return _KINDS[type(value).__name__]
