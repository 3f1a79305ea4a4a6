"""How orders are drawn: marks, columns, and what stands in a line."""

import json
from typing import Any

import pytest

from genesis_ops.checks.model import Outcome
from genesis_ops.journal.book import Book, Order
from genesis_ops.journal.record import Kind, Record
from genesis_ops.report.cells import cells
from genesis_ops.report.orders import Shown, as_json, doubt, one, resolve_command, standing, sums, table
from genesis_ops.report.text import Page
from genesis_ops.words import HOUR_MS, day, iso

BEGIN = 1_770_206_400_000  # 2026-02-04 12:00 UTC
WALLETS = {"TESTUSD": 1000000.0, "TESTBTC": 10.0, "TESTETH": 3.0}
ACK = {"reason": "", "latency_ms": 412, "order_id": 7, "size_taken": None, "reply": {"ok": True}}
DOUBTFUL = {"reason": "no reply within 90s", "latency_ms": 90_000, "order_id": None, "size_taken": None, "reply": None}
RESOLVED = {"filled": False, "by": "ops@host", "reason": "the exchange says so"}


def evidence(fill: str, multiple: float | None) -> dict[str, Any]:
    moved = None if multiple is None else [0.015 * multiple, -1065.0 * multiple]
    after = None if moved is None else {"TESTUSD": 1000000.0 + moved[1], "TESTBTC": 10.0 + moved[0], "TESTETH": 4.0}
    return {"fill": fill, "multiple": multiple, "moved": moved, "after": after}


def made(
    *steps: tuple[Kind, dict[str, Any]], hour: int = 1, symbol: str = "tTESTBTC:TESTUSD"
) -> tuple[Order, list[Record]]:
    candle_ts = BEGIN + hour * HOUR_MS
    name = f"{day(candle_ts)}-{iso(candle_ts)[11:16].replace(':', '')}"
    about = {"candle_ts": candle_ts, "symbol": symbol, "side": "LONG", "size": 0.015, "price": 71000.0}
    all_steps = [(Kind.DECIDED, {**about, "config_hash": "b"}), *steps]
    records = [
        Record(number, candle_ts + HOUR_MS + 20_000 * number, kind, {"id": name, **content})
        for number, (kind, content) in enumerate(all_steps)
    ]
    book = Book()
    for record in records:
        book.take(record)
    return book.orders[name], records


ARMED = (Kind.ARMED, {"before": WALLETS})
ACKED, ASKED = (Kind.ACKED, ACK), (Kind.UNKNOWN, DOUBTFUL)


def seen(fill: str, multiple: float | None) -> tuple[Kind, dict[str, Any]]:
    return (Kind.EVIDENCE, evidence(fill, multiple))


CASES = [
    ((), Outcome.UNKNOWN, "?"),
    ((ARMED,), Outcome.FAIL, "✗"),
    ((ARMED, ACKED), Outcome.UNKNOWN, "?"),
    ((ARMED, ACKED, seen("once", 1.0)), Outcome.PASS, "✓"),
    ((ARMED, ACKED, seen("none", 0.0)), Outcome.WARN, "!"),
    ((ARMED, ACKED, seen("unclear", 0.5)), Outcome.WARN, "!"),
    ((ARMED, ACKED, seen("unreadable", None)), Outcome.WARN, "!"),
    ((ARMED, ACKED, seen("several", 2.0)), Outcome.FAIL, "✗"),
    ((ARMED, ACKED, seen("several", 2.0), (Kind.RESOLVED, RESOLVED)), Outcome.PASS, "✓"),
    ((ARMED, ASKED), Outcome.FAIL, "✗"),
    ((ARMED, ASKED, seen("unclear", 0.5)), Outcome.FAIL, "✗"),
    ((ARMED, ASKED, seen("none", 0.0)), Outcome.PASS, "✓"),
    ((ARMED, ASKED, seen("once", 1.0)), Outcome.PASS, "✓"),
    ((ARMED, ASKED, (Kind.RESOLVED, RESOLVED)), Outcome.PASS, "✓"),
    (((Kind.BLOCKED, {"reason": "latch"}),), Outcome.SKIP, "–"),  # noqa: RUF001 - a mark
    (((Kind.EXPIRED, {"reason": "late"}),), Outcome.SKIP, "–"),  # noqa: RUF001 - a mark
    ((ARMED, (Kind.REJECTED, {"reason": "HTTP 404", "latency_ms": 3})), Outcome.SKIP, "–"),  # noqa: RUF001 - a mark
]


