"""genesis-ops phase-report: the whole phase in one look, on any day, whatever is missing or damaged."""

import json
import os
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from phase_root import DAY_ZERO, PhaseRoot, Plan, at
from typer.testing import CliRunner, Result

from genesis_ops.cli.app import app
from genesis_ops.collect.phase import judge_phase
from genesis_ops.durable import put_in_place
from genesis_ops.report.phase import lines
from genesis_ops.report.phase_facts import PhaseFacts, facts
from genesis_ops.report.phase_html import phase_html
from genesis_ops.report.text import Page
from genesis_ops.runlog.tally import Fate
from genesis_ops.state.champion import pin_file
from genesis_ops.state.operations import RESUME, record
from genesis_ops.words import HOUR_MS, MINUTE_MS

PASS, FAIL, USAGE, UNKNOWN, WRITE = 0, 1, 2, 3, 70
JOURNAL = ("journal-whole", "one-order-per-candle", "orders-resolved", "log-agrees", "state-agrees")
TROUBLE = Plan(
    end=75.5,
    live=38.4,
    down=((50.5, 54.2), (60.1, 60.5)),
    feed_down=((66.2, 69.4),),
    slow={44: 30},
    actions={20: "LONG", 40: "LONG", 42: "SHORT", 73: "LONG"},
    in_doubt=frozenset({73}),
)


