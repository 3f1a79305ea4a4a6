"""What systemd makes of a file: the table was taken from systemd 252 itself."""

import itertools
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_ops.envfile.parse import EXCHANGE_KEYS, parse, required

GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")


def values(raw: bytes) -> dict[str, str]:
    return {name: value.reveal() for name, value in parse(raw).environment().items()}


@pytest.mark.parametrize(
    ("raw", "taken"),
    [
        (b"", {}),
        (b"A=1\nB=2\nA=3\n", {"A": "3", "B": "2"}),
        (b"A=1", {"A": "1"}),
        (b"A=\nB=", {"A": "", "B": ""}),
        (b" \t A = 1 2 \t\n", {"A": "1 2"}),
        (b"\tA\t=\t1\t\n", {"A": "1"}),
        (b"A\rB=1\n", {"B": "1"}),
        (b"=A\rB=1\n", {"B": "1"}),
        (b"A=\\x\rB=1\n# \\x\rC=1\n", {"A": "x", "B": "1", "C": "1"}),
        (b'A="1"\t2\n', {"A": "12"}),
        (b"A=\\\n\t 1\n", {"A": "\t 1"}),
        (b"A==1\n", {"A": "=1"}),
        (b"=A=1\n==\nB=1\n", {"B": "1"}),
        (b"export A=1\nB=1\n", {"B": "1"}),
        (b"9A=1\nA.B=1\nA-B=1\n\xc3\xa5=1\nB_9=1\n", {"B_9": "1"}),
        (b"A\nB=1\n", {"B": "1"}),
        # comments
        (b"# A=1\n  ; A=2\nB=1\n", {"B": "1"}),
        (b"A=1 # x\nB=1#x\nC=#x\nD= #x\n", {"A": "1 # x", "B": "1#x", "C": "#x", "D": "#x"}),
        (b"# c\\\nA=1\nB=2\n", {"B": "2"}),
        (b"# c\\\\\nA=1\n", {"A": "1"}),
        (b"# c\\\r\nA=1\n", {"A": "1"}),
        # nothing is expanded
        (b'A=$HOME\nB="${HOME}"\nC=`id`\nD=~/x\n', {"A": "$HOME", "B": "${HOME}", "C": "`id`", "D": "~/x"}),
        # backslashes
        (b"A=C:\\dir\\\\x\n", {"A": "C:dir\\x"}),
        (b"A=x\\\nB=1\nC=2\n", {"A": "xB=1", "C": "2"}),
        (b"A=x \\\n  y\n", {"A": "x   y"}),
        (b"A=x\\ \nB=x \\", {"A": "x ", "B": "x "}),
        (b"A=1\\\r\nB=2\n", {"A": "1", "B": "2"}),
        (b'A="a\\nb\\$\\`\\"\\\\\\\nc\\\'"\n', {"A": 'a\\nb$`"\\c\\\''}),
        (b"A='a\\nb\\\\'\n", {"A": "a\\nb\\\\"}),
        # quotes
        (b"A=\"1\" \nB='2'\t\nC=\"\"\n", {"A": "1", "B": "2", "C": ""}),
        (b"A=\"1\"'2' \"3\" 4 '5'\n", {"A": "1234 '5'"}),
        (b'A="1" # x\n', {"A": "1# x"}),
        (b"A=it's\nB=a\"b\"\n", {"A": "it's", "B": 'a"b"'}),
        (b"A='1\nB=2'\nC=3\n", {"A": "1\nB=2", "C": "3"}),
        (b"A='1\nB=2\n", {"A": "1\nB=2\n"}),
        (b'A="1\nB=2\\', {"A": "1\nB=2"}),
        # line ends and odd bytes
        (b"A=1\r\nB=2\rC=3\r\n", {"A": "1", "B": "2", "C": "3"}),
        (b'A="1\r\n2"\r\nB=3\r\n', {"A": "1\r\n2", "B": "3"}),
        (b"\xef\xbb\xbfA=1\nB=2\n", {"B": "2"}),
        (b"A=\x01\x1b\x7f\nB=\xc2\xa0x\xc2\xa0\n", {"A": "\x01\x1b\x7f", "B": "\xa0x\xa0"}),
        (b"# \xff\n\xff\nA=1\n", {"A": "1"}),
    ],
)  # fmt: skip
def test_a_file_is_read_as_systemd_reads_it(raw: bytes, taken: dict[str, str]) -> None:
    assert values(raw) == taken


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"A=1\n# \0\nB=2\n", 2),
        (b"A=1\nB=\xff\n", 2),
        (b"A=1\n\xff=1\n", 2),
        (b"A='\xef\xbf\xbe'\n", 1),
        (b"A=\xef\xb7\x90\n", 1),
        (b"A=\xed\xa0\x80\n", 1),
    ],
)
def test_a_nul_byte_or_a_key_or_value_that_is_not_utf8_costs_the_whole_file(raw: bytes, line: int) -> None:
    parsed = parse(raw)
    assert parsed.assignments == ()
    assert parsed.refused is not None
    assert parsed.refused.line == line


