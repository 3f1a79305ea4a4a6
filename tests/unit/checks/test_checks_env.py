"""An environment file's checks: each kind of fault in its own check, and a file without any."""

from pathlib import Path

import pytest

from genesis_ops.checks.env import CHECKS, EnvFile, env_check
from genesis_ops.checks.env_unit import Has, Running, unit
from genesis_ops.checks.model import Outcome
from genesis_ops.envfile.findings import lint
from genesis_ops.envfile.parse import parse, required
from genesis_ops.envfile.secret import Secret
from genesis_ops.envfile.sidebyside import rows

KEYS = b"BITFINEX_API_KEY=k\nBITFINEX_API_SECRET=s\n"
PATH = Path("/srv/.env")


def found(raw: bytes, mode: int | None = 0o600) -> EnvFile:
    return EnvFile(
        PATH,
        ".env",
        mode=mode,
        refused=parse(raw).refused,
        findings=lint(raw),
        missing=required(raw),
        rows=rows(raw),
    )


def outcomes(file: EnvFile) -> list[str]:
    return [judged.outcome.value for judged in env_check(file, "m", 0).checks]


def test_the_ids_are_stable_and_in_order() -> None:
    assert [check.id for check in CHECKS] == ["env-readable", "env-private", "env-systemd", "env-alike", "env-required"]


def test_a_file_in_good_order_passes() -> None:
    report = env_check(found(KEYS), "m", 0)
    assert (report.verdict, int(report.exit_code), report.command) == (Outcome.PASS, 0, "env check")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\xef\xbb\xbf# c\n" + KEYS, "FAIL PASS PASS PASS PASS"),
        (b"\xef\xbb\xbf" + KEYS, "FAIL PASS PASS WARN FAIL"),
        (KEYS.replace(b"\n", b"\r\n"), "WARN PASS PASS WARN PASS"),
        (KEYS + b"\0", "FAIL PASS FAIL WARN FAIL"),
        (KEYS + b"X_Y=\xff\n", "FAIL PASS FAIL WARN FAIL"),
        (b"export " + KEYS, "PASS PASS FAIL WARN FAIL"),
        (KEYS + b"X_Y=1 # c\n", "PASS PASS FAIL WARN PASS"),
        (KEYS + b"X_Y=1 2\n", "PASS PASS PASS WARN PASS"),
        (KEYS + b"; c\n", "PASS PASS PASS WARN PASS"),
        (b"", "PASS PASS PASS PASS FAIL"),
    ],
)
def test_each_fault_is_found_by_its_check(raw: bytes, expected: str) -> None:
    assert outcomes(found(raw)) == expected.split()


@pytest.mark.parametrize(("mode", "expected"), [(0o600, "PASS"), (0o400, "PASS"), (0o640, "FAIL"), (0o604, "FAIL")])
def test_a_file_that_others_can_read_fails(mode: int, expected: str) -> None:
    assert outcomes(found(KEYS, mode))[1] == expected


def test_where_there_is_no_file_only_that_is_judged() -> None:
    report = env_check(EnvFile(PATH, ".env", present=False), "m", 0)
    assert [judged.outcome.value for judged in report.checks] == ["FAIL", "SKIP", "SKIP", "SKIP", "SKIP"]
    assert report.checks[0].remedy.startswith("install -m 600 /dev/null /srv/.env")


def test_a_file_that_this_user_may_not_read_is_unknown_and_its_mode_is_judged() -> None:
    file = EnvFile(PATH, ".env", fault="Permission denied", hidden=True, mode=0o640)
    assert outcomes(file) == ["UNKNOWN", "FAIL", "SKIP", "SKIP", "SKIP"]


def test_a_file_that_cannot_be_read_for_another_reason_fails() -> None:
    assert outcomes(EnvFile(PATH, ".env", fault="Is a directory"))[0] == "FAIL"


def test_every_line_of_a_bad_file_is_in_the_evidence() -> None:
    report = env_check(found(KEYS + b"X_Y=1 # c\n" * 30), "m", 0)
    assert len(report.checks[2].evidence) >= 30


# --- what a unit would get


def test_a_variable_is_compared_with_each_process_and_never_shown() -> None:
    running = (
        Running(1, "runner", {"A_1": Secret("zq7Xk2Wv9"), "B_2": Secret("other")}),
        Running(2, "API", None),
    )
    told = unit(".env", b"A_1=zq7Xk2Wv9\nB_2=2\nexport C_3=3\nD_4=4\n", running)
    assert [(each.name, each.line, each.has) for each in told.variables] == [
        ("A_1", 1, (Has.SAME, Has.HIDDEN)),
        ("B_2", 2, (Has.OTHER, Has.HIDDEN)),
        ("D_4", 4, (Has.NONE, Has.HIDDEN)),
    ]
    assert told.dropped == (3,)
    assert "zq7Xk2Wv9" not in repr(told)


def test_the_projects_own_variables_of_a_process_are_listed_without_being_in_the_file() -> None:
    running = (Running(1, "runner", {"GENESIS_API_URL": Secret("x"), "PATH": Secret("/bin")}),)
    told = unit(".env", b"", running)
    assert [(each.name, each.line, each.value, each.has) for each in told.variables] == [
        ("GENESIS_API_URL", 0, None, (Has.MORE,))
    ]


def test_a_file_that_systemd_refuses_gives_a_unit_nothing() -> None:
    told = unit(".env", b"A=1\nB=\0\n", ())
    assert told.variables == ()
    assert told.refused is not None
    assert told.refused.line == 2
