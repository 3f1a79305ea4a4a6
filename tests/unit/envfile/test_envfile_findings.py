"""The lines on which systemd, a shell and python-dotenv differ; python-dotenv's side is from its 1.0 and 1.2."""

import itertools
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from genesis_ops.envfile.findings import Finding, Kind, lint
from genesis_ops.envfile.parse import parse

BASH = Path("/bin/bash")
BOM = b"\xef\xbb\xbf"
SECRET = "zq7Xk2Wv9"

Expected = set[tuple[int, Kind, bool]]


def found(raw: bytes) -> Expected:
    return {(finding.line, finding.kind, finding.severe) for finding in lint(raw)}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n \t\n# c # ' \" $\n\n",
        b"BITFINEX_API_KEY=aB3-_./:,@%+=^*?!{}[]\nBITFINEX_API_SECRET=x\n",
        b"A=1",
        b"  A=1  \nB=\nC= \n",
        b"A=1#x\nB=#x\n",
        b"A='1 2'\nB=\"3 4\" \t\nC=\"\"\nD=''\n",
        b'A=\'$x `id` " \\n #\'\nB="it\'s # \\\\ \\" \\d ~ !"\n',
        b'A=5$\nB="5$ $. $"\nC=x$/y\n',
        b"KEY='-----BEGIN-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKc=\n-----END-----'\nA=1\n",
        b"A='\xc3\xa5 \xe2\x82\xac'\nB=\xc3\xa5\n# \xc3\xa5\n",
        b"# c\r\nA=1\n",
        b"# c\\\n# d\nA=1\n",
        b"# c\\\\\nA=1\n",
    ],
)
def test_what_all_three_read_alike_has_no_finding(raw: bytes) -> None:
    assert lint(raw) == ()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (BOM + b"A=1\nB=1\n", {(1, Kind.BOM, True)}),
        (BOM + b"# c\nA=1\n", {(1, Kind.BOM, True)}),
        (BOM + b"\nA=1\n", {(1, Kind.BOM, True)}),
        (BOM + b"A=$B\n", {(1, Kind.BOM, True), (1, Kind.EXPANSION, True)}),
        (BOM + b"export A=1\n", {(1, Kind.BOM, True), (1, Kind.EXPORT, True)}),
        (BOM + b"A\n", {(1, Kind.BOM, True), (1, Kind.NO_ASSIGNMENT, True)}),
        (BOM + b"# it='s\nA=1\n", {(1, Kind.BOM, True), (1, Kind.UNBALANCED, True), (2, Kind.SWALLOWED, True)}),
        # names
        (b"A=1\nexport B=2\n", {(2, Kind.EXPORT, True)}),
        (b"export A\n", {(1, Kind.NO_ASSIGNMENT, True)}),
        (b"A\nB=1\n", {(1, Kind.NO_ASSIGNMENT, True)}),
        (b"A-B=1\n9=1\n=1=\n\xc3\xa5=1\n", {(n, Kind.INVALID_NAME, True) for n in (1, 2, 3, 4)}),
        (b"set A=1\n", {(1, Kind.INVALID_NAME, True)}),
        (b"UID=5\n_=1\nBASH_ENV=x\n", {(n, Kind.SHELL_NAME, False) for n in (1, 2, 3)}),
        (b"A=1\nB=1\nA=2\n", {(3, Kind.DUPLICATE, True)}),
        (b"A=1\nA='1'\n", {(2, Kind.DUPLICATE, False)}),
        (b"A=1\nexport A=2\n", {(2, Kind.EXPORT, True)}),
        (b"A =1\n", {(1, Kind.SPACE_AT_EQUALS, False)}),
        (b"A= 1\n", {(1, Kind.SPACE_AT_EQUALS, False)}),
        # comments
        (b"; c\n", {(1, Kind.SEMICOLON, False)}),
        (b"A=1 # c\nB=1\n", {(1, Kind.INLINE_COMMENT, True)}),
        (b"A='1' # c\n", {(1, Kind.INLINE_COMMENT, True), (1, Kind.AFTER_QUOTES, True)}),
        (b"A= # c\n", {(1, Kind.INLINE_COMMENT, True), (1, Kind.SPACE_AT_EQUALS, False)}),
        (b"A='1'#c\n", {(1, Kind.INLINE_COMMENT, True), (1, Kind.AFTER_QUOTES, False)}),
        (b"# C:\\dir\\\nA=1\n\nB=2\n", {(2, Kind.SWALLOWED, True)}),
        # what a shell expands
        (b"A=$HOME\nB=${X}\nC=$(id)\nD=`id`\nE=~/x\nF=x:~\n", {(n, Kind.EXPANSION, True) for n in range(1, 7)}),
        (b'A="$HOME"\nB="`id`"\n', {(1, Kind.EXPANSION, True), (2, Kind.EXPANSION, True)}),
        (b"A='${X}'\n", {(1, Kind.EXPANSION, False)}),
        # what a shell ends a value at
        (b"A=1 2\nB=a;b\nC=a&b\nD=(a)\nE=<a\n", {(n, Kind.NEEDS_QUOTES, False) for n in range(1, 6)}),
        # backslashes
        (b"A=a\\b\nB=a\\ \n", {(1, Kind.BACKSLASH, True), (2, Kind.BACKSLASH, True)}),
        (b"A=a\\", {(1, Kind.BACKSLASH, True)}),
        (b'A=1\\\n2\nB="1\\\n2"\n', {(1, Kind.CONTINUATION, False), (3, Kind.CONTINUATION, False)}),
        (b"A=C:dir\\\nB=1\n", {(1, Kind.CONTINUATION, False), (2, Kind.SWALLOWED, True)}),
        (b"A=1\\\n# c\n", {(1, Kind.CONTINUATION, False), (2, Kind.SWALLOWED, True), (2, Kind.NEEDS_QUOTES, False)}),
        (b"A=1\\\r\nB=2\n", {(1, Kind.BACKSLASH, True)}),
        (b'A="\\n"\nB="\\\'"\n', {(1, Kind.BACKSLASH, True), (2, Kind.BACKSLASH, True)}),
        (b'A="\\$"\nB="\\`"\n', {(1, Kind.BACKSLASH, False), (2, Kind.BACKSLASH, False)}),
        (b"A='a\\\\b'\nB='a\\'\n", {(1, Kind.BACKSLASH, False), (2, Kind.BACKSLASH, False)}),
        # quotes
        (b"A=it's\nB=a\"b\"\n", {(1, Kind.QUOTE_INSIDE, True), (2, Kind.QUOTE_INSIDE, True)}),
        (b"A='1\n\nB=2\n x", {(1, Kind.UNBALANCED, True), (3, Kind.SWALLOWED, True), (4, Kind.SWALLOWED, True)}),
        (b'A="1\nB="2"\n', {(2, Kind.SWALLOWED, True), (2, Kind.AFTER_QUOTES, False), (2, Kind.QUOTE_INSIDE, True)}),
        (b"A='1\nB=2'\n", {(2, Kind.SWALLOWED, True)}),
        (b"A=\"1\"'2'\n", {(1, Kind.AFTER_QUOTES, False)}),
        (b"A='1' '2'\n", {(1, Kind.AFTER_QUOTES, True)}),
        (b"B='1'2 3\n", {(1, Kind.AFTER_QUOTES, True), (1, Kind.NEEDS_QUOTES, False)}),
        # bytes
        (b"A=1\r\n\r\nB='2'\r\n# c\r\nC=3\r", {(n, Kind.CARRIAGE_RETURN, False) for n in (1, 2, 3, 5)}),
        (b"A='1\r\n2'\nB=\"x\r\"\n", {(1, Kind.CARRIAGE_RETURN, True), (3, Kind.CARRIAGE_RETURN, True)}),
        (b"\n# c\rA=1\n", {(2, Kind.CARRIAGE_RETURN, True)}),
        (b"A=1\r\r\n", {(1, Kind.CARRIAGE_RETURN, True)}),
        (b"A=1\n# \0\n", {(2, Kind.NUL, True)}),
        (b"A=1\nB=\xff\n", {(2, Kind.NOT_UTF8, True)}),
        (b"A=1\nB=\xef\xbf\xbf\n", {(2, Kind.NOT_UTF8, True), (2, Kind.INVISIBLE, True)}),
        (b"A=1\n# \xff\n", {(2, Kind.NOT_UTF8, False)}),
        (b"A=x\xc2\xa0\nB='\xe2\x80\x8b'\nC=\x1b\n", {(n, Kind.INVISIBLE, True) for n in (1, 2, 3)}),
        (b"A='1\n2 \x01'\n", {(2, Kind.INVISIBLE, True)}),
        (b"A='1\t\r\n\r2 \x01'\n", {(1, Kind.CARRIAGE_RETURN, True), (2, Kind.INVISIBLE, True)}),
        (b"\r\nA=1\n \t\r\n", {(1, Kind.CARRIAGE_RETURN, False), (3, Kind.CARRIAGE_RETURN, False)}),
        (b"A=1\n\n\rB=1\n", {(3, Kind.CARRIAGE_RETURN, True)}),
        # the line of a fault inside a value of several lines, and the worst of its kind
        (b'A="1\n2\r"\n', {(2, Kind.CARRIAGE_RETURN, True)}),
        (b'A="1\n2\\n"\n', {(2, Kind.BACKSLASH, True)}),
        (b'A="1\n\\$\n\\n"\n', {(3, Kind.BACKSLASH, True)}),
        (b'A="\\n\n\\t"\n', {(1, Kind.BACKSLASH, True)}),
        (b'A="\\$\n\\`"\n', {(1, Kind.BACKSLASH, False)}),
        # tabs are spaces
        (b"A\t=1\nB=\t1\n", {(1, Kind.SPACE_AT_EQUALS, False), (2, Kind.SPACE_AT_EQUALS, False)}),
        (b"A=1\t# c\n", {(1, Kind.INLINE_COMMENT, True)}),
        (b"A='1'2\t3\n", {(1, Kind.AFTER_QUOTES, True), (1, Kind.NEEDS_QUOTES, False)}),
        (b"A='1\n\tB\t=2\n\texport\tC=2'\n", {(2, Kind.SWALLOWED, True), (3, Kind.SWALLOWED, True)}),
        (b"A=1\\\n\t# c\n", {(1, Kind.CONTINUATION, False), (2, Kind.INLINE_COMMENT, True), (2, Kind.SWALLOWED, True)}),
        (BOM + b"\t# c\nA=1\n", {(1, Kind.BOM, True)}),
        (b"A='1' '2'\"3\"\n", {(1, Kind.AFTER_QUOTES, True)}),
        (b"A-B=1\nA-B=2\n", {(1, Kind.INVALID_NAME, True), (2, Kind.INVALID_NAME, True)}),
    ],
)  # fmt: skip
def test_each_difference_is_found_on_its_line(raw: bytes, expected: Expected) -> None:
    assert found(raw) == expected


