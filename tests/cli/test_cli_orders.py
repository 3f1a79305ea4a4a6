"""genesis-ops orders: what was ordered, what came of it, and what an operator says of it; nothing is ever sent."""

import gzip
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import environment, process
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from genesis_ops.cli.app import app
from genesis_ops.collect.judgement import Asked, standing_reasons
from genesis_ops.collect.where import source
from genesis_ops.errors import AbortCondition, write_failed
from genesis_ops.journal.journal import Journal
from genesis_ops.journal.record import Kind, Record, write
from genesis_ops.runlog.writer import DayFile
from genesis_ops.settings import load
from genesis_ops.state.latch import read_latch
from genesis_ops.state.lock import LockWish, hold, runner_locks
from genesis_ops.state.operations import operations_file, read
from genesis_ops.words import HOUR_MS, Mode, day, iso

PASS, FAIL, USAGE, UNKNOWN, WRITE, LOCKED, REFUSED = 0, 1, 2, 3, 70, 75, 78
BEGIN = 1_770_206_400_000  # 2026-02-04 12:00 UTC
SYMBOL = "tTESTBTC:TESTUSD"
BEFORE = {"TESTUSD": 1000000.0, "TESTBTC": 10.0}
FORMATS = ("text", "json", "junit", "nagios", "prometheus", "markdown")
IDS = ["journal-whole", "one-order-per-candle", "orders-resolved", "log-agrees", "state-agrees"]


