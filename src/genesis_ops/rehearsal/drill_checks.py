"""What makes each check of the three commands go off, as data: a known-bad case for each way in which it judges.

A check without a case fails the drill, and a test as well. Limits are tried just beyond them.
"""

from genesis_ops.checks.model import Outcome
from genesis_ops.rehearsal import drill_spoil as spoilt
from genesis_ops.rehearsal import drill_spoil_world as world
from genesis_ops.rehearsal.drill_case import ANYTHING, Case, with_modes, without_rights
from genesis_ops.rehearsal.drill_root import KEYS
from genesis_ops.rehearsal.drill_spoil import both
from genesis_ops.rehearsal.drill_spoil_orders import OTHER_HASH, in_doubt, journal_changed
from genesis_ops.rehearsal.drill_spoil_world import fault
from genesis_ops.runlog import events
from genesis_ops.sandbox.wire import HEALTH
from genesis_ops.words import MINUTE_MS

_WARN, _UNKNOWN = Outcome.WARN, Outcome.UNKNOWN
_SENT = events.OrderSubmitted('{"ok": true}')
_FATAL = events.Fatal("planted by the drill")
_FALLBACK = events.BaselineFallback()
_NOT_LOADED = events.ChampionNotLoaded("baseline:1h")
_CRITICAL = spoilt.line("CRITICAL", "planted by the drill")
_CLOSE, _LOOK, _VERIFIED = "NEW CANDLE CLOSE", "Candle selection: source=latest", "Champion verified"
_DRY, _LIVE = "DRY-RUN (no orders)", "LIVE PAPER TRADING"
_BOM = b"\xef\xbb\xbf# keys\n"
_TWICE = ("candle-frequency", "candle-audit")  # one close too many, and no look of its own before it
_MANY = ("candle-frequency",)  # an hour that was decided twice is none of the expected ones
_AHEAD_MS = 2 * MINUTE_MS
_CLOCK_OFF_MS = 33_000
_MEGABYTE = 1_000_000

