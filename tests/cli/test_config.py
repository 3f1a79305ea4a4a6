import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from genesis_ops.cli import config
from genesis_ops.cli.options import Common
from genesis_ops.errors import SettingRefused

house = typer.Typer()
house.add_typer(config.app, name="config")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GENESIS_")]:
        monkeypatch.delenv(name)


def show(root: Path, *arguments: str, env: dict[str, str] | None = None) -> tuple[str, str]:
    done = CliRunner().invoke(
        house, ["config", "show", *arguments], obj=Common(root=root), env=env, catch_exceptions=False
    )
    assert done.exit_code == 0
    return done.stdout, done.stderr


def test_every_setting_stands_with_its_value_and_its_origin(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "genesis-ops.toml").write_text("poll_interval = 5\n")
    out, err = show(tmp_path, env={"GENESIS_SYMBOL": "tETHUSD"})
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in out.splitlines() if not line.startswith(" ")}
    assert rows["symbol"] == ["tETHUSD", "environment GENESIS_SYMBOL"]
    assert rows["poll_interval"] == ["5", "config/genesis-ops.toml:1"]
    assert rows["champion_file"] == ["config/strategy/champions/tETHUSD_1h.json", "default"]
    assert rows["lock_dir"] == ["automatic", "default"]
    assert (len(rows), err) == (19, "")


def test_no_line_is_wider_than_a_screen_and_a_long_value_is_whole(tmp_path: Path) -> None:
    long = f"/{'very/long/' * 20}state.json"
    out, _ = show(tmp_path, env={"GENESIS_STATE_FILE": long, "GENESIS_CHAMPION_FILE": "c" * 40})
    assert max(map(len, out.splitlines())) <= 80
    assert long in "".join(line[17:] for line in out.splitlines())
    assert "environment GENESIS_CHAMPION_FILE" in out


def test_what_root_does_not_take_from_a_file_of_others_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    (tmp_path / "config").mkdir()
    (tmp_path / "config").chmod(0o777)
    (tmp_path / "config" / "genesis-ops.toml").write_text('remote_user = "root"\n')
    assert "config/genesis-ops.toml:1" in show(tmp_path)[0]


def test_the_text_is_plain(tmp_path: Path) -> None:
    assert "\x1b" not in show(tmp_path, env={"FORCE_COLOR": "1"})[0]


def test_json_has_the_same_values_with_their_types(tmp_path: Path) -> None:
    document = json.loads(show(tmp_path, "--format", "json", env={"GENESIS_POLL": "1"})[0])
    assert document["schema"] == "genesis-ops.settings/1"
    assert document["settings"]["root"] == {"value": str(tmp_path), "origin": "flag --root"}
    assert document["settings"]["poll_interval"] == {"value": 10, "origin": "default"}
    assert document["settings"]["lock_dir"] == {"value": None, "origin": "default"}
    assert document["settings"]["phase_start"] == {"value": "2026-02-04", "origin": "default"}
    assert document["unknown_variables"] == ["GENESIS_POLL"]


def test_a_variable_that_nobody_reads_is_a_warning_on_stderr(tmp_path: Path) -> None:
    out, err = show(tmp_path, env={"GENESIS_TIMEFRAM": "1h", "GENESIS_ZZZ\x1b": "1"})
    assert "GENESIS_TIMEFRAM" not in out
    assert err.splitlines() == [
        "genesis-ops: warning: nothing reads the variable GENESIS_TIMEFRAM; did you mean GENESIS_TIMEFRAME?",
        "genesis-ops: warning: nothing reads the variable GENESIS_ZZZ\\x1b",
    ]


def test_a_setting_that_is_refused_reaches_the_one_error_boundary(tmp_path: Path) -> None:
    with pytest.raises(SettingRefused, match="environment GENESIS_TIMEFRAME"):
        show(tmp_path, env={"GENESIS_TIMEFRAME": "4h"})


def test_without_a_command_the_help_is_shown(tmp_path: Path) -> None:
    done = CliRunner().invoke(house, ["config"], obj=Common(root=tmp_path))
    assert "show" in done.output