def test_findings_come_in_the_order_of_the_lines_and_none_twice() -> None:
    findings = lint(b"A=1\nexport A=2\nA='1' # c\nB=\\\n$C\n\0\n")
    assert list(findings) == sorted(findings, key=lambda finding: finding.line)
    assert len(set(findings)) == len(findings)


def only(raw: bytes) -> Finding:
    (finding,) = lint(raw)
    return finding


def test_a_sentence_names_the_key_where_it_has_one() -> None:
    assert only(b"export BITFINEX_API_KEY=1\n").sentence.startswith("BITFINEX_API_KEY: ")
    assert only(b"HOST\t= x\n").sentence.startswith("HOST: ")
    assert only(BOM + b"bitfinex_api_key=1\n").sentence.startswith("bitfinex_api_key: ")


def test_both_lines_of_a_duplicate_are_named() -> None:
    finding = only(b"A_B=1\n\nA_B=2\n")
    assert finding.line == 3
    assert "line 1" in finding.sentence
    assert "another value" in finding.sentence
    assert "the same value" in only(b"A_B=1\nA_B='1'\n").sentence


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "A-{}=1",
        "export {}=1",
        "{}== # c",
        "A: {}=",
        "A='{}",
        "A='x\n{}=\n",
        "A={}\nA={}x",
        "A=x {}",
        "A='{}' {} # {}",
        "A={}\\\n{}\\x",
        "; {}",
        "# \\\n{}",
        "A=$" + "{}",
        "{}\0",
        "A=\udcff{}",
        "\ufeff{}=1",
        "UID={}",
    ],
)
def test_no_sentence_holds_a_part_of_a_secret_wherever_it_stands(line: str) -> None:
    raw = line.replace("{}", SECRET).encode("utf-8", "surrogateescape")
    told = " ".join(finding.sentence for finding in lint(raw)) + repr(parse(raw).ignored)
    assert len(told) > len("()")
    assert not any(SECRET[at : at + 4] in told for at in range(len(SECRET) - 3))


