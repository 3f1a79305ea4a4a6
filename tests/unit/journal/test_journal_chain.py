"""Reading the journal: whatever is lost, changed or foreign is damage with its place, and a torn line is none."""

import gzip
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal_lines import (
    CANDLE,
    DRY_RUN,
    TODAY,
    acked,
    armed,
    decided,
    evidence,
    lines,
    numbers,
    pack,
    put,
    records,
    started,
    two_orders,
    whole_order,
)

import genesis_ops.journal.chain as subject
from genesis_ops.errors import JournalDamaged
from genesis_ops.journal.chain import Chain, Torn
from genesis_ops.journal.record import SEED, Record, write

YESTERDAY, TOMORROW = "20260204", "20260206"
FIVE = (started(), *whole_order())
DOES_NOT_FOLLOW = "does not follow from what stands before it"


def history(log_dir: Path) -> list[Record]:
    return [entry.record for entry in Chain(log_dir).follow()]


def damage(log_dir: Path, given_before: list[int] | None = None) -> JournalDamaged:
    chain, found = Chain(log_dir), []
    with pytest.raises(JournalDamaged) as caught:
        found.extend(entry.record.number for entry in chain.follow())
    if given_before is not None:
        assert found == given_before
    return caught.value


def assert_damaged(path: Path, offset: int | None, why: str, given_before: list[int]) -> None:
    found = damage(path.parent, given_before)
    assert (found.path, found.offset, found.why) == (path, offset, why)


# --- a whole journal


def test_records_are_given_in_order_with_their_places(tmp_path: Path) -> None:
    texts = lines(FIVE)
    path, chain = put(tmp_path, texts), Chain(tmp_path)
    entries = list(chain.follow())
    assert [entry.record for entry in entries] == records(FIVE)
    assert [(entry.path, entry.offset) for entry in entries] == [(path, len(b"".join(texts[:n]))) for n in range(5)]
    assert (chain.number, chain.torn, chain.torn_end) == (5, (), ())
    assert chain.sum.encode() in texts[-1]


def test_a_sum_is_known_by_its_records_number(tmp_path: Path) -> None:
    texts = lines(FIVE)
    put(tmp_path, texts)
    chain = Chain(tmp_path)
    list(chain.follow())
    assert all(f'"sum": "{chain.sum_of(number)}"'.encode() in text for number, text in enumerate(texts, 1))
    assert (chain.sum_of(0), chain.sum_of(6), chain.sum_of(-1)) == ("", "", "")


def test_where_nothing_was_written_there_are_no_records(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "none", tmp_path / "file"):
        chain = Chain(place)
        assert (numbers(chain), chain.number, chain.sum, chain.sum_of(1)) == ([], 0, SEED, "")


