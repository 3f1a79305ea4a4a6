"""The planted faults and their twins as stop-check has to see them: six conditions over the whole phase so far."""

from collections.abc import Callable, Iterator

from faults_generator import FATAL, Layout, Log, Process, World, interrupted
from faults_planted import (
    AS_BROKEN_GZIP,
    BEATS,
    DAILY,
    DUPLICATES,
    EAST,
    FAIL,
    FATALS,
    FREQUENCY,
    LAYOUTS,
    LOCAL,
    MISSING,
    OLDER,
    ONCE,
    ORDERS,
    PACKED,
    PROOF,
    RESTARTS,
    RETRIED,
    TWINS,
    TWINS_OF_DAILY,
    UNKNOWN,
    WARN,
    Case,
    Fault,
    Place,
    clean,
    end_of,
    lives,
    places,
    world,
)

from genesis_ops.runlog import events
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Mode

_UNREAD = dict.fromkeys(
    ("duplicate-candle", "dry-run-order", "baseline-fallback", "candle-gap", "fatal-error"), UNKNOWN
)
_SEEN = {
    "candle-uniqueness": "duplicate-candle",
    "no-orders": "dry-run-order",
    "no-fatal": "fatal-error",
    "champion-loaded": "baseline-fallback",
}
_OWN: dict[str, dict[str, str]] = {
    "live-paper": {},
    "unverified": {},
    "ended-early": {"candle-gap": FAIL},
    "logs-none": _UNREAD,
    "logs-empty": _UNREAD,
    "logs-another": _UNREAD,
    "directory-as-log": _UNREAD,
    "directory-as-today": _UNREAD,
    "broken-gzip": _UNREAD,
}


def seen_by_stop_check(fault: Fault) -> dict[str, str]:
    """Say what stop-check makes of a fault that acceptance refuses; much of it is no reason to stop."""
    if fault.name in _OWN:
        return _OWN[fault.name]
    expected = {_SEEN[id_]: outcome for id_, outcome in fault.expected.items() if id_ in _SEEN and outcome == FAIL}
    if fault.name.startswith(("missing-2", "missing-3")):
        expected["candle-gap"] = FAIL
    if fault.expected.get("state-orders") == UNKNOWN:
        expected["state-corrupt"] = FAIL
    if fault.name == "state-without-candle":
        expected["state-corrupt"] = WARN
    return expected


def in_zone(layout: Layout, expected: dict[str, str]) -> dict[str, str]:
    return {"candle-gap": WARN} | expected if layout in LOCAL else expected


def _case(fault: Fault, layout: Layout, name: str) -> Case:
    place = places(layout)[name]
    expected = in_zone(layout, seen_by_stop_check(fault))
    return Case(f"{fault.name}/{layout.name}/{name}", lambda: fault.plant(layout, place), expected)


# --- what only the whole phase shows


def duplicated_days_later(layout: Layout, place: Place) -> Log:
    """A candle of the first hours is announced again a day later: determinism has failed."""
    log = clean(layout)
    first = next(i for i, line in enumerate(log.lines) if line.message.startswith("NEW CANDLE"))
    again = log.after(place.at_ms)
    at_ms = log.lines[again - 1].at_ms
    log.lines[again:again] = [line._replace(at_ms=at_ms) for line in log.lines[first - 1 : first + 1]]
    return log


def ordered_without_a_start(layout: Layout, place: Place) -> Log:
    """An order by a run whose start is not in the log, so that nobody knows its mode."""
    log = clean(layout)
    log.add(place.at_ms, events.OrderSubmitted("{'ok': True}"))
    start = log.find("Champion verified")
    log.lines = log.lines[start + 1 :]
    return log


def ordered_in_both_modes(layout: Layout, place: Place) -> Log:
    """A live-paper run that may order, and behind it a dry-run that may not and does."""
    begin = lives(layout)[0].begin_ms
    stop = place.candle + HOUR_MS + 7 * MINUTE_MS
    live = Process(begin, stop, Mode.LIVE_PAPER)
    log = Log(world(layout, (live, *interrupted(lives(layout), begin, stop + 30_000))), layout)
    log.add(stop + 10 * MINUTE_MS, events.OrderSubmitting("SHORT"))
    return log


