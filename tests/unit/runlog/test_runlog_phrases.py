"""Every message to the letter: operators grep for them, and a round trip alone would follow a change of both sides."""

import pytest

from genesis_ops.runlog import events
from genesis_ops.runlog.events import Event, event_types, grep_phrases, read_message

TS = 1_770_206_400_000
SAID: list[tuple[str, str, Event]] = [
    ("INFO", "=" * 80, events.Rule()),
    ("INFO", "Paper Trading Runner Started", events.RunnerStarted()),
    ("INFO", "Version: genesis-ops 0.2.1", events.Version("0.2.1")),
    ("INFO", "Symbol: tBTCUSD, Timeframe: 1h", events.Market("tBTCUSD", "1h")),
    ("INFO", "Poll interval: 10s", events.PollInterval(10)),
    (
        "WARNING",
        "Polls are stretched to one in 60s: ten requests a minute to the exchange",
        events.PollsStretched(60),
    ),
    ("INFO", "Mode: DRY-RUN (no orders)", events.RunMode("DRY-RUN (no orders)")),
    ("INFO", "Mode: LIVE PAPER TRADING", events.RunMode("LIVE PAPER TRADING")),
    ("INFO", "State file: logs/a b.json", events.StateFile("logs/a b.json")),
    ("INFO", "State file not found: a.json. Starting fresh.", events.StateNotFound("a.json")),
    (
        "WARNING",
        f"State rebuilt from the log: last_candle_ts={TS}, evaluations=12",
        events.StateRebuilt(str(TS), 12),
    ),
    ("WARNING", "State rebuilt from the log: last_candle_ts=None, evaluations=0", events.StateRebuilt("None", 0)),
    (
        "WARNING",
        f"State recovered from the log: candle {TS} was announced before the last stop",
        events.StateRecovered(TS, "announced"),
    ),
    (
        "WARNING",
        f"State recovered from the log: candle {TS} was evaluated before the last stop",
        events.StateRecovered(TS, "evaluated"),
    ),
    ("DEBUG", "State saved: a.json", events.StateSaved("a.json")),
    ("INFO", 'RUNNER_CONTRACT: {"a": 1}', events.RunnerContract('{"a": 1}')),
    ("INFO", "RUNNER_WATCHDOG: 60s", events.RunnerWatchdog("60s")),
    ("INFO", "Verifying champion loading...", events.ChampionVerifying()),
    ("INFO", "Champion verified successfully.", events.ChampionVerified()),
    ("ERROR", "Champion NOT loaded! Source: baseline:1h", events.ChampionNotLoaded("baseline:1h")),
    ("CRITICAL", "Baseline fallback detected. ABORTING.", events.BaselineFallback()),
    (
        "DEBUG",
        f"Candle selection: source=previous, ts={TS}, now_ms=12, latest_ts=34, latest_close_ms=56",
        events.CandleSelection("previous", TS, 12, 34, 56),
    ),
    (
        "DEBUG",
        f"Candle selection: source=latest, ts={TS}, now_ms=12, latest_ts=34, latest_close_ms=56",
        events.CandleSelection("latest", TS, 12, 34, 56),
    ),
    ("DEBUG", f"Candle {TS} already processed. Skipping.", events.AlreadyProcessed(TS)),
    (
        "INFO",
        f"NEW CANDLE CLOSE: ts={TS}, close=71615.80, source=previous",
        events.CandleClose(TS, 71615.8, "previous"),
    ),
    ("WARNING", f"MISSED CANDLE: ts={TS}, cause=runner down", events.CandleMissed(TS, "runner down")),
    (
        "WARNING",
        f"Candle {TS} was revised by the exchange: close 71615.80 is now 71616.25",
        events.CandleRevised(TS, 71615.8, 71616.25),
    ),
    ("WARNING", f"Window for candle {TS} has 98 of 120 bars", events.ShortWindow(TS, 98, 120)),
    ("INFO", "EVALUATION: action=LONG, signal=None, confidence=0.353", events.Evaluation("LONG", "None", 0.353)),
    ("INFO", "EVALUATION: action=NONE, signal=-12.5, confidence=0.353", events.Evaluation("NONE", "-12.5", 0.353)),
    ("INFO", 'DECISION_CONTEXT: {"a": 1}', events.DecisionContext('{"a": 1}')),
    ("INFO", "Action=NONE. No order.", events.NoOrder()),
    ("INFO", "DRY-RUN: Would submit LONG order (skipped)", events.OrderSkipped("LONG")),
    ("INFO", "Submitting SHORT order...", events.OrderSubmitting("SHORT")),
    ("INFO", "ORDER SUBMITTED: {'id': 1}", events.OrderSubmitted("{'id': 1}")),
    (
        "WARNING",
        "ORDER REJECTED: 20260301-0700: connection refused. No order was made.",
        events.OrderRejected("20260301-0700", "connection refused"),
    ),
    (
        "ERROR",
        "ORDER UNKNOWN: 20260301-0700: no reply within 90s. It may have been made; it is never sent again.",
        events.OrderUnknown("20260301-0700", "no reply within 90s"),
    ),
    ("WARNING", "ORDER BLOCKED: 20260301-0800: disk full", events.OrderBlocked("20260301-0800", "disk full")),
    ("WARNING", "ORDER EXPIRED: 20260301-0800: too late", events.OrderExpired("20260301-0800", "too late")),
    ("WARNING", "ORDER RESOLVED: 20260301-0700: filled", events.OrderResolved("20260301-0700", "filled")),
    (
        "WARNING",
        "ORDER IN DOUBT: 20260301-0700: reset. Orders are blocked until the wallets or an operator resolve it.",
        events.OrderOpen("20260301-0700", "reset"),
    ),
    ("INFO", "WALLET CHANGE: 20260301-0700: +0.01 TESTBTC", events.WalletChange("20260301-0700", "+0.01 TESTBTC")),
    ("WARNING", "WALLET DOUBT: 20260301-0700: not moved", events.WalletDoubt("20260301-0700", "not moved")),
    (
        "WARNING",
        "Journal of orders ends with half a record: x.log, byte 8. What it would have announced was not sent.",
        events.JournalTorn("x.log, byte 8"),
    ),
    (
        "WARNING",
        "Mode switched in the same state: dry-run -> live-paper",
        events.ModeSwitched("dry-run", "live-paper"),
    ),
    ("INFO", "Live-paper gate passed: acceptance", events.GatePassed("acceptance")),
    (
        "WARNING",
        "LIVE-PAPER GATE OVERRIDDEN: because (the gate said: no receipt)",
        events.GateOverridden("because", "no receipt"),
    ),
    ("INFO", "WATCH: 07:00 NONE", events.CandleWatched("07:00 NONE")),
    ("ERROR", "ORDER_SUBMIT_UNCERTAIN timed out", events.OrderUncertain("timed out")),
    ("WARNING", "QUARANTINE_BLOCK: one order", events.QuarantineBlock("one order")),
    ("INFO", "QUARANTINE_CLEARED: by hand", events.QuarantineCleared("by hand")),
    (
        "INFO",
        f"Heartbeat: evaluations=12, orders=34, last_candle_ts={TS}, feed_age=12s, evaluation_age=never, state_age=56s",
        events.Heartbeat(12, 34, str(TS), "12s", "never", "56s"),
    ),
    (
        "INFO",
        "Heartbeat: evaluations=1, orders=3, last_candle_ts=None, feed_age=never, evaluation_age=12s, state_age=never",
        events.Heartbeat(1, 3, "None", "never", "12s", "never"),
    ),
    (
        "WARNING",
        "FEED DEAD: no good candle reply for 1h 20m: timed out",
        events.FeedDead("1h 20m", "timed out"),
    ),
    ("WARNING", "FEED DEAD: no good candle reply for 41s: x: y", events.FeedDead("41s", "x: y")),
    ("ERROR", "HTTP error fetching candles: timed out", events.FetchError("timed out")),
    ("WARNING", "Failed to fetch candle. Retrying...", events.FetchRetry()),
    ("WARNING", "Exchange refused: silent for 60s", events.FeedSilence(60)),
    ("ERROR", "HTTP error evaluating strategy: refused", events.EvaluateError("refused")),
    (
        "WARNING",
        f"Evaluation failed for candle {TS}. Retrying until the next close.",
        events.EvaluationFailed(TS),
    ),
    ("ERROR", f"MISSED EVALUATION: ts={TS}, cause=API failing", events.EvaluationMissed(TS, "API failing")),
    ("WARNING", "Clock is off: host minus exchange = -6100 ms", events.ClockOff(-6100)),
    (
        "WARNING",
        "Runner stalled for 61s (suspended, starved or clock stepped)",
        events.Stalled(61),
    ),
    ("CRITICAL", "FATAL: disk full", events.Fatal("disk full")),
    ("ERROR", "Runner gave up: no server", events.GaveUp("no server")),
    ("INFO", "Received signal 15. Shutting down...", events.SignalReceived(15)),
    ("INFO", "Shutdown signal received (Ctrl+C). Exiting gracefully...", events.Interrupted()),
    ("WARNING", "Stop latch found: duplicate-candle. Shutting down.", events.LatchFound("duplicate-candle")),
    ("INFO", "Processed 24 candles as asked. Stopping.", events.CandlesDone(24)),
    ("INFO", "Runner stopped.", events.RunnerStopped()),
]
OLDER = {
    *(events.StateSaved, events.RunnerContract, events.RunnerWatchdog, events.OrderUncertain, events.QuarantineBlock),
    *(events.QuarantineCleared, events.Interrupted),
}


