"""What bash would make of a file, and where nobody can tell without running it."""

import pytest

from genesis_ops.envfile import shell
from genesis_ops.envfile.reading import Reading


def values(reading: Reading) -> dict[str, str | None]:
    return {name: item.value and item.value.reveal() for name, item in reading.environment().items()}


@pytest.mark.parametrize(
    ("raw", "taken"),
    [
        (b"A=1\nB='2'\nC=\"3\"\n", {"A": "1", "B": "2", "C": "3"}),
        (b"A=1 B=2 # c\n", {"A": "1", "B": "2"}),
        (b"A=1\nA=2\n", {"A": "2"}),
        (b"export A=1 B='2 3'\nexport A\n", {"A": "1", "B": "2 3"}),
        (b"A='a'\"b\"c\\d\n", {"A": "abcd"}),
        (b"A=1\\\n2\n", {"A": "12"}),
        (b"A=1\r\n", {"A": "1\r"}),
        (b"A=1#x\n", {"A": "1#x"}),
        (b"A=* B={1,2}\n", {"A": "*", "B": "{1,2}"}),
        (b"A=5$\n", {"A": "5$"}),
        (b"A='$x'\nB=\"\\$x\"\n", {"A": "$x", "B": "$x"}),
        (b"A=\xff\n", {"A": "\udcff"}),
    ],
)
def test_a_plain_file_is_read_as_bash_reads_it(raw: bytes, taken: dict[str, str]) -> None:
    assert values(shell.read(raw)) == taken


@pytest.mark.parametrize(
    "value", ["$HOME", "${X}", "$(id)", "`id`", '"$X"', "~", "~/x", "x:~", "a;b", "a&b", "a&B=1", "x <y"]
)
def test_what_bash_would_expand_or_run_is_open_and_the_next_line_is_read(value: str) -> None:
    reading = shell.read(f"A={value}\nC=3\n".encode())
    assert values(reading)["A"] is None
    assert values(reading)["C"] == "3"
    assert not reading.unsure


def test_a_value_before_a_command_is_for_the_command_alone() -> None:
    reading = shell.read(b"A=1\nA=2 x\n")
    assert values(reading) == {"A": "1"}
    assert reading.passed_over()["A"].why == shell.RUNS


@pytest.mark.parametrize(
    "line",
    [
        *("exit", "unset A", "if x", "cat <<E", "A=(1)", "A[0]=1", "UID=5", "set +a", "$X", '"exit"', "A=1 export B=1"),
        *("POSIXLY_CORRECT=1", "A=${X?}", "A=$((1/0))", "A=$'x'", "; x", "x ||", "A=<x>", "export -n A", "export *"),
    ],
)
def test_what_could_change_the_reading_itself_leaves_the_rest_unsure(line: str) -> None:
    reading = shell.read(f"A_1=1\n{line}\nC=3\n".encode())
    assert (values(reading), reading.unsure) == ({"A_1": "1"}, True)
    assert reading.ends is not None
    assert reading.ends.line == 2


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_quote_that_is_never_closed_surely_costs_all_that_follows(quote: str) -> None:
    reading = shell.read(f"A=1\nB={quote}x\nC=3\n".encode())
    assert (values(reading), reading.unsure) == ({"A": "1"}, False)
    assert reading.ends is not None
    assert reading.ends.line == 2


def test_a_value_over_lines_knows_its_first_and_last() -> None:
    (item,) = shell.read(b"\n# c\nA='1\n2' # d\n").items
    assert (item.line, item.last_line, item.comment) == (3, 4, "# d")