def not_started_again(layout: Layout, _: Place) -> Log:
    end = end_of(layout)
    return Log(world(layout, interrupted(lives(layout), end - 4 * HOUR_MS, end + HOUR_MS, FATAL)), layout)


PHASE = (
    Fault("days-later", duplicated_days_later, {"duplicate-candle": FAIL}),
    Fault("both-modes", ordered_in_both_modes, {"dry-run-order": FAIL}),
    Fault("no-start", ordered_without_a_start, {"dry-run-order": UNKNOWN}),
    Fault("down-since", not_started_again, {"candle-gap": FAIL, "fatal-error": FAIL}),
)


def _faulty() -> Iterator[Case]:
    everywhere = (*DUPLICATES, *ORDERS, *FATALS, *(fault for fault in MISSING if "missing-1" not in fault.name))
    for number, layout in enumerate(LAYOUTS):
        for name in ("first", "last") if layout in (OLDER, RESTARTS) else ("midnight",):
            chosen = everywhere if layout in (OLDER, RESTARTS) else everywhere[number % 3 :: 3]
            yield from (_case(fault, layout, name) for fault in chosen if seen_by_stop_check(fault))
    for fault in PHASE:
        for layout in (OLDER, PACKED, EAST) if fault.name == "no-start" else (OLDER, RESTARTS, PACKED, EAST):
            place, expected = places(layout)["middle"], in_zone(layout, fault.expected)
            yield Case(f"{fault.name}/{layout.name}", _bound(fault, layout, place), expected)
    yield _case(RETRIED, OLDER, "middle")
    yield from (_case(fault, DAILY, "middle") for fault in ONCE if seen_by_stop_check(fault))
    yield _case(AS_BROKEN_GZIP, PACKED, "middle")


def _bound(fault: Fault, layout: Layout, place: Place) -> Callable[[], Log]:
    return lambda: fault.plant(layout, place)


STOPPED = list(_faulty())

# --- twins


def live_all_along(layout: Layout) -> Log:
    """Live-paper runs that order, as they are meant to."""
    return Log(World(tuple(p._replace(mode=Mode.LIVE_PAPER) for p in lives(layout))), layout)


def uncertain_in_live_paper(layout: Layout) -> Log:
    log = live_all_along(layout)
    log.add(places(layout)["middle"].at_ms, "ORDER_SUBMIT_UNCERTAIN timeout", level="ERROR")
    return log


_HARMLESS = (
    *PROOF,
    *BEATS,
    *FREQUENCY,
    *ORDERS[-1:],
    *(f for f in MISSING if "missing-1" in f.name and "fatal" not in f.name),
)


def _clean() -> Iterator[Case]:
    for layout in (OLDER, RESTARTS):
        for fault in _HARMLESS:
            assert not seen_by_stop_check(fault), fault.name
            yield _case(fault, layout, "middle")
        for make in (live_all_along, uncertain_in_live_paper):
            yield Case(f"{make.__name__}/{layout.name}", lambda m=make, x=layout: m(x), in_zone(layout, {}))
    for twin in TWINS:
        if not twin.name.startswith(("before-", "after-")):
            yield Case(f"{twin.name}/restarts", lambda t=twin: t.make(RESTARTS), {})
        else:
            since = end_of(OLDER) - DAY_MS
            yield Case(f"{twin.name}/since", lambda t=twin: t.make(OLDER), {}, start_ms=since)
    for twin in TWINS_OF_DAILY:
        yield Case(f"{twin.name}/daily", lambda t=twin: t.make(DAILY), {})
    yield from (_case(fault, DAILY, "middle") for fault in ONCE if not seen_by_stop_check(fault))


UNSTOPPED = list(_clean())
