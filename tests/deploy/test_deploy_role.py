"""The Ansible role, read as data: what it takes has a default, and what it calls exists."""

import json
import re
import tomllib
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from typer.main import get_command

from genesis_ops import settings
from genesis_ops.cli.app import app
from genesis_ops.host.units import LIVE_PAPER, names
from genesis_ops.remote import install_there
from genesis_ops.settings import load

ANSIBLE = Path(__file__).parents[2] / "deploy" / "ansible"
ROLE = ANSIBLE / "roles" / "genesis_ops"
FILES = sorted(path for path in ANSIBLE.rglob("*") if path.suffix in {".yml", ".j2"})
TASKS = sorted((ROLE / "tasks").glob("*.yml"))
DEFAULTS: dict[str, Any] = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
INVENTORY: dict[str, Any] = yaml.safe_load((ANSIBLE / "inventory.example.yml").read_text())["genesis"]
VARIABLE = re.compile(r"(?<![\w.])genesis_ops_\w+")


def tasks(block: Any) -> Iterator[dict[str, Any]]:
    """Walk a file's tasks, and those within a block."""
    for task in block:
        yield task
        yield from tasks(task.get("block", ()))


def every_task() -> list[tuple[str, dict[str, Any]]]:
    return [(path.name, task) for path in TASKS for task in tasks(yaml.safe_load(path.read_text()))]


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".yml"], ids=lambda path: path.name)
def test_a_file_is_yaml_and_says_something(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ANSIBLE)))
def test_a_variable_that_is_used_has_a_default(path: Path) -> None:
    used = set(VARIABLE.findall(re.sub(r"genesis_ops-\S+\.whl", "", path.read_text())))
    assert used - DEFAULTS.keys() == set()


def test_a_default_that_there_is_is_used() -> None:
    used = {name for path in FILES if "defaults" not in path.parts for name in VARIABLE.findall(path.read_text())}
    inside = set(VARIABLE.findall("".join(map(str, DEFAULTS.values()))))
    assert DEFAULTS.keys() - used - inside == set()


def test_a_result_is_registered_before_it_is_asked_for() -> None:
    registered: set[str] = set()
    main = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())
    order = [name for task in main for key, name in task.items() if key.endswith(("import_tasks", "include_tasks"))]
    assert {*order, "main.yml"} == {path.name for path in TASKS}
    for name in order:
        for task in tasks(yaml.safe_load((ROLE / "tasks" / name).read_text())):
            own = {task["register"]} if "register" in task else set()
            asked = set(re.findall(r"__genesis_ops_\w+", str({k: v for k, v in task.items() if k != "register"})))
            assert asked - own - task.get("vars", {}).keys() - registered == set(), task["name"]
            registered |= own


def test_only_what_comes_with_ansible_core_is_used() -> None:
    keywords = {"name", "when", "loop", "loop_control", "vars", "register", "changed_when", "failed_when", "block"}
    keywords |= {"check_mode", "notify", "no_log", "delegate_to", "become"}
    modules = {key for _, task in every_task() for key in task.keys() - keywords}
    assert {module for module in modules if not module.startswith("ansible.builtin.")} == set()


def test_a_command_that_changes_something_can_be_run_with_check() -> None:
    for name, task in every_task():
        if task.get("check_mode") is False and task.get("changed_when") is not False:
            assert "['--dry-run'] if ansible_check_mode" in str(task), f"{name}: {task['name']}"


def called() -> list[list[str]]:
    """Give the words of each call of the program, whatever options it has."""
    argvs = [str(task["ansible.builtin.command"].get("argv", "")) for _, task in every_task() if _is_command(task)]
    ours = [argv.partition("genesis_ops_program,")[2] for argv in argvs if "genesis_ops_program," in argv]
    validated = [task["ansible.builtin.template"]["validate"] for _, task in every_task() if _validates(task)]
    return [re.findall(r"'(-*[a-z][a-z-]*)'", argv) for argv in ours] + [
        [word for word in each.split()[1:] if re.fullmatch(r"-*[a-z][a-z-]*", word)]
        for each in (re.sub(r"\{\{.*?\}\}", "X", text) for text in validated)
    ]


def _is_command(task: dict[str, Any]) -> bool:
    return "ansible.builtin.command" in task


def _validates(task: dict[str, Any]) -> bool:
    return "validate" in task.get("ansible.builtin.template", {})


def test_the_role_calls_the_program() -> None:
    commands = [" ".join(word for word in words if not word.startswith("-")) for words in called()]
    assert sorted(set(commands)) == ["config show", "env systemd", "units install"]


@pytest.mark.parametrize("words", called(), ids=" ".join)
def test_what_the_role_calls_is_there(words: list[str]) -> None:
    command: Any = get_command(app)
    for word in words:
        if word.startswith("-"):
            assert word in {option for parameter in command.params for option in parameter.opts}
        else:
            command = command.get_command(None, word)
            assert command is not None


def test_what_is_enabled_comes_with_the_units() -> None:
    assert {*DEFAULTS["genesis_ops_services"], *DEFAULTS["genesis_ops_timers"]} <= set(names())
    assert "genesis-runner@.service" in names()


