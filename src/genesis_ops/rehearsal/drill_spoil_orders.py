"""The ways in which a drill spoils what live-paper rests on: the receipt, the journal of orders, and its record."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genesis_ops.clients.paper import paper_pair
from genesis_ops.journal.book import order_id
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind
from genesis_ops.rehearsal.drill_root import Root, Spoil
from genesis_ops.rehearsal.drill_spoil import cut, rewrite
from genesis_ops.state.champion import fingerprint
from genesis_ops.state.claim import Claim, claim_of
from genesis_ops.words import HOUR_MS, MINUTE_MS, Mode, iso

OTHER_HASH = "0" * 64
"""A SHA-256 of nothing that there is."""
_PAIR = "tTESTBTC:TESTUSD"
_WALLETS = {"TESTBTC": 1.0, "TESTUSD": 100_000.0}


# --- receipts


def receipt(**changes: Any) -> Spoil:
    """Let the acceptance receipt say something else."""
    return lambda root: rewrite(root.receipt, **changes)


def receipt_gone(root: Root) -> None:
    """Leave no receipt."""
    root.receipt.unlink()


def receipt_cut(root: Root) -> None:
    """Leave half of the receipt."""
    cut(root.receipt)


def receipt_moved(window: int = 0, written: int = 0, hours: int = 24, covered: int = 24 * 60) -> Spoil:
    """Let the receipt's window end and be written so many minutes from now, and be so long and so many covered."""

    def spoil(root: Root) -> None:
        now_ms = root.clock.now_ms()
        end_ms = now_ms + window * MINUTE_MS
        spanned = {"start": iso(end_ms - hours * HOUR_MS), "end": iso(end_ms), "covered_seconds": covered * 60}
        rewrite(root.receipt, window=spanned, written_at=iso(now_ms + written * MINUTE_MS))

    return spoil


# --- the journal of orders


def in_doubt(root: Root) -> None:
    """Leave an order of which nobody knows what came of it."""
    _journal(root, doubt=True)


def in_doubt_with_wallets(root: Root) -> None:
    """Leave an order in doubt of which the wallets could still tell."""
    _journal(root, doubt=True, before=_WALLETS)


def journal_of_another_market(root: Root) -> None:
    """Let the journal of orders be another market's."""
    _journal(root, market="tETHUSD 1h")


def journal_changed(root: Root) -> None:
    """Change a record of the journal afterwards."""
    in_doubt(root)
    (path,) = root.logs.glob("runner_orders_*.log")
    path.write_bytes(path.read_bytes().replace(b'"LONG"', b'"SHORT"'))


def journal_torn_out(root: Root) -> None:
    """Append to the journal what is no record of it."""
    (path,) = root.logs.glob("runner_orders_*.log")
    with path.open("ab") as journal:
        journal.write(b'{"n": 9, "sum": "of the drill"}\n')


def ran_live(**changes: Any) -> Spoil:
    """Let live-paper have run here before under the rules that hold now, but for these; its receipt is gone."""

    def spoil(root: Root) -> None:
        accepted = json.loads(root.receipt.read_bytes())["runtime_config_hash"]
        _journal(root, **{"config_hash": accepted, "override": "", **changes})
        rewrite(root.settings.state_file, mode=str(Mode.LIVE_PAPER))
        receipt_gone(root)

    return spoil


def _journal(root: Root, *, doubt: bool = False, before: Mapping[str, float] | None = None, **changes: Any) -> None:
    journal = Journal(root.logs, root.clock.now_ms, durable=False, wait=root.clock.wait)
    market = f"{root.settings.symbol} {root.settings.timeframe}"
    begun = {
        "market": market, "symbol": _PAIR, "override": "", "gate": "of the drill", "config_hash": OTHER_HASH,
        "champion_sha256": fingerprint(root.settings.champion_file).sha256,
    }  # fmt: skip
    candle_ts = (root.clock.now_ms() // HOUR_MS - 1) * HOUR_MS
    decided = {
        "candle_ts": candle_ts, "symbol": _PAIR, "side": "LONG",
        "size": 0.01, "price": 70_000.0, "config_hash": OTHER_HASH,
    }  # fmt: skip
    with journal.held("genesis-ops drill"):
        journal.append(Kind.STARTED, **begun | changes)
        if doubt:
            journal.append(Kind.DECIDED, id=order_id(candle_ts), **decided)
            journal.append(Kind.ARMED, id=order_id(candle_ts), before=before)
            journal.append(Kind.UNKNOWN, id=order_id(candle_ts), reason="no reply")


# --- what this host remembers of orders


def ordered_before(root: Root) -> None:
    """Let another log directory have ordered the candle that closes next."""
    _claim(root)._replace(log_dir=Path("another"), durable=False).take(root.clock.now_ms() // HOUR_MS * HOUR_MS)


def claim_damaged(root: Root) -> None:
    """Leave half of this host's record of orders."""
    ordered_before(root)
    cut(_claim(root).path)


def claim_a_folder(root: Root) -> None:
    """Put a directory in the place of this host's record of orders."""
    _claim(root).path.mkdir()


def _claim(root: Root) -> Claim:
    settings = root.settings
    pair = paper_pair(settings.symbol)
    return claim_of(settings.lock_dir, f"{pair} {settings.timeframe}", settings.log_dir)
