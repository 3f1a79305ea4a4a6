"""What a unit's file says for one host, and that nothing in it can be read as something else."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.errors import Refused
from genesis_ops.host.units import ACCEPTANCE, LIVE_PAPER, STARTED, Place, is_own, names, place, text
from genesis_ops.settings import Settings, load

REPOSITORY = Path(__file__).parents[3]
USUAL = Place("/opt/genesis/Genesis-Core", "genesis", "/opt/genesis/genesis-ops/bin/genesis-ops", 8000, ("/opt/logs",))
SPACED = Place(
    "/srv/my genesis; x/Core", "g-1", "/srv/a  b/genesis-ops", 9000, ("/srv/my genesis; x/Core/logs", "/v w")
)
SCORES = {"genesis-paper": 17, "genesis-runner": 18, "genesis-runner@": 18}
"""The exposure of the services in tenths, as systemd 252 counts it, none of them higher; the others have 20."""
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")


def settings(root: Path, **flags: object) -> Settings:
    return load({"root": root, **flags}, {}, None).settings


def value(name: str, key: str, values: Place = USUAL) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", text(name, values), re.MULTILINE)


def written(folder: Path, root: str, program: str) -> list[Path]:
    """Write every file, for programs that are there."""
    values = Place(str(folder / root), "genesis", str(folder / program), 8000, (str(folder / root / "logs"),))
    for path in (Path(values.program), Path(values.root) / ".venv" / "bin" / "python"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to("/bin/true")
    (folder / "units").mkdir()
    for name in names():
        (folder / "units" / name).write_text(text(name, values))
    return sorted((folder / "units").iterdir())


# --- what they say


def test_a_runner_is_restarted_but_for_the_codes_that_would_come_again() -> None:
    assert value("genesis-runner.service", "Restart") == ["on-failure"]
    assert value("genesis-runner.service", "RestartPreventExitStatus") == ["1 2 78"]


@pytest.mark.parametrize(
    "line", ["RestartPreventExitStatus=1 2 78", "StartLimitIntervalSec=7200", "TimeoutStopSec=120"]
)
def test_the_page_about_running_shows_the_unit_as_it_is(line: str) -> None:
    page = (REPOSITORY / "docs" / "running.md").read_text()
    assert line in text("genesis-runner.service", USUAL)
    assert line in page
    assert "| 1, 2, 78 | no |" in page


def test_a_runner_is_given_more_time_to_stop_than_an_order_takes() -> None:
    from genesis_ops.clients.paper import SUBMIT_SECONDS

    assert int(value("genesis-runner.service", "TimeoutStopSec")[0]) > SUBMIT_SECONDS


def test_the_runner_runs_dry_until_a_drop_in_says_otherwise() -> None:
    assert value("genesis-runner.service", "ExecStart") == [f"{USUAL.program} --root {USUAL.root} run"]
    assert value(LIVE_PAPER, "ExecStart") == ["", f"{USUAL.program} --root {USUAL.root} run --live-paper"]
    assert LIVE_PAPER not in names()


def test_a_template_takes_its_market_from_a_file_of_its_own() -> None:
    assert f"--config {USUAL.root}/config/runners/%i.toml run" in value("genesis-runner@.service", "ExecStart")[0]


def test_every_program_of_ours_that_looks_for_locks_sees_the_same_ones() -> None:
    services = [name for name in names() if name.endswith(".service") and name != "genesis-paper.service"]
    assert all("PrivateTmp" not in text(name, USUAL) for name in services)
    assert all({"-/run/lock", "-/tmp"} <= set(value(name, "ReadWritePaths")[0].split()) for name in services)


def test_what_starts_with_the_machine_can_be_enabled() -> None:
    assert all("[Install]" in text(name, USUAL) for name in STARTED)
    assert ACCEPTANCE in names()


def test_the_api_answers_on_loopback_alone_at_the_port_that_the_settings_name(tmp_path: Path) -> None:
    found = place(settings(tmp_path, api_url="http://127.0.0.1:9123"))
    assert value("genesis-paper.service", "ExecStart", found)[0].endswith("--host 127.0.0.1 --port 9123")


def test_logs_outside_of_the_root_may_be_written_too(tmp_path: Path) -> None:
    found = place(settings(tmp_path, log_dir="/var/log/genesis"))
    assert found.writes == (str(tmp_path / "logs"), "/var/log/genesis")
    assert "-/var/log/genesis" in value("genesis-runner.service", "ReadWritePaths", found)[0].split()


def test_locks_may_be_written_where_the_settings_have_them(tmp_path: Path) -> None:
    assert place(settings(tmp_path, lock_dir="/var/lock/genesis")).writes[-1] == "/var/lock/genesis"


@pytest.mark.parametrize(("root", "home"), [("/home/g/Core", "read-only"), ("/opt/home/Core", "yes")])
def test_a_root_in_a_home_can_be_seen(root: str, home: str) -> None:
    assert value("genesis-runner.service", "ProtectHome", USUAL._replace(root=root)) == [home]


def test_a_directory_that_is_not_there_is_no_matter_of_systemd() -> None:
    ours = [name for name in names() if name.endswith(".service") and name != "genesis-paper.service"]
    assert all(path.startswith("-") for name in ours for path in value(name, "ReadWritePaths")[0].split())


def test_no_placeholder_is_left() -> None:
    assert not [name for name in names(live_paper=True) if re.search(r"@[a-z]+@", text(name, SPACED))]


@pytest.mark.parametrize("name", names(live_paper=True))
def test_the_files_in_config_are_what_the_code_writes_for_the_server_of_the_runbook(name: str) -> None:
    found = (REPOSITORY / "config" / "systemd" / name).read_text()
    assert found == text(name, USUAL._replace(writes=(f"{USUAL.root}/logs",)))


# --- whose they are


def test_a_file_knows_whether_a_person_changed_it() -> None:
    made = text("genesis-paper.service", USUAL)
    assert is_own(made)
    assert not is_own(made.replace("Restart=always", "Restart=no"))
    assert not is_own(made.partition("\n")[2])


# --- what cannot stand in them


@pytest.mark.parametrize(
    "root",
    [
        "/a\nExecStart=/bin/sh",
        "/a%h",
        "/a$HOME",
        '/a"b',
        "/a'b",
        "/a\\x20b",
        "/a*",
        "/a[b]",
        "/a ",
        "/a\tb",
        "/a\u202eb",
    ],
)
def test_a_path_with_a_second_meaning_is_refused(tmp_path: Path, root: str) -> None:
    odd = settings(tmp_path)
    with pytest.raises(Refused, match="holds a character") as refused:
        place(odd, program=root)
    assert refused.value.message.isprintable()


@pytest.mark.parametrize("user", ["", "-x", "a b", "a\nb", "0day", "%u", "a" * 33, "root;id"])
def test_a_user_is_a_name(tmp_path: Path, user: str) -> None:
    with pytest.raises(Refused, match="no user's name"):
        place(settings(tmp_path), user=user)


def test_a_program_is_named_in_full(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no absolute path"):
        place(settings(tmp_path), program="genesis-ops")


@given(st.text(min_size=1, max_size=40))
def test_a_path_is_refused_or_is_one_word_of_the_command(path: str) -> None:
    here = settings(Path("/"))
    try:
        found = place(here, program=f"/{path}")
    except Refused:
        return
    line = value("genesis-stop-check.service", "ExecStart", found)
    assert [shlex.split(each) for each in line] == [[f"/{path}", "--root", "/", "stop-check", "--quiet"]]


# --- systemd's own word


@needs_systemd
@pytest.mark.parametrize(("root", "program"), [("Core", "genesis-ops"), ("my; root", "a  b/genesis-ops")])
def test_systemd_takes_the_units_as_they_are(tmp_path: Path, root: str, program: str) -> None:
    files = written(tmp_path, root, program)
    command = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *map(str, files))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "genesis-" in line]) == (0, [])


@needs_systemd
def test_systemd_counts_little_that_the_services_could_do_beyond_their_work(tmp_path: Path) -> None:
    for path in written(tmp_path, "Core", "genesis-ops"):
        if path.suffix == ".service":
            threshold = SCORES.get(path.stem, 20)
            command = ("systemd-analyze", "security", "--offline=yes", f"--threshold={threshold}", str(path))
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            assert done.returncode == 0, done.stdout.splitlines()[-1:]
