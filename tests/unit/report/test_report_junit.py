"""The report as JUnit XML."""

import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from report_samples import FAILED, HOSTILE, LOG, REPORTS, TIMEOUT, day, judged

from genesis_ops.checks.model import Outcome, Place, Report
from genesis_ops.report.junit import render
from genesis_ops.words import visible

SCHEMA = Path(__file__).parent / "junit.xsd"


def suite(report: Report) -> ET.Element:
    (found,) = ET.fromstring(render(report))
    return found


def case(report: Report, name: str) -> ET.Element:
    (found,) = (each for each in suite(report) if each.get("name") == name)
    return found


def test_a_command_is_a_suite_and_a_check_a_case() -> None:
    found = suite(FAILED)
    assert found.get("name") == "genesis-ops.acceptance"
    counted = [found.get(name) for name in ("tests", "failures", "errors", "skipped", "timestamp")]
    assert counted == ["11", "1", "0", "0", "2026-02-05T13:10:00"]
    assert [each.get("name") for each in found] == [check.id for check in FAILED.checks]


def test_a_failure_says_what_where_and_what_to_do() -> None:
    (failure,) = case(FAILED, "candle-frequency")
    assert (failure.tag, failure.get("message")) == ("failure", "22 of 24 closes, one step of 3h")
    assert str(failure.text).splitlines() == [
        "FAIL: candle frequency",
        "22 of 24 closes, one step of 3h",
        f"{LOG}:2211  {TIMEOUT}",
        "genesis-ops logs --around 03:00",
    ]


@pytest.mark.parametrize(
    ("outcome", "strict", "tags"),
    [
        ("PASS", True, []),
        ("FAIL", False, ["failure"]),
        ("UNKNOWN", False, ["error"]),
        ("SKIP", True, ["skipped"]),
        ("WARN", False, ["system-out"]),
        ("WARN", True, ["failure"]),
    ],
)
def test_an_outcome_is_told_in_the_formats_own_terms(outcome: str, strict: bool, tags: list[str]) -> None:
    report = day(judged(1, Outcome(outcome)), strict=strict)
    assert [element.tag for element in case(report, "candle-uniqueness")] == tags


def test_what_xml_cannot_hold_stands_in_it_as_visible_escapes() -> None:
    proof = Place(LOG, 1, HOSTILE)
    (failure,) = case(day(judged(1, Outcome.FAIL, detail=HOSTILE, evidence=(proof,))), "candle-uniqueness")
    assert failure.get("message") == visible(HOSTILE)
    assert str(failure.text).splitlines()[2] == f"{LOG}:1  {visible(HOSTILE)}"


@given(report=REPORTS)
def test_any_report_is_a_document_in_ascii_whose_numbers_add_up(report: Report) -> None:
    assert render(report).isascii()
    found = suite(report)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(str(found.get(attribute))) == len(found.findall(f"testcase/{tag}"))
    assert int(str(found.get("tests"))) == len(found) == len(report.checks)


@pytest.mark.parametrize("strict", [False, True])
def test_its_schema_accepts_it(strict: bool) -> None:
    tool = shutil.which("xmllint")
    if tool is None:
        pytest.skip("xmllint (Debian package libxml2-utils) is not installed")
    told = {"detail": HOSTILE, "evidence": (Place(HOSTILE, 1, HOSTILE),), "remedy": HOSTILE}
    report = day(*(judged(number, outcome, **told) for number, outcome in enumerate(Outcome, 1)), strict=strict)
    command = [tool, "--noout", "--schema", str(SCHEMA), "-"]
    done = subprocess.run(command, input=render(report).encode(), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