@pytest.fixture(scope="module", autouse=True)
def _locks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the roots of the whole module a place for their locks, too."""
    former = os.environ.get("GENESIS_LOCK_DIR")
    os.environ["GENESIS_LOCK_DIR"] = str(tmp_path_factory.mktemp("locks"))
    yield
    if former is None:
        os.environ.pop("GENESIS_LOCK_DIR", None)
    else:
        os.environ["GENESIS_LOCK_DIR"] = former


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> PhaseRoot:
    made = PhaseRoot(tmp_path_factory.mktemp("phase") / "troubled", TROUBLE)
    made.papers(0, 2)
    return made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> PhaseRoot:
    plan = Plan(end=49, live=38.4, actions={20: "LONG", 40: "LONG", 42: "SHORT"})
    made = PhaseRoot(tmp_path_factory.mktemp("phase") / "quiet", plan)
    made.papers(0, 1)
    return made


@pytest.fixture
def make(tmp_path: Path) -> Callable[[Plan], PhaseRoot]:
    return lambda plan: PhaseRoot(tmp_path / "root", plan)


def report(root: PhaseRoot | Path, *arguments: str, until: str = "last", **variables: str) -> Result:
    where = root if isinstance(root, Path) else root.settings.root
    asked = ["--root", str(where), "phase-report", "--until", until, *arguments]
    done = CliRunner().invoke(app, asked, prog_name="genesis-ops", env=variables)
    assert "Traceback" not in done.output
    return done


def document(root: PhaseRoot | Path, **about: str) -> Any:
    return json.loads(report(root, "--format", "json", **about).stdout)


def outcomes(root: PhaseRoot | Path, **about: str) -> dict[str, str]:
    return {check["id"]: check["outcome"] for check in document(root, **about)["checks"]}


def found(root: PhaseRoot, until_ms: int) -> PhaseFacts:
    look = judge_phase(root.settings, until_ms, until_ms, strict=False)
    return facts(look.report, look.evidence)


# --- the terminal


def test_a_quiet_phase_passes_and_shows_a_row_a_day_and_the_verdict_last(quiet: PhaseRoot) -> None:
    done = report(quiet)
    assert (done.exit_code, done.stderr) == (PASS, "")
    drawn = done.stdout.splitlines()
    assert max(map(len, drawn)) <= 80
    assert all(line.isprintable() for line in drawn)
    assert drawn[0].startswith("Phase-report  so far: day 2 of 42, to 2026-02-06 00:58 UTC")
    assert drawn[3] == "  Day 0   04 Feb  ························██████████████▲▲████████"
    assert drawn[4] == "  Day 1   05 Feb  ██████████████████████████████▲▲██▲▲████████████  2 orders"
    assert drawn[-1].startswith("PASS  18 of 19 checks passed, 1 skipped")


def test_a_troubled_phase_fails_and_names_outages_causes_and_what_is_left_to_ask(troubled: PhaseRoot) -> None:
    done = report(troubled)
    text = done.stdout
    assert done.exit_code == FAIL
    assert max(map(len, text.splitlines())) <= 80
    for words in (
        "  Day 2   06 Feb  ████░░░░░░▒▒████████████████████████░░░░▒▒██████  19 of 24",
        "  06 Feb 02:28   3h 44m   3 closes  runner down 02:28-06:12 (killed, or the hos…",
        "  06 Feb 19:00    2h 0m   2 closes  exchange feed failing 18:12-21:",
        "  06 Feb 12:04      26m       none  runner down 12:04-12:30",
        "  mode        dry-run since 04 Feb 13:04, live-paper since 05 Feb 14:24",
        "  orders      3 orders: 2 acked, 1 unknown; 1 unresolved",
        "Open questions for the promotion decision",
    ):
        assert words in text


def test_without_unicode_the_picture_is_drawn_in_ascii(quiet: PhaseRoot) -> None:
    from cli_process import process

    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = process("--root", str(quiet.settings.root), "phase-report", "--until", "last", **plain)
    assert done.stdout.isascii()
    assert "\n  Day 1   05 Feb  ##############################^^##^^############  2 orders\n" in done.stdout


def test_on_the_last_day_there_are_42_rows_of_24_hours(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(start=980, end=1008.5))
    whole = found(root, at(1009))
    assert (len(whole.days), len(whole.candles)) == (42, 1008)
    rows = [line for line in report(root).stdout.splitlines() if re.match(r"  Day \d", line)]
    assert len(rows) == 42
    assert rows[-1] == "  Day 41  17 Mar  ████████████████████████████████████████████████"


@pytest.mark.parametrize("width", [40, 41, 42, 60, 66, 79, 200])
def test_no_line_is_wider_than_the_page(troubled: PhaseRoot, width: int) -> None:
    drawn = [
        "".join(span.text for span in line) for line in lines(found(troubled, at(75.5)), Page(width, unicode=True))
    ]
    assert max(map(len, drawn)) <= width
    assert any("█" * 8 in line for line in drawn)


def test_orders_of_the_older_runner_which_kept_no_journal_are_not_passed_over(
    make: Callable[[Plan], PhaseRoot],
) -> None:
    root = make(Plan(end=20))
    log = max(root.logs.glob("runner_2*.log"))
    began = "2026-02-04 20:00:00 - paper_trading_runner - INFO - "
    said = (
        "Paper Trading Runner Started",
        "Mode: LIVE PAPER TRADING",
        "Submitting LONG order...",
        "ORDER SUBMITTED: {}",
    )
    with log.open("a") as file:
        file.writelines(f"{began}{words}\n" for words in said)
    judged = outcomes(root)
    assert {judged[name] for name in ("wallet-explained", *JOURNAL)} == {"UNKNOWN"}
    text = " ".join(report(root).stdout.split())
    assert "orders 1 order in the log, none in a journal" in text
    assert "no journal in logs/paper_trading; 1 order of the older runner in the log" in text
    assert f"{', '.join(JOURNAL)}: who can tell" in text
    assert "no trace of an order" not in text


# --- when it is asked


def test_before_anything_ran_it_cannot_tell_and_does_not_fail(tmp_path: Path) -> None:
    done = report(tmp_path, until="2026-02-06T00:00:00Z")
    assert done.exit_code == UNKNOWN
    assert "has the phase begun at all? (there is no log directory logs/paper_trading)" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_before_the_phase_it_says_how_far_away_it_is(tmp_path: Path) -> None:
    phase = {"GENESIS_PHASE_START": "2031-02-04", "GENESIS_PHASE_END": "2031-03-17"}
    done = report(tmp_path, until="2026-02-06T00:00:00Z", **phase)
    assert done.exit_code == UNKNOWN
    assert "1824 days before Day 0" in done.stdout


def test_a_time_in_the_past_shows_the_phase_as_it_was(troubled: PhaseRoot) -> None:
    then = document(troubled, until="2026-02-05T13:30:00Z")["phase"]
    assert (then["day"], then["over"], then["orders"], then["outages"]) == (1, False, [], [])
    assert then["closes"]["missing"] == 0


def test_a_runner_that_is_down_now_misses_the_closes_since_its_last_line(quiet: PhaseRoot) -> None:
    phase = document(quiet, until="2026-02-06T05:30:00Z")["phase"]
    assert phase["closes"]["missing"] == 5
    assert [(outage["from"], outage["closes"]) for outage in phase["outages"]] == [("2026-02-06T00:58:00.000Z", 5)]
    assert "runner down since 00:58" in phase["outages"][0]["cause"]
    assert outcomes(quiet, until="2026-02-06T05:30:00Z")["candle-gap"] == "FAIL"


def test_a_runner_stopped_in_good_order_on_the_last_day_ended_the_phase(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(start=980, end=1000.5, stopped=True))
    phase = document(root, until="2026-03-20T00:00:00Z")["phase"]
    assert (phase["over"], phase["closes"]["missing"], phase["outages"]) == (True, 0, [])


def test_one_killed_on_the_last_day_did_not(make: Callable[[Plan], PhaseRoot]) -> None:
    phase = document(make(Plan(start=980, end=1000.5)), until="2026-03-20T00:00:00Z")["phase"]
    assert phase["closes"]["missing"] == 8


def test_a_time_that_has_not_come_is_refused(tmp_path: Path) -> None:
    done = report(tmp_path, until="2099-01-01")
    assert (done.exit_code, done.stdout) == (USAGE, "")


def test_who_overrides_the_gate_tomorrow_has_not_done_so_yet(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(end=45, live=38.4, accepted=False))
    assert "overridden" in report(root).stdout
    assert "overridden" not in report(root, until="2026-02-05T13:30:00Z").stdout


def test_one_missing_close_is_a_warning_and_no_gap(make: Callable[[Plan], PhaseRoot]) -> None:
    judged = outcomes(make(Plan(end=45, down=((20.1, 22),))))
    assert (judged["closes-processed"], judged["candle-gap"]) == ("WARN", "PASS")


def test_closes_missing_before_the_first_one_are_a_gap_of_no_candles_as_stop_check_says(
    make: Callable[[Plan], PhaseRoot],
) -> None:
    judged = outcomes(make(Plan(end=45, feed_down=((0, 17.5),))))
    assert (judged["closes-processed"], judged["candle-gap"]) == ("FAIL", "PASS")


# --- what is not there at all


def test_a_phase_whose_first_days_are_lost_is_not_counted_as_whole(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(end=100))
    for day in ("20260204", "20260205"):
        (root.logs / f"runner_{day}.log").unlink()
    whole = document(root)
    judged = {check["id"]: check for check in whole["checks"]}
    assert (judged["closes-processed"]["outcome"], judged["uptime"]["outcome"]) == ("UNKNOWN", "UNKNOWN")
    assert whole["phase"]["not_covered"] == {"days": 2, "closes": 47}
    assert judged["closes-processed"]["detail"] == (
        "52 of 99 closes, 2 days and 47 closes not covered before the log begins amid a run on Day 2 (06 Feb 00:00)"
    )
    assert (judged["closes-processed"]["observed"], judged["closes-processed"]["expected"]) == (52, 99)
    assert judged["uptime"]["observed"] == pytest.approx(0.52, abs=0.001)
    assert any("2 days and 47 closes" in question for question in whole["phase"]["questions"])
    assert any("do days without full cover count: 04 Feb and 05 Feb (2 of 5)" in q for q in whole["phase"]["questions"])
    text = report(root).stdout
    assert "  Day 0   04 Feb  ················································  0 of 24" in text
    assert re.search(r"the log was alive 51\.9\d % of the time since Day 0;", text)


def test_a_phase_that_a_runner_began_two_days_late_is_a_warning(make: Callable[[Plan], PhaseRoot]) -> None:
    judged = {check["id"]: check for check in document(make(Plan(start=55, end=60)))["checks"]}
    assert (judged["closes-processed"]["outcome"], judged["uptime"]["outcome"]) == ("WARN", "WARN")
    assert "before the first run begins on Day 2 (06 Feb 07:00)" in judged["closes-processed"]["detail"]


@pytest.mark.parametrize("start", [0, 13 + 4 / 60, 23.5])
def test_a_phase_begins_at_whatever_hour_of_day_zero(make: Callable[[Plan], PhaseRoot], start: float) -> None:
    judged = outcomes(make(Plan(start=start, end=30)))
    assert (judged["closes-processed"], judged["uptime"]) == ("PASS", "PASS")


def test_a_phase_that_ends_without_a_day_of_live_paper_fails_and_a_young_one_does_not(
    make: Callable[[Plan], PhaseRoot],
) -> None:
    root = make(Plan(start=13, end=1008.1, down=((20, 1000),)))
    checks = {check["id"]: check for check in document(root)["checks"]}
    assert (checks["live-paper"]["outcome"], checks["live-paper"]["detail"]) == (
        "FAIL",
        "0 of 42 days, 0 of 1008 closes",
    )
    assert "  live-paper  0 of 42 days, 0 of 1008 closes" in report(root).stdout
    assert outcomes(root, until="2026-02-04T19:30:00Z")["live-paper"] == "SKIP"


# --- formats


def test_the_json_is_every_reports_object_and_has_the_phase_beside_it(troubled: PhaseRoot) -> None:
    whole = document(troubled)
    assert (whole["schema"], whole["command"], whole["verdict"]) == ("genesis-ops.report/1", "phase-report", "FAIL")
    phase = whole["phase"]
    assert phase["closes"] == {
        "expected": 63, "processed": 58, "evaluated": 58, "unevaluated": 0, "late": 3, "missing": 5, "whole_phase": 1008
    }  # fmt: skip
    assert phase["live_paper"] == {"days": 3, "closes": 32}
    assert phase["not_covered"] == {"days": 0, "closes": 0}
    assert phase["actions"] == {"LONG": 3, "SHORT": 1}
    assert phase["latency_ms"]["max"] >= 30 * MINUTE_MS
    assert phase["wallet"]["base_unexplained"] == 0
    assert [day["date"] for day in phase["by_day"]] == ["2026-02-04", "2026-02-05", "2026-02-06", "2026-02-07"]
    assert [(day["snapshot"], day["summary"]) for day in phase["by_day"][:2]] == [(True, True), (False, False)]


def test_the_markdown_has_the_picture_and_no_markup_of_a_strangers(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(end=42.9, live=38.4, actions={40: "LONG"}, accepted=False))
    text = report(root, "--format", "markdown").stdout
    assert "```text\n                  00    03" in text
    assert "the &lt;team&gt; &#124; wants it" in text
    assert "<team>" not in text
    assert text.rstrip().splitlines()[-1].startswith("**WARN**: ")


@pytest.mark.parametrize(("name", "code"), [("junit", FAIL), ("nagios", 2), ("prometheus", FAIL)])
def test_the_other_formats_are_those_of_every_judging_command(troubled: PhaseRoot, name: str, code: int) -> None:
    done = report(troubled, "--format", name)
    assert done.exit_code == code
    assert "candle-gap" in done.stdout


# --- evidence that is damaged, missing or may not be read


def test_what_only_this_user_may_not_read_is_unknown_and_nobody_is_sent_to_mend_it(
    make: Callable[[Plan], PhaseRoot], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(Plan(end=45, live=38.4))
    hide(root.logs, monkeypatch)
    done = report(root, until="2026-02-05T21:00:00Z")
    text = " ".join(done.stdout.split())
    assert done.exit_code == UNKNOWN
    assert "FAIL" not in done.stdout
    assert set(outcomes(root, until="2026-02-05T21:00:00Z").values()) == {"UNKNOWN"}
    assert "note: logs/paper_trading cannot be read by this user" in text
    assert text.count("sudo -u <the runner's user> genesis-ops phase-report or: ls -ld") == 1
    assert "who may look at what this user may not? (logs/paper_trading cannot be read by this user)" in text
    for wrong in ("counts for none", "put the log files back", "do NOT delete", "nothing has run", "begun at all"):
        assert wrong not in text


def hide(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system refuse whatever lies in a directory, as it does for another user's."""

    def guarded(real: Callable[..., Any], refusal: Callable[[str], Any], begin: str) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            return refusal(str(path)) if str(path).startswith(begin) else real(path, *rest, **more)

        return call

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    for name in ("open", "listdir", "scandir"):
        monkeypatch.setattr(os, name, guarded(getattr(os, name), refuse, str(directory)))
    monkeypatch.setattr(os, "lstat", guarded(os.lstat, refuse, f"{directory}/"))
    monkeypatch.setattr(os, "access", guarded(os.access, lambda _: False, str(directory)))