@pytest.mark.parametrize(("level", "text", "event"), SAID, ids=[text[:40] for _, text, _ in SAID])
def test_a_message_stands_in_the_log_to_the_letter(level: str, text: str, event: Event) -> None:
    assert (event.level, event.message()) == (level, text)
    assert read_message(text) == event
    assert event.older is (type(event) in OLDER)


def test_every_type_is_among_them() -> None:
    assert {type(event) for *_, event in SAID} == set(event_types())
    assert len(event_types()) == len(set(event_types()))


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (f"NEW CANDLE CLOSE: ts={TS}, close=71615.80", events.CandleClose(TS, 71615.8, None)),
        (f"NEW CANDLE CLOSE: ts={TS}, close=-1.5e+3, source=other", events.CandleClose(TS, -1500.0, "other")),
        (f"NEW CANDLE CLOSE: ts={TS}, close=7E2", events.CandleClose(TS, 700.0, None)),
        ("ORDER_SUBMIT_UNCERTAIN", events.OrderUncertain("")),
        ("ORDER_SUBMIT_UNCERTAIN: x", events.OrderUncertain("x")),
        ("Evaluation failed", events.EvaluationFailed(None)),
        ("Evaluation failed, retrying", events.EvaluationFailed(None)),
        ("FATAL", events.Fatal("")),
        ("FATAL:x", events.Fatal("x")),
        ("HTTP error fetching candles: ", events.FetchError("")),
        ("HTTP error evaluating strategy: ", events.EvaluateError("")),
        ("Champion NOT loaded! Source: ", events.ChampionNotLoaded("")),
        ("Clock is off: host minus exchange = 6100 ms", events.ClockOff(6100)),
        ("=" * 10, events.Rule()),
        ("=" * 9, events.Unknown("=" * 9)),
        ("Mode: LIVE", events.Unknown("Mode: LIVE")),
        ("Symbol: a, b, Timeframe: 1h", events.Unknown("Symbol: a, b, Timeframe: 1h")),
        ("Poll interval: ten", events.Unknown("Poll interval: ten")),
        ("Runner stopped!", events.Unknown("Runner stopped!")),
        ("Champion verified successfully!", events.Unknown("Champion verified successfully!")),
        (
            "Heartbeat: evaluations=1, orders=3, last_candle_ts=None, feed_age=12s",
            events.Unknown("Heartbeat: evaluations=1, orders=3, last_candle_ts=None, feed_age=12s"),
        ),
    ],
)
def test_what_others_wrote_in_its_place_is_read_too_and_nothing_else(text: str, event: Event) -> None:
    assert read_message(text) == event


