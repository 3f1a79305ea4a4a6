"""Who listens, who runs, who writes: seen on real processes, and told without what is secret."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.clients.process import Process, Trader, listeners, starts_a_runner, told, traders

LISTEN = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
HOLD_OPEN = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); input()"
NOTHING = "print('up', flush=True); input()"


@contextmanager
def started(*command: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run a program until the test is over; it has said its first line."""
    process = subprocess.Popen(
        (sys.executable, *command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        yield process, process.stdout.readline().strip()
        process.stdin.close()


def of(pid: int, found: tuple[Trader, ...]) -> Trader | None:
    return next((trader for trader in found if trader.process.pid == pid), None)


@pytest.mark.parametrize(
    "command",
    [
        "python scripts/paper_trading_runner.py --dry-run",
        "/opt/genesis/.venv/bin/python3.11 -u -X dev /opt/genesis/scripts/paper_trading_runner.py --live-paper",
        r"C:\Genesis\.venv\Scripts\python.exe scripts\paper_trading_runner.py",
        "python -m scripts.paper_trading_runner --dry-run",
        "genesis-ops run",
        "/opt/genesis/.venv/bin/python /opt/genesis/.venv/bin/genesis-ops --root /opt/genesis run --live-paper",
        "python3 -m genesis_ops --config other.toml --root=/opt run",
        r"C:\Genesis\.venv\Scripts\genesis-ops.exe run",
    ],
)
def test_a_runner_is_known_by_its_command_line(command: str) -> None:
    assert starts_a_runner(command.split(" "))


@pytest.mark.parametrize(
    "command",
    [
        "",
        "vi scripts/paper_trading_runner.py",
        "grep paper_trading_runner",
        "pkill -f paper_trading_runner",
        "tail -f logs/paper_trading/runner_20260204.log",
        "screen -S genesis-runner -dm python scripts/paper_trading_runner.py",
        "sudo python scripts/paper_trading_runner.py",
        "python -m pytest tests/test_paper_trading_runner.py",
        "python -c import\tpaper_trading_runner",
        "genesis-ops preflight --wait 3m",
        "genesis-ops --root run config show",
        "python -m genesis_ops rehearse --into run",
        "python",
        "python -m",
    ],
)
def test_what_only_names_a_runner_is_none(command: str) -> None:
    assert not starts_a_runner(command.split(" "))


@given(
    name=st.sampled_from(["BITFINEX_API_KEY=", "--api-secret=", "--token ", "--password ", "X_SECRET="]),
    value=st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
    after=st.sampled_from([[], ["--port", "8000"]]),
)
def test_a_secret_on_a_command_line_is_never_told(name: str, value: str, after: list[str]) -> None:
    words = ["uvicorn", *f"{name}{value}".split(" "), "http://user:" + value + "@host/", *after]
    assert value not in told(words)
    assert told(words).startswith("uvicorn ")


@given(st.lists(st.text(max_size=60), max_size=20))
def test_a_command_line_is_told_in_one_short_printable_line(command: list[str]) -> None:
    assert told(command).isprintable()
    assert len(told(command)) <= 100


@given(st.lists(st.text(max_size=20), max_size=8))
def test_any_command_line_can_be_asked_about(command: list[str]) -> None:
    assert starts_a_runner(command) in {True, False}


def test_the_holder_of_a_port_is_named_with_pid_command_user_and_start() -> None:
    with started("-c", LISTEN) as (process, port):
        found = listeners(int(port))
        assert not found.hidden
        (holder,) = found.processes
        assert holder.pid == process.pid
        assert holder.command.endswith("; input()")
        assert holder.user == psutil.Process().username()
        assert holder.since_ms is not None
        assert abs(holder.since_ms - time.time() * 1000) < 60_000
    assert listeners(int(port)).processes == ()


def test_a_process_tells_only_what_is_known_of_it() -> None:
    assert Process(7, "", "", None).told() == "pid 7"
    whole = Process(18725, "uvicorn core.server:app", "genesis", 1_770_138_104_000)
    assert whole.told() == "pid 18725 (uvicorn core.server:app, user genesis, since 2026-02-03 17:01:44)"


def test_a_process_that_has_the_log_open_for_writing_trades_here_and_one_that_reads_it_does_not(
    tmp_path: Path,
) -> None:
    log = tmp_path / "runner_20260204.log"
    log.touch()
    with (
        started("-c", HOLD_OPEN, str(log), "a") as (writer, _),
        started("-c", HOLD_OPEN, str(log), "r") as (reader, _),
        started("-c", HOLD_OPEN, str(tmp_path / "runner_service.log"), "a") as (service, _),
    ):
        found = traders(tmp_path, {})
    trader = of(writer.pid, found)
    assert trader is not None
    assert (trader.here, trader.writes, trader.runs) == (True, True, False)
    assert of(reader.pid, found) is None
    assert of(service.pid, found) is None


@pytest.mark.skipif(os.name == "nt", reason="needs a symbolic link")
def test_a_log_directory_that_is_a_link_is_the_directory_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with started("-c", HOLD_OPEN, str(tmp_path / "real" / "runner.lock"), "a") as (writer, _):
        assert of(writer.pid, traders(tmp_path / "link", {})) is not None


def test_a_runner_of_another_directory_is_seen_and_does_not_trade_here(tmp_path: Path) -> None:
    script = tmp_path / "paper_trading_runner.py"
    script.write_text(NOTHING, "utf-8")
    with started(str(script)) as (runner, _):
        trader = of(runner.pid, traders(tmp_path, {}))
    assert trader is not None
    assert (trader.runs, trader.here) == (True, False)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], False),
        (["--root", "{root}"], True),
        (["--root={root}", "--poll-interval", "9"], True),
        (["--root", "{root}/logs"], False),
        (["--root", "{root}", "--log-dir", "elsewhere"], False),
        (["--root", "{root}", "--log-dir=logs"], True),
        (["--log-dir", "{root}/logs"], True),
        (["--root"], False),
    ],
)
def test_a_runner_that_has_not_opened_its_log_yet_is_known_by_its_root(
    tmp_path: Path, arguments: list[str], named: bool
) -> None:
    (tmp_path / "logs").mkdir()
    script = tmp_path / "paper_trading_runner.py"
    script.write_text(NOTHING, "utf-8")
    with started(str(script), *(word.format(root=tmp_path) for word in arguments)) as (runner, _):
        trader = of(runner.pid, traders(tmp_path / "logs", {}, tmp_path))
        unasked = of(runner.pid, traders(tmp_path / "logs", {}))
    assert trader is not None
    assert unasked is not None
    assert (trader.named, trader.here, unasked.named) == (named, False, False)


