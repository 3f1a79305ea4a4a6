"""genesis-ops verify as an operator types it: what is asked, what is sent, what is shown, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_process import COMMAND, environment, process
from typer.testing import CliRunner, Result
from verification_world import SIZE, World, world

from genesis_ops.checks.verify_services import Running, ServicesSeen
from genesis_ops.cli import verify_screen
from genesis_ops.cli.app import app
from genesis_ops.clients import host_clock
from genesis_ops.clients.process import Listeners, Process
from genesis_ops.clients.units import UnitsFound
from genesis_ops.collect import verify_services
from genesis_ops.keep import verification
from genesis_ops.state.latch import Latch, set_latch
from genesis_ops.words import day, stamp

PASS, FAIL, USAGE, UNKNOWN, REFUSED, INTERRUPTED = 0, 1, 2, 3, 78, 130
SUBMIT = ("POST", "/paper/submit")
SERVER = Process(1, "uvicorn", "", 1)
SEEN = ServicesSeen(
    30.0,
    (UnitsFound(trouble="there is no systemctl on this host", absent=True),) * 2,
    (Running(Listeners((SERVER,), hidden=False, addresses=("127.0.0.1",)), (Process(2, "genesis-ops run", "", 1),)),)
    * 2,
    (SERVER,),
    8000,
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path) as made:
        monkeypatch.setattr(host_clock, "HostClock", lambda: made.clock)
        for module in (verification, verify_services):
            monkeypatch.setattr(module, "services", lambda *_: SEEN)
        monkeypatch.setenv("GENESIS_API_URL", made.settings.api_url)
        monkeypatch.setenv("GENESIS_EXCHANGE_URL", made.settings.exchange_url)
        monkeypatch.setenv("GENESIS_LOCK_DIR", str(tmp_path / "locks"))
        made.log("Heartbeat: evaluations=1, orders=0, last_candle_ts=1770206400000")
        yield made


def verify(here: World, *words: str, answer: str | None = None) -> Result:
    """Type a command; ``answer`` is typed where it asks, at a terminal, and without one there is none."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(verify_screen, "_is_terminal", lambda stream: stream is sys.stdin and answer is not None)
        arguments = ["--root", str(here.settings.root), "verify", *words]
        return CliRunner().invoke(app, arguments, input=answer, prog_name="genesis-ops")


# --- nothing is sent unasked


@pytest.mark.parametrize("words", [("order",), ("all",)])
def test_without_a_terminal_and_without_yes_nothing_is_asked_of_anybody(here: World, words: tuple[str, ...]) -> None:
    done = verify(here, *words)
    assert (done.exit_code, done.stdout) == (USAGE, "")
    assert "--yes" in done.stderr
    assert not here.requests


@pytest.mark.parametrize("answer", ["n\n", "\n", "no\n"])
def test_an_order_is_shown_before_it_is_sent_and_no_sends_nothing(here: World, answer: str) -> None:
    done = verify(here, "order", answer=answer)
    assert done.exit_code == INTERRUPTED
    assert "LONG 0.001 TESTBTC on tTESTBTC:TESTUSD" in done.stderr
    assert "the wallet holds 1,000,000 TESTUSD" in done.stderr
    assert "send this order? [y/N]" in done.stderr
    assert here.changes == {}


def test_a_closed_input_is_no_yes(here: World) -> None:
    done = verify(here, "order", answer="")
    assert (done.exit_code, "Traceback" in done.stderr) == (INTERRUPTED, False)
    assert here.changes == {}


def test_yes_sends_one_order_and_shows_what_came_of_it(here: World) -> None:
    done = verify(here, "order", answer="y\n")
    assert done.exit_code == PASS
    assert here.changes == {SUBMIT: 1}
    assert "Order manual-" in done.stdout
    assert "evidence" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_side_and_size_are_those_of_the_request(here: World) -> None:
    done = verify(here, "order", "--yes", "--side", "SHORT", "--size", "0.25", "--format", "json")
    made = json.loads(done.stdout)["order"]
    assert (done.exit_code, made["side"], made["size"], made["fill"]) == (PASS, "SHORT", 0.25, "once")
    assert here.sandbox.account.fills[0].amount == -0.25


@pytest.mark.parametrize("size", ["0", "-1", "nan", "inf", "x"])
@pytest.mark.parametrize("command", ["order", "all"])
def test_a_size_that_is_none_is_refused_before_anything_is_asked(here: World, command: str, size: str) -> None:
    done = verify(here, command, "--yes", "--size", size)
    assert (done.exit_code, "--size" in done.stderr) == (USAGE, True)
    assert not here.requests


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("submit-rejected", FAIL),
        ("submit-status-error", FAIL),
        ("submit-doubled", FAIL),
        ("submit-partial", UNKNOWN),
        ("submit-internal-error", PASS),
        ("submit-lost", FAIL),
        ("wallets-error", UNKNOWN),
        ("api-down", UNKNOWN),
    ],
)
def test_an_order_ends_by_what_the_wallets_show(here: World, fault: str, code: int) -> None:
    here.fault(fault)
    done = verify(here, "order", "--yes")
    assert (done.exit_code, "Traceback" in done.stderr) == (code, False)
    assert here.changes.get(SUBMIT, 0) <= 1
    assert ("Order manual-" in done.stdout) is (fault.startswith("submit"))


