"""Which keys have a row, and what each reader makes of them."""

import pytest

from genesis_ops.envfile.findings import lint
from genesis_ops.envfile.sidebyside import Row, rows

BOM = b"\xef\xbb\xbf"


def told(row: Row) -> tuple[str | None, ...]:
    return tuple(each.value and each.value.reveal() for each in row.told)


@pytest.mark.parametrize("raw", [b"", b"# c\n\n", b"A_1=1\nB_2='2 2'\nC_3=\"\"\n", b"hello\n", b"set A_1=1\n"])
def test_what_is_read_alike_has_no_row(raw: bytes) -> None:
    assert rows(raw) == ()


@pytest.mark.parametrize(
    ("raw", "line", "name", "values"),
    [
        (BOM + b"A_1=1\n", 1, "A_1", (None, None, "1")),
        (b"A_1=1 # c\n", 1, "A_1", ("1 # c", "1", "1")),
        (b"\nexport A_1=1\n", 2, "A_1", (None, "1", "1")),
        (b"A_1=1\r\n", 1, "A_1", ("1", "1\r", "1")),
        (b"A_1=$X\n", 1, "A_1", ("$X", None, "$X")),
        (b"A_1=a b\n", 1, "A_1", ("a b", None, "a b")),
        (b"A_1='a\\\\'\n", 1, "A_1", ("a\\\\", "a\\\\", "a\\")),
        (b"A_1 = 1\n", 1, "A_1", ("1", None, "1")),
        (b"A_1=1\nA_1\n", 1, "A_1", ("1", "1", None)),
    ],
)  # fmt: skip
def test_a_key_that_is_read_differently_has_a_row(
    raw: bytes, line: int, name: str, values: tuple[str | None, ...]
) -> None:
    (row,) = rows(raw)
    assert (row.line, row.name, told(row)) == (line, name, values)


def test_a_key_that_all_lose_has_a_row_although_they_agree() -> None:
    (row,) = rows(b'export A_1="x\n')
    assert (row.name, told(row)) == ("A_1", (None, None, None))


def test_after_a_line_that_a_shell_could_stop_at_its_reading_is_not_known() -> None:
    (first, second) = rows(b"A_1=<x>\nB_2=2\n")
    assert second.told[1].why == "not known after line 1"
    assert first.told[1].open


def test_the_end_of_a_broken_secret_is_not_taken_for_a_key() -> None:
    assert [row.name for row in rows(b"; x\nabc234==\nABC234=\n")] == ["", ""]


@pytest.mark.parametrize(
    "raw", [b"A_1=1 # c\n", b"A_1=$X\n", b"A_1=1\r\n", b"export A_1=1\n", b"A_1='a\\\\'\n", b"A_1 = 1\n"]
)
def test_what_has_a_row_has_a_finding_too(raw: bytes) -> None:
    assert {row.line for row in rows(raw)} <= {finding.line for finding in lint(raw)}