def test_a_damaged_journal_is_a_finding_and_the_rest_is_told(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(end=45, live=38.4, actions={40: "LONG", 42: "SHORT"}))
    (file,) = root.logs.glob("runner_orders_*")
    file.write_bytes(file.read_bytes().replace(b'"side": "LONG"', b'"side": "FLAT"'))
    judged = outcomes(root)
    assert (judged["journal-whole"], judged["fatal-error"], judged["wallet-explained"]) == ("FAIL", "FAIL", "UNKNOWN")
    assert judged["closes-processed"] == "PASS"


def test_another_programs_file_of_orders_is_no_damaged_journal(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(end=40))
    (root.logs / "runner_orders_20260204.log").write_text("2026-02-04 order stream of another program\n")
    judged = outcomes(root)
    assert (judged["journal-whole"], judged["fatal-error"]) == ("SKIP", "PASS")


def test_what_is_damaged_beside_the_log_is_told_and_nothing_crashes(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(end=45, live=38.4))
    (receipt,) = root.logs.glob("acceptance_receipt_*")
    receipt.write_bytes(b"\0\0")
    pin_file(root.logs).write_text("[]")
    root.settings.state_file.write_text("{")
    (root.logs / "operations.jsonl").write_text('{"torn\n')
    (root.logs / "snapshots").mkdir()
    (root.logs / "snapshots" / "snapshot_20260204_235000Z.txt").write_bytes(b"\xff\0half")
    judged = outcomes(root)
    assert judged["dry-run-accepted"] == "UNKNOWN"
    assert judged["champion-frozen"] == judged["state-corrupt"] == "FAIL"


