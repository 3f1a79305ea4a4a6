from pathlib import Path

import pytest
from runlog_lines import START, close, line, put, put_packed, read

from genesis_ops.runlog import events
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.runs import Run, begun_before, latest_run, runs
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Mode

DRY, LIVE = "DRY-RUN (no orders)", "LIVE PAPER TRADING"
TS = START - HOUR_MS


def banner(at_ms: int, mode: str = DRY, *, verified: bool = True, interval: int = 10) -> str:
    said = (
        *(events.Rule(), events.RunnerStarted(), events.Market("tBTCUSD", "1h"), events.PollInterval(interval)),
        *(events.RunMode(mode), events.StateFile("state.json"), events.Rule(), events.ChampionVerifying()),
    )
    ending = line(at_ms, events.ChampionVerified()) if verified else ""
    return "".join(line(at_ms, event) for event in said) + ending


def look(at_ms: int, ts: int) -> str:
    event = events.CandleSelection("previous", ts, at_ms, ts + HOUR_MS, ts + 2 * HOUR_MS)
    return line(at_ms, event, "DEBUG")


def evaluation(at_ms: int) -> str:
    return line(at_ms, events.Evaluation("NONE", "None", 0.5))


def split(directory: Path, *texts: str) -> tuple[Run, ...]:
    put(directory, "20260301", texts)
    return runs(read(directory)[0])


def test_a_banner_begins_a_run_with_what_it_announces(tmp_path: Path) -> None:
    first, second = split(
        tmp_path, banner(START), close(START, TS), banner(START + HOUR_MS, LIVE, verified=False, interval=60)
    )
    assert (first.mode, first.symbol, first.timeframe, first.interval) == (Mode.DRY_RUN, "tBTCUSD", "1h", 10)
    assert first.verified is not None
    assert [found.ts for found in first.closes] == [TS]
    assert (second.mode, second.verified, second.interval, second.closes) == (Mode.LIVE_PAPER, None, 60, ())
    assert (second.first_ms, second.last_ms) == (START + HOUR_MS, START + HOUR_MS)


def test_what_stands_above_a_banner_and_belongs_to_it_is_no_run(tmp_path: Path) -> None:
    (only,) = split(tmp_path, line(START, events.StateNotFound("state.json")), banner(START))
    assert only.started is not None


def test_lines_above_the_first_banner_belong_to_a_run_without_a_start(tmp_path: Path) -> None:
    first, second = split(tmp_path, close(START, TS), line(START, events.Rule()), banner(START + 1000))
    assert (first.started, first.mode, len(first.closes)) == (None, None, 1)
    assert second.started is not None


def test_what_was_announced_earlier_holds_for_lines_above_the_first_banner(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [banner(START, LIVE)])
    put(tmp_path, "20260302", [close(START + DAY_MS, TS)])
    lines, _ = read(tmp_path, START + DAY_MS)
    (only,) = runs(lines, lambda: begun_before(log_files(tmp_path), START + DAY_MS))
    assert only.mode is Mode.LIVE_PAPER
    assert only.verified is not None
    assert len(only.closes) == 1


def test_nobody_asks_what_was_announced_earlier_where_the_banner_is_there(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [banner(START), close(START, TS)])

    def never() -> Run:
        raise AssertionError

    assert len(runs(read(tmp_path)[0], never)) == 1


def test_a_close_knows_the_look_before_it_and_every_evaluation_after_it(tmp_path: Path) -> None:
    (run,) = split(
        tmp_path,
        banner(START),
        look(START, TS),
        close(START, TS),
        evaluation(START),
        evaluation(START + 1),
        close(START + HOUR_MS, TS + HOUR_MS),
    )
    first, second = run.closes
    assert isinstance(first.audit.event if first.audit else None, events.CandleSelection)
    assert len(first.evaluations) == 2
    assert (second.audit, second.evaluations) == (None, ())


def test_a_failed_evaluation_is_kept_once_and_its_end_by_its_candle(tmp_path: Path) -> None:
    (run,) = split(
        tmp_path,
        *(
            banner(START),
            close(START, TS),
            line(START, events.EvaluateError("refused")),
            line(START, events.EvaluationFailed(TS)),
        ),
        *(line(START + HOUR_MS, events.EvaluationMissed(TS, "API failing")), close(START + HOUR_MS, TS + HOUR_MS)),
    )
    first, second = run.closes
    assert first.failure is not None
    assert first.failure.event == events.EvaluateError("refused")
    assert first.given_up is not None
    assert (second.failure, second.given_up) == (None, None)


