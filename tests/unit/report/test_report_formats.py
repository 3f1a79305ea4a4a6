"""The table of formats."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import FAILED, REPORTS

import genesis_ops
from genesis_ops.checks.model import Report
from genesis_ops.report.formats import Format, render

BEGINNINGS = {
    Format.TEXT: "Acceptance  ",
    Format.JSON: '{\n  "schema": "genesis-ops.report/1"',
    Format.JUNIT: "<?xml ",
    Format.NAGIOS: "GENESIS ACCEPTANCE CRITICAL - ",
    Format.PROMETHEUS: "# HELP genesis_ops_",
    Format.MARKDOWN: "## Acceptance: ",
}


def test_the_formats_are_the_contracts() -> None:
    assert [str(each) for each in Format] == ["text", "json", "junit", "nagios", "prometheus", "markdown"]


@pytest.mark.parametrize("output_format", Format)
def test_every_format_renders(output_format: Format) -> None:
    assert render(FAILED, output_format).startswith(BEGINNINGS[output_format])


@given(report=REPORTS, output_format=st.sampled_from(Format))
def test_whatever_is_written_is_whole_lines_of_visible_text(report: Report, output_format: Format) -> None:
    text = render(report, output_format, unicode=True)
    assert text.endswith("\n")
    assert text.replace("\n", "").isprintable()


def test_the_table_of_formats_loads_none_of_them() -> None:
    script = "import sys, genesis_ops.report.formats; print([n for n in sys.modules if n.startswith('genesis_ops.')])"
    source = str(Path(genesis_ops.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONPATH": source}
    )
    assert done.stdout == "['genesis_ops.report', 'genesis_ops.report.formats']\n"
