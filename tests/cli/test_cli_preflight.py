"""preflight as an operator's shell runs it: real servers, a real runner, and the blocker of day 0."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cli_process import COMMAND, environment, process

from genesis_ops.rehearsal.world import build
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch
from genesis_ops.sandbox.server import make_server
from genesis_ops.state.latch import Latch, set_latch

IDS = [
    *("api-health", "runner-log", "champion-verified", "state-heartbeat", "no-fatal"),
    *("champion-file", "log-directory", "env-file", "runner-process", "clock", "disk-space", "stop-latch"),
]
PATIENCE_SECONDS = 60
BLOCKER = "the API answers, but no process trades"
KEYS = "BITFINEX_API_KEY=k3y-v4lu3\nBITFINEX_API_SECRET=s3cr3t-v4lu3\n"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def serving(*faults: str) -> Iterator[str]:
    switch = FaultSwitch()
    for fault in faults:
        switch.on(fault, now_ms())
    with make_server(Sandbox(7, now_ms, time.sleep, switch), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@contextmanager
def command(root: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the command and let it run; whatever still lives at the end is killed."""
    started = subprocess.Popen(
        (*COMMAND, "--root", str(root), *arguments),
        env=environment(**local(root)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with started:
        yield started
        if started.poll() is None:
            started.kill()


def local(root: Path) -> dict[str, str]:
    """The root's own settings hold, and not those that keep other tests away from servers."""
    url = (root / "url").read_text("utf-8")
    return {"GENESIS_API_URL": url, "GENESIS_EXCHANGE_URL": url, "GENESIS_LOCK_DIR": str(root / "locks")}


def world(root: Path, url: str) -> Path:
    build(root, url)
    (root / "url").write_text(url, "utf-8")
    (root / "locks").mkdir()
    (root / "logs" / "paper_trading").mkdir(parents=True)
    (root / ".env").write_text(KEYS, "utf-8")
    (root / ".env").chmod(0o600)
    return root


def preflight(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return process("--root", str(root), "preflight", *arguments, **local(root))


def checks(root: Path, *arguments: str) -> dict[str, Any]:
    done = preflight(root, "--format", "json", *arguments)
    document = json.loads(done.stdout)
    assert (document["exit_code"], done.stderr) == (done.returncode, "")
    return {check["id"]: check for check in document["checks"]}


def warmed_up(root: Path) -> None:
    """Let a runner process one candle and stop, so that the state has a heartbeat."""
    with command(root, "run", "--candles", "1") as runner:
        assert runner.wait(PATIENCE_SECONDS) == 0


@contextmanager
def running(root: Path) -> Iterator["subprocess.Popen[str]"]:
    """A runner that has verified its champion."""
    with command(root, "run") as runner:
        assert runner.stderr is not None
        for line in runner.stderr:
            if "Champion verified" in line:
                break
        yield runner


def test_the_blocker_of_day_zero_is_found_and_said_in_plain_words(tmp_path: Path) -> None:
    with serving() as url:
        root = world(tmp_path / "root", url)
        done = preflight(root)
        found = checks(root)
    assert done.returncode == 1
    assert " ".join(done.stdout.split()).count(BLOCKER) == 2
    assert done.stdout.splitlines()[-1].startswith("FAIL  3 of 12 checks failed, 2 could not tell")
    assert list(found) == IDS
    assert {name for name, check in found.items() if check["outcome"] == "FAIL"} == {
        *("runner-log", "state-heartbeat", "runner-process")
    }
    for name in ("runner-log", "runner-process"):
        assert found[name]["detail"].startswith(BLOCKER)
        assert "genesis-ops run" in found[name]["remedy"]
    assert found["api-health"]["outcome"] == "PASS"


def test_a_host_with_its_runner_passes_and_one_whose_runner_was_killed_does_not(tmp_path: Path) -> None:
    with serving() as url:
        root = world(tmp_path / "root", url)
        warmed_up(root)
        with running(root) as runner:
            well = preflight(root)
            runner.kill()
            runner.wait()
        found = checks(root)
    assert (well.returncode, well.stderr) == (0, "")
    assert well.stdout.splitlines()[-1].startswith("PASS  ")
    told = " ".join(well.stdout.split())
    assert f"pid {runner.pid} (" in told
    assert "frozen since " in told
    assert {name for name, check in found.items() if check["outcome"] != "PASS"} == {"runner-process"}
    assert found["runner-process"]["detail"].startswith(f"{BLOCKER}: no runner process since ")
    assert "killed, or the host went down" in found["runner-process"]["detail"]


def test_a_runner_that_starts_meanwhile_ends_the_wait(tmp_path: Path) -> None:
    with serving() as url:
        root = world(tmp_path / "root", url)
        warmed_up(root)
        with command(root, "preflight", "--wait", "10m") as waiting:
            assert waiting.stderr is not None
            first = waiting.stderr.readline()
            with running(root):
                out, rest = waiting.communicate(timeout=PATIENCE_SECONDS)
    assert first.startswith("waiting 0s of 10m 00s for runner-process: ")
    assert len(rest.splitlines()) <= 3
    assert waiting.returncode == 0
    assert out.splitlines()[-1].startswith("PASS  ")


@pytest.mark.skipif(os.name == "nt", reason="a signal to one process")
def test_ctrl_c_ends_the_wait_with_130_and_what_is_known(tmp_path: Path) -> None:
    with serving() as url:
        root = world(tmp_path / "root", url)
        with command(root, "preflight", "--wait", "10m") as waiting:
            assert waiting.stderr is not None
            waiting.stderr.readline()
            waiting.send_signal(signal.SIGINT)
            out, rest = waiting.communicate(timeout=PATIENCE_SECONDS)
    assert waiting.returncode == 130
    assert BLOCKER in " ".join(out.split())
    assert rest.endswith("genesis-ops: interrupted before all was well\n")
    assert "Traceback" not in rest


@pytest.mark.parametrize("broken", ["latch", "env", "champion"])
def test_what_waiting_cannot_mend_is_told_at_once(tmp_path: Path, broken: str) -> None:
    with serving() as url:
        root = world(tmp_path / "root", url)
        if broken == "latch":
            set_latch(root / "logs" / "paper_trading", Latch(now_ms(), ("duplicate candle",), "test"))
        elif broken == "env":
            (root / ".env").write_text("", "utf-8")
        else:
            next(root.rglob("tBTCUSD_1h.json")).write_text("{}", "utf-8")
        done = preflight(root, "--wait", "10m")  # the process has a minute
    check = {"latch": "stop-latch", "env": "env-file", "champion": "champion-file"}[broken]
    told = f"genesis-ops: not waiting: {check} cannot be cured by waiting\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_a_wait_that_is_over_gives_the_last_report(tmp_path: Path) -> None:
    with serving() as url:
        done = preflight(world(tmp_path / "root", url), "--wait", "1s")
    assert done.returncode == 1
    assert done.stderr.startswith("waiting 0s of 1s for runner-log: ")
    assert BLOCKER in " ".join(done.stdout.split())


def test_the_holder_of_the_port_and_the_servers_bind_error_are_named(tmp_path: Path) -> None:
    with serving("health-error") as url:
        root = world(tmp_path / "root", url)
        port = url.rpartition(":")[2]
        (root / "logs" / "paper_trading" / "server_20260204_092902.log").write_text(
            "INFO:     Started server process [48412]\n"
            f"ERROR:    [Errno 10048] error while attempting to bind on address ('127.0.0.1', {port}):\n"
            "          normalt till\u00e5ts bara en anv\u00e4ndare\n",
            "utf-8",
        )
        found = checks(root)["api-health"]
    assert (found["outcome"], found["observed"]) == ("FAIL", "error")
    assert [(place["file"].rpartition("/")[2], place["line"]) for place in found["evidence"][:2]] == [
        ("server_20260204_092902.log", 2),
        ("server_20260204_092902.log", 3),
    ]
    assert found["evidence"][2]["text"].startswith(f"held by pid {os.getpid()} (")


def test_a_server_that_is_not_there_is_a_failure_and_an_exchange_that_is_not_is_unknown(tmp_path: Path) -> None:
    root = world(tmp_path / "root", "http://127.0.0.1:9")
    found = checks(root)
    assert (found["api-health"]["outcome"], found["api-health"]["observed"]) == ("FAIL", "refused")
    assert found["clock"]["outcome"] == "UNKNOWN"
    assert not any(BLOCKER in check["detail"] for check in found.values())


def test_a_clock_that_is_90_seconds_behind_fails(tmp_path: Path) -> None:
    with serving("clock-ahead") as url:
        found = checks(world(tmp_path / "root", url))["clock"]
    assert found["outcome"] == "FAIL"
    assert "90." in found["detail"] or "89." in found["detail"]
    assert "behind the exchange" in found["detail"]


def test_maintenance_is_a_warning(tmp_path: Path) -> None:
    with serving("maintenance") as url:
        found = checks(world(tmp_path / "root", url))["clock"]
    assert (found["outcome"], "maintenance" in found["detail"]) == ("WARN", True)


@pytest.mark.parametrize("output", ["text", "json", "junit", "nagios", "prometheus", "markdown"])
def test_no_format_shows_a_secret_or_a_control_character(tmp_path: Path, output: str) -> None:
    with serving() as url:
        root = world(tmp_path / "root", url)
        (root / ".env").write_text(
            f"{KEYS}export X=$HOME\nY='k3y-v4lu3\r'\nBAD NAME=s3cr3t-v4lu3 # \x1b[31m\n", "utf-8"
        )
        done = preflight(root, "--format", output)
    assert done.returncode == (2 if output == "nagios" else 1)
    assert "v4lu3" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_a_preflight_leaves_the_root_as_it_is(tmp_path: Path) -> None:
    with serving() as url:
        root = world(tmp_path / "root", url)
        before = {path: path.lstat().st_mtime_ns for path in root.rglob("*")}
        preflight(root)
        assert {path: path.lstat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_warning_is_1_where_strictness_is_asked_for(tmp_path: Path) -> None:
    with serving() as url:
        root = world(tmp_path / "root", url)
        (root / ".env").unlink()
        warmed_up(root)
        with running(root):
            assert (preflight(root).returncode, preflight(root, "--strict").returncode) == (0, 1)


@pytest.mark.parametrize("wait", ["0s", "3", "1y", "", "-3m", "1000000w"])
def test_a_wait_that_cannot_be_meant_is_a_usage_error_in_one_line(tmp_path: Path, wait: str) -> None:
    done = process("--root", str(tmp_path), "preflight", f"--wait={wait}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("genesis-ops: flag --wait: ")
    assert "  next: genesis-ops" in done.stderr
