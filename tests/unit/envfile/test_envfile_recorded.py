"""Nasty files and what systemd, bash and python-dotenv really made of them: the models say the same of each."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from genesis_ops.envfile import dotenv, shell
from genesis_ops.envfile.parse import parse
from genesis_ops.envfile.reading import Reading

RECORDED = Path(__file__).parents[2] / "samples" / "env" / "recorded.jsonl"
BASH = Path("/bin/bash")
_, *RECORDS = map(json.loads, RECORDED.read_text("utf-8").splitlines())
OWN = {"PWD", "SHLVL", "_", "OLDPWD", "PATH"}


def raw_of(record: Mapping[str, str]) -> bytes:
    return record["raw"].encode("latin-1")


def differs(reading: Reading, real: Mapping[str, str]) -> bool:
    """Tell whether a reading is wrong in what it claims to know; an open key it does not claim to know."""
    environment = reading.environment()
    known = {name: item.value.reveal() for name, item in environment.items() if item.value is not None}
    return known != {name: value for name, value in real.items() if name not in environment or name in known}


def told(wrong: list[int]) -> None:
    """Fail with the numbers of the records alone: what is in them looks like a secret, and is treated like one."""
    assert wrong == [], f"records {wrong} of {RECORDED.name} are read otherwise"


def test_there_are_more_than_two_hundred_files() -> None:
    assert len({record["raw"] for record in RECORDS}) == len(RECORDS) > 250


def test_systemd_read_every_file_as_the_parser_does() -> None:
    asked = {number: record for number, record in enumerate(RECORDS) if "systemd" in record}
    assert len(asked) > 250
    environments = {
        number: {name: value.reveal() for name, value in parse(raw_of(record)).environment().items()}
        for number, record in asked.items()
    }
    filled = {number: {name: value for name, value in env.items() if value} for number, env in environments.items()}
    told([number for number, record in asked.items() if filled[number] != record["systemd"]])


def test_bash_read_every_file_as_the_model_does_that_claims_to_know_it() -> None:
    readings = {number: shell.read(raw_of(record)) for number, record in enumerate(RECORDS)}
    sure = {number: reading for number, reading in readings.items() if not reading.unsure}
    assert len(sure) > 250
    told([number for number, reading in sure.items() if differs(reading, RECORDS[number]["shell"])])


def test_python_dotenv_read_every_file_as_the_model_does() -> None:
    readings = [dotenv.read(raw_of(record)) for record in RECORDS]
    real = [record["dotenv"] for record in RECORDS]
    told(
        [
            number
            for number, (reading, had) in enumerate(zip(readings, real, strict=True))
            if (reading.ends is not None) is not (had is None) or differs(reading, had or {})
        ]
    )


@pytest.mark.skipif(not BASH.exists(), reason="there is no bash to ask")
def test_this_hosts_bash_still_reads_every_such_file_as_the_model_does(tmp_path: Path) -> None:
    sure = {number: raw_of(record) for number, record in enumerate(RECORDS)}
    sure = {number: raw for number, raw in sure.items() if not shell.read(raw).unsure}
    real = sourced(tmp_path, sure)
    assert len(real) == len(sure)
    told([number for number, raw in sure.items() if number in real and differs(shell.read(raw), real[number])])


# fmt: off
PIECES = (
    "A", "B", "x", "=", "\nA=", "\nB=", '"', "'", "\\", " ", "\n", "#", "\n#", "$", "~", "\t", "{", "\r\n", "\u00e5",
    "export ", ":", "*", ";", "&", "!", "\f", "A=1 ", "C+=", "\x01", "\x7f", "$X", "${X}", "-", "[", "]", "\ufeff",
)
# fmt: on
FILES = st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: ("A=" + "".join(pieces)).encode())


@pytest.mark.skipif(not BASH.exists(), reason="there is no bash to ask")
@settings(max_examples=12)
@given(files=st.lists(FILES, min_size=20, max_size=40))
def test_bash_reads_any_file_as_the_model_does_that_claims_to_know_it(
    files: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    sure = {number: raw for number, raw in enumerate(files) if not shell.read(raw).unsure}
    assume(sure)
    real = sourced(tmp_path_factory.mktemp("sourced"), sure)
    wrong = [raw for number, raw in sure.items() if number in real and differs(shell.read(raw), real[number])]
    assert wrong == []


def sourced(directory: Path, files: Mapping[int, bytes]) -> dict[int, dict[str, str]]:
    """Ask one bash for all files, each in a subshell of its own without a path to any program.

    A subshell ends where a file names a program that is not found; then there is nothing to hold a model against.
    """
    for number, raw in files.items():
        (directory / str(number)).write_bytes(raw)
    each = '( set -a; . "$1/$n" > /dev/null; SOURCED=whole exec /usr/bin/env -0 )'
    script = f'PATH=/nowhere; export -n PATH; for n in $2; do printf "FILE=%s\\0" "$n"; {each}; done'
    numbers = " ".join(map(str, files))
    command: list[str | Path] = [BASH, "--norc", "-c", script, "bash", directory, numbers]
    done = subprocess.run(
        command, env={}, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
    )
    found: dict[int, dict[str, str]] = {}
    for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        name, _, value = entry.partition("=")
        if name == "FILE":
            found[int(value)] = {}
        elif name not in OWN:
            found[max(found, key=list(found).index)][name] = value
    return {number: had for number, had in found.items() if had.pop("SOURCED", "") == "whole"}


@given(st.binary(max_size=300) | FILES)
def test_any_bytes_are_read_and_every_item_stands_in_the_file(raw: bytes) -> None:
    for reading in (shell.read(raw), dotenv.read(raw)):
        lines = [(item.line, item.last_line) for item in reading.items]
        assert lines == sorted(lines)
        assert all(1 <= first <= last <= raw.count(b"\n") + 1 for first, last in lines)


@pytest.mark.parametrize(
    "piece", [b'"', b"'", b"\\", b" ", b"\\\n", b'"\\"', b"\r", b"$", b"=", b"x \n", b"A=1\n", b"# "]
)
@pytest.mark.parametrize("read", [shell.read, dotenv.read], ids=["shell", "dotenv"])
def test_a_great_many_of_one_sign_are_read_to_the_end(read: object, piece: bytes) -> None:
    assert callable(read)
    assert len(read(b"A=" + piece * 20_000).items) <= 20_001
