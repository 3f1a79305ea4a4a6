"""The paper side of the API: what a reply proves, what a wallet is, and that nothing but a TEST pair is ever sent."""

import json
import socket
import string
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.clients.http import Http, HttpFailure
from genesis_ops.clients.paper import (
    CACHE_SECONDS,
    SUBMIT_SECONDS,
    Label,
    PaperApi,
    PaperOrder,
    Submission,
    paper_pair,
)
from genesis_ops.errors import PaperFailure, Refused

ORDER = PaperOrder("tTESTBTC:TESTUSD", "LONG", 0.25)
NAMED = [41, None, None, "tTESTBTC:TESTUSD", 1_770_210_001_000, 1_770_210_001_000, 0.25, 0.25, "EXCHANGE MARKET"]
NOTIFIED = [1_770_210_001, "on-req", None, None, [NAMED], None, "SUCCESS", "Submitting 1 orders."]
PLACED = {
    "ok": True,
    "exchange": "bitfinex",
    "request": {"type": "EXCHANGE MARKET", "symbol": "tTESTBTC:TESTUSD", "amount": "0.25"},
    "response": NOTIFIED,
    "meta": {"size_before": 0.25, "size_after": 0.25},
}
WALLETS = [
    {"type": "exchange", "currency": "TESTBTC", "balance": 0.5, "available": 0.5},
    {"type": "exchange", "currency": "TESTUSD", "balance": 50_000, "available": 50_000},
]


