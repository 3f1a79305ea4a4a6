"""Every gate of live-paper by its id, and what makes it shut, as data: a known-bad case for each of its reasons.

A gate refuses a run, ends it, or keeps an order from leaving. One without a case fails the drill, and a test as well;
another test finds a refusal in the runner that no case brings about.
"""

from collections.abc import Mapping
from types import MappingProxyType

from genesis_ops.rehearsal import drill_spoil as spoilt
from genesis_ops.rehearsal import drill_spoil_orders as orders
from genesis_ops.rehearsal import drill_spoil_world as world
from genesis_ops.rehearsal.drill_case import GATE, Case, with_modes
from genesis_ops.rehearsal.drill_root import BEFORE_MS, Spoil
from genesis_ops.rehearsal.drill_spoil import both
from genesis_ops.rehearsal.drill_spoil_world import changed, fault, later, under_way
from genesis_ops.runlog import events
from genesis_ops.sandbox.wire import CONFIG, EVALUATE, STATUS, WHITELIST
from genesis_ops.words import MINUTE_MS

GATES: Mapping[str, str] = MappingProxyType(
    {
        "stop-latch": "No run starts or goes on while the stop latch is set",
        "champion": "No run starts without a champion that can be read",
        "champion-frozen": "No run starts with another champion than the frozen one",
        "champion-verified": "No run goes on whose champion cannot be verified",
        "champion-decides": "A run ends when the fallback decides",
        "env-file": "No run starts where .env is no file",
        "lock-market": "No second run trades the pair on this host",
        "lock-state": "No second run uses the state",
        "lock-log": "No second run writes into the log directory",
        "lock-file": "No lock is taken in a file that is somebody else's",
        "state": "No run starts from a state that is lost or damaged",
        "state-market": "No run starts from another market's state",
        "state-candle": "No run goes on from a candle that cannot be the last one",
        "state-mode": "Nobody enters or leaves live-paper without saying so",
        "configuration": "No run starts without the API's configuration",
        "whitelist": "No run trades a pair that is not on the whitelist",
        "receipt": "No run starts without a receipt that can be read",
        "receipt-verdict": "The acceptance has passed",
        "receipt-checks": "Every check of the acceptance has passed",
        "receipt-written": "The acceptance was written after its window",
        "receipt-market": "The acceptance is this market's",
        "receipt-age": "The acceptance is at most 24 hours old",
        "receipt-future": "The acceptance does not lie in the future",
        "receipt-covered": "The acceptance covers 24 hours",
        "receipt-champion": "The acceptance is this champion's",
        "receipt-configuration": "The acceptance is this configuration's",
        "continuation": "A run goes on without a receipt only under its own rules",
        "journal": "No run starts or goes on where records of orders are lost or changed",
        "journal-market": "No run starts with another market's journal",
        "orders-resolved": "No run starts while an order is in doubt",
        "order-journaled": "No order leaves for a candle before the journal",
        "order-fresh": "No order leaves ten minutes after its candle's close",
        "order-closed": "No order leaves before its candle has closed",
        "order-size": "No order leaves without a size",
        "order-doubt": "No order leaves while another is in doubt",
        "order-latch": "No order leaves while the stop latch is set",
        "order-exchange": "No order leaves while the exchange does not work",
        "order-clock": "No order leaves by a clock that is off or cannot be compared",
        "order-disk": "No order leaves without room for its outcome",
        "order-once": "No order leaves for a candle that was ordered on this host",
        "order-configuration": "No order leaves under another configuration",
        "filled-once": "A run ends when an order was filled several times",
    }
)
"""The gates, and what each of them sees to."""

_HASHLESS: dict[str, object] = {"cfg": {}, "hash": None, "version": 1}
_NO_PAIRS: dict[str, object] = {"symbols": []}
_THREE, _ANOTHER = {"records": 3, "sum": "of the drill"}, {"records": 1, "sum": "of the drill"}
_FOR, _THEN = "the last order here was for another", "remove it 10 minutes after the last order"
_LATCH_FOUND = "the stop latch is set: no runner starts"
_NO_RECEIPT = "there is no acceptance receipt"
_OLDEST = -24 * 60 - 1
_LARGE = b'{"merged_config": {}}' + b" " * (16 << 20)
_FROM_1970 = both(spoilt.without("NEW CANDLE CLOSE"), spoilt.state(last_processed_candle_ts=0))
_SIZE = ("meta", "decision", "size")
_PAST_CLOSE = BEFORE_MS // MINUTE_MS


def _gate(alarm: str, wrong: str, spoil: Spoil, says: str, *also: str) -> Case:
    return Case(GATE, alarm, wrong, spoil, says, also=also)


