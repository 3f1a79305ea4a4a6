"""How a report reaches stdout: a pipe, a terminal, a stream that cannot be written, and the exit code after it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from cli_process import environment
from typer.testing import CliRunner

from genesis_ops.checks.model import Judged, Outcome, Report
from genesis_ops.cli.judging import OutputFormat, Strict, tell
from genesis_ops.report.formats import Format

COMMAND = """
import sys
from genesis_ops.checks.model import Judged, Outcome, Report
from genesis_ops.cli.app import app
from genesis_ops.cli.judging import OutputFormat, Strict, tell
from genesis_ops.report.formats import Format

@app.command("judged")
def judged(outcome: Outcome, output: OutputFormat = Format.TEXT, strict: Strict = False) -> None:
    detail = "[red]x[/red] \\x1b[31m 日本 " + "long " * 40
    check = Judged(1, "no-fatal", "title", outcome, 1, 0, detail, (), "look \\u2013 there")
    report = Report("acceptance", "24h", "tBTCUSD 1h", 1770297000000, (check,), strict=strict)
    try:
        tell(report, output)
    finally:
        print("rich" in sys.modules, file=sys.stderr)

app(prog_name="genesis-ops")
"""


def run(*arguments: str, stdout: int = subprocess.PIPE, **changes: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "judged", *arguments],
        env=environment(**{"PYTHONIOENCODING": "utf-8"} | changes),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )


def on_a_terminal(columns: int, *arguments: str, **changes: str) -> tuple[str, int, str]:
    """Run on a terminal of a width; give what it was sent, the exit code, and stderr."""
    leader, follower = pty.openpty()
    sizes = {"COLUMNS": str(columns), "LINES": "40", "TERM": "xterm-256color", "COLORTERM": ""}
    done = run(*arguments, stdout=follower, **sizes | changes)
    os.close(follower)
    sent = b""
    try:
        while block := os.read(leader, 65536):
            sent += block
    except OSError:  # how Linux tells the end of a terminal
        pass
    finally:
        os.close(leader)
    return sent.decode().replace("\r\n", "\n"), done.returncode, done.stderr.decode()


EXITS = [
    ("PASS", (), 0, 0),
    ("WARN", (), 0, 1),
    ("WARN", ("--strict",), 1, 2),
    ("FAIL", (), 1, 2),
    ("UNKNOWN", (), 3, 3),
    ("SKIP", (), 3, 3),
]


@pytest.mark.parametrize(("outcome", "flags", "code", "plugin_code"), EXITS)
def test_the_exit_code_is_the_verdicts_whatever_the_format(
    outcome: str, flags: tuple[str, ...], code: int, plugin_code: int
) -> None:
    app = typer.Typer()

    @app.command()
    def judged(output: OutputFormat = Format.TEXT, strict: Strict = False) -> None:
        check = Judged(1, "no-fatal", "title", Outcome(outcome), 1, 0, "detail", (), "")
        tell(Report("acceptance", "24h", "tBTCUSD 1h", 0, (check,), strict=strict), output)

    for each in Format:
        done = CliRunner().invoke(app, ["--format", each, *flags])
        assert done.exit_code == (plugin_code if each is Format.NAGIOS else code), (each, done.output)
        assert done.stdout
        assert done.stderr == ""


def test_a_pipe_gets_eighty_columns_without_colours_and_without_loading_rich() -> None:
    done = run("FAIL", COLUMNS="200")
    text = done.stdout.decode()
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "  ✗  1 no-fatal   [red]x[/red] \\x1b[31m 日本 long" in text
    assert text.splitlines()[-1] == "FAIL  1 of 1 checks failed     exit 1"
    assert (done.returncode, done.stderr) == (1, b"False\n")


def test_an_encoding_without_the_signs_gets_ascii() -> None:
    for encoding in ("ascii", "latin-1", "cp437"):
        done = run("FAIL", PYTHONIOENCODING=encoding)
        assert done.stdout.isascii()
        assert b"  x  1 no-fatal   [red]x[/red] \\x1b[31m \\u65e5\\u672c long" in done.stdout
        assert b"-> look - there" in done.stdout
        assert done.returncode == 1


@pytest.mark.parametrize("output_format", Format)
def test_every_format_can_be_written_in_any_encoding(output_format: Format) -> None:
    done = run("FAIL", "--format", output_format, PYTHONIOENCODING="ascii")
    assert done.returncode == (2 if output_format is Format.NAGIOS else 1), done.stderr
    assert done.stdout.isascii()
    assert done.stdout.endswith(b"\n")


def test_a_terminal_gets_its_width_and_colours_that_only_repeat_what_is_said() -> None:
    text, code, error = on_a_terminal(120, "FAIL")
    assert code == 1
    assert error == "True\n"
    assert "\x1b[1;31m✗\x1b[0m  1 \x1b[1mno-fatal\x1b[0m   [red]x[/red] \\x1b[31m 日本 long" in text
    assert text.splitlines()[0].endswith("tBTCUSD 1h\x1b[0m")
    assert len(text.splitlines()[0].replace("\x1b[1m", "").replace("\x1b[0m", "")) == 120


def test_a_terminal_too_narrow_for_a_report_is_left_to_break_its_lines() -> None:
    text, _, _ = on_a_terminal(30, "PASS")
    assert text.splitlines()[-1] == "\x1b[1;32mPASS  \x1b[0m1 of 1 checks passed     exit 0"


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colours_gets_none_and_its_width(changes: dict[str, str]) -> None:
    text, code, error = on_a_terminal(120, "FAIL", **changes)
    assert (code, error) == (1, "False\n")
    assert "\x1b" not in text
    assert len(text.splitlines()[0]) == 120


def test_machine_formats_are_the_same_on_a_terminal_and_in_a_pipe() -> None:
    text, _, error = on_a_terminal(50, "FAIL", "--format", "json")
    assert error == "False\n"
    assert text.encode() == run("FAIL", "--format", "json").stdout
    assert json.loads(text)["verdict"] == "FAIL"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to fill")
@pytest.mark.parametrize("output_format", Format)
def test_an_output_that_cannot_be_written_is_told_and_is_not_a_verdict(output_format: Format) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("PASS", "--format", output_format, stdout=full.fileno())
    assert done.returncode == 70
    assert b"genesis-ops: the output could not be written: No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_unknown_format_is_a_usage_error_that_names_the_known_ones() -> None:
    done = run("PASS", "--format", "yaml")
    assert done.returncode == 2
    assert all(each.encode() in done.stderr for each in Format)
