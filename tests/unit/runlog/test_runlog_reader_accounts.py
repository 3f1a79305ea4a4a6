"""The reader against a slow account of the same lines: every window, plain and packed, with and without routine."""

import random
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest
from runlog_lines import START, line, put, put_packed

from genesis_ops.runlog import files
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.reader import ROUTINE, Line, LogReader
from genesis_ops.words import HOUR_MS, MINUTE_MS

POLLS = (
    "Candle selection: source=previous, ts=1, now_ms=2, latest_ts=3, latest_close_ms=4",
    "Candle 1772348400000 already processed. Skipping.",
    "State saved: logs/state.json",
)
BEAT = "Heartbeat: evaluations=3, orders=0, last_candle_ts=1772348400000"
TRACE = ("Traceback (most recent call last):", '  File "x.py", line 1', "ValueError: x")


class Made(NamedTuple):
    """A line as it was made; one without a time has no prefix."""

    at_ms: int | None
    text: str
    routine: bool = False
    serious: bool = False
    understood: bool = True


class Account(NamedTuple):
    """What a reading comes to."""

    found: list[tuple[int, str, int]]
    counts: dict[str, int | None]
    examples: list[tuple[int, str]]


def made_at(chance: random.Random, at_ms: int) -> list[Made]:
    def said(message: str, level: str, **what: bool) -> Made:
        return Made(at_ms, line(at_ms, message, level).removesuffix("\n"), **what)

    kind = chance.randrange(12)
    if kind < 6:
        return [said(chance.choice(POLLS), "DEBUG", routine=True)]
    some = {
        6: [said(BEAT, "INFO", routine=True)],
        7: [said("NEW CANDLE CLOSE: ts=1772348400000, close=65000.00, source=previous", "INFO")],
        8: [said("HTTP error fetching candles: x", "ERROR", serious=True), *(Made(None, text) for text in TRACE)],
        9: [said("who knows", "WARNING", serious=True, understood=False), Made(None, "more of it")],
        10: [said("Runner stopped.", "INFO"), Made(None, "rubbish"), *(Made(None, "") for _ in range(3))],
        11: [said(BEAT, "INFO", routine=True), Made(None, "rubbish"), *(Made(None, text) for text in TRACE[:2])],
    }
    return some[kind]


def some_log(seed: int) -> list[Made]:
    chance, at_ms = random.Random(seed), START - 10 * MINUTE_MS
    lines: list[Made] = []
    for _ in range(150):
        lines += made_at(chance, at_ms)
        at_ms += chance.choice((0, 1000, 10_000, 4 * MINUTE_MS, 20 * MINUTE_MS))
    return lines


def account(lines: list[Made], first_ms: int, last_ms: int, *, routine: bool) -> Account:
    found: list[list[int | str]] = []
    counts: dict[str, int | None] = dict.fromkeys(("lines", "left_out", "continuation", "unstamped"), 0)
    examples, inside, under, newest, times, unread = [], True, False, None, [], 0
    for number, made in enumerate(lines, 1):
        if made.at_ms is not None:
            inside, under = first_ms <= made.at_ms <= last_ms, made.serious
        if not inside:
            continue
        counts["lines"] = (counts["lines"] or 0) + 1
        if made.at_ms is not None:
            times.append(made.at_ms)
            newest = None if made.routine and not routine else [number, made.text, 0]
            found += [newest] if newest is not None else []
            kind = "left_out" if newest is None else ""
        else:
            under = under or made.text.startswith("Traceback")
            kind = "continuation" if under else "unstamped"
            if under and newest is not None:
                newest[2] += 1
        if kind:
            counts[kind] = (counts[kind] or 0) + 1
        if kind == "unstamped" or not made.understood:
            unread += 1
            examples.append((number, made.text))
    counts |= {"not_understood": unread, "first_ms": min(times, default=None), "last_ms": max(times, default=None)}
    return Account([(int(n), str(t), int(c)) for n, t, c in found], counts, examples[:5])


