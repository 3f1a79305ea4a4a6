"""Faults planted in a dry-run's log, and twins that only look like one, each with what acceptance has to say."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from faults_generator import (
    API,
    FATAL,
    FEED,
    FROZEN,
    GAVE_UP,
    KILLED,
    TERMINATED,
    Layout,
    Log,
    Process,
    Trouble,
    World,
    Written,
    interrupted,
    state_file,
)

from genesis_ops.runlog import events
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Mode

SECOND_MS = 1000
FAIL, WARN, UNKNOWN = "FAIL", "WARN", "UNKNOWN"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


END = ms("2026-03-05 13:30:00")
SPRING, AUTUMN = ms("2026-03-29 01:00:00"), ms("2026-11-01 06:00:00")


def hours_ahead(hours: float) -> Callable[[int], int]:
    return lambda _: round(hours * HOUR_MS)


def stockholm(at_ms: int) -> int:
    return (2 if at_ms >= SPRING else 1) * HOUR_MS


def new_york(at_ms: int) -> int:
    return (-5 if at_ms >= AUTUMN else -4) * HOUR_MS


OLDER = Layout("older", older=True, files="one")
DAILY = Layout("daily")
PACKED = Layout("packed", files="packed")
RESTARTS = Layout("restarts", restarts=True)
OLDER_RESTARTS = Layout("older-restarts", older=True, files="one", restarts=True)
EAST = Layout("+1h", older=True, files="one", ahead=hours_ahead(1))
WEST = Layout("-5h", older=True, files="daily", ahead=hours_ahead(-5))
INDIA = Layout("+5:30h", older=True, files="one", ahead=hours_ahead(5.5), restarts=True)
TO_SUMMER = Layout("to-summer", older=True, files="one", ahead=stockholm)
TO_WINTER = Layout("to-winter", older=True, files="daily", ahead=new_york)
IN_UTC = (OLDER, DAILY, PACKED, RESTARTS, OLDER_RESTARTS)
LOCAL = (EAST, WEST, INDIA, TO_SUMMER, TO_WINTER)
LAYOUTS = (*IN_UTC, *LOCAL)


def end_of(layout: Layout) -> int:
    """Tell when the window of a layout ends: where clocks are changed, they are changed inside it."""
    return {"to-summer": ms("2026-03-29 13:30:00"), "to-winter": ms("2026-11-01 13:30:00")}.get(layout.name, END)


class Place(NamedTuple):
    """Where in the window a fault lies: the candle (open time in ms) and the time between its close and the next."""

    name: str
    candle: int
    at_ms: int


def places(layout: Layout) -> dict[str, Place]:
    """Name the window's first and last candle, one in its middle and the one that closes at midnight."""
    end = end_of(layout)
    last = end // HOUR_MS * HOUR_MS - HOUR_MS
    midnight = end // DAY_MS * DAY_MS - HOUR_MS
    return {
        "first": Place("first", last - 23 * HOUR_MS, end - DAY_MS),
        "midnight": Place("midnight", midnight, midnight + HOUR_MS),
        "middle": Place("middle", last - 7 * HOUR_MS, last - 6 * HOUR_MS + 20 * MINUTE_MS + 30 * SECOND_MS),
        "last": Place("last", last, end),
    }


def lives(layout: Layout, *, begin_ms: int | None = None, end_ms: int | None = None) -> tuple[Process, ...]:
    """Name the processes of a layout: one, or three with a stop and a kill within the window."""
    end = end_of(layout)
    before = 16 if layout.files == "packed" else 3
    whole = (Process(begin_ms or end - DAY_MS - before * HOUR_MS - 23 * MINUTE_MS, end_ms or end),)
    if not layout.restarts:
        return whole
    stop, kill = end - 17 * HOUR_MS - 13 * MINUTE_MS, end - 5 * HOUR_MS - 17 * MINUTE_MS
    once = interrupted(whole, stop + 10_000, stop + 40_000, TERMINATED)
    return interrupted(once, kill + 10_000, kill + 50_000, KILLED)


def world(layout: Layout, processes: tuple[Process, ...] | None = None, troubles: tuple[Trouble, ...] = ()) -> World:
    return World(lives(layout) if processes is None else processes, troubles)


def clean(layout: Layout) -> Log:
    return Log(world(layout), layout)


class Case(NamedTuple):
    """A log and its judgement: the checks that are not PASS, and words that their details hold."""

    name: str
    make: Callable[[], Log]
    expected: dict[str, str]
    words: dict[str, str] = {}  # noqa: RUF012 - read only
    start_ms: int | None = None
    end_ms: int | None = None


Planter = Callable[[Layout, Place], Log]


class Fault(NamedTuple):
    """One kind of fault, and what it does to the checks."""

    name: str
    plant: Planter
    expected: dict[str, str]
    words: dict[str, str] = {}  # noqa: RUF012 - read only


# --- candles announced twice


