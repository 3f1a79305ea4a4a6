"""A report that comes from another host: shown as there, or refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import FAILED, REPORTS, day, hours, judged

from genesis_ops.checks.model import Movement, Outcome, Place, Report
from genesis_ops.report.as_json import render as as_json
from genesis_ops.report.formats import Format, Wire, render
from genesis_ops.report.from_json import read_report
from genesis_ops.runlog.tally import Fate
from genesis_ops.words import Exit, visible


def wired(report: Report) -> Report:
    return read_report(render(report, Wire.REPORT).encode())


def test_every_format_of_it_is_as_there() -> None:
    there = FAILED._replace(
        hours=hours(Fate.PROCESSED, Fate.MISSING), notes=("ready",), wallets=(Movement("TESTUSD", 1.5, None),)
    )
    for each in Format:
        assert render(wired(there), each, unicode=True) == render(there, each, unicode=True)


def _named(place: Place) -> Place:
    """Give a place with a name that text can hold: half a character arrives as an escape, with a backslash in it."""
    return place._replace(file=visible(place.file))


@given(report=REPORTS)
@settings(max_examples=40)
def test_any_report_is_drawn_as_there(report: Report) -> None:
    checks = tuple(
        check._replace(number=number, id=f"check-{number}", evidence=tuple(map(_named, check.evidence)))
        for number, check in enumerate(report.checks, 1)
    )
    there = report._replace(checks=checks, wallets=(), overruled=None)
    here = wired(there)
    assert render(here, Format.TEXT) == render(there, Format.TEXT)
    assert here.exit_code == there.exit_code


def test_what_scripts_get_is_enough() -> None:
    here = read_report(as_json(FAILED).encode())
    assert (here.verdict, here.exit_code, len(here.checks)) == (Outcome.FAIL, 1, 11)


@pytest.mark.parametrize(
    "there",
    [
        day(judged(2, Outcome.WARN), strict=True),
        day(overruled=Exit.LOCK_HELD),
        day(judged(2, Outcome.WARN)),
        day(judged(2, Outcome.UNKNOWN)),
    ],
)
def test_it_ends_as_there(there: Report) -> None:
    assert wired(there).exit_code == there.exit_code


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(render(FAILED, Wire.REPORT)) | changes).encode()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "Expecting value"),
        (b"[]", "its schema is not"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schema": NaN}', "NaN is no number"),
        (changed(schema="genesis-ops.report/2"), "its schema is not"),
        (changed(verdict="PASS"), "does not follow from its checks"),
        (changed(exit_code=99), "exit_code 99 is none"),
        (changed(exit_code=True), "exit_code is not a whole number"),
        (
            changed(checks=[json.loads(render(FAILED, Wire.REPORT))["checks"][0] | {"observed": 10**400}]),
            "is too large",
        ),
        (changed(checks={}), "checks is not a list"),
        (changed(checks=[{"number": 2}]), "check 1 is not in its place"),
        (changed(command=None), "command is not text"),
        (changed(generated_at="now"), "does not match format"),
        (changed(summary=[1]), "summary is not an object"),
        (changed(shown=3), "is missing"),
        (b" " * ((1 << 25) + 1), "too large"),
    ],
)
def test_what_is_no_report_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_report(raw)


@given(raw=st.binary(max_size=200) | st.dictionaries(st.text(), st.integers()).map(lambda d: json.dumps(d).encode()))
def test_anything_else_is_a_value_error_and_nothing_worse(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - every reason will do
        read_report(raw)


def test_its_text_reaches_no_terminal_unescaped() -> None:
    there = day(judged(2, Outcome.FAIL, detail="\x1b[2Jgone"), market="\x1b]0;x\x07")
    assert "\x1b" not in render(wired(there), Format.TEXT)