def test_a_value_is_quoted_where_a_quote_opens_it() -> None:
    assert [each.quoted for each in parse(b"A= \t'1'\nB=it's\nC=\n").assignments] == [True, False, False]


def test_a_dropped_line_is_named_without_quoting_it() -> None:
    ignored = parse(b"A=1\nexport B=hunter2\n\nhunter2\n").ignored
    assert [drop.line for drop in ignored] == [2, 4]
    assert "hunter2" not in str(ignored)


def test_an_assignment_knows_its_place_and_its_quotes() -> None:
    raw = b"# c\n  A='1\n2' \r\n\nB=1\\\n2\nC=3"
    a, b, c = parse(raw).assignments
    assert [(each.line, each.last_line, each.quoted) for each in (a, b, c)] == [
        (2, 3, True),
        (5, 6, False),
        (7, 7, False),
    ]
    assert [raw[each.start : each.end] for each in (a, b, c)] == [b"A='1\n2' ", b"B=1\\\n2", b"C=3"]


@pytest.mark.parametrize(
    ("raw", "missing"),
    [
        (b"BITFINEX_API_KEY=k\nBITFINEX_API_SECRET=s\n", ()),
        (b"", EXCHANGE_KEYS),
        (b"\xef\xbb\xbfBITFINEX_API_KEY=k\nBITFINEX_API_SECRET=s\n", ("BITFINEX_API_KEY",)),
        (b"export BITFINEX_API_KEY=k\nBITFINEX_API_SECRET=\n", EXCHANGE_KEYS),
        (b"BITFINEX_API_KEY=k\nBITFINEX_API_SECRET='  '\n", ("BITFINEX_API_SECRET",)),
        (b"BITFINEX_API_KEY=k\nBITFINEX_API_SECRET=s\nBITFINEX_API_KEY=\n", ("BITFINEX_API_KEY",)),
        (b"BITFINEX_API_KEY=k\nBITFINEX_API_SECRET=\xff\n", EXCHANGE_KEYS),
    ],
)
def test_a_required_key_is_missing_where_systemd_hands_on_nothing(raw: bytes, missing: tuple[str, ...]) -> None:
    assert required(raw) == missing


def test_the_wanted_names_are_the_callers_choice() -> None:
    assert required(b"A=1\n", ("A", "B")) == ("B",)


@given(st.binary(max_size=200) | st.text("AB='\"\\ \n\r#;\0\ufeff", max_size=40).map(str.encode))
def test_any_bytes_are_read_and_every_one_is_in_a_statement_or_is_white_space(raw: bytes) -> None:
    parsed = parse(raw)
    between = 0
    for each in parsed.assignments:
        assert between <= each.start < each.end <= len(raw)
        assert raw[each.start : each.end].startswith(each.name.encode())
        assert each.line == raw.count(b"\n", 0, each.start) + 1
        assert each.last_line == raw.count(b"\n", 0, each.end) + 1
        between = each.end


@pytest.mark.parametrize("piece", [b'"', b"'", b"\\", b" ", b"\\\n", b'"\\"', b"\r", b"$", b"'\"", b"=", b"\0"])
@pytest.mark.parametrize("start", [b"A=", b"#", b"", b'A="'])
def test_a_great_many_of_one_sign_are_read_to_the_end(start: bytes, piece: bytes) -> None:
    parsed = parse(start + piece * 50_000)
    assert len(parsed.assignments) <= 1


SIGNS = (b"x", b'"', b"'", b"\\", b" ", b"#", b"\t", b"\n", b"n")


@pytest.mark.skipif(not GENERATOR.exists(), reason="systemd's environment generator is not installed")
def test_systemds_own_parser_reads_every_short_value_alike(tmp_path: Path) -> None:
    """Its generator for environment.d uses the same parser; it takes '$' further, so that sign is left out."""
    every = (b"".join(signs) for length in range(5) for signs in itertools.product(SIGNS, repeat=length))
    whole = [b"K%d=%s\n" % (number, value) for number, value in enumerate(every) if _stands_alone(value)]
    directory = tmp_path / "environment.d"
    directory.mkdir()
    (directory / "all.conf").write_bytes(b"".join(whole))
    done = subprocess.run(
        [GENERATOR], env={"XDG_CONFIG_HOME": str(tmp_path), "PATH": ""}, capture_output=True, check=True
    )
    assert {name: value for name, value in values(b"".join(whole)).items() if value} == _printed(done.stdout)


def _stands_alone(value: bytes) -> bool:
    """Leave out a value that reaches beyond its line end: it would change what the next one is."""
    return set(values(b"A=" + value + b"\nB=1\n")) == {"A", "B"} and b"\n#" not in value


def _printed(output: bytes) -> dict[str, str]:
    """Read what the generator prints: a line a key, not every empty one, quoted and escaped where a shell needs it."""
    lines = (line.split("=", 1) for line in output.decode().splitlines() if line.startswith("K"))
    shown = {name: value.removeprefix('"').removesuffix('"') for name, value in lines}
    return {name: re.sub(r"\\(.)", _unescaped, value) for name, value in shown.items() if value}


def _unescaped(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(match[1], match[1])
