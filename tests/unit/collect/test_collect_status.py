"""One look at a running phase: what is found, and that whatever is missing is found missing."""

import json
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from genesis_ops.checks.evidence import OrderDoubt, OrdersFound
from genesis_ops.checks.model import Outcome, Place
from genesis_ops.checks.status import Status, ages, alerts, runs, silent_seconds, today
from genesis_ops.clients.health import Answer
from genesis_ops.collect.logs import LogLook
from genesis_ops.collect.status import look
from genesis_ops.collect.wallets import readings, told
from genesis_ops.collect.where import source
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.rehearsal.day import rehearse
from genesis_ops.runlog import events
from genesis_ops.runlog.events import Event
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.tail import reach_ms
from genesis_ops.runlog.tally import Fate
from genesis_ops.settings import Settings, load
from genesis_ops.state.baseline import Baseline, baseline_file, record_baseline
from genesis_ops.state.latch import Latch, latch_file, set_latch
from genesis_ops.state.lock import hold, runner_locks
from genesis_ops.state.snapshots import Section, Snapshot, directory, file_name
from genesis_ops.state.snapshots import written as snapshot_bytes
from genesis_ops.state.verification import keep_verification
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Mode, day, iso, stamp

NOW = 1_771_598_880_000
"""2026-02-20 14:48:00 UTC."""
HOUR = NOW - NOW % HOUR_MS
BEGAN = HOUR - 29 * HOUR_MS + 3 * MINUTE_MS
WALLETS = {"items": [{"type": "exchange", "currency": "TESTUSD", "balance": 990.5, "available": 990.5}]}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    made = load({"root": tmp_path, "api_url": nobody}, os.environ, None).settings
    made.log_dir.mkdir(parents=True)
    return made


def polls(until_ms: int = NOW - 8000, mode: str = "DRY-RUN (no orders)") -> list[tuple[int, Event | str]]:
    """A run without an incident: what it says at its start, at every close, and with every heartbeat."""
    said: list[tuple[int, Event | str]] = [
        (BEGAN, each)
        for each in (
            *(events.RunnerStarted(), events.Market("tBTCUSD", "1h"), events.PollInterval(10)),
            *(events.RunMode(mode), events.ChampionVerified()),
        )
    ]
    for at_ms in range(BEGAN, until_ms + 1, 100_000):
        hour = at_ms - at_ms % HOUR_MS
        if at_ms - hour < 100_000 and hour > BEGAN:
            said.append((hour + 4000, events.CandleClose(hour - HOUR_MS, 71_737.2, "previous")))
            said.append((hour + 5000, events.Evaluation("NONE", "None", 0.52)))
        beat = events.Heartbeat(3, 0, str(hour - HOUR_MS), "3s", f"{(at_ms - hour) // 1000}s", "90s")
        said.append((max(at_ms, hour + 6000), beat))
    look_at = events.CandleSelection("previous", HOUR - HOUR_MS, until_ms, HOUR, HOUR + HOUR_MS)
    return [*said, (until_ms, look_at)]


def write(settings: Settings, said: Sequence[tuple[int, Event | str]], ahead_ms: int = 0) -> Path:
    path = settings.log_dir / f"runner_{day(said[0][0])}.log"
    text = []
    for at_ms, event in said:
        level, message = ("INFO", event) if isinstance(event, str) else (event.level, event.message())
        text.append(f"{stamp(at_ms + ahead_ms)} - paper_trading_runner - {level} - {message}\n")
    path.write_text("".join(text), encoding="utf-8")
    return path


def remember(settings: Settings, **changes: Any) -> None:
    state = {
        "last_processed_candle_ts": HOUR - HOUR_MS,
        "total_evaluations": 29,
        "total_orders_submitted": 0,
        "last_heartbeat": iso(NOW - 41_000),
    }
    settings.state_file.write_text(json.dumps(state | changes), encoding="utf-8")


@pytest.fixture
def well(settings: Settings) -> Settings:
    write(settings, polls())
    remember(settings)
    return settings


def seen(settings: Settings, now_ms: int = NOW) -> Status:
    return look(settings, VirtualClock(now_ms))


def heads(status: Status) -> list[str]:
    return [alert.head for alert in alerts(status) if alert.kind != "api"]


@contextmanager
def api(settings: Settings, wallets: Any = WALLETS, health: Any = None, status: int = 200) -> Iterator[Settings]:
    """A little API that answers the two questions as it is told to."""

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def do_GET(self) -> None:
            said = wallets if self.path == "/account/wallets" else health or {"status": "ok", "config_version": 12}
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield load({"root": settings.root, "api_url": url}, os.environ, None).settings
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


