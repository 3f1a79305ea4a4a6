"""The report for a person: what stands where, and that nothing in it can leave its place."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from report_samples import END_MS, FAILED, HOSTILE, LOG, REPORTS, SILENCE, TIMEOUT, day, hours, judged
from rich.cells import cell_len

from genesis_ops.checks.model import Outcome, Place, Report
from genesis_ops.report.cells import cells
from genesis_ops.report.text import can_show, lines, render
from genesis_ops.runlog.tally import Fate

WIDENED = re.compile("[\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff]")
"""What Unicode 16 made wide, after the Unicode of Python 3.11."""


def drawn(report: Report, width: int = 80, *, unicode: bool = True) -> list[str]:
    return render(report, width=width, unicode=unicode).splitlines()


def test_a_failed_day_says_what_why_and_what_to_do() -> None:
    shown = drawn(FAILED)
    assert shown[0] == "Acceptance  dry-run, 24h to 2026-02-05 13:10 UTC                      tBTCUSD 1h"
    assert shown[1:6] == [
        "  ✓  1 candle-uniqueness   24 of 24",
        "  ✗  2 candle-frequency    22 of 24 closes, one step of 3h",
        "       runner_20260205.log:2211  05 Feb 03:00:07 HTTP error fetching candles: C…",
        "       → genesis-ops logs --around 03:00",
        "  ✓  3 candle-source       24 of 24",
    ]
    assert shown[-2:] == ["", "FAIL  1 of 10 checks failed, 1 warning     exit 1     receipt: none"]


def test_the_market_ends_where_the_line_does_and_goes_below_where_there_is_no_room() -> None:
    assert [cells(drawn(FAILED, width)[0]) for width in (80, 130, 200)] == [80, 130, 200]
    assert drawn(day(subject="x" * 60))[:2] == [f"Acceptance  {'x' * 60}", "  tBTCUSD 1h"]
    beside = drawn(day(subject="x" * 56))
    assert beside[0] == f"Acceptance  {'x' * 56}  tBTCUSD 1h"
    assert drawn(day(subject="x" * 57))[:2] == [f"Acceptance  {'x' * 57}", "  tBTCUSD 1h"]
    assert drawn(day(market=""))[0] == "Acceptance  dry-run, 24h to 2026-02-05 13:10 UTC"


def test_every_outcome_has_a_mark_of_its_own_in_ascii_too() -> None:
    every = tuple(judged(number, outcome) for number, outcome in enumerate(Outcome, 1))
    report = day(checks=every, summary=None)
    assert [line[2] for line in drawn(report)[1:6]] == list("✓!✗?–")  # noqa: RUF001 - the mark of SKIP
    assert [line[2] for line in drawn(report, unicode=False)[1:6]] == list("+!x?-")


def test_evidence_and_remedy_stand_under_what_is_not_a_pass_and_nowhere_else() -> None:
    proof = {"evidence": (Place(LOG, 7, "seen"),), "remedy": "do it"}
    for outcome in Outcome:
        text = render(day(judged(1, outcome, **proof)), width=80, unicode=True)
        assert ("runner_20260205.log:7  seen" in text) == (outcome is not Outcome.PASS)
        assert ("→ do it" in text) == (outcome is not Outcome.PASS)


def test_a_long_detail_goes_on_under_itself() -> None:
    detail = " ".join(f"word{n:02d}" for n in range(100))
    rows = [row for row in drawn(day(judged(1, detail=detail))) if "word" in row]
    assert {len(row) - len(row.lstrip(" ")) for row in rows[1:]} == {rows[0].index("word00")} == {27}
    assert " ".join(row[27:] for row in rows) == detail


def test_a_long_remedy_goes_on_under_itself_and_is_whole() -> None:
    remedy = " ".join(f"--option-{n:02d}" for n in range(20))
    rows = [row for row in drawn(day(judged(1, Outcome.FAIL, remedy=remedy))) if "--option" in row]
    assert rows[0].startswith("       → --option-00")
    assert " ".join(row[9:] for row in rows) == remedy


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (Place("a/b/runner_state.json", 0, ""), "runner_state.json"),
        (Place("a\\b\\runner_state.json", 0, "{"), "runner_state.json  {"),
        (Place("x.log", 3, "free words - paper_trading_runner - INFO - y"), "x.log:3  free words - paper_trading_r"),
        (Place("x.log", 3, "2026-02-30 03:00:07 - paper_trading_runner - INFO - y"), "x.log:3  2026-02-30 03:00:07 -"),
        (Place("x.log", 3, "2026-02-05 03:00:07 - other - INFO - y"), "x.log:3  2026-02-05 03:00:07 - other"),
        (
            Place("x.log", 3, "2026-02-05 03:00:07 - paper_trading_runner - INFO - a - b"),
            "x.log:3  05 Feb 03:00:07 a - b",
        ),
    ],
)
def test_a_proof_names_the_file_and_says_what_the_line_says(place: Place, shown: str) -> None:
    rows = drawn(day(judged(1, Outcome.FAIL, evidence=(place,))))
    assert rows[2].startswith(f"       {shown}")


def test_the_window_is_drawn_hour_by_hour() -> None:
    fates = [*[Fate.PROCESSED] * 14, Fate.MISSING, *[Fate.PROCESSED] * 9]
    rows = drawn(day(hours=hours(*fates)))
    top = rows.index("          00    03    06    09    12    15    18    21")
    assert rows[top - 1] == ""
    assert rows[top + 1 : top + 4] == [
        f"  04 Feb  {' ' * 26}{'█' * 22}",
        f"  05 Feb  {'█' * 6}░░{'█' * 18}",
        "          █ processed  ▲ action  ▒ late  ░ missing  · not covered",
    ]
    assert f"  05 Feb  {'#' * 3}x{'#' * 9}" in drawn(day(hours=hours(*fates)), 50, unicode=False)


def test_a_command_without_window_and_summary_has_neither_picture_nor_sums() -> None:
    report = day(command="stop-check", hours=(), summary=None, window=None, closing="")
    assert drawn(report)[11:] == ["  ✓ 11 heartbeat           24 of 24", "", "PASS  10 of 10 checks passed     exit 0"]


def test_the_summary_is_the_runbooks() -> None:
    rows = drawn(day())
    assert rows[13:19] == [
        "  Candles processed: 24",
        "  Evaluations: 24",
        "  Orders submitted: 0 (dry-run mode)",
        "  Champion: Verified",
        "  Fatal errors: 0",
        "  Heartbeats: 864",
    ]


def test_the_closing_stands_above_the_verdict_where_there_is_no_room_beside_it() -> None:
    receipt = "receipt: acceptance_receipt_20260205_131000.json"
    assert drawn(day(closing=receipt))[-2:] == [receipt, "PASS  10 of 10 checks passed     exit 0"]
    assert drawn(day(closing="x" * 36))[-1] == f"PASS  10 of 10 checks passed     exit 0     {'x' * 36}"
    assert drawn(day(closing="x" * 37))[-2:] == ["x" * 37, "PASS  10 of 10 checks passed     exit 0"]
    assert drawn(day(closing=receipt), 100)[-1] == f"PASS  10 of 10 checks passed     exit 0     {receipt}"


def test_the_verdict_is_in_the_last_line_in_colour_and_in_words() -> None:
    for outcome in (Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN):
        last = lines(day(judged(1, outcome)), width=80, unicode=True)[-1]
        assert last[0].text == f"{outcome}  "
        assert last[0].style.startswith("bold ")


def test_a_note_is_marked_as_one() -> None:
    assert "  note: 3 lines were not understood" in drawn(day(notes=("3 lines were not understood",)))


def test_a_line_of_megabytes_is_cut_and_its_marks_with_it() -> None:
    for letter in ("x", "日", "e\u0301", "\u0301"):
        place = Place(LOG, 1, letter * 300_000)
        rows = drawn(day(judged(1, Outcome.FAIL, evidence=(place,), detail=letter * 300_000)))
        assert max(map(len, rows)) <= 160


@given(report=REPORTS, width=st.integers(40, 200), unicode=st.booleans())
def test_no_line_is_wider_than_the_page_and_no_text_leaves_it(report: Report, width: int, unicode: bool) -> None:
    text = render(report, width=width, unicode=unicode)
    rows = text.split("\n")
    assert rows.pop() == ""
    assert all(row.isprintable() and row == row.rstrip() for row in rows)
    assert max(map(cells, rows)) <= width
    assert unicode or text.isascii()
    assert rows[-1].strip()


@given(report=REPORTS, width=st.integers(40, 200))
def test_no_line_is_wider_by_the_measure_of_the_terminal_library(report: Report, width: int) -> None:
    text = render(report, width=width, unicode=True)
    assume(not WIDENED.search(text))
    assert max(map(cell_len, text.splitlines())) <= width


@given(report=REPORTS, width=st.integers(40, 200), unicode=st.booleans())
def test_the_lines_with_styles_say_the_same_as_the_plain_text(report: Report, width: int, unicode: bool) -> None:
    styled = lines(report, width=width, unicode=unicode)
    plain = "".join("".join(span.text for span in line).rstrip() + "\n" for line in styled)
    assert plain == render(report, width=width, unicode=unicode)


def test_hostile_text_arrives_as_visible_escapes() -> None:
    place = Place(LOG, 1, HOSTILE)
    text = render(day(judged(1, Outcome.FAIL, evidence=(place,), detail=HOSTILE)), width=200, unicode=True)
    assert text.count(r"\x1b[31m[red]x[/red]\u202e\u2066\r\n\t\x00\ud800") == 2


def test_a_page_is_never_narrower_than_forty() -> None:
    assert drawn(FAILED, 0) == drawn(FAILED, 40)


def test_an_encoding_shows_the_signs_or_does_not() -> None:
    assert can_show("utf-8")
    assert not any(map(can_show, ("ascii", "latin-1", "cp437", "cp1252", "no-such-encoding")))


def test_the_year_of_a_proof_is_left_out_only_where_the_line_is_the_runners() -> None:
    assert END_MS
    assert not re.search(r"2026-02-05 03:00", render(FAILED, width=200, unicode=True))
    assert TIMEOUT[:19] in render(
        day(SILENCE._replace(evidence=(Place("server.log", 1, TIMEOUT[:19]),))), width=200, unicode=True
    )