def test_an_evaluation_after_a_restart_answers_the_close_before_it(tmp_path: Path) -> None:
    first, second = split(
        tmp_path,
        banner(START),
        close(START, TS),
        banner(START + 60_000),
        evaluation(START + 60_000),
        close(START + HOUR_MS, TS + HOUR_MS),
    )
    assert len(first.closes[0].evaluations) == 1
    assert second.closes[0].evaluations == ()


def test_an_evaluation_that_is_given_up_after_a_restart_belongs_to_its_candle(tmp_path: Path) -> None:
    missed = line(START + HOUR_MS, events.EvaluationMissed(TS, "runner down"))
    first, _ = split(tmp_path, banner(START), close(START, TS), banner(START + HOUR_MS), missed)
    assert first.closes[0].given_up is not None
    first, _ = split(tmp_path, banner(START), close(START, TS - HOUR_MS), banner(START + HOUR_MS), missed)
    assert first.closes[0].given_up is None


@pytest.mark.parametrize(
    ("text", "level", "field"),
    [
        ("Submitting LONG order...", "INFO", "submissions"),
        ("Submitting CLOSE_LONG order...", "INFO", "submissions"),
        ("Submitting LON", "INFO", "submissions"),
        ("ORDER SUBMITTED: {}", "INFO", "submissions"),
        ("ORDER_SUBMIT_UNCERTAIN x", "ERROR", "submissions"),
        ("DRY-RUN: Would submit LONG order (skipped)", "INFO", "skipped"),
        ("Champion NOT loaded! Source: baseline:1h", "ERROR", "fallbacks"),
        ("FATAL: x", "INFO", "fatal"),
        ("x", "CRITICAL", "fatal"),
        ("MISSED CANDLE: ts=1772348400000, cause=runner down", "WARNING", "missed"),
    ],
)
def test_a_line_counts_for_the_run_that_wrote_it(tmp_path: Path, text: str, level: str, field: str) -> None:
    first, second = split(tmp_path, banner(START), line(START + 1000, text, level), banner(START + HOUR_MS))
    assert [found.message for found in getattr(first, field)] == [text]
    assert getattr(second, field) == ()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("FATAL: disk fu", "fatal"),
        ("Submitting LO", "submissions"),
        ("ORDER SUBMITTED: {", "submissions"),
        ("ORDER_SUBMIT_UNC", "submissions"),
    ],
)
def test_a_line_that_was_cut_off_counts_by_its_beginning(tmp_path: Path, text: str, field: str) -> None:
    (run,) = split(tmp_path, banner(START), line(START + 1000, text).removesuffix("\n"))
    assert [found.message for found in getattr(run, field)] == [text]


def test_what_follows_a_close_belongs_to_the_newest(tmp_path: Path) -> None:
    said = (line(START, events.EvaluationFailed(TS)), evaluation(START))
    closes = [close(START + n * HOUR_MS, TS + n * HOUR_MS) for n in range(3)]
    (run,) = split(tmp_path, banner(START), closes[0], closes[1], *said, closes[2])
    assert [len(found.evaluations) for found in run.closes] == [0, 1, 0]
    assert [found.failure is not None for found in run.closes] == [False, True, False]


def test_a_candle_that_is_given_up_is_one_of_several(tmp_path: Path) -> None:
    closes = [close(START + n * HOUR_MS, TS + n * HOUR_MS) for n in range(3)]
    (run,) = split(tmp_path, banner(START), *closes, line(START, events.EvaluationMissed(TS + HOUR_MS, "x")))
    assert [found.given_up is not None for found in run.closes] == [False, True, False]


def test_a_run_reaches_from_its_earliest_line_to_its_latest(tmp_path: Path) -> None:
    lines = (line(START + 5000, "x"), line(START - 5000, "x"), line(START + 1000, "x"))
    (run,) = split(tmp_path, *lines)
    assert (run.first_ms, run.last_ms, run.symbol, run.timeframe) == (START - 5000, START + 5000, "", "")


def test_a_run_ends_with_the_first_line_that_says_so(tmp_path: Path) -> None:
    (run,) = split(
        tmp_path, banner(START), line(START + 1, events.SignalReceived(15)), line(START + 1, events.RunnerStopped())
    )
    assert run.ended is not None
    assert run.ended.event == events.SignalReceived(15)