_PREFLIGHT = (
    Case("preflight", "api-health", "the API says HTTP 503", fault("health-error"), "is not well"),
    Case("preflight", "api-health", "the API ends the connection", fault("api-down"), "does not answer"),
    Case("preflight", "api-health", "another one answers", world.answers(HEALTH, []), "something else answers"),
    Case("preflight", "runner-log", "it ended over 3m ago", spoilt.silent(3), "silent for"),
    Case(
        "preflight", "runner-log", "it is 2m ahead", spoilt.line("INFO", "planted", ahead_ms=_AHEAD_MS),
        "in the future",
    ),
    Case("preflight", "champion-verified", "no run did", spoilt.without(_VERIFIED), "not verified"),
    Case(
        "preflight", "champion-verified", "the fallback would trade", spoilt.said(_NOT_LOADED), "the fallback would",
    ),
    Case("preflight", "state-heartbeat", "it is 31m old", spoilt.heartbeat(-31), "last heartbeat 31m ago"),
    Case("preflight", "state-heartbeat", "it is 2m ahead", spoilt.heartbeat(2), "in the future"),
    Case("preflight", "state-heartbeat", "the state is cut", spoilt.state_cut, "is not JSON"),
    Case("preflight", "state-heartbeat", "there is no state", spoilt.state_gone, "there is no"),
    Case("preflight", "no-fatal", "the run wrote FATAL", spoilt.said(_FATAL), "planted by the drill"),
    Case("preflight", "no-fatal", "a line is CRITICAL", _CRITICAL, "planted by the drill"),
    Case("preflight", "no-fatal", "an order is in doubt", in_doubt, "no reply"),
    Case("preflight", "no-fatal", "the journal was changed", journal_changed, "journal of orders is damaged"),
    Case("preflight", "champion-file", "it is another", spoilt.champion_changed, "the champion is frozen"),
    Case("preflight", "champion-file", "it is not there", spoilt.champion_gone, "is not there"),
    Case("preflight", "champion-file", "it is none", spoilt.champion(b"{}"), "holds no merged_config"),
    Case("preflight", "champion-file", "its pin is cut", spoilt.pin_cut, "is not the pin"),
    Case(
        "preflight", "champion-file", "another is configured", world.setting(champion_sha256=OTHER_HASH),
        "the setting champion_sha256",
    ),
    Case("preflight", "log-directory", "it is gone", spoilt.no_log_directory, "there is no", also=ANYTHING),
    Case(
        "preflight", "log-directory", "nobody may write", spoilt.log_directory_shut, "cannot be written by this user",
        possible=without_rights,
    ),
    Case("preflight", "env-file", "it begins with a BOM", spoilt.env(_BOM + KEYS), "misread"),
    Case("preflight", "env-file", "a key is missing", spoilt.env(b"BITFINEX_API_KEY=x\n"), "lacks BITFINEX_API_SECRET"),
    Case(
        "preflight", "env-file", "everybody may read it", spoilt.env_open, "open to other users", possible=with_modes,
    ),
    Case("preflight", "env-file", "there is none", spoilt.env_gone, "there is no .env", _WARN),
    Case(
        "preflight", "env-file", "none, and no API", both(spoilt.env_gone, fault("api-down")), "no exchange keys",
        also=("api-health",),
    ),
    Case("preflight", "env-file", "it is a directory", spoilt.env_a_folder, "directory"),
    Case("preflight", "runner-process", "none writes the log", world.world(runners=0), "no runner process"),
    Case("preflight", "runner-process", "two write the log", world.world(runners=2), "2 processes trade"),
    Case("preflight", "runner-process", "one is hidden", world.world(hidden=True), "cannot see its files", _UNKNOWN),
    Case("preflight", "clock", "33 s behind", world.world(ahead_ms=_CLOCK_OFF_MS), "behind the exchange"),
    Case("preflight", "clock", "33 s ahead", world.world(ahead_ms=-_CLOCK_OFF_MS), "ahead of the exchange"),
    Case("preflight", "clock", "nobody tells the time", world.world(ahead_ms=None), "did not tell", _UNKNOWN),
    Case("preflight", "clock", "maintenance", fault("maintenance"), "the exchange itself", _WARN),
    Case("preflight", "disk-space", "99 MB are free", world.world(free_bytes=99 * _MEGABYTE), "99 MB free"),
    Case("preflight", "disk-space", "nobody can tell", world.world(free_bytes=None), "does not tell", _UNKNOWN),
    Case("preflight", "stop-latch", "it is set", spoilt.latched, "set by the drill"),
    Case("preflight", "stop-latch", "it is empty", spoilt.latch_damaged, "the latch is damaged"),
)  # fmt: skip