class Book:
    """A journal made by hand; each order's candle is one hour after the one before."""

    def __init__(self, root: Path) -> None:
        self.logs = root / "logs" / "paper_trading"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.now_ms = BEGIN
        self.candle = BEGIN
        self.journal = Journal(self.logs, lambda: self.now_ms)
        self.put(
            Kind.STARTED, market="tBTCUSD 1h", symbol=SYMBOL, champion_sha256="a", config_hash="b", override="", gate=""
        )

    def put(self, kind: Kind, **content: Any) -> None:
        with self.journal.held("test"):
            self.journal.append(kind, **content)

    def decide(self, side: str = "LONG", size: float = 0.015) -> str:
        self.candle += HOUR_MS
        self.now_ms = self.candle + HOUR_MS
        name = f"{day(self.candle)}-{iso(self.candle)[11:16].replace(':', '')}"
        about = {"symbol": SYMBOL, "side": side, "size": size, "price": 71000.5, "config_hash": "b"}
        self.put(Kind.DECIDED, id=name, candle_ts=self.candle, **about)
        return name

    def arm(self, **about: Any) -> str:
        name = self.decide(**about)
        self.put(Kind.ARMED, id=name, before=BEFORE)
        return name

    def answered(self, kind: Kind, *, reason: str = "", reply: Any = None, **about: Any) -> str:
        name = self.arm(**about)
        self.now_ms += 412
        number = 2000000001 if kind is Kind.ACKED else None
        self.put(kind, id=name, reason=reason, latency_ms=412, order_id=number, size_taken=None, reply=reply)
        return name

    def seen(self, name: str, fill: str, multiple: float) -> None:
        self.now_ms += 20_000
        moved = round(0.015 * multiple, 8)
        after = {"TESTUSD": 1000000.0 - 71000.0 * moved, "TESTBTC": 10.0 + moved}
        self.put(
            Kind.EVIDENCE, id=name, fill=fill, multiple=multiple, moved=[moved, round(-71000.0 * moved, 8)], after=after
        )

    @property
    def files(self) -> list[Path]:
        return sorted(self.logs.glob("runner_orders_*"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def book(root: Path) -> Book:
    return Book(root)


def orders(root: Path, *arguments: str, **variables: str) -> Result:
    done = CliRunner().invoke(app, ["--root", str(root), "orders", *arguments], prog_name="genesis-ops", env=variables)
    assert "Traceback" not in done.output
    assert all(line.isprintable() for line in done.output.splitlines()), done.output
    return done


def shown(root: Path, *arguments: str) -> list[str]:
    done = orders(root, *arguments)
    assert (done.exit_code, done.stderr) == (PASS, "")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80, done.stdout
    return lines


def flat(done: Result) -> str:
    return " ".join(done.output.split())


def below(path: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in path.rglob("*") if each.is_file()}


def resolve(root: Path, name: str, *arguments: str) -> Result:
    given = arguments or ("--filled", "--reason", "seen on the exchange")
    return orders(root, "resolve", name, *given)


# --- list


def test_a_phase_without_a_journal_says_so_in_one_line(root: Path) -> None:
    assert shown(root, "list") == ["no journal of orders in logs/paper_trading: nothing was ever ordered from here"]
    assert json.loads(orders(root, "list", "--format", "json").stdout)["orders"] == []
    assert not (root / "logs").exists()


def test_each_order_is_one_line_with_what_was_asked_and_what_came_of_it(book: Book, root: Path) -> None:
    book.seen(book.answered(Kind.ACKED), "once", 1.0)
    book.put(Kind.BLOCKED, id=book.decide("SHORT", 0.02), reason="the stop latch is set")
    book.answered(Kind.REJECTED, reason="HTTP 404")
    lines = [line.split() for line in shown(root, "list") if line[5:13] == "20260204"]
    assert lines == [
        ["✓", "20260204-1300", "LONG", "0.015", "ACKED", "0.015", "wallets", "412ms", "+0.015"],
        ["–", "20260204-1400", "SHORT", "0.02", "BLOCKED"],  # noqa: RUF001 - a mark
        ["–", "20260204-1500", "LONG", "0.015", "REJECTED", "412ms"],  # noqa: RUF001 - a mark
    ]
    assert "3 orders: 1 acked, 1 rejected, 1 blocked; none unresolved" in shown(root, "list")


def test_an_order_in_doubt_is_named_with_the_next_command(book: Book, root: Path) -> None:
    name = book.answered(Kind.UNKNOWN, reason="no reply within 90s")
    lines = shown(root, "list")
    assert lines[2].split()[:2] == ["✗", name]
    assert lines[-2:] == [
        f"  order {name} is UNKNOWN since 2026-02-04 14:00 UTC: no reply within 90s",
        f'→ genesis-ops orders resolve {name} --filled|--not-filled --reason "..."',
    ]


@pytest.mark.parametrize(
    ("variables", "mark", "arrow"),
    [
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "  x  ", "-> "),
        ({"NO_COLOR": "1"}, "  ✗  ", "→ "),
    ],
)
def test_a_pipe_gets_no_colours_and_where_there_is_no_unicode_plain_marks(
    book: Book, root: Path, variables: dict[str, str], mark: str, arrow: str
) -> None:
    name = book.answered(Kind.UNKNOWN)
    done = process("--root", str(root), "orders", "list", **variables)
    assert (done.returncode, done.stderr) == (PASS, "")
    assert "\x1b" not in done.stdout
    assert f"{mark}{name}" in done.stdout
    assert f"\n{arrow}genesis-ops orders resolve" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_json_has_every_field_of_every_order(book: Book, root: Path) -> None:
    book.seen(book.answered(Kind.ACKED, reply={"ok": True}), "once", 1.0)
    document = json.loads(orders(root, "list", "--format", "json").stdout)
    assert document["schema"] == "genesis-ops.orders/1"
    (order,) = document["orders"]
    expected = {
        "id": "20260204-1300", "candle": "2026-02-04T13:00:00.000Z", "candle_ts": BEGIN + HOUR_MS,
        "purpose": "runner", "symbol": SYMBOL, "base": "TESTBTC",
        "quote": "TESTUSD", "side": "LONG", "size": 0.015, "price": 71000.5, "config_hash": "b",
        "decided_at": "2026-02-04T14:00:00.000Z", "armed_at": "2026-02-04T14:00:00.000Z", "outcome": "ACKED",
        "outcome_at": "2026-02-04T14:00:00.412Z", "reason": "", "latency_ms": 412, "order_id": 2000000001,
        "size_taken": None, "executed": 0.015, "fill": "once", "multiple": 1.0, "base_change": 0.015,
        "quote_change": -1065.0, "before": BEFORE, "after": {"TESTUSD": 998935.0, "TESTBTC": 10.015},
        "reply": {"ok": True}, "resolved": None, "resolved_by": "", "submitted": True, "open": False,
        "unresolved": False, "sending": False,
    }  # fmt: skip
    assert order == expected


# --- show


def test_an_order_is_shown_step_by_step_with_request_reply_and_wallets(book: Book, root: Path) -> None:
    book.seen(book.answered(Kind.ACKED, reply={"ok": True, "response": [1, "on-req"]}), "once", 1.0)
    text = "\n".join(shown(root, "show", "1300"))
    for words in (
        "Order 20260204-1300  ✓  LONG 0.015  ACKED, filled: 0.015 (wallets)",
        "04 Feb 14:00:00.000            decided   LONG 0.015 tTESTBTC:TESTUSD,",
        "04 Feb 14:00:00.412    +412ms  acked     after 412ms, exchange order",
        "04 Feb 14:00:20.412    +20.0s  evidence  +0.01500000 TESTBTC",
        '  request  {"symbol": "tTESTBTC:TESTUSD", "side": "LONG", "size": 0.015, "type":\n           "MARKET"}',
        '  reply    {"ok": true, "response": [1, "on-req"]}',
        "  TESTBTC            10.00000000         10.01500000         +0.01500000",
        "  TESTUSD     1,000,000.00000000    998,935.00000000     -1,065.00000000",
    ):
        assert words in text
    steps = json.loads(orders(root, "show", "1300", "--format", "json").stdout)["order"]["steps"]
    assert [step["kind"] for step in steps] == ["decided", "armed", "acked", "evidence"]


@pytest.mark.parametrize("part", ["20260204-1300", "1300", "300", "20260204-13"])
def test_a_part_of_an_id_that_only_one_order_begins_or_ends_with_is_enough(book: Book, root: Path, part: str) -> None:
    book.answered(Kind.ACKED)
    book.answered(Kind.ACKED)
    assert shown(root, "show", part)[0].startswith("Order 20260204-1300 ")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("20260204", "2 orders begin or end with '20260204' 20260204-1300, 20260204-1400"),
        ("9999", "no order is '9999' 20260204-1300, 20260204-1400"),
        ("", "no order is '' 20260204-1300, 20260204-1400"),
        ("\x1b[31m", "no order is '\\x1b[31m' 20260204-1300, 20260204-1400"),
        ("../../etc/passwd", "no order is '../../etc/passwd'"),
    ],
)
def test_an_id_that_is_unknown_or_ambiguous_is_usage_and_names_the_candidates(
    book: Book, root: Path, part: str, words: str
) -> None:
    book.answered(Kind.UNKNOWN)
    book.answered(Kind.UNKNOWN)
    before = below(root)
    for done in (orders(root, "show", part), resolve(root, part)):
        assert (done.exit_code, done.stdout) == (USAGE, "")
        assert words in flat(done)
        assert "orders list" in done.stderr
    assert below(root) == before


