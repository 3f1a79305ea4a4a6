"""Whom enforcing may stop: this log directory's runner, and nobody else."""

from pathlib import Path

import pytest

from genesis_ops.enforce.whom import Facts, OpenFile, why_not
from genesis_ops.settings import Settings, load

US = frozenset({500, 400, 1})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"root": tmp_path, "state_file": "elsewhere/state.json"}, {}, None).settings


def runner(pid: int = 900, *, runs: bool = True, holds: bool = False, **known: object) -> Facts:
    facts = Facts(pid, runs, holds, ("python", "-m", "genesis_ops", "run"), "/", ())
    return facts._replace(**known)  # type: ignore[arg-type]


def opened(settings: Settings, name: str, *, written: bool = True) -> tuple[OpenFile, ...]:
    return (OpenFile("/dev/null", True), OpenFile(str(settings.log_dir / name), written))


@pytest.mark.parametrize("name", ["runner.lock", "runner_20260205.log"])
def test_a_runner_that_writes_here_may_be_stopped(settings: Settings, name: str) -> None:
    assert why_not(runner(files=opened(settings, name)), settings, US) == ""


def test_whoever_holds_the_states_lock_may_be_stopped_wherever_that_lies(settings: Settings) -> None:
    files = (OpenFile(f"{settings.state_file}.lock", True),)
    assert why_not(runner(runs=False, files=files), settings, US) == ""


@pytest.mark.parametrize("name", ["server_20260205.log", "runner_service.log", "operations.jsonl", "sub/runner.lock"])
def test_another_file_open_here_makes_no_runner(settings: Settings, name: str) -> None:
    assert "nothing shows" in why_not(runner(files=opened(settings, name)), settings, US)


@pytest.mark.parametrize("name", ["runner.lock", "runner_20260205.log"])
def test_who_only_reads_is_no_runner(settings: Settings, name: str) -> None:
    assert "nothing shows" in why_not(runner(files=opened(settings, name, written=False)), settings, US)


def test_a_log_in_another_programs_hands_makes_no_runner(settings: Settings) -> None:
    files = opened(settings, "runner_20260205.log")
    assert "nothing shows" in why_not(runner(runs=False, files=files), settings, US)


def test_a_runner_of_another_directory_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    files = (OpenFile(str(tmp_path / "other" / "runner.lock"), True),)
    assert "nothing shows" in why_not(runner(files=files), settings, US)


@pytest.mark.parametrize("pid", [-1, 0, 1])
def test_no_pid_that_means_more_than_a_process_is_ever_signalled(settings: Settings, pid: int) -> None:
    assert why_not(runner(pid, files=opened(settings, "runner.lock")), settings, frozenset()) != ""


@pytest.mark.parametrize("pid", [500, 400])
def test_neither_this_command_nor_one_that_started_it_is_stopped(settings: Settings, pid: int) -> None:
    assert "started it" in why_not(runner(pid, files=opened(settings, "runner.lock")), settings, US)


@pytest.mark.parametrize(
    ("arguments", "ours"),
    [
        (("python", "-m", "genesis_ops", "--root", "{root}", "run"), True),
        (("python", "-m", "genesis_ops", "--root={root}", "run"), True),
        (("genesis-ops", "run", "--log-dir", "{root}/logs/paper_trading"), True),
        (("genesis-ops", "run", "--state-file", "{root}/elsewhere/state.json"), True),
        (("python", "scripts/paper_trading_runner.py", "--live-paper"), True),
        (("{root}/.venv/bin/python", "-m", "genesis_ops", "--root", "/somewhere", "run"), False),
        (("python", "{root}/.venv/bin/genesis-ops", "--root", "/somewhere", "run"), False),
        (("python", "-m", "genesis_ops", "run"), False),
        ((), False),
    ],
)
def test_where_the_open_files_are_hidden_the_command_line_has_to_name_this_place(
    settings: Settings, arguments: tuple[str, ...], ours: bool
) -> None:
    named = tuple(text.replace("{root}", str(settings.root)) for text in arguments)
    facts = runner(files=None, arguments=named, directory=str(settings.root))
    assert (why_not(facts, settings, US) == "") == ours
    assert why_not(facts._replace(runs=False), settings, US) != ""


def test_where_the_open_files_are_hidden_a_locks_name_plate_counts(settings: Settings) -> None:
    assert why_not(runner(files=None, holds=True), settings, US) == ""
    assert why_not(runner(files=(), holds=True), settings, US) != ""


def test_a_link_to_the_log_directory_is_the_log_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    settings = load({"root": tmp_path, "log_dir": "link"}, {}, None).settings
    files = (OpenFile(str(tmp_path / "real" / "runner.lock"), True),)
    assert why_not(runner(files=files), settings, US) == ""