_STARTS = (
    _gate("stop-latch", "it is set", spoilt.latched, _LATCH_FOUND),
    _gate("stop-latch", "it is empty", spoilt.latch_damaged, _LATCH_FOUND),
    _gate("stop-latch", "set while locks are taken", world.at_locks(spoilt.latched), _LATCH_FOUND),
    _gate("stop-latch", "set under way", under_way(spoilt.latched), _LATCH_FOUND, "the stop latch is set"),
    _gate("champion", "it is not there", spoilt.champion_gone, "there is no champion"),
    _gate("champion", "it cannot be read", spoilt.champion_a_folder, "cannot be read"),
    _gate("champion", "it is not JSON", spoilt.champion(b"{"), "is not JSON"),
    _gate("champion", "it has no merged_config", spoilt.champion(b"{}"), "holds no merged_config"),
    _gate("champion", "it has a list there", spoilt.champion(b'{"merged_config": []}'), "holds no merged_config"),
    _gate("champion-frozen", "it is another", spoilt.champion_changed, "the champion is frozen"),
    _gate("champion-frozen", "it is 16 MiB large", spoilt.champion(_LARGE), "is larger than"),
    _gate("champion-frozen", "its pin is cut", spoilt.pin_cut, "is not the pin of a champion"),
    _gate("champion-frozen", "its pin is none", spoilt.pin(schema="x"), "it holds no genesis-ops.champion"),
    _gate("champion-frozen", "its pin has no hash", spoilt.pin(sha256="x"), "file or sha256 are not"),
    _gate("champion-frozen", "its pin has no time", spoilt.pin(pinned_at="x"), "pinned_at is no time"),
    _gate(
        "champion-frozen", "another is configured", world.setting(champion_sha256=orders.OTHER_HASH),
        "the setting champion_sha256",
    ),
    _gate("champion-verified", "the API does not evaluate", fault("evaluate-500"), "could not be verified"),
    _gate("champion-decides", "the fallback would", fault("fallback"), "and not a champion"),
    _gate("champion-decides", "it does under way", under_way(fault("fallback")), "and not a champion"),
    _gate("env-file", "it is a directory", spoilt.env_a_folder, "is a directory"),
    _gate("env-file", "it is a FIFO", spoilt.env_a_fifo, "is not a regular file")._replace(possible=with_modes),
    _gate("lock-market", "another trades it", world.locked(0), "another runner trades"),
    _gate("lock-state", "another uses it", world.locked(1), "another runner uses"),
    _gate("lock-log", "another writes there", world.locked(2), "another runner writes its log"),
    _gate("lock-file", "it is a link", world.lock_a_link, "it is a symbolic link")._replace(possible=with_modes),
    _gate("lock-file", "it has two names", world.lock_shared, "not a plain file")._replace(possible=with_modes),
    _gate("state", "half of it is left", spoilt.state_cut, "is not JSON"),
    _gate("state", "it is gone", spoilt.state_gone, "is missing, but there are logs"),
    _gate("state-market", "it is another's", spoilt.state(market="tETHUSD 1h"), "belongs to another market"),
    _gate("state-candle", "it is of tomorrow", spoilt.state_moved(24), "lies in the future"),
    _gate("state-candle", "it is off the grid", spoilt.state_moved(0, 1), "is no 1h candle"),
    _gate("state-candle", "it is of 1970", _FROM_1970, "candles old"),
    _gate(
        "state-mode", "nobody names one", both(spoilt.state(mode="live-paper"), world.world(mode=None)),
        "was run in live-paper",
    ),
    _gate("configuration", "the API does not tell", fault("config-error"), "does not tell its configuration"),
    _gate("configuration", "it has no hash", world.answers(CONFIG, _HASHLESS), "has no hash"),
    _gate("whitelist", "the API does not tell", world.answers(WHITELIST, {}, 500), "which pairs may be traded"),
    _gate("whitelist", "the pair is not on it", world.answers(WHITELIST, _NO_PAIRS), "not on the API's whitelist"),
)  # fmt: skip