def test_where_there_is_no_order_show_and_resolve_say_so(root: Path) -> None:
    for done in (orders(root, "show", "1300"), resolve(root, "1300")):
        assert (done.exit_code, done.stdout) == (USAGE, "")
        assert "there is no order in logs/paper_trading" in done.stderr
    assert not (root / "logs").exists()


@pytest.mark.parametrize("reply", ["\x1b[31mred\x1b[0m", {"a\x9b": ["\u202e", "\r\n", "\x07"]}, "\ud800", ["é" * 300]])
def test_what_a_reply_holds_reaches_no_terminal_unescaped(book: Book, root: Path, reply: Any) -> None:
    book.answered(Kind.UNKNOWN, reason="HTTP 500: \x1b]0;owned\x07", reply=reply)
    shown(root, "list")
    shown(root, "show", "1300")
    for arguments in (("list", "--format", "json"), ("show", "1300", "--format", "json")):
        assert orders(root, *arguments).stdout.isascii()


_texts = st.text(max_size=30)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reply=_json, reason=_texts, side=_texts)
def test_whatever_is_replied_is_shown_in_80_columns(tmp_path: Path, reply: Any, reason: str, side: str) -> None:
    shutil.rmtree(tmp_path / "logs", ignore_errors=True)
    Book(tmp_path).answered(Kind.UNKNOWN, reason=reason, reply=reply, side=side)
    from genesis_ops.report.cells import cells

    for arguments in (("list",), ("show", "1300")):
        done = orders(tmp_path, *arguments)
        assert done.exit_code == PASS
        assert max(map(cells, done.stdout.splitlines())) <= 80


# --- resolve


@pytest.mark.parametrize(("flag", "said"), [("--filled", "filled"), ("--not-filled", "not filled")])
def test_an_order_in_doubt_is_resolved_on_record_and_nothing_is_in_doubt_then(
    book: Book, root: Path, flag: str, said: str
) -> None:
    name = book.answered(Kind.UNKNOWN)
    assert orders(root, "verify").exit_code == FAIL
    done = resolve(root, name, flag, "--reason", "  seen on the exchange  ")
    assert (done.exit_code, done.stderr) == (PASS, "")
    assert done.stdout.splitlines() == [
        f"order {name} is resolved: {said}; nothing was sent",
        "no order is in doubt; a live runner goes on at its next poll",
        "next: genesis-ops orders verify",
    ]
    (operation,) = read(book.logs).found
    assert (operation.action, operation.reasons) == ("orders-resolve", ("seen on the exchange",))
    assert operation.other == {"order": name, "filled": flag == "--filled", "label": "unknown"}
    order = json.loads(orders(root, "show", name, "--format", "json").stdout)["order"]
    assert (order["resolved"], order["resolved_by"]) == (flag == "--filled", f"{operation.by}: seen on the exchange")
    assert f"{said}, says {operation.by}" in flat(orders(root, "show", name))
    answer = "yes" if flag == "--filled" else "no"
    assert f"UNKNOWN, filled: {answer} (operator)" in shown(root, "show", name)[0]
    assert "operator" in flat(orders(root, "list"))


