"""A million bytes of damage: whatever stands in a log, a state or an .env, there is a verdict and no traceback."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_process import COMMAND, environment
from typer.testing import CliRunner

from genesis_ops.cli.app import app
from genesis_ops.rehearsal.day import rehearse

ROUNDS = 30
PIECE = 36_000
VERDICTS = {0, 1, 3}
ENV = b"\xef\xbb\xbfexport BITFINEX_API_KEY='a b' # x\nBITFINEX_API_SECRET=\"s\\\nt\"\r\n1A=2\nB = $C\\d\nB=2\n;x\n"
COMMANDS = (
    ("acceptance", "--until", "last", "--window", "2h"),
    ("acceptance", "--window", "24h"),
    ("stop-check", "--until", "last"),
    ("stop-check", "--since", "2026-02-04T15:00:00"),
    ("preflight", "--api-url", "http://127.0.0.1:9", "--exchange-url", "http://127.0.0.1:9"),
)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clean") / "root"
    rehearse(root, hours=3, seed=7, faults=("feed-down@1h+10m",), watch=lambda _: None)
    return root


def damaged(chance: random.Random, raw: bytes) -> bytes:
    """Flip, cut, double, swap and insert, a few times."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 12)):
        a, b = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        b = min(b, a + chance.choice((1, 20, 200, 4000)))
        noise = chance.choice(
            (chance.randbytes(b - a), b"\0" * (b - a), b"\n" * 3, b"\r\n", b"NEW CANDLE CLOSE: ts=9", b"")
        )
        data[a:b] = chance.choice((noise, data[a:b] * 2, noise + data[a:b], data[a:b][::-1]))
    return bytes(data)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_damage_ends_with_a_verdict(clean: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    logs = clean / "logs" / "paper_trading"
    copies = tmp_path / "logs" / "paper_trading"
    copies.mkdir(parents=True)
    whole = (logs / "runner_20260204.log").read_bytes()
    begin = 0 if seed % 3 == 0 else chance.randrange(len(whole) - PIECE)
    (copies / "runner_20260204.log").write_bytes(damaged(chance, whole[begin : begin + PIECE]))
    (copies / "runner_state.json").write_bytes(damaged(chance, (logs / "runner_state.json").read_bytes()))
    (copies / "operations.jsonl").write_bytes(
        damaged(chance, b'{"at": "2026-02-04T14:00:00.000Z", "action": "resume"}\n')
    )
    (tmp_path / ".env").write_bytes(damaged(chance, ENV * 20))
    for command in COMMANDS:
        done = CliRunner().invoke(app, ["--root", str(tmp_path), *command, "--format", "json"], prog_name="genesis-ops")
        assert done.exit_code in VERDICTS, (command, done.stderr, done.exception)
        assert json.loads(done.stdout)["exit_code"] == done.exit_code
        assert "\x1b" not in done.stdout
        assert "failed itself" not in done.stdout


MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A process begins with its parent's memory, so a small one has to start what is measured."""


@pytest.mark.parametrize(
    "raw",
    [
        b"\0" * 8_000_000,
        b"a" * 8_000_000,
        b"2026-02-04 13:03:20 - paper_trading_runner - INFO - " * 150_000,
        b"\n" * 8_000_000,
    ],
    ids=["zeros", "one-line", "heads-without-end", "empty-lines"],
)
@pytest.mark.parametrize("command", ["acceptance", "stop-check"])
def test_what_is_endless_takes_neither_memory_nor_time(tmp_path: Path, raw: bytes, command: str) -> None:
    logs = tmp_path / "logs" / "paper_trading"
    logs.mkdir(parents=True)
    (logs / "runner_20260204.log").write_bytes(raw)
    began = time.monotonic()
    measured = subprocess.run(
        (sys.executable, "-S", "-c", MEASURE, *COMMAND, command, "--until", "last"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    code, kilobytes = map(int, measured.stdout.split())
    assert code in VERDICTS
    assert kilobytes < 200 * 1024
    assert time.monotonic() - began < 30  # a hang, not a speed: what is quadratic here takes hours