def test_what_stands_against_an_order_is_told_with_its_reasons(here: World) -> None:
    set_latch(here.settings.log_dir, Latch(here.clock.now_ms(), ("a test",), "somebody"))
    done = verify(here, "order", "--yes")
    assert (done.exit_code, done.stdout) == (REFUSED, "")
    assert "the stop latch is set" in done.stderr
    assert here.changes == {}


# --- the steps one by one


def test_health_tells_the_configuration_and_fails_where_the_api_is_not_well(here: World) -> None:
    done = verify(here, "health", "--format", "json")
    made = json.loads(done.stdout)
    assert (done.exit_code, made["command"], made["verdict"]) == (PASS, "verify health", "PASS")
    here.fault("health-error")
    assert verify(here, "health").exit_code == FAIL


def test_wallets_records_a_baseline_and_shows_it_again_without_asking(here: World) -> None:
    done = verify(here, "wallets")
    assert (done.exit_code, "TESTUSD   1,000,000" in done.stdout) == (PASS, True)
    asked = here.requests
    again = verify(here, "wallets", "--show")
    assert again.stdout == done.stdout
    assert here.requests == asked
    assert "the former one is kept in" in verify(here, "wallets").stdout
    assert here.changes == {}


def test_a_baseline_that_there_is_none_of_is_told(here: World) -> None:
    done = verify(here, "wallets", "--show")
    assert (done.exit_code, "verify wallets" in done.stderr) == (UNKNOWN, True)
    assert json.loads(verify(here, "wallets", "--show", "--format", "json").stdout)["at"] is None


def test_wallets_that_answer_with_an_error_are_unknown(here: World) -> None:
    here.fault("wallets-error")
    done = verify(here, "wallets")
    assert (done.exit_code, done.stdout) == (UNKNOWN, "")
    assert not (here.settings.log_dir / "wallet_baseline.json").exists()


def test_delta_shows_the_wallets_before_and_after(here: World) -> None:
    assert verify(here, "delta").exit_code == UNKNOWN
    verify(here, "wallets")
    verify(here, "order", "--yes")
    done = verify(here, "delta")
    assert done.exit_code == PASS
    assert re.search(r"TESTBTC +10 +10\.0009996 +\+0\.0009996", done.stdout)
    told = json.loads(verify(here, "delta", "--format", "json", "--expect", "order").stdout)["wallets"]
    assert told[0]["change"] == pytest.approx(SIZE * 0.9996)
    assert verify(here, "delta", "--expect", "none").exit_code == FAIL
    assert here.changes == {SUBMIT: 1}


@pytest.mark.parametrize("output", ["text", "json", "junit", "nagios", "prometheus", "markdown"])
@pytest.mark.parametrize("command", ["health", "delta", "services"])
def test_every_step_that_judges_has_every_format(here: World, command: str, output: str) -> None:
    done = verify(here, command, "--format", output)
    assert (done.exit_code, bool(done.stdout)) == (UNKNOWN if command == "delta" else PASS, True)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["services", "all"])
def test_a_window_that_is_none_is_refused(here: World, command: str) -> None:
    done = verify(here, command, "--window", "soon", *(["--no-order"] if command == "all" else []))
    assert (done.exit_code, "--window" in done.stderr) == (USAGE, True)


# --- all of it


def test_all_does_the_six_keeps_the_report_and_status_shows_it(here: World) -> None:
    done = verify(here, "all", "--yes")
    assert done.exit_code == PASS
    assert here.changes == {SUBMIT: 1}
    assert [line.split()[1] for line in done.stderr.splitlines()] == [
        *("health", "wallets", "order", "delta", "services", "logs"),
    ]
    assert max(map(len, (*done.stdout.splitlines(), *done.stderr.splitlines()))) <= 80
    kept = re.search(r"kept: (verification_\d{8}_\d{6}Z\.json)", done.stdout)
    assert kept is not None
    assert json.loads((here.settings.log_dir / kept[1]).read_bytes())["command"] == "verify"
    shown = CliRunner().invoke(app, ["--root", str(here.settings.root), "status"])
    assert re.search(r"✓ verified +0s ago +PASS", shown.stdout)
    assert "since 13:20" in shown.stdout


def test_all_asks_before_the_order_and_goes_on_without_it(here: World) -> None:
    done = verify(here, "all", answer="n\n")
    assert "send this order? [y/N]" in done.stderr
    assert (done.exit_code, here.changes) == (PASS, {})
    assert "nobody agreed to it" in done.stdout


