"""May this run order on paper: the journal is whole, the gate is passed, and the pair is one that may be traded.

Runbook Day 1, step 3: "DO NOT proceed to live-paper until acceptance PASSES". A run that goes on in live-paper after a
restart has passed the gate already, as long as champion and configuration are the same; the journal says so.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from genesis_ops.clients.api import GenesisApi
from genesis_ops.clients.paper import PaperApi, paper_pair
from genesis_ops.errors import EvaluationFailure, GenesisError, JournalDamaged, PaperFailure, Refused, Unreachable
from genesis_ops.journal.book import Order, Start, order_id
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.runlog.events import Event, GateOverridden, GatePassed, JournalTorn, OrderOpen
from genesis_ops.runlog.files import log_files
from genesis_ops.runlog.submissions import own_submissions
from genesis_ops.runner.evaluate import in_streams
from genesis_ops.runner.orders import JOURNAL, Decision, label_the_armed, record_decision
from genesis_ops.runner.recover import Recovered, evaluations
from genesis_ops.settings import Settings
from genesis_ops.state.champion import fingerprint
from genesis_ops.state.model import PendingEvaluation
from genesis_ops.state.receipt import Receipt, newest_receipt
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Action, Mode, duration, stamp, visible

FRESH_MS = DAY_MS
"""How long after its window a receipt opens the gate."""
_EDGES_MS = 10 * MINUTE_MS
"""A window counts as covered when lines reach within five minutes of both its ends (contract §9)."""


class Admitted(NamedTuple):
    """Under which rules the run orders, and what its log is to say about it."""

    terms: Start
    events: tuple[Event, ...]


class Asked(NamedTuple):
    """What the gate is asked: by which settings, in which state, for what reason in spite of it (empty: none)."""

    settings: Settings
    found: Recovered
    override: str
    command: str
    now_ms: Callable[[], int]


def recover_orders(journal: Journal, asked: Asked) -> tuple[Event, ...]:
    """Bring the journal up to what can have happened, before any request; tell what is in doubt.

    Raises:
        JournalDamaged: it does not hold together, or has lost records that the state or the log know of.
        WriteFailed: a label is not on the disk.
    """
    settings, book = asked.settings, journal.book
    require_whole(journal, settings, asked.found.state.other)
    torn = tuple(JournalTorn(f"{torn.path.name}, byte {torn.offset}") for torn in journal.torn_end)
    label_the_armed(journal, asked.command)
    if book.starts and (lost := _lost_decision(settings, asked.found, journal)) is not None:
        with journal.held(asked.command):
            record_decision(journal, book.starts[-1].symbol, lost)
    return (*torn, *in_doubt(journal))


def in_doubt(journal: Journal) -> tuple[Event, ...]:
    """Tell the orders in doubt, to a dry-run as well: nobody looks after them while it runs."""
    told = {Kind.ARMED: "it was armed, and no outcome was written"}
    doubts = (
        (order.id, order.reason or told.get(order.label, "filled several times")) for order in journal.book.unresolved
    )
    return tuple(OrderOpen(name, reason) for name, reason in doubts)


def require_whole(journal: Journal, settings: Settings, remembered: Mapping[str, Any]) -> None:
    """Hold the journal against those who remember it: a lost one would let every candle be traded again.

    Raises:
        JournalDamaged: the state or the log knows of records that it has not.
        Refused: it is another market's.
    """
    place, known = settings.log_dir, remembered.get(JOURNAL)
    number = known.get("records") if isinstance(known, dict) else None
    if isinstance(known, dict) and isinstance(number, int) and number and journal.sum_of(number) != known.get("sum"):
        why = f"the state knows of {number} records, and it holds {journal.records}, or others"
        raise JournalDamaged(place / "runner_orders_*.log", None, why)
    sent = len(own_submissions(log_files(place)))
    if sent > journal.book.armed:
        why = f"the runner log tells of {sent} orders, and it of {journal.book.armed}"
        raise JournalDamaged(place / "runner_orders_*.log", None, why)
    markets = {start.market for start in journal.book.starts} - {_market(settings)}
    if markets:
        raise Refused(
            f"the journal of orders in {place} is another market's: {visible(', '.join(sorted(markets)))}",
            next_command="genesis-ops run --state-file <another> --log-dir <another>",
        )


def _lost_decision(settings: Settings, found: Recovered, journal: Journal) -> Decision | None:
    """Find the decision that was logged and not journaled: the runner ended between the two."""
    of = {"mode": in_streams(Mode.LIVE_PAPER), "symbol": settings.symbol, "timeframe": str(settings.timeframe)}
    newest = next((record for record in evaluations(settings.log_dir) if record.items() >= of.items()), {})
    ts, action, size = newest.get("candle_ts"), newest.get("action"), newest.get("size")
    pending = found.state.pending_evaluation
    if not isinstance(ts, int) or action not in {Action.LONG, Action.SHORT} or order_id(ts) in journal.book.orders:
        return None
    if pending is not None and pending.ts == ts:
        return None  # it will be evaluated again, and decided then
    close, hash_ = newest.get("close"), newest.get("runtime_cfg_hash")
    candle = PendingEvaluation(ts, float(close) if isinstance(close, int | float) else 0.0, "previous")
    return Decision(candle, str(action), size if isinstance(size, int | float) else None, str(hash_))


def admit(journal: Journal, asked: Asked, api: GenesisApi, paper: PaperApi) -> Admitted:
    """Let the run order, on record, or refuse with each reason.

    Raises:
        Refused: the gate says no, and nobody overrode it; or nothing can override what it says.
        Unreachable: the API does not tell its configuration or its whitelist.
    """
    settings = asked.settings
    symbol = paper_pair(settings.symbol)
    config_hash = _config_hash(api, settings)
    _require_whitelisted(paper, symbol, settings)
    champion = fingerprint(settings.champion_file).sha256
    terms = Start(0, 0, _market(settings), symbol, champion, config_hash, "")
    continued = _continued(journal, terms, asked)
    told, reasons = (continued, []) if continued else _by_receipt(terms, asked)
    stuck = [order for order in journal.book.unresolved if not _can_resolve_itself(order, asked.found)]
    if stuck or (reasons and not asked.override):
        raise _refused(stuck, journal.book.unresolved, reasons)
    override = asked.override if reasons else ""
    with journal.held(asked.command):
        journal.append(
            Kind.STARTED,
            market=terms.market,
            symbol=symbol,
            champion_sha256=champion,
            config_hash=config_hash,
            override=override,
            gate="; ".join(reasons) or told,
        )
    event = GateOverridden(override, "; ".join(reasons)) if reasons else GatePassed(told)
    return Admitted(journal.book.starts[-1], (event,))


def _can_resolve_itself(order: Order, found: Recovered) -> bool:
    """Whether the run that was interrupted may go on and ask the wallets; who enters live-paper anew may not."""
    return found.former_mode is Mode.LIVE_PAPER and order.wants_evidence and order.before is not None


def _refused(stuck: list[Order], doubted: tuple[Order, ...], reasons: list[str]) -> GenesisError:
    """Name every reason; a doubt about an order comes first, because no override helps against it."""
    doubts = [f"{order.id} is {order.label} and unresolved: {order.reason or order.fill}" for order in doubted]
    next_command = "genesis-ops acceptance --window 24h      after 24h of: genesis-ops run --dry-run"
    if stuck:
        name = stuck[0].id
        next_command = f'genesis-ops orders resolve {name} --filled|--not-filled --reason "..."'
    notes = tuple(visible(reason) for reason in (*doubts, *reasons))
    return Refused("live-paper is not allowed", notes=notes, next_command=next_command)


def _config_hash(api: GenesisApi, settings: Settings) -> str:
    try:
        found = api.runtime_config().hash
    except EvaluationFailure as failure:
        raise Unreachable(
            f"the API does not tell its configuration: {failure.message}",
            next_command=f"curl -fsS {settings.api_url}/health      then start the API server",
        ) from failure
    if not isinstance(found, str) or not found:
        raise Refused("the API's configuration has no hash, so it cannot be held against the accepted one")
    return found


def whitelisted(paper: PaperApi, settings: Settings) -> frozenset[str]:
    """Ask which pairs may be traded.

    Raises:
        Unreachable: the API does not tell.
    """
    try:
        return paper.whitelist()
    except PaperFailure as failure:
        raise Unreachable(
            f"the API does not tell which pairs may be traded: {failure.message}",
            next_command=f"curl -fsS {settings.api_url}/paper/whitelist",
        ) from failure


def _require_whitelisted(paper: PaperApi, symbol: str, settings: Settings) -> None:
    if symbol not in whitelisted(paper, settings):
        raise Refused(
            f"{settings.symbol} would be traded as {symbol}, which is not on the API's whitelist",
            next_command=f"curl -fsS {settings.api_url}/paper/whitelist",
        )


def _continued(journal: Journal, terms: Start, asked: Asked) -> str:
    """Say which run goes on under the rules that it was admitted by.

    An override holds for one run only, and a run that ended more than a day ago is not one that goes on.
    """
    last = journal.book.starts[-1] if journal.book.starts else None
    if asked.found.former_mode is not Mode.LIVE_PAPER or last is None or last.override:
        return ""
    seen_ms = asked.found.last_seen_ms
    if seen_ms is None or asked.now_ms() - seen_ms > FRESH_MS:
        return ""  # nobody has watched for a day
    same = (last.champion_sha256, last.config_hash) == (terms.champion_sha256, terms.config_hash)
    return f"goes on from {stamp(last.at_ms)} UTC, champion and configuration unchanged" if same else ""


def _by_receipt(terms: Start, asked: Asked) -> tuple[str, list[str]]:
    try:
        receipt = newest_receipt(asked.settings.log_dir)
    except Refused as error:
        return "", [error.message]
    if receipt is None:
        return "", ["there is no acceptance receipt"]
    told = f"acceptance of {receipt.covered_seconds / 3600:.1f}h to {stamp(receipt.end_ms)[:16]} UTC"
    return told, [why for holds, why in _faults(receipt, terms, asked.now_ms()) if holds]


def _faults(receipt: Receipt, terms: Start, now_ms: int) -> tuple[tuple[bool, str], ...]:
    age_ms, ahead_ms = now_ms - receipt.end_ms, max(receipt.end_ms, receipt.written_ms) - now_ms
    failed = [name for name, outcome in receipt.checks.items() if outcome in {"FAIL", "UNKNOWN"}]
    covered_ms = receipt.covered_seconds * 1000
    accepted = receipt.runtime_config_hash
    return (
        (receipt.verdict not in {"PASS", "WARN"}, f"the acceptance said {receipt.verdict}"),
        (
            bool(failed),
            f"the acceptance contradicts itself: {receipt.verdict}, though {', '.join(failed[:3])} did not pass",
        ),
        (receipt.written_ms < receipt.end_ms - _EDGES_MS, "the acceptance was written before its window ended"),
        (receipt.market != terms.market, f"the acceptance was of {visible(receipt.market)}, not of {terms.market}"),
        (
            age_ms > FRESH_MS,
            f"the acceptance is of {duration(age_ms / 1000)} ago, and {FRESH_MS // HOUR_MS}h is the most",
        ),
        (ahead_ms > _EDGES_MS, "the acceptance lies in the future"),
        (
            min(receipt.end_ms - receipt.start_ms, covered_ms + _EDGES_MS) < DAY_MS,
            f"the acceptance covers {duration(receipt.covered_seconds)} of the 24h",
        ),
        (
            receipt.champion_sha256 != terms.champion_sha256,
            f"the champion is {terms.champion_sha256[:12]}, accepted was {receipt.champion_sha256[:12]}",
        ),
        (accepted is None, "the acceptance does not tell the runtime configuration"),
        (
            accepted not in {None, terms.config_hash},
            f"the runtime configuration is {visible(terms.config_hash)[:12]}, accepted was {(accepted or '')[:12]}",
        ),
    )


def _market(settings: Settings) -> str:
    return f"{settings.symbol} {settings.timeframe}"
