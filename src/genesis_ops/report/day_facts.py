"""What a day's summary remembers of itself for the next one, as one line that no reader of the page sees.

It stands in a file that anybody can edit, so nothing in it is believed before it has been looked at.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from genesis_ops.checks.day import DayEvidence
from genesis_ops.checks.model import Report
from genesis_ops.checks.wording import count
from genesis_ops.words import iso

SCHEMA = "genesis-ops.day/1"
_LEAD, _TAIL = "<!-- {", "} -->"
_LONGEST = 1 << 16
_SHOWN = 12
"""How much of a hash is enough for a person."""


class Facts(NamedTuple):
    """A day in figures; times in ISO 8601 (UTC), None or empty where something was not looked at."""

    date: str
    at: str
    verdict: str
    mode: str
    pid: int | None
    since: str
    api_pid: int | None
    champion: str
    config: str
    closes: int
    expected: int
    missed: int | None
    errors: int | None
    runs: int
    would_be: int
    orders: int
    in_doubt: int
    latch: bool
    preflight: Mapping[str, str]
    preflight_at: str
    wallets: Mapping[str, float]


_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("date", "at", "verdict", "mode", "since", "champion", "config", "preflight_at"), (str,)),
    **dict.fromkeys(("pid", "api_pid", "missed", "errors"), (int, type(None))),
    **dict.fromkeys(("closes", "expected", "runs", "would_be", "orders", "in_doubt"), (int,)),
    "latch": (bool,),
    "preflight": (dict,),
    "wallets": (dict,),
}


def facts(day: DayEvidence, report: Report, former: Facts | None = None) -> Facts:
    """Take the figures of a day; of one that is over, its own ``former`` ones still know the host as it was."""
    log, tally = day.seen.log, day.seen.log.tally
    writers = [trader.process for trader in (day.host.traders if day.host else ()) if trader.here]
    configurations = [hash_ for run in log.runs for hash_ in run.configurations]
    now = Facts(
        date=str(day.date),
        at=iso(day.end_ms),
        verdict=str(report.verdict),
        mode=" and ".join(dict.fromkeys(str(run.mode or "unknown") for run in log.runs)),
        pid=writers[0].pid if writers else None,
        since=iso(writers[0].since_ms) if writers and writers[0].since_ms is not None else "",
        api_pid=day.servers[0].pid if day.servers else None,
        champion=day.champion_sha256,
        config=configurations[-1] if configurations else "",
        closes=tally.closes,
        expected=max(tally.closes, day.due),
        missed=None if day.missing is None else len(day.missing),
        errors=None if log.nothing else tally.fetch_errors + tally.evaluate_errors + tally.fatal,
        runs=len(log.runs),
        would_be=tally.would_be_orders,
        orders=max(len(day.orders), tally.submissions),
        in_doubt=len(day.stop.orders.doubts),
        latch=day.latch is not None,
        preflight={judged.id: str(judged.outcome) for judged in (day.preflight.checks if day.preflight else ())},
        preflight_at=iso(day.end_ms) if day.preflight else "",
        wallets={} if day.wallets is None else day.wallets.balances,
    )
    if not day.over or former is None or former.date != now.date:
        return now
    return now._replace(
        pid=former.pid,
        since=former.since,
        api_pid=former.api_pid,
        champion=former.champion,
        preflight=former.preflight,
        preflight_at=former.preflight_at,
    )


def written(told: Facts) -> str:
    """Write figures as a comment of Markdown, in which no other comment can begin or end."""
    document = {"schema": SCHEMA, **told._asdict()}
    return f"<!-- {json.dumps(document).replace('--', '-' + chr(92) + 'u002d').replace('>', chr(92) + 'u003e')} -->"


def read(lines: Sequence[str]) -> Facts | None:
    """Read the figures out of a part's lines; None where they are not there, or not what was written."""
    found = (line for line in lines if line.startswith(_LEAD) and line.rstrip().endswith(_TAIL))
    text = next(found, "").rstrip().removeprefix("<!-- ").removesuffix(" -->")
    if not text or len(text) > _LONGEST:
        return None
    try:
        return _parsed(json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError):
        return None


def changes(before: Facts, now: Facts) -> tuple[str, ...]:
    """Say what is another than the day before; what was not looked at on both days is left out."""
    return tuple(_changes(before, now))


def _changes(before: Facts, now: Facts) -> Iterator[str]:
    for name, title in _COMPARED.items():
        former, current = getattr(before, name), getattr(now, name)
        if former not in {None, ""} and current not in {None, ""} and former != current:
            yield f"{title}: {_said(former)} → {_said(current)}"
    for name in sorted(before.preflight.keys() & now.preflight.keys()):
        if before.preflight[name] != now.preflight[name]:
            yield f"preflight {name}: {before.preflight[name]} → {now.preflight[name]}"
    for name in sorted(before.wallets.keys() & now.wallets.keys()):
        if moved := round(now.wallets[name] - before.wallets[name], 8):
            yield f"wallet {name}: {moved:+,.8f}"


_COMPARED = {
    "verdict": "verdict",
    "mode": "mode",
    "pid": "runner's pid",
    "api_pid": "API's pid",
    "champion": "champion",
    "config": "runtime configuration",
    "missed": "candles missing",
    "errors": "errors in the log",
    "runs": "runs",
    "orders": "orders",
    "in_doubt": "orders in doubt",
    "latch": "stop latch",
}


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "set" if value else "clear"
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def told_preflight(told: Facts) -> str:
    """Say what a preflight came to that was made while the day was still going on; empty where there was none."""
    if not told.preflight:
        return ""
    bad = [f"{name} {outcome}" for name, outcome in told.preflight.items() if outcome not in {"PASS", "SKIP"}]
    good = len(told.preflight) - len(bad)
    passed = f"{good} of {count(len(told.preflight), 'check')} passed"
    return f"{'; '.join((passed, *bad))}, at {told.preflight_at[11:16]}"


def _parsed(document: Any) -> Facts | None:
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA or document.keys() != _TYPES.keys():
        return None
    if any(type(document[name]) not in types for name, types in _TYPES.items()):  # exact: true is an int to Python
        return None
    numbers = all(type(balance) in {int, float} for balance in document["wallets"].values())
    words = all(type(outcome) is str for outcome in document["preflight"].values())
    return Facts(**document) if numbers and words else None


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no figure")
