"""What cannot be meant or cannot work: a sentence, an exit code, the next command to type; nothing lost."""

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_process import process
from typer.testing import CliRunner, Result

from genesis_ops.cli.app import _same_place, app
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FaultSwitch
from genesis_ops.sandbox.server import make_server

USAGE, UNKNOWN, LOCK_HELD, REFUSED = 2, 3, 75, 78


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root in good order."""
    champions = tmp_path / "config" / "strategy" / "champions"
    champions.mkdir(parents=True)
    (champions / "tBTCUSD_1h.json").write_text('{"merged_config": {}}')
    return tmp_path


@pytest.fixture(autouse=True)
def exchange(monkeypatch: pytest.MonkeyPatch, free_port: int) -> Iterator[Sandbox]:
    """A sandbox's exchange and an API that is absent: a run that was not refused ends soon, and asks nobody else."""
    monkeypatch.setenv("GENESIS_API_URL", f"http://127.0.0.1:{free_port}")
    sandbox = Sandbox(7, lambda: time.time_ns() // 1_000_000, time.sleep, FaultSwitch())
    with make_server(sandbox, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monkeypatch.setenv("GENESIS_EXCHANGE_URL", f"http://127.0.0.1:{server.server_address[1]}")
        yield sandbox
        server.shutdown()
        thread.join()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def invoke(root: Path, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["--root", str(root), *arguments], prog_name="genesis-ops", env=environment)


def run(root: Path, *arguments: str, **environment: str) -> Result:
    return invoke(root, "run", *arguments, **environment)


def told(done: Result, code: int, *, words: str = "", then: str = "") -> list[str]:
    """Check the form that every refusal has: one sentence on stderr, and the next command where there is one."""
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    assert all(line.isprintable() for line in lines), done.stderr
    assert lines[0].startswith("genesis-ops: "), done.stderr
    assert sum(line.startswith("genesis-ops: ") for line in lines) == 1
    assert words in done.stderr
    if then:
        assert re.sub(r" --root \S+", "", lines[-1]).startswith(f"  next: {then}"), done.stderr
    return lines


def below(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# --- what is typed


@pytest.mark.parametrize("arguments", [("--override-gate", "why"), ("--live-paper", "--override-gate", " ")])
def test_an_override_takes_a_reason_and_goes_with_live_paper(root: Path, arguments: tuple[str, ...]) -> None:
    told(run(root, *arguments), USAGE, words="--override-gate takes a reason of at most 500 characters")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--symbol", "BTC"), "BTC"),
        (("--symbol", "btcusd"), "tBTCUSD"),
        (("--symbol", ""), "trading pair"),
        (("--timeframe", "4h"), "1m 5m 15m 30m 1h 3h 6h 12h 1D 1W 14D 1M"),
        (("--timeframe", "1H"), "1h"),
        (("--poll-interval", "0"), "from 1 to 3600"),
        (("--poll-interval", "-1"), "from 1 to 3600"),
        (("--poll-interval", "1.5"), "whole number"),
        (("--poll-interval", "ten"), "whole number"),
        (("--api-url", "localhost:8000"), "http://HOST[:PORT]"),
        (("--api-url", "http://user:secret@host"), "password"),
        (("--exchange-url", "ftp://host"), "http://HOST[:PORT]"),
        (("--api-url", "http://127.0.0.1:8000", "--port", "8001"), "--port"),
        (("--api-url", "http://127.0.0.1:8000", "--host", "localhost"), "--host"),
        (("--host", "a b"), "is not a host"),
        (("--log-dir", ""), "empty"),
    ],
)
def test_an_argument_that_cannot_be_meant_is_usage(root: Path, arguments: tuple[str, ...], words: str) -> None:
    before = below(root)
    lines = told(run(root, *arguments), USAGE, words=words)
    assert "secret" not in "\n".join(lines)
    assert below(root) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--candles", "0"),
        ("run", "--candles", "many"),
        ("run", "--port", "0"),
        ("run", "--port", "65536"),
        ("run", "--no-such-option"),
        ("run", "surplus"),
        ("run", "--symbol"),
        ("rehearse", "--hours", "0"),
        ("rehearse", "--seed", "seven"),
        ("rehearse", "--fault", "no-such-fault"),
        ("sandbox", "serve", "--speed", "0"),
        ("sandbox", "serve", "--port", "-1"),
        ("sandbox", "serve", "--start", "yesterday"),
        ("sandbox", "serve", "--fault", "no-such-fault"),
        ("config", "show", "--format", "yaml"),
        ("no-such-command",),
        ("sandbox", "no-such-command"),
    ],
    ids=" ".join,
)
def test_a_command_line_that_cannot_be_understood_is_usage(root: Path, arguments: tuple[str, ...]) -> None:
    before = below(root)
    done = invoke(root, *arguments)
    told(done, USAGE)
    assert below(root) == before


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("timeframe", "4h", "is not one of 1m"),
        ("symbol", "BTC", "is not a trading pair"),
        ("poll_interval", "0", "from 1 to 3600"),
        ("api_url", "nowhere", "http://HOST[:PORT]"),
        ("log_dir", "", "empty"),
    ],
)
def test_a_setting_from_elsewhere_is_refused_with_the_place_it_comes_from(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    variable = f"GENESIS_{name.upper()}"
    told(run(root, **{variable: value}), REFUSED, words=f"genesis-ops: environment {variable}: {name} ")
    monkeypatch.delenv(variable, raising=False)
    written = value if name == "poll_interval" else json.dumps(value)
    (root / "config" / "genesis-ops.toml").write_text(f"# settings\n\n{name} = {written}\n")
    lines = told(run(root), REFUSED, words=f"genesis-ops: config/genesis-ops.toml:3: {name} ")
    assert words in lines[0]


def test_an_unknown_key_is_refused_with_file_and_line_and_what_may_have_been_meant(root: Path) -> None:
    (root / "config" / "genesis-ops.toml").write_text('symbol = "tBTCUSD"\ntimefram = "1h"\n')
    lines = told(run(root), REFUSED, words="config/genesis-ops.toml:2: timefram is not a setting")
    assert "did you mean timeframe?" in lines[1]


@pytest.mark.parametrize("setting", ["symbol", "timeframe", "poll_interval"])
@pytest.mark.parametrize("place", ["flag", "environment", "file"])
def test_a_bad_setting_says_what_to_type_next_wherever_it_comes_from(root: Path, setting: str, place: str) -> None:
    if place == "flag":
        done, code = run(root, f"--{setting.replace('_', '-')}", "0"), USAGE
    elif place == "environment":
        done, code = run(root, **{f"GENESIS_{setting.upper()}": "0"}), REFUSED
    else:
        value = "0" if setting == "poll_interval" else '"0"'
        (root / "config" / "genesis-ops.toml").write_text(f"{setting} = {value}\n")
        done, code = run(root), REFUSED
    assert told(done, code)[-1].startswith("  next: ")


def test_a_root_that_is_not_there_is_refused(tmp_path: Path) -> None:
    told(run(tmp_path / "nowhere"), REFUSED, words="is not a directory")


def test_a_configuration_file_that_was_named_and_is_not_there_is_refused(root: Path) -> None:
    done = CliRunner().invoke(app, ["--root", str(root), "--config", "gone.toml", "run"], prog_name="genesis-ops")
    told(done, REFUSED, words="gone.toml: the configuration cannot be read")


# --- what is found


def spoil_champion(root: Path, content: bytes | None) -> None:
    path = root / "config" / "strategy" / "champions" / "tBTCUSD_1h.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no champion config/strategy/champions/tBTCUSD_1h.json"),
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON"),
        (b"[]", "holds no merged_config"),
        (b'{"cfg": {}}', "holds no merged_config"),
        (b'{"merged_config": null}', "holds no merged_config"),
    ],
)
def test_a_champion_that_is_absent_or_unusable_is_refused(root: Path, content: bytes | None, words: str) -> None:
    spoil_champion(root, content)
    before = below(root)
    told(run(root), REFUSED, words=words, then="git -C ")
    assert below(root) == before


