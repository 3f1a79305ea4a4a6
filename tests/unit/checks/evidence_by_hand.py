"""Small evidence made by hand: three hours of a dry-run in which all is well, and what a test changes of it."""

from pathlib import Path
from typing import Any

from genesis_ops.checks.evidence import Evidence, Explanation, Gap, LogEvidence, StateEvidence
from genesis_ops.runlog.events import (
    CandleClose,
    CandleSelection,
    ChampionVerified,
    EvaluateError,
    Evaluation,
    Event,
    RunnerStarted,
)
from genesis_ops.runlog.files import LogFile
from genesis_ops.runlog.reader import LogLine, Notes
from genesis_ops.runlog.runs import NOTHING, Close, Run
from genesis_ops.runlog.tally import Fate, Hour, Tally
from genesis_ops.state.model import State
from genesis_ops.words import HOUR_MS, MINUTE_MS, Mode, Timeframe, stamp

START = 1_772_352_000_000
"""2026-03-01 08:00:00."""
END = START + 3 * HOUR_MS
FIRST, SECOND, THIRD = START - HOUR_MS, START, START + HOUR_MS
"""The open times of the three candles that close in the window: at 08:00, 09:00 and 10:00."""
FILE = LogFile(Path("logs/runner_20260301.log"), "20260301")
STATE_FILE = "runner_state.json"


def line(at_ms: int, said: Event | str, level: str = "") -> LogLine:
    message = said if isinstance(said, str) else said.message()
    level = level or ("INFO" if isinstance(said, str) else said.level)
    return LogLine(FILE, f"{stamp(at_ms)} - paper_trading_runner - {level} - {message}", 0, None, at_ms)


def look(ts: int, at_ms: int, **changes: Any) -> LogLine:
    content = {"source": "previous", "ts": ts, "now_ms": at_ms, "latest_ts": ts + HOUR_MS}
    return line(at_ms, CandleSelection(**{**content, "latest_close_ms": ts + 2 * HOUR_MS, **changes}))


def close(
    ts: int, *, late_ms: int = 20_000, source: str | None = "previous", evaluated: int = 1, **other: Any
) -> Close:
    at_ms = ts + HOUR_MS + late_ms
    answers = tuple(line(at_ms + 1000, Evaluation("NONE", "None", 0.5)) for _ in range(evaluated))
    made = Close(line(at_ms, CandleClose(ts, 7.0, source)), CandleClose(ts, 7.0, source), None, answers, None, None)
    return made._replace(**{"audit": look(ts, at_ms), **other})


def failed(ts: int, cause: str = "timed out") -> LogLine:
    return line(ts + HOUR_MS + 30_000, EvaluateError(cause))


def run(*closes: Close, **changes: Any) -> Run:
    begun_ms = START - HOUR_MS
    plain = NOTHING._replace(
        started=line(begun_ms, RunnerStarted()),
        mode=Mode.DRY_RUN,
        interval=10,
        verified=line(begun_ms + 2000, ChampionVerified()),
        closes=closes,
        beats=tuple(range(START, END, 2 * MINUTE_MS)),
    )
    return plain._replace(**changes)


def well() -> Run:
    return run(close(FIRST), close(SECOND), close(THIRD))


def log(*runs: Run, fates: str = "PPP", **changes: Any) -> LogEvidence:
    """Give the log's evidence; ``fates`` are the window's candles: processed, late, missing, uncovered."""
    named = {"P": Fate.PROCESSED, "L": Fate.LATE, "M": Fate.MISSING, "U": Fate.UNCOVERED}
    hours = tuple(Hour(FIRST + n * HOUR_MS, START + n * HOUR_MS, named[fate]) for n, fate in enumerate(fates))
    found = sum(fate in "PL" for fate in fates)
    plain = LogEvidence(
        timeframe=Timeframe.H1,
        start_ms=START,
        end_ms=END,
        runs=runs or (well(),),
        earlier=(),
        texts=(),
        tally=Tally(START, END, found, found, 0, 0, 0, 0, 0, 0, 0, 0, 0, hours),
        gaps=(),
        silences=(),
        first_ms=START,
        last_ms=END,
        newest=CandleClose(THIRD, 7.0, "previous"),
        ahead_ms=(),
        notes=Notes(),
        troubles=(),
        nothing="",
    )
    return plain._replace(**changes)


def state(last: int | None = THIRD, orders: int = 0) -> StateEvidence:
    return StateEvidence(STATE_FILE, State(last_processed_candle_ts=last, total_orders_submitted=orders), "")


def evidence(*runs: Run, state: StateEvidence | None = None, resumed_ms: int | None = None, **changes: Any) -> Evidence:
    kept = StateEvidence(STATE_FILE, State(last_processed_candle_ts=THIRD), "") if state is None else state
    return Evidence(log(*runs, **changes), kept, resumed_ms)


def gap(*missing: int, cause: str = "runner down", proof: tuple[LogLine, ...] = ()) -> Gap:
    return Gap(
        missing, Explanation(cause, proof), (close(missing[0] - HOUR_MS).line, close(missing[-1] + HOUR_MS).line)
    )
