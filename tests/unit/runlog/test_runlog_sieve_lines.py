"""Which lines of one known log are sieved: all that tell something, those beside what is missing, and few others."""

import gzip
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from runlog_lines import START, line

from genesis_ops.runlog import events, files, sieve
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.reader import LogLine, LogReader
from genesis_ops.runlog.sieve import Sieve
from genesis_ops.words import HOUR_MS, MINUTE_MS

SILENCE_MS = 5 * MINUTE_MS
POLL = re.compile(r".{19} - \S+ - DEBUG - Ca")
ROUTINE = re.compile(r".{19} - \S+ - (?:DEBUG - (?:Candle|State)|INFO - (?:Heartbeat|DECISION_CONTEXT|Action=))")
SILENT = ((40, 50), (95, 100), (170, 176))
"""Minutes in which nothing was written."""
MARK = START + 130 * MINUTE_MS + 5000


def look(at_ms: int) -> str:
    hour = at_ms // HOUR_MS * HOUR_MS
    return line(at_ms, events.CandleSelection("previous", hour - HOUR_MS, at_ms, hour, hour + HOUR_MS), "DEBUG")


def said(at_ms: int) -> Iterator[str]:
    yield look(at_ms)
    if at_ms % HOUR_MS == 0:
        yield line(at_ms, events.CandleClose(at_ms - HOUR_MS, 7.0, "previous"))
        yield line(at_ms, events.Evaluation("NONE", "None", 0.5))
        yield line(at_ms, events.DecisionContext('{"a": 1}'))
        yield line(at_ms, events.NoOrder())
        yield line(at_ms, events.StateSaved("a.json"), "DEBUG")
    else:
        yield line(at_ms, events.AlreadyProcessed(at_ms // HOUR_MS * HOUR_MS - HOUR_MS), "DEBUG")
    if at_ms % (30 * MINUTE_MS) == 0:
        yield line(at_ms, "Heartbeat: evaluations=1, orders=0, last_candle_ts=None")
    if at_ms % (45 * MINUTE_MS) == 0:
        yield line(at_ms, "HTTP error fetching candles: x", "ERROR") + "Traceback (most recent call last):\n  x\n"


def written() -> str:
    polls = (START + seconds * 1000 for seconds in range(0, 200 * 60, 10))
    awake = [at for at in polls if not any(a * MINUTE_MS < at - START < b * MINUTE_MS for a, b in SILENT)]
    return "".join(text for at_ms in awake for text in said(at_ms))


def put_log(directory: Path, *, packed: bool) -> None:
    data = written().encode()
    (directory / f"runner_20260301.log{'.gz' if packed else ''}").write_bytes(gzip.compress(data) if packed else data)


def told(line_: LogLine) -> tuple[int, str, int]:
    return line_.number, line_.text, line_.at_ms


@pytest.mark.parametrize("block", [700, 20_000, 1 << 20])
@pytest.mark.parametrize("packed", [False, True])
def test_without_silences_only_what_tells_something_is_sieved(tmp_path: Path, packed: bool, block: int) -> None:
    put_log(tmp_path, packed=packed)
    with patch.object(files, "BLOCK", block), patch.object(files, "_PACKED_BLOCK", block // 10):
        for window in ((None, None), (START + 30 * MINUTE_MS, START + 130 * MINUTE_MS)):
            expected = [told(one) for one in LogReader(log_files(tmp_path), *window) if not ROUTINE.match(one.text)]
            reading = Sieve(log_files(tmp_path), *window)
            assert [told(one) for one in reading] == expected
            assert [told(one) for one in reading] == expected
            assert reading.notes.lines < 2 * len(expected)


def needed(whole: list[LogLine], marks: tuple[int, ...]) -> Iterator[LogLine]:
    yield from (whole[0], whole[-1])
    for before, after in pairwise(whole):
        silent = after.at_ms - before.at_ms >= SILENCE_MS
        if silent or any(before.at_ms <= mark <= after.at_ms for mark in marks):
            yield from (before, after)
        if isinstance(after.event, events.CandleClose):
            yield before
    yield from (one for one in whole if not POLL.match(one.text) and "State saved" not in one.text)


@pytest.mark.parametrize("probe", [400, 4096])
@pytest.mark.parametrize("packed", [False, True])
def test_with_silences_their_sides_and_the_looks_before_closes_are_sieved_and_little_else(
    tmp_path: Path, packed: bool, probe: int
) -> None:
    put_log(tmp_path, packed=packed)
    with patch.object(sieve, "_PROBE", probe):
        for window in ((START - HOUR_MS, START + 24 * HOUR_MS), (START + 33 * MINUTE_MS, START + 133 * MINUTE_MS)):
            whole = list(LogReader(log_files(tmp_path), *window))
            some = [told(one) for one in Sieve(log_files(tmp_path), *window, silence_ms=SILENCE_MS, mark_ms=MARK)]
            wanted = {told(one) for one in needed(whole, (MARK,))}
            assert wanted - {*some} == set()
            assert [told(one) for one in whole if told(one) in {*some}] == some
            assert len(some) - len(wanted) < (40 if probe == 400 else 300) < len(whole) // 3


def test_the_limit_of_a_silence_is_one(tmp_path: Path) -> None:
    put_log(tmp_path, packed=False)
    with patch.object(sieve, "_PROBE", 400):
        found = [list(Sieve(log_files(tmp_path), silence_ms=ms)) for ms in (SILENCE_MS, SILENCE_MS + 1)]
    after = START + 100 * MINUTE_MS
    assert [any(one.at_ms == after for one in lines) for lines in found] == [True, False]


@pytest.mark.parametrize("chunk", [written().encode()[:30_000], b"\xef\xbb\xbf" + written().encode()[:30_000]])
def test_where_a_clock_steps_back_the_lines_beside_it_are_sieved(tmp_path: Path, chunk: bytes) -> None:
    (tmp_path / "runner_20260301.log").write_bytes(chunk.rpartition(b"\n")[0] + b"\n" + chunk)
    with patch.object(sieve, "_PROBE", 400):
        times = [one.at_ms for one in Sieve(log_files(tmp_path), silence_ms=SILENCE_MS)]
    assert sum(later < earlier for earlier, later in pairwise(times)) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_lines_between_which_others_stand_are_found_though_no_probe_meets_a_time(tmp_path: Path, packed: bool) -> None:
    data = ("rubbish\n" * 300 + look(START) + "rubbish\n" * 300 + look(START + HOUR_MS) + "rubbish\n" * 300).encode()
    name = f"runner_20260301.log{'.gz' if packed else ''}"
    (tmp_path / name).write_bytes(gzip.compress(data) if packed else data)
    for probe in (1 << 12, 1 << 20):
        with patch.object(sieve, "_PROBE", probe):
            found = [one for one in Sieve(log_files(tmp_path), silence_ms=SILENCE_MS) if one.at_ms]
            assert [(one.at_ms, one.number) for one in found] == [(START, 301), (START + HOUR_MS, 602)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_number_that_can_no_longer_be_told_is_zero(tmp_path: Path, packed: bool) -> None:
    put_log(tmp_path, packed=packed)
    (path,) = tmp_path.iterdir()
    found = list(Sieve(log_files(tmp_path)))
    whole = path.read_bytes()
    path.write_bytes(gzip.compress(b"") if packed else b"")
    assert found[-1].number == 0
    path.write_bytes(whole)
    assert found[-2].number > 0
    path.unlink()
    assert found[-3].number == 0
