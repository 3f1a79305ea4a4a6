"""The report for scripts (contract §8)."""

import json
import math

import pytest
from hypothesis import given
from report_samples import FAILED, HOSTILE, LOG, REPORTS, TIMEOUT, day, judged

from genesis_ops.checks.model import Outcome, Place, Report
from genesis_ops.report.as_json import render


def test_the_object_is_the_contracts() -> None:
    document = json.loads(render(FAILED))
    assert list(document) == [
        "schema", "version", "command", "verdict", "exit_code", "generated_at", "window", "checks", "summary",
    ]  # fmt: skip
    checks = document.pop("checks")
    assert document == {
        "schema": "genesis-ops.report/1",
        "version": FAILED.version,
        "command": "acceptance",
        "verdict": "FAIL",
        "exit_code": 1,
        "generated_at": "2026-02-05T13:10:00Z",
        "window": {"start": "2026-02-04T13:10:00Z", "end": "2026-02-05T13:10:00Z", "covered_seconds": 86400},
        "summary": {"candles": 24, "evaluations": 24, "orders_submitted": 0, "fatal": 0, "heartbeats": 864},
    }
    assert len(checks) == 11
    assert list(checks[1].items()) == [
        ("number", 2),
        ("id", "candle-frequency"),
        ("title", "candle frequency"),
        ("outcome", "FAIL"),
        ("observed", 22),
        ("expected", 24),
        ("detail", "22 of 24 closes, one step of 3h"),
        ("evidence", [{"file": LOG, "line": 2211, "text": TIMEOUT}]),
        ("remedy", "genesis-ops logs --around 03:00"),
    ]


def test_window_and_summary_are_there_only_where_the_command_has_them() -> None:
    document = json.loads(render(day(window=None, summary=None)))
    assert {"window", "summary"}.isdisjoint(document)
    assert json.loads(render(day(summary={})))["summary"] == {}


def test_a_number_that_json_does_not_know_is_a_text() -> None:
    odd = judged(1, observed=math.nan, expected=math.inf)
    first = json.loads(render(day(odd)), parse_constant=pytest.fail)["checks"][0]
    assert (first["observed"], first["expected"]) == ("nan", "inf")


def test_text_is_kept_as_it_was_but_for_half_a_character() -> None:
    proof = Place(LOG, 1, HOSTILE)
    first = json.loads(render(day(judged(1, Outcome.FAIL, evidence=(proof,)))))["checks"][0]
    assert first["evidence"][0]["text"] == HOSTILE.replace("\ud800", r"\ud800")


@given(report=REPORTS)
def test_it_is_one_object_of_printable_ascii_in_whole_lines(report: Report) -> None:
    text = render(report)
    assert text.endswith("}\n")
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    document = json.loads(text)
    assert (document["verdict"], document["exit_code"]) == (report.verdict, report.exit_code)
    assert len(document["checks"]) == len(report.checks)