_ACCEPTANCE = (
    Case("acceptance", "candle-uniqueness", "one twice", spoilt.twice(_CLOSE), "announced again", also=_TWICE),
    Case(
        "acceptance", "candle-uniqueness", "one of a month ago", spoilt.close_moved(hours=-720), "after a later one",
        also=ANYTHING,
    ),
    Case("acceptance", "candle-frequency", "two are missing", spoilt.closes_lost(4, 5), "missing"),
    Case("acceptance", "candle-frequency", "one is missing", spoilt.closes_lost(4), "missing", _WARN),
    Case(
        "acceptance", "candle-frequency", "three hours not logged", spoilt.begun_late(3), "covered", _UNKNOWN,
        also=ANYTHING,
    ),
    Case(
        "acceptance", "candle-source", "another source", spoilt.reworded("source=latest", "source=x"),
        "without a source",
    ),
    Case("acceptance", "candle-audit", "no look at all", spoilt.without("Candle selection"), "no 'Candle selection'"),
    Case("acceptance", "candle-audit", "no look of its own", spoilt.without_last(_LOOK), "the look before it chose"),
    Case(
        "acceptance", "candle-audit", "it had not closed", spoilt.reworded("now_ms=17", "now_ms=16", where=_LOOK),
        "announced before it had closed",
    ),
    Case("acceptance", "no-orders", "one was sent", spoilt.said(_SENT), "of an order being sent"),
    Case("acceptance", "no-orders", "the run was live", spoilt.reworded(_DRY, _LIVE, every=True), "1 live-paper run"),
    Case("acceptance", "no-orders", "its mode is not told", spoilt.without(_DRY), "in which mode", _UNKNOWN),
    Case("acceptance", "evaluation-count", "one is missing", spoilt.without_last("EVALUATION: "), "not evaluated"),
    Case("acceptance", "evaluation-count", "one twice", spoilt.twice("EVALUATION: "), "more than once", also=_MANY),
    Case("acceptance", "state-consistency", "a candle behind", spoilt.state_moved(-1), "behind the log"),
    Case("acceptance", "state-consistency", "a candle ahead", spoilt.state_moved(1), "ahead of the log"),
    Case("acceptance", "state-consistency", "it is gone", spoilt.state_gone, "there is no", also=("state-orders",)),
    Case("acceptance", "state-consistency", "it is cut", spoilt.state_cut, "is not JSON", also=("state-orders",)),
    Case("acceptance", "state-orders", "it counts one", spoilt.state(total_orders_submitted=1), "counts 1 order"),
    Case("acceptance", "state-orders", "it is cut", spoilt.state_cut, "is not JSON", _UNKNOWN, ("state-consistency",)),
    Case("acceptance", "champion-loaded", "no run verified it", spoilt.without(_VERIFIED), "traded without"),
    Case(
        "acceptance", "champion-loaded", "the fallback decided", spoilt.said(_FALLBACK), "the fallback was met",
        also=("no-fatal",),
    ),
    Case("acceptance", "no-fatal", "the run wrote FATAL", spoilt.said(_FATAL), "planted by the drill"),
    Case("acceptance", "no-fatal", "a line is CRITICAL", _CRITICAL, "planted by the drill"),
    Case("acceptance", "heartbeat", "none all day", spoilt.without("Heartbeat"), "no heartbeat", _WARN),
    Case("acceptance", "heartbeat", "none at the end", spoilt.without_last("Heartbeat", 4), "longest silence", _WARN),
)  # fmt: skip

_STOP_CHECK = (
    Case("stop-check", "duplicate-candle", "one stands there twice", spoilt.twice(_CLOSE), "announced again"),
    Case("stop-check", "dry-run-order", "a dry-run sent one", spoilt.said(_SENT), "an order in a dry-run"),
    Case(
        "stop-check", "dry-run-order", "a run of no mode sent one", both(spoilt.without(_DRY), spoilt.said(_SENT)),
        "whose start is not in the log", _UNKNOWN,
    ),
    Case(
        "stop-check", "baseline-fallback", "it decided", spoilt.said(_FALLBACK), "1 fallback line",
        also=("fatal-error",),
    ),
    Case("stop-check", "candle-gap", "two closes are missing", spoilt.closes_lost(4, 5), "1 gap"),
    Case("stop-check", "candle-gap", "none since 3 hours", spoilt.closes_lost(0, 1, 2), "1 gap"),
    Case("stop-check", "candle-gap", "the log ended 3 hours ago", spoilt.silent(190), "1 gap"),
    Case("stop-check", "state-corrupt", "half of it is left", spoilt.state_cut, "is not JSON"),
    Case("stop-check", "state-corrupt", "it is gone", spoilt.state_gone, "there is no"),
    Case("stop-check", "fatal-error", "the run wrote FATAL", spoilt.said(_FATAL), "planted by the drill"),
    Case("stop-check", "fatal-error", "a line is CRITICAL", _CRITICAL, "planted by the drill"),
    Case("stop-check", "fatal-error", "an order is in doubt", in_doubt, "no reply"),
    Case("stop-check", "fatal-error", "the journal was changed", journal_changed, "journal of orders is damaged"),
)  # fmt: skip

CASES = (*_PREFLIGHT, *_ACCEPTANCE, *_STOP_CHECK)
