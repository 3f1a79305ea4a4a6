"""A day beside its neighbours: what stop-check finds over both is hidden by no midnight."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from genesis_ops.checks.model import Judged, Outcome
from genesis_ops.collect.day import Day, judge_day
from genesis_ops.collect.judgement import Asked, judge_stop
from genesis_ops.collect.where import source
from genesis_ops.report.day import told_of
from genesis_ops.report.day_facts import facts
from genesis_ops.runlog import events
from genesis_ops.runlog.events import Event
from genesis_ops.runlog.tally import Fate
from genesis_ops.settings import Settings, load
from genesis_ops.words import HOUR_MS, MINUTE_MS, Timeframe, stamp

DAY = 1_770_163_200_000
"""2026-02-04 00:00 UTC."""
FIRST = date(2026, 2, 4)
PASS, WARN, FAIL, UNKNOWN, SKIP = Outcome
POLL_MS = 3 * MINUTE_MS
SOURCE = "previous"


class Down(NamedTuple):
    """An outage from a minute of the log on, for so many minutes: of the feed, or the log says nothing at all."""

    minute: int
    minutes: int
    silent: bool = True

    def covers(self, at_ms: int) -> bool:
        return DAY + self.minute * MINUTE_MS <= at_ms < DAY + (self.minute + self.minutes) * MINUTE_MS


class Clock:
    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def wait(self, seconds: float) -> None:
        pass


def said(downs: Sequence[Down], end_ms: int, timeframe: Timeframe = Timeframe.H1) -> Iterator[tuple[int, Event]]:
    """Say what a runner says that looks every three minutes and announces the newest candle."""
    market = events.Market("tBTCUSD", str(timeframe))
    begun = (events.RunnerStarted(), market, events.RunMode("DRY-RUN (no orders)"), events.ChampionVerified())
    yield from ((DAY, event) for event in begun)
    length, announced = timeframe.close_of(0), 0
    for now_ms in range(DAY, end_ms, POLL_MS):
        down = [down for down in downs if down.covers(now_ms)]
        if any(each.silent for each in down):
            continue
        yield now_ms, events.Heartbeat(1, 0, str(announced), "0s", "12s", "2s")
        if down:
            yield now_ms, events.FetchError("timed out")
            continue
        closed = (now_ms - DAY) // length * length + DAY - length
        if closed > announced and (announced or closed + length == now_ms):
            announced = closed
            yield now_ms, events.CandleSelection(SOURCE, closed, now_ms, closed + length, closed + 2 * length)
            yield now_ms, events.CandleClose(closed, 7.0, SOURCE)
            yield now_ms, events.Evaluation("NONE", "None", 0.5)


def root_of(directory: Path, lines: Iterator[tuple[int, Event]], ahead_ms: int = 0, **chosen: str) -> Settings:
    """Write a log, a file a day, and the state that fits it."""
    settings = load({"root": directory, **chosen}, {}, None).settings
    settings.log_dir.mkdir(parents=True)
    files: dict[str, list[str]] = {}
    last: int | None = None
    for at_ms, event in lines:
        when = stamp(at_ms + ahead_ms)
        last = event.ts if isinstance(event, events.CandleClose) else last
        text = f"{when} - paper_trading_runner - {event.level} - {event.message()}\n"
        files.setdefault(when[:10].replace("-", ""), []).append(text)
    for name, texts in files.items():
        (settings.log_dir / f"runner_{name}.log").write_text("".join(texts))
    state = {"last_processed_candle_ts": last, **dict.fromkeys(("total_evaluations", "total_orders_submitted"), 0)}
    settings.state_file.write_text(json.dumps({**state, "last_heartbeat": None}))
    return settings


def judged(settings: Settings, number: int, now_ms: int) -> Day:
    with patch("genesis_ops.collect.day._with_host", lambda day, *_: day):  # today's host is no part of the question
        return judge_day(settings, FIRST + timedelta(days=number), Clock(now_ms))


def check(day: Day, name: str) -> Judged:
    return next(judged for judged in day.report.checks if judged.id == name)


def fates(day: Day) -> str:
    letters = {Fate.PROCESSED: "P", Fate.LATE: "L", Fate.MISSING: "M", Fate.UNCOVERED: "U", Fate.ACTION: "A"}
    return "".join(letters[hour.fate] for hour in day.report.hours)


def told(day: Day) -> dict[str, object]:
    return told_of(day.evidence, day.report, facts(day.evidence, day.report), None)


END = DAY + 60 * HOUR_MS
NOW = END + 30_000


@pytest.fixture
def two_days(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Day, Day]:
    """The first and the second day of a log with the outages that the test names."""
    settings = root_of(tmp_path, said(request.param, END))
    return judged(settings, 0, NOW), judged(settings, 1, NOW)


def at(hour: int, minute: int, minutes: int, *, silent: bool = True) -> Down:
    return Down(hour * 60 + minute, minutes, silent)


# --- over midnight


@pytest.mark.parametrize("two_days", [(at(22, 2, 182, silent=False),)], indirect=True)
def test_a_step_over_midnight_is_judged_whole_on_the_day_it_ends(two_days: tuple[Day, Day]) -> None:
    first, second = two_days
    assert (first.report.verdict, second.report.verdict) == (WARN, FAIL)
    detail = "23 of 24 closes; 23:00 missing: exchange feed failing 22:03-23:57 (timed out)"
    assert check(first, "candle-frequency").detail == f"{detail}; over midnight 05 Feb 00:00 missing"
    gap = "1 gap: 04 Feb 23:00 and 00:00 missing: exchange feed failing 04 Feb 22:03 to 05 Feb 01:03 (timed out)"
    assert check(second, "candle-gap").detail == gap
    assert check(second, "candle-frequency").detail.startswith("23 of 24 closes; 04 Feb 23:00 and 00:00 missing")
    assert fates(second)[:3] == "MLP"
    assert [len(day.evidence.missing or ()) for day in two_days] == [1, 1]


@pytest.mark.parametrize("two_days", [(at(23, 2, 119, silent=False),)], indirect=True)
def test_a_close_at_midnight_that_is_missing_alone_is_named(two_days: tuple[Day, Day]) -> None:
    first, second = two_days
    assert (first.report.verdict, second.report.verdict) == (WARN, WARN)
    assert check(first, "candle-frequency").detail == "24 of 24 closes; over midnight 05 Feb 00:00 missing"
    assert check(second, "candle-frequency").detail.startswith("23 of 24 closes; 00:00 missing: exchange feed failing")
    assert told(second)["closes"] == "23 of 24 closes"


@pytest.mark.parametrize(("minutes", "missing", "until"), [(94, "and 00:00", "00:06"), (182, "to 01:00 (3)", "01:33")])
def test_lines_that_were_lost_around_midnight_are_a_gap_with_its_own_ends(
    tmp_path: Path, minutes: int, missing: str, until: str
) -> None:
    lost = at(22, 30, minutes)
    settings = root_of(tmp_path, (pair for pair in said((), END) if not lost.covers(pair[0])))
    first, second = judged(settings, 0, NOW), judged(settings, 1, NOW)
    assert (first.report.verdict, second.report.verdict) == (WARN, FAIL)
    assert check(first, "candle-frequency").detail.startswith("23 of 24 closes; 23:00 missing: runner ")
    gap = f"1 gap: 04 Feb 23:00 {missing} missing: runner stood still 04 Feb 22:27 to 05 Feb {until}"
    assert check(second, "candle-gap").detail.startswith(gap)


@pytest.mark.parametrize("two_days", [(at(21, 30, 12 * 60 + 10),)], indirect=True)
def test_the_close_before_a_long_outage_is_found_however_far_back_it_stands(two_days: tuple[Day, Day]) -> None:
    first, second = two_days
    assert (first.report.verdict, second.report.verdict) == (FAIL, FAIL)
    words = "04 Feb 22:00 to 08:00 (11) missing: runner stood still 04 Feb 21:27 to 05 Feb 09:42"
    assert words in check(second, "candle-gap").detail
    assert fates(second).startswith("M" * 9 + "LP")


def test_a_close_that_is_announced_after_midnight_is_late_and_not_missing(tmp_path: Path) -> None:
    lines = list(said((), DAY + 30 * HOUR_MS, Timeframe.M15))
    late = DAY + 23 * HOUR_MS + 30 * MINUTE_MS
    moved = [
        (at_ms + 17 * MINUTE_MS if isinstance(event, events.CandleClose) and event.ts == late else at_ms, event)
        for at_ms, event in lines
    ]
    settings = root_of(tmp_path, iter(sorted(moved, key=lambda pair: pair[0])), timeframe="15m")
    first = judged(settings, 0, DAY + 30 * HOUR_MS)
    assert fates(first).endswith("PL")
    assert first.evidence.missing == frozenset()


def test_a_log_that_begins_after_midnight_misses_nothing_before_it(tmp_path: Path) -> None:
    settings = root_of(tmp_path, ((at_ms, event) for at_ms, event in said((), END) if at_ms >= DAY + 3 * MINUTE_MS))
    first = judged(settings, 0, NOW)
    assert fates(first) == "U" + "P" * 23
    assert told(first)["closes"] == "23 of 23 closes"


@examples(max_examples=25, deadline=None)
@given(st.lists(st.builds(Down, st.integers(10, 59 * 60), st.integers(60, 360), st.booleans()), max_size=3))
@example([at(22, 2, 182, silent=False)])
@example([at(22, 30, 94)])
@example([at(22, 30, 180)])
@example([at(22, 30, 90), at(47, 0, 360, silent=False)])
@example([Down(57 * 60 + 1, 179)])
def test_days_hide_nothing_that_stop_check_finds_over_all_of_them(downs: list[Down]) -> None:
    with TemporaryDirectory() as directory:
        lines = list(said(downs, END))
        settings = root_of(Path(directory), iter(lines))
        with source(settings, None) as where:
            whole = judge_stop(settings, where, Asked(DAY, NOW, NOW)).report
        verdicts = [judged(settings, number, NOW).report.checks for number in range(3)]
    of_days = [{each.id: each.outcome for each in checks} for checks in verdicts]
    announced = {event.ts for _, event in lines if isinstance(event, events.CandleClose)}
    due = range(DAY - HOUR_MS, END - HOUR_MS, HOUR_MS)  # the last one closed half a minute ago
    logged = ("candle-gap", "candle-frequency")
    if any(each.id == "candle-gap" and each.outcome is FAIL for each in whole.checks):
        assert FAIL in {day["candle-gap"] for day in of_days}
    if set(due) - announced:
        assert {day[name] for day in of_days for name in logged} - {PASS, SKIP}


# --- what is known, and what is not


def test_closes_after_the_death_of_a_runner_are_drawn_as_missing(tmp_path: Path) -> None:
    settings = root_of(tmp_path, said((), DAY + 2 * HOUR_MS + MINUTE_MS))
    first = judged(settings, 0, NOW)
    assert fates(first) == "PPP" + "M" * 21
    assert str(told(first)["counts"]).startswith("Candles missing 21, ")
    picture = str(told(first)["picture"])
    assert "03 Feb                         █\n04 Feb  ██░░░░" in picture


def test_of_a_day_without_a_line_it_is_not_known_what_is_missing(tmp_path: Path) -> None:
    settings = root_of(tmp_path, said((), DAY + 2 * HOUR_MS + MINUTE_MS))
    second = judged(settings, 1, NOW)
    figures = facts(second.evidence, second.report)
    assert (second.report.verdict, figures.missed, figures.errors) == (UNKNOWN, None, None)
    assert str(told(second)["counts"]).startswith("Candles missing not known")
    assert set(fates(second)) == {"U"}


def test_failures_are_counted_every_one_and_told_by_their_stretches(tmp_path: Path) -> None:
    lines = [*said((at(22, 2, 182, silent=False), at(3, 1, 20, silent=False)), END)]
    lines += [(DAY + 6 * HOUR_MS + n * 1000, events.EvaluateError("timed out")) for n in range(50)]
    settings = root_of(tmp_path, iter(sorted(lines, key=lambda pair: pair[0])))
    first, second = judged(settings, 0, NOW), judged(settings, 1, NOW)
    assert "failed requests for candles 45, failed evaluations 50, " in str(told(first)["counts"])
    assert told(first)["deviations"] == [
        "03:03-03:18 feed failing, 6 requests failed on this day",
        "06:00 evaluation failing, 50 evaluations failed on this day",
        "22:03-23:57 feed failing, 39 requests failed on this day",
    ]
    assert told(second)["deviations"] == ["00:00-01:03 feed failing, 22 requests failed on this day"]
    assert facts(first.evidence, first.report).errors == 95


def test_a_close_that_was_never_evaluated_is_told_and_fails_the_day(tmp_path: Path) -> None:
    skipped = DAY + 5 * HOUR_MS
    lines = (pair for pair in said((), END) if not (isinstance(pair[1], events.Evaluation) and pair[0] == skipped))
    first = judged(root_of(tmp_path, lines), 0, NOW)
    assert check(first, "evaluation-count").outcome is FAIL
    assert told(first)["deviations"] == ["announced and never evaluated, drawn as processed: 05:00"]


def test_a_week_in_which_no_candle_is_due_has_good_days(tmp_path: Path) -> None:
    lines = (pair for pair in said((), END) if not isinstance(pair[1], events.CandleClose | events.Evaluation))
    settings = root_of(tmp_path, lines, timeframe="1W")
    first = judged(settings, 0, NOW)
    assert (check(first, "candle-gap").outcome, check(first, "candle-frequency").outcome) == (SKIP, SKIP)


def test_a_run_that_began_the_day_before_is_told_in_utc(tmp_path: Path) -> None:
    settings = root_of(tmp_path, said((), END), ahead_ms=2 * HOUR_MS)
    runs = {row["name"]: row["value"] for row in told(judged(settings, 1, NOW))["host"]}  # type: ignore[attr-defined]
    assert runs["Runs of the day"] == "dry-run since 04 Feb 00:00"
    assert runs["Log's time zone"] == "UTC+2h (corrected here)"