def test_the_collector_finds_the_export_where_the_unit_writes_it_and_the_timer_looks_for_it() -> None:
    (link,) = [task["ansible.builtin.file"] for _, task in every_task() if "genesis_ops.prom" in str(task)]
    assert f"--textfile {link['src']}\n" in unit("genesis-metrics.service")
    assert f"ConditionPathIsSymbolicLink={link['dest']}\n" in unit("genesis-metrics.timer")
    assert "StateDirectory=genesis-ops\n" in unit("genesis-metrics.service")
    assert link["src"].startswith("/var/lib/genesis-ops/")


def unit(name: str) -> str:
    return (Path(__file__).parents[2] / "src" / "genesis_ops" / "host" / "systemd" / name).read_text()


def test_root_gives_away_no_directory_that_a_link_could_lead_out_of_the_root() -> None:
    files = [task["ansible.builtin.file"] for _, task in every_task() if "ansible.builtin.file" in task]
    given = [file["path"] for file in files if file.get("state") == "directory" and file["owner"] != "root"]
    assert given == ["{{ genesis_ops_root }}"], "whose own parent is root's"


def test_a_runner_that_is_to_be_dry_loses_what_lets_it_order() -> None:
    gone = {
        task["ansible.builtin.file"]["path"]: task["when"]
        for _, task in every_task()
        if task.get("ansible.builtin.file", {}).get("state") == "absent"
    }
    each = "/etc/systemd/system/genesis-runner@{{ item.symbol }}-{{ item.timeframe }}.service.d/live-paper.conf"
    assert gone == {
        f"/etc/systemd/system/{LIVE_PAPER}": "not (genesis_ops_live_paper | bool)",
        each: "not (item.live_paper | default(false) | bool)",
    }


@pytest.mark.parametrize("flag", [name for name, value in DEFAULTS.items() if isinstance(value, bool)])
def test_a_flag_that_came_as_the_word_false_is_false(flag: str) -> None:
    used = "".join(path.read_text() for path in TASKS if path.name != "main.yml")
    assert re.findall(rf"\b{flag}\b(?! \| bool)", used) == []
    assert flag in requirements()["vars"]["__genesis_ops_flags"]


def requirements() -> dict[str, Any]:
    """Give the task that refuses what no host can be made of."""
    found: dict[str, Any] = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())[0]
    return found


def test_what_is_required_of_a_text_is_required_to_its_very_end() -> None:
    patterns = re.findall(r"match'?[(,] ?'([^']+)'", str(requirements()["ansible.builtin.assert"]["that"]))
    assert len(patterns) > 6
    assert [pattern for pattern in patterns if not pattern.replace("\\\\", "\\").endswith(r"\Z")] == []


def test_no_setting_that_root_would_refuse_is_written() -> None:
    that = " ".join(requirements()["ansible.builtin.assert"]["that"])
    assert all(f"'{name}'" in that for name in settings._OF_ROOT)
    assert "attribute='settings'" in requirements()["vars"]["__genesis_ops_settings"]


def test_a_first_run_with_check_needs_no_user_and_no_program() -> None:
    main = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())
    later = [task["when"] for task in main if "ansible.builtin.include_tasks" in task]
    assert later == ["__genesis_ops_found_program.stat.exists"] * 2
    for task in yaml.safe_load((ROLE / "tasks" / "host.yml").read_text()):
        if task.get("ansible.builtin.file", {}).get("owner", "root") != "root":
            assert "ansible_check_mode" in task["when"]


def test_an_upgrade_is_made_beside_what_runs_and_by_the_installer_that_is_there() -> None:
    (task,) = [task for _, task in every_task() if "ansible.builtin.shell" in task]
    module = re.findall(r"python3 -m (\S+)", task["ansible.builtin.shell"]["cmd"])
    assert module == [install_there.__name__]
    assert len(signature(install_there.main).parameters) == 3


def rendered(name: str, **variables: Any) -> str:
    made = Environment(loader=FileSystemLoader(ROLE / "templates"), undefined=StrictUndefined, autoescape=False)
    made.filters["to_json"] = json.dumps
    return made.get_template(name).render(ansible_managed="by hand", **variables)


@pytest.mark.parametrize(
    "given",
    [
        INVENTORY["vars"]["genesis_ops_settings"],
        {"symbol": "tLTCUSD", "timeframe": "3h", "log_dir": 'logs/å "b"', "poll_interval": 20},
    ],
)  # fmt: skip
def test_the_settings_file_says_what_the_variables_say(given: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "genesis-ops.toml"
    path.write_text(rendered("settings.toml.j2", settings=given))
    assert tomllib.loads(path.read_text()) == given
    assert load({"root": tmp_path}, {}, path).origins["phase_start"].startswith(("default", str(path)))


def test_no_secret_is_in_the_repository() -> None:
    vault = yaml.safe_load((ANSIBLE / "vault.example.yml").read_text())
    assert set(vault["genesis_ops_env"].values()) == {"write-it-here"}
    kept_out = (ANSIBLE / ".gitignore").read_text().split()
    assert {"/vault.yml", "/inventory.yml"} <= set(kept_out)


def test_the_task_that_holds_the_keys_shows_nothing() -> None:
    (task,) = [task for _, task in every_task() if "env.j2" in str(task)]
    assert task["no_log"] is True
    assert task["ansible.builtin.template"]["mode"] == "0600"
