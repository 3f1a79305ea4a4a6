"""genesis-ops daily-summary: the file that cron writes and people add to, and how it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_process import environment
from typer.testing import CliRunner, Result

from genesis_ops import durable
from genesis_ops.cli.app import app
from genesis_ops.clients import ping
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.day import rehearse
from genesis_ops.state.snapshots import Section, Snapshot, directory, file_name, written
from genesis_ops.words import HOUR_MS, iso

PASS, FAIL, USAGE, UNKNOWN, WRITE, REFUSED, TERMINATED = 0, 1, 2, 3, 70, 78, 143
GOOD, BAD, EMPTY = "2026-02-04", "2026-02-05", "2026-02-06"
DAY = 1_770_163_200_000  # 2026-02-04 00:00 UTC
TEMPLATE = "config/templates/daily_summary.md.j2"


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dry-run from 13:03 on Day 0 that ended at 03:03 on Day 1."""
    root = tmp_path_factory.mktemp("rehearsed") / "root"
    rehearse(root, hours=14, seed=7, faults=(), watch=lambda _: None)
    return root


@pytest.fixture
def root(rehearsed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rehearsed, tmp_path / "root"))


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENESIS_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GENESIS_EXCHANGE_URL", "http://127.0.0.1:9")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Hear what a switch is told, in place of the network."""
    found: list[tuple[str, str]] = []

    def sent(target: str, body: str, _: object) -> str:
        found.append((target.removeprefix("http://switch"), body))
        return ""

    monkeypatch.setattr(ping, "_sent", sent)
    return found


def summary(root: Path, day: str, *arguments: str) -> Result:
    given = ["--root", str(root), "daily-summary", "--date", day, *arguments]
    done = CliRunner().invoke(app, given, prog_name="genesis-ops")
    assert "Traceback" not in done.output
    return done


def file_of(root: Path, day: str = GOOD) -> Path:
    return root / "docs" / "paper_trading" / "daily_summaries" / f"daily_summary_{day}.md"


def flat(text: str) -> str:
    return " ".join(text.split())


# --- what is written


def test_a_good_day_is_written_and_ends_with_0(root: Path) -> None:
    done = summary(root, GOOD)
    assert (done.exit_code, done.stderr) == (PASS, "")
    assert f"summary: docs/paper_trading/daily_summaries/daily_summary_{GOOD}.md" in flat(done.stdout)
    text = file_of(root).read_text()
    assert text.startswith(f"# Paper trading {GOOD}: day 0 of 42\n")
    for words in (
        "**PASS**: 12 of 14 checks passed, 2 skipped, exit 0. tBTCUSD 1h, from 13:03 to 24:00 UTC, 10 of 10 closes.",
        "Nothing was found wrong.",
        "| 8 | candle-source | PASS | 11 of 11 |",  # midnight's is of the next day
        "| 14 | preflight | SKIP | the day is over, and a preflight is of now |",
        "| Runs of the day | dry-run since 13:03 |",
        "| Log's time zone | UTC |",
        "| 04 Feb 23:00 | ",
        "Sources: 10 ",
        "- State against log: the state is of now, and the log has gone on since this day",
        "There is no summary of the day before to compare with.",
        "## Notes",
    ):
        assert words in text, words
    assert len(text.splitlines()) < 120


def test_a_bad_day_says_what_why_and_what_to_do_and_ends_with_1(root: Path) -> None:
    summary(root, GOOD)
    done = summary(root, BAD)
    assert done.exit_code == FAIL
    text = file_of(root, BAD).read_text()
    assert "- **candle-gap** FAIL: 1 gap: 04:00 to 23:00 (20) missing: runner down since 03:03" in text
    assert "do NOT restart before it is understood (candle-gap)" in text
    assert "  - `logs/paper_trading/runner_20260205.log:" in text
    assert "- verdict: PASS → FAIL\n" in text
    assert "- candles missing: 0 → 20\n" in text
    assert len(text.splitlines()) < 120


