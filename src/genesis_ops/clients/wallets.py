"""What the API's replies say, its wallets above all (contract §4); pure, and apart from who asked and by what means.

An error comes as HTTP 200 with no items, and must never be taken for an empty wallet.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from genesis_ops.errors import PaperFailure
from genesis_ops.words import visible

WALLETS = "/account/wallets"

_LARGEST_READ = 1024 * 1024
"""A hundred times what the API writes; as JSON, 8 MiB of empty lists would take 200 MB of memory."""
_LARGEST_NUMBER = 1e15
_DEEPEST = 20
"""More levels than any reply has, and few enough that what is kept can be written wherever a record is made."""
_SHOWN = 300


def exchange_wallets(document: Mapping[str, Any]) -> dict[str, float]:
    """Read the balances of the exchange wallets by currency.

    Raises:
        PaperFailure: they are not there; an error beside no items is no empty wallet.
    """
    items = document.get("items")
    if document.get("error") or not isinstance(items, list):
        raise PaperFailure(f"GET {WALLETS}: {_quoted(document.get('error'))}")
    balances = [_balance(item) for item in items if _is_exchange(item)]
    found = dict(balances)
    if len(found) != len(balances):
        raise PaperFailure(f"GET {WALLETS}: a currency has two exchange wallets")
    return found


def is_number(value: Any) -> TypeGuard[int | float]:
    """Tell whether a value is a number that something can be counted with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER


def document_of(body: bytes) -> Any:
    """Read JSON that says one thing and can be written again; None for anything else."""
    if len(body) > _LARGEST_READ:
        return None
    try:
        # From bytes json would guess UTF-16 and others, which the API never writes.
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_said_once)
        json.dumps(document, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return document if _is_flat(document, _DEEPEST) else None


def _is_exchange(item: Any) -> bool:
    """Tell whether an item is an exchange wallet; one of no known type may be one, and is no evidence."""
    kind = item.get("type") if isinstance(item, dict) else None
    if not isinstance(kind, str):
        raise _no_wallet(item)
    return kind == "exchange"


def _balance(item: Mapping[str, Any]) -> tuple[str, float]:
    currency, amount = item.get("currency"), item.get("balance")
    if not isinstance(currency, str) or not is_number(amount):
        raise _no_wallet(item)
    return currency, float(amount)


def _no_wallet(item: Any) -> PaperFailure:
    return PaperFailure(f"GET {WALLETS}: not a wallet: {_quoted(item)}")


def _quoted(value: Any) -> str:
    return visible(json.dumps(value)[:_SHOWN])


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice, and which one is meant cannot be told")
    return found


def _is_flat(value: Any, levels: int) -> bool:
    parts = list(value.values()) if isinstance(value, dict) else value
    return not isinstance(parts, list) or (levels > 0 and all(_is_flat(part, levels - 1) for part in parts))