def test_a_symbol_that_has_no_champion_is_refused_with_what_there_is(root: Path) -> None:
    done = run(root, "--symbol", "tFOOBAR")
    lines = told(done, REFUSED, words="there is no champion config/strategy/champions/tFOOBAR_1h.json", then="git -C ")
    assert "tBTCUSD_1h.json" in lines[1]


def test_an_api_that_is_absent_is_unknown_and_says_how_to_look(root: Path, exchange: Sandbox, free_port: int) -> None:
    done = run(root)
    assert done.exit_code == UNKNOWN
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[-2].startswith("genesis-ops: the champion could not be verified: ")
    assert f"cannot connect to http://127.0.0.1:{free_port}" in lines[-2]
    assert lines[-1].startswith(f"  next: curl -fsS http://127.0.0.1:{free_port}/health")
    assert exchange.requests["GET", "/v2/candles/trade:1h:tBTCUSD/hist"] == 2
    assert "Traceback" not in done.stderr
    state = json.loads((root / "logs" / "paper_trading" / "runner_state.json").read_text())
    assert state["last_processed_candle_ts"] is None


def test_a_log_directory_that_is_a_file_is_refused(root: Path) -> None:
    (root / "logs").mkdir()
    (root / "logs" / "paper_trading").write_text("kept")
    told(run(root), REFUSED, words="cannot be written", then="ls -ld ")
    assert (root / "logs" / "paper_trading").read_text() == "kept"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_log_directory_of_somebody_else_is_refused(root: Path) -> None:
    (root / "logs").mkdir(mode=0o555)
    told(run(root), REFUSED, words="Permission denied", then="ls -ld ")