_RECEIPTS = (
    _gate("receipt", "there is none", orders.receipt_gone, _NO_RECEIPT),
    _gate("receipt", "half of it is left", orders.receipt_cut, "is not an acceptance receipt"),
    _gate("receipt-verdict", "it says FAIL", orders.receipt(verdict="FAIL"), "the acceptance said FAIL"),
    _gate("receipt-verdict", "it says UNKNOWN", orders.receipt(verdict="UNKNOWN"), "the acceptance said UNKNOWN"),
    _gate("receipt-checks", "one failed", orders.receipt(checks={"no-fatal": "FAIL"}), "contradicts itself"),
    _gate("receipt-checks", "one is UNKNOWN", orders.receipt(checks={"no-fatal": "UNKNOWN"}), "contradicts itself"),
    _gate("receipt-written", "11m before its end", orders.receipt_moved(written=-11), "before its window ended"),
    _gate("receipt-market", "it is another's", orders.receipt(market="tETHUSD 1h"), "was of tETHUSD 1h"),
    _gate("receipt-age", "24 hours and a minute", orders.receipt_moved(window=_OLDEST), "24h is the most"),
    _gate("receipt-future", "11m ahead", orders.receipt_moved(window=11, written=11), "lies in the future"),
    _gate("receipt-covered", "23h 49m of the 24", orders.receipt_moved(covered=23 * 60 + 49), "23h 49m of the 24h"),
    _gate("receipt-covered", "a window of 23h", orders.receipt_moved(hours=23), "of the 24h"),
    _gate(
        "receipt-champion", "it is another's",
        orders.receipt(champion={"file": "another.json", "sha256": orders.OTHER_HASH}), "accepted was 000000000000",
    ),
    _gate(
        "receipt-configuration", "it names none", orders.receipt(runtime_config_hash=None),
        "does not tell the runtime configuration",
    ),
    _gate(
        "receipt-configuration", "it names another", orders.receipt(runtime_config_hash=orders.OTHER_HASH),
        "the runtime configuration is",
    ),
    _gate("continuation", "another champion's", orders.ran_live(champion_sha256=orders.OTHER_HASH), _NO_RECEIPT),
    _gate("continuation", "another configuration", orders.ran_live(config_hash=orders.OTHER_HASH), _NO_RECEIPT),
    _gate("continuation", "it was overridden", orders.ran_live(override="planted"), _NO_RECEIPT),
    _gate("continuation", "nobody watched for a day", both(orders.ran_live(), later(24 * 60)), _NO_RECEIPT),
    _gate(
        "continuation", "a dry-run came between", both(orders.ran_live(), spoilt.state(mode="dry-run")), _NO_RECEIPT
    ),
    _gate("journal", "a record was changed", orders.journal_changed, "runner_orders_"),
    _gate("journal", "the state knows of more", spoilt.state(journal=_THREE), "the state knows of 3 records"),
    _gate(
        "journal", "the state knows of others", both(orders.ran_live(), spoilt.state(journal=_ANOTHER)),
        "the state knows of 1 records",
    ),
    _gate("journal", "the log knows of more", spoilt.said(events.OrderSubmitting("LONG")), "log tells of 1 order"),
    _gate("journal", "no record was added", under_way(orders.journal_torn_out), "runner_orders_"),
    _gate("journal-market", "it is another's", orders.journal_of_another_market, "is another market's"),
    _gate("orders-resolved", "one is in doubt", orders.in_doubt, "is unknown and unresolved"),
    _gate("orders-resolved", "one that wallets may tell", orders.in_doubt_with_wallets, "is unknown and unresolved"),
)  # fmt: skip

_ORDERS = (
    _gate("order-journaled", "its candle closed before", later(_PAST_CLOSE + 1), "closed before the journal began"),
    _gate("order-fresh", "11 minutes late", both(orders.ran_live(), later(_PAST_CLOSE + 11)), "10m is the most"),
    _gate("order-closed", "half a minute early", both(later(2.5), world.candle_early), "its candle has not closed yet"),
    _gate("order-size", "the strategy names none", changed(EVALUATE, *_SIZE, to=None), "named no size"),
    _gate("order-doubt", "one is", under_way(orders.in_doubt), "unresolved: "),
    _gate("order-latch", "it is set under way", under_way(spoilt.latched), "the stop latch is set"),
    _gate("order-exchange", "maintenance", world.answers(STATUS, [0]), "does not say that it works"),
    _gate("order-clock", "6 s behind", world.world(ahead_ms=6_500), "off the exchange's"),
    _gate("order-clock", "6 s ahead", world.world(ahead_ms=-6_500), "off the exchange's"),
    _gate("order-clock", "the exchange does not tell", world.world(ahead_ms=None), "does not tell its time"),
    _gate("order-disk", "15 MiB are free", world.world(free_bytes=15 << 20), "15 MiB are free"),
    _gate("order-disk", "nobody can tell", world.world(free_bytes=None), "cannot be read"),
    _gate("order-once", "another directory's", orders.ordered_before, "was ordered on this host before", _FOR),
    _gate("order-once", "its record is cut", orders.claim_damaged, "is damaged", _THEN),
    _gate("order-once", "its record is none", orders.claim_a_folder, "cannot be read"),
    _gate(
        "order-configuration", "it changed under way", under_way(changed(CONFIG, "hash", to=orders.OTHER_HASH)),
        "the runtime configuration is 000000000000",
    ),
    _gate("filled-once", "the exchange fills twice", fault("submit-doubled"), "was filled several times"),
)  # fmt: skip

CASES = (*_STARTS, *_RECEIPTS, *_ORDERS)