# --- all is well


def test_a_phase_that_runs_is_found_with_everything_that_one_asks_first(well: Settings) -> None:
    with api(well) as settings:
        status = seen(settings)
    assert alerts(status) == ()
    assert status.findings == ()
    assert (runs(status), status.runner.mode, status.runner.since_ms) == (True, Mode.DRY_RUN, BEGAN)
    assert status.close is not None
    assert (status.close.close_ms, status.close.price, status.close.logged_ms) == (HOUR, 71_737.2, HOUR + 4000)
    assert status.next_close_ms == HOUR + HOUR_MS
    assert status.evaluation is not None
    assert (status.evaluation.action, status.evaluation.confidence) == ("NONE", 0.52)
    assert today(status) == (15, 15)
    assert (status.api.answer, status.wallet.now is not None) == (Answer.OK, True)


def test_the_ages_are_those_of_now_and_not_of_the_heartbeat(well: Settings) -> None:
    found = {age.name: age.seconds for age in ages(seen(well))}
    beat = (NOW - (BEGAN + (NOW - 8000 - BEGAN) // 100_000 * 100_000)) // 1000
    assert found == {"feed": 3 + beat, "evaluation": 48 * 60 - 5, "state": 41, "heartbeat": beat}
    assert not any(age.over for age in ages(seen(well)))


def test_a_living_runner_is_named_by_its_lock(well: Settings) -> None:
    locks = runner_locks(well.state_file, well.log_dir, well.lock_dir, symbol=well.symbol, timeframe=well.timeframe)
    with hold(locks, command="genesis-ops run", now_ms=BEGAN):
        assert (seen(well).runner.pid, seen(well).runner.locked) == (os.getpid(), True)
    assert (seen(well).runner.pid, seen(well).runner.locked) == (None, True)
    with hold(locks[:1], command="another root's runner", now_ms=BEGAN):
        assert seen(well).runner.pid is None


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("rehearsed") / "root"
    return rehearse(root, hours=14, seed=7, faults=("feed-down@3h+4h",), watch=lambda _: None).settings


@pytest.mark.parametrize("back_ms", [0, MINUTE_MS, 90 * MINUTE_MS, 5 * HOUR_MS, -3 * HOUR_MS, 40 * HOUR_MS])
def test_the_picture_is_that_of_the_other_commands(rehearsed: Settings, back_ms: int) -> None:
    reach = reach_ms(log_files(rehearsed.log_dir)[-1], 0, 1 << 60)
    assert reach is not None
    end_ms = reach[1] - back_ms
    with source(rehearsed, None) as where:
        closely = LogLook(where, rehearsed, end_ms - 48 * HOUR_MS, end_ms).gather(closely=True)
        briefly = LogLook(where, rehearsed, end_ms - 48 * HOUR_MS, end_ms).gather(closely=False, pictured=True)
    assert briefly.tally.hours == closely.tally.hours
    assert seen(rehearsed, reach[1]).hours[-1].fate is not Fate.UNCOVERED


@pytest.mark.parametrize(
    ("end_ms", "fate"), [(NOW, Fate.MISSING), (HOUR + 59_000, Fate.UNCOVERED), (HOUR + 61_000, Fate.MISSING)]
)
def test_hours_in_which_nothing_telling_was_written_are_pictured_alike(
    settings: Settings, end_ms: int, fate: Fate
) -> None:
    quiet = [(at, said) for at, said in polls() if at < HOUR - 3 * HOUR_MS or isinstance(said, events.Heartbeat)]
    edges = (HOUR - 1000, HOUR + 30_000, HOUR + 59_000, HOUR + 60_500, NOW - 9000)
    looks = [(at, events.CandleSelection("previous", HOUR, at, HOUR, HOUR)) for at in edges]
    write(settings, sorted([*quiet, *looks], key=lambda each: each[0]))
    with source(settings, None) as where:
        closely = LogLook(where, settings, end_ms - 48 * HOUR_MS, end_ms).gather(closely=True)
        briefly = LogLook(where, settings, end_ms - 48 * HOUR_MS, end_ms).gather(closely=False, pictured=True)
    assert briefly.tally.hours == closely.tally.hours
    assert briefly.tally.hours[-1].fate is fate


def test_a_close_that_was_announced_twice_was_announced_when_it_was_first(settings: Settings) -> None:
    said = polls()
    write(settings, [*said, (NOW - 7000, events.CandleClose(HOUR - HOUR_MS, 71_737.2, "previous"))])
    status = seen(settings)
    assert status.close is not None
    assert status.close.logged_ms == HOUR + 4000
    assert [found.id for found in status.findings] == ["duplicate-candle"]


@pytest.mark.parametrize(("age_s", "over"), [(3900, False), (3901, True)])
def test_an_evaluation_may_be_one_candle_and_five_minutes_old(well: Settings, age_s: int, over: bool) -> None:
    status = seen(well)
    assert status.evaluation is not None
    old = status._replace(evaluation=status.evaluation._replace(at_ms=NOW - age_s * 1000), beat=None)
    assert [age.over for age in ages(old) if age.name == "evaluation"] == [over]
    assert heads(old) == (["LATE"] if over else [])


def test_an_order_that_a_living_runner_asks_about_warns_and_no_more(well: Settings) -> None:
    doubt = OrderDoubt("20260220-1300", "nobody knows yet", Place("", 0, ""), "wait", settling=True)
    status = seen(well)
    status = status._replace(orders=status.orders._replace(found=OrdersFound((doubt,))))
    assert [alert.outcome for alert in alerts(status) if alert.kind == "order"] == [Outcome.WARN]


def test_the_picture_of_a_packed_log_is_the_same(rehearsed: Settings, tmp_path: Path) -> None:
    import gzip

    moved = load({"root": tmp_path}, os.environ, None).settings
    moved.log_dir.mkdir(parents=True)
    for file in log_files(rehearsed.log_dir):
        (moved.log_dir / f"{file.path.name}.gz").write_bytes(gzip.compress(file.path.read_bytes(), 1))
    now_ms = (reach_ms(log_files(rehearsed.log_dir)[-1], 0, 1 << 60) or (0, 0))[1]
    assert seen(moved, now_ms).hours == seen(rehearsed, now_ms).hours


# --- what cannot wait


def test_a_runner_that_has_ended_is_said_before_its_log_is_old(settings: Settings) -> None:
    said = polls(NOW - 30_000)
    write(settings, [*said, (NOW - 20_000, events.SignalReceived(15)), (NOW - 20_000, events.RunnerStopped())])
    remember(settings)
    status = seen(settings)
    assert heads(status) == ["NO RUNNER"]
    assert "it ended with: Received signal 15" in alerts(status)[0].sentence
    assert alerts(status)[0].remedy.startswith("genesis-ops run --dry-run")


def test_a_killed_runner_is_said_with_the_time_of_its_last_line(settings: Settings) -> None:
    write(settings, polls(NOW - 9 * HOUR_MS))
    remember(settings)
    status = seen(settings)
    assert heads(status) == ["NO RUNNER"]
    assert "silent for 9h 0m, since 2026-02-20 05:48" in alerts(status)[0].sentence
    assert "without a word" in alerts(status)[0].sentence
    assert today(status) == (6, 15)


def test_a_process_that_holds_the_lock_and_writes_nothing_is_silent_and_not_dead(settings: Settings) -> None:
    write(settings, polls(NOW - 10 * MINUTE_MS))
    remember(settings)
    locks = runner_locks(
        settings.state_file, settings.log_dir, settings.lock_dir, symbol=settings.symbol, timeframe=settings.timeframe
    )
    with hold(locks, command="genesis-ops run", now_ms=BEGAN):
        (silent, *_) = alerts(seen(settings))
    assert (silent.head, f"pid {os.getpid()}" in silent.sentence) == ("RUNNER SILENT", True)


@pytest.mark.parametrize(("silent_s", "alive"), [(119, True), (120, True), (121, False)])
def test_a_log_is_stale_after_as_long_as_preflight_says(settings: Settings, silent_s: int, alive: bool) -> None:
    write(settings, polls(NOW - silent_s * 1000))
    assert runs(seen(settings)) is alive


def test_a_set_latch_comes_first_with_its_reason(well: Settings) -> None:
    set_latch(well.log_dir, Latch(NOW - HOUR_MS, ("candle-gap: two hours",), "ops@laptop"))
    (latch, *_) = alerts(seen(well))
    dead = alerts(seen(well, NOW + HOUR_MS))[1]
    assert (dead.head, dead.remedy) == ("NO RUNNER", "")  # nothing starts before the latch is cleared
    assert (latch.head, "candle-gap: two hours" in latch.sentence) == ("STOPPED", True)
    assert "genesis-ops resume --reason" in latch.remedy


def test_a_latch_that_cannot_be_read_is_a_latch(well: Settings) -> None:
    latch_file(well.log_dir).write_bytes(b"\0\0")
    (latch, *_) = alerts(seen(well))
    assert (latch.head, "logs/paper_trading/stop_latch.json is not" in latch.sentence) == ("LATCH DAMAGED", True)
    assert str(well.root) not in latch.sentence


def test_an_order_that_nobody_knows_the_end_of_is_told_with_its_command(well: Settings) -> None:
    journal = Journal(well.log_dir, lambda: NOW - HOUR_MS)
    name = f"{day(HOUR - HOUR_MS)}-1300"
    about = {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.015, "price": 71000.5, "config_hash": "b"}
    started = {"market": "tBTCUSD 1h", "symbol": "tTESTBTC:TESTUSD", "champion_sha256": "a", "config_hash": "b"}
    with journal.held("test"):
        journal.append(Kind.STARTED, **started, override="", gate="")
        journal.append(Kind.DECIDED, id=name, candle_ts=HOUR - HOUR_MS, **about)
        journal.append(Kind.ARMED, id=name, before={"TESTUSD": 1000.0})
    status = seen(well)
    assert heads(status) == ["ORDER IN DOUBT"]
    assert (status.orders.decided, status.orders.submitted) == (1, 0)
    assert name in alerts(status)[0].remedy
    assert status.wallet.baseline is not None
    assert status.wallet.baseline.by_currency == {"TESTUSD": 1000.0}


def test_a_damaged_state_is_told_and_so_is_a_missing_one(well: Settings) -> None:
    well.state_file.write_bytes(b"\0\0\0")
    assert heads(seen(well)) == ["STATE"]
    well.state_file.unlink()
    assert heads(seen(well)) == ["NO STATE"]


def test_a_feed_that_was_dead_at_the_heartbeat_is_late(settings: Settings) -> None:
    beat = events.Heartbeat(3, 0, "1", "700s", "2800s", "2s")
    write(settings, [*polls(NOW - 20_000), (NOW - 9000, beat)])
    remember(settings)
    status = seen(settings)
    assert heads(status) == ["LATE"]
    assert "feed 11m old" in alerts(status)[0].sentence


# --- what is missing


def test_no_log_directory_is_no_runner(settings: Settings) -> None:
    settings.log_dir.rmdir()
    status = seen(settings)
    assert heads(status) == ["NO RUNNER"]
    assert "there is no log directory logs" in alerts(status)[0].sentence
    assert (silent_seconds(status), status.close, status.state.trouble) == (None, None, None)


def test_no_log_is_no_runner(settings: Settings) -> None:
    assert heads(seen(settings)) == ["NO RUNNER"]
    assert "there is no runner log" in alerts(seen(settings))[0].sentence


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_log_that_may_not_be_read_leaves_the_runner_unknown(well: Settings) -> None:
    for file in log_files(well.log_dir):
        file.path.chmod(0)
    assert heads(seen(well))[0] == "RUNNER UNKNOWN"


def test_a_log_directory_that_may_not_be_listed_leaves_runner_and_orders_unknown(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> list[str]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", refuse)
    status = seen(well)
    assert heads(status) == ["RUNNER UNKNOWN"]
    assert "cannot be listed: Permission denied" in alerts(status)[0].sentence
    assert status.orders.found.trouble
    assert status.findings == ()


def test_what_closed_before_the_first_run_began_is_not_late(settings: Settings) -> None:
    born = HOUR + 3 * MINUTE_MS
    said: list[tuple[int, Event | str]] = [
        (born, events.RunnerStarted()),
        (born, events.RunMode("DRY-RUN (no orders)")),
        (born + 1000, events.CandleClose(HOUR - HOUR_MS, 71_737.2, "previous")),
        (born + 2000, events.Evaluation("LONG", "None", 0.52)),
    ]
    write(settings, said)
    status = seen(settings)
    assert [str(hour.fate) for hour in status.hours if hour.fate is not Fate.UNCOVERED] == ["action"]
    assert status.close is not None
    assert status.close.before_birth


def test_a_close_that_a_restart_announced_is_late_all_the_same(settings: Settings) -> None:
    before = polls(HOUR - 30 * MINUTE_MS)
    again = HOUR + 3 * MINUTE_MS
    write(
        settings,
        [*before, (again, events.RunnerStarted()), (again, events.CandleClose(HOUR - HOUR_MS, 7.0, "previous"))],
    )
    status = seen(settings)
    assert status.hours[-1].fate is Fate.LATE
    assert status.close is not None
    assert not status.close.before_birth


def test_last_words_are_cut(settings: Settings) -> None:
    write(settings, [*polls(), (NOW - 7000, events.Fatal("x" * 5000))])
    last = seen(settings).runner.last
    assert last is not None
    assert len(last.text) == 300


def test_a_log_that_is_a_directory_leaves_the_runner_unknown(settings: Settings) -> None:
    (settings.log_dir / f"runner_{day(NOW)}.log").mkdir()
    assert heads(seen(settings))[0] == "RUNNER UNKNOWN"


def test_a_log_directory_that_is_a_file_is_told(settings: Settings) -> None:
    settings.log_dir.rmdir()
    settings.log_dir.write_text("")
    assert heads(seen(settings)) == ["NO RUNNER"]


def test_an_old_log_is_shown_by_its_own_last_hours(settings: Settings) -> None:
    write(settings, polls(NOW - 5 * 3_600_000))
    status = seen(settings, NOW + 90 * DAY_MS)
    assert status.end_ms == NOW - 5 * HOUR_MS
    assert Fate.PROCESSED in {hour.fate for hour in status.hours}
    assert status.next_close_ms > NOW + 90 * DAY_MS


def test_a_clock_behind_the_log_is_told(well: Settings) -> None:
    status = seen(well, NOW - 3 * HOUR_MS)
    assert heads(status)[0] == "CLOCK WRONG"
    assert runs(status) is None
    assert "2h 59m in the future" in alerts(status)[0].sentence


def test_a_log_in_local_time_is_read_in_utc(settings: Settings) -> None:
    write(settings, polls(), ahead_ms=HOUR_MS)
    remember(settings)
    status = seen(settings)
    assert heads(status) == []
    assert status.runner.since_ms == BEGAN
    assert status.close is not None
    assert status.close.logged_ms is not None
    assert silent_seconds(status) == 8
    assert status.beat is not None
    assert 0 <= NOW - status.beat.at_ms <= 100_000
    assert [found.id for found in status.findings] == ["candle-gap"]
    assert status.findings[0].outcome is Outcome.WARN


def test_a_log_of_another_market_is_told(settings: Settings) -> None:
    said = [(at, events.Market("tETHUSD", "1h") if isinstance(e, events.Market) else e) for at, e in polls()]
    write(settings, said)
    remember(settings)
    assert "the log is of tETHUSD 1h and not of tBTCUSD 1h" in " ".join(a.sentence for a in alerts(seen(settings)))


@pytest.mark.parametrize("ts", [10**14 * 9, 10**30])
def test_a_close_of_a_time_that_cannot_be_written_is_no_close(settings: Settings, ts: int) -> None:
    said = polls()
    write(settings, [*said[:-1], (NOW - 9000, events.CandleClose(ts, 7.0, "previous")), said[-1]])
    assert seen(settings).close is None


def test_a_heartbeat_of_the_older_runner_tells_no_feed(settings: Settings) -> None:
    said = [
        (at, f"Heartbeat: evaluations=3, orders=0, last_candle_ts=1{at}")
        if isinstance(e, events.Heartbeat)
        else (at, e)
        for at, e in polls()
    ]
    write(settings, said)
    remember(settings)
    found = {age.name: age.seconds for age in ages(seen(settings))}
    assert found["feed"] is None
    assert found["evaluation"] == 48 * 60 - 5
    assert found["heartbeat"] is not None


def test_a_condition_of_the_last_hours_is_a_finding_with_one_line_as_proof(settings: Settings) -> None:
    said = polls()
    write(
        settings, [*said[:-2], (NOW - 9000, events.Fatal("disk full")), (NOW - 9000, events.Fatal("again")), *said[-2:]]
    )
    remember(settings)
    (found,) = seen(settings).findings
    assert (found.id, found.outcome, len(found.evidence)) == ("fatal-error", Outcome.FAIL, 1)
    assert found.evidence[0].line > 0


def test_a_receipt_that_nobody_can_read_is_a_finding(well: Settings) -> None:
    (well.log_dir / "acceptance_receipt_20260219_120000Z.json").write_text("{")
    (found,) = seen(well).findings
    assert (found.id, found.outcome) == ("acceptance", Outcome.UNKNOWN)


# --- the wallets and the API


def put_snapshot(settings: Settings, at_ms: int, balances: dict[str, float] | None) -> None:
    lines = ("the API does not answer",) if balances is None else (told(balances),)
    directory(settings.log_dir).mkdir(exist_ok=True)
    path = directory(settings.log_dir) / file_name(at_ms)
    path.write_bytes(snapshot_bytes(Snapshot(at_ms, (Section("wallets", lines),))))


def test_the_wallets_are_held_against_the_first_reading_of_the_phase(well: Settings) -> None:
    put_snapshot(well, NOW - 40 * DAY_MS, {"TESTUSD": 1.0})
    put_snapshot(well, NOW - 3 * DAY_MS, None)
    put_snapshot(well, NOW - 2 * DAY_MS, {"TESTUSD": 1000.0})
    put_snapshot(well, NOW - DAY_MS, {"TESTUSD": 995.0})
    put_snapshot(well, NOW - HOUR_MS, None)
    status = seen(well)
    assert status.wallet.baseline is not None
    assert status.wallet.now is not None
    assert (status.wallet.baseline.by_currency, status.wallet.now.by_currency) == (
        {"TESTUSD": 1000.0},
        {"TESTUSD": 995.0},
    )
    with api(well) as settings:
        status = seen(settings)
    assert status.wallet.now is not None
    assert status.wallet.moved == {"TESTUSD": -9.5}
    assert (status.wallet.now.at_ms, status.wallet.now.by_currency) == (NOW, {"TESTUSD": 990.5})


def test_the_recorded_baseline_is_what_the_wallet_is_held_against(well: Settings) -> None:
    put_snapshot(well, NOW - DAY_MS, {"TESTUSD": 1000.0})
    record_baseline(well.log_dir, Baseline(NOW - HOUR_MS, "ops", {"TESTUSD": 995.0}))
    with api(well) as settings:
        wallet = seen(settings).wallet
    assert wallet.baseline is not None
    assert (wallet.baseline.source, wallet.baseline.at_ms) == ("baseline", NOW - HOUR_MS)
    assert wallet.moved == {"TESTUSD": -4.5}
    assert seen(well).wallet.now == wallet.baseline  # the newest that is written down, where the API tells nothing


def test_a_baseline_that_cannot_be_read_is_passed_over(well: Settings) -> None:
    put_snapshot(well, NOW - DAY_MS, {"TESTUSD": 1000.0})
    baseline_file(well.log_dir).write_text("{", encoding="utf-8")
    wallet = seen(well).wallet
    assert wallet.baseline is not None
    assert wallet.baseline.by_currency == {"TESTUSD": 1000.0}


def test_baselines_are_readings_of_the_phase_too(well: Settings) -> None:
    for number in range(2):
        record_baseline(well.log_dir, Baseline(NOW + number * 1000, "ops", {"TESTUSD": 1000.0 + number}))
    assert [(each.at_ms, each.source) for each in readings(well.log_dir)] == [
        (NOW, "baseline"),
        (NOW + 1000, "baseline"),
    ]


def test_the_last_verification_is_found(well: Settings) -> None:
    assert seen(well).verification is None
    kept = {"schema": "genesis-ops.report/1", "command": "verify", "verdict": "PASS", "generated_at": f"{iso(NOW)}"}
    keep_verification(well.log_dir, NOW, json.dumps({**kept, "checks": []}).encode())
    found = seen(well).verification
    assert found is not None
    assert (found.at_ms, found.verdict, found.not_well) == (NOW, "PASS", ())


@pytest.mark.parametrize(
    ("wallets", "why"),
    [
        ({"items": [], "error": "nonce too small"}, "nonce too small"),
        ({"items": None}, "null"),
        (b"<html>", "HTTP 200, and no wallets"),
        ([1], "HTTP 200, and no wallets"),
        ({"items": [{"type": "exchange", "currency": "TESTUSD", "balance": True}]}, "not a wallet"),
    ],
)
def test_an_error_of_the_api_is_never_an_empty_wallet(well: Settings, wallets: Any, why: str) -> None:
    with api(well, wallets) as settings:
        status = seen(settings)
    assert status.wallet.now is None
    assert why in status.wallet.trouble


def test_an_api_that_is_not_well_is_told(well: Settings) -> None:
    with api(well, health={"status": "error"}, status=503) as settings:
        status = seen(settings)
    assert [alert.head for alert in alerts(status)] == ["API NOT WELL"]
    assert status.wallet.now is None


def test_nobody_listening_is_told(well: Settings) -> None:
    (alert,) = alerts(seen(well))
    assert (alert.kind, alert.sentence.startswith("does not answer (nobody listens")) == ("api", True)