def test_a_day_without_logs_says_so_and_is_still_written(root: Path) -> None:
    done = summary(root, EMPTY)
    assert done.exit_code == UNKNOWN
    text = file_of(root, EMPTY).read_text()
    assert "Note: no line of the runner log lies in the window; it ends 2026-02-05 03:03" in text
    assert "No close on this day." in text
    empty = root / "empty"
    empty.mkdir()
    assert summary(empty, EMPTY).exit_code == UNKNOWN
    assert "there is no log directory logs/paper\\_trading" in file_of(empty, EMPTY).read_text()


def test_a_damaged_state_is_a_failed_day_that_is_written(root: Path) -> None:
    (root / "logs/paper_trading/runner_state.json").write_bytes(b"\x00{")
    assert summary(root, GOOD).exit_code == FAIL
    assert "- **state-corrupt** FAIL: " in file_of(root).read_text()


def test_today_is_told_with_the_host_even_where_nothing_answers(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENESIS_PHASE_START", str(datetime.now(UTC).date() - timedelta(days=1)))
    monkeypatch.setenv("GENESIS_PHASE_END", str(datetime.now(UTC).date() + timedelta(days=1)))
    done = summary(root, "today", "--stdout")
    assert done.exit_code == FAIL
    assert "| Runner | no runner process |" in done.stdout
    assert "| api-health | FAIL | nobody answers at " in done.stdout
    assert "1. `genesis-ops snapshot` (there is none of this day yet)" in done.stdout
    assert "the day is not over" in done.stdout


def order(root: Path, hour: int) -> str:
    """Put an order whose outcome nobody knows into the journal; its candle opened so many hours into Day 0."""
    at_ms = DAY + hour * HOUR_MS
    journal = Journal(root / "logs" / "paper_trading", lambda: at_ms + HOUR_MS)
    name = f"{iso(at_ms)[:10].replace('-', '')}-{iso(at_ms)[11:13]}00"
    about = {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.015, "price": 71000.5, "config_hash": "b"}
    with journal.held("test"):
        journal.append(Kind.STARTED, market="m", symbol="s", champion_sha256="a", config_hash="b", override="", gate="")
        journal.append(Kind.DECIDED, id=name, candle_ts=at_ms, **about)
        journal.append(Kind.ARMED, id=name, before={"TESTUSD": 1000000.0, "TESTBTC": 10.0})
        reply = {"latency_ms": 412, "order_id": 7, "size_taken": None, "reply": None}
        journal.append(Kind.UNKNOWN, id=name, reason="no <reply>", **reply)
    return name


def snapshot(root: Path, hour: int, **balances: float) -> None:
    """Leave a snapshot that was taken so many hours into Day 0."""
    folder, at_ms = directory(root / "logs" / "paper_trading"), DAY + hour * HOUR_MS
    folder.mkdir(exist_ok=True)
    section = Section("wallets", (f"exchange: {json.dumps(balances)}",))
    (folder / file_name(at_ms)).write_bytes(written(Snapshot(at_ms, (section,))))


def test_orders_and_wallets_of_the_day_are_told(root: Path) -> None:
    order(root, 14)
    snapshot(root, 20, TESTUSD=998935.0, TESTBTC=10.015)
    assert summary(root, GOOD).exit_code == FAIL
    text = file_of(root).read_text()
    assert "- 15:00 20260204-1400: LONG 0.015 tTESTBTC:TESTUSD: UNKNOWN (no &lt;reply&gt;)" in text
    assert "- Wallets: TESTBTC +0.01500000 since 2026-02-04 15:00 UTC, now 10.01500000" in text
    assert "- **fatal-error, orders-resolved** FAIL: order 20260204-1400 is UNKNOWN" in text


def test_an_order_in_doubt_counts_from_its_own_day_on(root: Path) -> None:
    name = order(root, 25)
    assert summary(root, GOOD).exit_code == PASS
    assert name not in file_of(root).read_text()
    summary(root, BAD)
    assert f"**fatal-error, orders-resolved** FAIL: order {name} is UNKNOWN" in file_of(root, BAD).read_text()
    summary(root, EMPTY)
    text = file_of(root, EMPTY).read_text()
    assert f"**fatal-error, orders-resolved** FAIL: order {name} is UNKNOWN" in text
    assert "No order was sent." in text


def test_the_wallets_change_from_the_last_reading_before_the_day_to_the_last_one_in_it(root: Path) -> None:
    for hour, balance in ((10, 1.0), (20, 2.0), (26, 5.0), (49, 9.0)):
        snapshot(root, hour, USD=balance)
    summary(root, BAD)
    text = file_of(root, BAD).read_text()
    assert "- Wallets: USD +3.00000000 since 2026-02-04 20:00 UTC, now 5.00000000" in text


def test_a_log_can_neither_mark_a_part_nor_write_markup(root: Path) -> None:
    log = root / "logs/paper_trading/runner_20260204.log"
    said = "FATAL: | <!-- /genesis-ops:findings --> ](http://evil) `x` **b**"
    line = f"2026-02-04 23:59:59 - paper_trading_runner - CRITICAL - {said}\n"
    log.write_text(log.read_text() + line)
    summary(root, GOOD)
    text = file_of(root).read_text()
    assert text.count("<!-- /genesis-ops:findings -->") == 2  # its own, and the log's line as code behind its place
    assert "\n<!-- /genesis-ops:findings --> ]" not in text
    assert "FATAL: &#124; &lt;!-- /genesis-ops:findings --&gt; \\](http\\://evil) \\`x\\` \\*\\*b\\*\\*" in text
    first = file_of(root).read_bytes()
    summary(root, GOOD)
    assert file_of(root).read_bytes() == first


# --- written again


def test_the_second_time_every_word_of_a_person_is_kept_and_the_parts_are_new(root: Path) -> None:
    summary(root, GOOD)
    path = file_of(root)
    path.write_text(
        path.read_text()
        .replace("## Notes\n", "## Notes\n\nThe feed was slow at noon; asked the exchange.\n")
        .replace("Nothing was found wrong.", "Nothing was found wrong, says the program.")
        .replace("| 14 | preflight", "- a line of mine in a table\n| 14 | preflight")
    )
    (root / "logs/paper_trading/runner_state.json").unlink()
    assert summary(root, GOOD).exit_code == FAIL
    text = path.read_text()
    for words in ("The feed was slow at noon", "Nothing was found wrong, says the program.", "- a line of mine"):
        assert text.count(words) == 1
    assert "**FAIL**" in text
    assert "**PASS**" not in text


def test_a_file_that_would_stay_as_it_is_is_not_written(root: Path) -> None:
    summary(root, GOOD)
    before = file_of(root).stat()
    assert summary(root, GOOD).exit_code == PASS
    after = file_of(root).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_the_host_as_it_was_stays_known_when_the_day_is_over(root: Path) -> None:
    summary(root, GOOD)
    path = file_of(root)
    seen = '"preflight": {"api-health": "PASS", "clock": "WARN"}, "preflight_at": "2026-02-04T23:50:00.000Z"'
    path.write_text(
        path.read_text()
        .replace('"preflight": {}, "preflight_at": ""', seen)
        .replace('"pid": null, "since": ""', '"pid": 4711, "since": "2026-02-04T13:03:20.000Z"')
    )
    summary(root, GOOD)
    text = path.read_text()
    assert "| Runner | pid 4711, since 2026-02-04 13:03 (seen on the day) |" in text
    assert "Preflight, the last of the day: 1 of 2 checks passed; clock WARN, at 23:50." in text


@pytest.mark.parametrize("told", ["{", '{"schema": "genesis-ops.day/1"}', '{"date": 1e999}', "[" * 5000, '{"a": NaN}'])
def test_what_yesterday_remembers_is_believed_only_where_it_is_whole(root: Path, told: str) -> None:
    file_of(root).parent.mkdir(parents=True)
    file_of(root).write_text(f"<!-- genesis-ops:facts -->\n<!-- {told}}} -->\n<!-- /genesis-ops:facts -->\n")
    assert summary(root, BAD).exit_code == FAIL
    assert "There is no summary of the day before to compare with." in file_of(root, BAD).read_text()


def test_a_file_under_another_days_name_is_not_yesterdays(root: Path) -> None:
    summary(root, EMPTY)
    file_of(root, EMPTY).rename(file_of(root))
    summary(root, BAD)
    assert "There is no summary of the day before to compare with." in file_of(root, BAD).read_text()


# --- what reaches a terminal


def test_quiet_prints_nothing_while_all_is_well_and_all_else_where_it_is_not(root: Path) -> None:
    assert summary(root, GOOD, "--quiet").output == ""
    assert file_of(root).exists()
    done = summary(root, BAD, "--quiet")
    assert done.exit_code == FAIL
    assert "candle-gap" in done.stdout
    assert summary(root, GOOD, "--quiet", "--stdout").exit_code == USAGE


def test_stdout_is_the_summary_and_writes_nothing(root: Path) -> None:
    done = summary(root, GOOD, "--stdout")
    assert done.exit_code == PASS
    assert done.stdout.startswith(f"# Paper trading {GOOD}")
    assert not (root / "docs").exists()


def test_the_report_is_there_in_every_format(root: Path) -> None:
    document = json.loads(summary(root, GOOD, "--format", "json").stdout)
    assert [check["id"] for check in document["checks"]] == [
        *("duplicate-candle", "dry-run-order", "baseline-fallback", "candle-gap", "state-corrupt", "fatal-error"),
        *("candle-frequency", "candle-source", "evaluation-count", "state-consistency", "heartbeat"),
        *("orders-resolved", "stop-latch", "preflight"),
    ]
    assert (document["command"], document["verdict"]) == ("daily-summary", "PASS")
    assert document["window"] == {
        "start": "2026-02-04T13:03:20Z", "end": "2026-02-05T00:00:00Z", "covered_seconds": 39400,
    }  # fmt: skip
    for name in ("junit", "nagios", "prometheus", "markdown"):
        assert summary(root, GOOD, "--format", name).exit_code == PASS


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-02-03", "2026-02-03 lies before the phase the phase goes from 2026-02-04 to 2026-03-17"),
        ("2199-01-01", "2199-01-01 lies in the future; today is "),
        ("2026-02-30", "'2026-02-30' is not today, yesterday or a day"),
        ("\x1b[31m", "'\\x1b[31m' is not today"),
        ("", "'' is not today"),
    ],
)
def test_a_day_that_cannot_be_meant_is_usage(root: Path, day: str, words: str) -> None:
    done = summary(root, day)
    assert (done.exit_code, done.stdout) == (USAGE, "")
    assert words in flat(done.stderr)
    assert not (root / "docs").exists()


