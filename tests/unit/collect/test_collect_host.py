"""One look at a host made of real files, sockets and processes."""

import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from genesis_ops.checks.host import DiskFound, Host
from genesis_ops.checks.model import Outcome
from genesis_ops.clients import health
from genesis_ops.clients.health import Answer, Standing
from genesis_ops.clients.host_clock import HostClock
from genesis_ops.clients.process import Trader
from genesis_ops.collect.host import look
from genesis_ops.collect.patience import LOOK_SECONDS, attempts
from genesis_ops.collect.server_log import bind_error
from genesis_ops.rehearsal.clock import VirtualClock
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.server import make_server
from genesis_ops.settings import Settings, load
from genesis_ops.state.latch import Latch, set_latch
from genesis_ops.state.lock import hold, runner_locks
from genesis_ops.words import HOUR_MS, MINUTE_MS, day, stamp

CLOCK = HostClock()
CHAMPION = b'{"merged_config": {}}\n'
UVICORN = """\
INFO:     Started server process [48412]
INFO:     Waiting for application startup.
INFO:     Application startup complete.
ERROR:    [Errno 10048] error while attempting to bind on address ('127.0.0.1', 8000):
          normalt tillåts bara en användare för varje socketadress (protokoll/nätverkadress/port)
INFO:     Waiting for application shutdown.
INFO:     Application shutdown complete.
CONFIG_VERSION=105 CONFIG_HASH={"ev":{"R_de
"""
LISTENING = "INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)\n"


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A root with a champion and a log directory, whose servers refuse every connection."""
    nobody = closed_port()
    made = load({"root": tmp_path, "api_url": nobody, "exchange_url": nobody}, os.environ, None).settings
    made.champion_file.parent.mkdir(parents=True)
    made.champion_file.write_bytes(CHAMPION)
    made.log_dir.mkdir(parents=True)
    return made


def written(settings: Settings, *messages: str, start_ms: int, name: str = "", ahead_ms: int = 0) -> Path:
    """Write a log, a line a second, in a zone so far ahead of UTC."""
    path = settings.log_dir / (name or f"runner_{day(start_ms)}.log")
    lines = []
    for number, message in enumerate(messages):
        level, _, text = message.partition(" ")
        lines.append(f"{stamp(start_ms + number * 1000 + ahead_ms)} - paper_trading_runner - {level} - {text}\n")
    with path.open("a", encoding="utf-8") as file:
        file.writelines(lines)
    return path


def banner(now_ms: int) -> tuple[str, ...]:
    ts = now_ms // HOUR_MS * HOUR_MS - HOUR_MS
    return (
        "INFO Paper Trading Runner Started",
        "INFO Symbol: tBTCUSD, Timeframe: 1h",
        "INFO Poll interval: 20s",
        "INFO Mode: DRY-RUN (no orders)",
        "INFO Verifying champion loading...",
        f"DEBUG Candle selection: source=previous, ts={ts}, now_ms={now_ms}, latest_ts={ts}, latest_close_ms={ts}",
        "INFO Champion verified successfully.",
    )


def outcome(host: Host, name: str) -> Outcome:
    from genesis_ops.checks.preflight import preflight

    return next(check.outcome for check in preflight(host).checks if check.id == name)


def here(host: Host) -> list[Trader]:
    """Who trades into this test's directory: other runners of the machine are nobody's business here."""
    return [trader for trader in host.traders if trader.here]


def tree(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a root: mode, time and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        about = path.lstat()
        found[str(path)] = about.st_mode, about.st_mtime_ns, path.read_bytes() if path.is_file() else b""
    return found


# --- the look as a whole


def test_a_look_changes_nothing(settings: Settings) -> None:
    written(settings, *banner(CLOCK.now_ms()), start_ms=CLOCK.now_ms() - 10_000)
    (settings.root / ".env").write_text("A=1\n", "utf-8")
    settings.state_file.write_text("not JSON", "utf-8")
    before = tree(settings.root)
    look(settings, CLOCK)
    assert tree(settings.root) == before


def test_an_empty_root_is_looked_at_without_a_complaint(tmp_path: Path) -> None:
    nobody = closed_port()
    found = look(load({"root": tmp_path, "api_url": nobody, "exchange_url": nobody}, os.environ, None).settings, CLOCK)
    assert (found.log.newest, found.log.run, found.log.trouble) == (None, None, "")
    assert (found.state.present, found.env.present, found.directory.present) == (False, False, False)
    assert (found.champion.fingerprint, found.champion.fault) == (None, "is not there")
    assert (found.health.answer, found.exchange.standing) == (Answer.REFUSED, Standing.UNREACHABLE)
    assert (found.latch, here(found)) == (None, [])
    assert found.disk is not None
    assert found.disk.free_bytes > 0


def test_a_file_where_the_log_directory_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "paper_trading").write_text("", "utf-8")
    nobody = closed_port()
    found = look(load({"root": tmp_path, "api_url": nobody, "exchange_url": nobody}, os.environ, None).settings, CLOCK)
    assert found.directory.fault == "is not a directory"
    assert outcome(found, "runner-log") is Outcome.FAIL


@contextmanager
def mute() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_servers_that_never_answer_are_asked_at_the_same_time_and_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.3)
    with mute() as api, mute() as exchange:
        silent = load({"root": settings.root, "api_url": api, "exchange_url": exchange}, os.environ, None).settings
        found = look(silent, CLOCK)
    assert (found.health.answer, found.exchange.standing) == (Answer.TIMEOUT, Standing.UNREACHABLE)
    assert found.listeners is not None
    assert [holder.pid for holder in found.listeners.processes] == [os.getpid()]


def test_a_question_that_hangs_before_its_deadline_begins_is_left_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def hang(*_: object) -> health.Health:
        over.wait(30)
        return health.Health(Answer.OK, "")

    monkeypatch.setattr(health, "SECONDS", 0.1)
    monkeypatch.setattr(health, "ask_health", hang)
    found = look(settings, CLOCK)
    over.set()
    assert found.health.answer is Answer.TIMEOUT


def test_a_proxy_that_cannot_be_used_is_an_answer_and_no_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "nonsense:///")
    elsewhere = load({"root": settings.root, "exchange_url": "https://exchange.invalid"}, os.environ, None).settings
    assert "https_proxy" in look(elsewhere, CLOCK).exchange.told


def test_an_api_on_another_host_has_no_port_holder_here(settings: Settings) -> None:
    elsewhere = load({"root": settings.root, "api_url": "http://api.invalid:8000"}, os.environ, None).settings
    found = look(elsewhere, CLOCK)
    assert (found.listeners, found.bind_error) == (None, None)


def test_the_sandbox_answers_and_its_clock_is_the_exchanges(settings: Settings) -> None:
    with make_server(Sandbox(7, CLOCK.now_ms, time.sleep), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        served = load({"root": settings.root, "api_url": url, "exchange_url": url}, os.environ, None).settings
        found = look(served, CLOCK)
        again = look(served, CLOCK, found)
        asked = server.sandbox.requests["GET", "/v2/platform/status"]
        server.shutdown()
    assert (found.health.answer, found.exchange.standing) == (Answer.OK, Standing.WORKING)
    assert outcome(found, "clock") is Outcome.PASS
    assert (again.exchange, asked) == (found.exchange, 1)


# --- the log


def test_the_newest_line_run_and_interval_are_read(settings: Settings) -> None:
    now_ms = CLOCK.now_ms()
    path = written(settings, *banner(now_ms), start_ms=now_ms - 20_000)
    (settings.log_dir / "runner_service.log").write_text("nothing of the runner's\n", "utf-8")
    found = look(settings, CLOCK)
    assert found.log.newest is not None
    assert (found.log.newest.file.path, found.log.newest.number) == (path, 7)
    assert found.log.newest_ms == (now_ms - 14_000) // 1000 * 1000
    assert found.log.run is not None
    assert (found.interval, found.log.run.verified is not None) == (20, True)
    assert outcome(found, "runner-log") is Outcome.PASS
    assert outcome(found, "champion-verified") is Outcome.PASS


def test_a_log_in_local_time_is_corrected(settings: Settings) -> None:
    now_ms = CLOCK.now_ms()
    start_ms = now_ms - 6_000
    messages = [m.replace(f"now_ms={now_ms}", f"now_ms={start_ms + 5000}") for m in banner(now_ms)]
    written(settings, *messages, start_ms=start_ms, ahead_ms=HOUR_MS)
    found = look(settings, CLOCK)
    assert found.log.run is not None
    assert found.log.run.zone_minutes == 60
    assert abs(found.log.newest_ms - now_ms) <= 2000
    assert outcome(found, "runner-log") is Outcome.WARN
    assert outcome(found, "champion-verified") is Outcome.PASS


def test_a_fatal_end_of_the_run_before_is_told_and_its_fallback_is_not_this_runs(settings: Settings) -> None:
    now_ms = CLOCK.now_ms()
    ended = (*banner(now_ms - HOUR_MS)[:5], "ERROR Champion NOT loaded! Source: baseline:1h")
    name = f"runner_{day(now_ms)}.log"
    written(settings, *ended, "CRITICAL Baseline fallback detected. ABORTING.", start_ms=now_ms - HOUR_MS, name=name)
    failed = look(settings, CLOCK)
    assert outcome(failed, "champion-verified") is Outcome.FAIL
    assert outcome(failed, "no-fatal") is Outcome.FAIL
    written(settings, *banner(now_ms), start_ms=now_ms - 10_000, name=name)
    found = look(settings, CLOCK)
    assert outcome(found, "champion-verified") is Outcome.PASS
    assert outcome(found, "no-fatal") is Outcome.PASS
    assert found.log.former is not None
    assert len(found.log.former.fatal) == 1


def test_an_older_runners_one_file_of_many_days_is_the_newest_by_its_lines(settings: Settings) -> None:
    now_ms = CLOCK.now_ms()
    old = f"runner_{day(now_ms - 100 * HOUR_MS)}.log"
    written(settings, *banner(now_ms), start_ms=now_ms - 10_000, name=old)
    written(settings, *banner(now_ms - 50 * HOUR_MS), start_ms=now_ms - 50 * HOUR_MS)
    assert outcome(look(settings, CLOCK), "runner-log") is Outcome.PASS


@pytest.mark.parametrize("raw", [b"", b"\0" * 5000, b"no line of a log\n", b"\xff\xfe"])
def test_a_log_without_a_line_is_silent_and_no_crash(settings: Settings, raw: bytes) -> None:
    (settings.log_dir / f"runner_{day(CLOCK.now_ms())}.log").write_bytes(raw)
    found = look(settings, CLOCK)
    assert found.log.newest is None
    assert outcome(found, "runner-log") is Outcome.FAIL


def test_an_empty_file_after_midnight_does_not_hide_the_lines_before(settings: Settings) -> None:
    now_ms = CLOCK.now_ms()
    written(settings, *banner(now_ms), start_ms=now_ms - 10_000, name=f"runner_{day(now_ms - 24 * HOUR_MS)}.log")
    (settings.log_dir / f"runner_{day(now_ms)}.log").touch()
    assert outcome(look(settings, CLOCK), "runner-log") is Outcome.PASS


def test_a_directory_of_the_logs_name_makes_the_log_unreadable_and_not_fresh(settings: Settings) -> None:
    now_ms = CLOCK.now_ms()
    written(settings, *banner(now_ms), start_ms=now_ms - 10_000, name=f"runner_{day(now_ms - 24 * HOUR_MS)}.log")
    (settings.log_dir / f"runner_{day(now_ms)}.log").mkdir()
    found = look(settings, CLOCK)
    assert "is a directory" in found.log.trouble
    assert outcome(found, "runner-log") is Outcome.UNKNOWN


# --- state, champion, .env, latch


def test_the_states_heartbeat_is_read_and_a_damaged_state_is_told(settings: Settings) -> None:
    state = {"last_processed_candle_ts": None, "total_evaluations": 0, "total_orders_submitted": 0}
    settings.state_file.write_text(json.dumps(state | {"last_heartbeat": "2026-02-05T14:14:06.717285+00:00"}), "utf-8")
    assert look(settings, CLOCK).state.heartbeat == "2026-02-05T14:14:06.717285+00:00"
    settings.state_file.write_bytes(b"\0" * 10)
    found = look(settings, CLOCK).state
    assert (found.heartbeat, "NUL byte" in found.fault) == (None, True)


def test_the_champion_and_its_pin_are_read(settings: Settings) -> None:
    found = look(settings, CLOCK).champion
    assert found.fingerprint is not None
    assert (found.fingerprint.sha256, found.pin) == (hashlib.sha256(CHAMPION).hexdigest(), None)
    (settings.log_dir / "champion_frozen.json").write_text("{", "utf-8")
    assert outcome(look(settings, CLOCK), "champion-file") is Outcome.FAIL
    settings.champion_file.unlink()
    settings.champion_file.mkdir()
    assert "is a directory" in look(settings, CLOCK).champion.fault


@pytest.mark.skipif(os.name == "nt", reason="permission bits")
def test_an_env_file_is_read_with_its_mode_and_without_its_values(settings: Settings) -> None:
    path = settings.root / ".env"
    path.write_bytes(b"\xef\xbb\xbfBITFINEX_API_KEY=s3cr3t-v4lu3 # mine\nBITFINEX_API_SECRET=0th3r-v4lu3\n")
    path.chmod(0o644)
    found = look(settings, CLOCK)
    assert found.env.mode == stat.S_IMODE(0o644)
    assert found.env.missing == ("BITFINEX_API_KEY",)  # systemd drops the line with the byte order mark
    assert any(one.severe and one.line == 1 for one in found.env.lines)
    assert "v4lu3" not in repr(found)
    assert outcome(found, "env-file") is Outcome.FAIL


def test_an_env_file_that_is_none_is_told(settings: Settings) -> None:
    (settings.root / ".env").mkdir()
    assert "is a directory" in look(settings, CLOCK).env.fault


def test_a_latch_is_read(settings: Settings) -> None:
    set_latch(settings.log_dir, Latch(CLOCK.now_ms(), ("duplicate candle",), "ops"))
    assert outcome(look(settings, CLOCK), "stop-latch") is Outcome.FAIL


# --- processes


def test_a_runner_that_holds_the_locks_is_found_without_touching_them(settings: Settings, tmp_path: Path) -> None:
    script = tmp_path / "paper_trading_runner.py"
    script.write_text("print('up', flush=True); input()", "utf-8")
    with subprocess.Popen(
        (sys.executable, str(script)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stdin is not None
        assert runner.stdout is not None
        runner.stdout.readline()
        plate = {"pid": runner.pid, "since": "2999-01-01T00:00:00.000Z", "command": "genesis-ops run"}
        (settings.log_dir / "runner.lock").write_text(json.dumps(plate), "utf-8")
        found = [trader for trader in look(settings, CLOCK).traders if trader.process.pid == runner.pid]
        locks = runner_locks(
            settings.state_file, settings.log_dir, tmp_path, symbol=settings.symbol, timeframe=settings.timeframe
        )
        with hold(locks, command="test", now_ms=0):  # a look that held them would be in the way here
            look(settings, CLOCK)
        runner.stdin.close()
    assert [trader.here for trader in found] == [True]


@pytest.mark.parametrize("plate", ["", "{", '{"pid": 1, "since": "", "command": ""}', '{"pid": 2}', "[" * 5000])
def test_a_name_plate_of_any_kind_is_no_runner(settings: Settings, plate: str) -> None:
    (settings.log_dir / "runner.lock").write_text(plate, "utf-8")
    assert here(look(settings, CLOCK)) == []


# --- the server's log


def server_log(directory: Path, text: str, name: str = "server_20260204_092902.log", encoding: str = "utf-8") -> None:
    (directory / name).write_text(text, encoding=encoding, newline="\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_the_bind_error_of_the_blocker_report_is_found_with_its_second_line(tmp_path: Path, encoding: str) -> None:
    server_log(tmp_path, UVICORN, encoding=encoding)
    found = bind_error(tmp_path, 8000)
    assert found is not None
    assert [place.line for place in found.places] == [4, 5]
    assert found.places[0].text.startswith("ERROR:    [Errno 10048] error while attempting to bind on address")
    assert found.places[1].text.startswith("normalt till")
    assert bind_error(tmp_path, 8001) is None


@pytest.mark.parametrize(
    "line",
    [
        "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
        "ERROR:    [Errno 48] error while attempting to bind on address ('::1', 8000, 0, 0): address already in use",
        "OSError: [Errno 98] Address already in use",
    ],
)
def test_the_bind_error_of_every_system_is_found(tmp_path: Path, line: str) -> None:
    server_log(tmp_path, f"INFO: Started\r\n{line}\r\nINFO: Waiting\r\n")
    found = bind_error(tmp_path, 8000)
    assert found is not None
    assert [(place.line, place.text) for place in found.places] == [(2, line)]


def test_a_server_that_listened_afterwards_has_settled_it(tmp_path: Path) -> None:
    server_log(tmp_path, UVICORN + LISTENING)
    assert bind_error(tmp_path, 8000) is None
    server_log(tmp_path, LISTENING + UVICORN)
    assert bind_error(tmp_path, 8000) is not None


def test_only_the_newest_server_log_counts(tmp_path: Path) -> None:
    server_log(tmp_path, UVICORN, "server_1.log")
    os.utime(tmp_path / "server_1.log", (1, 1))
    server_log(tmp_path, LISTENING, "server_0.log")
    server_log(tmp_path, UVICORN, "notserver_2.log")
    assert bind_error(tmp_path, 8000) is None


@pytest.mark.parametrize("raw", [b"", b"\0" * 100, b"\xff\xfe\x00", b"[Errno 98]" * 10_000, b"\xfe\xff"])
def test_a_server_log_of_any_bytes_is_read(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "server_1.log").write_bytes(raw)
    found = bind_error(tmp_path, 8000)
    assert found is None or len(found.places[0].text) <= 400
    assert bind_error(tmp_path / "absent", 8000) is None


# --- patience


def test_looks_go_on_until_all_is_well_and_each_is_given_the_one_before(settings: Settings) -> None:
    clock = VirtualClock(CLOCK.now_ms())
    first = look(settings, CLOCK)
    given: list[Host | None] = []

    def glance(former: Host | None) -> Host:
        given.append(former)
        well = len(given) == 3
        return first._replace(now_ms=clock.now_ms(), disk=None if well else first.disk)

    seen = list(attempts(glance, clock, 180, strict=False))
    assert [bool(attempt.waits_for) for attempt in seen] == [True, True, False]
    assert [attempt.elapsed_seconds for attempt in seen] == [0, LOOK_SECONDS, 2 * LOOK_SECONDS]
    assert [former is not None for former in given] == [False, True, True]


def test_a_wait_that_is_in_vain_is_one_look_that_says_why(settings: Settings) -> None:
    first = look(settings, CLOCK)._replace(disk=DiskFound(0))
    (only,) = attempts(lambda _: first, VirtualClock(CLOCK.now_ms()), 180, strict=False)
    assert "disk-space" in only.in_vain
    (unasked,) = attempts(lambda _: first, VirtualClock(CLOCK.now_ms()), 0, strict=False)
    assert unasked.in_vain == ""


def test_the_last_look_is_when_the_time_is_over(settings: Settings) -> None:
    clock = VirtualClock(CLOCK.now_ms())
    first = look(settings, CLOCK)
    seen = list(attempts(lambda _: first._replace(now_ms=clock.now_ms()), clock, MINUTE_MS / 1000 + 1, strict=False))
    assert seen[-1].elapsed_seconds == pytest.approx(61)
    assert len(seen) == 32
    assert seen[-1].report.exit_code == 1
    assert len(list(attempts(lambda _: first, clock, 0, strict=False))) == 1