@pytest.mark.parametrize("name", ["mixedCaseName", "A" * 21, "A_" + "B" * 21, "_" * 65, "a_" * 33])
def test_a_name_that_could_be_part_of_a_broken_secret_is_not_shown(name: str) -> None:
    assert name not in only(f"export {name}=1\n".encode()).sentence


def test_the_end_of_a_wrapped_secret_is_not_taken_for_a_key() -> None:
    told = " ".join(
        finding.sentence for finding in lint(b"A=1\nabc234== # c\nabc234==\nABC234=\t \\\n\nABC234= \\\r\n")
    )
    assert "abc234" not in told
    assert "ABC234" not in told


@given(st.binary(max_size=200) | st.text("AB='\"\\ \n\r#;$~\0\ufeff\x01", max_size=40).map(str.encode))
def test_any_bytes_are_judged_and_what_systemd_drops_or_refuses_is_severe(raw: bytes) -> None:
    severe = {finding.line for finding in lint(raw) if finding.severe}
    parsed = parse(raw)
    dropped = {drop.line for drop in parsed.ignored} | ({parsed.refused.line} if parsed.refused else set())
    assert dropped <= severe
    assert all(1 <= finding.line <= raw.count(b"\n") + 1 for finding in lint(raw))


@pytest.mark.parametrize(
    "piece", [b'"', b"'", b"\\", b" ", b"\\\n", b'"\\"', b"\r", b"$", b"'\"", b"=", b"\0", b"x \n"]
)
@pytest.mark.parametrize("start", [b"A=", b"#", b"", b'A="'])
def test_a_great_many_of_one_sign_are_judged_to_the_end(start: bytes, piece: bytes) -> None:
    lines = piece.count(b"\n") * 20_000 + 1
    assert len(lint(start + piece * 20_000)) <= 2 * lines + 3


