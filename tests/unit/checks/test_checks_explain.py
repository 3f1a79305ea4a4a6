import pytest
from evidence_by_hand import START, line, look

from genesis_ops.checks.evidence import Explanation
from genesis_ops.checks.explain import UNEXPLAINED, explain_gap, explain_silence
from genesis_ops.runlog.events import (
    BaselineFallback,
    ChampionNotLoaded,
    ClockOff,
    EvaluateError,
    Event,
    Fatal,
    FeedDead,
    FetchError,
    FetchRetry,
    GaveUp,
    Interrupted,
    RunnerStarted,
    RunnerStopped,
    SignalReceived,
)
from genesis_ops.runlog.reader import LogLine
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe

ONE, TWO, THREE = START - HOUR_MS, START, START + HOUR_MS
"""The open times of candles that close at 08:00, 09:00 and 10:00."""
END = START + 4 * HOUR_MS
LATE = MINUTE_MS
NOTHING = "no cause found in the lines around it"


def looks(from_ms: int, to_ms: int, ts: int = ONE, step_ms: int = MINUTE_MS) -> list[LogLine]:
    """Give looks at the exchange in which the candle stays the newest closed one."""
    return [look(ts, at_ms) for at_ms in range(from_ms, to_ms, step_ms)]


def why(lines: list[LogLine], *missing: int, end_ms: int = END, limit_ms: int = 5 * MINUTE_MS) -> Explanation:
    ordered = sorted(lines, key=lambda line: line.at_ms)
    return explain_gap(ordered, missing, Timeframe.H1, end_ms, limit_ms)


# --- nothing was written


def test_a_process_that_ended_and_another_that_began_are_a_runner_that_was_down() -> None:
    before, banner = look(ONE, START + 50 * MINUTE_MS), line(START + 70 * MINUTE_MS, RunnerStarted())
    found = why([before, banner, *looks(START + 71 * MINUTE_MS, END)], TWO)
    assert found == Explanation("runner down 08:50-09:10 (killed, or the host was down)", (before, banner))


@pytest.mark.parametrize(
    ("last", "ended"),
    [
        (SignalReceived(15), "stopped in good order"),
        (Interrupted(), "stopped in good order"),
        (RunnerStopped(), "stopped in good order"),
        (Fatal("disk full"), "FATAL: disk full"),
        (GaveUp("no server"), "Runner gave up: no server"),
    ],
)
def test_how_a_process_ended_is_read_from_its_last_lines(last: Event, ended: str) -> None:
    at_ms = START + 50 * MINUTE_MS
    for back_ms, told in ((59_000, ended), (60_000, "killed, or the host was down")):
        lines = [line(at_ms - back_ms, last), look(ONE, at_ms), line(START + 70 * MINUTE_MS, RunnerStarted())]
        assert explain_silence(lines, END).cause == f"runner down 08:50-09:10 ({told})"


def test_of_several_last_words_the_very_last_tell() -> None:
    at_ms = START + 50 * MINUTE_MS
    banner = line(START + 70 * MINUTE_MS, RunnerStarted())
    lines = [line(at_ms, Fatal("first")), line(at_ms, Fatal("second")), banner, line(banner.at_ms, Fatal("later"))]
    assert explain_silence(lines, END).cause == "runner down 08:50-09:10 (FATAL: second)"


@pytest.mark.parametrize(("after_ms", "down"), [(0, True), (59_000, True), (60_000, False)])
def test_a_banner_within_a_minute_of_the_first_line_is_that_of_the_new_process(after_ms: int, down: bool) -> None:
    again_ms = START + 70 * MINUTE_MS
    last = look(ONE, START + 50 * MINUTE_MS)
    lines = [line(last.at_ms, RunnerStarted()), last, line(again_ms, "State file not found")]
    lines.append(line(again_ms + after_ms, RunnerStarted()))
    assert explain_silence(lines, again_ms).cause.startswith("runner down" if down else "runner stood still")


def test_a_banner_above_the_silence_is_not_that_of_a_new_process() -> None:
    lines = [line(START, RunnerStarted()), line(START + 10 * MINUTE_MS, "x")]
    told = "runner stood still 08:00-08:10 (suspended, starved or the disk hung)"
    assert explain_silence(lines, START) == Explanation(told, tuple(lines))


def test_a_log_that_ends_is_a_runner_that_is_down() -> None:
    last = line(START + 10 * MINUTE_MS, "x")
    found = explain_silence([line(START + 6 * MINUTE_MS, "x"), last], START + 20 * MINUTE_MS)
    assert found == Explanation("runner down since 08:10 (killed, or the host was down)", (last,))


