"""What the phase report's charts are made of: places, marks and the words behind them; pure."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from genesis_ops.checks.phase_candles import Candle
from genesis_ops.checks.phase_evidence import Balances
from genesis_ops.checks.phase_outages import Outage
from genesis_ops.checks.wording import exactly
from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind
from genesis_ops.report.phase_facts import (
    Day,
    PhaseFacts,
    hours_without_evaluation,
    longest_first,
    told_filled,
    told_outage,
)
from genesis_ops.report.svg import HIGH, WIDE, Scale, Tick, across, by_magnitude, line, needles, steps, upwards
from genesis_ops.runlog.tally import Fate
from genesis_ops.words import DAY_MS, HOUR_MS, Action, clock_time, day_name

CELL = 14
LABEL = 84
"""The room (units of the picture) for a row's name."""
HEAD = 16
_WORST_FIRST = (Fate.MISSING, Fate.LATE, Fate.UNCOVERED, Fate.ACTION, Fate.PROCESSED)
_MARKS = {Fate.MISSING: "×", Fate.LATE: "L", Fate.ACTION: "▲"}  # noqa: RUF001 - a mark
_UNEVALUATED = "unevaluated"
_MOST_DAY_TICKS = 8
_MOST_OUTAGES = 250
_NARROWEST = 3.0
"""How wide a mark is at the least, in the chart's units."""
_LENGTHS = ((1, "1s"), (10, "10s"), (60, "1m"), (600, "10m"), (3600, "1h"), (86400, "1d"))
_NEVER_SENT = frozenset({Kind.BLOCKED, Kind.EXPIRED, Kind.REJECTED, Kind.DECIDED})


class Hour(NamedTuple):
    """An hour (ms, UTC) with the candles that opened in it, and the worst of their fates.

    ``unevaluated`` where a close was announced and never evaluated, and none is missing.
    """

    at_ms: int
    fate: Fate
    candles: tuple[Candle, ...]
    unevaluated: bool


class PictureCell(NamedTuple):
    """A cell of the picture: its place, its fate's name, the mark in it, and the words behind it."""

    x: int
    y: int
    fate: str
    mark: str
    title: str


class PictureRow(NamedTuple):
    """The name of a row, and the height at which it stands."""

    y: int
    day: str
    date: str


class Mark(NamedTuple):
    """A mark on a lane: where it begins, how wide it is, its kind, and the words behind it."""

    x: float
    wide: float
    kind: str
    title: str


class Lane(NamedTuple):
    """A named row of marks along the phase."""

    name: str
    marks: tuple[Mark, ...]


class Chart(NamedTuple):
    """A line along the phase: its title, what it says in words, its path, and the values beside it."""

    title: str
    legend: str
    path: str
    ticks: tuple[Tick, ...]
    kind: str


def by_hour(found: Iterable[Candle]) -> tuple[Hour, ...]:
    """Put candles together by the hour that they opened in, so that minutes take no more room."""
    hours = groupby(found, key=lambda candle: candle.open_ms - candle.open_ms % HOUR_MS)
    return tuple(_hour(at_ms, tuple(inside)) for at_ms, inside in hours)


def _hour(at_ms: int, inside: tuple[Candle, ...]) -> Hour:
    worst = min((candle.fate for candle in inside), key=_WORST_FIRST.index)
    return Hour(at_ms, worst, inside, bool(hours_without_evaluation(inside)))


# --- the picture