def drawn(*orders: Order, width: int = 80, unicode: bool = True, sending: frozenset[str] = frozenset()) -> list[str]:
    lines = table(Shown(orders, "logs", sending), Page(width, unicode))
    return ["".join(span.text for span in line) for line in lines]


def told(order: Order, records: list[Record], width: int = 80, sending: frozenset[str] = frozenset()) -> list[str]:
    return ["".join(span.text for span in line) for line in one(order, records, Page(width, unicode=True), sending)]


@pytest.mark.parametrize(("steps", "outcome", "mark"), CASES)
def test_an_order_has_one_mark_and_the_same_in_the_list_and_alone(steps: Any, outcome: Outcome, mark: str) -> None:
    order, records = made(*steps)
    assert standing(order) is outcome
    assert drawn(order)[2].split()[0] == mark
    assert told(order, records)[0].split()[2] == mark


@pytest.mark.parametrize(("steps", "outcome", "mark"), CASES)
@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_nothing_is_wider_than_the_page(steps: Any, outcome: Outcome, mark: str, width: int, unicode: bool) -> None:
    order, records = made(*steps)
    lines = drawn(order, width=width, unicode=unicode)
    lines += ["".join(span.text for span in line) for line in one(order, records, Page(max(width, 80), unicode))]
    assert all(cells(line) <= max(width, 80) for line in lines)
    assert all(cells(line) <= width for line in drawn(order, width=width, unicode=unicode))
    assert unicode or all(line.isascii() for line in lines)
    assert outcome in Outcome
    assert mark


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((ARMED, ACKED, seen("once", 1.0)), ["ACKED", "0.015", "wallets", "412ms", "+0.015", "-1,065.00"]),
        ((ARMED, ACKED, seen("unclear", 0.5)), ["ACKED", "0.0075?", "wallets", "412ms", "+0.0075", "-532.50"]),
        ((ARMED, ACKED, seen("several", 2.0)), ["ACKED", "2.00", "times", "wallets", "412ms", "+0.03", "-2,130.00"]),
        ((ARMED, ACKED, seen("unreadable", None)), ["ACKED", "unread", "412ms"]),
        ((ARMED, ASKED, seen("none", 0.0)), ["UNKNOWN", "nothing", "wallets", "90.0s", "+0", "+0.00"]),
        ((ARMED, ASKED, (Kind.RESOLVED, RESOLVED)), ["UNKNOWN", "no", "operator", "90.0s"]),
        ((ARMED, ASKED, (Kind.RESOLVED, RESOLVED | {"filled": True})), ["UNKNOWN", "yes", "operator", "90.0s"]),
        ((), ["DECIDED"]),
    ],
)
def test_a_line_says_the_outcome_who_says_it_and_what_the_wallets_did(steps: Any, words: list[str]) -> None:
    assert drawn(made(*steps)[0], width=120)[2].split()[4:] == words


def test_at_80_columns_what_the_wallets_paid_gives_way_first() -> None:
    several = made(ARMED, ACKED, seen("several", 2.0))[0]
    assert "TESTUSD" in drawn(several, width=120)[1]
    head = drawn(several, width=80)[1]
    assert head.endswith("TESTBTC")
    assert "TESTBTC" not in drawn(several, width=60)[1]


def test_orders_of_several_pairs_have_no_currency_in_the_head() -> None:
    both = made(ARMED, hour=1)[0], made(ARMED, hour=2, symbol="tTESTETH:TESTUSD")[0]
    assert drawn(*both, width=120)[1].split()[-2:] == ["base", "quote"]