@pytest.mark.parametrize(("length_ms", "silent"), [(5 * MINUTE_MS - 1000, False), (5 * MINUTE_MS, True)])
def test_a_silence_is_as_long_as_the_limit(length_ms: int, silent: bool) -> None:
    pair = [line(START, "x"), line(START + length_ms, "x")]
    assert (explain_silence(pair, START) != Explanation(NOTHING)) is silent
    assert (explain_silence(pair[:1], START + length_ms) != Explanation(NOTHING)) is silent
    assert explain_silence(pair, START, limit_ms=length_ms + 1) == Explanation(NOTHING)
    assert explain_silence([], END) == Explanation(NOTHING)
    going_on = [line(START, "x"), line(START + 2 * MINUTE_MS, "x")]
    assert explain_silence(going_on, START + 6 * MINUTE_MS) == Explanation(NOTHING)


def test_of_two_silences_the_first_is_explained() -> None:
    lines = [line(START + minutes * MINUTE_MS, "x") for minutes in (0, 10, 11, 30)]
    assert "08:00-08:10" in explain_silence(lines, START).cause


def test_a_silence_over_midnight_names_the_days() -> None:
    lines = [line(START, "x"), line(START + DAY_MS, "x")]
    assert "stood still 01 Mar 08:00 to 02 Mar 08:00 (" in explain_silence(lines, START).cause


# --- the clock


def stepped(stood_ms: int, went_on_ms: int) -> Explanation:
    before, after = look(ONE, START), look(ONE + went_on_ms, START + stood_ms)
    earlier = [look(ONE - hours * HOUR_MS, START - hours * 1000) for hours in (3, 2, 1)]
    found = explain_silence([*earlier, before, after, look(END, after.at_ms + 1000)], START)
    assert found.evidence == (before, after)
    return found


def test_a_clock_is_stepped_forward_where_the_exchange_did_not_go_on() -> None:
    assert stepped(3 * HOUR_MS, 0).cause == "clock stepped forward by 3h 0m at 08:00"
    assert stepped(3 * HOUR_MS, HOUR_MS).cause == "clock stepped forward by 2h 0m at 08:00"


@pytest.mark.parametrize(("more_ms", "words"), [(0, "runner stood still"), (1000, "clock stepped forward by 1h 1m")])
def test_a_step_is_longer_than_a_candle_and_a_minute(more_ms: int, words: str) -> None:
    assert stepped(HOUR_MS + MINUTE_MS + more_ms, 0).cause.startswith(words)


