"""The orders of a journal for a person: one line each, or one of them step by step; and for scripts as JSON.

Replies and currencies come from outside: whatever stands in them reaches a terminal as visible text only.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from genesis_ops import __version__
from genesis_ops.checks.model import Outcome
from genesis_ops.journal.book import Order
from genesis_ops.journal.record import Kind, Record
from genesis_ops.journal.wallet import Fill, currencies, told_change
from genesis_ops.report.cells import cells
from genesis_ops.report.text import Line, Page, Span
from genesis_ops.words import clock_time, day_name, duration, iso, stamp, visible

SCHEMA = "genesis-ops.orders/1"

_MARKS = dict(zip(Outcome, "✓!✗?–", strict=True))  # noqa: RUF001 - a mark, not a hyphen
_ASCII = dict(zip(Outcome, "+!x?-", strict=True))
_STYLES = dict(zip(Outcome, ("green", "yellow", "red", "magenta", "dim"), strict=True))
_NEVER_SENT = {Kind.BLOCKED, Kind.EXPIRED, Kind.REJECTED}
_GAP = "  "
_WIDEST_CELL = 22
_SECOND_MS, _LONG_MS = 1000, 100_000
_DEEPEST = 12
_FURTHER = 2
_HEADS = ("candle, UTC", "side", "asked", "outcome", "filled", "says", "took")
_NUMBERS = {"asked", "filled", "took"}


class Shown(NamedTuple):
    """What a list is made of; ``sending`` are orders whose request is under way at this moment."""

    orders: Sequence[Order]
    place: str
    sending: frozenset[str] = frozenset()


# --- what an order is, in words


def doubt(order: Order) -> str:
    """Say which order is in doubt, since when and why."""
    since = f"since {stamp(order.label_ms)[:16]} UTC"
    if order.fill is Fill.SEVERAL:
        return visible(f"order {order.id} was filled several times, {since}: {told_change(order)}")
    why = order.reason or "the request may have left, and no outcome was written"
    wallets = "" if order.fill is None else f"; {told_change(order)}"
    return visible(f"order {order.id} is {order.label.upper()} {since}: {why}{wallets}")


def resolve_command(order: Order) -> str:
    """Name the command with which an operator says what came of it."""
    return f'genesis-ops orders resolve {order.id} --filled|--not-filled --reason "..."'


def standing(order: Order, sending: frozenset[str] = frozenset()) -> Outcome:
    """Say how an order stands, as a check would: in doubt, not finished yet, worth a look, never sent, or well."""
    if order.id in sending:
        return Outcome.UNKNOWN
    if order.unresolved:
        return Outcome.FAIL
    if order.open:
        return Outcome.UNKNOWN
    if order.label in _NEVER_SENT:
        return Outcome.SKIP
    well = order.resolved is not None or order.fill is Fill.ONCE or order.label is Kind.UNKNOWN
    return Outcome.PASS if well else Outcome.WARN


def _filled(order: Order) -> str:
    """Say how much was filled, by an operator's word or by the wallets."""
    if order.resolved is not None:
        return "yes" if order.resolved else "no"
    told = {Fill.NONE: "nothing", Fill.UNREADABLE: "unread", Fill.SEVERAL: f"{order.multiple or 0:.2f} times"}
    if order.fill in told:
        return told[order.fill]
    if order.executed is None:
        return ""
    return f"{_size(order.executed)}{'?' if order.fill is Fill.UNCLEAR else ''}"


def _says(order: Order) -> str:
    if order.resolved is not None:
        return "operator"
    return "" if order.fill in {None, Fill.UNREADABLE} else "wallets"


def _outcome(order: Order, sending: frozenset[str]) -> str:
    return "sending" if order.id in sending else order.label.upper()


def _size(value: object) -> str:
    return f"{value:.8f}".rstrip("0").rstrip(".") if isinstance(value, int | float) else visible(str(value))


def _took(ms: object) -> str:
    if not isinstance(ms, int):
        return ""
    if ms < _SECOND_MS:
        return f"{ms}ms"
    return f"{ms / 1000:.1f}s" if ms < _LONG_MS else duration(ms / 1000)