CORRUPT: dict[str, bytes] = {
    "empty": b"",
    "truncated": b'{"last_processed_candle_ts": 17702',
    "object without keys": b"{}",
    "wrong types": b'{"last_processed_candle_ts": "1", "total_evaluations": 1, "total_orders_submitted": 0, '
    b'"last_heartbeat": null}',
    "not a number": b'{"last_processed_candle_ts": NaN, "total_evaluations": 1, "total_orders_submitted": 0, '
    b'"last_heartbeat": null}',
    "byte order mark": b'\xef\xbb\xbf{"last_processed_candle_ts": null, "total_evaluations": 0, '
    b'"total_orders_submitted": 0, "last_heartbeat": null}',
    "zeros": b"\0" * 200,
    "list": b"[1, 2]",
    "control characters": b'{"\x1b[31m\xe2\x80\xae": 1}',
}


@pytest.mark.parametrize("kind", CORRUPT)
def test_a_corrupt_state_is_refused_kept_and_copied(root: Path, kind: str) -> None:
    state = root / "logs" / "paper_trading" / "runner_state.json"
    state.parent.mkdir(parents=True)
    state.write_bytes(CORRUPT[kind])
    for _ in range(2):  # a supervisor starts it again and again
        lines = told(run(root), REFUSED, words="runner_state.json", then="genesis-ops run --rebuild-state")
        assert any("copy" in line for line in lines)
    assert state.read_bytes() == CORRUPT[kind]
    assert [copy.read_bytes() for copy in state.parent.glob("runner_state_corrupt_*.json")] == [CORRUPT[kind]]
    assert not list(state.parent.glob("runner_2*.log"))


