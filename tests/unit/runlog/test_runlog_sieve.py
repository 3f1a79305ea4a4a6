import gzip
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_ops.collect import logs
from genesis_ops.collect.where import Source
from genesis_ops.runlog import events, files, sieve
from genesis_ops.runlog.files import LogFile, log_files
from genesis_ops.runlog.reader import Line, LogLine, LogReader
from genesis_ops.runlog.sieve import Sieve
from genesis_ops.settings import load
from genesis_ops.words import HOUR_MS, MINUTE_MS, stamp

START = 1_772_352_000_000
SILENCE_MS = 5 * MINUTE_MS
LEFT_OUT_CLOSELY = re.compile(r"\S+ \S+ - \S+ - DEBUG - (?:Ca|St)")
LEFT_OUT = re.compile(LEFT_OUT_CLOSELY.pattern + r"|\S+ \S+ - \S+ - INFO - (?:Heartbeat|DECISION_C|Action=)")
SAID = (
    events.RunnerStarted(),
    events.RunMode("DRY-RUN (no orders)"),
    events.RunMode("LIVE PAPER TRADING"),
    events.Market("tBTCUSD", "1h"),
    events.ChampionVerified(),
    events.BaselineFallback(),
    events.Fatal("disk full"),
    events.OrderSubmitting("LONG"),
    events.OrderSubmitted("{}"),
    events.FetchError("503"),
    events.EvaluationMissed(START, "runner down"),
    events.RunnerStopped(),
    events.DecisionContext('{"runtime_cfg_hash": "a"}'),
)
DAMAGE = (b"\0" * 9, b"\xef\xbb\xbf", b"\xff\xfe half\n", b"\n", b"2026-03-01 08:0", b"x" * 70_000 + b"\n", b"a\r\n")


def put_line(at_ms: int, event: events.Event | str, level: str = "") -> bytes:
    text, own = (event, "INFO") if isinstance(event, str) else (event.message(), event.level)
    return f"{stamp(at_ms)} - paper_trading_runner - {level or own} - {text}\n".encode()


def poll(at_ms: int, last: int) -> tuple[bytes, int]:
    """Write what one poll says, and tell the candle that was announced last."""
    latest = at_ms // HOUR_MS * HOUR_MS
    look = put_line(at_ms, events.CandleSelection("previous", latest - HOUR_MS, at_ms, latest, latest + HOUR_MS))
    if latest - HOUR_MS == last:
        return look + put_line(at_ms, events.AlreadyProcessed(last)), last
    close = put_line(at_ms, events.CandleClose(latest - HOUR_MS, 7.0, "previous"))
    evaluation = put_line(at_ms, events.Evaluation("NONE", "None", 0.5)) + put_line(at_ms, events.NoOrder())
    return look + close + evaluation, latest - HOUR_MS


@st.composite
def written(draw: st.DrawFn, *, back: bool = True) -> list[tuple[bool, bytes]]:
    """Draw files of polls, silences, steps back, other lines and damage."""
    at_ms, last, found = START, 0, []
    step = st.sampled_from((10, 10, 10, 60, 60, 290, 310, 3000, *((-30, -400) if back else ())))
    kinds = st.sampled_from(("poll",) * 12 + ("beat", "said", "damage", "trace", "saved"))
    for _ in range(draw(st.integers(1, 3))):
        raw = b""
        for kind, seconds, count in draw(st.lists(st.tuples(kinds, step, st.integers(1, 40)), max_size=25)):
            at_ms += seconds * 1000
            if kind == "poll":
                for _ in range(count):
                    at_ms += 10_000
                    more, last = poll(at_ms, last)
                    raw += more
            elif kind == "beat":
                raw += put_line(at_ms, f"Heartbeat: evaluations={count}, orders=0, last_candle_ts=None")
            elif kind == "saved":
                raw += put_line(at_ms, events.StateSaved("state.json"))
            elif kind == "said":
                raw += put_line(at_ms, SAID[count % len(SAID)], draw(st.sampled_from(("", "", "DEBUG", "CRITICAL"))))
            elif kind == "damage":
                raw += DAMAGE[count % len(DAMAGE)]
            else:
                raw += (
                    put_line(at_ms, "HTTP error fetching candles: x", "ERROR")
                    + b"Traceback (most recent call last):\nFATAL: x\n"
                )
        found.append((draw(st.booleans()), raw))
    return found


def put_files(directory: Path, contents: list[tuple[bool, bytes]]) -> tuple[LogFile, ...]:
    for day, (packed, raw) in enumerate(contents, 20260301):
        path = directory / f"runner_{day}.log{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(raw, 1) if packed else raw)
    return log_files(directory)


def told(line: LogLine) -> tuple[str, int, str, int, events.Event]:
    return line.file.path.name, line.number, line.text, line.at_ms, line.event


def in_order(some: list[Any], whole: Iterator[Any]) -> bool:
    return all(one in whole for one in some)


