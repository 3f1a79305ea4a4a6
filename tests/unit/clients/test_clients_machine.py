"""Who somebody is, whose a file is, where the journal goes, and which Python a program runs in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genesis_ops import __version__
from genesis_ops.clients import machine_python
from genesis_ops.clients.machine import Journald, journald, owner, rights_of, this_user
from genesis_ops.clients.machine_python import Started, started

AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
ME = this_user()
NUMBERS = ".".join(map(str, sys.version_info[:3]))
NOBODY = 65534


def program(path: Path, text: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


# --- users


def test_this_user_owns_what_it_writes(tmp_path: Path) -> None:
    assert owner(tmp_path) == ME
    assert ME


def test_nobody_can_be_seen_to_own_what_is_not_there(tmp_path: Path) -> None:
    assert owner(tmp_path / "nothing") == ""


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a file to another user")
def test_an_owner_without_a_name_is_a_number(tmp_path: Path) -> None:
    os.chown(tmp_path, 4_000_000, -1)
    assert owner(tmp_path) == "4000000"


def test_a_user_is_found_by_name_and_by_number() -> None:
    assert rights_of("root") == rights_of("0") == (0, 0)
    assert [rights_of(name) for name in ("nobody here", "", "99999999999999999999", "4000000", "²")] == [None] * 5


# --- the journal


def host(root: Path, *files: tuple[str, str], directory: str = "") -> Journald:
    program(root / "etc/machine-id", "abc\n")
    for name, text in files:
        program(root / name, text)
    if directory:
        (root / directory).mkdir(parents=True)
    return journald(root)


def test_a_journal_in_this_machines_directory_is_kept(tmp_path: Path) -> None:
    assert host(tmp_path, directory="var/log/journal/abc") == Journald("auto", kept=True, directory=True)


def test_another_machines_directory_keeps_nothing(tmp_path: Path) -> None:
    assert host(tmp_path, directory="var/log/journal/other") == Journald("auto", kept=False, directory=True)


def test_without_a_directory_nothing_is_kept(tmp_path: Path) -> None:
    assert host(tmp_path) == Journald("auto", kept=False, directory=False)


def test_a_machine_without_an_id_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "var/log/journal").mkdir(parents=True)
    assert not journald(tmp_path).kept


@pytest.mark.parametrize(
    ("files", "storage"),
    [
        ({"etc/systemd/journald.conf": "[Journal]\n#Storage=none\n Storage = volatile \n"}, "volatile"),
        ({"usr/lib/systemd/journald.conf": "Storage=none", "etc/systemd/journald.conf": "[Journal]\n"}, "auto"),
        (
            {"etc/systemd/journald.conf": "Storage=none", "etc/systemd/journald.conf.d/9.conf": "Storage=persistent"},
            "persistent",
        ),
        (
            {"run/systemd/journald.conf.d/1.conf": "Storage=none", "etc/systemd/journald.conf.d/1.conf": ""},
            "auto",
        ),
        (
            {
                "etc/systemd/journald.conf.d/1.conf": "Storage=none",
                "run/systemd/journald.conf.d/2.conf": "Storage=a",
            },
            "a",
        ),
        ({"etc/systemd/journald.conf.d/1.txt": "Storage=none"}, "auto"),
        ({"etc/systemd/journald.conf": "Storage=\x1b[31m\nStorage"}, "\\x1b[31m"),
    ],
)
def test_the_last_word_on_storage_counts(tmp_path: Path, files: dict[str, str], storage: str) -> None:
    assert host(tmp_path, *files.items()).storage == storage


def test_a_configuration_that_is_a_directory_says_nothing(tmp_path: Path) -> None:
    assert host(tmp_path, directory="etc/systemd/journald.conf.d/1.conf").storage == "auto"


# --- the Python of a program


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root whose .venv has a Python, which as in any venv is a link."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(os.path.realpath(sys.executable))
    return tmp_path


def of(program: Path, root: Path, user: str = ME) -> Started:
    return started("genesis-paper.service", program, root, user)


def test_a_python_of_the_venv_is_told_with_its_version(root: Path) -> None:
    python = root / ".venv/bin/python"
    found = of(python, root)
    assert (found.python, found.version, found.inside) == (str(python), NUMBERS, True)
    assert (found.fault, found.unseen, found.own_version) == ("", "", "")


def test_a_python_outside_of_the_venv_is_known_as_one(root: Path) -> None:
    found = of(Path(os.path.realpath(sys.executable)), root)
    assert (found.version, found.inside) == (NUMBERS, False)


@pytest.mark.parametrize(
    "first_lines",
    ["#!{python}\n", "#! {python} -I\n", "#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n"],
)
def test_a_script_of_the_venv_is_seen_through(root: Path, first_lines: str) -> None:
    script = program(root / ".venv/bin/uvicorn", first_lines.format(python=root / ".venv/bin/python") + "import x\n")
    found = of(script, root)
    assert (found.python, found.inside, found.version) == (str(root / ".venv/bin/python"), True, NUMBERS)


def test_a_script_of_a_venv_with_a_space_in_its_path_is_seen_through(root: Path) -> None:
    (root / "a b/.venv/bin").mkdir(parents=True)
    python = root / "a b/.venv/bin/python"
    python.symlink_to(os.path.realpath(sys.executable))
    script = program(root / "a b/uvicorn", f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n")
    assert of(script, root / "a b").inside


@pytest.mark.parametrize(
    ("text", "unseen"),
    [
        ("#!/usr/bin/env python3\n", "is started through /usr/bin/env"),
        ("#!/bin/bash\nexec python\n", "is started through /bin/bash"),
        ("#!python3\n", "is started through python3"),
        ("#!\n", "is started through ."),
        ("\x7fELF", "is no Python program"),
        ("", "is no Python program"),
    ],
)
def test_a_program_that_names_no_python_is_not_guessed_at(root: Path, text: str, unseen: str) -> None:
    found = of(program(root / "start", text), root)
    assert found.unseen.startswith(f"{root}/start {unseen}")
    assert found.version == ""


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (str, "is not there"),
        (lambda path: path.mkdir(), "is no program"),
        (os.mkfifo, "is no program"),
        (lambda path: program(path, "", 0o644), "is not executable"),
        (lambda path: path.symlink_to("gone"), "is not there"),
    ],
)
def test_a_program_that_cannot_start_is_told(root: Path, make: object, fault: str) -> None:
    assert callable(make)
    make(root / "python3")
    assert of(root / "python3", root).fault == f"{root}/python3 {fault}"


def test_a_script_whose_python_is_gone_cannot_start(root: Path) -> None:
    found = of(program(root / "uvicorn", f"#!{root}/gone/python3\n"), root)
    assert found.fault == f"{root}/gone/python3 is not there"


def test_the_version_of_genesis_ops_is_asked_for(root: Path) -> None:
    text = f"#!{root}/.venv/bin/python\nprint('genesis-ops 0.0.1')\n"
    assert of(program(root / "genesis-ops", text), root).own_version == "0.0.1"
    assert __version__ != "0.0.1"


@pytest.mark.parametrize(
    ("script", "unseen"),
    [("exit 4", "ended with 4: it said nothing"), ("echo hello", "ended with 0"), ("exec sleep 60", "did not answer")],
)
def test_a_python_that_does_not_tell_its_version_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch, script: str, unseen: str
) -> None:
    monkeypatch.setattr(machine_python, "_SECONDS", 0.3)
    assert unseen in of(program(root / "python3", f"#!/bin/sh\n{script}\n"), root).unseen


def test_a_program_gets_nothing_of_the_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITFINEX_API_KEY", "k3y")
    of(program(root / "python3", f"#!/bin/sh\nenv > {root}/env\n"), root)
    assert "k3y" not in (root / "env").read_text()


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a file to another user")
def test_a_program_of_a_third_user_is_not_run(root: Path) -> None:
    python = program(root / "python3", f"#!/bin/sh\ntouch {root}/ran\n")
    os.chown(python, 4_000_000, -1)
    assert "belongs neither to root nor to root" in of(python, root, "root").unseen
    assert not (root / "ran").exists()


def test_a_program_of_a_user_that_is_not_there_is_not_run(root: Path) -> None:
    python = program(root / "python3", f"#!/bin/sh\ntouch {root}/ran\n")
    assert "there is no user \\x1b[31m" in of(python, root, "\x1b[31m").unseen
    assert not (root / "ran").exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
def test_root_lends_a_units_program_none_of_its_rights() -> None:
    # Not below pytest's own directory, into which no other user may look.
    done = subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    try:
        folder.chmod(0o755)
        python = program(folder / "python3", "#!/bin/sh\necho Python $(id -u)-$(id -g)-$(id -G)\n")
        os.chown(python, NOBODY, -1)
        group = rights_of(str(NOBODY))
        assert group is not None
        assert of(python, folder, str(NOBODY)).version == f"{NOBODY}-{group.gid}-{group.gid}"
    finally:
        (folder / "python3").unlink(missing_ok=True)
        folder.rmdir()