def test_a_runner_that_stood_still_while_the_exchange_went_on_has_a_clock_that_is_right() -> None:
    assert stepped(2 * HOUR_MS, HOUR_MS + HOUR_MS // 2).cause.startswith("runner stood still")


@pytest.mark.parametrize(("back_ms", "told"), [(1, "0s"), (3_599_000, "59m")])
def test_how_far_stamps_go_back_is_told(back_ms: int, told: str) -> None:
    lines = [line(START, "x"), line(START - back_ms, "x")]
    assert explain_silence(lines, START - back_ms).cause == f"clock stepped back by {told} at 08:00"


def test_stamps_that_go_back_are_a_clock_stepped_back() -> None:
    lines = [line(START, "x"), line(START - 1000, "x")]
    assert explain_silence(lines, START - 2000) == Explanation("clock stepped back by 1s at 08:00", tuple(lines))


def test_without_a_look_on_both_sides_a_step_cannot_be_told() -> None:
    for lines in ([look(ONE, START), line(END, "x")], [line(START, "x"), look(ONE, END)]):
        assert explain_silence(lines, START).cause.startswith("runner stood still")


# --- lines were written


def test_a_clock_that_is_off_is_named_before_anything_else() -> None:
    off = line(TWO + HOUR_MS + 1000, ClockOff(90_000))
    lines = [*looks(START, END), off, line(off.at_ms, FetchError("x")), line(off.at_ms, ClockOff(1))]
    assert why(lines, TWO) == Explanation("clock off: Clock is off: host minus exchange = 90000 ms", (off,))


def test_a_candle_without_a_row_is_proved_by_the_last_look() -> None:
    lines = looks(START, END)
    found = why(lines, TWO)
    assert found.cause == "the exchange had no row for it"
    assert [proof.at_ms for proof in found.evidence] == [TWO + 2 * HOUR_MS - MINUTE_MS]


@pytest.mark.parametrize(
    ("ahead_ms", "told"),
    [
        (60_000, "the exchange had no row for it"),
        (60_001, "clock off: the host is at least 1m behind the exchange"),
        (7_199_000, "clock off: the host is at least 1h 59m behind the exchange"),
    ],
)
def test_rows_in_the_hosts_future_say_that_its_clock_is_behind(ahead_ms: int, told: str) -> None:
    last = look(ONE, TWO + 2 * HOUR_MS - 1000, now_ms=TWO, latest_ts=TWO + ahead_ms)
    assert why([*looks(START, END), last], TWO) == Explanation(told, (last,))


@pytest.mark.parametrize("last", [RunnerStopped(), GaveUp("no server")])
def test_after_its_last_words_a_runner_was_down_though_no_banner_follows(last: Event) -> None:
    lines = [line(START, last), line(START + 10 * MINUTE_MS, "x")]
    assert explain_silence(lines, START).cause.startswith("runner down 08:00-08:10 (")
    assert explain_silence([line(START, Fatal("x")), lines[1]], START).cause.startswith("runner stood still")


def test_what_explains_nothing_is_known_to_others() -> None:
    assert UNEXPLAINED == ("the exchange had no row for it", NOTHING)


def test_lines_that_tell_nothing_are_shown_at_least() -> None:
    lines = [line(at_ms, "x") for at_ms in range(START, END, MINUTE_MS)]
    found = why(lines, TWO)
    assert (found.cause, [proof.at_ms for proof in found.evidence]) == (NOTHING, [START + HOUR_MS])


@pytest.mark.parametrize("error", [FetchError("timed out"), FeedDead("2m", "timed out")])
def test_a_failing_feed_is_named_from_its_first_error_to_its_last_with_its_cause(error: Event) -> None:
    bad = [line(at_ms, error) for at_ms in range(START + 55 * MINUTE_MS, START + 65 * MINUTE_MS, MINUTE_MS)]
    lines = [*looks(START, bad[0].at_ms), *bad, *looks(bad[-1].at_ms + MINUTE_MS, END)]
    assert why(lines, TWO) == Explanation("exchange feed failing 08:55-09:04 (timed out)", (bad[0],))


def test_a_retry_says_that_the_feed_fails_and_an_error_why() -> None:
    at_ms = TWO + HOUR_MS
    retry, error = line(at_ms, FetchRetry()), line(at_ms + 30_000, FetchError("refused"))
    around = [*looks(START, at_ms), *looks(at_ms + MINUTE_MS, END)]
    assert why([*around, retry], TWO) == Explanation("exchange feed failing 09:00-09:00", (retry,))
    assert why([*around, retry, error], TWO) == Explanation("exchange feed failing 09:00-09:00 (refused)", (error,))


def test_an_outage_ends_where_a_look_worked() -> None:
    middle = TWO + HOUR_MS
    bad = [line(middle + minutes * MINUTE_MS, FetchError(f"no. {minutes}")) for minutes in (-20, -1, 1, 20)]
    others = [look(ONE, middle + minutes * MINUTE_MS) for minutes in (-24, -16, -12, -8, -4, 4, 8, 12, 16, 24, 28)]
    found = why([*bad, *others], TWO, limit_ms=HOUR_MS)
    assert found == Explanation("exchange feed failing 08:59-09:01 (no. -1)", (bad[1],))


def test_an_error_after_a_look_that_worked_is_the_outage_all_the_same() -> None:
    late = line(TWO + HOUR_MS + 10 * MINUTE_MS, FetchError("late"))
    lines = [*looks(START, END), late]
    assert why(lines, TWO) == Explanation("exchange feed failing 09:10-09:10 (late)", (late,))


def test_the_look_of_the_closes_own_moment_worked_before_it() -> None:
    close_ms = TWO + HOUR_MS
    at, after = line(close_ms, FetchError("same moment")), line(close_ms + 4 * MINUTE_MS, FetchError("after"))
    old = line(close_ms - 2000, FetchError("old"))
    lines = [old, *looks(START, close_ms + 1), at, after, *looks(after.at_ms, END)]
    assert why(lines, TWO) == Explanation("exchange feed failing 09:00-09:04 (same moment)", (at,))


def test_an_outage_lasts_to_the_end_of_the_log_if_nothing_worked_after_it() -> None:
    old = line(START + 5 * MINUTE_MS, FetchError("old"))
    bad = [line(at_ms, FetchError("new")) for at_ms in range(START + 55 * MINUTE_MS, END, MINUTE_MS)]
    lines = [old, *looks(START, bad[0].at_ms), *bad]
    assert why(lines, TWO) == Explanation("exchange feed failing 08:55-11:59 (new)", (bad[0],))


def test_a_failing_api_is_one_outage_though_the_feed_works() -> None:
    bad = [line(START + seconds * 1000, EvaluateError("refused")) for seconds in (3480, 3630, 3960)]
    lines = [*looks(START, END), *bad]
    assert why(lines, TWO) == Explanation("API failing 08:58-09:06 (refused)", (bad[0],))
    gone = [*looks(START, END), line(TWO + HOUR_MS, GaveUp("no server"))]
    assert why(gone, TWO).cause == "API failing 09:00-09:00 (no server)"


def test_the_feed_is_named_before_the_api() -> None:
    at_ms = TWO + HOUR_MS
    lines = [*looks(START, END), line(at_ms, EvaluateError("api")), line(at_ms, FetchError("feed"))]
    assert why(lines, TWO).cause.startswith("exchange feed failing")


@pytest.mark.parametrize(
    ("at_ms", "told"),
    [(TWO + HOUR_MS - 1000, False), (TWO + HOUR_MS, True), (TWO + 2 * HOUR_MS - 1000, True), (THREE + HOUR_MS, False)],
)
def test_a_cause_stands_between_the_candles_close_and_the_next(at_ms: int, told: bool) -> None:
    lines = [*looks(START, END), line(at_ms, ClockOff(1))]
    assert why(lines, TWO).cause.startswith("clock off" if told else "the exchange had no row")


# --- several candles


def test_each_cause_is_told_once_with_its_lines() -> None:
    off = line(THREE + HOUR_MS, ClockOff(1))
    lines = [*looks(START, END), off]
    found = why(lines, ONE, TWO, THREE)
    assert found.cause == "the exchange had no row for it; clock off: Clock is off: host minus exchange = 1 ms"
    assert [proof.at_ms for proof in found.evidence] == [START + HOUR_MS - MINUTE_MS, off.at_ms]


def test_a_cause_that_lasts_explains_the_candles_of_its_time() -> None:
    before, banner = look(ONE, START + 30 * MINUTE_MS), line(START + 3 * HOUR_MS - 1000, RunnerStarted())
    lines = [*looks(START, before.at_ms), before, banner, *looks(START + 3 * HOUR_MS, END)]
    found = why(lines, TWO, THREE)
    assert found.cause == "runner down 08:30-10:59 (killed, or the host was down)"
    assert found.evidence == (before, banner)


def test_a_pause_does_not_explain_the_candle_that_closes_at_its_end() -> None:
    before, banner = look(ONE, START + 30 * MINUTE_MS), line(START + 2 * HOUR_MS, RunnerStarted())
    lines = [*looks(START, before.at_ms), before, banner, *looks(banner.at_ms, END)]
    told = "runner down 08:30-10:00 (killed, or the host was down); the exchange had no row for it"
    assert why(lines, TWO, THREE).cause == told


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "paused"),
    [
        (TWO + HOUR_MS + LATE, TWO + 2 * HOUR_MS, True),
        (TWO + HOUR_MS + LATE + 1000, TWO + 2 * HOUR_MS, False),
        (TWO + 30 * MINUTE_MS, TWO + HOUR_MS + 1000, True),
        (TWO + 30 * MINUTE_MS, TWO + HOUR_MS, False),
    ],
)
def test_a_pause_explains_a_candle_that_could_have_been_announced_in_it(from_ms: int, to_ms: int, paused: bool) -> None:
    lines = [look(ONE, START), *looks(START, from_ms + 1, step_ms=1000), *looks(to_ms, END)]
    assert why(lines, TWO).cause.startswith("runner stood still" if paused else "the exchange had no row")


