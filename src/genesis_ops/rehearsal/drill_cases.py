"""Every alarm and what makes it go off, as data: at least one known-bad case for each check and each gate.

An alarm without a case fails the drill, and a test as well.
"""

from typing import NamedTuple

from genesis_ops.checks.model import Outcome
from genesis_ops.rehearsal import drill_spoil as spoilt
from genesis_ops.rehearsal.drill_root import KEYS
from genesis_ops.rehearsal.drill_spoil import Spoil
from genesis_ops.runlog import events
from genesis_ops.sandbox.wire import CONFIG, WHITELIST

GATE = "live-paper"
"""The command whose alarms are refusals."""
ANYTHING = ("*",)
"""Stands for other alarms that go off too, where what is wrong has no end of consequences."""


class Case(NamedTuple):
    """What is wrong in a root, which alarm of which command has to go off, and how."""

    command: str
    alarm: str
    wrong: str
    spoil: Spoil
    red: Outcome = Outcome.FAIL
    also: tuple[str, ...] = ()
    """The other alarms of the command that go off with it, and no more than these."""
    says: str = ""
    """What the refusal says, where the alarm is a gate."""


def _gate(alarm: str, wrong: str, spoil: Spoil, says: str) -> Case:
    return Case(GATE, alarm, wrong, spoil, says=says)


_SENT = events.OrderSubmitted('{"ok": true}')
_FATAL = events.Fatal("planted by the drill")
_FALLBACK = events.BaselineFallback()
_TWICE = ("candle-frequency", "candle-audit")  # one close too many, and no look of its own before it
_BOM = b"\xef\xbb\xbf"
_CLOSE = "NEW CANDLE CLOSE"
_LOOK = "Candle selection: source=latest"
_HASHLESS: dict[str, object] = {"cfg": {}, "hash": None, "version": 1}
_NO_PAIRS: dict[str, object] = {"symbols": []}
_THREE = {"records": 3, "sum": "of the drill"}

