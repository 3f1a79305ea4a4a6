"""A host that is well, and its parts, for tests that change one thing at a time."""

from pathlib import Path
from typing import Any

from genesis_ops.checks.host import (
    ChampionFound,
    DirectoryFound,
    DiskFound,
    EnvFound,
    Host,
    LogFound,
    StateFound,
)
from genesis_ops.checks.model import Judged
from genesis_ops.checks.preflight import preflight
from genesis_ops.clients.health import Answer, ExchangeTime, Health, Standing
from genesis_ops.clients.process import Process, Trader
from genesis_ops.runlog.files import LogFile
from genesis_ops.runlog.reader import LogLine
from genesis_ops.runlog.runs import RunWords
from genesis_ops.settings import load
from genesis_ops.state.champion import Fingerprint, Pin
from genesis_ops.words import HOUR_MS, MINUTE_MS, Mode, stamp

NOW_MS = 1_770_217_400_000  # 2026-02-04 15:03:20 UTC, two hours after the start
STARTED_MS = NOW_MS - 2 * HOUR_MS
ROOT = Path(__file__).parent
SHA256 = "20e12faeda55" + "0" * 52
FILE = LogFile(ROOT / "logs/paper_trading/runner_20260204.log", "20260204")
RUNNER = Process(18725, "python -m genesis_ops run", "genesis", STARTED_MS)
OTHER = Process(18800, "python scripts/paper_trading_runner.py", "ops", NOW_MS - MINUTE_MS)
API = Process(48412, "uvicorn core.server:app", "genesis", STARTED_MS - HOUR_MS)
HERE = Trader(RUNNER, runs=True, holds=True, writes=True)


def line(
    at_ms: int, message: str = "Candle 1770206400000 already processed. Skipping.", level: str = "DEBUG"
) -> LogLine:
    return LogLine(FILE, f"{stamp(at_ms)} - paper_trading_runner - {level} - {message}", 6, None, at_ms)


def run_of(started_ms: int = STARTED_MS, **changes: Any) -> RunWords:
    whole = RunWords(
        started=line(started_ms, "Paper Trading Runner Started", "INFO"),
        mode=Mode.DRY_RUN,
        symbol="tBTCUSD",
        timeframe="1h",
        interval=10,
        verified=line(started_ms + 1000, "Champion verified successfully.", "INFO"),
        not_loaded=(),
        fatal=(),
        ended=None,
        last_ms=NOW_MS - 4000,
        zone_minutes=0,
    )
    return whole._replace(**changes)


def log_of(newest_ms: int = NOW_MS - 4000, **changes: Any) -> LogFound:
    whole = LogFound(line(newest_ms), newest_ms, newest_ms, run_of())
    return whole._replace(**changes)


WELL = Host(
    now_ms=NOW_MS,
    settings=load({"root": ROOT}, {}, None).settings,
    health=Health(Answer.OK, "config 105 beb9ba0a282c"),
    listeners=None,
    bind_error=None,
    log=log_of(),
    state=StateFound(present=True, heartbeat="2026-02-04T15:02:40.000Z"),
    champion=ChampionFound(Fingerprint(SHA256, ""), "", Pin("c.json", SHA256, STARTED_MS)),
    directory=DirectoryFound(present=True),
    env=EnvFound(present=True, mode=0o600),
    traders=(HERE,),
    exchange=ExchangeTime(Standing.WORKING, "", -500, 520),
    disk=DiskFound(80_000_000_000, 1_000_000),
    latch=None,
)


def judged(name: str, host: Host) -> Judged:
    return next(check for check in preflight(host).checks if check.id == name)


def outcome(name: str, **changes: Any) -> str:
    return str(judged(name, WELL._replace(**changes)).outcome)


def champion(**changes: Any) -> dict[str, Any]:
    return {"champion": WELL.champion._replace(**changes)}
