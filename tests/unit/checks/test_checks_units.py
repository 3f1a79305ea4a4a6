"""What is said of a unit's file beside the one that would be written."""

from pathlib import Path

import pytest

from genesis_ops.checks.model import Outcome
from genesis_ops.checks.units import UnitFile, as_written, changes, units_diff

FILE = UnitFile("genesis-x.service", Path("/u/genesis-x.service"), "[Service]\nRestart=always\n")
SAME = FILE._replace(found=FILE.wanted, own=True)
OTHER = FILE._replace(found="[Service]\nRestart=no\n")


@pytest.mark.parametrize(
    ("file", "outcome", "said"),
    [
        (SAME, Outcome.PASS, "as written"),
        (SAME._replace(drop_ins=("live-paper.conf",)), Outcome.PASS, "as written, with live-paper.conf"),
        (SAME._replace(stale=True), Outcome.WARN, "systemd has not read it yet"),
        (FILE, Outcome.FAIL, "it is not there"),
        (OTHER, Outcome.FAIL, "changed by hand: 2 lines differ"),
        (OTHER._replace(own=True), Outcome.FAIL, "written by another version or for another place: 2 lines differ"),
        (SAME._replace(link="/opt/x"), Outcome.FAIL, "changed by hand, a link to /opt/x: 0 lines differ"),
        (FILE._replace(found="", link="/dev/null"), Outcome.FAIL, "it is masked"),
        (FILE._replace(fault="Permission denied"), Outcome.UNKNOWN, "it cannot be read: Permission denied"),
    ],
)
def test_each_state_of_a_file_has_its_outcome_and_its_words(file: UnitFile, outcome: Outcome, said: str) -> None:
    result = as_written(file)
    assert result.outcome is outcome
    assert said in result.detail
    assert bool(result.remedy) is (outcome is not Outcome.PASS)


def test_the_lines_that_go_and_come_are_the_evidence() -> None:
    assert [place.text for place in as_written(OTHER).evidence] == ["- Restart=no", "+ Restart=always"]
    assert [place.line for place in as_written(OTHER).evidence] == [2, 2]


@pytest.mark.parametrize(
    "line", ["Environment=KEY=verysecret", 'SetCredential=k:"verysecret"', "ExecStart=/a K=verysecret"]
)
def test_what_a_person_put_into_the_environment_is_not_shown(line: str) -> None:
    found = changes(FILE._replace(found=f"[Service]\n{line}\n"))
    assert "verysecret" not in str(found)
    assert [each.sign for each in found] == ["-", "+"]


def test_a_value_of_ours_is_shown() -> None:
    file = FILE._replace(wanted="Environment=TZ=UTC\n", found="Environment=TZ=CET\n")
    assert [each.text for each in changes(file)] == ["Environment=…", "Environment=TZ=UTC"]


def test_a_sum_alone_is_no_difference_worth_a_line() -> None:
    head = "# Written by genesis-ops units install, sum {}. x\n"
    file = FILE._replace(wanted=head.format("a" * 16) + "A=1\n", found=head.format("b" * 16) + "A=2\n")
    assert [each.text for each in changes(file)] == ["A=2", "A=1"]


@pytest.mark.parametrize(("file", "code"), [(SAME, 0), (OTHER, 1), (FILE._replace(fault="x"), 3)])
def test_the_exit_code_says_equal_different_or_unknown(file: UnitFile, code: int) -> None:
    assert units_diff((SAME, file), "/u", 0).exit_code == code
