"""The table, the differences and the variables on a page: no secret on any, and no line wider than it."""

import json
from pathlib import Path

import pytest

from genesis_ops.checks.env import EnvFile, env_check
from genesis_ops.checks.env_unit import Running, unit
from genesis_ops.envfile.findings import lint
from genesis_ops.envfile.parse import parse, required
from genesis_ops.envfile.rewrite import refusal, rewrite
from genesis_ops.envfile.secret import Secret
from genesis_ops.envfile.sidebyside import rows
from genesis_ops.report import env, env_diff, env_show
from genesis_ops.report.cells import cells
from genesis_ops.report.env_mask import harmless, row_cells
from genesis_ops.report.text import Page

RECORDED = Path(__file__).parents[2] / "samples" / "env" / "recorded.jsonl"
RECORDS = [json.loads(line)["raw"].encode("latin-1") for line in RECORDED.read_text("utf-8").splitlines()[1:]]
SECRET = "zq7Xk2Wv9"
WIDE, NARROW = Page(80, unicode=True), Page(45, unicode=False)


def found(raw: bytes) -> EnvFile:
    refused = parse(raw).refused
    return EnvFile(Path("/srv/.env"), ".env", True, "", False, 0o600, refused, lint(raw), required(raw), rows(raw))


def drawn(raw: bytes, page: Page) -> list[str]:
    """Draw all that is ever drawn of a file."""
    file = found(raw)
    running = (Running(7, "runner", {"BITFINEX_API_KEY": Secret(SECRET), "A_1": Secret("1")}), Running(8, "API", None))
    lines = [*env.lines(env_check(file, "m", 0), file, page), *env_show.lines(unit(".env", raw, running), page)]
    if refusal(raw) is None:
        lines += env_diff.lines(rewrite(raw), page)
    return ["".join(span.text for span in line) for line in lines]


@pytest.mark.parametrize("page", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_recorded_file_shows_its_secret_or_a_line_that_is_too_wide(page: Page) -> None:
    for number, raw in enumerate(RECORDS):
        text = drawn(raw, page)
        shown = [line for line in text if any(SECRET[at : at + 4] in line for at in range(len(SECRET) - 3))]
        assert shown == [], f"record {number}"
        assert max(map(cells, text)) <= page.width, f"record {number}"
        assert all(line.isprintable() for line in text), f"record {number}"
        assert page.unicode or all(line.isascii() for line in text), f"record {number}"


def test_no_recorded_file_shows_its_secret_as_json() -> None:
    for number, raw in enumerate(RECORDS):
        file = found(raw)
        told = env.document(env_check(file, "m", 0), file) + env_show.document(unit(".env", raw, ()))
        assert SECRET[:4] not in told, f"record {number}"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("API_PORT", "8000", True),
        ("LOG_LEVEL", "debug", True),
        ("LOG_DIR", "/var/log/genesis", True),
        ("SYMBOL", "tBTCUSD", True),
        ("API_KEY", "debug", False),
        ("DB_PASSWORD", "1234", False),
        ("SESSION_TOKEN", "off", False),
        ("ANYTHING", SECRET, False),
        ("URL", f"http://user:{SECRET}@host", False),
        ("mixedCase", "8000", False),
        ("API_PORT", "", False),
    ],
)
def test_a_value_is_shown_if_neither_it_nor_its_name_could_be_secret(name: str, value: str, expected: bool) -> None:
    assert harmless(name, value) is expected