# --- the list


def table(shown: Shown, page: Page) -> Iterator[Line]:
    """Draw a line an order, then the sums, then what is in doubt and the next command."""
    symbols = dict.fromkeys(order.symbol for order in shown.orders)
    market = page.shown(", ".join(symbols))
    yield from _head(page, "Orders", shown.place, market)
    if shown.orders:
        yield from _rows(shown, page, currencies(next(iter(symbols))) if len(symbols) == 1 else ("base", "quote"))
        yield ()
    yield from page.under("", sums(shown.orders, shown.sending))
    yield from _unresolved(shown, page)


def _head(page: Page, title: str, subject: str, market: str) -> Iterator[Line]:
    *full, last = page.under(f"{title}  ", subject, "bold")
    room = page.width - cells(last[0].text) - cells(market)
    yield from full
    if room >= len(_GAP):
        yield (*last, Span(f"{' ' * room}{market}", "bold"))
    else:
        yield last
        yield from page.under("  ", market, "bold")


def _rows(shown: Shown, page: Page, names: tuple[str, str]) -> Iterator[Line]:
    rows = [tuple(page.cut(cell, _WIDEST_CELL) for cell in _cells(order, shown)) for order in shown.orders]
    heads = tuple(page.cut(head, _WIDEST_CELL) for head in (*_HEADS, *names))
    widths = [max(map(cells, column)) for column in zip(heads, *rows, strict=True)]
    kept = _fitting(widths, page.width - 5)
    yield (Span(page.cut(f"     {_row(heads, widths, kept)}", page.width), "dim"),)
    for order, row in zip(shown.orders, rows, strict=True):
        outcome = standing(order, shown.sending)
        yield (
            Span(_GAP),
            Span((_MARKS if page.unicode else _ASCII)[outcome], f"bold {_STYLES[outcome]}"),
            Span(page.cut(f"{_GAP}{_row(row, widths, kept)}", page.width - 3)),
        )


def _cells(order: Order, shown: Shown) -> tuple[str, ...]:
    base, quote = order.moved or (None, None)
    return (
        order.id,
        order.side,
        _size(order.size),
        _outcome(order, shown.sending),
        _filled(order),
        _says(order),
        _took(order.latency_ms),
        "" if base is None else f"{base + 0.0:+.8f}".rstrip("0").rstrip("."),
        "" if quote is None else f"{quote + 0.0:+,.2f}",
    )


def _fitting(widths: Sequence[int], room: int) -> frozenset[int]:
    """Leave out what the wallets did in figures, the quote currency first, where there is no room for it."""
    for count in range(len(widths), len(_HEADS), -1):
        if sum(widths[:count]) + len(_GAP) * (count - 1) <= room:
            return frozenset(range(count))
    return frozenset(range(len(_HEADS)))


def _row(row: Sequence[str], widths: Sequence[int], kept: frozenset[int]) -> str:
    parts = []
    for place in sorted(kept):
        text = row[place]
        padding = " " * (widths[place] - cells(text))
        number = place >= len(_HEADS) or _HEADS[place] in _NUMBERS
        parts.append(f"{padding}{text}" if number else f"{text}{padding}")
    return _GAP.join(parts).rstrip()


def sums(orders: Sequence[Order], sending: frozenset[str] = frozenset()) -> str:
    """Count the orders by what they came to, and those in doubt."""
    found = {kind: sum(order.label is kind for order in orders) for kind in Kind}
    told = ", ".join(f"{number} {kind}" for kind, number in found.items() if number)
    stuck = sum(order.unresolved and order.id not in sending for order in orders)
    whole = f"{len(orders)} {'order' if len(orders) == 1 else 'orders'}{': ' if told else ''}{told}"
    return f"{whole}; {stuck or 'none'} unresolved"


def _unresolved(shown: Shown, page: Page) -> Iterator[Line]:
    for order in shown.orders:
        if order.id in shown.sending:
            yield from page.under(_GAP, f"{order.id} is being sent at this moment, by a runner that lives")
        elif order.unresolved:
            yield from page.under(_GAP, doubt(order))
            yield from _next(order, page)