windows = st.tuples(st.integers(-60, 400), st.integers(0, 600)).map(
    lambda w: (START + w[0] * MINUTE_MS, START + (w[0] + w[1]) * MINUTE_MS)
)


@settings(max_examples=120, deadline=None)
@given(written(), windows, st.sampled_from((None, SILENCE_MS)), st.sampled_from((700, 1 << 20)))
def test_what_is_sieved_is_what_the_reader_reads_and_lacks_only_polls(
    contents: list[tuple[bool, bytes]], window: tuple[int, int], silence_ms: int | None, block: int
) -> None:
    with TemporaryDirectory() as name, patch.object(files, "BLOCK", block), patch.object(files, "_PROBE", 256):
        found = put_files(Path(name), contents)
        whole = [told(line) for line in LogReader(found, *window)]
        some = [told(line) for line in Sieve(found, *window, silence_ms=silence_ms)]
    assert in_order(some, iter(whole))
    may_lack = LEFT_OUT if silence_ms is None else LEFT_OUT_CLOSELY
    kept = set(some)
    assert [line for line in whole if line not in kept and not may_lack.match(line[2])] == []


@settings(max_examples=80, deadline=None)
@given(written(back=False), windows, st.sampled_from((700, 1 << 20)))
def test_a_silence_has_both_its_sides_and_a_close_its_look(
    contents: list[tuple[bool, bytes]], window: tuple[int, int], block: int
) -> None:
    with TemporaryDirectory() as name, patch.object(files, "BLOCK", block), patch.object(sieve, "_PROBE", 512):
        found = put_files(Path(name), contents)
        whole = list(LogReader(found, *window))
        kept = {told(line) for line in Sieve(found, *window, silence_ms=SILENCE_MS)}
        wanted = [told(line) for line in beside_silences(whole)] + [told(line) for line in looks_of_closes(whole)]
        assert [line for line in wanted if line not in kept] == []


def beside_silences(lines: list[LogLine]) -> Iterator[LogLine]:
    for before, after in pairwise(lines):
        if before.file == after.file and after.at_ms - before.at_ms >= SILENCE_MS:
            yield before
            yield after


def looks_of_closes(lines: list[LogLine]) -> Iterator[LogLine]:
    for before, after in pairwise(lines):
        if isinstance(after.event, events.CandleClose) and isinstance(before.event, events.CandleSelection):
            yield before


def plain(value: Any) -> Any:
    """Turn lines into what they say, so that evidence of two readings can be compared."""
    if isinstance(value, Line):
        return value.file.path.name, value.number, value.text, getattr(value, "at_ms", None)
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return value


def full_reading(found: tuple[LogFile, ...], from_ms: int, to_ms: int, **_: object) -> LogReader:
    return LogReader(found, from_ms, to_ms)


# Where the clock steps back among lines that only poll, the farthest of them are passed over: see the first test.
@settings(max_examples=80, deadline=None)
@given(written(back=False), windows)
def test_evidence_is_the_same_whether_it_is_sieved_or_read(
    contents: list[tuple[bool, bytes]], window: tuple[int, int]
) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        put_files(directory, contents)
        chosen = load({"root": directory}, {}, None).settings
        where = Source(directory, directory / "runner_state.json", "logs", "state")
        sieved = logs.LogLook(where, chosen, *window).gather(closely=True)
        with patch.object(logs, "Sieve", full_reading):
            read = logs.LogLook(where, chosen, *window).gather(closely=True)
        ends = [
            tuple(run._replace(last_ms=0) for run in seen.runs) for seen in (sieved, read)
        ]  # a poll may be passed over
        assert plain(ends[0]) == plain(ends[1])
        for field in ("earlier", "tally", "gaps", "first_ms", "last_ms", "newest", "ahead_ms", "nothing"):
            assert plain(getattr(sieved, field)) == plain(getattr(read, field)), field


@pytest.mark.parametrize("packed", [False, True])
def test_a_sieved_line_knows_its_number(tmp_path: Path, packed: bool) -> None:
    polls, last = b"", 0
    for number in range(3000):
        more, last = poll(START + number * 10_000, last)
        polls += more
    (tmp_path / f"runner_20260301.log{'.gz' if packed else ''}").write_bytes(gzip.compress(polls) if packed else polls)
    for silence_ms in (None, SILENCE_MS):
        found = list(Sieve(log_files(tmp_path), silence_ms=silence_ms))
        expected = polls.decode().split("\n")
        assert [expected[line.number - 1] for line in found] == [line.text for line in found]
        assert sum(isinstance(line.event, events.CandleClose) for line in found) == 9


def test_notes_tell_of_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "runner_20260301.log").mkdir()
    (tmp_path / "runner_20260302.log.gz").write_bytes(gzip.compress(put_line(START, SAID[0]) * 99)[:-9])
    reading = Sieve(log_files(tmp_path))
    assert len(list(reading)) == 99
    assert (len(reading.notes.unreadable), len(reading.notes.damaged)) == (1, 1)