def duplicated(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    close = log.close(place.candle)
    look, line = log.lines[close - 1 : close + 1]
    later = log.after(line.at_ms)
    log.lines[later:later] = [look._replace(at_ms=line.at_ms), line]
    return log


def duplicated_with_evaluation(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    close = log.close(place.candle)
    later = close + (10 if place.name != "last" else 3)
    while log.lines[later - 1].at_ms == log.lines[later].at_ms:
        later += 1
    again = [line._replace(at_ms=log.lines[later - 1].at_ms) for line in log.lines[close - 1 : close + 3]]
    log.lines[later:later] = again
    return log


def duplicated_by_restart(layout: Layout, place: Place) -> Log:
    """A process is killed after a close and the next one announces it again, because its state was lost."""
    close_ms = place.candle + HOUR_MS
    processes = interrupted(lives(layout), close_ms + 4 * MINUTE_MS, close_ms + 5 * MINUTE_MS)
    log = Log(world(layout, processes), layout)
    close = log.close(place.candle)
    look, line, evaluation = log.lines[close - 1 : close + 2]
    begin = next(i for i in range(close, len(log.lines)) if log.lines[i].message.startswith("Champion verified"))
    moved = [
        old._replace(at_ms=log.lines[begin].at_ms, process=log.lines[begin].process) for old in (look, line, evaluation)
    ]
    log.lines[begin + 1 : begin + 1] = moved
    return log


def retried(layout: Layout, place: Place) -> Log:
    """The older runner announces the candle again at every failed evaluation."""
    close_ms = place.candle + HOUR_MS
    trouble = Trouble(API, close_ms - MINUTE_MS, close_ms + 5 * MINUTE_MS)
    return Log(world(layout, troubles=(trouble,)), layout)


# --- candles that are not there


def missing(count: int, cause: str) -> Planter:
    def plant(layout: Layout, place: Place) -> Log:
        first = place.candle - (count * HOUR_MS if place.name == "last" else 0)
        if cause == "no row":
            rows = frozenset(first + number * HOUR_MS for number in range(count))
            return Log(world(layout)._replace(without_row=rows), layout)
        from_ms = first + HOUR_MS - 10 * MINUTE_MS
        return Log(_without(layout, cause, from_ms, first + (count + 1) * HOUR_MS + 20 * SECOND_MS), layout)

    return plant


def _without(layout: Layout, cause: str, from_ms: int, to_ms: int) -> World:
    if cause in (FEED, FROZEN):
        return world(layout, troubles=(Trouble(cause, from_ms, to_ms),))
    processes = interrupted(lives(layout), from_ms, to_ms, KILLED if cause == GAVE_UP else cause)
    if cause == GAVE_UP:
        try_ms = from_ms + 20 * MINUTE_MS
        processes = tuple(sorted((*processes, Process(try_ms, try_ms + 3 * MINUTE_MS, ending=GAVE_UP))))
    return world(layout, processes)


def two_apart(layout: Layout, place: Place) -> Log:
    """Two candles that are not neighbours: no step of more than two timeframes, but two too few."""
    other = place.candle + (-3 if place.name in ("last", "middle") else 3) * HOUR_MS
    return Log(world(layout)._replace(without_row=frozenset({_but_last(place.candle, layout), other})), layout)


def _but_last(candle: int, layout: Layout) -> int:
    return candle - HOUR_MS if candle == places(layout)["last"].candle else candle


def fed_nothing_at_the_end(layout: Layout, _: Place) -> Log:
    end = end_of(layout)
    return Log(world(layout, troubles=(Trouble(FEED, end - 40 * MINUTE_MS, end + HOUR_MS),)), layout)


def silent(layout: Layout, place: Place) -> Log:
    middle = place.candle + HOUR_MS + (25 if place.name != "last" else 8) * MINUTE_MS
    return Log(world(layout, troubles=(Trouble(FROZEN, middle, middle + 14 * MINUTE_MS),)), layout)


def stepped_back(layout: Layout, place: Place) -> Log:
    at_ms = place.candle + {"first": 85, "last": -35}.get(place.name, 25) * MINUTE_MS
    return Log(
        world(layout)._replace(
            clock=((at_ms, -20 * MINUTE_MS), (at_ms + 40 * MINUTE_MS, 20 * MINUTE_MS)), poll_ms=MINUTE_MS
        ),
        layout,
    )


def begun_late(layout: Layout, _: Place) -> Log:
    begin = end_of(layout) - 19 * HOUR_MS - 2 * MINUTE_MS
    return Log(World((Process(begin, end_of(layout)),)), layout)


def ended_early(layout: Layout, _: Place) -> Log:
    end = end_of(layout) - 5 * HOUR_MS + 2 * MINUTE_MS
    return Log(world(layout, interrupted(lives(layout), end, end_of(layout) + HOUR_MS)), layout)


# --- closes without a proof


def without_source(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    close = log.close(place.candle)
    log.change(close, message=log.lines[close].message.partition(", source=")[0])
    return log


def with_source(source: str) -> Planter:
    def plant(layout: Layout, place: Place) -> Log:
        log = without_source(layout, place)
        close = log.close(place.candle)
        log.change(close, message=f"{log.lines[close].message}, source={source}")
        return log

    return plant


def without_audit(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    del log.lines[log.close(place.candle) - 1]
    return log


def audited_for_another(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    look = log.close(place.candle) - 1
    log.change(look, message=log.lines[look].message.replace(f" ts={place.candle},", f" ts={place.candle - HOUR_MS},"))
    return log


def audited_with_another_source(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    look = log.close(place.candle) - 1
    log.change(look, message=log.lines[look].message.replace("source=previous", "source=latest"))
    return log


def announced_before_its_close(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    close = log.close(place.candle)
    said = log.lines[close:]
    said = said[: next(i for i, line in enumerate(said) if line.at_ms != said[0].at_ms)]
    del log.lines[close - 1 : close + len(said)]
    early_ms = place.candle + HOUR_MS - 5 * MINUTE_MS
    look = events.CandleSelection("latest", place.candle, early_ms + 100, place.candle, place.candle + HOUR_MS)
    early = log.add(early_ms, look)
    said[0] = said[0]._replace(message=said[0].message.replace("previous", "latest"))
    log.lines[early + 1 : early + 1] = [line._replace(at_ms=early_ms) for line in said]
    return log


# --- orders


def said_by_the_runner(text: str, level: str = "INFO") -> Planter:
    def plant(layout: Layout, place: Place) -> Log:
        log = clean(layout)
        log.add(place.at_ms, text, level=level)
        return log

    return plant


def in_live_paper(layout: Layout, place: Place) -> Log:
    """One process of the window trades live on paper, for the stretch around a place."""
    from_ms = place.at_ms + (0 if place.name != "last" else -2 * MINUTE_MS)
    processes = lives(layout)
    if place.name == "first":
        live = (Process(from_ms - 3 * HOUR_MS, from_ms + 50 * SECOND_MS, Mode.LIVE_PAPER),)
        rest = interrupted(processes, from_ms - 3 * HOUR_MS, from_ms + 55 * SECOND_MS)
    else:
        to_ms = min(from_ms + 10 * MINUTE_MS, end_of(layout))
        live = (Process(from_ms + 5 * SECOND_MS, to_ms, Mode.LIVE_PAPER),)
        rest = interrupted(processes, from_ms, to_ms + 5 * SECOND_MS)
    return Log(world(layout, tuple(sorted((*rest, *live)))), layout)


# --- evaluations


def not_evaluated(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    del log.lines[log.find("EVALUATION", log.close(place.candle))]
    return log


def evaluated_twice(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    evaluation = log.find("EVALUATION", log.close(place.candle))
    log.lines.insert(evaluation, log.lines[evaluation])
    return log


def given_up(layout: Layout, place: Place) -> Log:
    """The API fails for longer than an hour: this project's runner gives the evaluation up and says so."""
    close_ms = min(place.candle, places(layout)["last"].candle - HOUR_MS) + HOUR_MS
    return Log(world(layout, troubles=(Trouble(API, close_ms - MINUTE_MS, close_ms + HOUR_MS),)), layout)


# --- the state


def with_state(make: Callable[[bytes], bytes | None]) -> Planter:
    def plant(layout: Layout, _: Place) -> Log:
        log = clean(layout)
        assert log.state is not None
        log.state = make(log.state)
        return log

    return plant


def with_last(shift_ms: int) -> Planter:
    def plant(layout: Layout, _: Place) -> Log:
        log = clean(layout)
        log.state = state_file(places(layout)["last"].candle + shift_ms)
        return log

    return plant


def with_orders(number: int) -> Planter:
    def plant(layout: Layout, _: Place) -> Log:
        log = clean(layout)
        log.state = state_file(places(layout)["last"].candle, orders=number)
        return log

    return plant


def with_state_directory(layout: Layout, _: Place) -> Log:
    log = clean(layout)
    log.state = None
    log.afterwards.append(lambda directory: (directory / "runner_state.json").mkdir())
    return log


def with_state_link(layout: Layout, _: Place) -> Log:
    log = clean(layout)
    log.state = None
    log.afterwards.append(lambda directory: (directory / "runner_state.json").symlink_to("gone.json"))
    return log


UNREADABLE: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda _: b"",
    "blank": lambda _: b" \n\n",
    "truncated": lambda raw: raw[: len(raw) // 2],
    "without-its-last-byte": lambda raw: raw[:-1],
    "no-keys": lambda _: b"{}",
    "text-for-a-number": lambda raw: raw.replace(b'"total_evaluations": ', b'"total_evaluations": "1", "x": '),
    "float-for-a-number": lambda raw: raw.replace(b'"total_evaluations": ', b'"total_evaluations": 1.5, "x": '),
    "nan": lambda raw: raw.replace(b'"total_evaluations": ', b'"total_evaluations": NaN, "x": '),
    "nan-elsewhere": lambda raw: raw.replace(b"{", b'{"pipeline": {"atr": NaN},', 1),
    "bom": lambda raw: b"\xef\xbb\xbf" + raw,
    "nul": lambda raw: raw + b"\0\0",
    "all-nul": lambda raw: bytes(len(raw)),
    "list": lambda raw: b"[" + raw + b"]",
    "null": lambda _: b"null",
    "negative": lambda raw: raw.replace(b'"total_orders_submitted": 0', b'"total_orders_submitted": -1'),
    "lacks-the-candle": lambda raw: raw.replace(b"last_processed_candle_ts", b"last_candle"),
    "not-utf-8": lambda raw: raw.replace(b"total", b"t\xfftal", 1),
    "twice": lambda raw: raw + raw,
}


# --- the champion


def unverified(layout: Layout, place: Place) -> Log:
    """The process that lives at a place did not verify the champion at its start, but trades."""
    now = place.at_ms
    processes = lives(layout)
    if place.name != "first":
        processes = interrupted(processes, now - 8 * MINUTE_MS, now - 8 * MINUTE_MS + 10 * SECOND_MS)
    marked = tuple(p._replace(verified=not p.begin_ms <= now <= p.end_ms) for p in processes)
    return Log(world(layout, marked), layout)


def fell_back(layout: Layout, place: Place) -> Log:
    log = clean(layout)
    log.add(place.at_ms, events.ChampionNotLoaded("baseline:1h"), events.BaselineFallback())
    return log


# --- heartbeats


def without_beats(before_ms: int, after_ms: int) -> Planter:
    def plant(layout: Layout, place: Place) -> Log:
        log = clean(layout)
        from_ms, to_ms = place.at_ms - before_ms, place.at_ms + after_ms
        log.keep(lambda line: not (line.message.startswith("Heartbeat") and from_ms <= line.at_ms <= to_ms))
        return log

    return plant


# --- files that cannot be read


def as_directory(layout: Layout, _: Place) -> Log:
    log = clean(layout)
    log.afterwards.append(lambda directory: (directory / "runner_20260302.log").mkdir())
    return log


def as_broken_gzip(layout: Layout, _: Place) -> Log:
    def cut(directory: Path) -> None:
        packed = max(directory.glob("*.gz"))
        raw = packed.read_bytes()
        packed.write_bytes(raw[: len(raw) * 3 // 4])

    log = clean(layout)
    log.afterwards.append(cut)
    return log


UNREAD = dict.fromkeys(
    (
        *("candle-uniqueness", "candle-frequency", "candle-source", "candle-audit", "no-orders", "evaluation-count"),
        *("state-consistency", "champion-loaded", "no-fatal", "heartbeat"),
    ),
    UNKNOWN,
)


def as_directory_of_today(layout: Layout, _: Place) -> Log:
    """The newest day's file is a directory: nobody can tell what stood there."""
    log = clean(layout)

    def change(directory: Path) -> None:
        newest = max(directory.glob("runner_2*.log"))
        newest.unlink()
        newest.mkdir()

    log.afterwards.append(change)
    return log


def without_logs(kind: str) -> Planter:
    def plant(layout: Layout, _: Place) -> Log:
        log = clean(layout)
        log.lines = log.lines[:1] if kind == "empty" else []
        if kind == "empty":
            log.change(0, level="", message="", end="")
        if kind == "another":
            log.others["runner_service.log"] = "".join(line.shown(0) for line in clean(layout).lines).encode()
        return log

    return plant


AS_BROKEN_GZIP = Fault("broken-gzip", as_broken_gzip, UNREAD)

# --- all of them

DUPLICATES = (
    Fault("same-run", duplicated, {"candle-uniqueness": FAIL}, {"candle-uniqueness": "announced again"}),
    Fault("evaluated-again", duplicated_with_evaluation, {"candle-uniqueness": FAIL, "evaluation-count": FAIL}),
    Fault("after-restart", duplicated_by_restart, {"candle-uniqueness": FAIL, "evaluation-count": FAIL}),
)
RETRIED = Fault(
    "retried", retried, {"candle-uniqueness": FAIL}, {"candle-uniqueness": "evaluation failed and was tried"}
)
_DOWN: dict[str, tuple[dict[str, str], str]] = {
    KILLED: ({"heartbeat": WARN}, "killed, or the host was down"),
    TERMINATED: ({"heartbeat": WARN}, "stopped in good order"),
    FATAL: ({"heartbeat": WARN, "no-fatal": FAIL}, "FATAL: unexpected OSError"),
    GAVE_UP: ({"heartbeat": WARN, "champion-loaded": WARN}, "Runner gave up"),
    FROZEN: ({"heartbeat": WARN}, "stood still"),
    FEED: ({}, "exchange feed failing"),
    "no row": ({}, "the exchange had no row"),
}
MISSING = tuple(
    Fault(
        f"missing-{count}-{cause.replace(' ', '-')}",
        missing(count, cause),
        {"candle-frequency": WARN if count == 1 else FAIL} | beside,
        {"candle-frequency": words},
    )
    for count in (1, 2, 3)
    for cause, (beside, words) in _DOWN.items()
)
FREQUENCY = (
    Fault("two-apart", two_apart, {"candle-frequency": FAIL}, {"candle-frequency": "22 of 24"}),
    Fault("silent", silent, {"candle-frequency": WARN}, {"candle-frequency": "silent"}),
    Fault("clock-back", stepped_back, {"candle-frequency": WARN}, {"candle-frequency": "clock stepped"}),
)
ONCE = (
    Fault(
        "no-feed-at-the-end",
        fed_nothing_at_the_end,
        {"candle-frequency": WARN},
        {"candle-frequency": "exchange feed failing"},
    ),
    Fault("begun-late", begun_late, {"candle-frequency": UNKNOWN}, {"candle-frequency": "19h of 24h"}),
    Fault("ended-early", ended_early, {"candle-frequency": UNKNOWN}, {"candle-frequency": "19h of 24h"}),
    Fault("state-behind", with_last(-HOUR_MS), {"state-consistency": FAIL}, {"state-consistency": "behind"}),
    Fault("state-ahead", with_last(HOUR_MS), {"state-consistency": FAIL}, {"state-consistency": "ahead"}),
    Fault("state-far-ahead", with_last(400 * DAY_MS), {"state-consistency": FAIL}, {"state-consistency": "ahead"}),
    Fault("state-without-candle", with_state(lambda _: state_file(None)), {"state-consistency": FAIL}),
    Fault("state-missing", with_state(lambda _: None), {"state-consistency": FAIL, "state-orders": UNKNOWN}),
    Fault("state-a-directory", with_state_directory, {"state-consistency": FAIL, "state-orders": UNKNOWN}),
    Fault("state-a-broken-link", with_state_link, {"state-consistency": FAIL, "state-orders": UNKNOWN}),
    *(
        Fault(f"state-{name}", with_state(make), {"state-consistency": FAIL, "state-orders": UNKNOWN})
        for name, make in UNREADABLE.items()
    ),
    Fault("state-counts-1", with_orders(1), {"state-orders": FAIL}),
    Fault("state-counts-41", with_orders(41), {"state-orders": FAIL}),
    Fault("directory-as-log", as_directory, UNREAD),
    Fault("directory-as-today", as_directory_of_today, UNREAD),
    *(Fault(f"logs-{kind}", without_logs(kind), UNREAD) for kind in ("none", "empty", "another")),
)
PROOF = (
    Fault("no-source", without_source, {"candle-source": FAIL}),
    Fault("wrong-source", with_source("oracle"), {"candle-source": FAIL}),
    Fault("no-audit", without_audit, {"candle-audit": FAIL}),
    Fault("audit-of-another", audited_for_another, {"candle-audit": FAIL}),
    Fault("audit-with-another-source", audited_with_another_source, {"candle-audit": FAIL}),
    Fault(
        "before-its-close", announced_before_its_close, {"candle-audit": FAIL}, {"candle-audit": "before it had closed"}
    ),
    Fault("not-evaluated", not_evaluated, {"evaluation-count": FAIL}, {"evaluation-count": "not evaluated"}),
    Fault("evaluated-twice", evaluated_twice, {"evaluation-count": FAIL}, {"evaluation-count": "more than once"}),
)
GIVEN_UP = Fault("given-up", given_up, {"evaluation-count": FAIL}, {"evaluation-count": "the API did not answer"})
_ACTIONS = ("LONG", "SHORT", "BUY", "SELL")
ORDERS = (
    *(Fault(f"submitting-{a}", said_by_the_runner(f"Submitting {a} order..."), {"no-orders": FAIL}) for a in _ACTIONS),
    Fault(
        "submitted", said_by_the_runner("ORDER SUBMITTED: {'ok': True, 'exchange': 'bitfinex'}"), {"no-orders": FAIL}
    ),
    Fault("submitted-debug", said_by_the_runner("ORDER SUBMITTED: {'ok': False}", "DEBUG"), {"no-orders": FAIL}),
    Fault("uncertain", said_by_the_runner("ORDER_SUBMIT_UNCERTAIN action=LONG timeout", "ERROR"), {"no-orders": FAIL}),
    Fault("live-paper", in_live_paper, {"no-orders": FAIL}, {"no-orders": "live-paper run"}),
)
FATALS = (
    Fault("fatal", said_by_the_runner("FATAL: disk full", "CRITICAL"), {"no-fatal": FAIL}),
    Fault("fatal-info", said_by_the_runner("FATAL: disk full", "INFO"), {"no-fatal": FAIL}),
    Fault("fatal-debug", said_by_the_runner("FATAL: disk full", "DEBUG"), {"no-fatal": FAIL}),
    Fault("fatal-bare", said_by_the_runner("FATAL", "ERROR"), {"no-fatal": FAIL}),
    Fault("fatal-error", said_by_the_runner("FATAL ERROR in loop", "ERROR"), {"no-fatal": FAIL}),
    Fault("critical", said_by_the_runner("the disk is full", "CRITICAL"), {"no-fatal": FAIL}),
    Fault(
        "critical-heartbeat",
        said_by_the_runner("Heartbeat: evaluations=1, orders=0, last_candle_ts=None", "CRITICAL"),
        {"no-fatal": FAIL},
    ),
    Fault("critical-action", said_by_the_runner("Action=NONE. No order.", "CRITICAL"), {"no-fatal": FAIL}),
    Fault("fallback", fell_back, {"champion-loaded": FAIL, "no-fatal": FAIL}),
    Fault(
        "not-loaded", said_by_the_runner("Champion NOT loaded! Source: baseline:1h", "ERROR"), {"champion-loaded": FAIL}
    ),
    Fault(
        "fallback-info", said_by_the_runner("Baseline fallback detected. ABORTING.", "INFO"), {"champion-loaded": FAIL}
    ),
    Fault("unverified", unverified, {"champion-loaded": FAIL}),
)
BEATS = (
    Fault("no-beat-for-an-hour", without_beats(HOUR_MS, HOUR_MS), {"heartbeat": WARN}),
    Fault("no-beat-at-all", without_beats(2 * DAY_MS, 2 * DAY_MS), {"heartbeat": WARN}),
)


def _names(layout: Layout) -> tuple[str, ...]:
    if layout is OLDER:
        return ("first", "midnight", "middle", "last")
    return ("last",) if layout is RESTARTS else ("midnight",)


def in_zone(layout: Layout, expected: dict[str, str]) -> dict[str, str]:
    """Add that a log in local time is a warning of its own (contract §9)."""
    return {"candle-frequency": WARN} | expected if layout in LOCAL else expected


def _case(fault: Fault, layout: Layout, name: str) -> Case:
    place = places(layout)[name]
    return Case(
        f"{fault.name}/{layout.name}/{name}",
        lambda: fault.plant(layout, place),
        in_zone(layout, fault.expected),
        fault.words,
    )


def _combinations() -> Iterator[tuple[Fault, Layout, str]]:
    """Plant every fault at every place of two layouts, and a part of them in each of the others."""
    everywhere = (*DUPLICATES, *PROOF, *BEATS, *FREQUENCY, *ORDERS, *FATALS)
    for number, layout in enumerate(LAYOUTS):
        thorough = layout in (OLDER, RESTARTS)
        for name in _names(layout):
            yield from ((fault, layout, name) for fault in (everywhere if thorough else everywhere[number % 3 :: 3]))
            yield from ((fault, layout, name) for fault in (MISSING if thorough else MISSING[number % 4 :: 4]))
            yield (RETRIED if layout.older else GIVEN_UP), layout, name
    yield from ((fault, DAILY, "middle") for fault in ONCE)
    yield AS_BROKEN_GZIP, PACKED, "middle"


FAULTY = [_case(*combination) for combination in _combinations()]


# --- twins


def going_on(layout: Layout) -> Log:
    """A log that goes on for two hours behind the window."""
    return Log(World(lives(layout, end_ms=end_of(layout) + 2 * HOUR_MS)), layout)


def outside(text: str, level: str, at_ms: Callable[[Layout], int]) -> Callable[[Layout], Log]:
    def plant(layout: Layout) -> Log:
        log = going_on(layout)
        log.add(at_ms(layout), text, level=level)
        return log

    return plant


def a_second_before(layout: Layout) -> int:
    return end_of(layout) - DAY_MS - SECOND_MS


def a_second_after(layout: Layout) -> int:
    return end_of(layout) + SECOND_MS


_TEXTS = (
    ("submitting", "Submitting LONG order...", "INFO"),
    ("submitted", "ORDER SUBMITTED: {'ok': True}", "INFO"),
    ("uncertain", "ORDER_SUBMIT_UNCERTAIN timeout", "ERROR"),
    ("fatal", "FATAL: disk full", "CRITICAL"),
    ("fatal-info", "FATAL: disk full", "INFO"),
    ("critical", "the disk is full", "CRITICAL"),
    ("not-loaded", "Champion NOT loaded! Source: baseline:1h", "ERROR"),
    ("fallback", "Baseline fallback detected. ABORTING.", "CRITICAL"),
)
_LIKE = (
    ("fatal-in-lower-case", "fatal: disk full", "ERROR"),
    ("fatal-in-a-sentence", "this is not FATAL: go on", "WARNING"),
    ("fatal-within-json", 'DECISION_CONTEXT: {"note": "FATAL: Baseline fallback detected. ABORTING."}', "INFO"),
    ("order-within-json", 'DECISION_CONTEXT: {"note": "ORDER SUBMITTED: {} Submitting LONG order..."}', "INFO"),
    (
        "close-within-json",
        'DECISION_CONTEXT: {"note": "NEW CANDLE CLOSE: ts=1772629200000, close=1.00, source=latest"}',
        "INFO",
    ),
    ("order-within-an-error", "HTTP error fetching candles: Submitting LONG order... ORDER SUBMITTED: {}", "ERROR"),
    ("fallback-within-an-error", "HTTP error fetching candles: Baseline fallback detected. ABORTING.", "ERROR"),
    ("mode-within-an-error", "HTTP error fetching candles: Mode: LIVE PAPER TRADING", "ERROR"),
    ("skipped", "DRY-RUN: Would submit SHORT order (skipped)", "INFO"),
    ("not-quite-an-order", "Not Submitting LONG order...", "INFO"),
    ("quarantine", "QUARANTINE_CLEARED: no open order", "INFO"),
    ("revised", "Candle 1772629200000 was revised by the exchange: close 1.00 is now 2.00", "WARNING"),
)
_TRACES = (
    "FATAL: inside a traceback",
    "ORDER SUBMITTED: {'ok': True}",
    "Submitting LONG order...",
    "NEW CANDLE CLOSE: ts=1772629200000, close=1.00, source=latest",
    "Baseline fallback detected. ABORTING.",
    "CRITICAL - FATAL: x",
)


def looks_alike(text: str, level: str, name: str) -> Callable[[Layout], Log]:
    return lambda layout: said_by_the_runner(text, level)(layout, places(layout)[name])


def in_a_traceback(layout: Layout) -> Log:
    log = clean(layout)
    place = log.add(places(layout)["middle"].at_ms, "HTTP error fetching candles: reset", level="ERROR")
    texts = ("Traceback (most recent call last):", *_TRACES)
    line = log.lines[place]
    log.lines[place + 1 : place + 1] = [line._replace(level="", message=text) for text in texts]
    return log


def in_another_file(name: str) -> Callable[[Layout], Log]:
    def plant(layout: Layout) -> Log:
        log = clean(layout)
        at_ms = places(layout)["middle"].at_ms
        bad = [log.lines[0]._replace(at_ms=at_ms, level=level, message=text) for _, text, level in _TEXTS]
        again = [line for line in log.lines if line.message.startswith(("NEW CANDLE", "EVALUATION"))]
        raw = "".join(line.shown(0) for line in (*bad, *again)).encode()
        log.afterwards.append(lambda directory: _put(directory / name, raw))
        return log

    return plant


def _put(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def restarted(ending: str, name: str) -> Callable[[Layout], Log]:
    """A restart within a minute, between two closes: nothing is lost."""

    def plant(layout: Layout) -> Log:
        at_ms = places(layout)[name].candle + HOUR_MS + 7 * MINUTE_MS
        return Log(world(layout, interrupted(lives(layout), at_ms, at_ms + 40_000, ending)), layout)

    return plant


def restarted_over_a_close(name: str) -> Callable[[Layout], Log]:
    def plant(layout: Layout) -> Log:
        close_ms = places(layout)[name].candle + HOUR_MS
        return Log(world(layout, interrupted(lives(layout), close_ms - 20_000, close_ms + 25_000, TERMINATED)), layout)

    return plant


def killed_before_the_evaluation(name: str) -> Callable[[Layout], Log]:
    """The process dies between a close and its evaluation; the next one evaluates what is pending."""

    def plant(layout: Layout) -> Log:
        close_ms = places(layout)[name].candle + HOUR_MS
        log = Log(world(layout, interrupted(lives(layout), close_ms + 6000, close_ms + 45_000)), layout)
        begin = log.find("EVALUATION", log.close(places(layout)[name].candle))
        verified = log.find("Champion verified", begin)
        moved = [
            line for line in log.lines[begin:verified] if line.message.startswith(("EVAL", "DECISION", "Action", "DRY"))
        ]
        rest = [line for line in log.lines[begin : verified + 1] if line not in moved]
        start = log.lines[verified]
        log.lines[begin : verified + 1] = rest + [m._replace(at_ms=start.at_ms, process=start.process) for m in moved]
        return log

    return plant


def troubled(kind: str, from_minute: int, to_minute: int, name: str) -> Callable[[Layout], Log]:
    """An outage that costs no candle."""

    def plant(layout: Layout) -> Log:
        close_ms = places(layout)[name].candle + HOUR_MS
        trouble = Trouble(kind, close_ms + from_minute * MINUTE_MS, close_ms + to_minute * MINUTE_MS)
        return Log(world(layout, troubles=(trouble,)), layout)

    return plant


def bad_before(plant: Planter) -> Callable[[Layout], Log]:
    """Plant a fault hours before the window."""

    def planted(layout: Layout) -> Log:
        early = end_of(layout) // HOUR_MS * HOUR_MS - DAY_MS - 3 * HOUR_MS
        return plant(layout, Place("earlier", early, early + HOUR_MS + 20 * MINUTE_MS))

    return planted


def bad_behind(plant: Planter) -> Callable[[Layout], Log]:
    """Plant what is said behind the window."""

    def planted(layout: Layout) -> Log:
        log = plant(layout, Place("later", end_of(layout), end_of(layout) + HOUR_MS))
        assert log.lines[-1].at_ms > end_of(layout)
        return log

    return planted


def live_before(layout: Layout) -> Log:
    """A live-paper run that sent orders and ended before the window."""
    begin, stop = lives(layout)[0].begin_ms, end_of(layout) - DAY_MS - 70_000
    live = Process(begin, stop, Mode.LIVE_PAPER, TERMINATED)
    return Log(world(layout, (live, *interrupted(lives(layout), begin - HOUR_MS, stop + 30_000))), layout)


def verified_long_ago(layout: Layout) -> Log:
    """The only start lies weeks before the window, in another file than the window."""
    log = clean(layout)
    start = log.find("Champion verified") + 1
    weeks = [line._replace(at_ms=line.at_ms - 20 * DAY_MS) for line in log.lines[:start]]
    log.lines = weeks + log.lines[start:]
    return log


_DAMAGE: dict[str, Callable[[Written], tuple[Written, ...]]] = {
    "nul": lambda line: (line._replace(begin="\0" * 700),),
    "bom": lambda line: (line._replace(begin="\ufeff"),),
    "nul-line": lambda line: (line._replace(level="", message="\0" * 4096), line),
    "invalid-utf-8": lambda line: (line._replace(level="WARNING", message="caf\udce9 \udcff"), line),
    "megabytes": lambda line: (line._replace(level="WARNING", message="x" * 3_000_000), line),
    "megabytes-without-a-head": lambda line: (line._replace(level="", message="y" * 3_000_000), line),
    "half-a-line": lambda line: (line._replace(message=line.message[:9], end=""), line),
    "blank-lines": lambda line: (*[line._replace(level="", message="")] * 3, line),
}
"""What a line becomes; it is still there."""


def damaged(kind: str, name: str) -> Callable[[Layout], Log]:
    def plant(layout: Layout) -> Log:
        log = clean(layout)
        place = log.after(places(layout)[name].at_ms - (10 * MINUTE_MS if name == "last" else 0))
        log.lines[place : place + 1] = _DAMAGE[kind](log.lines[place])
        return log

    return plant


def with_windows_line_ends(layout: Layout) -> Log:
    log = clean(layout)
    log.lines = [line._replace(end="\r\n") for line in log.lines]
    return log


def torn_at_its_end(layout: Layout) -> Log:
    log = clean(layout)
    log.lines.append(log.lines[-1]._replace(level="DEBUG", message="Candle selection: sou", end=""))
    return log


def killed_mid_line(layout: Layout) -> Log:
    """A process dies in the middle of a line, and the next one writes on behind it."""
    at_ms = places(layout)["middle"].at_ms
    log = Log(world(layout, interrupted(lives(layout), at_ms, at_ms + 40_000)), layout)
    place = log.find("Paper Trading Runner Started", log.after(at_ms)) - 1
    log.lines.insert(
        place, log.lines[place - 1]._replace(level="DEBUG", message="Candle selection: source=prev", end="")
    )
    return log


class Twin(NamedTuple):
    """Something that looks like a fault and is none."""

    name: str
    make: Callable[[Layout], Log]
    expected: dict[str, str] = {}  # noqa: RUF012 - read only

    @property
    def everywhere(self) -> bool:
        """Whether it can also be told of a log in local time, whose stamps can only be corrected by looks near them."""
        return not self.name.startswith(("verified", "pending"))


TWINS = (
    Twin("clean", clean),
    Twin("goes-on", going_on),
    *(Twin(f"before-{name}", outside(text, level, a_second_before)) for name, text, level in _TEXTS),
    *(Twin(f"after-{name}", outside(text, level, a_second_after)) for name, text, level in _TEXTS),
    *(Twin(name, looks_alike(text, level, "middle")) for name, text, level in _LIKE),
    Twin("in-a-traceback", in_a_traceback),
    *(
        Twin(f"restarted-{ending}-{name}", restarted(ending, name))
        for ending in (KILLED, TERMINATED)
        for name in ("first", "midnight")
    ),
    *(Twin(f"restarted-over-{name}", restarted_over_a_close(name)) for name in ("midnight", "middle")),
    *(Twin(f"pending-{name}", killed_before_the_evaluation(name)) for name in ("midnight", "last")),
    Twin("feed-back-in-time", troubled(FEED, 10, 50, "midnight")),
    Twin("feed-late", troubled(FEED, -10, 20, "middle")),
    Twin("live-before", live_before),
    Twin("verified-long-ago", verified_long_ago),
    *(Twin(f"before-{fault.name}", bad_before(fault.plant)) for fault in (*DUPLICATES, *PROOF)),
)
TWINS_OF_DAILY = (
    Twin("api-back-in-time", troubled(API, -1, 20, "midnight")),
    *(
        Twin(f"in-{name}", in_another_file(name))
        for name in (
            *("runner_service.log", "runner_evaluations_20260305.log", "runner_orders_20260305.log"),
            *("runner_errors_20260305.log", "server_20260305_000000.log", "runner_20260305.log.bak"),
            *("runner_20260305.log.1", "runner_20261399.log", "xrunner_20260305.log", "runner_2026030.log"),
            *("_archive/restart_20260305T000000Z/runner_20260305.log", "acceptance_check_20260305T000000Z.txt"),
        )
    ),
    *(Twin(f"damaged-{kind}-{name}", damaged(kind, name)) for kind in _DAMAGE for name in ("middle", "last")),
    Twin("crlf", with_windows_line_ends),
    Twin("torn-at-its-end", torn_at_its_end),
    Twin("killed-mid-line", killed_mid_line),
    *(
        Twin(f"{name}-{place}", looks_alike(text, level, place))
        for name, text, level in _LIKE
        for place in ("first", "last")
    ),
)


def _twin(twin: Twin, layout: Layout) -> Case:
    return Case(f"{twin.name}/{layout.name}", lambda: twin.make(layout), in_zone(layout, twin.expected))


CLEAN = [
    *(_twin(twin, layout) for layout in (OLDER, RESTARTS) for twin in TWINS),
    *(_twin(twin, PACKED) for twin in TWINS[::3]),
    *(
        _twin(twin, layout)
        for number, layout in enumerate((EAST, INDIA))
        for twin in TWINS[number + 1 : -2 : 3]
        if twin.everywhere
    ),
    *(_twin(TWINS[0], layout) for layout in (DAILY, *LOCAL)),
    *(_twin(twin, DAILY) for twin in TWINS_OF_DAILY),
]