def test_an_order_whose_runner_was_killed_while_sending_becomes_unknown_and_is_resolved(book: Book, root: Path) -> None:
    name = book.arm()
    assert resolve(root, name, "--not-filled", "--reason", "the wallets did not move").exit_code == PASS
    steps = json.loads(orders(root, "show", name, "--format", "json").stdout)["order"]["steps"]
    assert [step["kind"] for step in steps] == ["decided", "armed", "unknown", "resolved"]


def test_an_order_that_was_filled_several_times_can_be_resolved(book: Book, root: Path) -> None:
    name = book.answered(Kind.ACKED)
    book.seen(name, "several", 2.0)
    assert "2.00 times" in flat(orders(root, "list"))
    assert resolve(root, name).exit_code == PASS


def test_what_is_not_in_doubt_is_refused_with_what_it_is(book: Book, root: Path) -> None:
    acked, doubted = book.answered(Kind.ACKED), book.answered(Kind.UNKNOWN)
    book.seen(acked, "once", 1.0)
    decided = book.decide()
    assert resolve(root, doubted).exit_code == PASS
    before = below(root)
    for name, words in (
        (acked, "is not in doubt: it is ACKED, the wallets say: once"),
        (doubted, "was resolved before: filled, says "),
        (decided, "is not in doubt: it is DECIDED"),
    ):
        done = resolve(root, name)
        assert (done.exit_code, done.stdout) == (REFUSED, "")
        assert words in flat(done)
    assert {path: raw for path, raw in below(root).items() if not path.endswith(".lock")} == {
        path: raw for path, raw in before.items() if not path.endswith(".lock")
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--reason", "x"), "--filled or --not-filled, one of both"),
        (("--filled", "--not-filled", "--reason", "x"), "--filled or --not-filled, one of both"),
        (("--filled", "--reason", ""), "--reason is empty"),
        (("--filled", "--reason", " \t\n"), "--reason is empty"),
        (("--filled", "--reason", "x" * 501), "--reason has 501 characters, and 500 is the most"),
        (("--filled",), "Missing option '--reason'"),
    ],
)
def test_a_resolution_that_says_too_little_or_too_much_is_usage(
    book: Book, root: Path, arguments: tuple[str, ...], words: str
) -> None:
    name = book.answered(Kind.UNKNOWN)
    before = below(root)
    done = resolve(root, name, *arguments)
    assert (done.exit_code, done.stdout) == (USAGE, "")
    assert words in flat(done)
    assert below(root) == before


def test_a_reason_of_500_characters_is_taken(book: Book, root: Path) -> None:
    assert resolve(root, book.answered(Kind.UNKNOWN), "--filled", "--reason", "x" * 500).exit_code == PASS