CASES: tuple[Case, ...] = (
    Case("preflight", "api-health", "the API says HTTP 503", spoilt.fault("health-error")),
    Case("preflight", "api-health", "the API ends the connection", spoilt.fault("api-down")),
    Case("preflight", "runner-log", "the log ends an hour ago", spoilt.silent),
    Case("preflight", "champion-verified", "the run never verified it", spoilt.without("Champion verified")),
    Case("preflight", "state-heartbeat", "its heartbeat is two hours old", spoilt.state_old),
    Case("preflight", "no-fatal", "the run wrote FATAL", spoilt.said(_FATAL)),
    Case("preflight", "no-fatal", "an order is in doubt", spoilt.in_doubt),
    Case("preflight", "champion-file", "it is not the frozen one", spoilt.champion_changed),
    Case("preflight", "champion-file", "it is not there", spoilt.champion_gone),
    Case("preflight", "log-directory", "it is not there", spoilt.no_log_directory, also=ANYTHING),
    Case("preflight", "env-file", "it begins with a BOM", spoilt.env(_BOM + KEYS)),
    Case("preflight", "env-file", "a key is missing", spoilt.env(b"BITFINEX_API_KEY=x\n")),
    Case("preflight", "runner-process", "no process writes the log", spoilt.no_runner),
    Case("preflight", "clock", "the exchange is 90 s ahead", spoilt.fault("clock-ahead")),
    Case("preflight", "disk-space", "one megabyte is free", spoilt.full),
    Case("preflight", "stop-latch", "the latch is set", spoilt.latched),
    Case("acceptance", "candle-uniqueness", "a close stands there twice", spoilt.twice(_CLOSE), also=_TWICE),
    Case("acceptance", "candle-frequency", "two closes are missing", spoilt.two_closes_lost),
    Case("acceptance", "candle-source", "a close names another source", spoilt.reworded("source=latest", "source=x")),
    Case("acceptance", "candle-audit", "a close follows from no look", spoilt.without_last(_LOOK)),
    Case("acceptance", "no-orders", "an order was sent", spoilt.said(_SENT)),
    Case("acceptance", "evaluation-count", "an evaluation is missing", spoilt.without_last("EVALUATION: ")),
    Case("acceptance", "state-consistency", "the state is a candle behind", spoilt.state_behind),
    Case("acceptance", "state-orders", "the state counts an order", spoilt.state(total_orders_submitted=1)),
    Case("acceptance", "champion-loaded", "the run never verified it", spoilt.without("Champion verified")),
    Case("acceptance", "champion-loaded", "the fallback decided", spoilt.said(_FALLBACK), also=("no-fatal",)),
    Case("acceptance", "no-fatal", "the run wrote FATAL", spoilt.said(_FATAL)),
    Case("acceptance", "heartbeat", "no heartbeat all day", spoilt.without("Heartbeat"), Outcome.WARN),
    Case("stop-check", "duplicate-candle", "a close stands there twice", spoilt.twice(_CLOSE)),
    Case("stop-check", "dry-run-order", "a dry-run sent an order", spoilt.said(_SENT)),
    Case("stop-check", "baseline-fallback", "the fallback decided", spoilt.said(_FALLBACK), also=("fatal-error",)),
    Case("stop-check", "candle-gap", "two closes are missing", spoilt.two_closes_lost),
    Case("stop-check", "state-corrupt", "half of the state is left", spoilt.state_cut),
    Case("stop-check", "fatal-error", "the run wrote FATAL", spoilt.said(_FATAL)),
    Case("stop-check", "fatal-error", "an order is in doubt", spoilt.in_doubt),
    _gate("stop-latch", "the latch is set", spoilt.latched, "the stop latch is set"),
    _gate("champion", "it is not there", spoilt.champion_gone, "there is no champion"),
    _gate("champion", "it cannot be read", spoilt.champion_a_folder, "cannot be read"),
    _gate("champion", "it is not JSON", spoilt.champion(b"{"), "is not JSON"),
    _gate("champion", "it has no merged_config", spoilt.champion(b"{}"), "holds no merged_config"),
    _gate("champion-frozen", "it is not the frozen one", spoilt.champion_changed, "the champion is frozen"),
    _gate("champion-decides", "the fallback would decide", spoilt.fault("fallback"), "and not a champion"),
    _gate("state", "half of it is left", spoilt.state_cut, "is not JSON"),
    _gate("state", "it is gone", spoilt.state_gone, "is missing, but there are logs"),
    _gate("state-market", "it is another market's", spoilt.state(market="tETHUSD 1h"), "belongs to another market"),
    _gate("env-file", "it is a directory", spoilt.env_a_folder, "is a directory"),
    _gate("configuration", "the API does not tell it", spoilt.fault("config-error"), "does not tell its configuration"),
    _gate("configuration", "it has no hash", spoilt.answers(CONFIG, _HASHLESS), "has no hash"),
    _gate("whitelist", "the API does not tell it", spoilt.answers(WHITELIST, {}, 500), "which pairs may be traded"),
    _gate("whitelist", "the pair is not on it", spoilt.answers(WHITELIST, _NO_PAIRS), "not on the API's whitelist"),
    _gate("receipt", "there is none", spoilt.receipt_gone, "there is no acceptance receipt"),
    _gate("receipt", "half of it is left", spoilt.receipt_cut, "is not an acceptance receipt"),
    _gate("receipt-verdict", "it says FAIL", spoilt.receipt(verdict="FAIL"), "the acceptance said FAIL"),
    _gate("receipt-checks", "a check failed", spoilt.receipt(checks={"no-fatal": "FAIL"}), "contradicts itself"),
    _gate("receipt-written", "before its end", spoilt.receipt_moved(written=-1), "written before its window ended"),
    _gate("receipt-market", "another market's", spoilt.receipt(market="tETHUSD 1h"), "was of tETHUSD 1h"),
    _gate("receipt-age", "25 hours old", spoilt.receipt_moved(window=-25), "24h is the most"),
    _gate("receipt-future", "an hour ahead", spoilt.receipt_moved(window=1, written=1), "lies in the future"),
    _gate("receipt-covered", "an hour of the 24", spoilt.receipt_short, "covers 1h 0m of the 24h"),
    _gate("receipt-champion", "another champion's", spoilt.receipt_of_another_champion, "accepted was 000000000000"),
    _gate(
        "receipt-configuration", "it names none", spoilt.receipt(runtime_config_hash=None),
        "does not tell the runtime configuration",
    ),
    _gate(
        "receipt-configuration", "it names another", spoilt.receipt(runtime_config_hash="0" * 64),
        "the runtime configuration is",
    ),
    _gate("journal", "a record was changed", spoilt.journal_changed, "runner_orders_"),
    _gate("journal", "the state knows of more", spoilt.state(journal=_THREE), "the state knows of 3 records"),
    _gate("journal", "the log knows of more", spoilt.said(events.OrderSubmitting("LONG")), "log tells of 1 order"),
    _gate("journal-market", "it is another market's", spoilt.journal_of_another_market, "is another market's"),
    _gate("orders-resolved", "an order is in doubt", spoilt.in_doubt, "is unknown and unresolved"),
)  # fmt: skip
