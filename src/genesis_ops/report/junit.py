"""A report as JUnit XML: a test suite a command, a test case a check.

FAIL is a failure, UNKNOWN an error, SKIP skipped; WARN has passed and says why, with ``--strict`` it is a failure.
"""

import time
from xml.etree import ElementTree as ET

from genesis_ops.checks.model import Judged, Outcome, Report
from genesis_ops.words import visible

_ELEMENTS = {Outcome.FAIL: "failure", Outcome.UNKNOWN: "error", Outcome.SKIP: "skipped", Outcome.WARN: "system-out"}
_NO_TIME = "0"  # checks are not timed, and readers want the attribute


def render(report: Report) -> str:
    """Write a report as a document in ASCII; what XML cannot hold stands in it as visible escapes."""
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", _totals(report))
    for judged in report.checks:
        _add(suite, judged, f"genesis-ops.{report.command}", strict=report.strict)
    ET.indent(root)
    body = ET.tostring(root, encoding="us-ascii", xml_declaration=False).decode("ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _totals(report: Report) -> dict[str, str]:
    kinds = [_element(judged.outcome, strict=report.strict) for judged in report.checks]
    return {
        "name": f"genesis-ops.{report.command}",
        "tests": str(len(kinds)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": _NO_TIME,
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(report.generated_ms // 1000)),
    }


def _element(outcome: Outcome, *, strict: bool) -> str:
    return "failure" if strict and outcome is Outcome.WARN else _ELEMENTS.get(outcome, "")


def _add(suite: ET.Element, judged: Judged, group: str, *, strict: bool) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": group, "name": visible(judged.id), "time": _NO_TIME})
    kind = _element(judged.outcome, strict=strict)
    if not kind:
        return
    told = ET.SubElement(case, kind)
    if kind != "system-out":
        told.set("message", visible(judged.detail))
    if kind in {"failure", "error"}:
        told.set("type", judged.outcome.value)
    told.text = "\n".join(_lines(judged))


def _lines(judged: Judged) -> list[str]:
    where = (f"{place.file}:{place.line}" if place.line else place.file for place in judged.evidence)
    proof = (f"{at}  {place.text}".rstrip() for at, place in zip(where, judged.evidence, strict=True))
    title = f"{judged.outcome}: {judged.title}"
    return [visible(line) for line in (title, judged.detail, *proof, judged.remedy) if line]
