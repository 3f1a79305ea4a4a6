"""A report that was made on another host, out of its JSON (contract §8): every field is checked, none is trusted."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from genesis_ops.checks.model import Judged, Movement, Outcome, Place, Report, Window, verdict
from genesis_ops.report.as_json import SCHEMA
from genesis_ops.runlog.tally import Fate, Hour
from genesis_ops.words import Exit

_MOST_BYTES = 1 << 25
_TOO_LARGE = 1 << 53
"""What JSON's readers agree on ends here (RFC 8259)."""


def read_report(raw: bytes) -> Report:
    """Read a report; what its text holds is made fit to show by whoever draws it.

    Raises:
        ValueError: it is no report, or contradicts itself.
    """
    if len(raw) > _MOST_BYTES:
        raise ValueError("it is too large")
    try:
        found: Any = json.loads(raw, parse_constant=_unknown_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    return _report(found)


def _report(found: dict[str, Any]) -> Report:
    checks = tuple(_judged(number, each) for number, each in enumerate(_list(found, "checks"), 1))
    window = found.get("window")
    summary = found.get("summary")
    made = Report(
        command=_text(found, "command"),
        subject="",
        market="",
        generated_ms=_time(found, "generated_at"),
        checks=checks,
        window=None if window is None else _window(window),
        summary=None if summary is None else _summary(summary),
        version=_text(found, "version"),
        wallets=tuple(map(_movement, _list(found, "wallets") if "wallets" in found else ())),
    )
    made = _shown(made, found["shown"]) if "shown" in found else made
    return _ending(made, _text(found, "verdict"), _number(found, "exit_code"))


def _shown(made: Report, found: Any) -> Report:
    """Add what only a table shows (``report/wire.py``)."""
    bonus = {each for each in _list(found, "bonus") if isinstance(each, str)}
    return made._replace(
        subject=_text(found, "subject"),
        market=_text(found, "market"),
        closing=_text(found, "closing"),
        notes=tuple(map(str, _list(found, "notes"))),
        hours=tuple(map(_hour, _list(found, "hours"))),
        checks=tuple(judged._replace(bonus=judged.id in bonus) for judged in made.checks),
    )


def _hour(found: Any) -> Hour:
    return Hour(_time(found, "open"), _time(found, "close"), Fate(_text(found, "fate")))


def _ending(made: Report, told: str, code: int) -> Report:
    """Let the report end as it did there; its verdict has to follow from its checks."""
    if verdict(judged.outcome for judged in made.checks).value != told:
        raise ValueError(f"its verdict {told!r} does not follow from its checks")
    if code not in set(Exit):
        raise ValueError(f"exit_code {code} is none")
    if made.exit_code == code:
        return made
    strict = made._replace(strict=True)
    return strict if strict.exit_code == code else made._replace(overruled=Exit(code))


def _judged(number: int, found: Any) -> Judged:
    if not isinstance(found, dict) or _number(found, "number") != number:
        raise ValueError(f"check {number} is not in its place")
    return Judged(
        number,
        _text(found, "id"),
        _text(found, "title"),
        Outcome(_text(found, "outcome")),
        _value(found, "observed"),
        _value(found, "expected"),
        _text(found, "detail"),
        tuple(map(_place, _list(found, "evidence"))),
        _text(found, "remedy"),
    )


def _place(found: Any) -> Place:
    return Place(_text(found, "file"), _number(found, "line"), _text(found, "text"))


def _movement(found: Any) -> Movement:
    before, after = (_value(found, name) for name in ("before", "after"))
    if isinstance(before, str) or isinstance(after, str):
        raise ValueError("an amount of money is text")  # noqa: TRY004 - whoever reads knows one error
    return Movement(_text(found, "currency"), before, after)


def _window(found: Any) -> Window:
    return Window(_time(found, "start"), _time(found, "end"), _number(found, "covered_seconds"))


def _summary(found: Any) -> dict[str, int]:
    if not isinstance(found, dict):
        raise ValueError("summary is not an object")  # noqa: TRY004 - as above
    return {str(name): _number(found, name) for name in found}


def _field(found: Any, name: str) -> Any:
    if not isinstance(found, dict) or name not in found:
        raise ValueError(f"{name} is missing")
    return found[name]


def _text(found: Any, name: str) -> str:
    value = _field(found, name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text")  # noqa: TRY004 - as above
    return value


def _number(found: Any, name: str) -> int:
    value = _field(found, name)
    if type(value) is not int or abs(value) >= _TOO_LARGE:
        raise ValueError(f"{name} is not a whole number")
    return value


def _value(found: Any, name: str) -> float | str | None:
    value = _field(found, name)
    if value is None or (isinstance(value, int | float | str) and not isinstance(value, bool)):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} is no number")
        if isinstance(value, int) and abs(value) >= _TOO_LARGE:
            raise ValueError(f"{name} is too large")
        return value
    raise ValueError(f"{name} is no value")


def _list(found: Any, name: str) -> list[Any]:
    value = _field(found, name)
    if not isinstance(value, list):
        raise ValueError(f"{name} is not a list")  # noqa: TRY004 - as above
    return value


def _time(found: Any, name: str) -> int:
    text = _text(found, name)
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()) * 1000


def _unknown_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