def test_a_missing_state_where_logs_exist_is_refused_and_nothing_is_written(root: Path) -> None:
    logs = root / "logs" / "paper_trading"
    logs.mkdir(parents=True)
    head = "2026-02-04 14:00:02 - paper_trading_runner - INFO - "
    line = f"{head}NEW CANDLE CLOSE: ts=1770206400000, close=1.00, source=latest\n"
    (logs / "runner_20260204.log").write_text(line)
    told(run(root), REFUSED, words="runner_state.json is missing", then="genesis-ops run --rebuild-state")
    assert [path.name for path in logs.iterdir() if path.suffix != ".lock"] == ["runner_20260204.log"]
    assert (logs / "runner_20260204.log").read_text() == line


@pytest.mark.parametrize(
    "name", ["runner_service.log", "runner_evaluations_20260204.log", "runner_errors_20260204.log", "server_1.log"]
)
def test_a_file_that_is_no_runner_log_does_not_make_the_state_missing(root: Path, exchange: Sandbox, name: str) -> None:
    logs = root / "logs" / "paper_trading"
    logs.mkdir(parents=True)
    (logs / name).write_text("x\n")
    done = run(root)
    assert done.exit_code == UNKNOWN, "it came as far as asking the API"
    assert exchange.requests


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["directory", "FIFO"])
def test_an_environment_file_that_is_no_file_is_refused(root: Path, make: Callable[[Path], None]) -> None:
    make(root / ".env")
    told(run(root), REFUSED, words=f"{root / '.env'} is ", then=f"ls -ld {root / '.env'}")


def test_a_port_in_use_names_its_holder_and_a_port_to_try() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(app, ["sandbox", "serve", "--port", str(port)], prog_name="genesis-ops")
    words = f"127.0.0.1:{port} is in use by pid {os.getpid()}: "
    told(done, LOCK_HELD, words=words, then="genesis-ops sandbox serve --port ")


def test_a_sandbox_for_others_is_refused() -> None:
    done = CliRunner().invoke(app, ["sandbox", "serve", "--host", "0.0.0.0", "--port", "0"], prog_name="genesis-ops")
    told(done, REFUSED, words="for this machine only", then="genesis-ops sandbox serve")


# --- what tries to paint the terminal

HOSTILE = "\x1b]0;x\x07\x1b[31m\u202e\u2066\u2028\x9b2J\n"
OPTIONS = [
    *(("run", option) for option in ("--symbol", "--timeframe", "--poll-interval", "--host", "--port", "--candles")),
    *(("run", option) for option in ("--api-url", "--exchange-url", "--log-dir", "--state-file")),
    *(("rehearse", option) for option in ("--hours", "--seed", "--fault")),
    *(("sandbox", "serve", option) for option in ("--host", "--port", "--speed", "--start", "--fault", "--seed")),
    ("config", "show", "--format"),
    ("run",),
    ("config",),
    (),
]


@pytest.mark.parametrize("arguments", OPTIONS, ids=" ".join)
def test_no_bad_value_reaches_the_terminal_as_it_is(root: Path, arguments: tuple[str, ...]) -> None:
    done = invoke(root, *arguments, HOSTILE)
    assert done.exit_code in (USAGE, REFUSED), done.output
    assert done.stdout == ""
    assert all(line.isprintable() for line in done.stderr.split("\n")), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--root", "--config"])
def test_no_bad_path_before_the_command_reaches_the_terminal_as_it_is(option: str) -> None:
    done = CliRunner().invoke(app, [option, HOSTILE, "run"], prog_name="genesis-ops")
    assert done.exit_code in (USAGE, REFUSED)
    assert all(line.isprintable() for line in done.stderr.split("\n")), done.stderr


def test_no_unknown_option_reaches_the_terminal_as_it_is(root: Path) -> None:
    done = invoke(root, "run", f"--{HOSTILE}")
    assert done.exit_code == USAGE
    assert all(line.isprintable() for line in done.stderr.split("\n")), done.stderr