def reading(directory: Path, first_ms: int, last_ms: int, *, routine: bool) -> Account:
    reader = LogReader(log_files(directory), first_ms, last_ms, without=() if routine else ROUTINE)
    found = [(made.number, made.text, made.traceback) for made in reader]
    names = ("lines", "left_out", "continuation", "unstamped", "not_understood", "first_ms", "last_ms")
    counts = {name: getattr(reader.notes, name) for name in names}
    return Account(found, counts, [(one.number, one.text) for one in reader.notes.examples])


@pytest.mark.parametrize("routine", [True, False])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_every_window_is_accounted_for_line_by_line(tmp_path: Path, seed: int, packed: bool, routine: bool) -> None:
    lines = some_log(seed)
    (put_packed if packed else put)(tmp_path, "20260301", "".join(f"{made.text}\n" for made in lines))
    times = [made.at_ms for made in lines if made.at_ms is not None]
    hour = times[len(times) // 2] // HOUR_MS * HOUR_MS
    edges = [(hour, hour + HOUR_MS), (hour, hour + 2 * HOUR_MS), (hour + 1, hour + HOUR_MS - 1)]
    for at in (0, 20, 60, 90, len(times) - 12):
        edges += [(times[at], times[at + 11]), (times[at] + 1, times[at + 11] - 1), (times[at], times[at])]
    with patch.object(files, "_PROBE", 300), patch.object(files, "_PACKED_BLOCK", 40):
        for first_ms, last_ms in [*edges, (times[0], times[-1]), (0, 1 << 50)]:
            expected = account(lines, first_ms, last_ms, routine=routine)
            assert reading(tmp_path, first_ms, last_ms, routine=routine) == expected


def test_what_stands_above_the_first_time_of_a_file_belongs_to_its_lines(tmp_path: Path) -> None:
    put(tmp_path, "20260301", ["above\n", *TRACE[0], "\n", TRACE[1], "\n", line(START, "Runner stopped.")])
    found = reading(tmp_path, START, START, routine=True)
    assert [(number, traceback) for number, _, traceback in found.found] == [(4, 0)]
    assert found.counts["continuation"] == 2
    assert found.examples == [(1, "above")]


def test_a_line_of_no_region_is_counted_from_the_files_beginning(tmp_path: Path) -> None:
    assert Line(log_files(put(tmp_path, "20260301", "").parent)[0], "x", 6).number == 7


def test_a_message_may_hold_what_separates_its_parts(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START, "FATAL: a - b - c - d", "ERROR")])
    (made,) = LogReader(log_files(tmp_path))
    assert (made.level, made.message) == ("ERROR", "FATAL: a - b - c - d")


def test_an_offset_belongs_to_the_first_file(tmp_path: Path) -> None:
    one, two = line(START, "Runner stopped."), line(START + 1000, "Runner stopped.")
    put(tmp_path, "20260301", one + two)
    put(tmp_path, "20260302", one + two)
    assert [made.at_ms - START for made in LogReader(log_files(tmp_path), offset=len(one))] == [1000, 0, 1000]


def test_what_a_reading_has_not_met_yet_is_nothing() -> None:
    notes = LogReader(()).notes
    counts = (notes.lines, notes.left_out, notes.continuation, notes.unstamped, notes.joined, notes.not_understood)
    assert (*counts, notes.torn, notes.nul, notes.invalid_utf8, notes.over_long) == (0,) * 10
    assert (notes.first_ms, notes.last_ms) == (None, None)
    assert (notes.examples, notes.unreadable, notes.damaged) == ([], [], [])


@pytest.mark.parametrize("routine", [True, False])
def test_a_file_is_closed_when_it_has_been_read(tmp_path: Path, routine: bool) -> None:
    put(tmp_path, "20260301", line(START, "Runner stopped."))
    with patch.object(files.os, "close", wraps=files.os.close) as closes:
        assert len(list(LogReader(log_files(tmp_path), without=() if routine else ROUTINE))) == 1
    assert closes.call_count == 1