@pytest.mark.parametrize(
    "name",
    ["runner_orders_20260205.log.1", "runner_orders_2026.log", "runner_20260205.log", "xrunner_orders_20260205.log"],
)
def test_files_of_other_names_are_not_looked_at(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x\n")
    assert history(tmp_path) == []


@given(st.lists(st.integers(0, 2), min_size=len(two_orders()), max_size=len(two_orders())))
def test_files_are_read_side_by_side_because_a_clock_can_go_back(
    tmp_path_factory: pytest.TempPathFactory, days: list[int]
) -> None:
    place = tmp_path_factory.mktemp("journal")
    parts = ([], [], [])  # type: tuple[list[bytes], list[bytes], list[bytes]]
    for which, text in zip(days, lines(two_orders()), strict=True):
        parts[which].append(text)
    for name, part in zip((YESTERDAY, TODAY, TOMORROW), parts, strict=True):
        put(place, part, name)
    assert history(place) == records(two_orders())


def test_notes_of_an_earlier_versions_dry_run_are_no_orders(tmp_path: Path) -> None:
    first, *rest = lines(FIVE)
    put(tmp_path, [DRY_RUN, DRY_RUN, first, DRY_RUN, *rest, DRY_RUN])
    put(tmp_path, [DRY_RUN], YESTERDAY)
    chain = Chain(tmp_path)
    assert (numbers(chain), numbers(chain)) == ([1, 2, 3, 4, 5], [])
    assert chain.torn == ()


def test_a_journal_of_nothing_but_dry_run_is_empty(tmp_path: Path) -> None:
    put(tmp_path, [DRY_RUN] * 3)
    assert history(tmp_path) == []


def test_a_record_hidden_behind_a_note_of_a_dry_run_is_damage(tmp_path: Path) -> None:
    path = put(tmp_path, [DRY_RUN[:-1], *lines([started()])])
    assert_damaged(path, 0, DOES_NOT_FOLLOW, [])


@pytest.mark.parametrize(
    "note",
    [b'{"at": "x", "kind": "would-sub"}\n', b'{"at": "x", "kind": "would-submit", "x": ' + b"[" * 99_999 + b"\n"],
)
def test_what_only_begins_like_a_note_of_a_dry_run_is_damage(tmp_path: Path, note: bytes) -> None:
    assert_damaged(put(tmp_path, note), 0, DOES_NOT_FOLLOW, [])


# --- following what is added


def test_only_what_was_added_is_given_the_next_time(tmp_path: Path) -> None:
    texts, chain = lines(two_orders()), Chain(tmp_path)
    given = []
    for end in range(len(texts) + 1):
        put(tmp_path, texts[:end])
        given.append(numbers(chain))
        assert (numbers(chain), chain.number) == ([], end)
    assert given == [[], *([number] for number in range(1, 10))]


def test_files_in_which_nothing_was_added_are_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, chain = lines(FIVE), Chain(tmp_path)
    put(tmp_path, texts[:3], YESTERDAY)
    path = put(tmp_path, texts[3:4])
    assert numbers(chain) == [1, 2, 3, 4]
    opened, real = [], os.open
    monkeypatch.setattr(os, "open", lambda name, *rest: opened.append(name) or real(name, *rest))
    assert (numbers(chain), opened) == ([], [])
    put(tmp_path, texts[3:])
    assert (numbers(chain), opened) == ([5], [path])


def test_what_this_process_appended_is_not_given_again(tmp_path: Path) -> None:
    first, second, third = lines([started(), *whole_order()[:2]])
    chain, sums = Chain(tmp_path), [re.findall(rb'"sum": "(.+)"', text)[0].decode() for text in (first, second)]
    end = 0
    for text, own_sum in zip((first, second), sums, strict=True):
        end = put(tmp_path, [first, second][: chain.number + 1]).stat().st_size
        chain.wrote(tmp_path / f"runner_orders_{TODAY}.log", end, len(text), own_sum)
    assert (numbers(chain), chain.number, chain.sum, chain.sum_of(1)) == ([], 2, sums[1], sums[0])
    pack(put(tmp_path, [first, second]))
    put(tmp_path, [third], TOMORROW)
    assert (numbers(chain), chain.number) == ([3], 3)


def test_a_record_that_this_process_wrote_into_another_file_is_damage(tmp_path: Path) -> None:
    path, chain = put(tmp_path, lines(FIVE)), Chain(tmp_path)
    list(chain.follow())
    size = path.stat().st_size
    chain.wrote(path, size + 10, 10, "a" * 16)
    with pytest.raises(JournalDamaged, match="is not the file that was written to"):
        chain.wrote(path, size + 19, 10, "b" * 16)
    assert chain.number == 6


def test_a_record_that_is_longer_than_the_file_it_was_written_into_is_damage(tmp_path: Path) -> None:
    path, chain = put(tmp_path, b"x" * 9), Chain(tmp_path)
    with pytest.raises(JournalDamaged, match="is not the file that was written to"):
        chain.wrote(path, 9, 10, "b" * 16)


def test_what_another_process_appends_while_files_are_read_never_lacks_what_came_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, chain = lines(FIVE), Chain(tmp_path)
    put(tmp_path, texts[:1])
    put(tmp_path, b"", TOMORROW)
    real = subject._content

    def content(path: Path, offset: int) -> bytes:
        found = real(path, offset)
        put(tmp_path, texts[:2])
        put(tmp_path, texts[2:], TOMORROW)
        return found

    monkeypatch.setattr(subject, "_content", content)
    assert (numbers(chain), numbers(chain)) == ([1, 2], [3, 4, 5])


def test_a_file_that_has_become_shorter_is_damage(tmp_path: Path) -> None:
    texts, chain = lines(FIVE), Chain(tmp_path)
    put(tmp_path, texts)
    list(chain.follow())
    path = put(tmp_path, texts[:4])
    with pytest.raises(JournalDamaged, match=r"cannot be read \(it is shorter than it was\)") as caught:
        list(chain.follow())
    assert caught.value.path == path
    put(tmp_path, texts)
    assert (numbers(chain), chain.number) == ([], 5)


def test_a_file_that_is_gone_is_damage(tmp_path: Path) -> None:
    texts, chain = lines(FIVE), Chain(tmp_path)
    put(tmp_path, texts[:2], YESTERDAY)
    path = put(tmp_path, texts[2:])
    put(tmp_path, b"", TOMORROW).unlink()
    list(chain.follow())
    path.unlink()
    with pytest.raises(JournalDamaged) as caught:
        list(chain.follow())
    assert (caught.value.path, caught.value.why) == (path, "is gone")


def test_an_empty_file_that_is_gone_is_not_missed(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    path = put(tmp_path, lines(FIVE)[0][:20])
    assert numbers(chain) == []
    path.unlink()
    assert numbers(chain) == []


# --- damage


def test_a_lost_record_is_damage_at_the_one_behind_it(tmp_path: Path) -> None:
    texts = lines(FIVE)
    for lost in range(4):
        path = put(tmp_path, texts[:lost] + texts[lost + 1 :])
        assert_damaged(path, len(b"".join(texts[:lost])), DOES_NOT_FOLLOW, list(range(1, lost + 1)))


def test_a_changed_record_is_damage_where_it_stands(tmp_path: Path) -> None:
    texts = lines(FIVE)
    for number, text in enumerate(texts):
        changed = text.replace(b"2026-02-05", b"2026-02-06")
        path = put(tmp_path, [*texts[:number], changed, *texts[number + 1 :]])
        assert_damaged(path, len(b"".join(texts[:number])), DOES_NOT_FOLLOW, list(range(1, number + 1)))


def test_records_in_another_order_are_damage(tmp_path: Path) -> None:
    a, b, c, d, e = lines(FIVE)
    path = put(tmp_path, [a, c, b, d, e])
    assert_damaged(path, len(a), DOES_NOT_FOLLOW, [1])


def test_a_record_that_stands_twice_is_damage(tmp_path: Path) -> None:
    texts = lines(FIVE)
    for number, text in enumerate(texts, 1):
        path = put(tmp_path, [*texts[:number], text, *texts[number:]])
        assert_damaged(path, len(b"".join(texts[:number])), DOES_NOT_FOLLOW, list(range(1, number + 1)))


def test_a_record_that_was_copied_into_another_file_is_damage(tmp_path: Path) -> None:
    texts = lines(FIVE)
    put(tmp_path, texts)
    assert_damaged(put(tmp_path, texts[:1], TOMORROW), 0, DOES_NOT_FOLLOW, [1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    "foreign",
    [b"\n", b"x\n", b"{}\n", b"\xff\n", b'{"n": 3, "at": "2026"}\n', b"2026-02-05 13:00:00 - x - INFO - Heartbeat\n"],
)
def test_a_foreign_line_is_damage(tmp_path: Path, foreign: bytes) -> None:
    texts = lines(FIVE)
    for number in range(6):
        path = put(tmp_path, [*texts[:number], foreign, *texts[number:]])
        assert_damaged(path, len(b"".join(texts[:number])), DOES_NOT_FOLLOW, list(range(1, number + 1)))


def test_another_journals_records_are_damage(tmp_path: Path) -> None:
    put(tmp_path, lines(FIVE), YESTERDAY)
    path = put(tmp_path, lines([started(override="other")]))
    assert_damaged(path, 0, DOES_NOT_FOLLOW, [1, 2, 3, 4, 5])


def test_a_deleted_file_is_damage_at_the_first_record_behind_it(tmp_path: Path) -> None:
    texts = lines(two_orders())
    first = put(tmp_path, texts[:2], YESTERDAY)
    middle = put(tmp_path, texts[2:6])
    last = put(tmp_path, texts[6:], TOMORROW)
    middle.unlink()
    assert_damaged(last, 0, DOES_NOT_FOLLOW, [1, 2])
    put(tmp_path, texts[2:6])
    first.unlink()
    assert_damaged(middle, 0, DOES_NOT_FOLLOW, [])


def test_of_several_lines_that_do_not_follow_the_one_that_claims_to_come_first_is_named(tmp_path: Path) -> None:
    texts = lines(FIVE)
    put(tmp_path, [texts[0], texts[4]], YESTERDAY)
    path = put(tmp_path, [texts[1].replace(b"LONG", b"SHRT"), texts[2], texts[3]])
    assert_damaged(path, 0, DOES_NOT_FOLLOW, [1])
    foreign = put(tmp_path, b"x\n", TOMORROW)
    assert_damaged(foreign, 0, DOES_NOT_FOLLOW, [1])
    put(tmp_path, texts[0].replace(b"tBTCUSD", b"tETHUSD"), YESTERDAY)
    assert_damaged(foreign, 0, DOES_NOT_FOLLOW, [])


def test_a_record_with_a_right_sum_and_a_wrong_number_is_damage(tmp_path: Path) -> None:
    path = put(tmp_path, lines([started()], first=2))
    assert_damaged(path, 0, "is numbered 2 where 1 follows", [])


def test_a_record_with_a_right_sum_that_this_version_does_not_know_is_damage(tmp_path: Path) -> None:
    first, own_sum = write(records([started()])[0], SEED)
    second, _ = write(Record(2, CANDLE, "dreamed", {}), own_sum)  # type: ignore[arg-type]
    path = put(tmp_path, [first, second])
    assert_damaged(path, len(first), "holds what this version does not know ('dreamed' is not a valid Kind)", [1])


def test_damage_stays_damage_when_it_is_read_again(tmp_path: Path) -> None:
    texts = lines(FIVE)
    for broken in ([*texts[:2], b"x\n", *texts[2:]], [*texts[:2], *texts[3:]], lines([started()], first=2)):
        put(tmp_path, broken)
        chain, given = Chain(tmp_path), []
        for _ in range(3):
            with pytest.raises(JournalDamaged):
                given.extend(entry.record.number for entry in chain.follow())
        assert given in ([1, 2], [])


# --- what a hard stop leaves

NEXT = lines([evidence()], *[re.findall(rb'"sum": "(.+)"', lines(FIVE[:4])[-1])[0].decode()], first=5)[0]


@given(st.data())
def test_a_torn_last_line_is_passed_over_at_the_end_and_where_the_chain_goes_on(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = tmp_path_factory.mktemp("journal")
    length = data.draw(st.integers(1, len(NEXT) - 2), label="bytes that reached the disk")
    zeros = data.draw(st.integers(0, len(NEXT)), label="bytes that did not")
    left = NEXT[:length] + bytes(zeros)
    before = lines(FIVE[:4])
    if data.draw(st.booleans(), label="the next start has marked it"):
        left += b" [torn]\n"
    whole = len(NEXT) - 2 < length
    path = put(place, [*before, left])
    chain = Chain(place)
    assert numbers(chain) == [1, 2, 3, 4, 5][: 4 + whole]
    assert chain.torn == chain.torn_end == (Torn(path, len(b"".join(before)), left.removesuffix(b"\n")),)
    put(place, [*before, left.removesuffix(b" [torn]\n"), b" [torn]\n", NEXT])
    for read in (chain, Chain(place)):
        assert read.number + len(numbers(read)) == 5
        assert [(torn.path, torn.offset) for torn in read.torn] == [(path, len(b"".join(before)))]
        assert read.torn_end == ()


ENDS = (b"", b"\0", bytes(300), b" [torn]", b" [to", b" ", b" [to [torn]", b"\0\0 [torn]", b"  [t [torn]")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("line_end", [b"", b"\n"])
def test_a_record_that_lacks_only_its_line_end_is_whole(tmp_path: Path, end: bytes, line_end: bytes) -> None:
    texts = lines(FIVE)
    put(tmp_path, [*texts[:4], texts[4][:-1], end, line_end])
    chain = Chain(tmp_path)
    assert (numbers(chain), chain.torn) == ([1, 2, 3, 4, 5], ())
    assert (numbers(chain), chain.torn) == ([], ())


def test_a_record_without_its_line_end_is_the_same_when_it_is_marked_and_something_follows(tmp_path: Path) -> None:
    texts = lines(two_orders())
    put(tmp_path, [*texts[:4], texts[4][:-1]])
    chain = Chain(tmp_path)
    assert numbers(chain) == [1, 2, 3, 4, 5]
    put(tmp_path, [*texts[:4], texts[4][:-1], b" [torn]\n", texts[5][:30]])
    assert (numbers(chain), len(chain.torn)) == ([], 1)
    put(tmp_path, [*texts[:4], texts[4][:-1], b" [torn]\n", texts[5][:30], b" [torn]\n", *texts[5:]])
    assert (numbers(chain), len(chain.torn)) == ([6, 7, 8, 9], 1)


@pytest.mark.parametrize("behind", [b"x", b"\r", b" [torm]", b"\0x", b"}", b'"}', b" x [torn]"])
@pytest.mark.parametrize("line_end", [b"", b"\n"])
def test_anything_else_behind_a_record_is_damage(tmp_path: Path, behind: bytes, line_end: bytes) -> None:
    texts = lines(FIVE)
    path = put(tmp_path, [*texts[:4], texts[4][:-1], behind, line_end])
    why = "holds what this version does not know (something else stands behind it)"
    assert_damaged(path, len(b"".join(texts[:4])), why, [1, 2, 3, 4])


def test_a_record_stands_even_if_the_mark_behind_it_was_lost_and_a_torn_one_follows(tmp_path: Path) -> None:
    texts = lines(FIVE)
    put(tmp_path, [*texts[:4], texts[4][:-1], bytes(8), b'{"n": 6}\n'])
    assert [record.number for record in history(tmp_path)] == [1, 2, 3, 4, 5]


def test_a_record_of_which_two_blocks_are_missing_is_torn_and_one_changed_byte_is_damage(tmp_path: Path) -> None:
    texts = lines(FIVE)
    put(tmp_path, [*texts[:4], texts[4][:50], bytes(2), texts[4][52:]])
    chain = Chain(tmp_path)
    assert (numbers(chain), len(chain.torn)) == ([1, 2, 3, 4], 1)
    path = put(tmp_path, [*texts[:4], texts[4][:50], bytes(1), texts[4][51:]])
    assert_damaged(path, len(b"".join(texts[:4])), DOES_NOT_FOLLOW, [1, 2, 3, 4])


def test_several_stops_in_a_row_leave_several_torn_lines(tmp_path: Path) -> None:
    texts = lines(FIVE)
    first = put(tmp_path, [*texts[:2], texts[2][:40], b" [torn]\n", texts[2][:50]], YESTERDAY)
    second = put(tmp_path, [texts[2][:60], b" [torn]\n", texts[2][:70]])
    chain = Chain(tmp_path)
    for _ in range(2):
        assert numbers(chain) in ([1, 2], [])
        assert [(torn.path, len(torn.text)) for torn in chain.torn] == [
            (first, 47),
            (first, 50),
            (second, 67),
            (second, 70),
        ]
        assert chain.torn == chain.torn_end
    put(tmp_path, texts[2:], TOMORROW)
    assert numbers(chain) == [3, 4, 5]
    assert (len(chain.torn), chain.torn_end) == (4, ())


def test_a_record_that_was_marked_as_torn_waits_for_its_turn(tmp_path: Path) -> None:
    texts = lines(FIVE)
    for early, late in ((YESTERDAY, TODAY), (TODAY, YESTERDAY)):
        put(tmp_path, [texts[2][:-1], b" [torn]\n", texts[4]], early)
        put(tmp_path, [texts[0], texts[1][:50], b" [torn]\n", texts[1], texts[3]], late)
        chain = Chain(tmp_path)
        assert (numbers(chain), len(chain.torn)) == ([1, 2, 3, 4, 5], 1)


def test_a_record_that_was_marked_as_torn_waits_whatever_else_stands_in_its_file(tmp_path: Path) -> None:
    texts = lines(FIVE)
    for early, late in ((YESTERDAY, TODAY), (TODAY, YESTERDAY)):
        put(tmp_path, [texts[2][:-1], b" [torn]\n"], early)
        put(tmp_path, [texts[0], texts[1][:50], b" [torn]\n", texts[1], *texts[3:]], late)
        chain = Chain(tmp_path)
        assert (numbers(chain), len(chain.torn)) == ([1, 2, 3, 4, 5], 1)


def test_a_line_torn_in_one_file_does_not_disturb_what_follows_in_another(tmp_path: Path) -> None:
    texts = lines(two_orders())
    for end in (b"", b" [torn]\n"):
        put(tmp_path, [texts[0], texts[2][:40], end], YESTERDAY)
        put(tmp_path, [texts[1], texts[4][:40], b" [torn]\n", *texts[4:6]])
        put(tmp_path, [*texts[2:4], *texts[6:]], TOMORROW)
        chain = Chain(tmp_path)
        assert (numbers(chain), len(chain.torn), chain.torn_end) == (list(range(1, 10)), 2, ())
        assert (numbers(chain), len(chain.torn)) == ([], 2)


def test_a_torn_line_before_the_own_record_is_passed_over_for_good(tmp_path: Path) -> None:
    texts = lines(FIVE)
    torn = put(tmp_path, [*texts[:2], texts[2][:40]], YESTERDAY)
    chain = Chain(tmp_path)
    assert numbers(chain) == [1, 2]
    path = put(tmp_path, texts[2])
    own_sum = re.findall(rb'"sum": "(.+)"', texts[2])[0].decode()
    chain.wrote(path, len(texts[2]), len(texts[2]), own_sum)
    assert ([line.path for line in chain.torn], chain.torn_end) == ([torn], ())
    put(tmp_path, [*texts[:2], texts[2][:40], b" [torn]\n", texts[3]], YESTERDAY)
    assert numbers(chain) == [4]
    assert [line.path for line in chain.torn] == [torn]


def test_a_line_that_another_process_is_still_writing_is_not_torn_once_it_stands(tmp_path: Path) -> None:
    texts = lines(FIVE)
    put(tmp_path, [*texts[:2], texts[2][:40]])
    chain = Chain(tmp_path)
    assert (numbers(chain), len(chain.torn)) == ([1, 2], 1)
    put(tmp_path, texts[:3])
    assert (numbers(chain), chain.torn) == ([3], ())


def test_a_line_that_is_still_being_written_into_an_earlier_day_is_not_torn_once_it_stands(tmp_path: Path) -> None:
    texts = lines(FIVE)
    put(tmp_path, texts[2][:40], YESTERDAY)
    put(tmp_path, texts[:2])
    chain = Chain(tmp_path)
    assert (numbers(chain), len(chain.torn), chain.torn_end) == ([1, 2], 1, ())
    put(tmp_path, texts[2], YESTERDAY)
    assert (numbers(chain), chain.torn) == ([3], ())


def test_a_line_torn_yesterday_is_not_at_the_end_once_there_is_a_record_of_today(tmp_path: Path) -> None:
    texts = lines(FIVE)
    put(tmp_path, [*texts[:2], texts[2][:40]], YESTERDAY)
    put(tmp_path, [texts[2], texts[3][:40]])
    chain = Chain(tmp_path)
    for _ in range(2):
        assert numbers(chain) in ([1, 2, 3], [])
        assert [torn.path.name[14:22] for torn in chain.torn] == [YESTERDAY, TODAY]
        assert [torn.path.name[14:22] for torn in chain.torn_end] == [TODAY]


def test_a_torn_line_that_has_become_something_else_is_damage(tmp_path: Path) -> None:
    texts = lines(FIVE)
    put(tmp_path, [*texts[:2], texts[2][:40]], YESTERDAY)
    put(tmp_path, texts[2:])
    chain = Chain(tmp_path)
    assert len(numbers(chain)) == 5
    path = put(tmp_path, [*texts[:2], b"x" * 40, b"\n"], YESTERDAY)
    with pytest.raises(JournalDamaged) as caught:
        list(chain.follow())
    assert (caught.value.path, caught.value.offset) == (path, len(texts[0] + texts[1]))


# --- one changed byte


def flipped(text: bytes, place: int, byte: int) -> bytes:
    return text[:place] + bytes([byte]) + text[place + 1 :]


def assert_never_another_history(place: Path, parts: dict[str, bytes], expected: list[Record]) -> None:
    for name, part in parts.items():
        put(place, part, name)
    with suppress(JournalDamaged):
        assert history(place) == expected


def torn_and_noted() -> dict[str, bytes]:
    """Give a journal with everything in it that is no record, over two days; all its records have their line ends."""
    a, b, c, d, e, f, g, h, i = lines(two_orders())
    return {
        YESTERDAY: b"".join([DRY_RUN, a, b, c[:60], b" [torn]\n", c, d]),
        TODAY: b"".join([e, f[:-20], b" [torn]\n", f, DRY_RUN, g, h[:50], b" [torn]\n", h, i]),
    }


TORN_BEHIND_THE_LAST = {TODAY: b"".join([*lines(FIVE), lines([acked()])[0][:-25], b" [torn]\n"])}
NOTE_BEFORE_THE_LAST = {TODAY: b"".join([*lines(FIVE)[:4], DRY_RUN, lines(FIVE)[4]])}


@settings(max_examples=400)
@given(st.data())
@pytest.mark.parametrize(
    ("parts", "count"), [(torn_and_noted(), 9), (TORN_BEHIND_THE_LAST, 5), (NOTE_BEFORE_THE_LAST, 5)]
)
def test_one_changed_byte_is_never_taken_for_another_history(
    tmp_path_factory: pytest.TempPathFactory, parts: dict[str, bytes], count: int, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(parts)))
    place = data.draw(st.integers(0, len(parts[name]) - 1) | st.sampled_from([len(parts[name]) - 1]))
    byte = data.draw(st.integers(0, 255) | st.sampled_from(b'\0\n\r [{}"}'))
    changed = {**parts, name: flipped(parts[name], place, byte)}
    assert_never_another_history(tmp_path_factory.mktemp("changed"), changed, records(two_orders())[:count])


@pytest.mark.parametrize("parts", [TORN_BEHIND_THE_LAST, NOTE_BEFORE_THE_LAST])
def test_no_line_end_that_is_changed_to_any_byte_gives_another_history(tmp_path: Path, parts: dict[str, bytes]) -> None:
    text = parts[TODAY]
    for place in (place for place, byte in enumerate(text) if byte == 0x0A):
        for byte in range(256):
            assert_never_another_history(tmp_path, {TODAY: flipped(text, place, byte)}, records(FIVE))


def test_no_byte_of_the_last_record_that_is_changed_is_accepted(tmp_path: Path) -> None:
    text = b"".join(lines(FIVE[:2]))
    begin = len(lines(FIVE[:1])[0])
    for place in range(begin, len(text) - 1):
        for byte in (*b"\0\n }", text[place] ^ 1, text[place] ^ 0x20):
            if byte != text[place]:
                put(tmp_path, flipped(text, place, byte))
                damage(tmp_path, [1])


@given(st.data())
def test_one_changed_byte_of_a_packed_file_is_never_taken_for_another_history(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = tmp_path_factory.mktemp("packed")
    texts = lines(two_orders())
    packed = pack(put(place, texts[:5], YESTERDAY))
    put(place, texts[5:])
    text = packed.read_bytes()
    packed.write_bytes(flipped(text, data.draw(st.integers(0, len(text) - 1)), data.draw(st.integers(0, 255))))
    assert_never_another_history(place, {}, records(two_orders()))


# --- packed files


def test_an_older_days_packed_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    texts = lines(FIVE)
    packed = pack(put(tmp_path, [*texts[:2], texts[2][:40], b" [torn]\n"], YESTERDAY))
    put(tmp_path, texts[2:])
    entries = list((chain := Chain(tmp_path)).follow())
    assert [entry.record for entry in entries] == records(FIVE)
    assert (entries[1].path, entries[1].offset) == (packed, len(texts[0]))
    assert [(torn.path, torn.offset) for torn in chain.torn] == [(packed, len(texts[0] + texts[1]))]


def test_a_packed_file_beside_the_plain_one_says_nothing_new(tmp_path: Path) -> None:
    texts = lines(FIVE)
    plain = [DRY_RUN, texts[0], texts[1][:30], b" [torn]\n", texts[1], texts[2][:40], b" [torn]\n", *texts[2:4]]
    path = put(tmp_path, plain, YESTERDAY)
    pack(path, keep=True)
    put(tmp_path, texts[4:])
    chain = Chain(tmp_path)
    assert numbers(chain) == [1, 2, 3, 4, 5]
    assert [(torn.path, len(torn.text)) for torn in chain.torn] == [(path, 37), (path, 47)]
    assert (numbers(chain), len(chain.torn)) == ([], 2)


def test_a_packed_file_of_which_the_end_is_torn_beside_the_plain_one_is_told_once(tmp_path: Path) -> None:
    texts = lines(FIVE)
    pack(put(tmp_path, [*texts, b'{"n": 6'], YESTERDAY), keep=True)
    chain = Chain(tmp_path)
    assert (numbers(chain), len(chain.torn), len(chain.torn_end)) == ([1, 2, 3, 4, 5], 1, 1)


def test_a_file_that_is_packed_meanwhile_is_the_same(tmp_path: Path) -> None:
    texts = lines(two_orders())
    path = put(tmp_path, [*texts[:4], texts[4][:-1]], YESTERDAY)
    chain = Chain(tmp_path)
    assert numbers(chain) == [1, 2, 3, 4, 5]
    pack(path, keep=True)
    assert numbers(chain) == []
    path.unlink()
    assert numbers(chain) == []
    put(tmp_path, texts[5:])
    assert numbers(chain) == [6, 7, 8, 9]
    packed = path.with_name(f"{path.name}.gz")
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    assert (numbers(chain), chain.torn) == ([], ())


def test_a_day_that_goes_on_after_its_file_was_packed_stands_in_both(tmp_path: Path) -> None:
    texts = lines(FIVE)
    packed = pack(put(tmp_path, texts[:3]))
    put(tmp_path, texts[3:])
    assert history(tmp_path) == records(FIVE)
    packed.unlink()
    assert damage(tmp_path, []).offset == 0


def test_another_history_in_a_packed_file_beside_the_plain_one_is_damage(tmp_path: Path) -> None:
    packed = pack(put(tmp_path, lines([started(override="other")])))
    put(tmp_path, lines([started()]))
    found = damage(tmp_path, [1])
    assert (found.path, found.offset) == (packed, 0)


def test_a_record_that_is_changed_in_the_packed_file_is_damage_even_beside_the_plain_one(tmp_path: Path) -> None:
    a, b, c = lines([started(), decided(), armed()])
    packed = pack(put(tmp_path, [a, b.replace(b"LONG", b"SHRT"), c]))
    put(tmp_path, [a, b, c])
    found = damage(tmp_path, [1, 2, 3])
    assert (found.path, found.offset) == (packed, len(a))


@pytest.mark.parametrize("broken", [b"", b"x", b"cut", b"changed"])
def test_a_packed_file_that_cannot_be_unpacked_is_damage_unless_it_is_still_being_packed(
    tmp_path: Path, broken: bytes
) -> None:
    texts = lines(FIVE)
    path = put(tmp_path, texts[:3], YESTERDAY)
    packed = pack(path, keep=True)
    text = packed.read_bytes()
    packed.write_bytes({b"cut": text[:-20], b"changed": flipped(text, len(text) // 2, 0x55)}.get(broken, broken))
    put(tmp_path, texts[3:])
    chain = Chain(tmp_path)
    assert (numbers(chain), chain.torn) == ([1, 2, 3, 4, 5], ())
    path.unlink()
    found = damage(tmp_path, [])
    if broken:
        assert (found.path, found.offset) == (packed, None)
        assert found.why.startswith("cannot be read (")


def test_a_packed_file_that_has_become_shorter_is_damage(tmp_path: Path) -> None:
    texts = lines(FIVE)
    pack(put(tmp_path, texts, YESTERDAY))
    chain = Chain(tmp_path)
    assert len(numbers(chain)) == 5
    pack(put(tmp_path, texts[:4], YESTERDAY))
    with pytest.raises(JournalDamaged, match="it is shorter than it was"):
        list(chain.follow())


# --- what cannot be read


def unreadable(path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(name: Any, *rest: Any) -> int:
        if name == path:
            raise OSError(number, os.strerror(number), str(path))
        return real(name, *rest)

    monkeypatch.setattr(os, "open", refuse)


def test_a_directory_that_cannot_be_listed_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = damage(tmp_path, [])
    assert (found.path, found.offset, found.why) == (tmp_path, None, "cannot be listed (Permission denied)")


def test_a_file_that_cannot_be_read_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, lines(FIVE))
    unreadable(path, 13, monkeypatch)
    found = damage(tmp_path, [])
    assert (found.path, found.offset) == (path, None)
    assert found.why == f"cannot be read ([Errno 13] Permission denied: '{path}')"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_directory_or_a_fifo_in_a_files_place_is_damage_and_leaves_nothing_open(
    tmp_path: Path, make: Any, end: str
) -> None:
    path = tmp_path / f"runner_orders_{TODAY}.log{end}"
    make(path)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    found = damage(tmp_path, [])
    assert (found.path, found.offset, found.why) == (path, None, "cannot be read (it is not a plain file)")
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_file_that_vanishes_in_this_moment_is_not_missed_if_it_was_read_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = lines(FIVE)
    path, chain = put(tmp_path, texts[:2], YESTERDAY), Chain(tmp_path)
    assert numbers(chain) == [1, 2]
    os.utime(path)
    later = put(tmp_path, texts[2:])
    unreadable(path, 2, monkeypatch)
    assert (numbers(chain), chain.torn) == ([3, 4, 5], ())
    assert_damaged(later, 0, DOES_NOT_FOLLOW, [])


def test_a_file_of_which_nobody_can_tell_anything_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, lines(FIVE))

    def refuse(*_: object, **__: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    unreadable(path, 13, monkeypatch)
    assert damage(tmp_path, []).path == path


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_too_large_to_be_a_journal_is_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    path = put(tmp_path, lines(FIVE))
    size = path.stat().st_size
    if packed:
        path = pack(path)
    monkeypatch.setattr(subject, "_MOST_BYTES", size)
    assert len(history(tmp_path)) == 5
    monkeypatch.setattr(subject, "_MOST_BYTES", size - 1)
    found = damage(tmp_path, [])
    assert (found.path, found.why) == (path, f"cannot be read (it is larger than {size - 1} bytes)")


def test_a_journal_may_hold_a_gibibyte_a_day() -> None:
    assert subject._MOST_BYTES == 1_073_741_824


def test_a_reply_that_ends_like_a_record_does_not_end_it(tmp_path: Path) -> None:
    told = [started(), decided(), armed(), acked(reply={"x": {"sum": "0123456789abcdef"}, "sum": "0123456789abcdef"})]
    texts = lines(told)
    put(tmp_path, texts)
    assert history(tmp_path) == records(told)
    put(tmp_path, [*texts[:3], texts[3][: texts[3].index(b'cdef"}') + 6]])
    chain = Chain(tmp_path)
    assert (numbers(chain), len(chain.torn)) == ([1, 2, 3], 1)


def test_the_newest_candle_is_the_one_of_the_examples() -> None:
    assert records(two_orders())[-1].content["id"] == "20260205-1300"
    assert CANDLE % 3_600_000 == 0
