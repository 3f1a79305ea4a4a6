"""genesis-ops env: what it prints, how it ends, what it writes; and that no secret is in any of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import COMMAND, environment
from typer.testing import CliRunner, Result

from genesis_ops.cli.app import app

RECORDED = Path(__file__).parents[1] / "samples" / "env" / "recorded.jsonl"
FAIL, USAGE, UNKNOWN, WRITE, REFUSED = 1, 2, 3, 70, 78
SECRET = "zq7Xk2Wv9"
GOOD = f"BITFINEX_API_KEY={SECRET}\nBITFINEX_API_SECRET={SECRET}\n"
BAD = f"\ufeffBITFINEX_API_KEY={SECRET}\r\n# note\r\nexport BITFINEX_API_SECRET={SECRET} # {SECRET}\r\nX_Y=$HOME\r\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def put(root: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = root / ".env"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def env(root: Path, *arguments: str) -> Result:
    nowhere = {"GENESIS_API_URL": "http://127.0.0.1:9"}
    done = CliRunner().invoke(app, ["--root", str(root), "env", *arguments], prog_name="genesis-ops", env=nowhere)
    assert SECRET[:4] not in done.output
    assert "Traceback" not in done.output
    return done


# --- check


def test_a_good_file_passes(root: Path) -> None:
    put(root, GOOD)
    done = env(root, "check")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "PASS  5 of 5 checks passed     exit 0"


def test_a_bad_file_fails_with_a_table_and_the_verdict_last(root: Path) -> None:
    put(root, BAD, 0o644)
    done = env(root, "check")
    assert done.exit_code == FAIL
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split() == ["line", "key", "systemd", "a", "shell", "dotenv"] for line in lines)
    assert lines[-1].startswith("FAIL  4 of 5 checks failed")


def test_a_file_of_another_name_can_be_checked(root: Path) -> None:
    other = root / "other.env"
    other.write_text(GOOD)
    other.chmod(0o600)
    assert env(root, "check", str(other)).exit_code == 0
    assert env(root, "check").exit_code == FAIL


def test_a_warning_ends_with_1_where_it_is_asked_for(root: Path) -> None:
    put(root, GOOD + "X_Y=1 2\n")
    assert env(root, "check").exit_code == 0
    assert env(root, "check", "--strict").exit_code == FAIL


@pytest.mark.parametrize("output", ["junit", "nagios", "prometheus", "markdown"])
def test_every_format_tells_the_same_verdict(root: Path, output: str) -> None:
    put(root, BAD)
    done = env(root, "check", "--format", output)
    assert done.exit_code == (2 if output == "nagios" else FAIL)
    assert done.stdout


def test_the_json_object_has_the_keys_that_are_read_differently(root: Path) -> None:
    put(root, BAD)
    told = json.loads(env(root, "check", "--format", "json").stdout)
    assert (told["schema"], told["command"], told["verdict"]) == ("genesis-ops.report/1", "env check", "FAIL")
    assert [(each["line"], each["name"]) for each in told["keys"]] == [
        (1, "BITFINEX_API_KEY"),
        (3, "BITFINEX_API_SECRET"),
        (4, "X_Y"),
    ]
    assert told["keys"][1]["shell"] == {"length": 9, "reads": "9 characters"}


@pytest.mark.parametrize("make", ["nothing", "directory", "fifo", "sparse", "binary", "device"])
def test_what_is_no_environment_file_fails_and_says_what_to_do(root: Path, make: str) -> None:
    path = root / ".env"
    if make == "directory":
        path.mkdir()
    elif make == "fifo":
        os.mkfifo(path)
    elif make == "sparse":
        with path.open("wb") as file:
            file.truncate(1 << 30)
    elif make == "binary":
        path.write_bytes(bytes(range(256)) * 100)
    file = "/dev/null" if make == "device" else str(path)
    checked = env(root, "check", file)
    assert checked.exit_code == FAIL
    assert "→" in checked.stdout or "->" in checked.stdout
    if make != "device":
        assert env(root, "systemd").exit_code == REFUSED
    assert env(root, "show", file).exit_code == (0 if make == "binary" else REFUSED)


def test_no_recorded_file_breaks_a_command_or_shows_its_secret(root: Path) -> None:
    for record in map(json.loads, RECORDED.read_text("utf-8").splitlines()[1::12]):
        put(root, record["raw"].encode("latin-1"))
        assert env(root, "check", "--format", "json").exit_code in {0, FAIL}
        assert env(root, "systemd").exit_code in {0, REFUSED}
        assert env(root, "show").exit_code == 0


# --- systemd


def test_the_copy_is_written_with_what_changed(root: Path) -> None:
    put(root, BAD, 0o644)
    done = env(root, "systemd")
    copy = root / ".env.systemd"
    assert (done.exit_code, done.stderr) == (0, "")
    assert copy.read_text() == (
        f"BITFINEX_API_KEY={SECRET}\n# note\n# {SECRET}\nBITFINEX_API_SECRET={SECRET}\nX_Y=$HOME\n"
    )
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "- export BITFINEX_API_SECRET=*** # ***" in done.stdout
    assert "left as it is: X_Y:" in done.stdout
    assert done.stdout.splitlines()[-1] == ".env.systemd is written: 1 line written in another way"


def test_a_dry_run_shows_the_same_and_writes_nothing(root: Path) -> None:
    put(root, BAD)
    tried = env(root, "systemd", "--dry-run").stdout.splitlines()
    assert not (root / ".env.systemd").exists()
    assert tried[:-1] == env(root, "systemd").stdout.splitlines()[:-1]
    assert tried[-1].startswith(".env.systemd would be written")


def test_a_copy_that_is_up_to_date_is_left_alone(root: Path) -> None:
    put(root, BAD)
    env(root, "systemd")
    before = (root / ".env.systemd").stat().st_ino
    done = env(root, "systemd")
    assert ".env.systemd is up to date" in done.stdout
    assert (root / ".env.systemd").stat().st_ino == before


def test_the_copy_can_be_written_elsewhere_and_passes_its_own_check(root: Path) -> None:
    put(root, BAD.replace("X_Y=$HOME\r\n", ""))
    out = root / "copy"
    assert env(root, "systemd", "--out", str(out)).exit_code == 0
    assert env(root, "check", str(out)).exit_code == 0


def test_the_file_itself_and_what_is_no_plain_file_are_not_written(root: Path) -> None:
    path = put(root, BAD)
    before = path.read_bytes()
    assert env(root, "systemd", "--out", str(path)).exit_code == USAGE
    assert env(root, "systemd", "--out", str(root)).exit_code == REFUSED
    assert env(root, "systemd", "--out", "/dev/null").exit_code == REFUSED
    assert env(root, "systemd", "--out", str(root / "nowhere" / "x")).exit_code == WRITE
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("raw", "words"), [(b"A=1\nB=\0\n", ".env:2: a NUL byte"), (b"A=1\nB=\xff\n", ".env:2: not UTF-8")]
)
def test_a_file_that_is_refused_as_a_whole_is_refused_with_line_and_reason(root: Path, raw: bytes, words: str) -> None:
    put(root, raw)
    done = env(root, "systemd")
    assert done.exit_code == REFUSED
    assert words in done.stderr
    assert "next: genesis-ops" in done.stderr
    assert not (root / ".env.systemd").exists()


# --- show


def test_what_a_unit_would_get_stands_beside_what_a_process_has(root: Path) -> None:
    put(root, GOOD + "API_PORT=8000\nX_Y=1\n")
    command = [sys.executable, "-c", "input()"]
    has = {"BITFINEX_API_KEY": SECRET, "API_PORT": "9000", "GENESIS_ROOT": "/x"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=has) as child:
        done = env(root, "show", "--pid", str(child.pid), "--format", "json")
        text = env(root, "show", "--pid", str(child.pid))
        child.communicate(b"\n")
    told = json.loads(done.stdout)
    assert {each["name"]: (each["value"], each["processes"][0]["has"]) for each in told["variables"]} == {
        "BITFINEX_API_KEY": (None, "the same"),
        "BITFINEX_API_SECRET": (None, "not set"),
        "API_PORT": ("8000", "another value"),
        "X_Y": ("1", "not set"),
        "GENESIS_ROOT": (None, "set, not by the file"),
    }
    assert text.exit_code == 0
    assert "another value" in text.stdout
    assert "9000" not in text.stdout


def test_a_file_that_systemd_refuses_gives_a_unit_nothing(root: Path) -> None:
    put(root, GOOD.encode() + b"\0")
    done = env(root, "show")
    assert done.exit_code == 0
    assert "nothing: line 3: a NUL byte" in done.stdout


def test_a_process_that_is_not_there_is_unknown(root: Path) -> None:
    put(root, GOOD)
    assert env(root, "show", "--pid", "4194305").exit_code == UNKNOWN
    assert env(root, "show", "--pid", "-1").exit_code == UNKNOWN
    assert env(root, "show", "--process", "runner").exit_code == UNKNOWN


def test_a_process_cannot_be_named_twice(root: Path) -> None:
    put(root, GOOD)
    assert env(root, "show", "--pid", "1", "--process", "api").exit_code == USAGE


def test_a_missing_file_is_refused_with_the_command_that_says_more(root: Path) -> None:
    done = env(root, "show")
    assert done.exit_code == REFUSED
    assert "next: genesis-ops" in done.stderr
    assert "env check" in done.stderr


@pytest.mark.parametrize("arguments", [("check",), ("systemd", "--dry-run"), ("show",)])
def test_an_output_that_cannot_be_written_ends_with_70_and_no_traceback(root: Path, arguments: tuple[str, ...]) -> None:
    put(root, BAD)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "--root", str(root), "env", *arguments],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert (done.returncode, b"Traceback" in done.stderr) == (WRITE, False)
