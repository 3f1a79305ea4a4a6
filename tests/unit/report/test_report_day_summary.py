"""What a day remembers, what changed, what is to be done next, and what a template is given of it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.checks.day import CHECKS, DayEvidence, Wallets
from genesis_ops.checks.evidence import Evidence, LogEvidence, StateEvidence
from genesis_ops.checks.model import Judged, Outcome, Place, Report, judge
from genesis_ops.report.day import told_of
from genesis_ops.report.day_facts import Facts, changes, facts, read, told_preflight, written
from genesis_ops.report.day_next import next_steps
from genesis_ops.report.template import rendered
from genesis_ops.runlog.events import CandleClose, Evaluation, RunnerStarted
from genesis_ops.runlog.files import LogFile
from genesis_ops.runlog.reader import LogLine, Notes
from genesis_ops.runlog.runs import NOTHING, Close, Run
from genesis_ops.runlog.tally import Fate, Hour, Tally
from genesis_ops.settings import load
from genesis_ops.state.model import State
from genesis_ops.state.operations import Operation
from genesis_ops.words import DAY_MS, HOUR_MS, Mode, Timeframe, stamp

START = 1_770_163_200_000  # 2026-02-04 00:00 UTC
END = START + DAY_MS
PLAIN = Facts(
    date="2026-02-04", at="2026-02-05T00:00:00.000Z", verdict="PASS", mode="dry-run", pid=None, since="", api_pid=None,
    champion="", config="", closes=24, expected=24, missed=0, errors=0, runs=1, would_be=2, orders=0, in_doubt=0,
    latch=False, preflight={}, preflight_at="", wallets={},
)  # fmt: skip


def line(at_ms: int, text: str) -> LogLine:
    file = LogFile(Path("logs/runner_20260204.log"), "20260204")
    return LogLine(file, f"{stamp(at_ms)} - paper_trading_runner - INFO - {text}", 0, None, at_ms)


def close(hour: int, source: str | None = "previous", late_ms: int = 4000) -> Close:
    event = CandleClose(START + (hour - 1) * HOUR_MS, 71000.5 + hour, source)
    at_ms = START + hour * HOUR_MS + late_ms
    evaluation = Evaluation("LONG", "None", 0.523)
    return Close(line(at_ms, event.message()), event, None, (line(at_ms, evaluation.message()),), None, None)


def run(*closes: Close, **changes: Any) -> Run:
    started = line(START - HOUR_MS, RunnerStarted().message())
    plain = NOTHING._replace(started=started, mode=Mode.DRY_RUN, closes=closes, first_ms=START, last_ms=END - 10_000)
    return plain._replace(**changes)


def found(*runs: Run, over: bool = True, now_ms: int = END, log: Any = None, **other: Any) -> DayEvidence:
    alive = runs or (run(*(close(hour) for hour in range(24))),)
    closes = [close for run in alive for close in run.closes]
    hours = tuple(Hour(START + (h - 1) * HOUR_MS, START + h * HOUR_MS, Fate.PROCESSED) for h in range(24))
    sums = Tally(START, END, len(closes), len(closes), 2, 0, 0, 0, 3, 1, 0, 0, 0, hours)
    seen = Evidence(
        LogEvidence(
            Timeframe.H1, START, END, alive, (), (), sums, (), (), START, END - 10_000, closes[-1].event, (), Notes(),
            (), "",
        )._replace(**(log or {})),
        StateEvidence("state.json", State(closes[-1].ts, 24, 0, "2026-02-04T23:59:00Z"), ""),
    )  # fmt: skip
    settings = load({"root": Path.cwd()}, {}, None).settings
    plain = DayEvidence(settings, date(2026, 2, 4), START, END, now_ms, over, seen, seen, None)
    return plain._replace(**other)


def report_of(day: DayEvidence) -> Report:
    return Report("daily-summary", day.told, "tBTCUSD 1h", day.now_ms, judge(CHECKS, day, str))


def context(day: DayEvidence, before: Facts | None = None) -> dict[str, Any]:
    report = report_of(day)
    return told_of(day, report, facts(day, report), before)


def todo(day: DayEvidence, report: Report | None = None) -> list[str]:
    good = Report("daily-summary", "", "", day.now_ms, ())
    return [step.todo for step in next_steps(day, report or good)]


# --- what it remembers


def test_what_is_remembered_is_read_back_as_it_was() -> None:
    told = PLAIN._replace(mode="a --> b <!-- c", wallets={"TESTUSD": 1.5}, preflight={"clock": "WARN"}, pid=7)
    assert read([written(told)]) == told
    assert read([written(told._replace(missed=None, errors=None))]) == told._replace(missed=None, errors=None)
    assert written(told).count("--") == 2
    assert read(["something", written(told), "else"]) == told


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text()))
def test_no_text_can_end_the_comment_that_remembers_it(mode: str, config: str, preflight: dict[str, str]) -> None:
    told = PLAIN._replace(mode=mode, config=config, preflight=preflight)
    text = written(told)
    assert text.count("-->") == text.count("<!--") == len(text.splitlines()) == 1
    if len(text) < 60_000:
        assert read([text]) == told


@pytest.mark.parametrize(
    "change",
    [
        ("genesis-ops.day/1", "genesis-ops.day/2"),
        ('"closes": 24', '"closes": "24"'),
        ('"closes": 24', '"closes": true'),
        ('"latch": false', '"latch": 0'),
        ('"wallets": {}', '"wallets": {"a": "b"}'),
        ('"wallets": {}', '"wallets": {"a": NaN}'),
        ('"preflight": {}', '"preflight": {"a": 1}'),
        ('"pid": null', '"pid": "1"'),
        ('"errors": 0, ', ""),
        ('"errors": 0', '"errors": 0, "more": 1'),
        ("} -->", "]] -->"),
    ],
)
def test_what_somebody_has_changed_is_not_believed(change: tuple[str, str]) -> None:
    text = written(PLAIN)
    assert change[0] in text
    assert read([text.replace(*change)]) is None


@given(st.lists(st.text()))
def test_any_lines_can_be_read(lines: list[str]) -> None:
    assert read(lines) is None
    read([f"<!-- {{{text}}} -->" for text in lines])


def test_a_day_that_is_over_keeps_what_its_own_summary_knew_of_the_host() -> None:
    former = PLAIN._replace(pid=7, api_pid=8, preflight={"clock": "PASS"}, preflight_at="2026-02-04T23:50:00.000Z")
    day = found()
    report = report_of(day)
    assert facts(day, report, former).pid == 7
    assert facts(day, report, former).preflight == {"clock": "PASS"}
    assert facts(day, report, former._replace(date="2026-02-03")).pid is None
    assert facts(day._replace(over=False), report, former).pid is None


# --- what changed


def test_what_changed_since_yesterday_is_told_and_what_was_not_looked_at_is_not() -> None:
    before = PLAIN._replace(
        champion="a" * 64, preflight={"clock": "PASS", "x": "PASS"}, wallets={"USD": 10.0, "B": 1.0}
    )
    now = before._replace(
        verdict="FAIL", champion="b" * 64, pid=7, latch=True, missed=2, closes=22,
        preflight={"clock": "FAIL"}, wallets={"USD": 7.5, "B": 1.0},
    )  # fmt: skip
    assert changes(before, now) == (
        "verdict: PASS → FAIL",
        "champion: aaaaaaaaaaaa… → bbbbbbbbbbbb…",
        "candles missing: 0 → 2",
        "stop latch: clear → set",
        "preflight clock: PASS → FAIL",
        "wallet USD: -2.50000000",
    )
    assert changes(before, before) == ()
    silent = now._replace(missed=None, errors=None)
    assert not any("candles" in told or "errors" in told for told in (*changes(now, silent), *changes(silent, before)))


def test_a_preflight_of_the_day_is_told_with_its_time() -> None:
    told = PLAIN._replace(preflight={"clock": "PASS", "env-file": "WARN"}, preflight_at="2026-02-04T23:50:00.000Z")
    assert told_preflight(told) == "1 of 2 checks passed; env-file WARN, at 23:50"
    assert told_preflight(PLAIN) == ""


# --- what to do


def test_acceptance_is_due_a_whole_day_after_the_start_until_a_receipt_says_so() -> None:
    day = found(over=False, snapshots=1, now_ms=START + 12 * HOUR_MS)
    assert todo(day) == ["acceptance of the dry-run is due at 04 Feb 23:00 UTC"]
    assert todo(day._replace(now_ms=END)) == ["genesis-ops acceptance --window 24h"]
    assert todo(day._replace(accepted_ms=1)) == ["nothing to do until 00:00 UTC, when the day is over"]
    live = found(run(close(0), mode=Mode.LIVE_PAPER), over=False, snapshots=1)
    assert todo(live) == ["nothing to do until 00:00 UTC, when the day is over"]


def test_the_schedule_asks_for_a_snapshot_and_on_the_last_day_for_the_report() -> None:
    day = found(over=False, accepted_ms=1)
    assert todo(day) == ["genesis-ops snapshot"]
    assert todo(day._replace(over=True)) == ["nothing to do"]
    assert todo(day._replace(date=date(2026, 3, 17), snapshots=1)) == ["genesis-ops phase-report"]
    assert todo(day._replace(date=date(2026, 3, 18), over=True)) == ["genesis-ops phase-report"]


@pytest.mark.parametrize("over", [True, False])
@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.WARN, Outcome.FAIL])
def test_a_day_that_is_not_good_is_never_told_to_need_nothing(outcome: Outcome, over: bool) -> None:
    day = found(over=over, accepted_ms=1, snapshots=1)
    doubt = Judged(1, "no-fatal", "", outcome, None, None, "the log is of another market", (), "")
    assert todo(day, report_of(day)._replace(checks=(doubt,))) == [
        "read the findings above and what the log says there"
    ]


def test_what_to_do_can_be_copied_as_it_is() -> None:
    resolve = 'genesis-ops orders resolve 20260304-0900 --filled|--not-filled --reason "..."'
    checks = (
        Judged(1, "a", "", Outcome.FAIL, None, None, "", (), resolve),
        Judged(2, "b", "", Outcome.WARN, None, None, "", (), "${EDITOR:-vi} a_b.env      and write A_B into it"),
    )
    day = found()
    good = (judged for judged in report_of(day).checks if judged.outcome is Outcome.PASS)
    told = told_of(day, report_of(day)._replace(checks=(*good, *checks)), PLAIN, None)
    text = rendered("{% for step in next %}{{ step.todo }}\n{% endfor %}", told)
    assert text == f"`{resolve}`\n`${{EDITOR:-vi}} a_b.env` and write A\\_B into it\n"


def test_each_remedy_is_given_once_with_its_checks_and_failures_come_first() -> None:
    def bad(name: str, outcome: Outcome, remedy: str) -> Judged:
        return Judged(1, name, "", outcome, None, None, "", (), remedy)

    checks = (
        bad("a", Outcome.WARN, "look"),
        bad("b", Outcome.FAIL, "mend"),
        bad("c", Outcome.UNKNOWN, "look"),
        bad("d", Outcome.PASS, "never"),
        bad("preflight", Outcome.FAIL, "genesis-ops preflight"),
    )
    host = Report("preflight", "", "", 0, (bad("clock", Outcome.FAIL, "set it"), bad("c", Outcome.UNKNOWN, "look")))
    steps = next_steps(found(preflight=host), Report("daily-summary", "", "", 0, checks))
    assert [(step.todo, step.why) for step in steps] == [("mend", "b"), ("set it", "clock"), ("look", "a, c")]


# --- what a template is given


def test_the_last_closes_are_told_with_the_time_between_them_and_their_sources() -> None:
    closes = [close(hour) for hour in range(12)]
    day = found(run(*closes, close(14, "latest", 75_000), close(15, None)))
    told = context(day)
    assert [row["candle"] for row in told["last_closes"]] == ["04 Feb 11:00", "04 Feb 14:00", "04 Feb 15:00"]
    assert [row["step"] for row in told["last_closes"]] == ["1h 0m", "3h 0m", "1h 0m"]
    assert [row["seen"] for row in told["last_closes"]] == ["4s after it", "1m 15s after it", "4s after it"]
    assert told["last_closes"][0]["evaluation"] == "LONG 0.52"
    assert told["last_closes"][0]["price"] == "71,011.50"
    assert told["sources"] == "8 previous, 1 latest, 1 none (the last 10)"


def test_findings_are_told_worst_first_and_no_line_of_the_log_twice() -> None:
    def bad(name: str, outcome: Outcome, detail: str, *places: Place) -> Judged:
        return Judged(1, name, "", outcome, None, None, detail, places, "")

    lines = [Place("log", number, f"line {number}") for number in range(1, 7)]
    checks = (
        bad("a", Outcome.UNKNOWN, "same", lines[0]),
        bad("b", Outcome.UNKNOWN, "same"),
        bad("c", Outcome.FAIL, "worse", *lines[:5]),
        bad("d", Outcome.WARN, "also", lines[4], lines[5]),
    )
    day = found()
    good = (judged for judged in report_of(day).checks if judged.outcome is Outcome.PASS)
    report = Report("daily-summary", "", "", 0, (*good, *checks))
    told = told_of(day, report, facts(day, report), None)["findings"]
    assert [(each["id"], each["outcome"]) for each in told] == [("c", "FAIL"), ("a, b", "UNKNOWN"), ("d", "WARN")]
    assert told[0]["evidence"] == [*(f"`log:{n}` `line {n}`" for n in range(1, 5)), "and 1 more line"]
    assert [each["evidence"] for each in told[1:]] == [[], ["`log:6` `line 6`"]]


def test_restarts_and_what_people_did_are_deviations() -> None:
    first = run(close(0), last_ms=START + 2 * HOUR_MS)
    second = run(close(3), started=line(START + 2 * HOUR_MS + 90_000, "x"), first_ms=START + 2 * HOUR_MS + 90_000)
    did = Operation(START + HOUR_MS, "resume", "me", ("mended",), {})
    told = context(found(first, second, operations=(did,)))
    assert told["deviations"] == [
        "01:00 resume by me: mended",
        "02:01 a run began, 1m 30s after the last line of the one before",
    ]
    assert told["counts"].startswith("Candles missing 0, failed requests for candles 3, failed evaluations 1, ")


def test_wallets_are_told_by_their_change_and_where_nothing_changed_by_that() -> None:
    wallets = Wallets(START + HOUR_MS, {"USD": 5.0}, "snapshot", START - HOUR_MS, {"USD": -1.5})
    assert context(found(wallets=wallets))["wallets"] == ["USD -1.50000000 since 2026-02-03 23:00 UTC, now 5.00000000"]
    same = wallets._replace(change={})
    assert context(found(wallets=same))["wallets"][0].startswith("unchanged since 2026-02-03 23:00 UTC (last read")
    alone = same._replace(since_ms=wallets.at_ms)
    assert context(found(wallets=alone))["wallets"] == ["one reading so far, 2026-02-04 01:00 UTC (snapshot)"]
    assert context(found())["wallets"] == []


def test_an_older_runners_orders_are_told_although_no_journal_knows_them() -> None:
    day = found()
    sent = found(log={"tally": day.seen.log.tally._replace(submissions=2)})
    told = "2 orders submitted by the runner log's own words, of which the journal does not tell"
    assert (context(day)["orders"], context(sent)["orders"]) == ([], [told])
    assert facts(sent, report_of(sent)).orders == 2


def test_a_log_in_local_time_is_told() -> None:
    told = {row["name"]: row["value"] for row in context(found(log={"ahead_ms": (HOUR_MS,)}))["host"]}
    assert told["Log's time zone"] == "UTC+1h (corrected here)"


def test_the_picture_has_a_cell_an_hour_and_needs_no_escaping() -> None:
    day = found()
    report = report_of(day)._replace(hours=day.seen.log.tally.hours)
    told = told_of(day, report, facts(day, report), PLAIN)
    drawn = rendered("{{ picture }}", told)
    assert "\n03 Feb                         █\n04 Feb  ███████████████████████\n" in drawn
    assert "(a cell is the hour in which a candle opened)" in drawn
    assert told["compared"]
    assert told["changes"] == [*changes(PLAIN, facts(day, report))]