def _next(order: Order, page: Page) -> Iterator[Line]:
    yield from page.under("→ " if page.unicode else "-> ", resolve_command(order), "cyan")


# --- one order


def one(order: Order, records: Sequence[Record], page: Page, sending: frozenset[str] = frozenset()) -> Iterator[Line]:
    """Draw one order step by step: intent, request, reply, wallets before and after, and what is to be done."""
    outcome = standing(order, sending)
    mark = (_MARKS if page.unicode else _ASCII)[outcome]
    by = f" ({says})" if (says := _says(order)) else ""
    filled = f", filled: {told}{by}" if (told := _filled(order)) else ""
    said = f"{order.side} {_size(order.size)}  {_outcome(order, sending)}{filled}"
    yield (
        Span(f"Order {order.id}  ", "bold"),
        Span(mark, f"bold {_STYLES[outcome]}"),
        Span(page.cut(f"  {said}", page.width - 23)),
    )
    yield from _steps(order, records, page)
    if order.armed_ms is not None:
        yield from _json("request", _request(order), page)
        yield from _json("reply", order.reply, page)
        yield from _wallets(order, page)
    if order.id in sending:
        yield from page.under(_GAP, "it is being sent at this moment, by a runner that lives")
    elif order.unresolved:
        yield from page.under(_GAP, doubt(order))
        yield from _next(order, page)


def _request(order: Order) -> dict[str, Any]:
    """Give what was asked of ``/paper/submit``; it follows from the order (contract §4)."""
    return {"symbol": order.symbol, "side": order.side, "size": order.size, "type": "MARKET"}


def _steps(order: Order, records: Sequence[Record], page: Page) -> Iterator[Line]:
    before_ms: int | None = None
    for record in records:
        at = f"{day_name(record.at_ms)} {stamp(record.at_ms)[11:]}.{record.at_ms % 1000:03d}"
        since = "" if before_ms is None else f"+{_took(max(0, record.at_ms - before_ms))}"
        yield from page.under(f"  {at}  {since:>8}  {record.kind:<8}  ", _step(order, record))
        before_ms = record.at_ms


def _step(order: Order, record: Record) -> str:
    content = record.content
    if record.kind is Kind.DECIDED:
        price = content.get("price")
        at = f", close {price:,.2f}" if isinstance(price, int | float) else ""
        cause = "by hand" if order.purpose else f"candle {clock_time(order.candle_ts)}{at}"
        return f"{order.side} {_size(order.size)} {order.symbol}, {cause}"
    if record.kind is Kind.ARMED:
        return "the request may leave from here on"
    if record.kind is Kind.EVIDENCE:
        return told_change(order)
    if record.kind is Kind.RESOLVED:
        return f"{'filled' if order.resolved else 'not filled'}, says {order.resolved_by}"
    return _answer(order, record)


def _answer(order: Order, record: Record) -> str:
    latency = _took(record.content.get("latency_ms"))
    number, taken = record.content.get("order_id"), record.content.get("size_taken")
    parts = (
        f"after {latency}" if latency else "",
        f"exchange order {number}" if number is not None else "",
        f"the API took {_size(taken)}" if taken is not None and taken != order.size else "",
        str(record.content.get("reason") or ""),
    )
    return ", ".join(filter(None, parts))


def _wallets(order: Order, page: Page) -> Iterator[Line]:
    before, after = order.before or {}, order.after or {}
    if not before and not after:
        yield from page.under("  wallets  ", "could not be read")
        return
    yield (Span(f"  {'wallets':<10}{'before':>20}{'after':>20}{'change':>20}", "dim"),)
    others = (name for name in before if name in after and after[name] != before[name])
    for name in dict.fromkeys((*currencies(order.symbol), *others)):
        row = (_amount(before.get(name)), _amount(after.get(name)), _change(name, before, after))
        yield (Span(f"  {page.cut(name, 9):<10}{''.join(f'{page.cut(cell, 19):>20}' for cell in row)}"),)
    if not before:
        yield from page.under(_GAP, "the wallets could not be read before it")
    elif not after:
        yield from page.under(_GAP, "the wallets have not been read after it")