def test_a_champion_that_was_changed_since_is_found(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(end=40))
    root.settings.champion_file.write_text('{"merged_config": {"other": 1}}')
    assert outcomes(root)["champion-frozen"] == "FAIL"


def test_somebody_elses_trade_is_found_between_the_orders(make: Callable[[Plan], PhaseRoot]) -> None:
    plan = Plan(end=45, live=38.4, actions={40: "LONG", 42: "SHORT"}, foreign=frozenset({42}))
    root = make(plan)
    checks = {check["id"]: check for check in document(root)["checks"]}
    assert checks["wallet-explained"]["outcome"] == "FAIL"
    assert "they moved without an order between 05 Feb 16:00 and 05 Feb 18:00" in checks["wallet-explained"]["detail"]


def test_a_resume_is_told_and_takes_nothing_back(make: Callable[[Plan], PhaseRoot]) -> None:
    root = make(Plan(end=45, down=((20.5, 24.2),)))
    record(root.logs, at(30), RESUME, ["the disk was full"])
    checks = {check["id"]: check for check in document(root)["checks"]}
    assert checks["candle-gap"]["outcome"] == "FAIL"
    assert "known since the resume of 2026-02-05T06:00Z" in checks["candle-gap"]["detail"]
    assert any("the disk was full" in question for question in document(root)["phase"]["questions"])


