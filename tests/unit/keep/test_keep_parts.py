"""A file that a program and people write together: whatever becomes of it, no word of theirs is lost."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genesis_ops.keep.parts import Misplaced, Part, Text, merged, parse, part_of, require_whole

FRESH = """# A title

<!-- genesis-ops:verdict -->
**PASS** all is well
| a | b |
| --- | --- |
| 1 | 2 |
<!-- /genesis-ops:verdict -->

## Notes

Room for people.

<!-- genesis-ops:closes -->
- 14:00

- 15:00
<!-- /genesis-ops:closes -->
"""
LATER = FRESH.replace("PASS", "FAIL").replace("15:00", "16:00").replace("Room for people", "Another room")


def merge(existing: str, fresh: str) -> str:
    return merged(existing.encode("utf-8", "surrogateescape"), fresh).decode("utf-8", "surrogateescape")


def words(text: str) -> list[str]:
    """Name every word of a text but those of markers that are whole."""
    body = re.sub(r"(?m)^[ \t]*<!-- /?genesis-ops:[a-z0-9-]+( [\w.]+)? -->\s*$", "", text)
    return re.findall(r"\w+", body)


FIRST = merge("", FRESH)


def test_a_file_that_is_not_there_becomes_the_whole_text() -> None:
    first = merged(None, FRESH).decode()
    assert re.sub(r" [\w.]+ -->", " -->", first) == FRESH.replace("- 14:00\n\n", "- 14:00\n\n")
    assert merge(" \n\t\r\n", FRESH) == first


def test_the_same_again_leaves_every_byte() -> None:
    assert merge(FIRST, FRESH) == FIRST


def test_parts_are_replaced_where_they_stand_and_what_is_between_them_stays() -> None:
    mine = FIRST.replace("Room for people.", "We restarted it.").replace("# A title", "# Our title")
    after = merge(mine, LATER)
    assert "**FAIL** all is well" in after
    assert "PASS" not in after
    assert after.startswith("# Our title\n")
    assert "We restarted it." in after
    assert "Another room" not in after


def test_a_line_that_was_added_or_changed_in_a_part_stands_below_it_afterwards() -> None:
    mine = FIRST.replace("- 14:00\n", "- 14:00 (late, the feed was slow)\nas ever\n").replace("| 1 | 2 |", "| 1 | 3 |")
    after = merge(mine, LATER)
    assert "<!-- /genesis-ops:verdict -->\n\n| 1 | 3 |\n\n## Notes" in after
    assert after.endswith("<!-- /genesis-ops:closes -->\n\n- 14:00 (late, the feed was slow)\nas ever\n")
    assert after.count("| 1 | 2 |") == 1
    assert merge(after, LATER) == after


def test_lines_that_stood_apart_in_a_part_are_parted_below_it() -> None:
    mine = FIRST.replace("- 14:00\n", "one\n- 14:00\ntwo\n")
    assert merge(mine, FRESH).endswith("\n\none\n\ntwo\n")


def test_a_blank_line_parts_a_persons_words_from_what_follows_the_part() -> None:
    mine = FIRST.replace("- 15:00\n", "- 15:00\nmine\n") + "directly below\n"
    assert merge(mine, FRESH).endswith("<!-- /genesis-ops:closes -->\n\nmine\n\ndirectly below\n")


def test_an_end_that_ends_nothing_is_a_line_like_any_other() -> None:
    mine = FIRST.replace("Room", "<!-- /genesis-ops:other -->\nRoom").replace(
        "- 14:00", "<!-- /genesis-ops:z -->\n- 14:00"
    )
    after = merge(mine, LATER)
    assert "<!-- /genesis-ops:other -->\nRoom for people.\n" in after
    assert after.endswith("\n\n<!-- /genesis-ops:z -->\n")
    assert "15:00" not in after


def test_a_second_line_with_the_programs_words_is_a_persons() -> None:
    after = merge(FIRST.replace("- 14:00\n", "- 14:00\n- 14:00\n"), FRESH)
    assert after.count("- 14:00\n") == 2


def test_a_table_that_an_editor_has_aligned_is_still_the_programs() -> None:
    mine = FIRST.replace("| --- | --- |", "| ------- | ----- |").replace("| 1 | 2 |", "| 1    |  2  |  ")
    assert merge(mine, FRESH) == FIRST


def test_a_file_without_a_marker_keeps_its_text_and_gets_every_part_below_it() -> None:
    after = merge("# Filled in by hand\n\nrunner pid 4711", FRESH)
    assert after.startswith("# Filled in by hand\n\nrunner pid 4711\n\n<!-- genesis-ops:verdict ")
    assert after.index("genesis-ops:verdict") < after.index("genesis-ops:closes")
    assert "Room for people" not in after


def test_a_part_that_was_deleted_comes_back_at_the_end() -> None:
    begin, end = FIRST.index("<!-- genesis-ops:verdict"), FIRST.index("<!-- /genesis-ops:verdict -->\n")
    after = merge(FIRST[:begin] + FIRST[end + 30 :], FRESH)
    assert after.index("genesis-ops:closes") < after.index("genesis-ops:verdict")
    assert after.count("**PASS**") == 1


def test_a_part_that_is_there_twice_stays_once_and_both_keep_what_was_written_in_them() -> None:
    twice = f"{FIRST}\n{FIRST.replace('- 14:00', 'mine')}"
    after = merge(twice, FRESH)
    assert after.count("**PASS**") == 1
    assert after.count("<!-- genesis-ops:closes ") == 1
    assert "\nmine\n" in after


def test_a_part_that_the_template_no_longer_has_leaves_only_a_persons_words() -> None:
    only = FRESH[: FRESH.index("<!-- genesis-ops:closes")]
    after = merge(FIRST.replace("- 15:00", "- 15:00 was mine"), only)
    assert "- 14:00" not in after
    assert "- 15:00 was mine" in after
    assert "genesis-ops:closes" not in after


def test_a_part_that_lost_its_end_is_replaced_as_far_as_its_lines_are_known() -> None:
    after = merge(FIRST.replace("<!-- /genesis-ops:verdict -->\n", ""), LATER)
    assert "PASS" not in after
    assert "Room for people." in after
    assert merge(after, LATER) == after


def test_a_marker_in_whose_sums_somebody_wrote_is_a_line_like_any_other() -> None:
    mine = re.sub(r"(genesis-ops:verdict \S{6})", r"\1really", FIRST)
    after = merge(mine, FRESH)
    assert "really" in after
    assert "genesis-ops:verdict" in after


def test_windows_line_ends_and_a_byte_order_mark_and_foreign_bytes_are_kept() -> None:
    mine = b"\xef\xbb\xbf# Ours\r\nna\xefve \x00 words\r\n"
    after = merged(mine, FRESH)
    assert after.startswith(mine)
    assert b"\n" not in after.replace(b"\r\n", b"")
    assert merged(after, FRESH) == after
    assert after.count(b"\xef\xbb\xbf") == 1


@pytest.mark.parametrize("sign", ["\u2028", "\x0b", "\x85", "\r", "\x1c"])
def test_a_sign_that_ends_a_line_elsewhere_stays_inside_its_line(sign: str) -> None:
    mine = FIRST.replace("Room for", f"Room{sign}for")
    assert merge(mine, FRESH) == mine


def test_the_lines_of_a_part_can_be_read_back() -> None:
    assert part_of(FIRST, "closes") == ("- 14:00", "", "- 15:00")
    assert part_of(FIRST.replace("\n", "\r\n"), "closes") == ("- 14:00", "", "- 15:00")
    assert part_of(FIRST, "orders") == ()


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        ("<!-- genesis-ops:a -->\n", "a", "the part a has no end"),
        ("<!-- /genesis-ops:a -->\n", "a", "the part a ends where it has not begun"),
        ("<!-- genesis-ops:a -->\n<!-- genesis-ops:b -->\n", "b", "the part b begins inside the part a"),
        (
            "<!-- genesis-ops:a -->\n<!-- /genesis-ops:a -->\n<!-- genesis-ops:a -->\n",
            "a",
            "the part a begins a second time",
        ),
        ("<!-- genesis-ops:a -->\n<!-- /genesis-ops:b -->\n", "b", "the part b ends where it has not begun"),
    ],
)
def test_markers_that_cannot_be_written_are_refused_by_name(text: str, name: str, why: str) -> None:
    with pytest.raises(Misplaced) as error:
        require_whole(text)
    assert (error.value.name, error.value.why) == (name, why)


def test_markers_that_can_be_written_are_not_refused() -> None:
    require_whole(FRESH)


# --- whatever somebody does to a file

_MARKERS = (
    "<!-- genesis-ops:verdict -->",
    "<!-- /genesis-ops:verdict -->",
    "<!-- genesis-ops:closes AAAAAA -->",
    "<!-- /genesis-ops:closes -->",
    "<!-- genesis-ops:other -->",
)
_said = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(_MARKERS)
_at = st.integers(0, 40)
_Edit = Callable[[list[str]], list[str]]


def _insert(at: int, line: str) -> _Edit:
    return lambda lines: [*lines[:at], line, *lines[at:]]


def _change(at: int, line: str) -> _Edit:
    return lambda lines: [f"{old}{line}" if n == at else old for n, old in enumerate(lines)]


def _move(at: int, many: int, to: int) -> _Edit:
    def moved(lines: list[str]) -> list[str]:
        rest = [*lines[:at], *lines[at + many :]]
        return [*rest[:to], *lines[at : at + many], *rest[to:]]

    return moved


def _repeat(at: int, many: int) -> _Edit:
    return lambda lines: [*lines, *lines[at : at + many]]


def _drop(at: int, many: int) -> _Edit:
    return lambda lines: [*lines[:at], *lines[at + many :]]


_edits = st.lists(
    st.builds(_insert, _at, _said)
    | st.builds(_change, _at, _said)
    | st.builds(_move, _at, _at, _at)
    | st.builds(_repeat, _at, _at)
    | st.builds(_drop, _at, _at),
    max_size=6,
)
OWN = {*words(FIRST), *words(merge("", LATER))}


@given(_edits, st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_whatever_is_done_to_a_file_every_word_of_a_person_is_still_there(
    edits: list[_Edit], ended: bool, newline: str
) -> None:
    lines = FIRST.splitlines()
    for edit in edits:
        lines = edit(lines)
    mine = newline.join(lines) + (newline if ended else "")
    after = merge(mine, LATER)
    theirs: list[str] = [word for word in words(mine) if word not in OWN]
    there: list[str] = words(after)
    for word in {*theirs}:
        assert there.count(word) >= theirs.count(word), (word, mine, after)
    assert merge(after, LATER) == after


@given(
    st.binary(max_size=300) | st.lists(st.sampled_from([*_MARKERS, "word", ""])).map(lambda x: "\n".join(x).encode())
)
@example(b"<!-- genesis-ops:verdict -->")
@example(b"\xff\xfe\x00")
def test_any_bytes_can_be_merged_with_and_the_second_time_nothing_changes(raw: bytes) -> None:
    after = merged(raw, FRESH)
    assert merged(after, FRESH) == after
    for name in ("verdict", "closes"):
        assert after.decode("utf-8", "surrogateescape").count(f"<!-- genesis-ops:{name} ") >= 1


@given(st.text(max_size=200))
def test_parsing_loses_no_line_but_markers(text: str) -> None:
    inside: list[Any] = [line for segment in parse(text) for line in segment.lines]
    assert "".join(inside) == text or any(isinstance(segment, Part) for segment in parse(text))
    assert all(segment.lines for segment in parse(text) if isinstance(segment, Text))