class Wall:
    """The host's time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        raise NotImplementedError


class Canned(httpx.BaseTransport):
    """Answers every request alike, or fails alike, and keeps what was asked."""

    def __init__(self, answer: tuple[int, bytes] | Exception) -> None:
        self.answer = answer
        self.asked: list[httpx.Request] = []
        self.closed = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        status, body = self.answer
        return httpx.Response(status, stream=httpx.ByteStream(body))

    def close(self) -> None:
        self.closed += 1


def connected(transport: Canned) -> PaperApi:
    def http() -> Http:
        return Http("http://api", Wall(), 5.0, transport)

    return PaperApi(http(), http)


def as_bytes(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def answered(document: Any, status: int = 200) -> Submission:
    return connected(Canned((status, as_bytes(document)))).submit(ORDER)


def told(document: Any, status: int = 200) -> PaperApi:
    return connected(Canned((status, as_bytes(document))))


def placed(**changed: Any) -> dict[str, Any]:
    return {**PLACED, **changed}


def notified(**changed: Any) -> dict[str, Any]:
    """Make a reply whose notification has other places: ``_4``, ``_6``."""
    response = list(NOTIFIED)
    for place, value in changed.items():
        response[int(place[1:])] = value
    return placed(response=response)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


# What a reply proves.


def test_an_order_that_the_exchange_took_is_acked_with_its_id_and_size() -> None:
    assert answered(PLACED) == Submission(Label.ACKED, "", 41, 0.25, PLACED)


def test_the_labels_read_as_the_journal_writes_them() -> None:
    assert [str(label) for label in Label] == ["acked", "rejected", "unknown"]


def test_a_size_that_the_api_changed_is_told() -> None:
    assert answered(placed(meta={"size_before": 0.25, "size_after": 0.1})).size_taken == 0.1


@pytest.mark.parametrize(
    "meta", [None, [], {}, "size_after", {"size_after": True}, {"size_after": "1"}, {"size_after": 0}]
)
def test_a_size_that_is_none_leaves_the_label_and_is_not_told(meta: Any) -> None:
    assert answered(placed(meta=meta))[:4] == (Label.ACKED, "", 41, None)


@pytest.mark.parametrize("size", [-0.1, 1e15, 10**400])
def test_a_size_that_cannot_be_is_not_told(size: float) -> None:
    assert answered(placed(meta={"size_after": size})).size_taken is None


def test_the_largest_size_below_the_limit_is_told() -> None:
    assert answered(placed(meta={"size_after": 10**15 - 1})).size_taken == 10**15 - 1


def test_a_status_other_than_success_is_unknown_and_named() -> None:
    found = answered(notified(_6="ERROR"))
    assert (found.label, found.reason) == (Label.UNKNOWN, "the exchange's STATUS is 'ERROR'")
    assert (found.order_id, found.size_taken) == (None, 0.25)


@pytest.mark.parametrize(
    "status", ["PARTIAL", "FAILURE", "INFO", "success", "SUCCESS ", "", None, True, 1, ["SUCCESS"]]
)
def test_only_the_word_success_is_success(status: Any) -> None:
    assert answered(notified(_6=status)).label is Label.UNKNOWN


@pytest.mark.parametrize(
    "response", [None, "SUCCESS", {}, {"6": "SUCCESS"}, [], NOTIFIED[:5], NOTIFIED[:6], [NOTIFIED]]
)
def test_a_response_that_is_no_notification_is_unknown(response: Any) -> None:
    found = answered(placed(response=response))
    assert (found.label, found.reason) == (Label.UNKNOWN, "the exchange's STATUS is None")


def test_a_response_that_ends_with_its_status_is_enough() -> None:
    assert answered(placed(response=NOTIFIED[:7])).label is Label.ACKED


def test_a_reply_without_a_response_is_unknown() -> None:
    assert answered({"ok": True}).label is Label.UNKNOWN


@pytest.mark.parametrize("order_id", [None, "41", True, 41.0, 0, -1, [], {}, {"id": 41}])
def test_an_id_that_is_no_positive_integer_is_unknown(order_id: Any) -> None:
    found = answered(notified(_4=[[order_id, None]]))
    assert (found.label, found.order_id) == (Label.UNKNOWN, None)
    assert (found.reason, found.size_taken) == ("the exchange's reply names no order", 0.25)


@pytest.mark.parametrize("orders", [None, [], [[]], {}, "41", [None, 41]])
def test_a_reply_that_names_no_order_is_unknown(orders: Any) -> None:
    assert answered(notified(_4=orders)).label is Label.UNKNOWN


@pytest.mark.parametrize("orders", [1, [1], [[1]], [[[1]]], [[1, 2], [3, 4]]])
def test_the_first_id_counts_however_deep_it_stands(orders: Any) -> None:
    assert answered(notified(_4=orders))[:3] == (Label.ACKED, "", 1)


@pytest.mark.parametrize("error", ["invalid_symbol", "invalid_action_or_size"])
def test_a_refusal_that_proves_nothing_was_sent_is_rejected(error: str) -> None:
    reply = {"ok": False, "error": error}
    assert answered(reply) == Submission(Label.REJECTED, f'the API says "{error}"', None, None, reply)


@pytest.mark.parametrize(
    "reply",
    [
        {"ok": False, "error": "internal_error", "error_id": "205d0f60308b"},
        {"ok": False, "error": "invalid_symbol "},
        {"ok": False, "error": "Invalid_Symbol"},
        {"ok": False, "error": ["invalid_symbol"]},
        {"ok": False, "error": {"code": "invalid_symbol"}},
        {"ok": False, "error": None},
        {"ok": False},
        {"error": "invalid_symbol"},
        {"ok": None, "error": "invalid_symbol"},
        {"ok": 0, "error": "invalid_symbol"},
        {"ok": "false", "error": "invalid_symbol"},
        {"ok": True, "error": "invalid_symbol"},
        {},
    ],
)
def test_any_other_failure_may_hide_an_order(reply: Any) -> None:
    assert answered(reply)[::4] == (Label.UNKNOWN, reply)


@pytest.mark.parametrize("ok", ["true", 1, [True], {"ok": True}])
def test_ok_is_true_and_nothing_like_it(ok: Any) -> None:
    assert answered(placed(ok=ok)).label is Label.UNKNOWN


@pytest.mark.parametrize("status", [404, 405, 422])
def test_a_status_that_proves_nothing_was_sent_is_rejected_whatever_the_body(status: int) -> None:
    assert answered(b"nothing here", status) == Submission(
        Label.REJECTED, f"HTTP {status}: nothing here", reply="nothing here"
    )
    assert answered(PLACED, status).label is Label.REJECTED


@pytest.mark.parametrize(
    "status", [201, 202, 204, 301, 307, 400, 401, 403, 406, 408, 409, 421, 423, 425, 429, 500, 502, 503, 504]
)
def test_any_other_status_is_unknown_whatever_the_body(status: int) -> None:
    assert answered(PLACED, status)[::4] == (Label.UNKNOWN, PLACED)
    refusal = answered({"ok": False, "error": "invalid_symbol"}, status)
    assert (refusal.label, refusal.reason[:9]) == (Label.UNKNOWN, f"HTTP {status}:")


SUCCESS = json.dumps(PLACED).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"true",
        b"41",
        b'"SUCCESS"',
        b"[]",
        json.dumps(NOTIFIED).encode(),
        SUCCESS[:-1],
        SUCCESS + SUCCESS,
        SUCCESS + b"x",
        b"<html>" + SUCCESS,
        b"\xef\xbb\xbf" + SUCCESS,
        json.dumps(PLACED).encode("utf-16"),
        json.dumps(PLACED).encode("utf-32-be"),
        SUCCESS.replace(b"bitfinex", b"\xff\xfe"),
        SUCCESS.replace(b"0.25", b"NaN"),
        SUCCESS.replace(b"0.25", b"Infinity"),
        SUCCESS.replace(b"0.25", b"1e999"),
        SUCCESS.replace(b"0.25", b"1" * 5000),
        b"[" * 100_000,
        b'{"ok":' * 100_000,
    ],
)
def test_a_body_that_is_no_json_object_is_unknown_and_quoted(body: bytes) -> None:
    found = answered(body)
    assert (found.label, found.order_id) == (Label.UNKNOWN, None)
    assert found.reason.startswith("the reply is no JSON object: ")
    assert found.reason.isprintable()
    assert len(found.reason) < 2000


@pytest.mark.parametrize(
    "body",
    [
        b'{"ok": true, "ok": false, "error": "invalid_symbol"}',
        b'{"ok": false, "error": "internal_error", "error": "invalid_symbol"}',
        SUCCESS.replace(b'"ok": true', b'"ok": false, "error": "internal_error", "ok": true'),
        SUCCESS.replace(b'"meta": {', b'"meta": {"size_after": 0.1, '),
    ],
)
def test_a_reply_that_says_two_things_under_one_name_is_unknown(body: bytes) -> None:
    assert answered(body).label is Label.UNKNOWN


def test_a_reply_that_is_no_json_is_kept_as_the_beginning_of_its_text() -> None:
    assert answered(b"<html>\x1b" + b"x" * 1000).reply == "<html>\\x1b" + "x" * 293


def test_a_reply_is_kept_whole_up_to_8_kib_and_its_beginning_beyond() -> None:
    whole: dict[str, Any] = {**PLACED, "more": ""}
    whole["more"] = "x" * (8192 - len(json.dumps(whole)))
    assert answered(whole) == Submission(Label.ACKED, "", 41, 0.25, whole)
    whole["more"] += "x"
    assert answered(whole) == Submission(Label.ACKED, "", 41, 0.25, json.dumps(whole)[:300])


def test_a_reply_is_read_up_to_a_mebibyte_and_unknown_beyond() -> None:
    assert answered(SUCCESS.ljust(1024 * 1024)).label is Label.ACKED
    assert answered(SUCCESS.ljust(1024 * 1024 + 1)).label is Label.UNKNOWN


def test_a_reply_nested_deeper_than_any_is_no_json_object() -> None:
    assert answered(placed(more=nested(19))).label is Label.ACKED
    assert answered(placed(more=nested(20))).label is Label.UNKNOWN
    assert answered(placed(more=[{"a": nested(18)}])).label is Label.UNKNOWN


def test_what_is_kept_of_any_reply_can_be_written() -> None:
    for body in (b'{"a": "\\ud800"}', SUCCESS, b"\xed\xa0\x80", b'{"ok": false, "error": "\\u0000\\u202e"}'):
        found = answered(body)
        assert found.reason.isprintable()
        assert json.loads(json.dumps(found.reply, allow_nan=False)) == found.reply


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["SUCCESS", "invalid_symbol", ""]),
    lambda inner: (
        st.lists(inner, max_size=8)
        | st.dictionaries(st.sampled_from(["ok", "error", "response", "meta", "size_after"]), inner, max_size=5)
    ),
)


def proves_an_order(document: Any) -> bool:
    """Say in other words than the code what an order takes."""
    if not isinstance(document, dict) or document.get("ok") is not True:
        return False
    response = document.get("response")
    if not isinstance(response, list) or len(response) < 7 or response[6] != "SUCCESS":
        return False
    named = response[4]
    while type(named) is list and named:
        named = named[0]
    return type(named) is int and named > 0


@given(JSON)
def test_any_json_has_the_label_that_it_proves(document: Any) -> None:
    body = json.dumps(document).encode()
    found = answered(body)
    sound = b"NaN" not in body and b"Infinity" not in body
    refused = isinstance(document, dict) and document.get("ok") is False and document.get("error") == "invalid_symbol"
    assert (found.label is Label.ACKED) is (sound and proves_an_order(document))
    assert (found.label is Label.REJECTED) is (sound and refused)


@given(st.lists(st.none() | st.integers(-1, 2) | st.just("SUCCESS") | st.just([[5]]), max_size=9))
def test_any_notification_has_the_label_that_it_proves(response: list[Any]) -> None:
    document = placed(response=response)
    assert (answered(document).label is Label.ACKED) is proves_an_order(document)


@given(st.binary(max_size=200), st.integers(200, 599))
def test_any_bytes_are_labelled_and_never_acked(body: bytes, status: int) -> None:
    found = answered(body, status)
    assert (found.label is Label.REJECTED) is (status in {404, 405, 422})
    assert found.label is not Label.ACKED
    json.dumps(found.reply, allow_nan=False)


@given(st.integers(0, len(SUCCESS) - 1))
def test_a_success_cut_anywhere_is_unknown(length: int) -> None:
    assert answered(SUCCESS[:length]).label is Label.UNKNOWN


# What comes of no reply.


def test_a_reply_that_never_came_is_unknown_and_says_why() -> None:
    assert connected(Canned(httpx.ReadTimeout("slow"))).submit(ORDER) == Submission(Label.UNKNOWN, "no reply within 5s")


def test_a_refused_connection_is_rejected() -> None:
    error = httpx.ConnectError("all attempts failed")
    error.__cause__ = ConnectionRefusedError(111, "refused")
    found = connected(Canned(error)).submit(ORDER)
    assert found == Submission(Label.REJECTED, "cannot connect to http://api: all attempts failed")


@pytest.mark.parametrize("cause", [None, TimeoutError(), OSError(113, "no route"), ConnectionResetError()])
def test_a_connection_that_failed_otherwise_is_unknown(cause: Exception | None) -> None:
    error = httpx.ConnectError("failed")
    error.__cause__ = cause
    assert connected(Canned(error)).submit(ORDER).label is Label.UNKNOWN


def test_a_refusal_that_is_being_handled_elsewhere_is_not_taken_for_this_one() -> None:
    api = connected(Canned(httpx.ConnectError("no route")))
    try:
        raise ConnectionRefusedError  # noqa: TRY301 - the wallets' connection, say
    except ConnectionRefusedError:
        assert api.submit(ORDER).label is Label.UNKNOWN


def test_a_refusal_after_the_connection_was_made_is_unknown() -> None:
    error = httpx.ReadError("refused")
    error.__cause__ = ConnectionRefusedError()
    assert connected(Canned(error)).submit(ORDER).label is Label.UNKNOWN


# What is sent.


def test_the_request_is_what_the_api_takes() -> None:
    transport = Canned((200, SUCCESS))
    connected(transport).submit(PaperOrder("tTESTETH:TESTUSDT", "SHORT", 2))
    request = transport.asked[0]
    assert (request.method, str(request.url)) == ("POST", "http://api/paper/submit")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.read()) == {"symbol": "tTESTETH:TESTUSDT", "side": "SHORT", "size": 2, "type": "MARKET"}


@pytest.mark.parametrize("answer", [(200, SUCCESS), httpx.ReadTimeout(""), ValueError("a bug")])
def test_the_connection_is_let_go_of_whatever_comes(answer: tuple[int, bytes] | Exception) -> None:
    transport = Canned(answer)
    try:
        connected(transport).submit(ORDER)
    except ValueError:
        assert isinstance(answer, ValueError)
    assert (len(transport.asked), transport.closed) == (1, 1)


def test_the_deadline_lies_above_what_the_api_can_take_and_the_cache_is_its_own() -> None:
    assert (SUBMIT_SECONDS, CACHE_SECONDS) == (90.0, 5.0)


def nobody() -> Http:
    raise NotImplementedError("a connection was asked for")


TEST_PAIRS = st.from_regex(r"tTEST[A-Z0-9]{2,10}:TESTUSDT?", fullmatch=True)
NEARLY = st.sampled_from(
    [
        *("tBTCUSD", "tBTCUST", "tTESTBTC:TESTUSD\n", " tTESTBTC:TESTUSD", "tTESTBTC:USD", "tBTC:TESTUSD", "fTESTUSD"),
        *("TTESTBTC:TESTUSD", "tTESTBTCTESTUSD", "tTESTBTC:TESTUSDTT", "tTESTB:TESTUSD", "tTESTBTCBTCBTCBTC:TESTUSD"),
        *("tTESTbtc:TESTUSD", "ttestbtc:testusd", "tTESTBTC:TESTUSD,tBTCUSD", "tTESTBTC:TESTUST", "tTESTBTCF0:USTF0"),
        *("tTEST\u0660\u0661:TESTUSD", "tTESTBTC:TESTUSD\x00", "tTESTBTC\uff1aTESTUSD", "", "tTEST:TESTUSD"),
    ]
)
ALIKE = st.text(alphabet="tTESUDBC:" + string.ascii_uppercase + string.digits, max_size=20)
SYMBOLS: st.SearchStrategy[Any] = st.text() | NEARLY | ALIKE | st.none() | st.integers() | st.binary()
SIDES: st.SearchStrategy[Any] = (
    st.text() | st.sampled_from(["NONE", "long", "BUY", "SELL", "LONG "]) | st.none() | st.just(["LONG"])
)
WRONG_SIZES: st.SearchStrategy[Any] = (
    st.floats(max_value=0)
    | st.floats(min_value=1e15)
    | st.integers(max_value=0)
    | st.integers(min_value=10**15)
    | st.booleans()
    | st.none()
    | st.text()
    | st.just(float("nan"))
)


def exact(symbol: Any) -> bool:
    """Say in other words than the code what a TEST pair is."""
    if not isinstance(symbol, str) or not symbol.startswith("tTEST"):
        return False
    base, _, quote = symbol.removeprefix("tTEST").partition(":")
    plain = all(c in string.ascii_uppercase + string.digits for c in base)
    return plain and 2 <= len(base) <= 10 and quote in {"TESTUSD", "TESTUSDT"}


def assert_held_back(order: PaperOrder) -> None:
    with pytest.raises(AssertionError, match="only orders for TEST pairs are sent"):
        PaperApi(nobody_asks(), nobody).submit(order)


def nobody_asks() -> Http:
    return Http("http://api", Wall(), 5.0, Canned(NotImplementedError("it was asked")))


@given(SYMBOLS.filter(lambda symbol: not exact(symbol)), st.sampled_from(["LONG", "SHORT"]), st.floats(0.01, 10))
def test_nothing_but_a_test_pair_is_ever_sent(symbol: Any, side: str, size: float) -> None:
    assert_held_back(PaperOrder(symbol, side, size))


@given(TEST_PAIRS, SIDES.filter(lambda side: side not in {"LONG", "SHORT"} if isinstance(side, str) else True))
def test_nothing_but_long_and_short_is_ever_sent(symbol: str, side: Any) -> None:
    assert_held_back(PaperOrder(symbol, side, 1.0))


@given(TEST_PAIRS, WRONG_SIZES)
def test_nothing_but_a_size_above_zero_is_ever_sent(symbol: str, size: Any) -> None:
    assert_held_back(PaperOrder(symbol, "LONG", size))


@given(SYMBOLS | TEST_PAIRS, SIDES | st.just("LONG"), WRONG_SIZES | st.floats(0.01, 1))
def test_a_request_leaves_exactly_for_what_may_be_sent(symbol: Any, side: Any, size: Any) -> None:
    transport = Canned((200, SUCCESS))
    real = isinstance(size, float) and 0.01 <= size <= 1
    try:
        connected(transport).submit(PaperOrder(symbol, side, size))
    except AssertionError:
        assert not transport.asked
        assert not (exact(symbol) and side in ("LONG", "SHORT") and real)
    else:
        assert exact(symbol)
        assert json.loads(transport.asked[0].read())["symbol"] == symbol


# Pairs.


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("tBTCUSD", "tTESTBTC:TESTUSD"),
        ("tBTCUST", "tTESTBTC:TESTUSDT"),
        ("tDOGE:USD", "tTESTDOGE:TESTUSD"),
        ("tB1USD", "tTESTB1:TESTUSD"),
        ("tABCDEFGHIJ:UST", "tTESTABCDEFGHIJ:TESTUSDT"),
        ("tTESTBTC:TESTUSD", "tTESTBTC:TESTUSD"),
        ("tTESTBTC:TESTUSDT", "tTESTBTC:TESTUSDT"),
    ],
)
def test_a_symbol_is_traded_as_its_test_pair(symbol: str, pair: str) -> None:
    assert paper_pair(symbol) == pair


@pytest.mark.parametrize(
    "symbol",
    [
        *(
            "",
            "BTCUSD",
            "tBTCEUR",
            "tBTCUSDT",
            "tbtcusd",
            "tBTCUSD ",
            "tBTCUSD\n",
            "fUSD",
            "tUSD",
            "tBUSD",
            "tBTC::USD",
        ),
        *("tTESTBTCUSD", "tTESTBTC:USD", "tTESTUSD", "tTESTBTC:TESTEUR", "tTESTBTC:TESTUSDTT", "tABCDEFGHIJK:USD"),
        *("tBTC/USD", "tBTCF0:USTF0", "tTESTBTCF0:TESTUSTF0", "t\u0660\u0661USD"),
    ],
)
def test_any_other_symbol_has_no_test_pair(symbol: str) -> None:
    with pytest.raises(Refused, match="has no paper pair") as caught:
        paper_pair(symbol)
    assert str(caught.value).isprintable()
    assert caught.value.next_command == "genesis-ops run --dry-run"


@given(st.text() | ALIKE | NEARLY | st.from_regex(r"t[A-Z]{3,5}:?(USD|UST|EUR)", fullmatch=True))
def test_a_pair_that_is_named_is_always_a_test_pair(symbol: str) -> None:
    try:
        assert exact(paper_pair(symbol))
    except Refused:
        assert not exact(symbol)


# The whitelist.


def test_the_whitelist_is_the_set_of_its_symbols() -> None:
    transport = Canned((200, b'{"symbols":["tTESTBTC:TESTUSD","tTESTETH:TESTUSD"]}'))
    assert connected(transport).whitelist() == {"tTESTBTC:TESTUSD", "tTESTETH:TESTUSD"}
    assert (transport.asked[0].method, str(transport.asked[0].url)) == ("GET", "http://api/paper/whitelist")


@pytest.mark.parametrize("symbols", [None, "tTESTBTC:TESTUSD", {}, [1], ["tTESTBTC:TESTUSD", None], [["a"]]])
def test_a_whitelist_that_is_no_list_of_names_is_a_failure(symbols: Any) -> None:
    with pytest.raises(PaperFailure, match="GET /paper/whitelist: no list of symbols"):
        told({"symbols": symbols}).whitelist()


# The wallets.


def wallets(items: Any, **more: Any) -> Mapping[str, float]:
    return told({"items": items, **more}).wallets()


def test_the_wallets_are_the_exchange_balances_by_currency() -> None:
    transport = Canned((200, json.dumps({"items": WALLETS}).encode()))
    assert connected(transport).wallets() == {"TESTBTC": 0.5, "TESTUSD": 50_000.0}
    assert (transport.asked[0].method, str(transport.asked[0].url)) == ("GET", "http://api/account/wallets")


def test_no_items_without_an_error_are_no_money() -> None:
    assert wallets([]) == {}
    assert wallets([], error=None) == {}


@pytest.mark.parametrize("items", [[], WALLETS])
@pytest.mark.parametrize("error", ["internal_error", {"code": 1}, ["x"], 1, True])
def test_an_error_is_never_read_as_wallets(items: Any, error: Any) -> None:
    with pytest.raises(PaperFailure, match=r"GET /account/wallets: .*(internal_error|code|x|1|true)"):
        wallets(items, error=error)


@pytest.mark.parametrize("items", [None, {}, "[]", 0])
def test_items_that_are_no_list_are_a_failure(items: Any) -> None:
    with pytest.raises(PaperFailure, match="GET /account/wallets: null"):
        wallets(items)


@pytest.mark.parametrize("kind", ["margin", "funding", "", "EXCHANGE"])
def test_a_wallet_of_another_kind_is_passed_over_whatever_it_holds(kind: str) -> None:
    other = {"type": kind, "currency": "TESTBTC", "balance": None}
    assert wallets([*WALLETS, other]) == {"TESTBTC": 0.5, "TESTUSD": 50_000.0}


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        "exchange",
        1,
        {},
        {"currency": "TESTBTC", "balance": 1},
        {"type": None, "currency": "TESTBTC", "balance": 1},
        {"type": ["exchange"], "currency": "TESTBTC", "balance": 1},
        {"type": "exchange", "balance": 1},
        {"type": "exchange", "currency": None, "balance": 1},
        {"type": "exchange", "currency": 1, "balance": 1},
        {"type": "exchange", "currency": "TESTBTC"},
        {"type": "exchange", "currency": "TESTBTC", "balance": None},
        {"type": "exchange", "currency": "TESTBTC", "balance": "1"},
        {"type": "exchange", "currency": "TESTBTC", "balance": True},
        {"type": "exchange", "currency": "TESTBTC", "balance": [1]},
        {"type": "exchange", "currency": "TESTBTC", "balance": 1e15},
        {"type": "exchange", "currency": "TESTBTC", "balance": -1e15},
        {"type": "exchange", "currency": "TESTBTC", "balance": 10**400},
    ],
)
def test_an_item_that_is_no_wallet_is_a_failure_that_quotes_it(item: Any) -> None:
    with pytest.raises(PaperFailure) as caught:
        wallets([*WALLETS, item])
    assert caught.value.message == f"GET /account/wallets: not a wallet: {json.dumps(item)[:300]}"


@pytest.mark.parametrize("balance", [0, -1.5, 10**15 - 1])
def test_a_balance_is_any_number_that_money_can_be(balance: float) -> None:
    found = wallets([{"type": "exchange", "currency": "TESTBTC", "balance": balance}])
    assert found == {"TESTBTC": balance}
    assert type(found["TESTBTC"]) is float


def test_two_exchange_wallets_of_one_currency_are_no_evidence() -> None:
    with pytest.raises(PaperFailure, match="two exchange wallets"):
        wallets([*WALLETS, WALLETS[0]])


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_balance_that_is_no_number_is_a_failure(number: bytes) -> None:
    body = b'{"items":[{"type":"exchange","currency":"TESTBTC","balance":' + number + b"}]}"
    with pytest.raises(PaperFailure, match="GET /account/wallets: HTTP 200: "):
        told(body).wallets()


@pytest.mark.parametrize("ask", [PaperApi.whitelist, PaperApi.wallets])
@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"items": [], "symbols": []}, 500),
        ({"items": [], "symbols": []}, 204),
        ([], 200),
        (b"", 200),
        (b"<html>", 200),
        (b'{"items": [], "items": [], "symbols": [], "symbols": []}', 200),
    ],
)
def test_a_reply_that_is_none_is_a_failure_with_its_status_and_beginning(
    ask: Callable[[PaperApi], Any], document: Any, status: int
) -> None:
    with pytest.raises(PaperFailure, match=rf"GET /\w+/\w+: HTTP {status}: "):
        ask(told(document, status))


@pytest.mark.parametrize("ask", [PaperApi.whitelist, PaperApi.wallets])
def test_no_reply_is_a_failure_that_says_why(ask: Callable[[PaperApi], Any]) -> None:
    with pytest.raises(PaperFailure, match=r"GET /\w+/\w+: no reply within 5s") as caught:
        ask(connected(Canned(httpx.ReadTimeout("slow"))))
    assert isinstance(caught.value.__cause__, HttpFailure)


@given(JSON)
def test_any_items_are_wallets_or_a_failure(items: Any) -> None:
    with suppress(PaperFailure):
        assert all(type(balance) is float for balance in wallets(items).values())


# On real sockets.


class Api:
    """A server on loopback that gives one answer to everything and counts connections."""

    def __init__(self, listener: socket.socket, answer: bytes) -> None:
        self.listener, self.answer, self.accepted = listener, answer, 0
        self.url = "http://{}:{}".format(*listener.getsockname())

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            with connection:
                connection.settimeout(5)
                # One connection may carry any number of requests here; a client that keeps one would show by it.
                while received := connection.recv(65536):
                    if received.endswith(b"}") or received.startswith(b"GET"):
                        connection.sendall(self.answer)


@contextmanager
def serving(answer: bytes, host: str = "127.0.0.1") -> Iterator[Api]:
    with socket.create_server((host, 0)) as listener:
        api = Api(listener, answer)
        thread = threading.Thread(target=api.serve, daemon=True)
        thread.start()
        yield api
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def written(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def direct(url: str) -> PaperApi:
    def http() -> Http:
        return Http(url, Wall(), 5.0, direct=True)

    return PaperApi(http(), http)


def test_each_order_has_a_connection_of_its_own() -> None:
    with serving(written("200 OK", SUCCESS)) as server:
        api = direct(server.url)
        labels = [api.submit(ORDER).label for _ in range(5)]
        assert (labels, server.accepted) == ([Label.ACKED] * 5, 5)


def test_no_order_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is one of loopback's others, which the exceptions for this machine do not name."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(written("200 OK", SUCCESS), "127.0.0.2") as server, serving(written("200 OK", b"{}")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert direct(server.url).submit(ORDER).label is Label.ACKED
        assert (server.accepted, proxy.accepted) == (1, 0)
        through = Http(server.url, Wall(), 5.0)
        through.send(through.prepare("GET", "/"))
        through.close()
        assert (server.accepted, proxy.accepted) == (1, 1), "the proxy is there to be used by what is not direct"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_order_follows_a_redirect(status: str) -> None:
    with serving(written("200 OK", SUCCESS)) as other:
        redirect = written(status, b"", f"Location: {other.url}/paper/submit")
        with serving(redirect) as server:
            assert direct(server.url).submit(ORDER).label is Label.UNKNOWN
            assert (server.accepted, other.accepted) == (1, 0)
