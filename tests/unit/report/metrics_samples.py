"""An export in which every figure is known, and one in which none is."""

from pathlib import Path

from genesis_ops.checks.model import Judged, Outcome, Report
from genesis_ops.checks.preflight import CHECKS as PREFLIGHT
from genesis_ops.checks.status import (
    Balances,
    Beat,
    LastClose,
    LastEvaluation,
    Ordered,
    Runner,
    StateSeen,
    Status,
    Wallet,
)
from genesis_ops.checks.stop import CHECKS as STOP
from genesis_ops.clients.health import Answer, Health
from genesis_ops.report.metrics import SOURCES, Counted, Export
from genesis_ops.runlog.tally import Fate, Hour
from genesis_ops.settings import Settings, load
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Mode

NOW = 1_771_598_880_000
"""2026-02-20 14:48:00 UTC."""
CLOSED = NOW - 48 * MINUTE_MS
SETTINGS: Settings = load({"root": Path(__file__).parent}, {}, None).settings


def reports() -> tuple[Report, ...]:
    """Give what stop-check and preflight report where all is well."""
    tables = {"stop-check": STOP, "preflight": PREFLIGHT}
    return tuple(
        Report(
            command=command,
            subject="",
            market="tBTCUSD 1h",
            generated_ms=NOW,
            checks=tuple(
                Judged(number, check.id, check.title, Outcome.PASS, 0, 0, "", (), "")
                for number, check in enumerate(checks, 1)
            ),
        )
        for command, checks in tables.items()
    )


WELL = Status(
    now_ms=NOW,
    settings=SETTINGS,
    shown_dir="logs/paper_trading",
    runner=Runner(Mode.DRY_RUN, NOW - 15 * DAY_MS, 10, 18725, locked=True, newest_ms=NOW - 8000),
    api=Health(Answer.OK, ""),
    wallet=Wallet(
        Balances(NOW, {"TESTBTC": 10.015, "TESTUSD": 998_924.1}, "API"),
        Balances(NOW - 15 * DAY_MS, {"TESTBTC": 10.0, "TESTUSD": 1_000_000.0}, "snapshot"),
        {"TESTBTC": 0.015, "TESTUSD": -1075.9},
    ),
    orders=Ordered(would_be=4),
    latch=None,
    state=StateSeen(NOW - 9000, 3),
    close=LastClose(CLOSED - HOUR_MS, CLOSED, 71_737.2, CLOSED + 4000),
    next_close_ms=CLOSED + HOUR_MS,
    evaluation=LastEvaluation("NONE", 0.52, CLOSED + 5000),
    beat=Beat(NOW - 41_000, 3, 2835),
    start_ms=NOW - 2 * DAY_MS,
    end_ms=NOW,
    hours=(Hour(CLOSED - HOUR_MS, CLOSED, Fate.PROCESSED),),
    findings=(),
    troubles=(),
    nothing="",
)
EXPORT = Export("tBTCUSD 1h", NOW, running=True, status=WELL, reports=reports(), counted=Counted(388, 387))
BLIND = WELL._replace(
    runner=Runner(),
    wallet=Wallet(trouble="nobody listens"),
    state=StateSeen(),
    close=None,
    evaluation=None,
    beat=None,
    hours=(),
    troubles=("the log cannot be read",),
)
NOTHING = Export("tETHUSD 1h", NOW, frozenset(SOURCES))