def test_all_without_an_order_asks_nobody_and_sends_nothing(here: World) -> None:
    done = verify(here, "all", "--no-order", "--format", "json")
    made = json.loads(done.stdout)
    assert {check["id"]: check["outcome"] for check in made["checks"]}["verify-order"] == "SKIP"
    assert (done.exit_code, here.changes) == (PASS, {})
    assert verify(here, "all", "--no-order", "--yes").exit_code == USAGE


@pytest.mark.parametrize(
    ("fault", "code"),
    [("health-error", FAIL), ("wallets-error", UNKNOWN), ("submit-doubled", FAIL), ("submit-partial", UNKNOWN)],
)
def test_all_ends_with_the_contracts_verdict_and_its_report_all_the_same(here: World, fault: str, code: int) -> None:
    here.fault(fault)
    done = verify(here, "all", "--yes", "--format", "json")
    made = json.loads(done.stdout)
    assert (done.exit_code, made["exit_code"], len(made["checks"])) == (code, code, 10)
    assert here.changes.get(SUBMIT, 0) <= 1


def test_quiet_says_nothing_while_all_is_well(here: World) -> None:
    done = verify(here, "all", "--no-order", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (PASS, "", "")


def test_a_report_that_cannot_be_kept_is_shown_and_ends_with_70(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from genesis_ops.errors import WriteFailed

    def full(*_: object) -> Path:
        raise WriteFailed("the disk is full")

    monkeypatch.setattr(verification, "keep_verification", full)
    done = verify(here, "all", "--no-order")
    assert (done.exit_code, "kept: not" in done.stdout, "the disk is full" in done.stderr) == (70, True, True)


# --- the log


def test_logs_shows_the_last_lines_as_they_stand_there(here: World) -> None:
    here.log("ORDER SUBMITTED: {}", "last\x1b[2J")
    done = verify(here, "logs", "-n", "2")
    assert done.exit_code == PASS
    lines = done.stdout.splitlines()
    assert [line.split(" - ", 3)[3] for line in lines] == ["ORDER SUBMITTED: {}", "last\\x1b[2J"]


def test_logs_shows_from_a_level_on(here: World) -> None:
    here.log("Stalled", level="ERROR")
    assert verify(here, "logs", "--level", "ERROR").stdout.count("\n") == 1
    assert verify(here, "logs", "--level", "LOUD").exit_code == USAGE


def test_logs_shows_no_secret(here: World) -> None:
    secret = "Zx8Qw3Er5Ty7Ui9Op1As2Df4Gh6Jk8Lz"
    (here.settings.root / ".env").write_text(f"BITFINEX_API_SECRET={secret}\n", encoding="utf-8")
    here.log(f"signing with {secret}")
    assert (secret in verify(here, "logs").stdout) is False


def test_logs_without_a_log_says_what_to_type(tmp_path: Path) -> None:
    done = process("--root", str(tmp_path), "verify", "logs")
    assert (done.returncode, done.stdout) == (UNKNOWN, "")
    assert f"next: genesis-ops --root {tmp_path} run --dry-run" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of Unix")
def test_logs_follows_until_somebody_has_seen_enough(tmp_path: Path) -> None:
    logs = tmp_path / "logs" / "paper_trading"
    logs.mkdir(parents=True)
    now_ms = time.time_ns() // 1_000_000
    path = logs / f"runner_{day(now_ms)}.log"
    path.write_text(f"{stamp(now_ms)} - paper_trading_runner - INFO - first\n", encoding="utf-8")
    command = (*COMMAND, "--root", str(tmp_path), "verify", "logs", "-f")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as followed:
        assert followed.stdout is not None
        assert followed.stderr is not None
        assert followed.stdout.readline().endswith(b"first\n")
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{stamp(now_ms)} - paper_trading_runner - INFO - second\n")
        assert followed.stdout.readline().endswith(b"second\n")
        followed.send_signal(signal.SIGINT)
        assert (followed.wait(20), followed.stdout.read(), followed.stderr.read()) == (INTERRUPTED, b"", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_logs_is_coloured_on_a_terminal_that_wants_it(tmp_path: Path, no_color: str) -> None:
    import pty

    logs = tmp_path / "logs" / "paper_trading"
    logs.mkdir(parents=True)
    text = "2026-02-04 13:03:20 - paper_trading_runner - ERROR - HTTP error fetching candles: x\n"
    (logs / "runner_20260204.log").write_text(text, encoding="utf-8")
    master, slave = pty.openpty()
    changes = {"TERM": "xterm", "COLUMNS": "80"} | ({"NO_COLOR": no_color} if no_color else {})
    command = (*COMMAND, "--root", str(tmp_path), "verify", "logs")
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment(**changes)) as shown:
        assert shown.wait(20) == PASS
    os.close(slave)
    written = os.read(master, 65536).decode()
    os.close(master)
    assert "x 2026-02-04 13:03:20 ERROR    HTTP error fetching candles: x" in re.sub(r"\x1b\[[0-9;]*m", "", written)
    assert ("\x1b[31m" in written) is not bool(no_color)