@pytest.mark.parametrize(
    ("raw", "cell"),
    [
        (b"API_KEY=zq7Xk2Wv9 # c\n", ("13 characters, with the comment", "9 characters", "9 characters")),
        (b"API_KEY=zq7Xk2Wv9\r\n", ("9 characters", "10 characters, with a CR at its end", "9 characters")),
        (b"API_PORT=8000 # c\n", ("8000, with the comment", "8000", "8000")),
        (b"export API_KEY=zq7Xk2Wv9\n", ("not set: the line is dropped", "9 characters", "9 characters")),
        (b"API_KEY=zq7Xk xx\n", ("8 characters", "not set: a command would run", "8 characters")),
        (b"API_KEY=zq7X$X\n", ("6 characters", "would be expanded", "6 characters")),
        (b"API_KEY='a\\\\'\n", ("3 characters", "3 characters", "2 characters")),
        (b"API_KEY=a\\b\n", ("2 characters", "2 characters", "3 characters")),
        (b'API_KEY="a\\nb"\n', ("4 characters", "4 characters", "3 characters, over 2 lines")),
        (b"API_KEY= # c\n", ("3 characters", "empty", "empty")),
    ],
)  # fmt: skip
def test_a_reading_is_told_by_its_size_and_its_end(raw: bytes, cell: tuple[str, str, str]) -> None:
    (row,) = rows(raw)
    assert row_cells(row) == cell


def test_values_of_one_length_that_differ_are_told_apart() -> None:
    (row,) = rows(b"API_KEY=1\nAPI_KEY\xef\xbb\xbf=2\nexport API_KEY=2\n")[:1]
    assert row_cells(row) == ("1 character", "1 character, another value", "1 character, another value")


def test_the_table_stands_side_by_side_where_there_is_room_and_below_each_other_where_not() -> None:
    raw = b"API_PORT=8000 # c\n"
    wide = ["".join(span.text for span in line).rstrip() for line in env.table(rows(raw), WIDE)]
    assert wide[0].split() == ["line", "key", "systemd", "a", "shell", "dotenv"]
    assert wide[1].split()[:2] == ["1", "API_PORT"]
    name, *readers = ["".join(span.text for span in line) for line in env.table(rows(raw), NARROW)]
    assert name == "  line 1  API_PORT"
    assert readers == ["    systemd  8000, with the comment", "    a shell  8000", "    dotenv   8000"]


def test_of_a_great_many_rows_the_first_are_drawn_and_the_others_counted() -> None:
    raw = b"".join(b"A_%d=1 # c\n" % number for number in range(60))
    last = ["".join(span.text for span in line) for line in env.table(rows(raw), NARROW)][-1]
    assert "10 more" in " ".join("".join(span.text for span in line) for line in env.table(rows(raw), WIDE))
    assert last.strip()


def test_a_difference_shows_how_a_line_was_built_and_nothing_of_its_value() -> None:
    new = rewrite(f"\ufeffexport API_KEY='{SECRET}' # {SECRET}\r\nHOST=$X\n".encode())
    text = ["".join(span.text for span in line).rstrip() for line in env_diff.lines(new, WIDE)]
    assert text[:5] == [
        "   1  the byte order mark is taken away",
        "      carriage returns are taken away from 1 line",
        "   1  - export API_KEY='***' # ***",
        "      + # ***",
        "      + API_KEY=***",
    ]
    assert text[5].startswith("   2  left as it is: HOST: systemd does not expand")


def test_a_line_inside_a_value_shows_nothing_even_if_it_looks_like_a_key() -> None:
    new = rewrite(b"export API_KEY='one\nabcdefgh=\n# two'\n")
    text = ["".join(span.text for span in line).rstrip() for line in env_diff.lines(new, WIDE)]
    assert text[:3] == ["   1  - export API_KEY='***'", "      - ***", "      - # ***"]
    assert "abcdefgh" not in "".join(text)


def test_variables_as_json_have_a_length_and_a_value_only_where_it_may_be_shown() -> None:
    raw = f"API_PORT=8000\nAPI_KEY={SECRET}\n".encode()
    told = json.loads(env_show.document(unit(".env", raw, (Running(7, "runner", {"API_PORT": Secret("1")}),))))
    assert told["schema"] == "genesis-ops.env/1"
    assert [(each["name"], each["length"], each["value"]) for each in told["variables"]] == [
        ("API_PORT", 4, "8000"),
        ("API_KEY", 9, None),
    ]
    assert [each["processes"][0]["has"] for each in told["variables"]] == ["another value", "not set"]