@pytest.mark.parametrize("name", ["SYMBOL", "TIMEFRAME", "POLL_INTERVAL", "API_URL", "LOG_DIR", "ROOT", "CONFIG"])
def test_no_bad_variable_reaches_the_terminal_as_it_is(root: Path, name: str) -> None:
    arguments = ["run"] if name == "ROOT" else ["--root", str(root), "run"]
    done = CliRunner().invoke(app, arguments, prog_name="genesis-ops", env={f"GENESIS_{name}": HOSTILE})
    assert done.exit_code == REFUSED
    assert all(line.isprintable() for line in done.stderr.split("\n")), done.stderr


def test_no_file_name_or_content_reaches_the_terminal_as_it_is(root: Path) -> None:
    (root / "config" / "strategy" / "champions" / f"{HOSTILE}.json").touch()
    lines = told(run(root, "--symbol", "tFOOBAR"), REFUSED)
    assert "\\x1b" in lines[1]
    (root / "config" / "genesis-ops.toml").write_text(f"{json.dumps(HOSTILE)} = 1\n")
    told(run(root), REFUSED)


def test_an_argument_that_is_no_text_is_refused_all_the_same(root: Path) -> None:
    for arguments in (("run", "--symbol"), ("run", "--log-dir"), ("sandbox", "serve", "--host"), ("config",)):
        done = process("--root", str(root), *arguments, b"\xff\xfe")
        assert done.returncode in (USAGE, REFUSED), done.stderr
        assert "Traceback" not in done.stderr
        assert all(line.isprintable() for line in done.stderr.splitlines())


# --- the same as a process


def test_the_process_ends_with_the_code_and_both_streams_are_what_they_should_be(root: Path) -> None:
    done = process("--root", str(root), "run", "--timeframe", "4h")
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.startswith("genesis-ops: flag --timeframe: timeframe '4h' is not one of 1m ")
    spoil_champion(root, None)
    done = process("run", cwd=root)
    assert (done.returncode, done.stdout) == (REFUSED, "")
    assert done.stderr.splitlines()[-1].startswith(f"  next: git -C {root} status")


def test_what_is_typed_next_acts_on_the_root_that_was_named(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    logs = root / "logs" / "paper_trading"
    logs.mkdir(parents=True)
    (logs / "runner_state.json").write_bytes(b"{")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = process("--root", str(root), "run", cwd=elsewhere)
    assert done.stderr.splitlines()[-1] == f"  next: genesis-ops --root {root} run --rebuild-state"


def test_what_is_typed_next_keeps_the_market_and_the_state_that_were_named(root: Path) -> None:
    (root / "config" / "strategy" / "champions" / "tBTCUSD_1m.json").write_text('{"merged_config": {}}')
    (root / "other.json").write_bytes(b"{")
    lines = told(run(root, "--timeframe", "1m", "--state-file", "other.json"), REFUSED, words="other.json is not JSON")
    for flag in ("--timeframe 1m", "--state-file other.json", "--rebuild-state"):
        assert flag in lines[-1]


def test_what_is_typed_next_can_be_typed_where_a_path_has_a_space(root: Path) -> None:
    spaced = root / "a b"
    spaced.mkdir()
    (root / "config").rename(spaced / "config")
    (spaced / ".env").mkdir()
    told(run(spaced), REFUSED, then=f"ls -ld '{spaced}/.env'")
    (spaced / ".env").rmdir()
    told(run(spaced, "--symbol", "tFOOBAR"), REFUSED, then=f"git -C '{spaced}' status")
    (spaced / "logs").write_text("in the way")
    told(run(spaced), REFUSED, then=f"ls -ld '{spaced}/logs/paper_trading'")


def test_both_ways_to_go_on_act_on_the_root_that_was_named() -> None:
    both = "genesis-ops run --live-paper      or: genesis-ops run --dry-run"
    told = _same_place(both, {"root": Path("a b")}, ())
    assert told == "genesis-ops --root 'a b' run --live-paper      or: genesis-ops --root 'a b' run --dry-run"
