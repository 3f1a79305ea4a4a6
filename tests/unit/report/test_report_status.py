"""The status screen and its object: at any width, with any text, with anything missing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.checks.evidence import OrderDoubt, OrdersFound
from genesis_ops.checks.model import Judged, Outcome, Place
from genesis_ops.checks.status import (
    Balances,
    Beat,
    LastClose,
    LastEvaluation,
    Ordered,
    Runner,
    StateSeen,
    Status,
    Verification,
    Wallet,
)
from genesis_ops.clients.health import Answer, Health
from genesis_ops.report.cells import cells
from genesis_ops.report.status import as_json, document, fitted, lines
from genesis_ops.report.text import Page
from genesis_ops.runlog.tally import Fate, Hour
from genesis_ops.settings import Settings, load
from genesis_ops.state.latch import Latch
from genesis_ops.words import DAY_MS, HOUR_MS, MINUTE_MS, Mode

NOW = 1_771_598_880_000
"""2026-02-20 14:48:00 UTC."""
HOUR = NOW - NOW % HOUR_MS
WIDTHS = (40, 45, 60, 80, 120)
SETTINGS: Settings = load({"root": Path(__file__).parent}, {}, None).settings
HOSTILE = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["\x1b[2J", "\u202egnp", "漢字" * 30, "x" * 300, "\n"]
)

WELL = Status(
    now_ms=NOW,
    settings=SETTINGS,
    shown_dir="logs/paper_trading",
    runner=Runner(Mode.DRY_RUN, NOW - 15 * DAY_MS - 2 * HOUR_MS, 10, 18725, locked=True, newest_ms=NOW - 8000),
    api=Health(Answer.OK, "config 12 5a4db0c0"),
    wallet=Wallet(
        Balances(NOW, {"TESTBTC": 10.015, "TESTUSD": 998_924.1}, "API"),
        Balances(NOW - 15 * DAY_MS, {"TESTBTC": 10.0, "TESTUSD": 1_000_000.0}, "snapshot_20260205_144800Z.txt"),
        {"TESTBTC": 0.015, "TESTUSD": -1075.9},
    ),
    orders=Ordered(would_be=4),
    latch=None,
    state=StateSeen(NOW - 8000, 0),
    close=LastClose(HOUR - HOUR_MS, HOUR, 71_737.2, HOUR + 4000),
    next_close_ms=HOUR + HOUR_MS,
    evaluation=LastEvaluation("NONE", 0.52, HOUR + 5000),
    beat=Beat(NOW - 41_000, 3, 2838),
    start_ms=NOW - 48 * HOUR_MS,
    end_ms=NOW,
    hours=tuple(Hour(HOUR - n * HOUR_MS, HOUR - (n - 1) * HOUR_MS, Fate.PROCESSED) for n in range(48, 0, -1)),
    findings=(),
    troubles=(),
    nothing="",
)
DEAD = WELL._replace(runner=WELL.runner._replace(newest_ms=NOW - 9 * HOUR_MS, pid=None))
BARE = WELL._replace(
    runner=Runner(),
    api=Health(Answer.TIMEOUT, "no reply within 1s"),
    wallet=Wallet(trouble="no reply within 1s"),
    orders=Ordered(),
    state=StateSeen(),
    close=None,
    evaluation=None,
    beat=None,
    hours=(),
    nothing="there is no runner log in logs/paper_trading",
)


def text(status: Status, width: int = 80, *, unicode: bool = True) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines(status, Page(width, unicode))]


def test_a_phase_that_is_well_is_read_in_one_look() -> None:
    assert text(WELL)[:11] == [
        "Phase 3  day 16 of 42                           tBTCUSD 1h   20 Feb 14:48:00 UTC",
        "",
        "✓ runner     dry-run   since 05 Feb 12:48   up 15d 2h   pid 18725",
        "✓ last close 14:00, 48m ago   71,737.20   logged 4s after it   next 15:00 in 12m",
        "✓ evaluation NONE   confidence 0.520   15 of 15 closes today",
        "✓ ages       feed 44s   evaluation 47m   state 8s   heartbeat 41s",
        "             all within limits",
        "✓ orders     0 submitted   4 would have been in 48h   none in doubt",
        "✓ wallet     TESTBTC +0.015   TESTUSD -1,075.9   since 05 Feb 14:48",
        "✓ API        well   config 12 5a4db0c0",
        "✓ latch      clear",
    ]


def test_a_dead_runner_and_a_set_latch_are_what_the_eye_meets_first() -> None:
    drawn = text(DEAD._replace(latch=Latch(NOW - HOUR_MS, ("candle-gap: 2 hours",), "ops")))
    assert drawn[1].startswith("✗ STOPPED  the stop latch is set: candle-gap: 2 hours; since 2026-02-20 13:48")
    assert next(line for line in drawn if "NO RUNNER" in line) in drawn[2:6]
    assert "✓ runner" not in "".join(drawn)


def test_a_latch_that_this_user_may_not_read_is_neither_set_nor_clear() -> None:
    hidden = Latch(0, (), "", "stop_latch.json cannot be read (Permission denied)", hidden=True)
    drawn = "\n".join(text(WELL._replace(latch=hidden)))
    assert "? LATCH UNKNOWN  nobody can tell: stop_latch.json cannot be read" in drawn
    assert "? latch      nobody can tell" in drawn
    assert "resume" not in drawn
    assert "sudo -u <the runner's user> genesis-ops status" in drawn
    assert document(WELL._replace(latch=hidden))["latch"]["hidden"] is True


def test_an_order_that_a_living_runner_is_asking_about_is_marked_alike_everywhere() -> None:
    doubt = OrderDoubt("20260220-1300", "order 20260220-1300 is UNKNOWN", Place("", 0, ""), "wait", settling=True)
    drawn = text(WELL._replace(orders=Ordered(1, 0, found=OrdersFound((doubt,)))))
    assert [line[0] for line in drawn if "20260220-1300" in line or line[2:8] == "orders"] == ["!", "!"]
    stuck = text(WELL._replace(orders=Ordered(1, 0, found=OrdersFound((doubt._replace(settling=False),)))))
    assert [line[0] for line in stuck if "20260220-1300" in line or line[2:8] == "orders"] == ["✗", "✗"]


def test_the_feed_is_over_by_the_age_that_is_held_against_its_limit() -> None:
    told = document(WELL._replace(beat=Beat(NOW - 250_000, 90, 2838)))["ages"]["feed"]
    assert told == {"seconds": 340, "held": 90, "limit": 100, "over": False}


def test_a_long_last_word_is_said_once_and_a_process_that_stands_still_is_woken_to_end() -> None:
    words = "FATAL: " + "very long words " * 15
    ended = DEAD.runner._replace(last=Place("r.log", 3, words))
    found = Judged(6, "fatal-error", "", Outcome.FAIL, 1, 0, f"1 fatal line, the newest: {words}", (), "")
    drawn = " ".join(" ".join(text(DEAD._replace(runner=ended, findings=(found,)))).split())
    assert drawn.count(" ".join(words.split())) == 1
    assert "the newest: its last words, above" in drawn
    stopped = " ".join(text(DEAD._replace(runner=DEAD.runner._replace(pid=77))))
    assert "kill -TERM 77; kill -CONT 77" in stopped


def test_a_close_that_preceded_the_first_run_was_not_late() -> None:
    assert WELL.close is not None
    waited = WELL.close._replace(logged_ms=HOUR + 180_000)
    assert any(line.startswith("! last close") for line in text(WELL._replace(close=waited)))
    assert any(
        line.startswith("✓ last close") for line in text(WELL._replace(close=waited._replace(before_birth=True)))
    )


def test_what_cannot_wait_is_red_and_has_a_word_beside_its_colour() -> None:
    first = [*lines(DEAD, Page(80, True))][1]
    assert (first[0].text, first[0].style) == ("✗", "bold red")
    assert first[1].text.startswith(" NO RUNNER  the log is silent for 9h 0m")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("status", [WELL, DEAD, BARE], ids=["well", "dead", "bare"])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_page(status: Status, width: int, unicode: bool) -> None:
    drawn = text(status, width, unicode=unicode)
    assert max(map(cells, drawn)) <= width
    assert unicode or all(line.isascii() for line in drawn)


@given(HOSTILE, st.sampled_from(WIDTHS), st.booleans())
def test_no_text_of_others_breaks_out_of_the_page_or_the_object(hostile: str, width: int, unicode: bool) -> None:
    found = Judged(1, "candle-gap", "", Outcome.FAIL, 1, 0, hostile, (Place(hostile, 3, hostile),), hostile)
    status = WELL._replace(
        api=Health(Answer.ERROR, hostile),
        wallet=Wallet(Balances(NOW, {}, hostile), Balances(NOW - 1, {}, hostile), {hostile: 1.0}, hostile),
        orders=Ordered(found=OrdersFound((OrderDoubt(hostile, hostile, Place("", 0, ""), hostile),), hostile)),
        latch=Latch(NOW, (hostile,), hostile),
        evaluation=LastEvaluation(hostile, 0.5, NOW),
        runner=WELL.runner._replace(ended=True, last=Place("", 0, hostile)),
        findings=(found,),
        troubles=(hostile,),
    )
    drawn = text(status, width, unicode=unicode)
    assert max(map(cells, drawn)) <= width
    assert all(line.isprintable() for line in drawn)
    assert as_json(status).isascii()
    json.loads(as_json(status))


def test_nothing_at_all_is_shown_as_what_nobody_knows() -> None:
    drawn = "\n".join(text(BARE))
    assert "NO RUNNER  there is no runner log" in drawn
    assert "? last close none in the log" in drawn
    assert "does not answer (no reply within 1s)" in drawn
    assert "█" not in drawn


def test_the_wallet_of_another_time_says_of_which() -> None:
    now = Balances(NOW - 3 * HOUR_MS, {"TESTBTC": 10.0}, "x")
    old = WELL.wallet._replace(now=now, moved={"TESTUSD": -1_000_000.0}, trouble="no reply within 1s")
    row = next(line for line in text(WELL._replace(wallet=old)) if "wallet" in line)
    assert row.startswith("? wallet     TESTUSD -1,000,000   since 05 Feb 14:48   as of 11:48")
    alone = WELL.wallet._replace(baseline=None)
    assert "nothing to hold it against" in "\n".join(text(WELL._replace(wallet=alone)))


def test_the_last_verification_has_a_row_with_what_was_not_well() -> None:
    well = Verification(NOW - 12 * MINUTE_MS, "PASS", (), "verification_20260220_143600Z.json")
    bad = well._replace(verdict="FAIL", not_well=("verify-delta", "verify-logs"))
    lost = well._replace(verdict="UNKNOWN", trouble="cannot be read (Permission denied)")
    rows = [
        next(line for line in text(WELL._replace(verification=each), 120) if "verified" in line)
        for each in (well, bad, lost)
    ]
    assert rows[0] == "✓ verified   12m ago   PASS"
    assert rows[1] == "✗ verified   12m ago   FAIL   verify-delta, verify-logs"
    assert rows[2].endswith("UNKNOWN   verification_20260220_143600Z.json cannot be read (Permission denied)")
    assert not any("verified" in line for line in text(WELL))
    made = document(WELL._replace(verification=bad))["verification"]
    assert (made["at"], made["not_well"]) == ("2026-02-20T14:36:00Z", ["verify-delta", "verify-logs"])
    assert document(WELL)["verification"] is None


def test_a_close_that_is_late_or_overdue_is_marked() -> None:
    close = WELL.close
    assert close is not None
    late = WELL._replace(close=close._replace(logged_ms=HOUR + 3 * MINUTE_MS))
    assert any(line.startswith("! last close 14:00, 48m ago") and "logged 3m 0s" in line for line in text(late, 100))
    assert any(line.startswith("! last close") for line in text(WELL._replace(now_ms=NOW + 30 * MINUTE_MS)))
    assert any(line.startswith("✗ last close") for line in text(WELL._replace(now_ms=NOW + 90 * MINUTE_MS)))


def test_an_old_picture_says_which_hours_it_shows() -> None:
    drawn = "\n".join(text(DEAD._replace(end_ms=NOW - 9 * HOUR_MS)))
    assert "the log's last 48 hours, to 2026-02-20 05:48 UTC" in drawn


@pytest.mark.parametrize("height", [1, 5, 12, 17, 18, 24, 60])
def test_a_low_window_shows_the_top_and_says_how_much_is_left(height: int) -> None:
    page = Page(80, True)
    whole = [*lines(DEAD, page)]
    shown = fitted(whole, page, height)
    assert len(shown) <= max(height, 2)
    assert shown[0] == whole[0]
    if height >= len(whole):
        assert [*shown] == whole
    elif height < sum(map(bool, whole)):
        assert "more lines" in shown[-1][0].text


KEYS = {
    "": [
        *("schema", "version", "generated_at", "market", "phase", "alerts", "runner", "close", "evaluation", "ages"),
        *("orders", "wallet", "api", "latch", "verification", "findings", "picture", "troubles"),
    ],
    "phase": ["day", "days", "told", "start", "end"],
    "runner": ["runs", "mode", "since", "pid", "newest_line", "silent_seconds", "last_words"],
    "close": ["open", "closed", "price", "logged", "next", "today", "expected_today"],
    "ages": ["feed", "evaluation", "state", "heartbeat"],
    "orders": ["submitted", "decided", "would_be", "in_doubt"],
    "wallet": ["now", "baseline", "change", "trouble"],
    "api": ["answer", "detail"],
    "picture": ["start", "end", "candles"],
}


@pytest.mark.parametrize("status", [WELL, DEAD, BARE], ids=["well", "dead", "bare"])
def test_the_object_has_the_same_names_whatever_is_missing(status: Status) -> None:
    made: dict[str, Any] = json.loads(as_json(status))
    assert list(made) == KEYS[""]
    assert {name: list(made[name]) for name in KEYS if name} == {name: names for name, names in KEYS.items() if name}


def test_the_object_has_times_in_utc_numbers_as_numbers_and_null_for_the_unknown() -> None:
    made = document(WELL)
    assert (made["schema"], made["generated_at"]) == ("genesis-ops.status/1", "2026-02-20T14:48:00Z")
    assert made["phase"]["told"] == "day 16 of 42"
    assert made["close"] == {
        "open": "2026-02-20T13:00:00Z",
        "closed": "2026-02-20T14:00:00Z",
        "price": 71_737.2,
        "logged": "2026-02-20T14:00:04Z",
        "next": "2026-02-20T15:00:00Z",
        "today": 15,
        "expected_today": 15,
    }
    assert made["ages"]["feed"] == {"seconds": 44, "held": 3, "limit": 100, "over": False}
    assert made["wallet"]["change"] == {"TESTBTC": 0.015, "TESTUSD": -1075.9}
    assert document(BARE)["close"]["closed"] is None
    assert document(BARE)["wallet"]["now"] is None
    odd = WELL._replace(evaluation=LastEvaluation("NONE", float("nan"), 1 << 62))
    assert document(odd)["evaluation"] == {"action": "NONE", "confidence": None, "at": None}
    assert os.linesep not in as_json(odd).strip().split("{", 1)[0]
