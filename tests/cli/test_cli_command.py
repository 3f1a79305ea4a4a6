"""The command itself: help, version, completion, streams, and what it loads before it does anything."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import COMMAND, environment, process
from typer.testing import CliRunner, Result

from genesis_ops import __version__
from genesis_ops.cli.app import app

COMMANDS = (
    *("run", "preflight", "acceptance", "snapshot", "stop-check", "daily-summary", "phase-report", "resume", "status"),
    *("metrics", "verify"),
    *("orders", "env", "rehearse", "drill", "sandbox", "doctor", "units", "host", "remote", "config"),
)
PARTS = {
    "snapshot": ("verify", "diff"),
    "verify": ("health", "wallets", "order", "delta", "services", "logs", "all"),
    "orders": ("list", "show", "resolve", "verify"),
    "env": ("check", "systemd", "show"),
    "drill": ("crash",),
    "sandbox": ("serve", "faults"),
    "units": ("install", "diff"),
    "host": (
        *("plan", "begin", "run", "back", "follow", "look", "present", "inactive", "healthy"),
        *("archive", "restore", "save", "unsave", "undo", "unlock", "schedule", "scheduled"),
    ),
    "remote": (
        *("plan", "apply", "attach", "status", "logs", "doctor", "env", "preflight", "acceptance", "stop-check"),
        *("verify", "snapshot", "daily-summary", "fetch", "install", "schedule"),
    ),
    "config": ("show",),
}
"""The commands that have commands of their own."""
EVERY_COMMAND = [
    (),
    *((name,) for name in COMMANDS),
    *((name, part) for name, parts in PARTS.items() for part in parts),
]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, prog_name="genesis-ops")


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", EVERY_COMMAND, ids=lambda command: " ".join(command) or "genesis-ops")
def test_every_command_explains_itself_on_stdout(command: tuple[str, ...], flag: str) -> None:
    done = invoke(*command, flag)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {' '.join(('genesis-ops', *command))} ")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_the_help_names_every_command() -> None:
    lines = [line.split() for line in invoke("--help").stdout.partition("Commands:")[2].splitlines()]
    assert [words[0] for words in lines if words] == list(COMMANDS)


def test_every_option_of_run_is_explained() -> None:
    shown = invoke("run", "--help").stdout
    mode, market = "dry-run live-paper", "symbol timeframe poll-interval candles"
    places = "host port api-url exchange-url log-dir state-file"
    assert [option for option in f"{mode} {market} {places}".split() if f"--{option}" not in shown] == []


def test_the_version_is_one_line_on_stdout() -> None:
    done = invoke("--version")
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"genesis-ops {__version__}\n", "")


@pytest.mark.parametrize("command", [(), ("orders",), ("sandbox",), ("config",)])
def test_without_a_command_the_help_is_shown_as_for_a_usage_error(command: tuple[str, ...]) -> None:
    done = process(*command)
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = process("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"genesis-ops {__version__}\n", "")


def test_the_installed_command_is_the_same_one() -> None:
    found = shutil.which("genesis-ops", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("genesis-ops is not installed beside this Python")
    done = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"genesis-ops {__version__}\n")


def test_settings_as_json_are_one_object_and_nothing_else(tmp_path: Path) -> None:
    done = process("--root", str(tmp_path), "config", "show", "--format", "json", GENESIS_TYPO="1")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["schema"] == "genesis-ops.settings/1"
    assert document["settings"]["poll_interval"]["value"] == 10
    assert "GENESIS_TYPO" in done.stderr


@pytest.mark.parametrize("arguments", ["sandbox faults", "config show", "--help"])
def test_a_reader_that_has_seen_enough_is_no_error_worth_a_word(tmp_path: Path, arguments: str) -> None:
    # The reader goes away before anything is written.
    writer = f"{{ read -r _ < ready; {sys.executable} -m genesis_ops {arguments}; }} 2>err"
    pipeline = f"{writer} | {{ exec <&-; echo > ready; }}"
    subprocess.run(["mkfifo", "ready"], cwd=tmp_path, check=True)
    subprocess.run(["bash", "-c", pipeline], cwd=tmp_path, env=environment(), check=False, timeout=60)
    assert (tmp_path / "err").read_text() == ""


def test_the_first_line_can_be_piped_away() -> None:
    pipeline = f"{sys.executable} -m genesis_ops sandbox faults | head -1"
    done = subprocess.run(["bash", "-c", pipeline], env=environment(), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("the exchange\n", "")


HEAVY = ("httpx", "pydantic", "rich", "psutil", "http.server", "genesis_ops.runner", "genesis_ops.sandbox.app")


@pytest.mark.parametrize("what", ["import genesis_ops.cli.app", "from genesis_ops.cli.app import main; main()"])
def test_nothing_heavy_is_loaded_before_a_command_runs(what: str) -> None:
    program = f"""
import atexit, sys
sys.argv = ["genesis-ops", "--help"]
atexit.register(lambda: print("LOADED", [name for name in {HEAVY!r} if name in sys.modules]))
{what}
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("genesis-ops ", set(COMMANDS)),
        ("genesis-ops re", {"rehearse", "remote", "resume"}),
        ("genesis-ops sandbox ", {"serve", "faults"}),
        ("genesis-ops orders re", {"resolve"}),
        ("genesis-ops run --po", {"--poll-interval", "--port"}),
    ],
)
def test_bash_completes_the_commands_and_options(words: str, expected: set[str]) -> None:
    count = len(words.split()) - (0 if words.endswith(" ") else 1)
    done = process(_GENESIS_OPS_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(count))
    assert set(done.stdout.split()) == expected
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_completion_script_for_the_commands_name(shell: str) -> None:
    done = process("--show-completion", shell)
    assert done.returncode == 0
    assert "_GENESIS_OPS_COMPLETE" in done.stdout
    assert "genesis-ops" in done.stdout


def test_the_completion_script_works_in_bash(tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    command = tmp_path / "genesis-ops"
    command.write_text(f'#!/bin/sh\nexec {COMMAND[0]} -m genesis_ops "$@"\n')
    command.chmod(0o755)
    script = """
eval "$(genesis-ops --show-completion bash)"
COMP_WORDS=(genesis-ops s); COMP_CWORD=1
$(complete -p genesis-ops | sed 's/.*-F \\([^ ]*\\).*/\\1/') genesis-ops s genesis-ops
echo "${COMPREPLY[@]}"
"""
    env = environment(PATH=f"{tmp_path}:{environment()['PATH']}")
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "snapshot stop-check status sandbox\n"