def test_a_close_that_was_cut_off_in_its_source_is_none(tmp_path: Path) -> None:
    (run,) = split(tmp_path, banner(START), line(START, f"NEW CANDLE CLOSE: ts={TS}, close=1.00, source=prev"))
    assert run.closes == ()


def test_configurations_and_beats_are_kept_in_order(tmp_path: Path) -> None:
    contexts = [line(START, events.DecisionContext(f'{{"runtime_cfg_hash": "{name}"}}')) for name in ("a1", "b2", "a1")]
    beats = [line(START + n * 1000, "Heartbeat: evaluations=1, orders=0, last_candle_ts=None") for n in (1, 2)]
    (run,) = split(tmp_path, banner(START), *contexts, *beats)
    assert run.configurations == ("a1", "b2")
    assert run.beats == (START + 1000, START + 2000)


@pytest.mark.parametrize("packed", [False, True])
def test_a_start_is_found_days_before_and_in_another_file(tmp_path: Path, packed: bool) -> None:
    (put_packed if packed else put)(tmp_path, "20260301", banner(START, LIVE) + banner(START + HOUR_MS, DRY))
    put(tmp_path, "20260302", [close(START + DAY_MS + n, TS + n) for n in range(50)])
    put(tmp_path, "20260309", [banner(START + 8 * DAY_MS, LIVE)])
    files = log_files(tmp_path)
    found = begun_before(files, START + 3 * DAY_MS)
    assert found is not None
    assert (found.mode, found.started.at_ms if found.started else 0) == (Mode.DRY_RUN, START + HOUR_MS)
    earlier = begun_before(files, START + 30 * MINUTE_MS)
    assert earlier is not None
    assert earlier.mode is Mode.LIVE_PAPER
    assert begun_before(files, START - 1) is None


def test_a_start_that_a_traceback_quotes_is_none(tmp_path: Path) -> None:
    quoted = line(START + 1000, "HTTP error fetching candles: Paper Trading Runner Started", "ERROR")
    put(
        tmp_path,
        "20260301",
        [banner(START, LIVE), quoted, "Traceback (most recent call last):\n", "Paper Trading Runner Started\n"],
    )
    found = begun_before(log_files(tmp_path), START + HOUR_MS)
    assert found is not None
    assert found.mode is Mode.LIVE_PAPER


def test_a_verification_counts_only_before_the_time_that_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [banner(START, verified=False), line(START + MINUTE_MS, events.ChampionVerified())])
    before, after = (begun_before(log_files(tmp_path), START + n) for n in (MINUTE_MS - 1000, MINUTE_MS))
    assert before is not None
    assert after is not None
    assert (before.verified, after.verified is not None) == (None, True)


def test_the_latest_run_is_told_in_utc(tmp_path: Path) -> None:
    ahead = 2 * HOUR_MS
    looks = [
        line(
            START + ahead + n * 10_000,
            events.CandleSelection("previous", TS, START + n * 10_000, START, START + HOUR_MS),
            "DEBUG",
        )
        for n in range(9)
    ]
    put(tmp_path, "20260301", [banner(START - HOUR_MS + ahead, LIVE), banner(START + ahead), *looks])
    words = latest_run(log_files(tmp_path), START + HOUR_MS)
    assert words is not None
    assert (words.started.at_ms, words.last_ms, words.zone_minutes) == (START, START + 80_000, 120)
    assert (words.mode, words.ended, words.verified is not None) == (Mode.DRY_RUN, None, True)


def test_without_a_start_there_is_no_latest_run(tmp_path: Path) -> None:
    assert latest_run((), START) is None
    put(tmp_path, "20260301", [close(START, TS)])
    assert latest_run(log_files(tmp_path), START) is None


@pytest.mark.parametrize(
    "event",
    [
        events.SignalReceived(15),
        events.Interrupted(),
        events.RunnerStopped(),
        events.GaveUp("no server"),
        events.CandlesDone(24),
    ],
)
def test_every_way_to_end_ends_a_run(tmp_path: Path, event: events.Event) -> None:
    (run,) = split(tmp_path, banner(START), line(START + 1000, event))
    assert run.ended is not None
    assert run.ended.event == event


def test_both_lines_of_a_fallback_are_kept(tmp_path: Path) -> None:
    said = (events.ChampionNotLoaded("baseline:1h"), events.BaselineFallback())
    (run,) = split(tmp_path, banner(START), *(line(START, event, event.level) for event in said))
    assert [found.event for found in run.fallbacks] == list(said)
    assert [found.event for found in run.fatal] == [said[1]]


