"""The report as metrics."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from report_samples import FAILED, HOSTILE, REPORTS, day, judged

from genesis_ops.checks.model import Outcome, Report
from genesis_ops.report.prometheus import render

_SAMPLE = re.compile(r'(genesis_ops_[a-z_]+)\{command="[a-z-]+"(?:,[a-z]+="(?:[^"\\\n]|\\\\|\\")*")*\} (-?\d+)')


def value(text: str, sample: str) -> int:
    (found,) = re.findall(rf"^genesis_ops_{re.escape(sample)} (\d+)$", text, re.MULTILINE)
    return int(found)


def test_a_failed_day_in_figures() -> None:
    text = render(FAILED)
    check = 'check_outcome{command="acceptance",check="candle-frequency",outcome='
    assert [value(text, f'{check}"{outcome}"}}') for outcome in Outcome] == [0, 0, 1, 0, 0]
    verdicts = [value(text, f'verdict{{command="acceptance",verdict="{each}"}}') for each in list(Outcome)[:4]]
    assert verdicts == [0, 0, 1, 0]
    named = ("exit_code", "report_timestamp_seconds", "window_covered_seconds", "window_candles", "window_heartbeats")
    figures = [value(text, f'{name}{{command="acceptance"}}') for name in named]
    assert figures == [1, 1_770_297_000, 86_400, 24, 864]


def test_window_and_sums_are_there_only_where_the_command_has_them() -> None:
    assert "genesis_ops_window" not in render(day(window=None, summary=None))


@given(report=REPORTS)
def test_every_metric_is_explained_once_before_its_samples_and_every_sample_is_one_line(report: Report) -> None:
    explained: list[str] = []
    for line in render(report).removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            explained.append(line.split()[2])
        elif not line.startswith("# TYPE "):
            found = _SAMPLE.fullmatch(line)
            assert found, line
            assert found[1] == explained[-1]
    assert len(explained) == len(set(explained))


@pytest.mark.parametrize("outcome", Outcome)
def test_promtool_accepts_it_without_a_word(outcome: Outcome) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool (Debian package prometheus) is not installed")
    report = day(judged(1, outcome, id=HOSTILE, detail=HOSTILE))
    given = render(report).encode()
    done = subprocess.run([tool, "check", "metrics"], input=given, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
