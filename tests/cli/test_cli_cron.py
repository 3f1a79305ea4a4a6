"""The cron file and the timers that come with the project, as cron and systemd would take them."""

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_process import environment

import genesis_ops
from genesis_ops.host.units import names
from genesis_ops.rehearsal.world import build
from genesis_ops.runlog import events
from genesis_ops.runlog.events import Event
from genesis_ops.settings import Settings
from genesis_ops.words import DAY_MS, HOUR_MS, day, iso, stamp

CONFIG = Path(__file__).parents[2] / "config"
CRON = CONFIG / "cron" / "genesis-ops"
UNITS = [CONFIG / "systemd" / name for name in names()]
JOBS = ("genesis-stop-check", "genesis-snapshot", "genesis-daily-summary", "genesis-daily-summary-yesterday")
PROGRAM = "/opt/genesis/genesis-ops/bin/genesis-ops"
JOB = re.compile(r"(?:[\d*/]+ +){5}(?P<user>\w+) +(?P<command>.*)")


def variables() -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", CRON.read_text(), re.MULTILINE))


def commands() -> list[str]:
    jobs = [JOB.fullmatch(line) for line in CRON.read_text().splitlines() if re.match(r"[\d*]", line)]
    assert None not in jobs
    return [command.strip() for job in jobs if job is not None for command in job["command"].split(";")]


def polls(settings: Settings, begin: int, now: int) -> Iterator[tuple[int, Event]]:
    """Make two days of a dry-run without an incident, up to now."""
    yield begin, events.RunnerStarted()
    yield begin, events.Market(settings.symbol, str(settings.timeframe))
    yield begin, events.PollInterval(60)
    yield begin, events.RunMode("DRY-RUN (no orders)")
    yield begin, events.ChampionVerified()
    announced = begin - begin % HOUR_MS - HOUR_MS
    for at_ms in range(begin, now, 60_000):
        closed = at_ms - at_ms % HOUR_MS - HOUR_MS
        look = events.CandleSelection("previous", closed, at_ms, closed + HOUR_MS, closed + 2 * HOUR_MS)
        yield at_ms, look
        if closed > announced:
            announced = closed
            yield at_ms, events.CandleClose(closed, 71_615.8, "previous")
            yield at_ms, events.Evaluation("NONE", "None", 0.353)
        yield at_ms, events.Heartbeat(1, 0, str(announced), "0s", "12s", "2s")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a root whose phase began the day before yesterday, with a runner that wrote until a moment ago."""
    root = tmp_path_factory.mktemp("cron") / "root"
    settings = build(root)
    now = time.time_ns() // 1_000_000
    began = datetime.fromtimestamp(now / 1000, UTC).date() - timedelta(days=2)
    with (root / "config" / "genesis-ops.toml").open("a") as file:
        file.write(f"phase_start = {str(began)!r}\nphase_end = {str(began + timedelta(days=41))!r}\n")
        file.write('api_url = "http://127.0.0.1:9"\nexchange_url = "http://127.0.0.1:9"\n')
    settings.log_dir.mkdir(parents=True)
    begin = now - now % DAY_MS - 2 * DAY_MS + 5000
    newest = 0
    for at_ms, event in polls(settings, begin, now):
        newest = event.ts if isinstance(event, events.CandleClose) else newest
        with (settings.log_dir / f"runner_{day(at_ms)}.log").open("a") as log:
            log.write(f"{stamp(at_ms)} - paper_trading_runner - {event.level} - {event.message()}\n")
    state = f'{{"last_processed_candle_ts": {newest}, "total_evaluations": 1, "total_orders_submitted": 0, '
    settings.state_file.write_text(f'{state}"last_heartbeat": "{iso(now)}"}}')
    return root


def run(command: str, root: Path, program: Path) -> "subprocess.CompletedProcess[str]":
    """Run a line as cron does: nothing in the environment but what its file says, and /bin/sh."""
    said = variables() | {"GENESIS_ROOT": str(root), "GENESIS_OPS": str(program)}
    needed = {"GENESIS_LOCK_DIR": environment()["GENESIS_LOCK_DIR"], "HOME": "/", "LOGNAME": "genesis"}
    return subprocess.run(
        ("/bin/sh", "-c", command), env=said | needed, cwd="/", capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "genesis-ops"
    package = shlex.quote(str(Path(genesis_ops.__file__).parents[1]))
    path.write_text(f'#!/bin/sh\nPYTHONPATH={package} exec {shlex.quote(sys.executable)} -m genesis_ops "$@"\n')
    path.chmod(0o755)
    return path


def test_cron_runs_stop_check_snapshot_and_both_summaries() -> None:
    words = [command.replace('"$GENESIS_OPS" ', "") for command in commands()]
    assert words == [
        *("stop-check --quiet", "snapshot --quiet"),
        *("daily-summary --date yesterday --quiet", "daily-summary --quiet"),
    ]
    assert "%" not in "".join(commands())


@pytest.mark.parametrize("command", commands()[:3])
def test_nothing_is_printed_while_all_is_well(root: Path, program: Path, command: str) -> None:
    done = run(command, root, program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_finding_is_printed_without_colour_and_without_a_sign_beyond_ascii(root: Path, program: Path) -> None:
    done = run(commands()[3], root, program)  # today's preflight finds neither API nor runner
    assert done.returncode == 1
    assert "preflight" in done.stdout
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout + done.stderr


def test_every_timer_has_its_service_and_says_its_zone() -> None:
    timers = [path for path in UNITS if path.suffix == ".timer"]
    assert {path.stem for path in timers} == {*JOBS, "genesis-metrics"}
    assert all(path.with_suffix(".service") in UNITS for path in timers)
    assert all(re.search(r"^OnCalendar=(\*:0/1|\*:0/10|.* UTC)$", path.read_text(), re.MULTILINE) for path in timers)


def test_the_timers_run_what_cron_runs() -> None:
    calls = "".join((CONFIG / "systemd" / f"{name}.service").read_text() for name in JOBS)
    ran = re.findall(rf"^ExecStart={PROGRAM} --root /opt/genesis/Genesis-Core (.*)$", calls, re.MULTILINE)
    assert set(ran) == {command.replace('"$GENESIS_OPS" ', "") for command in commands()}