def test_a_cause_may_hold_line_ends() -> None:
    assert read_message("FATAL: one\ntwo") == events.Fatal("one\ntwo")


def test_what_operators_grep_for_is_the_contracts() -> None:
    assert grep_phrases() == (
        *("NEW CANDLE CLOSE", "EVALUATION:", "ORDER SUBMITTED", "Submitting LONG", "Submitting SHORT"),
        *("Candle selection:", "Heartbeat:", "HTTP error", "Error fetching"),
        *("Champion verified", "Baseline fallback detected", "FATAL"),
    )
    assert events.FetchError("FATAL x").message() == "HTTP error fetching candles: \\x46ATAL x"


def test_an_event_is_a_frozen_record() -> None:
    made = events.Market("a", "1h")
    assert made == events.Market(symbol="a", timeframe="1h") == events.Market("a", timeframe="1h")
    assert hash(made) != hash(events.Market("b", "1h"))
    assert made != events.Market("a", "3h")
    assert events.FetchError("x") != events.EvaluateError("x")
    assert repr(made) == "Market(symbol='a', timeframe='1h')"
    assert made.content() == {"symbol": "a", "timeframe": "1h"}
    with pytest.raises(AttributeError, match="Market is frozen"):
        made.symbol = "b"  # type: ignore[misc]
    assert made.symbol == "a"


@pytest.mark.parametrize("values", [(), ("a",), ("a", "1h", "x")])
def test_an_event_takes_all_its_fields_and_no_more(values: tuple[str, ...]) -> None:
    with pytest.raises(TypeError, match=r"Market takes \('symbol', 'timeframe'\)"):
        events.Market(*values)


@pytest.mark.parametrize("named", [{"symbol": "a"}, {"symbol": "a", "other": "b"}])
def test_an_event_takes_its_fields_by_their_names(named: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="Market takes"):
        events.Market(**named)


def test_an_event_takes_no_field_twice() -> None:
    with pytest.raises(TypeError, match="Market takes"):
        events.Market("a", "1h", symbol="a")  # type: ignore[misc]