def test_a_day_after_the_phase_is_told_as_such(root: Path) -> None:
    summary(root, "2026-03-18")
    assert ": 1 day after the phase\n" in file_of(root, "2026-03-18").read_text()


# --- the team's own template


def own(root: Path, text: str | bytes) -> None:
    (root / TEMPLATE).parent.mkdir(parents=True, exist_ok=True)
    (root / TEMPLATE).write_bytes(text if isinstance(text, bytes) else text.encode())


def test_a_teams_template_is_taken_and_shown(root: Path) -> None:
    shown = summary(root, GOOD, "--show-template")
    assert shown.exit_code == PASS
    own(root, shown.stdout.replace("# Paper trading", "# Our day"))
    summary(root, GOOD)
    assert file_of(root).read_text().startswith(f"# Our day {GOOD}")
    assert summary(root, GOOD, "--show-template").stdout.startswith("# Our day")


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("a\n{{ verdict }}\n {{ nowhere }}", f"{TEMPLATE}:3:5: 'nowhere' is undefined", 3),
        ("{% for a in b %}", f"{TEMPLATE}:1:17: Unexpected end of template.", 1),
        (b"a\nb\xff", f"{TEMPLATE}:2:2: it is not UTF-8", 2),
        ("a\n <!-- genesis-ops:x -->", f"{TEMPLATE}:2:2: the part x has no end", 2),
        ("<!-- genesis-ops:facts -->\n<!-- /genesis-ops:facts -->", f"{TEMPLATE}:2:1: the part facts begins a", 2),
    ],
)
def test_an_error_in_a_template_has_its_line_and_column_and_nothing_is_written(
    root: Path, text: str | bytes, words: str, line: int
) -> None:
    own(root, text)
    done = summary(root, GOOD)
    assert done.exit_code == REFUSED
    assert words in done.stderr
    assert f"next: ${{EDITOR:-vi}} +{line} " in done.stderr
    assert "summary: not written" in flat(done.stdout)
    assert not file_of(root).exists()