def test_the_sums_count_every_outcome_and_what_is_in_doubt() -> None:
    orders = [made(*steps, hour=hour)[0] for hour, (steps, _, _) in enumerate(CASES)]
    assert sums(orders) == (
        "17 orders: 1 decided, 1 armed, 7 acked, 1 rejected, 5 unknown, 1 blocked, 1 expired; 4 unresolved"
    )
    assert sums(orders[3:4]) == "1 order: 1 acked; none unresolved"


def test_an_order_that_is_being_sent_is_no_doubt() -> None:
    order, records = made(ARMED)
    sending = frozenset({order.id})
    assert standing(order, sending) is Outcome.UNKNOWN
    for lines in (drawn(order, sending=sending), told(order, records, sending=sending)):
        assert "being sent at this moment" in lines[-1]
        assert not any("orders resolve" in line for line in lines)
    assert json.loads(as_json([order], sending))["orders"][0]["sending"] is True


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((ARMED,), "is ARMED since 2026-02-04 14:00 UTC: the request may have left, and no outcome was written"),
        ((ARMED, ASKED), "is UNKNOWN since 2026-02-04 14:00 UTC: no reply within 90s"),
        ((ARMED, ASKED, seen("unreadable", None)), "no reply within 90s; the wallets could not be read"),
        ((ARMED, ACKED, seen("several", 2.0)), "was filled several times, since 2026-02-04 14:00 UTC: +0.03000000"),
    ],
)
def test_a_doubt_says_which_order_since_when_and_why(steps: Any, words: str) -> None:
    order, records = made(*steps)
    assert words in doubt(order)
    assert told(order, records)[-1].endswith(resolve_command(order))


def test_the_wallets_show_both_currencies_and_whatever_else_moved() -> None:
    lines = told(*made(ARMED, ACKED, seen("once", 1.0)))
    rows = [line.split() for line in lines if line.startswith("  TEST")]
    assert rows == [
        ["TESTBTC", "10.00000000", "10.01500000", "+0.01500000"],
        ["TESTUSD", "1,000,000.00000000", "998,935.00000000", "-1,065.00000000"],
        ["TESTETH", "3.00000000", "4.00000000", "+1.00000000"],
    ]


def test_wallets_that_nobody_could_read_are_said() -> None:
    assert any("could not be read" in line for line in told(*made((Kind.ARMED, {"before": None}), ASKED)))
    assert any("not been read after it" in line for line in told(*made(ARMED, ASKED)))


def test_a_size_that_the_api_changed_is_said() -> None:
    lines = told(*made(ARMED, (Kind.ACKED, ACK | {"size_taken": 0.01})))
    assert "the API took 0.01" in " ".join(" ".join(lines).split())


def test_a_reply_that_is_deeply_nested_is_drawn_all_the_same() -> None:
    reply: Any = "x" * 300
    for _ in range(18):
        reply = [reply, {"a": "\x1b[31m\u202e"}]
    lines = told(*made(ARMED, (Kind.ACKED, ACK | {"reply": reply})))
    assert all(cells(line) <= 80 for line in lines)
    assert all(line.isprintable() for line in lines)
    assert "".join("".join(lines).split()).count("x") >= 300


def test_currencies_of_any_name_keep_the_page() -> None:
    wallets = {"ｗｉｄｅ" * 9: 1e14, "\x1b[2J": 2.0}  # noqa: RUF001 - wide on purpose
    after = dict.fromkeys(wallets, 3.0)
    steps = ((Kind.ARMED, {"before": wallets}), ACKED, (Kind.EVIDENCE, evidence("once", 1.0) | {"after": after}))
    lines = told(*made(*steps, symbol="tTEST" + "界" * 30 + ":TESTUSD"))
    assert all(cells(line) <= 80 for line in lines)
    assert all(line.isprintable() for line in lines)