def picture_cells(hours: Iterable[Hour], start_ms: int) -> tuple[PictureCell, ...]:
    """Place every hour: a row a day, a column an hour."""
    return tuple(
        PictureCell(
            LABEL + CELL * (hour.at_ms % DAY_MS // HOUR_MS),
            HEAD + CELL * ((hour.at_ms - start_ms) // DAY_MS),
            _UNEVALUATED if hour.unevaluated else str(hour.fate),
            "E" if hour.unevaluated else _MARKS.get(hour.fate, ""),
            told_hour(hour),
        )
        for hour in hours
    )


def picture_rows(days: Iterable[Day]) -> tuple[PictureRow, ...]:
    """Name the rows."""
    return tuple(PictureRow(HEAD + CELL * day.number, f"Day {day.number}", day_name(day.start_ms)) for day in days)


def told_hour(hour: Hour) -> str:
    """Say what became of an hour: of its candle, or of all that opened in it."""
    when = f"{day_name(hour.at_ms)} {clock_time(hour.at_ms)}"
    if len(hour.candles) == 1:
        return f"{when} {', '.join(_told(hour.candles[0]))}"
    done = sum(candle.price is not None for candle in hour.candles)
    asked = sum(candle.action not in {None, Action.NONE} for candle in hour.candles)
    slowest = max((candle.latency_ms or 0 for candle in hour.candles), default=0)
    fate = f"{hour.fate}, not all evaluated" if hour.unevaluated else hour.fate
    return f"{when} {fate}, {done} of {len(hour.candles)} closes, {asked} actions, slowest {exactly(slowest)}"


def _told(candle: Candle) -> list[str]:
    fate = {Fate.UNCOVERED: "not covered", Fate.ACTION: "processed"}.get(candle.fate, str(candle.fate))
    parts = [fate]
    parts += [f"close {candle.price:,.2f}"] if candle.price is not None else []
    if candle.latency_ms is not None:
        parts += [f"evaluated after {exactly(candle.latency_ms)}: {candle.action}"]
    parts += ["not evaluated"] if candle.unevaluated else []
    return parts


# --- along the phase


def phase_scale(found: PhaseFacts) -> Scale:
    """Put times across, from Day 0 to the end of the last day that is shown."""
    return across(*_reach(found))


def _reach(found: PhaseFacts) -> tuple[int, int]:
    start_ms = found.evidence.log.start_ms
    return start_ms, start_ms + DAY_MS * max(1, len(found.days))


def day_ticks(found: PhaseFacts) -> tuple[Tick, ...]:
    """Name some days under the charts, evenly."""
    total = max(1, len(found.days))
    every = max(1, -(-total // _MOST_DAY_TICKS))
    return tuple(
        Tick(round(100 * day.number / total, 2), day_name(day.start_ms))
        for day in found.days
        if day.number % every == 0 and day.number <= total - every / 2
    )


def price_chart(hours: Sequence[Hour], place: Scale) -> Chart | None:
    """Draw the close of each hour's last candle."""
    points = [(place(hour.candles[-1].close_ms), hour.candles[-1].price) for hour in hours]
    known = [value for _, value in points if value is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    told = f"from {known[0]:,.2f} to {known[-1]:,.2f}, lowest {low:,.2f}, highest {high:,.2f}"
    up = upwards(low, high)
    return Chart("Close", told, line(points, up), _ends(low, high, up, lambda value: f"{value:,.0f}"), "price")


def latency_chart(hours: Sequence[Hour], place: Scale, told: str) -> Chart | None:
    """Draw how long each hour's slowest candle waited for its evaluation, by magnitude."""
    points = [(place(hour.at_ms), _slowest(hour)) for hour in hours]
    known = [value for _, value in points if value is not None]
    if not known:
        return None
    up = by_magnitude(max(known))
    ticks = tuple(Tick(up(seconds), label) for seconds, label in _LENGTHS if seconds <= max(known))
    kept = tuple(tick for at, tick in enumerate(ticks) if at % 2 == len(ticks) % 2 or len(ticks) < 4)  # noqa: PLR2004 - room for four
    return Chart("Latency from close to evaluation", f"{told}; by magnitude", needles(points, up), kept, "latency")


def _slowest(hour: Hour) -> float | None:
    waited = [candle.latency_ms for candle in hour.candles if candle.latency_ms is not None]
    return max(waited) / 1000 if waited else None


def wallet_charts(found: PhaseFacts, place: Scale) -> tuple[Chart, ...]:
    """Draw by how much each traded currency changed since its first reading."""
    return tuple(filter(None, (_wallet(found, coin, place) for coin in found.evidence.coins)))


def _wallet(found: PhaseFacts, coin: str, place: Scale) -> Chart | None:
    read = [each for each in found.evidence.wallets if coin in each.amounts]
    if not read or not coin:
        return None
    first, last = read[0].amounts[coin], read[-1].amounts[coin]
    changes = [round(each.amounts[coin] - first, 8) for each in read]
    up = upwards(min(changes), max(changes))
    points = [(place(each.at_ms), change) for each, change in zip(read, changes, strict=True)]
    path = steps(points, up, place(found.evidence.log.end_ms))
    told = f"{_amount(first)} at first, {_amount(last)} at last, {_change(changes[-1])} ({len(read)} readings)"
    return Chart(f"Wallet {coin}", told, path, _ends(min(changes), max(changes), up, _change), "wallet")


def _ends(low: float, high: float, up: Scale, told: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(Tick(up(value), told(value)) for value in dict.fromkeys((high, low)))


def _amount(value: float) -> str:
    return f"{value:,.8f}".rstrip("0").rstrip(".")


def _change(value: float) -> str:
    return f"{value + 0.0:+,.4f}".rstrip("0").rstrip(".") if value else "0"


def told_wallet(each: Balances, coins: tuple[str, str]) -> tuple[str, ...]:
    """Write a reading as when, what and where from."""
    amounts = (_amount(each.amounts[coin]) if coin in each.amounts else "" for coin in coins)
    return (f"{day_name(each.at_ms)} {clock_time(each.at_ms)}", *amounts, each.source)


# --- lanes


def action_lanes(hours: Iterable[Hour], place: Scale) -> tuple[Lane, ...]:
    """Mark every action, a lane a side."""
    asked = [candle for hour in hours for candle in hour.candles if candle.action not in {None, Action.NONE}]
    sides = sorted({str(candle.action) for candle in asked})
    return tuple(_actions(side, [candle for candle in asked if candle.action == side], place) for side in sides)


def _actions(side: str, asked: Sequence[Candle], place: Scale) -> Lane:
    marks = (
        Mark(
            place(candle.close_ms),
            _NARROWEST,
            "action",
            f"{day_name(candle.close_ms)} {clock_time(candle.close_ms)} {side}, {_price(candle)}",
        )
        for candle in asked
    )
    return Lane(f"{side} ({len(asked)})", _merged(marks))


def _merged(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Put marks that would cover each other into one, so that a phase of minutes has no more than there is room for."""
    places = groupby(marks, key=lambda mark: int(mark.x // _NARROWEST))
    return tuple(_one(list(inside)) for _, inside in places)


def _one(marks: Sequence[Mark]) -> Mark:
    more = f" and {len(marks) - 1} more" if len(marks) > 1 else ""
    return marks[0]._replace(title=f"{marks[0].title}{more}")


def _price(candle: Candle) -> str:
    return "" if candle.price is None else f"close {candle.price:,.2f}"


def order_lanes(orders: Sequence[Order], place: Scale) -> tuple[Lane, ...]:
    """Mark every order, a lane for those that were sent, that were not, and that are in doubt."""
    groups: dict[str, list[Order]] = {"sent": [], "not sent": [], "in doubt": []}
    for order in orders:
        groups[_standing(order)].append(order)
    return tuple(
        Lane(f"{name} ({len(inside)})", _merged(_order(order, name, place) for order in inside))
        for name, inside in groups.items()
        if inside
    )


def _standing(order: Order) -> str:
    if order.unresolved:
        return "in doubt"
    return "not sent" if order.label in _NEVER_SENT else "sent"


def _order(order: Order, name: str, place: Scale) -> Mark:
    came = told_filled(order)
    told = f"{order.id} {order.side} {order.size:g}, {order.label.upper()}{f', {came}' if came else ''}"
    return Mark(place(order.decided_ms), _NARROWEST, name.replace(" ", "-"), told)


def outage_lane(still: Iterable[Outage], place: Scale) -> tuple[Mark, ...]:
    """Draw the longest outages as long as they were, and never too narrow to see."""
    return tuple(
        Mark(
            place(outage.from_ms),
            max(_NARROWEST, round(place(outage.to_ms) - place(outage.from_ms), 1)),
            "silent" if outage.silent else "blind",
            ", ".join(told_outage(outage)),
        )
        for outage in sorted(longest_first(still)[:_MOST_OUTAGES])
    )


def uptime_bars(days: Sequence[Day]) -> tuple[Mark, ...]:
    """Draw each day's uptime as a bar; its title says the figure."""
    wide = WIDE / max(1, len(days))
    return tuple(
        Mark(
            round(day.number * wide + wide * 0.1, 1),
            round(HIGH * day.uptime, 1),
            "whole" if day.uptime == 1 else "part",
            f"Day {day.number}, {day_name(day.start_ms)}: {100 * day.uptime:.2f} %",
        )
        for day in days
        if day.uptime is not None
    )
