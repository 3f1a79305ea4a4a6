"""The file written anew: systemd reads what was meant, order and comments stay, and once is enough."""

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from genesis_ops.envfile import dotenv, shell
from genesis_ops.envfile.parse import parse
from genesis_ops.envfile.rewrite import refusal, rewrite

BOM = b"\xef\xbb\xbf"
RECORDED = Path(__file__).parents[2] / "samples" / "env" / "recorded.jsonl"
RECORDS = [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()[1:]]


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        (b"", b""),
        (b"A=1", b"A=1"),
        (b"# c\n\n A=1 \nB='2 2'\n", b"# c\n\n A=1 \nB='2 2'\n"),
        (BOM + b"A=1\n", b"A=1\n"),
        (BOM + BOM + b"A=1\n", b"A=1\n"),
        (b"A=1\r\n# c\r\n\r\nB='2'\r\n", b"A=1\n# c\n\nB='2'\n"),
        (b"A=1\rB=2\r", b"A=1\nB=2"),
        (b"A='1\r\n2'\r\n", b"A='1\n2'\n"),
        (b"export A=1\n export B='2'\n", b"A=1\nB=2\n"),
        (b"A=1 # c\n", b"# c\nA=1\n"),
        (b"A='1 2' # c\n", b"# c\nA='1 2'\n"),
        (b'A="it\'s" # c\n', b'# c\nA="it\'s"\n'),
        (b"A= # c\n", b"# c\nA=\n"),
        (b"# C:\\dir\\\nA=1\n", b"# C:\\dir\\ \nA=1\n"),
        (b"A=1 # C:\\dir\\\r\nB=1\n", b"# C:\\dir\\ \nA=1\nB=1\n"),
        (b"export A='$5' # c\n", b"# c\nA='$5'\n"),
        (b"export A='1\n2'\n", b"A='1\n2'\n"),
        (b"A=x#y\n", b"A=x#y\n"),
    ],
)
def test_what_is_beyond_doubt_is_written_as_systemd_reads_it(raw: bytes, written: bytes) -> None:
    assert rewrite(raw).raw == written


@pytest.mark.parametrize(
    "raw",
    [
        *(b"A=$HOME\n", b"export A=$HOME\n", b"A=1 2\n", b"A=C:\\dir\n", b'A="a\\nb"\n', b"A=it's\n", b"A=x\\\ny\n"),
        *(b"A=x\\\r\nB=1\n", b"A = 1\n", b"UID=5\n", b"A=a;b\n"),
    ],
)
def test_what_is_in_doubt_is_left_and_told_with_its_line(raw: bytes) -> None:
    new = rewrite(b"# c\n" + raw)
    assert new.raw == b"# c\n" + raw
    (left,) = [stretch for stretch in new.stretches if stretch.why][:1]
    assert left.line == 2


def test_a_line_that_a_left_one_takes_in_is_told() -> None:
    new = rewrite(b"A={'B'\t# c\\\nB=1\n")
    assert [stretch.line for stretch in new.stretches if stretch.why] == [1, 2]
    assert new.meant == ()


def test_lines_are_counted_as_the_authors_editor_does() -> None:
    new = rewrite(BOM + b"A=1\rB=2\r\nC=$X\n")
    assert [stretch.line for stretch in new.stretches if stretch.why] == [2]
    assert (new.bom, new.returns) == (True, 1)


@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        (b"A=1\nB=\0\n", 2, "NUL"),
        (b"A=1\nB=\xff\n", 2, "UTF-8"),
        (b"# \xff\n", 1, "UTF-8"),
        (b"A=\xef\xbf\xbf\n", 1, "UTF-8"),
        ("A=1\n".encode("utf-16"), 1, "UTF-16"),
    ],
)
def test_a_file_that_is_refused_as_a_whole_is_told_with_line_and_reason(raw: bytes, line: int, words: str) -> None:
    refused = refusal(raw)
    assert refused is not None
    assert (refused.line, words in refused.why) == (line, True)


def test_a_plain_file_is_not_refused() -> None:
    assert refusal(BOM + "A=å\r\n".encode()) is None


# fmt: off
PIECES = (
    "A", "B", "x", "=", "\nA=", "\nB=", '"', "'", "\\", " ", "\n", "#", "\n#", " # c", "$", "~", "\t", "{", "\r\n",
    "\r", "\u00e5", "export ", "\nexport C=", ":", ";", "${X}", "\v", "\f", "A=1 ", "\\\n", "\\\r\n", "\ufeff", "n",
    "'B'",
)
# fmt: on
FILES = st.lists(st.sampled_from(PIECES), max_size=14).map(lambda pieces: "".join(pieces).encode())


def hold(raw: bytes) -> None:
    """Check what holds of every file that can be written anew."""
    new = rewrite(raw)
    read = {assignment.line: (assignment.name, assignment.value) for assignment in parse(new.raw).assignments}
    assert [read.get(each.line) for each in new.meant] == [(each.item.name, each.item.value) for each in new.meant]
    assert not new.raw.startswith(BOM)
    assert b"".join(b"\n".join(each.after) + b"\n" for each in new.stretches).rstrip(b"\n") == new.raw.rstrip(b"\n")
    assert rewrite(new.raw).raw == new.raw
    assert [line for line in comments(raw) if line not in new.raw] == []


def comments(raw: bytes) -> list[bytes]:
    """Give what stands behind the values as a comment, where a shell reads the file to its end."""
    found = (item.comment for item in dotenv.read(raw).items if item.comment)
    return [] if shell.read(raw).ends else [comment.rstrip("\r").encode() for comment in found]


def test_every_recorded_file_holds_it() -> None:
    written = [raw for record in RECORDS if refusal(raw := record["raw"].encode("latin-1")) is None]
    assert len(written) > 250
    for raw in written:
        hold(raw)


@given(FILES)
def test_any_file_holds_it(raw: bytes) -> None:
    assume(refusal(raw) is None)
    hold(raw)


@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9)),
        max_size=4,
    )
)
def test_what_a_shell_and_dotenv_agree_on_systemd_reads_from_the_new_file(pairs: list[tuple[str, str]]) -> None:
    raw = "".join(f"export {name}={value}\r\n" for name, value in pairs).encode()
    assume(refusal(raw) is None)
    clean = raw.replace(b"\r\n", b"\n")
    readings = shell.read(clean), dotenv.read(clean)
    assume(not any(reading.ends for reading in readings))
    one, other = (reading.environment() for reading in readings)
    meant = {name: item.value for name, item in one.items() if name in other and item.value == other[name].value}
    got = parse(rewrite(raw).raw).environment()
    last = {name for name in meant if meant[name] is not None and pairs and sum(each == name for each, _ in pairs) == 1}
    assert {name: got.get(name) for name in last} == {name: meant[name] for name in last}
