"""The alert rules: each asks for what is really exported, fires where it should, and says what to type."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from exported_series import CONFIG, exported, unknown
from typer.main import get_command

from genesis_ops.checks.stop import CHECKS
from genesis_ops.cli.app import app

FOLDER = CONFIG / "prometheus"
TEXT = (FOLDER / "genesis-ops.rules.yml").read_text()
RULES: list[dict[str, Any]] = [rule for group in yaml.safe_load(TEXT)["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
NAMES = [alert["alert"] for alert in ALERTS]
OURS = re.compile(r"genesis_ops:[\w:]+")
SYSTEM = {"systemctl", "journalctl"}


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool (Debian package prometheus) is not installed")
    command = [tool, *arguments]
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=120)


def test_every_alert_fires_on_the_bad_series_and_is_silent_on_its_twin_and_at_a_fresh_start() -> None:
    done = promtool("test", "rules", "genesis-ops.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    tested = (FOLDER / "genesis-ops.test.yml").read_text()
    assert [name for name in NAMES if f'alertname="{name}"' not in tested] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_what_is_exported(rule: dict[str, Any]) -> None:
    assert list(unknown(rule["expr"], exported())) == []
    recorded = {each["record"] for each in RULES if "record" in each}
    assert set(OURS.findall(rule["expr"])) <= recorded


def test_every_abort_condition_has_an_alert() -> None:
    asked = " ".join(alert["expr"] for alert in ALERTS)
    assert [check.id for check in CHECKS if f'check="{check.id}",outcome="FAIL"' not in asked] == []


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_an_alert_says_how_bad_it_is_what_was_seen_and_what_to_do(alert: dict[str, Any]) -> None:
    told = alert["annotations"]
    assert set(told) == {"summary", "description", "next", "runbook"}
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert re.fullmatch(r"\d+[smh]", alert["for"])
    assert re.search(r"\$value|\$labels\.outcome", told["description"])


def test_a_host_that_is_gone_is_told_for_as_long_as_the_page_says() -> None:
    (expression,) = (alert["expr"] for alert in ALERTS if alert["alert"] == "GenesisExportGone")
    assert "genesis_ops_export_timestamp_seconds[14d]" in expression  # promtool would evaluate every minute of it
    assert "for two weeks" in (CONFIG.parent / "docs" / "monitoring.md").read_text()


def headings(page: Path) -> set[str]:
    """Give the anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def pointed_at(alert: dict[str, Any], annotation: str) -> list[str]:
    """Give an annotation as it comes out, for each command that its alert can be about."""
    text = alert["annotations"][annotation]
    return [text.replace("{{ $labels.command }}", command) for command in ("stop-check", "preflight")]


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_an_alert_points_at_a_page_and_a_section_that_are_there(alert: dict[str, Any]) -> None:
    for place in pointed_at(alert, "runbook"):
        page, _, anchor = place.partition("#")
        assert anchor in headings(CONFIG.parent / page)


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_what_an_alert_tells_to_type_is_a_command_that_there_is(alert: dict[str, Any]) -> None:
    for typed in pointed_at(alert, "next"):
        program, *words = shlex.split(typed)
        if program in SYSTEM:
            continue
        assert program == "genesis-ops"
        command: Any = get_command(app)
        while words and not words[0].startswith("-"):
            command = command.get_command(None, words.pop(0))
            assert command is not None, typed
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(words) <= options