def test_a_runner_in_the_roots_directory_is_of_that_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "paper_trading_runner.py").write_text(NOTHING, "utf-8")
    monkeypatch.chdir(tmp_path)
    with started("paper_trading_runner.py") as (runner, _):
        trader = of(runner.pid, traders(tmp_path / "logs", {}, tmp_path))
    assert trader is not None
    assert trader.named


def test_a_name_plate_counts_for_the_runner_that_wrote_it_and_not_for_a_later_process(tmp_path: Path) -> None:
    script = tmp_path / "paper_trading_runner.py"
    script.write_text(NOTHING, "utf-8")
    with started(str(script)) as (runner, _), started("-c", NOTHING) as (other, _):
        now_ms = int(time.time() * 1000)
        after = of(runner.pid, traders(tmp_path, {runner.pid: now_ms, other.pid: now_ms}))
        before = of(runner.pid, traders(tmp_path, {runner.pid: now_ms - 600_000}))
        assert of(other.pid, traders(tmp_path, {other.pid: now_ms})) is None
    assert after is not None
    assert before is not None
    assert (after.here, before.here) == (True, False)


def test_a_runner_whose_files_are_hidden_may_trade_here() -> None:
    process = Process(7, "python paper_trading_runner.py", "genesis", None)
    assert Trader(process, runs=True, holds=False, writes=None).here is None
    assert Trader(process, runs=True, holds=True, writes=None).here is True
