"""The API's paper side (contract §4): the pairs it may trade, its wallets, and one order sent once.

``/paper/submit`` has no idempotency key, may retry inside, and answers failure and doubt alike with HTTP 200. What a
reply proves is therefore decided here, in one table (order protocol, Outcomes), and nowhere else.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from enum import StrEnum
from typing import Any, NamedTuple

from genesis_ops.clients.http import Http, HttpFailure, Reply, brief
from genesis_ops.clients.wallets import WALLETS, document_of, exchange_wallets, is_number
from genesis_ops.errors import PaperFailure, Refused
from genesis_ops.words import visible

SUBMIT_SECONDS = 90.0
"""Above the API's worst case of 70 s: it retries inside (contract §4)."""
CACHE_SECONDS = 5.0
"""How long the API shows the same wallets (contract §4)."""

_PAIR = re.compile(r"tTEST[A-Z0-9]{2,10}:TESTUSDT?")
_OK = 200
_NOTHING_SENT = {404, 405, 422}
_REFUSALS = {"invalid_symbol", "invalid_action_or_size"}
_STATUS, _ORDERS = 6, 4
_LARGEST_KEPT = 8_192


class Label(StrEnum):
    """What a reply proves of an order."""

    ACKED = "acked"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class PaperOrder(NamedTuple):
    """What is asked for: a paper pair, LONG or SHORT, and how much of the base currency."""

    symbol: str
    side: str
    size: float


class Submission(NamedTuple):
    """What came of one request: the label, why, and what the reply tells where it tells anything."""

    label: Label
    reason: str
    order_id: int | None = None
    size_taken: float | None = None
    """The size after the API changed it (``meta.size_after``)."""
    reply: Any = None
    """The reply, as JSON or as the beginning of what it was."""


def paper_pair(symbol: str) -> str:
    """Name the TEST pair that stands for a symbol: ``tBTCUSD`` is traded as ``tTESTBTC:TESTUSD``.

    Raises:
        Refused: there is none by this rule.
    """
    if _PAIR.fullmatch(symbol):
        return symbol
    found = re.fullmatch(r"t(?!TEST)([A-Z0-9]{2,10}):?(USD|UST)", symbol)
    if found is None:
        raise Refused(
            f"{visible(symbol)} has no paper pair: only USD and UST pairs are traded on paper",
            next_command="genesis-ops run --dry-run",
        )
    return f"tTEST{found[1]}:{'TESTUSD' if found[2] == 'USD' else 'TESTUSDT'}"


class PaperApi:
    """The paper calls; ``fresh`` opens a new connection for each order, because a kept one can be half dead."""

    def __init__(self, http: Http, fresh: Callable[[], Http]) -> None:
        self._http = http
        self._fresh = fresh

    def whitelist(self) -> frozenset[str]:
        """Ask which pairs may be traded.

        Raises:
            PaperFailure: it did not come.
        """
        symbols = self._ask("/paper/whitelist").get("symbols")
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
            raise PaperFailure("GET /paper/whitelist: no list of symbols")
        return frozenset(symbols)

    def wallets(self) -> dict[str, float]:
        """Ask for the balances of the exchange wallets by currency; they can be 5 s old.

        Raises:
            PaperFailure: they did not come; an error beside no items is no empty wallet.
        """
        return exchange_wallets(self._ask(WALLETS))

    def submit(self, order: PaperOrder) -> Submission:
        """Send one order, once, and label what came of it; an answer that never came is one of the labels."""
        if not _may_be_sent(order):
            raise AssertionError(f"only orders for TEST pairs are sent, not {order}")
        body = {"symbol": order.symbol, "side": order.side, "size": order.size, "type": "MARKET"}
        with closing(self._fresh()) as http:
            try:
                reply = http.send(http.prepare("POST", "/paper/submit", json.dumps(body).encode()))
            except HttpFailure as failure:
                label = Label.REJECTED if failure.refused else Label.UNKNOWN
                return Submission(label, failure.message)
        return _labelled(reply)

    def _ask(self, target: str) -> Mapping[str, Any]:
        try:
            reply = self._http.send(self._http.prepare("GET", target))
        except HttpFailure as failure:
            raise PaperFailure(f"GET {target}: {failure.message}") from failure
        document = document_of(reply.body)
        if reply.status != _OK or not isinstance(document, dict):
            raise PaperFailure(f"GET {target}: HTTP {reply.status}: {brief(reply.body)}")
        return document


def _may_be_sent(order: PaperOrder) -> bool:
    """Hold back all but a TEST pair, whatever the caller believed: the last guard before the wire."""
    pair = isinstance(order.symbol, str) and _PAIR.fullmatch(order.symbol) is not None
    return pair and order.side in ("LONG", "SHORT") and is_number(order.size) and order.size > 0


def _labelled(reply: Reply) -> Submission:
    document = document_of(reply.body)
    kept = document if document is not None and len(reply.body) <= _LARGEST_KEPT else brief(reply.body)
    if reply.status in _NOTHING_SENT:
        return Submission(Label.REJECTED, f"HTTP {reply.status}: {brief(reply.body)}", reply=kept)
    if reply.status != _OK:
        return Submission(Label.UNKNOWN, f"HTTP {reply.status}: {brief(reply.body)}", reply=kept)
    if not isinstance(document, dict):
        return Submission(Label.UNKNOWN, f"the reply is no JSON object: {brief(reply.body)}", reply=kept)
    if document.get("ok") is not True:
        error = document.get("error")
        proven = document.get("ok") is False and isinstance(error, str) and error in _REFUSALS
        label = Label.REJECTED if proven else Label.UNKNOWN
        return Submission(label, f"the API says {brief(json.dumps(error).encode())}", reply=kept)
    return _acknowledged(document, kept)


def _acknowledged(document: Mapping[str, Any], kept: Any) -> Submission:
    """Look past ``ok``, which says nothing of what the exchange said."""
    status, order_id = _status(document.get("response")), _order_id(document.get("response"))
    size = _size(document.get("meta"))
    if status != "SUCCESS":
        return Submission(Label.UNKNOWN, f"the exchange's STATUS is {brief(repr(status).encode())}", None, size, kept)
    if order_id is None:
        return Submission(Label.UNKNOWN, "the exchange's reply names no order", None, size, kept)
    return Submission(Label.ACKED, "", order_id, size, kept)


def _status(response: Any) -> Any:
    return response[_STATUS] if isinstance(response, list) and len(response) > _STATUS else None


def _order_id(response: Any) -> int | None:
    """Take the id of the first order that the exchange names."""
    found = response[_ORDERS] if isinstance(response, list) and len(response) > _ORDERS else None
    while isinstance(found, list) and found:
        found = found[0]
    return found if type(found) is int and found > 0 else None


def _size(meta: Any) -> float | None:
    size = meta.get("size_after") if isinstance(meta, dict) else None
    return float(size) if is_number(size) and size > 0 else None