def test_the_window_ends_where_the_evidence_does() -> None:
    off = line(TWO + HOUR_MS + 10 * MINUTE_MS, ClockOff(1))
    lines = [*looks(START, off.at_ms), off]
    assert why(lines, TWO, end_ms=off.at_ms).cause == "the exchange had no row for it"


def test_lines_out_of_order_are_read_in_the_order_of_their_times() -> None:
    off = line(TWO + HOUR_MS + 10 * MINUTE_MS, ClockOff(1))
    lines = [off, *looks(START, END)]
    assert explain_gap(lines, (TWO,), Timeframe.H1, END, DAY_MS).evidence == (off,)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (BaselineFallback(), "Baseline fallback detected. ABORTING."),
        (ChampionNotLoaded("baseline:1h"), "Champion NOT loaded! Source: baseline:1h"),
        (Fatal("the end"), "FATAL: the end"),
        (Fatal("x" * 5000), f"FATAL: {'x' * 292}…"),
    ],
)
def test_a_run_that_met_something_fatal_did_not_stop_in_good_order(said: Event, told: str) -> None:
    at_ms = START + 50 * MINUTE_MS
    last = [line(at_ms, said), line(at_ms, RunnerStopped())]
    found = why([*last, line(START + 70 * MINUTE_MS, RunnerStarted()), *looks(START + 71 * MINUTE_MS, END)], TWO)
    assert found.cause == f"runner down 08:50-09:10 ({told})"