SIGNS = (b"x", b'"', b"'", b"\\", b" ", b"#", b"$", b"~", b":", b";", b"\n", b"`", b"{", b"\r", b"*", b"(", b"!")
# fmt: off
PIECES = (
    b"A", b"B", b"x", b"=", b"\nA=", b"\nB=", b'"', b"'", b"\\", b" ", b"\n",
    b"#", b"\n#", b"$", b"~", b"\t", b"{", b"\r\n", b"\xc3\xa5",
)
# fmt: on


@pytest.mark.skipif(not BASH.exists(), reason="there is no bash to compare with")
def test_bash_reads_every_short_value_without_a_finding_as_systemd_does(tmp_path: Path) -> None:
    every = (b"".join(signs) for length in range(4) for signs in itertools.product(SIGNS, repeat=length))
    plain = [value for value in every if _is_one_plain_line(value)]
    raw = b"".join(b"K%d=%s\n" % (number, value) for number, value in enumerate(plain))
    assert len(plain) > 500
    assert sourced(tmp_path, raw) == values(raw)


def _is_one_plain_line(value: bytes) -> bool:
    raw = b"A=" + value + b"\n"
    return not lint(raw) and len(parse(raw).assignments) == 1 and not value.endswith(b"\\")


@pytest.mark.skipif(not BASH.exists(), reason="there is no bash to compare with")
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=12))
def test_bash_reads_a_file_without_a_finding_as_systemd_does(
    pieces: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = b"A=" + b"".join(pieces)
    assume(not lint(raw))
    assert sourced(tmp_path_factory.getbasetemp(), raw) == values(raw)


def sourced(directory: Path, raw: bytes) -> dict[str, str]:
    """Ask bash, as the runbook does: set -a; source .env."""
    path = directory / "sourced.env"
    path.write_bytes(raw)
    script = 'set -a; . "$1"; env -0'
    command: list[str | Path] = ["/usr/bin/env", "-i", BASH, "--norc", "-c", script, "bash", path]
    done = subprocess.run(command, capture_output=True, check=True)
    entries = (entry.split("=", 1) for entry in done.stdout.decode().split("\0")[:-1])
    return {name: value for name, value in entries if name not in {"PWD", "SHLVL", "_", "OLDPWD"}}


def values(raw: bytes) -> dict[str, str]:
    return {name: value.reveal() for name, value in parse(raw).environment().items()}