# --- the HTML


class Html(HTMLParser):
    """Reads a page strictly enough to notice what is not closed, and what would ask the network."""

    VOID = frozenset({"meta", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.asks: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.asks += [f"{name}={value}" for name, value in attrs if name in {"src", "href", "srcset", "data"}]
        self.asks += [f"{name}={value}" for name, value in attrs if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_html_asks_no_network_runs_no_script_and_closes_what_it_opens(troubled: PhaseRoot, tmp_path: Path) -> None:
    done = report(troubled, "--html", str(tmp_path / "phase.html"))
    assert done.exit_code == FAIL
    assert done.stderr.startswith(f"genesis-ops: {tmp_path / 'phase.html'} (")
    assert "html:" in done.stdout
    text = (tmp_path / "phase.html").read_text("utf-8")
    page = Html(text)
    assert page.open == []
    assert page.asks == ["href=data:,"]
    assert "script" not in page.seen
    assert re.findall(r"url\(|@import|https?://", text) == []
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    said = " ".join("".join(page.text).split())
    for words in (
        "FAIL",
        "06 Feb 03:00 missing",
        "05 Feb 15:00 processed, close",
        "Action LONG (3)",
        "Orders in doubt (1)",
        "Wallet TESTBTC",
        "Uptime of each day",
        "exchange feed failing 18:12-21:",
    ):
        assert words in said


def test_a_close_that_was_announced_and_not_evaluated_has_a_letter_in_every_picture(quiet: PhaseRoot) -> None:
    whole = found(quiet, at(49))
    at_22 = next(place for place, each in enumerate(whole.candles) if each.open_ms == at(22))
    without = whole.candles[at_22]._replace(unevaluated=True)
    told = whole._replace(candles=(*whole.candles[:at_22], without, *whole.candles[at_22 + 1 :]))
    drawn = ["".join(span.text for span in line) for line in lines(told, Page(80, unicode=True))]
    assert drawn[3] == "  Day 0   04 Feb  ························██████████████▲▲████ee██"
    assert any("e not evaluated" in line for line in drawn)
    page = phase_html(told)
    assert page.count('<rect class="unevaluated"') == 2  # the hour's and the legend's
    assert "announced, not evaluated" in page
    assert "announced, not evaluated" not in phase_html(whole)


def test_no_words_of_a_stranger_become_markup(make: Callable[[Plan], PhaseRoot], tmp_path: Path) -> None:
    plan = Plan(end=42.9, live=38.4, actions={40: "LONG"}, in_doubt=frozenset({40}), accepted=False)
    report(make(plan), "--html", str(tmp_path / "phase.html"))
    text = (tmp_path / "phase.html").read_text("utf-8")
    assert "<team>" not in text
    assert "<within>" not in text
    assert "the &lt;team&gt; | wants it" in text


def test_the_html_of_nothing_is_a_page_too(tmp_path: Path) -> None:
    report(tmp_path, "--html", str(tmp_path / "phase.html"), until="2026-02-03T00:00:00Z")
    assert Html((tmp_path / "phase.html").read_text("utf-8")).open == []


def test_fatal_lines_of_any_length_are_cut_wherever_people_read_them(
    make: Callable[[Plan], PhaseRoot], tmp_path: Path
) -> None:
    root = make(Plan(end=20))
    log = root.logs / "runner_20260204.log"
    lines = log.read_text().splitlines(keepends=True)
    long = f" - paper_trading_runner - CRITICAL - FATAL: {'long words ' * 5000}\nTraceback\n  second\n"
    whole = [text for at, line in enumerate(lines) for text in (line, *([line[:19] + long] if at % 8 == 7 else []))]
    log.write_text("".join(whole[: 50 * 9]))
    done = report(root, "--html", str(tmp_path / "phase.html"))
    assert len(done.stdout.splitlines()) < 150
    assert "50 fatal lines, the newest: FATAL: long words" in " ".join(done.stdout.split())
    assert (tmp_path / "phase.html").stat().st_size < 200_000
    assert len(report(root, "--format", "markdown").stdout) < 40_000


def test_a_phase_of_minutes_stays_below_500_kb(quiet: PhaseRoot) -> None:
    seen = found(quiet, at(49))
    day, candle = seen.days[0], next(each for each in seen.candles if each.price is not None)
    every_minute = range(DAY_ZERO, DAY_ZERO + 1008 * HOUR_MS, MINUTE_MS)
    candles = tuple(
        candle._replace(open_ms=ms, close_ms=ms + MINUTE_MS, fate=Fate.ACTION, action="LONG") for ms in every_minute
    )
    days = tuple(day._replace(number=number, start_ms=DAY_ZERO + number * 24 * HOUR_MS) for number in range(42))
    text = phase_html(seen._replace(candles=candles, days=days))
    assert len(text.encode()) < 500_000
    assert "60 of 60 closes, 60 actions" in text


def test_where_the_html_cannot_be_written_the_report_is_told_and_the_end_is_70(
    quiet: PhaseRoot, tmp_path: Path
) -> None:
    done = report(quiet, "--html", str(tmp_path / "nowhere" / "phase.html"))
    assert done.exit_code == WRITE
    assert "PASS  18 of 19 checks passed" in done.stdout
    assert "could not be written: No such file or directory" in done.stderr


def test_a_full_disk_leaves_the_former_html_whole(
    quiet: PhaseRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "phase.html"
    put_in_place(target, b"the former one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("genesis_ops.durable.write_all", full)
    done = report(quiet, "--html", str(target))
    assert (done.exit_code, target.read_bytes()) == (WRITE, b"the former one")
    assert [path.name for path in tmp_path.iterdir()] == ["phase.html"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_what_is_no_plain_file_is_never_replaced_by_one(quiet: PhaseRoot, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert report(quiet, "--html", str(pipe)).exit_code == USAGE
    assert report(quiet, "--html", str(tmp_path)).exit_code == USAGE
    assert pipe.is_fifo()


def test_a_secret_that_an_operator_wrote_is_not_in_the_page(make: Callable[[Plan], PhaseRoot], tmp_path: Path) -> None:
    secret = "Zk3vQ9xLw2pT7nB5mR8cY1dF4gH6jK0a"
    root = make(Plan(end=20))
    (root.settings.root / ".env").write_text(f"BITFINEX_API_SECRET={secret}\n")
    record(root.settings.log_dir, DAY_ZERO + 15 * HOUR_MS, RESUME, [f"the key {secret} was wrong"])
    target = tmp_path / "phase.html"
    report(root, "--html", str(target))
    assert secret not in target.read_text()
    assert "was wrong" in target.read_text()