def _change(name: str, before: Mapping[str, float], after: Mapping[str, float]) -> str:
    if not before or not after:
        return ""
    return f"{after.get(name, 0.0) - before.get(name, 0.0):+,.8f}"


def _amount(value: float | None) -> str:
    return "" if value is None else f"{value:,.8f}"


def _json(title: str, value: Any, page: Page) -> Iterator[Line]:
    """Show JSON, short parts on one line; its own escapes keep every control character off the terminal."""
    if value is None:
        yield from page.under(f"  {title:<8} ", "none")
        return
    lead = f"  {title:<8} "
    for indent, text in _pretty(value, page.width - len(lead), 0):
        yield from page.under(f"{lead}{' ' * indent}", text)
        lead = " " * len(lead)


def _pretty(value: Any, room: int, depth: int, before: str = "", after: str = "") -> Iterator[tuple[int, str]]:
    text, indent = f"{before}{json.dumps(value)}{after}", _FURTHER * depth
    parts = _parts(value) if len(text) > room - indent and depth < _DEEPEST else []
    if not parts:
        yield indent, text
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield indent, f"{before}{opening}"
    for place, (name, part) in enumerate(parts, 1):
        yield from _pretty(part, room, depth + 1, name, "," if place < len(parts) else "")
    yield indent, f"{closing}{after}"


def _parts(value: Any) -> list[tuple[str, Any]]:
    """Take apart what has parts of its own; a row of plain values is folded where the page ends."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not any(isinstance(part, dict | list) for part in inside):
        return []
    if isinstance(value, dict):
        return [(f"{json.dumps(name)}: ", part) for name, part in value.items()]
    return [("", part) for part in value]


# --- for scripts


def as_json(orders: Iterable[Order], sending: frozenset[str] = frozenset()) -> str:
    """Write orders as one object in ASCII."""
    return _written({"orders": [document(order, sending) for order in orders]})


def one_as_json(order: Order, records: Sequence[Record], sending: frozenset[str] = frozenset()) -> str:
    """Write one order, with its records."""
    steps = [{**record.content, "kind": str(record.kind), "at": iso(record.at_ms)} for record in records]
    request = None if order.armed_ms is None else _request(order)
    return _written({"order": {**document(order, sending), "request": request, "steps": steps}})


def _written(content: Mapping[str, Any]) -> str:
    head = {"schema": SCHEMA, "version": __version__}
    return json.dumps({**head, **content}, indent=2, allow_nan=False) + "\n"


def document(order: Order, sending: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Give everything that is known of an order; times are ISO 8601 in UTC, names never change."""
    base, quote = order.moved or (None, None)
    names = currencies(order.symbol)
    return {
        "id": order.id,
        "candle": None if order.purpose else iso(order.candle_ts),
        "candle_ts": None if order.purpose else order.candle_ts,
        "purpose": order.purpose or "runner",
        "symbol": order.symbol,
        "base": names[0],
        "quote": names[1],
        "side": order.side,
        "size": order.size,
        "price": order.price,
        "config_hash": order.config_hash,
        "decided_at": iso(order.decided_ms),
        "armed_at": None if order.armed_ms is None else iso(order.armed_ms),
        "outcome": order.label.upper(),
        "outcome_at": iso(order.label_ms),
        "reason": order.reason,
        "latency_ms": order.latency_ms,
        "order_id": order.order_id,
        "size_taken": order.size_taken,
        "executed": order.executed,
        "fill": None if order.fill is None else str(order.fill),
        "multiple": order.multiple,
        "base_change": base,
        "quote_change": quote,
        "before": order.before,
        "after": order.after,
        "reply": order.reply,
        "resolved": order.resolved,
        "resolved_by": order.resolved_by,
        "submitted": order.submitted,
        "open": order.open,
        "unresolved": order.unresolved,
        "sending": order.id in sending,
    }
