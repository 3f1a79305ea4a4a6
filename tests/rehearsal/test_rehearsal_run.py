"""The runner as a process of its own, against a sandbox and against a server that only knows the contract."""

import re
import time
from datetime import UTC, datetime, timedelta

from rehearsal_processes import COMMAND, Early, Place, Root, hour_ahead, milliseconds, until
from rehearsal_stranger import MINUTE_MS, row_of, stranger

HOUR_MS = 3_600_000
RULE = "=" * 80


def test_a_day_zero_start_shows_the_runbooks_banner_and_takes_the_close_of_the_hour(place: Place) -> None:
    close = hour_ahead(0)
    sandbox = place.sandbox(start=close - timedelta(seconds=3))
    root = place.root(timeframes=["1h"])
    runner = place.run(root, sandbox, "--candles", "2")
    assert runner.ended() == 0

    messages = [message for message in root.messages() if not message.startswith(("Version:", "State file not found"))]
    assert messages[:9] == [
        RULE,
        "Paper Trading Runner Started",
        "Symbol: tBTCUSD, Timeframe: 1h",
        "Poll interval: 10s",
        "Mode: DRY-RUN (no orders)",
        "State file: logs/paper_trading/runner_state.json",
        RULE,
        "Verifying champion loading...",
        "Clock is off: host minus exchange = " + messages[8].rpartition(" = ")[2],
    ]
    assert messages[9].startswith("Candle selection: source=previous, ts=")
    assert messages[10] == "Champion verified successfully."
    assert root.closes() == [milliseconds(close) - 2 * HOUR_MS, milliseconds(close) - HOUR_MS]
    assert len(root.messages("EVALUATION: action=")) == 2
    assert messages[-2:] == ["Processed 2 candles as asked. Stopping.", "Runner stopped."]

    assert not root.messages("ORDER")
    assert sandbox.requests("/paper/submit") == 0
    state = root.state()
    assert state["last_processed_candle_ts"] == milliseconds(close) - HOUR_MS
    assert (state["total_evaluations"], state["total_orders_submitted"]) == (2, 0)
    assert abs(datetime.fromisoformat(state["last_heartbeat"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_what_stands_on_stderr_is_what_stands_in_the_log_without_the_debug_lines(place: Place) -> None:
    root = place.root()
    runner = place.run(root, place.sandbox(start=hour_ahead(1200)), "--candles", "1")
    assert runner.ended() == 0
    assert runner.out == ""
    assert runner.err.splitlines() == [line for line in root.log.splitlines() if " - DEBUG - " not in line]


def test_the_log_is_in_utc_whatever_zone_the_process_has(place: Place) -> None:
    root = place.root()
    before = datetime.now(UTC).replace(microsecond=0)
    runner = place.run(root, place.sandbox(start=hour_ahead(1200)), "--candles", "1", TZ="Pacific/Auckland")
    assert runner.ended() == 0
    after = datetime.now(UTC)
    stamps = [datetime.fromisoformat(f"{line[:19]}+00:00") for line in root.log.splitlines()]
    assert before <= stamps[0] <= stamps[-1] <= after
    names = {path.name for path in root.logs.glob("runner_2*.log")}
    assert names <= {f"runner_{moment:%Y%m%d}.log" for moment in (before, after)}


def test_a_close_is_logged_within_a_second_of_it_whatever_the_hosts_clock_and_whenever_the_start(place: Place) -> None:
    closes = {"behind": hour_ahead(0), "ahead": hour_ahead(0) - timedelta(hours=2)}
    sandboxes = {clock: place.sandbox(start=close - timedelta(seconds=5)) for clock, close in closes.items()}
    closed_at = {clock: sandboxes[clock].close_at(close) for clock, close in closes.items()}
    logs: dict[str, tuple[Root, bytes, float]] = {}
    for number in range(5):  # the exchange tells whole seconds, so the moment of the first look matters
        wait_until(closed_at["behind"] - 4.5 + number / 5)
        for clock, sandbox in sandboxes.items():
            root = place.root(f"{clock} {number}", ["1m"])
            place.run(root, sandbox, "--timeframe", "1m", GENESIS_LOCK_DIR=str(root.path))
            line = f"NEW CANDLE CLOSE: ts={milliseconds(closes[clock]) - MINUTE_MS},"
            logs[root.path.name] = root, line.encode(), closed_at[clock]
    reactions = measured(logs)
    print("reactions in seconds:", reactions)
    assert all(0 <= reaction <= 1.0 for reaction in reactions.values()), reactions


def wait_until(at: float) -> None:
    until(lambda: time.monotonic() >= at)


def measured(logs: dict[str, tuple[Root, bytes, float]]) -> dict[str, float]:
    """How long after the close a line was in each log, read as it grows."""
    seen: dict[str, float] = {}

    def look() -> bool:
        for name, (root, line, at) in logs.items():
            if name not in seen and any(line in file.read_bytes() for file in root.logs.glob("runner_2*.log")):
                seen[name] = round(time.monotonic() - at, 3)
        return len(seen) == len(logs)

    until(look, otherwise=lambda: f"only {seen}")
    return seen


def test_a_candle_that_closed_while_no_runner_was_there_is_named_with_its_cause(place: Place) -> None:
    sandbox = place.sandbox("--speed", "120")
    root = place.root()
    options = ("--timeframe", "1m", "--candles", "1")
    assert place.run(root, sandbox, *options).ended() == 0
    first = root.closes()[0]
    # Some more closes while nobody looks, as the newest may have no row; the sandbox tells its time.
    until(lambda: milliseconds(datetime.fromisoformat(sandbox.ask("/sandbox")["now"])) > first + 8 * MINUTE_MS)
    assert place.run(root, sandbox, *options).ended() == 0
    missed = [int(ts) for ts in re.findall(r"MISSED CANDLE: ts=(\d+)", root.log)]
    assert missed == list(range(first + MINUTE_MS, root.closes()[1], MINUTE_MS))
    assert len(missed) >= 2


def test_a_sandbox_whose_time_runs_fast_can_be_run_against(early: Early) -> None:
    root, runner = early.fast_root, early.fast_runner
    until(lambda: len(root.closes()) >= 3 or root.messages("HTTP error"), seconds=30, otherwise=lambda: runner.err)
    assert not root.messages("HTTP error")
    assert len(root.messages("EVALUATION: action=")) == len(root.closes())


def test_a_server_that_speaks_only_the_contract_gives_a_whole_cycle(place: Place) -> None:
    root = place.root()
    with stranger(seconds_to_a_close=2) as (flags, running, handler):
        assert place.start((*COMMAND, "--root", str(root.path), "run", *flags, "--candles", "2")).ended() == 0
    assert root.closes() == [running - MINUTE_MS, running]
    assert root.messages(f"NEW CANDLE CLOSE: ts={running}, close={row_of(running)[2]:.2f}, source=")
    assert root.messages("EVALUATION") == ["EVALUATION: action=LONG, signal=None, confidence=0.750"] * 2
    assert root.messages("DRY-RUN: ") == ["DRY-RUN: Would submit LONG order (skipped)"] * 2
    assert not root.messages("HTTP error")
    verification, first, second = handler.asked
    assert verification["state"] == first["state"] == {}
    assert second["state"] == {"step": 1}
    assert second["policy"] == {"symbol": "tBTCUSD", "timeframe": "1m"}
    assert second["configs"] == {"thresholds": {"entry": 0.25}}
    expected = [row_of(running - n * MINUTE_MS) for n in reversed(range(120))]
    columns = zip(*expected, strict=True)
    assert second["candles"] == {
        name: list(column)
        for name, column in zip(("ts", "open", "close", "high", "low", "volume"), columns, strict=True)
        if name != "ts"
    }
    assert root.state()["pipeline_state"] == {"step": 2}


def test_a_stranger_whose_strategy_fell_back_ends_the_run(place: Place) -> None:
    root = place.root()
    with stranger(seconds_to_a_close=30) as (flags, _, handler):
        handler.source = "baseline:1m"
        runner = place.start((*COMMAND, "--root", str(root.path), "run", *flags))
        assert runner.ended() == 1
    assert root.messages("Champion NOT loaded! Source: baseline:1m")
    assert root.messages("Baseline fallback detected. ABORTING.")
    assert root.closes() == []
    assert "\ngenesis-ops: " in runner.err
    assert "  next: " in runner.err
