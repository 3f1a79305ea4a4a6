"""The report for a daily summary, read back by a Markdown reader."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import FAILED, HOSTILE, LOG, REPORTS, TEXTS, TIMEOUT, day, judged

from genesis_ops.checks.model import Outcome, Place, Report
from genesis_ops.report.markdown import code, escaped, render, with_commands
from genesis_ops.words import visible

markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py comes with rich")
READER = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_OWN = {
    "heading_open", "heading_close", "table_open", "table_close", "thead_open", "thead_close", "tbody_open",
    "tbody_close", "tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close", "bullet_list_open",
    "bullet_list_close", "list_item_open", "list_item_close", "paragraph_open", "paragraph_close", "inline",
    "text", "code_inline", "strong_open", "strong_close", "text_special",
}  # fmt: skip


def kinds(text: str) -> Iterator[str]:
    for token in READER.parse(text):
        yield token.type
        yield from (child.type for child in token.children or ())


def read(text: str) -> str:
    """Give what a reader sees of running text."""
    (inline,) = (token for token in READER.parse(text) if token.type == "inline")
    return "".join(child.content for child in inline.children)


def test_a_failed_day_has_a_heading_a_table_the_proof_and_the_verdict() -> None:
    text = render(FAILED).splitlines()
    assert text[0] == "## Acceptance: dry-run, 24h to 2026-02-05 13:10 UTC (tBTCUSD 1h)"
    assert text[2:6] == [
        "| # | check | outcome | detail |",
        "|--:|---|---|---|",
        "| 1 | candle-uniqueness | PASS | 24 of 24 |",
        "| 2 | candle-frequency | FAIL | 22 of 24 closes, one step of 3h |",
    ]
    proof = text.index("- **candle-frequency**: FAIL")
    assert text[proof + 1 : proof + 3] == [
        f"  - `{LOG}:2211` `{TIMEOUT}`",
        "  - Next: `genesis-ops logs --around 03:00`",
    ]
    assert "* Candles processed: 24" in text
    assert text[-1] == "**FAIL**: 1 of 10 checks failed, 1 warning, exit 1; receipt: none"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ""),
        ("mend the cause; do *not* restart", "mend the cause; do \\*not\\* restart"),
        (
            "genesis-ops stop-check      (it names the cause; wait)",
            "`genesis-ops stop-check` (it names the cause; wait)",
        ),
        ("put a_b back; genesis-ops stop-check names it", "put a\\_b back; `genesis-ops stop-check` names it"),
        (
            "disk full; genesis-ops stop-check --enforce keeps a copy, then genesis-ops run --rebuild-state; wait",
            "disk full; `genesis-ops stop-check --enforce` keeps a copy, then `genesis-ops run --rebuild-state`; wait",
        ),
        ("sudo systemctl start x      or: uvicorn a.b:c --d e", "`sudo systemctl start x` or: `uvicorn a.b:c --d e`"),
        (
            "genesis-ops acceptance --window 24h --until last      (or: genesis-ops preflight)",
            "`genesis-ops acceptance --window 24h --until last` (or: `genesis-ops preflight`)",
        ),
        ("ls -l 'a`b'", "``ls -l 'a`b'``"),
    ],
)
def test_commands_among_what_to_do_are_code_and_all_else_is_text(text: str, told: str) -> None:
    assert with_commands(text) == told


@given(st.text(st.sampled_from("genesis-opls; ()`*_|<-&\n")))
def test_what_to_do_reads_as_itself_whatever_it_holds(text: str) -> None:
    shown = with_commands(f"x {text} genesis-ops run x")
    assert " ".join(read(shown).split()) == " ".join(visible(f"x {text} genesis-ops run x").split())


def test_a_day_that_passed_has_no_proof() -> None:
    proof = judged(1, evidence=(Place(LOG, 1, "x"),), remedy="x")
    assert "runner_" not in render(day(proof))


def test_a_proof_of_megabytes_is_cut() -> None:
    text = render(day(judged(1, Outcome.FAIL, evidence=(Place(LOG, 1, "x" * 10**6),))))
    assert len(text) < 2000


@pytest.mark.parametrize(
    "text",
    [
        "a | b", "`rm -rf`", "<script>alert(1)</script>", "<!--", "[x](http://evil)", "![x](y)", "*bold*", "_it_",
        "~~gone~~", "&amp;", "trailing\\", "\\|", "# no", "no #", "https://evil.example", "www.evil.example",
        "line\n\n# heading", "a\r\n| b |", "$x$", "``a``", "[^1]",
    ],
)  # fmt: skip
def test_no_text_is_markup_anywhere(text: str) -> None:
    for shown in (f"## {escaped(text)}", f"x {escaped(text)}", f"x {code(text)}"):
        assert set(kinds(shown)) <= _OWN
        assert read(shown).removeprefix("x ") == visible(text).strip()


def test_an_address_is_no_link() -> None:
    assert escaped("see https://evil.example or www.evil.example: v1.2") == (
        r"see https\://evil.example or www\.evil.example: v1.2"
    )


@given(text=TEXTS)
def test_running_text_reads_as_itself(text: str) -> None:
    assert read(f"x{escaped(text)}") == f"x{visible(text).strip()}".strip()


@given(text=st.text(st.sampled_from("` a|\\"), min_size=1))
def test_code_reads_as_itself(text: str) -> None:
    if text.strip():
        assert read(f"x{code(text)}") == f"x{text}"
    else:
        assert code(text) == ""


@given(report=REPORTS)
def test_no_report_holds_any_markup_but_its_own(report: Report) -> None:
    text = render(report)
    assert set(kinds(text)) <= _OWN
    tokens = READER.parse(text)
    rows = sum(token.type == "tr_open" for token in tokens)
    assert rows == len(report.checks) + 1
    assert sum(token.type == "td_open" for token in tokens) == 4 * len(report.checks)
    assert sum(token.type == "heading_open" for token in tokens) == 1


def test_hostile_evidence_is_one_line_of_code() -> None:
    text = render(day(judged(1, Outcome.FAIL, evidence=(Place(LOG, 1, HOSTILE),))))
    (line,) = (line for line in text.splitlines() if f"`{LOG}:1`" in line)
    assert line.endswith(f"``{visible(HOSTILE)}``")