def test_a_resolution_waits_for_nobody_who_sends_an_order(
    book: Book, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genesis_ops.cli.orders._PATIENCE_SECONDS", 0.05)
    name = book.arm()
    with hold((LockWish(book.logs / "orders.lock", ""),), command="genesis-ops run", now_ms=0):
        done = resolve(root, name)
    assert (done.exit_code, done.stdout) == (LOCKED, "")
    assert "an order is under way" in done.stderr
    assert "kill" not in done.stderr
    assert not operations_file(book.logs).exists()
    assert resolve(root, name).exit_code == PASS


def test_what_cannot_be_put_among_the_operations_is_not_resolved(book: Book, root: Path) -> None:
    name = book.answered(Kind.UNKNOWN)
    operations_file(book.logs).mkdir()
    before = book.files[0].read_bytes()
    done = resolve(root, name)
    assert (done.exit_code, done.stdout) == (WRITE, "")
    assert "operations.jsonl could not be written" in done.stderr
    assert book.files[0].read_bytes() == before


def test_a_resolution_that_the_journal_did_not_take_can_be_repeated(
    book: Book, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = book.answered(Kind.UNKNOWN)

    def full(*_: object) -> None:
        raise write_failed(book.logs, OSError(28, "No space left on device"))

    with monkeypatch.context() as patch:
        patch.setattr(DayFile, "append", full)
        assert resolve(root, name).exit_code == WRITE
    assert orders(root, "verify").exit_code == FAIL
    assert resolve(root, name).exit_code == PASS
    assert [operation.other["order"] for operation in read(book.logs).found] == [name, name]


def test_the_other_orders_in_doubt_are_named_after_a_resolution(book: Book, root: Path) -> None:
    first, second = book.answered(Kind.UNKNOWN), book.answered(Kind.UNKNOWN)
    assert f"no order is sent yet, 1 still in doubt: {second}" in resolve(root, first).stdout


def test_a_latch_that_is_set_all_the_same_is_named_after_a_resolution(book: Book, root: Path) -> None:
    name = book.answered(Kind.UNKNOWN)
    (book.logs / "stop_latch.json").write_bytes(b"")
    assert 'next: genesis-ops resume --reason "..."' in resolve(root, name).stdout


def test_another_user_than_the_journals_is_sent_to_be_that_one(
    book: Book, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = book.answered(Kind.UNKNOWN)
    before = below(root)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    done = resolve(root, name)
    assert (done.exit_code, done.stdout) == (REFUSED, "")
    assert "sudo -u" in done.stderr
    assert below(root) == before


# --- what is found


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "changed": lambda raw: raw.replace(b"0.015", b"0.019", 1),
    "gone": lambda raw: b"".join(raw.splitlines(keepends=True)[:2] + raw.splitlines(keepends=True)[3:]),
    "foreign": lambda raw: raw[: raw.index(b"\n") + 1] + b"hello\n" + raw[raw.index(b"\n") + 1 :],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_journal_is_refused_with_file_and_byte_and_judged_red(book: Book, root: Path, damage: str) -> None:
    name = book.answered(Kind.UNKNOWN)
    (file,) = book.files
    good = file.read_bytes()
    bad = DAMAGES[damage](good)
    file.write_bytes(bad)
    offset = {"changed": good.index(b"\n") + 1, "foreign": good.index(b"\n") + 1}.get(damage, sum(
        map(len, good.splitlines(keepends=True)[:2])
    ))  # fmt: skip
    for done in (orders(root, "list"), orders(root, "show", name), resolve(root, name)):
        assert (done.exit_code, done.stdout) == (REFUSED, "")
        assert f"{file.name}, byte {offset}" in done.stderr
        assert "next: genesis-ops" in done.stderr
    judged = orders(root, "verify", "--format", "json")
    check = json.loads(judged.stdout)["checks"][0]
    assert (judged.exit_code, check["id"], check["outcome"]) == (FAIL, "journal-whole", "FAIL")
    assert check["observed"] == f"logs/paper_trading/{file.name}, byte {offset}"
    assert check["evidence"][0]["text"].startswith(f"byte {offset}: ")
    assert file.read_bytes() == bad


def test_a_file_in_the_place_of_the_log_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "paper_trading").write_text("no directory")
    for done in (orders(tmp_path, "list"), orders(tmp_path, "show", "1"), resolve(tmp_path, "1")):
        assert (done.exit_code, done.stdout) == (REFUSED, "")
        assert "is not a directory" in done.stderr
    assert orders(tmp_path, "verify").exit_code == UNKNOWN


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_journal_that_this_user_may_not_read_is_unknown_and_not_damage(book: Book, root: Path, what: str) -> None:
    book.answered(Kind.ACKED)
    path = book.files[0] if what == "file" else book.logs
    path.chmod(0)
    try:
        assert orders(root, "list").exit_code == REFUSED
        done = orders(root, "verify")
        assert (done.exit_code, "cannot be" in flat(done)) == (UNKNOWN, True)
    finally:
        path.chmod(0o755)


def test_a_journal_that_cannot_be_opened_is_unknown_and_not_damage(
    book: Book, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.answered(Kind.ACKED)
    real = os.open

    def forbidden(path: Any, *rest: Any, **more: Any) -> int:
        if "runner_orders" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", forbidden)
    assert orders(root, "list").exit_code == REFUSED
    done = orders(root, "verify")
    assert (done.exit_code, "cannot be read" in flat(done)) == (UNKNOWN, True)


def test_a_device_in_the_place_of_a_day_is_not_waited_for(book: Book, root: Path) -> None:
    os.mkfifo(book.logs / "runner_orders_20260301.log")
    assert orders(root, "list").exit_code == REFUSED
    assert orders(root, "verify").exit_code == FAIL


def test_packed_days_count_as_the_plain_ones(book: Book, root: Path) -> None:
    book.seen(book.answered(Kind.ACKED), "once", 1.0)
    (file,) = book.files
    plain = shown(root, "list")
    (book.logs / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    assert shown(root, "list") == plain


def test_a_line_that_a_hard_stop_tore_is_passed_over_and_counted(book: Book, root: Path) -> None:
    book.seen(book.answered(Kind.ACKED), "once", 1.0)
    with book.files[0].open("ab") as file:
        file.write(b'{"n": 6, "at": "2026')
    assert "1 torn line passed over" in flat(orders(root, "verify"))
    assert orders(root, "verify").exit_code == PASS


# --- verify


@pytest.mark.parametrize("output", FORMATS)
def test_the_journal_can_be_judged_in_every_format(book: Book, root: Path, output: str) -> None:
    book.answered(Kind.UNKNOWN, reason="\x1b[31m")
    done = orders(root, "verify", "--format", output)
    assert done.exit_code == (2 if output == "nagios" else FAIL)
    assert "orders-resolved" in done.stdout
    if output == "text":
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_judgement_lists_its_checks_and_sums(book: Book, root: Path) -> None:
    book.seen(book.answered(Kind.ACKED), "once", 1.0)
    book.put(Kind.EXPIRED, id=book.decide(), reason="too late")
    document = json.loads(orders(root, "verify", "--format", "json").stdout)
    assert [check["id"] for check in document["checks"]] == IDS
    assert document["summary"] == {
        "records": 7, "decided": 2, "armed": 1, "acked": 1, "rejected": 0, "unknown": 0, "blocked": 0, "expired": 1,
        "resolved": 0,
    }  # fmt: skip


def test_without_a_journal_and_any_trace_of_one_nothing_is_known(root: Path) -> None:
    done = orders(root, "verify", "--format", "json")
    assert done.exit_code == UNKNOWN
    checks = json.loads(done.stdout)["checks"]
    assert {check["outcome"] for check in checks} == {"SKIP"}
    assert {check["detail"] for check in checks} == {"no journal in logs/paper_trading, and no trace of an order"}


def test_a_second_request_for_a_candle_is_found_although_every_sum_is_right(book: Book, root: Path) -> None:
    name = book.answered(Kind.ACKED)
    again = Record(book.journal.records + 1, book.now_ms, Kind.ARMED, {"id": name, "before": BEFORE})
    with book.files[0].open("ab") as file:
        file.write(write(again, book.journal.sum)[0])
    checks = json.loads(orders(root, "verify", "--format", "json").stdout)["checks"]
    found = {check["id"]: check for check in checks}
    assert found["one-order-per-candle"]["outcome"] == found["journal-whole"]["outcome"] == "FAIL"
    assert len(found["one-order-per-candle"]["evidence"]) == 2
    assert "is acked and cannot become armed" in found["journal-whole"]["detail"]
    assert orders(root, "list").exit_code == REFUSED


def test_a_live_run_that_ordered_nothing_has_a_journal_that_passes(book: Book, root: Path) -> None:
    assert book.files
    assert shown(root, "list")[-1] == "0 orders; none unresolved"
    assert orders(root, "verify").exit_code == PASS


def test_a_lost_journal_is_noticed_by_what_log_and_state_remember(book: Book, root: Path) -> None:
    name = book.answered(Kind.ACKED)
    book.seen(name, "once", 1.0)
    line = "2026-02-04 14:00:00 - paper_trading_runner - INFO - Submitting LONG order...\n"
    (book.logs / "runner_20260204.log").write_text(line)
    state = {"last_processed_candle_ts": BEGIN, "total_evaluations": 1, "total_orders_submitted": 1}
    remembered = {"records": book.journal.records, "sum": book.journal.sum}
    (book.logs / "runner_state.json").write_text(json.dumps(state | {"last_heartbeat": None, "journal": remembered}))
    assert orders(root, "verify").exit_code == PASS
    book.files[0].unlink()
    checks = json.loads(orders(root, "verify", "--format", "json").stdout)["checks"]
    found = {check["id"]: check["outcome"] for check in checks}
    assert {found[name] for name in ("journal-whole", "log-agrees", "state-agrees")} == {"FAIL"}


# --- other commands


def stop_check(root: Path, *arguments: str) -> dict[str, Any]:
    asked = ["--root", str(root), "stop-check", "--since", "2026-02-04", "--format", "json", *arguments]
    checks = json.loads(CliRunner().invoke(app, asked, prog_name="genesis-ops").stdout)["checks"]
    return next(check for check in checks if check["id"] == "fatal-error")


def preflight(root: Path) -> dict[str, Any]:
    nowhere = "http://127.0.0.1:9"
    asked = ["--root", str(root), "preflight", "--format", "json", "--api-url", nowhere, "--exchange-url", nowhere]
    checks = json.loads(CliRunner().invoke(app, asked, prog_name="genesis-ops").stdout)["checks"]
    return next(check for check in checks if check["id"] == "no-fatal")


LOG = "2026-02-04 13:00:00 - paper_trading_runner - INFO - Paper Trading Runner Started\n"


def test_an_order_in_doubt_turns_stop_check_and_preflight_red_until_it_is_resolved(book: Book, root: Path) -> None:
    (book.logs / "runner_20260204.log").write_text(LOG)
    name = book.answered(Kind.UNKNOWN, reason="no reply within 90s")
    for check in (stop_check(root), preflight(root)):
        assert (check["outcome"], check["observed"]) == ("FAIL", 1)
        assert check["detail"] == f"order {name} is UNKNOWN since 2026-02-04 14:00 UTC: no reply within 90s"
        assert check["remedy"] == f'genesis-ops orders resolve {name} --filled|--not-filled --reason "..."'
        (proof,) = check["evidence"]
        assert (proof["file"], proof["line"]) == ("logs/paper_trading/runner_orders_20260204.log", 4)
    resolve(root, name)
    assert {stop_check(root)["outcome"], preflight(root)["outcome"]} == {"PASS"}


def live_locks(root: Path) -> tuple[LockWish, ...]:
    known = load({"root": root}, os.environ, None).settings
    pair = {"symbol": SYMBOL, "timeframe": "1h", "mode": Mode.LIVE_PAPER}
    return runner_locks(known.state_file, known.log_dir, known.lock_dir, **pair)  # type: ignore[arg-type]


def test_an_order_that_a_living_runner_is_sending_is_no_doubt_for_two_minutes(book: Book, root: Path) -> None:
    (book.logs / "runner_20260204.log").write_text(LOG)
    now_ms = time.time_ns() // 1_000_000
    book.candle = now_ms // HOUR_MS * HOUR_MS - 2 * HOUR_MS
    book.arm()
    stuck = json.loads(orders(root, "list", "--format", "json").stdout)["orders"][0]
    assert (stuck["unresolved"], stuck["sending"]) == (True, False)
    book.now_ms = now_ms - 60_000
    book.put(Kind.UNKNOWN, id=stuck["id"], reason="")
    resolve(root, stuck["id"])
    book.candle += HOUR_MS
    name = f"{day(book.candle)}-{iso(book.candle)[11:16].replace(':', '')}"
    about = {"candle_ts": book.candle, "symbol": SYMBOL, "side": "LONG", "size": 1.0, "price": 1.0, "config_hash": ""}
    book.put(Kind.DECIDED, id=name, **about)
    book.put(Kind.ARMED, id=name, before=BEFORE)
    assert stop_check(root)["outcome"] == "FAIL"
    with hold(live_locks(root), command="genesis-ops run", now_ms=now_ms):
        assert stop_check(root)["outcome"] == "FAIL", "this run was not there when it was armed"
    with hold(live_locks(root)[2:], command="genesis-ops run", now_ms=now_ms - 90_000):
        assert stop_check(root)["outcome"] == "FAIL", "a dry-run sends nothing"
    with hold(live_locks(root), command="genesis-ops run", now_ms=now_ms - 90_000):
        assert {stop_check(root)["outcome"], preflight(root)["outcome"]} == {"PASS"}
        assert "being sent at this moment" in flat(orders(root, "verify"))
        assert "being sent at this moment" in flat(orders(root, "show", name))
        assert f"? {name} LONG 1 sending" in flat(orders(root, "list"))
    assert stop_check(root)["outcome"] == "FAIL"


def test_enforcing_stops_for_an_order_in_doubt_until_it_is_resolved_and_somebody_resumes(
    book: Book, root: Path
) -> None:
    (book.logs / "runner_20260204.log").write_text(LOG)
    name = book.answered(Kind.UNKNOWN, reason="no reply within 90s")
    stop_check(root, "--enforce")
    latch = read_latch(book.logs)
    assert latch is not None
    assert any(f"fatal-error: order {name} is UNKNOWN" in reason for reason in latch.reasons)
    assert "the stop latch is set all the same" in resolve(root, name).stdout
    assert CliRunner().invoke(app, ["--root", str(root), "resume", "--reason", "seen"]).exit_code == PASS
    assert stop_check(root, "--enforce")["outcome"] == "PASS"


def test_nobody_is_stopped_while_a_living_runner_asks_the_wallets_for_up_to_ten_minutes(book: Book, root: Path) -> None:
    (book.logs / "runner_20260204.log").write_text(LOG)
    name = book.answered(Kind.UNKNOWN, reason="no reply within 90s")
    settings_ = load({"root": root}, os.environ, None).settings

    def reasons(seconds: int) -> list[str]:
        now_ms = book.now_ms + seconds * 1000
        with source(settings_, None) as where:
            told = standing_reasons(settings_, where, Asked(BEGIN, now_ms, now_ms))
        return [reason for reason in told if name in reason]

    assert reasons(60), "nobody asks"
    with hold((LockWish(book.logs / "runner.lock", ""),), command="genesis-ops run --dry-run", now_ms=book.now_ms):
        assert reasons(60), "a dry-run asks nobody"
    with hold(live_locks(root), command="genesis-ops run", now_ms=book.now_ms):
        assert not reasons(60)
        assert stop_check(root)["outcome"] == "FAIL", "it is red all the same"
        assert reasons(601)
        book.seen(name, "unclear", 0.5)
        assert reasons(60), "the wallets have said all that they can"


def test_a_damaged_journal_turns_them_red_with_its_place(book: Book, root: Path) -> None:
    (book.logs / "runner_20260204.log").write_text(LOG)
    book.answered(Kind.ACKED)
    file = book.files[0]
    file.write_bytes(file.read_bytes().replace(b"0.015", b"0.016", 1))
    for check in (stop_check(root), preflight(root)):
        assert check["outcome"] == "FAIL"
        assert f"the journal of orders is damaged: logs/paper_trading/{file.name}, byte " in check["detail"]
        assert check["remedy"] == "genesis-ops orders verify"


def test_what_another_program_wrote_into_files_of_that_name_is_no_journal(root: Path) -> None:
    logs = root / "logs" / "paper_trading"
    logs.mkdir(parents=True)
    (logs / "runner_20260204.log").write_text(LOG)
    (logs / "runner_orders_20260204.log").write_text('{"order": 1}\n')
    assert {stop_check(root)["outcome"], preflight(root)["outcome"]} == {"PASS"}


def test_an_archive_is_judged_with_its_journal(book: Book, tmp_path: Path) -> None:
    (book.logs / "runner_20260204.log").write_text(LOG)
    book.answered(Kind.UNKNOWN)
    (file,) = book.files
    (book.logs / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    archive = shutil.make_archive(str(tmp_path / "copy"), "gztar", book.logs)
    assert stop_check(tmp_path / "logs", "--from", archive)["outcome"] == "FAIL"


def test_a_host_that_runs_dry_does_not_load_the_journals_modules(root: Path) -> None:
    import subprocess
    import sys

    program = f"""
import atexit, sys
sys.argv = ["genesis-ops", "--root", {str(root)!r}, "stop-check"]
atexit.register(lambda: print("LOADED", [name for name in sys.modules if name.startswith("genesis_ops.journal")]))
from genesis_ops.cli.app import main; main()
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "LOADED []"


# --- a run of so many candles


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command with a runner that only writes what the test wants into the journal."""

    def invoke(write: Callable[[], Any], *arguments: str) -> Result:
        monkeypatch.setattr("genesis_ops.runner.start.start", lambda *_, **__: write())
        return CliRunner().invoke(app, ["--root", str(root), "run", *arguments], prog_name="genesis-ops")

    return invoke


def test_a_run_of_one_candle_shows_what_it_ordered_and_not_what_was_ordered_before(
    book: Book, run: Callable[..., Result]
) -> None:
    former = book.answered(Kind.ACKED)

    def one_candle() -> None:
        book.put(
            Kind.STARTED, market="tBTCUSD 1h", symbol=SYMBOL, champion_sha256="a", config_hash="b", override="", gate=""
        )
        book.seen(book.answered(Kind.ACKED, reply={"ok": True}), "once", 1.0)

    done = run(one_candle, "--live-paper", "--candles", "1")
    assert (done.exit_code, done.stderr) == (PASS, "")
    assert done.stdout.count("Order 20260204-") == 1
    assert former not in done.stdout
    for words in ("Order 20260204-1400", '"ok": true', "998,935.00000000", "decided"):
        assert words in done.stdout


def test_a_run_whose_candles_asked_for_no_order_says_so(book: Book, run: Callable[..., Result]) -> None:
    done = run(lambda: None, "--live-paper", "--candles", "1")
    assert (done.exit_code, done.stdout) == (PASS, "the candles of this run asked for no order\n")
    assert book.files


@pytest.mark.parametrize("arguments", [("--live-paper",), ("--dry-run", "--candles", "1"), ("--candles", "1")])
def test_any_other_run_prints_nothing(book: Book, run: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    assert run(lambda: book.answered(Kind.ACKED), *arguments).stdout == ""


def started(book: Book) -> None:
    book.put(
        Kind.STARTED, market="tBTCUSD 1h", symbol=SYMBOL, champion_sha256="a", config_hash="b", override="", gate=""
    )


def test_an_order_that_was_decided_by_the_run_before_and_sent_by_this_one_is_shown(
    book: Book, run: Callable[..., Result]
) -> None:
    name = book.decide()

    def send() -> None:
        started(book)
        book.put(Kind.ARMED, id=name, before=BEFORE)
        book.put(Kind.ACKED, id=name, reason="", latency_ms=1, order_id=1, size_taken=0.015, reply={})
        book.seen(name, "once", 1.0)

    assert f"Order {name}" in run(send, "--live-paper", "--candles", "1").stdout


def test_a_run_of_one_candle_whose_order_is_in_doubt_ends_with_3_and_the_next_command(
    book: Book, run: Callable[..., Result]
) -> None:
    done = run(lambda: (started(book), book.answered(Kind.UNKNOWN, reason="reset")), "--live-paper", "--candles", "1")
    assert done.exit_code == UNKNOWN
    assert "UNKNOWN" in done.stdout
    assert "next: genesis-ops" in done.stderr
    assert "orders resolve 20260204-1300 --filled|--not-filled" in done.stderr


def test_a_run_that_an_order_ended_shows_that_order_all_the_same(book: Book, run: Callable[..., Result]) -> None:
    def several() -> None:
        started(book)
        book.seen(book.answered(Kind.ACKED), "several", 2.0)
        raise AbortCondition("order 20260204-1300 was filled several times")

    done = run(several, "--live-paper", "--candles", "1")
    assert done.exit_code == FAIL
    assert "Order 20260204-1300" in done.stdout
    assert "filled several times" in done.stderr
