import subprocess
import sys
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from genesis_ops.cli.sandbox import app
from genesis_ops.errors import Refused, UsageRefused
from genesis_ops.sandbox import server
from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.faults import FAULTS


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Sandbox]:
    """Announce and return instead of serving for ever."""
    sandboxes: list[Sandbox] = []

    def announce(sandbox: Sandbox, host: str, port: int, ready: Callable[[int], None]) -> None:
        assert host
        sandboxes.append(sandbox)
        ready(port)

    monkeypatch.setattr(server, "serve", announce)
    return sandboxes


def test_the_faults_are_listed_within_80_columns() -> None:
    result = run("faults")
    assert result.exit_code == 0
    assert [name for name in FAULTS if f"  {name} " not in result.stdout] == []
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_serve_says_on_stderr_where_it_listens_and_what_to_type_next(served: list[Sandbox]) -> None:
    result = run("serve", "--port", "8123")
    assert len(served) == 1
    assert result.stdout == ""
    url = "http://127.0.0.1:8123"
    assert f"genesis-ops run --dry-run --api-url {url} --exchange-url {url}\n" in result.stderr
    assert f"curl -X PUT '{url}/sandbox/faults/" in result.stderr


def test_serve_starts_at_the_time_it_is_told_with_its_faults_planned_from_there(served: list[Sandbox]) -> None:
    run("serve", "--start", "2026-02-04T14:00:00+01:00", "--fault", "feed-down@2h", "--fault", "api-down")
    begins = {fault.name: fault.from_ms for fault in served[0].faults.schedule}
    assert begins == {"feed-down": 1_770_217_200_000, "api-down": 1_770_210_000_000}


def test_a_start_without_a_zone_is_utc(served: list[Sandbox]) -> None:
    run("serve", "--start", "2026-02-04 13:00", "--fault", "api-down")
    assert served[0].faults.schedule[0].from_ms == 1_770_210_000_000


@pytest.mark.parametrize(
    "arguments",
    [
        ("--speed", "0"),
        ("--speed", "-1"),
        ("--speed", "nan"),
        ("--speed", "inf"),
        ("--start", "yesterday"),
        ("--start", "1999-01-01"),
        ("--fault", "feed-donw"),
    ],
)
def test_an_argument_that_cannot_be_meant_is_refused(served: list[Sandbox], arguments: tuple[str, str]) -> None:
    assert isinstance(run("serve", *arguments).exception, UsageRefused)
    assert served == []


def test_a_host_that_others_can_reach_is_refused() -> None:
    assert isinstance(run("serve", "--host", "0.0.0.0", "--port", "0").exception, Refused)


def test_the_command_imports_nothing_heavy_until_it_runs() -> None:
    code = "import sys, genesis_ops.cli.sandbox; print([m for m in ('httpx', 'pydantic', 'psutil', 'genesis_ops.sandbox.app') if m in sys.modules])"  # noqa: E501 - one program
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