def test_a_template_that_cannot_be_read_is_named(root: Path) -> None:
    (root / TEMPLATE).mkdir(parents=True)
    done = summary(root, GOOD)
    assert done.exit_code == REFUSED
    assert f"{TEMPLATE}: the template cannot be read (is a directory)" in done.stderr


# --- the file cannot be written


def test_a_full_disk_leaves_the_former_file_whole(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary(root, GOOD)
    former = file_of(root).read_bytes()
    (root / "logs/paper_trading/runner_state.json").unlink()

    def full(descriptor: int, raw: bytes) -> None:
        os.write(descriptor, raw[: len(raw) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write_all", full)
    done = summary(root, GOOD)
    assert done.exit_code == WRITE
    assert "could not be written: No space left on device" in done.stderr
    assert file_of(root).read_bytes() == former
    assert [*file_of(root).parent.iterdir()] == [file_of(root)]


@pytest.mark.parametrize("kind", ["directory", "fifo", "loop", "folder is a file"])
def test_what_is_no_file_is_an_error_and_no_hang(root: Path, kind: str) -> None:
    path = file_of(root)
    path.parent.parent.mkdir(parents=True)
    if kind == "folder is a file":
        path.parent.write_text("")
    else:
        path.parent.mkdir()
    match kind:
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
    done = summary(root, GOOD)
    assert done.exit_code == WRITE
    assert "could not be written" in done.stderr
    assert "next: ls -ld" in done.stderr


def test_a_link_stays_a_link_to_the_file_that_is_written(root: Path) -> None:
    file_of(root).parent.mkdir(parents=True)
    file_of(root).symlink_to(root / "elsewhere.md")
    assert summary(root, GOOD).exit_code == PASS
    assert file_of(root).is_symlink()
    assert (root / "elsewhere.md").read_text().startswith("# Paper trading")


# --- the dead-man's switch

PING = ("--ping", "http://switch/secret?rid=1")


def test_the_switch_hears_of_start_and_success(root: Path, heard: list[tuple[str, str]]) -> None:
    assert summary(root, GOOD, *PING).exit_code == PASS
    assert [target for target, _ in heard] == ["/secret/start?rid=1", "/secret?rid=1"]
    assert heard[1][1].startswith(f"daily-summary {GOOD}, day 0 of 42, dry-run: PASS, 12 of 14 checks passed")


@pytest.mark.parametrize("what", ["verdict", "usage", "template", "bug", "signal", "interrupted"])
def test_the_switch_hears_of_every_other_end_as_a_failure(
    root: Path, heard: list[tuple[str, str]], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"bug": ZeroDivisionError(), "signal": SystemExit(TERMINATED), "interrupted": KeyboardInterrupt()}.get(what)
    if error is not None:

        def fails(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("genesis_ops.collect.day.judge_day", fails)
    if what == "template":
        own(root, "{{ nowhere }}")
    day = {"verdict": BAD, "usage": "never"}.get(what, GOOD)
    done = CliRunner().invoke(app, ["--root", str(root), "daily-summary", "--date", day, *PING])
    expected = {"verdict": FAIL, "usage": USAGE, "template": REFUSED, "bug": WRITE, "signal": TERMINATED}
    assert done.exit_code == expected.get(what, 130)
    assert [target for target, _ in heard] == ["/secret/start?rid=1", "/secret/fail?rid=1"]
    assert "nowhere" not in heard[1][1]


def test_a_second_sigterm_does_not_keep_the_failure_from_the_switch(
    root: Path, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ping.Ping.fail

    def stopped(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def stopped_again(switch: ping.Ping, body: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        told(switch, body)

    monkeypatch.setattr("genesis_ops.collect.day.judge_day", stopped)
    monkeypatch.setattr(ping.Ping, "fail", stopped_again)
    assert summary(root, GOOD, *PING).exit_code == TERMINATED
    assert [target for target, _ in heard] == ["/secret/start?rid=1", "/secret/fail?rid=1"]


def test_a_switch_that_fails_changes_neither_verdict_nor_exit_code(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ping, "_sent", lambda *_: "HTTP 500")
    done = summary(root, GOOD, "--quiet", *PING)
    assert (done.exit_code, done.stdout) == (PASS, "")
    assert done.stderr == "genesis-ops: the ping to http://switch failed 3 times: HTTP 500\n" * 2
    assert file_of(root).exists()


# --- what it costs


def test_a_day_that_is_over_needs_neither_network_nor_processes(root: Path) -> None:
    code = (
        "import sys\nfrom genesis_ops.cli.app import main\n"
        "try:\n    main()\nfinally:\n    print(sorted({'httpx', 'psutil', 'pydantic'} & sys.modules.keys()))\n"
    )
    arguments = ("--root", str(root), "daily-summary", "--date", GOOD, "--quiet")
    done = subprocess.run(
        (sys.executable, "-c", code, *arguments), env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (PASS, "[]\n", "")


def test_a_secret_that_a_log_holds_is_not_in_the_summary(root: Path) -> None:
    secret = "Zk3vQ9xLw2pT7nB5mR8cY1dF4gH6jK0a"
    (root / ".env").write_text(f"BITFINEX_API_SECRET={secret}\n")
    with (root / "logs" / "paper_trading" / "runner_20260204.log").open("a") as log:
        log.write(f"2026-02-04 23:59:59 - paper_trading_runner - ERROR - FATAL: x{secret}y\n")
    summary(root, GOOD)
    text = file_of(root).read_text()
    assert secret not in text
    assert "FATAL: x" in text
    assert secret not in summary(root, GOOD, "--stdout").stdout


def test_a_secret_that_is_left_keeps_the_summary_from_being_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".env").write_text("BITFINEX_API_SECRET=candle-uniqueness-and-more\n")
    with (root / "logs" / "paper_trading" / "runner_20260204.log").open("a") as log:
        log.write("2026-02-04 23:59:59 - paper_trading_runner - ERROR - FATAL: candle-uniqueness-and-more\n")
    monkeypatch.setattr("genesis_ops.keep.clean.Cleaner.clean", lambda _, raw: raw)
    done = summary(root, GOOD)
    assert done.exit_code == REFUSED
    assert "still holds a secret" in done.stderr
    assert not file_of(root).exists()


@pytest.mark.parametrize("day", ["today", "yesterday"])
def test_cron_is_told_nothing_before_the_phase_has_begun(root: Path, monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    monkeypatch.setenv("GENESIS_PHASE_START", "2999-01-01")
    monkeypatch.setenv("GENESIS_PHASE_END", "2999-02-11")
    done = summary(root, day, "--quiet")
    assert (done.exit_code, done.output) == (PASS, "")
    assert summary(root, day).exit_code == USAGE
    assert not file_of(root).parent.exists()