def test_an_evaluation_after_a_runs_own_close_is_not_for_the_run_before_it(tmp_path: Path) -> None:
    again = (close(START + HOUR_MS, TS + HOUR_MS), evaluation(START + HOUR_MS))
    first, second = split(tmp_path, banner(START), close(START, TS), banner(START + HOUR_MS), *again)
    assert [len(run.closes[0].evaluations) for run in (first, second)] == [0, 1]


def test_an_evaluation_answers_the_newest_run_that_left_a_close_pending(tmp_path: Path) -> None:
    pending = [(banner(START + n * HOUR_MS), close(START + n * HOUR_MS, TS + n * HOUR_MS)) for n in (0, 1)]
    idle = banner(START + 2 * HOUR_MS)
    found = split(
        tmp_path, *pending[0], *pending[1], idle, banner(START + 3 * HOUR_MS), evaluation(START + 3 * HOUR_MS)
    )
    assert [[len(made.evaluations) for made in run.closes] for run in found] == [[0], [1], [], []]


def test_an_evaluation_without_any_close_answers_nothing(tmp_path: Path) -> None:
    assert [run.closes for run in split(tmp_path, banner(START), evaluation(START))] == [()]


def test_the_newest_start_is_that_of_the_file_that_reaches_farthest(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [banner(START, DRY), banner(START + 50 * HOUR_MS, LIVE)])
    put(tmp_path, "20260302", [banner(START + 10 * HOUR_MS, DRY)])
    found = begun_before(log_files(tmp_path), START + 60 * HOUR_MS)
    assert found is not None
    assert found.mode is Mode.LIVE_PAPER


def test_of_two_files_the_newer_one_has_the_newest_start(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [banner(START, DRY)])
    put(tmp_path, "20260302", [banner(START + DAY_MS, LIVE)])
    found = begun_before(log_files(tmp_path), START + 2 * DAY_MS)
    assert found is not None
    assert found.mode is Mode.LIVE_PAPER


def test_what_the_run_before_said_in_the_same_second_is_not_announced_by_the_new_one(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [line(START, events.ChampionVerified()), banner(START, verified=False)])
    found = begun_before(log_files(tmp_path), START + HOUR_MS)
    assert found is not None
    assert found.verified is None


def test_a_verification_after_candles_were_processed_is_none_of_a_start(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [banner(START, verified=False), close(START, TS), line(START, events.ChampionVerified())])
    found = begun_before(log_files(tmp_path), START + HOUR_MS)
    assert found is not None
    assert found.verified is None


def test_the_day_of_a_packed_log_does_not_say_when_the_latest_run_wrote_last(tmp_path: Path) -> None:
    put_packed(tmp_path, "20260301", banner(START))
    words = latest_run(log_files(tmp_path), START + HOUR_MS)
    assert words is not None
    assert words.last_ms == START


@pytest.mark.parametrize(
    "said",
    [
        events.GateOverridden("a test", "no receipt"),
        events.GatePassed("accepted"),
        events.StateRecovered(5, "announced"),
        events.StateRebuilt("5", 1),
        events.JournalTorn("a file, byte 7"),
        events.OrderOpen("20260301-0700", "why"),
        events.ModeSwitched("dry-run", "live-paper"),
    ],
)
def test_what_a_start_says_above_its_banner_belongs_to_it_and_prolongs_no_run_before(
    tmp_path: Path, said: events.Event
) -> None:
    put(tmp_path, "20260301", [line(START, said), banner(START), close(START + 1000, TS), line(START + HOUR_MS, said)])
    put(tmp_path, "20260302", [banner(START + HOUR_MS)])
    first, second = runs(read(tmp_path)[0])
    assert (first.first_ms, first.last_ms) == (START, START + 1000)
    assert (second.first_ms, second.last_ms) == (START + HOUR_MS, START + HOUR_MS)
    assert len(first.closes) == 1


def test_a_banner_that_is_stamped_later_than_all_that_follows_is_a_run_all_the_same(tmp_path: Path) -> None:
    put(tmp_path, "20260301", [banner(START + 10 * HOUR_MS), close(START, TS), look(START + 1000, TS)])
    for at_ms in (START + HOUR_MS, START + 10 * HOUR_MS, START + DAY_MS):
        found = latest_run(log_files(tmp_path), at_ms)
        assert found is None or found.mode is Mode.DRY_RUN
